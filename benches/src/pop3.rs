//! A client of POP3 (RFC 1939).

use anyhow::{Context, Result, ensure};

use crate::connection::{Connection, Mode};
use crate::server::{Account, Role, Server};

/// What ends an answer of several lines (RFC 1939 §3).
const TERMINATOR: &[u8] = b"\r\n.\r\n";

/// A connection to a POP3 server.
pub struct Pop3 {
    connection: Connection,
}

impl Pop3 {
    /// Connects and logs in.
    pub async fn log_in(server: &Server, mode: Mode, account: &Account) -> Result<Self> {
        let port = server.port(Role::Pop3, mode)?;
        let connection = Connection::open(server, port, mode).await?;
        let mut pop3 = Self { connection };
        pop3.answer().await?;
        pop3.command(&format!("USER {}", account.address)).await.context("USER")?;
        pop3.command(&format!("PASS {}", account.password)).await.context("PASS")?;
        Ok(pop3)
    }

    /// How many messages there are, by STAT.
    pub async fn messages(&mut self) -> Result<u64> {
        let answer = self.command("STAT").await?;
        Ok(answer.split(' ').nth(1).context("STAT tells no number")?.parse()?)
    }

    /// Reads one message; its octets.
    pub async fn retrieve(&mut self, number: u64) -> Result<usize> {
        self.command(&format!("RETR {number}")).await?;
        self.connection.skip_through(TERMINATOR).await
    }

    /// Says goodbye.
    pub async fn quit(mut self) -> Result<()> {
        self.command("QUIT").await?;
        Ok(())
    }

    async fn command(&mut self, command: &str) -> Result<String> {
        self.connection.send(format!("{command}\r\n").as_bytes()).await?;
        self.answer().await
    }

    async fn answer(&mut self) -> Result<String> {
        let line = self.connection.text_line().await?;
        ensure!(line.starts_with("+OK"), "the server answered {line}");
        Ok(line)
    }
}

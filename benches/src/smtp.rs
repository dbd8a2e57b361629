//! A client of SMTP (RFC 5321) that pipelines (RFC 2920).

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::connection::{Connection, Mode};
use crate::message::Template;
use crate::server::{Role, Server};

/// Who the mail comes from.
const SENDER: &str = "ann@sender.example";
/// The code with which a server says that it ends the connection (RFC 5321 §3.8).
const SHUTTING_DOWN: u16 = 421;

/// A connection to an SMTP server.
pub struct Smtp {
    connection: Connection,
    mode: Mode,
    message: Vec<u8>,
}

/// When a message was taken.
#[derive(Clone, Copy, Debug)]
pub struct Delivered {
    /// From MAIL to the final reply.
    pub took: Duration,
    /// When the last octet of the message had been sent.
    pub sent: Instant,
    /// When the final reply had been received.
    pub answered: Instant,
}

impl Smtp {
    /// Connects and says EHLO, after STARTTLS if `mode` says so.
    pub async fn open(server: &Server, mode: Mode) -> Result<Self> {
        let port = server.port(Role::Mx, mode)?;
        let mut connection = Connection::open(server, port, mode).await?;
        expect(&mut connection, 220).await?;
        say(&mut connection, "EHLO client.sender.example\r\n", 250).await?;
        if mode == Mode::StartTls {
            say(&mut connection, "STARTTLS\r\n", 220).await?;
            connection = connection.start_tls(server).await?;
            say(&mut connection, "EHLO client.sender.example\r\n", 250).await?;
        }
        Ok(Self { connection, mode, message: Vec::new() })
    }

    /// Sends a new message to one recipient; the time from MAIL to the final reply.
    ///
    /// A server that will take no more on this connection is connected to again.
    pub async fn deliver(&mut self, server: &Server, recipient: &str, template: &Template) -> Result<Delivered> {
        self.message.clear();
        template.write_next(&mut self.message);
        self.message.extend_from_slice(b".\r\n");
        let begin = Instant::now();
        let commands = format!("MAIL FROM:<{SENDER}>\r\nRCPT TO:<{recipient}>\r\nDATA\r\n");
        self.connection.send(commands.as_bytes()).await?;
        let (code, text) = reply(&mut self.connection).await?;
        if code == SHUTTING_DOWN {
            self.connection = Self::open(server, self.mode).await.context("after 421")?.connection;
            self.connection.send(commands.as_bytes()).await?;
            expect(&mut self.connection, 250).await?;
        } else {
            ensure!(code == 250, "MAIL was answered with {text}");
        }
        expect(&mut self.connection, 250).await.context("RCPT")?;
        expect(&mut self.connection, 354).await.context("DATA")?;
        self.connection.send(&self.message).await?;
        let sent = Instant::now();
        expect(&mut self.connection, 250).await.context("the message")?;
        let answered = Instant::now();
        Ok(Delivered { took: answered - begin, sent, answered })
    }

    /// Says goodbye.
    pub async fn quit(mut self) -> Result<()> {
        say(&mut self.connection, "QUIT\r\n", 221).await
    }
}

async fn say(connection: &mut Connection, command: &str, code: u16) -> Result<()> {
    connection.send(command.as_bytes()).await?;
    expect(connection, code).await.with_context(|| command.trim_end().to_owned())
}

async fn expect(connection: &mut Connection, expected: u16) -> Result<()> {
    let (code, text) = reply(connection).await?;
    if code != expected {
        bail!("the server answered {text}");
    }
    Ok(())
}

/// The code and the last line of a reply (RFC 5321 §4.2).
async fn reply(connection: &mut Connection) -> Result<(u16, String)> {
    loop {
        let line = connection.line().await?;
        if line.get(3) == Some(&b'-') {
            continue;
        }
        let text = String::from_utf8_lossy(line).into_owned();
        let code = text.get(..3).and_then(|code| code.parse().ok());
        return Ok((code.with_context(|| format!("{text:?} is no reply"))?, text));
    }
}

//! A client of IMAP (RFC 9051) that counts what it fetches rather than keep it.

use anyhow::{Context, Result, bail, ensure};

use crate::connection::{Connection, Mode};
use crate::server::{Account, Role, Server};

/// A connection to an IMAP server.
pub struct Imap {
    connection: Connection,
    tag: u32,
}

/// What a FETCH brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fetched {
    /// FETCH responses.
    pub responses: u64,
    /// Octets in literals.
    pub literal_octets: u64,
}

impl Imap {
    /// Connects and reads the greeting.
    pub async fn open(server: &Server, mode: Mode) -> Result<Self> {
        let port = server.port(Role::Imap, mode)?;
        let mut connection = Connection::open(server, port, mode).await?;
        let greeting = connection.text_line().await?;
        ensure!(greeting.starts_with("* OK"), "the server greets with {greeting}");
        Ok(Self { connection, tag: 0 })
    }

    /// Connects and logs in.
    pub async fn log_in(server: &Server, mode: Mode, account: &Account) -> Result<Self> {
        let mut imap = Self::open(server, mode).await?;
        imap.command(&format!("LOGIN \"{}\" \"{}\"", account.address, account.password)).await?;
        Ok(imap)
    }

    /// Sends a command and returns the untagged lines of its answer.
    pub async fn command(&mut self, command: &str) -> Result<Vec<String>> {
        let tag = self.start(command).await?;
        let mut untagged = Vec::new();
        loop {
            let line = self.connection.text_line().await?;
            if let Some(answer) = line.strip_prefix(&tag) {
                // LOGIN holds a password, so that only its name is told.
                let name = command.split(' ').next().unwrap_or_default();
                ensure!(answer.starts_with(" OK"), "{name} was answered with{answer}");
                return Ok(untagged);
            }
            untagged.push(line);
        }
    }

    /// Likewise, but `NO` is an answer too: what the command was about may have gone meanwhile.
    pub async fn try_command(&mut self, command: &str) -> Result<Vec<String>> {
        let tag = self.start(command).await?;
        let mut untagged = Vec::new();
        loop {
            let line = self.connection.text_line().await?;
            if let Some(octets) = literal(line.as_bytes()) {
                self.connection.skip(octets).await?;
            }
            if let Some(answer) = line.strip_prefix(&tag) {
                ensure!(answer.starts_with(" OK") || answer.starts_with(" NO"), "{command} was answered with{answer}");
                return Ok(untagged);
            }
            untagged.push(line);
        }
    }

    /// Selects a mailbox; how many messages it holds.
    pub async fn select(&mut self, mailbox: &str) -> Result<u64> {
        let untagged = self.command(&format!("SELECT {mailbox}")).await?;
        let exists = untagged.iter().find_map(|line| line.strip_prefix("* ")?.strip_suffix(" EXISTS"));
        Ok(exists.context("SELECT tells no EXISTS")?.parse()?)
    }

    /// How many messages INBOX holds, by STATUS.
    pub async fn inbox_messages(&mut self) -> Result<u64> {
        let untagged = self.command("STATUS INBOX (MESSAGES)").await?;
        let count = untagged.iter().find_map(|line| line.split_once("(MESSAGES ")?.1.strip_suffix(')'));
        Ok(count.context("STATUS tells no MESSAGES")?.parse()?)
    }

    /// Removes every message from INBOX.
    pub async fn empty_inbox(&mut self) -> Result<()> {
        if self.select("INBOX").await? > 0 {
            self.command("STORE 1:* +FLAGS.SILENT (\\Deleted)").await?;
            self.command("EXPUNGE").await?;
        }
        // So that the mailbox is not followed while something else is measured.
        self.command("UNSELECT").await?;
        Ok(())
    }

    /// Fetches from all messages of the selected mailbox, and counts.
    pub async fn fetch_all(&mut self, items: &str) -> Result<Fetched> {
        let tag = self.start(&format!("FETCH 1:* {items}")).await?;
        let mut fetched = Fetched::default();
        loop {
            let line = self.connection.line().await?;
            if line.starts_with(b"* ") {
                fetched.responses += 1;
            } else if let Some(answer) = line.strip_prefix(tag.as_bytes()) {
                ensure!(answer.starts_with(b" OK"), "FETCH was answered with{}", String::from_utf8_lossy(answer));
                return Ok(fetched);
            }
            // A response with literals goes on in the line behind each of them.
            if let Some(octets) = literal(line) {
                self.connection.skip(octets).await?;
                fetched.literal_octets += octets as u64;
            }
        }
    }

    /// Appends messages to INBOX, in one command if the server can, else each in its own without a wait between them.
    /// Returns the untagged lines.
    pub async fn append(&mut self, messages: &[Vec<u8>], in_one_command: bool) -> Result<Vec<String>> {
        let mut octets = Vec::new();
        for (index, message) in messages.iter().enumerate() {
            if index == 0 || !in_one_command {
                octets.extend_from_slice(if index == 0 { b"" } else { b"\r\n" });
                octets.extend_from_slice(format!("{} APPEND INBOX", self.next_tag()).as_bytes());
            }
            // RFC 7888 §4
            octets.extend_from_slice(format!(" {{{}+}}\r\n", message.len()).as_bytes());
            octets.extend_from_slice(message);
        }
        octets.extend_from_slice(b"\r\n");
        self.connection.send(&octets).await?;
        let last = self.tag_text();
        let mut untagged = Vec::new();
        loop {
            let line = self.connection.text_line().await?;
            if line.starts_with("* ") {
                untagged.push(line);
                continue;
            }
            ensure!(line.contains(" OK"), "APPEND was answered with {line}");
            if line.starts_with(&last) {
                return Ok(untagged);
            }
        }
    }

    /// Begins IDLE (RFC 9051 §6.3.13).
    pub async fn idle(&mut self) -> Result<()> {
        self.start("IDLE").await?;
        loop {
            let line = self.connection.text_line().await?;
            if line.starts_with('+') {
                return Ok(());
            }
            ensure!(line.starts_with("* "), "IDLE was answered with {line}");
        }
    }

    /// Waits in IDLE until the server tells of more messages; how many there are.
    pub async fn pushed_exists(&mut self) -> Result<u64> {
        loop {
            let line = self.connection.text_line().await?;
            if let Some(count) = line.strip_prefix("* ").and_then(|rest| rest.strip_suffix(" EXISTS")) {
                return Ok(count.parse()?);
            }
            if line.starts_with("* BYE") {
                bail!("the server ends IDLE: {line}");
            }
        }
    }

    /// Says goodbye.
    pub async fn log_out(mut self) -> Result<()> {
        self.command("LOGOUT").await?;
        Ok(())
    }

    async fn start(&mut self, command: &str) -> Result<String> {
        let tag = self.next_tag();
        self.connection.send(format!("{tag} {command}\r\n").as_bytes()).await?;
        Ok(tag)
    }

    fn next_tag(&mut self) -> String {
        self.tag += 1;
        self.tag_text()
    }

    fn tag_text(&self) -> String {
        format!("t{:07}", self.tag)
    }
}

/// The size of the literal that a line announces (RFC 9051 §4.3), if it does.
fn literal(line: &[u8]) -> Option<usize> {
    let inner = line.strip_suffix(b"}")?;
    let open = memchr::memrchr(b'{', inner)?;
    std::str::from_utf8(&inner[open + 1..]).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_seen_at_the_end_of_a_line_only() {
        let check = |line: &str, expected| assert_eq!(literal(line.as_bytes()), expected, "{line}");
        check("* 1 FETCH (BODY[] {4096}", Some(4096));
        check("* 1 FETCH (BODY[] {0}", Some(0));
        check("* 1 FETCH (FLAGS ())", None);
        check("* 1 FETCH (ENVELOPE (\"{12}\"))", None);
        check("{x}", None);
    }
}

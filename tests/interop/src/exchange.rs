//! What a person does with the server under test: send a message, wait for one, look at what waits.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::posthouse::{Account, Posthouse};
use crate::process::base64;
use crate::tls_stream::LineStream;

/// How long a message may take to arrive, to come back, or to be tried.
const PATIENCE: Duration = Duration::from_secs(60);

impl Posthouse {
    /// A connection on which the first account has signed in to send.
    ///
    /// # Errors
    /// When it is not let in.
    pub fn submission(&self) -> Result<LineStream> {
        let ann = self.ann();
        let mut smtp = LineStream::tls(self.port("submission", "implicit"), "localhost", self.ca())?;
        smtp.smtp_reply()?;
        smtp.smtp("EHLO client.example")?;
        let login = base64(format!("\0{}\0{}", ann.address, ann.password).as_bytes());
        ensure!(smtp.smtp(&format!("AUTH PLAIN {login}"))?.starts_with("235"));
        Ok(smtp)
    }

    /// Submits a message as the first account, with these parameters of MAIL, such as ` REQUIRETLS`. `message` is what
    /// stands below `From:`, lines ending in CRLF.
    ///
    /// # Errors
    /// When it is not taken.
    pub fn submit(&self, to: &[&str], parameters: &str, message: &str) -> Result<()> {
        let mut smtp = self.submission()?;
        self.submit_on(&mut smtp, to, parameters, message)
    }

    /// Likewise, on a connection that is there already.
    ///
    /// # Errors
    /// When it is not taken.
    pub fn submit_on(&self, smtp: &mut LineStream, to: &[&str], parameters: &str, message: &str) -> Result<()> {
        let from = &self.ann().address;
        let reply = smtp.smtp(&format!("MAIL FROM:<{from}>{parameters}"))?;
        ensure!(reply.starts_with("250"), "{reply}");
        // All at once (RFC 2920), for the sake of tests with very many.
        let commands: String = to.iter().map(|one| format!("RCPT TO:<{one}>\r\n")).collect();
        smtp.send_raw(commands.as_bytes())?;
        for one in to {
            let reply = smtp.smtp_reply()?;
            ensure!(reply.starts_with("250"), "{one}: {reply}");
        }
        ensure!(smtp.smtp("DATA")?.starts_with("354"));
        smtp.send(&format!("From: Ann <{from}>\r\n{message}"))?;
        let reply = smtp.smtp(".")?;
        ensure!(reply.starts_with("250"), "{reply}");
        Ok(())
    }

    /// Submits a message of one line whose subject is `for` and the recipient.
    ///
    /// # Errors
    /// When it is not taken.
    pub fn submit_hello(&self, to: &str, parameters: &str) -> Result<()> {
        self.submit(&[to], parameters, &format!("To: {to}\r\nSubject: for {to}\r\n\r\nHello."))
    }

    /// Waits for a message in somebody's INBOX that contains `needle`, and returns it.
    ///
    /// # Errors
    /// When none comes in time.
    pub fn received(&self, account: &Account, needle: &str) -> Result<String> {
        let mut imap = LineStream::tls(self.port("imap", "implicit"), "localhost", self.ca())?;
        imap.line()?;
        imap.imap("a", &format!("LOGIN {} {}", account.address, account.password))?;
        imap.imap("b", "SELECT INBOX")?;
        let begin = Instant::now();
        loop {
            let lines = imap.imap("c", "FETCH 1:* (BODY.PEEK[])")?;
            if let Some(line) = lines.into_iter().find(|line| line.contains(needle)) {
                return Ok(line);
            }
            ensure!(begin.elapsed() < PATIENCE, "nothing with {needle:?} came");
            imap.imap("d", "NOOP")?;
        }
    }

    /// What a command of the program says, as JSON.
    ///
    /// # Errors
    /// When it fails or says something else.
    pub fn ask(&self, arguments: &[&str]) -> Result<Value> {
        let told = self.command(arguments)?.ok()?.text();
        serde_json::from_str(&told).with_context(|| told.clone())
    }

    /// The queue's entry for a recipient or domain, once it has been tried.
    ///
    /// # Errors
    /// When there is none in time.
    pub fn tried(&self, recipient: &str) -> Result<Value> {
        let begin = Instant::now();
        loop {
            let entries = self.ask(&["queue", "list", "--json"])?;
            let fits = |entry: &&Value| entry["recipient"].as_str().is_some_and(|found| found.contains(recipient));
            let entry = entries.as_array().into_iter().flatten().find(fits);
            if let Some(entry) = entry.filter(|entry| entry["last_outcome"].is_string()) {
                return Ok(entry.clone());
            }
            ensure!(begin.elapsed() < PATIENCE, "mail for {recipient} does not wait: {entries}");
        }
    }

    /// Why mail for a recipient or domain waits.
    ///
    /// # Errors
    /// When none waits.
    pub fn waits(&self, recipient: &str) -> Result<String> {
        Ok(self.tried(recipient)?["last_outcome"].as_str().unwrap_or_default().to_owned())
    }
}

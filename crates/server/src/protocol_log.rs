//! The conversation of a connection as a log, without secrets and without mail.
//!
//! What a client sends is logged only where its verb is known and carries no secret: what is rejected may be a password
//! typed into the wrong place. Everything between the start of an authentication and its end is left out on both sides,
//! and so is every message.

mod line;

use std::collections::VecDeque;
use std::net::SocketAddr;

use self::line::{Lines, Piece, announced_literal};
use crate::listener::{ListenerConfig, ListenerRole};

/// What stands for what is left out.
const REMOVED: &str = "[removed]";
/// Tags that are kept in mind; commands that a client has under way at once are fewer.
const MAX_TAGS: usize = 32;
/// Verbs of SMTP and LMTP that carry no secret.
const SMTP_VERBS: [&str; 13] =
    ["EHLO", "HELO", "LHLO", "MAIL", "RCPT", "DATA", "RSET", "NOOP", "QUIT", "STARTTLS", "VRFY", "EXPN", "HELP"];
/// Commands of IMAP that carry no secret.
const IMAP_VERBS: [&str; 32] = [
    "CAPABILITY",
    "NOOP",
    "LOGOUT",
    "STARTTLS",
    "ID",
    "ENABLE",
    "SELECT",
    "EXAMINE",
    "CREATE",
    "DELETE",
    "RENAME",
    "SUBSCRIBE",
    "UNSUBSCRIBE",
    "LIST",
    "LSUB",
    "NAMESPACE",
    "STATUS",
    "APPEND",
    "IDLE",
    "CHECK",
    "CLOSE",
    "UNSELECT",
    "EXPUNGE",
    "SEARCH",
    "FETCH",
    "STORE",
    "COPY",
    "MOVE",
    "UID",
    "SORT",
    "THREAD",
    "XLIST",
];
/// Commands of POP3 that carry no secret.
const POP3_VERBS: [&str; 13] =
    ["CAPA", "STLS", "USER", "STAT", "LIST", "UIDL", "RETR", "TOP", "DELE", "RSET", "NOOP", "QUIT", "UTF8"];

/// Logs one connection.
#[derive(Debug)]
pub(crate) struct ProtocolLog {
    listener: String,
    remote: SocketAddr,
    filter: Filter,
}

impl ProtocolLog {
    pub(crate) fn new(config: &ListenerConfig, remote: SocketAddr) -> Self {
        Self { listener: config.name.clone(), remote, filter: Filter::new(config.role) }
    }

    /// The client sent this.
    pub(crate) fn client(&mut self, bytes: &[u8]) {
        let lines = self.filter.client(bytes);
        self.write("C", &lines);
    }

    /// We send this.
    pub(crate) fn server(&mut self, bytes: &[u8]) {
        let lines = self.filter.server(bytes);
        self.write("S", &lines);
    }

    /// What we send from here on is, or is no longer, mail.
    pub(crate) fn server_sends_mail(&mut self, mail: bool) {
        let lines = self.filter.server_sends_mail(mail);
        self.write("S", &lines);
    }

    fn write(&self, side: &'static str, lines: &[String]) {
        for line in lines {
            tracing::info!(target: "posthouse::protocol", listener = self.listener, remote = %self.remote, "{side}: {line}");
        }
    }
}

/// Decides what of a conversation is shown.
#[derive(Debug)]
struct Filter {
    role: ListenerRole,
    from_client: Lines,
    from_server: Lines,
    /// An authentication is under way.
    secret: bool,
    /// The client sends a message, up to our next reply.
    client_sends_mail: bool,
    server_mail_bytes: Option<u64>,
    /// A command of IMAP goes on behind a literal.
    in_command: bool,
    /// Tags of IMAP commands that were shown. A reply repeats the tag, which may be the first word of a password that
    /// somebody typed where a command was due.
    tags: VecDeque<String>,
}

impl Filter {
    fn new(role: ListenerRole) -> Self {
        Self {
            role,
            from_client: Lines::default(),
            from_server: Lines::default(),
            secret: false,
            client_sends_mail: false,
            server_mail_bytes: None,
            in_command: false,
            tags: VecDeque::new(),
        }
    }

    fn client(&mut self, mut bytes: &[u8]) -> Vec<String> {
        let mut shown = Vec::new();
        while !bytes.is_empty() && !self.client_sends_mail {
            match self.from_client.take(&mut bytes) {
                Piece::Nothing => {}
                Piece::Skipped(count) if !self.secret => shown.push(format!("[{count} bytes]")),
                Piece::Skipped(_) => {}
                Piece::Line(line) => shown.push(self.client_line(&line)),
            }
        }
        shown
    }

    fn client_line(&mut self, line: &str) -> String {
        match self.role {
            ListenerRole::Mx | ListenerRole::Submission | ListenerRole::Lmtp => self.smtp_line(line),
            ListenerRole::Imap => self.imap_line(line),
            ListenerRole::Pop3 => self.pop3_line(line),
            // Their conversations are not logged.
            ListenerRole::Https | ListenerRole::Health => REMOVED.to_owned(),
        }
    }

    fn smtp_line(&mut self, line: &str) -> String {
        let mut words = line.split(' ');
        let verb = words.next().unwrap_or_default().to_ascii_uppercase();
        if self.secret {
            return REMOVED.to_owned();
        }
        match verb.as_str() {
            "AUTH" => {
                self.secret = true;
                format!("AUTH {} {REMOVED}", mechanism(words.next()))
            }
            "BDAT" => {
                self.from_client.skip(words.next().and_then(|size| size.parse().ok()).unwrap_or(0));
                line.to_owned()
            }
            verb if SMTP_VERBS.contains(&verb) => line.to_owned(),
            _ => unknown(line),
        }
    }

    fn pop3_line(&mut self, line: &str) -> String {
        let mut words = line.split(' ');
        let verb = words.next().unwrap_or_default().to_ascii_uppercase();
        if self.secret {
            return REMOVED.to_owned();
        }
        match verb.as_str() {
            "AUTH" => {
                self.secret = true;
                format!("AUTH {} {REMOVED}", mechanism(words.next()))
            }
            "PASS" | "APOP" => {
                self.secret = true;
                format!("{verb} {REMOVED}")
            }
            verb if POP3_VERBS.contains(&verb) => line.to_owned(),
            _ => unknown(line),
        }
    }

    fn imap_line(&mut self, line: &str) -> String {
        let literal = announced_literal(line);
        self.from_client.skip(literal.unwrap_or(0));
        let continued = std::mem::replace(&mut self.in_command, literal.is_some());
        if self.secret {
            return REMOVED.to_owned();
        }
        if continued {
            return format!("[{} bytes, the rest of the command]", line.len());
        }
        if line.eq_ignore_ascii_case("DONE") {
            return line.to_owned();
        }
        let mut words = line.split(' ');
        let (tag, verb) = (words.next().unwrap_or_default(), words.next().unwrap_or_default().to_ascii_uppercase());
        match verb.as_str() {
            "LOGIN" => {
                self.secret = true;
                self.remember_tag(tag);
                format!("{tag} LOGIN {REMOVED}")
            }
            "AUTHENTICATE" => {
                self.secret = true;
                self.remember_tag(tag);
                format!("{tag} AUTHENTICATE {} {REMOVED}", mechanism(words.next()))
            }
            verb if IMAP_VERBS.contains(&verb) => {
                self.remember_tag(tag);
                line.to_owned()
            }
            _ => unknown(line),
        }
    }

    fn remember_tag(&mut self, tag: &str) {
        if self.tags.len() == MAX_TAGS {
            self.tags.pop_front();
        }
        self.tags.push_back(tag.to_owned());
    }

    fn with_known_tag(&self, line: String) -> String {
        match line.split_once(' ') {
            Some((tag, rest)) if tag != "+" && !self.tags.iter().any(|known| known == tag) => {
                format!("{REMOVED} {rest}")
            }
            _ => line,
        }
    }

    fn server(&mut self, mut bytes: &[u8]) -> Vec<String> {
        if let Some(count) = &mut self.server_mail_bytes {
            *count += bytes.len() as u64;
            return Vec::new();
        }
        let mut shown = Vec::new();
        if std::mem::take(&mut self.client_sends_mail) {
            shown.push("[the client has sent a message]".to_owned());
        }
        while !bytes.is_empty() {
            match self.from_server.take(&mut bytes) {
                Piece::Nothing => {}
                Piece::Skipped(count) => shown.push(format!("[{count} bytes]")),
                Piece::Line(line) => shown.push(self.server_line(line)),
            }
        }
        shown
    }

    fn server_line(&mut self, line: String) -> String {
        let was_secret = self.secret;
        let is_challenge = match self.role {
            ListenerRole::Mx | ListenerRole::Submission | ListenerRole::Lmtp => {
                self.client_sends_mail = line.starts_with("354");
                line.starts_with("334")
            }
            ListenerRole::Imap => {
                self.from_server.skip(announced_literal(&line).unwrap_or(0));
                if line.starts_with("* ") {
                    return line;
                }
                line.starts_with('+')
            }
            ListenerRole::Pop3 => line.starts_with("+ "),
            ListenerRole::Https | ListenerRole::Health => false,
        };
        self.secret = was_secret && is_challenge;
        match self.role {
            _ if self.secret => REMOVED.to_owned(),
            ListenerRole::Imap => self.with_known_tag(line),
            _ => line,
        }
    }

    fn server_sends_mail(&mut self, mail: bool) -> Vec<String> {
        if mail {
            self.server_mail_bytes.get_or_insert(0);
            return Vec::new();
        }
        let count = self.server_mail_bytes.take().unwrap_or(0);
        if count > 0 { vec![format!("[{count} bytes with mail]")] } else { Vec::new() }
    }
}

/// The name of a mechanism, unless something else stands in its place.
fn mechanism(word: Option<&str>) -> &str {
    let is_name = |word: &&str| word.parse::<posthouse_sasl::Mechanism>().is_ok();
    word.filter(is_name).unwrap_or(REMOVED)
}

fn unknown(line: &str) -> String {
    format!("[{} bytes, no command that is known]", line.len())
}

#[cfg(test)]
mod tests;

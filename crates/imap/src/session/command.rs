//! From input to commands: tags, literals, limits before login.

use posthouse_model::session::{CloseReason, Step};
use posthouse_model::{Instant, Secret};

use super::completion::Completion;
use super::{ImapSession, Mode, Phase, Tag};
use crate::grammar::cursor::{Cursor, is_astring_char};
use crate::input::{Event, LiteralHeader, ReadRules};
use crate::limits::{LITERAL_MINUS_BYTES, MAX_TAG_BYTES};

/// The first octets of a TLS record that carries a handshake (RFC 8446 §5.1).
const TLS_HANDSHAKE: [u8; 2] = [0x16, 0x03];

/// First words of other protocols. A browser can be made to send such a thing to our port.
const FOREIGN_WORDS: [&str; 5] = ["GET", "POST", "PUT", "EHLO", "HELO"];

impl ImapSession {
    /// Reads what input there is, until a question is opened or the session ends.
    pub(crate) fn read_commands(&mut self, now: Instant) {
        while self.open.is_none() && matches!(self.phase, Phase::ExpectLogin | Phase::LoggedIn) {
            let rules = self.read_rules();
            match self.reader.next(rules) {
                None => break,
                Some(event) => self.on_event(event, now),
            }
        }
        // A client that speaks TLS waits for an answer to its first record, which need not have the end of a line.
        if self.reader.is_within_command() && self.is_tls_record(self.reader.text()) {
            self.close(CloseReason::WrongTransport);
        }
    }

    fn read_rules(&self) -> ReadRules {
        let limits = &self.config.limits;
        let logged_in = self.phase == Phase::LoggedIn;
        ReadRules {
            line_bytes: if logged_in { limits.command_line_bytes } else { limits.command_bytes_before_login },
            discarded_bytes: limits.discarded_bytes,
            literals: matches!(self.mode, Mode::ExpectCommand | Mode::ExpectMessage(_)),
        }
    }

    fn on_event(&mut self, event: Event, now: Instant) {
        match event {
            Event::Command => self.on_line(now),
            Event::Literal(header) => self.on_literal(header),
            Event::Body(octets) => {
                if let Mode::ExpectMessage(appending) = &mut self.mode {
                    appending.look_at(&octets);
                }
                self.push(Step::Body(octets));
            }
            Event::Discarded => {}
            Event::DiscardedTooMuch => {
                self.bye("[TOOBIG] Too much input was thrown away", CloseReason::ProtocolError);
            }
            Event::BareLineFeed => self.on_broken_line("Lines end in CRLF"),
            Event::LineTooLong => self.on_broken_line("The line is too long"),
        }
    }

    /// A line that cannot be taken: before login the end, after it a refused command.
    fn on_broken_line(&mut self, text: &'static str) {
        let line = Secret::new(self.reader.take_text());
        if self.is_tls_record(line.expose()) {
            return self.close(CloseReason::WrongTransport);
        }
        if self.phase != Phase::LoggedIn {
            return self.bye(text, CloseReason::ProtocolError);
        }
        match std::mem::take(&mut self.mode) {
            Mode::ExpectDone(idling) => self.on_idle_line(idling, b""),
            Mode::ExpectMessage(appending) => self.refuse(Some(&appending.tag), text),
            Mode::ExpectCommand | Mode::ExpectSaslResponse(_) => {
                let tag = read_tag(&mut Cursor::new(line.expose()));
                self.refuse(tag.as_ref(), text);
            }
        }
    }

    fn on_line(&mut self, now: Instant) {
        // Any line before login may hold a password, or a part of one.
        let line = Secret::new(self.reader.take_text());
        match std::mem::take(&mut self.mode) {
            Mode::ExpectCommand => self.on_command(line.expose(), now),
            Mode::ExpectSaslResponse(exchange) => self.on_sasl_response(*exchange, line.expose()),
            Mode::ExpectDone(idling) => self.on_idle_line(idling, line.expose()),
            Mode::ExpectMessage(appending) => self.on_append_end(appending, line.expose()),
        }
    }

    fn on_command(&mut self, line: &[u8], now: Instant) {
        if self.phase != Phase::LoggedIn && self.is_not_imap(line) {
            return;
        }
        let mut cursor = Cursor::new(line);
        let tag = read_tag(&mut cursor);
        match tag {
            Some(tag) if cursor.take(b' ') => self.run(&tag, &mut cursor, now),
            tag => self.refuse(tag.as_ref(), "Expected a tag, a space and a command"),
        }
    }

    /// Whether `line` is not a line, but a client that takes this for a port with implicit TLS.
    fn is_tls_record(&self, line: &[u8]) -> bool {
        self.phase == Phase::ExpectLogin && !self.tls_active && line.starts_with(&TLS_HANDSHAKE)
    }

    /// Ends sessions that begin in another protocol.
    fn is_not_imap(&mut self, line: &[u8]) -> bool {
        self.commands_before_login += 1;
        if self.commands_before_login > self.config.limits.commands_before_login {
            self.bye("Too many commands before login", CloseReason::TooManyErrors);
            return true;
        }
        if self.is_tls_record(line) {
            self.close(CloseReason::WrongTransport);
            return true;
        }
        let mut words = line.split(|&byte| byte == b' ');
        let foreign = words.next().is_some_and(|word| FOREIGN_WORDS.iter().any(|known| known.as_bytes() == word));
        if foreign && self.commands_before_login == 1 && !words.next().is_some_and(super::verbs::is_verb) {
            self.bye("This is an IMAP server", CloseReason::ProtocolError);
            return true;
        }
        false
    }

    /// Decides about a literal: part of the command, a message, or refused.
    fn on_literal(&mut self, header: LiteralHeader) {
        if let Mode::ExpectMessage(_) = self.mode
            && let Mode::ExpectMessage(appending) = std::mem::take(&mut self.mode)
        {
            return self.on_message_literal(appending, header);
        }
        if self.phase == Phase::LoggedIn && self.begins_message(header) {
            return;
        }
        if self.is_tls_record(self.reader.text()) {
            return self.close(CloseReason::WrongTransport);
        }
        let mut cursor = Cursor::new(self.reader.text());
        let tag = read_tag(&mut cursor);
        // A client that may not send this command is not asked for the rest of it, which may be a password.
        let known = cursor.space().and_then(|()| self.look_up(&mut cursor));
        if tag.is_some() && known.is_ok() && self.literal_fits(header) {
            return self.accept_literal(header);
        }
        self.reader.refuse_literal(header);
        if self.phase != Phase::LoggedIn && !header.synchronising && !self.is_small(header) {
            return self.bye("[TOOBIG] The literal is too large", CloseReason::ProtocolError);
        }
        match (tag, known) {
            (Some(tag), Ok(_)) => {
                let completion = Completion::bad("The literal is too large").with_code(b"TOOBIG");
                self.complete(&tag, completion);
            }
            (Some(tag), Err(error)) => self.fail(&tag, error),
            (None, _) => self.refuse(None, "Expected a tag, a space and a command"),
        }
    }

    /// Whether a stranger may send so much in vain.
    fn is_small(&self, header: LiteralHeader) -> bool {
        header.length <= self.config.limits.command_bytes_before_login as u64
    }

    /// The literal becomes part of the text of the command.
    pub(crate) fn accept_literal(&mut self, header: LiteralHeader) {
        self.reader.accept_literal(header);
        if header.synchronising {
            self.out.extend_from_slice(b"+ Go ahead\r\n");
        }
    }

    pub(crate) fn literal_fits(&self, header: LiteralHeader) -> bool {
        let limits = &self.config.limits;
        let logged_in = self.phase == Phase::LoggedIn;
        let (so_far, most) = if logged_in {
            (self.reader.literal_bytes(), limits.command_literal_bytes)
        } else {
            (self.reader.text().len(), limits.command_bytes_before_login)
        };
        let fits = usize::try_from(header.length).is_ok_and(|length| length <= most.saturating_sub(so_far));
        fits && self.may_send_unasked(header)
    }

    /// RFC 7888 §5: how much a client may send without waiting for leave.
    pub(crate) fn may_send_unasked(&self, header: LiteralHeader) -> bool {
        let plus = self.config.literal_plus && self.phase == Phase::LoggedIn;
        header.synchronising || plus || header.length <= LITERAL_MINUS_BYTES
    }
}

/// `tag = 1*<any ASTRING-CHAR except "+">`
pub(crate) fn read_tag(cursor: &mut Cursor<'_>) -> Option<Tag> {
    let tag = cursor.take_while(|byte| is_astring_char(byte) && byte != b'+');
    let fits = !tag.is_empty() && tag.len() <= MAX_TAG_BYTES;
    fits.then(|| std::str::from_utf8(tag).ok().map(Tag::new)).flatten()
}

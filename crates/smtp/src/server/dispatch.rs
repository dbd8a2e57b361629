//! From a command line to the method of its verb, past the doors that stand before most of them.

use posthouse_model::session::{CloseReason, TlsMode};

use super::config::AuthenticationPolicy;
use super::session::ServerSession;
use crate::command::{self, Command, CommandError};
use crate::reply::{self, Reply};

impl ServerSession {
    /// Takes one command line.
    pub(super) fn command(&mut self, line: &[u8]) {
        let command = match command::parse(line) {
            Ok(command) => command,
            Err(error) => return self.unreadable(error),
        };
        if let Some(refusal) = self.closed_door(&command) {
            return match command {
                // What follows are the octets of the chunk, and never commands (RFC 3030 §2).
                Command::Bdat(chunk) => self.refuse_chunk(chunk, refusal),
                _ => self.finish_command(&refusal),
            };
        }
        match command {
            Command::Helo(name) => self.helo_command(name),
            Command::Ehlo(name) => self.ehlo_command(name),
            Command::Lhlo(name) => self.lhlo_command(name),
            Command::StartTls => self.starttls_command(),
            Command::Auth(auth) => self.auth_command(auth),
            Command::Mail(mail) => self.mail_command(*mail),
            Command::Rcpt(rcpt) => self.rcpt_command(&rcpt),
            Command::Data => self.data_command(),
            Command::Bdat(chunk) => self.bdat_command(chunk),
            Command::Rset => self.rset_command(),
            Command::Noop => self.finish_idle_command(&reply::ok()),
            Command::Vrfy => self.finish_idle_command(&reply::cannot_verify()),
            Command::Expn => self.finish_idle_command(&reply::no_expansion()),
            Command::Help => self.finish_idle_command(&reply::help()),
            Command::XClient(argument) => self.xclient_command(&argument),
            Command::Quit => {
                self.send(&reply::bye());
                self.close(CloseReason::Quit);
            }
        }
    }

    /// A line that is no command. Those after which nothing can be trusted end the session.
    fn unreadable(&mut self, error: CommandError) {
        match error {
            CommandError::Http | CommandError::BadChunkSize => {
                self.send(&reply::command(error));
                self.close(CloseReason::ProtocolError);
            }
            // A closed door looks the same from outside, however MAIL and RCPT are written.
            CommandError::BadReversePath
            | CommandError::BadForwardPath
            | CommandError::UnknownParameter
            | CommandError::RepeatedParameter
            | CommandError::BadParameterValue => {
                let answer = self.closed_to_strangers().unwrap_or_else(|| reply::command(error));
                self.finish_command(&answer);
            }
            _ => self.finish_command(&reply::command(error)),
        }
    }

    /// What a client is told that must do something first, whatever it wants.
    fn closed_to_strangers(&self) -> Option<Reply> {
        if self.needs_tls() {
            Some(reply::starttls_first())
        } else if self.needs_authentication() {
            Some(reply::authentication_required())
        } else {
            None
        }
    }

    fn needs_tls(&self) -> bool {
        self.config.tls_mode == TlsMode::StartTlsRequired && self.tls.is_none()
    }

    fn needs_authentication(&self) -> bool {
        self.config.authentication == AuthenticationPolicy::Required && self.identity.is_none()
    }

    /// Why `command` is not served yet.
    fn closed_door(&self, command: &Command) -> Option<Reply> {
        // RFC 3207 §4: "other than NOOP, EHLO, STARTTLS, or QUIT".
        let before_tls =
            matches!(command, Command::Ehlo(_) | Command::Lhlo(_) | Command::Noop | Command::StartTls | Command::Quit);
        if self.needs_tls() && !before_tls {
            return Some(reply::starttls_first());
        }
        let before_authentication =
            before_tls || matches!(command, Command::Helo(_) | Command::Auth(_) | Command::Rset | Command::XClient(_));
        if self.needs_authentication() && !before_authentication {
            return Some(reply::authentication_required());
        }
        None
    }
}

//! Which command goes where: what is refused as such, what belongs to which state, and what is counted.

use posthouse_model::session::CloseReason;

use super::Session;
use crate::command::{Command, CommandError};
use crate::reply;

impl Session {
    pub(super) fn command(&mut self, command: Result<Command, CommandError>) {
        // RFC 1939 §7: PASS comes immediately after a successful USER.
        let user = self.user.take();
        if self.maildrop.is_none() {
            self.tally.commands_before_login += 1;
            if self.tally.commands_before_login > self.config.limits.commands_before_login {
                self.reply(reply::TOO_MANY_COMMANDS);
                return self.close(CloseReason::TooManyErrors);
            }
        }
        match command {
            Err(error) => self.refuse(error),
            Ok(Command::Capa) => self.capa(),
            Ok(Command::Quit) => self.quit(),
            Ok(
                command @ (Command::Stls | Command::Utf8 | Command::Auth { .. } | Command::User(_) | Command::Pass(_)),
            ) => self.authorization_command(command, user),
            Ok(command) => self.transaction_command(&command),
        }
    }

    fn refuse(&mut self, error: CommandError) {
        match error {
            CommandError::Http => self.close(CloseReason::WrongTransport),
            CommandError::Unknown => self.reply_error(reply::UNKNOWN_COMMAND),
            CommandError::Arguments => self.reply_error(reply::WRONG_ARGUMENTS),
            CommandError::ControlCharacter | CommandError::NotAscii | CommandError::NotUtf8 => {
                self.reply_error(reply::WRONG_CHARACTERS);
            }
        }
    }

    /// The commands of the AUTHORIZATION state (RFC 1939 §4).
    fn authorization_command(&mut self, command: Command, user: Option<String>) {
        if self.maildrop.is_some() {
            return self.reply_error(reply::NOT_AFTER_LOGIN);
        }
        match command {
            Command::Stls => self.stls(),
            Command::Utf8 => self.utf8(),
            Command::Auth { mechanism, initial_response } => self.auth(mechanism, initial_response),
            Command::User(name) => self.user(&name),
            Command::Pass(password) => self.pass(user, &password),
            _ => {}
        }
    }

    /// The commands of the TRANSACTION state (RFC 1939 §5).
    fn transaction_command(&mut self, command: &Command) {
        if self.maildrop.is_none() {
            return self.reply_error(reply::NOT_BEFORE_LOGIN);
        }
        match *command {
            Command::Stat => self.stat(),
            Command::List(message) => self.list(message),
            Command::Uidl(message) => self.uidl(message),
            Command::Retr(message) => self.retr(message),
            Command::Top(message, lines) => self.top(message, lines),
            Command::Dele(message) => self.dele(message),
            Command::Noop => self.noop(),
            Command::Rset => self.rset(),
            _ => {}
        }
    }

    /// Counts a command that moves no mail; `false` when there were too many and the session is over.
    pub(super) fn count_idle_command(&mut self) -> bool {
        self.tally.idle_commands += 1;
        if self.tally.idle_commands <= self.config.limits.idle_commands {
            return true;
        }
        self.reply(reply::TOO_MANY_COMMANDS);
        self.close(CloseReason::TooManyErrors);
        false
    }

    pub(super) fn reply_no_such_message(&mut self) {
        if self.count_idle_command() {
            self.reply(reply::NO_SUCH_MESSAGE);
        }
    }
}

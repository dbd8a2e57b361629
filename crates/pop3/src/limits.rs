//! Every bound of a session in one table.

use std::time::Duration;

/// The limits of one POP3 listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest command, in octets with CRLF. RFC 2449 §4 asks for at least 255.
    pub command_bytes: usize,
    /// The longest AUTH command and the longest line of a SASL exchange, in octets with CRLF. RFC 5034 §4 asks for what
    /// the mechanisms need, whatever the limit of other lines.
    pub sasl_line_bytes: usize,
    /// Octets of a line beyond its limit that are skipped before the connection is closed.
    pub skipped_bytes: usize,
    /// Commands that could not be understood or came at the wrong time, in a whole session.
    pub errors: u32,
    /// Failed attempts to log in, in a whole session.
    pub authentication_failures: u32,
    /// Commands before a login succeeds.
    pub commands_before_login: u32,
    /// Commands after the login that moved no mail, in a row. Generous: clients keep a session alive by NOOP.
    pub idle_commands: u32,
    /// Messages of a maildrop that one session shows, the oldest first; each costs 16 bytes of memory.
    pub messages: usize,
    /// From the greeting to the login, however busy the client is. RFC 1939 §3 gives clients ten minutes of *silence*;
    /// someone who has not said who he is gets less.
    pub login_time: Duration,
    /// The autologout timer: at least ten minutes (RFC 1939 §3). Restarted by each complete command.
    pub silence: Duration,
    /// Between two pieces of a message. The next piece is brought when the last was written, so this bounds how long a
    /// client may not read.
    pub transfer_stall: Duration,
}

impl Limits {
    /// RFC 2449 §4: the length that every server with CAPA has to support.
    pub const MIN_COMMAND_BYTES: usize = 255;
    /// RFC 1939 §3: the shortest autologout timer.
    pub const MIN_SILENCE: Duration = Duration::from_secs(600);
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            command_bytes: Self::MIN_COMMAND_BYTES,
            sasl_line_bytes: posthouse_sasl::MAX_EXCHANGE_BYTES + Self::MIN_COMMAND_BYTES,
            skipped_bytes: 65_536,
            errors: 10,
            authentication_failures: 3,
            commands_before_login: 50,
            idle_commands: 10_000,
            messages: 200_000,
            login_time: Duration::from_secs(180),
            silence: Self::MIN_SILENCE,
            transfer_stall: Self::MIN_SILENCE,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_what_the_standards_ask_at_least() {
        let limits = Limits::default();
        assert!(limits.command_bytes >= Limits::MIN_COMMAND_BYTES);
        assert!(limits.silence >= Limits::MIN_SILENCE);
        assert!(limits.sasl_line_bytes > posthouse_sasl::MAX_EXCHANGE_BYTES + "AUTH SCRAM-SHA-256-PLUS \r\n".len());
    }
}

//! Every bound of the two sessions, with its unit and its reason.

use std::time::Duration;

/// A command line with its CRLF, without extensions, in octets (RFC 5321 §4.5.3.1.4).
pub const BASE_COMMAND_LINE_BYTES: usize = 512;
/// What SIZE adds to MAIL, in octets (RFC 1870 §3).
pub const SIZE_ALLOWANCE_BYTES: usize = 26;
/// What BODY adds to MAIL, in octets (8BITMIME, RFC 6152; BINARYMIME is one octet longer than 8BITMIME).
pub const BODY_ALLOWANCE_BYTES: usize = 18;
/// What SMTPUTF8 adds to MAIL, in octets (RFC 6531 §3.1).
pub const SMTPUTF8_ALLOWANCE_BYTES: usize = 10;
/// What RET and ENVID add to MAIL, in octets: ` RET=HDRS` and ` ENVID=` with 100 characters (RFC 3461 §4.3, §4.4).
pub const DSN_MAIL_ALLOWANCE_BYTES: usize = 9 + 7 + 100;
/// What NOTIFY and ORCPT add to RCPT, in octets: ` NOTIFY=SUCCESS,FAILURE,DELAY` and ` ORCPT=` with 500 characters
/// (RFC 3461 §4.1, §4.2).
pub const DSN_RCPT_ALLOWANCE_BYTES: usize = 29 + 7 + 500;
/// What AUTH= adds to MAIL, in octets (RFC 4954 §3).
pub const AUTH_PARAMETER_ALLOWANCE_BYTES: usize = 500;
/// What REQUIRETLS adds to MAIL, in octets (RFC 8689 §2).
pub const REQUIRETLS_ALLOWANCE_BYTES: usize = 11;
/// What HOLDFOR or HOLDUNTIL adds to MAIL, in octets (RFC 4865 §3).
pub const FUTURE_RELEASE_ALLOWANCE_BYTES: usize = 34;
/// What BY adds to MAIL, in octets (RFC 2852 §2).
pub const DELIVER_BY_ALLOWANCE_BYTES: usize = 17;
/// The longest command line other than AUTH, with its CRLF, in octets: the longest MAIL or RCPT that the extensions
/// allow. One bound for all verbs, so that a verb need not be known to find the end of its line.
pub const COMMAND_LINE_BYTES: usize = BASE_COMMAND_LINE_BYTES
    + SIZE_ALLOWANCE_BYTES
    + BODY_ALLOWANCE_BYTES
    + SMTPUTF8_ALLOWANCE_BYTES
    + DSN_MAIL_ALLOWANCE_BYTES
    + DSN_RCPT_ALLOWANCE_BYTES
    + AUTH_PARAMETER_ALLOWANCE_BYTES
    + REQUIRETLS_ALLOWANCE_BYTES
    + FUTURE_RELEASE_ALLOWANCE_BYTES
    + DELIVER_BY_ALLOWANCE_BYTES;
/// The longest AUTH command and the longest line inside an exchange, with its CRLF, in octets: a response of
/// [`MAX_EXCHANGE_BYTES`](posthouse_sasl::MAX_EXCHANGE_BYTES) behind a verb and the name of a mechanism
/// (RFC 4954 §4, RFC 4422 §3.1: at most 20 characters).
pub const AUTH_LINE_BYTES: usize = posthouse_sasl::MAX_EXCHANGE_BYTES + "AUTH ".len() + 20 + " \r\n".len();
/// A reply line with its CRLF, in octets (RFC 5321 §4.5.3.1.5).
pub const REPLY_LINE_BYTES: usize = 512;
/// The longest EHLO argument, in octets: the longest domain (RFC 5321 §4.5.3.1.2).
pub const HELO_NAME_BYTES: usize = 255;
/// ENVID, still encoded, in octets (RFC 3461 §4.4).
pub const ENVELOPE_ID_BYTES: usize = 100;
/// ORCPT with its type, still encoded, in octets (RFC 3461 §4.2).
pub const ORIGINAL_RECIPIENT_BYTES: usize = 500;
/// Digits of SIZE and of the chunk size of BDAT (RFC 1870 §3, RFC 3030 §2).
pub const SIZE_DIGITS: usize = 20;
/// Digits of HOLDFOR, in seconds (RFC 4865 §3).
pub const HOLD_DIGITS: usize = 9;
/// The longest wait that HOLDFOR can say (RFC 4865 §3).
pub const LONGEST_HOLD: Duration = Duration::from_secs(999_999_999);
/// Digits of the time in BY, in seconds (RFC 2852 §4).
pub const BY_DIGITS: usize = 9;
/// The furthest time that BY can say, in seconds from now, in either direction (RFC 2852 §4).
pub const FURTHEST_BY_SECONDS: i64 = 999_999_999;
/// Parameters of one MAIL or RCPT; there are fewer that we know, and none may come twice.
pub const PARAMETERS_PER_COMMAND: usize = 16;
/// A line of a reply that our client takes, with its CRLF, in octets. Longer than RFC 5321 §4.5.3.1.5 allows, because
/// some servers are talkative and a bounce should still say what they said.
pub const PEER_REPLY_LINE_BYTES: usize = 4_096;
/// Lines of one reply that our client takes. EHLO has one for each extension.
pub const PEER_REPLY_LINES: usize = 128;
/// How much of what a peer said is kept with an outcome, in octets.
pub const KEPT_REPLY_BYTES: usize = 2_048;

/// The bounds of one server session. The constructor gives what a public listener should have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Size of a message, in octets; told in SIZE. Memory does not depend on it, disks do.
    pub message_size_bytes: u64,
    /// Octets that are read and thrown away behind a refused message or chunk, before the connection is closed. A
    /// client can only be told of the refusal when it has sent all, so honest clients need some room.
    pub discarded_bytes: u64,
    /// Octets of a command line that are thrown away after its refusal, before the connection is closed.
    pub discarded_line_bytes: usize,
    /// A line of message text with its CRLF, in octets. RFC 5321 §4.5.3.1.6 has 1000, but it is no service to lose the
    /// longer lines that real mail has: they pass unchanged up to here, beyond it the message is refused.
    pub text_line_bytes: usize,
    /// Recipients of one message; at least 100 (RFC 5321 §4.5.3.1.8). Told in LIMITS (RFC 9422).
    pub recipients_per_message: usize,
    /// Messages in one session. Told in LIMITS (RFC 9422).
    pub messages_per_session: usize,
    /// Commands answered with an error, refused recipients aside, before the connection is closed.
    pub errors: usize,
    /// Recipients refused in one session before the connection is closed: someone is guessing names. Kept apart
    /// because a mailing list with stale entries is no attack.
    pub refused_recipients: usize,
    /// Commands since the last finished message that brought no message nearer (NOOP, RSET, HELP, EHLO, MAIL…).
    pub commands_without_progress: usize,
    /// Failed AUTH commands before the connection is closed.
    pub authentication_failures: usize,
    /// How long a whole command line may take, from the reply before it (RFC 5321 §4.5.3.2.7: at least 5 minutes).
    /// Single octets do not prolong it.
    pub command_timeout: Duration,
    /// How long the TLS handshake may take.
    pub tls_handshake_timeout: Duration,
    /// How long the client may be silent inside a message (RFC 5321 §4.5.3.2.5: 3 minutes for a block).
    pub data_block_timeout: Duration,
    /// What a whole message may take, apart from what its size earns it; see `minimum_data_rate`.
    pub data_grace: Duration,
    /// Octets per second on average, below which, once `data_grace` is used up, a client is too slow to be served.
    pub minimum_data_rate: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_size_bytes: 50 * 1024 * 1024,
            discarded_bytes: 100 * 1024 * 1024,
            discarded_line_bytes: 64 * 1024,
            text_line_bytes: 1024 * 1024,
            recipients_per_message: 1000,
            messages_per_session: 1000,
            errors: 20,
            refused_recipients: 200,
            commands_without_progress: 100,
            authentication_failures: 3,
            command_timeout: Duration::from_secs(5 * 60),
            tls_handshake_timeout: Duration::from_secs(60),
            data_block_timeout: Duration::from_secs(3 * 60),
            data_grace: Duration::from_secs(10 * 60),
            minimum_data_rate: 256,
        }
    }
}

/// How long our client waits for each reply (RFC 5321 §4.5.3.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientTimeouts {
    /// For the greeting (§4.5.3.2.1).
    pub greeting: Duration,
    /// For the reply to EHLO, STARTTLS, AUTH, RSET and all else that the standard gives no time of its own.
    pub command: Duration,
    /// For the TLS handshake.
    pub tls_handshake: Duration,
    /// For the reply to MAIL (§4.5.3.2.2).
    pub mail: Duration,
    /// For the reply to each RCPT (§4.5.3.2.3).
    pub rcpt: Duration,
    /// For the 354 (§4.5.3.2.4).
    pub data_initiation: Duration,
    /// For a piece of the message to leave (§4.5.3.2.5).
    pub data_block: Duration,
    /// For the reply to the end of the message (§4.5.3.2.6).
    pub data_termination: Duration,
    /// For the reply to QUIT, when all that matters is done.
    pub quit: Duration,
}

impl Default for ClientTimeouts {
    fn default() -> Self {
        let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
        Self {
            greeting: minutes(5),
            command: minutes(5),
            tls_handshake: minutes(1),
            mail: minutes(5),
            rcpt: minutes(5),
            data_initiation: minutes(2),
            data_block: minutes(3),
            data_termination: minutes(10),
            quit: Duration::from_secs(5),
        }
    }
}

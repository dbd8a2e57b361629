//! What a session allows, in one table.

use std::num::NonZeroU32;
use std::time::Duration;

/// Longest tag, in octets. RFC 9051 §2.2.1 sets no bound; clients use four to ten.
pub const MAX_TAG_BYTES: usize = 64;
/// Most ranges in one sequence set.
pub const MAX_SEQUENCE_SET_RANGES: usize = 8_192;
/// Most data items in one FETCH.
pub const MAX_FETCH_ITEMS: usize = 256;
/// Most part numbers in one section.
pub const MAX_SECTION_DEPTH: usize = 64;
/// Most field names in one `HEADER.FIELDS`.
pub const MAX_HEADER_NAMES: usize = 256;
/// Most patterns in one LIST.
pub const MAX_LIST_PATTERNS: usize = 64;
/// Most fields in one ID (RFC 2971 §3.3).
pub const MAX_ID_FIELDS: usize = 30;
/// Longest value in one ID, in octets (RFC 2971 §3.3).
pub const MAX_ID_VALUE_BYTES: usize = 1_024;
/// Most entries in one GETMETADATA, SETMETADATA or LIST.
pub const MAX_METADATA_ENTRIES: usize = 64;
/// Most resources in one SETQUOTA; there are fewer.
pub const MAX_QUOTA_RESOURCES: usize = 16;
/// Longest name of a quota root, in octets.
pub const MAX_QUOTA_ROOT_BYTES: usize = 1_024;
/// Most capabilities in one ENABLE.
pub const MAX_ENABLE_CAPABILITIES: usize = 64;
/// Most parts of all messages of one APPEND: literals and URLs.
pub const MAX_APPEND_PARTS: usize = 4_096;
/// Largest non-synchronising literal while LITERAL- is in force, in octets (RFC 7888 §5).
pub const LITERAL_MINUS_BYTES: u64 = 4_096;
/// Octets of output that one row of a FETCH may add before it is handed to the driver.
pub const OUTPUT_CHUNK_BYTES: usize = 64 * 1_024;

/// The limits of one listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest command before login, literals included, in octets.
    pub command_bytes_before_login: usize,
    /// Longest command after login, without its literals, in octets (RFC 2683 §3.2.1.5 asks for 8,000 at least).
    pub command_line_bytes: usize,
    /// Octets of all literals of one command together; the message of APPEND does not count.
    pub command_literal_bytes: usize,
    /// Most octets that are read and thrown away before the connection is given up: refused literals, endless lines.
    pub discarded_bytes: u64,
    /// Largest message that APPEND takes, in octets (RFC 7889 §4).
    pub append_bytes: u64,
    /// Most messages in one APPEND (RFC 3502).
    pub append_messages: u32,
    /// Octets of all messages of one APPEND together; they wait in the spool until all have come, and are stored in
    /// one transaction.
    pub append_command_bytes: u64,
    /// Most messages that one command works on (RFC 9738 §3); `None` for as many as there are.
    pub messages_per_command: Option<NonZeroU32>,
    /// Most commands before login.
    pub commands_before_login: u32,
    /// Most commands in a row that are refused as BAD.
    pub bad_commands: u32,
    /// Most logins that fail.
    pub failed_logins: u32,
    /// Silence before login.
    pub silence_before_login: Duration,
    /// All the time before login.
    pub time_before_login: Duration,
    /// Silence between commands after login; RFC 9051 §5.4 asks for at least 30 minutes.
    pub silence: Duration,
    /// Silence in the middle of a command or literal.
    pub silence_in_command: Duration,
    /// Time that one IDLE may last; RFC 2177 §3 lets clients renew it every 29 minutes.
    pub idle: Duration,
    /// Time between signs of life in IDLE.
    pub idle_keepalive: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            command_bytes_before_login: 40 * 1_024,
            command_line_bytes: 64 * 1_024,
            command_literal_bytes: 256 * 1_024,
            discarded_bytes: 64 * 1_024 * 1_024,
            append_bytes: 64 * 1_024 * 1_024,
            append_messages: 1_000,
            append_command_bytes: 128 * 1_024 * 1_024,
            messages_per_command: None,
            commands_before_login: 64,
            bad_commands: 20,
            failed_logins: 5,
            silence_before_login: Duration::from_secs(60),
            time_before_login: Duration::from_secs(300),
            silence: Duration::from_secs(30 * 60),
            silence_in_command: Duration::from_secs(120),
            idle: Duration::from_secs(35 * 60),
            idle_keepalive: Duration::from_secs(120),
        }
    }
}

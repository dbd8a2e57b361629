//! The words of every reply.
//!
//! ```text
//! single-line = ("+OK" / "-ERR") [SP [resp-code SP] text] CRLF     ; RFC 2449 §3; 512 octets
//! resp-code   = "[" "IN-USE" / "LOGIN-DELAY"                       ; RFC 2449 §8.1
//!                 / "SYS/TEMP" / "SYS/PERM" / "AUTH"               ; RFC 3206 §4, §5
//!                 / "UTF8" "]"                                     ; RFC 6856 §5
//! ```
//!
//! Texts are fixed or hold numbers: what a client sent never comes back to it. AUTH is kept for credentials that are
//! wrong, because clients forget a stored password when they see it; what another configuration would cure is SYS/PERM.

pub(crate) const OK: &str = "+OK";
pub(crate) const BYE: &str = "+OK goodbye";
pub(crate) const BEGIN_TLS: &str = "+OK begin TLS negotiation";
pub(crate) const CAPABILITIES: &str = "+OK capability list follows";
pub(crate) const LISTING: &str = "+OK listing follows";
pub(crate) const TOP: &str = "+OK top of message follows";
pub(crate) const MARKED: &str = "+OK marked as deleted";
pub(crate) const SEND_PASSWORD: &str = "+OK send the password";
pub(crate) const UTF8: &str = "+OK UTF-8 mode";

pub(crate) const INVALID_CREDENTIALS: &str = "-ERR [AUTH] authentication failed";
// RFC 3206 §5: a problem with the credentials, of which the user is to be told.
pub(crate) const PASSWORD_EXPIRED: &str = "-ERR [AUTH] the password has expired, a new one is needed";
pub(crate) const NO_MAILDROP: &str = "-ERR [AUTH] this account sends only, it has no maildrop";
pub(crate) const IN_USE: &str = "-ERR [IN-USE] the maildrop is in use by another session";
pub(crate) const LOGIN_DELAY: &str = "-ERR [LOGIN-DELAY] the last login was too short a time ago";
pub(crate) const UNAVAILABLE: &str = "-ERR [SYS/TEMP] this cannot be done now, try again later";
pub(crate) const NOT_ALL_REMOVED: &str = "-ERR [SYS/TEMP] some deleted messages were not removed";
pub(crate) const SHUTTING_DOWN: &str = "-ERR [SYS/TEMP] the server is shutting down";
pub(crate) const SIGNED_OUT: &str = "-ERR [AUTH] you may not use this service any more";
pub(crate) const TLS_REQUIRED: &str = "-ERR [SYS/PERM] issue STLS first";
pub(crate) const NO_USER_PASS: &str = "-ERR [SYS/PERM] USER and PASS are not available here, use AUTH";
pub(crate) const MECHANISM_NOT_OFFERED: &str = "-ERR [SYS/PERM] this mechanism is not available here";
pub(crate) const GONE: &str = "-ERR the message was removed by another session";
pub(crate) const NEEDS_UTF8: &str = "-ERR [UTF8] this message needs UTF-8 mode";

pub(crate) const CANCELLED: &str = "-ERR authentication cancelled";
pub(crate) const MALFORMED_RESPONSE: &str = "-ERR the response cannot be understood";
pub(crate) const USER_FIRST: &str = "-ERR PASS comes right after USER";
pub(crate) const NO_SUCH_MESSAGE: &str = "-ERR no such message";
pub(crate) const NOT_BEFORE_LOGIN: &str = "-ERR log in first";
pub(crate) const NOT_AFTER_LOGIN: &str = "-ERR already logged in";
pub(crate) const NO_STLS: &str = "-ERR STLS is not available here";
pub(crate) const TLS_ACTIVE: &str = "-ERR TLS is already active";
pub(crate) const STLS_AFTER_UTF8: &str = "-ERR STLS comes before UTF8";
pub(crate) const UNKNOWN_COMMAND: &str = "-ERR unknown command";
pub(crate) const WRONG_ARGUMENTS: &str = "-ERR wrong arguments";
pub(crate) const WRONG_CHARACTERS: &str = "-ERR the command holds characters that are not allowed";
pub(crate) const LINE_TOO_LONG: &str = "-ERR the line is too long";
pub(crate) const BARE_LINE_FEED: &str = "-ERR lines end in CRLF";
pub(crate) const TOO_MANY_ERRORS: &str = "-ERR too many errors";
pub(crate) const TOO_MANY_COMMANDS: &str = "-ERR too many commands";

/// The line that ends a multi-line response, after a CRLF (RFC 1939 §3).
pub(crate) const END: &str = ".";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_follow_the_grammar() {
        for reply in [
            OK,
            BYE,
            BEGIN_TLS,
            CAPABILITIES,
            LISTING,
            TOP,
            MARKED,
            SEND_PASSWORD,
            UTF8,
            INVALID_CREDENTIALS,
            PASSWORD_EXPIRED,
            NO_MAILDROP,
            IN_USE,
            LOGIN_DELAY,
            UNAVAILABLE,
            NOT_ALL_REMOVED,
            SHUTTING_DOWN,
            SIGNED_OUT,
            TLS_REQUIRED,
            NO_USER_PASS,
            MECHANISM_NOT_OFFERED,
            GONE,
            NEEDS_UTF8,
            CANCELLED,
            MALFORMED_RESPONSE,
            USER_FIRST,
            NO_SUCH_MESSAGE,
            NOT_BEFORE_LOGIN,
            NOT_AFTER_LOGIN,
            NO_STLS,
            TLS_ACTIVE,
            STLS_AFTER_UTF8,
            UNKNOWN_COMMAND,
            WRONG_ARGUMENTS,
            WRONG_CHARACTERS,
            LINE_TOO_LONG,
            BARE_LINE_FEED,
            TOO_MANY_ERRORS,
            TOO_MANY_COMMANDS,
        ] {
            let text = reply.strip_prefix("+OK").or(reply.strip_prefix("-ERR")).unwrap();
            assert!(text.is_empty() || text.starts_with(' '), "{reply}");
            assert!(reply.len() + 2 <= 512, "{reply}");
            assert!(reply.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()), "{reply}");
            // RFC 2449 §3: a bracket stands only around a response code, and that comes first.
            assert!(!text.trim_start().trim_start_matches('[').contains('['), "{reply}");
        }
    }
}

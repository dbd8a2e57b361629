//! The grammar of commands.
//!
//! ```text
//! command   = keyword *(SP param) CRLF          ; RFC 2449 §3; 255 octets, in any case
//! keyword   = 3*4VCHAR
//! param     = 1*VCHAR
//! msg       = 1*DIGIT                           ; from 1
//! n         = 1*DIGIT                           ; from 0
//! auth      = "AUTH" SP sasl-mech [SP (base64 / "=")]      ; RFC 5034
//! pass      = "PASS" SP 1*OCTET                 ; spaces belong to the password (RFC 1939 §7)
//! ```

use std::num::NonZeroU32;

use posthouse_model::Secret;
use posthouse_sasl::Mechanism;

/// The number of a message in this session's maildrop, from 1 (RFC 1939 §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MessageNumber(pub NonZeroU32);

/// A command that is well formed. It holds no password that `Debug` would show.
#[derive(Debug)]
pub enum Command {
    /// CAPA (RFC 2449 §5).
    Capa,
    /// STLS (RFC 2595 §4).
    Stls,
    /// UTF8 (RFC 6856 §2.1).
    Utf8,
    /// AUTH (RFC 5034).
    Auth {
        /// The mechanism; `None` when the name is of none that we know.
        mechanism: Option<Mechanism>,
        /// The initial response as it came, still in base64, if there is one.
        initial_response: Option<Secret>,
    },
    /// USER (RFC 1939 §7): the name as it came.
    User(Vec<u8>),
    /// PASS (RFC 1939 §7): all that follows the first space.
    Pass(Secret),
    /// QUIT (RFC 1939 §4, §6).
    Quit,
    /// STAT (RFC 1939 §5).
    Stat,
    /// LIST (RFC 1939 §5).
    List(Option<MessageNumber>),
    /// UIDL (RFC 1939 §7).
    Uidl(Option<MessageNumber>),
    /// RETR (RFC 1939 §5).
    Retr(MessageNumber),
    /// TOP (RFC 1939 §7): the message, and how many lines of its body.
    Top(MessageNumber, u64),
    /// DELE (RFC 1939 §5).
    Dele(MessageNumber),
    /// NOOP (RFC 1939 §5).
    Noop,
    /// RSET (RFC 1939 §5).
    Rset,
}

/// Why a line is no command. What the client wrote is not repeated: it may be a password in the wrong place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// A control character, NUL among them.
    #[error("the command holds a control character")]
    ControlCharacter,
    /// An octet above 0x7F where only ASCII may stand.
    #[error("the command holds an octet that is not ASCII")]
    NotAscii,
    /// Not UTF-8, in UTF-8 mode.
    #[error("the command is not UTF-8")]
    NotUtf8,
    /// The keyword is of no command that we have.
    #[error("unknown command")]
    Unknown,
    /// Too few or too many arguments, or not the right ones.
    #[error("wrong arguments")]
    Arguments,
    /// The request line of HTTP: a browser that someone led here.
    #[error("a request of HTTP")]
    Http,
}

/// Methods of HTTP and its version 2 preface; none is a command of POP3.
const HTTP_METHODS: [&[u8]; 10] =
    [b"GET", b"POST", b"PUT", b"HEAD", b"OPTIONS", b"CONNECT", b"DELETE", b"PATCH", b"TRACE", b"PRI"];

impl Command {
    /// Reads a line without its CRLF. Octets above 0x7F are allowed in the arguments of USER and PASS when `utf8` says
    /// that the client has issued UTF8 (RFC 6856 §2.1), and must then be UTF-8.
    ///
    /// # Errors
    /// If the line is no command.
    pub fn parse(line: &[u8], utf8: bool) -> Result<Self, CommandError> {
        if line.iter().any(u8::is_ascii_control) {
            return Err(CommandError::ControlCharacter);
        }
        let (keyword, rest) = match memchr::memchr(b' ', line) {
            Some(space) => (&line[..space], Some(&line[space + 1..])),
            None => (line, None),
        };
        if HTTP_METHODS.contains(&keyword) {
            return Err(CommandError::Http);
        }
        let mut upper = [0; KEYWORD_MAX_BYTES];
        let Some(upper) = upper.get_mut(..keyword.len()) else {
            return Err(CommandError::Unknown);
        };
        upper.copy_from_slice(keyword);
        upper.make_ascii_uppercase();
        check_charset(line, utf8 && matches!(&*upper, b"USER" | b"PASS"))?;
        match &*upper {
            b"USER" => text(rest).map(|name| Self::User(name.to_vec())),
            b"PASS" => text(rest).map(|password| Self::Pass(Secret::new(password))),
            keyword => Self::with_arguments(keyword, &Arguments::split(rest)?),
        }
    }

    fn with_arguments(keyword: &[u8], arguments: &Arguments<'_>) -> Result<Self, CommandError> {
        let command = match keyword {
            b"CAPA" => arguments.none(Self::Capa)?,
            b"STLS" => arguments.none(Self::Stls)?,
            b"UTF8" => arguments.none(Self::Utf8)?,
            b"QUIT" => arguments.none(Self::Quit)?,
            b"STAT" => arguments.none(Self::Stat)?,
            b"NOOP" => arguments.none(Self::Noop)?,
            b"RSET" => arguments.none(Self::Rset)?,
            b"LIST" => Self::List(arguments.optional_message()?),
            b"UIDL" => Self::Uidl(arguments.optional_message()?),
            b"RETR" => Self::Retr(arguments.message()?),
            b"DELE" => Self::Dele(arguments.message()?),
            b"TOP" => match arguments.words {
                [Some(message), Some(lines)] => Self::Top(message_number(message)?, number(lines)?),
                _ => return Err(CommandError::Arguments),
            },
            b"AUTH" => match arguments.words {
                [Some(name), initial] => Self::Auth {
                    mechanism: std::str::from_utf8(name).ok().and_then(|name| name.parse().ok()),
                    initial_response: initial.map(Secret::new),
                },
                _ => return Err(CommandError::Arguments),
            },
            _ => return Err(CommandError::Unknown),
        };
        Ok(command)
    }
}

/// RFC 1939 §3: keywords have three or four characters.
const KEYWORD_MAX_BYTES: usize = 4;

/// The words after a keyword; no command has more than two.
struct Arguments<'a> {
    words: [Option<&'a [u8]>; 2],
}

impl<'a> Arguments<'a> {
    /// Splits at single spaces (RFC 1939 §3). Spaces at the end are forgiven: some clients send `LIST ` for `LIST`.
    fn split(rest: Option<&'a [u8]>) -> Result<Self, CommandError> {
        let rest = rest.unwrap_or_default();
        let quirk_trailing_spaces = rest.iter().rev().take_while(|&&byte| byte == b' ').count();
        let rest = &rest[..rest.len() - quirk_trailing_spaces];
        if rest.is_empty() {
            return Ok(Self { words: [None, None] });
        }
        let mut words = rest.split(|&byte| byte == b' ');
        let arguments = Self { words: [words.next(), words.next()] };
        if words.next().is_some() || arguments.words.iter().flatten().any(|word| word.is_empty()) {
            return Err(CommandError::Arguments);
        }
        Ok(arguments)
    }

    fn none(&self, command: Command) -> Result<Command, CommandError> {
        if self.words[0].is_some() { Err(CommandError::Arguments) } else { Ok(command) }
    }

    fn message(&self) -> Result<MessageNumber, CommandError> {
        self.optional_message()?.ok_or(CommandError::Arguments)
    }

    fn optional_message(&self) -> Result<Option<MessageNumber>, CommandError> {
        match self.words {
            [word, None] => word.map(message_number).transpose(),
            _ => Err(CommandError::Arguments),
        }
    }
}

/// The one argument of USER and PASS, spaces and all.
fn text(rest: Option<&[u8]>) -> Result<&[u8], CommandError> {
    rest.filter(|text| !text.is_empty()).ok_or(CommandError::Arguments)
}

fn check_charset(line: &[u8], utf8: bool) -> Result<(), CommandError> {
    match (line.is_ascii(), utf8) {
        (true, _) => Ok(()),
        (false, true) => std::str::from_utf8(line).map(|_| ()).map_err(|_| CommandError::NotUtf8),
        (false, false) => Err(CommandError::NotAscii),
    }
}

/// A number too large for us is the largest: there is no such message, or no such line.
fn number(word: &[u8]) -> Result<u64, CommandError> {
    word.iter().try_fold(0u64, |value, byte| match byte {
        b'0'..=b'9' => Ok(value.saturating_mul(10).saturating_add(u64::from(byte - b'0'))),
        _ => Err(CommandError::Arguments),
    })
}

fn message_number(word: &[u8]) -> Result<MessageNumber, CommandError> {
    let value = u32::try_from(number(word)?).unwrap_or(u32::MAX);
    NonZeroU32::new(value).map(MessageNumber).ok_or(CommandError::Arguments)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Compares the `Debug` form, which shows all but secrets.
    #[track_caller]
    fn check(line: &str, expected: &str) {
        check_bytes(line.as_bytes(), false, expected);
    }

    #[track_caller]
    fn check_bytes(line: &[u8], utf8: bool, expected: &str) {
        let found = match Command::parse(line, utf8) {
            Ok(command) => format!("{command:?}"),
            Err(error) => format!("{error:?}"),
        };
        assert_eq!(found.replace("MessageNumber", ""), expected, "{line:?}");
    }

    #[test]
    fn commands_are_read_in_any_case() {
        for (line, expected) in [
            ("CAPA", "Capa"),
            ("sTLS", "Stls"),
            ("utf8", "Utf8"),
            ("quit", "Quit"),
            ("STAT", "Stat"),
            ("Noop", "Noop"),
            ("RSET", "Rset"),
            ("LIST", "List(None)"),
            ("LIST ", "List(None)"),
            ("list 3", "List(Some((3)))"),
            ("UIDL 12  ", "Uidl(Some((12)))"),
            ("RETR 007", "Retr((7))"),
            ("DELE 1", "Dele((1))"),
            ("TOP 1 0", "Top((1), 0)"),
            ("top 2 10", "Top((2), 10)"),
        ] {
            check(line, expected);
        }
    }

    #[test]
    fn arguments_are_counted() {
        for line in [
            "CAPA x",
            "STAT 1",
            "LIST 1 2",
            "LIST  1",
            "LIST x",
            "LIST 0",
            "LIST -1",
            "LIST +1",
            "RETR",
            "RETR 1 2",
            "DELE",
            "DELE 1x",
            "TOP 1",
            "TOP 1 2 3",
            "TOP 0 1",
            "TOP 1 -1",
            "USER",
            "USER ",
            "PASS",
            "PASS ",
            "AUTH",
            "AUTH PLAIN a b",
        ] {
            check(line, "Arguments");
        }
        for line in ["", " ", "X", "STATUS", "APOP a b", "XTND", "EHLO x", "get / HTTP/1.1"] {
            check(line, "Unknown");
        }
    }

    #[test]
    fn numbers_do_not_overflow() {
        check("RETR 4294967296", "Retr((4294967295))");
        check("RETR 99999999999999999999999999999999999999", "Retr((4294967295))");
        check("RETR 18446744073709551617", "Retr((4294967295))");
        check("TOP 1 99999999999999999999999999", "Top((1), 18446744073709551615)");
    }

    #[test]
    fn names_and_passwords_keep_their_spaces() {
        check("USER a b ", "User([97, 32, 98, 32])");
        check("PASS hunter2", "Pass(Secret(..))");
        let Ok(Command::Pass(password)) = Command::parse(b"pass  two words ", false) else { panic!() };
        assert_eq!(password.expose(), b" two words ");
    }

    #[test]
    fn sasl_mechanisms_are_known_by_name() {
        check("AUTH plain", "Auth { mechanism: Some(Plain), initial_response: None }");
        check("AUTH NTLM", "Auth { mechanism: None, initial_response: None }");
        check("AUTH PLAIN =", "Auth { mechanism: Some(Plain), initial_response: Some(Secret(..)) }");
    }

    #[test]
    fn octets_that_do_not_belong_are_refused() {
        for line in [&b"NOOP\0"[..], b"\0", b"LI\tST", b"USER a\rb", b"PASS a\nb", b"PASS a\x7fb", b"\x16\x03\x01"] {
            check_bytes(line, true, "ControlCharacter");
        }
        check_bytes("USER jürgen".as_bytes(), false, "NotAscii");
        check_bytes("PASS ü".as_bytes(), true, "Pass(Secret(..))");
        check_bytes(b"PASS \xff", true, "NotUtf8");
        check_bytes("NOOP ü".as_bytes(), true, "NotAscii");
    }

    #[test]
    fn browsers_are_recognised() {
        for line in ["GET / HTTP/1.1", "POST /x HTTP/1.0", "PRI * HTTP/2.0", "OPTIONS * HTTP/1.1"] {
            check(line, "Http");
        }
    }

    proptest! {
        #[test]
        fn random_lines_do_not_panic(line: Vec<u8>, utf8: bool) {
            let _ = Command::parse(&line, utf8);
        }
    }
}

//! Command lines: the grammar and its parser.
//!
//! ```text
//! ehlo           = "EHLO" SP ( Domain / address-literal ) CRLF
//! helo           = "HELO" SP Domain CRLF
//! lhlo           = "LHLO" SP ( Domain / address-literal ) CRLF                  ; RFC 2033 §4.1
//! mail           = "MAIL FROM:" Reverse-path [SP Mail-parameters] CRLF
//! rcpt           = "RCPT TO:" ( "<Postmaster@" Domain ">" / "<Postmaster>" / Forward-path )
//!                  [SP Rcpt-parameters] CRLF
//! data           = "DATA" CRLF
//! rset           = "RSET" CRLF
//! vrfy           = "VRFY" SP String CRLF
//! expn           = "EXPN" SP String CRLF
//! help           = "HELP" [ SP String ] CRLF
//! noop           = "NOOP" [ SP String ] CRLF
//! quit           = "QUIT" CRLF
//! starttls       = "STARTTLS" CRLF                                              ; RFC 3207 §4
//! auth           = "AUTH" SP sasl-mech [SP initial-response] CRLF               ; RFC 4954 §8
//! bdat           = "BDAT" SP 1*20DIGIT [SP "LAST"] CRLF                         ; RFC 3030 §2
//! ```
//! (RFC 5321 §4.1.1 unless said otherwise)
//!
//! Verbs and keywords are read in any case (§2.4), white space before the CRLF is let pass (§4.1.1). Octets that are
//! neither printable ASCII nor UTF-8 are refused wherever they stand.

mod parameter;
mod path;
pub mod xclient;

use posthouse_model::{Address, BodyType, ByMode, DsnNotify, DsnReturn, HoldRequest, ReversePath, Secret};
use thiserror::Error;

use crate::limits::{HELO_NAME_BYTES, SIZE_DIGITS};

pub use path::ForwardPath;

/// A command that keeps to the grammar.
#[derive(Debug)]
pub enum Command {
    /// `HELO` with the client's name.
    Helo(String),
    /// `EHLO` with the client's name.
    Ehlo(String),
    /// `LHLO` with the client's name.
    Lhlo(String),
    /// `STARTTLS`.
    StartTls,
    /// `AUTH`.
    Auth(AuthCommand),
    /// `MAIL`.
    Mail(Box<MailCommand>),
    /// `RCPT`.
    Rcpt(Box<RcptCommand>),
    /// `DATA`.
    Data,
    /// `BDAT`.
    Bdat(BdatCommand),
    /// `RSET`.
    Rset,
    /// `NOOP`; its argument means nothing.
    Noop,
    /// `VRFY`; we do not look at its argument.
    Vrfy,
    /// `EXPN`; we do not look at its argument.
    Expn,
    /// `HELP`.
    Help,
    /// `XCLIENT`, its argument unread: who may say it is looked at first.
    XClient(String),
    /// `QUIT`.
    Quit,
}

/// `AUTH` (RFC 4954 §4).
#[derive(Debug)]
pub struct AuthCommand {
    /// The mechanism's name as the client wrote it.
    pub mechanism: String,
    /// The initial response, still in base64 (or `=`).
    pub initial_response: Option<Secret>,
}

/// `MAIL` with its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailCommand {
    /// The sender.
    pub reverse_path: ReversePath,
    /// `SIZE`, saturated at the largest number there is.
    pub size_bytes: Option<u64>,
    /// `BODY`.
    pub body_type: Option<BodyType>,
    /// `SMTPUTF8`.
    pub smtputf8: bool,
    /// `REQUIRETLS`.
    pub require_tls: bool,
    /// `HOLDFOR` or `HOLDUNTIL`.
    pub hold: Option<HoldRequest>,
    /// `BY`.
    pub deliver_by: Option<ByValue>,
    /// `RET`.
    pub dsn_return: Option<DsnReturn>,
    /// `ENVID`, still in xtext.
    pub envelope_id: Option<String>,
    /// `AUTH`, decoded from xtext: an address or `<>`. We believe nobody who says it.
    pub auth: Option<String>,
    /// Whether the line has anything beyond ASCII.
    pub has_utf8: bool,
}

/// `BY` (RFC 2852 §4): within how many seconds a message is to be delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByValue {
    /// Seconds from now; above 0 for [`ByMode::Return`].
    pub seconds: i64,
    /// What is done when it is not.
    pub mode: ByMode,
    /// Whether the sender is told of every host that it is handed to.
    pub trace: bool,
}

/// `RCPT` with its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RcptCommand {
    /// The recipient.
    pub forward_path: ForwardPath,
    /// `NOTIFY`.
    pub notify: Option<DsnNotify>,
    /// `ORCPT`, as it was written.
    pub original: Option<String>,
    /// Whether the line has anything beyond ASCII.
    pub has_utf8: bool,
}

/// `BDAT` (RFC 3030 §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BdatCommand {
    /// Octets that follow the line, saturated at the largest number there is.
    pub size_bytes: u64,
    /// Whether this is the last chunk.
    pub last: bool,
}

/// What is wrong with a command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CommandError {
    /// No verb that we know.
    #[error("unknown command")]
    UnknownVerb,
    /// A request of another protocol, which a browser was tricked into sending.
    #[error("a request of HTTP")]
    Http,
    /// Control characters, or octets that are not UTF-8.
    #[error("octets that do not belong into a command")]
    BadOctets,
    /// An argument is missing.
    #[error("an argument is missing")]
    MissingArgument,
    /// An argument where none may be.
    #[error("an argument too many")]
    UnexpectedArgument,
    /// The client's name in HELO, EHLO or LHLO.
    #[error("the name of the client cannot be read")]
    BadHeloName,
    /// The path of MAIL.
    #[error("the sender cannot be read")]
    BadReversePath,
    /// The path of RCPT.
    #[error("the recipient cannot be read")]
    BadForwardPath,
    /// A parameter that belongs to no extension that we offer.
    #[error("a parameter that is not known")]
    UnknownParameter,
    /// A known parameter twice.
    #[error("a parameter that comes twice")]
    RepeatedParameter,
    /// A known parameter whose value cannot be read.
    #[error("a parameter whose value cannot be read")]
    BadParameterValue,
    /// The size of a chunk. What follows can be neither read nor passed over.
    #[error("a chunk whose size cannot be read")]
    BadChunkSize,
}

/// Reads a command line without its CRLF.
///
/// # Errors
/// When the line does not keep to the grammar.
pub fn parse(line: &[u8]) -> Result<Command, CommandError> {
    let text = std::str::from_utf8(line).map_err(|_| CommandError::BadOctets)?;
    let text = text.trim_end_matches([' ', '\t']);
    if text.chars().any(char::is_control) {
        return Err(CommandError::BadOctets);
    }
    let (verb, argument) = text.split_once(' ').unwrap_or((text, ""));
    match verb.to_ascii_uppercase().as_str() {
        "HELO" => helo_name(argument).map(Command::Helo),
        "EHLO" => helo_name(argument).map(Command::Ehlo),
        "LHLO" => helo_name(argument).map(Command::Lhlo),
        "STARTTLS" => alone(argument, Command::StartTls),
        "AUTH" => auth(argument),
        "MAIL" => mail(argument),
        "RCPT" => rcpt(argument),
        "DATA" => alone(argument, Command::Data),
        "BDAT" => bdat(argument).map(Command::Bdat).ok_or(CommandError::BadChunkSize),
        "RSET" => alone(argument, Command::Rset),
        "NOOP" => Ok(Command::Noop),
        "VRFY" if argument.is_empty() => Err(CommandError::MissingArgument),
        "VRFY" => Ok(Command::Vrfy),
        "EXPN" if argument.is_empty() => Err(CommandError::MissingArgument),
        "EXPN" => Ok(Command::Expn),
        "HELP" => Ok(Command::Help),
        "XCLIENT" => Ok(Command::XClient(argument.to_owned())),
        "QUIT" => alone(argument, Command::Quit),
        "GET" | "POST" | "PUT" | "HEAD" | "CONNECT" | "OPTIONS" | "DELETE" | "PATCH" | "TRACE" | "PRI" => {
            Err(CommandError::Http)
        }
        _ => Err(CommandError::UnknownVerb),
    }
}

fn alone(argument: &str, command: Command) -> Result<Command, CommandError> {
    if argument.is_empty() { Ok(command) } else { Err(CommandError::UnexpectedArgument) }
}

/// quirk: any printable word is taken for the client's name. Too many honest clients have a name that is no domain
/// (underscores, a bare address), and RFC 5321 §4.1.4 forbids to refuse mail because of it.
fn helo_name(argument: &str) -> Result<String, CommandError> {
    if argument.is_empty() {
        return Err(CommandError::MissingArgument);
    }
    if argument.len() > HELO_NAME_BYTES || !argument.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(CommandError::BadHeloName);
    }
    Ok(argument.to_owned())
}

fn auth(argument: &str) -> Result<Command, CommandError> {
    let mut words = argument.split(' ');
    let mechanism = words.next().filter(|word| !word.is_empty()).ok_or(CommandError::MissingArgument)?.to_owned();
    let initial_response = words.next().map(Secret::new);
    if words.next().is_some() {
        return Err(CommandError::UnexpectedArgument);
    }
    Ok(Command::Auth(AuthCommand { mechanism, initial_response }))
}

/// Splits `FROM:<path> parameters` behind the colon, whose keyword may be in any case.
fn after_keyword<'a>(argument: &'a str, keyword: &str) -> Option<&'a str> {
    let start = argument.get(..keyword.len())?;
    let rest = &argument[keyword.len()..];
    // quirk: RFC 5321 §3.3 forbids the space behind the colon, and devices that nobody can repair send it.
    start.eq_ignore_ascii_case(keyword).then(|| rest.strip_prefix(' ').unwrap_or(rest))
}

fn mail(argument: &str) -> Result<Command, CommandError> {
    let rest = after_keyword(argument, "FROM:").ok_or(CommandError::BadReversePath)?;
    let (reverse_path, rest) = path::reverse_path(rest).ok_or(CommandError::BadReversePath)?;
    let mut command = MailCommand {
        reverse_path,
        size_bytes: None,
        body_type: None,
        smtputf8: false,
        require_tls: false,
        hold: None,
        deliver_by: None,
        dsn_return: None,
        envelope_id: None,
        auth: None,
        has_utf8: !argument.is_ascii(),
    };
    parameter::mail(rest, &mut command)?;
    Ok(Command::Mail(Box::new(command)))
}

fn rcpt(argument: &str) -> Result<Command, CommandError> {
    let rest = after_keyword(argument, "TO:").ok_or(CommandError::BadForwardPath)?;
    let (forward_path, rest) = path::forward_path(rest).ok_or(CommandError::BadForwardPath)?;
    let mut command = RcptCommand { forward_path, notify: None, original: None, has_utf8: !argument.is_ascii() };
    parameter::rcpt(rest, &mut command)?;
    Ok(Command::Rcpt(Box::new(command)))
}

fn bdat(argument: &str) -> Option<BdatCommand> {
    let mut words = argument.split(' ');
    let size_bytes = parse_size(words.next()?)?;
    let last = match words.next() {
        None => false,
        Some(word) if word.eq_ignore_ascii_case("LAST") => true,
        Some(_) => return None,
    };
    words.next().is_none().then_some(BdatCommand { size_bytes, last })
}

/// `1*20DIGIT`. Twenty digits can be more than 64 bits hold; such a size is as good as infinite.
fn parse_size(text: &str) -> Option<u64> {
    if text.is_empty() || text.len() > SIZE_DIGITS || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(text.bytes().fold(0u64, |size, digit| size.saturating_mul(10).saturating_add(u64::from(digit - b'0'))))
}

impl RcptCommand {
    /// The recipient, where `<Postmaster>` without a domain means the postmaster of `host_name` (RFC 5321 §4.5.1).
    #[must_use]
    pub fn address(&self, host_name: &posthouse_model::Domain) -> Address {
        self.forward_path.address(host_name)
    }
}

#[cfg(test)]
mod tests;

//! The replies by occasion.

use super::{EnhancedCode, Reply};
use crate::command::CommandError;
use crate::content::ContentFault;
use crate::server::{AuthorizationRefusal, MessageRefusal, RecipientRefusal, SenderRefusal};

/// The reply that says `$text` with the code `$code` and the enhanced code `$class.$subject.$detail`.
macro_rules! reply {
    ($code:literal, ($class:literal, $subject:literal, $detail:literal), $text:expr) => {
        Reply::new($code, EnhancedCode::new($class, $subject, $detail), $text)
    };
}

/// The greeting (RFC 5321 §4.2, LMTP: RFC 2033 §4.1).
#[must_use]
pub fn greeting(host_name: &str, lmtp: bool) -> Reply {
    Reply::plain(220, format!("{host_name} {} Posthouse", if lmtp { "LMTP" } else { "ESMTP" }))
}

/// To HELO.
#[must_use]
pub fn helo(host_name: &str) -> Reply {
    Reply::plain(250, host_name.to_owned())
}

/// To EHLO and LHLO: one line for each extension (RFC 5321 §4.1.1.1).
#[must_use]
pub fn ehlo(host_name: &str, extensions: Vec<String>) -> Reply {
    let lines = std::iter::once(host_name.to_owned()).chain(extensions).map(Into::into).collect();
    Reply { code: 250, enhanced: None, lines }
}

/// To STARTTLS (RFC 3207 §4).
#[must_use]
pub fn ready_for_tls() -> Reply {
    reply!(220, (2, 0, 0), "Ready to start TLS")
}

/// STARTTLS inside TLS (RFC 3207 §4.2: TLS may be started once).
#[must_use]
pub fn tls_already() -> Reply {
    reply!(503, (5, 5, 1), "TLS is already active")
}

/// STARTTLS where it is not offered.
#[must_use]
pub fn starttls_not_offered() -> Reply {
    reply!(502, (5, 5, 1), "STARTTLS is not available here")
}

/// Anything of weight before STARTTLS (RFC 3207 §4).
#[must_use]
pub fn starttls_first() -> Reply {
    reply!(530, (5, 7, 0), "Must issue a STARTTLS command first")
}

/// Anything of weight before AUTH (RFC 4954 §6).
#[must_use]
pub fn authentication_required() -> Reply {
    reply!(530, (5, 7, 0), "Authentication required")
}

/// AUTH has succeeded (RFC 4954 §6).
#[must_use]
pub fn authenticated() -> Reply {
    reply!(235, (2, 7, 0), "Authentication successful")
}

/// A challenge of SASL, in base64 (RFC 4954 §4).
#[must_use]
pub fn challenge(encoded: String) -> Reply {
    Reply::plain(334, encoded)
}

/// AUTH where there is none, or for the second time, or inside a transaction (RFC 4954 §4).
#[must_use]
pub fn auth_out_of_order() -> Reply {
    reply!(503, (5, 5, 1), "AUTH is not possible now")
}

/// A mechanism that is not offered (RFC 4954 §4).
#[must_use]
pub fn mechanism_unknown() -> Reply {
    reply!(504, (5, 5, 4), "Authentication mechanism not available")
}

/// A password in clear outside TLS (RFC 4954 §6).
#[must_use]
pub fn encryption_required() -> Reply {
    reply!(538, (5, 7, 11), "Encryption required for this authentication mechanism")
}

/// The credentials do not suffice; why is never said (RFC 4954 §6).
#[must_use]
pub fn credentials_invalid() -> Reply {
    reply!(535, (5, 7, 8), "Authentication credentials invalid")
}

/// Credentials cannot be checked now (RFC 4954 §6).
#[must_use]
pub fn authentication_unavailable() -> Reply {
    reply!(454, (4, 7, 0), "Temporary authentication failure")
}

/// The client cancelled AUTH (RFC 4954 §4).
#[must_use]
pub fn authentication_cancelled() -> Reply {
    reply!(501, (5, 7, 0), "Authentication cancelled")
}

/// A response that cannot be read (RFC 4954 §4).
#[must_use]
pub fn response_unreadable() -> Reply {
    reply!(501, (5, 5, 2), "Cannot decode the authentication response")
}

/// A response that is too long (RFC 4954 §6).
#[must_use]
pub fn response_too_long() -> Reply {
    reply!(500, (5, 5, 6), "Authentication exchange line is too long")
}

/// The client is who it says but may not act as whom it wants, or may not sign in here.
#[must_use]
pub fn authorization(refusal: AuthorizationRefusal) -> Reply {
    match refusal {
        AuthorizationRefusal::Denied => credentials_invalid(),
        // RFC 4954 §6: of its codes only this one makes a client ask for another password, which is what is needed.
        // (4.7.12 asks for another mechanism; 5.7.13 says that the account is disabled.)
        AuthorizationRefusal::Expired => reply!(535, (5, 7, 8), "The password has expired, a new one is needed"),
        AuthorizationRefusal::TemporaryFailure => authentication_unavailable(),
    }
}

/// The sender is accepted.
#[must_use]
pub fn sender_ok() -> Reply {
    reply!(250, (2, 1, 0), "Sender OK")
}

/// The recipient is accepted.
#[must_use]
pub fn recipient_ok() -> Reply {
    reply!(250, (2, 1, 5), "Recipient OK")
}

/// To RSET, NOOP.
#[must_use]
pub fn ok() -> Reply {
    reply!(250, (2, 0, 0), "OK")
}

/// To VRFY: we tell nobody who lives here (RFC 5321 §7.3).
#[must_use]
pub fn cannot_verify() -> Reply {
    reply!(252, (2, 5, 0), "Cannot verify, but will accept the message and try to deliver it")
}

/// To EXPN (RFC 5321 §7.3).
#[must_use]
pub fn no_expansion() -> Reply {
    reply!(502, (5, 5, 1), "EXPN is not available")
}

/// To HELP.
#[must_use]
pub fn help() -> Reply {
    reply!(214, (2, 0, 0), "See RFC 5321")
}

/// To QUIT.
#[must_use]
pub fn bye() -> Reply {
    reply!(221, (2, 0, 0), "Bye")
}

/// To DATA.
#[must_use]
pub fn start_mail_input() -> Reply {
    Reply::plain(354, "End data with <CR><LF>.<CR><LF>")
}

/// To BDAT that is not the last (RFC 3030 §2).
#[must_use]
pub fn chunk_received(size_bytes: u64) -> Reply {
    reply!(250, (2, 0, 0), format!("{size_bytes} octets received"))
}

/// The message is on disk.
#[must_use]
pub fn stored(id: &str) -> Reply {
    reply!(250, (2, 0, 0), format!("Stored as {id}"))
}

/// A command that is known but not now, or not here (RFC 5321 §4.1.4).
#[must_use]
pub fn bad_sequence(what: &'static str) -> Reply {
    reply!(503, (5, 5, 1), what)
}

/// HELO or EHLO on LMTP, LHLO on SMTP (RFC 2033 §4.1).
#[must_use]
pub fn wrong_greeting_command(lmtp: bool) -> Reply {
    if lmtp {
        reply!(500, (5, 5, 1), "This is LMTP: say LHLO")
    } else {
        reply!(500, (5, 5, 1), "This is SMTP: say EHLO")
    }
}

/// DATA or the last BDAT without an accepted recipient.
#[must_use]
pub fn no_valid_recipients(lmtp: bool) -> Reply {
    // RFC 2033 §4.2 wants 503 from LMTP; RFC 5321 §3.3 lets SMTP choose.
    if lmtp { reply!(503, (5, 5, 1), "No valid recipients") } else { reply!(554, (5, 5, 1), "No valid recipients") }
}

/// A command line with a bare LF.
#[must_use]
pub fn bare_line_feed() -> Reply {
    reply!(500, (5, 5, 2), "Lines must end in <CR><LF>")
}

/// A command line beyond its limit (RFC 5321 §4.5.3.1.9).
#[must_use]
pub fn line_too_long() -> Reply {
    reply!(500, (5, 5, 2), "Line too long")
}

/// A command that does not keep to the grammar.
#[must_use]
pub fn command(error: CommandError) -> Reply {
    match error {
        CommandError::UnknownVerb => reply!(500, (5, 5, 1), "Command not recognized"),
        CommandError::Http => reply!(500, (5, 5, 1), "This port does not speak HTTP"),
        CommandError::BadOctets => reply!(500, (5, 5, 2), "Command contains invalid octets"),
        CommandError::MissingArgument => reply!(501, (5, 5, 4), "Argument missing"),
        CommandError::UnexpectedArgument => reply!(501, (5, 5, 4), "Argument not allowed"),
        CommandError::BadHeloName => reply!(501, (5, 5, 4), "Invalid client name"),
        CommandError::BadReversePath => reply!(501, (5, 1, 7), "Bad sender address syntax"),
        CommandError::BadForwardPath => reply!(501, (5, 1, 3), "Bad recipient address syntax"),
        CommandError::UnknownParameter => reply!(555, (5, 5, 4), "Parameter not recognized or not implemented"),
        CommandError::RepeatedParameter => reply!(501, (5, 5, 4), "Parameter given twice"),
        CommandError::BadParameterValue => reply!(501, (5, 5, 4), "Bad parameter value"),
        CommandError::BadChunkSize => reply!(501, (5, 5, 4), "Bad chunk size"),
    }
}

/// A message is to be returned sooner than this server delivers (RFC 2852 §3).
#[must_use]
pub fn deliver_by_too_soon() -> Reply {
    reply!(555, (5, 5, 4), "Cannot promise delivery within so short a time")
}

/// XCLIENT of somebody who may not say on whose behalf it comes.
#[must_use]
pub fn not_trusted() -> Reply {
    reply!(550, (5, 7, 0), "Insufficient authorization")
}

/// XCLIENT that says who signed in: that is shown here, or not believed.
#[must_use]
pub fn no_login_by_others() -> Reply {
    reply!(501, (5, 5, 4), "LOGIN is not accepted, use AUTH")
}

/// A parameter of an extension that is not offered at this moment.
#[must_use]
pub fn parameter_not_offered() -> Reply {
    command(CommandError::UnknownParameter)
}

/// A sender beyond ASCII without SMTPUTF8 (RFC 6531 §3.5).
#[must_use]
pub fn sender_needs_smtputf8() -> Reply {
    reply!(550, (5, 6, 7), "Non-ASCII addresses need SMTPUTF8")
}

/// A recipient beyond ASCII without SMTPUTF8 (RFC 6531 §3.5).
#[must_use]
pub fn recipient_needs_smtputf8() -> Reply {
    reply!(553, (5, 6, 7), "Non-ASCII addresses need SMTPUTF8")
}

/// The declared or real size exceeds the limit (RFC 1870 §6.1, §6.3).
#[must_use]
pub fn message_too_large() -> Reply {
    reply!(552, (5, 3, 4), "Message size exceeds the fixed maximum message size")
}

/// More recipients than a message may have (RFC 5321 §4.5.3.1.10).
#[must_use]
pub fn too_many_recipients() -> Reply {
    reply!(452, (4, 5, 3), "Too many recipients")
}

/// Something of ours fails for now.
#[must_use]
pub fn local_error() -> Reply {
    reply!(451, (4, 3, 0), "Local error in processing, try again later")
}

/// Nothing more may wait to be let go (RFC 4865 §6).
#[must_use]
pub fn too_much_held() -> Reply {
    reply!(552, (5, 7, 16), "Too many of your messages wait for their release")
}

/// Why the sender is refused.
#[must_use]
pub fn sender(refusal: &SenderRefusal) -> Reply {
    match refusal {
        SenderRefusal::NotOwned => reply!(553, (5, 7, 1), "Sender address does not belong to you"),
        SenderRefusal::TooMuchHeld => too_much_held(),
        SenderRefusal::NoSuchDomain => reply!(550, (5, 1, 8), "Sender domain does not exist"),
        SenderRefusal::NullMx => reply!(550, (5, 7, 27), "Sender domain does not accept mail"),
        SenderRefusal::RateLimited => reply!(450, (4, 7, 1), "Too much mail, try again later"),
        SenderRefusal::InsufficientStorage => reply!(452, (4, 3, 1), "Insufficient system storage"),
        SenderRefusal::TemporaryFailure => local_error(),
        SenderRefusal::Policy { text } => reply!(550, (5, 7, 1), text.clone()),
        SenderRefusal::Sending(refusal) => super::sending(refusal),
        SenderRefusal::TemporaryPolicy { text } => reply!(450, (4, 7, 1), text.clone()),
    }
}

/// Why a recipient is refused.
#[must_use]
pub fn recipient(refusal: &RecipientRefusal) -> Reply {
    match refusal {
        RecipientRefusal::NoSuchMailbox => reply!(550, (5, 1, 1), "No such mailbox"),
        RecipientRefusal::RelayDenied => reply!(550, (5, 7, 1), "Relaying denied"),
        RecipientRefusal::NoSuchDomain => reply!(550, (5, 1, 2), "Recipient domain does not exist"),
        RecipientRefusal::NullMx => reply!(556, (5, 1, 10), "Recipient domain does not accept mail"),
        RecipientRefusal::MailboxFull => reply!(452, (4, 2, 2), "Mailbox full"),
        RecipientRefusal::MailboxFullForGood => reply!(552, (5, 2, 2), "Mailbox full"),
        RecipientRefusal::MailboxDisabled => reply!(550, (5, 2, 1), "Mailbox disabled"),
        RecipientRefusal::TooManyRecipients => too_many_recipients(),
        RecipientRefusal::RateLimited => reply!(450, (4, 7, 1), "Too much mail, try again later"),
        RecipientRefusal::Greylisted => reply!(450, (4, 7, 1), "Greylisted, try again later"),
        RecipientRefusal::TemporaryFailure => local_error(),
        RecipientRefusal::Policy { text } => reply!(550, (5, 7, 1), text.clone()),
        RecipientRefusal::Sending(refusal) => super::sending(refusal),
        RecipientRefusal::TemporaryPolicy { text } => reply!(450, (4, 7, 1), text.clone()),
    }
}

/// Why a whole message, or one recipient of it, is refused at its end.
#[must_use]
pub fn message(refusal: &MessageRefusal) -> Reply {
    match refusal {
        MessageRefusal::NoSuchMailbox => reply!(550, (5, 1, 1), "No such mailbox"),
        MessageRefusal::FromNotOwned => reply!(553, (5, 7, 1), "From address does not belong to you"),
        MessageRefusal::MalformedHeader => reply!(554, (5, 6, 0), "Message header is malformed"),
        MessageRefusal::NonAsciiHeader => reply!(554, (5, 6, 9), "Header beyond ASCII needs SMTPUTF8"),
        MessageRefusal::TooLarge => message_too_large(),
        MessageRefusal::RoutingLoop => reply!(554, (5, 4, 6), "Routing loop detected"),
        MessageRefusal::MailboxFull => reply!(552, (5, 2, 2), "Mailbox full"),
        MessageRefusal::Authentication { text } => reply!(550, (5, 7, 26), text.clone()),
        MessageRefusal::Content { text } => reply!(554, (5, 7, 1), text.clone()),
        MessageRefusal::Filtered { subject, detail, text } => {
            Reply::new(550, EnhancedCode::new(5, *subject, *detail), text.clone())
        }
        MessageRefusal::Policy { text } => reply!(550, (5, 7, 1), text.clone()),
        MessageRefusal::InsufficientStorage => reply!(452, (4, 3, 1), "Insufficient system storage"),
        MessageRefusal::MailboxFullForNow => reply!(452, (4, 2, 2), "Mailbox full"),
        MessageRefusal::RateLimited => reply!(450, (4, 7, 1), "Too much mail, try again later"),
        MessageRefusal::TemporaryFailure => local_error(),
        MessageRefusal::Sending(refusal) => super::sending(refusal),
        MessageRefusal::TooMuchHeld => too_much_held(),
        MessageRefusal::TemporaryPolicy { text } => reply!(451, (4, 7, 1), text.clone()),
    }
}

/// Text that must not be in a message.
#[must_use]
pub(crate) fn content(fault: ContentFault) -> Reply {
    match fault {
        ContentFault::BareCr => reply!(554, (5, 6, 0), "Message contains a bare <CR>"),
        ContentFault::BareLf => reply!(554, (5, 6, 0), "Message contains a bare <LF>"),
        ContentFault::Nul => reply!(554, (5, 6, 0), "Message contains a NUL"),
        ContentFault::LineTooLong => reply!(554, (5, 6, 0), "Message contains a line that is too long"),
        ContentFault::TooLarge => message_too_large(),
    }
}

/// The server is going down (RFC 5321 §3.8).
#[must_use]
pub fn shutting_down() -> Reply {
    reply!(421, (4, 3, 2), "Service shutting down, closing the connection")
}

/// Who signed in may not any more.
#[must_use]
pub fn signed_out() -> Reply {
    reply!(421, (4, 7, 0), "Account may not use this service any more, closing the connection")
}

/// The client was silent or slow for too long.
#[must_use]
pub fn timeout() -> Reply {
    reply!(421, (4, 4, 2), "Timeout, closing the connection")
}

/// Too many errors or idle commands.
#[must_use]
pub fn too_many_errors() -> Reply {
    reply!(421, (4, 7, 0), "Too many errors, closing the connection")
}

/// Authentication failed too often.
#[must_use]
pub fn too_many_authentication_failures() -> Reply {
    reply!(421, (4, 7, 0), "Too many failed authentications, closing the connection")
}

/// More messages than a session may bring (RFC 9422).
#[must_use]
pub fn too_many_messages() -> Reply {
    reply!(421, (4, 7, 0), "Too many messages in one session, closing the connection")
}

//! What stands behind a cause, as a person would put it, and what that person can do.

use posthouse_domain_policy::MailHostsError;

use crate::queue::courier::{Cause, PeerReply};
use crate::queue::tls_problem::TlsProblemKind;

/// Why mail did not get through. Each has its words in every language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// The domain accepts no mail.
    NoMailDomain,
    /// There is no such domain.
    NoSuchDomain,
    /// The domain names no mail server that can be found.
    NoMailServer,
    /// The domain leads its mail here, where nobody knows of it.
    Loop,
    /// The domain's name servers do not answer.
    NameServersSilent,
    /// The mail server cannot be reached, or does not hold out.
    Unreachable,
    /// Encryption is required, and not to be had.
    NoEncryption,
    /// Encryption is required, and the server cannot prove who it is.
    Unproven,
    /// Encryption all the way is asked for by the sender, and not promised.
    NoPromise,
    /// Delivery in time is asked for by the sender, and not promised.
    NoTimeKept,
    /// Our server may not use the one that it sends by.
    NotSignedIn,
    /// The server cannot handle international characters.
    NoInternational,
    /// The message is too large.
    TooLarge,
    /// The mailbox is full.
    MailboxFull,
    /// The server knows no such recipient.
    UnknownRecipient,
    /// The server does not want the message: its rules, or its opinion of us.
    NotWanted,
    /// The server refuses it for another reason.
    Refused,
    /// The server asks to come again.
    NotNow,
    /// The server by which it goes may not be given more for now.
    NotItsTurn,
    /// Our administrator has ended it.
    Ended,
    /// Our server has a fault.
    OurFault,
}

/// What the reader can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Advice {
    /// Look at the address, and write again.
    CheckAddress,
    /// Reach the recipient in another way, whose administrator can do something.
    TellRecipient,
    /// Tell the own administrator.
    TellAdministrator,
    /// Send less.
    SendLess,
    /// Wait until the recipient has made room.
    WaitForRoom,
    /// Use other characters, or another address.
    UsePlainAddress,
}

impl Why {
    /// All of them.
    #[cfg(test)]
    pub const ALL: [Self; 21] = [
        Self::NoMailDomain,
        Self::NoSuchDomain,
        Self::NoMailServer,
        Self::Loop,
        Self::NameServersSilent,
        Self::Unreachable,
        Self::NoEncryption,
        Self::Unproven,
        Self::NoPromise,
        Self::NoTimeKept,
        Self::NotSignedIn,
        Self::NoInternational,
        Self::TooLarge,
        Self::MailboxFull,
        Self::UnknownRecipient,
        Self::NotWanted,
        Self::Refused,
        Self::NotNow,
        Self::NotItsTurn,
        Self::Ended,
        Self::OurFault,
    ];

    /// What stands behind a cause.
    pub fn of(cause: &Cause) -> Self {
        match cause {
            Cause::MailHosts(error) => match error {
                MailHostsError::NullMx(_) => Self::NoMailDomain,
                MailHostsError::NoSuchDomain(_) => Self::NoSuchDomain,
                MailHostsError::NoAddress(_) => Self::NoMailServer,
                MailHostsError::WeAreBest(_) => Self::Loop,
                MailHostsError::Unavailable { .. } => Self::NameServersSilent,
            },
            Cause::Connect(_) | Cause::Lost(_) | Cause::Protocol(_) => Self::Unreachable,
            Cause::Tls(problem) => Self::of_tls(problem.kind),
            Cause::NoRequireTls => Self::NoPromise,
            Cause::NoDeliverBy => Self::NoTimeKept,
            Cause::Login(_) => Self::NotSignedIn,
            Cause::NoSmtpUtf8 | Cause::NoEightBitMime => Self::NoInternational,
            Cause::TooLarge { .. } => Self::TooLarge,
            Cause::MailboxFull => Self::MailboxFull,
            Cause::MailboxGone => Self::UnknownRecipient,
            Cause::Reply(reply) => Self::of_reply(reply),
            Cause::RouteLimit(_) => Self::NotItsTurn,
            Cause::Administrator(_) => Self::Ended,
            Cause::Internal(_) => Self::OurFault,
        }
    }

    fn of_tls(kind: TlsProblemKind) -> Self {
        match kind {
            TlsProblemKind::NoStartTls
            | TlsProblemKind::StartTlsRefused
            | TlsProblemKind::Handshake
            | TlsProblemKind::VersionTooLow => Self::NoEncryption,
            TlsProblemKind::Expired
            | TlsProblemKind::Name
            | TlsProblemKind::Untrusted
            | TlsProblemKind::SelfSigned
            | TlsProblemKind::BadCertificate
            | TlsProblemKind::DaneMismatch
            | TlsProblemKind::DaneUnknown
            | TlsProblemKind::NoDane
            | TlsProblemKind::StsFetch
            | TlsProblemKind::NotInStsPolicy
            | TlsProblemKind::UnprovenHost => Self::Unproven,
            TlsProblemKind::OurSide => Self::OurFault,
        }
    }

    /// RFC 3463 §3: subject and detail say more than the words.
    fn of_reply(reply: &PeerReply) -> Self {
        let enhanced = reply.enhanced.as_deref().and_then(|code| code.split_once('.')).map(|(_, detail)| detail);
        match (enhanced, reply.code) {
            (Some("1.1" | "1.6" | "1.10" | "2.1"), 500..) => Self::UnknownRecipient,
            (Some("1.2"), 500..) => Self::NoSuchDomain,
            (Some("2.2"), _) => Self::MailboxFull,
            (Some("2.3" | "3.4"), _) | (None, 552) => Self::TooLarge,
            (Some("6.7"), _) => Self::NoInternational,
            (Some(detail), 500..) if detail.starts_with("7.") => Self::NotWanted,
            (_, 400..500) => Self::NotNow,
            _ => Self::Refused,
        }
    }

    /// What the reader can do about it.
    pub fn advice(self) -> Advice {
        match self {
            Self::NoMailDomain | Self::NoSuchDomain | Self::UnknownRecipient => Advice::CheckAddress,
            Self::NoMailServer
            | Self::NameServersSilent
            | Self::Unreachable
            | Self::NoEncryption
            | Self::Unproven
            | Self::NoPromise
            | Self::NoTimeKept
            | Self::NotWanted
            | Self::Refused
            | Self::NotNow => Advice::TellRecipient,
            Self::Loop | Self::NotSignedIn | Self::NotItsTurn | Self::Ended | Self::OurFault => {
                Advice::TellAdministrator
            }
            Self::NoInternational => Advice::UsePlainAddress,
            Self::TooLarge => Advice::SendLess,
            Self::MailboxFull => Advice::WaitForRoom,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hosts_say() {
        for (code, enhanced, expected) in [
            (550, Some("5.1.1"), Why::UnknownRecipient),
            (550, None, Why::Refused),
            (450, Some("4.1.1"), Why::NotNow),
            (452, Some("4.2.2"), Why::MailboxFull),
            (552, Some("5.3.4"), Why::TooLarge),
            (552, None, Why::TooLarge),
            (554, Some("5.7.1"), Why::NotWanted),
            (451, Some("4.7.1"), Why::NotNow),
            (554, Some("x"), Why::Refused),
        ] {
            let reply = PeerReply { code, enhanced: enhanced.map(str::to_owned), text: String::new() };
            assert_eq!(Why::of(&Cause::Reply(reply)), expected, "{code} {enhanced:?}");
        }
    }
}

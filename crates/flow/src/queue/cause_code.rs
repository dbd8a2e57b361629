//! What an attempt came to, in one stable word: what a queue is filtered and counted by.

use posthouse_domain_policy::MailHostsError;

use super::courier::Cause;

impl Cause {
    /// The word. Those of replies have their code, such as `reply-421`.
    pub fn code(&self) -> String {
        let word = match self {
            Self::Reply(reply) => return format!("reply-{}", reply.code),
            Self::MailHosts(MailHostsError::NullMx(_)) => "null-mx",
            Self::MailHosts(MailHostsError::NoSuchDomain(_)) => "no-such-domain",
            Self::MailHosts(_) => "dns",
            Self::Connect(_) => "connect",
            Self::Tls(problem) => problem.kind.code(),
            Self::NoRequireTls => "no-requiretls",
            Self::NoDeliverBy => "no-deliverby",
            Self::Login(_) => "login",
            Self::NoSmtpUtf8 => "no-smtputf8",
            Self::NoEightBitMime => "no-8bitmime",
            Self::TooLarge { .. } => "too-large",
            Self::MailboxFull => "mailbox-full",
            Self::MailboxGone => "mailbox-gone",
            Self::RouteLimit(_) => "route-limit",
            Self::Administrator(_) => "administrator",
            Self::Lost(_) => "lost",
            Self::Protocol(_) => "protocol",
            Self::Internal(_) => "internal",
        };
        word.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::courier::PeerReply;

    #[test]
    fn words() {
        let reply = PeerReply { code: 421, enhanced: None, text: "busy".to_owned() };
        assert_eq!(Cause::Reply(reply).code(), "reply-421");
        assert_eq!(Cause::Connect("refused".to_owned()).code(), "connect");
    }
}

//! The words for questions and answers, and listeners to talk to.

use std::sync::Arc;

use posthouse_model::session::{Peer, TlsInfo, TlsMode};
use posthouse_model::time::Instant;
use posthouse_model::{Domain, JourneyId, Secret};
use posthouse_sasl as sasl;
use posthouse_testkit::transcript::{self, Dialect};

use crate::server::*;

/// Signing in as `u@example.org`, where that is possible.
pub(super) const SIGN_IN: &str = r"
    C: AUTH PLAIN AHVAZXhhbXBsZS5vcmcAc2VjcmV0
    ? auth PLAIN
    ! nonce
    ? password u@example.org secret
    ! right
    ? authorize u@example.org PLAIN
    ! granted
    S: 235 2.7.0 Authentication successful
";

/// A listener under test.
#[derive(Clone)]
pub(super) struct Listener(pub(super) ServerConfig);

fn host_name() -> Domain {
    Domain::parse("mail.example.org").unwrap()
}

pub(super) fn peer() -> Peer {
    Peer { remote: "192.0.2.7:40000".parse().unwrap(), local: "198.51.100.1:25".parse().unwrap() }
}

pub(super) fn mx() -> Listener {
    Listener(ServerConfig::mx(host_name()))
}

/// An MX without TLS.
pub(super) fn plain_mx() -> Listener {
    mx().with(|config| config.tls_mode = TlsMode::None)
}

pub(super) fn lmtp() -> Listener {
    Listener(ServerConfig::lmtp(host_name()))
}

pub(super) fn submission(tls_mode: TlsMode) -> Listener {
    Listener(ServerConfig::submission(host_name(), tls_mode))
}

impl Listener {
    pub(super) fn with(mut self, change: impl FnOnce(&mut ServerConfig)) -> Self {
        change(&mut self.0);
        self
    }

    /// Replays a script in every split.
    #[track_caller]
    pub(super) fn check(&self, script: &str) {
        transcript::check(self, script);
    }

    /// EHLO and its reply, which is not looked at but for what is `offered` besides the usual.
    pub(super) fn ehlo(&self, offered: &[&str]) -> String {
        let verb = if self.0.role == Role::Lmtp { "LHLO" } else { "EHLO" };
        let usual = "S* 250-\n".repeat(9 + usize::from(self.0.tls_mode != TlsMode::None));
        let offered: String = offered.iter().map(|line| format!("S: 250-{line}\n")).collect();
        let has_auth = self.0.tls_mode == TlsMode::Implicit && !self.0.mechanisms.is_empty();
        let auth = if has_auth { "S* 250-AUTH\n" } else { "" };
        format!("C: {verb} c.example\n{usual}{offered}{auth}S* 250 LIMITS\n")
    }

    /// The beginning of a session, up to the end of [`Self::ehlo`].
    pub(super) fn greeted(&self, offered: &[&str]) -> String {
        let tls = if self.0.tls_mode == TlsMode::Implicit { "TLS\n" } else { "" };
        let protocol = if self.0.role == Role::Lmtp { "LMTP" } else { "ESMTP" };
        format!("{tls}S* 220 mail.example.org {protocol}\n{}", self.ehlo(offered))
    }

    /// Replays a script behind EHLO, whose reply is not looked at.
    #[track_caller]
    pub(super) fn check_greeted(&self, script: &str) {
        self.check(&(self.greeted(&[]) + script));
    }

    /// Replays a script that begins inside a transaction with one recipient.
    #[track_caller]
    pub(super) fn check_addressed(&self, parameters: &str, script: &str) {
        self.check_greeted(&format!(
            "C: MAIL FROM:<a@b.example>{parameters}\n? sender <a@b.example>{}\n! ok\nS: 250 2.1.0 Sender OK\n\
             C: RCPT TO:<u@example.org>\n? recipient u@example.org\n! yes\nS: 250 2.1.5 Recipient OK\n{script}",
            parameters.to_lowercase()
        ));
    }
}

/// A listener that the client is a trusted neighbour of.
pub(super) struct Trusting(pub(super) Listener);

impl Dialect for Trusting {
    type Session = ServerSession;

    fn start(&self) -> ServerSession {
        self.0.start().trusting_xclient()
    }

    fn describe(&self, question: &Question) -> String {
        match question {
            Question::StoreMessage(message) => {
                format!("{} for {} as {}", self.0.describe(question), message.peer.remote, message.helo)
            }
            _ => self.0.describe(question),
        }
    }

    fn answer(&self, words: &str) -> Answer {
        self.0.answer(words)
    }

    fn tls(&self) -> TlsInfo {
        self.0.tls()
    }
}

/// A listener whose sessions begin at 2023-11-14T22:13:20Z.
pub(super) struct Dated(pub(super) Listener);

impl Dialect for Dated {
    type Session = ServerSession;

    fn start(&self) -> ServerSession {
        self.0.start().with_date(posthouse_model::UnixMillis(1_700_000_000_000))
    }

    fn describe(&self, question: &Question) -> String {
        self.0.describe(question)
    }

    fn answer(&self, words: &str) -> Answer {
        self.0.answer(words)
    }

    fn tls(&self) -> TlsInfo {
        self.0.tls()
    }
}

impl Dialect for Listener {
    type Session = ServerSession;

    fn start(&self) -> ServerSession {
        ServerSession::new(Arc::new(self.0.clone()), peer(), Instant(0))
    }

    fn describe(&self, question: &Question) -> String {
        match question {
            Question::StartAuthentication { mechanism } => format!("auth {mechanism}"),
            Question::Credentials(question) => describe_credentials(question),
            Question::Authorize(identity) => match &identity.authorization_id {
                None => format!("authorize {} {}", identity.authentication_id, identity.mechanism),
                Some(other) => format!("authorize {} as {other} {}", identity.authentication_id, identity.mechanism),
            },
            Question::AuthenticationFailed { mechanism, .. } => format!("auth-failed {mechanism}"),
            Question::AcceptSender { envelope } => describe_sender(envelope),
            Question::AcceptRecipient { recipient, .. } => {
                let mut words = format!("recipient {}", recipient.address);
                if let Some(notify) = recipient.notify {
                    words += &format!(
                        " notify={}{}{}",
                        u8::from(notify.success),
                        u8::from(notify.failure),
                        u8::from(notify.delay)
                    );
                }
                if let Some(original) = &recipient.original {
                    words += &format!(" orcpt={original}");
                }
                words
            }
            Question::StoreMessage(message) => {
                let recipients: Vec<_> = message.envelope.recipients.iter().map(|r| r.address.to_string()).collect();
                let identity = message.identity.as_ref().map(|i| format!(" by {}", i.authentication_id));
                let eight = if message.has_8bit { " 8bit" } else { "" };
                format!(
                    "store {} {} bytes with {}{eight}{}",
                    recipients.join(","),
                    message.size_bytes,
                    message.protocol,
                    identity.unwrap_or_default()
                )
            }
            Question::ClientChanged { peer } => format!("client {} at {}", peer.remote, peer.local),
            Question::MessageAborted => "aborted".to_owned(),
        }
    }

    fn answer(&self, words: &str) -> Answer {
        let journey = JourneyId(7);
        match words {
            "nonce" => Answer::AuthenticationStart(AuthenticationStart::Permitted {
                nonce: [7; sasl::NONCE_BYTES],
                unix_time_seconds: 1_700_000_000,
            }),
            "throttled" => Answer::AuthenticationStart(AuthenticationStart::Throttled),
            "right" => Answer::Credentials(sasl::Answer::Accepted),
            "wrong" => Answer::Credentials(sasl::Answer::Rejected),
            "unavailable" => Answer::Credentials(sasl::Answer::TemporarilyUnavailable),
            "granted" => Answer::Authorization(AuthorizationAnswer::Granted),
            "denied" => Answer::Authorization(AuthorizationAnswer::Refused(AuthorizationRefusal::Denied)),
            "ok" => Answer::Sender(SenderVerdict::Accepted),
            "too-much-held" => Answer::Sender(SenderVerdict::Refused(SenderRefusal::TooMuchHeld)),
            "not-owned" => Answer::Sender(SenderVerdict::Refused(SenderRefusal::NotOwned)),
            "stored" => Answer::Store(StoreOutcome::Stored { journey }),
            "message-unavailable" => Answer::Store(StoreOutcome::Refused(MessageRefusal::TemporaryFailure)),
            "spam" => Answer::Store(StoreOutcome::Refused(MessageRefusal::Content { text: "Looks bad".to_owned() })),
            "filtered" => Answer::Store(StoreOutcome::Refused(MessageRefusal::Filtered {
                subject: 6,
                detail: 1,
                text: "No programs\r\n250 OK".to_owned(),
            })),
            "stored-and-full" => Answer::Store(StoreOutcome::PerRecipient(vec![
                RecipientOutcome::Stored { journey },
                RecipientOutcome::Refused(MessageRefusal::MailboxFullForNow),
            ])),
            "gone-and-full" => Answer::Store(StoreOutcome::PerRecipient(vec![
                RecipientOutcome::Refused(MessageRefusal::NoSuchMailbox),
                RecipientOutcome::Refused(MessageRefusal::MailboxFullForNow),
            ])),
            "sender-quota" => Answer::Sender(SenderVerdict::Refused(SenderRefusal::Sending(used_up(3 * 86_400)))),
            "recipient-quota" => Answer::Recipient(RecipientVerdict::Refused(RecipientRefusal::Sending(used_up(600)))),
            "message-quota" => Answer::Store(StoreOutcome::Refused(MessageRefusal::Sending(used_up(600)))),
            "switched-off" => {
                Answer::Sender(SenderVerdict::Refused(SenderRefusal::Sending(SendingRefusal::SwitchedOff)))
            }
            "suspended" => Answer::Sender(SenderVerdict::Refused(SenderRefusal::Sending(SendingRefusal::Suspended))),
            "attachment" => {
                Answer::Store(StoreOutcome::Refused(MessageRefusal::Sending(SendingRefusal::AttachmentTooLarge {
                    limit_bytes: 1000,
                })))
            }
            "too-many" => Answer::Recipient(RecipientVerdict::Refused(RecipientRefusal::Sending(
                SendingRefusal::TooManyRecipients { limit: 1 },
            ))),
            "yes" => Answer::Recipient(RecipientVerdict::Accepted),
            "relay" => Answer::Recipient(RecipientVerdict::Refused(RecipientRefusal::RelayDenied)),
            "nobody" => Answer::Recipient(RecipientVerdict::Refused(RecipientRefusal::NoSuchMailbox)),
            other => panic!("no such answer: {other}"),
        }
    }

    fn tls(&self) -> TlsInfo {
        TlsInfo {
            version: "TLS1.3".to_owned(),
            cipher_suite: "TLS_AES_256_GCM_SHA384".to_owned(),
            server_name: None,
            tls_exporter: Some(vec![1; 32]),
            tls_server_end_point: Some(vec![2; 32]),
            client_certificate: None,
        }
    }
}

fn used_up(wait_seconds: u64) -> SendingRefusal {
    SendingRefusal::QuotaUsedUp {
        owner: QuotaOwner::Account,
        most: 100,
        unit: QuotaUnit::Recipients,
        period: QuotaPeriod::Hour,
        wait: std::time::Duration::from_secs(wait_seconds),
    }
}

fn describe_credentials(question: &sasl::Question) -> String {
    match question {
        sasl::Question::VerifyPassword { authentication_id, password, .. } => {
            format!("password {authentication_id} {}", Secret::expose_str(password).unwrap())
        }
        sasl::Question::ExternalIdentity { authorization_id } => format!("certificate {authorization_id:?}"),
        sasl::Question::ScramCredential { user, .. } => format!("scram {user}"),
        sasl::Question::CramSecret { user } => format!("cram {user}"),
    }
}

fn describe_sender(envelope: &posthouse_model::Envelope) -> String {
    use posthouse_model::{BodyType, DsnReturn};
    let mut words = format!("sender {}", envelope.sender);
    if let Some(size) = envelope.declared_size_bytes {
        words += &format!(" size={size}");
    }
    words += match envelope.body_type {
        BodyType::SevenBit => "",
        BodyType::EightBitMime => " body=8bitmime",
        BodyType::BinaryMime => " body=binarymime",
    };
    if envelope.smtputf8 {
        words += " smtputf8";
    }
    if envelope.require_tls {
        words += " requiretls";
    }
    words += match envelope.dsn_return {
        None => "",
        Some(DsnReturn::Full) => " ret=full",
        Some(DsnReturn::Headers) => " ret=hdrs",
    };
    if let Some(id) = &envelope.envelope_id {
        words += &format!(" envid={id}");
    }
    if let (None, Some(by)) = (envelope.future_release, envelope.deliver_by) {
        words += &format!(" by={by}");
    }
    if let Some(release) = envelope.future_release {
        words += &format!(" hold={} at={}", release.request, release.at.to_rfc3339());
        words += &envelope.deliver_by.map(|by| format!(" by={by}")).unwrap_or_default();
    }
    words
}

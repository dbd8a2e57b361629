//! The port through which mail leaves the house.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use posthouse_domain_policy::MailHostsError;
use posthouse_domain_policy::transport::TlsaSet;
use posthouse_model::{BodyType, DeliverBy, Domain, DsnReturn, Recipient, ReversePath};
use posthouse_storage::routes::{RouteCertificate, RouteLogin};

use super::tls_problem::{TlsProblem, TlsProblemKind};

/// A host to hand mail to.
#[derive(Clone, Debug)]
pub struct NextHop {
    /// Its name or address literal; what a verified certificate has to be for.
    pub host: Domain,
    /// Its address; `None` to look the host up.
    pub address: Option<IpAddr>,
    /// Its port.
    pub port: u16,
    /// TLS towards it.
    pub tls: HopTls,
    /// How to sign in. Never used outside TLS.
    pub login: Option<RouteLogin>,
    /// The certificate that is shown to it, if it asks for one.
    pub certificate: Option<Arc<RouteCertificate>>,
    /// The route of the store that it is a host of.
    pub route: Option<String>,
    /// What a verified certificate has to be for, instead of the host's name.
    pub certificate_name: Option<Domain>,
    /// Most messages over one connection; `None` for as many as the courier likes.
    pub max_messages: Option<usize>,
}

impl NextHop {
    /// A host about which nothing more is said.
    pub fn plain(host: Domain, address: Option<IpAddr>, port: u16, tls: HopTls) -> Self {
        Self {
            host,
            address,
            port,
            tls,
            login: None,
            certificate: None,
            route: None,
            certificate_name: None,
            max_messages: None,
        }
    }
}

/// TLS towards a host.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum HopTls {
    /// Not at all.
    None,
    /// STARTTLS where it is offered and works, with whatever certificate.
    Opportunistic,
    /// STARTTLS, with whatever certificate.
    Required,
    /// STARTTLS, and the certificate has to be valid and fit the name.
    Verified,
    /// STARTTLS, and the certificate has to match the host's TLSA records (RFC 7672).
    Dane(Arc<TlsaSet>),
    /// From the first byte, and the certificate has to be valid and fit the name.
    Implicit,
}

/// A message for one or more recipients who share a host.
#[derive(Clone, Debug)]
pub struct Consignment {
    /// Envelope sender.
    pub sender: ReversePath,
    /// Recipients, with the parameters of RFC 3461.
    pub recipients: Vec<Recipient>,
    /// `BODY` of the envelope.
    pub body_type: BodyType,
    /// Whether addresses or header need SMTPUTF8.
    pub smtputf8: bool,
    /// Whether to hand it on only where REQUIRETLS is offered (RFC 8689).
    pub require_tls: bool,
    /// `RET`.
    pub dsn_return: Option<DsnReturn>,
    /// `ENVID`.
    pub envelope_id: Option<String>,
    /// Until when it is to be delivered (RFC 2852).
    pub deliver_by: Option<DeliverBy>,
    /// The message, in pieces that follow each other, lines ending in CRLF.
    pub content: Vec<Bytes>,
}

/// What a host answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerReply {
    /// The reply code.
    pub code: u16,
    /// The enhanced status code (RFC 3463), such as `5.1.1`.
    pub enhanced: Option<String>,
    /// The words, lines joined by a space.
    pub text: String,
}

impl fmt::Display for PeerReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        if let Some(enhanced) = &self.enhanced {
            write!(f, " {enhanced}")?;
        }
        write!(f, " {}", self.text)
    }
}

/// Why mail did not get through. Its words stand in the report to the sender, in the trail and in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// DNS says that there is nowhere to take it, or does not say where.
    MailHosts(MailHostsError),
    /// No connection; the words say why.
    Connect(String),
    /// TLS is required, and cannot be had.
    Tls(TlsProblem),
    /// The host does not offer REQUIRETLS, which the sender asked for (RFC 8689 §4.2.1).
    NoRequireTls,
    /// The message is to be returned unless it is delivered in time, and the host does not promise that
    /// (RFC 2852 §4.1.4.1).
    NoDeliverBy,
    /// The host offers no way to sign in that we have, or refused the login; the words say which.
    Login(String),
    /// The message needs SMTPUTF8, which the host does not offer (RFC 6531 §3.2).
    NoSmtpUtf8,
    /// The message has octets beyond 127, and the host does not offer 8BITMIME (RFC 6152 §3).
    NoEightBitMime,
    /// The message is larger than the host takes (RFC 1870 §6.1).
    TooLarge {
        /// What it takes, in octets.
        limit_bytes: u64,
    },
    /// The mailbox, which is here, is full.
    MailboxFull,
    /// The mailbox, which was here, has gone while the message waited.
    MailboxGone,
    /// A route carries no more for now; the words say how much it carries.
    RouteLimit(String),
    /// An administrator gave it up; the words are theirs.
    Administrator(String),
    /// The host said so.
    Reply(PeerReply),
    /// The connection ended, or nothing came for too long; the words say which.
    Lost(String),
    /// The host does not speak SMTP as it should; the words say how.
    Protocol(String),
    /// Something of ours failed; the words say what.
    Internal(String),
}

impl Cause {
    /// Whether trying again later may help.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::MailHosts(error) => error.is_passing(),
            Self::Reply(reply) => reply.code < 500,
            Self::NoSmtpUtf8 | Self::NoEightBitMime | Self::TooLarge { .. } => false,
            Self::MailboxFull | Self::MailboxGone => false,
            // RFC 2852 §4.1.4.1: "undeliverable for permanent reasons"; §7: other hosts of the domain are not asked.
            Self::NoDeliverBy => false,
            Self::Administrator(_) => false,
            // RFC 8689 §4.2.1: another host of the domain, or this one later, may offer it.
            Self::NoRequireTls | Self::Tls(_) | Self::Login(_) => true,
            Self::RouteLimit(_) | Self::Connect(_) | Self::Lost(_) | Self::Protocol(_) | Self::Internal(_) => true,
        }
    }

    /// The enhanced status code (RFC 3463) that a report gives.
    pub fn status(&self) -> String {
        let class = if self.is_passing() { 4 } else { 5 };
        let detail = match self {
            Self::MailHosts(MailHostsError::NullMx(_)) => "1.10",
            Self::MailHosts(MailHostsError::NoSuchDomain(_)) => "1.2",
            Self::MailHosts(MailHostsError::WeAreBest(_)) => "4.6",
            Self::MailHosts(_) => "4.4",
            Self::Connect(_) => "4.1",
            Self::Lost(_) => "4.2",
            Self::Tls(problem) => problem.kind.status_detail(),
            Self::NoRequireTls => "7.30",
            // RFC 3463 §3.4: the system is not capable of the features selected.
            Self::NoDeliverBy => "3.3",
            Self::Login(_) => "7.8",
            Self::NoSmtpUtf8 => "6.7",
            Self::NoEightBitMime => "6.3",
            Self::TooLarge { .. } => "3.4",
            Self::MailboxFull => "2.2",
            Self::MailboxGone => "1.1",
            // RFC 3463 §3.5: congestion.
            Self::RouteLimit(_) => "4.5",
            Self::Protocol(_) => "5.0",
            Self::Administrator(_) => "0.0",
            Self::Internal(_) => "3.0",
            Self::Reply(reply) => {
                let usable = reply.enhanced.as_ref().filter(|code| code.starts_with(['4', '5']));
                return usable.cloned().unwrap_or_else(|| format!("{class}.0.0"));
            }
        };
        format!("{class}.{detail}")
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MailHosts(error) => write!(f, "{error}"),
            Self::Connect(words) => write!(f, "cannot connect: {words}"),
            Self::Tls(problem) => write!(f, "{problem}"),
            Self::NoRequireTls => {
                f.write_str("the sender requires TLS all the way, but the host does not offer REQUIRETLS")
            }
            Self::NoDeliverBy => f.write_str(
                "the sender wants the message returned unless it is delivered in time, and the host does not offer \
                 DELIVERBY, or not within that time",
            ),
            Self::Login(words) => write!(f, "cannot sign in: {words}"),
            Self::NoSmtpUtf8 => f.write_str("the message has international addresses, which the host does not support"),
            Self::NoEightBitMime => f.write_str("the message has 8-bit text, which the host does not support"),
            Self::TooLarge { limit_bytes } => {
                write!(f, "the message is larger than the {limit_bytes} octets that the host accepts")
            }
            Self::MailboxFull => f.write_str("the mailbox is full"),
            Self::MailboxGone => f.write_str("the mailbox does not exist any more"),
            Self::RouteLimit(words) => f.write_str(words),
            Self::Administrator(words) if words.is_empty() => {
                f.write_str("the administrator of this server returns it")
            }
            Self::Administrator(words) => write!(f, "the administrator of this server returns it: {words}"),
            Self::Reply(reply) => write!(f, "the host said: {reply}"),
            Self::Lost(words) => write!(f, "the connection was lost: {words}"),
            Self::Protocol(words) => write!(f, "the host broke the protocol: {words}"),
            Self::Internal(words) => write!(f, "a fault of this server: {words}"),
        }
    }
}

/// What became of a consignment for one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecipientResult {
    /// The host has taken it.
    Accepted(PeerReply),
    /// It has not; [`Cause::is_passing`] says whether for good.
    Refused(Cause),
}

/// What protected a consignment on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// Nothing.
    Clear,
    /// TLS, to whomever; the reason why the certificate proves nothing, where it is known.
    Encrypted(Option<TlsProblemKind>),
    /// TLS, to a host that proved who it is.
    Verified,
}

/// What became of a consignment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryResult {
    /// For each of its recipients, in order.
    pub recipients: Vec<RecipientResult>,
    /// The TLS it went through, such as `TLS1.3 TLS_AES_256_GCM_SHA384, certificate verified`; `None` for clear text.
    pub tls: Option<String>,
    /// What that comes to.
    pub protection: Protection,
    /// The host and address it went to, such as `mx.example.org [192.0.2.1]`.
    pub host: String,
    /// Whether the host offers DSN, so that it takes over what the sender wants to be told (RFC 3461 §5.2.2).
    pub offers_dsn: bool,
    /// Whether the host offers DELIVERBY, so that it takes over the time of the message (RFC 2852 §4.1.4).
    pub offers_deliver_by: bool,
}

/// What became of some consignments.
///
/// While this lives, nothing more is said on the connections they went over: whoever drops it has taken note of the
/// results, durably. So a host whose 250 was lost with the process can be told from one that heard more from us.
pub struct Carried {
    results: Vec<DeliveryResult>,
    /// Whatever keeps the connections from being used.
    _held: Vec<Box<dyn Send>>,
}

impl Carried {
    /// Results, and what has to be dropped for their connections to be used again.
    pub fn new(results: Vec<DeliveryResult>, held: Vec<Box<dyn Send>>) -> Self {
        Self { results, _held: held }
    }
}

impl From<Vec<DeliveryResult>> for Carried {
    fn from(results: Vec<DeliveryResult>) -> Self {
        Self::new(results, Vec::new())
    }
}

impl std::ops::Deref for Carried {
    type Target = [DeliveryResult];

    fn deref(&self) -> &[DeliveryResult] {
        &self.results
    }
}

impl fmt::Debug for Carried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.results.fmt(f)
    }
}

/// Nothing could be handed over: the next host may be tried with all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HopFailure {
    /// Why.
    pub cause: Cause,
    /// The host and address it was about.
    pub host: String,
}

/// Carries mail to other hosts.
#[async_trait]
pub trait Courier: Send + Sync + 'static {
    /// Hands consignments to a host, over one connection if it lets us. The results are in the order of the
    /// consignments; what was not begun when the connection ended is refused with [`Cause::Lost`]. An error says that
    /// the host got none of them.
    ///
    /// A recipient counts as accepted only where the host's final reply to the text was seen.
    async fn carry(&self, hop: &NextHop, consignments: Vec<Consignment>) -> Result<Carried, HopFailure>;
}

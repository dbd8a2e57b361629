mod client_certificates;
mod dane;
mod delivering;
mod failing;
mod peer;
mod reusing;
mod signing_in;
mod tls;
mod tokens;

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use posthouse_domain_policy::{LookupError, MxRecord, Proof, Records};
use posthouse_flow::PeerReply;
use posthouse_model::{Address, BodyType, Recipient, ReversePath, Secret};
use posthouse_smtp::ClientTimeouts;
use posthouse_tls::{TrustRoots, demo_certificates, self_signed};

use super::*;
use peer::{Deed, GREETING, Manners, Peer, TEXT_BEGINS, TEXT_ENDS, tls_of};

/// The name that all peers have.
const HOST: &str = "peer.example";
/// How long a peer is waited for in tests in which it is silent.
const SHORT: Duration = Duration::from_millis(300);
/// 1970 and 9999: always valid.
const ALWAYS: (u64, u64) = (0, 253_402_300_799);

/// DNS that knows one host.
struct OneHost(Vec<IpAddr>);

#[async_trait]
impl Resolver for OneHost {
    async fn mx(&self, _: &Domain) -> Result<Records<MxRecord>, LookupError> {
        Err(LookupError::NoRecords)
    }

    async fn addresses(&self, host: &Domain) -> Result<Records<IpAddr>, LookupError> {
        match host.as_str() {
            HOST => Ok(Records { records: self.0.clone(), proof: Proof::Insecure }),
            _ => Err(LookupError::NoSuchName),
        }
    }

    async fn texts(&self, _: &Domain) -> Result<Records<String>, LookupError> {
        Err(LookupError::NoRecords)
    }

    async fn current_texts(&self, _: &Domain) -> Result<Records<String>, LookupError> {
        Err(LookupError::NoRecords)
    }
}

/// A courier that trusts the authorities in `roots`.
fn courier_trusting(roots: &str, change: impl FnOnce(&mut CourierOptions)) -> SmtpCourier {
    let mut options = CourierOptions::new(Domain::parse("own.example").unwrap());
    change(&mut options);
    let tls = ClientTls::new(&TrustRoots::Pem(roots.as_bytes().to_vec()), None).unwrap();
    SmtpCourier::new(Arc::new(OneHost(vec![[127, 0, 0, 1].into()])), Arc::new(tls), options)
}

/// An authority that nobody is certified by.
fn trusted() -> String {
    demo_certificates(&["stranger.example".to_owned()], ALWAYS.0, ALWAYS.1).unwrap().authority
}

/// A courier that trusts an authority that nobody is certified by.
fn courier() -> SmtpCourier {
    courier_trusting(&trusted(), |_| {})
}

/// The same, but one that does not wait long.
fn impatient_courier() -> SmtpCourier {
    courier_trusting(&trusted(), |options| {
        options.timeouts = ClientTimeouts {
            greeting: SHORT,
            command: SHORT,
            tls_handshake: SHORT,
            mail: SHORT,
            rcpt: SHORT,
            data_initiation: SHORT,
            data_block: SHORT,
            data_termination: SHORT,
            quit: SHORT,
        };
    })
}

fn hop(peer: &Peer, tls: HopTls) -> NextHop {
    let host = Domain::parse(HOST).unwrap();
    NextHop::plain(host, Some(peer.address.ip()), peer.address.port(), tls)
}

fn consignment(recipients: &[&str]) -> Consignment {
    Consignment {
        sender: ReversePath::Address(Address::parse("ann@own.example").unwrap()),
        recipients: recipients.iter().map(|one| Recipient::new(Address::parse(one).unwrap())).collect(),
        body_type: BodyType::SevenBit,
        smtputf8: false,
        require_tls: false,
        dsn_return: None,
        deliver_by: None,
        envelope_id: None,
        content: vec![Bytes::from_static(b"Subject: x\r\n\r\nhel"), Bytes::from_static(b"lo\r\n.dot\r\n")],
    }
}

/// The text of [`consignment`].
const TEXT: &str = "Subject: x\r\n\r\nhello\r\n.dot\r\n";

/// `ok` or the cause, for each recipient.
fn told(result: &DeliveryResult) -> Vec<String> {
    let one = |result: &RecipientResult| match result {
        RecipientResult::Accepted(PeerReply { code, .. }) => format!("ok {code}"),
        RecipientResult::Refused(cause) => format!("{} {cause}", if cause.is_passing() { "later" } else { "never" }),
    };
    result.recipients.iter().map(one).collect()
}

async fn carry_one(courier: &SmtpCourier, hop: &NextHop, one: Consignment) -> Result<Vec<String>, String> {
    let carried = courier.carry(hop, vec![one]).await;
    carried.map(|results| told(&results[0])).map_err(|failure| {
        let when = if failure.cause.is_passing() { "later" } else { "never" };
        format!("{when} {}", failure.cause)
    })
}

/// A host that answers `line` with `deed`.
fn at(place: &'static str, deed: Deed) -> Manners {
    Manners { answer: Box::new(move |_, line| line.starts_with(place).then_some(deed)), ..Manners::default() }
}

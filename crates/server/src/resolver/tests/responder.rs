//! A DNS server on loopback, over UDP and TCP, that answers what a test tells it to.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};
use tokio::task::JoinSet;

/// What to answer to a question.
pub enum Behaviour {
    /// Nothing at all.
    Silent,
    /// An error code, such as 2 for SERVFAIL.
    Code(u8),
    /// NXDOMAIN.
    NoSuchName,
    /// Success without records.
    NoRecords,
    /// These.
    Records(Vec<Vec<u8>>),
    /// These over TCP; over UDP only that they do not fit.
    TruncatedOverUdp(Vec<Vec<u8>>),
}

const TYPE_A: u16 = 1;
const TYPE_CNAME: u16 = 5;
const TYPE_SOA: u16 = 6;
const TYPE_MX: u16 = 15;
const TYPE_AAAA: u16 = 28;
const TRUNCATED: u16 = 0x0200;

/// The server; it ends when dropped.
pub struct Responder {
    address: SocketAddr,
    questions: Arc<AtomicUsize>,
    _tasks: JoinSet<()>,
}

impl Responder {
    /// Starts it. `behaviour` gets the name in lower case without its last dot, and the type.
    pub async fn start(behaviour: impl Fn(&str, u16) -> Behaviour + Send + Sync + 'static) -> Self {
        let behaviour = Arc::new(behaviour);
        let questions = Arc::new(AtomicUsize::new(0));
        let (udp, tcp) = loop {
            let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            if let Ok(tcp) = TcpListener::bind(udp.local_addr().unwrap()).await {
                break (udp, tcp);
            }
        };
        let address = udp.local_addr().unwrap();
        let mut tasks = JoinSet::new();
        let (count, answer) = (Arc::clone(&questions), Arc::clone(&behaviour));
        tasks.spawn(async move {
            let mut query = [0; 1500];
            while let Ok((length, from)) = udp.recv_from(&mut query).await {
                count.fetch_add(1, Ordering::SeqCst);
                if let Some(reply) = reply(&query[..length], &*answer, true) {
                    udp.send_to(&reply, from).await.unwrap();
                }
            }
        });
        tasks.spawn(async move {
            while let Ok((mut stream, _)) = tcp.accept().await {
                let Ok(length) = stream.read_u16().await else { continue };
                let mut query = vec![0; length.into()];
                if stream.read_exact(&mut query).await.is_err() {
                    continue;
                }
                if let Some(reply) = reply(&query, &*behaviour, false) {
                    stream.write_u16(reply.len() as u16).await.unwrap();
                    stream.write_all(&reply).await.unwrap();
                }
            }
        });
        Self { address, questions, _tasks: tasks }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Questions that came over UDP.
    pub fn questions(&self) -> usize {
        self.questions.load(Ordering::SeqCst)
    }
}

fn reply(query: &[u8], behaviour: &(dyn Fn(&str, u16) -> Behaviour + Send + Sync), udp: bool) -> Option<Vec<u8>> {
    let (name, kind, end) = question(query);
    let (flags, answers, authority) = match behaviour(&name, kind) {
        Behaviour::Silent => return None,
        Behaviour::Code(code) => (u16::from(code), vec![], vec![]),
        Behaviour::NoSuchName => (3, vec![], vec![soa()]),
        Behaviour::NoRecords => (0, vec![], vec![soa()]),
        Behaviour::TruncatedOverUdp(_) if udp => (TRUNCATED, vec![], vec![]),
        Behaviour::Records(records) | Behaviour::TruncatedOverUdp(records) => (0, records, vec![]),
    };
    let mut reply = query[..2].to_vec();
    // QR, RD and RA (RFC 1035 §4.1.1).
    reply.extend((0x8180 | flags).to_be_bytes());
    for count in [1, answers.len(), authority.len(), 0] {
        reply.extend((count as u16).to_be_bytes());
    }
    reply.extend(&query[12..end]);
    reply.extend(answers.concat());
    reply.extend(authority.concat());
    Some(reply)
}

/// Name, type and end of the question of a query.
fn question(query: &[u8]) -> (String, u16, usize) {
    let mut labels = Vec::new();
    let mut at = 12;
    while query[at] != 0 {
        let end = at + 1 + usize::from(query[at]);
        labels.push(String::from_utf8_lossy(&query[at + 1..end]).to_lowercase());
        at = end;
    }
    (labels.join("."), u16::from_be_bytes([query[at + 1], query[at + 2]]), at + 5)
}

fn name(text: &str) -> Vec<u8> {
    let mut wire = Vec::new();
    for label in text.split('.').filter(|label| !label.is_empty()) {
        wire.push(label.len() as u8);
        wire.extend(label.as_bytes());
    }
    wire.push(0);
    wire
}

fn record(owner: &str, kind: u16, data: &[u8]) -> Vec<u8> {
    const CLASS_IN: u16 = 1;
    const TTL_SECONDS: u32 = 300;
    let mut wire = name(owner);
    wire.extend(kind.to_be_bytes());
    wire.extend(CLASS_IN.to_be_bytes());
    wire.extend(TTL_SECONDS.to_be_bytes());
    wire.extend((data.len() as u16).to_be_bytes());
    wire.extend(data);
    wire
}

pub fn mx(owner: &str, preference: u16, host: &str) -> Vec<u8> {
    record(owner, TYPE_MX, &[&preference.to_be_bytes()[..], &name(host)].concat())
}

pub fn a(owner: &str, ip: &str) -> Vec<u8> {
    record(owner, TYPE_A, &ip.parse::<Ipv4Addr>().unwrap().octets())
}

pub fn aaaa(owner: &str, ip: &str) -> Vec<u8> {
    record(owner, TYPE_AAAA, &ip.parse::<Ipv6Addr>().unwrap().octets())
}

pub fn alias(owner: &str, target: &str) -> Vec<u8> {
    record(owner, TYPE_CNAME, &name(target))
}

fn soa() -> Vec<u8> {
    let numbers = [1_u32, 3600, 600, 86_400, 300].map(u32::to_be_bytes).concat();
    record("example", TYPE_SOA, &[name("ns.example"), name("admin.example"), numbers].concat())
}

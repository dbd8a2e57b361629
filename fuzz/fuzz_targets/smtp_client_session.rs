//! Whatever a server says, our client sends whole command lines, and each message has exactly one outcome.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use posthouse_fuzz::drive::{lines, tls};
use posthouse_fuzz::script::{Event, events};
use posthouse_model::session::TlsInfo;
use posthouse_model::{Address, Domain, DsnNotify, Envelope, Instant, Recipient, ReversePath, Secret};
use posthouse_sasl::{Credentials, Mechanism, NONCE_BYTES};
use posthouse_smtp::client::{
    ClientAuthentication, ClientConfig, ClientProtocol, ClientSession, ClientStep, ClientTlsMode, OutgoingMessage,
};

const TEXT: &[u8] = b"Subject: x\r\n\r\n.dot\r\n..\nbare\r\n\xc3\xa9 end";
const MESSAGES: usize = 3;
const RECIPIENTS: usize = 3;
/// Steps that one event may cause, and each octet.
const STEPS_PER_EVENT: usize = 1_000;
const STEPS_PER_OCTET: usize = 16;

fn address(text: &str) -> Address {
    Address::parse(text).expect("a good address")
}

fn message(kind: u8) -> OutgoingMessage {
    let names = ["a@b.example", "c@b.example", if kind & 32 != 0 { "\u{e9}@b.example" } else { "d@b.example" }];
    let mut envelope = Envelope::new(ReversePath::Address(address("s@c.example")));
    envelope.recipients = names.into_iter().map(|name| Recipient::new(address(name))).collect();
    envelope.recipients[0].notify = Some(DsnNotify { success: true, failure: true, delay: false });
    envelope.recipients[1].original = Some("rfc822;o@b.example".to_owned());
    envelope.envelope_id = Some("id+2B".to_owned());
    let binary = kind & 64 != 0;
    OutgoingMessage {
        envelope,
        size_bytes: TEXT.len() as u64,
        has_8bit: true,
        is_binary: binary,
        needs_smtputf8: false,
        deliver_by: None,
    }
}

fn config(kind: u8) -> ClientConfig {
    let mut config = ClientConfig::new(Domain::parse("c.example").expect("a good name"));
    config.tls_mode = match kind & 3 {
        0 => ClientTlsMode::Off,
        1 => ClientTlsMode::Opportunistic,
        2 => ClientTlsMode::Required,
        _ => ClientTlsMode::Implicit,
    };
    if kind & 4 != 0 {
        config.protocol = ClientProtocol::Lmtp;
    }
    config.use_chunking = kind & 8 == 0;
    if kind & 16 != 0 {
        let credentials = Credentials {
            authentication_id: "user".to_owned(),
            authorization_id: None,
            password: Secret::new("pencil"),
        };
        config.authentication =
            Some(ClientAuthentication { credentials, allowed: Mechanism::ALL.to_vec(), nonce: [3; NONCE_BYTES] });
    }
    config
}

struct Driver {
    session: ClientSession,
    kind: u8,
    now: Instant,
    tls: TlsInfo,
    begun: usize,
    outcomes: usize,
    /// What was sent before the first text.
    commands: Vec<u8>,
    text_begun: bool,
    supplied: usize,
    handshake: bool,
    closed: bool,
    give_up: bool,
}

impl Driver {
    fn drain(&mut self, octets: usize) {
        let mut budget = STEPS_PER_EVENT + octets * STEPS_PER_OCTET;
        while let Some(step) = self.session.next() {
            budget = budget.checked_sub(1).expect("the session never stops");
            assert!(!self.closed, "a step after the end");
            match step {
                ClientStep::Send(octets) => {
                    assert!(!octets.is_empty());
                    if !self.text_begun {
                        self.commands.extend_from_slice(&octets);
                    }
                }
                ClientStep::StartTls => self.handshake = true,
                ClientStep::WakeAt(_) => {}
                ClientStep::Ready => self.ready(),
                ClientStep::NeedBody => self.supply(),
                ClientStep::Outcome(outcome) => {
                    self.outcomes += 1;
                    assert_eq!(outcome.recipients.len(), RECIPIENTS);
                    assert_eq!(self.outcomes, self.begun, "an outcome of no message");
                }
                ClientStep::Close(_) => self.closed = true,
            }
        }
    }

    fn ready(&mut self) {
        if self.begun == MESSAGES {
            return self.session.quit(self.now);
        }
        self.begun += 1;
        self.supplied = 0;
        self.session.begin(message(self.kind), self.now).expect("it said that it was ready");
    }

    fn supply(&mut self) {
        self.text_begun = true;
        if self.give_up {
            return self.session.abort_body(self.now);
        }
        let rest = &TEXT[self.supplied..];
        if rest.is_empty() {
            return self.session.finish_body(self.now);
        }
        let piece = &rest[..rest.len().min(11)];
        self.supplied += piece.len();
        self.session.supply_body(Bytes::from_static(piece), self.now);
    }

    fn receive(&mut self, octets: &[u8]) {
        if self.closed {
            return;
        }
        if self.handshake {
            self.handshake = false;
            self.session.tls_established(self.tls.clone(), self.now);
            self.drain(0);
        }
        if self.session.wants_input() {
            self.session.receive(octets, self.now);
            self.drain(octets.len());
        }
    }
}

fuzz_target!(|input: &[u8]| {
    // The highest bit says that lines come as the script cuts them, and not one by one.
    let Some((kind, script)) = input.split_first() else { return };
    let mut driver = Driver {
        session: ClientSession::new(config(*kind), Instant(0)),
        kind: *kind,
        now: Instant(0),
        tls: tls(),
        begun: 0,
        outcomes: 0,
        commands: Vec::new(),
        text_begun: false,
        supplied: 0,
        handshake: kind & 3 == 3,
        closed: false,
        give_up: false,
    };
    driver.drain(0);
    for event in events(script) {
        if driver.closed {
            break;
        }
        match event {
            Event::Octets(octets) if kind & 128 != 0 => driver.receive(octets),
            Event::Octets(octets) => {
                octets.split_inclusive(|octet| *octet == b'\n').for_each(|line| driver.receive(line))
            }
            Event::Wake(time) => {
                driver.now = driver.now + time;
                driver.session.wake(driver.now);
            }
            Event::Choice(choice) => driver.give_up = choice % 2 == 1,
            Event::TlsEstablished => driver.session.tls_established(driver.tls.clone(), driver.now),
            Event::Eof => driver.session.receive_eof(driver.now),
            Event::ShutDown => driver.session.quit(driver.now),
            Event::Changed => driver.session.tls_failed(driver.now),
        }
        driver.drain(0);
    }
    if !driver.closed {
        driver.session.receive_eof(driver.now);
        driver.drain(0);
        assert!(driver.closed, "a lost connection does not end the session");
    }
    assert_eq!(driver.begun, driver.outcomes, "a message without an outcome");
    for line in lines(&driver.commands) {
        assert!(line.iter().all(|octet| !octet.is_ascii_control()), "controls: {}", line.escape_ascii());
    }
});

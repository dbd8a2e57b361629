//! Signing in by challenge and response, bound to the TLS channel, in three protocols.

use std::time::Duration;

use posthouse_identity::PasswordPolicy;
use posthouse_model::Secret;
use posthouse_sasl::{
    ChannelBindings, ClientContext, ClientExchange, Credentials, Line, Mechanism, NONCE_BYTES, decode_line, encode_line,
};
use posthouse_storage::MemoryStorage;

use crate::client::Client;
use crate::house::{IMAPS, PASSWORD, POP3S, SUBMISSIONS, TestHouse};

/// How a protocol carries an exchange.
pub(crate) struct Carrier {
    pub(crate) listener: &'static str,
    greeting: &'static str,
    command: &'static str,
    challenge: &'static str,
    pub(crate) success: &'static str,
}

pub(crate) const CARRIERS: [Carrier; 3] = [
    Carrier { listener: SUBMISSIONS, greeting: "220 ", command: "AUTH", challenge: "334 ", success: "235 " },
    Carrier { listener: IMAPS, greeting: "* OK", command: "a AUTHENTICATE", challenge: "+ ", success: "a OK" },
    Carrier { listener: POP3S, greeting: "+OK", command: "AUTH", challenge: "+ ", success: "+OK" },
];

pub(crate) async fn connect(house: &TestHouse, carrier: &Carrier) -> Client {
    let mut client = house.connect_tls(carrier.listener).await;
    client.expect(carrier.greeting).await;
    if carrier.listener == SUBMISSIONS {
        client.send("EHLO client.example").await;
        client.until("250 ").await;
    }
    client
}

/// Signs in; says the line that ended the exchange.
async fn sign_in(client: &mut Client, carrier: &Carrier, mechanism: Mechanism, password: &str) -> String {
    sign_in_as(client, carrier, mechanism, ("ann@example.org", password)).await
}

/// Likewise as somebody.
pub(crate) async fn sign_in_as(
    client: &mut Client,
    carrier: &Carrier,
    mechanism: Mechanism,
    (user, password): (&str, &str),
) -> String {
    let bound = mechanism.needs_channel_binding();
    let bindings = if bound { client.channel_bindings() } else { ChannelBindings::default() };
    let context = ClientContext {
        offered: &[mechanism],
        allowed: &[mechanism],
        tls_active: true,
        client_certificate: false,
        channel_bindings: &bindings,
        nonce: [7; NONCE_BYTES],
    };
    let credentials =
        Credentials { authentication_id: user.to_owned(), authorization_id: None, password: Secret::new(password) };
    let (mut exchange, first) = ClientExchange::start(mechanism, &credentials, &context).unwrap();
    let first = first.map(|first| format!(" {}", encode_line(first.expose()))).unwrap_or_default();
    client.send(&format!("{} {mechanism}{first}", carrier.command)).await;
    loop {
        let line = client.line().await.unwrap();
        let Some(challenge) = line.strip_prefix(carrier.challenge) else {
            if line.starts_with(carrier.success) {
                exchange.finish(None).unwrap();
            }
            return line;
        };
        let Ok(Line::Response(challenge)) = decode_line(challenge.as_bytes()) else { panic!("{line}") };
        let response = exchange.respond(challenge.expose()).unwrap();
        client.send(&encode_line(response.expose())).await;
    }
}

#[tokio::test]
async fn every_mechanism_in_every_protocol() {
    let house = TestHouse::start().await;
    for carrier in &CARRIERS {
        for mechanism in
            Mechanism::ALL.into_iter().filter(|&one| !matches!(one, Mechanism::External | Mechanism::CramMd5))
        {
            let mut client = connect(&house, carrier).await;
            let line = sign_in(&mut client, carrier, mechanism, PASSWORD).await;
            assert!(line.starts_with(carrier.success), "{} {mechanism}: {line}", carrier.listener);
            client.send(if carrier.listener == IMAPS { "q LOGOUT" } else { "QUIT" }).await;
            client.rest().await;
        }
    }
}

#[tokio::test]
async fn wrong_proofs_are_counted() {
    let house = TestHouse::draft(MemoryStorage::new()).await.start();
    for carrier in &CARRIERS {
        let mut client = connect(&house, carrier).await;
        let line = sign_in(&mut client, carrier, Mechanism::ScramSha256, "wrong").await;
        assert!(!line.starts_with(carrier.success), "{line}");
        let line = sign_in(&mut client, carrier, Mechanism::Plain, "wrong").await;
        assert!(!line.starts_with(carrier.success), "{line}");
    }
    let metrics = house.server.metrics().render();
    for listener in [SUBMISSIONS, IMAPS, POP3S] {
        for mechanism in ["SCRAM-SHA-256", "PLAIN"] {
            let line = format!(
                "posthouse_logins_total{{listener=\"{listener}\",mechanism=\"{mechanism}\",result=\"failed\"}} 1"
            );
            assert!(metrics.contains(&line), "{line} in {metrics}");
        }
    }
}

#[tokio::test]
async fn an_expired_password_is_told_to_who_knows_it() {
    let policy = PasswordPolicy { max_age: Some(Duration::from_secs(24 * 60 * 60)), ..PasswordPolicy::default() };
    let mut draft = TestHouse::draft_with(MemoryStorage::new(), policy).await;
    draft.options.max_failed_logins = posthouse_server::MaxFailedLogins(4);
    draft.options.flow_control.exempt.clear();
    let house = draft.start();
    let replies = [
        (SUBMISSIONS, "535 5.7.8 The password has expired", "535 5.7.8 Authentication credentials invalid"),
        (IMAPS, "a NO [EXPIRED] ", "a NO [AUTHENTICATIONFAILED] "),
        (POP3S, "-ERR [AUTH] the password has expired", "-ERR [AUTH] authentication failed"),
    ];
    for (carrier, (listener, expired, wrong)) in CARRIERS.iter().zip(replies) {
        assert_eq!(carrier.listener, listener);
        // Not counted as failures, or the later ones would be put off.
        for mechanism in [Mechanism::Plain, Mechanism::ScramSha256, Mechanism::Plain] {
            let line = sign_in(&mut connect(&house, carrier).await, carrier, mechanism, PASSWORD).await;
            assert!(line.starts_with(expired), "{listener} {mechanism}: {line}");
        }
        let line = sign_in(&mut connect(&house, carrier).await, carrier, Mechanism::Plain, "wrong").await;
        assert!(line.starts_with(wrong), "{listener}: {line}");
    }
    let mut client = house.connect_tls(IMAPS).await;
    client.expect("* OK").await;
    client.send(&format!("a LOGIN ann@example.org \"{PASSWORD}\"")).await;
    client.expect("a NO [EXPIRED]").await;
    client.send("b SELECT INBOX").await;
    let line = client.line().await.unwrap();
    assert!(line.starts_with("b BAD") || line.starts_with("b NO"), "{line}");
}

//! SCRAM against the client's side of the same exchange, with and without channel binding.

use std::num::NonZeroU32;
use std::sync::Arc;

use posthouse_imap::{Answer, Config, ImapSession, Question};
use posthouse_model::session::{Session, Step, TlsInfo, TlsMode};
use posthouse_model::{Instant, Secret};
use posthouse_sasl::{
    ChannelBindings, ClientContext, ClientExchange, Credentials, Line, Mechanism, NONCE_BYTES, ScramHash,
    ScramVerifier, decode_line, encode_initial_response, encode_line,
};

use crate::dialect::{answer, config};

const OFFERED: [Mechanism; 2] = [Mechanism::ScramSha256Plus, Mechanism::ScramSha256];

/// The answer of a house in which ann's password is `secret`.
fn reply(question: Question) -> Answer {
    match question {
        Question::Sasl(posthouse_sasl::Question::ScramCredential { .. }) => {
            let iterations = NonZeroU32::new(4096).unwrap();
            let verifier =
                ScramVerifier::derive(ScramHash::Sha256, b"secret", b"salt-of-16-bytes", iterations).unwrap();
            Answer::Sasl(posthouse_sasl::Answer::ScramCredential { verifier, real: true })
        }
        Question::Enter(entry) => {
            assert_eq!(entry.authentication_id, "ann");
            Answer::Done
        }
        _ => answer("sasl-start"),
    }
}

/// Feeds `line` and gives what comes back.
fn exchange(session: &mut ImapSession, line: &str) -> String {
    session.receive(line.as_bytes(), Instant(0));
    let mut sent = Vec::new();
    while let Some(step) = session.next() {
        match step {
            Step::Send(bytes) => sent.extend_from_slice(&bytes),
            Step::Ask(id, question) => session.answer(id, reply(question), Instant(0)),
            _ => {}
        }
    }
    String::from_utf8(sent).unwrap()
}

#[track_caller]
fn check(mechanism: Mechanism, password: &str, seen: Option<u8>, expected: &str) {
    let config = Config { mechanisms: OFFERED.to_vec(), ..config(TlsMode::Implicit) };
    let mut session = ImapSession::new(Arc::new(config), Instant(0));
    session.tls_established(TlsInfo { tls_exporter: Some(vec![9; 32]), ..TlsInfo::default() }, Instant(0));
    while session.next().is_some() {}
    let credentials =
        Credentials { authentication_id: "ann".to_owned(), authorization_id: None, password: Secret::new(password) };
    let channel_bindings =
        ChannelBindings { tls_exporter: seen.map(|octet| vec![octet; 32]), tls_server_end_point: None };
    let context = ClientContext {
        offered: &OFFERED,
        allowed: &[mechanism],
        tls_active: true,
        client_certificate: false,
        channel_bindings: &channel_bindings,
        nonce: [3; NONCE_BYTES],
    };
    let (mut client, initial) = ClientExchange::start(mechanism, &credentials, &context).unwrap();
    let initial = encode_initial_response(initial.unwrap().expose());
    let mut sent = exchange(&mut session, &format!("a AUTHENTICATE {mechanism} {initial}\r\n"));
    while let Some(challenge) = sent.strip_prefix("+ ") {
        let Ok(Line::Response(challenge)) = decode_line(challenge.trim_end().as_bytes()) else { panic!("{sent}") };
        let response = encode_line(client.respond(challenge.expose()).unwrap().expose());
        sent = exchange(&mut session, &format!("{response}\r\n"));
    }
    assert!(sent.starts_with(expected), "{sent}");
    if expected.starts_with("a OK") {
        client.finish(None).unwrap();
    }
}

#[test]
fn scram_logs_in_on_the_same_channel_only() {
    let (welcome, failed) = ("a OK [CAPABILITY ", "a NO [AUTHENTICATIONFAILED] Authentication failed\r\n");
    check(Mechanism::ScramSha256Plus, "secret", Some(9), welcome);
    check(Mechanism::ScramSha256Plus, "wrong", Some(9), failed);
    check(Mechanism::ScramSha256Plus, "secret", Some(8), failed);
    check(Mechanism::ScramSha256, "secret", None, welcome);
    check(Mechanism::ScramSha256, "wrong", None, failed);
}

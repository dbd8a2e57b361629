//! SCRAM over POP3 against the client's side of the same exchange, with and without channel binding.
#![allow(clippy::unwrap_used, reason = "a test may end where it stands")]

mod dialect;

use std::num::NonZeroU32;

use dialect::Driver;
use posthouse_model::Secret;
use posthouse_pop3::{Answer, Question};
use posthouse_sasl::{
    ChannelBindings, ClientContext, ClientExchange, Credentials, Line, Mechanism, NONCE_BYTES, ScramHash,
    ScramVerifier, decode_line, encode_initial_response, encode_line,
};

/// The channel that [`dialect::bound_tls`] describes.
fn channel() -> ChannelBindings {
    ChannelBindings { tls_exporter: Some(vec![9; 32]), tls_server_end_point: None }
}

/// Logs in and says what the server replied at last; `seen` is the channel that the client believes to be on.
fn log_in(mechanism: Mechanism, password: &str, real: bool, seen: &ChannelBindings) -> String {
    let offered = [Mechanism::ScramSha256Plus, Mechanism::ScramSha256];
    let mut driver = Driver::in_tls(|config| config.mechanisms = offered.to_vec());
    let credentials =
        Credentials { authentication_id: "ada".to_owned(), authorization_id: None, password: Secret::new(password) };
    let context = ClientContext {
        offered: &offered,
        allowed: &[mechanism],
        tls_active: true,
        client_certificate: false,
        channel_bindings: seen,
        nonce: [3; NONCE_BYTES],
    };
    let (mut client, initial) = ClientExchange::start(mechanism, &credentials, &context).unwrap();
    driver.receive(format!("AUTH {mechanism} {}\r\n", encode_initial_response(initial.unwrap().expose())));
    driver.answer(dialect::answer("nonce"));
    loop {
        if let Some((_, Question::Sasl(posthouse_sasl::Question::ScramCredential { user, hash }))) = &driver.asked {
            assert_eq!((user.as_str(), *hash), ("ada", ScramHash::Sha256));
            let iterations = NonZeroU32::new(4096).unwrap();
            let verifier =
                ScramVerifier::derive(ScramHash::Sha256, b"secret", b"salt-of-16-bytes", iterations).unwrap();
            driver.answer(Answer::Sasl(posthouse_sasl::Answer::ScramCredential { verifier, real }));
            driver.asked = None;
        }
        let sent = String::from_utf8(std::mem::take(&mut driver.sent)).unwrap();
        let Some(challenge) = sent.strip_prefix("+ ") else {
            if let Some((_, Question::OpenMaildrop { authentication_id, .. })) = &driver.asked {
                assert_eq!(authentication_id, "ada");
                // The server has proven itself too.
                client.finish(None).unwrap();
                driver.answer(dialect::answer("maildrop 1:1"));
                return String::from_utf8(driver.sent).unwrap();
            }
            return sent;
        };
        let Ok(Line::Response(challenge)) = decode_line(challenge.trim_end().as_bytes()) else { panic!() };
        let response = client.respond(challenge.expose()).unwrap();
        driver.receive(format!("{}\r\n", encode_line(response.expose())));
    }
}

#[test]
fn scram_logs_in_on_the_same_channel_only() {
    let welcome = "+OK the maildrop has 1 messages (1 octets)\r\n";
    let failed = "-ERR [AUTH] authentication failed\r\n";
    assert_eq!(log_in(Mechanism::ScramSha256Plus, "secret", true, &channel()), welcome);
    assert_eq!(log_in(Mechanism::ScramSha256Plus, "wrong", true, &channel()), failed);
    assert_eq!(log_in(Mechanism::ScramSha256Plus, "secret", false, &channel()), failed);
    let other = ChannelBindings { tls_exporter: Some(vec![8; 32]), tls_server_end_point: None };
    assert_eq!(log_in(Mechanism::ScramSha256Plus, "secret", true, &other), failed);
    assert_eq!(log_in(Mechanism::ScramSha256, "secret", true, &ChannelBindings::default()), welcome);
    assert_eq!(log_in(Mechanism::ScramSha256, "wrong", true, &ChannelBindings::default()), failed);
}

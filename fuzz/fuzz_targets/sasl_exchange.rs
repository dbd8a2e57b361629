//! All mechanisms, both sides: nobody gets in who does not know the password, and no false server is believed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use posthouse_fuzz::credentials;
use posthouse_model::Secret;
use posthouse_sasl::{
    ChannelBindings, ClientContext, ClientExchange, Credentials, Failure, Line, Mechanism, NONCE_BYTES, ServerContext,
    ServerExchange, ServerStep, decode_line, encode_line,
};

fn bindings() -> ChannelBindings {
    ChannelBindings { tls_exporter: Some(vec![0xe0; 32]), tls_server_end_point: Some(vec![0xec; 32]) }
}

/// How octets of the input become messages: they stand for themselves, or are base64.
fn messages(input: &[u8]) -> impl Iterator<Item = &[u8]> {
    input.split(|octet| *octet == b'\n')
}

fn serve(mechanism: Mechanism, encoded: bool, initial: bool, input: &[u8]) {
    let bindings = bindings();
    let context = ServerContext {
        channel_bindings: &bindings,
        advertised: &Mechanism::ALL,
        host_name: "mail.example.org",
        nonce: [0; NONCE_BYTES],
        unix_time_seconds: 697_170_952,
        carries_success_data: !initial,
    };
    let mut messages = messages(input);
    let response = if initial { messages.next() } else { None };
    let (mut exchange, mut step) = if encoded {
        ServerExchange::start_encoded(mechanism, &context, response)
    } else {
        ServerExchange::start(mechanism, &context, response)
    };
    loop {
        step = match step {
            ServerStep::Ask(question) => exchange.answer(credentials::answer(&question)),
            ServerStep::Challenge(_) => match messages.next() {
                Some(line) if encoded => exchange.respond_encoded(line),
                Some(response) => exchange.respond(response),
                None => return,
            },
            ServerStep::Success { authentication_id, .. } => {
                assert_eq!(authentication_id, "user");
                // By EXTERNAL a certificate speaks for the client, and the house has looked at it.
                if mechanism == Mechanism::External {
                    break;
                }
                assert!(mechanism.is_cleartext(), "{mechanism} was passed without the password");
                assert!(input.windows(6).any(|octets| octets == b"pencil") || encoded || !input.is_ascii());
                break;
            }
            ServerStep::Failure(_) => break,
        };
    }
    assert!(matches!(exchange.respond(b"\0user\0pencil"), ServerStep::Failure(Failure::OutOfStep)));
}

fn consume(mechanism: Mechanism, input: &[u8]) {
    let bindings = bindings();
    let context = ClientContext {
        offered: &Mechanism::ALL,
        allowed: &Mechanism::ALL,
        tls_active: true,
        client_certificate: false,
        channel_bindings: &bindings,
        nonce: [0; NONCE_BYTES],
    };
    let credentials =
        Credentials { authentication_id: "user".to_owned(), authorization_id: None, password: Secret::new("pencil") };
    let Ok((mut exchange, _)) = ClientExchange::start(mechanism, &credentials, &context) else { return };
    for challenge in messages(input) {
        if exchange.respond(challenge).is_err() {
            break;
        }
    }
    let believed = exchange.finish(None).is_ok();
    assert!(!believed || mechanism.scram_hash().is_none(), "{mechanism} believes a false server");
}

fuzz_target!(|input: &[u8]| {
    let Some((kind, input)) = input.split_first() else { return };
    let mechanism = Mechanism::ALL[usize::from(kind & 15) % Mechanism::ALL.len()];
    let (encoded, initial, client) = (kind & 16 != 0, kind & 32 != 0, kind & 64 != 0);
    if client {
        consume(mechanism, input);
    } else {
        serve(mechanism, encoded, initial, input);
    }
    if let Ok(Line::Response(response)) = decode_line(input) {
        assert_eq!(encode_line(response.expose()).as_bytes(), input, "base64 that is written otherwise");
    }
});

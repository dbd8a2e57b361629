use std::num::NonZeroU32;

use base64::engine::general_purpose::STANDARD;

use super::*;
use crate::mechanism::Mechanism;

/// Replays an example of an RFC against the server, with the nonce of the example.
#[track_caller]
fn check(mechanism: Mechanism, nonce: &str, salt: &str, [client_first, server_first, client_final, last]: [&str; 4]) {
    let bindings = ChannelBindings::default();
    let context = ServerContext {
        channel_bindings: &bindings,
        advertised: &[mechanism],
        host_name: "",
        nonce: [0; crate::server::NONCE_BYTES],
        unix_time_seconds: 0,
        carries_success_data: true,
    };
    let mut server = ScramServer::new(mechanism.scram_hash().unwrap(), false, &context);
    server.nonce = nonce.to_owned();
    let ServerStep::Ask(Question::ScramCredential { user, hash }) = server.respond(client_first.as_bytes()).unwrap()
    else {
        panic!("no question");
    };
    assert_eq!((user.as_str(), Some(hash)), ("user", mechanism.scram_hash()));
    let salt = STANDARD.decode(salt).unwrap();
    let verifier = ScramVerifier::derive(hash, b"pencil", &salt, NonZeroU32::new(4096).unwrap()).unwrap();
    let ServerStep::Challenge(challenge) = server.answer(Answer::ScramCredential { verifier, real: true }).unwrap()
    else {
        panic!("no challenge");
    };
    assert_eq!(String::from_utf8(challenge).unwrap(), server_first);
    let ServerStep::Success { server_final, .. } = server.respond(client_final.as_bytes()).unwrap() else {
        panic!("no success");
    };
    assert_eq!(String::from_utf8(server_final.unwrap()).unwrap(), last);
}

#[test]
fn the_example_of_rfc_5802() {
    // RFC 5802 §5.
    check(
        Mechanism::ScramSha1,
        "3rfcNHYJY1ZVvWVs7j",
        "QSXCR+Q6sek8bf92",
        [
            "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
            "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
            "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
            "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
        ],
    );
}

#[test]
fn the_example_of_rfc_7677() {
    // RFC 7677 §3.
    check(
        Mechanism::ScramSha256,
        "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
        "W22ZaJ0SNY7soEsUEjb6gQ==",
        [
            "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
            "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
             p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
            "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
        ],
    );
}

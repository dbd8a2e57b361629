use super::*;
use crate::channel_binding::ChannelBindings;
use crate::mechanism::Mechanism;

const NO_BINDINGS: &ChannelBindings = &ChannelBindings { tls_exporter: None, tls_server_end_point: None };

/// A client for `user` and `pencil` with a nonce of our choice.
fn client(hash: ScramHash, nonce: &str) -> ScramClient {
    let context = ClientContext {
        offered: &Mechanism::ALL,
        allowed: &Mechanism::ALL,
        tls_active: false,
        client_certificate: false,
        channel_bindings: NO_BINDINGS,
        nonce: [0; crate::server::NONCE_BYTES],
    };
    let mut client = ScramClient::new(hash, false, &context, "user", None, Secret::new("pencil"));
    client.nonce = nonce.to_owned();
    client.client_first_bare = format!("n=user,r={nonce}");
    client
}

#[track_caller]
fn check(hash: ScramHash, nonce: &str, [client_first, server_first, client_final, server_final]: [&str; 4]) {
    let mut client = client(hash, nonce);
    assert_eq!(client.client_first(), client_first.as_bytes());
    assert_eq!(String::from_utf8(client.respond(server_first.as_bytes()).unwrap()).unwrap(), client_final);
    assert_eq!(client.respond(server_final.as_bytes()).unwrap(), b"");
    assert_eq!(client.finish(None), Ok(()));
}

#[test]
fn the_example_of_rfc_5802() {
    // RFC 5802 §5.
    check(
        ScramHash::Sha1,
        "fyko+d2lbbFgONRv9qkxdawL",
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
        ScramHash::Sha256,
        "rOprNGfwEbeRWgbNEkqO",
        [
            "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
            "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
             p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
            "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
        ],
    );
}

#[test]
fn false_first_messages_are_refused() {
    #[track_caller]
    fn check(server_first: &str, expected: ClientFailure) {
        let mut client = client(ScramHash::Sha256, "mine");
        assert_eq!(client.respond(server_first.as_bytes()), Err(expected), "{server_first}");
        assert_eq!(client.respond(b"r=mineyours,s=c2FsdA==,i=4096"), Err(ClientFailure::UnexpectedChallenge));
    }
    check("r=yours,s=c2FsdA==,i=4096", ClientFailure::NonceMismatch);
    check("r=mine,s=c2FsdA==,i=4096", ClientFailure::NonceMismatch);
    check("r=mineyours,s=c2FsdA==,i=4095", ClientFailure::Iterations(4095));
    check("r=mineyours,s=c2FsdA==,i=1", ClientFailure::Iterations(1));
    check("r=mineyours,s=c2FsdA==,i=4294967295", ClientFailure::Iterations(u32::MAX));
    check("m=x,r=mineyours,s=c2FsdA==,i=4096", ClientFailure::MandatoryExtension);
    check("e=other-error", ClientFailure::Grammar("an attribute is missing or out of place"));
    check("", ClientFailure::Grammar("attr-val"));
}

#[test]
fn a_server_that_does_not_know_the_password_is_refused() {
    #[track_caller]
    fn check(server_final: Option<&str>, expected: &ClientFailure) {
        let through = || {
            let mut client = client(ScramHash::Sha256, "mine");
            client.respond(b"r=mineyours,s=c2FsdA==,i=4096").unwrap();
            client
        };
        assert_eq!(through().finish(server_final.map(str::as_bytes)).as_ref(), Err(expected), "{server_final:?}");
        if let Some(server_final) = server_final {
            assert_eq!(through().respond(server_final.as_bytes()).as_ref(), Err(expected), "{server_final}");
        }
    }
    check(None, &ClientFailure::ServerNotAuthentic);
    check(Some("v=AAEC"), &ClientFailure::ServerNotAuthentic);
    check(Some("v="), &ClientFailure::ServerNotAuthentic);
    check(Some("e=invalid-proof"), &ClientFailure::Refused("invalid-proof"));
    check(Some("e=password is pencil"), &ClientFailure::Refused("other-error"));
    check(Some(""), &ClientFailure::Grammar("attr-val"));
    assert_eq!(client(ScramHash::Sha256, "mine").finish(None), Err(ClientFailure::PrematureSuccess));
}

#[test]
fn the_flag_tells_what_the_client_saw() {
    let bindings = ChannelBindings { tls_exporter: Some(vec![1; 32]), tls_server_end_point: Some(vec![2; 32]) };
    let end_point = ChannelBindings { tls_exporter: None, tls_server_end_point: Some(vec![2; 32]) };
    #[track_caller]
    fn check(bindings: &ChannelBindings, offered: &[Mechanism], binding_required: bool, expected: &str) {
        let context = ClientContext {
            offered,
            allowed: &Mechanism::ALL,
            tls_active: true,
            client_certificate: false,
            channel_bindings: bindings,
            nonce: [0; crate::server::NONCE_BYTES],
        };
        let boss = Some("b,o=ss");
        let client = ScramClient::new(ScramHash::Sha256, binding_required, &context, "user", boss, Secret::new("x"));
        assert_eq!(client.gs2_header, expected);
        let data = client.channel_binding.expose().strip_prefix(expected.as_bytes()).unwrap();
        assert_eq!(data.is_empty(), !binding_required);
    }
    let unbound = [Mechanism::ScramSha256];
    check(&bindings, &Mechanism::ALL, true, "p=tls-exporter,a=b=2Co=3Dss,");
    check(&end_point, &Mechanism::ALL, true, "p=tls-server-end-point,a=b=2Co=3Dss,");
    check(&bindings, &unbound, false, "y,a=b=2Co=3Dss,");
    check(&bindings, &Mechanism::ALL, false, "n,a=b=2Co=3Dss,");
    check(NO_BINDINGS, &unbound, false, "n,a=b=2Co=3Dss,");
}

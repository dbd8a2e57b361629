use super::*;
use proptest::prelude::*;

fn bound() -> ChannelBindings {
    ChannelBindings { tls_exporter: Some(vec![1; 32]), tls_server_end_point: None }
}

fn context<'a>(channel_bindings: &'a ChannelBindings, offered: &'a [Mechanism], tls_active: bool) -> ClientContext<'a> {
    ClientContext {
        offered,
        allowed: &Mechanism::ALL,
        tls_active,
        client_certificate: false,
        channel_bindings,
        nonce: [7; NONCE_BYTES],
    }
}

fn credentials() -> Credentials {
    Credentials { authentication_id: "tim".into(), authorization_id: None, password: Secret::new("tanstaaftanstaaf") }
}

#[test]
fn the_best_mechanism_that_is_safe_is_chosen() {
    use Mechanism::*;
    #[track_caller]
    fn check(offered: &[Mechanism], tls_active: bool, bound_channel: bool, expected: Option<Mechanism>) {
        let bindings = if bound_channel { bound() } else { ChannelBindings::default() };
        assert_eq!(choose(&context(&bindings, offered, tls_active)), expected);
    }
    check(&Mechanism::ALL, true, true, Some(ScramSha256Plus));
    check(&Mechanism::ALL, true, false, Some(ScramSha256));
    check(&[CramMd5, Login, Plain], true, true, Some(Plain));
    check(&[CramMd5, Login, Plain], false, false, Some(CramMd5));
    check(&[Login, Plain], false, false, None);
    check(&[ScramSha1Plus], true, false, None);
    check(&[], true, true, None);
    let bindings = bound();
    let context = ClientContext { allowed: &[Login], ..context(&bindings, &Mechanism::ALL, true) };
    assert_eq!(choose(&context), Some(Login));
}

#[test]
fn nothing_goes_in_clear_even_if_asked_to() {
    let bindings = ChannelBindings::default();
    for mechanism in [Mechanism::External, Mechanism::Plain, Mechanism::Login, Mechanism::ScramSha256Plus] {
        let error = ClientExchange::start(mechanism, &credentials(), &context(&bindings, &Mechanism::ALL, false));
        assert_eq!(error.unwrap_err(), ClientFailure::NotPermitted(mechanism));
    }
    let error = ClientExchange::start(Mechanism::CramMd5, &credentials(), &context(&bindings, &[], true));
    assert_eq!(error.unwrap_err(), ClientFailure::NotPermitted(Mechanism::CramMd5));
}

#[test]
fn a_certificate_is_used_only_where_one_was_shown() {
    let bindings = bound();
    let mut shown = context(&bindings, &Mechanism::ALL, true);
    assert!(ClientExchange::start(Mechanism::External, &credentials(), &shown).is_err());
    shown.client_certificate = true;
    assert_eq!(choose(&shown), Some(Mechanism::External));
    let (_, first) = ClientExchange::start(Mechanism::External, &credentials(), &shown).unwrap();
    assert_eq!(first.unwrap().expose(), b"", "neither name nor password");
    shown.tls_active = false;
    assert!(ClientExchange::start(Mechanism::External, &credentials(), &shown).is_err());
}

#[test]
fn messages_of_the_simple_mechanisms() {
    #[track_caller]
    fn check(mechanism: Mechanism, initial: Option<&str>, rounds: &[(&str, &str)]) {
        let bindings = ChannelBindings::default();
        let context = context(&bindings, &Mechanism::ALL, true);
        let (mut client, first) = ClientExchange::start(mechanism, &credentials(), &context).unwrap();
        assert_eq!(first.as_ref().and_then(Secret::expose_str), initial);
        for (challenge, response) in rounds {
            assert_eq!(client.respond(challenge.as_bytes()).unwrap().expose_str(), Some(*response));
        }
        assert_eq!(client.finish(None), Ok(()));
        let (mut client, _) = ClientExchange::start(mechanism, &credentials(), &context).unwrap();
        for (challenge, _) in rounds {
            client.respond(challenge.as_bytes()).unwrap();
        }
        assert_eq!(client.respond(b"more").unwrap_err(), ClientFailure::UnexpectedChallenge);
        if !rounds.is_empty() {
            let (client, _) = ClientExchange::start(mechanism, &credentials(), &context).unwrap();
            assert_eq!(client.finish(None), Err(ClientFailure::PrematureSuccess));
        }
    }
    check(Mechanism::Plain, Some("\0tim\0tanstaaftanstaaf"), &[]);
    // draft-murchison-sasl-login §2.3.
    check(Mechanism::Login, None, &[("User Name\0", "tim"), ("Password\0", "tanstaaftanstaaf")]);
    // RFC 2195 §2.
    check(
        Mechanism::CramMd5,
        None,
        &[("<1896.697170952@postoffice.reston.mci.net>", "tim b913a602c7eda7a495b4e6e7334d3890")],
    );
}

#[test]
fn only_plain_and_scram_act_as_another() {
    let bindings = ChannelBindings::default();
    let context = context(&bindings, &Mechanism::ALL, true);
    let credentials = Credentials { authorization_id: Some("boss".into()), ..credentials() };
    for mechanism in [Mechanism::Login, Mechanism::CramMd5] {
        let error = ClientExchange::start(mechanism, &credentials, &context).unwrap_err();
        assert_eq!(error, ClientFailure::NoAuthorizationIdentity(mechanism));
    }
    let (_, first) = ClientExchange::start(Mechanism::Plain, &credentials, &context).unwrap();
    assert_eq!(first.unwrap().expose(), b"boss\0tim\0tanstaaftanstaaf");
    let (_, first) = ClientExchange::start(Mechanism::ScramSha256, &credentials, &context).unwrap();
    assert!(first.unwrap().expose().starts_with(b"n,a=boss,n=tim,r="));
}

#[test]
fn names_and_passwords_must_be_usable() {
    let bindings = ChannelBindings::default();
    let context = context(&bindings, &Mechanism::ALL, true);
    let check = |credentials: Credentials| {
        ClientExchange::start(Mechanism::Plain, &credentials, &context).map(|_| ()).unwrap_err()
    };
    let error = check(Credentials { password: Secret::new("pass\0word"), ..credentials() });
    assert_eq!(error, ClientFailure::Password(PrepareError::Forbidden));
    let error = check(Credentials { authentication_id: String::new(), ..credentials() });
    assert_eq!(error, ClientFailure::Name(PrepareError::Empty));
    let error = check(Credentials { authorization_id: Some("bo\0ss".into()), ..credentials() });
    assert_eq!(error, ClientFailure::Name(PrepareError::Forbidden));
}

#[test]
fn challenges_are_bounded() {
    let bindings = ChannelBindings::default();
    let context = context(&bindings, &Mechanism::ALL, true);
    let (mut client, _) = ClientExchange::start(Mechanism::Login, &credentials(), &context).unwrap();
    let bytes = MAX_CHALLENGE_BYTES + 1;
    assert_eq!(client.respond(&vec![b'a'; bytes]).unwrap_err(), ClientFailure::TooLong { bytes });
    assert_eq!(client.finish(None), Err(ClientFailure::PrematureSuccess));
}

proptest! {
    #[test]
    fn random_challenges_neither_panic_nor_convince(
        mechanism in 0..Mechanism::ALL.len(),
        challenges in proptest::collection::vec(any::<Vec<u8>>(), 0..4),
        last: Option<Vec<u8>>,
    ) {
        let mechanism = Mechanism::ALL[mechanism];
        let bindings = bound();
        let context = ClientContext { client_certificate: true, ..context(&bindings, &Mechanism::ALL, true) };
        let (mut client, _) = ClientExchange::start(mechanism, &credentials(), &context).unwrap();
        for challenge in challenges {
            let _ = client.respond(&challenge);
        }
        let finished = client.finish(last.as_deref());
        if mechanism.scram_hash().is_some() {
            prop_assert!(finished.is_err());
        }
    }
}

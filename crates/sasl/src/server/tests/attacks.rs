//! What an attacker tries, between client and server or in the client's place.

use super::*;

const BOUND: &[Mechanism] = &Mechanism::ALL;
const SCRAM: [Mechanism; 4] =
    [Mechanism::ScramSha256Plus, Mechanism::ScramSha256, Mechanism::ScramSha1Plus, Mechanism::ScramSha1];

fn client<'a>(channel_bindings: &'a ChannelBindings, offered: &'a [Mechanism]) -> ClientContext<'a> {
    ClientContext {
        offered,
        allowed: &Mechanism::ALL,
        tls_active: true,
        client_certificate: false,
        channel_bindings,
        nonce: *b"the nonce of the client.",
    }
}

/// Runs SCRAM with the right password, tampering with the client's message number `message` by replacing `from`.
#[track_caller]
fn check_tampered(mechanism: Mechanism, message: usize, from: &str, to: &str, expected: Failure) {
    let bindings = bound();
    let tamper = |number, bytes: Vec<u8>| {
        if number != message {
            return bytes;
        }
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.contains(from), "{text}");
        text.replacen(from, to, 1).into_bytes()
    };
    let course = run(mechanism, &context(&bindings, BOUND), &client(&bindings, BOUND), ("user", "pencil"), tamper);
    let ServerStep::Failure(failure) = course.server else {
        panic!("{mechanism}, {from} → {to}: {course:?}");
    };
    assert_eq!(failure, expected, "{mechanism}, {from} → {to}");
}

#[test]
fn untampered_exchanges_succeed() {
    let bindings = bound();
    for mechanism in Mechanism::ALL.into_iter().filter(|&one| one != Mechanism::External) {
        let course =
            run(mechanism, &context(&bindings, BOUND), &client(&bindings, BOUND), ("user", "pencil"), |_, m| m);
        assert!(matches!(course.server, ServerStep::Success { .. }), "{mechanism}: {course:?}");
        assert_eq!(course.client, Ok(()), "{mechanism}");
    }
}

#[test]
fn tampering_with_scram_is_noticed() {
    use ChannelBindingFailure::*;
    for mechanism in SCRAM {
        // Another user's name, another nonce, another binding, an authorization identity slipped in: the first
        // messages are part of what the proof covers.
        check_tampered(mechanism, 0, ",,n=", ",a=root,n=", Failure::ChannelBinding(DataMismatch));
        // A changed client nonce shows first in our reply: the client stops there.
        check_tampered(mechanism, 0, "r=", "r=x", Failure::Cancelled);
        check_tampered(
            mechanism,
            0,
            "n=user,",
            "n=user,x=y,",
            Failure::Grammar("an attribute is missing or out of place"),
        );
        check_tampered(mechanism, 1, "r=", "r=x", Failure::NonceMismatch);
        check_tampered(mechanism, 1, ",p=", "A,p=", Failure::NonceMismatch);
        check_tampered(mechanism, 1, ",p=", ",x=y,p=", Failure::InvalidCredentials);
        check_tampered(mechanism, 1, ",p=", ",p=AAAA", Failure::InvalidCredentials);
        check_tampered(mechanism, 1, ",p=", ",m=x,p=", Failure::MandatoryExtension);
    }
    check_tampered(Mechanism::ScramSha256, 0, "n,,", "y,,", Failure::ChannelBinding(Downgrade));
    check_tampered(Mechanism::ScramSha256Plus, 0, "p=tls-exporter", "n", Failure::ChannelBinding(FlagMismatch));
    check_tampered(
        Mechanism::ScramSha256Plus,
        0,
        "tls-exporter",
        "tls-unique",
        Failure::ChannelBinding(UnsupportedType),
    );
    check_tampered(
        Mechanism::ScramSha256Plus,
        0,
        "tls-exporter",
        "tls-server-end-point",
        Failure::ChannelBinding(DataMismatch),
    );
}

#[test]
fn proofs_of_another_length_fail() {
    #[track_caller]
    fn check(mechanism: Mechanism, resize: impl Fn(&mut Vec<u8>)) {
        let bindings = bound();
        let tamper = |number, bytes: Vec<u8>| {
            if number != 1 {
                return bytes;
            }
            let text = String::from_utf8(bytes).unwrap();
            let (rest, proof) = text.rsplit_once(",p=").unwrap();
            let Line::Response(proof) = decode_line(proof.as_bytes()).unwrap() else {
                panic!("not a proof");
            };
            let mut proof = proof.expose().to_vec();
            resize(&mut proof);
            format!("{rest},p={}", crate::line::encode_line(&proof)).into_bytes()
        };
        let course = run(mechanism, &context(&bindings, BOUND), &client(&bindings, BOUND), ("user", "pencil"), tamper);
        assert!(matches!(course.server, ServerStep::Failure(Failure::InvalidCredentials)), "{mechanism}");
    }
    for mechanism in SCRAM {
        for kept in [0, 1, 4, 19] {
            check(mechanism, |proof| proof.truncate(kept));
        }
        check(mechanism, |proof| {
            proof.pop();
        });
        check(mechanism, |proof| proof.push(0));
    }
}

#[test]
fn a_man_in_the_middle_is_on_another_channel() {
    let ours = bound();
    let theirs = ChannelBindings { tls_exporter: Some(vec![0xad; 32]), tls_server_end_point: Some(vec![0xec; 32]) };
    for mechanism in [Mechanism::ScramSha256Plus, Mechanism::ScramSha1Plus] {
        let course = run(mechanism, &context(&ours, BOUND), &client(&theirs, BOUND), ("user", "pencil"), |_, m| m);
        let ServerStep::Failure(failure) = course.server else { panic!("{course:?}") };
        assert_eq!(failure, Failure::ChannelBinding(ChannelBindingFailure::DataMismatch));
    }
}

#[test]
fn a_stripped_offer_is_noticed() {
    let bindings = bound();
    let stripped = [Mechanism::ScramSha256, Mechanism::ScramSha1];
    for mechanism in stripped {
        let course =
            run(mechanism, &context(&bindings, BOUND), &client(&bindings, &stripped), ("user", "pencil"), |_, m| m);
        let ServerStep::Failure(failure) = course.server else { panic!("{course:?}") };
        assert_eq!(failure, Failure::ChannelBinding(ChannelBindingFailure::Downgrade));
        // Where the server in truth has no -PLUS, the same client gets in.
        let course =
            run(mechanism, &context(&bindings, &stripped), &client(&bindings, &stripped), ("user", "pencil"), |_, m| m);
        assert_eq!(course.client, Ok(()));
    }
}

#[test]
fn unknown_users_and_wrong_passwords_take_the_same_steps() {
    let bindings = bound();
    for mechanism in Mechanism::ALL.into_iter().filter(|&one| one != Mechanism::External) {
        let course = |login| run(mechanism, &context(&bindings, BOUND), &client(&bindings, BOUND), login, |_, m| m);
        let (wrong, unknown) = (course(("user", "pen")), course(("nobody", "pencil")));
        assert_eq!(wrong.steps, unknown.steps, "{mechanism}");
        for course in [wrong, unknown] {
            let ServerStep::Failure(failure) = course.server else { panic!("{mechanism}: {course:?}") };
            assert_eq!(failure, Failure::InvalidCredentials, "{mechanism}");
            assert_eq!(failure.scram_server_final(), b"e=invalid-proof");
        }
    }
}

/// Whoever holds the decoy's own password would still not get in: the flag decides, not the proof.
#[test]
fn a_verifier_that_is_not_real_never_lets_in() {
    let bindings = bound();
    let contexts = (context(&bindings, BOUND), client(&bindings, BOUND));
    let credentials =
        Credentials { authentication_id: "user".into(), authorization_id: None, password: Secret::new("pencil") };
    let (mut client, first) = ClientExchange::start(Mechanism::ScramSha256, &credentials, &contexts.1).unwrap();
    let (mut server, _) =
        ServerExchange::start(Mechanism::ScramSha256, &contexts.0, first.as_ref().map(Secret::expose));
    let verifier = ScramVerifier::derive(ScramHash::Sha256, b"pencil", b"salt", ITERATIONS).unwrap();
    let ServerStep::Challenge(challenge) = server.answer(Answer::ScramCredential { verifier, real: false }) else {
        panic!("no challenge");
    };
    let response = client.respond(&challenge).unwrap();
    assert!(matches!(server.respond(response.expose()), ServerStep::Failure(Failure::InvalidCredentials)));
}

#[test]
fn replayed_messages_do_not_fit_a_new_nonce() {
    let bindings = bound();
    for mechanism in SCRAM.into_iter().chain([Mechanism::CramMd5]) {
        let heard = std::cell::RefCell::new(Vec::new());
        let listen = |_, message: Vec<u8>| {
            heard.borrow_mut().push(message.clone());
            message
        };
        let first = context(&bindings, BOUND);
        let course = run(mechanism, &first, &client(&bindings, BOUND), ("user", "pencil"), listen);
        assert_eq!(course.client, Ok(()), "{mechanism}");

        let second = ServerContext { nonce: [1; NONCE_BYTES], ..first };
        let mut heard = heard.into_inner().into_iter();
        let initial = if mechanism.is_client_first() { heard.next() } else { None };
        let (mut server, mut step) = ServerExchange::start(mechanism, &second, initial.as_deref());
        let failure = loop {
            step = match step {
                ServerStep::Ask(question) => server.answer(house(&question)),
                ServerStep::Challenge(_) => server.respond(&heard.next().unwrap()),
                ServerStep::Failure(failure) => break failure,
                ServerStep::Success { .. } => panic!("{mechanism}: a replay got in"),
            };
        };
        assert_eq!(failure.kind(), FailureKind::Credentials, "{mechanism}");
    }
}

#[test]
fn oversized_messages_are_refused() {
    let bindings = bound();
    for mechanism in Mechanism::ALL {
        let (mut server, _) = ServerExchange::start(mechanism, &context(&bindings, BOUND), None);
        let step = server.respond(&vec![b'a'; MAX_MESSAGE_BYTES + 1]);
        let expected = Failure::TooLong { bytes: MAX_MESSAGE_BYTES + 1, limit: MAX_MESSAGE_BYTES };
        assert!(matches!(step, ServerStep::Failure(failure) if failure == expected), "{mechanism}");

        let (mut server, _) = ServerExchange::start(mechanism, &context(&bindings, BOUND), None);
        let step = server.respond_encoded(&vec![b'a'; MAX_EXCHANGE_BYTES + 1]);
        assert!(matches!(step, ServerStep::Failure(failure) if failure.kind() == FailureKind::TooLong), "{mechanism}");
    }
    let long_name = [b"\0".as_slice(), &[b'a'; crate::prepare::MAX_NAME_BYTES + 1], b"\0pencil"].concat();
    let (_, step) = ServerExchange::start(Mechanism::Plain, &context(&bindings, BOUND), Some(&long_name));
    assert!(matches!(step, ServerStep::Failure(Failure::Name(PrepareError::TooLong { .. }))));
}

#[test]
fn lines_cancel_or_must_be_base64() {
    let bindings = bound();
    for mechanism in Mechanism::ALL {
        for (line, expected) in [(&b"*"[..], Failure::Cancelled), (b"!", Failure::Base64), (b"=", Failure::Base64)] {
            let (mut server, _) = ServerExchange::start(mechanism, &context(&bindings, BOUND), None);
            let step = server.respond_encoded(line);
            assert!(matches!(step, ServerStep::Failure(failure) if failure == expected), "{mechanism}");
        }
        let (_, step) = ServerExchange::start_encoded(mechanism, &context(&bindings, BOUND), Some(b"!"));
        assert!(matches!(step, ServerStep::Failure(Failure::Base64)), "{mechanism}");
        let (_, step) = ServerExchange::start_encoded(mechanism, &context(&bindings, &[]), Some(b"!"));
        assert!(matches!(step, ServerStep::Failure(Failure::MechanismNotOffered(_))), "{mechanism}");
    }
    let (_, step) = ServerExchange::start_encoded(Mechanism::Plain, &context(&bindings, BOUND), Some(b"="));
    assert!(matches!(step, ServerStep::Failure(Failure::Grammar(_))));
    let (_, step) =
        ServerExchange::start_encoded(Mechanism::Plain, &context(&bindings, BOUND), Some(b"AHVzZXIAcGVuY2ls"));
    assert!(matches!(step, ServerStep::Ask(Question::VerifyPassword { .. })));
}

#[test]
fn the_last_message_of_scram_is_acknowledged_by_nothing() {
    let bindings = bound();
    let tamper = |number, message: Vec<u8>| if number == 2 { b"x".to_vec() } else { message };
    let course =
        run(Mechanism::ScramSha256, &context(&bindings, BOUND), &client(&bindings, BOUND), ("user", "pencil"), tamper);
    assert!(matches!(course.server, ServerStep::Failure(Failure::Grammar(_))));
}

#[test]
fn data_with_success_saves_the_last_round() {
    let bindings = bound();
    let server = ServerContext { carries_success_data: true, ..context(&bindings, BOUND) };
    let course = run(Mechanism::ScramSha256, &server, &client(&bindings, BOUND), ("user", "pencil"), |_, m| m);
    assert_eq!(course.steps, ["ask", "challenge", "success"]);
    assert_eq!(course.client, Ok(()));
}

#[test]
fn the_house_may_be_unavailable() {
    let bindings = bound();
    let (mut server, _) =
        ServerExchange::start(Mechanism::ScramSha256, &context(&bindings, BOUND), Some(b"n,,n=user,r=x"));
    let step = server.answer(Answer::TemporarilyUnavailable);
    assert!(matches!(step, ServerStep::Failure(failure) if failure.kind() == FailureKind::Temporary));
}

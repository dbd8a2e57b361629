use std::num::NonZeroU32;

use proptest::prelude::*;

use super::*;
use crate::client::{ClientContext, ClientExchange, ClientFailure, Credentials};

mod attacks;
mod transcripts;

const ITERATIONS: NonZeroU32 = NonZeroU32::new(4096).unwrap();
const NONCE: [u8; NONCE_BYTES] = [0; NONCE_BYTES];

fn bound() -> ChannelBindings {
    ChannelBindings { tls_exporter: Some(vec![0xe0; 32]), tls_server_end_point: Some(vec![0xec; 32]) }
}

fn context<'a>(channel_bindings: &'a ChannelBindings, advertised: &'a [Mechanism]) -> ServerContext<'a> {
    ServerContext {
        channel_bindings,
        advertised,
        host_name: "mail.example.org",
        nonce: NONCE,
        unix_time_seconds: 697_170_952,
        carries_success_data: false,
    }
}

/// A house in which only `user` lives, with the password `pencil`.
fn house(question: &Question) -> Answer {
    match question {
        Question::VerifyPassword { authentication_id, password, .. } => {
            if authentication_id == "user" && password.expose() == b"pencil" {
                Answer::Accepted
            } else {
                Answer::Rejected
            }
        }
        Question::ExternalIdentity { authorization_id } => match authorization_id.as_deref() {
            None | Some("user") => Answer::ExternalIdentity { authentication_id: "user".to_owned() },
            Some(_) => Answer::Rejected,
        },
        Question::ScramCredential { user, hash } if user == "user" => Answer::ScramCredential {
            verifier: ScramVerifier::derive(*hash, b"pencil", b"some salt", ITERATIONS).unwrap(),
            real: true,
        },
        Question::ScramCredential { user, hash } => {
            Answer::ScramCredential { verifier: ScramVerifier::decoy(*hash, b"key", user, ITERATIONS), real: false }
        }
        Question::CramSecret { user } => {
            Answer::CramSecret { secret: CramMd5Secret::derive(b"pencil").unwrap(), real: user == "user" }
        }
    }
}

fn describe(question: &Question) -> String {
    let acting = |authorization_id: &Option<String>| {
        authorization_id.as_ref().map(|name| format!(" as {name}")).unwrap_or_default()
    };
    match question {
        Question::VerifyPassword { authentication_id, authorization_id, password } => {
            let password = String::from_utf8_lossy(password.expose());
            format!("password of {authentication_id}{}: {password}", acting(authorization_id))
        }
        Question::ExternalIdentity { authorization_id } => format!("certificate{}", acting(authorization_id)),
        Question::ScramCredential { user, hash } => format!("{hash:?} of {user}"),
        Question::CramSecret { user } => format!("secret of {user}"),
    }
}

/// How a client's exchange with a server ended, and by which kinds of step.
#[derive(Debug)]
struct Course {
    steps: Vec<&'static str>,
    server: ServerStep,
    client: Result<(), ClientFailure>,
}

/// Lets our client log in as `name` with `password`; `tamper` may change message number n of the client on its way.
fn run(
    mechanism: Mechanism,
    server: &ServerContext<'_>,
    client: &ClientContext<'_>,
    (name, password): (&str, &str),
    tamper: impl Fn(usize, Vec<u8>) -> Vec<u8>,
) -> Course {
    let credentials =
        Credentials { authentication_id: name.to_owned(), authorization_id: None, password: Secret::new(password) };
    let (mut client, initial) = ClientExchange::start(mechanism, &credentials, client).unwrap();
    let initial = initial.map(|message| tamper(0, message.expose().to_vec()));
    let (mut exchange, mut step) = ServerExchange::start(mechanism, server, initial.as_deref());
    let mut steps = Vec::new();
    let mut messages = usize::from(initial.is_some());
    loop {
        step = match step {
            ServerStep::Ask(question) => {
                steps.push("ask");
                exchange.answer(house(&question))
            }
            ServerStep::Challenge(challenge) => {
                steps.push("challenge");
                match client.respond(&challenge) {
                    Ok(response) => {
                        messages += 1;
                        exchange.respond(&tamper(messages - 1, response.expose().to_vec()))
                    }
                    Err(error) => {
                        let server = exchange.respond_encoded(b"*");
                        return Course { steps, server, client: Err(error) };
                    }
                }
            }
            ServerStep::Success { ref server_final, .. } => {
                steps.push("success");
                let client = client.finish(server_final.as_deref());
                return Course { steps, server: step, client };
            }
            ServerStep::Failure(_) => {
                steps.push("failure");
                return Course { steps, server: step, client: Err(ClientFailure::PrematureSuccess) };
            }
        };
    }
}

#[test]
fn the_end_is_the_end() {
    let bindings = bound();
    let (mut exchange, step) =
        ServerExchange::start(Mechanism::Plain, &context(&bindings, &Mechanism::ALL), Some(b"\0user\0pencil"));
    assert!(matches!(step, ServerStep::Ask(_)));
    assert!(matches!(exchange.answer(Answer::Accepted), ServerStep::Success { .. }));
    assert!(matches!(exchange.answer(Answer::Accepted), ServerStep::Failure(Failure::OutOfStep)));
    assert!(matches!(exchange.respond(b"\0user\0pencil"), ServerStep::Failure(Failure::OutOfStep)));
}

#[test]
fn a_failed_line_ends_the_exchange() {
    let bindings = bound();
    for line in [&b"*"[..], b"!", &[b'A'; MAX_EXCHANGE_BYTES + 4]] {
        let (mut exchange, _) = ServerExchange::start(Mechanism::Plain, &context(&bindings, &Mechanism::ALL), None);
        assert!(matches!(exchange.respond_encoded(line), ServerStep::Failure(_)));
        assert!(matches!(exchange.respond(b"\0user\0pencil"), ServerStep::Failure(Failure::OutOfStep)));
    }
}

#[test]
fn answers_fit_their_questions() {
    let bindings = bound();
    let cram = || Answer::CramSecret { secret: CramMd5Secret::derive(b"x").unwrap(), real: true };
    let scram =
        |hash| Answer::ScramCredential { verifier: ScramVerifier::decoy(hash, b"", "", ITERATIONS), real: true };
    let cases = [
        (Mechanism::Plain, &b"\0user\0pencil"[..], cram()),
        (Mechanism::Plain, b"\0user\0pencil", scram(ScramHash::Sha1)),
        (Mechanism::ScramSha256, b"n,,n=user,r=x", Answer::Accepted),
        (Mechanism::ScramSha256, b"n,,n=user,r=x", cram()),
        (Mechanism::ScramSha256, b"n,,n=user,r=x", scram(ScramHash::Sha1)),
    ];
    for (mechanism, response, answer) in cases {
        let (mut exchange, step) =
            ServerExchange::start(mechanism, &context(&bindings, &Mechanism::ALL), Some(response));
        assert!(matches!(step, ServerStep::Ask(_)), "{mechanism}");
        assert!(matches!(exchange.answer(answer), ServerStep::Failure(Failure::OutOfStep)), "{mechanism}");
    }
}

#[test]
fn commands_with_a_password_ask_the_same_question() {
    let question = Question::verify_password("us\u{ff45}r".as_bytes(), "pencil".as_bytes()).unwrap();
    assert_eq!(describe(&question), "password of user: pencil");
    assert_eq!(Question::verify_password(b"", b"x").unwrap_err(), Failure::Name(PrepareError::Empty));
    assert_eq!(Question::verify_password(b"x", b"\0").unwrap_err(), Failure::Password(PrepareError::Forbidden));
}

#[test]
fn an_answer_without_question_ends_the_exchange() {
    let bindings = bound();
    for mechanism in Mechanism::ALL {
        let (mut exchange, _) = ServerExchange::start(mechanism, &context(&bindings, &Mechanism::ALL), None);
        assert!(matches!(exchange.answer(Answer::Accepted), ServerStep::Failure(Failure::OutOfStep)), "{mechanism}");
    }
}

#[test]
fn secrets_do_not_print() {
    let bindings = bound();
    let rounds: [(Mechanism, &[&[u8]]); 2] =
        [(Mechanism::Plain, &[b"\0user\0open sesame"]), (Mechanism::Login, &[b"user", b"open sesame"])];
    for (mechanism, responses) in rounds {
        let (mut exchange, mut step) = ServerExchange::start(mechanism, &context(&bindings, &Mechanism::ALL), None);
        let mut shown = format!("{exchange:?}{step:?}");
        for response in responses {
            step = exchange.respond(response);
            shown += &format!("{exchange:?}{step:?}");
        }
        assert!(matches!(step, ServerStep::Ask(_)));
        assert!(!shown.contains("sesame") && !shown.contains("115, 101, 115, 97, 109, 101"), "{mechanism}: {shown}");
    }
}

#[derive(Debug, Clone)]
enum Input {
    Response(Vec<u8>),
    Line(Vec<u8>),
    Answer,
    Unavailable,
}

fn any_input() -> impl Strategy<Value = Input> {
    let response = prop_oneof![
        any::<Vec<u8>>(),
        "([nyp],,|n=user|,r=|[a-z]{1,3}|,|c=biws|p=AAEC|\0|=){0,12}".prop_map(String::into_bytes),
        Just(b"n,,n=user,r=x".to_vec()),
        Just(b"\0user\0pencil".to_vec()),
        Just(b"user 00000000000000000000000000000000".to_vec()),
    ];
    prop_oneof![
        4 => response.prop_map(Input::Response),
        1 => "[A-Za-z0-9+/=*]{0,40}".prop_map(|line| Input::Line(line.into_bytes())),
        1 => Just(Input::Answer),
        1 => Just(Input::Unavailable),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn nothing_panics_and_nobody_gets_in_by_chance(
        mechanism in 0..Mechanism::ALL.len(),
        initial: Option<Vec<u8>>,
        inputs in proptest::collection::vec(any_input(), 0..6),
    ) {
        let mechanism = Mechanism::ALL[mechanism];
        let bindings = bound();
        let context = context(&bindings, &Mechanism::ALL);
        let (mut exchange, mut step) = ServerExchange::start(mechanism, &context, initial.as_deref());
        for input in inputs {
            let asked = match &step {
                ServerStep::Ask(question) => Some(house(question)),
                _ => None,
            };
            step = match (input, asked) {
                (Input::Response(response), None) => exchange.respond(&response),
                (Input::Line(line), None) => exchange.respond_encoded(&line),
                (Input::Unavailable, _) => exchange.answer(Answer::TemporarilyUnavailable),
                (Input::Answer, None) => exchange.answer(Answer::Rejected),
                (_, Some(answer)) => exchange.answer(answer),
            };
            if matches!(step, ServerStep::Success { .. }) {
                // The house knows whose certificate it is.
                prop_assert!(mechanism.is_cleartext() || mechanism == Mechanism::External, "{mechanism}");
            }
        }
    }
}

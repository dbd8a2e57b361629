//! An implementation that is not ours, as the client of our server.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::num::NonZeroU32;

use posthouse_sasl::{
    Answer, ChannelBindings, Failure, Mechanism, NONCE_BYTES, Question, ScramVerifier, ServerContext, ServerExchange,
    ServerStep,
};
use rsasl::config::SASLConfig;
use rsasl::mechname::Mechname;
use rsasl::prelude::{MessageSent, SASLClient, State};

const PASSWORD: &str = "tanstaaf, = tanstaaf";

fn house(question: &Question) -> Answer {
    match question {
        Question::VerifyPassword { authentication_id, password, .. } => {
            if authentication_id == "tim@example.org" && password.expose() == PASSWORD.as_bytes() {
                Answer::Accepted
            } else {
                Answer::Rejected
            }
        }
        Question::ExternalIdentity { .. } => Answer::Rejected,
        Question::ScramCredential { user, hash } => Answer::ScramCredential {
            verifier: ScramVerifier::derive(
                *hash,
                PASSWORD.as_bytes(),
                b"16 bytes of salt",
                NonZeroU32::new(4096).unwrap(),
            )
            .unwrap(),
            real: user == "tim@example.org",
        },
        Question::CramSecret { .. } => panic!("rsasl has no CRAM-MD5"),
    }
}

/// Logs in and gives the server's last step; success also needs the client's agreement.
fn log_in(mechanism: Mechanism, authorization_id: Option<&str>, name: &str, password: &str) -> ServerStep {
    let config =
        SASLConfig::with_credentials(authorization_id.map(str::to_owned), name.to_owned(), password.to_owned())
            .unwrap();
    let mechanism_name = Mechname::parse(mechanism.name().as_bytes()).unwrap();
    let mut client = SASLClient::new(config).start_suggested(&[mechanism_name]).unwrap();

    let bindings = ChannelBindings::default();
    let advertised: Vec<_> =
        Mechanism::ALL.into_iter().filter(|mechanism| !mechanism.needs_channel_binding()).collect();
    let context = ServerContext {
        channel_bindings: &bindings,
        advertised: &advertised,
        host_name: "mail.example.org",
        nonce: [42; NONCE_BYTES],
        unix_time_seconds: 0,
        carries_success_data: false,
    };

    let mut finished = false;
    let (mut server, mut step) = ServerExchange::start(mechanism, &context, None);
    loop {
        step = match step {
            ServerStep::Ask(question) => server.answer(house(&question)),
            ServerStep::Challenge(challenge) if finished => panic!("one challenge too many: {challenge:?}"),
            ServerStep::Challenge(challenge) => {
                let input = (!challenge.is_empty()).then_some(&challenge[..]);
                let mut response = Vec::new();
                let state = client.step(input, &mut response).unwrap();
                finished = matches!(state, State::Finished(_));
                if matches!(state, State::Finished(MessageSent::No)) {
                    assert!(response.is_empty());
                }
                server.respond(&response)
            }
            ServerStep::Success { .. } => {
                assert!(finished, "the client has not agreed");
                return step;
            }
            ServerStep::Failure(_) => return step,
        };
    }
}

const MECHANISMS: [Mechanism; 4] = [Mechanism::ScramSha256, Mechanism::ScramSha1, Mechanism::Plain, Mechanism::Login];

#[test]
fn the_right_password_lets_in() {
    for mechanism in MECHANISMS {
        let step = log_in(mechanism, None, "tim@example.org", PASSWORD);
        let ServerStep::Success { authentication_id, authorization_id, server_final } = step else {
            panic!("{mechanism}: {step:?}");
        };
        assert_eq!((authentication_id.as_str(), authorization_id, server_final), ("tim@example.org", None, None));
    }
}

#[test]
fn the_wrong_password_and_the_wrong_name_do_not() {
    for mechanism in MECHANISMS {
        for (name, password) in [("tim@example.org", "tanstaaf"), ("tom@example.org", PASSWORD)] {
            let step = log_in(mechanism, None, name, password);
            assert!(matches!(step, ServerStep::Failure(Failure::InvalidCredentials)), "{mechanism}: {step:?}");
        }
    }
}

#[test]
fn an_authorization_identity_arrives() {
    for mechanism in [Mechanism::ScramSha256, Mechanism::ScramSha1, Mechanism::Plain] {
        let step = log_in(mechanism, Some("boss=,@example.org"), "tim@example.org", PASSWORD);
        let ServerStep::Success { authorization_id, .. } = step else {
            panic!("{mechanism}: {step:?}");
        };
        assert_eq!(authorization_id.as_deref(), Some("boss=,@example.org"));
    }
}

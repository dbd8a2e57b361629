//! Our client and our server, line by line as SMTP, IMAP and POP3 carry them.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::num::NonZeroU32;

use posthouse_model::Secret;
use posthouse_sasl::{
    Answer, ChannelBindings, ClientContext, ClientExchange, CramMd5Secret, Credentials, Failure, Line, Mechanism,
    NONCE_BYTES, Question, ScramVerifier, ServerContext, ServerExchange, ServerStep, TlsChannel, choose, decode_line,
    encode_initial_response, encode_line, offer,
};

const ITERATIONS: NonZeroU32 = NonZeroU32::new(4096).unwrap();

struct Account {
    name: &'static str,
    password: &'static str,
}

impl Account {
    fn answer(&self, question: &Question) -> Answer {
        match question {
            Question::VerifyPassword { authentication_id, password, .. } => {
                // What is stored was prepared from the composed form.
                let verifier = ScramVerifier::derive(
                    posthouse_sasl::ScramHash::Sha256,
                    self.password.as_bytes(),
                    b"salt",
                    ITERATIONS,
                );
                if authentication_id == self.name && verifier.unwrap().matches(password.expose()) {
                    Answer::Accepted
                } else {
                    Answer::Rejected
                }
            }
            Question::ExternalIdentity { authorization_id } => match authorization_id {
                Some(name) if name != self.name => Answer::Rejected,
                _ => Answer::ExternalIdentity { authentication_id: self.name.to_owned() },
            },
            Question::ScramCredential { user, hash } if user == self.name => Answer::ScramCredential {
                verifier: ScramVerifier::derive(*hash, self.password.as_bytes(), b"salt", ITERATIONS).unwrap(),
                real: true,
            },
            Question::ScramCredential { user, hash } => Answer::ScramCredential {
                verifier: ScramVerifier::decoy(*hash, b"a secret of this server", user, ITERATIONS),
                real: false,
            },
            Question::CramSecret { user } => Answer::CramSecret {
                secret: CramMd5Secret::derive(self.password.as_bytes()).unwrap(),
                real: user == self.name,
            },
        }
    }
}

fn bindings() -> ChannelBindings {
    ChannelBindings { tls_exporter: Some(vec![1; 32]), tls_server_end_point: Some(vec![2; 32]) }
}

/// Logs in line by line; `initial` says whether the command carries an initial response.
fn log_in(mechanism: Mechanism, account: &Account, credentials: &Credentials, initial: bool) -> ServerStep {
    let bindings = bindings();
    let channel = TlsChannel { bindings: &bindings, client_certificate: true };
    let advertised = offer(&Mechanism::ALL, Some(channel));
    let client_context = ClientContext {
        offered: &advertised,
        allowed: &Mechanism::ALL,
        tls_active: true,
        client_certificate: true,
        channel_bindings: &bindings,
        nonce: [0xc1; NONCE_BYTES],
    };
    let server_context = ServerContext {
        channel_bindings: &bindings,
        advertised: &advertised,
        host_name: "mail.example.org",
        nonce: [0x5e; NONCE_BYTES],
        unix_time_seconds: 1_800_000_000,
        carries_success_data: false,
    };
    let (mut client, first) = ClientExchange::start(mechanism, credentials, &client_context).unwrap();
    let mut waiting = first;
    let argument =
        if initial { waiting.take().map(|response| encode_initial_response(response.expose())) } else { None };
    let (mut server, mut step) =
        ServerExchange::start_encoded(mechanism, &server_context, argument.as_ref().map(String::as_bytes));
    loop {
        step = match step {
            ServerStep::Ask(question) => server.answer(account.answer(&question)),
            ServerStep::Challenge(challenge) => {
                let Ok(Line::Response(challenge)) = decode_line(encode_line(&challenge).as_bytes()) else {
                    panic!("a challenge that cannot be decoded");
                };
                let response = match waiting.take() {
                    Some(response) => response,
                    None => client.respond(challenge.expose()).unwrap(),
                };
                server.respond_encoded(encode_line(response.expose()).as_bytes())
            }
            ServerStep::Success { .. } => {
                client.finish(None).unwrap();
                return step;
            }
            ServerStep::Failure(_) => return step,
        };
    }
}

#[track_caller]
fn check(account: &Account, name: &str, password: &str, gets_in: bool) {
    let credentials =
        Credentials { authentication_id: name.to_owned(), authorization_id: None, password: Secret::new(password) };
    // EXTERNAL knows no password: what it lets in has a test of its own.
    for mechanism in Mechanism::ALL.into_iter().filter(|&one| one != Mechanism::External) {
        for initial in [false, true] {
            match log_in(mechanism, account, &credentials, initial) {
                ServerStep::Success { authentication_id, authorization_id, server_final } => {
                    assert!(gets_in, "{mechanism}: {name} got in");
                    assert_eq!(
                        (authentication_id.as_str(), authorization_id, server_final),
                        (account.name, None, None)
                    );
                }
                ServerStep::Failure(failure) => {
                    assert!(!gets_in, "{mechanism}: {name} did not get in: {failure}");
                    assert_eq!(failure, Failure::InvalidCredentials, "{mechanism}");
                }
                step => panic!("{mechanism}: {step:?}"),
            }
        }
    }
}

#[test]
fn every_mechanism_lets_in_and_keeps_out() {
    let account = Account { name: "alice@example.org", password: "open, sesame = pass word" };
    check(&account, "alice@example.org", "open, sesame = pass word", true);
    check(&account, "alice@example.org", "open, sesame = password", false);
    check(&account, "Alice@example.org", "open, sesame = pass word", false);
    check(&account, "bob@example.org", "open, sesame = pass word", false);
}

#[test]
fn names_with_the_signs_of_scram() {
    let account = Account { name: "a,b=c=2C@example.org", password: "pencil" };
    check(&account, "a,b=c=2C@example.org", "pencil", true);
    check(&account, "a,b=c,@example.org", "pencil", false);
}

#[test]
fn names_and_passwords_beyond_ascii() {
    let account = Account { name: "\u{e9}va@example.org", password: "\u{e9}t\u{e9} \u{1f511}" };
    check(&account, "\u{e9}va@example.org", "\u{e9}t\u{e9} \u{1f511}", true);
    check(&account, "e\u{301}va@example.org", "e\u{301}te\u{301}\u{a0}\u{1f511}", true);
}

#[test]
fn an_authorization_identity_is_passed_on() {
    let account = Account { name: "alice@example.org", password: "pencil" };
    for (authorization_id, expected) in
        [("boss@example.org", Some("boss@example.org")), ("alice@example.org", None), ("=2C,", Some("=2C,"))]
    {
        let credentials = Credentials {
            authentication_id: "alice@example.org".to_owned(),
            authorization_id: Some(authorization_id.to_owned()),
            password: Secret::new("pencil"),
        };
        for mechanism in [
            Mechanism::ScramSha256Plus,
            Mechanism::ScramSha256,
            Mechanism::ScramSha1Plus,
            Mechanism::ScramSha1,
            Mechanism::Plain,
        ] {
            let step = log_in(mechanism, &account, &credentials, true);
            let ServerStep::Success { authorization_id, .. } = step else {
                panic!("{mechanism}: {step:?}");
            };
            assert_eq!(authorization_id.as_deref(), expected, "{mechanism}");
        }
    }
}

#[test]
fn a_certificate_lets_in_whom_it_proves() {
    let account = Account { name: "alice@example.org", password: "pencil" };
    for (authorization_id, gets_in) in
        [(None, true), (Some("alice@example.org"), true), (Some("bob@example.org"), false)]
    {
        let credentials = Credentials {
            authentication_id: "ignored".to_owned(),
            authorization_id: authorization_id.map(str::to_owned),
            password: Secret::new("ignored"),
        };
        for initial in [false, true] {
            match log_in(Mechanism::External, &account, &credentials, initial) {
                ServerStep::Success { authentication_id, authorization_id, server_final } => {
                    assert!(gets_in);
                    let found = (authentication_id.as_str(), authorization_id, server_final);
                    assert_eq!(found, (account.name, None, None));
                }
                ServerStep::Failure(failure) => {
                    assert!(!gets_in);
                    assert_eq!(failure, Failure::InvalidCredentials);
                }
                step => panic!("{step:?}"),
            }
        }
    }
}

#[test]
fn what_the_server_offers_the_client_can_choose() {
    let bindings = bindings();
    let channel = TlsChannel { bindings: &bindings, client_certificate: false };
    let offered = offer(&Mechanism::ALL, Some(channel));
    let context = ClientContext {
        offered: &offered,
        allowed: &Mechanism::ALL,
        tls_active: true,
        client_certificate: false,
        channel_bindings: &bindings,
        nonce: [0; NONCE_BYTES],
    };
    assert_eq!(choose(&context), Some(Mechanism::ScramSha256Plus));
}

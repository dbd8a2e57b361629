//! Whole SASL exchanges: our client, our server's side, and the directory that answers its questions.

use posthouse_sasl::server::{Answer, Question};
use posthouse_sasl::{
    ChannelBindings, ClientContext, ClientExchange, Credentials, FailureKind, Mechanism, ScramHash, ServerContext,
    ServerExchange, ServerStep,
};
use posthouse_storage::AccountStatus;

use super::*;
use crate::Proof;

const MECHANISMS: [Mechanism; 5] =
    [Mechanism::Plain, Mechanism::Login, Mechanism::ScramSha1, Mechanism::ScramSha256, Mechanism::CramMd5];

/// Runs an exchange to its end; returns who the client has shown to be and wants to be.
async fn exchange(
    identity: &Identity,
    mechanism: Mechanism,
    user: &str,
    password: &str,
    acting_as: Option<&str>,
) -> Result<(String, Option<String>), FailureKind> {
    exchange_at(identity, mechanism, (user, password), acting_as, &scope(Service::Imap), NOW).await.0
}

/// Likewise there and then, and what it rests on.
pub(super) async fn exchange_at(
    identity: &Identity,
    mechanism: Mechanism,
    (user, password): (&str, &str),
    acting_as: Option<&str>,
    scope: &LoginScope,
    now: UnixMillis,
) -> (Result<(String, Option<String>), FailureKind>, Option<Proof>) {
    let channel_bindings = ChannelBindings::default();
    let client_context = ClientContext {
        offered: &MECHANISMS,
        allowed: &MECHANISMS,
        tls_active: true,
        client_certificate: false,
        channel_bindings: &channel_bindings,
        nonce: [7; posthouse_sasl::NONCE_BYTES],
    };
    let server_context = ServerContext {
        channel_bindings: &channel_bindings,
        advertised: &MECHANISMS,
        host_name: "mail.example.org",
        nonce: [9; posthouse_sasl::NONCE_BYTES],
        unix_time_seconds: 1_700_000_000,
        carries_success_data: false,
    };
    let credentials = Credentials {
        authentication_id: user.to_owned(),
        authorization_id: acting_as.map(str::to_owned),
        password: secret(password),
    };
    let (mut client, initial) = ClientExchange::start(mechanism, &credentials, &client_context).unwrap();
    let initial = initial.as_ref().map(Secret::expose);
    let (mut server, mut step) = ServerExchange::start(mechanism, &server_context, initial);
    let mut proof = None;
    let outcome = loop {
        step = match step {
            ServerStep::Challenge(challenge) => server.respond(client.respond(&challenge).unwrap().expose()),
            ServerStep::Ask(question) => {
                let checked = identity.answer(question, scope, now).await;
                proof = checked.proof;
                server.answer(checked.answer)
            }
            ServerStep::Success { authentication_id, authorization_id, server_final } => {
                client.finish(server_final.as_deref()).expect("the server has proven itself");
                break Ok((authentication_id, authorization_id));
            }
            ServerStep::Failure(failure) => break Err(failure.kind()),
        };
    };
    (outcome, proof)
}

async fn check(house: &House, user: &str, password: &str, expected: Result<&str, FailureKind>) {
    for mechanism in MECHANISMS {
        let outcome = exchange(&house.identity, mechanism, user, password, None).await;
        assert_eq!(outcome, expected.map(|name| (name.to_owned(), None)), "{mechanism} {user}");
    }
}

#[tokio::test]
async fn every_mechanism_lets_the_right_one_in() {
    let house = House::open().await;
    for name in ["ann@example.org", "Ann@EXAMPLE.org", "ann"] {
        check(&house, name, ANNS_PASSWORD, Ok(name)).await;
    }
    check(&house, "bob", BOBS_PASSWORD, Ok("bob")).await;
}

#[tokio::test]
async fn every_mechanism_refuses_everybody_else_alike() {
    let house = House::open().await;
    for (user, password) in [("ann", "wrong"), ("ann", BOBS_PASSWORD), ("ghost", ANNS_PASSWORD), ("@", "x")] {
        check(&house, user, password, Err(FailureKind::Credentials)).await;
    }
    let disable = |account: &mut AccountRecord| account.status = AccountStatus::LoginDisabled;
    house.identity.change_account(&address("ann@example.org"), disable).await.unwrap();
    check(&house, "ann", ANNS_PASSWORD, Err(FailureKind::Credentials)).await;
}

#[tokio::test]
async fn a_failing_store_is_a_temporary_failure() {
    let house = House::open().await;
    house.store.set_broken(true);
    check(&house, "ann", ANNS_PASSWORD, Err(FailureKind::Temporary)).await;
    check(&house, "ghost", ANNS_PASSWORD, Err(FailureKind::Temporary)).await;
}

#[tokio::test]
async fn the_wish_to_act_as_another_is_handed_on_and_refused() {
    let house = House::open().await;
    for mechanism in [Mechanism::Plain, Mechanism::ScramSha1, Mechanism::ScramSha256] {
        let outcome = exchange(&house.identity, mechanism, "ann", ANNS_PASSWORD, Some("bob")).await;
        let (authentication_id, authorization_id) = outcome.unwrap();
        let imap = scope(Service::Imap);
        let refusal = house.identity.authorize(&authentication_id, authorization_id.as_deref(), &imap).await;
        assert!(matches!(refusal, Err(crate::LoginRefusal::NotAuthorized)), "{mechanism}");
    }
}

#[tokio::test]
async fn a_new_password_is_new_for_every_mechanism() {
    let house = House::open().await;
    check(&house, "ann", ANNS_PASSWORD, Ok("ann")).await;
    let changed = "an owl counts the wagons";
    house.identity.change_password(&address("ann@example.org"), secret(changed), NOW).await.unwrap();
    check(&house, "ann", ANNS_PASSWORD, Err(FailureKind::Credentials)).await;
    check(&house, "ann", changed, Ok("ann")).await;
}

#[tokio::test]
async fn cram_md5_works_only_where_its_state_is_kept() {
    let store = MemoryStorage::new();
    let options = IdentityOptions { keep_cram_md5: false, ..cheap_options() };
    let identity = Identity::open(store, options).await.unwrap();
    identity.create_domain(domain("example.org"), NOW).await.unwrap();
    identity.create_account(draft("ann@example.org", ANNS_PASSWORD), NOW).await.unwrap();
    let outcome = exchange(&identity, Mechanism::CramMd5, "ann", ANNS_PASSWORD, None).await;
    assert_eq!(outcome, Err(FailureKind::Credentials));
    assert!(exchange(&identity, Mechanism::ScramSha256, "ann", ANNS_PASSWORD, None).await.is_ok());
}

/// What a SCRAM client is shown of `user`: the verifier, whether it is real.
async fn shown(identity: &Identity, user: &str, hash: ScramHash, scope: &LoginScope) -> (Vec<u8>, bool) {
    let question = Question::ScramCredential { user: user.to_owned(), hash };
    match identity.answer(question, scope, NOW).await.answer {
        Answer::ScramCredential { verifier, real } => (verifier.to_bytes().expose().to_vec(), real),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_decoy_looks_like_an_account() {
    let house = House::open().await;
    let imap = scope_in(Service::Imap, "example.org");
    let reopened = Identity::open(house.store.clone(), cheap_options()).await.unwrap();
    for hash in [ScramHash::Sha1, ScramHash::Sha256] {
        let (ann, real) = shown(&house.identity, "ann@example.org", hash, &imap).await;
        assert!(real);
        let (ghost, real) = shown(&house.identity, "ghost@example.org", hash, &imap).await;
        assert!(!real);
        assert_eq!(ann.len(), ghost.len());
        assert_ne!(ghost, shown(&house.identity, "other@example.org", hash, &imap).await.0);
        // It is the same at every attempt, after a restart, and however the name is written, as a real one is.
        for name in ["ghost@example.org", "GHOST@Example.ORG", "ghost@example.org.", "ghost", "Ghost"] {
            assert_eq!(shown(&house.identity, name, hash, &imap).await, (ghost.clone(), false), "{name}");
            assert_eq!(shown(&reopened, name, hash, &imap).await, (ghost.clone(), false), "{name}");
            let anns = name.to_lowercase().replace("ghost", "Ann");
            assert_eq!(shown(&house.identity, &anns, hash, &imap).await, (ann.clone(), true), "{anns}");
        }
    }
}

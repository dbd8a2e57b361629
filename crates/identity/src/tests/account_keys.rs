//! Keys of accounts: what they open, and everything that they do not.

use posthouse_sasl::server::{Answer, Question};
use posthouse_sasl::{FailureKind, Mechanism, ScramHash};
use posthouse_storage::{AccountKeys, AccountStatus, Directory, KeyService, KeyServices, KeyUse};

use super::sasl::exchange_at;
use super::*;
use crate::{AccountError, KeyDraft, KeyRefusal, LoginRefusal};

const ANN: &str = "ann@example.org";
const EVERY: [Mechanism; 5] =
    [Mechanism::Plain, Mechanism::Login, Mechanism::ScramSha1, Mechanism::ScramSha256, Mechanism::CramMd5];
const WITH_THE_SECRET: [Mechanism; 2] = [Mechanism::Plain, Mechanism::Login];
const LATER: UnixMillis = UnixMillis(NOW.0 + 1000);

impl House {
    /// Makes a key of Ann's; its secret.
    async fn key(&self, label: &str, services: &[KeyService], expires_at: Option<UnixMillis>) -> String {
        let services = KeyServices::of(services);
        let draft = KeyDraft { account: address(ANN), label: label.to_owned(), services, expires_at };
        let (_, secret) = self.identity.add_key(draft, NOW).await.unwrap();
        secret.expose_str().unwrap().to_owned()
    }

    /// Signs in by an exchange; the label of the key that opened, if one did.
    async fn enter(
        &self,
        mechanism: Mechanism,
        user: &str,
        password: &str,
        service: Service,
        now: UnixMillis,
    ) -> Result<Option<String>, String> {
        let scope = scope(service);
        let (outcome, proof) = exchange_at(&self.identity, mechanism, (user, password), None, &scope, now).await;
        let (name, _) = outcome.map_err(|kind| format!("{kind:?}"))?;
        let permit = self.identity.authorize_by_password(&name, None, proof, &scope, now).await;
        let permit = permit.map_err(|refusal| refusal.to_string())?;
        assert_eq!(permit.address(), &address(ANN));
        Ok(permit.key().map(|key| key.label.clone()))
    }

    async fn expect_denied(&self, mechanisms: &[Mechanism], user: &str, password: &str, service: Service) {
        let denied = Err(format!("{:?}", FailureKind::Credentials));
        for &mechanism in mechanisms {
            assert_eq!(self.enter(mechanism, user, password, service, LATER).await, denied, "{mechanism} {user}");
        }
    }

    /// What the log would say of a name and a password.
    async fn cause(&self, user: &str, password: &str, service: Service, now: UnixMillis) -> Option<KeyRefusal> {
        let question = Question::VerifyPassword {
            authentication_id: user.to_owned(),
            authorization_id: None,
            password: secret(password),
        };
        let checked = self.identity.answer(question, &scope(service), now).await;
        assert!(matches!(checked.answer, Answer::Rejected), "{user}");
        assert_eq!(checked.proof, None);
        checked.cause
    }
}

#[tokio::test]
async fn a_key_opens_by_every_mechanism() {
    let house = House::open().await;
    let phone = house.key("Phone", &KeyService::EACH, None).await;
    let desk = house.key("desk", &KeyService::EACH, None).await;
    assert_ne!(phone, desk);
    for mechanism in EVERY {
        for user in ["ann@example.org/phone", "ANN@Example.org/PHONE"] {
            let entered = house.enter(mechanism, user, &phone, Service::Imap, LATER).await;
            assert_eq!(entered, Ok(Some("phone".to_owned())), "{mechanism} {user}");
        }
        let main = house.enter(mechanism, ANN, ANNS_PASSWORD, Service::Imap, LATER).await;
        assert_eq!(main, Ok(None), "{mechanism}");
    }
    for mechanism in WITH_THE_SECRET {
        for (secret, label) in [(&phone, "phone"), (&desk, "desk")] {
            let entered = house.enter(mechanism, ANN, secret, Service::Submission, LATER).await;
            assert_eq!(entered, Ok(Some(label.to_owned())), "{mechanism}");
        }
        // As it comes from a phone's keyboard.
        let typed = phone.replace('-', " ").to_uppercase();
        for typed in [&typed, &typed.replace(' ', "")] {
            let entered = house.enter(mechanism, "ann", typed, Service::Pop3, LATER).await;
            assert_eq!(entered, Ok(Some("phone".to_owned())), "{typed}");
        }
    }
}

#[tokio::test]
async fn a_secret_has_bits_enough_and_is_not_kept() {
    let house = House::open().await;
    let secret = house.key("phone", &KeyService::EACH, None).await;
    assert_eq!(secret.split('-').map(str::len).collect::<Vec<_>>(), [4; 7]);
    let ring = house.identity.keys(&address(ANN)).await.unwrap();
    let kept = format!("{:?}", ring.keys[0]);
    assert!(!kept.contains(&secret), "{kept}");
    let proof = &ring.keys[0].proof;
    for one in [&proof.digest, &proof.scram_sha_256, &proof.scram_sha_1, proof.cram_md5.as_ref().unwrap()] {
        let holds = |part: &str| one.expose().windows(part.len()).any(|window| window == part.as_bytes());
        assert!(!holds(&secret) && !holds(&secret.replace('-', "")));
    }
}

#[tokio::test]
async fn nothing_else_opens() {
    let house = House::open().await;
    let phone = house.key("phone", &KeyService::EACH, None).await;
    let desk = house.key("desk", &KeyService::EACH, None).await;
    // Another's secret, the main password behind a label, a label that is not there, no label.
    for (user, password) in [
        ("ann@example.org/phone", desk.as_str()),
        ("ann@example.org/phone", ANNS_PASSWORD),
        ("ann@example.org/ghost", &phone),
        ("ann@example.org/", &phone),
        ("ann@example.org/phone/", &phone),
        ("ann/phone", &phone),
        ("bob@example.org/phone", &phone),
        ("bob@example.org", &phone),
        ("ghost@example.org/phone", &phone),
    ] {
        house.expect_denied(&EVERY, user, password, Service::Imap).await;
    }
    // SCRAM and CRAM have to choose before they see a proof: without a label it is the main password.
    for mechanism in [Mechanism::ScramSha1, Mechanism::ScramSha256, Mechanism::CramMd5] {
        house.expect_denied(&[mechanism], ANN, &phone, Service::Imap).await;
    }
    house.expect_denied(&WITH_THE_SECRET, ANN, &phone[..phone.len() - 1], Service::Imap).await;
    assert_eq!(house.cause("ann@example.org/ghost", &phone, Service::Imap, LATER).await, Some(KeyRefusal::Unknown));
    assert_eq!(house.cause("ghost@example.org/phone", &phone, Service::Imap, LATER).await, None);
    assert_eq!(house.cause(ANN, "wrong", Service::Imap, LATER).await, None);
}

#[tokio::test]
async fn an_expired_key_looks_like_a_wrong_password() {
    let house = House::open().await;
    let phone = house.key("phone", &KeyService::EACH, Some(LATER)).await;
    let before = UnixMillis(LATER.0 - 1);
    for mechanism in EVERY {
        let entered = house.enter(mechanism, "ann@example.org/phone", &phone, Service::Imap, before).await;
        assert_eq!(entered, Ok(Some("phone".to_owned())), "{mechanism}");
    }
    house.expect_denied(&EVERY, "ann@example.org/phone", &phone, Service::Imap).await;
    house.expect_denied(&WITH_THE_SECRET, ANN, &phone, Service::Imap).await;
    for user in [ANN, "ann@example.org/phone"] {
        assert_eq!(house.cause(user, &phone, Service::Imap, LATER).await, Some(KeyRefusal::Expired));
    }
    // Whoever does not know it learns no more from the log either.
    assert_eq!(house.cause(ANN, "wrong", Service::Imap, LATER).await, None);
}

#[tokio::test]
async fn a_key_opens_only_what_it_is_for() {
    let house = House::open().await;
    let phone = house.key("phone", &[KeyService::Imap], None).await;
    for mechanism in EVERY {
        let entered = house.enter(mechanism, "ann@example.org/phone", &phone, Service::Imap, LATER).await;
        assert_eq!(entered, Ok(Some("phone".to_owned())), "{mechanism}");
    }
    for service in [Service::Submission, Service::Pop3] {
        house.expect_denied(&EVERY, "ann@example.org/phone", &phone, service).await;
        house.expect_denied(&WITH_THE_SECRET, ANN, &phone, service).await;
        assert_eq!(house.cause(ANN, &phone, service, LATER).await, Some(KeyRefusal::NotForService));
    }
}

#[tokio::test]
async fn a_barred_password_opens_nothing() {
    let house = House::open().await;
    let phone = house.key("phone", &[KeyService::Imap], None).await;
    // Remembered as right a moment ago.
    assert_eq!(house.enter(Mechanism::Plain, ANN, ANNS_PASSWORD, Service::Imap, LATER).await, Ok(None));
    house.identity.bar_password(&address(ANN), true).await.unwrap();
    for service in [Service::Submission, Service::Imap, Service::Pop3] {
        house.expect_denied(&EVERY, ANN, ANNS_PASSWORD, service).await;
        assert_eq!(house.cause(ANN, ANNS_PASSWORD, service, LATER).await, Some(KeyRefusal::PasswordBarred));
        assert_eq!(house.cause(ANN, "wrong", service, LATER).await, None);
    }
    let entered = house.enter(Mechanism::Plain, ANN, &phone, Service::Imap, LATER).await;
    assert_eq!(entered, Ok(Some("phone".to_owned())));
    house.expect_denied(&EVERY, "ann@example.org/phone", &phone, Service::Submission).await;
    // A certificate is no password.
    assert!(house.identity.authorize(ANN, None, &scope(Service::Imap)).await.is_ok());
    house.identity.bar_password(&address(ANN), false).await.unwrap();
    assert_eq!(house.enter(Mechanism::ScramSha256, ANN, ANNS_PASSWORD, Service::Imap, LATER).await, Ok(None));
}

#[tokio::test]
async fn a_removed_key_opens_nothing_from_that_moment_on() {
    let house = House::open().await;
    let phone = house.key("phone", &KeyService::EACH, None).await;
    let imap = scope(Service::Imap);
    let user = "ann@example.org/phone";
    let (outcome, proof) =
        exchange_at(&house.identity, Mechanism::ScramSha256, (user, &phone), None, &imap, LATER).await;
    assert!(outcome.is_ok());
    let permit = house.identity.authorize_by_password(user, None, proof, &imap, LATER).await.unwrap();
    assert!(house.identity.still_holds(&permit, Service::Imap, LATER).await.unwrap());
    house.identity.remove_key(&address(ANN), "PHONE").await.unwrap();
    // What was proven, but not yet let in; what is signed in; what comes.
    let late = house.identity.authorize_by_password(user, None, proof, &imap, LATER).await;
    assert!(matches!(late, Err(LoginRefusal::WrongCredentials)));
    assert!(!house.identity.still_holds(&permit, Service::Imap, LATER).await.unwrap());
    house.expect_denied(&EVERY, user, &phone, Service::Imap).await;
    house.expect_denied(&WITH_THE_SECRET, ANN, &phone, Service::Imap).await;
    // Another of the same label is another.
    let again = house.key("phone", &KeyService::EACH, None).await;
    house.expect_denied(&EVERY, user, &phone, Service::Imap).await;
    assert!(house.enter(Mechanism::Plain, user, &again, Service::Imap, LATER).await.is_ok());
    assert!(!house.identity.still_holds(&permit, Service::Imap, LATER).await.unwrap());
}

#[tokio::test]
async fn a_session_ends_with_its_key() {
    let house = House::open().await;
    let phone = house.key("phone", &[KeyService::Imap], Some(LATER)).await;
    let permit = house.identity.login(ANN, secret(&phone), &scope(Service::Imap), NOW).await.unwrap();
    assert!(house.identity.still_holds(&permit, Service::Imap, NOW).await.unwrap());
    assert!(!house.identity.still_holds(&permit, Service::Imap, LATER).await.unwrap());
    let main = house.identity.login(ANN, secret(ANNS_PASSWORD), &scope(Service::Imap), NOW).await.unwrap();
    assert!(house.identity.still_holds(&main, Service::Imap, LATER).await.unwrap());
}

#[tokio::test]
async fn a_proof_is_good_for_whom_it_is() {
    let house = House::open().await;
    let phone = house.key("phone", &KeyService::EACH, None).await;
    let imap = scope(Service::Imap);
    let (_, proof) = exchange_at(&house.identity, Mechanism::Plain, (ANN, &phone), None, &imap, NOW).await;
    assert!(proof.is_some());
    for (name, proof) in [("bob@example.org", proof), (ANN, None)] {
        let refused = house.identity.authorize_by_password(name, None, proof, &imap, NOW).await;
        assert!(matches!(refused, Err(LoginRefusal::WrongCredentials)), "{name}");
    }
    let as_bob = house.identity.authorize_by_password(ANN, Some("bob@example.org"), proof, &imap, NOW).await;
    assert!(matches!(as_bob, Err(LoginRefusal::NotAuthorized)));
    let as_ann = house.identity.authorize_by_password("ann@example.org/phone", Some(ANN), proof, &imap, NOW).await;
    assert!(as_ann.is_ok());
}

#[tokio::test]
async fn keys_of_an_account_that_may_not_sign_in_open_nothing() {
    let house = House::open().await;
    let phone = house.key("phone", &KeyService::EACH, None).await;
    for status in [AccountStatus::LoginDisabled, AccountStatus::Suspended] {
        house.identity.change_account(&address(ANN), |account| account.status = status).await.unwrap();
        house.expect_denied(&EVERY, "ann@example.org/phone", &phone, Service::Imap).await;
        house.expect_denied(&WITH_THE_SECRET, ANN, &phone, Service::Imap).await;
    }
    house.identity.change_account(&address(ANN), |account| account.status = AccountStatus::Active).await.unwrap();
    // One without a password signs in by its keys.
    let ann = house.identity.account_at(&address(ANN)).await.unwrap();
    house.store.set_credential(ann.id, None).await.unwrap();
    for mechanism in EVERY {
        assert!(house.enter(mechanism, "ann@example.org/phone", &phone, Service::Imap, LATER).await.is_ok());
        house.expect_denied(&[mechanism], ANN, ANNS_PASSWORD, Service::Imap).await;
    }
}

/// What a SCRAM client is shown of `user`: the verifier, whether it is real.
async fn shown(identity: &Identity, user: &str, service: Service, now: UnixMillis) -> (Vec<u8>, bool) {
    let question = Question::ScramCredential { user: user.to_owned(), hash: ScramHash::Sha256 };
    match identity.answer(question, &scope_in(service, "example.org"), now).await.answer {
        Answer::ScramCredential { verifier, real } => (verifier.to_bytes().expose().to_vec(), real),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn labels_cannot_be_guessed() {
    let house = House::open().await;
    house.key("phone", &[KeyService::Imap], Some(LATER)).await;
    let identity = &house.identity;
    let (phone, real) = shown(identity, "ann@example.org/phone", Service::Imap, NOW).await;
    assert!(real);
    // A label that is not there, of somebody who is there or not: the same shape, and a salt that stays, however it is
    // written, and after a restart.
    let reopened = Identity::open(house.store.clone(), cheap_options()).await.unwrap();
    let mut decoys = Vec::new();
    for user in ["ann@example.org/ghost", "ghost@example.org/phone", "ghost@example.org/ghost", "ann@example.org/"] {
        let (decoy, real) = shown(identity, user, Service::Imap, NOW).await;
        assert!(!real && decoy.len() == phone.len(), "{user}");
        for name in [user.to_owned(), user.to_uppercase()] {
            assert_eq!(shown(identity, &name, Service::Imap, LATER).await, (decoy.clone(), false), "{name}");
            assert_eq!(shown(&reopened, &name, Service::Imap, NOW).await, (decoy.clone(), false), "{name}");
        }
        assert!(!decoys.contains(&decoy), "{user}");
        decoys.push(decoy);
    }
    // Nor does it show that a key has expired, or is for something else.
    assert_eq!(shown(identity, "ann@example.org/phone", Service::Imap, LATER).await, (phone.clone(), false));
    assert_eq!(shown(identity, "ann@example.org/phone", Service::Pop3, NOW).await, (phone, false));
    let main = shown(identity, ANN, Service::Imap, NOW).await.0;
    house.identity.bar_password(&address(ANN), true).await.unwrap();
    assert_eq!(shown(identity, ANN, Service::Imap, NOW).await, (main, false));
}

#[tokio::test]
async fn uses_are_noted_now_and_then() {
    let house = House::open().await;
    let phone = house.key("phone", &KeyService::EACH, None).await;
    let last_use = async || house.identity.keys(&address(ANN)).await.unwrap().keys[0].last_use;
    let enter = async |service, at| {
        house.identity.login(ANN, secret(&phone), &scope(service), at).await.unwrap();
    };
    assert_eq!(last_use().await, None);
    let at = |seconds: i64| UnixMillis(NOW.0 + seconds * 1000);
    let used = |seconds, service| Some(KeyUse { at: at(seconds), service });
    enter(Service::Imap, at(0)).await;
    enter(Service::Imap, at(59)).await;
    assert_eq!(last_use().await, used(0, KeyService::Imap));
    enter(Service::Pop3, at(59)).await;
    assert_eq!(last_use().await, used(59, KeyService::Pop3));
    enter(Service::Pop3, at(119)).await;
    assert_eq!(last_use().await, used(119, KeyService::Pop3));
    // A wrong one is no use.
    let _ = house.identity.login("ann@example.org/phone", secret("wrong"), &scope(Service::Imap), at(500)).await;
    assert_eq!(last_use().await, used(119, KeyService::Pop3));
}

#[tokio::test]
async fn a_key_that_makes_no_sense_is_refused() {
    let house = House::open().await;
    let add = async |account: &str, label: &str, expires_at| {
        let draft =
            KeyDraft { account: address(account), label: label.to_owned(), services: KeyServices::ALL, expires_at };
        house.identity.add_key(draft, NOW).await.map(drop).map_err(|error| error.to_string())
    };
    assert_eq!(add(ANN, "phone", Some(LATER)).await, Ok(()));
    assert!(add(ANN, "Phone", None).await.unwrap_err().contains("credential"));
    assert_eq!(add(ANN, "a/b", None).await, Err(AccountError::BadLabel.to_string()));
    assert_eq!(add(ANN, "old", Some(NOW)).await, Err(AccountError::ExpiresInThePast.to_string()));
    assert!(add("ghost@example.org", "phone", None).await.is_err());
    assert!(house.identity.remove_key(&address(ANN), "ghost").await.is_err());
    assert_eq!(house.store.account_keys(house.permit("ann").await.account()).await.unwrap().keys.len(), 1);
}

#[tokio::test]
async fn keys_are_no_passwords_that_grow_old() {
    let store = MemoryStorage::new();
    let mut options = cheap_options();
    options.password_policy.max_age = Some(Duration::from_secs(1));
    let identity = Identity::open(store.clone(), options).await.unwrap();
    let house = House { store, identity };
    house.identity.create_domain(domain("example.org"), NOW).await.unwrap();
    house.add(ANN, ANNS_PASSWORD).await;
    let phone = house.key("phone", &KeyService::EACH, None).await;
    assert!(house.enter(Mechanism::Plain, ANN, &phone, Service::Imap, LATER).await.is_ok());
    let old = house.enter(Mechanism::Plain, ANN, ANNS_PASSWORD, Service::Imap, LATER).await;
    assert_eq!(old, Err(LoginRefusal::PasswordExpired.to_string()));
}

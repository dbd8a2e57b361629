//! The directory's rules, on a store in memory.

mod account_keys;
mod accounts;
mod hashing;
mod login;
mod password_age;
mod recipients;
mod sasl;
mod senders;
mod sharing;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use posthouse_model::{Address, Domain, Secret, UnixMillis};
use posthouse_storage::{AccountRecord, MemoryStorage};

use crate::{AccountDraft, HashCost, Identity, IdentityOptions, LoginScope, PasswordPolicy, Permit, Service};

const NOW: UnixMillis = UnixMillis(1_700_000_000_000);
const ANNS_PASSWORD: &str = "seven horses wait at dusk";
const BOBS_PASSWORD: &str = "a lantern over the stable door";

fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

fn domain(text: &str) -> Domain {
    Domain::parse(text).unwrap()
}

fn secret(text: &str) -> Secret {
    Secret::new(text)
}

fn cheap_options() -> IdentityOptions {
    IdentityOptions {
        password_policy: PasswordPolicy::default(),
        hash_cost: HashCost::dangerous_minimum(),
        hashing_threads: 1,
        hashing_queue: 1,
        remember_for: Duration::from_secs(60),
        remember_at_most: 100,
        scram_iterations: NonZeroU32::new(4096).unwrap(),
        keep_cram_md5: true,
    }
}

/// A directory with example.org, where Ann and Bob live, and example.net.
struct House {
    store: Arc<MemoryStorage>,
    identity: Identity,
}

impl House {
    async fn open() -> Self {
        let store = MemoryStorage::new();
        let identity = Identity::open(store.clone(), cheap_options()).await.unwrap();
        let house = Self { store, identity };
        for name in ["example.org", "example.net"] {
            house.identity.create_domain(domain(name), NOW).await.unwrap();
        }
        house.add("ann@example.org", ANNS_PASSWORD).await;
        house.add("bob@example.org", BOBS_PASSWORD).await;
        house
    }

    async fn add(&self, name: &str, password: &str) -> AccountRecord {
        self.identity.create_account(draft(name, password), NOW).await.unwrap()
    }

    async fn permit(&self, name: &str) -> Permit {
        self.identity.authorize(name, None, &scope(Service::Submission)).await.unwrap()
    }

    /// What a login comes to: the address of the account, or why not.
    async fn login(&self, name: &str, password: &str, scope: &LoginScope) -> Result<String, String> {
        let permit = self.identity.login(name, secret(password), scope, NOW).await;
        permit.map(|permit| permit.address().to_string()).map_err(|refusal| refusal.to_string())
    }
}

fn draft(name: &str, password: &str) -> AccountDraft {
    AccountDraft {
        address: address(name),
        display_name: String::new(),
        administrator: false,
        password: secret(password),
    }
}

fn scope(service: Service) -> LoginScope {
    LoginScope { service, default_domain: None }
}

fn scope_in(service: Service, name: &str) -> LoginScope {
    LoginScope { service, default_domain: Some(domain(name)) }
}

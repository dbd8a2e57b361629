//! Which of DANE and MTA-STS decides, and when a policy is fetched (RFC 8461 §2, RFC 7672 §2.2).

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use posthouse_domain_policy::transport::StsPolicy;
use posthouse_model::{Domain, Envelope};

use super::*;
use crate::{HopTls, StsFound, StsPolicies};

/// Policies of all domains, and of which they were asked for.
#[derive(Default)]
struct Policies {
    text: Option<String>,
    fetched: Mutex<Vec<String>>,
}

#[async_trait]
impl StsPolicies for Policies {
    async fn of(&self, domain: &Domain) -> StsFound {
        self.fetched.lock().push(domain.to_string());
        let parse = |text: &String| Arc::new(StsPolicy::parse(text.as_bytes()).unwrap());
        StsFound { policy: self.text.as_ref().map(parse), problem: None }
    }
}

/// What is said of TLS with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Says {
    Nothing,
    RequireTls,
    Field(&'static str),
}

/// Sends a message to `recipient` in a world in which each domain has the policy that only `names` are its hosts. Gives
/// how much TLS was asked of the host that got it, in a word, and whose policies were fetched.
async fn sent(recipient: &str, names: Option<&str>, says: Says) -> (Option<&'static str>, Vec<String>) {
    let policy = |names: &str| format!("version: STSv1\r\nmode: enforce\r\nmx: {names}\r\nmax_age: 86400\r\n");
    let policies = Arc::new(Policies { text: names.map(policy), fetched: Mutex::default() });
    let known = Arc::clone(&policies);
    let house = House::open_so(|_| {}, |flow, _| flow.with_sts_policies(known)).await;
    let dispatching = house.dispatch(answers(Outcome::Reply(250)));
    let field = if let Says::Field(field) = says { field } else { "" };
    let text = format!("{field}From: ann@ours.example\r\nMessage-ID: <1@x>\r\n\r\nthe text\r\n");
    let require_tls = says == Says::RequireTls;
    let envelope = Envelope { require_tls, ..envelope("ann@ours.example", &[recipient]) };
    house.receive(house.submission().await, envelope, &text).await.unwrap();
    let carried = dispatching.carried_within(Duration::from_secs(1)).await;
    let word = carried.first().map(|one| match one.hop.tls {
        HopTls::Opportunistic => "opportunistic",
        HopTls::Required => "required",
        HopTls::Verified => "verified",
        HopTls::Dane(_) => "dane",
        HopTls::None | HopTls::Implicit => "other",
    });
    let fetched = policies.fetched.lock().clone();
    (word, fetched)
}

/// A policy is of no account there, so nobody has to wait for it, and it cannot be used to keep mail back.
#[tokio::test(start_paused = true)]
async fn where_dane_decides_no_policy_is_fetched() {
    for names in [None, Some("*.signed.example"), Some("elsewhere.example")] {
        for says in [Says::Nothing, Says::RequireTls] {
            let found = sent("a@second.signed.example", names, says).await;
            assert_eq!(found, (Some("dane"), vec![]), "{names:?} {says:?}");
        }
        // The first host's records cannot be had, and the second has some.
        assert_eq!(sent("a@half.signed.example", names, Says::Nothing).await, (Some("dane"), vec![]), "{names:?}");
        // RFC 7672 §2.1.2: whether there are records cannot be found out, and a policy is no way around that.
        assert_eq!(sent("a@bogus.signed.example", names, Says::Nothing).await, (None, vec![]), "{names:?}");
    }
}

/// Records none of which can be used demand TLS and no certificate; a policy may demand one besides, and is fetched.
#[tokio::test(start_paused = true)]
async fn where_records_cannot_be_used_a_policy_counts_besides() {
    let to = "a@unusable.signed.example";
    let fetched = vec!["unusable.signed.example".to_owned()];
    assert_eq!(sent(to, None, Says::Nothing).await, (Some("required"), fetched.clone()));
    assert_eq!(sent(to, Some("*.signed.example"), Says::Nothing).await, (Some("verified"), fetched.clone()));
    assert_eq!(sent(to, Some("elsewhere.example"), Says::Nothing).await, (None, fetched));
}

#[tokio::test(start_paused = true)]
async fn where_there_is_no_dane_a_policy_is_fetched_once() {
    for domain in ["plain.signed.example", "far.example", "two.example"] {
        let fetched = vec![domain.to_owned()];
        let to = format!("a@{domain}");
        assert_eq!(sent(&to, None, Says::Nothing).await, (Some("opportunistic"), fetched.clone()), "{domain}");
        assert_eq!(sent(&to, Some("elsewhere.test"), Says::Nothing).await, (None, fetched.clone()), "{domain}");
        assert_eq!(sent(&to, Some("*.example"), Says::Nothing).await.1, fetched, "{domain}");
    }
}

/// RFC 8689 §4.2.2, §8.4: whoever finds it more important to arrive is not held to what the domain demands.
#[tokio::test(start_paused = true)]
async fn who_writes_that_tls_is_optional_arrives() {
    let strange = Some("elsewhere.example");
    for field in ["TLS-Required: No\r\n", "tls-required:\r\n\tno \r\n"] {
        for to in ["a@second.signed.example", "a@bogus.signed.example", "a@unusable.signed.example", "a@far.example"] {
            assert_eq!(sent(to, strange, Says::Field(field)).await, (Some("opportunistic"), vec![]), "{to} {field}");
        }
    }
    // What is not that field says nothing, and neither does one of several.
    for field in ["TLS-Required: Yes\r\n", "TLS-Required: No, thanks\r\n", "TLS-Required: No\r\nTLS-Required: No\r\n"] {
        assert_eq!(sent("a@second.signed.example", None, Says::Field(field)).await, (Some("dane"), vec![]), "{field}");
        assert_eq!(sent("a@far.example", strange, Says::Field(field)).await.0, None, "{field}");
    }
}

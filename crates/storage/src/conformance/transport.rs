//! Other domains' transport security.

use posthouse_model::{Domain, UnixMillis};

use super::Harness;
use crate::transport::MAX_STS_POLICY_BYTES;
use crate::{Storage, StorageError, StsRecord, TlsCountKey, TlsHistoryDelta};

fn domain(name: &str) -> Domain {
    Domain::parse(name).unwrap()
}

fn policy(name: &str, id: &str) -> StsRecord {
    StsRecord {
        domain: domain(name),
        id: id.to_owned(),
        policy: "version: STSv1\r\nmode: enforce\r\n".to_owned(),
        fetched_at: UnixMillis(1000),
        expires_at: UnixMillis(9000),
    }
}

/// One policy for each domain, the last one put; they are listed in pages.
pub async fn sts_policies_are_kept(harness: &dyn Harness) {
    let storage = harness.fresh().await;
    assert_eq!(storage.sts_policy(&domain("a.example")).await.unwrap(), None);
    for (name, id) in [("b.example", "1"), ("a.example", "1"), ("a.example", "2"), ("c.example", "1")] {
        storage.put_sts_policy(policy(name, id)).await.unwrap();
    }
    assert_eq!(storage.sts_policy(&domain("a.example")).await.unwrap(), Some(policy("a.example", "2")));
    let page = storage.sts_policies(None, 2).await.unwrap();
    assert_eq!(page, [policy("a.example", "2"), policy("b.example", "1")]);
    let rest = storage.sts_policies(Some(&page[1].domain), 2).await.unwrap();
    assert_eq!(rest, [policy("c.example", "1")]);
    storage.forget_sts_policy(&domain("a.example")).await.unwrap();
    storage.forget_sts_policy(&domain("a.example")).await.unwrap();
    assert_eq!(storage.sts_policy(&domain("a.example")).await.unwrap(), None);
    let long = StsRecord { policy: "x".repeat(MAX_STS_POLICY_BYTES + 1), ..policy("d.example", "1") };
    let refused = storage.put_sts_policy(long).await;
    assert!(matches!(refused, Err(StorageError::Limit { .. })), "{refused:?}");
}

/// Verified deliveries up to `at`, after one that was not where `breaks` says so.
fn verified(name: &str, count: u64, at: i64, breaks: bool) -> TlsHistoryDelta {
    TlsHistoryDelta {
        domain: domain(name),
        clear: u64::from(breaks),
        encrypted: 0,
        verified: count,
        breaks,
        streak: count,
        streak_since: UnixMillis(at),
        last_at: UnixMillis(at + 1),
    }
}

fn key(day: u32, name: &str, result: &str) -> TlsCountKey {
    TlsCountKey {
        day,
        domain: domain(name),
        policy_type: "sts".to_owned(),
        policy: "mode: enforce\nmx: *.example".to_owned(),
        mx_host: "mx.example".to_owned(),
        receiving_ip: "192.0.2.1".to_owned(),
        result: result.to_owned(),
        detail: String::new(),
    }
}

async fn streak(storage: &dyn Storage, name: &str) -> (u64, u64, i64, i64) {
    let history = storage.tls_history(&domain(name)).await.unwrap().unwrap();
    (history.verified, history.streak, history.streak_since.0, history.last_at.0)
}

/// Rows of verified deliveries grow, and begin anew after one that was not.
pub async fn tls_histories_add_up(harness: &dyn Harness) {
    let storage = harness.fresh().await;
    assert_eq!(storage.tls_history(&domain("a.example")).await.unwrap(), None);
    let add = async |delta| storage.add_tls_outcomes(vec![delta], Vec::new()).await.unwrap();
    add(verified("a.example", 2, 100, false)).await;
    assert_eq!(streak(&*storage, "a.example").await, (2, 2, 100, 101));
    add(verified("a.example", 3, 200, false)).await;
    assert_eq!(streak(&*storage, "a.example").await, (5, 5, 100, 201));
    add(verified("a.example", 1, 300, true)).await;
    assert_eq!(streak(&*storage, "a.example").await, (6, 1, 300, 301));
    add(verified("a.example", 0, 400, true)).await;
    add(verified("a.example", 4, 500, false)).await;
    assert_eq!(streak(&*storage, "a.example").await, (10, 4, 500, 501));
    add(verified("b.example", 1, 1, false)).await;
    let listed = storage.tls_histories(None, 10).await.unwrap();
    assert_eq!(listed.iter().map(|one| one.domain.as_str()).collect::<Vec<_>>(), ["a.example", "b.example"]);
    let rest = storage.tls_histories(Some(&domain("a.example")), 1).await.unwrap();
    assert_eq!(rest[0].domain, domain("b.example"));
}

/// Counts add up by day, and old days go.
pub async fn tls_counts_add_up(harness: &dyn Harness) {
    let storage = harness.fresh().await;
    let (good, bad) = (key(7, "a.example", ""), key(7, "a.example", "certificate-expired"));
    for count in [1, 2] {
        let counts = vec![(good.clone(), count), (bad.clone(), 1), (key(8, "a.example", ""), 1)];
        storage.add_tls_outcomes(Vec::new(), counts).await.unwrap();
    }
    assert_eq!(storage.tls_counts(7).await.unwrap(), [(good, 3), (bad, 2)]);
    assert_eq!(storage.tls_counts(8).await.unwrap(), [(key(8, "a.example", ""), 2)]);
    storage.forget_tls_counts(8).await.unwrap();
    assert_eq!((storage.tls_counts(7).await.unwrap().len(), storage.tls_counts(8).await.unwrap().len()), (0, 1));
}

/// All of it outlives the process.
pub async fn what_is_known_of_transport_is_durable(harness: &dyn Harness) {
    let storage = harness.fresh().await;
    storage.put_sts_policy(policy("a.example", "1")).await.unwrap();
    storage
        .add_tls_outcomes(vec![verified("a.example", 2, 100, false)], vec![(key(7, "a.example", ""), 1)])
        .await
        .unwrap();
    let Some(storage) = harness.reopen(storage).await else { return };
    assert_eq!(storage.sts_policy(&domain("a.example")).await.unwrap(), Some(policy("a.example", "1")));
    assert_eq!(streak(&*storage, "a.example").await, (2, 2, 100, 101));
    assert_eq!(storage.tls_counts(7).await.unwrap(), [(key(7, "a.example", ""), 1)]);
}

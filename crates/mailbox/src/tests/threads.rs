//! One mailbox, many threads.

use posthouse_model::flag::FlagChange;

use super::model::Follower;
use super::*;

const TURNS: u32 = 300;

/// Appends, flags and removes, a little differently for each `seed`.
async fn write(house: &House, seed: u32) {
    let inbox = house.inbox().await;
    for turn in 0..TURNS {
        let which = turn.wrapping_mul(7 + seed * 2) % 200 + 1;
        match (turn + seed) % 5 {
            0 | 1 => drop(house.append("INBOX", format!("\r\n{seed} {turn}"), "").await),
            2 => drop(inbox.store_flags(&uids(&[which]), FlagChange::Add, &flags("\\Seen $a"), None).await.unwrap()),
            3 => drop(inbox.store_flags(&uids(&[which]), FlagChange::Remove, &flags("$a"), None).await.unwrap()),
            _ => drop(inbox.remove(&uids(&[which])).await.unwrap()),
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn followers_on_other_threads_lose_nothing() {
    let house = Arc::new(House::open().await);
    let writers: Vec<_> = (0..3)
        .map(|seed| {
            let house = Arc::clone(&house);
            tokio::spawn(async move { write(&house, seed).await })
        })
        .collect();
    let readers: Vec<_> = (0..3)
        .map(|_| {
            let house = Arc::clone(&house);
            tokio::spawn(async move {
                let mut follower = Follower::open(&house).await;
                for _ in 0..TURNS {
                    follower.sync().await;
                    tokio::task::yield_now().await;
                }
                follower
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let mut late = Follower::open(&house).await;
    late.sync().await;
    assert!(!late.view.is_empty());
    for reader in readers {
        let mut follower = reader.await.unwrap();
        follower.sync().await;
        assert_eq!(follower.view, late.view);
    }
    let cold = Mailboxes::new(house.store.clone()).open(&house.ann, &name("INBOX"), true).await.unwrap();
    assert_eq!(cold.snapshot(), late.mailbox.snapshot());
}

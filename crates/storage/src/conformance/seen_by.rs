//! What others than the owner have seen, and copies between owners.

use posthouse_model::flag::FlagChange::{self, Add, Remove, Replace};
use posthouse_model::{AccountId, FlagScope, MailboxId, ModSeq, Rights, UidSet};

use super::Harness;
use super::world::{World, flags, flags_text, listing, new_account, placement, set};
use crate::{CopiedUids, FlagsStored, FlagsWanted, Named, StorageError, Transfer};

fn scope(rights: &str) -> FlagScope {
    Rights::parse(rights).unwrap().flag_scope()
}

impl World {
    /// Changes flags in ann's INBOX as bob sees them.
    async fn store_by_bob(&self, uids: &str, change: FlagChange, flags_text: &str, rights: &str) -> FlagsStored {
        let wanted = FlagsWanted { uids: set(uids), change, flags: flags(flags_text), unchanged_since: None };
        self.storage.store_flags_by(self.ann, self.inbox, self.bob, wanted, scope(rights)).await.unwrap()
    }

    /// What a reader has seen of a mailbox, checked against the figures.
    async fn seen_by(&self, mailbox: MailboxId, by: AccountId) -> UidSet {
        let record = self.storage.seen_by(mailbox, by).await.unwrap();
        assert!(record.rows.is_sorted_by(|one, next| one.uid < next.uid));
        assert!(record.rows.iter().all(|row| row.modseq <= record.highest_modseq));
        let seen: UidSet = record.rows.iter().filter(|row| row.seen).map(|row| row.uid).collect();
        let figures = self.storage.seen_figures(mailbox, by).await.unwrap();
        assert_eq!((u64::from(figures.seen), figures.highest_modseq), (seen.len(), record.highest_modseq));
        seen
    }

    async fn transfer(
        &self,
        by: AccountId,
        from: (AccountId, MailboxId),
        uids: &str,
        to: (AccountId, MailboxId),
        rights: &str,
        moves: bool,
    ) -> Result<CopiedUids, StorageError> {
        let transfer = Transfer { by, from, uids: set(uids), to, scope: scope(rights), moves };
        self.storage.transfer(transfer).await
    }

    async fn listing_of(&self, account: AccountId, mailbox: MailboxId) -> String {
        listing(&self.storage.messages(account, mailbox).await.unwrap().1)
    }
}

fn told(stored: &FlagsStored) -> String {
    let one = |(uid, flags, _): &(_, _, ModSeq)| format!("{uid}({})", flags_text(flags));
    stored.changed.iter().map(one).collect::<Vec<_>>().join(" ")
}

/// \Seen is each reader's own; everything else is everybody's.
pub async fn each_reader_has_their_own_seen(harness: &dyn Harness) {
    let world = World::new(harness).await;
    world.deliver_with("a", "\\Seen").await;
    world.deliver_with("b", "\\Flagged").await;
    world.deliver("c").await;
    let carl = world.storage.create_account(new_account("carl@example.org")).await.unwrap().id;
    assert_eq!(
        told(&world.store_by_bob("1:9", Add, "\\Seen $x", "sw").await),
        "1(\\Seen $x) 2(\\Flagged \\Seen $x) 3(\\Seen $x)"
    );
    assert_eq!(world.listing(world.inbox).await, "1(\\Seen $x) 2(\\Flagged $x) 3($x)");
    assert_eq!(
        (world.seen_by(world.inbox, world.bob).await, world.seen_by(world.inbox, carl).await),
        (set("1:3"), set(""))
    );
    assert_eq!(told(&world.store_by_bob("2", Remove, "\\Seen", "s").await), "2(\\Flagged $x)");
    assert_eq!(told(&world.store_by_bob("1", Replace, "", "sw").await), "1()");
    assert_eq!(world.listing(world.inbox).await, "1(\\Seen) 2(\\Flagged $x) 3($x)");
    assert_eq!(world.seen_by(world.inbox, world.bob).await, set("3"));
    world.store("3", Add, "\\Seen").await;
    assert_eq!(world.mailbox(world.inbox).await.unseen, 1);
    assert_eq!(world.seen_by(world.inbox, world.bob).await, set("3"));
}

/// Flags beyond the scope stay as they are.
pub async fn flags_beyond_the_scope_stay(harness: &dyn Harness) {
    let world = World::new(harness).await;
    world.deliver_with("a", "\\Deleted \\Draft").await;
    assert_eq!(told(&world.store_by_bob("1", Replace, "\\Seen $x", "s").await), "1(\\Deleted \\Seen \\Draft)");
    assert_eq!(told(&world.store_by_bob("1", Replace, "$x", "w").await), "1(\\Deleted \\Seen $x)");
    assert_eq!(told(&world.store_by_bob("1", Remove, "\\Seen \\Deleted $x", "t").await), "1(\\Seen $x)");
    assert_eq!(told(&world.store_by_bob("1", Replace, "", "").await), "");
    assert_eq!(world.listing(world.inbox).await, "1($x)");
}

/// The modification sequences of a reader rise with what the reader sees, and do not move the mailbox for others.
pub async fn readers_have_modseqs_of_the_owner(harness: &dyn Harness) {
    let world = World::new(harness).await;
    world.deliver("a").await;
    world.deliver("b").await;
    let before = world.mailbox(world.inbox).await.highest_modseq;
    let first = world.store_by_bob("1", Add, "\\Seen", "s").await.changed[0].2;
    assert!(first > before);
    assert_eq!(world.mailbox(world.inbox).await.highest_modseq, before);
    assert_eq!(world.storage.changes(world.ann, world.inbox, before).await.unwrap().records, []);
    assert_eq!(told(&world.store_by_bob("1", Add, "\\Seen", "s").await), "");
    assert_eq!(world.storage.seen_figures(world.inbox, world.bob).await.unwrap().highest_modseq, first);
    let stored = world.store_by_bob("1", Add, "\\Flagged", "w").await;
    let shared = stored.changed[0].2;
    assert_eq!(stored.before, [first]);
    assert!(shared > first && world.mailbox(world.inbox).await.highest_modseq == shared);
    let try_since = async |since, expected: &str, modified: &str| {
        let wanted = FlagsWanted { uids: set("1:2"), change: Add, flags: flags("$y"), unchanged_since: Some(since) };
        let stored = world.storage.store_flags_by(world.ann, world.inbox, world.bob, wanted, scope("w")).await.unwrap();
        assert_eq!((told(&stored).as_str(), stored.modified), (expected, set(modified)));
    };
    let seen = world.store_by_bob("2", Add, "\\Seen", "s").await.changed[0].2;
    assert!(seen > shared);
    try_since(first, "", "1:2").await;
    try_since(shared, "1(\\Flagged \\Seen $y)", "2").await;
    try_since(seen, "2(\\Seen $y)", "1").await;
}

/// Messages that go take with them what was thought of them; mailboxes and accounts likewise.
pub async fn what_was_seen_goes_with_the_message(harness: &dyn Harness) {
    let world = World::new(harness).await;
    for text in ["a", "b", "c"] {
        world.deliver(text).await;
    }
    world.store_by_bob("1:3", Add, "\\Seen", "s").await;
    world.store_by_bob("3", Remove, "\\Seen", "s").await;
    world.storage.expunge(world.ann, world.inbox, &set("1,3"), false).await.unwrap();
    assert_eq!(world.seen_by(world.inbox, world.bob).await, set("2"));
    world.storage.move_messages(world.ann, world.inbox, &set("2"), world.archive).await.unwrap();
    assert_eq!(world.seen_by(world.inbox, world.bob).await, set(""));
    world.deliver("d").await;
    world.store_by_bob("4", Add, "\\Seen", "s").await;
    world.storage.delete_account(world.bob).await.unwrap();
    assert_eq!(world.seen_by(world.inbox, world.bob).await, set(""));
    world.storage.delete_mailbox(world.ann, world.inbox).await.unwrap();
    let wanted = FlagsWanted { uids: set("4"), change: Add, flags: flags("\\Seen"), unchanged_since: None };
    let gone = world.storage.store_flags_by(world.ann, world.inbox, world.bob, wanted, scope("s")).await;
    assert!(matches!(gone, Err(StorageError::NotFound(Named::Mailbox))), "{gone:?}");
}

/// Copies between owners carry the flags that the one who copies sees and may set; the body is stored once.
pub async fn messages_go_from_owner_to_owner(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let (anns, bobs) = ((world.ann, world.inbox), (world.bob, world.bobs_inbox));
    world.deliver_with("a", "\\Seen \\Flagged").await;
    world.deliver_with("b", "\\Deleted $x").await;
    world.store_by_bob("2", Add, "\\Seen", "s").await;
    let copied = world.transfer(world.bob, anns, "1:9", bobs, "swt", false).await.unwrap();
    assert_eq!(copied.pairs.len(), 2);
    assert_eq!(world.listing_of(world.bob, world.bobs_inbox).await, "1(\\Flagged) 2(\\Deleted \\Seen $x)");
    let record = world.storage.mailbox_by_id(world.bob, world.bobs_inbox).await.unwrap().unwrap();
    assert_eq!((record.messages, record.unseen), (2, 1));
    let (mine, theirs) = (world.messages(world.inbox).await, world.storage.messages(world.bob, world.bobs_inbox).await);
    assert_eq!(mine[0].body, theirs.unwrap().1[0].body);
    let back = world.transfer(world.bob, bobs, "2", (world.ann, world.archive), "sw", false).await.unwrap();
    assert_eq!(back.pairs.len(), 1);
    assert_eq!(world.listing(world.archive).await, "1($x)");
    assert_eq!(world.seen_by(world.archive, world.bob).await, set("1"));
    world.transfer(world.bob, bobs, "2", (world.ann, world.archive), "", false).await.unwrap();
    assert_eq!(world.listing(world.archive).await, "1($x) 2");
    assert_eq!(world.seen_by(world.archive, world.bob).await, set("1"));
}

/// A move leaves nothing behind, and a body lasts as long as any owner has it.
pub async fn messages_move_from_owner_to_owner(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let (anns, bobs) = ((world.ann, world.inbox), (world.bob, world.bobs_inbox));
    let body = world.deliver("a").await;
    world.deliver("b").await;
    world.store_by_bob("1", Add, "\\Seen", "s").await;
    let before = world.mailbox(world.inbox).await.highest_modseq;
    world.transfer(world.bob, anns, "1", bobs, "swt", true).await.unwrap();
    assert_eq!(world.listing(world.inbox).await, "2");
    assert_eq!(world.listing_of(world.bob, world.bobs_inbox).await, "1(\\Seen)");
    assert_eq!(world.seen_by(world.inbox, world.bob).await, set(""));
    assert_eq!(world.storage.changes(world.ann, world.inbox, before).await.unwrap().vanished, set("1"));
    let key = world.storage.messages(world.bob, world.bobs_inbox).await.unwrap().1[0].body;
    world.storage.delete_account(world.ann).await.unwrap();
    assert_eq!(world.text(key).await.unwrap(), "a");
    assert_eq!(body.mailbox, world.inbox);
}

/// From or to a mailbox that is not that owner's.
pub async fn transfers_to_nowhere_are_refused(harness: &dyn Harness) {
    let world = World::new(harness).await;
    world.deliver("a").await;
    let anns = (world.ann, world.inbox);
    for (from, to) in [
        (anns, (world.ann, world.bobs_inbox)),
        (anns, (world.bob, world.inbox)),
        ((world.bob, world.inbox), anns),
        (anns, (AccountId(999), MailboxId(999))),
    ] {
        for moves in [false, true] {
            let refused = world.transfer(world.bob, from, "1", to, "swt", moves).await;
            assert!(matches!(refused, Err(StorageError::NotFound(Named::Mailbox))), "{refused:?}");
        }
    }
    assert_eq!(world.listing(world.inbox).await, "1");
}

/// A message that is gone, put there again by nobody: what is kept outlives the process.
pub async fn what_was_seen_outlives_the_process(harness: &dyn Harness) {
    let mut world = World::new(harness).await;
    world.deliver("a").await;
    world.deliver("b").await;
    let placed = vec![placement(world.bob, world.bobs_inbox, "")];
    world.storage.deliver(super::world::delivery("c", placed)).await.unwrap();
    let modseq = world.store_by_bob("2", Add, "\\Seen", "s").await.changed[0].2;
    let Some(storage) = harness.reopen(world.storage.clone()).await else { return };
    world.storage = storage;
    assert_eq!(world.seen_by(world.inbox, world.bob).await, set("2"));
    let next = world.store_by_bob("1", Add, "\\Seen", "s").await.changed[0].2;
    assert!(next > modseq);
}

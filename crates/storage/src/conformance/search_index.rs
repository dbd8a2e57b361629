//! The index of words.

use posthouse_model::{AccountId, MailboxId};

use super::Harness;
use super::world::{World, delivery, name, placement, set, uid};
use crate::{BodyKey, IndexBatch, IndexDocument, Storage, StorageError, Term, TermMatch, TermRange};

const VERSION: u32 = 7;

/// Terms of a text: three letters each, as a number, of kind 1 in capitals and of kind 0 otherwise.
fn terms(text: &str) -> Vec<Term> {
    let mut terms: Vec<_> = text.split(' ').map(term).collect();
    terms.sort_unstable();
    terms.dedup();
    terms
}

fn term(word: &str) -> Term {
    let kind = u64::from(word.starts_with(char::is_uppercase));
    let letters = word.bytes().map(|letter| u64::from(letter.to_ascii_lowercase()));
    letters.fold(0, |term, letter| term << 8 | letter) << 3 | kind
}

fn exactly(word: &str) -> TermRange {
    let term = term(word);
    TermRange { first: term & !7, last: term | 7, kinds: 1 << (term & 7) }
}

/// Delivers texts into ann's INBOX, and has the index take them in.
async fn index(world: &World, texts: &[&str]) -> Vec<BodyKey> {
    for text in texts {
        world.deliver(text).await;
    }
    catch_up(&*world.storage, world.ann, 100).await;
    let messages = world.messages(world.inbox).await;
    messages.iter().rev().take(texts.len()).rev().map(|message| message.body).collect()
}

/// Indexes all that is not, `limit` messages at a time, and says how many there were that were not in the index.
async fn catch_up(storage: &dyn Storage, account: AccountId, limit: usize) -> usize {
    let mut added = 0;
    while let Some(next) = storage.next_unindexed(account, VERSION, limit).await.unwrap() {
        assert!(next.messages.len() <= limit);
        let mut documents = Vec::new();
        for message in next.messages.iter().filter(|message| !message.is_indexed) {
            let slice = crate::BodySlice { body: message.body, range: 0..u64::MAX };
            let read = storage.read(&[slice]).await.unwrap();
            let text = String::from_utf8(read[0].to_vec()).unwrap();
            documents.push(IndexDocument { body: message.body, terms: terms(&text), is_complete: text != "too much" });
        }
        added += documents.len();
        let batch = IndexBatch { mailbox: next.mailbox, through: next.through, documents };
        storage.add_to_index(account, VERSION, batch).await.unwrap();
    }
    added
}

/// For each body which of `queries` it meets, such as `ab - b ?`, with `-` for none and `?` for what is not known.
async fn matches(storage: &dyn Storage, account: AccountId, bodies: &[BodyKey], queries: &[&[TermRange]]) -> String {
    let queries: Vec<_> = queries.iter().map(|query| query.to_vec()).collect();
    let matched = storage.match_terms(account, VERSION, bodies.to_vec(), queries.clone()).await.unwrap();
    assert_eq!(matched.len(), bodies.len());
    let word = |matched: &TermMatch| match matched {
        TermMatch::Unindexed => "?".to_owned(),
        TermMatch::Incomplete => "!".to_owned(),
        TermMatch::Meets(0) => "-".to_owned(),
        TermMatch::Meets(met) => {
            let names = ('a'..).enumerate().take(queries.len());
            names.filter(|(at, _)| met >> at & 1 == 1).map(|(_, name)| name).collect()
        }
    };
    matched.iter().map(word).collect::<Vec<_>>().join(" ")
}

/// What the index lacks is told, mailbox by mailbox, and no more of it than asked for.
pub async fn what_is_not_indexed_is_told(harness: &dyn Harness) {
    if !harness.keeps_terms() {
        return;
    }
    let world = World::new(harness).await;
    let storage = &world.storage;
    assert_eq!(storage.accounts_to_index(VERSION, None, 10).await.unwrap(), []);
    assert_eq!(storage.next_unindexed(world.ann, VERSION, 10).await.unwrap(), None);
    for text in ["one", "two", "three"] {
        world.deliver(text).await;
    }
    storage.expunge(world.ann, world.inbox, &set("3"), false).await.unwrap();
    assert_eq!(storage.accounts_to_index(VERSION, None, 10).await.unwrap(), [world.ann]);
    assert_eq!(storage.accounts_to_index(VERSION, Some(world.ann), 10).await.unwrap(), []);
    assert_eq!(storage.index_state(None, VERSION).await.unwrap().waiting, 2);
    let first = storage.next_unindexed(world.ann, VERSION, 1).await.unwrap().expect("there is something");
    assert_eq!((first.mailbox, first.through, first.messages.len()), (world.inbox, uid(1), 1));
    assert!(!first.messages[0].is_indexed);
    assert_eq!(catch_up(&**storage, world.ann, 1).await, 2);
    assert_eq!(storage.accounts_to_index(VERSION, None, 10).await.unwrap(), []);
    let state = storage.index_state(Some(world.ann), VERSION).await.unwrap();
    assert_eq!((state.messages, state.waiting, state.documents), (2, 0, 2));
}

/// Ranges and kinds of terms choose; what is not complete is never judged.
pub async fn terms_are_matched(harness: &dyn Harness) {
    if !harness.keeps_terms() {
        return;
    }
    let world = World::new(harness).await;
    let bodies = index(&world, &["the cat sat", "the Cat ran", "dog", "too much"]).await;
    let (the, cat, named_cat, dog) = (exactly("the"), exactly("cat"), exactly("Cat"), exactly("dog"));
    let any_cat = TermRange { kinds: 3, ..cat };
    let with_c = TermRange { first: term("caa") & !7, last: term("czz") | 7, kinds: 1 };
    let queries: &[&[TermRange]] =
        &[&[the], &[the, cat], &[named_cat], &[any_cat, the], &[dog], &[with_c], &[], &[dog, cat]];
    assert_eq!(matches(&*world.storage, world.ann, &bodies, queries).await, "abdfg acdg eg !");
    // In any order, also twice, also what nobody knows.
    let asked = [bodies[2], BodyKey(u64::MAX >> 1), bodies[0], bodies[2]];
    assert_eq!(matches(&*world.storage, world.ann, &asked, &[&[cat], &[dog]]).await, "b ? a b");
    assert_eq!(matches(&*world.storage, world.ann, &[], queries).await, "");
}

/// Accounts that share a body do not share an index.
pub async fn an_index_is_its_accounts_own(harness: &dyn Harness) {
    if !harness.keeps_terms() {
        return;
    }
    let world = World::new(harness).await;
    let both = vec![placement(world.ann, world.inbox, ""), placement(world.bob, world.bobs_inbox, "")];
    let body = world.storage.deliver(delivery("cat", both)).await.unwrap().body;
    catch_up(&*world.storage, world.ann, 10).await;
    assert_eq!(matches(&*world.storage, world.ann, &[body], &[&[exactly("cat")]]).await, "a");
    assert_eq!(matches(&*world.storage, world.bob, &[body], &[&[exactly("cat")]]).await, "?");
    catch_up(&*world.storage, world.bob, 10).await;
    world.storage.reset_index(world.ann).await.unwrap();
    assert_eq!(matches(&*world.storage, world.ann, &[body], &[&[exactly("cat")]]).await, "?");
    assert_eq!(matches(&*world.storage, world.bob, &[body], &[&[exactly("cat")]]).await, "a");
    assert_eq!(catch_up(&*world.storage, world.ann, 10).await, 1);
    let batch = |mailbox: MailboxId| IndexBatch { mailbox, through: uid(1), documents: Vec::new() };
    let foreign = world.storage.add_to_index(world.ann, VERSION, batch(world.bobs_inbox)).await;
    assert!(matches!(foreign, Err(StorageError::NotFound(_))), "{foreign:?}");
}

/// A body is in the index whichever mailbox shows it.
pub async fn copies_and_moves_need_no_indexing(harness: &dyn Harness) {
    if !harness.keeps_terms() {
        return;
    }
    let world = World::new(harness).await;
    let bodies = index(&world, &["cat", "dog"]).await;
    world.storage.copy(world.ann, world.inbox, &set("1"), world.archive).await.unwrap();
    world.storage.move_messages(world.ann, world.inbox, &set("2"), world.archive).await.unwrap();
    let next = world.storage.next_unindexed(world.ann, VERSION, 10).await.unwrap().expect("two messages");
    assert_eq!(next.mailbox, world.archive);
    assert!(next.messages.iter().all(|message| message.is_indexed));
    assert_eq!(catch_up(&*world.storage, world.ann, 10).await, 0);
    assert_eq!(matches(&*world.storage, world.ann, &bodies, &[&[exactly("cat")]]).await, "a -");
}

/// Many small batches answer like one, before and after they are brought together.
pub async fn many_batches_become_one_index(harness: &dyn Harness) {
    if !harness.keeps_terms() {
        return;
    }
    let world = World::new(harness).await;
    let mut bodies = Vec::new();
    for number in 0..150 {
        let text = format!("cat n{number} {}", if number % 3 == 0 { "dog" } else { "cow" });
        bodies.extend(index(&world, &[&text]).await);
        while number % 10 == 0 && world.storage.compact_index(world.ann, VERSION, false).await.unwrap() {}
    }
    while world.storage.compact_index(world.ann, VERSION, false).await.unwrap() {}
    let state = world.storage.index_state(None, VERSION).await.unwrap();
    assert_eq!(state.documents, 150);
    assert!(state.segments < 25, "{} segments", state.segments);
    let queries: &[&[TermRange]] = &[&[exactly("dog")], &[exactly("n77"), exactly("cat")]];
    let found = matches(&*world.storage, world.ann, &bodies, queries).await;
    for (number, met) in found.split(' ').enumerate() {
        let expected = match (number % 3 == 0, number == 77) {
            (true, _) => "a",
            (_, true) => "b",
            _ => "-",
        };
        assert_eq!(met, expected, "message {number}");
    }
}

/// Bodies, mailboxes and accounts that are gone leave the index.
pub async fn what_is_gone_is_taken_out(harness: &dyn Harness) {
    if !harness.keeps_terms() {
        return;
    }
    let world = World::new(harness).await;
    let bodies = index(&world, &["cat", "dog", "cow", "hen"]).await;
    world.storage.expunge(world.ann, world.inbox, &set("1:3"), false).await.unwrap();
    assert_eq!(matches(&*world.storage, world.ann, &bodies[3..], &[&[exactly("hen")]]).await, "a");
    while world.storage.compact_index(world.ann, VERSION, true).await.unwrap() {}
    assert_eq!(world.storage.index_state(None, VERSION).await.unwrap().documents, 1);
    assert_eq!(matches(&*world.storage, world.ann, &bodies, &[&[exactly("hen")]]).await, "? ? ? a");
    // What went while it was being indexed is not taken in.
    let placed = world.deliver("cat").await;
    let next = world.storage.next_unindexed(world.ann, VERSION, 10).await.unwrap().expect("one message");
    world.storage.expunge(world.ann, world.inbox, &set(&placed.uid.to_string()), false).await.unwrap();
    let document = IndexDocument { body: next.messages[0].body, terms: terms("cat"), is_complete: true };
    let batch = IndexBatch { mailbox: next.mailbox, through: next.through, documents: vec![document] };
    world.storage.add_to_index(world.ann, VERSION, batch).await.unwrap();
    assert_eq!(world.storage.index_state(None, VERSION).await.unwrap().documents, 1);
    world.storage.delete_mailbox(world.ann, world.archive).await.unwrap();
    world.storage.delete_account(world.ann).await.unwrap();
    let state = world.storage.index_state(Some(world.ann), VERSION).await.unwrap();
    assert_eq!((state.documents, state.waiting), (0, 0));
}

/// An index whose terms mean something else is none.
pub async fn another_version_counts_as_none(harness: &dyn Harness) {
    if !harness.keeps_terms() {
        return;
    }
    let world = World::new(harness).await;
    let bodies = index(&world, &["cat"]).await;
    let later = VERSION + 1;
    let matched = world.storage.match_terms(world.ann, later, bodies, vec![vec![exactly("cat")]]).await.unwrap();
    assert_eq!(matched, [TermMatch::Unindexed]);
    assert_eq!(world.storage.accounts_to_index(later, None, 10).await.unwrap(), [world.ann]);
    assert!(world.storage.next_unindexed(world.ann, later, 10).await.unwrap().is_some());
    assert_eq!(world.storage.index_state(None, later).await.unwrap().waiting, 1);
}

/// The index is there when the store is opened again.
pub async fn the_index_outlives_the_process(harness: &dyn Harness) {
    if !harness.keeps_terms() {
        return;
    }
    let mut world = World::new(harness).await;
    let bodies = index(&world, &["cat", "dog"]).await;
    let Some(reopened) = harness.reopen(world.storage.clone()).await else { return };
    world.storage = reopened;
    assert_eq!(world.storage.mailbox(world.ann, &name("INBOX")).await.unwrap().expect("INBOX").messages, 2);
    assert_eq!(matches(&*world.storage, world.ann, &bodies, &[&[exactly("cat")]]).await, "a -");
    assert_eq!(world.storage.next_unindexed(world.ann, VERSION, 10).await.unwrap(), None);
}

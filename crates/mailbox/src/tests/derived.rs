//! Previews and conversations, stored at delivery or worked out later.

use posthouse_model::ThreadId;
use posthouse_model::search::Query;
use posthouse_storage::{Body, Delivery, Mail, ParsedMessage, Placement};

use super::samples::mixed;
use super::*;
use crate::{BatchBound, Content, ContentWanted, PreviewWanted, Rows, parse_message};

impl House {
    /// Puts a message into Ann's INBOX as a release did that kept neither.
    async fn append_as_before(&self, raw: &str) {
        let mailbox = self.store.mailbox(self.ann.account(), &MailboxName::inbox()).await.unwrap().unwrap().id;
        let placement = Placement { account: self.ann.account(), mailbox, flags: Flags::none(), internal_date: NOW };
        let parsed = ParsedMessage { preview: None, thread: None, ..parse_message(raw.as_bytes()).stored };
        let body = Body::from_bytes(raw.as_bytes().to_vec());
        let delivery = Delivery { body, parsed, placements: vec![placement], queue: None, trail: Vec::new() };
        self.store.deliver(delivery).await.unwrap();
    }
}

async fn contents(house: &House, preview: PreviewWanted) -> Vec<Content> {
    let mailbox = house.inbox().await;
    let bound = BatchBound { messages: 100, size_bytes: u64::MAX };
    let records = mailbox.next_rows(&mut Rows::new(UidSet::all(), None), bound);
    let wanted = ContentWanted { preview: Some(preview), thread: true, ..ContentWanted::default() };
    mailbox.content(&records, &wanted).await.unwrap()
}

async fn threads(house: &House) -> Vec<ThreadId> {
    contents(house, PreviewWanted::IfStored).await.into_iter().map(|content| content.thread.unwrap()).collect()
}

#[tokio::test]
async fn what_was_not_stored_is_worked_out() {
    let samples = [mixed(), "\r\n".to_owned() + &"long ".repeat(20_000), "no header at all".to_owned(), String::new()];
    let (new, old) = (House::open().await, House::open().await);
    for raw in samples {
        new.append("INBOX", raw.clone(), "").await;
        old.append_as_before(&raw).await;
    }
    let told =
        |contents: Vec<Content>| -> Vec<_> { contents.into_iter().map(|one| (one.preview, one.thread)).collect() };
    let stored = told(contents(&new, PreviewWanted::IfStored).await);
    assert_eq!(stored[0].0.as_deref(), Some("Café on the way home"));
    assert_eq!(stored[1].0.as_ref().unwrap().chars().count(), 199);
    assert_eq!(told(contents(&new, PreviewWanted::Always).await), stored);
    assert_eq!(told(contents(&old, PreviewWanted::Always).await), stored);
    assert!(contents(&old, PreviewWanted::IfStored).await.iter().all(|content| content.preview.is_none()));
}

#[tokio::test]
async fn a_conversation_is_found_whatever_came_first() {
    let house = House::open().await;
    let answer = "Message-ID: <b@x>\r\nIn-Reply-To: <a@x>\r\n\r\nYes";
    house.append("INBOX", "Message-ID: <c@x>\r\nReferences: <a@x> <b@x>\r\n\r\nNo", "").await;
    house.append_as_before(answer).await;
    house.append("INBOX", "Message-ID: <a@x>\r\n\r\nOats?", "").await;
    house.append("INBOX", "Message-ID: <d@x>\r\n\r\nHay?", "").await;
    house.append("INBOX", "Subject: one\r\n\r\n", "").await;
    house.append("INBOX", "Subject: two\r\n\r\n", "").await;
    let threads = threads(&house).await;
    assert!(threads[0] == threads[1] && threads[1] == threads[2]);
    assert!(threads[2] != threads[3] && threads[3] != threads[4] && threads[4] != threads[5]);
    let found = house.inbox().await.search(&Query::ThreadId(threads[0]), NOW).await.unwrap();
    assert_eq!(found, uids(&[1, 2, 3]));
}

//! THREAD=ORDEREDSUBJECT (RFC 5256 §3): messages with the same base subject, by date.

use std::collections::HashMap;

use posthouse_model::sort::ThreadNode;

use super::references::{Message, SubjectHash};

/// The first message of each thread is the parent of all others, and threads stand by the dates of their first
/// messages.
pub(super) fn threads(messages: Vec<Message>) -> Vec<ThreadNode> {
    let mut by_subject: HashMap<SubjectHash, Vec<Message>> = HashMap::new();
    for message in messages {
        by_subject.entry(message.subject).or_default().push(message);
    }
    let by_date = |message: &Message| (message.sent_seconds, message.uid);
    let mut threads: Vec<Vec<Message>> = by_subject.into_values().collect();
    threads.iter_mut().for_each(|thread| thread.sort_unstable_by_key(by_date));
    threads.sort_unstable_by_key(|thread| thread.first().map(by_date));
    let mut list = Vec::new();
    for thread in threads {
        let mut children = thread.len() as u32 - 1;
        for message in thread {
            list.push(ThreadNode { uid: Some(message.uid), children });
            children = 0;
        }
    }
    list
}

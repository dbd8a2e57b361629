//! The order of a sorted result, and conversations, of plain lists.

use super::reference::Message;

/// How a result is sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    SubjectDate,
    ReverseSubjectDate,
    Date,
    ReverseDate,
}

impl Order {
    pub(super) const ALL: [Self; 4] = [Self::SubjectDate, Self::ReverseSubjectDate, Self::Date, Self::ReverseDate];

    pub(super) fn say(self) -> &'static str {
        match self {
            Self::SubjectDate => "(SUBJECT DATE)",
            Self::ReverseSubjectDate => "(REVERSE SUBJECT DATE)",
            Self::Date => "(DATE)",
            Self::ReverseDate => "(REVERSE DATE)",
        }
    }

    /// RFC 5256 §3: what is equal stays in the order of the mailbox, also where a key is reversed.
    pub(super) fn sort(self, messages: &mut [&Message]) {
        let subject = |one: &&Message, other: &&Message| subject(one).cmp(subject(other));
        let date = |one: &&Message, other: &&Message| date(one).cmp(date(other));
        messages.sort_by(|one, other| {
            let keys = match self {
                Self::SubjectDate => subject(one, other).then(date(one, other)),
                Self::ReverseSubjectDate => subject(other, one).then(date(one, other)),
                Self::Date => date(one, other),
                Self::ReverseDate => date(other, one),
            };
            keys.then(one.uid.cmp(&other.uid))
        });
    }
}

/// The value of a field; messages here have each once.
fn field<'m>(message: &'m Message, name: &str) -> &'m str {
    let line = message.text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("");
    line.trim_start_matches(": ")
}

/// The base subject (RFC 5256 §2.1), as far as subjects differ here.
pub(super) fn subject(message: &Message) -> &str {
    field(message, "Subject").trim_start_matches("Re: ")
}

/// Dates differ in minutes of two digits only.
fn date(message: &Message) -> &str {
    field(message, "Date")
}

/// Message-ID.
pub(super) fn id(message: &Message) -> &str {
    field(message, "Message-ID")
}

/// The id of the message that it answers, if any.
pub(super) fn answered(message: &Message) -> Option<&str> {
    Some(field(message, "In-Reply-To")).filter(|id| !id.is_empty())
}

/// Conversations by subject: UIDs, the first of each the parent of all others.
pub(super) fn by_subject(mut found: Vec<&Message>) -> Vec<Vec<u32>> {
    Order::Date.sort(&mut found);
    let mut threads: Vec<(&str, Vec<u32>)> = Vec::new();
    for message in found {
        match threads.iter_mut().find(|(known, _)| *known == subject(message)) {
            Some((_, thread)) => thread.push(message.uid),
            None => threads.push((subject(message), vec![message.uid])),
        }
    }
    threads.into_iter().map(|(_, thread)| thread).collect()
}

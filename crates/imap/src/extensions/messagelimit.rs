//! MESSAGELIMIT (RFC 9738): where an administrator wants it, a command works on so many messages only.
//!
//! What can be done in part is done for the messages with the highest UIDs, and the end of the command names the lowest
//! of them, from which the client goes on: FETCH, STORE, SEARCH, MOVE and UID EXPUNGE. What has to be done as a whole is
//! refused: COPY, which names the lowest that it could begin with, APPEND, SORT, THREAD, pages, and searches of other
//! mailboxes. EXPUNGE and CLOSE name no messages and are not limited. SAVELIMIT is for servers that limit nothing but
//! COPY and APPEND, and would stand in place of MESSAGELIMIT (§3).
//!
//! A result that is kept up to date is then that of the messages from the lowest on, so that the client, which asks for
//! the rest with UIDBEFORE, hears of each message in one of its results only.

use std::num::NonZeroU32;

use posthouse_model::search::Query;
use posthouse_model::{Uid, UidSet};

use crate::extensions::partial::PartialRange;
use crate::grammar::{CommandError, Parsed};
use crate::response::token::number;
use crate::session::ImapSession;
use crate::session::completion::Completion;

impl ImapSession {
    /// Whether so many messages are too many.
    fn exceeds(&self, messages: u64) -> Option<u32> {
        self.config.limits.messages_per_command.map(NonZeroU32::get).filter(|&limit| messages > u64::from(limit))
    }

    /// Those of `uids` that the command may work on; the end of it will tell if they are not all.
    pub(crate) fn within_limit(&mut self, uids: UidSet) -> UidSet {
        let Some(limit) = self.exceeds(uids.len()) else {
            return uids;
        };
        let highest = PartialRange::last(limit).of_uids(&uids);
        self.lowest_processed = highest.first();
        highest
    }

    /// An error where a command that is done as a whole or not at all is about too many messages.
    pub(crate) fn check_message_limit(&self, messages: u64) -> Parsed<()> {
        self.exceeds(messages).map_or(Ok(()), |limit| Err(CommandError::TooManyMessages(limit, None)))
    }

    /// Likewise for COPY, which tells how far down from the highest UID it could have gone (RFC 9738 §3.1).
    pub(crate) fn check_copy_limit(&self, uids: &UidSet) -> Parsed<()> {
        self.exceeds(uids.len()).map_or(Ok(()), |limit| {
            let lowest = PartialRange::last(limit).of_uids(uids).first();
            Err(CommandError::TooManyMessages(limit, lowest))
        })
    }

    /// Likewise, as the end of a command.
    pub(crate) fn message_limit_refusal(&self, messages: u64) -> Option<Completion> {
        self.exceeds(messages).map(|limit| too_many_messages(limit, None))
    }

    /// What `query` looks at of the open mailbox, as far as sets of messages at its top say so.
    fn candidates(&self, query: &Query) -> UidSet {
        let Some(selected) = &self.selected else {
            return UidSet::new();
        };
        let known = selected.view.uids().difference(&selected.vanished);
        let keys = if let Query::And(keys) = query { keys } else { std::slice::from_ref(query) };
        let sets = keys.iter().filter_map(|key| if let Query::Uids(uids) = key { Some(uids) } else { None });
        sets.fold(known, |rest, uids| rest.intersection(uids))
    }

    /// The same search, of as many messages as it may look at.
    pub(crate) fn search_within_limit(&mut self, query: Query) -> Query {
        if self.config.limits.messages_per_command.is_none() {
            return query;
        }
        let highest = self.candidates(&query);
        let highest = self.within_limit(highest);
        if self.lowest_processed.is_none() { query } else { Query::And(vec![Query::Uids(highest), query]) }
    }

    /// What is kept up to date of a search, after [`Self::search_within_limit`] was asked.
    pub(crate) fn context_within_limit(&self, query: Query) -> Query {
        let Some(lowest) = self.lowest_processed else {
            return query;
        };
        let mut from_there_on = UidSet::new();
        from_there_on.insert_range(lowest, Uid::MAX);
        Query::And(vec![Query::Uids(from_there_on), query])
    }

    /// An error where a search that is done as a whole or not at all looks at too many messages.
    pub(crate) fn check_search_limit(&self, query: &Query) -> Parsed<()> {
        if self.config.limits.messages_per_command.is_none() {
            return Ok(());
        }
        self.check_message_limit(self.candidates(query).len())
    }

    /// `message-limit-code = "MESSAGELIMIT" SP nz-number [SP uniqueid]`, where the command was done in part. EXPUNGEISSUED,
    /// MODIFIED and whatever else is more important stay at the end; the limit is a warning before it then, which is what
    /// a NO without a tag is (RFC 9051 §7.1.2).
    pub(crate) fn with_message_limit(&mut self, completion: Completion) -> Completion {
        let (Some(lowest), Some(limit)) = (self.lowest_processed.take(), self.config.limits.messages_per_command)
        else {
            return completion;
        };
        let code = limit_code(limit.get(), Some(lowest));
        if completion.is_ok() && !completion.has_code() {
            return completion.with_code(code);
        }
        self.out.extend_from_slice(b"* NO [");
        self.out.extend_from_slice(&code);
        self.out.extend_from_slice(b"] That was a part of the messages\r\n");
        completion
    }
}

/// RFC 9738 §3.1: a command that cannot be done in part.
pub(crate) fn too_many_messages(limit: u32, lowest: Option<Uid>) -> Completion {
    Completion::no("Those are too many messages at once").with_code(limit_code(limit, lowest))
}

/// The response code; with the lowest UID that was worked on, or would have been, if any.
fn limit_code(limit: u32, lowest: Option<Uid>) -> Vec<u8> {
    let mut code = b"MESSAGELIMIT ".to_vec();
    number(&mut code, u64::from(limit));
    if let Some(lowest) = lowest {
        code.push(b' ');
        number(&mut code, u64::from(lowest.value()));
    }
    code
}

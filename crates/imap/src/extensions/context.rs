//! CONTEXT=SEARCH and CONTEXT=SORT (RFC 5267 §4): results that are kept up to date.
//!
//! A context is a result that the client knows. What leaves the mailbox is taken out of it before the client is told
//! that it went; what comes or changes is looked at again afterwards, and only that. The sort keys of a message never
//! change, so that a sorted result changes by taking out and putting in as well.

use posthouse_model::search::Query;
use posthouse_model::sort::SortCriterion;
use posthouse_model::{Uid, UidSet};

use crate::answer::{Answer, Changes};
use crate::extensions::sort::in_order;
use crate::grammar::{CommandError, Parsed};
use crate::question::{Question, SearchNeed};
use crate::response::context::{Change, context_update, no_update};
use crate::session::completion::{Completion, Update};
use crate::session::pending::Pending;
use crate::session::selected::SelectedMailbox;
use crate::session::verbs::Invocation;
use crate::session::{ImapSession, Tag};
use crate::view::SequenceView;

/// Most contexts of a session (RFC 5267 §4.3.1).
pub(crate) const MAX_CONTEXTS: usize = 16;
/// Messages of a sorted result that is kept up to date. Each that comes in costs a look at all of them.
pub(crate) const MAX_SORTED_CONTEXT_MESSAGES: usize = 10_000;
/// Most tags in one CANCELUPDATE.
const MAX_CANCELLED: usize = 64;

/// A result that the client is told the changes of.
#[derive(Debug)]
pub(crate) struct Context {
    /// Of the command that asked for it.
    pub(crate) tag: Tag,
    pub(crate) by_uid: bool,
    pub(crate) query: Query,
    pub(crate) found: Found,
}

/// A result, as the client knows it.
#[derive(Debug)]
pub(crate) enum Found {
    /// In the order of the mailbox.
    Plain(UidSet),
    Sorted {
        criteria: Vec<SortCriterion>,
        uids: Vec<Uid>,
    },
}

/// Contexts being brought up to date.
#[derive(Debug)]
pub(crate) struct Settling {
    /// What came or changed.
    uids: UidSet,
    /// The context that is looked at, by its place among all.
    context: usize,
    /// Of a sorted one: what is new in it, while its order is asked for.
    added: UidSet,
    then: Then,
}

/// What follows when all contexts are up to date.
#[derive(Debug)]
pub(crate) enum Then {
    /// The end of a command.
    Complete(Tag, Completion),
    /// The client goes on idling.
    Idle,
    /// The client has not said anything, and is told more if there is more (NOTIFY).
    News,
}

/// `command-select =/ "CANCELUPDATE" 1*(SP quoted)`
pub(crate) fn run_cancelupdate(session: &mut ImapSession, command: &mut Invocation<'_, '_>) -> Parsed<()> {
    let arguments = &mut *command.arguments;
    let mut tags = Vec::new();
    loop {
        arguments.space()?;
        if tags.len() == MAX_CANCELLED {
            return Err(CommandError::TooMany("tags"));
        }
        tags.push(arguments.string()?);
        if arguments.at_end() {
            break;
        }
    }
    if let Some(selected) = &mut session.selected {
        selected.contexts.retain(|context| !tags.iter().any(|tag| **tag == *context.tag.as_str().as_bytes()));
    }
    session.finish(command.tag, Completion::ok("No further updates"), Update::All);
    Ok(())
}

impl ImapSession {
    /// RFC 5267 §4.3: a tag names one context only.
    pub(crate) fn check_context_tag(&self, tag: &Tag) -> Parsed<()> {
        let known = self.selected.as_ref().is_some_and(|selected| selected.contexts.iter().any(|one| one.tag == *tag));
        if known { Err(CommandError::Unknown("That tag has updates already")) } else { Ok(()) }
    }

    /// Keeps a result up to date from now on, or says that it is not (RFC 5267 §4.3.1).
    pub(crate) fn begin_context(&mut self, context: Context) {
        let Some(selected) = &mut self.selected else {
            return;
        };
        let too_long = matches!(&context.found, Found::Sorted { uids, .. } if uids.len() > MAX_SORTED_CONTEXT_MESSAGES);
        if too_long || selected.contexts.len() >= MAX_CONTEXTS {
            no_update(&mut self.out, context.tag.as_str());
        } else {
            selected.contexts.push(context);
        }
    }

    /// Looks again at what came or changed, if any context may have to do with it, and then does what follows.
    pub(crate) fn settle_contexts(&mut self, then: Then) {
        let uids = match &mut self.selected {
            Some(selected) => std::mem::take(&mut selected.unsettled),
            None => UidSet::new(),
        };
        self.settle_next(Settling { uids, context: 0, added: UidSet::new(), then });
    }

    fn settle_next(&mut self, settling: Settling) {
        let context = self.selected.as_ref().and_then(|selected| selected.contexts.get(settling.context));
        match context {
            Some(context) if !settling.uids.is_empty() => {
                let query = Query::And(vec![Query::Uids(settling.uids.clone()), context.query.clone()]);
                let question = Question::Search { query, need: SearchNeed::All, modseq: false };
                self.ask(question, Pending::Context(Box::new(settling)));
            }
            _ => match settling.then {
                Then::Complete(tag, completion) => self.complete(&tag, completion),
                Then::Idle => self.idle_settled(),
                Then::News => {}
            },
        }
    }

    pub(crate) fn context_answered(&mut self, mut settling: Settling, answer: Answer) {
        let Some(selected) = &mut self.selected else {
            return self.settle_next(settling);
        };
        let Some(context) = selected.contexts.get_mut(settling.context) else {
            return self.settle_next(settling);
        };
        match answer {
            Answer::Found { uids, .. } => {
                let meets = selected.view.known(&uids.intersection(&settling.uids)).difference(&selected.vanished);
                let leaves = settling.uids.difference(&meets);
                let changes = context.found.take_out(&leaves, |uid| number_of(&selected.view, context.by_uid, uid));
                let added = context.found.missing(&meets);
                if let (Found::Sorted { criteria, uids }, false) = (&context.found, added.is_empty()) {
                    context_update(&mut self.out, context.tag.as_str(), context.by_uid, &changes);
                    let mut all = added.clone();
                    uids.iter().for_each(|&uid| all.insert(uid));
                    let criteria = criteria.clone();
                    settling.added = added;
                    let question =
                        Question::Sort { query: Query::Uids(all), criteria, need: SearchNeed::All, modseq: false };
                    return self.ask(question, Pending::Context(Box::new(settling)));
                }
                let mut changes = changes;
                changes.extend(context.found.put_in(&added, |uid| number_of(&selected.view, context.by_uid, uid)));
                context_update(&mut self.out, context.tag.as_str(), context.by_uid, &changes);
                settling.context += 1;
            }
            Answer::Sorted { uids, .. } if uids.len() <= MAX_SORTED_CONTEXT_MESSAGES => {
                let added = std::mem::take(&mut settling.added);
                let number = |uid| number_of(&selected.view, context.by_uid, uid);
                let changes = context.found.reorder(uids, &added, number);
                context_update(&mut self.out, context.tag.as_str(), context.by_uid, &changes);
                settling.context += 1;
            }
            // A result that cannot be kept up to date is better given up than wrong.
            _ => {
                let context = selected.contexts.remove(settling.context);
                no_update(&mut self.out, context.tag.as_str());
                settling.added = UidSet::new();
            }
        }
        self.settle_next(settling);
    }
}

/// RFC 5267 §4.3.4: what goes is taken out of the results while it still has its number.
pub(crate) fn take_out_vanished(out: &mut Vec<u8>, selected: &mut SelectedMailbox, gone: &UidSet) {
    let SelectedMailbox { contexts, view, .. } = selected;
    for context in contexts {
        let changes = context.found.take_out(gone, |uid| number_of(view, context.by_uid, uid));
        context_update(out, context.tag.as_str(), context.by_uid, &changes);
    }
}

/// Remembers what came or changed for [`ImapSession::settle_contexts`].
pub(crate) fn look_at_later(selected: &mut SelectedMailbox, changes: &Changes) {
    if selected.contexts.is_empty() {
        return;
    }
    let mut uids: Vec<Uid> = changes.changed.iter().map(|row| row.uid).collect();
    uids.extend(changes.added.iter());
    uids.sort_unstable();
    let known = selected.view.known(&uids.into_iter().collect()).difference(&selected.vanished);
    known.iter().for_each(|uid| selected.unsettled.insert(uid));
}

fn number_of(view: &SequenceView, by_uid: bool, uid: Uid) -> Option<u32> {
    if by_uid { Some(uid.value()) } else { view.sequence_of(uid) }
}

impl Found {
    /// Takes out what is in `gone`, and tells where it was.
    fn take_out(&mut self, gone: &UidSet, number: impl Fn(Uid) -> Option<u32>) -> Vec<Change> {
        match self {
            Self::Plain(uids) => {
                let leaves = uids.intersection(gone);
                if leaves.is_empty() {
                    return Vec::new();
                }
                *uids = uids.difference(gone);
                vec![Change::Remove(0, in_order(leaves.iter().filter_map(number)))]
            }
            Self::Sorted { uids, .. } => {
                let mut changes = runs(uids, |uid| gone.contains(uid), &number);
                // From the end, so that the places before stay what they are.
                changes.reverse();
                uids.retain(|&uid| !gone.contains(uid));
                changes.into_iter().map(|(place, numbers)| Change::Remove(place, numbers)).collect()
            }
        }
    }

    /// Which of `uids` are not in the result.
    fn missing(&self, uids: &UidSet) -> UidSet {
        match self {
            Self::Plain(known) => uids.difference(known),
            Self::Sorted { uids: known, .. } => {
                let mut rising = known.clone();
                rising.sort_unstable();
                uids.difference(&rising.into_iter().collect())
            }
        }
    }

    /// Puts in what is new in a result in the order of the mailbox.
    fn put_in(&mut self, added: &UidSet, number: impl Fn(Uid) -> Option<u32>) -> Vec<Change> {
        match self {
            Self::Plain(uids) if !added.is_empty() => {
                added.iter().for_each(|uid| uids.insert(uid));
                vec![Change::Add(0, in_order(added.iter().filter_map(number)))]
            }
            _ => Vec::new(),
        }
    }

    /// Takes over an order in which `added` are new. What it lacks has gone, which is told now.
    fn reorder(&mut self, order: Vec<Uid>, added: &UidSet, number: impl Fn(Uid) -> Option<u32>) -> Vec<Change> {
        let mut rising = order.clone();
        rising.sort_unstable();
        let there: UidSet = rising.into_iter().collect();
        let mut changes = self.take_out(&UidSet::all().difference(&there), &number);
        let new = runs(&order, |uid| added.contains(uid), &number);
        changes.extend(new.into_iter().map(|(place, numbers)| Change::Add(place, numbers)));
        if let Self::Sorted { uids, .. } = self {
            *uids = order;
        }
        changes
    }
}

/// Neighbours in a result that are `chosen`: their place, counted from 1, and their numbers.
fn runs(
    uids: &[Uid],
    chosen: impl Fn(Uid) -> bool,
    number: impl Fn(Uid) -> Option<u32>,
) -> Vec<(u32, Vec<(u32, u32)>)> {
    let mut runs = Vec::new();
    let mut place = 1;
    for run in uids.chunk_by(|&one, &next| chosen(one) == chosen(next)) {
        if chosen(run[0]) {
            runs.push((place, in_order(run.iter().filter_map(|&uid| number(uid)))));
        }
        place += u32::try_from(run.len()).unwrap_or(u32::MAX);
    }
    runs
}

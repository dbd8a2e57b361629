//! MULTISEARCH (RFC 7377): ESEARCH looks into several mailboxes, one after the other.
//!
//! What the client looks for is read anew for each mailbox, because sets of messages mean others in each.

use std::collections::VecDeque;

use posthouse_model::search::Query;
use posthouse_model::{MailboxName, ModSeq, UidSet, UidValidity};

use crate::answer::{Answer, MailboxRow};
use crate::extensions::context::{Context, Found};
use crate::extensions::esearch::{ReturnOptions, return_options};
use crate::extensions::filters::Filters;
use crate::grammar::cursor::Cursor;
use crate::grammar::mailbox_source::{MailboxSource, mailbox_sources};
use crate::grammar::search::SearchParser;
use crate::grammar::{CommandError, Parsed};
use crate::question::Question;
use crate::refusal::Refusal;
use crate::response::search::{Correlator, esearch_in};
use crate::session::completion::{Completion, Update};
use crate::session::pending::Pending;
use crate::session::verbs::Invocation;
use crate::session::{ImapSession, Tag};
use crate::view::SequenceView;

/// Most mailboxes that one command looks into (RFC 7377 §2.4).
const MAX_SEARCHED_MAILBOXES: usize = 1_000;

/// An ESEARCH under way.
#[derive(Debug)]
pub(crate) struct MultiSearching {
    tag: Tag,
    options: ReturnOptions,
    sources: Vec<MailboxSource>,
    /// `search-program`, as it came.
    program: Vec<u8>,
    filters: Box<Filters>,
    /// Mailboxes still to look into.
    waiting: VecDeque<MailboxName>,
    /// How many there are to look into; zero while that is not known.
    mailboxes: usize,
    stage: Stage,
}

impl MultiSearching {
    pub(crate) fn tag(&self) -> &Tag {
        &self.tag
    }

    /// How many mailboxes have been looked into, and how many there are, if it is about several.
    pub(crate) fn mailboxes_done(&self) -> Option<(u64, u64)> {
        // One of those that do not wait any more is being looked into.
        let done = self.mailboxes.saturating_sub(self.waiting.len() + 1);
        self.has_others().then_some((done as u64, self.mailboxes as u64))
    }

    /// Whether it looks into more than the mailbox that is open.
    fn has_others(&self) -> bool {
        self.sources.iter().any(|source| *source != MailboxSource::Selected)
    }
}

/// What the open question is about.
#[derive(Debug)]
enum Stage {
    /// Which mailboxes there are.
    Listing,
    /// What is in the mailbox that is open in this session; what is looked for.
    InSelected(Box<Query>),
    /// Which messages a mailbox has.
    Opening(MailboxName),
    /// What is in it.
    In(MailboxName, UidValidity),
}

/// ```text
/// esearch             = "ESEARCH" [SP esearch-source-opts] [SP search-return-opts] SP search-program
/// esearch-source-opts = "IN" SP "(" source-mbox [SP "(" scope-options ")"] ")"
/// ```
///
/// No scope options are defined.
pub(crate) fn run(session: &mut ImapSession, command: &mut Invocation<'_, '_>) -> Parsed<()> {
    let names = session.names();
    let arguments = &mut *command.arguments;
    arguments.space()?;
    let mut sources = vec![MailboxSource::Selected];
    let mut ahead = *arguments;
    if ahead.take_word("IN") && ahead.take(b' ') {
        *arguments = ahead;
        arguments.open()?;
        sources = mailbox_sources(arguments, names)?;
        arguments.close()?;
        arguments.space()?;
    }
    let options = return_options(arguments)?.unwrap_or_else(ReturnOptions::all);
    let wants_selected = sources.contains(&MailboxSource::Selected);
    if wants_selected && session.selected.is_none() {
        return Err(CommandError::Unknown("Select a mailbox first"));
    }
    // RFC 7377 §2.2: there is one saved result, and it is of the mailbox that is open; updates are of it as well.
    if options.save && sources.iter().any(|source| *source != MailboxSource::Selected) {
        return Err(CommandError::Unknown("SAVE goes with the selected mailbox only"));
    }
    if options.update && !wants_selected {
        return Err(CommandError::Unknown("UPDATE goes with the selected mailbox"));
    }
    if options.update {
        session.check_context_tag(command.tag)?;
    }
    let program = arguments.rest().to_vec();
    // What is wrong with it is wrong in each mailbox.
    let filters = session.filters.take().unwrap_or_default();
    let read = session.read_program(&program, &filters, None);
    session.filters = Some(filters.clone());
    if read == Err(CommandError::BadCharset) {
        session.forget_saved(Some(options));
    }
    let (query, modseq) = read?;
    let tag = command.tag.clone();
    let (waiting, mailboxes, stage) = (VecDeque::new(), 0, Stage::Listing);
    let mut searching = MultiSearching { tag, options, sources, program, filters, waiting, mailboxes, stage };
    if wants_selected {
        session.check_search_limit(&query)?;
        session.use_condstore(modseq);
        searching.stage = Stage::InSelected(Box::new(query.clone()));
        let need = options.need();
        let query = session.as_known(query, need, modseq);
        let question = Question::Search { query, need, modseq };
        session.ask(question, Pending::MultiSearch(Box::new(searching)));
    } else {
        session.ask(Question::List, Pending::MultiSearch(Box::new(searching)));
    }
    Ok(())
}

impl ImapSession {
    /// Reads what is looked for in the mailbox that is open, or in another one with these messages; and whether that
    /// has to do with modification sequences.
    fn read_program(&self, program: &[u8], filters: &Filters, uids: Option<&UidSet>) -> Parsed<(Query, bool)> {
        let (empty, nothing) = (SequenceView::default(), UidSet::new());
        let other = uids.map(SequenceView::new);
        let (view, saved) = match (&other, &self.selected) {
            (Some(view), _) => (view, &nothing),
            (None, Some(selected)) => (&selected.view, &selected.saved),
            (None, None) => (&empty, &nothing),
        };
        let mut parser = SearchParser::new(view, saved, filters, self.enabled);
        let query = parser.program(&mut Cursor::new(program))?;
        Ok((query, parser.uses_modseq))
    }

    pub(crate) fn multisearch_answered(&mut self, mut searching: Box<MultiSearching>, answer: Answer) {
        match (std::mem::replace(&mut searching.stage, Stage::Listing), answer) {
            (Stage::InSelected(query), Answer::Found { uids, highest_modseq }) => {
                self.tell_found_in_selected(&searching, *query, &uids, highest_modseq);
                if searching.has_others() {
                    self.ask(Question::List, Pending::MultiSearch(searching));
                } else {
                    self.multisearch_done(&searching, Completion::ok("Searched"));
                }
            }
            (Stage::Listing, Answer::Mailboxes(rows)) => {
                searching.waiting = self.meant(&searching.sources, &rows);
                searching.mailboxes = searching.waiting.len();
                if searching.waiting.len() > MAX_SEARCHED_MAILBOXES {
                    return self.multisearch_done(&searching, Completion::refused(Refusal::Limit));
                }
                self.search_next(searching);
            }
            (Stage::Opening(name), Answer::SearchOpened { uid_validity, uids }) => {
                if let Some(refusal) = self.message_limit_refusal(uids.len()) {
                    return self.multisearch_done(&searching, refusal);
                }
                match self.read_program(&searching.program, &searching.filters, Some(&uids)) {
                    Ok((query, modseq)) => {
                        searching.stage = Stage::In(name, uid_validity);
                        let question = Question::SearchOpened { query, need: searching.options.need(), modseq };
                        self.ask(question, Pending::MultiSearch(searching));
                    }
                    Err(error) => self.fail(&searching.tag, error),
                }
            }
            // RFC 7377 §2.2: what is not there, or not for this account, is passed over.
            (Stage::Opening(_) | Stage::In(..), Answer::Refused(Refusal::NonExistent | Refusal::NoPermission)) => {
                self.search_next(searching);
            }
            (Stage::In(mailbox, uid_validity), Answer::Found { uids, highest_modseq }) => {
                self.tell_found_in(&searching, &mailbox, uid_validity, &uids, highest_modseq);
                self.flush();
                self.search_next(searching);
            }
            (_, other) => {
                self.forget_saved(Some(searching.options));
                self.not_done(&searching.tag, Update::All, other);
            }
        }
    }

    /// The mailboxes that are meant, each once; the one that is open is not among them if it has been looked into.
    fn meant(&self, sources: &[MailboxSource], rows: &[MailboxRow]) -> VecDeque<MailboxName> {
        let done = self.selected.as_ref().filter(|_| sources.contains(&MailboxSource::Selected));
        let meant = rows.iter().filter(|row| row.selectable && sources.iter().any(|source| source.includes(row)));
        meant.filter(|row| done.is_none_or(|done| done.name != row.name)).map(|row| row.name.clone()).collect()
    }

    fn search_next(&mut self, mut searching: Box<MultiSearching>) {
        let Some(mailbox) = searching.waiting.pop_front() else {
            return self.multisearch_done(&searching, Completion::ok("Searched"));
        };
        searching.stage = Stage::Opening(mailbox.clone());
        self.ask(Question::SearchOpen { mailbox }, Pending::MultiSearch(searching));
    }

    fn multisearch_done(&mut self, searching: &MultiSearching, completion: Completion) {
        self.finish(&searching.tag, completion, Update::All);
    }

    fn tell_found_in_selected(
        &mut self,
        searching: &MultiSearching,
        query: Query,
        uids: &UidSet,
        modseq: Option<ModSeq>,
    ) {
        let Some(selected) = &mut self.selected else {
            return;
        };
        let known = selected.view.known(uids).difference(&selected.vanished);
        let (name, uid_validity) = (selected.name.clone(), selected.uid_validity);
        if searching.options.save {
            let found: Vec<_> = known.ranges().map(|range| (*range.start(), *range.end())).collect();
            selected.saved = searching.options.saved(&found);
        }
        self.tell_found_in(searching, &name, uid_validity, &known, modseq);
        if searching.options.update {
            let tag = searching.tag.clone();
            self.begin_context(Context { tag, by_uid: true, query, found: Found::Plain(known) });
        }
    }

    /// RFC 7377 §2.1: a mailbox in which nothing was found is not mentioned.
    fn tell_found_in(
        &mut self,
        searching: &MultiSearching,
        mailbox: &MailboxName,
        uid_validity: UidValidity,
        uids: &UidSet,
        modseq: Option<ModSeq>,
    ) {
        if uids.is_empty() || searching.options.is_silent() {
            return;
        }
        let found: Vec<_> = uids.ranges().map(|range| (*range.start(), *range.end())).collect();
        let names = self.names();
        let correlator = Correlator { tag: searching.tag.as_str(), mailbox: Some((mailbox, names, uid_validity)) };
        esearch_in(&mut self.out, &correlator, true, searching.options.wanted, &found, modseq);
    }
}

//! SEARCH (RFC 9051 §6.4.4), with ESEARCH (RFC 4731) and SEARCHRES (RFC 5182).

use posthouse_model::search::Query;
use posthouse_model::{ModSeq, UidSet};

use super::completion::{Completion, Update};
use super::pending::Pending;
use super::verbs::Invocation;
use super::{ImapSession, Tag};
use crate::answer::Answer;
use crate::extensions::context::{Context, Found};
use crate::extensions::esearch::{ReturnOptions, return_options};
use crate::grammar::search::SearchParser;
use crate::grammar::{CommandError, Parsed};
use crate::question::{Question, SearchNeed};
use crate::response::search::{esearch, search};

/// A SEARCH that waits for its result.
#[derive(Debug)]
pub(crate) struct Searching {
    tag: Tag,
    by_uid: bool,
    /// `RETURN (…)`, or what stands for it in IMAP4rev2.
    options: Option<ReturnOptions>,
    /// What was looked for, if the result is to be kept up to date.
    query: Option<Query>,
}

impl Searching {
    pub(crate) fn tag(&self) -> &Tag {
        &self.tag
    }
}

/// `search = "SEARCH" [search-return-opts] SP search-program`
pub(crate) fn run(session: &mut ImapSession, command: &mut Invocation<'_, '_>) -> Parsed<()> {
    let arguments = &mut *command.arguments;
    arguments.space()?;
    let mut options = return_options(arguments)?;
    let update = options.is_some_and(|options| options.update);
    if update {
        session.check_context_tag(command.tag)?;
    }
    let (query, modseq) = session.read_query(options, |parser| parser.program(arguments))?;
    if options.is_none() && session.enabled.imap4rev2 {
        // RFC 9051 §6.4.4: once IMAP4rev2 is enabled there is no SEARCH response any more.
        options = Some(ReturnOptions::all());
    }
    let need = options.map_or(SearchNeed::All, ReturnOptions::need);
    let context = update.then(|| query.clone());
    let query = session.search_within_limit(query);
    let query = session.as_known(query, need, modseq);
    session.use_condstore(modseq);
    let searching = Searching { tag: command.tag.clone(), by_uid: command.by_uid, options, query: context };
    session.ask(Question::Search { query, need, modseq }, Pending::Search(Box::new(searching)));
    Ok(())
}

impl ImapSession {
    /// Reads what is looked for in the open mailbox, and whether that has to do with modification sequences.
    pub(crate) fn read_query(
        &mut self,
        options: Option<ReturnOptions>,
        read: impl FnOnce(&mut SearchParser<'_>) -> Parsed<Query>,
    ) -> Parsed<(Query, bool)> {
        let selected = self.selected.as_ref().ok_or(CommandError::Unknown("Select a mailbox first"))?;
        let filters = self.filters.get_or_insert_default();
        let mut parser = SearchParser::new(&selected.view, &selected.saved, filters, self.enabled);
        let read = read(&mut parser).map(|query| (query, parser.uses_modseq));
        if read == Err(CommandError::BadCharset) {
            self.forget_saved(options);
        }
        read
    }

    /// What is asked of the house for a query, see [`SelectedMailbox::as_known`].
    ///
    /// [`SelectedMailbox::as_known`]: super::selected::SelectedMailbox::as_known
    pub(crate) fn as_known(&self, query: Query, need: SearchNeed, modseq: bool) -> Query {
        match &self.selected {
            Some(selected) => selected.as_known(query, need, modseq),
            None => query,
        }
    }

    pub(crate) fn search_answered(&mut self, searching: Searching, answer: Answer) {
        let Searching { tag, by_uid, options, query } = searching;
        match answer {
            Answer::Found { uids, highest_modseq } => {
                let known = self.tell_found(&tag, by_uid, options, &uids, highest_modseq);
                if let Some(query) = query {
                    self.begin_context(Context { tag: tag.clone(), by_uid, query, found: Found::Plain(known) });
                }
                self.finish(&tag, Completion::ok("Searched"), Update::of(by_uid));
            }
            other => {
                self.forget_saved(options);
                self.not_done(&tag, Update::of(by_uid), other);
            }
        }
    }

    fn tell_found(
        &mut self,
        tag: &Tag,
        by_uid: bool,
        options: Option<ReturnOptions>,
        uids: &UidSet,
        modseq: Option<ModSeq>,
    ) -> UidSet {
        let Some(selected) = &mut self.selected else {
            return UidSet::new();
        };
        // Messages that the client has no number for yet, or that are gone, are not for it.
        let known = selected.view.known(uids).difference(&selected.vanished);
        let found = if by_uid { ranges_of(&known) } else { selected.view.sequences_of(&known) };
        match options {
            None => search(&mut self.out, &found, modseq),
            Some(options) if options.is_silent() => {}
            Some(options) => esearch(&mut self.out, tag.as_str(), by_uid, options.wanted, &found, modseq),
        }
        if let Some(options) = options.filter(|options| options.save) {
            selected.saved = options.saved(&ranges_of(&known));
        }
        known
    }

    /// RFC 5182 §2.1: a SEARCH with SAVE that ends in NO leaves nothing saved.
    pub(crate) fn forget_saved(&mut self, options: Option<ReturnOptions>) {
        if let Some(selected) = &mut self.selected
            && options.is_some_and(|options| options.save)
        {
            selected.saved = UidSet::new();
        }
    }
}

fn ranges_of(uids: &UidSet) -> Vec<(u32, u32)> {
    uids.ranges().map(|range| (*range.start(), *range.end())).collect()
}

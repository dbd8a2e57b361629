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

/// A command whose result is a SEARCH response or one like it.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) tag: Tag,
    pub(crate) by_uid: bool,
    /// `RETURN (…)`, or what stands for it in IMAP4rev2.
    pub(crate) options: Option<ReturnOptions>,
}

/// A SEARCH that waits for its result.
#[derive(Debug)]
pub(crate) struct Searching {
    asked: Asked,
    /// What was looked for, if the result is to be kept up to date.
    query: Option<Query>,
}

impl Searching {
    pub(crate) fn tag(&self) -> &Tag {
        &self.asked.tag
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
    let context = context.map(|query| session.context_within_limit(query));
    let query = session.as_known(query, need, modseq);
    session.use_condstore(modseq);
    let asked = Asked { tag: command.tag.clone(), by_uid: command.by_uid, options };
    let searching = Searching { asked, query: context };
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
        let Searching { asked, query } = searching;
        let outcome = match answer {
            Answer::Found { uids, highest_modseq } => {
                let known = self.tell_found(&asked, &uids, highest_modseq);
                Ok(query.map(|query| (query, Found::Plain(known))))
            }
            other => Err(other),
        };
        self.end_search(asked, "Searched", outcome);
    }

    fn tell_found(&mut self, asked: &Asked, uids: &UidSet, modseq: Option<ModSeq>) -> UidSet {
        let Some(selected) = &self.selected else {
            return UidSet::new();
        };
        // Messages that the client has no number for yet, or that are gone, are not for it.
        let known = selected.view.known(uids).difference(&selected.vanished);
        let by_uid = ranges_of(&known);
        let found = if asked.by_uid { by_uid.clone() } else { selected.view.sequences_of(&known) };
        self.tell_result(asked, &found, &by_uid, modseq, |out| search(out, &found, modseq));
        known
    }

    /// Tells a result, given as numbers in the kind that was asked for and as UIDs, and saves it if it is to be;
    /// `plainly` writes it for a command without RETURN.
    pub(crate) fn tell_result(
        &mut self,
        asked: &Asked,
        found: &[(u32, u32)],
        uids: &[(u32, u32)],
        modseq: Option<ModSeq>,
        plainly: impl FnOnce(&mut Vec<u8>),
    ) {
        let Some(options) = asked.options else {
            return plainly(&mut self.out);
        };
        if !options.is_silent() {
            esearch(&mut self.out, asked.tag.as_str(), asked.by_uid, options.wanted, found, modseq);
        }
        if let Some(selected) = &mut self.selected
            && options.save
        {
            selected.saved = options.saved(uids);
        }
    }

    /// The end of a command that looked for messages: what is to be kept up to date of its result, or what the house
    /// answered instead.
    pub(crate) fn end_search(
        &mut self,
        asked: Asked,
        text: &'static str,
        outcome: Result<Option<(Query, Found)>, Answer>,
    ) {
        let Asked { tag, by_uid, options } = asked;
        match outcome {
            Ok(context) => {
                if let Some((query, found)) = context {
                    self.begin_context(Context { tag: tag.clone(), by_uid, query, found });
                }
                self.finish(&tag, Completion::of_result(text), Update::of(by_uid));
            }
            Err(other) => {
                self.forget_saved(options);
                self.not_done(&tag, Update::of(by_uid), other);
            }
        }
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

//! FILTERS (RFC 5466): searches that are kept by name, as annotations of the server.
//!
//! A command that names a filter is read until there; then the house is asked for it, and the command is read again
//! from its beginning. What a filter says is read like the rest of the command, at the place where it is named.

use std::cell::RefCell;
use std::collections::BTreeMap;

use bytes::Bytes;
use posthouse_model::{EntryName, Instant};

use crate::answer::Answer;
use crate::grammar::CommandError;
use crate::grammar::cursor::Cursor;
use crate::question::{AnnotationDepth, Question};
use crate::session::completion::{Completion, Update};
use crate::session::pending::Pending;
use crate::session::{ImapSession, Tag};

/// Most filters that one command names, those within filters included.
const MAX_FILTERS: usize = 32;
/// How deep filters may name each other; RFC 5466 §3.1 asks for three at least. A loop ends here as well.
pub(crate) const MAX_FILTER_DEPTH: usize = 8;

/// The filters that a command names, as far as they are known.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filters {
    /// `None` for one that does not exist.
    known: BTreeMap<String, Option<Bytes>>,
    /// The one at which reading came to an end.
    named: RefCell<Option<String>>,
}

/// A command that waits for a filter.
#[derive(Debug)]
pub(crate) struct AskedFilter {
    tag: Tag,
    /// What follows the tag, to be read again.
    line: Vec<u8>,
    name: String,
    filters: Filters,
    now: Instant,
}

impl Filters {
    /// What a filter looks for. An error ends the reading of the command, for the time being or for good.
    pub(crate) fn get(&self, name: &str) -> Result<&Bytes, CommandError> {
        let error = match self.known.get(name) {
            Some(Some(value)) => return Ok(value),
            Some(None) => CommandError::UndefinedFilter,
            None => CommandError::UnknownFilter,
        };
        self.end_at(name);
        Err(error)
    }

    /// Remembers at which filter reading came to an end.
    pub(crate) fn end_at(&self, name: &str) {
        *self.named.borrow_mut() = Some(name.to_owned());
    }
}

/// `filter-name = 1*<any ATOM-CHAR except "/">`
pub(crate) fn filter_name<'a>(cursor: &mut Cursor<'a>) -> Result<&'a str, CommandError> {
    let name = cursor.atom()?;
    if name.contains('/') { Err(CommandError::Expected("the name of a filter")) } else { Ok(name) }
}

/// RFC 5466 §3.1: the private one counts if there are two.
fn entries(name: &str) -> Option<Vec<EntryName>> {
    let entry = |root: &str| EntryName::parse(&format!("{root}/filters/values/{name}")).ok();
    Some(vec![entry("/private")?, entry("/shared")?])
}

impl ImapSession {
    /// Has the house asked for the filter at which reading came to an end, and the command read again after that.
    pub(crate) fn ask_filter(&mut self, tag: &Tag, line: &[u8], now: Instant) {
        let mut filters = self.filters.take().map_or_else(Filters::default, |filters| *filters);
        let Some(name) = filters.named.get_mut().take() else {
            return self.fail(tag, CommandError::UndefinedFilter);
        };
        if filters.known.len() == MAX_FILTERS {
            return self.fail(tag, CommandError::TooMany("filters"));
        }
        match entries(&name) {
            Some(entries) => {
                let asked = AskedFilter { tag: tag.clone(), line: line.to_vec(), name, filters, now };
                let question = Question::Annotations { places: vec![None], entries, depth: AnnotationDepth::Entry };
                self.ask(question, Pending::Filter(Box::new(asked)));
            }
            None => self.undefined_filter(tag, &name),
        }
    }

    /// RFC 5466 §3.1: a filter that does not exist is told by its name.
    pub(crate) fn fail_at_filter(&mut self, tag: &Tag) {
        let named = self.filters.take().and_then(|filters| filters.named.into_inner());
        self.undefined_filter(tag, &named.unwrap_or_default());
    }

    fn undefined_filter(&mut self, tag: &Tag, name: &str) {
        let code = format!("UNDEFINED-FILTER {name}");
        let completion = Completion::no("There is no such filter").with_code(code.into_bytes());
        self.finish(tag, completion, Update::KeepNumbers);
    }

    pub(crate) fn filter_answered(&mut self, asked: AskedFilter, answer: Answer) {
        let AskedFilter { tag, line, name, mut filters, now } = asked;
        let Answer::Annotations(places) = answer else {
            return self.not_done(&tag, Update::KeepNumbers, answer);
        };
        // What the account may not see does not exist for it.
        let rows = places.into_iter().next().and_then(Result::ok).unwrap_or_default();
        let mut values = entries(&name)
            .unwrap_or_default()
            .into_iter()
            .filter_map(|entry| rows.iter().find(|(known, _)| *known == entry).and_then(|(_, value)| value.clone()));
        filters.known.insert(name, values.next());
        self.filters = Some(Box::new(filters));
        self.run(&tag, &mut Cursor::new(&line), now);
    }
}

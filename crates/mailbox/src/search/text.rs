//! The texts that a query looks for, and looking for them.

use std::collections::HashMap;
use std::sync::Arc;

use posthouse_mime::RawHeader;
use posthouse_model::search::Query;
use posthouse_storage::search_index::MAX_TERM_QUERIES;
use posthouse_storage::{TermMatch, TermQuery};

use super::fold::{Folder, folded};
use super::needle::Needle;
use super::reading::{TextSink, named};
use super::terms::{Asked, Place, kinds};

/// So few texts are found faster one by one than by their hash.
const FEW_KEYS: usize = 8;
/// Characters of a text that are folded and searched at once.
const PIECE_CHARS: usize = 16 * 1024;

/// In what a text is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope<Name> {
    /// Values of fields of this name, in lower case.
    Field(Name),
    /// The whole header.
    Header,
    /// The body.
    Body,
}

impl Scope<String> {
    fn by_ref(&self) -> Scope<&str> {
        match self {
            Self::Field(name) => Scope::Field(name),
            Self::Header => Scope::Header,
            Self::Body => Scope::Body,
        }
    }
}

struct TextKey {
    scope: Scope<String>,
    /// As the query has it.
    written: String,
    needle: Needle,
    /// Which questions to the index are about it: who may have it, who certainly has it.
    candidates: Option<usize>,
    certain: Option<usize>,
}

/// The texts of a query, each once, and what is asked of the index about them.
#[derive(Default)]
pub(super) struct TextKeys {
    keys: Vec<TextKey>,
    /// By the text as the query has it, where there are many.
    numbers: HashMap<String, Vec<usize>>,
    queries: Vec<TermQuery>,
    longest_bytes: usize,
}

/// For each text whether the message has it, as far as is known.
pub(super) type Facts = Vec<Option<bool>>;

impl TextKeys {
    pub(super) fn of(query: &Query) -> Self {
        let mut keys = Self::default();
        keys.gather(query);
        keys
    }

    fn gather(&mut self, query: &Query) {
        match query {
            Query::And(all) | Query::Or(all) => all.iter().for_each(|one| self.gather(one)),
            Query::Not(one) => self.gather(one),
            Query::Header(name, needle) => self.add(Scope::Field(name.clone()), needle),
            Query::Body(needle) => self.add(Scope::Body, needle),
            Query::Text(needle) => {
                self.add(Scope::Header, needle);
                self.add(Scope::Body, needle);
            }
            _ => {}
        }
    }

    fn add(&mut self, scope: Scope<String>, needle: &str) {
        if self.number(scope.by_ref(), needle).is_some() {
            return;
        }
        let text = folded(needle);
        self.longest_bytes = self.longest_bytes.max(text.len());
        let (mut candidates, mut certain) = (None, None);
        // Every message has an empty text, or shows in its structure that it has none.
        if !text.is_empty() && self.queries.len() + 2 <= MAX_TERM_QUERIES {
            let asked = Asked::new(&text);
            let (place, tells) = match &scope {
                Scope::Field(name) => Place::of_field(name).map_or((Place::Header, false), |place| (place, true)),
                Scope::Header => (Place::Header, true),
                Scope::Body => (Place::Body, true),
            };
            candidates = Some(self.ask(asked.candidates(kinds(&[place]))));
            certain = asked.certain(kinds(&[place])).filter(|_| tells).map(|query| self.ask(query));
        }
        self.numbers.entry(needle.to_owned()).or_default().push(self.keys.len());
        let (written, needle) = (needle.to_owned(), Needle::new(&text));
        self.keys.push(TextKey { scope, written, needle, candidates, certain });
    }

    fn ask(&mut self, query: TermQuery) -> usize {
        self.queries.push(query);
        self.queries.len() - 1
    }

    /// What is asked of the index.
    pub(super) fn queries(&self) -> &[TermQuery] {
        &self.queries
    }

    /// The number of a text of the query.
    pub(super) fn number(&self, scope: Scope<&str>, needle: &str) -> Option<usize> {
        let is_it = |key: &TextKey| key.scope.by_ref() == scope;
        if self.keys.len() <= FEW_KEYS {
            return self.keys.iter().position(|key| key.written == needle && is_it(key));
        }
        let numbers = self.numbers.get(needle)?;
        numbers.iter().copied().find(|number| is_it(&self.keys[*number]))
    }

    /// What is known of a message of which nothing was read but what the index says.
    pub(super) fn facts(&self, matched: TermMatch) -> Facts {
        let known = |key: &TextKey| match matched {
            _ if key.needle.is_empty() && !matches!(key.scope, Scope::Field(_)) => Some(true),
            TermMatch::Meets(met) => {
                let is_met = |query: usize| met >> query & 1 == 1;
                match (key.candidates.map(is_met), key.certain.map(is_met)) {
                    (_, Some(true)) => Some(true),
                    (Some(false), _) => Some(false),
                    _ => None,
                }
            }
            TermMatch::Unindexed | TermMatch::Incomplete => None,
        };
        self.keys.iter().map(known).collect()
    }

    /// Adds what a glance at the header tells: a field that is not there has nothing in it. Not if only some fields are
    /// looked into, which tells the same.
    pub(super) fn add_fields(&self, header: &RawHeader<'_>, facts: &mut Facts) {
        let asks = |is_asked: fn(&Scope<String>) -> bool| {
            self.keys.iter().zip(facts.iter()).any(|(key, fact)| fact.is_none() && is_asked(&key.scope))
        };
        if !asks(|scope| matches!(scope, Scope::Field(_))) || !asks(|scope| !matches!(scope, Scope::Field(_))) {
            return;
        }
        for (key, fact) in self.keys.iter().zip(facts) {
            let Scope::Field(name) = &key.scope else { continue };
            if fact.is_none() {
                let is_there = header.fields().any(|field| field.is_named(name));
                *fact = match (is_there, key.needle.is_empty()) {
                    (false, _) => Some(false),
                    (true, true) => Some(true),
                    (true, false) => None,
                };
            }
        }
    }

    /// Whether the header has to be read.
    pub(super) fn lacks_header(&self, facts: &Facts) -> bool {
        self.keys.iter().zip(facts).any(|(key, fact)| fact.is_none() && key.scope != Scope::Body)
    }

    /// Whether the body has to be read.
    pub(super) fn lacks_body(&self, facts: &Facts) -> bool {
        self.keys.iter().zip(facts).any(|(key, fact)| fact.is_none() && key.scope == Scope::Body)
    }
}

/// Looks for texts in a message.
pub(super) struct Search {
    keys: Arc<TextKeys>,
    facts: Facts,
    /// Of those that are not known yet, whether they are looked for in the header, or else in the body.
    in_header: bool,
    folded: String,
    whole_field: Vec<u8>,
}

impl Search {
    /// Looks in the header, or else in the body, for what is not known yet.
    pub(super) fn new(keys: &Arc<TextKeys>, facts: Facts, in_header: bool) -> Self {
        Self { keys: Arc::clone(keys), facts, in_header, folded: String::new(), whole_field: Vec::new() }
    }

    /// What is known at the end: what has not been found is not there.
    pub(super) fn finish(mut self) -> Facts {
        for (key, fact) in self.keys.keys.iter().zip(&mut self.facts) {
            if (key.scope != Scope::Body) == self.in_header {
                *fact = Some(fact.unwrap_or(false));
            }
        }
        self.facts
    }

    fn lacks(&self, scope: &Scope<String>) -> bool {
        self.keys.keys.iter().zip(&self.facts).any(|(key, fact)| fact.is_none() && key.scope == *scope)
    }

    /// Looks in a text for those whose scope is `looked_for`.
    fn look(&mut self, text: &str, looked_for: impl Fn(&Scope<String>) -> bool) {
        let is_open = |(key, fact): (&TextKey, &Option<bool>)| fact.is_none() && looked_for(&key.scope);
        if !self.keys.keys.iter().zip(&self.facts).any(is_open) {
            return;
        }
        if self.look_in_plain(text.as_bytes(), &looked_for) {
            return;
        }
        let mut folder = Folder::default();
        self.folded.clear();
        let mut rest = text;
        loop {
            let end = match rest.len() <= PIECE_CHARS {
                true => rest.len(),
                false => rest.char_indices().nth(PIECE_CHARS).map_or(rest.len(), |(at, _)| at),
            };
            let buffer = &mut self.folded;
            folder.fold_into(&rest[..end], buffer);
            rest = &rest[end..];
            for (key, fact) in self.keys.keys.iter().zip(&mut self.facts) {
                if fact.is_none() && looked_for(&key.scope) && key.needle.is_in_folded(buffer) {
                    *fact = Some(true);
                }
            }
            if rest.is_empty() {
                return;
            }
            // A text may stand across the end of the piece.
            let keep = buffer.floor_char_boundary(buffer.len().saturating_sub(self.keys.longest_bytes));
            buffer.drain(..keep);
        }
    }
}

impl Search {
    /// Looks in a text as it stands. False when some can be looked for only when it is folded.
    fn look_in_plain(&mut self, text: &[u8], looked_for: impl Fn(&Scope<String>) -> bool) -> bool {
        let mut all = true;
        for (key, fact) in self.keys.keys.iter().zip(&mut self.facts) {
            if fact.is_none() && looked_for(&key.scope) {
                match key.needle.is_in_plain(text) {
                    Some(true) => *fact = Some(true),
                    Some(false) => {}
                    None => all = false,
                }
            }
        }
        all
    }
}

impl TextSink for Search {
    fn wants_field(&self, name: &[u8]) -> bool {
        let asks = |(key, fact): (&TextKey, &Option<bool>)| {
            let is_asked = match &key.scope {
                Scope::Field(wanted) => wanted.as_bytes().eq_ignore_ascii_case(name),
                Scope::Header => true,
                Scope::Body => false,
            };
            fact.is_none() && is_asked
        };
        self.keys.keys.iter().zip(&self.facts).any(asks)
    }

    fn plain_field(&mut self, name: &[u8], value: &[u8]) -> bool {
        let is_named = |scope: &Scope<String>| matches!(scope, Scope::Field(wanted) if wanted.as_bytes().eq_ignore_ascii_case(name));
        let in_field = self.look_in_plain(value, is_named);
        if !self.lacks(&Scope::Header) {
            return in_field;
        }
        let mut whole = std::mem::take(&mut self.whole_field);
        whole.clear();
        [name, b": ", value].iter().for_each(|part| whole.extend_from_slice(part));
        let in_whole = self.look_in_plain(&whole, |scope| *scope == Scope::Header);
        self.whole_field = whole;
        in_field && in_whole
    }

    fn field(&mut self, name: &str, value: &str) {
        self.look(value, |scope| matches!(scope, Scope::Field(wanted) if wanted == name));
        if self.lacks(&Scope::Header) {
            self.look(&named(name, value), |scope| *scope == Scope::Header);
        }
    }

    fn body(&mut self, text: &str) {
        self.look(text, |scope| *scope == Scope::Body);
    }

    fn is_satisfied(&self) -> bool {
        let open =
            |(key, fact): (&TextKey, &Option<bool>)| fact.is_none() && (key.scope != Scope::Body) == self.in_header;
        !self.keys.keys.iter().zip(&self.facts).any(open)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, needle: &str, expected: bool) {
        let keys = Arc::new(TextKeys::of(&Query::Body(needle.to_owned())));
        let facts = keys.facts(TermMatch::Unindexed);
        let mut search = Search::new(&keys, facts, false);
        search.body(text);
        assert_eq!(search.finish(), [Some(expected)], "{needle:?} in {text:?}");
    }

    #[test]
    fn substrings_without_case_and_accents() {
        check("The smartChoice", "martch", true);
        check("zebra", "EBRA", true);
        check("Grüße", "GRÜSSE", false);
        check("Grüße", "gruße", true);
        check("ÄRGER", "ärg", true);
        check("two\r\n words", "TWO words", true);
        check("", "", true);
        check("", "x", false);
    }

    #[test]
    fn texts_that_stand_across_pieces_are_found() {
        for before in PIECE_CHARS - 12..PIECE_CHARS + 2 {
            let text = format!("{}two  wörds{}", "é".repeat(before), "x".repeat(PIECE_CHARS));
            check(&text, "two words", true);
            check(&text, "two swords", false);
        }
    }

    #[test]
    fn the_index_decides_what_it_can() {
        let query = Query::And(vec![
            Query::Text("word".to_owned()),
            Query::Header("subject".to_owned(), "abcde f".to_owned()),
            Query::Header("x-other".to_owned(), "abc".to_owned()),
            Query::Body("word".to_owned()),
        ]);
        let keys = TextKeys::of(&query);
        assert_eq!(keys.keys.len(), 4);
        assert_eq!(keys.facts(TermMatch::Unindexed), [None; 4]);
        assert_eq!(keys.facts(TermMatch::Meets(0)), [Some(false); 4]);
        let every = keys.facts(TermMatch::Meets(u64::MAX));
        assert_eq!(every, [Some(true), Some(true), None, None]);
        assert_eq!(keys.number(Scope::Body, "word"), Some(1));
        assert_eq!(keys.number(Scope::Body, "words"), None);
    }

    #[test]
    fn more_texts_than_the_index_answers_are_looked_for_all_the_same() {
        let many = (0..1000).map(|number| Query::Body(format!("text {number}"))).collect();
        let keys = TextKeys::of(&Query::Or(many));
        assert!(keys.queries().len() <= MAX_TERM_QUERIES);
        assert_eq!(
            keys.facts(TermMatch::Meets(0)).iter().filter(|fact| fact.is_none()).count(),
            1000 - MAX_TERM_QUERIES + 1
        );
    }
}

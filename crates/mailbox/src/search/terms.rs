//! Text cut into terms, the same way for messages and for what is looked for.
//!
//! A term is a number. Of each three characters that follow each other there is one, `first << 40 | second << 20 |
//! third`; at the end of a text NULs follow, so that the terms of two characters, and of one, are a range each. Where
//! words have no spaces between them two characters make one, and the third is NUL. Of each word of four letters or
//! more there is one, too, with the highest bit set: it tells without a look at the message that the word is there.
//! The lowest three bits say where in the message the text stands.

use posthouse_storage::search_index::TERM_KIND_BITS;
use posthouse_storage::{Term, TermRange};

use super::fold::{Folder, is_dense};
use super::reading::{TextSink, named};

/// The version of all that decides which terms a text has: folding, cutting, what of a message is text. An index of
/// another version is made anew.
pub(crate) const TERMS_VERSION: u32 = 1;

/// Most terms of a message. The index says nothing about one that has more.
pub(super) const MAX_MESSAGE_TERMS: usize = 64 * 1024;
/// Terms that wait to be sorted. More than a message may have, since most come many times.
const MAX_WAITING_TERMS: usize = 4 * MAX_MESSAGE_TERMS;
/// Terms that are remembered, so that those that come again and again need not be sorted out later.
const REMEMBERED_TERMS: usize = 4096;

/// Letters of a word that has a term of its own.
const WORD_LETTERS: std::ops::RangeInclusive<usize> = 4..=24;
/// Terms that are asked of one text that is looked for; more of them would hardly leave out another message.
const MAX_ASKED_TERMS: usize = 16;

const CHARACTER_BITS: u32 = 20;
const LAST: u64 = (1 << CHARACTER_BITS) - 1;
const WORD: u64 = 1 << 63;
/// Bits of a word's hash.
const HASH_MASK: u64 = (1 << 60) - 1;

/// Where in a message text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    Subject = 0,
    From = 1,
    To = 2,
    Cc = 3,
    /// All header fields, each with its name.
    Header = 4,
    Body = 5,
}

impl Place {
    /// The place of the values of fields called `name`, where they have one of their own.
    pub(super) fn of_field(name: &str) -> Option<Self> {
        match name {
            "subject" => Some(Self::Subject),
            "from" => Some(Self::From),
            "to" => Some(Self::To),
            "cc" => Some(Self::Cc),
            _ => None,
        }
    }
}

/// A set of places, as [`TermRange::kinds`] has it.
pub(super) fn kinds(places: &[Place]) -> u8 {
    places.iter().fold(0, |kinds, place| kinds | 1 << (*place as u8))
}

fn gram(first: char, second: char, third: char) -> u64 {
    let third = if is_dense(first) { '\0' } else { third };
    u64::from(first) << (2 * CHARACTER_BITS) | u64::from(second) << CHARACTER_BITS | u64::from(third)
}

/// FNV-1a over characters. Somebody can make two words that are taken for one another; nothing is gained by that but
/// that a message is found that lacks a word.
#[derive(Clone, Copy)]
struct WordHash(u64);

impl WordHash {
    const NEW: Self = Self(0xcbf2_9ce4_8422_2325);

    fn push(&mut self, character: char) {
        self.0 = (self.0 ^ u64::from(character)).wrapping_mul(0x0100_0000_01b3);
    }

    fn value(self) -> u64 {
        (self.0 ^ self.0 >> 29) & HASH_MASK
    }
}

fn is_of_word(character: char) -> bool {
    character.is_alphanumeric()
}

/// Whether a word with this character has no term of its own: numbers and the like are as many as messages.
fn spoils_word(character: char) -> bool {
    !character.is_alphabetic() || is_dense(character)
}

/// Gathers the terms of one message.
pub(super) struct Cutter {
    terms: Vec<Term>,
    remembered: Vec<Term>,
    is_complete: bool,
}

impl Cutter {
    pub(super) fn new() -> Self {
        Self { terms: Vec::new(), remembered: vec![0; REMEMBERED_TERMS], is_complete: true }
    }

    /// Adds a text that stands by itself.
    pub(super) fn text(&mut self, place: Place, text: &str) {
        let mut window =
            Window { cutter: self, place, grams: ['\0'; 2], word: WordHash::NEW, letters: 0, spoilt: false };
        Folder::default().fold(text, |character| window.push(character));
        window.end();
    }

    fn add(&mut self, place: Place, value: u64) {
        let term = value << TERM_KIND_BITS & !WORD | value & WORD | place as u64;
        let slot = (term.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 52) as usize % REMEMBERED_TERMS;
        if self.remembered[slot] == term || !self.is_complete {
            return;
        }
        self.remembered[slot] = term;
        self.terms.push(term);
        if self.terms.len() >= MAX_WAITING_TERMS {
            self.sort_out();
        }
    }

    fn sort_out(&mut self) {
        self.terms.sort_unstable();
        self.terms.dedup();
        if self.terms.len() > MAX_MESSAGE_TERMS {
            self.is_complete = false;
            self.terms = Vec::new();
        }
    }

    /// All terms, rising, and whether they are all that the message has.
    pub(super) fn finish(mut self) -> (Vec<Term>, bool) {
        self.sort_out();
        self.terms.shrink_to_fit();
        (self.terms, self.is_complete)
    }
}

impl TextSink for Cutter {
    fn wants_field(&self, _: &[u8]) -> bool {
        true
    }

    fn field(&mut self, name: &str, value: &str) {
        if let Some(place) = Place::of_field(name) {
            self.text(place, value);
        }
        self.text(Place::Header, &named(name, value));
    }

    fn body(&mut self, text: &str) {
        self.text(Place::Body, text);
    }

    fn is_satisfied(&self) -> bool {
        !self.is_complete
    }
}

/// The last characters of a text that is being cut.
struct Window<'a> {
    cutter: &'a mut Cutter,
    place: Place,
    grams: [char; 2],
    word: WordHash,
    letters: usize,
    spoilt: bool,
}

impl Window<'_> {
    fn push(&mut self, character: char) {
        self.slide(character);
        if is_of_word(character) {
            self.word.push(character);
            self.letters += 1;
            self.spoilt |= spoils_word(character);
        } else if self.letters > 0 {
            self.end_word();
        }
    }

    fn slide(&mut self, character: char) {
        let [first, second] = self.grams;
        if first != '\0' {
            self.cutter.add(self.place, gram(first, second, character));
        }
        self.grams = [second, character];
    }

    fn end_word(&mut self) {
        if WORD_LETTERS.contains(&self.letters) && !self.spoilt {
            self.cutter.add(self.place, WORD | self.word.value());
        }
        (self.word, self.letters, self.spoilt) = (WordHash::NEW, 0, false);
    }

    fn end(mut self) {
        self.end_word();
        self.slide('\0');
        self.slide('\0');
    }
}

/// What a text that is looked for asks of the index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    /// What each message has that has the text, first and last of each range without the place.
    grams: Vec<(u64, u64)>,
    /// Whether each message that has all that has the text.
    is_exact: bool,
    /// If the text is a word: the term of it.
    word: Option<u64>,
}

impl Asked {
    /// Cuts a text that has been folded and is not empty.
    pub(super) fn new(folded: &str) -> Self {
        let characters: Vec<char> = folded.chars().collect();
        let grams = match *characters {
            [] => Vec::new(),
            [only] => {
                vec![(gram(only, '\0', '\0'), u64::from(only) << (2 * CHARACTER_BITS) | LAST << CHARACTER_BITS | LAST)]
            }
            [first, second] => {
                let from = gram(first, second, '\0');
                vec![(from, if is_dense(first) { from } else { from | LAST })]
            }
            _ => long_grams(&characters),
        };
        let is_exact = match *characters {
            [] | [_] | [_, _] => true,
            [first, _, _] => !is_dense(first),
            _ => false,
        };
        Self { grams: spread(grams), is_exact, word: word(&characters) }
    }

    /// Has every message that has the text in one of the places; they count as one text.
    pub(super) fn candidates(&self, kinds: u8) -> Vec<TermRange> {
        self.grams.iter().map(|(first, last)| range(*first, *last, kinds)).collect()
    }

    /// Has only messages that have the text in one of the places. `None` where the index cannot tell.
    pub(super) fn certain(&self, kinds: u8) -> Option<Vec<TermRange>> {
        match self.word {
            _ if self.is_exact => Some(self.candidates(kinds)),
            Some(word) => Some(vec![range(word, word, kinds)]),
            None => None,
        }
    }
}

fn range(first: u64, last: u64, kinds: u8) -> TermRange {
    let shift = |value: u64| value << TERM_KIND_BITS & !WORD | value & WORD;
    TermRange { first: shift(first), last: shift(last) | ((1 << TERM_KIND_BITS) - 1), kinds }
}

fn long_grams(characters: &[char]) -> Vec<(u64, u64)> {
    let mut grams = Vec::with_capacity(characters.len());
    for (at, &first) in characters.iter().enumerate() {
        let (second, third) = (characters.get(at + 1), characters.get(at + 2));
        let gram = match (second, third) {
            (Some(second), _) if is_dense(first) => gram(first, *second, '\0'),
            (Some(second), Some(third)) => gram(first, *second, *third),
            _ => continue,
        };
        grams.push((gram, gram));
    }
    grams.sort_unstable();
    grams.dedup();
    grams
}

/// Some of the grams, if they are many, spread over all of them.
fn spread(grams: Vec<(u64, u64)>) -> Vec<(u64, u64)> {
    let step = grams.len().div_ceil(MAX_ASKED_TERMS).max(1);
    grams.into_iter().step_by(step).collect()
}

fn word(characters: &[char]) -> Option<u64> {
    let is_word = characters.iter().all(|character| is_of_word(*character) && !spoils_word(*character));
    if !is_word || !WORD_LETTERS.contains(&characters.len()) {
        return None;
    }
    let mut hash = WordHash::NEW;
    characters.iter().for_each(|character| hash.push(*character));
    Some(WORD | hash.value())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::fold::folded;
    use super::*;

    fn terms(text: &str) -> Vec<Term> {
        let mut cutter = Cutter::new();
        cutter.text(Place::Body, text);
        cutter.finish().0
    }

    fn meets(terms: &[Term], query: &[TermRange]) -> bool {
        query.iter().all(|range| terms.iter().any(|term| range.has(*term)))
    }

    /// Whether the index says that `text` may have `needle`, and whether it is certain of it.
    fn check(text: &str, needle: &str, may: bool, certain: bool) {
        let (terms, asked) = (terms(text), Asked::new(&folded(needle)));
        let body = kinds(&[Place::Body]);
        assert_eq!(meets(&terms, &asked.candidates(body)), may, "{needle:?} in {text:?}");
        let is_certain = asked.certain(body).is_some_and(|query| meets(&terms, &query));
        assert_eq!(is_certain, certain, "{needle:?} in {text:?}");
        assert!(!meets(&terms, &asked.candidates(kinds(&[Place::Header, Place::Subject]))));
    }

    #[test]
    fn what_the_index_can_tell() {
        check("Hello world", "hello", true, true);
        check("Hello world", "ello", true, false);
        check("Hello world", "orl", true, true);
        check("Hello world", "ld", true, true);
        check("Hello world", "d", true, true);
        check("Hello world", "lo wo", true, false);
        check("Hello world", "hellow", false, false);
        check("Hello world", "x", false, false);
        check("Hello world", "dh", false, false);
        check("日本語のメール", "日本", true, true);
        check("日本語のメール", "語", true, true);
        check("日本語のメール", "ル", true, true);
        check("日本語のメール", "本語の", true, false);
        check("日本語のメール", "日語", false, false);
        check("a日本", "a日", true, true);
        check("invoice 12345", "12345", true, false);
        check("Café", "CAFE", true, true);
    }

    #[test]
    fn a_message_with_too_much_is_not_judged() {
        let much: String = (0x4e00..0x9fff).flat_map(char::from_u32).collect();
        let mut cutter = Cutter::new();
        for step in 1..40 {
            let text: String = much.chars().step_by(step).collect();
            cutter.text(Place::Body, &text);
        }
        assert_eq!(cutter.finish(), (Vec::new(), false));
    }

    #[test]
    fn long_texts_ask_for_little() {
        let asked = Asked::new(&"abcdefghij klmnop".repeat(1000));
        assert!(asked.candidates(255).len() <= MAX_ASKED_TERMS);
    }

    proptest! {
        #[test]
        fn no_message_is_left_out(
            before in "[a-cÀ-Ã日本ーがa\u{301} .\\r\\n]{0,20}",
            needle in "[a-cÀ-Ã日本ーが\u{301} .1]{1,9}",
            after in "[a-cÀ-Ã日本語 .]{0,20}",
            other in "[a-cÀ 日本]{1,4}",
        ) {
            let text = format!("{before}{needle}{after}");
            let (terms, body) = (terms(&text), kinds(&[Place::Body]));
            for needle in [&needle, &other] {
                let needle = folded(needle);
                if needle.is_empty() {
                    continue;
                }
                let has = folded(&text).contains(&needle);
                let asked = Asked::new(&needle);
                prop_assert!(!has || meets(&terms, &asked.candidates(body)));
                let certain = asked.certain(body).is_some_and(|query| meets(&terms, &query));
                prop_assert!(!certain || has);
                prop_assert!(!asked.is_exact || certain == has);
            }
        }
    }
}

//! A text that is looked for.
//!
//! It is compared as [`folded`](super::fold::folded) text. In texts of plain ASCII, which most are, it is found as they
//! stand, without folding them first.

use memchr::{memchr, memchr2_iter, memmem};

/// Letters, those that are seldom in texts last.
const COMMON_FIRST: &[u8] = b" etaoinshrdlcumwfgypbvkjxqz";

/// A text that is looked for.
pub(super) struct Needle {
    finder: memmem::Finder<'static>,
    plain: Plain,
}

/// How it is found in ASCII that is not folded.
enum Plain {
    /// It is nowhere: folded ASCII is ASCII.
    Never,
    /// Nothing to go by: it is empty or a space.
    Unknown,
    /// By the octet at `anchor`, which is in the first word and seldom.
    At { words: Vec<u8>, follows_space: bool, anchor: usize },
}

impl Needle {
    /// `text` is folded.
    pub(super) fn new(text: &str) -> Self {
        Self { finder: memmem::Finder::new(text.as_bytes()).into_owned(), plain: Plain::of(text) }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.finder.needle().is_empty()
    }

    /// Whether a text that is folded has it.
    pub(super) fn is_in_folded(&self, text: &str) -> bool {
        self.finder.find(text.as_bytes()).is_some()
    }

    /// Whether a text that is not folded has it. `None` when the text has to be folded first.
    pub(super) fn is_in_plain(&self, text: &[u8]) -> Option<bool> {
        match &self.plain {
            Plain::Unknown => None,
            _ if !is_plain(text) => None,
            Plain::Never => Some(false),
            Plain::At { words, follows_space, anchor } => {
                let seldom = words[*anchor];
                let mut hits = memchr2_iter(seldom, seldom.to_ascii_uppercase(), text);
                Some(hits.any(|hit| {
                    hit.checked_sub(*anchor).is_some_and(|start| {
                        let is_after_space = || start.checked_sub(1).is_some_and(|before| is_space(text[before]));
                        (!follows_space || is_after_space()) && begins_with(&text[start..], words)
                    })
                }))
            }
        }
    }
}

impl Plain {
    fn of(text: &str) -> Self {
        if !text.is_ascii() {
            return Self::Never;
        }
        let words = text.trim_start_matches(' ').as_bytes();
        let first_word = &words[..memchr(b' ', words).unwrap_or(words.len())];
        let rank = |octet: &u8| memchr(*octet, COMMON_FIRST).unwrap_or(COMMON_FIRST.len());
        match first_word.iter().map(rank).enumerate().max_by_key(|(_, rank)| *rank) {
            Some((anchor, _)) => Self::At { words: words.to_vec(), follows_space: words.len() < text.len(), anchor },
            None => Self::Unknown,
        }
    }
}

/// Whether folding `text` changes no more than case and white space.
pub(super) fn is_plain(text: &[u8]) -> bool {
    text.is_ascii() && memchr(0, text).is_none()
}

/// Whether `text` begins with `words`, whatever the case, with white space of any length for each space of them.
fn begins_with(text: &[u8], words: &[u8]) -> bool {
    let mut rest = text;
    for &wanted in words {
        if wanted == b' ' {
            let spaces = rest.iter().take_while(|octet| is_space(**octet)).count();
            if spaces == 0 {
                return false;
            }
            rest = &rest[spaces..];
        } else {
            match rest.split_first() {
                Some((octet, behind)) if octet.to_ascii_lowercase() == wanted => rest = behind,
                _ => return false,
            }
        }
    }
    true
}

/// White space of ASCII, vertical tab included.
fn is_space(octet: u8) -> bool {
    matches!(octet, b'\t'..=b'\r' | b' ')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::fold::folded;
    use super::*;

    fn check(needle: &str, text: &str, expected: Option<bool>) {
        assert_eq!(Needle::new(&folded(needle)).is_in_plain(text.as_bytes()), expected, "{needle:?} in {text:?}");
    }

    #[test]
    fn plain_texts_are_searched_as_they_stand() {
        check("Fox jumps", "the FOX\r\n\t jumps over", Some(true));
        check("fox jumps", "the fox-jumps", Some(false));
        check(" fox", "fox", Some(false));
        check(" fox", "a\tfox", Some(true));
        check("fox ", "fox", Some(false));
        check("fox ", "fox \n", Some(true));
        check("grün", "GRUN", Some(true));
        check("日本", "Japan", Some(false));
    }

    #[test]
    fn others_have_to_be_folded_first() {
        check("fox", "the f\u{f6}x", None);
        check("fox", "f\0ox", None);
        check("", "fox", None);
        check("  ", "a fox", None);
    }

    proptest! {
        #[test]
        fn plain_and_folded_texts_agree(
            text in "[ \t\r\na-cA-C]{0,30}",
            needle in "[ \na-cA-C]{0,4}",
        ) {
            let needle = Needle::new(&folded(&needle));
            if let Some(found) = needle.is_in_plain(text.as_bytes()) {
                prop_assert_eq!(found, needle.is_in_folded(&folded(&text)));
            }
        }
    }
}

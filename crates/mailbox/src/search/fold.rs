//! Text as it is compared: without regard to case, accents and the kind and number of spaces.
//!
//! This is RFC 5051's i;unicode-casemap and a little more. Each character is decomposed for compatibility and loses
//! its case; then combining accents go, so that `cafe` finds `café`, soft hyphens and other invisible characters go,
//! and white space of any length is one space, so that a phrase is found across the end of a line. Each character is
//! folded by itself, and so what is a substring before is one afterwards.
//!
//! Marks that make another letter of one stay: those of Indic scripts and the voicing marks of Japanese.

use unicode_normalization::char::decompose_compatible;

/// Stands for characters of the last private plane, which have no room in a term.
const REPLACEMENT: char = '\u{fffd}';
/// The last character that has room in a term.
pub(super) const LAST_CHARACTER: char = '\u{fffff}';

/// Folds text piece by piece. NUL never comes out.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Folder {
    after_space: bool,
}

impl Folder {
    /// Folds a piece that follows the last one.
    pub(super) fn fold(&mut self, text: &str, mut out: impl FnMut(char)) {
        for character in text.chars() {
            if character.is_ascii() {
                self.put(character.to_ascii_lowercase(), &mut out);
            } else {
                decompose_compatible(character, |part| {
                    if !is_dropped(part) {
                        self.put(without_case(part), &mut out);
                    }
                });
            }
        }
    }

    /// Folds a piece that follows the last one, to the end of `out`.
    pub(super) fn fold_into(&mut self, text: &str, out: &mut String) {
        if !text.is_ascii() {
            return self.fold(text, |character| out.push(character));
        }
        out.reserve(text.len());
        for octet in text.bytes() {
            match octet {
                b'\t'..=b'\r' | b' ' => {
                    if !self.after_space {
                        out.push(' ');
                    }
                    self.after_space = true;
                }
                0 => {}
                other => {
                    out.push(char::from(other.to_ascii_lowercase()));
                    self.after_space = false;
                }
            }
        }
    }

    fn put(&mut self, character: char, out: &mut impl FnMut(char)) {
        if character.is_whitespace() {
            if !self.after_space {
                out(' ');
            }
            self.after_space = true;
        } else if character != '\0' {
            out(if character > LAST_CHARACTER { REPLACEMENT } else { character });
            self.after_space = false;
        }
    }
}

/// All of a text folded.
pub(super) fn folded(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    Folder::default().fold_into(text, &mut folded);
    folded
}

/// Simple mappings only: a character stays one character (RFC 5051 §2).
fn without_case(character: char) -> char {
    let upper = only(character.to_uppercase()).unwrap_or(character);
    only(upper.to_lowercase()).unwrap_or(upper)
}

fn only(mut mapped: impl Iterator<Item = char>) -> Option<char> {
    mapped.next().filter(|_| mapped.next().is_none())
}

/// Accents, vowel points of Hebrew and Arabic, and what cannot be seen.
fn is_dropped(character: char) -> bool {
    matches!(character,
        '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}'
        | '\u{fe20}'..='\u{fe2f}'
        | '\u{591}'..='\u{5bd}' | '\u{5bf}' | '\u{5c1}'..='\u{5c2}' | '\u{5c4}'..='\u{5c5}' | '\u{5c7}'
        | '\u{610}'..='\u{61a}' | '\u{640}' | '\u{64b}'..='\u{65f}' | '\u{670}' | '\u{6d6}'..='\u{6dc}'
        | '\u{6df}'..='\u{6e4}' | '\u{6e7}'..='\u{6e8}' | '\u{6ea}'..='\u{6ed}'
        | '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}')
}

/// Whether words of the character's script have no spaces between them, so that two characters are much.
pub(super) fn is_dense(character: char) -> bool {
    matches!(character,
        '\u{1100}'..='\u{11ff}' | '\u{2e80}'..='\u{2fdf}' | '\u{3005}'..='\u{3007}' | '\u{3040}'..='\u{30ff}'
        | '\u{31f0}'..='\u{31ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{323af}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, expected: &str) {
        assert_eq!(folded(text), expected, "{text:?}");
    }

    #[test]
    fn folded_texts() {
        check("Hello  WORLD\r\n\t!", "hello world !");
        check("Café CAFE\u{301} cafe", "cafe cafe cafe");
        check("GRÜSSE Grüße", "grusse gruße");
        check("ΣΊΣΥΦΟΣ σίσυφος", "σισυφοσ σισυφοσ");
        check("ﬁne № ｆｕｌｌ Ⅳ", "fine no full iv");
        check("İı K", "ii k");
        check("Ёлка й", "елка и");
        check("soft\u{ad}hyphen zero\u{200b}width", "softhyphen zerowidth");
        check("a\u{a0}\u{2003}b", "a b");
        check("a\0b", "ab");
        check("\u{10ffff}", "\u{fffd}");
        check("שָׁלוֹם مُحَمَّد", "שלום محمد");
    }

    #[test]
    fn marks_that_make_another_letter_stay() {
        assert_ne!(folded("が"), folded("か"));
        assert_eq!(folded("が"), folded("か\u{3099}"));
        assert_ne!(folded("कि"), folded("कु"));
        assert_eq!(folded("각"), "\u{1100}\u{1161}\u{11a8}");
    }

    proptest! {
        #[test]
        fn texts_without_accents_fold_alike(text in "[\\x00-\\x7f]{0,40}", before in "[a ]?") {
            let mut one = (Folder::default(), String::new());
            let mut other = (Folder::default(), String::new());
            for piece in [&before, &text] {
                one.0.fold_into(piece, &mut one.1);
                other.0.fold(piece, |character| other.1.push(character));
            }
            prop_assert_eq!(one.1, other.1);
        }

        #[test]
        fn pieces_fold_like_the_whole(one in "\\PC*", two in "[ \\r\\nA-Zé日]*", three in "\\PC*") {
            let mut folder = Folder::default();
            let mut pieces = String::new();
            [&one, &two, &three].iter().for_each(|piece| folder.fold(piece, |character| pieces.push(character)));
            let whole = folded(&format!("{one}{two}{three}"));
            prop_assert_eq!(&pieces, &whole);
            prop_assert_eq!(folded(&whole), whole);
        }
    }
}

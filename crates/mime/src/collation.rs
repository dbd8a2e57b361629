//! Comparing text without regard to case: the collation `i;unicode-casemap` (RFC 5051 §2), which IMAP wants of sorting
//! and threading (RFC 5256 §7) and of searching (RFC 5255 §4.4).

use unicode_normalization::char::decompose_compatible;

/// The key of a text: two texts are equal where their keys are, and stand in the order of the octets of their keys.
/// A text has another for a part where its key has the key of that part for a part.
///
/// Each character is put into titlecase, and then decomposed as far as it goes. Marks are not put into another order
/// afterwards (RFC 5051 §2). The key is UTF-8, and at most [`MAX_CASEMAP_EXPANSION`] times as long as the text.
#[must_use]
pub fn casemap(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_uppercase();
    }
    let mut key = String::with_capacity(text.len() + text.len() / 2);
    for character in text.chars() {
        if character.is_ascii() {
            key.push(character.to_ascii_uppercase());
        } else {
            decompose_compatible(titlecase(character), |piece| key.push(piece));
        }
    }
    key
}

/// By how much a text may grow: U+FDFA, three octets, becomes eighteen characters of Arabic and space.
pub const MAX_CASEMAP_EXPANSION: usize = 12;

/// The simple titlecase mapping of `UnicodeData.txt`: the simple uppercase mapping, but for the letters that follow.
fn titlecase(character: char) -> char {
    match character {
        // Two letters in one: the first large, the second small.
        '\u{1c4}'..='\u{1c6}' => '\u{1c5}',
        '\u{1c7}'..='\u{1c9}' => '\u{1c8}',
        '\u{1ca}'..='\u{1cc}' => '\u{1cb}',
        '\u{1f1}'..='\u{1f3}' => '\u{1f2}',
        // Georgian has capitals that no sentence begins with.
        '\u{10d0}'..='\u{10ff}' => character,
        // Greek with iota subscript: the full mapping writes the iota beside the letter, the simple one does not.
        '\u{1f80}'..='\u{1f87}' | '\u{1f90}'..='\u{1f97}' | '\u{1fa0}'..='\u{1fa7}' => offset(character, 8),
        '\u{1fb3}' | '\u{1fc3}' | '\u{1ff3}' => offset(character, 9),
        _ => {
            let mut upper = character.to_uppercase();
            match (upper.next(), upper.next()) {
                (Some(one), None) => one,
                // Where the full mapping has several characters, the simple one has none.
                _ => character,
            }
        }
    }
}

fn offset(character: char, by: u32) -> char {
    char::from_u32(u32::from(character) + by).unwrap_or(character)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, expected: &str) {
        assert_eq!(casemap(text), expected, "{text:?}");
    }

    #[test]
    fn case_and_composition_do_not_count() {
        check("", "");
        check("Hello [World]", "HELLO [WORLD]");
        check("grün", "GRU\u{308}N");
        check("GRU\u{308}N", "GRU\u{308}N");
        check("ΣΊΣΥΦΟΣ", &casemap("σίσυφος"));
        check("ẞ ß", "ẞ ß");
        // What comes out of a decomposition is not put into titlecase again.
        check("ﬁn", "fiN");
        check("ŉ", "ʼn");
        check("한", "\u{1112}\u{1161}\u{11ab}");
        check("ｘ①", "X1");
    }

    #[test]
    fn titlecase_is_not_always_uppercase() {
        check("ǆ", "Dz\u{30c}");
        check("Ǆ", "Dz\u{30c}");
        check("ა", "ა");
        check("ᾳ", "Α\u{345}");
        check("ᾀ", "Α\u{313}\u{345}");
    }

    proptest! {
        #[test]
        fn a_key_is_bounded_and_ascii_case_does_not_matter(text in "\\PC{0,40}") {
            let key = casemap(&text);
            prop_assert!(key.len() <= text.len() * MAX_CASEMAP_EXPANSION);
            prop_assert_eq!(casemap(&text.to_ascii_uppercase()), key.clone());
            prop_assert_eq!(casemap(&text.to_ascii_lowercase()), key);
        }
    }
}

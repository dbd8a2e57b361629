//! Tag lists, of which signatures and key records are made.
//!
//! ```text
//! tag-list  = tag-spec *( ";" tag-spec ) [ ";" ]
//! tag-spec  = [FWS] tag-name [FWS] "=" [FWS] tag-value [FWS]
//! tag-name  = ALPHA *( ALPHA / DIGIT / "_" )
//! tag-value = [ 1*VALCHAR *( 1*FWS 1*VALCHAR ) ]
//! ```

use std::ops::Range;

use thiserror::Error;

/// Most tags of a list; the standards know fewer than twenty.
pub const MAX_TAGS: usize = 64;
/// Longest list, in octets.
pub const MAX_TAG_LIST_BYTES: usize = 16 * 1024;

/// Why a text is no tag list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TagListError {
    /// It has more than [`MAX_TAG_LIST_BYTES`] octets or [`MAX_TAGS`] tags.
    #[error("there are too many tags, or they are too long")]
    TooLong,
    /// It is none.
    #[error("this is no list of tags")]
    Syntax,
    /// A tag is there twice, which makes the whole list invalid (RFC 6376 §3.2).
    #[error("a tag is there twice")]
    Twice,
}

/// A tag of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag<'a> {
    /// Its name. Case matters (RFC 6376 §3.2).
    pub name: &'a str,
    /// Its value, without blanks before and behind it; inside, lines may be folded.
    pub value: &'a str,
    /// Where in the text everything between `=` and `;` stands.
    pub place: Range<usize>,
}

/// The tags of a list, in its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagList<'a> {
    tags: Vec<Tag<'a>>,
}

impl<'a> TagList<'a> {
    /// Reads a list (RFC 6376 §3.2).
    ///
    /// # Errors
    /// When it is none, or too long.
    pub fn parse(text: &'a str) -> Result<Self, TagListError> {
        if text.len() > MAX_TAG_LIST_BYTES {
            return Err(TagListError::TooLong);
        }
        let mut tags: Vec<Tag<'a>> = Vec::new();
        let mut from = 0;
        for spec in text.split(';') {
            let begin = from;
            from += spec.len() + 1;
            let is_last = from > text.len();
            if is_last && !tags.is_empty() && trim(spec).is_empty() {
                break;
            }
            if tags.len() >= MAX_TAGS {
                return Err(TagListError::TooLong);
            }
            let (name, value) = spec.split_once('=').ok_or(TagListError::Syntax)?;
            let place = begin + name.len() + 1..begin + spec.len();
            let (name, value) = (trim(name), trim(value));
            if !is_name(name) || !value.chars().all(|c| is_blank(c) || is_value(c)) {
                return Err(TagListError::Syntax);
            }
            if tags.iter().any(|tag| tag.name == name) {
                return Err(TagListError::Twice);
            }
            tags.push(Tag { name, value, place });
        }
        Ok(Self { tags })
    }

    /// The tag of this name.
    #[must_use]
    pub fn tag(&self, name: &str) -> Option<&Tag<'a>> {
        self.tags.iter().find(|tag| tag.name == name)
    }

    /// The value of the tag of this name.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&'a str> {
        self.tag(name).map(|tag| tag.value)
    }

    /// The name of the first tag.
    #[must_use]
    pub fn first_name(&self) -> Option<&'a str> {
        self.tags.first().map(|tag| tag.name)
    }
}

/// The words of a value that colons part, without the blanks around them.
pub(super) fn words(value: &str) -> impl Iterator<Item = &str> {
    value.split(':').map(trim)
}

fn trim(text: &str) -> &str {
    text.trim_matches(is_blank)
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

fn is_name(text: &str) -> bool {
    let inner = |octet: u8| octet.is_ascii_alphanumeric() || octet == b'_';
    text.starts_with(|first: char| first.is_ascii_alphabetic()) && text.bytes().all(inner)
}

/// RFC 8616 §3: beside what RFC 6376 §3.2 allows, UTF-8.
fn is_value(c: char) -> bool {
    matches!(c, '!'..=':' | '<'..='~') || !c.is_ascii()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, expected: Result<&[(&str, &str)], TagListError>) {
        let list = TagList::parse(text);
        let tags = list.map(|list| list.tags.iter().map(|tag| (tag.name, tag.value)).collect::<Vec<_>>());
        assert_eq!(tags, expected.map(<[_]>::to_vec), "{text:?}");
    }

    #[test]
    fn lists() {
        check("a=b", Ok(&[("a", "b")]));
        check("a=b;", Ok(&[("a", "b")]));
        check(" a = b c ;\r\n\td=", Ok(&[("a", "b c"), ("d", "")]));
        check("a=b=c; A=ü:;", Ok(&[("a", "b=c"), ("A", "ü:")]));
        check("a_1=x", Ok(&[("a_1", "x")]));
    }

    #[test]
    fn what_is_no_list() {
        for text in ["", ";", "a", "a=b;;", ";a=b", "a=b; ;c=d", "=b", "1a=b", "a b=c", "a=\u{1}", "ä=b", "a=b;c"] {
            check(text, Err(TagListError::Syntax));
        }
        check("a=b; c=d; a=e", Err(TagListError::Twice));
        let many: String = (0..=MAX_TAGS).map(|number| format!("t{number}=;")).collect();
        check(&many, Err(TagListError::TooLong));
        check(&format!("a={}", "b".repeat(MAX_TAG_LIST_BYTES)), Err(TagListError::TooLong));
    }

    proptest! {
        #[test]
        fn places_are_those_of_the_values(text in "[ab=; \r\n\tü]{0,40}") {
            if let Ok(list) = TagList::parse(&text) {
                for tag in &list.tags {
                    prop_assert_eq!(trim(&text[tag.place.clone()]), tag.value);
                    prop_assert_eq!(&text[tag.place.start - 1..tag.place.start], "=");
                }
            }
        }
    }
}

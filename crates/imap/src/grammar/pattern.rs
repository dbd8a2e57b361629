//! Patterns of mailbox names (RFC 9051 §6.3.9): `*` stands for anything, `%` for anything within a level.

use posthouse_model::MailboxName;
use posthouse_model::mailbox_name::HIERARCHY_DELIMITER;

const INBOX: &[u8] = b"INBOX";

/// A pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pattern(Box<[u8]>);

impl Pattern {
    /// The pattern that `reference` and `text` make together: the one is put before the other (RFC 9051 §6.3.9).
    /// Wildcards in a row become one.
    pub(crate) fn new(reference: &str, text: &str) -> Self {
        let mut pattern: Vec<u8> = Vec::with_capacity(reference.len() + text.len());
        for byte in reference.bytes().chain(text.bytes()) {
            match (pattern.last(), byte) {
                (Some(b'*'), b'*' | b'%') | (Some(b'%'), b'%') => {}
                (Some(b'%'), b'*') => {
                    pattern.pop();
                    pattern.push(b'*');
                }
                _ => pattern.push(byte),
            }
        }
        Self(pattern.into())
    }

    /// The pattern that no name fits: an empty one.
    pub(crate) fn nothing() -> Self {
        Self(Box::default())
    }

    /// Whether `name` fits. INBOX fits in any case (RFC 9051 §5.1).
    ///
    /// Where the text does not go on as the pattern does, the last wildcard swallows one more octet; `%` cannot
    /// swallow a delimiter, and then the last `*` does. An earlier wildcard never has to be tried again, so that the
    /// work is bounded by the product of both lengths.
    pub(crate) fn fits(&self, name: &MailboxName) -> bool {
        let text = name.as_str().as_bytes();
        let folded = if name.is_inbox() || name.is_below(&MailboxName::inbox()) { INBOX.len() } else { 0 };
        let (mut at, mut in_pattern) = (0, 0);
        // Where the pattern goes on after the wildcard, and up to where it has swallowed.
        let mut star: Option<(usize, usize)> = None;
        let mut percent: Option<(usize, usize)> = None;
        loop {
            match self.0.get(in_pattern) {
                Some(b'*') => {
                    in_pattern += 1;
                    (star, percent) = (Some((in_pattern, at)), None);
                    continue;
                }
                Some(b'%') => {
                    in_pattern += 1;
                    percent = Some((in_pattern, at));
                    continue;
                }
                Some(byte)
                    if text.get(at).is_some_and(|b| b == byte || (at < folded && b.eq_ignore_ascii_case(byte))) =>
                {
                    in_pattern += 1;
                    at += 1;
                    continue;
                }
                None if at == text.len() => return true,
                _ => {}
            }
            if let Some((after, swallowed)) = percent
                && text.get(swallowed).is_some_and(|b| *b != HIERARCHY_DELIMITER as u8)
            {
                percent = Some((after, swallowed + 1));
                (in_pattern, at) = (after, swallowed + 1);
            } else if let Some((after, swallowed)) = star
                && swallowed < text.len()
            {
                (star, percent) = (Some((after, swallowed + 1)), None);
                (in_pattern, at) = (after, swallowed + 1);
            } else {
                return false;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The definition, written down without regard to time.
    fn plainly(pattern: &[u8], text: &[u8]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some((b'*', rest)) => (0..=text.len()).any(|n| plainly(rest, &text[n..])),
            Some((b'%', rest)) => {
                let level = text.iter().position(|b| *b == b'/').unwrap_or(text.len());
                (0..=level).any(|n| plainly(rest, &text[n..]))
            }
            Some((byte, rest)) => text.first() == Some(byte) && plainly(rest, &text[1..]),
        }
    }

    proptest! {
        #[test]
        fn fits_as_defined(pattern in "[ab/%*]{0,8}", text in "[ab]{1,4}(/[ab]{1,3}){0,3}") {
            let name = MailboxName::parse(&text).unwrap();
            prop_assert_eq!(Pattern::new("", &pattern).fits(&name), plainly(pattern.as_bytes(), text.as_bytes()));
        }
    }

    #[test]
    fn inbox_fits_in_any_case() {
        for (pattern, name, fits) in [
            ("inbox", "INBOX", true),
            ("iNb%", "INBOX", true),
            ("inbox/a", "INBOX/a", true),
            ("inbox/A", "INBOX/a", false),
            ("x", "X", false),
        ] {
            assert_eq!(Pattern::new("", pattern).fits(&MailboxName::parse(name).unwrap()), fits, "{pattern}");
        }
        assert!(Pattern::new("a/", "%").fits(&MailboxName::parse("a/b").unwrap()));
    }

    #[test]
    fn spiteful_patterns_take_no_time() {
        let name = MailboxName::parse(&"a".repeat(1_000)).unwrap();
        for wild in ["*a", "%a", "%a*a"] {
            assert!(!Pattern::new("", &(wild.repeat(300) + "b")).fits(&name));
        }
    }
}

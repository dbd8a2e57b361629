//! Flags of a message: the five that IMAP defines and keywords (RFC 9051 §2.3.2).

use std::fmt;
use std::sync::Arc;

use thiserror::Error;

/// Longest keyword, in bytes. RFC 9051 sets no bound; other servers stop between 50 and 255.
pub const MAX_KEYWORD_BYTES: usize = 128;
/// Most keywords on one message.
pub const MAX_KEYWORDS_PER_MESSAGE: usize = 64;

/// A system flag that a client may set. `\Recent` is not among them: it is never stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum SystemFlag {
    /// The message has been read.
    Seen = 1,
    /// The message has been answered.
    Answered = 2,
    /// The message is marked for attention.
    Flagged = 4,
    /// The message will go at the next EXPUNGE.
    Deleted = 8,
    /// The message is not finished.
    Draft = 16,
}

impl SystemFlag {
    /// All of them, in the order in which they are listed to clients.
    pub const EACH: [Self; 5] = [Self::Answered, Self::Flagged, Self::Deleted, Self::Seen, Self::Draft];

    /// The flag as IMAP writes it, backslash included.
    pub fn name(self) -> &'static str {
        match self {
            Self::Seen => "\\Seen",
            Self::Answered => "\\Answered",
            Self::Flagged => "\\Flagged",
            Self::Deleted => "\\Deleted",
            Self::Draft => "\\Draft",
        }
    }

    /// Reads [`Self::name`], in any case.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::EACH.into_iter().find(|flag| flag.name().eq_ignore_ascii_case(name))
    }
}

/// Why a text is no keyword.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum KeywordError {
    /// Nothing there.
    #[error("a keyword cannot be empty")]
    Empty,
    /// Longer than [`MAX_KEYWORD_BYTES`].
    #[error("a keyword has at most {MAX_KEYWORD_BYTES} bytes")]
    TooLong,
    /// A character that is not in IMAP's `atom`, or a leading backslash.
    #[error("a keyword is an IMAP atom and does not begin with a backslash")]
    BadCharacter,
}

/// A flag that a client or the server made up, such as `$Junk` or `$MDNSent`. Compared without regard to case
/// and kept as first written.
#[derive(Clone)]
pub struct Keyword(Arc<str>);

impl Keyword {
    /// Checks that `text` is an `atom` of RFC 9051 §9 and not too long.
    pub fn parse(text: &str) -> Result<Self, KeywordError> {
        if text.is_empty() {
            return Err(KeywordError::Empty);
        }
        if text.len() > MAX_KEYWORD_BYTES {
            return Err(KeywordError::TooLong);
        }
        let is_atom_char = |b: u8| b > 0x20 && b < 0x7f && !b"(){%*\"\\]".contains(&b);
        if !text.bytes().all(is_atom_char) {
            return Err(KeywordError::BadCharacter);
        }
        Ok(Self(Arc::from(text)))
    }

    /// The keyword as first written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Keyword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Keyword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl PartialEq for Keyword {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for Keyword {}

impl PartialOrd for Keyword {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Keyword {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let lower = |text: &str| text.bytes().map(|b| b.to_ascii_lowercase()).collect::<Vec<_>>();
        lower(&self.0).cmp(&lower(&other.0))
    }
}

/// The flags of one message: system flags as bits, keywords sorted and without doubles.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    system: u8,
    #[expect(clippy::box_collection, reason = "a vector takes three words in every message, a box takes one")]
    keywords: Option<Box<Vec<Keyword>>>,
}

impl Flags {
    /// No flag at all.
    pub const fn none() -> Self {
        Self { system: 0, keywords: None }
    }

    /// The system flags as the sum of their [`SystemFlag`] values; unknown bits are dropped.
    pub fn from_bits(bits: u8) -> Self {
        Self { system: bits & 0x1f, keywords: None }
    }

    /// The system flags as the sum of their [`SystemFlag`] values.
    pub fn bits(&self) -> u8 {
        self.system
    }

    /// Whether `flag` is set.
    pub fn has(&self, flag: SystemFlag) -> bool {
        self.system & flag as u8 != 0
    }

    /// Whether `keyword` is set.
    pub fn has_keyword(&self, keyword: &Keyword) -> bool {
        self.keywords().binary_search(keyword).is_ok()
    }

    /// The keywords, sorted.
    pub fn keywords(&self) -> &[Keyword] {
        self.keywords.as_deref().map_or(&[], Vec::as_slice)
    }

    /// The system flags, in the order of [`SystemFlag::EACH`].
    pub fn system(&self) -> impl Iterator<Item = SystemFlag> + '_ {
        SystemFlag::EACH.into_iter().filter(|&flag| self.has(flag))
    }

    /// Whether nothing is set.
    pub fn is_empty(&self) -> bool {
        self.system == 0 && self.keywords().is_empty()
    }

    /// Sets `flag`.
    pub fn insert(&mut self, flag: SystemFlag) {
        self.system |= flag as u8;
    }

    /// Clears `flag`.
    pub fn remove(&mut self, flag: SystemFlag) {
        self.system &= !(flag as u8);
    }

    /// Sets `keyword`. False, and nothing changed, when the message has [`MAX_KEYWORDS_PER_MESSAGE`] already.
    pub fn insert_keyword(&mut self, keyword: Keyword) -> bool {
        let list = self.keywords.get_or_insert_default();
        match list.binary_search(&keyword) {
            Ok(_) => true,
            Err(_) if list.len() >= MAX_KEYWORDS_PER_MESSAGE => false,
            Err(at) => {
                list.insert(at, keyword);
                true
            }
        }
    }

    /// Clears `keyword`.
    pub fn remove_keyword(&mut self, keyword: &Keyword) {
        if let Some(list) = &mut self.keywords {
            list.retain(|one| one != keyword);
            if list.is_empty() {
                self.keywords = None;
            }
        }
    }

    /// `self` with all of `other` set too.
    pub fn union(mut self, other: &Self) -> Self {
        self.system |= other.system;
        for keyword in other.keywords() {
            self.insert_keyword(keyword.clone());
        }
        self
    }

    /// `self` with all of `other` cleared.
    pub fn difference(mut self, other: &Self) -> Self {
        self.system &= !other.system;
        for keyword in other.keywords() {
            self.remove_keyword(keyword);
        }
        self
    }
}

/// How STORE changes flags (RFC 9051 §6.4.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlagChange {
    /// `FLAGS`: exactly these.
    Replace,
    /// `+FLAGS`: these too.
    Add,
    /// `-FLAGS`: not these.
    Remove,
}

impl FlagChange {
    /// What `old` becomes when `flags` are applied in this way.
    pub fn apply(self, old: &Flags, flags: &Flags) -> Flags {
        match self {
            Self::Replace => flags.clone(),
            Self::Add => old.clone().union(flags),
            Self::Remove => old.clone().difference(flags),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keyword(text: &str) -> Keyword {
        Keyword::parse(text).unwrap()
    }

    #[test]
    fn keywords_are_atoms() {
        for good in ["$Junk", "NonJunk", "a.b-c", "$Forwarded"] {
            assert!(Keyword::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "\\Seen", "a b", "a(", "é", "a\"", "a]", "a\r\n"] {
            assert!(Keyword::parse(bad).is_err(), "{bad:?}");
        }
        assert_eq!(Keyword::parse(&"x".repeat(MAX_KEYWORD_BYTES + 1)), Err(KeywordError::TooLong));
    }

    #[test]
    fn keywords_compare_without_case() {
        let mut flags = Flags::none();
        assert!(flags.insert_keyword(keyword("$Junk")));
        assert!(flags.has_keyword(&keyword("$JUNK")));
        flags.insert_keyword(keyword("$junk"));
        assert_eq!(flags.keywords().len(), 1);
        flags.remove_keyword(&keyword("$JUNK"));
        assert_eq!(flags, Flags::none());
    }

    #[test]
    fn keywords_are_bounded() {
        let mut flags = Flags::none();
        for n in 0..MAX_KEYWORDS_PER_MESSAGE {
            assert!(flags.insert_keyword(keyword(&format!("k{n}"))));
        }
        assert!(!flags.insert_keyword(keyword("more")));
        assert_eq!(flags.keywords().len(), MAX_KEYWORDS_PER_MESSAGE);
    }

    #[test]
    fn changes_apply() {
        let mut seen = Flags::none();
        seen.insert(SystemFlag::Seen);
        let mut draft = Flags::none();
        draft.insert(SystemFlag::Draft);
        draft.insert_keyword(keyword("x"));
        assert_eq!(FlagChange::Replace.apply(&seen, &draft), draft);
        let both = FlagChange::Add.apply(&seen, &draft);
        assert!(both.has(SystemFlag::Seen) && both.has(SystemFlag::Draft));
        assert_eq!(FlagChange::Remove.apply(&both, &draft), seen);
    }
}

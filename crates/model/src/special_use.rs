//! What a mailbox is for (RFC 6154 §2).

/// A special-use attribute of a mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SpecialUse {
    /// Every message of the account.
    All,
    /// Messages kept for later.
    Archive,
    /// Messages being written.
    Drafts,
    /// Messages marked as important to look at.
    Flagged,
    /// Messages taken for spam.
    Junk,
    /// Copies of what was sent.
    Sent,
    /// Messages deleted or about to be.
    Trash,
}

impl SpecialUse {
    /// All of them, in the order of RFC 6154.
    pub const EACH: [Self; 7] =
        [Self::All, Self::Archive, Self::Drafts, Self::Flagged, Self::Junk, Self::Sent, Self::Trash];

    /// The attribute as IMAP writes it, backslash included.
    pub fn attribute(self) -> &'static str {
        match self {
            Self::All => "\\All",
            Self::Archive => "\\Archive",
            Self::Drafts => "\\Drafts",
            Self::Flagged => "\\Flagged",
            Self::Junk => "\\Junk",
            Self::Sent => "\\Sent",
            Self::Trash => "\\Trash",
        }
    }

    /// Reads [`Self::attribute`], in any case.
    pub fn from_attribute(text: &str) -> Option<Self> {
        Self::EACH.into_iter().find(|one| one.attribute().eq_ignore_ascii_case(text))
    }
}

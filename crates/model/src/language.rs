//! Languages in which the house writes to people.

use std::fmt;

/// A language in which the house can write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// German.
    German,
    /// French.
    French,
    /// Italian.
    Italian,
    /// Spanish.
    Spanish,
    /// Greek.
    Greek,
    /// Russian.
    Russian,
    /// Swedish.
    Swedish,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::English,
        Self::German,
        Self::French,
        Self::Italian,
        Self::Spanish,
        Self::Greek,
        Self::Russian,
        Self::Swedish,
    ];

    /// Its tag (RFC 5646), as in `Content-Language`.
    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
            Self::French => "fr",
            Self::Italian => "it",
            Self::Spanish => "es",
            Self::Greek => "el",
            Self::Russian => "ru",
            Self::Swedish => "sv",
        }
    }

    /// Reads a tag; what follows the language, as in `de-AT`, does not matter.
    pub fn parse(tag: &str) -> Option<Self> {
        let primary = tag.split(['-', '_']).next().unwrap_or_default();
        Self::ALL.into_iter().find(|language| language.tag().eq_ignore_ascii_case(primary))
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.tag())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags() {
        for language in Language::ALL {
            assert_eq!(Language::parse(language.tag()), Some(language));
        }
        for (tag, expected) in
            [("DE-at", Some(Language::German)), ("nl", None), ("", None), ("de_CH", Some(Language::German))]
        {
            assert_eq!(Language::parse(tag), expected, "{tag}");
        }
    }
}

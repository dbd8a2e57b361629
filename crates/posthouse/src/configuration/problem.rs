//! What is wrong with a configuration, and where.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// What is wrong with a configuration file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file.
    pub file: PathBuf,
    /// Line and column of the place, each counted from one; `None` for what concerns the file as a whole.
    pub place: Option<(usize, usize)>,
    /// What is wrong, and what is allowed.
    pub message: String,
}

impl Problem {
    /// A problem with the file as a whole.
    pub fn of_file(file: &Path, message: impl Into<String>) -> Self {
        Self { file: file.to_owned(), place: None, message: message.into() }
    }

    /// A problem at the octets `span` of `text`.
    pub fn at(file: &Path, text: &str, span: Range<usize>, message: impl Into<String>) -> Self {
        let before = text.get(..span.start).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |rest| rest.chars().count()) + 1;
        Self { file: file.to_owned(), place: Some((line, column)), message: message.into() }
    }

    /// What the TOML reader says, in one line, with a suggestion where a name is misspelt.
    pub fn of_toml(file: &Path, text: &str, error: &toml::de::Error) -> Self {
        let message = rephrase(&error.message().split_whitespace().collect::<Vec<_>>().join(" "));
        match error.span() {
            Some(span) => Self::at(file, text, span, message),
            None => Self::of_file(file, message),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some((line, column)) = self.place {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}", self.message)
    }
}

impl std::error::Error for Problem {}

/// serde says "unknown field `a`, expected one of `b`, `c`"; a person wants to know which of them was meant.
fn rephrase(message: &str) -> String {
    let Some(rest) = message.strip_prefix("unknown field ") else { return message.to_owned() };
    let mut quoted = rest.split('`').skip(1).step_by(2);
    let Some(unknown) = quoted.next() else { return message.to_owned() };
    let allowed: Vec<&str> = quoted.collect();
    refusal(unknown, "a setting here", &allowed)
}

/// "`a` is not …: did you mean `b`? Allowed: b, c".
pub fn refusal(given: &str, what: &str, allowed: &[&str]) -> String {
    let meant = near_miss(given, allowed).map(|word| format!(" did you mean `{word}`?")).unwrap_or_default();
    format!("`{given}` is not {what}:{meant} allowed: {}", allowed.join(", "))
}

/// The most letters by which a misspelt word may differ from the one that was meant.
const MOST_SLIPS: usize = 3;

/// The allowed word that `given` looks like.
fn near_miss<'a>(given: &str, allowed: &[&'a str]) -> Option<&'a str> {
    let tolerated = (given.chars().count() / 2).clamp(1, MOST_SLIPS);
    allowed
        .iter()
        .map(|word| (edit_distance(&given.to_lowercase(), &word.to_lowercase()), *word))
        .filter(|(distance, _)| *distance <= tolerated)
        .min()
        .map(|(_, word)| word)
}

/// How many letters have to be put in, taken out or changed to make `from` into `to`.
fn edit_distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, letter) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, other) in to.iter().enumerate() {
            let changed = diagonal + usize::from(letter != *other);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_from_one_and_in_characters() {
        let place = |at: usize| Problem::at(Path::new("f"), "äb\ncd\n", at..at, "x").place;
        assert_eq!(place(0), Some((1, 1)));
        assert_eq!(place(2), Some((1, 2)));
        assert_eq!(place(5), Some((2, 2)));
        assert_eq!(place(99), Some((3, 1)));
    }

    #[test]
    fn near_misses_are_found() {
        let allowed = ["implicit", "starttls-required", "none"];
        assert_eq!(near_miss("implict", &allowed), Some("implicit"));
        assert_eq!(near_miss("starttls_required", &allowed), Some("starttls-required"));
        assert_eq!(near_miss("whatever", &allowed), None);
        assert_eq!(near_miss("no", &allowed), None);
    }
}

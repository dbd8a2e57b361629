//! `posthouse account language` and `posthouse domain language`.

use clap::Args;
use posthouse_model::Language;

use super::Output;

/// Which language, if one is to be set.
#[derive(Debug, Args)]
pub struct LanguageWanted {
    /// de, el, en, es, fr, it, ru or sv; `none` for that of the domain or the server. Without it, what is set is shown.
    #[arg(value_name = "LANGUAGE|none", value_parser = parse)]
    pub language: Option<Wanted>,
    /// How.
    #[command(flatten)]
    pub output: Output,
}

/// A language, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted(pub Option<Language>);

/// The word for no language.
const NONE: &str = "none";

fn parse(word: &str) -> Result<Wanted, String> {
    if word == NONE {
        return Ok(Wanted(None));
    }
    let known = || Language::ALL.map(Language::tag).join(", ");
    Language::parse(word)
        .map(|language| Wanted(Some(language)))
        .ok_or_else(|| format!("`{word}` is no language that reports are written in: allowed are {}, {NONE}", known()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words() {
        assert_eq!(parse("de"), Ok(Wanted(Some(Language::German))));
        assert_eq!(parse("none"), Ok(Wanted(None)));
        assert!(parse("nl").is_err_and(|why| why.contains("de, ") && why.contains("none")));
    }
}

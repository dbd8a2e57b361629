//! The file `dovecot-keywords`: which keyword each letter stands for in a folder.

use std::fmt::Write;

use posthouse_model::Keyword;

/// The file's name.
pub(super) const FILE_NAME: &str = "dovecot-keywords";
/// Letters that can stand for keywords: `a` to `z`.
const LETTERS: usize = 26;

/// Which keyword each letter stands for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Keywords {
    keywords: Vec<Option<Keyword>>,
    is_changed: bool,
}

impl Keywords {
    /// Reads the file. What is no keyword is passed over.
    pub fn read(text: &[u8]) -> Self {
        let mut keywords = vec![None; LETTERS];
        for line in text.split(|&octet| octet == b'\n') {
            let Ok(line) = std::str::from_utf8(line) else { continue };
            let Some((number, keyword)) = line.trim_end_matches('\r').split_once(' ') else { continue };
            let (Ok(number), Ok(keyword)) = (number.parse::<usize>(), Keyword::parse(keyword)) else { continue };
            if let Some(place) = keywords.get_mut(number) {
                *place = Some(keyword);
            }
        }
        Self { keywords, is_changed: false }
    }

    /// The file for these keywords.
    pub fn written(&self) -> String {
        let mut text = String::new();
        for (number, keyword) in self.keywords.iter().enumerate() {
            if let Some(keyword) = keyword {
                // Writing to a string cannot fail.
                let _ = writeln!(text, "{number} {keyword}");
            }
        }
        text
    }

    /// The keyword of a letter, counted from 0.
    pub fn at(&self, number: u8) -> Option<&Keyword> {
        self.keywords.get(usize::from(number)).and_then(Option::as_ref)
    }

    /// The letter of a keyword, which gets one if there is one left.
    pub fn letter(&mut self, keyword: &Keyword) -> Option<char> {
        self.keywords.resize(LETTERS, None);
        let known = self.keywords.iter().position(|one| one.as_ref() == Some(keyword));
        let at = known.or_else(|| self.keywords.iter().position(Option::is_none))?;
        if known.is_none() {
            self.keywords[at] = Some(keyword.clone());
            self.is_changed = true;
        }
        u8::try_from(at).ok().map(|at| char::from(b'a' + at))
    }

    /// Whether letters were given out since this was asked last.
    pub fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.is_changed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_read_and_written() {
        let mut keywords = Keywords::read(b"0 $Forwarded\n2 Junk\r\nx y\n26 far\n3\n4 not a keyword\n\xff 5\n");
        assert_eq!(keywords.written(), "0 $Forwarded\n2 Junk\n");
        assert_eq!(keywords.letter(&Keyword::parse("junk").unwrap()), Some('c'));
        assert!(!keywords.take_changed());
        assert_eq!(keywords.letter(&Keyword::parse("new").unwrap()), Some('b'));
        assert!(keywords.take_changed() && !keywords.take_changed());
        for number in 0..23 {
            assert!(keywords.letter(&Keyword::parse(&format!("k{number}")).unwrap()).is_some());
        }
        assert_eq!(keywords.letter(&Keyword::parse("more").unwrap()), None);
    }
}

//! What a subject is without the marks that replying and forwarding put on it (RFC 5256 §2.1).

/// A subject without its marks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BaseSubject {
    /// The subject that sorting and threading compare. Runs of white space are one space each.
    pub text: String,
    /// Whether a mark of a reply or of forwarding was taken off (RFC 5256 §3, THREAD=REFERENCES).
    pub is_reply_or_forward: bool,
}

impl BaseSubject {
    /// Takes the marks off a decoded subject. Time is at most quadratic in the subject, which the caller bounds.
    #[must_use]
    pub fn of(subject: &str) -> Self {
        // Step 1: encoded words have been decoded; white space is one space.
        let spaced = one_space(subject);
        let mut text = spaced.as_str();
        let mut marked = false;
        loop {
            text = without_trailers(text, &mut marked);
            text = without_leaders(text, &mut marked);
            // Step 6.
            match without_forward(text) {
                Some(inside) => {
                    text = inside;
                    marked = true;
                }
                None => break,
            }
        }
        Self { text: text.to_owned(), is_reply_or_forward: marked }
    }
}

fn one_space(subject: &str) -> String {
    let mut spaced = String::with_capacity(subject.len());
    for character in subject.chars() {
        match character {
            ' ' | '\t' | '\r' | '\n' if spaced.ends_with(' ') => {}
            ' ' | '\t' | '\r' | '\n' => spaced.push(' '),
            character => spaced.push(character),
        }
    }
    spaced
}

/// Step 2: `subj-trailer = "(fwd)" / WSP`
fn without_trailers<'a>(mut text: &'a str, marked: &mut bool) -> &'a str {
    loop {
        text = text.trim_end_matches(' ');
        match strip_suffix_in_any_case(text, "(fwd)") {
            Some(rest) => {
                text = rest;
                *marked = true;
            }
            None => return text,
        }
    }
}

/// Steps 3 to 5.
fn without_leaders<'a>(mut text: &'a str, marked: &mut bool) -> &'a str {
    loop {
        text = text.trim_start_matches(' ');
        if let Some(rest) = without_reply_mark(text) {
            text = rest;
            *marked = true;
            continue;
        }
        match without_blob(text) {
            Some(rest) if !rest.is_empty() => text = rest,
            _ => return text,
        }
    }
}

/// ```text
/// subj-leader = (*subj-blob subj-refwd) / WSP
/// subj-refwd  = ("re" / ("fw" ["d"])) *WSP [subj-blob] ":"
/// ```
fn without_reply_mark(text: &str) -> Option<&str> {
    let mut rest = text;
    while let Some(after) = without_blob(rest) {
        rest = after;
    }
    let word = ["re", "fwd", "fw"].into_iter().find_map(|word| strip_prefix_in_any_case(rest, word))?;
    let word = word.trim_start_matches(' ');
    without_blob(word).unwrap_or(word).strip_prefix(':')
}

/// `subj-blob = "[" *BLOBCHAR "]" *WSP`, in which `BLOBCHAR` is all but brackets.
fn without_blob(text: &str) -> Option<&str> {
    let inside = text.strip_prefix('[')?;
    let end = inside.find(['[', ']'])?;
    Some(inside[end..].strip_prefix(']')?.trim_start_matches(' '))
}

/// `subj-fwd = "[fwd:" subject "]"`
fn without_forward(text: &str) -> Option<&str> {
    strip_prefix_in_any_case(text, "[fwd:")?.strip_suffix(']')
}

fn strip_prefix_in_any_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let start = text.get(..prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then(|| &text[prefix.len()..])
}

fn strip_suffix_in_any_case<'a>(text: &'a str, suffix: &str) -> Option<&'a str> {
    let at = text.len().checked_sub(suffix.len())?;
    text.get(at..)?.eq_ignore_ascii_case(suffix).then(|| &text[..at])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(subject: &str, expected: &str, marked: bool) {
        let base = BaseSubject::of(subject);
        assert_eq!((base.text.as_str(), base.is_reply_or_forward), (expected, marked), "{subject:?}");
    }

    #[test]
    fn plain_subjects_stay() {
        check("", "", false);
        check("Hello", "Hello", false);
        check(" two \t\r\n  words ", "two words", false);
        check("Regarding: this", "Regarding: this", false);
        check("re this", "re this", false);
        check("ré: this", "ré: this", false);
    }

    #[test]
    fn replies() {
        check("Re: Hello", "Hello", true);
        check("re:hello", "hello", true);
        check("RE : Hello", "Hello", true);
        check("Re: re: RE: Hello", "Hello", true);
        check("Re[2]: Hello", "Hello", true);
        check("Re [2] : Hello", "Hello", true);
        check("Re[2[3]]: Hello", "Re[2[3]]: Hello", false);
        check("Re:", "", true);
    }

    #[test]
    fn forwards() {
        check("Fwd: Hello", "Hello", true);
        check("FW: Hello", "Hello", true);
        check("Hello (fwd)", "Hello", true);
        check("Hello (FWD) (fwd)  ", "Hello", true);
        check("[Fwd: Hello]", "Hello", true);
        check("[fwd: Re: [fwd: Hello] (fwd)]", "Hello", true);
        check("[fwd: Hello", "[fwd: Hello", false);
        check("Fwd", "Fwd", false);
    }

    #[test]
    fn blobs() {
        check("[list] Hello", "Hello", false);
        check("[list] Re: Hello", "Hello", true);
        check("[a] [b] Re: [c] Hello", "Hello", true);
        check("[list]", "[list]", false);
        check("[a][b]", "[b]", false);
        check("Re: [list]", "[list]", true);
        check("[a[b] Hello", "[a[b] Hello", false);
    }

    #[test]
    fn a_long_row_of_blobs_takes_no_long() {
        let hostile = format!("{}re", "[]".repeat(450));
        check(&hostile, "re", false);
        check(&"[fwd:".repeat(200), &"[fwd:".repeat(200), false);
    }

    proptest! {
        #[test]
        fn what_is_bare_has_no_marks_left(subject in "(re|fwd?|:|\\[|\\]|\\(fwd\\)| |[a-z]|é){0,24}") {
            let base = BaseSubject::of(&subject);
            let again = BaseSubject::of(&base.text);
            prop_assert_eq!(&again.text, &base.text);
            prop_assert!(base.text.len() <= subject.len());
        }
    }
}

//! Rust source divided into code, comments and the text of literals, line by line.
//!
//! The rules look for words, and a word means something else in a comment or in a literal. Each
//! of the three views has the lines and columns of the source; what is not of it is blank.

use std::path::Path;

/// A source file, seen three ways.
pub struct Source {
    /// Code, without comments and without the text of literals.
    pub code: String,
    /// Comments.
    pub comments: String,
    /// What stands between quotation marks.
    pub literals: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum View {
    Code,
    Comment,
    Literal,
}

impl Source {
    /// Divides `text`. Source that does not compile is divided somehow, without panic.
    pub fn divide(text: &str) -> Self {
        let bytes = text.as_bytes();
        let mut views = vec![View::Code; bytes.len()];
        let mut at = 0;
        while at < bytes.len() {
            let rest = &bytes[at..];
            let (view, length) = if rest.starts_with(b"//") {
                (View::Comment, line_length(rest))
            } else if rest.starts_with(b"/*") {
                (View::Comment, block_comment_length(rest))
            } else if let Some(length) = raw_string_length(bytes, at) {
                (View::Literal, length)
            } else if rest[0] == b'"' {
                (View::Literal, quoted_length(rest))
            } else if rest[0] == b'\'' {
                (View::Literal, character_length(rest))
            } else {
                (View::Code, 1)
            };
            let end = (at + length.max(1)).min(bytes.len());
            views[at..end].fill(view);
            at = end;
        }
        let only = |view: View| {
            let kept: Vec<u8> = bytes
                .iter()
                .zip(&views)
                .map(|(byte, of)| if *of == view || *byte == b'\n' { *byte } else { b' ' })
                .collect();
            String::from_utf8_lossy(&kept).into_owned()
        };
        Self { code: only(View::Code), comments: only(View::Comment), literals: only(View::Literal) }
    }

    /// For each line whether it is of an item that only tests compile (`#[cfg(test)]`).
    pub fn test_lines(&self) -> Vec<bool> {
        let mut marks = vec![false; self.code.lines().count()];
        let mut from = 0;
        while let Some(found) = self.code[from..].find("#[cfg(test)]") {
            let start = from + found;
            let end = item_end(&self.code, start + "#[cfg(test)]".len());
            let first = self.code[..start].matches('\n').count();
            let last = self.code[..end].matches('\n').count();
            let last = last.min(marks.len().saturating_sub(1));
            marks[first..=last].fill(true);
            from = end.max(start + 1);
        }
        marks
    }
}

/// Whether a whole file is of tests: it lies in a `tests` directory or is named for them.
pub fn is_test_file(file: &Path) -> bool {
    file.components().any(|part| part.as_os_str() == "tests" || part.as_os_str() == "benches")
        || file
            .file_stem()
            .and_then(|stem| stem.to_str())
            .is_some_and(|stem| stem == "tests" || stem.ends_with("_tests"))
}

/// Whether `word` stands in `line` by itself, not as a part of a longer name.
pub fn has_word(line: &str, word: &str) -> bool {
    let is_part =
        |character: Option<char>| character.is_some_and(|character| character.is_alphanumeric() || character == '_');
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        let open_start = word.starts_with(|c: char| c.is_alphanumeric() || c == '_');
        let open_end = word.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        !(open_start && is_part(before) || open_end && is_part(after))
    })
}

fn line_length(rest: &[u8]) -> usize {
    rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len())
}

/// Block comments nest.
fn block_comment_length(rest: &[u8]) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < rest.len() {
        if rest[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                break;
            }
        } else {
            at += 1;
        }
    }
    at
}

fn quoted_length(rest: &[u8]) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    at
}

/// `r"…"`, `r#"…"#`, also behind `b` and `c`; nothing when a name only begins with that letter.
fn raw_string_length(bytes: &[u8], at: usize) -> Option<usize> {
    if at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_') {
        return None;
    }
    let rest = &bytes[at..];
    let prefix = if rest.starts_with(b"r") {
        1
    } else if rest.starts_with(b"br") || rest.starts_with(b"cr") {
        2
    } else {
        return None;
    };
    let hashes = rest[prefix..].iter().take_while(|byte| **byte == b'#').count();
    if rest.get(prefix + hashes) != Some(&b'"') {
        return None;
    }
    let close: Vec<u8> = std::iter::once(b'"').chain(std::iter::repeat_n(b'#', hashes)).collect();
    let body = prefix + hashes + 1;
    let end = rest[body..].windows(close.len()).position(|window| window == close);
    Some(end.map_or(rest.len(), |end| body + end + close.len()))
}

/// A character literal, or one byte when the mark begins a lifetime.
fn character_length(rest: &[u8]) -> usize {
    if rest.get(1) == Some(&b'\\') {
        let end = rest.iter().skip(3).position(|byte| *byte == b'\'');
        return end.map_or(1, |end| end + 4);
    }
    // The longest UTF-8 sequence has four bytes.
    (2..=5)
        .find(|end| rest.get(*end) == Some(&b'\''))
        .filter(|end| is_one_character(&rest[1..*end]))
        .map_or(1, |end| end + 1)
}

fn is_one_character(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|text| text.chars().count() == 1)
}

/// Where the item that begins at `from` ends: behind its `;`, or behind the brace that closes it.
fn item_end(code: &str, from: usize) -> usize {
    let mut depth = 0_usize;
    for (offset, byte) in code.bytes().enumerate().skip(from) {
        match byte {
            b'{' => depth += 1,
            b'}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return offset + 1;
                }
            }
            b';' if depth == 0 => return offset + 1,
            _ => {}
        }
    }
    code.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, code: &str, comments: &str, literals: &str) {
        let source = Source::divide(text);
        let squeeze = |view: &str| view.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(squeeze(&source.code), code, "code of {text}");
        assert_eq!(squeeze(&source.comments), comments, "comments of {text}");
        assert_eq!(squeeze(&source.literals), literals, "literals of {text}");
        assert_eq!(source.code.len(), text.len(), "columns of {text}");
    }

    #[test]
    fn code_comments_and_literals_are_told_apart() {
        check("let a = 1; // one", "let a = 1;", "// one", "");
        check("f(\"// no\"); // yes", "f( );", "// yes", "\"// no\"");
        check("a /* b /* c */ d */ e", "a e", "/* b /* c */ d */", "");
        check(r#"f("a\"b") + g"#, "f( ) + g", "", r#""a\"b""#);
        check("f(r#\"a\"b\"#) + br\"x\"", "f( ) +", "", "r#\"a\"b\"# br\"x\"");
        check("for_r\"\"", "for_r", "", "\"\"");
        check("x == '\"' && y", "x == && y", "", "'\"'");
        check(r"x == '\'' && y", "x == && y", "", r"'\''");
        check("fn f<'a>(x: &'a str)", "fn f< a>(x: & a str)", "", "' '");
        check("'\u{1F}' + 'é'", "+", "", "'\u{1F}' 'é'");
    }

    #[test]
    fn what_does_not_end_is_divided_somehow() {
        for text in ["\"abc", "/* abc", "r#\"abc", "'\\", "\"\\", "'", "r", "#[cfg(test)]"] {
            let source = Source::divide(text);
            assert_eq!(source.code.len(), text.len());
            source.test_lines();
        }
    }

    #[test]
    fn items_of_tests_are_marked() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() { \"}\"; }\n}\nfn c() {}\n";
        let marks = Source::divide(text).test_lines();
        assert_eq!(marks, [false, true, true, true, true, false]);
        let text = "#[cfg(test)]\nmod tests;\nfn c() {}\n";
        assert_eq!(Source::divide(text).test_lines(), [true, true, false]);
    }

    #[test]
    fn words_stand_by_themselves() {
        assert!(has_word("use std::fs;", "std::fs"));
        assert!(!has_word("use std::fsync;", "std::fs"));
        assert!(has_word("x.await?", ".await"));
        assert!(!has_word("let tcp_stream: MyTcpStream", "TcpStream"));
    }

    #[test]
    fn test_files_are_known_by_their_place() {
        assert!(is_test_file(Path::new("crates/a/tests/b.rs")));
        assert!(is_test_file(Path::new("crates/a/src/b/tests.rs")));
        assert!(!is_test_file(Path::new("crates/a/src/latest.rs")));
    }
}

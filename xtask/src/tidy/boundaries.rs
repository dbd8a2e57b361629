//! What code may not do in a room: I/O where there is none, SQL outside the stores.

use std::path::Path;

use super::code::{Source, has_word, is_test_file};
use super::rooms::{IMPURE_CODE, PURE_ROOMS};
use super::{Finding, Repository};

const PURITY: &str = "pure room";
const SQL: &str = "SQL only in storage-*";

/// The beginnings of statements that no protocol of mail shares.
const STATEMENTS: &[&str] =
    &["INSERT INTO ", "DELETE FROM ", "CREATE TABLE ", "CREATE INDEX ", "ALTER TABLE ", "PRAGMA "];

/// Looks through the source of every crate, tests excepted.
pub fn check(repository: &Repository) -> Vec<Finding> {
    repository
        .rust_files()
        .filter(|(file, _)| file.starts_with("crates") && !is_test_file(file))
        .flat_map(|(file, text)| check_file(file, text))
        .collect()
}

fn check_file(file: &Path, text: &str) -> Vec<Finding> {
    let room = file.components().nth(1).and_then(|part| part.as_os_str().to_str()).unwrap_or("");
    let source = Source::divide(text);
    let tests = source.test_lines();
    let lines = source.code.lines().zip(source.literals.lines()).zip(tests).enumerate();
    let mut findings = Vec::new();
    for (index, ((code, literal), is_test)) in lines {
        if is_test {
            continue;
        }
        let mut report = |rule, advice: String| findings.push(Finding::new(file, index + 1, rule, advice));
        if PURE_ROOMS.contains(&room) {
            for word in IMPURE_CODE.iter().filter(|word| has_word(code, word)) {
                report(PURITY, format!("{room} does no I/O: no {word}; take time and data as arguments"));
            }
        }
        if !room.starts_with("storage")
            && let Some(statement) = statement_in(literal)
        {
            report(SQL, format!("{statement} … belongs behind the storage port"));
        }
    }
    findings
}

/// IMAP has a SELECT too, so that word alone says nothing.
fn statement_in(literal: &str) -> Option<&'static str> {
    if let Some((_, rest)) = literal.split_once("SELECT ")
        && rest.contains(" FROM ")
        && !rest.contains("\\r\\n")
    {
        return Some("SELECT");
    }
    STATEMENTS.iter().find(|statement| literal.contains(**statement)).map(|found| found.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(file: &str, text: &str, expected: &[&str]) {
        let found: Vec<String> = check_file(Path::new(file), text).iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.contains(expected), "{found} lacks {expected}");
        }
    }

    #[test]
    fn a_pure_room_has_no_clock_and_no_files() {
        let smtp = "crates/smtp/src/a.rs";
        check(smtp, "fn f() { let t = Instant::now(); }", &["a.rs:1: pure room"]);
        check(smtp, "\nuse std::fs;", &["a.rs:2: pure room"]);
        check(smtp, "// Instant::now is the driver's\nuse std::net::IpAddr;", &[]);
        check(smtp, "#[cfg(test)]\nmod tests {\n    use std::fs;\n}\n", &[]);
        check("crates/server/src/a.rs", "let t = Instant::now();", &[]);
    }

    #[test]
    fn statements_stay_in_the_stores() {
        let flow = "crates/flow/src/a.rs";
        check(flow, r#"f("SELECT id FROM queue");"#, &["SQL only"]);
        check(flow, r#"f("INSERT INTO queue VALUES (1)");"#, &["SQL only"]);
        check("crates/storage-sqlite/src/a.rs", r#"f("SELECT id FROM queue");"#, &[]);
        check("crates/imap/src/a.rs", r#"f("a SELECT INBOX\r\nb SEARCH FROM x");"#, &[]);
        check(flow, "// INSERT INTO is not for us", &[]);
    }
}

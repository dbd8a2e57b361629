//! `docs/rfc-status.tsv` and the references in the code tell the same story.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::code::Source;
use super::{Finding, Repository};

const TABLE: &str = "docs/rfc-status.tsv";
const RULE: &str = "standards";
/// RFC, title, status, where, note.
const COLUMNS: usize = 5;
const HEADER: &str = "RFC\ttitle\tstatus\twhere\tnote";

/// What was found, and what is merely worth knowing.
pub struct Outcome {
    /// Rules that are broken.
    pub findings: Vec<Finding>,
    /// Planned standards that the code already refers to: perhaps their status is out of date.
    pub begun: Vec<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    Yes,
    Partial,
    Planned,
    No,
}

impl Status {
    fn parse(word: &str) -> Option<Self> {
        match word {
            "Yes" => Some(Status::Yes),
            "Partial" => Some(Status::Partial),
            "Planned" => Some(Status::Planned),
            "No" => Some(Status::No),
            _ => None,
        }
    }

    fn is_claimed(self) -> bool {
        matches!(self, Status::Yes | Status::Partial)
    }
}

#[derive(Debug)]
struct Row {
    line: usize,
    status: Status,
}

/// One mention of a standard.
#[derive(Debug, PartialEq, Eq)]
struct Reference {
    line: usize,
    rfc: u32,
    has_section: bool,
}

/// Holds the table against the source of the crates.
pub fn check(repository: &Repository) -> anyhow::Result<Outcome> {
    let sources: Vec<(&Path, &str)> =
        repository.rust_files().filter(|(file, _)| file.starts_with("crates") || file.starts_with("tests")).collect();
    let exists = |path: &str| {
        let path = Path::new(path);
        repository.files.iter().any(|file| file.starts_with(path))
    };
    Ok(compare(repository.text(TABLE)?, &sources, exists))
}

fn compare(table: &str, sources: &[(&Path, &str)], exists: impl Fn(&str) -> bool) -> Outcome {
    let (rows, mut findings) = parse_table(table, exists);
    let mut mentioned = BTreeSet::new();
    for (file, text) in sources {
        for reference in references(text) {
            mentioned.insert(reference.rfc);
            if reference.has_section && !rows.contains_key(&reference.rfc) {
                let advice = format!("RFC {} has no line in {TABLE}; add it", reference.rfc);
                findings.push(Finding::new(*file, reference.line, RULE, advice));
            }
        }
    }
    let mut begun = Vec::new();
    for (rfc, row) in &rows {
        match mentioned.contains(rfc) {
            false if row.status.is_claimed() => {
                let advice = format!(
                    "RFC {rfc} is claimed, but no comment in the code refers to it; refer to it where it is obeyed"
                );
                findings.push(Finding::new(TABLE, row.line, RULE, advice));
            }
            true if row.status == Status::Planned => begun.push(*rfc),
            _ => {}
        }
    }
    Outcome { findings, begun }
}

fn parse_table(table: &str, exists: impl Fn(&str) -> bool) -> (BTreeMap<u32, Row>, Vec<Finding>) {
    let mut rows = BTreeMap::new();
    let mut findings = Vec::new();
    let mut report = |line: usize, advice: String| {
        findings.push(Finding::new(TABLE, line, RULE, advice));
    };
    if table.lines().next() != Some(HEADER) {
        report(1, format!("begin with {}", HEADER.replace('\t', " | ")));
    }
    let mut last = 0;
    for (index, text) in table.lines().enumerate().skip(1) {
        let line = index + 1;
        let columns: Vec<&str> = text.split('\t').collect();
        // Columns at the end that are empty may be left out.
        let ([rfc, title, status, rest @ ..], ..=COLUMNS) = (columns.as_slice(), columns.len()) else {
            report(line, format!("{} columns, not {COLUMNS}; divide them with tabs", columns.len()));
            continue;
        };
        let place = rest.first().unwrap_or(&"");
        let Ok(rfc) = rfc.parse::<u32>() else {
            report(line, format!("{rfc:?} is not the number of an RFC"));
            continue;
        };
        let Some(status) = Status::parse(status) else {
            report(line, format!("{status:?} is none of Yes, Partial, Planned, No"));
            continue;
        };
        if title.is_empty() {
            report(line, format!("RFC {rfc} has no title"));
        }
        if status.is_claimed() && place.is_empty() {
            report(line, format!("say where RFC {rfc} is obeyed, as a path below crates/"));
        }
        for path in place.split([',', ' ']).filter(|path| !path.is_empty()) {
            if !exists(&format!("crates/{path}")) {
                report(line, format!("crates/{path} does not exist"));
            }
        }
        if rfc <= last {
            report(line, format!("RFC {rfc} follows RFC {last}; sort the table, each RFC once"));
        }
        last = rfc;
        rows.insert(rfc, Row { line, status });
    }
    (rows, findings)
}

/// `RFC 5321`, `RFC 5321 §4.5`, `RFC 5321, §4.5` in comments.
fn references(text: &str) -> Vec<Reference> {
    let comments = Source::divide(text).comments;
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    for (index, line) in comments.lines().enumerate() {
        for (at, _) in line.match_indices("RFC ") {
            let rest = &line[at + "RFC ".len()..];
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let Ok(rfc) = rest[..digits].parse() else { continue };
            let has_section = rest[digits..].trim_start_matches([',', ' ']).starts_with('§');
            if seen.insert((index, rfc, has_section)) {
                found.push(Reference { line: index + 1, rfc, has_section });
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "crates/smtp/src/a.rs";

    fn check(rows: &str, source: &str, findings: &[&str], begun: usize) {
        let table = format!("{HEADER}\n{rows}");
        let exists = |path: &str| path == "crates/smtp" || path == FILE;
        let outcome = compare(&table, &[(Path::new(FILE), source)], exists);
        let found: Vec<String> = outcome.findings.iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), findings.len(), "{rows:?} with {source:?}: {found:?}");
        for (found, expected) in found.iter().zip(findings) {
            assert!(found.contains(expected), "{found} lacks {expected}");
        }
        assert_eq!(outcome.begun.len(), begun, "{:?}", outcome.begun);
    }

    #[test]
    fn references_are_found_in_comments() {
        let source = "// RFC 5321 §4.5 and RFC 1870, §6\n/// RFC 3207.\nlet a = \"RFC 9 §1\";\n// RFC822\n";
        let expected = [(1, 5321, true), (1, 1870, true), (2, 3207, false)].map(|(line, rfc, has_section)| Reference {
            line,
            rfc,
            has_section,
        });
        assert_eq!(references(source), expected);
    }

    #[test]
    fn a_section_needs_a_line_in_the_table() {
        check("5321\tSMTP\tYes\tsmtp\t\n", "// RFC 5321 §4.5\n", &[], 0);
        check("", "\n// RFC 5321 §4.5\n", &["a.rs:2: standards: RFC 5321 has no line"], 0);
        check("", "// RFC 5321 says so\n", &[], 0);
    }

    #[test]
    fn what_is_claimed_is_referred_to() {
        check("5321\tSMTP\tPartial\tsmtp\t\n", "", &["RFC 5321 is claimed"], 0);
        check("5321\tSMTP\tPlanned\t\t\n5322\tMail\tNo\t\t\n", "", &[], 0);
        check("5321\tSMTP\tPlanned\t\t\n", "// RFC 5321 §2\n", &[], 1);
    }

    #[test]
    fn the_table_is_well_formed() {
        let source = "// RFC 1 §1, RFC 2 §1\n";
        check("1\tA\tYes\tsmtp/src/a.rs\t\n", source, &["RFC 2 has no line"], 0);
        check("1\tA\n2\tB\tNo\n", source, &["2 columns", "RFC 1 has no line"], 0);
        check("1\tA\tNo\t\t\t\n2\tB\tNo\n", source, &["6 columns", "RFC 1 has no line"], 0);
        check("x\tA\tYes\t\t\n", "", &["not the number"], 0);
        check("1\tA\tDone\t\t\n", "", &["none of"], 0);
        check("1\tA\tYes\t\t\n2\tB\tNo\t\t\n", source, &["say where"], 0);
        check("1\tA\tYes\tattic\t\n2\tB\tNo\t\t\n", source, &["crates/attic does not exist"], 0);
        check("2\tB\tNo\t\t\n1\tA\tNo\t\t\n", source, &["sort the table"], 0);
    }
}

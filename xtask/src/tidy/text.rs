//! How files look: their length, their ends, words that must not stay in them.

use std::path::Path;

use super::code::{Source, has_word};
use super::{Finding, Repository};

/// A source file longer than this holds more than one concept.
const MAX_LINES: usize = 700;

const LENGTH: &str = "file length";
const WHITE_SPACE: &str = "white space";
const UNFINISHED: &str = "unfinished";
const MACHINE: &str = "machine path";
const REGISTRY: &str = "registry host";

/// Files that people write. Others (messages, transcripts, seeds) are data and keep their bytes.
const WRITTEN: &[&str] = &["rs", "toml", "md", "tsv", "txt", "sh", "sql", "yml", "yaml", "ts", "svelte", "css", "html"];

/// Directories whose files are data whatever their names.
const DATA_DIRECTORIES: &[&str] = &["seeds", "corpus", "data", "vectors", "transcripts"];

/// Files that tools write, or that must carry a text unchanged.
const EXEMPT: &[&str] = &["Cargo.lock", "package-lock.json", "LICENSE-APACHE", "LICENSE-MIT"];

/// Notes to oneself; the words are divided here so that this file passes.
const NOTES: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];
const MACROS: &[&str] = &[concat!("to", "do!"), concat!("unimple", "mented!"), concat!("db", "g!")];
/// Directories of the machine that something was written on.
const PATHS: &[&str] = &[concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/")];
const HOSTS: &[&str] = &[
    concat!("registry.npm", "js.org"),
    concat!("index.crates", ".io"),
    concat!("static.crates", ".io"),
    concat!("pypi", ".org"),
    concat!("python", "hosted.org"),
    concat!("proxy.gol", "ang.org"),
];

/// Looks at every file that people write.
pub fn check(repository: &Repository) -> Vec<Finding> {
    repository
        .texts
        .iter()
        .filter(|(file, _)| is_written(file))
        .flat_map(|(file, text)| check_file(file, text))
        .collect()
}

fn is_written(file: &Path) -> bool {
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let is_data = file.components().any(|part| DATA_DIRECTORIES.iter().any(|directory| part.as_os_str() == *directory));
    let extension = file.extension().and_then(|extension| extension.to_str());
    // Without an extension: scripts such as `.ci/run`, and files such as `.gitignore`.
    let is_written = extension.is_none_or(|extension| WRITTEN.contains(&extension));
    is_written && !is_data && !EXEMPT.contains(&name)
}

fn check_file(file: &Path, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let is_rust = file.extension().is_some_and(|extension| extension == "rs");
    let count = text.lines().count();
    if is_rust && file.starts_with("crates") && count > MAX_LINES {
        let advice = format!("{count} lines, at most {MAX_LINES}; divide it by concept");
        findings.push(Finding::new(file, 0, LENGTH, advice));
    }
    if !text.is_empty() && !text.ends_with('\n') {
        findings.push(Finding::new(file, count, WHITE_SPACE, "end the file with a newline"));
    }
    if text.ends_with("\n\n") {
        findings.push(Finding::new(file, count, WHITE_SPACE, "one newline at the end is enough"));
    }
    // Not `lines`, which would hide a carriage return.
    for (index, line) in text.split('\n').enumerate() {
        findings.extend(check_line(file, index + 1, line));
    }
    findings.extend(if is_rust { unfinished_rust(file, text) } else { unfinished(file, text) });
    findings
}

fn check_line(file: &Path, number: usize, line: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    if line.ends_with([' ', '\t', '\r']) {
        findings.push(Finding::new(file, number, WHITE_SPACE, "remove what trails the line"));
    }
    for path in PATHS.iter().filter(|path| has_absolute_path(line, path)) {
        let advice = format!("{path} exists on one machine only; use a relative path");
        findings.push(Finding::new(file, number, MACHINE, advice));
    }
    for host in HOSTS.iter().filter(|host| line.contains(**host)) {
        let advice = format!("do not name {host}; the clients know their registries");
        findings.push(Finding::new(file, number, REGISTRY, advice));
    }
    findings
}

/// Whether `path` begins a path here, rather than continuing one (`a/home/b`, `$PREFIX/home/b`).
fn has_absolute_path(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || "._-~})*".contains(c))
    })
}

fn unfinished_rust(file: &Path, text: &str) -> Vec<Finding> {
    let source = Source::divide(text);
    let mut findings = Vec::new();
    for (index, (code, comment)) in source.code.lines().zip(source.comments.lines()).enumerate() {
        let notes = NOTES.iter().filter(|word| has_word(comment, word));
        let macros = MACROS.iter().filter(|word| has_word(code, word));
        for word in notes.chain(macros) {
            findings.push(unfinished_finding(file, index + 1, word));
        }
    }
    findings
}

fn unfinished(file: &Path, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, line) in text.lines().enumerate() {
        for word in NOTES.iter().filter(|word| has_word(line, word)) {
            findings.push(unfinished_finding(file, index + 1, word));
        }
    }
    findings
}

fn unfinished_finding(file: &Path, number: usize, word: &str) -> Finding {
    Finding::new(file, number, UNFINISHED, format!("{word}: do it, or open an issue"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(file: &str, text: &str, expected: &[(usize, &str)]) {
        let found = check_file(Path::new(file), text);
        let found: Vec<(usize, &str)> = found.iter().map(|found| (found.line, found.rule)).collect();
        assert_eq!(found, expected, "{file}: {text:?}");
    }

    #[test]
    fn lines_end_cleanly() {
        check("a.md", "one\ntwo\n", &[]);
        check("a.md", "one \ntwo\n", &[(1, WHITE_SPACE)]);
        check("a.md", "one\r\n", &[(1, WHITE_SPACE)]);
        check("a.md", "one", &[(1, WHITE_SPACE)]);
        check("a.md", "one\n\n", &[(2, WHITE_SPACE)]);
        check("a.md", "", &[]);
    }

    #[test]
    fn long_source_is_divided() {
        check("crates/a/src/b.rs", &"fn f() {}\n".repeat(700), &[]);
        check("crates/a/src/b.rs", &"fn f() {}\n".repeat(701), &[(0, LENGTH)]);
        check("docs/a.md", &"line\n".repeat(701), &[]);
    }

    #[test]
    fn nothing_stays_unfinished() {
        let [note, _, marks] = NOTES else { panic!("three words") };
        check("a.rs", &format!("// {note} later\n"), &[(1, UNFINISHED)]);
        check("a.rs", &format!("f(\"{marks}\"); // a bogus command\n"), &[]);
        check("a.rs", &format!("fn f() {{ {}() }}\n", MACROS[0]), &[(1, UNFINISHED)]);
        check("a.md", &format!("{note}: write this\n"), &[(1, UNFINISHED)]);
    }

    #[test]
    fn no_path_of_a_machine() {
        let [_, root, home] = PATHS else { panic!("three paths") };
        check("a.md", &format!("see {home}me/notes\n"), &[(1, MACHINE)]);
        check("a.rs", &format!("const A: &str = \"{root}a\";\n"), &[(1, MACHINE)]);
        check("a.sh", &format!("cp a $TMP{home}b && cp a ${{TMP}}{home}b && ls x{home}b\n"), &[]);
    }

    #[test]
    fn no_host_of_a_registry() {
        check("a.md", &format!("https://{}/x\n", HOSTS[0]), &[(1, REGISTRY)]);
    }

    #[test]
    fn data_keeps_its_bytes() {
        for file in ["fuzz/seeds/a/b.txt", "tests/data/a.md", "a.eml", "Cargo.lock"] {
            assert!(!is_written(Path::new(file)), "{file}");
        }
        for file in ["a.rs", ".ci/run", "docs/a.md"] {
            assert!(is_written(Path::new(file)), "{file}");
        }
    }
}

//! Links between the documents of the repository lead somewhere.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use super::{Finding, Repository};

const RULE: &str = "link";

/// Follows every relative link, and every fragment that names a heading.
pub fn check(repository: &Repository) -> Vec<Finding> {
    let existing: BTreeSet<PathBuf> =
        repository.files.iter().flat_map(|file| file.ancestors().map(Path::to_path_buf).collect::<Vec<_>>()).collect();
    let mut findings = Vec::new();
    for (file, text) in repository.texts.iter().filter(|(file, _)| is_markdown(file)) {
        for (line, target) in links(text) {
            let headings_of =
                |path: &Path| repository.texts.get(path).filter(|_| is_markdown(path)).map(|text| headings(text));
            if let Err(advice) = follow(file, &target, &existing, headings_of) {
                findings.push(Finding::new(file, line, RULE, advice));
            }
        }
    }
    findings
}

fn is_markdown(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "md")
}

fn follow(
    file: &Path,
    target: &str,
    existing: &BTreeSet<PathBuf>,
    headings_of: impl Fn(&Path) -> Option<BTreeSet<String>>,
) -> Result<(), String> {
    if target.contains("://") || target.starts_with("mailto:") {
        return Ok(());
    }
    let (path, fragment) = target.split_once('#').unwrap_or((target, ""));
    let path = if path.is_empty() {
        file.to_path_buf()
    } else {
        let base = file.parent().unwrap_or(Path::new(""));
        resolve(base, path).ok_or_else(|| format!("{target} leads out of the repository"))?
    };
    if !existing.contains(&path) {
        return Err(format!("{target} does not exist; {} was looked for", path.display()));
    }
    match headings_of(&path) {
        Some(headings) if !fragment.is_empty() && !headings.contains(fragment) => {
            Err(format!("{} has no heading #{fragment}", path.display()))
        }
        _ => Ok(()),
    }
}

/// The path without `.` and `..`; nothing when it leaves the root.
fn resolve(base: &Path, link: &str) -> Option<PathBuf> {
    let joined = match link.strip_prefix('/') {
        Some(from_root) => PathBuf::from(from_root),
        None => base.join(link),
    };
    let mut resolved = PathBuf::new();
    for part in joined.components() {
        match part {
            Component::ParentDir if !resolved.pop() => return None,
            Component::Normal(name) => resolved.push(name),
            _ => {}
        }
    }
    Some(resolved)
}

/// The text outside code blocks and code spans, line by line; blank where there was code.
fn prose(text: &str) -> Vec<String> {
    let mut in_block = false;
    text.lines()
        .map(|line| {
            let trimmed = line.trim_start();
            if trimmed.starts_with("```") || trimmed.starts_with("~~~") {
                in_block = !in_block;
                return String::new();
            }
            if in_block {
                return String::new();
            }
            let spans = line.split('`').enumerate();
            spans.filter(|(index, _)| index % 2 == 0).map(|(_, span)| span).collect()
        })
        .collect()
}

/// `](target)` and `[label]: target`, with the number of the line.
fn links(text: &str) -> Vec<(usize, String)> {
    let mut links = Vec::new();
    for (index, line) in prose(text).iter().enumerate() {
        for piece in line.split("](").skip(1) {
            let target = piece.split([')', ' ']).next().unwrap_or_default();
            links.push((index + 1, target.trim_matches(['<', '>']).to_owned()));
        }
        if line.starts_with('[')
            && let Some((_, target)) = line.split_once("]: ")
            && let Some(target) = target.split_whitespace().next()
        {
            links.push((index + 1, target.to_owned()));
        }
    }
    links
}

/// The fragments of a document's headings, as web front ends of git name them.
fn headings(text: &str) -> BTreeSet<String> {
    let mut in_block = false;
    let mut fragments = BTreeSet::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
        }
        if in_block || !line.starts_with('#') {
            continue;
        }
        let title = line.trim_start_matches('#').trim().to_lowercase();
        let slug: String = title
            .chars()
            .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
            .map(|c| if c == ' ' { '-' } else { c })
            .collect();
        let repeated = (1..).map(|count| format!("{slug}-{count}"));
        let unused = std::iter::once(slug.clone()).chain(repeated).find(|slug| !fragments.contains(slug));
        fragments.extend(unused);
    }
    fragments
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(target: &str, expected: &str) {
        let existing = ["docs", "docs/a.md", "docs/b.md", "README.md"].map(PathBuf::from).into_iter().collect();
        let headings_of = |path: &Path| (path == Path::new("docs/b.md")).then(|| headings("# How it's done\n"));
        let found = follow(Path::new("docs/a.md"), target, &existing, headings_of);
        let message = found.err().unwrap_or_default();
        assert!(message.contains(expected), "{target}: {message}");
        assert_eq!(message.is_empty(), expected.is_empty(), "{target}: {message}");
    }

    #[test]
    fn relative_links_are_followed() {
        check("b.md", "");
        check("../README.md", "");
        check("/README.md", "");
        check("../docs/", "");
        check("https://example.org/x", "");
        check("c.md", "does not exist");
        check("../../secret", "leads out");
    }

    #[test]
    fn fragments_name_headings() {
        check("b.md#how-its-done", "");
        check("b.md#how", "no heading");
    }

    #[test]
    fn links_in_code_are_not_links() {
        let text = "[a](x.md) and `[b](y.md)`\n```\n[c](z.md)\n```\n[d]: w.md\n[e](<v.md>)\n";
        let expected = [(1, "x.md"), (5, "w.md"), (6, "v.md")];
        let found = links(text);
        let found: Vec<(usize, &str)> = found.iter().map(|(line, target)| (*line, target.as_str())).collect();
        assert_eq!(found, expected);
    }
}

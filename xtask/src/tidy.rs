//! `cargo xtask tidy`: the rules of the house that a machine can check.
//!
//! Each rule is a function from what it looks at to its findings, so that it can be tested on
//! small inputs; `run` reads the repository once and hands it round.

mod boundaries;
mod code;
mod dependencies;
mod licences;
mod links;
mod manifests;
mod rooms;
mod standards;
mod text;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::workspace::{self, Package};

/// Something that breaks a rule, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    /// Relative to the root of the repository.
    file: PathBuf,
    /// Counted from 1; 0 when the finding concerns the whole file.
    line: usize,
    rule: &'static str,
    advice: String,
}

impl Finding {
    fn new(file: impl Into<PathBuf>, line: usize, rule: &'static str, advice: impl Into<String>) -> Self {
        Self { file: file.into(), line, rule, advice: advice.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        write!(f, ": {}: {}", self.rule, self.advice)
    }
}

/// What the rules look at.
struct Repository {
    /// Every file that is text, relative to the root, with its content.
    texts: BTreeMap<PathBuf, String>,
    /// Every file, text or not.
    files: Vec<PathBuf>,
    packages: Vec<Package>,
}

impl Repository {
    fn read() -> anyhow::Result<Self> {
        let root = workspace::root();
        let files = workspace::files()?;
        let mut texts = BTreeMap::new();
        for file in &files {
            let bytes = std::fs::read(root.join(file)).with_context(|| format!("cannot read {}", file.display()))?;
            if let Ok(text) = String::from_utf8(bytes) {
                texts.insert(file.clone(), text);
            }
        }
        Ok(Self { texts, files, packages: workspace::packages()? })
    }

    fn text(&self, file: &str) -> anyhow::Result<&str> {
        self.texts.get(Path::new(file)).map(String::as_str).with_context(|| format!("{file} is missing"))
    }

    fn rust_files(&self) -> impl Iterator<Item = (&Path, &str)> {
        self.texts
            .iter()
            .filter(|(file, _)| file.extension().is_some_and(|extension| extension == "rs"))
            .map(|(file, text)| (file.as_path(), text.as_str()))
    }
}

/// Checks every rule and prints each finding on a line.
pub fn run() -> anyhow::Result<()> {
    let repository = Repository::read()?;
    let mut findings = Vec::new();
    findings.extend(dependencies::check(&repository.packages));
    findings.extend(licences::check(repository.text("deny.toml")?, &repository.packages)?);
    findings.extend(manifests::check(&repository)?);
    findings.extend(boundaries::check(&repository));
    findings.extend(text::check(&repository));
    findings.extend(links::check(&repository));
    let standards = standards::check(&repository)?;
    findings.extend(standards.findings);
    if !standards.begun.is_empty() {
        let numbers: Vec<String> = standards.begun.iter().map(u32::to_string).collect();
        println!("   notice: Planned, yet the code refers to them: RFC {}", numbers.join(", "));
    }

    findings.sort();
    for finding in &findings {
        println!("{finding}");
    }
    if !findings.is_empty() {
        bail!("{} findings", findings.len());
    }
    println!("   tidy: {} files, {} packages", repository.files.len(), repository.packages.len());
    Ok(())
}

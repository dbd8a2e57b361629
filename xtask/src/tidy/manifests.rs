//! Every crate inherits the lints, the edition, the licence; nothing is published by accident.

use std::path::Path;

use anyhow::Context;
use toml::{Table, Value};

use super::{Finding, Repository};

const LINTS: &str = "lints";
const INHERITED: &str = "inherited field";
const NEWCOMERS: &str = "first command";
/// What `cargo run` runs.
const SERVER: &str = "crates/posthouse";
const FIELDS: &[&str] = &["version", "edition", "rust-version", "license", "publish"];

/// Looks at the root's manifest and at each crate's.
pub fn check(repository: &Repository) -> anyhow::Result<Vec<Finding>> {
    let mut findings = check_root(repository.text("Cargo.toml")?)?;
    for (file, text) in &repository.texts {
        let is_crate = file.starts_with("crates") || file.starts_with("xtask");
        if is_crate && file.file_name().is_some_and(|name| name == "Cargo.toml") {
            findings.extend(check_crate(file, text)?);
        }
    }
    Ok(findings)
}

fn check_root(text: &str) -> anyhow::Result<Vec<Finding>> {
    let manifest: Table = text.parse().context("Cargo.toml")?;
    let unsafe_code = manifest
        .get("workspace")
        .and_then(|table| table.get("lints"))
        .and_then(|table| table.get("rust"))
        .and_then(|table| table.get("unsafe_code"))
        .and_then(Value::as_str);
    let mut findings = Vec::new();
    if unsafe_code != Some("forbid") {
        let advice = "set unsafe_code = \"forbid\" in [workspace.lints.rust]";
        findings.push(Finding::new("Cargo.toml", 0, LINTS, advice));
    }
    let workspace = manifest.get("workspace");
    let default_members = workspace.and_then(|table| table.get("default-members")).and_then(Value::as_array);
    if default_members.is_none_or(|members| *members != [Value::from(SERVER)]) {
        let advice = format!("set default-members = [\"{SERVER}\"] in [workspace]: `cargo run -- demo` is a promise");
        findings.push(Finding::new("Cargo.toml", 0, NEWCOMERS, advice));
    }
    Ok(findings)
}

fn check_crate(file: &Path, text: &str) -> anyhow::Result<Vec<Finding>> {
    let manifest: Table = text.parse().with_context(|| file.display().to_string())?;
    let inherits =
        |value: Option<&Value>| value.and_then(|value| value.get("workspace")).and_then(Value::as_bool) == Some(true);
    let mut findings = Vec::new();
    if !inherits(manifest.get("lints")) {
        findings.push(Finding::new(file, 0, LINTS, "add [lints] with workspace = true"));
    }
    for field in FIELDS {
        if !inherits(manifest.get("package").and_then(|package| package.get(*field))) {
            let advice = format!("write {field}.workspace = true");
            findings.push(Finding::new(file, 0, INHERITED, advice));
        }
    }
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use super::*;

    const INHERITING: &str = "[package]\nname = \"a\"\nversion.workspace = true\n\
        edition.workspace = true\nrust-version.workspace = true\nlicense.workspace = true\n\
        publish.workspace = true\n[lints]\nworkspace = true\n";

    fn check(text: &str, expected: &[&str]) {
        let found = check_crate(Path::new("crates/a/Cargo.toml"), text).unwrap();
        let rules: Vec<&str> = found.iter().map(|finding| finding.rule).collect();
        assert_eq!(rules, expected, "{text}");
    }

    #[test]
    fn lints_and_fields_are_inherited() {
        check(INHERITING, &[]);
        check(&INHERITING.replace("[lints]\nworkspace = true\n", ""), &[LINTS]);
        check(&INHERITING.replace("license.workspace = true", "license = \"MIT\""), &[INHERITED]);
    }

    fn check_workspace(unsafe_code: &str, default_members: &str, expected: &[&str]) {
        let text = format!(
            "[workspace]\ndefault-members = {default_members}\n[workspace.lints.rust]\nunsafe_code = \"{unsafe_code}\"\n"
        );
        let rules: Vec<&str> = check_root(&text).unwrap().iter().map(|finding| finding.rule).collect();
        assert_eq!(rules, expected, "{text}");
    }

    #[test]
    fn the_root_forbids_unsafe_code_and_runs_the_server() {
        check_workspace("forbid", "[\"crates/posthouse\"]", &[]);
        check_workspace("warn", "[\"crates/posthouse\"]", &[LINTS]);
        check_workspace("forbid", "[]", &[NEWCOMERS]);
        check_workspace("forbid", "[\"crates/posthouse\", \"xtask\"]", &[NEWCOMERS]);
        assert_eq!(check_root("[workspace]\n").unwrap().len(), 2);
    }
}

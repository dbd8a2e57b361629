//! The licences of everything we build on, and libraries we do not build on: `deny.toml` is the
//! one list, for this check and for cargo-deny.

use std::collections::BTreeSet;

use anyhow::{Context, ensure};
use toml::{Table, Value};

use super::Finding;
use crate::workspace::Package;

const LIST: &str = "deny.toml";
const LICENCE: &str = "licence";
const BANNED: &str = "banned library";

/// Holds every package of the build against `deny.toml`.
pub fn check(list: &str, packages: &[Package]) -> anyhow::Result<Vec<Finding>> {
    let list: Table = list.parse().context(LIST)?;
    let allowed = strings(&list, "licenses", "allow")?;
    let banned = banned(&list)?;
    ensure!(!allowed.is_empty(), "{LIST} allows no licence");
    let mut findings = Vec::new();
    for package in packages {
        let Package { name, version, .. } = package;
        if banned.contains(name) {
            let advice = format!("{name} {version} came in; `cargo tree -i {name}` says by what");
            findings.push(Finding::new(LIST, 0, BANNED, advice));
        }
        let verdict = match &package.license {
            None => Err("declares no licence".to_owned()),
            Some(expression) => judge(expression, &allowed),
        };
        if let Err(why) = verdict {
            let advice = format!("{name} {version} {why}; build on something else");
            findings.push(Finding::new(LIST, 0, LICENCE, advice));
        }
    }
    Ok(findings)
}

fn strings(list: &Table, section: &str, field: &str) -> anyhow::Result<BTreeSet<String>> {
    list.get(section)
        .and_then(|section| section.get(field))
        .and_then(Value::as_array)
        .with_context(|| format!("{LIST} has no {section}.{field}"))?
        .iter()
        .map(|value| value.as_str().map(str::to_owned).context("not a string"))
        .collect()
}

fn banned(list: &Table) -> anyhow::Result<BTreeSet<String>> {
    list.get("bans")
        .and_then(|bans| bans.get("deny"))
        .and_then(Value::as_array)
        .with_context(|| format!("{LIST} has no bans.deny"))?
        .iter()
        .map(|entry| {
            entry
                .get("crate")
                .and_then(Value::as_str)
                .map(str::to_owned)
                .with_context(|| format!("{LIST}: bans.deny: {entry} names no crate"))
        })
        .collect()
}

/// Whether an SPDX expression can be met with the licences allowed.
fn judge(expression: &str, allowed: &BTreeSet<String>) -> Result<(), String> {
    // Old manifests divide alternatives with a slash.
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut reader = Reader { words: &words, allowed };
    let met = reader.alternatives();
    match (met, reader.words) {
        (Some(true), []) => Ok(()),
        (Some(false), []) => Err(format!("is under {expression}, which {LIST} does not allow")),
        _ => Err(format!("has a licence that cannot be read: {expression}")),
    }
}

/// Reads `A OR B AND (C WITH E)`; AND binds closer. Each method returns whether its part is met.
struct Reader<'a> {
    words: &'a [&'a str],
    allowed: &'a BTreeSet<String>,
}

impl Reader<'_> {
    fn alternatives(&mut self) -> Option<bool> {
        let mut met = self.conjunction()?;
        while self.skip("OR") {
            met |= self.conjunction()?;
        }
        Some(met)
    }

    fn conjunction(&mut self) -> Option<bool> {
        let mut met = self.operand()?;
        while self.skip("AND") {
            met &= self.operand()?;
        }
        Some(met)
    }

    fn operand(&mut self) -> Option<bool> {
        if self.skip("(") {
            let met = self.alternatives()?;
            return self.skip(")").then_some(met);
        }
        let (licence, rest) = self.words.split_first()?;
        if ["OR", "AND", "WITH", ")"].contains(licence) {
            return None;
        }
        self.words = rest;
        if self.skip("WITH") {
            // An exception only ever permits more.
            let (_, rest) = self.words.split_first()?;
            self.words = rest;
        }
        Some(self.allowed.contains(*licence))
    }

    fn skip(&mut self, word: &str) -> bool {
        match self.words.split_first() {
            Some((first, rest)) if *first == word => {
                self.words = rest;
                true
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_judged() {
        let allowed = ["MIT", "Apache-2.0", "Unicode-3.0"].map(str::to_owned).into();
        let check = |expression: &str, expected: &str| {
            let found = judge(expression, &allowed).err().unwrap_or_default();
            assert!(found.contains(expected), "{expression}: {found}");
            assert_eq!(found.is_empty(), expected.is_empty(), "{expression}: {found}");
        };
        check("MIT", "");
        check("GPL-3.0-only", "does not allow");
        check("MIT OR GPL-3.0-only", "");
        check("MIT/GPL-3.0", "");
        check("MIT AND GPL-3.0-only", "does not allow");
        check("(MIT OR GPL-2.0) AND Unicode-3.0", "");
        check("GPL-2.0 OR MIT AND Unicode-3.0", "");
        check("Apache-2.0 WITH LLVM-exception OR GPL-2.0", "");
        check("MIT OR", "cannot be read");
        check("(MIT", "cannot be read");
        check("MIT MIT", "cannot be read");
        check("", "cannot be read");
    }

    #[test]
    fn packages_are_held_against_the_list() {
        let list = "[licenses]\nallow = [\"MIT\"]\n[bans]\ndeny = [{ crate = \"ring\" }]\n";
        let package = |name: &str, license: Option<&str>| Package {
            name: name.to_owned(),
            version: "1.0.0".to_owned(),
            license: license.map(str::to_owned),
            is_member: false,
            dependencies: Vec::new(),
        };
        let packages = [
            package("good", Some("MIT")),
            package("ring", Some("MIT")),
            package("bad", Some("GPL-3.0")),
            package("silent", None),
        ];
        let found = check(list, &packages).unwrap();
        let rules: Vec<&str> = found.iter().map(|finding| finding.rule).collect();
        assert_eq!(rules, [BANNED, LICENCE, LICENCE]);
    }

    #[test]
    fn the_list_must_be_complete() {
        assert!(check("[licenses]\nallow = [\"MIT\"]\n", &[]).is_err());
        assert!(check("[bans]\ndeny = []\n", &[]).is_err());
    }
}

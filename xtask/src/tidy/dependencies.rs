//! Dependencies run downward only, and some libraries belong to some rooms.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::Finding;
use super::rooms::{BACKENDS, BENCH, BINARY, CONFINED, IMPURE_LIBRARIES, INTEROP, PREFIX, PURE_ROOMS, ROOMS, TESTKIT};
use crate::workspace::Package;

const DIRECTION: &str = "dependency direction";
const CONFINEMENT: &str = "confined library";
const PURITY: &str = "pure room";

/// Holds the dependency tables of every member against the tables of `rooms`.
pub fn check(packages: &[Package]) -> Vec<Finding> {
    packages.iter().filter(|package| package.is_member).flat_map(check_member).collect()
}

fn check_member(package: &Package) -> Vec<Finding> {
    let room = room_of(&package.name);
    let manifest = manifest_of(room);
    let mut findings = Vec::new();
    if room != BINARY && room != "xtask" && row(room).is_none() {
        findings.push(Finding::new(
            &manifest,
            0,
            DIRECTION,
            format!(
                "{room} has no row in xtask/src/tidy/rooms.rs; say what it may lean on, there and in ARCHITECTURE.md"
            ),
        ));
        return findings;
    }
    let allowed = reachable(room);
    for dependency in &package.dependencies {
        let mut report = |rule, advice| findings.push(Finding::new(&manifest, 0, rule, advice));
        if is_room(&dependency.name) {
            let other = room_of(&dependency.name);
            let for_tests =
                dependency.dev_only && (other == TESTKIT || BACKENDS.contains(&other) && allowed.contains("storage"));
            if !(allowed.contains(other) || for_tests) {
                report(DIRECTION, direction_advice(room, other));
            }
            continue;
        }
        for confined in CONFINED.iter().filter(|confined| confined.library == dependency.name) {
            let excused = dependency.dev_only && confined.free_in_tests;
            if !confined.rooms.contains(&room) && !excused {
                report(CONFINEMENT, format!("{} may not use {}: {}", room, dependency.name, confined.why));
            }
        }
        if PURE_ROOMS.contains(&room) && !dependency.dev_only && IMPURE_LIBRARIES.contains(&dependency.name.as_str()) {
            report(
                PURITY,
                format!(
                    "{room} does no I/O and may not use {}; take time, random bytes and data as arguments",
                    dependency.name
                ),
            );
        }
    }
    findings
}

fn direction_advice(room: &str, other: &str) -> String {
    if other == TESTKIT {
        return format!("{room} may use testkit in dev-dependencies only");
    }
    format!("{room} may not lean on {other}; move what is shared further down, or pass it in as a value or a trait")
}

fn is_room(package: &str) -> bool {
    package == BINARY || package.starts_with(PREFIX)
}

fn room_of(package: &str) -> &str {
    package.strip_prefix(PREFIX).unwrap_or(package)
}

fn manifest_of(room: &str) -> PathBuf {
    match room {
        "xtask" => "xtask/Cargo.toml".into(),
        INTEROP => "tests/interop/Cargo.toml".into(),
        BENCH => "benches/Cargo.toml".into(),
        _ => PathBuf::from("crates").join(room).join("Cargo.toml"),
    }
}

fn row(room: &str) -> Option<&'static [&'static str]> {
    ROOMS.iter().find(|(name, _)| *name == room).map(|(_, below)| *below)
}

/// The rooms below this one, near and far.
fn reachable(room: &str) -> BTreeSet<&'static str> {
    if room == BINARY {
        return ROOMS.iter().map(|(name, _)| *name).filter(|name| *name != TESTKIT).collect();
    }
    let mut reached = BTreeSet::new();
    let mut pending: Vec<&str> = row(room).unwrap_or_default().to_vec();
    while let Some(next) = pending.pop() {
        if let Some((name, below)) = ROOMS.iter().find(|(name, _)| *name == next)
            && reached.insert(*name)
        {
            pending.extend(*below);
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Dependency;

    fn check_one(package: &str, dependency: &str, dev_only: bool, expected: &[&str]) {
        let package = Package {
            name: package.to_owned(),
            version: "0.1.0".to_owned(),
            license: None,
            is_member: true,
            dependencies: vec![Dependency { name: dependency.to_owned(), dev_only }],
        };
        let rules: Vec<&str> = check_member(&package).iter().map(|finding| finding.rule).collect();
        assert_eq!(rules, expected, "{} → {dependency}", package.name);
    }

    #[test]
    fn dependencies_run_downward() {
        check_one("posthouse-mime", "posthouse-model", false, &[]);
        check_one("posthouse-model", "posthouse-mime", false, &[DIRECTION]);
        check_one("posthouse-smtp", "posthouse-sasl", false, &[]);
        check_one("posthouse-smtp", "posthouse-storage", false, &[DIRECTION]);
        check_one("posthouse-flow", "posthouse-server", false, &[DIRECTION]);
        check_one("posthouse-server", "posthouse-storage-sqlite", false, &[DIRECTION]);
        check_one("posthouse", "posthouse-storage-sqlite", false, &[]);
        check_one("xtask", "posthouse-model", false, &[DIRECTION]);
    }

    #[test]
    fn what_a_lower_room_may_use_is_allowed() {
        check_one("posthouse-flow", "posthouse-model", false, &[]);
        check_one("posthouse-server", "posthouse-storage", false, &[]);
    }

    #[test]
    fn testkit_is_for_tests() {
        check_one("posthouse-smtp", "posthouse-testkit", true, &[]);
        check_one("posthouse-smtp", "posthouse-testkit", false, &[DIRECTION]);
        check_one("posthouse", "posthouse-testkit", false, &[DIRECTION]);
        check_one("posthouse-model", "posthouse-storage", true, &[DIRECTION]);
        check_one("posthouse-server", "posthouse-storage-sqlite", true, &[]);
        check_one("posthouse-smtp", "posthouse-storage-sqlite", true, &[DIRECTION]);
    }

    #[test]
    fn a_room_without_a_row_is_found() {
        check_one("posthouse-attic", "bytes", false, &[DIRECTION]);
    }

    #[test]
    fn libraries_stay_in_their_rooms() {
        check_one("posthouse-storage-sqlite", "rusqlite", false, &[]);
        check_one("posthouse-flow", "rusqlite", false, &[CONFINEMENT]);
        check_one("posthouse-flow", "rusqlite", true, &[CONFINEMENT]);
        check_one("posthouse-flow", "serde_json", false, &[CONFINEMENT]);
        check_one("posthouse-flow", "serde_json", true, &[]);
        check_one("posthouse-smtp", "tokio", false, &[PURITY]);
        check_one("posthouse-smtp", "tokio", true, &[]);
        check_one("posthouse-server", "tokio", false, &[]);
    }

    #[test]
    fn no_room_reaches_itself_and_every_name_has_a_row() {
        for (room, below) in ROOMS {
            assert!(!reachable(room).contains(room), "{room} leans on itself");
            for name in *below {
                assert!(row(name).is_some(), "{name} has no row");
            }
        }
    }
}

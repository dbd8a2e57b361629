//! The Debian packages that tests and benchmarks need: which are missing, and installing them.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail, ensure};

use crate::step::run;
use crate::workspace::{command, find_program, root};

/// What `cargo xtask test` needs.
pub const TEST_GROUP: &str = "test";

const LIST: &str = include_str!("../packages.txt");
const INSTALLER: &str = "xtask/install-packages.sh";

/// One line of `packages.txt`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Wanted<'a> {
    group: &'a str,
    package: &'a str,
    proof: Proof<'a>,
}

/// What shows that a package is installed. Programs are asked for rather than packages, because
/// they may come from elsewhere (a newer node, a python of one's own).
#[derive(Debug, Clone, PartialEq, Eq)]
enum Proof<'a> {
    Program(&'a str),
    File(&'a str),
    PythonModule(&'a str),
    PerlModule(&'a str),
}

impl<'a> Proof<'a> {
    fn parse(text: &'a str) -> Self {
        if let Some(module) = text.strip_prefix("python:") {
            Proof::PythonModule(module)
        } else if let Some(module) = text.strip_prefix("perl:") {
            Proof::PerlModule(module)
        } else if text.starts_with('/') {
            Proof::File(text)
        } else {
            Proof::Program(text)
        }
    }

    fn holds(&self) -> bool {
        match self {
            Proof::Program(name) => find_program(name).is_some(),
            Proof::File(pattern) => matches_a_file(pattern),
            Proof::PythonModule(module) => succeeds(Command::new("python3").args(["-c", &format!("import {module}")])),
            Proof::PerlModule(module) => succeeds(Command::new("perl").args([&format!("-M{module}"), "-e", "1"])),
        }
    }
}

fn succeeds(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

/// A path in which one `*` may stand for any one directory.
fn matches_a_file(pattern: &str) -> bool {
    let Some((before, after)) = pattern.split_once("/*/") else {
        return Path::new(pattern).is_file();
    };
    let Ok(entries) = std::fs::read_dir(before) else {
        return false;
    };
    entries.flatten().any(|entry| entry.path().join(after).is_file())
}

/// Makes sure that every package of a group is there.
///
/// Where we may (root, or sudo without a password) what is missing is installed. Elsewhere the
/// line that would install it is in the error.
pub fn install_group(group: &str) -> anyhow::Result<()> {
    let wanted = parse_list(LIST)?;
    ensure!(wanted.iter().any(|line| line.group == group), "xtask/packages.txt has no group {group}");
    let missing = missing(&wanted, group);
    if missing.is_empty() {
        println!("   every package of group {group} is present");
        return Ok(());
    }
    println!("   missing: {}", missing.join(" "));
    let Some(mut installer) = privileged_installer() else {
        bail!("{}", advice(&missing));
    };
    run(installer.args(&missing))?;
    let still_missing = self::missing(&wanted, group);
    ensure!(
        still_missing.is_empty(),
        "installed, but their proofs in xtask/packages.txt do not hold: {}",
        still_missing.join(" ")
    );
    Ok(())
}

fn parse_list(text: &str) -> anyhow::Result<Vec<Wanted<'_>>> {
    text.lines()
        .filter(|line| !line.trim().is_empty() && !line.starts_with('#'))
        .map(|line| {
            let mut words = line.split_whitespace();
            let mut word = || words.next().with_context(|| format!("xtask/packages.txt: too few columns: {line}"));
            let wanted = Wanted { group: word()?, package: word()?, proof: Proof::parse(word()?) };
            word().with_context(|| format!("say why {} is needed", wanted.package))?;
            Ok(wanted)
        })
        .collect()
}

fn missing<'a>(wanted: &[Wanted<'a>], group: &str) -> Vec<&'a str> {
    wanted.iter().filter(|line| line.group == group && !line.proof.holds()).map(|line| line.package).collect()
}

/// The installer run as root, when apt-get is here and we may.
fn privileged_installer() -> Option<Command> {
    find_program("apt-get")?;
    if effective_user_is_root() {
        return Some(installer("sh"));
    }
    if find_program("sudo").is_some() && succeeds(Command::new("sudo").args(["-n", "true"])) {
        let mut sudo = command("sudo");
        sudo.args(["-n", "sh", INSTALLER]);
        return Some(sudo);
    }
    None
}

fn installer(shell: &str) -> Command {
    let mut installer = command(shell);
    installer.arg(INSTALLER);
    installer
}

fn effective_user_is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| String::from_utf8_lossy(&output.stdout).trim() == "0")
}

fn advice(missing: &[&str]) -> String {
    let packages = missing.join(" ");
    if find_program("apt-get").is_none() {
        return format!("this system has no apt-get; install what Debian calls {packages}, see xtask/packages.txt");
    }
    format!(
        "packages are missing and we may not install them. Run\n    \
         sudo apt-get install -y --no-install-recommends {packages}\n\
         or, so that no daemon is started by it,\n    \
         sudo sh {} {packages}",
        root().join(INSTALLER).display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_in_the_repository_is_well_formed() {
        let wanted = parse_list(LIST).unwrap();
        assert!(wanted.iter().any(|line| line.package == "swaks"));
        assert!(wanted.iter().all(|line| ["test", "bench"].contains(&line.group)));
    }

    #[test]
    fn a_line_needs_a_reason() {
        let error = parse_list("test swaks swaks\n").unwrap_err();
        assert!(error.to_string().contains("say why swaks is needed"), "{error:#}");
    }

    #[test]
    fn proofs_are_told_apart() {
        assert_eq!(Proof::parse("mbsync"), Proof::Program("mbsync"));
        assert_eq!(Proof::parse("/usr/lib/*/x.so"), Proof::File("/usr/lib/*/x.so"));
        assert_eq!(Proof::parse("python:ensurepip"), Proof::PythonModule("ensurepip"));
        assert_eq!(Proof::parse("perl:Net::DNS"), Proof::PerlModule("Net::DNS"));
    }

    #[test]
    fn only_what_is_missing_in_the_group_is_named() {
        let list = "test a sh because\ntest b no-such-program because\nbench c no-such because\n";
        assert_eq!(missing(&parse_list(list).unwrap(), "test"), ["b"]);
    }

    #[test]
    fn a_star_stands_for_one_directory() {
        let here = root().join("xtask");
        let here = here.display();
        assert!(matches_a_file(&format!("{here}/*/main.rs")));
        assert!(!matches_a_file(&format!("{here}/*/absent.rs")));
    }
}

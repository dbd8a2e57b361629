//! `cargo xtask test`: everything the tests need, then the tests.

use anyhow::{Context, bail};

use crate::step::{run as run_command, step};
use crate::workspace::{command, find_program, target_dir};
use crate::{clients, debian};

/// Installs what is missing, builds the server, runs documentation, unit and integration tests.
///
/// A peer that is missing is an error and never a skipped test: a proof that did not run is none.
pub fn run(arguments: &[&str]) -> anyhow::Result<()> {
    let filter = match arguments {
        [] => None,
        [filter] if !filter.starts_with('-') => Some(*filter),
        _ => bail!("usage: cargo xtask test [FILTER]"),
    };
    step("Debian packages", || debian::install_group(debian::TEST_GROUP))?;
    step("clients from PyPI and npm", clients::install)?;
    step("build the server", || run_command(command("cargo").args(["build", "--locked", "--package", "posthouse"])))?;
    if filter.is_none() {
        step("documentation tests", doc_tests)?;
    }
    // Last, so that the summary stands near the end of what is printed.
    step("tests", || tests(filter))
}

fn tests(filter: Option<&str>) -> anyhow::Result<()> {
    let mut tests = command("cargo");
    if find_program("cargo-nextest").is_some() {
        tests.args(["nextest", "run", "--workspace", "--locked", "--no-fail-fast"]);
        tests.args(["--status-level", "slow", "--final-status-level", "fail"]);
    } else {
        tests.args(["test", "--workspace", "--all-targets", "--locked", "--no-fail-fast"]);
    }
    tests.env("POSTHOUSE_PEERS", clients::dir());
    tests.env("POSTHOUSE_BINARY", target_dir().join("debug").join("posthouse"));
    run_command(tests.args(filter))
}

/// Most crates have none, so what they print is shown only when one fails.
fn doc_tests() -> anyhow::Result<()> {
    let arguments = ["test", "--workspace", "--doc", "--locked", "--quiet"];
    let output = command("cargo").args(arguments).output().context("cannot run cargo")?;
    let text = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        bail!("{}\n{text}{}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    println!("   {} passed", passed(&text));
    Ok(())
}

/// The sum over `test result: ok. 3 passed; …`.
fn passed(text: &str) -> u32 {
    text.lines()
        .filter_map(|line| line.strip_prefix("test result: ok. ")?.split_once(" passed")?.0.parse::<u32>().ok())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documentation_tests_are_counted() {
        let text = "test result: ok. 3 passed; 0 failed\n\nrunning 1 test\n.\ntest result: ok. 1 passed; 0 failed\n";
        assert_eq!(passed(text), 4);
        assert_eq!(passed(""), 0);
    }
}

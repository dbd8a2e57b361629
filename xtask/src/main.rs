//! The workshop of the repository: what is run on the source rather than shipped.
//!
//! `cargo xtask tidy` checks the rules of the house, `cargo xtask test` runs the tests with the
//! real clients and servers they need, `cargo xtask fuzz` fuzzes, and `cargo xtask ci` runs all
//! that must pass before a change is accepted. It changes nothing in the clone: what it builds
//! or installs goes to the target directory or, for Debian packages, to the system.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool talks to its user")]

mod bench;
mod ci;
mod clients;
mod debian;
mod fuzz;
mod step;
mod test;
mod tidy;
mod workspace;

use std::process::ExitCode;

use anyhow::bail;

const USAGE: &str = "\
cargo xtask tidy                           check the rules of the house
cargo xtask test [FILTER]                  install what the tests need, then run them
cargo xtask fuzz [--smoke | --minutes N] [TARGET]
                                           fuzz every target, or one
cargo xtask bench [FILTER…] [OPTION…]      measure beside Postfix and Dovecot (--help)
cargo xtask ci                             format, lint, tidy, licences, tests, a short fuzz run
cargo xtask packages [--group NAME]        install the Debian packages of a group (test, bench)";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(arguments: &[String]) -> anyhow::Result<()> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["tidy"] => tidy::run(),
        ["test", rest @ ..] => test::run(rest),
        ["fuzz", rest @ ..] => fuzz::run(rest),
        ["bench", rest @ ..] => bench::run(rest),
        ["ci"] => ci::run(),
        ["packages"] => debian::install_group(debian::TEST_GROUP),
        ["packages", "--group", group] => debian::install_group(group),
        [] | ["help" | "--help" | "-h"] => {
            println!("{USAGE}");
            Ok(())
        }
        [other, ..] => bail!("{other} is not understood\n{USAGE}"),
    }
}

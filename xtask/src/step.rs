//! A step of a longer run: announced, timed, and failing with its own name.

use std::process::Command;
use std::time::Instant;

use anyhow::{Context, bail};

/// Runs one step between two printed lines: its name, then how long it took.
pub fn step(name: &str, work: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<()> {
    println!("== {name}");
    let started = Instant::now();
    let result = work();
    let seconds = started.elapsed().as_secs_f64();
    let verdict = if result.is_ok() { "ok" } else { "FAILED" };
    println!("== {name}: {verdict} ({seconds:.1} s)");
    result.with_context(|| format!("{name} failed"))
}

/// Runs a command with our own input and output; an exit code other than zero is an error.
pub fn run(command: &mut Command) -> anyhow::Result<()> {
    let line = command_line(command);
    println!("   $ {line}");
    let status = command.status().with_context(|| format!("cannot run {line}"))?;
    if !status.success() {
        bail!("{line}: {status}");
    }
    Ok(())
}

fn command_line(command: &Command) -> String {
    std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| word.to_string_lossy().into_owned())
        .collect::<Vec<_>>()
        .join(" ")
}

//! `cargo xtask ci`: all that must pass before a change is accepted.

use std::fs::{File, FileTimes};
use std::path::PathBuf;
use std::time::{Instant, SystemTime};

use anyhow::Context;

use crate::step::{run as run_command, step};
use crate::workspace::{choose_target_dir, command, files, find_program, root, target_dir};
use crate::{fuzz, test, tidy};

/// Runs every step in turn and stops at the first that fails.
pub fn run() -> anyhow::Result<()> {
    let started = Instant::now();
    keep_target_out_of_the_clone()?;
    let _lock = lock_target()?;
    touch_sources()?;
    step("format", format_check)?;
    step("tidy", tidy::run)?;
    step("clippy", clippy)?;
    step("cargo-deny", cargo_deny)?;
    step("test", || test::run(&[]))?;
    step("fuzz (smoke)", || fuzz::run(&["--smoke"]))?;
    println!("== ci: ok ({:.0} s)", started.elapsed().as_secs_f64());
    Ok(())
}

/// A fresh clone is built quickly when what was built before lies outside it.
fn keep_target_out_of_the_clone() -> anyhow::Result<()> {
    if std::env::var_os("CARGO_TARGET_DIR").is_some() {
        return Ok(());
    }
    let cache = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")))
        .context("set CARGO_TARGET_DIR: neither XDG_CACHE_HOME nor HOME is set")?;
    choose_target_dir(&cache.join("posthouse-target"));
    Ok(())
}

/// One run at a time: another clone that builds into the same directory would replace what this
/// one is about to test. The lock ends with this process; no child inherits it.
fn lock_target() -> anyhow::Result<File> {
    let dir = target_dir();
    std::fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
    let lock = File::create(dir.join("ci.lock"))?;
    if lock.try_lock().is_err() {
        println!("== waiting for another run in {}", dir.display());
        lock.lock()?;
    }
    Ok(lock)
}

/// Makes our sources newer than anything built. Cargo compares times only, and to it the same
/// crate in two clones is one: it would take what another clone built later for up to date. What
/// we depend on is not touched, so that only our own crates are compiled again.
fn touch_sources() -> anyhow::Result<()> {
    let now = FileTimes::new().set_modified(SystemTime::now());
    for file in files()? {
        let path = root().join(file);
        File::options()
            .append(true)
            .open(&path)
            .and_then(|file| file.set_times(now))
            .with_context(|| format!("cannot touch {}", path.display()))?;
    }
    Ok(())
}

fn format_check() -> anyhow::Result<()> {
    run_command(command("cargo").args(["fmt", "--all", "--check"]))?;
    run_command(command("cargo").args(["fmt", "--manifest-path", "fuzz/Cargo.toml", "--check"]))
}

fn clippy() -> anyhow::Result<()> {
    run_command(command("cargo").args(["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]))
}

/// `tidy` has checked licences and banned crates against the same `deny.toml`; cargo-deny looks
/// closer (licence texts, sources) where it is installed.
fn cargo_deny() -> anyhow::Result<()> {
    if find_program("cargo-deny").is_none() {
        println!("   cargo-deny is not installed; tidy has checked licences and bans");
        return Ok(());
    }
    run_command(command("cargo").args(["deny", "check", "licenses", "bans", "sources"]))
}

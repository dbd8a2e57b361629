//! `cargo xtask fuzz`: libFuzzer on the stable toolchain.
//!
//! `fuzz/` is a workspace of its own. Its crates are compiled with the coverage pass that
//! libFuzzer reads (inline counters, a table of program counters, traced comparisons); passing
//! `--target` keeps build scripts and procedural macros free of it. The corpus lives below the
//! target directory and starts from the seeds in the repository. Targets whose names begin with the
//! same word share a dictionary.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use anyhow::{Context, bail, ensure};

use crate::step::run as run_command;
use crate::workspace::{command, host_triple, root, target_dir};

/// All targets together, in continuous integration.
const SMOKE_BUDGET: Duration = Duration::from_secs(20);
/// All targets together, when nothing else is said.
const DEFAULT_BUDGET: Duration = Duration::from_secs(5 * 60);
/// The most memory that one target may use, in MB. Every parser is bounded far below it.
const MEMORY_LIMIT_MB: u32 = 1024;
/// The largest single allocation, in MB.
const ALLOCATION_LIMIT_MB: u32 = 256;
/// The longest that one input may take, in seconds.
const INPUT_TIMEOUT_SECONDS: u32 = 10;
/// The longest input that is tried, in bytes.
const INPUT_LIMIT_BYTES: u32 = 16 * 1024;

/// How much of a failure is printed; all of it is in the log.
const COMPLAINT_LINES: usize = 6;

const COVERAGE_FLAGS: &str = "-Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares \
    --cfg fuzzing -Ccodegen-units=1";

#[derive(Debug, PartialEq, Eq)]
struct Plan {
    /// For all targets together.
    budget: Duration,
    only: Option<String>,
}

/// Builds the targets and runs each for its share of the time.
pub fn run(arguments: &[&str]) -> anyhow::Result<()> {
    let plan = plan(arguments)?;
    let targets = targets(plan.only.as_deref())?;
    let host = host_triple()?;
    build(&host)?;
    let binaries = target_dir().join("fuzz").join(&host).join("release");
    let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let workers = workers.min(targets.len());
    let share = share(plan.budget, workers, targets.len());
    println!("   {} targets, {} s each, {workers} at a time", targets.len(), share.as_secs());

    let queue = Mutex::new(targets.into_iter());
    let failures = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(target) = next(&queue) {
                    if let Err(error) = run_target(&binaries, &target, share) {
                        eprintln!("   {target}: {error:#}");
                        failures.lock().expect("no worker panics").push(target);
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().expect("no worker panics");
    ensure!(failures.is_empty(), "failed: {}", failures.join(", "));
    Ok(())
}

fn next(queue: &Mutex<std::vec::IntoIter<String>>) -> Option<String> {
    queue.lock().expect("no worker panics").next()
}

fn plan(arguments: &[&str]) -> anyhow::Result<Plan> {
    let (budget, rest) = match arguments {
        ["--smoke", rest @ ..] => (SMOKE_BUDGET, rest),
        ["--minutes", minutes, rest @ ..] => {
            let minutes: u64 = minutes.parse().with_context(|| format!("--minutes {minutes}: not a number"))?;
            (Duration::from_secs(minutes * 60), rest)
        }
        rest => (DEFAULT_BUDGET, rest),
    };
    let only = match rest {
        [] => None,
        [target] if !target.starts_with('-') => Some((*target).to_owned()),
        _ => bail!("usage: cargo xtask fuzz [--smoke | --minutes N] [TARGET]"),
    };
    Ok(Plan { budget, only })
}

/// What each target gets of a budget that `workers` spend at once. Never less than a second.
fn share(budget: Duration, workers: usize, targets: usize) -> Duration {
    let seconds = budget.as_secs() * workers as u64 / targets.max(1) as u64;
    Duration::from_secs(seconds.max(1))
}

/// The targets are the files of `fuzz/fuzz_targets`.
fn targets(only: Option<&str>) -> anyhow::Result<Vec<String>> {
    let dir = root().join("fuzz/fuzz_targets");
    let mut targets = Vec::new();
    for entry in std::fs::read_dir(&dir).with_context(|| format!("cannot read {}", dir.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "rs")
            && let Some(name) = path.file_stem()
        {
            targets.push(name.to_string_lossy().into_owned());
        }
    }
    targets.sort();
    if let Some(only) = only {
        ensure!(targets.iter().any(|target| target == only), "no target {only}; there are: {}", targets.join(", "));
        targets.retain(|target| target == only);
    }
    ensure!(!targets.is_empty(), "no file in {}", dir.display());
    Ok(targets)
}

fn build(host: &str) -> anyhow::Result<()> {
    let mut build = command("cargo");
    build
        .args(["build", "--quiet", "--release", "--bins", "--manifest-path", "fuzz/Cargo.toml"])
        .args(["--target", host])
        .env("CARGO_TARGET_DIR", target_dir().join("fuzz"))
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env("RUSTFLAGS", COVERAGE_FLAGS.split_whitespace().collect::<Vec<_>>().join(" "));
    run_command(&mut build)
}

/// Runs one target for `share`. Its log stays in a file; what is printed is one line.
fn run_target(binaries: &Path, target: &str, share: Duration) -> anyhow::Result<()> {
    let binary = binaries.join(target);
    ensure!(binary.is_file(), "was not built: give it its line in fuzz/Cargo.toml, {{ name = \"{target}\", … }}");
    let corpus = made(target_dir().join("fuzz-corpus").join(target))?;
    let artifacts = made(target_dir().join("fuzz-artifacts").join(target))?;
    let log_path = artifacts.join("log.txt");
    let log = std::fs::File::create(&log_path)?;

    let mut fuzzer = Command::new(&binary);
    fuzzer
        .arg(format!("-max_total_time={}", share.as_secs()))
        .arg(format!("-rss_limit_mb={MEMORY_LIMIT_MB}"))
        .arg(format!("-malloc_limit_mb={ALLOCATION_LIMIT_MB}"))
        .arg(format!("-timeout={INPUT_TIMEOUT_SECONDS}"))
        .arg(format!("-max_len={INPUT_LIMIT_BYTES}"))
        .arg(format!("-artifact_prefix={}/", artifacts.display()))
        .arg("-print_final_stats=1");
    let dictionary = dictionary(target);
    if dictionary.is_file() {
        fuzzer.arg(format!("-dict={}", dictionary.display()));
    }
    fuzzer.arg(&corpus);
    let seeds = root().join("fuzz/seeds").join(target);
    if seeds.is_dir() {
        // The first directory takes what is found; those after it are only read.
        fuzzer.arg(seeds);
    }
    fuzzer.env("RUST_BACKTRACE", "0");
    let status = fuzzer.stdout(Stdio::null()).stderr(log).status()?;
    let log = String::from_utf8_lossy(&std::fs::read(&log_path)?).into_owned();
    if !status.success() {
        bail!(
            "{status}\n{}\n   the whole log: {}\n   to see it again: {} FILE, with the file named above",
            complaint(&log),
            log_path.display(),
            binary.display()
        );
    }
    println!("   {target}: {}", summary(&log));
    Ok(())
}

/// Words that inputs are made of, for a parser that libFuzzer would take long to find them in.
fn dictionary(target: &str) -> PathBuf {
    let family = target.split('_').next().unwrap_or(target);
    root().join("fuzz/dictionaries").join(format!("{family}.dict"))
}

fn made(dir: PathBuf) -> anyhow::Result<PathBuf> {
    std::fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
    Ok(dir)
}

/// Where the target panicked or what libFuzzer found wrong, and where the input was written.
fn complaint(log: &str) -> String {
    let begins = |line: &&str| line.contains("panicked at") || line.contains("ERROR: libFuzzer");
    let names_input = |line: &&str| line.contains("Test unit written to");
    let first = log.lines().skip_while(|line| !begins(line)).take(COMPLAINT_LINES);
    first.chain(log.lines().filter(names_input)).collect::<Vec<_>>().join("\n")
}

/// What libFuzzer says at the end of its log: inputs run, edges seen, memory used at most.
fn summary(log: &str) -> String {
    let stat = |name: &str| {
        log.lines()
            .find_map(|line| line.strip_prefix("stat::")?.strip_prefix(name)?.strip_prefix(':'))
            .map_or("?", str::trim)
    };
    let edges =
        log.lines().rev().find_map(|line| line.split_once(" cov: ")?.1.split_whitespace().next()).unwrap_or("?");
    format!("ok, {} inputs, {edges} edges, at most {} MB", stat("number_of_executed_units"), stat("peak_rss_mb"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_choose_time_and_target() {
        let check = |arguments: &[&str], seconds: u64, only: Option<&str>| {
            let budget = Duration::from_secs(seconds);
            let expected = Plan { budget, only: only.map(str::to_owned) };
            assert_eq!(plan(arguments).unwrap(), expected, "{arguments:?}");
        };
        check(&[], 300, None);
        check(&["--smoke"], 20, None);
        check(&["--smoke", "mime_structure"], 20, Some("mime_structure"));
        check(&["--minutes", "60"], 3600, None);
        assert!(plan(&["--minutes", "long"]).is_err());
        assert!(plan(&["a", "b"]).is_err());
        assert!(plan(&["--fast"]).is_err());
    }

    #[test]
    fn the_budget_is_divided() {
        let check = |workers, targets, expected| {
            let share = share(Duration::from_secs(20), workers, targets);
            assert_eq!(share.as_secs(), expected, "{workers} workers, {targets} targets");
        };
        check(1, 1, 20);
        check(2, 10, 4);
        check(2, 100, 1);
    }

    #[test]
    fn targets_of_one_family_share_a_dictionary() {
        assert_eq!(dictionary("imap_session"), dictionary("imap_command"));
        for target in ["address", "imap_session", "mime_text", "smtp_command"] {
            assert!(dictionary(target).is_file(), "{target}");
        }
    }

    #[test]
    fn a_complaint_names_place_and_input() {
        let log = "#1\tINITED\nthread '<unnamed>' panicked at a.rs:1:1:\nheader of part 3\n1\n2\n3\n4\n5\n\
                   artifact_prefix='x/'; Test unit written to x/crash-1\n";
        let complaint = complaint(log);
        assert!(complaint.starts_with("thread '<unnamed>' panicked at a.rs:1:1:\nheader of part 3\n"));
        assert!(complaint.ends_with("Test unit written to x/crash-1"), "{complaint}");
        assert_eq!(complaint.lines().count(), COMPLAINT_LINES + 1);
    }

    #[test]
    fn the_summary_reads_the_final_statistics() {
        let log = "#2\tINITED cov: 7 ft: 7\n#9\tDONE   cov: 11 ft: 12\n\
                   stat::number_of_executed_units: 289\nstat::peak_rss_mb:              27\n";
        assert_eq!(summary(log), "ok, 289 inputs, 11 edges, at most 27 MB");
    }
}

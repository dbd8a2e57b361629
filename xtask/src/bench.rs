//! `cargo xtask bench`: the benchmark beside Postfix and Dovecot, on what is built for release.

use crate::debian;
use crate::step::{run as run_command, step};
use crate::workspace::{command, target_dir};

/// The group of Debian packages that holds the peers.
const PACKAGES: &str = "bench";

/// Installs the peers, builds, measures. The arguments are those of `posthouse-bench`, which explains them.
pub fn run(arguments: &[&str]) -> anyhow::Result<()> {
    // Posthouse alone needs no other servers.
    if !arguments.windows(2).any(|pair| pair == ["--only", "posthouse"]) {
        step("Debian packages", || debian::install_group(PACKAGES))?;
    }
    step("build for release", || {
        let packages = ["--package", "posthouse", "--package", "posthouse-bench"];
        run_command(command("cargo").args(["build", "--release", "--locked"]).args(packages))
    })?;
    if arguments.contains(&"--queue") {
        step("build what fills a queue", || {
            let example = ["--package", "posthouse-storage-sqlite", "--example", "queue_cost"];
            run_command(command("cargo").args(["build", "--release", "--locked"]).args(example))
        })?;
    }
    let bench = target_dir().join("release").join("posthouse-bench");
    step("benchmark", || run_command(command(&bench.to_string_lossy()).args(arguments)))
}

//! Where the repository is, what it is made of, and where built things go.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context, ensure};
use serde_json::Value;

/// The root of the clone: where cargo found this package, or the nearest directory above us that
/// holds it.
///
/// It is asked for when we run and not when we are compiled: clones may share a target directory,
/// and then the program may have been compiled in another of them.
pub fn root() -> PathBuf {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let here = std::env::current_dir().unwrap_or_default();
    let candidates = package.iter().flat_map(|dir| dir.ancestors()).chain(here.ancestors());
    candidates
        .into_iter()
        .find(|dir| dir.join("xtask/Cargo.toml").is_file())
        .map_or_else(|| here.clone(), Path::to_path_buf)
}

static CHOSEN_TARGET_DIR: OnceLock<PathBuf> = OnceLock::new();

/// From here on every command builds in `dir`, unless another was chosen before.
pub fn choose_target_dir(dir: &Path) {
    CHOSEN_TARGET_DIR.get_or_init(|| dir.to_path_buf());
}

/// Where cargo builds: what was chosen, `CARGO_TARGET_DIR`, or `target` in the clone.
pub fn target_dir() -> PathBuf {
    match CHOSEN_TARGET_DIR.get() {
        Some(dir) => dir.clone(),
        None => match std::env::var_os("CARGO_TARGET_DIR") {
            Some(dir) => root().join(dir),
            None => root().join("target"),
        },
    }
}

/// A command that runs in the root of the clone.
///
/// `cargo run` tells its child about the package it runs. Build scripts that watch those
/// variables would be run again each time, so they are taken away.
pub fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root());
    command.env("CARGO_TARGET_DIR", target_dir());
    for (name, _) in std::env::vars_os() {
        let name_text = name.to_string_lossy();
        if ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|prefix| name_text.starts_with(prefix)) {
            command.env_remove(&name);
        }
    }
    command
}

/// What the command prints, when it succeeds.
pub fn output_of(command: &mut Command) -> anyhow::Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("cannot run {name}"))?;
    ensure!(
        output.status.success(),
        "{name} failed ({}): {}",
        output.status,
        String::from_utf8_lossy(&output.stderr).trim()
    );
    String::from_utf8(output.stdout).with_context(|| format!("the output of {name} is not UTF-8"))
}

/// Whether a program can be run by its name. Daemons live in the `sbin` directories, which the
/// search path of ordinary users lacks.
pub fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from))
        .map(|dir| dir.join(name))
        .find(|candidate| candidate.is_file())
}

/// The files of the repository: what git tracks and what it would track, relative to the root.
pub fn files() -> anyhow::Result<Vec<PathBuf>> {
    let listing = output_of(command("git").args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]))?;
    let mut files: Vec<PathBuf> = listing
        .split('\0')
        .filter(|name| !name.is_empty())
        .map(PathBuf::from)
        .filter(|file| root().join(file).is_file())
        .collect();
    files.sort();
    files.dedup();
    Ok(files)
}

/// One package, as `cargo metadata` tells of it.
#[derive(Debug, Clone)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The licence expression, when it declares one.
    pub license: Option<String>,
    /// Whether it is of this workspace.
    pub is_member: bool,
    /// What it asks for.
    pub dependencies: Vec<Dependency>,
}

/// One entry of a package's dependency tables.
#[derive(Debug, Clone)]
pub struct Dependency {
    /// The package's name, not what it may be renamed to.
    pub name: String,
    /// Whether only tests, examples and benches see it.
    pub dev_only: bool,
}

/// Every package that is compiled for this platform, members first and alphabetically.
pub fn packages() -> anyhow::Result<Vec<Package>> {
    let host = host_triple()?;
    let arguments = ["metadata", "--format-version", "1", "--filter-platform", &host];
    let text = output_of(command("cargo").args(arguments))?;
    let metadata: Value = serde_json::from_str(&text).context("cargo metadata is not JSON")?;
    let members = metadata["workspace_members"].as_array().context("no workspace members")?;
    let compiled = compiled_packages()?;
    let mut packages: Vec<Package> = metadata["packages"]
        .as_array()
        .context("no packages")?
        .iter()
        .map(|value| package(value, members))
        .filter(|package| package.is_member || compiled.contains(&format!("{} v{}", package.name, package.version)))
        .collect();
    packages.sort_by(|a, b| (!a.is_member, &a.name).cmp(&(!b.is_member, &b.name)));
    Ok(packages)
}

/// What is really compiled, as `name vVERSION`. The metadata also name packages that wait behind
/// features which nobody turns on.
fn compiled_packages() -> anyhow::Result<BTreeSet<String>> {
    let arguments = ["tree", "--workspace", "--edges", "all", "--prefix", "none", "--format", "{p}"];
    let text = output_of(command("cargo").args(arguments))?;
    let first_two_words = |line: &str| {
        let mut words = line.split_whitespace();
        Some(format!("{} {}", words.next()?, words.next()?))
    };
    Ok(text.lines().filter_map(first_two_words).collect())
}

/// The platform that rustc compiles for.
pub fn host_triple() -> anyhow::Result<String> {
    let text = output_of(command("rustc").arg("-vV"))?;
    text.lines().find_map(|line| line.strip_prefix("host: ")).map(str::to_owned).context("rustc -vV names no host")
}

fn package(value: &Value, members: &[Value]) -> Package {
    let text = |field: &str| value[field].as_str().unwrap_or_default().to_owned();
    Package {
        name: text("name"),
        version: text("version"),
        license: value["license"].as_str().map(str::to_owned),
        is_member: members.contains(&value["id"]),
        dependencies: value["dependencies"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|dependency| Dependency {
                name: dependency["name"].as_str().unwrap_or_default().to_owned(),
                dev_only: dependency["kind"] == "dev",
            })
            .collect(),
    }
}

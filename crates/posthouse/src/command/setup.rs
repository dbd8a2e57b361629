//! `posthouse setup HOST`: the first set-up of a host.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, chown};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail, ensure};
use nix::unistd::{User, geteuid};
use posthouse_flow::{Environment, SystemEnvironment};
use posthouse_identity::{AccountDraft, Identity, IdentityOptions, PasswordPolicy};
use posthouse_model::{Address, Domain, LocalPart};
use posthouse_storage::Storage;
use posthouse_storage_sqlite::{Options as StoreOptions, SqliteStorage};
use posthouse_tls::ensure_files;

use super::Place;
use super::account::say_password;
use crate::certificates::unix_seconds;
use crate::cli::SetupOptions;
use crate::configuration::{Problem, template};
use crate::output::say;
use crate::password_source::{NewPassword, new_password};
use crate::rights::{DataDirectories, RunAs, require_writable};

/// The user as whom the server runs, where nothing else is said and there is one.
const USUAL_USER: &str = "posthouse";
/// Rights of the configuration file: it holds no secrets.
const FILE_MODE: u32 = 0o644;

pub async fn run(place: &Place, options: SetupOptions) -> anyhow::Result<()> {
    let file = std::path::absolute(place.config())?;
    let data = std::path::absolute(&options.data)?;
    refuse_to_overwrite(&file, &data)?;
    ensure!(options.host.as_ip().is_none(), "name the host by its name in DNS, such as mail.example.org");
    let domain = options.domain.clone().unwrap_or_else(|| mail_domain(&options.host));
    let administrator = match options.administrator.clone() {
        Some(address) => address,
        None => Address { local_part: LocalPart::parse("admin")?, domain: domain.clone() },
    };
    ensure!(administrator.domain == domain, "the administrator's address has to be in the first domain, {domain}");
    let user = user(options.user.as_deref());
    let run_as = user.as_deref().map(|user| RunAs::find(user, None)).transpose()?.flatten();
    let password = new_password(options.password, &administrator.to_string())?;
    PasswordPolicy::default().judge(&password.secret, &administrator.folded())?;

    // Before anything is made, so that a second try finds nothing half done.
    if let Some(directory) = file.parent() {
        fs::create_dir_all(directory)
            .map_err(|error| Problem::of_file(&file, format!("cannot be written: {error}")))?;
        require_writable(directory)?;
    }
    let directories = DataDirectories::make(&data, run_as.as_ref())?;
    let certificate = ensure_files(&directories.certificates, &[options.host.to_string()], unix_seconds())?;
    furnish(&directories.store, &domain, &administrator, &password).await?;
    if let Some(run_as) = &run_as {
        give_all(&data, run_as)?;
    }
    write_new(&file, &template(&options.host, &data, user.as_deref(), &administrator))?;

    say(format!("Configuration  {}", file.display()));
    say(format!("Data           {}", data.display()));
    say(format!("Certificate    self-signed, SHA-256 {}", certificate.certificate.facts().fingerprint_sha256));
    say(format!("Domain         {domain}"));
    say(format!("Administrator  {administrator}"));
    say_password(&password);
    if user.is_none() && geteuid().is_root() {
        say("");
        say("The server would run as root, as it is. Better: useradd --system posthouse, chown -R posthouse the data");
        say("directory, and set [run_as] user = \"posthouse\" in the configuration.");
    }
    say_records(&options.host, &domain);
    say_next(place, &domain, &administrator);
    Ok(())
}

fn refuse_to_overwrite(file: &Path, data: &Path) -> anyhow::Result<()> {
    if file.exists() {
        bail!(Problem::of_file(file, "is there already, and is not overwritten: this host has been set up"));
    }
    let is_used = data.join("store").exists();
    ensure!(
        !is_used,
        "{}: holds the data of a server already, and is left alone; name another with --data",
        data.display()
    );
    Ok(())
}

/// `example.org` for `mail.example.org`; a host right below a top-level domain is its own mail domain.
fn mail_domain(host: &Domain) -> Domain {
    let parent = host.as_str().split_once('.').map(|(_, parent)| parent).filter(|parent| parent.contains('.'));
    parent.and_then(|parent| Domain::parse(parent).ok()).unwrap_or_else(|| host.clone())
}

fn user(wanted: Option<&str>) -> Option<String> {
    let usual = || {
        let is_there = geteuid().is_root() && User::from_name(USUAL_USER).is_ok_and(|user| user.is_some());
        is_there.then(|| USUAL_USER.to_owned())
    };
    wanted.map(str::to_owned).or_else(usual)
}

/// Makes the first domain, the administrator's account, and the addresses that every domain has (RFC 2142 §2, §4).
async fn furnish(store: &Path, domain: &Domain, administrator: &Address, password: &NewPassword) -> anyhow::Result<()> {
    let now = SystemEnvironment.now();
    let store = SqliteStorage::open(store, StoreOptions::default())?;
    let identity = Identity::open(Arc::clone(&store) as Arc<dyn Storage>, IdentityOptions::default()).await?;
    identity.create_domain(domain.clone(), now).await?;
    let draft = AccountDraft {
        address: administrator.clone(),
        display_name: String::new(),
        administrator: true,
        password: password.secret.clone(),
    };
    identity.create_account(draft, now).await?;
    for name in ["postmaster", "abuse"] {
        let address = Address { local_part: LocalPart::parse(name)?, domain: domain.clone() };
        if address.folded() != administrator.folded() {
            identity.put_alias(address, vec![administrator.clone()], now).await?;
        }
    }
    drop(identity);
    store.close().await;
    Ok(())
}

/// Most directories below each other in the data directory.
const MAX_DEPTH: usize = 8;

/// Gives what was made to the user as whom the server will run.
fn give_all(directory: &Path, owner: &RunAs) -> anyhow::Result<()> {
    let mut waiting = vec![(directory.to_owned(), 0)];
    while let Some((path, depth)) = waiting.pop() {
        let failed = || format!("{} cannot be given to its user", path.display());
        chown(&path, Some(owner.uid()), Some(owner.gid())).with_context(failed)?;
        let is_directory = fs::symlink_metadata(&path).with_context(failed)?.is_dir();
        if is_directory && depth < MAX_DEPTH {
            for entry in fs::read_dir(&path).with_context(failed)? {
                waiting.push((entry.with_context(failed)?.path(), depth + 1));
            }
        }
    }
    Ok(())
}

fn write_new(file: &Path, text: &str) -> anyhow::Result<()> {
    let write =
        || OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(file)?.write_all(text.as_bytes());
    write().map_err(|error| Problem::of_file(file, format!("cannot be written: {error}")).into())
}

fn say_records(host: &Domain, domain: &Domain) {
    say("");
    say("Publish in DNS:");
    say(format!("  {host}.  A     the IPv4 address of this host (and AAAA its IPv6 address)"));
    say(format!("  {domain}.  MX    10 {host}."));
    say(format!("  {domain}.  TXT   \"v=spf1 mx -all\""));
    say(format!("and have the provider of the address point its reverse name (PTR) to {host}."));
    say(
        "DKIM: posthouse dkim generate; MTA-STS and TLS reports: posthouse transport records, and a listener of role https.",
    );
}

fn say_next(place: &Place, domain: &Domain, administrator: &Address) {
    let options = place.as_options();
    say("");
    say("Next:");
    say(format!("  Start the server        posthouse{options} serve   (or: systemctl start posthouse)"));
    say(format!("  Let somebody have mail  posthouse{options} account add YOU@{domain}"));
    say(format!("  Does all of it work?    posthouse{options} check"));
    say(format!("Mail to postmaster@{domain} goes to {administrator}, which has no IMAP or POP3. To read it:"));
    say(format!("                          posthouse{options} alias add postmaster@{domain} YOU@{domain}"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mail_domain_is_the_parent_of_the_host() {
        let of = |host: &str| mail_domain(&Domain::parse(host).unwrap()).to_string();
        assert_eq!(of("mail.example.org"), "example.org");
        assert_eq!(of("mx.mail.example.org"), "mail.example.org");
        assert_eq!(of("example.org"), "example.org");
        assert_eq!(of("localhost"), "localhost");
    }
}

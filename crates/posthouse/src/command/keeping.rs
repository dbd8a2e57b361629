//! `posthouse backup`, `restore` and `verify`.

use std::io::{IsTerminal, Write};
use std::os::unix::fs::lchown;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use std::{fs, io};

use anyhow::{Context, bail};
use posthouse_model::UnixMillis;
use posthouse_storage_sqlite::backup::{self, BackupPlan, GenerationState};
use posthouse_storage_sqlite::{MasterKey, Options as StoreOptions, Progress, SqliteStorage, Watcher};
use serde::de::DeserializeOwned;

use super::Place;
use crate::cli::Output;
use crate::cli::keeping::{BackupCommand, BackupOptions, RestoreOptions, VerifyCommandOptions};
use crate::configuration::{Configuration, KeySource};
use crate::control::Request;
use crate::control::client::{AskError, Client};
use crate::control::job::{JobRequest, JobView};
use crate::control::keeping::{BackupView, KeepingRequest, VerificationView, verify_options};
use crate::control::server::require_nobody;
use crate::data_files;
use crate::output::{date, say, say_json, say_table};
use crate::rights::RunAs;

/// How often the server is asked how far it is.
const LOOK_INTERVAL: Duration = Duration::from_millis(300);

pub async fn backup(place: &Place, options: BackupOptions) -> anyhow::Result<()> {
    match (options.command, options.directory) {
        (Some(BackupCommand::List { directory, output }), _) => list(&directory, output),
        (Some(BackupCommand::Check { directory, at }), _) => {
            let (name, files, bytes) = backup::check(&directory, at.as_deref(), &watcher())?;
            say(format!("The generation {name} is as it was taken: {files} files, {bytes} octets."));
            Ok(())
        }
        (Some(BackupCommand::Prune { directory, keep }), _) => {
            let removed = backup::prune(&directory, usize::try_from(keep).unwrap_or(usize::MAX))?;
            removed.iter().for_each(|name| say(format!("The generation {name} is gone.")));
            say(format!("Verify: posthouse backup list {}", directory.display()));
            Ok(())
        }
        (None, Some(directory)) => take(place, &std::path::absolute(directory)?, options.output).await,
        (None, None) => bail!("name a directory"),
    }
}

async fn take(place: &Place, directory: &Path, output: Output) -> anyhow::Result<()> {
    let view: BackupView = match server(place).await? {
        Some(server) => {
            let request = KeepingRequest::Backup { directory: directory.to_owned() };
            through(server, request).await?
        }
        None => take_of_stopped(place, directory).await?,
    };
    if output.json {
        return say_json(&view);
    }
    let BackupView { generation, files, bytes, copied_bytes, continued } = view;
    if continued {
        say("It went on with a backup that had been interrupted.");
    }
    say(format!("The backup {generation} is complete: {files} files, {bytes} octets, {copied_bytes} of them new."));
    say(format!("Verify: posthouse backup check {}", directory.display()));
    Ok(())
}

/// Opens the store in place of the server that does not run.
async fn take_of_stopped(place: &Place, directory: &Path) -> anyhow::Result<BackupView> {
    let (configuration, master_key) = stopped(place)?;
    let data = &configuration.data_directory;
    let files = data_files::find(data, &configuration.file, directory)
        .with_context(|| format!("{}: the data directory cannot be read", data.display()))?;
    let store = SqliteStorage::open(existing_store(data)?, StoreOptions { master_key, ..StoreOptions::default() })?;
    let plan = BackupPlan { directory: directory.to_owned(), taken_at: now(), files, watcher: watcher() };
    let taking = Arc::clone(&store);
    let taken = tokio::task::spawn_blocking(move || taking.back_up(&plan)).await?;
    store.close().await;
    Ok(taken?.into())
}

fn list(directory: &Path, output: Output) -> anyhow::Result<()> {
    let generations = backup::generations(directory)?;
    let word = |state| match state {
        GenerationState::Complete => "complete",
        GenerationState::Interrupted => "interrupted",
        GenerationState::Damaged => "damaged",
    };
    if output.json {
        let views: Vec<serde_json::Value> = generations
            .iter()
            .map(|one| {
                serde_json::json!({
                    "generation": one.name, "state": word(one.state), "taken_at": one.taken_at.0,
                    "files": one.files, "bytes": one.bytes,
                })
            })
            .collect();
        return say_json(&views);
    }
    let rows: Vec<Vec<String>> = generations
        .iter()
        .map(|one| {
            let taken = if one.state == GenerationState::Complete { date(one.taken_at.0) } else { "-".to_owned() };
            let state = word(one.state).to_owned();
            vec![one.name.clone(), state, taken, one.files.to_string(), one.bytes.to_string()]
        })
        .collect();
    say_table(&["GENERATION", "STATE", "TAKEN", "FILES", "OCTETS"], &rows, "There are no backups.");
    Ok(())
}

pub fn restore(place: &Place, options: &RestoreOptions) -> anyhow::Result<()> {
    let configuration = match (&options.to, place.config().exists()) {
        // A host that is made anew may have no configuration yet: it is in the backup.
        (Some(_), false) => None,
        _ => Some(Configuration::read(place.config())?),
    };
    let data = match &options.to {
        Some(to) => std::path::absolute(to)?,
        None => configuration.as_ref().context("--to is missing")?.data_directory.clone(),
    };
    if let Some(configuration) = configuration.as_ref().filter(|one| one.data_directory == data) {
        require_nobody(&configuration.control_socket)?;
    }
    let restored = backup::restore(&options.directory, options.at.as_deref(), &data, options.replace, &watcher())?;
    if let Some((user, group)) = configuration.as_ref().and_then(|configuration| configuration.run_as.as_ref())
        && let Some(run_as) = RunAs::find(user, group.as_deref())?
    {
        give(&data, &run_as).with_context(|| format!("{}: cannot be given to its user", data.display()))?;
    }
    let backup::Restored { name, files, bytes, replaced, left } = restored;
    say(format!("The generation {name} is in {}: {files} files, {bytes} octets, all as taken.", data.display()));
    for path in replaced {
        say(format!("What was there before is now {}; remove it when you are sure.", path.display()));
    }
    for path in left {
        say(format!("The configuration is in {}: copy it to where it belongs.", path.display()));
    }
    say(format!("Verify: posthouse{} verify", place.as_options()));
    Ok(())
}

/// Gives a directory and all that is in it to a user.
fn give(path: &Path, to: &RunAs) -> io::Result<()> {
    lchown(path, Some(to.uid()), Some(to.gid()))?;
    if fs::symlink_metadata(path)?.is_dir() {
        for entry in fs::read_dir(path)? {
            give(&entry?.path(), to)?;
        }
    }
    Ok(())
}

pub async fn verify(place: &Place, options: VerifyCommandOptions) -> anyhow::Result<()> {
    let view: VerificationView = match (server(place).await?, options.repair) {
        (Some(_), true) => bail!("a store in use cannot be repaired: stop the server first"),
        (Some(server), false) => through(server, KeepingRequest::Verify).await?,
        (None, is_repair) => {
            let (configuration, master_key) = stopped(place)?;
            let data = existing_store(&configuration.data_directory)?;
            tokio::task::spawn_blocking(move || verify_stopped(&data, master_key, is_repair)).await??
        }
    };
    if options.output.json {
        say_json(&view)?;
    } else {
        say_verification(&view);
    }
    match view.problems.len() {
        0 => Ok(()),
        1 => bail!("1 problem was found"),
        count => bail!("{count} problems were found"),
    }
}

fn verify_stopped(store: &Path, master_key: Option<MasterKey>, is_repair: bool) -> anyhow::Result<VerificationView> {
    if is_repair {
        return Ok(SqliteStorage::repair(store, master_key, &verify_options(watcher()))?.into());
    }
    let store = SqliteStorage::open(store, StoreOptions { master_key, ..StoreOptions::default() })?;
    let runtime = tokio::runtime::Handle::current();
    let found = runtime.block_on(store.verify_with(verify_options(watcher())));
    runtime.block_on(store.close());
    Ok(found?.into())
}

fn say_verification(view: &VerificationView) {
    let VerificationView { problems, lost, mended, mailboxes, messages, bodies, body_bytes } = view;
    say(format!("{mailboxes} mailboxes, {messages} messages, {bodies} bodies of {body_bytes} octets were looked at."));
    mended.iter().for_each(|line| say(format!("mended   {line}")));
    problems.iter().for_each(|line| say(format!("problem  {line}")));
    lost.iter().for_each(|line| say(format!("lost     {line}")));
    if problems.is_empty() {
        say("All is as it should be.");
    }
}

/// The running server, if one runs.
async fn server(place: &Place) -> anyhow::Result<Option<Client>> {
    match place.server().await {
        Ok(server) => Ok(Some(server)),
        Err(error) if matches!(error.downcast_ref(), Some(AskError::NotRunning(_))) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The configuration of a server that does not run, as whose user the rest is done.
fn stopped(place: &Place) -> anyhow::Result<(Configuration, Option<MasterKey>)> {
    let configuration = Configuration::read(place.config())?;
    require_nobody(&configuration.control_socket)?;
    // Perhaps only root may read it.
    let master_key = configuration.encryption_key.as_ref().map(KeySource::read).transpose()?;
    if let Some((user, group)) = &configuration.run_as
        && let Some(run_as) = RunAs::find(user, group.as_deref())?
    {
        run_as.drop_rights()?;
    }
    Ok((configuration, master_key))
}

fn existing_store(data: &Path) -> anyhow::Result<PathBuf> {
    let store = data.join("store");
    if !store.join("index.db").exists() {
        bail!("{}: there is no store", store.display());
    }
    Ok(store)
}

/// Has the server begin something, and waits for its end.
async fn through<T: DeserializeOwned>(mut server: Client, request: KeepingRequest) -> anyhow::Result<T> {
    let mut view: JobView = server.ask(&Request::Keeping(request)).await?;
    let show = watcher().progress;
    loop {
        if let Some(failure) = view.failure {
            bail!(failure);
        }
        if let Some(outcome) = view.outcome {
            return Ok(serde_json::from_value(outcome)?);
        }
        tokio::time::sleep(LOOK_INTERVAL).await;
        view = server.ask(&Request::Job(JobRequest::Look { number: view.number })).await?;
        let doing = match view.doing.as_str() {
            "index" => "index",
            "bodies" => "bodies",
            "segments" => "segments",
            _ => "work",
        };
        show(Progress { doing, done: view.done, total: view.total });
    }
}

/// Shows on a terminal how far something is.
fn watcher() -> Watcher {
    if !io::stderr().is_terminal() {
        return Watcher::default();
    }
    let last = std::sync::Mutex::new(None);
    let progress = move |progress: Progress| {
        let percent = progress.done.saturating_mul(100) / progress.total.max(1);
        let mut last = last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if *last != Some((progress.doing, percent)) {
            *last = Some((progress.doing, percent));
            // Where nobody looks, nothing is lost.
            let _ = write!(io::stderr(), "\r{}: {percent} % \r", progress.doing);
        }
    };
    Watcher { progress: Arc::new(progress), stop: Arc::default() }
}

fn now() -> UnixMillis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMillis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

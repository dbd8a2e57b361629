//! `posthouse encryption`.

use std::fs::OpenOptions;
use std::io::{self, IsTerminal, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use posthouse_storage_sqlite::MasterKey;

use super::Place;
use crate::cli::{EncryptionCommand, Output};
use crate::configuration::{Configuration, read_key_file};
use crate::control::Request;
use crate::control::client::Client;
use crate::control::encryption::{EncryptionRequest, EncryptionView};
use crate::output::{say, say_json};

/// Rights of a key file that is made.
const KEY_FILE_MODE: u32 = 0o600;
/// How often progress is asked for.
const LOOK_PAUSE: Duration = Duration::from_millis(500);

pub async fn run(place: &Place, command: EncryptionCommand) -> anyhow::Result<()> {
    let (request, wait) = match command {
        EncryptionCommand::GenerateKey { file } => return generate_key(&file),
        EncryptionCommand::Status(output) => return status(place, output).await,
        EncryptionCommand::Enable { wait } => (EncryptionRequest::Enable, wait),
        EncryptionCommand::Rotate { wait } => (EncryptionRequest::Rotate, wait),
        EncryptionCommand::Disable { wait } => (EncryptionRequest::Disable, wait),
        EncryptionCommand::ChangeKey { to } => return change_key(place, &to).await,
        EncryptionCommand::ForgetFormerKey => return forget_former_key(place).await,
    };
    let mut server = place.server().await?;
    let view = ask(&mut server, request).await?;
    if wait {
        return until_done(&mut server, view).await;
    }
    say(sentence(&view));
    say(format!("Verify: posthouse{} encryption status", place.as_options()));
    Ok(())
}

async fn ask(server: &mut Client, request: EncryptionRequest) -> anyhow::Result<EncryptionView> {
    Ok(server.ask(&Request::Encryption(request)).await?)
}

fn generate_key(file: &Path) -> anyhow::Result<()> {
    let shown = file.display();
    let key = MasterKey::generate();
    let mut made = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(KEY_FILE_MODE)
        .open(file)
        .with_context(|| format!("{shown}: the key file cannot be made"))?;
    made.write_all(key.to_text().expose())
        .and_then(|()| made.write_all(b"\n"))
        .and_then(|()| made.sync_all())
        .with_context(|| format!("{shown}: the key cannot be written"))?;
    say(format!("The key {} is in {shown}.", key.fingerprint()));
    say("Keep a copy where the mail is not: without the key nobody can read the mail, and no backup of it.");
    Ok(())
}

async fn status(place: &Place, output: Output) -> anyhow::Result<()> {
    let view = ask(&mut place.server().await?, EncryptionRequest::Status).await?;
    if output.json {
        return say_json(&view);
    }
    say(sentence(&view));
    say(format!("data keys    {}", list(view.data_keys.iter().map(u32::to_string))));
    say(format!("master keys  {}", list(view.master_keys.iter().cloned())));
    say(format!("opened with  {}", view.opened_with.as_deref().unwrap_or("no key")));
    if view.bodies_damaged > 0 {
        say(format!("{} messages are damaged and stay as they are; the server's log names them.", view.bodies_damaged));
    }
    Ok(())
}

fn list(words: impl Iterator<Item = String>) -> String {
    let words: Vec<String> = words.collect();
    if words.is_empty() { "none".to_owned() } else { words.join(" ") }
}

fn sentence(view: &EncryptionView) -> String {
    let progress = format!("{} of {} messages done", view.bodies_done, view.bodies_total);
    match view.state.as_str() {
        "off" => "The mail is not encrypted.".to_owned(),
        "on" => "The mail is encrypted.".to_owned(),
        "encrypting" => format!("New mail is encrypted; what was there is being encrypted: {progress}."),
        "rotating" => format!("The mail is encrypted and goes over to a new data key: {progress}."),
        "decrypting" => format!("New mail is not encrypted; what was there is being decrypted: {progress}."),
        _ => "All mail is encrypted; what it was before is being wiped from the index.".to_owned(),
    }
}

async fn until_done(server: &mut Client, mut view: EncryptionView) -> anyhow::Result<()> {
    let is_terminal = io::stdout().is_terminal();
    let mut said = String::new();
    while !view.is_done() {
        if view.bodies_damaged > 0 {
            bail!("{} messages are damaged and cannot follow; the server's log names them", view.bodies_damaged);
        }
        let line = sentence(&view);
        if is_terminal {
            // The line is written over the one before.
            let _ = write!(io::stdout(), "\r\x1b[K{line}").and_then(|()| io::stdout().flush());
        } else if line != said {
            say(&line);
        }
        said = line;
        tokio::time::sleep(LOOK_PAUSE).await;
        view = ask(server, EncryptionRequest::Status).await?;
    }
    if is_terminal {
        say("");
    }
    say(sentence(&view));
    Ok(())
}

async fn change_key(place: &Place, to: &Path) -> anyhow::Result<()> {
    let key = read_key_file(to)?.to_text();
    let view = ask(&mut place.server().await?, EncryptionRequest::AddMasterKey { key }).await?;
    say(format!("The mail opens with the key {} as well now.", view.master_keys.last().map_or("", String::as_str)));
    say("Put it where the configuration says that the key is, then forget the former one:");
    say(format!("  posthouse{} encryption forget-former-key", place.as_options()));
    say("A restart with the new key does that, too. Keep the former key for as long as backups made with it.");
    Ok(())
}

async fn forget_former_key(place: &Place) -> anyhow::Result<()> {
    let source = Configuration::read(place.config())?.encryption_key;
    let Some(source) = source else { bail!("the configuration names no key under [encryption]") };
    let key = source.read()?.to_text();
    let view = ask(&mut place.server().await?, EncryptionRequest::ForgetFormerKeys { key }).await?;
    say(format!("Only the key {} opens the mail now.", list(view.master_keys.into_iter())));
    Ok(())
}

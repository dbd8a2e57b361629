//! `posthouse import` and `posthouse export`.

mod house;
mod report;

use std::sync::Arc;

use anyhow::Context;
use posthouse_migration::imap::{ImapServer, ImapSource, ImapTarget, Protection};
use posthouse_migration::maildir::{Layout, LayoutChoice, MaildirSource, MaildirTarget};
use posthouse_migration::mbox::{Form, MboxSource, MboxTarget};
use posthouse_migration::{MailboxChoice, Mode, Source, Target, transfer};
use posthouse_model::Address;
use posthouse_tls::{ClientTls, TrustRoots};

use self::house::{HouseSource, HouseTarget};
use self::report::{Direction, Watcher, report};
use super::Place;
use crate::cli::migration::{
    ExportCommand, ImportCommand, LayoutName, LayoutOptions, MboxForm, ServerOptions, TransferOptions,
};
use crate::control::client::Client;
use crate::control::migration::MigrationRequest;
use crate::control::{Request, Text};
use crate::output::say;
use crate::password_source::known_password;

/// The port of IMAP in TLS.
const IMAPS_PORT: u16 = 993;
/// The port of IMAP that begins in clear.
const IMAP_PORT: u16 = 143;

pub async fn import(place: &Place, command: ImportCommand) -> anyhow::Result<()> {
    match command {
        ImportCommand::Maildir { address, path, layout, source_name, options } => {
            let shown = path.display().to_string();
            let source = MaildirSource::open(&path, choice_of(layout), source_name.as_deref()).context(shown)?;
            bring(place, address, source, &options).await
        }
        ImportCommand::Mbox { address, path, form, single_name, source_name, options } => {
            let form = match form {
                MboxForm::Mboxrd => Form::Rd,
                MboxForm::Mboxo => Form::O,
                MboxForm::Mboxcl2 => Form::Cl2,
            };
            let shown = path.display().to_string();
            let source = MboxSource::open(&path, form, single_name.as_ref(), source_name.as_deref()).context(shown)?;
            bring(place, address, source, &options).await
        }
        ImportCommand::Imap { address, server, source_name, options } => {
            let source = ImapSource::open(imap_server(&server)?, source_name.as_deref());
            let source = source.await.with_context(|| server.host.clone())?;
            bring(place, address, source, &options).await
        }
        ImportCommand::Forget { address } => {
            let request = MigrationRequest::Forget { address: Text(address.clone()) };
            let count: u64 = place.server().await?.ask(&Request::Migration(request)).await?;
            say(format!("It is forgotten that {count} messages were brought into {address}: they would come again."));
            Ok(())
        }
    }
}

pub async fn export(place: &Place, command: ExportCommand) -> anyhow::Result<()> {
    match command {
        ExportCommand::Maildir { address, path, layout, options } => {
            let layout = layout_of(layout).unwrap_or(Layout::SideBySide(layout.separator));
            let target = MaildirTarget::open(&path, layout).with_context(|| path.display().to_string())?;
            take(place, address, target, &options).await
        }
        ExportCommand::Imap { address, server, options } => {
            let target = ImapTarget::open(&imap_server(&server)?).await.with_context(|| server.host.clone())?;
            take(place, address, target, &options).await
        }
        ExportCommand::Mbox { address, path, options } => {
            let target = MboxTarget::open(&path).with_context(|| path.display().to_string())?;
            take(place, address, target, &options).await
        }
    }
}

/// Brings mail in.
async fn bring(
    place: &Place,
    address: Address,
    mut source: impl Source,
    options: &TransferOptions,
) -> anyhow::Result<()> {
    let mut target = HouseTarget::new(find(place, &address).await?, address);
    run(&mut source, &mut target, options, Direction::Import).await
}

/// Takes mail out.
async fn take(
    place: &Place,
    address: Address,
    mut target: impl Target,
    options: &TransferOptions,
) -> anyhow::Result<()> {
    let mut source = HouseSource::new(find(place, &address).await?, address);
    run(&mut source, &mut target, options, Direction::Export).await
}

/// The server, if it has that account.
async fn find(place: &Place, address: &Address) -> anyhow::Result<Client> {
    let mut server = place.server().await?;
    let request = MigrationRequest::Known { address: Text(address.clone()), keys: Vec::new() };
    let _: Vec<bool> = server.ask(&Request::Migration(request)).await.context(address.to_string())?;
    Ok(server)
}

async fn run(
    source: &mut dyn Source,
    target: &mut dyn Target,
    options: &TransferOptions,
    direction: Direction,
) -> anyhow::Result<()> {
    let choice =
        MailboxChoice { only: options.mailbox.clone(), except: options.except.clone(), below: options.below.clone() };
    let mode = if options.dry_run { Mode::DryRun } else { Mode::Move };
    let mut watcher = Watcher::new(options.output);
    let summary = transfer(source, target, &choice, mode, &mut watcher).await;
    watcher.end();
    report(&summary, direction, mode, options.output)
}

/// The server that the options name.
fn imap_server(options: &ServerOptions) -> anyhow::Result<ImapServer> {
    let (host, port) = match options.host.rsplit_once(':') {
        // An address of version 6 without a port has colons, too.
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
            (host, Some(port.parse().with_context(|| format!("`{port}` is not a port"))?))
        }
        _ => (options.host.as_str(), None),
    };
    let protection = match (options.starttls, options.clear) {
        (true, _) => Protection::StartTls,
        (_, true) => Protection::Clear { dangerous_anywhere: options.dangerously_anywhere },
        _ => Protection::Tls,
    };
    let usual_port = if protection == Protection::Tls { IMAPS_PORT } else { IMAP_PORT };
    let roots = options.trust_roots.clone().map_or(TrustRoots::Platform, TrustRoots::PemFile);
    let tls = ClientTls::new(&roots, None).context("the trust roots cannot be used")?;
    let password = known_password(options, &format!("{} at {host}", options.login))?;
    Ok(ImapServer {
        host: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
        port: port.unwrap_or(usual_port),
        protection,
        tls: Arc::new(tls),
        login: options.login.clone(),
        password,
    })
}

fn layout_of(options: LayoutOptions) -> Option<Layout> {
    options.layout.map(|layout| match layout {
        LayoutName::SideBySide => Layout::SideBySide(options.separator),
        LayoutName::Nested => Layout::Nested,
    })
}

fn choice_of(options: LayoutOptions) -> LayoutChoice {
    match layout_of(options) {
        Some(layout) => LayoutChoice::Given(layout),
        // Who names another separator says by that how the folders lie.
        None if options.separator != '.' => LayoutChoice::Given(Layout::SideBySide(options.separator)),
        None => LayoutChoice::AsItLooks,
    }
}

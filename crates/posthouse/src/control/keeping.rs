//! Backup and verification of the running server's store.

use std::path::PathBuf;
use std::sync::Arc;

use posthouse_mailbox::parse_message;
use posthouse_storage_sqlite::backup::{BackupPlan, BackupTaken};
use posthouse_storage_sqlite::{Repair, Verification, VerifyOptions, Watcher};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Refusal;
use crate::data_files;
use crate::house::House;

/// What is asked. Each begins work, and is answered by a [`JobView`](super::job::JobView).
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeepingRequest {
    /// Take a backup: in the end a [`BackupView`].
    Backup {
        /// Into this directory.
        directory: PathBuf,
    },
    /// Check everything: in the end a [`VerificationView`].
    Verify,
}

/// A backup that was taken.
#[derive(Debug, Serialize, Deserialize)]
pub struct BackupView {
    /// The generation's name.
    pub generation: String,
    /// Files in it.
    pub files: u64,
    /// Octets of them.
    pub bytes: u64,
    /// Octets of them that were not shared with the generation before.
    pub copied_bytes: u64,
    /// Whether it went on with one that was interrupted.
    pub continued: bool,
}

impl From<BackupTaken> for BackupView {
    fn from(taken: BackupTaken) -> Self {
        let BackupTaken { name, files, bytes, copied_bytes, continued } = taken;
        Self { generation: name, files, bytes, copied_bytes, continued }
    }
}

/// What checking everything found.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct VerificationView {
    /// What is wrong.
    pub problems: Vec<String>,
    /// Messages that only a backup can bring back.
    pub lost: Vec<String>,
    /// What was mended, when that was asked for.
    pub mended: Vec<String>,
    /// Mailboxes looked at.
    pub mailboxes: u64,
    /// Messages in them.
    pub messages: u64,
    /// Bodies read.
    pub bodies: u64,
    /// Octets of them.
    pub body_bytes: u64,
}

impl From<Verification> for VerificationView {
    fn from(found: Verification) -> Self {
        Self {
            problems: found.problems,
            lost: found.lost.iter().map(ToString::to_string).collect(),
            mended: Vec::new(),
            mailboxes: found.mailboxes,
            messages: found.messages,
            bodies: found.bodies,
            body_bytes: found.body_bytes,
        }
    }
}

impl From<Repair> for VerificationView {
    fn from(repair: Repair) -> Self {
        Self { problems: repair.remaining, mended: repair.mended, ..Self::from(repair.before) }
    }
}

/// Everything that a check looks at.
pub fn verify_options(watcher: Watcher) -> VerifyOptions {
    VerifyOptions { parse: Some(|raw| parse_message(raw).stored), watcher }
}

pub fn answer(request: KeepingRequest, house: &House) -> Result<Value, Refusal> {
    let store = Arc::clone(&house.store);
    match request {
        KeepingRequest::Backup { directory } => {
            let unlisted = |error| Refusal::Other(format!("{}: {error}", house.data_directory.display()));
            let files =
                data_files::find(&house.data_directory, &house.configuration_file, &directory).map_err(unlisted)?;
            let taken_at = house.now();
            house.jobs.begin("backup", move |watcher| {
                let plan = BackupPlan { directory, taken_at, files, watcher };
                store.back_up(&plan).map(BackupView::from)
            })
        }
        KeepingRequest::Verify => {
            let runtime = tokio::runtime::Handle::current();
            house.jobs.begin("verification", move |watcher| {
                runtime.block_on(store.verify_with(verify_options(watcher))).map(VerificationView::from)
            })
        }
    }
}

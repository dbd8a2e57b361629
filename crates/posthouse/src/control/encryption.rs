//! Encryption at rest, while the server runs.

use posthouse_model::Secret;
use posthouse_storage_sqlite::{EncryptionStep, MasterKey};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::wire_types::password;
use super::{Refusal, shape};
use crate::house::House;

/// What is asked about encryption. Each is answered with an [`EncryptionView`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EncryptionRequest {
    /// How it stands.
    Status,
    /// Encrypt.
    Enable,
    /// Go over to a new data key.
    Rotate,
    /// Decrypt.
    Disable,
    /// Let this master key open the store, too.
    AddMasterKey {
        /// The key.
        #[serde(with = "password")]
        key: Secret,
    },
    /// Let only this master key open the store.
    ForgetFormerKeys {
        /// The key.
        #[serde(with = "password")]
        key: Secret,
    },
}

/// How encryption stands, for people and scripts.
#[derive(Debug, Serialize, Deserialize)]
pub struct EncryptionView {
    /// `off`, `encrypting`, `scrubbing`, `on`, `rotating` or `decrypting`.
    pub state: String,
    /// Bodies that have been gone through since the last change.
    pub bodies_done: u64,
    /// Bodies that were there when it began.
    pub bodies_total: u64,
    /// Bodies that could not be gone through, because they are damaged.
    pub bodies_damaged: u64,
    /// Numbers of the data keys in use.
    pub data_keys: Vec<u32>,
    /// Fingerprints of the master keys that open the store, the newest last.
    pub master_keys: Vec<String>,
    /// Fingerprint of the key that the server was started with.
    pub opened_with: Option<String>,
}

impl EncryptionView {
    /// Whether all that was asked for has been done.
    pub fn is_done(&self) -> bool {
        matches!(self.state.as_str(), "on" | "off")
    }
}

pub async fn answer(request: EncryptionRequest, house: &House) -> Result<Value, Refusal> {
    let store = &house.store;
    match request {
        EncryptionRequest::Status => {}
        EncryptionRequest::Enable => store.enable_encryption().await?,
        EncryptionRequest::Rotate => store.rotate_data_key().await?,
        EncryptionRequest::Disable => store.disable_encryption().await?,
        EncryptionRequest::AddMasterKey { key } => store.add_master_key(read(key)?).await?,
        EncryptionRequest::ForgetFormerKeys { key } => store.forget_former_master_keys(read(key)?).await?,
    }
    let status = store.encryption_status().await?;
    shape(EncryptionView {
        state: word(status.step).to_owned(),
        bodies_done: status.bodies_done,
        bodies_total: status.bodies_total,
        bodies_damaged: status.bodies_damaged,
        data_keys: status.data_keys,
        master_keys: status.master_keys,
        opened_with: status.opened_with,
    })
}

#[allow(clippy::needless_pass_by_value, reason = "it is wiped when it was read")]
fn read(key: Secret) -> Result<MasterKey, Refusal> {
    MasterKey::parse(&key).map_err(|error| Refusal::Other(error.to_string()))
}

fn word(step: EncryptionStep) -> &'static str {
    match step {
        EncryptionStep::Off => "off",
        EncryptionStep::Encrypting => "encrypting",
        EncryptionStep::On => "on",
        EncryptionStep::Rotating => "rotating",
        EncryptionStep::Decrypting => "decrypting",
        EncryptionStep::Scrubbing => "scrubbing",
    }
}

//! How encryption stands, for those who look on.

/// What is going on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EncryptionStep {
    /// Nothing is encrypted.
    Off,
    /// New mail is encrypted; what was there before is being encrypted.
    Encrypting,
    /// Everything is encrypted, under one data key.
    On,
    /// Everything is encrypted; what is not under the newest data key yet is being brought to it.
    Rotating,
    /// New mail is not encrypted; what was there before is being decrypted.
    Decrypting,
    /// Everything has been encrypted; what it was before is being taken out of free room.
    Scrubbing,
}

/// How encryption stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncryptionStatus {
    /// What is going on.
    pub step: EncryptionStep,
    /// Bodies that have been gone through since the last change.
    pub bodies_done: u64,
    /// Bodies that were there when it began.
    pub bodies_total: u64,
    /// Bodies that could not be gone through because they are damaged. While there are any, the step does not end.
    pub bodies_damaged: u64,
    /// Numbers of the data keys in use, rising.
    pub data_keys: Vec<u32>,
    /// Fingerprints of the master keys that open the store, the newest last.
    pub master_keys: Vec<String>,
    /// Fingerprint of the master key that the store was opened with.
    pub opened_with: Option<String>,
}

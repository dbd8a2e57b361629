//! Encryption at rest.
//!
//! **Keys.** A *master key* comes from outside and only wraps *data keys*, which lie wrapped in the index
//! ([`key_ring`]). Each record and each row is sealed under a key of its own, derived from a data key and a random
//! salt ([`sealing`]).
//!
//! **Nonces never repeat**, because no key is used twice: a salt has 192 bits, so that two are never equal, also not
//! after a crash or in a store that was restored from a backup, where every counter would begin again. Under the key
//! of a record a nonce is the number of the chunk, under that of a row the number of the value.
//!
//! **Places.** What a text is and whose goes into the authenticated data, so that nothing can be put elsewhere.
//! Segment and offset do not, for compaction moves records as they are.
//!
//! `body_chunks` is how a body is sealed so that a part can be read, `writer::encryption` what changes under way.

mod body_chunks;
mod key_ring;
mod master_key;
mod row_texts;
mod sealing;
mod secrets;
mod state;
mod status;

pub(crate) use body_chunks::{BodySealer, open_range, sealed_bytes};
pub(crate) use key_ring::{KeyRing, Keys, forget_other_masters, insert_master, master_keys};
pub(crate) use row_texts::{RowTexts, read_rows};
pub(crate) use sealing::{RootKey, RowOpener, RowSealer, SEAL_BYTES, Seal};
pub(crate) use secrets::{
    ACCOUNT_KEY, ROUTE, SECRET_TABLES, SETTING, SecretRow, SecretSealer, SecretTable, check as check_secrets,
    read_until_opened,
};
pub(crate) use state::State;

pub(crate) use master_key::hex;
pub use master_key::{MasterKey, MasterKeyError};
pub use status::{EncryptionStatus, EncryptionStep};

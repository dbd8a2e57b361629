//! What the process says to whoever started it: exit codes, after sysexits.h.

use posthouse_server::BindError;
use posthouse_storage::StorageError;
use posthouse_tls::FilesError;

use crate::configuration::Problem;
use crate::control::client::AskError;
use crate::rights::RightsError;

/// It was refused, or failed.
pub const FAILED: u8 = 1;
/// No server answers (`EX_UNAVAILABLE`).
pub const NO_SERVER: u8 = 69;
/// The system does not give a port or a right (`EX_OSERR`).
pub const NO_PORT_OR_RIGHT: u8 = 71;
/// The data cannot be used (`EX_IOERR`).
pub const NO_DATA: u8 = 74;
/// The configuration is wrong (`EX_CONFIG`).
pub const BAD_CONFIGURATION: u8 = 78;

/// The data directory cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct DataError(pub String);

/// The code for an error.
pub fn exit_code(error: &anyhow::Error) -> u8 {
    for cause in error.chain() {
        if cause.is::<Problem>() {
            return BAD_CONFIGURATION;
        }
        if cause.is::<BindError>() || cause.is::<RightsError>() {
            return NO_PORT_OR_RIGHT;
        }
        if cause.is::<StorageError>() || cause.is::<DataError>() || cause.is::<FilesError>() {
            return NO_DATA;
        }
        if let Some(AskError::NotRunning(_) | AskError::Forbidden(_) | AskError::Broken { .. }) = cause.downcast_ref() {
            return NO_SERVER;
        }
    }
    FAILED
}

//! ARC: what those who hand a message on found out about it, sealed (RFC 8617).
//!
//! [`ArcChain`] finds the sets that a message bears and says whether they hold together; [`ArcChain::seal`] adds one. A set
//! is three fields of one number: what its maker found out (`ARC-Authentication-Results`), a signature of the message as
//! it left (`ARC-Message-Signature`), and a seal over all sets up to it (`ARC-Seal`).

mod instance;
mod seal;
mod sets;
#[cfg(test)]
mod tests;
mod verify;

pub use seal::ARC_SIGNED_FIELDS;
pub use sets::{ArcChain, ArcFault, MAX_ARC_SETS};
pub use verify::{ArcOutcome, ArcResult};

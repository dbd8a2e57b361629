//! What the targets share: scripts that drive a session, the house that answers it, and what its output must look like.

pub mod credentials;
pub mod drive;
pub mod imap_house;
pub mod imap_wire;
pub mod script;

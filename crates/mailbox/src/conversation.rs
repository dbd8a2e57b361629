//! The conversation that a message belongs to (THREADID, RFC 8474 §5.2).

use posthouse_mime::{Structure, thread_root};
use posthouse_model::ThreadId;

/// What is hashed before the identifier of a conversation's first message.
const ROOT_LABEL: &[u8] = b"posthouse thread root\0";
/// What is hashed before the header of a message that names none.
const HEADER_LABEL: &[u8] = b"posthouse thread header\0";

/// Works it out from the header, without looking at other messages: what has once been told never changes, and
/// answers find each other in whatever order they come. `raw` need not go beyond the header.
///
/// A message that names neither itself nor another one is a conversation of its own.
pub(crate) fn thread_of(structure: &Structure, raw: &[u8]) -> ThreadId {
    let mut hasher = blake3::Hasher::new();
    match thread_root(structure, raw) {
        Some(root) => hasher.update(ROOT_LABEL).update(root.as_bytes()),
        None => hasher.update(HEADER_LABEL).update(structure.root().header.of(raw)),
    };
    let mut id = [0; 16];
    id.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    ThreadId(id)
}

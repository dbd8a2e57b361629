//! What is worked out about a message once, when it comes in.

use bytes::Bytes;
use posthouse_mime::{Rendered, Structure, Summary};
use posthouse_storage::ParsedMessage;

use crate::conversation::thread_of;
use crate::sort::keys::sort_keys;

/// A message's structure, both to use now and to store.
#[derive(Clone, Debug)]
pub struct ParsedDelivery {
    /// To use now.
    pub structure: Structure,
    /// To store.
    pub stored: ParsedMessage,
}

/// Works out what is stored beside a message. Never fails: what cannot be understood is opaque.
pub fn parse_message(raw: &[u8]) -> ParsedDelivery {
    let structure = Structure::parse(raw);
    let rendered = Rendered::new(&structure, raw);
    let summary = Summary::new(&structure, raw);
    let sort_keys = Bytes::from(sort_keys(&structure, &summary, raw));
    let stored = ParsedMessage {
        structure: Bytes::from(structure.encode()),
        envelope: Bytes::from(rendered.envelope),
        body: Bytes::from(rendered.body),
        bodystructure: Bytes::from(rendered.bodystructure),
        sent_local_seconds: summary.sent.map(|date| date.unix_seconds + i64::from(date.offset_minutes) * 60),
        preview: Some(summary.preview),
        thread: Some(thread_of(&structure, raw)),
        sort_keys,
    };
    ParsedDelivery { structure, stored }
}

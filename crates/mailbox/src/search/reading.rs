//! What of a message is text, and reading no more than that.
//!
//! The header's fields are text, decoded; so are the parts of type text, attachments included, HTML as a reader sees
//! it; and the header fields of parts and of messages within the message. Searching and indexing both read through
//! [`TextSink`], so that they cannot see different things.

use std::sync::Arc;

use memchr::memchr;
use memchr::memmem::find;
use posthouse_mime::address::mailboxes;
use posthouse_mime::{HeaderField, Mailbox, Span, Structure, body_text, decode_header_text, parse_addresses};
use posthouse_storage::{BodyKey, BodySlice, Storage, StorageError};
use tokio::sync::Semaphore;

use super::needle::is_plain;

/// Fields that hold addresses.
const ADDRESS_FIELDS: [&str; 6] = ["from", "sender", "reply-to", "to", "cc", "bcc"];
/// Characters of a header field that are read.
const MAX_FIELD_CHARS: usize = 64 * 1024;
/// Octets of a part, as it is transferred, that are read. What lies beyond is not searched.
const MAX_PART_BYTES: u64 = 8 * 1024 * 1024;
/// Octets of all parts of a message together that are read.
const MAX_MESSAGE_BYTES: u64 = 32 * 1024 * 1024;
/// Messages up to this size are read at once; of larger ones only what is text, part by part.
pub(super) const SMALL_MESSAGE_BYTES: u64 = 128 * 1024;

/// What takes the texts of a message in.
pub(super) trait TextSink: Send + 'static {
    /// Whether a field of the message's header of this name, whatever the case, need be decoded.
    fn wants_field(&self, name: &[u8]) -> bool;
    /// A field of the message's header whose value, folded or not, needs no decoding. False when it is to be decoded
    /// all the same.
    fn plain_field(&mut self, _name: &[u8], _value: &[u8]) -> bool {
        false
    }
    /// A field of the message's header: its name in lower case, its value decoded.
    fn field(&mut self, name: &str, value: &str);
    /// A text of the body.
    fn body(&mut self, text: &str);
    /// Whether nothing more is wanted.
    fn is_satisfied(&self) -> bool;
}

/// A field as it is found by who looks for it in the whole header.
pub(super) fn named(name: &str, value: &str) -> String {
    format!("{name}: {value}")
}

/// Has `sink` take in a header, of which these are the fields: their names, whatever the case, and their values.
pub(super) fn read_header<'a>(fields: impl Iterator<Item = (&'a [u8], &'a [u8])>, sink: &mut impl TextSink) {
    for (name, value) in fields {
        if sink.is_satisfied() {
            return;
        }
        if sink.wants_field(name) && !(is_as_written(name, value) && sink.plain_field(name, value.trim_ascii())) {
            let name = String::from_utf8_lossy(name).to_ascii_lowercase();
            sink.field(&name, &header_text(&name, value));
        }
    }
}

/// Whether [`header_text`] changes no more than white space.
fn is_as_written(name: &[u8], value: &[u8]) -> bool {
    let is_address = || ADDRESS_FIELDS.iter().any(|field| field.as_bytes().eq_ignore_ascii_case(name));
    value.len() <= MAX_FIELD_CHARS
        && is_plain(value)
        && find(value, b"=?").is_none()
        && (memchr(b'(', value).is_none() || !is_address())
}

/// The fields of the header of a message that begins with `octets`.
pub(super) fn fields_of<'a>(structure: &'a Structure, octets: &'a [u8]) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
    structure.root().fields.iter().map(|field| (field.name.as_str().as_bytes(), field.value.of(octets)))
}

/// The text of a field of the message's header. An address that is written with a comment within is found as it is
/// meant, too.
fn header_text(name: &str, value: &[u8]) -> String {
    let mut text = decode_header_text(value, MAX_FIELD_CHARS);
    if ADDRESS_FIELDS.contains(&name) && value.contains(&b'(') {
        for address in mailboxes(&parse_addresses(value)).filter_map(Mailbox::addr_spec) {
            if !text.contains(&address) {
                text.push(' ');
                text.push_str(&address);
            }
        }
    }
    text
}

/// A part that has text, and where it stands with its header.
#[derive(Clone, Copy, Debug)]
pub(super) struct TextPart {
    index: usize,
    span: Span,
}

/// The parts of a message that have text.
pub(super) fn text_parts(structure: &Structure) -> Vec<TextPart> {
    let mut left = MAX_MESSAGE_BYTES;
    let mut parts = Vec::new();
    for (index, part) in structure.parts.iter().enumerate() {
        let start = if index == 0 { part.body.start } else { part.header.start };
        let end = match part.children.is_empty() && part.is_text() {
            true => part.body.end.min(part.body.start.saturating_add(MAX_PART_BYTES)),
            false => part.header.end.min(part.header.start.saturating_add(MAX_PART_BYTES)),
        };
        let span = Span { start, end: end.max(start) };
        if !span.is_empty() && span.len() <= left {
            left -= span.len();
            parts.push(TextPart { index, span });
        }
    }
    parts
}

/// Has `sink` take in a part. `octets` are those of the message from `base` on.
fn read_part(structure: &Structure, text_part: TextPart, octets: &[u8], base: u64, sink: &mut impl TextSink) {
    let part = &structure.parts[text_part.index];
    if text_part.index > 0 {
        for field in &part.fields {
            if sink.is_satisfied() {
                return;
            }
            sink.body(&field_text(field, octets, base));
        }
    }
    if !part.children.is_empty() || sink.is_satisfied() {
        return;
    }
    let body = Span { start: part.body.start, end: part.body.end.min(text_part.span.end).max(part.body.start) };
    let max_chars = usize::try_from(body.len()).unwrap_or(usize::MAX);
    if let Some(text) = body_text(part, within(body, base).of(octets), max_chars) {
        sink.body(&text);
    }
}

/// Has `sink` take in the body of a message that has been read whole.
pub(super) fn read_body(structure: &Structure, octets: &[u8], sink: &mut impl TextSink) {
    for part in text_parts(structure) {
        if sink.is_satisfied() {
            return;
        }
        read_part(structure, part, octets, 0, sink);
    }
}

fn field_text(field: &HeaderField, octets: &[u8], base: u64) -> String {
    decode_header_text(within(field.value, base).of(octets), MAX_FIELD_CHARS)
}

fn within(span: Span, base: u64) -> Span {
    let start = span.start.saturating_sub(base);
    Span { start, end: span.end.saturating_sub(base).max(start) }
}

/// Has `sink` take in the body of a large message, part by part. Few do so at once, so that memory stays bounded.
pub(super) async fn read_large_body<S: TextSink>(
    store: &Arc<dyn Storage>,
    body: BodyKey,
    structure: &Arc<Structure>,
    mut sink: S,
    large_reads: &Semaphore,
) -> Result<S, StorageError> {
    let _room = large_reads.acquire().await.map_err(|_| StorageError::Closed)?;
    for part in text_parts(structure) {
        if sink.is_satisfied() {
            break;
        }
        let read = store.read(&[BodySlice { body, range: part.span.start..part.span.end }]).await?;
        let octets = read.into_iter().next().unwrap_or_default();
        let structure = Arc::clone(structure);
        sink = on_a_thread(move || {
            read_part(&structure, part, &octets, part.span.start, &mut sink);
            sink
        })
        .await?;
    }
    Ok(sink)
}

/// Runs what takes long beside the tasks that answer clients.
pub(super) async fn on_a_thread<T: Send + 'static>(
    run: impl FnOnce() -> T + Send + 'static,
) -> Result<T, StorageError> {
    let stopped = |error| StorageError::Unavailable(format!("reading a message failed: {error}"));
    tokio::task::spawn_blocking(run).await.map_err(stopped)
}

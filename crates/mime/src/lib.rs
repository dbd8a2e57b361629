//! The structure of a message: headers, parts, offsets, decoding on access; building reports.
//!
//! A raw message goes in once, at delivery: [`Structure::parse`] finds the header fields and MIME parts as offsets,
//! [`Rendered`] holds what IMAP will be asked for, [`Summary`] what searching and sorting need. All three are stored.
//! Later reads decode the stored [`Structure`] and ask [`Structure::section`] which octets of the message to read, so
//! that no message is parsed twice. Text is decoded only where somebody looks at it ([`decode_part`], [`part_text`],
//! [`decode_header_text`]). [`build`] writes header fields, dates and delivery reports; [`edit`] says what a submitted
//! message lacks and which octets to leave out.
//!
//! Broken mail is normal mail: parsing never fails and takes time linear in the message. Every count and depth is
//! bounded by a constant of [`limits`].
//!
//! This crate does no I/O, knows no clock and no randomness, and never changes the octets of a message.

pub mod address;
pub mod build;
pub mod date;
pub mod edit;
pub mod header;
pub mod limits;
pub mod message_id;

mod base_subject;
mod charset;
mod collation;
mod content;
mod encoded_word;
mod html;
mod parameters;
mod part_text;
mod preview;
mod render;
mod section;
mod span;
mod stored;
mod structure;
mod summary;
mod thread_root;
mod token;
mod transfer;

pub use address::{Address, Mailbox, parse_addresses};
pub use base_subject::BaseSubject;
pub use charset::{decode_charset, is_known_charset};
pub use collation::{MAX_CASEMAP_EXPANSION, casemap};
pub use date::DateTime;
pub use encoded_word::decode_header_text;
pub use header::{FieldName, HeaderField, RawField, RawHeader, header_end};
pub use parameters::Parameter;
pub use part_text::{body_text, part_text};
pub use preview::{preview, preview_of_body, preview_source};
pub use render::{Rendered, render_body, render_bodystructure, render_envelope};
pub use section::{Section, SectionBytes, SectionKind};
pub use span::Span;
pub use stored::{DecodeError, StoredExtents};
pub use structure::{Disposition, Part, Structure};
pub use summary::Summary;
pub use thread_root::thread_root;
pub use transfer::{TransferEncoding, decode_part, decode_transfer};

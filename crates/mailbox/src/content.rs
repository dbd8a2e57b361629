//! What was worked out about messages at delivery, and stretches of their bodies.

use bytes::{Bytes, BytesMut};
use posthouse_mime::{Part, Section, SectionBytes, SectionKind, Span, Structure, TransferEncoding, decode_transfer};
use posthouse_model::ThreadId;
use posthouse_storage::{BodySlice, MessageRecord, Named, ParsedMessage, StorageError};

use crate::section::SectionReader;
use crate::{Mailbox, MailboxError};

/// A longer section is not held in memory but read piece by piece.
const MAX_WHOLE_SECTION_BYTES: u64 = 512 * 1024;
/// Spans of a section that lie within so many octets of each other are read at once and cut out in memory.
const MAX_HULL_BYTES: u64 = 64 * 1024;

/// What is wanted of each message.
#[derive(Clone, Debug, Default)]
pub struct ContentWanted {
    /// ENVELOPE.
    pub envelope: bool,
    /// BODY without a section.
    pub body: bool,
    /// BODYSTRUCTURE.
    pub bodystructure: bool,
    /// Sections, in this order.
    pub sections: Vec<SectionWanted>,
    /// Decoded sizes of the parts with these numbers, in this order.
    pub binary_sizes: Vec<Vec<u32>>,
    /// The first words of the text.
    pub preview: Option<PreviewWanted>,
    /// The conversation it belongs to.
    pub thread: bool,
}

/// How much a preview may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PreviewWanted {
    /// Only what was stored at delivery.
    IfStored,
    /// If need be, reading the text.
    Always,
}

/// A section that is wanted.
#[derive(Clone, Debug)]
pub struct SectionWanted {
    /// Which.
    pub section: Section,
    /// Only so many octets (second) from this one (first) on.
    pub partial: Option<(u64, u64)>,
    /// As it is, or decoded.
    pub form: SectionForm,
}

/// How the octets of a section are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SectionForm {
    /// As they stand in the message.
    Raw,
    /// With the part's Content-Transfer-Encoding undone (RFC 3516).
    Decoded,
}

/// What a message has of what was wanted.
#[derive(Debug, Default)]
pub struct Content {
    /// ENVELOPE; empty if not wanted.
    pub envelope: Bytes,
    /// BODY; empty if not wanted.
    pub body: Bytes,
    /// BODYSTRUCTURE; empty if not wanted.
    pub bodystructure: Bytes,
    /// The sections, in the order wanted.
    pub sections: Vec<SectionContent>,
    /// The sizes, in the order wanted.
    pub binary_sizes: Vec<BinarySize>,
    /// The first words; empty where there is no text. `None` if not wanted, or not stored where only that was wanted.
    pub preview: Option<String>,
    /// The conversation; `None` if not wanted.
    pub thread: Option<ThreadId>,
    /// Whether the message was expunged meanwhile, so that there is nothing else here.
    pub is_gone: bool,
}

/// The octets of a section.
#[derive(Debug)]
pub enum SectionContent {
    /// The message has no such section.
    Absent,
    /// All of them.
    Whole(Bytes),
    /// So many that they are read piece by piece.
    Long(SectionReader),
    /// The part's Content-Transfer-Encoding is unknown.
    UnknownEncoding,
}

/// The decoded size of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinarySize {
    /// So many octets; zero if the message has no such part.
    Octets(u64),
    /// The part's Content-Transfer-Encoding is unknown.
    UnknownEncoding,
}

impl ContentWanted {
    /// Whether anything stored at delivery is wanted.
    pub(crate) fn needs_parsed(&self) -> bool {
        self.envelope
            || self.body
            || self.bodystructure
            || self.preview.is_some()
            || self.thread
            || self.needs_structure()
    }

    fn needs_structure(&self) -> bool {
        !self.binary_sizes.is_empty() || self.sections.iter().any(|wanted| !wanted.is_whole_message())
    }
}

impl SectionWanted {
    fn is_whole_message(&self) -> bool {
        self.section.path.is_empty() && self.section.kind == SectionKind::Full
    }
}

/// A section as it has been found, before anything is read.
enum Found {
    Absent,
    UnknownEncoding,
    Raw(SectionBytes),
    Encoded { span: Span, encoding: TransferEncoding, partial: Option<(u64, u64)> },
}

/// A stretch to read and what to do with it: which message, which section.
struct Read {
    message: usize,
    section: usize,
    hull: Span,
    found: Found,
}

impl Mailbox {
    /// Reads what is wanted of `records`, in one go: the caller bounds how many they are, and how large. A message that
    /// was expunged meanwhile is [gone](Content::is_gone).
    ///
    /// # Errors
    /// When the store cannot be read or is damaged, and when the mailbox may not be read any more.
    pub async fn content(
        &self,
        records: &[MessageRecord],
        wanted: &ContentWanted,
    ) -> Result<Vec<Content>, MailboxError> {
        self.rights().await?;
        match wanted.reads_headers_only() {
            true => self.header_content(records, wanted).await,
            false => self.content_of_all(records, wanted).await,
        }
    }

    pub(crate) async fn content_of_all(
        &self,
        records: &[MessageRecord],
        wanted: &ContentWanted,
    ) -> Result<Vec<Content>, MailboxError> {
        match self.read_content(records, wanted).await {
            Err(error) if is_body_missing(&error) => {}
            other => return other,
        }
        let mut contents = Vec::with_capacity(records.len());
        for record in records {
            contents.push(self.content_of_one(record, wanted).await?);
        }
        Ok(contents)
    }

    pub(crate) async fn content_of_one(
        &self,
        record: &MessageRecord,
        wanted: &ContentWanted,
    ) -> Result<Content, MailboxError> {
        match self.read_content(std::slice::from_ref(record), wanted).await {
            Ok(content) => Ok(content.into_iter().next().unwrap_or_default()),
            Err(error) if is_body_missing(&error) => Ok(Content { is_gone: true, ..Content::default() }),
            Err(error) => Err(error),
        }
    }

    async fn read_content(
        &self,
        records: &[MessageRecord],
        wanted: &ContentWanted,
    ) -> Result<Vec<Content>, MailboxError> {
        let keys: Vec<_> = records.iter().map(|record| record.body).collect();
        let parsed = if wanted.needs_parsed() { self.store.parsed(&keys).await? } else { Vec::new() };
        let mut contents = Vec::with_capacity(records.len());
        let mut reads = Vec::new();
        for (message, record) in records.iter().enumerate() {
            let mut content = Content::default();
            if let Some(parsed) = parsed.get(message) {
                content.envelope = if wanted.envelope { parsed.envelope.clone() } else { Bytes::new() };
                content.body = if wanted.body { parsed.body.clone() } else { Bytes::new() };
                content.bodystructure = if wanted.bodystructure { parsed.bodystructure.clone() } else { Bytes::new() };
            }
            if let Some(parsed) = parsed.get(message) {
                self.derive(record, parsed, wanted, &mut content).await?;
            }
            let structure = wanted.needs_structure().then(|| parsed.get(message).map(decode)).flatten().transpose()?;
            for (section, one) in wanted.sections.iter().enumerate() {
                let found = find(one, record, structure.as_ref());
                content.sections.push(self.plan(record, message, section, found, &mut reads));
            }
            if let Some(structure) = &structure {
                for path in &wanted.binary_sizes {
                    content.binary_sizes.push(self.binary_size(record, structure, path).await?);
                }
            }
            contents.push(content);
        }
        self.carry_out(records, reads, &mut contents).await?;
        Ok(contents)
    }

    /// Settles what needs no reading, and notes down what does.
    fn plan(
        &self,
        record: &MessageRecord,
        message: usize,
        section: usize,
        found: Found,
        reads: &mut Vec<Read>,
    ) -> SectionContent {
        let hull = match &found {
            Found::Absent => return SectionContent::Absent,
            Found::UnknownEncoding => return SectionContent::UnknownEncoding,
            Found::Encoded { span, .. } => *span,
            Found::Raw(bytes) => match (bytes.spans.first(), bytes.spans.last()) {
                (Some(first), Some(last)) => Span { start: first.start, end: last.end },
                _ => return SectionContent::Whole(Bytes::from_static(bytes.trailer)),
            },
        };
        match found {
            Found::Raw(bytes)
                if bytes.len() > MAX_WHOLE_SECTION_BYTES || (bytes.spans.len() > 1 && hull.len() > MAX_HULL_BYTES) =>
            {
                SectionContent::Long(SectionReader::new(self.store.clone(), record.body, bytes))
            }
            found => {
                reads.push(Read { message, section, hull, found });
                SectionContent::Absent
            }
        }
    }

    async fn carry_out(
        &self,
        records: &[MessageRecord],
        reads: Vec<Read>,
        contents: &mut [Content],
    ) -> Result<(), MailboxError> {
        if reads.is_empty() {
            return Ok(());
        }
        let slices: Vec<_> = reads
            .iter()
            .map(|read| BodySlice { body: records[read.message].body, range: read.hull.start..read.hull.end })
            .collect();
        let octets = self.store.read(&slices).await?;
        for (read, octets) in reads.into_iter().zip(octets) {
            contents[read.message].sections[read.section] = SectionContent::Whole(cut(&read, octets));
        }
        Ok(())
    }

    async fn binary_size(
        &self,
        record: &MessageRecord,
        structure: &Structure,
        path: &[u32],
    ) -> Result<BinarySize, MailboxError> {
        if path.is_empty() {
            // The whole message, header and all, is what BINARY[] gives.
            return Ok(BinarySize::Octets(record.size_bytes));
        }
        let Some((span, encoding)) = part_body(structure, path) else { return Ok(BinarySize::Octets(0)) };
        match encoding {
            TransferEncoding::Identity => Ok(BinarySize::Octets(span.len())),
            TransferEncoding::Unknown => Ok(BinarySize::UnknownEncoding),
            encoding => {
                let read = self.store.read(&[BodySlice { body: record.body, range: span.start..span.end }]).await?;
                let octets = read.into_iter().next().unwrap_or_default();
                Ok(BinarySize::Octets(decode_transfer(encoding, &octets).len() as u64))
            }
        }
    }
}

fn is_body_missing(error: &MailboxError) -> bool {
    matches!(error, MailboxError::Storage(StorageError::NotFound(Named::Body)))
}

/// The stored structure of a message.
pub(crate) fn decode(parsed: &ParsedMessage) -> Result<Structure, MailboxError> {
    decode_structure(&parsed.structure)
}

pub(crate) fn decode_structure(octets: &[u8]) -> Result<Structure, MailboxError> {
    Structure::decode(octets).map_err(|error| StorageError::Corrupt(format!("a message's structure: {error}")).into())
}

fn find(wanted: &SectionWanted, record: &MessageRecord, structure: Option<&Structure>) -> Found {
    let raw = if wanted.is_whole_message() {
        Some(SectionBytes { spans: vec![Span { start: 0, end: record.size_bytes }], trailer: b"" })
    } else {
        structure.and_then(|structure| structure.section(&wanted.section))
    };
    let partial = wanted.partial;
    if wanted.form == SectionForm::Decoded && !wanted.section.path.is_empty() {
        return match structure.and_then(|structure| part_body(structure, &wanted.section.path)) {
            None => Found::Absent,
            Some((_, TransferEncoding::Unknown)) => Found::UnknownEncoding,
            Some((span, TransferEncoding::Identity)) => {
                raw_found(SectionBytes { spans: vec![span], trailer: b"" }, partial)
            }
            Some((span, encoding)) => Found::Encoded { span, encoding, partial },
        };
    }
    raw.map_or(Found::Absent, |bytes| raw_found(bytes, partial))
}

fn raw_found(bytes: SectionBytes, partial: Option<(u64, u64)>) -> Found {
    Found::Raw(match partial {
        Some((offset, count)) => bytes.partial(offset, count),
        None => bytes,
    })
}

fn part_body(structure: &Structure, path: &[u32]) -> Option<(Span, TransferEncoding)> {
    let part = if path.is_empty() { structure.root() } else { structure.part_at(path)? };
    Some((part.body, if is_composite(part) { TransferEncoding::Identity } else { part.transfer_encoding() }))
}

/// Multiparts and messages are never encoded themselves (RFC 2045 §6.4).
fn is_composite(part: &Part) -> bool {
    !part.children.is_empty()
}

/// Cuts the section out of the octets of its hull.
fn cut(read: &Read, octets: Bytes) -> Bytes {
    match &read.found {
        Found::Absent | Found::UnknownEncoding => Bytes::new(),
        Found::Encoded { encoding, partial, .. } => {
            let decoded = Bytes::from(decode_transfer(*encoding, &octets));
            match partial {
                None => decoded,
                Some((offset, count)) => {
                    let length = decoded.len() as u64;
                    let from = (*offset).min(length);
                    let to = from.saturating_add(*count).min(length);
                    decoded.slice(from as usize..to as usize)
                }
            }
        }
        Found::Raw(bytes) if bytes.spans.len() == 1 && bytes.trailer.is_empty() => octets,
        Found::Raw(bytes) => {
            let mut joined = BytesMut::with_capacity(usize::try_from(bytes.len()).unwrap_or(0));
            for span in &bytes.spans {
                let within = Span { start: span.start - read.hull.start, end: span.end - read.hull.start };
                joined.extend_from_slice(within.of(&octets));
            }
            joined.extend_from_slice(bytes.trailer);
            joined.freeze()
        }
    }
}

//! Headers of many messages, for the price of little more than their octets: no structure is taken apart as a whole,
//! and nothing is looked up twice.

use bytes::Bytes;
use posthouse_mime::{RawHeader, SectionKind, StoredExtents, header_end};
use posthouse_storage::beginnings::MAX_HEADER_BYTES;
use posthouse_storage::{Header, MessageRecord};

use crate::content::{Content, ContentWanted, SectionContent, SectionForm, SectionWanted};
use crate::{Mailbox, MailboxError};

/// So much of a message that its header is there; nothing of one whose header is long.
pub(crate) fn header_extent(structure: &[u8]) -> u64 {
    let bytes = StoredExtents::of(structure).map_or(0, |extents| extents.header_bytes);
    if bytes <= MAX_HEADER_BYTES { bytes } else { 0 }
}

/// The whole message. What it is asked about has to be small.
pub(crate) fn message_extent(structure: &[u8]) -> u64 {
    StoredExtents::of(structure).map_or(0, |extents| extents.message_bytes)
}

impl SectionWanted {
    /// Whether it is, or is picked from, the message's own header as it stands.
    fn is_of_header(&self) -> bool {
        let of_header = matches!(
            self.section.kind,
            SectionKind::Header | SectionKind::HeaderFields(_) | SectionKind::HeaderFieldsNot(_)
        );
        of_header && self.section.path.is_empty() && self.partial.is_none() && self.form == SectionForm::Raw
    }
}

impl ContentWanted {
    /// Whether of the octets of messages only headers are wanted.
    pub(crate) fn reads_headers_only(&self) -> bool {
        !self.sections.is_empty()
            && self.binary_sizes.is_empty()
            && self.sections.iter().all(SectionWanted::is_of_header)
    }
}

impl Mailbox {
    /// Reads headers, and what else is wanted and was stored at delivery. A message that was expunged meanwhile is gone.
    pub(crate) async fn header_content(
        &self,
        records: &[MessageRecord],
        wanted: &ContentWanted,
    ) -> Result<Vec<Content>, MailboxError> {
        let beside = ContentWanted { sections: Vec::new(), ..wanted.clone() };
        let mut contents = match beside.needs_parsed() {
            true => self.content_of_all(records, &beside).await?,
            false => records.iter().map(|_| Content::default()).collect(),
        };
        let bodies: Vec<_> = records.iter().map(|record| record.body).collect();
        let headers = self.store.headers(&bodies, header_end).await?;
        let mut written = Vec::new();
        let mut ends = Vec::with_capacity(records.len() * wanted.sections.len());
        for ((record, content), header) in records.iter().zip(&mut contents).zip(headers) {
            let octets = match header {
                Header::Whole(octets) => octets,
                Header::Gone => {
                    *content = Content { is_gone: true, ..Content::default() };
                    continue;
                }
                Header::Long => Bytes::new(),
            };
            match (!octets.is_empty()).then(|| RawHeader::measured(&octets)) {
                Some(header) if !content.is_gone => {
                    for one in &wanted.sections {
                        header.write_section(&one.section.kind, &mut written);
                        ends.push(written.len());
                    }
                }
                Some(_) => {}
                None => *content = self.content_of_one(record, wanted).await?,
            }
        }
        let mut written = Bytes::from(written);
        let mut start = 0;
        let mut sections = ends.into_iter().map(|end| {
            let section = written.split_to(end - start);
            start = end;
            SectionContent::Whole(section)
        });
        let count = wanted.sections.len();
        for content in contents.iter_mut().filter(|content| !content.is_gone && content.sections.is_empty()) {
            content.sections.extend(sections.by_ref().take(count));
        }
        Ok(contents)
    }
}

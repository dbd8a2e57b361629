//! FETCH: batch by batch, each written before the next is read, so that a client that reads slowly costs one batch.

use posthouse_imap::{
    Answer, BinarySize, FetchItems, FetchQuestion, FetchRow, ImapSession, PreviewNeed, SectionData, SectionForm,
    SectionRequest,
};
use posthouse_mailbox as mailbox;
use posthouse_mailbox::{
    BatchBound, Content, ContentWanted, Mailbox, MailboxError, PreviewWanted, Rows, SectionContent, SectionReader,
    SectionWanted,
};
use posthouse_mime::SectionKind;
use posthouse_model::UidSet;
use posthouse_model::session::QuestionId;
use posthouse_storage::MessageRecord;

use super::{Answered, ImapDesk};
use crate::drivers::connection::{Channel, Ending};

/// Rows of a batch where only flags are wanted, which are in memory.
const FLAG_ROWS: usize = 2000;
/// Rows of a batch where what was worked out at delivery is wanted.
const PARSED_ROWS: usize = 512;
/// Rows of a batch where headers are wanted.
const HEADER_ROWS: usize = 256;
/// Rows of a batch where octets of messages are wanted.
const CONTENT_ROWS: usize = 128;
/// Octets of the messages of such a batch together.
const CONTENT_BYTES: u64 = 1 << 20;
/// Rows of the first batch: the client gets something to do while the next is read.
const FIRST_ROWS: usize = 32;

impl ImapDesk {
    /// Answers all of a FETCH but its end, which is returned.
    pub(super) async fn fetch(
        &self,
        id: QuestionId,
        question: FetchQuestion,
        channel: &mut Channel<ImapSession>,
    ) -> Result<Answered, Ending> {
        let mailbox = match self.open_mailbox() {
            Ok(mailbox) => mailbox,
            Err(refusal) => return Ok(Err(refusal)),
        };
        if let Err(error) = mailbox.rights().await {
            return Ok(Err(self.refuse(&error)));
        }
        if question.vanished {
            let since = question.changed_since.unwrap_or_default();
            match mailbox.vanished_since(&question.uids, since).await {
                Ok(vanished) => channel.answer_part(id, Answer::FetchVanished(vanished)).await?,
                Err(error) => return Ok(Err(self.refuse(&error))),
            };
        }
        let wanted = needs_content(&question.items).then(|| content_wanted(&question.items));
        let most = batch_bound(&question.items);
        let first = BatchBound { messages: FIRST_ROWS.min(most.messages), ..most };
        let mut rows = Rows::new(question.uids.clone(), question.changed_since);
        let mut ready = read_batch(mailbox, mailbox.next_rows(&mut rows, first), wanted.as_ref()).await;
        loop {
            let (batch, contents) = match ready {
                Ok((batch, _)) if batch.is_empty() => break,
                Ok(ready) => ready,
                Err(error) => return Ok(Err(self.refuse(&error))),
            };
            // The next batch is read while this one is written.
            let next = read_batch(mailbox, mailbox.next_rows(&mut rows, most), wanted.as_ref());
            let send = self.send_batch(id, batch, contents, question.mark_seen.then_some(mailbox), channel);
            let (sent, next) = tokio::join!(Box::pin(send), Box::pin(next));
            match sent? {
                Sent::More => ready = next,
                Sent::Ended => return Ok(Ok(Answer::FetchDone { missing: UidSet::new() })),
                Sent::Failed(error) => return Ok(Err(self.refuse(&error))),
            }
        }
        let missing = if question.vanished { UidSet::new() } else { mailbox.missing(&question.uids) };
        Ok(Ok(Answer::FetchDone { missing }))
    }

    /// Sends a batch, whose messages are seen from then on if they are to be `seen_in` a mailbox. Sections that are too
    /// long to be in memory are streamed in their place.
    async fn send_batch(
        &self,
        id: QuestionId,
        mut batch: Vec<MessageRecord>,
        contents: Vec<Content>,
        seen_in: Option<&Mailbox>,
        channel: &mut Channel<ImapSession>,
    ) -> Result<Sent, Ending> {
        let newly_seen = match seen_in {
            None => UidSet::new(),
            Some(mailbox) => match mailbox.mark_seen(&mut batch).await {
                Ok(newly_seen) => newly_seen,
                Err(error) => return Ok(Sent::Failed(error)),
            },
        };
        let mut contents = contents.into_iter();
        let mut ready = Vec::with_capacity(batch.len());
        for record in batch {
            let mut long = Vec::new();
            let seen = newly_seen.contains(record.uid);
            let content = contents.next().unwrap_or_default();
            if content.is_gone {
                continue;
            }
            ready.push(fetch_row(record, content, seen, &mut long));
            if long.is_empty() {
                continue;
            }
            let mut wants_more = channel.answer_part(id, Answer::FetchRows(std::mem::take(&mut ready))).await?;
            for reader in long {
                wants_more = wants_more && self.stream(id, reader, channel).await?;
            }
            if !wants_more {
                return Ok(Sent::Ended);
            }
        }
        if ready.is_empty() || channel.answer_part(id, Answer::FetchRows(ready)).await? {
            Ok(Sent::More)
        } else {
            Ok(Sent::Ended)
        }
    }

    async fn stream(
        &self,
        id: QuestionId,
        mut reader: SectionReader,
        channel: &mut Channel<ImapSession>,
    ) -> Result<bool, Ending> {
        loop {
            match reader.next().await {
                Ok(None) => return Ok(true),
                Ok(Some(octets)) => {
                    if !channel.answer_part(id, Answer::FetchData(octets)).await? {
                        return Ok(false);
                    }
                }
                Err(error) => {
                    // The literal was announced with its length; only the end of the connection says that it is short.
                    self.refuse(&error);
                    return Err(Ending::CutOff);
                }
            }
        }
    }
}

/// What became of a batch that was sent.
enum Sent {
    /// The session wants more.
    More,
    /// It does not: it has ended.
    Ended,
    /// The messages could not be marked, so nothing was sent.
    Failed(MailboxError),
}

/// Reads what is wanted of messages and not in their records.
async fn read_batch(
    mailbox: &Mailbox,
    batch: Vec<MessageRecord>,
    wanted: Option<&ContentWanted>,
) -> Result<(Vec<MessageRecord>, Vec<Content>), MailboxError> {
    let contents = match wanted {
        Some(wanted) if !batch.is_empty() => mailbox.content(&batch, wanted).await?,
        _ => Vec::new(),
    };
    Ok((batch, contents))
}

/// Whether anything is wanted that is not in the record.
fn needs_content(items: &FetchItems) -> bool {
    items.envelope
        || items.body
        || items.body_structure
        || items.thread_id
        || items.preview.is_some()
        || !items.sections.is_empty()
        || !items.binary_sizes.is_empty()
}

fn batch_bound(items: &FetchItems) -> BatchBound {
    let reads_bodies = |request: &SectionRequest| matches!(request.section.kind, SectionKind::Full | SectionKind::Text);
    if !needs_content(items) {
        BatchBound { messages: FLAG_ROWS, size_bytes: u64::MAX }
    } else if !items.binary_sizes.is_empty() || items.sections.iter().any(reads_bodies) {
        BatchBound { messages: CONTENT_ROWS, size_bytes: CONTENT_BYTES }
    } else if items.sections.iter().all(is_of_header) && !items.sections.is_empty() {
        BatchBound { messages: HEADER_ROWS, size_bytes: u64::MAX }
    } else if items.sections.is_empty() {
        BatchBound { messages: PARSED_ROWS, size_bytes: u64::MAX }
    } else {
        BatchBound { messages: CONTENT_ROWS, size_bytes: u64::MAX }
    }
}

/// Whether it is the message's own header, or part of it.
fn is_of_header(request: &SectionRequest) -> bool {
    let kind = &request.section.kind;
    let of_header =
        matches!(kind, SectionKind::Header | SectionKind::HeaderFields(_) | SectionKind::HeaderFieldsNot(_));
    of_header && request.section.path.is_empty()
}

fn content_wanted(items: &FetchItems) -> ContentWanted {
    ContentWanted {
        envelope: items.envelope,
        body: items.body,
        bodystructure: items.body_structure,
        sections: items.sections.iter().map(section_wanted).collect(),
        binary_sizes: items.binary_sizes.clone(),
        preview: items.preview.map(|need| match need {
            PreviewNeed::AtHand => PreviewWanted::IfStored,
            PreviewNeed::Always => PreviewWanted::Always,
        }),
        thread: items.thread_id,
    }
}

fn section_wanted(request: &SectionRequest) -> SectionWanted {
    SectionWanted {
        section: request.section.clone(),
        partial: request.partial.map(|partial| (partial.offset, partial.length.get())),
        form: match request.form {
            SectionForm::Binary => mailbox::SectionForm::Decoded,
            SectionForm::Body | SectionForm::Rfc822 | SectionForm::Rfc822Header | SectionForm::Rfc822Text => {
                mailbox::SectionForm::Raw
            }
        },
    }
}

fn fetch_row(record: MessageRecord, content: Content, newly_seen: bool, long: &mut Vec<SectionReader>) -> FetchRow {
    let section = |section| match section {
        SectionContent::Absent => SectionData::Absent,
        SectionContent::UnknownEncoding => SectionData::UnknownEncoding,
        SectionContent::Whole(octets) => SectionData::Whole(octets),
        SectionContent::Long(reader) => {
            let length = reader.length();
            long.push(reader);
            SectionData::Streamed { length }
        }
    };
    FetchRow {
        newly_seen,
        internal_date: record.internal_date,
        size: record.size_bytes,
        envelope: content.envelope,
        body: content.body,
        body_structure: content.bodystructure,
        sections: content.sections.into_iter().map(section).collect(),
        binary_sizes: content.binary_sizes.into_iter().map(binary_size).collect(),
        message: record.message,
        thread: content.thread,
        saved_at: record.saved_at,
        preview: content.preview,
        ..FetchRow::of(record.uid, record.modseq, record.flags)
    }
}

fn binary_size(size: mailbox::BinarySize) -> BinarySize {
    match size {
        mailbox::BinarySize::Octets(octets) => BinarySize::Octets(octets),
        mailbox::BinarySize::UnknownEncoding => BinarySize::UnknownEncoding,
    }
}

//! Messages that a client hands in: spooled as they come, stored together.

use bytes::Bytes;
use posthouse_flow::{Kept, Spool, SpoolError};
use posthouse_imap::{Answer, MessageUrl, Question, Refusal};
use posthouse_mailbox::{
    BatchBound, ContentWanted, Mailbox, Prepared, Rows, SectionContent, SectionForm, SectionReader, SectionWanted,
};
use posthouse_model::{Flags, MailboxName, Uid, UidSet, UnixMillis};
use posthouse_storage::NewMessage;

use super::{Answered, ImapDesk};

/// One message is looked for.
const ONE_ROW: BatchBound = BatchBound { messages: 1, size_bytes: u64::MAX };

/// The messages of an APPEND that is under way. Large ones are in files, small ones count against the budget for
/// messages in flight; how many there may be, and how large, is the session's business.
pub(super) struct Composing {
    /// The message that is coming.
    spool: Result<Spool, SpoolError>,
    /// Those that came before it.
    complete: Vec<NewMessage>,
    /// Where their octets are.
    kept: Vec<Kept>,
}

impl Composing {
    /// Takes octets of the message that is coming.
    pub(super) fn push(&mut self, octets: &Bytes) {
        if let Ok(spool) = &mut self.spool
            && let Err(error) = spool.push(octets)
        {
            self.spool = Err(error);
        }
    }
}

/// Whether messages go on coming in after this question; with any other they are dropped.
pub(super) fn continues(question: &Question) -> bool {
    matches!(question, Question::AppendAnother { .. } | Question::AppendUrl { .. } | Question::Append { .. })
}

impl ImapDesk {
    pub(super) async fn answer_about_messages(&mut self, question: Question) -> Answered {
        let answered = match question {
            Question::AppendCheck { mailbox, .. } => self.begin_append(&mailbox).await,
            Question::AppendAnother { flags, internal_date } => self.complete_message(flags, internal_date, true).await,
            Question::AppendUrl { url, most } => self.append_url(&url, most).await,
            Question::Append { mailbox, flags, internal_date, replaces } => {
                match self.complete_message(flags, internal_date, false).await {
                    Ok(_) => self.append(&mailbox, replaces).await,
                    refused => refused,
                }
            }
            _ => Err(Refusal::ServerBug),
        };
        if answered.is_err() {
            self.composing = None;
        }
        answered
    }

    async fn begin_append(&mut self, mailbox: &MailboxName) -> Answered {
        let found = self.mailboxes().check_insert(self.permit()?, mailbox).await;
        found.map_err(|error| self.refuse_target(&error))?;
        let spool = Ok(self.listener.house.rooms.spool_room.spool());
        self.composing = Some(Composing { spool, complete: Vec::new(), kept: Vec::new() });
        Ok(Answer::Done)
    }

    /// The message that came is complete; with `another`, the next one begins.
    async fn complete_message(&mut self, flags: Flags, date: Option<UnixMillis>, another: bool) -> Answered {
        let now = self.now();
        let Composing { spool, mut complete, mut kept } = self.composing.take().ok_or(Refusal::ServerBug)?;
        let examined = match spool {
            Ok(spool) => spool.examine(Prepared::new).await,
            Err(error) => Err(error),
        };
        let (message, prepared) = examined.map_err(|error| {
            tracing::error!(listener = self.listener.config.name, %error, "a message cannot be spooled");
            Refusal::Unavailable
        })?;
        complete.push(prepared.with(message.content(), flags, date.unwrap_or(now)));
        kept.push(message);
        let spool = if another { Ok(self.listener.house.rooms.spool_room.spool()) } else { Err(SpoolError::Closed) };
        self.composing = Some(Composing { spool, complete, kept });
        Ok(Answer::Done)
    }

    async fn append(&mut self, mailbox: &MailboxName, replaces: Option<Uid>) -> Answered {
        // What is kept has to stay until it is stored.
        let Composing { mut complete, kept: _kept, .. } = self.composing.take().ok_or(Refusal::ServerBug)?;
        let appended = match replaces {
            None => self.mailboxes().append_all(self.permit()?, mailbox, complete).await,
            Some(uid) => {
                let message = complete.pop().ok_or(Refusal::ServerBug)?;
                self.open_mailbox()?.replace(self.mailboxes(), uid, mailbox, message).await
            }
        };
        let appended = appended.map_err(|error| self.refuse_target(&error))?;
        Ok(Answer::Appended { uid_validity: appended.uid_validity, uids: appended.uids.into_iter().collect() })
    }

    /// Puts octets of a message that is there into the one that is coming, piece by piece.
    async fn append_url(&mut self, url: &MessageUrl, most: u64) -> Answered {
        let section = match &url.mailbox {
            None => self.url_content(self.open_mailbox()?, url).await?,
            Some(name) => {
                let opened = self.mailboxes().open(self.permit()?, name, true).await;
                let mailbox = opened.map_err(|error| match self.refuse(&error) {
                    Refusal::NonExistent => Refusal::BadUrl,
                    other => other,
                })?;
                self.url_content(&mailbox, url).await?
            }
        };
        let (size, mut octets, mut reader) = match section {
            SectionContent::Whole(octets) => (octets.len() as u64, Some(octets), None),
            SectionContent::Long(reader) => (reader.length(), None, Some(reader)),
            SectionContent::Absent | SectionContent::UnknownEncoding => return Err(Refusal::BadUrl),
        };
        if size > most {
            return Err(Refusal::TooBig);
        }
        loop {
            if let (None, Some(reader)) = (&octets, &mut reader) {
                octets = self.next_octets(reader).await?;
            }
            let Some(piece) = octets.take() else { return Ok(Answer::AppendedPart { size }) };
            self.composing.as_mut().ok_or(Refusal::ServerBug)?.push(&piece);
        }
    }

    async fn next_octets(&self, reader: &mut SectionReader) -> Result<Option<Bytes>, Refusal> {
        reader.next().await.map_err(|error| self.refuse(&error))
    }

    async fn url_content(&self, mailbox: &Mailbox, url: &MessageUrl) -> Result<SectionContent, Refusal> {
        if url.uid_validity.is_some_and(|wanted| wanted != mailbox.uid_validity()) {
            return Err(Refusal::BadUrl);
        }
        let mut rows = Rows::new(UidSet::from_iter([url.uid]), None);
        let records = mailbox.next_rows(&mut rows, ONE_ROW);
        let section = SectionWanted {
            section: url.section.clone(),
            partial: url.partial.map(|partial| (partial.offset, partial.length.get())),
            form: SectionForm::Raw,
        };
        let wanted = ContentWanted { sections: vec![section], ..ContentWanted::default() };
        let contents = mailbox.content(&records, &wanted).await.map_err(|error| self.refuse(&error))?;
        let content = contents.into_iter().next().filter(|content| !content.is_gone);
        content.and_then(|content| content.sections.into_iter().next()).ok_or(Refusal::BadUrl)
    }
}

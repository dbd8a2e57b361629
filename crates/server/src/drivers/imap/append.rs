//! Messages that a client hands in: spooled as they come, stored together.

use bytes::Bytes;
use posthouse_flow::{Kept, Spool, SpoolError};
use posthouse_imap::{Answer, MessageUrl, Question, Refusal};
use posthouse_mailbox::{
    BatchBound, ContentWanted, Mailbox, Prepared, Rows, SectionContent, SectionForm, SectionReader, SectionWanted,
};
use posthouse_model::{Flags, MailboxName, Uid, UidSet, UnixMillis};
use posthouse_storage::NewMessage;
use tokio::task::JoinHandle;

use super::{Answered, ImapDesk};

/// One message is looked for.
const ONE_ROW: BatchBound = BatchBound { messages: 1, size_bytes: u64::MAX };

/// The messages of an APPEND that is under way. Large ones are in files, small ones count against the budget for
/// messages in flight; how many there may be, and how large, is the session's business.
pub(super) struct Composing {
    /// The message that is coming.
    spool: Result<Spool, SpoolError>,
    /// Those that came before it.
    complete: Vec<Complete>,
}

/// A message that has come. It is looked at while the next one comes.
struct Complete {
    examined: JoinHandle<Result<(Kept, Prepared), SpoolError>>,
    flags: Flags,
    internal_date: UnixMillis,
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

fn stored(kept: Kept, prepared: Prepared, flags: Flags, internal_date: UnixMillis) -> (Kept, NewMessage) {
    let message = prepared.with(kept.content(), flags, internal_date);
    (kept, message)
}

/// Whether messages go on coming in after this question; with any other they are dropped.
pub(super) fn continues(question: &Question) -> bool {
    matches!(question, Question::AppendAnother { .. } | Question::AppendUrl { .. } | Question::Append { .. })
}

impl ImapDesk {
    pub(super) async fn answer_about_messages(&mut self, question: Question) -> Answered {
        let answered = match question {
            Question::AppendCheck { mailbox, .. } => self.begin_append(&mailbox).await,
            Question::AppendAnother { flags, internal_date } => self.complete_message(flags, internal_date),
            Question::AppendUrl { url, most } => self.append_url(&url, most).await,
            Question::Append { mailbox, flags, internal_date, replaces } => {
                let messages = self.last_message(flags, internal_date).await?;
                self.append(&mailbox, messages, replaces).await
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
        self.composing = Some(Composing { spool, complete: Vec::new() });
        Ok(Answer::Done)
    }

    /// The message that came is complete; the next one begins.
    fn complete_message(&mut self, flags: Flags, date: Option<UnixMillis>) -> Answered {
        let now = self.now();
        let Composing { spool, mut complete } = self.composing.take().ok_or(Refusal::ServerBug)?;
        let spool = spool.map_err(|error| self.unspooled(&error))?;
        let examined = tokio::spawn(spool.examine(Prepared::new));
        complete.push(Complete { examined, flags, internal_date: date.unwrap_or(now) });
        self.composing = Some(Composing { spool: Ok(self.listener.house.rooms.spool_room.spool()), complete });
        Ok(Answer::Done)
    }

    /// The message that came is complete, and the last; all of them, as they are to be stored. They have to be kept
    /// until they are.
    async fn last_message(
        &mut self,
        flags: Flags,
        date: Option<UnixMillis>,
    ) -> Result<Vec<(Kept, NewMessage)>, Refusal> {
        let now = self.now();
        let Composing { spool, complete } = self.composing.take().ok_or(Refusal::ServerBug)?;
        let spool = spool.map_err(|error| self.unspooled(&error))?;
        let last = spool.examine(Prepared::new).await.map_err(|error| self.unspooled(&error))?;
        let mut messages = Vec::with_capacity(complete.len() + 1);
        for Complete { examined, flags, internal_date } in complete {
            let examined = examined.await.unwrap_or(Err(SpoolError::Closed));
            let (kept, prepared) = examined.map_err(|error| self.unspooled(&error))?;
            messages.push(stored(kept, prepared, flags, internal_date));
        }
        messages.push(stored(last.0, last.1, flags, date.unwrap_or(now)));
        Ok(messages)
    }

    fn unspooled(&self, error: &SpoolError) -> Refusal {
        tracing::error!(listener = self.listener.config.name, %error, "a message cannot be spooled");
        Refusal::Unavailable
    }

    async fn append(
        &mut self,
        mailbox: &MailboxName,
        messages: Vec<(Kept, NewMessage)>,
        replaces: Option<Uid>,
    ) -> Answered {
        let (_kept, mut messages): (Vec<_>, Vec<_>) = messages.into_iter().unzip();
        let appended = match replaces {
            None => self.mailboxes().append_all(self.permit()?, mailbox, messages).await,
            Some(uid) => {
                let message = messages.pop().ok_or(Refusal::ServerBug)?;
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

//! Answers what POP3 sessions ask.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use posthouse_identity::{LoginRefusal as IdentityRefusal, Permit};
use posthouse_mailbox::{
    BatchBound, ContentWanted, Mailbox, MailboxError, Rows, SectionContent, SectionForm, SectionReader, SectionWanted,
};
use posthouse_mime::{Section, SectionKind};
use posthouse_model::session::{QuestionId, TlsInfo};
use posthouse_model::{Instant, MailboxName, Uid, UidSet};
use posthouse_pop3::{Answer, Entry, LoginRefusal, MaildropRefusal, OpenedMaildrop, Question, Session};
use tokio::sync::watch;

use super::Incoming;
use super::connection::{Channel, Desk, Ending, run};
use super::maildrops::MaildropLock;
use super::sign_in::SignIn;
use crate::listener::{OpenListener, SessionSettings};

/// Messages that are listed at once.
const LISTED_AT_ONCE: BatchBound = BatchBound { messages: 4096, size_bytes: u64::MAX };

/// What is read of a maildrop at once, and so may be in memory for one connection; a longer message stands alone.
const READ_AHEAD: BatchBound = BatchBound { messages: 16, size_bytes: 64 * 1024 };

/// Runs one connection.
pub(crate) async fn serve(incoming: Incoming, listener: &Arc<OpenListener>, shutdown: watch::Receiver<bool>) {
    let SessionSettings::Pop3(config) = &listener.sessions else { return };
    let session = Session::new(Arc::clone(config), listener.house.clock.now());
    let desk =
        Pop3Desk { sign_in: SignIn::untold(listener, incoming.peer), listener: Arc::clone(listener), maildrop: None };
    run(incoming, session, desk, listener, shutdown).await;
}

struct Pop3Desk {
    listener: Arc<OpenListener>,
    sign_in: SignIn,
    maildrop: Option<Maildrop>,
}

/// A maildrop that is open, and locked for as long.
struct Maildrop {
    inbox: Mailbox,
    /// Messages that were read ahead, rising.
    ahead: VecDeque<(Uid, Bytes)>,
    _lock: MaildropLock,
}

/// A message, or the way to it.
enum Message {
    Whole(Bytes),
    Long(SectionReader),
    Gone,
}

impl Desk for Pop3Desk {
    type Session = Session;

    async fn ask(&mut self, id: QuestionId, question: Question, channel: &mut Channel<Session>) -> Result<(), Ending> {
        if !self.sign_in.may_go_on().await {
            return Err(Ending::KeyGone);
        }
        let answer = match question {
            Question::Nonce => self.nonce(),
            Question::Sasl(question) => Answer::Sasl(self.sign_in.credentials(question).await),
            Question::Login { user, password } => {
                let question = posthouse_sasl::Question::VerifyPassword {
                    authentication_id: user,
                    authorization_id: None,
                    password,
                };
                Answer::Login(match self.sign_in.credentials(question).await {
                    posthouse_sasl::Answer::Accepted => Ok(()),
                    posthouse_sasl::Answer::Rejected => Err(LoginRefusal::InvalidCredentials),
                    _ => Err(LoginRefusal::Unavailable),
                })
            }
            Question::OpenMaildrop { authentication_id, authorization_id } => {
                Answer::Maildrop(self.open(&authentication_id, authorization_id.as_deref()).await)
            }
            Question::Retrieve { uid, .. } => return self.retrieve(id, uid, channel).await,
            Question::Commit { delete } => self.remove(&delete).await,
        };
        channel.answer(id, answer);
        Ok(())
    }

    fn body(&mut self, _: &Bytes) {}

    fn takes_body(&self) -> bool {
        false
    }

    fn tls_started(&mut self, tls: &TlsInfo) {
        self.sign_in.tls_started(tls);
        self.maildrop = None;
    }

    async fn changed(&mut self) {
        self.sign_in.over().await;
    }

    fn tell_changed(&mut self, _: &mut Session, _: Instant) {}

    fn is_over(&self) -> bool {
        self.sign_in.is_over()
    }
}

impl Pop3Desk {
    fn nonce(&mut self) -> Answer {
        if !self.sign_in.may_begin() {
            return Answer::Unavailable;
        }
        let house = &self.listener.house;
        Answer::Nonce { bytes: house.nonce(), unix_time_seconds: house.unix_seconds() }
    }

    async fn open(
        &mut self,
        authentication_id: &str,
        authorization_id: Option<&str>,
    ) -> Result<OpenedMaildrop, MaildropRefusal> {
        let mechanism = self.sign_in.last_mechanism();
        let permit = self.sign_in.authorize(authentication_id, authorization_id, mechanism, "").await;
        let permit = permit.map_err(|refusal| match refusal {
            IdentityRefusal::Unavailable => MaildropRefusal::Unavailable,
            IdentityRefusal::PasswordExpired => MaildropRefusal::Expired,
            IdentityRefusal::SendOnly => MaildropRefusal::NoMaildrop,
            _ => MaildropRefusal::Denied,
        })?;
        let house = &self.listener.house;
        let lock = house.maildrops.lock(permit.account()).ok_or(MaildropRefusal::InUse)?;
        let inbox = self.inbox(&permit).await.map_err(|error| {
            log_failure(&self.listener, &error);
            MaildropRefusal::Unavailable
        })?;
        let entries = list(&inbox, self.listener.config.pop3_limits.messages);
        let opened = OpenedMaildrop { uid_validity: inbox.uid_validity(), entries };
        self.maildrop = Some(Maildrop { inbox, ahead: VecDeque::new(), _lock: lock });
        Ok(opened)
    }

    async fn inbox(&self, permit: &Permit) -> Result<Mailbox, MailboxError> {
        self.listener.house.rooms.mailboxes.open(permit, &MailboxName::inbox(), false).await
    }

    async fn retrieve(&mut self, id: QuestionId, uid: Uid, channel: &mut Channel<Session>) -> Result<(), Ending> {
        let message = match self.message(uid).await {
            Ok(message) => message,
            Err(error) => {
                log_failure(&self.listener, &error);
                channel.answer(id, Answer::Unavailable);
                return Ok(());
            }
        };
        channel.sends_mail(true);
        let sent = match message {
            Message::Gone => {
                channel.answer(id, Answer::Gone);
                Ok(())
            }
            Message::Whole(octets) => channel.answer_part(id, Answer::Message(octets)).await.map(|_| ()),
            Message::Long(reader) => self.stream(id, reader, channel).await,
        };
        channel.sends_mail(false);
        sent
    }

    /// Brings a long message piece by piece; the next is read when the last is written.
    async fn stream(
        &self,
        id: QuestionId,
        mut reader: SectionReader,
        channel: &mut Channel<Session>,
    ) -> Result<(), Ending> {
        while channel.session().awaits(id) {
            match reader.next().await {
                Ok(Some(octets)) => {
                    if !channel.answer_part(id, Answer::Data(octets)).await? {
                        return Ok(());
                    }
                }
                Ok(None) => {
                    channel.answer(id, Answer::DataEnd);
                    return Ok(());
                }
                Err(error) => {
                    log_failure(&self.listener, &error);
                    channel.answer(id, Answer::Unavailable);
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// The message, read together with some that follow it: most clients ask for one after the other.
    async fn message(&mut self, uid: Uid) -> Result<Message, MailboxError> {
        let Some(maildrop) = &mut self.maildrop else { return Ok(Message::Gone) };
        if let Some(at) = maildrop.ahead.iter().position(|(known, _)| *known == uid) {
            maildrop.ahead.drain(..at);
            return Ok(maildrop.ahead.pop_front().map_or(Message::Gone, |(_, octets)| Message::Whole(octets)));
        }
        maildrop.ahead.clear();
        let inbox = &maildrop.inbox;
        let mut uids = UidSet::new();
        uids.insert_range(uid, Uid::MAX);
        let records = inbox.next_rows(&mut Rows::new(uids, None), READ_AHEAD);
        if records.first().is_none_or(|record| record.uid != uid) {
            return Ok(Message::Gone);
        }
        let whole = Section { path: Vec::new(), kind: SectionKind::Full };
        let wanted = ContentWanted {
            sections: vec![SectionWanted { section: whole, partial: None, form: SectionForm::Raw }],
            ..ContentWanted::default()
        };
        let contents = inbox.content(&records, &wanted).await?;
        let mut found = records.iter().zip(contents).map(|(record, mut content)| (record.uid, content.sections.pop()));
        let asked = match found.next().and_then(|(_, section)| section) {
            Some(SectionContent::Whole(octets)) => Message::Whole(octets),
            Some(SectionContent::Long(reader)) => Message::Long(reader),
            Some(SectionContent::Absent | SectionContent::UnknownEncoding) | None => Message::Gone,
        };
        maildrop.ahead = found
            .map_while(|(uid, section)| match section {
                Some(SectionContent::Whole(octets)) => Some((uid, octets)),
                _ => None,
            })
            .collect();
        Ok(asked)
    }

    async fn remove(&mut self, delete: &[Uid]) -> Answer {
        let Some(maildrop) = &self.maildrop else { return Answer::Unavailable };
        let uids: UidSet = delete.iter().copied().collect();
        match maildrop.inbox.remove(&uids).await {
            // What was gone already is gone all the same.
            Ok(_) => Answer::Committed { not_removed: 0 },
            Err(error) => {
                log_failure(&self.listener, &error);
                Answer::Unavailable
            }
        }
    }
}

fn list(inbox: &Mailbox, limit: usize) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut rows = Rows::new(UidSet::all(), None);
    while entries.len() < limit {
        let batch = inbox.next_rows(&mut rows, LISTED_AT_ONCE);
        if batch.is_empty() {
            break;
        }
        entries.extend(batch.iter().map(|record| Entry { uid: record.uid, size_bytes: record.size_bytes }));
    }
    entries
}

fn log_failure(listener: &OpenListener, error: &MailboxError) {
    tracing::error!(listener = listener.config.name, %error, "a maildrop cannot be used");
}

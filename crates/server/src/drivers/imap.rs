//! Answers what IMAP sessions ask.

mod acl;
mod annotations;
mod append;
mod fetch;
#[cfg(test)]
mod many_sessions;
mod quotas;
mod refusals;
mod searching;
mod selected;

use std::sync::Arc;

use bytes::Bytes;
use posthouse_identity::{LoginRefusal, Permit};
use posthouse_imap::{Answer, Entry, ImapSession, MailboxRow, Question, Refusal, StatusRow};
use posthouse_mailbox::{AccountWatch, Mailbox, MailboxError, Mailboxes};
use posthouse_model::session::{Peer, QuestionId, TlsInfo};
use posthouse_model::{Instant, MailboxName, ModSeq, UnixMillis};
use tokio::sync::watch;

use self::append::Composing;
use self::refusals::{refusal, target_refusal};
use super::Incoming;
use super::connection::{Channel, Desk, Ending, run};
use super::sign_in::SignIn;
use crate::listener::{OpenListener, SessionSettings};

/// Runs one connection.
pub(crate) async fn serve(incoming: Incoming, listener: &Arc<OpenListener>, shutdown: watch::Receiver<bool>) {
    let SessionSettings::Imap(config) = &listener.sessions else { return };
    let session = ImapSession::new(Arc::clone(config), listener.house.clock.now());
    let desk = ImapDesk::new(listener, incoming.peer);
    run(incoming, session, desk, listener, shutdown).await;
}

/// What has changed.
#[derive(Clone, Copy, Debug)]
enum Changed {
    /// The mailbox that is open.
    Mailbox,
    /// What NOTIFY watches.
    Account,
    /// Whoever signed in may not use the service any more.
    SignedOut,
}

pub(super) struct ImapDesk {
    listener: Arc<OpenListener>,
    sign_in: SignIn,
    /// Who signed in.
    permit: Option<Permit>,
    /// The mailbox that is open.
    mailbox: Option<Box<Mailbox>>,
    /// Another one, to be looked into once.
    searched: Option<Box<Mailbox>>,
    /// When the client is to hear how far a search in several mailboxes is, if one is under way.
    progress_due: Option<tokio::time::Instant>,
    /// Tells of its commits while the client idles.
    watch: Option<watch::Receiver<ModSeq>>,
    /// Tells of what happens in the account, for NOTIFY.
    account_watch: Option<Box<AccountWatch>>,
    /// Which of the two has something to tell.
    changed: Changed,
    /// The messages that are coming in.
    composing: Option<Composing>,
}

/// What an answer is before it is told whether it went well.
type Answered = Result<Answer, Refusal>;

impl Desk for ImapDesk {
    type Session = ImapSession;

    async fn ask(
        &mut self,
        id: QuestionId,
        question: Question,
        channel: &mut Channel<ImapSession>,
    ) -> Result<(), Ending> {
        self.listener.metrics.question(name_of(&question));
        if !self.sign_in.may_go_on().await {
            return Err(Ending::KeyGone);
        }
        if !append::continues(&question) {
            self.composing = None;
        }
        if !searching::is_of_several(&question) {
            self.progress_due = None;
        }
        let answered = match question {
            Question::Fetch(question) => {
                channel.sends_mail(true);
                let fetched = self.fetch(id, question, channel).await;
                channel.sends_mail(false);
                fetched?
            }
            Question::Leave => {
                self.forget_client();
                Ok(Answer::Done)
            }
            Question::SaslStart | Question::Sasl(_) | Question::Enter(_) | Question::ClientId(_) => {
                self.answer_about_client(question).await
            }
            Question::Search { .. }
            | Question::SearchOpen { .. }
            | Question::SearchOpened { .. }
            | Question::Sort { .. }
            | Question::Thread { .. } => Box::pin(self.search_and_tell(id, question, channel)).await?,
            Question::Select { .. }
            | Question::Unselect { .. }
            | Question::Store { .. }
            | Question::Copy { .. }
            | Question::Move { .. }
            | Question::Expunge { .. }
            | Question::Sync { .. }
            | Question::Watch { .. }
            | Question::WatchAccount { .. }
            | Question::News => self.answer_about_selected(question).await,
            Question::AppendCheck { .. }
            | Question::AppendAnother { .. }
            | Question::AppendUrl { .. }
            | Question::Append { .. } => self.answer_about_messages(question).await,
            Question::Acl { .. }
            | Question::SetAcl { .. }
            | Question::GrantableRights { .. }
            | Question::MyRights { .. } => self.answer_about_rights(question).await,
            Question::QuotaRoots { .. } | Question::Quota { .. } | Question::SetQuota { .. } => {
                self.answer_about_quotas(question).await
            }
            question => self.answer_about_mailboxes(question).await,
        };
        channel.answer(id, answered.unwrap_or_else(Answer::Refused));
        Ok(())
    }

    fn body(&mut self, piece: &Bytes) {
        if let Some(composing) = &mut self.composing {
            composing.push(piece);
        }
    }

    fn takes_body(&self) -> bool {
        self.composing.is_some()
    }

    fn tls_started(&mut self, tls: &TlsInfo) {
        self.sign_in.tls_started(tls);
        self.forget_client();
    }

    async fn changed(&mut self) {
        let Self { sign_in, watch, account_watch, changed, .. } = self;
        let of_mailbox = async {
            let told = match watch.as_mut() {
                Some(watch) => watch.changed().await.is_ok(),
                None => false,
            };
            if !told {
                std::future::pending::<()>().await;
            }
        };
        let of_account = async {
            match account_watch.as_ref() {
                Some(watch) => watch.changed().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = of_mailbox => *changed = Changed::Mailbox,
            () = of_account => *changed = Changed::Account,
            () = sign_in.over() => *changed = Changed::SignedOut,
        }
    }

    fn tell_changed(&mut self, session: &mut ImapSession, now: Instant) {
        match self.changed {
            Changed::Mailbox => session.mailbox_changed(now),
            Changed::Account => session.account_changed(now),
            // The driver itself tells that.
            Changed::SignedOut => {}
        }
    }

    fn is_over(&self) -> bool {
        self.sign_in.is_over()
    }
}

impl ImapDesk {
    /// For somebody who has not signed in yet.
    fn new(listener: &Arc<OpenListener>, peer: Peer) -> Self {
        Self {
            sign_in: SignIn::untold(listener, peer),
            listener: Arc::clone(listener),
            permit: None,
            mailbox: None,
            searched: None,
            progress_due: None,
            watch: None,
            account_watch: None,
            changed: Changed::Mailbox,
            composing: None,
        }
    }

    /// Whoever this was, it is a stranger now.
    fn forget_client(&mut self) {
        self.permit = None;
        self.sign_in.left();
        self.mailbox = None;
        self.searched = None;
        self.watch = None;
        self.account_watch = None;
        self.composing = None;
    }

    fn mailboxes(&self) -> &Mailboxes {
        &self.listener.house.rooms.mailboxes
    }

    fn permit(&self) -> Result<&Permit, Refusal> {
        self.permit.as_ref().ok_or(Refusal::ServerBug)
    }

    fn now(&self) -> UnixMillis {
        self.listener.house.rooms.environment.now()
    }

    async fn answer_about_client(&mut self, question: Question) -> Answered {
        match question {
            Question::SaslStart if !self.sign_in.may_begin() => Err(Refusal::Limit),
            Question::SaslStart => {
                let house = &self.listener.house;
                Ok(Answer::SaslStart { nonce: house.nonce(), unix_time_seconds: house.unix_seconds() })
            }
            Question::Sasl(question) => Ok(Answer::Sasl(self.sign_in.credentials(question).await)),
            Question::Enter(entry) => self.enter(entry).await,
            Question::ClientId(fields) => {
                tracing::info!(
                    listener = self.listener.config.name, account = ?self.permit.as_ref().map(|permit| permit.account().0),
                    client = ?fields, "a client says what it is"
                );
                self.sign_in.client_is(&client_of(&fields));
                Ok(Answer::Done)
            }
            _ => Err(Refusal::ServerBug),
        }
    }

    async fn enter(&mut self, entry: Entry) -> Answered {
        let authorization_id = entry.authorization_id.as_deref();
        let name = entry.mechanism.name();
        match self.sign_in.authorize(&entry.authentication_id, authorization_id, name, "").await {
            Ok(permit) => {
                self.permit = Some(permit);
                Ok(Answer::Done)
            }
            Err(LoginRefusal::WrongCredentials) => Err(Refusal::AuthenticationFailed),
            Err(LoginRefusal::Unavailable) => Err(Refusal::Unavailable),
            Err(LoginRefusal::PasswordExpired) => Err(Refusal::Expired),
            Err(LoginRefusal::SendOnly) => Err(Refusal::NoMailboxes),
            Err(LoginRefusal::LoginDisabled | LoginRefusal::NotForAdministrators | LoginRefusal::NotAuthorized) => {
                Err(Refusal::AuthorizationFailed)
            }
        }
    }

    async fn answer_about_mailboxes(&mut self, question: Question) -> Answered {
        let permit = self.permit()?;
        let mailboxes = self.mailboxes();
        match question {
            Question::List => {
                let rows = mailboxes.list(permit).await.map_err(|error| self.refuse(&error))?;
                Ok(Answer::Mailboxes(rows.into_iter().map(mailbox_row).collect()))
            }
            Question::Status { mailboxes: names, items } => {
                let mut rows = Vec::with_capacity(names.len());
                for name in &names {
                    let row = self.status(name, items.deleted_storage).await;
                    rows.push(row.map_err(|error| self.refuse(&error)));
                }
                Ok(Answer::Statuses(rows))
            }
            Question::Annotations { places, entries, depth } => {
                Ok(Answer::Annotations(self.annotations(&places, &entries, depth).await?))
            }
            Question::Annotate { place, changes } => {
                let watch = self.account_watch.as_deref();
                self.done(mailboxes.annotate(permit, place.as_ref(), changes, watch).await)
            }
            Question::Create { mailbox, special_use } => {
                let created = mailboxes.create(permit, &mailbox, special_use).await;
                created.map(Answer::Created).map_err(|error| self.refuse(&error))
            }
            Question::Delete { mailbox } => self.done(mailboxes.delete(permit, &mailbox).await),
            Question::Rename { from, to } => self.done(mailboxes.rename(permit, &from, &to).await),
            Question::Subscribe { mailbox, subscribed } => {
                self.done(mailboxes.set_subscribed(permit, &mailbox, subscribed).await)
            }
            _ => Err(Refusal::ServerBug),
        }
    }

    /// The figures of a mailbox, with those that cost something only if they are wanted.
    async fn status(&self, name: &MailboxName, deleted_size: bool) -> Result<StatusRow, MailboxError> {
        let permit = self.permit().map_err(|_| MailboxError::NotPermitted)?;
        let mut row = status_row(&self.mailboxes().status(permit, name).await?);
        if deleted_size {
            row.deleted_size = self.mailboxes().deleted_bytes(permit, name).await?;
        }
        Ok(row)
    }

    fn done(&self, outcome: Result<(), MailboxError>) -> Answered {
        outcome.map(|()| Answer::Done).map_err(|error| self.refuse(&error))
    }

    fn refuse(&self, error: &MailboxError) -> Refusal {
        refusal(error, &self.listener.config.name)
    }

    /// Of a mailbox that something was to be put into.
    fn refuse_target(&self, error: &MailboxError) -> Refusal {
        target_refusal(error, &self.listener.config.name)
    }
}

/// What a client calls itself: name and version (RFC 2971 §3.3).
fn client_of(fields: &[(String, Option<String>)]) -> String {
    let field = |wanted: &str| {
        let found = fields.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
        found.and_then(|(_, value)| value.as_deref()).unwrap_or_default()
    };
    format!("{} {}", field("name"), field("version")).trim().to_owned()
}

fn mailbox_row(row: posthouse_mailbox::MailboxRow) -> MailboxRow {
    MailboxRow {
        selectable: row.selectable,
        name: row.name,
        id: row.id,
        special_use: row.special_use,
        subscribed: row.subscribed,
    }
}

fn status_row(record: &posthouse_storage::MailboxRecord) -> StatusRow {
    StatusRow {
        mailbox: record.id,
        messages: record.messages,
        uid_next: record.uid_next.value(),
        uid_validity: record.uid_validity,
        unseen: record.unseen,
        deleted: record.deleted,
        size: record.size_bytes,
        deleted_size: 0,
        highest_modseq: record.highest_modseq,
    }
}

/// The word for figures.
fn name_of(question: &Question) -> &'static str {
    match question {
        Question::SaslStart | Question::Sasl(_) => "sasl",
        Question::Enter(_) => "enter",
        Question::Leave => "leave",
        Question::ClientId(_) => "id",
        Question::List => "list",
        Question::Status { .. } => "status",
        Question::Select { .. } => "select",
        Question::Unselect { .. } => "unselect",
        Question::Annotations { .. } => "annotations",
        Question::Annotate { .. } => "annotate",
        Question::QuotaRoots { .. } => "quota roots",
        Question::Quota { .. } => "quota",
        Question::SetQuota { .. } => "set quota",
        Question::Create { .. } => "create",
        Question::Delete { .. } => "delete",
        Question::Rename { .. } => "rename",
        Question::Subscribe { .. } => "subscribe",
        Question::Acl { .. } => "acl",
        Question::SetAcl { .. } => "set acl",
        Question::GrantableRights { .. } => "list rights",
        Question::MyRights { .. } => "my rights",
        Question::AppendCheck { .. } => "append check",
        Question::AppendAnother { .. } => "append another",
        Question::AppendUrl { .. } => "append url",
        Question::Append { .. } => "append",
        Question::Fetch(_) => "fetch",
        Question::Store { .. } => "store",
        Question::Copy { .. } => "copy",
        Question::Move { .. } => "move",
        Question::Expunge { .. } => "expunge",
        Question::Search { .. } => "search",
        Question::SearchOpen { .. } => "search open",
        Question::SearchOpened { .. } => "search opened",
        Question::Sort { .. } => "sort",
        Question::Thread { .. } => "thread",
        Question::Sync { .. } => "sync",
        Question::Watch { .. } | Question::WatchAccount { .. } => "watch",
        Question::News => "news",
    }
}

//! NOTIFY (RFC 5465): a client hears of what happens in its mailboxes, all the time.
//!
//! The house keeps note of which mailboxes changed and says that there is news ([`ImapSession::account_changed`]); the
//! session fetches the news when it is between commands or idles, and turns it into responses. What it needs for that,
//! it asks as any command would: `List` for names, `Status` for other mailboxes, `Sync` and `Fetch` for the open one.

mod access;
mod names;
mod news;
pub(crate) mod wanted;

use std::collections::{BTreeMap, BTreeSet};

use posthouse_model::{EntryName, MailboxId, MailboxName, UidSet};

use self::names::Names;
use self::wanted::{Events, SUPPORTED_EVENTS, Unusable, Wanted, event_groups};
use crate::answer::{Answer, MailboxRow, Touched};
use crate::grammar::Parsed;
use crate::question::{AccountInterest, Question, StatusItems};
use crate::response::status::status;
use crate::session::completion::{Completion, Update};
use crate::session::pending::Pending;
use crate::session::verbs::Invocation;
use crate::session::{ImapSession, Tag};

/// Most mailboxes that one session may watch. Beyond it, NOTIFY is refused or ends (RFC 5465 §3.1, §5.8).
const MAX_WATCHED_MAILBOXES: usize = 10_000;
/// Most names that are remembered as changed by this client itself, until the house tells of the changes.
const MAX_OWN_NAMES: usize = 64;

/// What the client hears of, from the first NOTIFY on, or from ENABLE METADATA on.
#[derive(Debug, Default)]
pub(crate) struct Notify {
    wanted: Wanted,
    /// By ENABLE METADATA, which leaves everything else as it is.
    by_enable: bool,
    /// The house watches for us.
    watching: bool,
    /// The mailboxes as the client knows them.
    rows: Vec<MailboxRow>,
    /// The open mailbox, if the house watches it for us.
    watched_selected: Option<MailboxId>,
    /// The house has news.
    fresh: bool,
    /// News that has come and has not been told.
    todo: Todo,
    /// New messages of the open mailbox whose items are still to be told.
    arrived: UidSet,
    /// Names that this client has changed itself.
    own: Vec<MailboxName>,
    /// Mailboxes of which the client was told that it may not look into them.
    no_access: BTreeSet<MailboxName>,
}

/// What is to be looked at.
#[derive(Debug, Default)]
struct Todo {
    names: bool,
    statuses: BTreeMap<MailboxId, Touched>,
    annotations: BTreeMap<Option<MailboxId>, BTreeSet<EntryName>>,
    selected: bool,
}

/// A NOTIFY SET under way.
#[derive(Debug)]
pub(crate) struct Setting {
    tag: Tag,
    /// The client wants a STATUS of each mailbox at once.
    status: bool,
    notify: Notify,
    /// Mailboxes that a STATUS is asked of, and what of each.
    asked: Vec<(MailboxName, StatusItems)>,
}

/// ```text
/// notify      = "NOTIFY" SP (notify-set / notify-none)
/// notify-set  = "SET" [SP "STATUS"] SP event-groups
/// notify-none = "NONE"
/// ```
pub(crate) fn run(session: &mut ImapSession, command: &mut Invocation<'_, '_>) -> Parsed<()> {
    let arguments = &mut *command.arguments;
    arguments.space()?;
    if arguments.take_word("NONE") {
        arguments.end()?;
        session.notify = Some(Box::default());
        session.ask(Question::WatchAccount { interest: None }, Pending::NotifyNone(command.tag.clone()));
        return Ok(());
    }
    if !arguments.take_word("SET") {
        return Err(crate::grammar::CommandError::Expected("SET or NONE"));
    }
    arguments.space()?;
    let status = arguments.take_word("STATUS");
    if status {
        arguments.space()?;
    }
    let wanted = match event_groups(arguments, session.names()) {
        Ok(wanted) => wanted,
        Err(Unusable::Command(error)) => return Err(error),
        Err(Unusable::UnknownEvent) => {
            // RFC 5465 §3.1: NO, not BAD, with all that we do know.
            let code = format!("BADEVENT ({SUPPORTED_EVENTS})");
            session.complete(command.tag, Completion::no("There is an event that is not known").with_code(code));
            return Ok(());
        }
    };
    arguments.end()?;
    let notify = Notify { wanted, watching: true, ..Notify::default() };
    session.notify_begin(Setting { tag: command.tag.clone(), status, notify, asked: Vec::new() });
    Ok(())
}

impl Notify {
    /// The mailboxes to be watched; `None` if there are too many.
    fn interest(&self) -> Option<AccountInterest> {
        let mut interest =
            AccountInterest { server_annotations: self.wanted.server_annotations(), ..AccountInterest::default() };
        for row in &self.rows {
            let Some(id) = row.id else { continue };
            let events = self.wanted.events_of(row);
            // RFC 5465 §5.9: what may not be looked into is not watched.
            if events.messages && row.selectable && row.id != self.watched_selected {
                interest.messages.push(id);
            }
            if events.annotations && row.selectable {
                interest.annotations.push(id);
            }
            // One's own come with the account.
            if row.name.is_of_others() && events != Events::default() {
                interest.names.push(id);
            }
        }
        interest.messages.extend(self.watched_selected);
        let AccountInterest { messages, annotations, names, .. } = &interest;
        let most = messages.len().max(annotations.len()).max(names.len());
        (most <= MAX_WATCHED_MAILBOXES).then_some(interest)
    }
}

impl ImapSession {
    /// ENABLE METADATA, or METADATA-SERVER: from now on the client hears of annotations that others change, until it
    /// says by NOTIFY what it wants to hear of (RFC 5465 §3.1).
    pub(crate) fn watch_annotations(&mut self, tag: &Tag, of_mailboxes: bool) {
        if self.notify.as_ref().is_some_and(|notify| !notify.by_enable) {
            return self.finish(tag, Completion::ok("Enabled"), Update::All);
        }
        let wanted = Wanted::annotations_only(of_mailboxes);
        let notify = Notify { wanted, by_enable: true, watching: true, ..Notify::default() };
        self.notify_begin(Setting { tag: tag.clone(), status: false, notify, asked: Vec::new() });
    }

    /// Names are watched before they are listed, so that none is missed.
    fn notify_begin(&mut self, setting: Setting) {
        let interest = Some(AccountInterest::default());
        self.ask(Question::WatchAccount { interest }, Pending::NotifyBegin(Box::new(setting)));
    }

    /// The house watches names.
    pub(crate) fn notify_begun(&mut self, setting: Box<Setting>, answer: Answer) {
        match answer {
            Answer::Done => self.ask(Question::List, Pending::NotifyListed(setting)),
            other => self.notify_refused(&setting, other),
        }
    }

    /// The house does not watch. What ENABLE was to bring can be enabled again.
    fn notify_refused(&mut self, setting: &Setting, answer: Answer) {
        if setting.notify.by_enable {
            (self.enabled.metadata, self.enabled.metadata_server) = (false, false);
            self.notify = None;
        }
        self.answered_oddly(&setting.tag, answer);
    }

    pub(crate) fn notify_listed(&mut self, mut setting: Box<Setting>, answer: Answer) {
        let rows = match answer {
            Answer::Mailboxes(rows) => rows,
            other => return self.notify_refused(&setting, other),
        };
        setting.notify.rows = rows;
        setting.notify.watched_selected = self.selected_to_watch(&setting.notify.wanted);
        match setting.notify.interest() {
            Some(interest) => {
                let interest = Some(interest);
                self.ask(Question::WatchAccount { interest }, Pending::NotifyWatching(setting));
            }
            // What was enabled stays so: the client learns that it hears of nothing, as with what grows too much later.
            None if setting.notify.by_enable => {
                self.notify_overflowed();
                self.finish(&setting.tag, Completion::ok("Enabled"), Update::All);
            }
            None => {
                let refused =
                    Completion::no("Those are too many mailboxes to watch").with_code(b"NOTIFICATIONOVERFLOW");
                self.complete(&setting.tag, refused);
            }
        }
    }

    /// The house watches: what is told from here on misses nothing.
    pub(crate) fn notify_watching(&mut self, mut setting: Box<Setting>, answer: Answer) {
        if !matches!(answer, Answer::Done) {
            return self.notify_refused(&setting, answer);
        }
        if setting.notify.by_enable {
            self.notify = Some(Box::new(setting.notify));
            return self.finish(&setting.tag, Completion::ok("Enabled"), Update::All);
        }
        let encoding = self.names();
        let notify = &mut setting.notify;
        Names::new(&[], &notify.rows).tell_access(&mut self.out, &notify.wanted, &mut notify.no_access, encoding);
        if setting.status {
            setting.asked = self.first_statuses(&setting.notify);
        }
        if setting.asked.is_empty() {
            return self.notify_sync(setting);
        }
        let question = status_question(&setting.asked);
        self.ask(question, Pending::NotifyFigures(setting));
    }

    pub(crate) fn notify_figures(&mut self, setting: Box<Setting>, answer: Answer) {
        self.write_statuses(&setting.asked, answer);
        self.notify_sync(setting);
    }

    /// RFC 5465 §3.1: NOTIFY SET tells first what has accumulated in the open mailbox, whatever was wanted before.
    fn notify_sync(&mut self, setting: Box<Setting>) {
        self.notify = None;
        match &self.selected {
            Some(selected) => {
                let since = selected.known_modseq;
                self.ask(Question::Sync { since }, Pending::NotifySynced(setting));
            }
            None => self.notify_set(*setting),
        }
    }

    pub(crate) fn notify_synced(&mut self, setting: Setting, answer: Answer) {
        self.tell_answer(answer, Update::All);
        self.notify_set(setting);
    }

    fn notify_set(&mut self, setting: Setting) {
        self.notify = Some(Box::new(setting.notify));
        self.complete(&setting.tag, Completion::ok("You will hear of it"));
    }

    pub(crate) fn notify_ended(&mut self, tag: &Tag) {
        self.complete(tag, Completion::ok("You will hear of nothing"));
    }

    /// RFC 5465 §3.1: what the STATUS indicator asks for, of each mailbox but the open one.
    fn first_statuses(&self, notify: &Notify) -> Vec<(MailboxName, StatusItems)> {
        let selected = self.selected.as_ref().map(|selected| selected.id);
        let others = notify.rows.iter().filter(|row| row.id.is_some() && row.selectable && row.id != selected);
        let wanted = others.map(|row| (row, notify.wanted.events_of(row))).filter(|(_, events)| events.messages);
        wanted
            .map(|(row, events)| {
                let items = StatusItems {
                    messages: true,
                    uid_next: true,
                    uid_validity: true,
                    highest_modseq: events.flags,
                    ..StatusItems::default()
                };
                (row.name.clone(), items)
            })
            .collect()
    }

    /// Writes a STATUS response for each mailbox whose figures came.
    fn write_statuses(&mut self, asked: &[(MailboxName, StatusItems)], answer: Answer) {
        let Answer::Statuses(rows) = answer else { return };
        let (names, append_limit) = (self.names(), self.config.limits.append_bytes);
        for ((name, items), row) in asked.iter().zip(rows) {
            // One that has gone meanwhile is told of as a name.
            if let Ok(row) = row {
                status(&mut self.out, name, names, *items, &row, append_limit);
            }
        }
    }

    /// The open mailbox, if the client wants to hear of its messages.
    fn selected_to_watch(&self, wanted: &Wanted) -> Option<MailboxId> {
        wanted.selected.as_ref().and(self.selected.as_ref()).map(|selected| selected.id)
    }

    /// Whether the client wants to hear of new and expunged messages of the open mailbox.
    pub(crate) fn hears_of_messages(&self) -> bool {
        self.commanded().is_none_or(|notify| notify.wanted.selected.is_some())
    }

    /// What NOTIFY said, if it said anything yet.
    fn commanded(&self) -> Option<&Notify> {
        self.notify.as_deref().filter(|notify| !notify.by_enable)
    }

    /// Whether the client has ever said NOTIFY.
    pub(crate) fn uses_notify(&self) -> bool {
        self.commanded().is_some()
    }

    /// Whether it wants to hear of flags there.
    pub(crate) fn hears_of_flags(&self) -> bool {
        let selected = self.commanded().map(|notify| notify.wanted.selected.as_ref());
        selected.is_none_or(|selected| selected.is_some_and(|events| events.flags))
    }

    /// New messages of the open mailbox have been told of; what else the client wants of them follows.
    pub(crate) fn note_arrived(&mut self, uids: &UidSet) {
        if let Some(notify) = &mut self.notify
            && notify.wanted.selected.as_ref().is_some_and(|events| events.items.is_some())
        {
            for range in uids.ranges() {
                if let (Some(first), Some(last)) =
                    (posthouse_model::Uid::new(*range.start()), posthouse_model::Uid::new(*range.end()))
                {
                    notify.arrived.insert_range(first, last);
                }
            }
        }
    }

    /// RFC 5465 §5: what the client does itself it need not hear of.
    pub(crate) fn note_own_change(&mut self, question: &Question) {
        let Some(notify) = &mut self.notify else { return };
        let names: [Option<&MailboxName>; 2] = match question {
            Question::Create { mailbox, .. } | Question::Delete { mailbox } => [Some(mailbox), None],
            Question::Subscribe { mailbox, .. } => [Some(mailbox), None],
            Question::Rename { from, to } => [Some(from), Some(to)],
            _ => return,
        };
        for name in names.into_iter().flatten() {
            if notify.own.len() < MAX_OWN_NAMES {
                notify.own.push(name.clone());
            }
        }
    }
}

/// One question for the figures of all of them.
fn status_question(asked: &[(MailboxName, StatusItems)]) -> Question {
    let mut items = StatusItems::default();
    for (_, each) in asked {
        items.messages |= each.messages;
        items.uid_next |= each.uid_next;
        items.uid_validity |= each.uid_validity;
        items.unseen |= each.unseen;
        items.highest_modseq |= each.highest_modseq;
    }
    Question::Status { mailboxes: asked.iter().map(|(name, _)| name.clone()).collect(), items }
}

//! NOTIFY (RFC 5465): a client hears of what happens in its mailboxes, all the time.
//!
//! The house keeps note of which mailboxes changed and says that there is news ([`ImapSession::account_changed`]); the
//! session fetches the news when it is between commands or idles, and turns it into responses. What it needs for that,
//! it asks as any command would: `List` for names, `Status` for other mailboxes, `Sync` and `Fetch` for the open one.

mod names;
mod news;
pub(crate) mod wanted;

use std::collections::BTreeMap;

use posthouse_model::{MailboxId, MailboxName, UidSet};

use self::wanted::{SUPPORTED_EVENTS, Unusable, Wanted, event_groups};
use crate::answer::{Answer, MailboxRow, Touched};
use crate::grammar::Parsed;
use crate::question::{AccountInterest, Question, StatusItems};
use crate::response::status::status;
use crate::session::completion::Completion;
use crate::session::pending::Pending;
use crate::session::verbs::Invocation;
use crate::session::{ImapSession, Tag};

/// Most mailboxes that one session may watch. Beyond it, NOTIFY is refused or ends (RFC 5465 §3.1, §5.8).
const MAX_WATCHED_MAILBOXES: usize = 10_000;
/// Most names that are remembered as changed by this client itself, until the house tells of the changes.
const MAX_OWN_NAMES: usize = 64;

/// What the client hears of, from the first NOTIFY on.
#[derive(Debug, Default)]
pub(crate) struct Notify {
    wanted: Wanted,
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
}

/// What is to be looked at.
#[derive(Debug, Default)]
struct Todo {
    names: bool,
    statuses: BTreeMap<MailboxId, Touched>,
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
    let setting = Setting { tag: command.tag.clone(), status, notify, asked: Vec::new() };
    // Names are watched before they are listed, so that none is missed.
    let interest = Some(AccountInterest::default());
    session.ask(Question::WatchAccount { interest }, Pending::NotifyBegin(Box::new(setting)));
    Ok(())
}

impl Notify {
    /// The mailboxes to be watched; `None` if there are too many.
    fn interest(&self) -> Option<AccountInterest> {
        let others = self.rows.iter().filter(|row| row.id != self.watched_selected);
        let wanted = others.filter(|row| self.wanted.events_of(row).messages);
        let mut mailboxes: Vec<MailboxId> = wanted.filter_map(|row| row.id).collect();
        mailboxes.extend(self.watched_selected);
        (mailboxes.len() <= MAX_WATCHED_MAILBOXES).then_some(AccountInterest { mailboxes })
    }
}

impl ImapSession {
    /// The house watches names.
    pub(crate) fn notify_begun(&mut self, setting: Box<Setting>, answer: Answer) {
        match answer {
            Answer::Done => self.ask(Question::List, Pending::NotifyListed(setting)),
            other => self.answered_oddly(&setting.tag, other),
        }
    }

    pub(crate) fn notify_listed(&mut self, mut setting: Box<Setting>, answer: Answer) {
        let rows = match answer {
            Answer::Mailboxes(rows) => rows,
            other => return self.answered_oddly(&setting.tag, other),
        };
        setting.notify.rows = rows;
        setting.notify.watched_selected = self.selected_to_watch(&setting.notify.wanted);
        match setting.notify.interest() {
            Some(interest) => {
                let interest = Some(interest);
                self.ask(Question::WatchAccount { interest }, Pending::NotifyWatching(setting));
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
            return self.answered_oddly(&setting.tag, answer);
        }
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
        self.tell_answer(answer, crate::session::completion::Update::All);
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
        let others = notify.rows.iter().filter(|row| row.id.is_some() && row.id != selected);
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
        self.notify.as_ref().is_none_or(|notify| notify.wanted.selected.is_some())
    }

    /// Whether it wants to hear of flags there.
    pub(crate) fn hears_of_flags(&self) -> bool {
        let selected = self.notify.as_ref().map(|notify| notify.wanted.selected.as_ref());
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

//! Telling a client what it asked to hear, between its commands and while it idles.

use std::collections::HashSet;

use posthouse_model::{Instant, MailboxName};

use super::names::Names;
use super::{Notify, Todo, status_question};
use crate::answer::{Answer, News, Touched};
use crate::extensions::context::Then;
use crate::extensions::metadata::metadata_changed;
use crate::question::{FetchQuestion, Question, StatusItems};
use crate::session::completion::Update;
use crate::session::fetch::Fetching;
use crate::session::pending::Pending;
use crate::session::{ImapSession, Mode};

impl ImapSession {
    /// There is news of what [`Question::WatchAccount`] asked the house to watch.
    pub fn account_changed(&mut self, now: Instant) {
        if let Some(notify) = &mut self.notify {
            notify.fresh = notify.watching;
        }
        self.after_event(now);
    }

    /// Takes the next step of telling, if no command is under way. Each answer leads here again.
    pub(crate) fn push_news(&mut self) {
        if self.is_asking() || !self.is_logged_in() {
            return;
        }
        match &mut self.mode {
            Mode::ExpectCommand => {}
            Mode::ExpectDone(idling) => {
                if std::mem::take(&mut idling.changed) {
                    return self.sync_while_idling();
                }
            }
            _ => return,
        }
        let Some(mut notify) = self.notify.take() else { return };
        let next = self.next_step(&mut notify);
        self.notify = Some(notify);
        if let Some((question, pending)) = next {
            self.ask(question, pending);
        }
    }

    fn next_step(&mut self, notify: &mut Notify) -> Option<(Question, Pending)> {
        let to_watch = self.selected_to_watch(&notify.wanted);
        if to_watch != notify.watched_selected {
            // What happened in it before it was watched is asked for afterwards.
            notify.todo.selected = to_watch.is_some();
            notify.arrived = Default::default();
            return self.watch(notify);
        }
        if let Some(next) = self.fetch_arrived(notify) {
            return Some(next);
        }
        if std::mem::take(&mut notify.todo.names) {
            return Some((Question::List, Pending::NotifyNames));
        }
        self.tell_annotations(notify);
        if let Some(next) = self.ask_statuses(notify) {
            return Some(next);
        }
        if std::mem::take(&mut notify.todo.selected)
            && let Some(selected) = &self.selected
        {
            return Some((Question::Sync { since: selected.known_modseq }, Pending::NotifySync));
        }
        std::mem::take(&mut notify.fresh).then_some((Question::News, Pending::NotifyNews))
    }

    fn watch(&self, notify: &mut Notify) -> Option<(Question, Pending)> {
        notify.watched_selected = self.selected_to_watch(&notify.wanted);
        let interest = notify.interest();
        let pending = if interest.is_some() { Pending::NotifyWatched } else { Pending::NotifyOverflow };
        Some((Question::WatchAccount { interest }, pending))
    }

    /// Which annotations others changed (RFC 5465 §5.6, §5.7), in mailboxes that the client may look into still.
    fn tell_annotations(&mut self, notify: &mut Notify) {
        let mut annotations = std::mem::take(&mut notify.todo.annotations);
        let encoding = self.names();
        if let Some(entries) = annotations.remove(&None).filter(|_| notify.wanted.server_annotations()) {
            metadata_changed(&mut self.out, None, encoding, &entries);
        }
        for row in notify.rows.iter().filter(|row| row.id.is_some() && row.selectable) {
            let Some(entries) = annotations.remove(&row.id) else { continue };
            if notify.wanted.events_of(row).annotations {
                metadata_changed(&mut self.out, Some(&row.name), encoding, &entries);
            }
        }
    }

    /// The items of messages that have come and are still there (RFC 5465 §5.2).
    fn fetch_arrived(&self, notify: &mut Notify) -> Option<(Question, Pending)> {
        let arrived = std::mem::take(&mut notify.arrived);
        let selected = self.selected.as_ref()?;
        let mut items = notify.wanted.selected.as_ref()?.items.as_deref()?.clone();
        let uids = selected.view.known(&arrived).difference(&selected.vanished);
        if uids.is_empty() {
            return None;
        }
        items.modseq |= self.enabled.condstore && items.flags;
        let fetching = Fetching::unasked(items.clone());
        let question = FetchQuestion { uids, items, mark_seen: false, changed_since: None, vanished: false };
        Some((Question::Fetch(question), Pending::Fetch(Box::new(fetching))))
    }

    fn ask_statuses(&self, notify: &mut Notify) -> Option<(Question, Pending)> {
        let mut statuses = std::mem::take(&mut notify.todo.statuses);
        let condstore = self.enabled.condstore;
        let mut asked: Vec<(MailboxName, StatusItems)> = Vec::with_capacity(statuses.len());
        for row in notify.rows.iter().filter(|row| row.selectable) {
            let Some(touched) = row.id.and_then(|id| statuses.remove(&id)) else { continue };
            let events = notify.wanted.events_of(row);
            let (messages, flags) = (touched.messages && events.messages, touched.flags && events.flags);
            if messages || flags {
                let items = StatusItems {
                    messages,
                    uid_next: messages,
                    // RFC 5465 §5.1
                    uid_validity: flags,
                    unseen: flags,
                    highest_modseq: condstore,
                    ..StatusItems::default()
                };
                asked.push((row.name.clone(), items));
            }
        }
        let question = status_question(&asked);
        (!asked.is_empty()).then_some((question, Pending::NotifyStatus(asked)))
    }

    pub(crate) fn news_answered(&mut self, answer: Answer) {
        let Answer::News(news) = answer else { return };
        let News { touched, annotations, names, overflow } = *news;
        if overflow {
            return self.notify_overflow();
        }
        let selected = self.selected.as_ref().map(|selected| selected.id);
        let Some(notify) = &mut self.notify else { return };
        notify.todo.names |= names;
        for (place, entries) in annotations {
            notify.todo.annotations.entry(place).or_default().extend(entries);
        }
        for (id, touched) in touched {
            if Some(id) == selected {
                // RFC 5465 §3.1: of the open mailbox only what SELECTED asks for.
                notify.todo.selected |= notify.wanted.selected.is_some();
            } else {
                notify.todo.note(id, touched);
            }
        }
    }

    /// The names as they are now.
    pub(crate) fn news_of_names(&mut self, answer: Answer) {
        let Answer::Mailboxes(rows) = answer else { return };
        let Some(mut notify) = self.notify.take() else { return };
        let own = std::mem::take(&mut notify.own);
        let names = self.names();
        if !notify.by_enable {
            let news = Names::new(&notify.rows, &rows);
            news.tell(&mut self.out, &notify.wanted, &own, &mut notify.no_access, names);
        }
        let watched_before = notify.interest().unwrap_or_default();
        notify.rows = rows;
        let watched = notify.interest();
        let known: HashSet<_> = watched_before.messages.iter().copied().collect();
        // A message may have come into a new mailbox before the house began to watch it.
        let all = Touched { messages: true, flags: true };
        for id in watched.iter().flat_map(|watched| &watched.messages).filter(|id| !known.contains(id)) {
            notify.todo.note(*id, all);
        }
        let next = if watched == Some(watched_before) { None } else { self.watch(&mut notify) };
        self.notify = Some(notify);
        if let Some((question, pending)) = next {
            self.ask(question, pending);
        }
    }

    pub(crate) fn news_of_statuses(&mut self, asked: &[(MailboxName, StatusItems)], answer: Answer) {
        self.write_statuses(asked, answer);
    }

    pub(crate) fn news_of_selected(&mut self, answer: Answer) {
        let delayed = |notify: &Notify| notify.wanted.selected.as_ref().is_some_and(|events| events.delayed);
        let delayed = self.notify.as_ref().is_some_and(|notify| delayed(notify));
        // RFC 5465 §6.1.2, §4: SELECTED-DELAYED keeps numbers until a command, or IDLE, allows them to change.
        let idles = matches!(self.mode, Mode::ExpectDone(_));
        self.tell_answer(answer, if delayed && !idles { Update::KeepNumbers } else { Update::All });
        self.settle_contexts(Then::News);
    }

    /// More happened than the house keeps in mind, or there is more to watch than it takes on (RFC 5465 §5.8).
    fn notify_overflow(&mut self) {
        self.ask(Question::WatchAccount { interest: None }, Pending::NotifyOverflow);
    }

    pub(crate) fn notify_overflowed(&mut self) {
        self.out.extend_from_slice(b"* OK [NOTIFICATIONOVERFLOW] That was too much, you will hear of nothing more\r\n");
        self.notify = Some(Box::default());
    }
}

impl Todo {
    fn note(&mut self, id: posthouse_model::MailboxId, touched: Touched) {
        let noted = self.statuses.entry(id).or_default();
        noted.messages |= touched.messages;
        noted.flags |= touched.flags;
    }
}

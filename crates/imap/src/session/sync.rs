//! Telling a client what happened to its mailbox: at the end of commands, and while it idles.

use posthouse_model::{Keyword, Rights, Uid, UidSet};

use super::completion::{Completion, Update};
use super::pending::Pending;
use super::selected::SelectedMailbox;
use super::{ImapSession, Tag};
use crate::answer::{Answer, Changes, FlagRow};
use crate::extensions::context::{Then, look_at_later, take_out_vanished};
use crate::question::Question;
use crate::refusal::Refusal;
use crate::response::fetch::flags_row;
use crate::response::flags::{mailbox_flags, permanent_flags};
use crate::response::token::{number, uid_set};

/// A command that ends as soon as the client is up to date.
#[derive(Debug)]
pub(crate) struct Syncing {
    tag: Tag,
    completion: Completion,
    update: Update,
    /// RFC 7162 §3.2.7: the end of EXPUNGE tells the new HIGHESTMODSEQ.
    tell_highest_modseq: bool,
    /// The command itself removed messages.
    after_expunge: bool,
}

impl ImapSession {
    /// Ends a command after the client has been told what happened.
    pub(crate) fn sync_before(&mut self, tag: &Tag, completion: Completion, update: Update) {
        self.sync(Syncing { tag: tag.clone(), completion, update, tell_highest_modseq: false, after_expunge: false });
    }

    /// Likewise; the tagged response tells the HIGHESTMODSEQ if QRESYNC is enabled.
    pub(crate) fn sync_after_expunge(&mut self, tag: &Tag, completion: Completion) {
        let tell_highest_modseq = self.enabled.qresync;
        let tag = tag.clone();
        self.sync(Syncing { tag, completion, update: Update::All, tell_highest_modseq, after_expunge: true });
    }

    fn sync(&mut self, syncing: Syncing) {
        let Some(selected) = &self.selected else {
            return self.complete(&syncing.tag, syncing.completion);
        };
        // RFC 5465 §3.1: a client that wants no message events gets none, but for what it expunges itself.
        if !self.hears_of_messages() && !syncing.after_expunge {
            return self.complete(&syncing.tag, syncing.completion);
        }
        let since = selected.known_modseq;
        self.ask(Question::Sync { since }, Pending::Sync(Box::new(syncing)));
    }

    pub(crate) fn sync_answered(&mut self, syncing: Syncing, answer: Answer) {
        let Syncing { tag, mut completion, update, tell_highest_modseq, after_expunge: _ } = syncing;
        self.tell_answer(answer, update);
        if tell_highest_modseq && completion.is_ok() {
            completion = self.with_highest_modseq(completion);
        }
        self.settle_contexts(Then::Complete(tag, completion));
    }

    /// RFC 7162 §3.2: while messages that went have not been told, rows may tell higher modification sequences than that
    /// at which they went. A client that would take the highest for what it knows is told what it does know; and, once,
    /// when that is all again.
    pub(crate) fn without_gaps(&mut self, completion: Completion) -> Completion {
        match &self.selected {
            Some(selected) if self.enabled.qresync && selected.held_back.is_some() => {
                self.with_highest_modseq(completion)
            }
            _ => completion,
        }
    }

    /// The response code, or, where another is more important, a response of its own before.
    fn with_highest_modseq(&mut self, completion: Completion) -> Completion {
        let Some(selected) = &mut self.selected else {
            return completion;
        };
        if selected.vanished.is_empty() {
            selected.held_back = None;
        }
        let knows = selected.held_back.unwrap_or(selected.known_modseq).0;
        if completion.is_ok() && !completion.has_code() {
            let mut code = b"HIGHESTMODSEQ ".to_vec();
            number(&mut code, knows);
            return completion.with_code(code);
        }
        self.write_code(b"HIGHESTMODSEQ", knows, b"Up to here nothing is missing");
        completion
    }

    /// Tells the client what the house answered to [`Question::Sync`].
    pub(crate) fn tell_answer(&mut self, answer: Answer, update: Update) {
        let Some(selected) = &mut self.selected else {
            return;
        };
        match answer {
            Answer::Changes(changes) => self.tell_changes(&changes, update),
            // Another session deleted the mailbox: to this one, all messages are gone.
            Answer::Refused(Refusal::NonExistent) => {
                let changes = Changes { vanished: selected.view.uids(), ..Changes::default() };
                self.tell_changes(&changes, update);
            }
            // The command was carried out; that news cannot be had is no reason to say otherwise.
            _ => selected.told = Vec::new(),
        }
    }

    /// Writes what happened, and takes it into the view.
    pub(crate) fn tell_changes(&mut self, changes: &Changes, update: Update) {
        let Some(mut selected) = self.selected.take() else {
            return;
        };
        self.tell_rights(&mut selected, changes);
        self.tell_keywords(&mut selected, &changes.new_keywords);
        for range in selected.view.known(&changes.vanished).ranges() {
            if let (Some(first), Some(last)) = (Uid::new(*range.start()), Uid::new(*range.end())) {
                selected.vanished.insert_range(first, last);
            }
        }
        take_out_vanished(&mut self.out, &mut selected, &changes.vanished);
        if update == Update::All {
            self.tell_vanished(&mut selected);
        } else if !selected.vanished.is_empty() {
            selected.held_back.get_or_insert(selected.known_modseq);
        }
        let arrived = changes.added.difference(&changes.vanished);
        if selected.view.append(&arrived) > 0 {
            self.note_arrived(&arrived);
            self.out.extend_from_slice(b"* ");
            number(&mut self.out, u64::from(selected.view.len()));
            self.out.extend_from_slice(b" EXISTS\r\n");
        }
        let hears_of_flags = self.hears_of_flags();
        for row in changes.changed.iter().filter(|_| hears_of_flags) {
            if !changes.added.contains(row.uid) && !selected.vanished.contains(row.uid) {
                self.tell_flags(&selected, row);
            }
        }
        look_at_later(&mut selected, changes);
        selected.known_modseq = selected.known_modseq.max(changes.highest_modseq);
        selected.told = Vec::new();
        self.selected = Some(selected);
    }

    /// `VANISHED` once QRESYNC or UIDONLY is enabled (RFC 7162 §3.2.10, RFC 9586 §3.4), `EXPUNGE` otherwise. The highest number goes first, so
    /// that none of them moves.
    fn tell_vanished(&mut self, selected: &mut SelectedMailbox) {
        let vanished = std::mem::take(&mut selected.vanished);
        let gone = selected.view.remove(&vanished);
        if gone.is_empty() {
            return;
        }
        selected.saved = selected.saved.difference(&vanished);
        if self.enabled.qresync || self.enabled.uid_only {
            self.write_vanished(&vanished, false);
            return;
        }
        for sequence in gone.into_iter().rev().flat_map(|(from, to)| (from..=to).rev()) {
            self.out.extend_from_slice(b"* ");
            number(&mut self.out, u64::from(sequence));
            self.out.extend_from_slice(b" EXPUNGE\r\n");
        }
    }

    /// `expunged-resp = "VANISHED" [SP "(EARLIER)"] SP known-uids` (RFC 7162 §7)
    pub(crate) fn write_vanished(&mut self, uids: &UidSet, earlier: bool) {
        if uids.is_empty() {
            return;
        }
        self.out.extend_from_slice(if earlier { b"* VANISHED (EARLIER) " } else { b"* VANISHED " });
        uid_set(&mut self.out, uids);
        self.out.extend_from_slice(b"\r\n");
    }

    /// RFC 4314 §5.1.1: flags are told anew when the user may change others than before.
    fn tell_rights(&mut self, selected: &mut SelectedMailbox, changes: &Changes) {
        let Some(rights) = changes.rights.filter(|rights| *rights != selected.rights) else {
            return;
        };
        selected.rights = rights;
        self.write_mailbox_flags(&selected.keywords, selected.read_only, rights);
    }

    /// New keywords, before a message shows one of them (RFC 9051 §7.3.5).
    pub(crate) fn tell_keywords<'k>(
        &mut self,
        selected: &mut SelectedMailbox,
        keywords: impl IntoIterator<Item = &'k Keyword>,
    ) {
        let known = selected.keywords.len();
        for keyword in keywords {
            if !selected.keywords.contains(keyword) {
                selected.keywords.push(keyword.clone());
            }
        }
        if selected.keywords.len() > known {
            self.write_mailbox_flags(&selected.keywords, selected.read_only, selected.rights);
        }
    }

    /// The FLAGS response and the PERMANENTFLAGS response code.
    pub(crate) fn write_mailbox_flags(&mut self, keywords: &[Keyword], read_only: bool, rights: Rights) {
        self.out.extend_from_slice(b"* FLAGS ");
        mailbox_flags(&mut self.out, keywords);
        self.out.extend_from_slice(b"\r\n* OK [PERMANENTFLAGS ");
        if read_only {
            self.out.extend_from_slice(b"()] The mailbox is open for reading only\r\n");
        } else {
            permanent_flags(&mut self.out, keywords, rights.flag_scope());
            self.out.extend_from_slice(b"] These flags stay\r\n");
        }
    }

    /// A FETCH response for flags that somebody changed.
    fn tell_flags(&mut self, selected: &SelectedMailbox, row: &FlagRow) {
        if let Some(sequence) = selected.view.sequence_of(row.uid)
            && !selected.was_told(row.uid, row.modseq)
        {
            // RFC 7162 §3.2.4: to a client that uses CONDSTORE such rows carry UID and modification sequence.
            // RFC 5465 §5.1: and to one that uses NOTIFY, UID.
            let uid = (self.enabled.condstore || self.uses_notify()).then_some(row.uid);
            let modseq = self.enabled.condstore.then_some(row.modseq);
            let name = self.enabled.row_name(sequence, row.uid);
            flags_row(&mut self.out, name, uid, modseq, Some(&row.flags));
        }
    }
}

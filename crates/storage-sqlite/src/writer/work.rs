//! What a request may use inside a batch.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;

use posthouse_model::{AccountId, MailboxId, ModSeq, TrailEvent, UnixMillis};
use posthouse_storage::{AnnotationChange, BodyKey, Concerned, MailboxChange, MailboxDelta, QueueNews, Subject};
use rusqlite::{Connection, OptionalExtension, params};

use super::encryption::NewKeys;
use super::leases::Leases;
use super::modseqs::ModSeqs;
use super::numbers::Numbers;
use super::quotas::Tally;
use super::sending_ledger::SendingLedger;
use super::usage::Ledger;
use crate::encryption::Keys;
use crate::fault::Fault;
use crate::reader::groups;
use crate::segment::{Appended, Appender, SegmentFiles};

/// The transaction under way, and what its requests have done besides SQL.
pub(crate) struct Work<'a> {
    pub(crate) connection: &'a Connection,
    pub(super) numbers: &'a mut Numbers,
    pub(super) modseqs: &'a mut ModSeqs,
    pub(super) leases: &'a mut Leases,
    pub(super) appender: &'a mut Appender,
    pub(super) files: &'a SegmentFiles,
    /// As of the last commit.
    pub(super) keys: &'a Keys,
    /// Bodies of this batch that are in a segment already.
    pub(super) appended: &'a Appended,
    /// Whether what is expunged is kept to be put back.
    pub(super) keep_expunged: &'a AtomicBool,
    /// When the batch began.
    pub(crate) now: UnixMillis,
    pub(super) effects: Effects,
    /// What accounts and domains use.
    pub(super) ledger: &'a mut Ledger,
    /// What has been sent.
    pub(super) sending: &'a mut SendingLedger,
    /// Whether anybody's duplicates are suppressed, once it is known.
    pub(super) suppresses: &'a mut Option<bool>,
    /// What the request under way does to quotas.
    pub(super) tally: Tally,
    /// Of what part of its quota an account is warned.
    pub(super) quota_warning_percent: Option<u8>,
    /// Whether anybody follows the trail.
    pub(super) trail_is_observed: bool,
}

/// What is to be said or done when the batch has been committed.
#[derive(Default)]
pub(super) struct Effects {
    /// For the observers.
    pub(super) changes: Vec<MailboxChange>,
    /// For the observers.
    pub(super) queue: QueueNews,
    pub(super) annotations: Vec<AnnotationChange>,
    /// For the observers.
    pub(super) directory_changed: bool,
    /// For the observers: whom it concerns.
    pub(super) rights: Vec<Concerned>,
    /// Bodies that lost a reference.
    pub(super) suspects: Vec<BodyKey>,
    /// Octets that segments won or lost.
    pub(super) live: Vec<(u32, i64)>,
    /// Segments that nothing refers to any more.
    pub(super) emptied: Vec<u32>,
    /// Accounts that have come to have nearly all they may.
    pub(super) nearly_full: Vec<AccountId>,
    /// For those who follow the trail, if anybody does.
    pub(super) trail: Vec<TrailEvent>,
    /// Keys that are others now.
    pub(super) keys: Option<NewKeys>,
}

/// A point to which a failed request is taken back.
pub(super) struct Mark {
    changes: usize,
    queue_ready: usize,
    queue_next_due: Option<UnixMillis>,
    queue_next_deadline: Option<UnixMillis>,
    annotations: usize,
    directory_changed: bool,
    rights: usize,
    suspects: usize,
    live: usize,
    emptied: usize,
    nearly_full: usize,
    trail: usize,
    keys: bool,
    leases: usize,
}

impl Work<'_> {
    pub(super) fn mark(&self) -> Mark {
        Mark {
            changes: self.effects.changes.len(),
            queue_ready: self.effects.queue.ready.len(),
            queue_next_due: self.effects.queue.next_due,
            queue_next_deadline: self.effects.queue.next_deadline,
            annotations: self.effects.annotations.len(),
            directory_changed: self.effects.directory_changed,
            rights: self.effects.rights.len(),
            suspects: self.effects.suspects.len(),
            live: self.effects.live.len(),
            emptied: self.effects.emptied.len(),
            nearly_full: self.effects.nearly_full.len(),
            trail: self.effects.trail.len(),
            keys: self.effects.keys.is_some(),
            leases: self.leases.mark(),
        }
    }

    pub(super) fn rewind(&mut self, mark: &Mark) {
        if !mark.keys {
            self.effects.keys = None;
        }
        self.effects.changes.truncate(mark.changes);
        self.effects.queue.ready.truncate(mark.queue_ready);
        self.effects.queue.next_due = mark.queue_next_due;
        self.effects.queue.next_deadline = mark.queue_next_deadline;
        self.effects.annotations.truncate(mark.annotations);
        self.effects.directory_changed = mark.directory_changed;
        self.effects.rights.truncate(mark.rights);
        self.effects.suspects.truncate(mark.suspects);
        self.effects.live.truncate(mark.live);
        self.effects.emptied.truncate(mark.emptied);
        self.effects.nearly_full.truncate(mark.nearly_full);
        self.effects.trail.truncate(mark.trail);
        self.leases.rewind(mark.leases);
        self.modseqs.taken_back();
        self.take_back_usage();
        self.sending.take_back();
    }

    /// Has the observers told that the directory changes.
    pub(crate) fn changes_directory(&mut self) {
        self.effects.directory_changed = true;
    }

    /// Has the observers told that access lists, groups or shared areas change, and for whom.
    pub(super) fn changes_rights(&mut self, concerned: impl IntoIterator<Item = Concerned>) {
        self.effects.rights.extend(concerned);
    }

    /// Has them told that an access list says something else about `subject`.
    pub(super) fn changes_rights_of(&mut self, subject: Subject) -> Result<(), Fault> {
        match subject {
            Subject::Anyone => self.changes_rights([Concerned::Everybody]),
            Subject::Account(account) => self.changes_rights([Concerned::Account(account)]),
            Subject::Group(group) => {
                let members = groups::member_ids(self.connection, group)?;
                self.changes_rights(members.into_iter().map(Concerned::Account));
            }
        }
        Ok(())
    }

    /// The account's next modification sequence.
    pub(super) fn next_modseq(&mut self, account: AccountId) -> Result<ModSeq, Fault> {
        self.modseqs.next(self.connection, account)
    }

    /// Has the observers told of a change when it has been committed.
    pub(super) fn tell(&mut self, account: AccountId, mailbox: MailboxId, modseq: ModSeq, delta: MailboxDelta) {
        self.effects.changes.push(MailboxChange { account, mailbox, modseq, delta });
    }

    /// The last statements of a batch: takes out bodies without references, and writes counters.
    pub(super) fn finish(&mut self) -> Result<(), Fault> {
        self.ledger.write(self.connection)?;
        self.sending.write(self.connection)?;
        self.drop_unreferenced()?;
        self.record_segments()?;
        self.appender.write_copies(self.connection)?;
        self.numbers.set_next_segment(self.appender.next_number());
        self.numbers.save(self.connection)
    }

    fn drop_unreferenced(&mut self) -> Result<(), Fault> {
        let mut suspects = std::mem::take(&mut self.effects.suspects);
        suspects.sort_unstable();
        suspects.dedup();
        let sql = "DELETE FROM body WHERE key = ?1 AND refs = 0 RETURNING segment, record_bytes";
        let mut statement = self.connection.prepare_cached(sql)?;
        for key in suspects {
            let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
            if let Some((segment, bytes)) = statement.query_row(params![key.0 as i64], row).optional()? {
                let bytes: i64 = bytes;
                self.effects.live.push((segment, -bytes));
            }
        }
        Ok(())
    }

    fn record_segments(&mut self) -> Result<(), Fault> {
        let sql = "INSERT INTO segment (number, size_bytes, live_bytes, sealed) VALUES (?1, ?2, 0, 1)
                   ON CONFLICT (number) DO UPDATE SET size_bytes = ?2";
        let mut any = false;
        for (number, end) in self.appender.unrecorded() {
            any = true;
            self.connection.prepare_cached(sql)?.execute(params![number, end as i64])?;
        }
        if any {
            let sql = "UPDATE segment SET sealed = (number IS NOT ?1) WHERE sealed IS NOT (number IS NOT ?1)";
            self.connection.prepare_cached(sql)?.execute(params![self.appender.growing()])?;
        }
        let mut live = BTreeMap::<u32, i64>::new();
        for (segment, bytes) in self.effects.live.drain(..) {
            *live.entry(segment).or_default() += bytes;
        }
        let sql = "UPDATE segment SET live_bytes = live_bytes + ?2 WHERE number = ?1";
        for (segment, bytes) in live {
            if bytes != 0 {
                self.connection.prepare_cached(sql)?.execute(params![segment, bytes])?;
            }
        }
        Ok(())
    }
}

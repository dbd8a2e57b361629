//! What is asked of the mailbox that is open.

use posthouse_imap::{
    AccountInterest, Answer, Changes, Copied, FlagRow, News, Question, Refusal, Resync, ResyncRequest, Selected,
    Touched,
};
use posthouse_mailbox::{AccountWatch, BatchBound, Interest, Mailbox, MailboxError, Rows};
use posthouse_model::{Flags, MailboxName, ModSeq, Uid, UidSet};
use posthouse_storage::CopiedUids;

use super::{Answered, ImapDesk};

/// Messages that are walked through at once where only their flags matter.
pub(super) const FLAGS_AT_ONCE: BatchBound = BatchBound { messages: 2000, size_bytes: u64::MAX };

impl ImapDesk {
    pub(super) fn open_mailbox(&self) -> Result<&Mailbox, Refusal> {
        self.mailbox.as_deref().ok_or(Refusal::ServerBug)
    }

    pub(super) async fn answer_about_selected(&mut self, question: Question) -> Answered {
        match question {
            Question::Select { mailbox, read_only, resync } => self.select(&mailbox, read_only, resync).await,
            Question::Unselect { expunge } => self.unselect(expunge).await,
            Question::Store { uids, change, flags, unchanged_since } => {
                let stored = self.open_mailbox()?.store_flags(&uids, change, &flags, unchanged_since).await;
                let outcome = stored.map_err(|error| self.refuse(&error))?;
                let rows = outcome.rows.into_iter().map(flag_row).collect();
                let (others, modified, missing) = (outcome.others, outcome.modified, outcome.missing);
                Ok(Answer::Stored { rows, others, modified, missing })
            }
            Question::Copy { uids, mailbox } => {
                let copied = self.open_mailbox()?.copy_to(self.mailboxes(), &uids, &mailbox).await;
                copied.map(|uids| Answer::Copied(both_ends(&uids))).map_err(|error| self.refuse_target(&error))
            }
            Question::Move { uids, mailbox } => {
                let moved = self.open_mailbox()?.move_to(self.mailboxes(), &uids, &mailbox).await;
                moved.map(|uids| Answer::Copied(both_ends(&uids))).map_err(|error| self.refuse_target(&error))
            }
            Question::Expunge { uids } => self.done(self.open_mailbox()?.expunge(uids.as_ref()).await.map(|_| ())),
            Question::Sync { since } => self.sync(since).await,
            Question::Watch { on } => {
                self.watch = if on { Some(self.open_mailbox()?.watch()) } else { None };
                Ok(Answer::Done)
            }
            Question::WatchAccount { interest } => self.watch_account(interest),
            Question::News => Ok(Answer::News(Box::new(self.account_watch.as_deref().map(news).unwrap_or_default()))),
            _ => Err(Refusal::ServerBug),
        }
    }

    fn watch_account(&mut self, interest: Option<AccountInterest>) -> Answered {
        let Some(interest) = interest else {
            self.account_watch = None;
            return Ok(Answer::Done);
        };
        let mut watch = match self.account_watch.take() {
            Some(watch) => watch,
            None => Box::new(self.mailboxes().watch_account(self.permit()?)),
        };
        let AccountInterest { messages, annotations, names, server_annotations } = interest;
        watch.set_interest(Interest { messages, annotations, names, server_annotations });
        self.account_watch = Some(watch);
        Ok(Answer::Done)
    }

    async fn select(&mut self, name: &MailboxName, read_only: bool, resync: Option<ResyncRequest>) -> Answered {
        self.mailbox = None;
        self.watch = None;
        let opened = self.mailboxes().open(self.permit()?, name, read_only).await;
        let mailbox = opened.map_err(|error| self.refuse(&error))?;
        // What the client missed is asked after the snapshot, so that nothing falls between the two.
        let rights = mailbox.rights().await.map_err(|error| self.refuse(&error))?;
        let snapshot = mailbox.snapshot();
        let resync = match resync {
            Some(request) if request.uid_validity == mailbox.uid_validity() => {
                Some(self.missed(&mailbox, &request, &snapshot.uids, snapshot.highest_modseq).await?)
            }
            _ => None,
        };
        let selected = Selected {
            mailbox: mailbox.id(),
            uid_validity: mailbox.uid_validity(),
            uid_next: u32::try_from(snapshot.uid_next).unwrap_or(u32::MAX),
            highest_modseq: snapshot.highest_modseq,
            uids: snapshot.uids,
            first_unseen: snapshot.first_unseen,
            keywords: snapshot.keywords,
            read_only: mailbox.is_read_only(),
            rights,
            resync,
        };
        self.mailbox = Some(Box::new(mailbox));
        Ok(Answer::Selected(Box::new(selected)))
    }

    /// What happened to the messages that the client knew, up to the moment of the snapshot.
    async fn missed(
        &self,
        mailbox: &Mailbox,
        request: &ResyncRequest,
        present: &UidSet,
        until: ModSeq,
    ) -> Result<Resync, Refusal> {
        let known = request.known_uids.clone().unwrap_or_else(UidSet::all);
        let vanished = mailbox.vanished_since(&known, request.since).await.map_err(|error| self.refuse(&error))?;
        let mut changed = Vec::new();
        let mut rows = Rows::new(known.intersection(present), Some(request.since));
        loop {
            let batch = mailbox.next_rows(&mut rows, FLAGS_AT_ONCE);
            if batch.is_empty() {
                break;
            }
            let in_time = batch.into_iter().filter(|record| record.modseq <= until);
            changed.extend(in_time.map(|record| flag_row((record.uid, record.flags, record.modseq))));
        }
        Ok(Resync { vanished: vanished.difference(present), changed })
    }

    async fn unselect(&mut self, expunge: bool) -> Answered {
        self.watch = None;
        let Some(mailbox) = self.mailbox.take() else { return Ok(Answer::Done) };
        if expunge && !mailbox.is_read_only() {
            match mailbox.expunge(None).await {
                // RFC 4314 §4: CLOSE by one who may not expunge closes, and that is all.
                Ok(_) | Err(MailboxError::NotPermitted | MailboxError::Gone) => {}
                Err(error) => return Err(self.refuse(&error)),
            }
        }
        Ok(Answer::Done)
    }

    async fn sync(&self, since: ModSeq) -> Answered {
        let mailbox = self.open_mailbox()?;
        let changes = match mailbox.changes_since(since).await {
            Ok(changes) => changes,
            // Somebody deleted the mailbox, or it may not be read any more: to this session it is empty from now on.
            Err(MailboxError::Gone) => {
                let changes = Changes { vanished: UidSet::all(), highest_modseq: since, ..Changes::default() };
                return Ok(Answer::Changes(Box::new(changes)));
            }
            Err(error) => return Err(self.refuse(&error)),
        };
        Ok(Answer::Changes(Box::new(Changes {
            added: changes.added,
            changed: changes.changed.into_iter().map(flag_row).collect(),
            vanished: changes.vanished,
            highest_modseq: changes.highest_modseq,
            new_keywords: changes.keywords,
            rights: Some(changes.rights),
        })))
    }
}

fn news(watch: &AccountWatch) -> News {
    let noted = watch.take();
    let touched = noted.mailboxes.into_iter();
    let touched = touched.map(|(id, news)| (id, Touched { messages: news.messages, flags: news.flags })).collect();
    let annotations = noted.annotations.into_iter();
    let annotations = annotations.map(|(place, names)| (place, names.into_iter().collect())).collect();
    News { touched, annotations, names: noted.names, overflow: noted.overflow }
}

fn flag_row((uid, flags, modseq): (Uid, Flags, ModSeq)) -> FlagRow {
    FlagRow { uid, flags, modseq }
}

fn both_ends(copied: &CopiedUids) -> Copied {
    Copied {
        uid_validity: copied.uid_validity,
        from: copied.pairs.iter().map(|(from, _)| *from).collect(),
        to: copied.pairs.iter().map(|(_, to)| *to).collect(),
    }
}

//! What waits for an answer, and where the answer goes.

use posthouse_model::MailboxName;

use super::append::Appending;
use super::authenticate::{Beginning, SaslExchange};
use super::completion::{Completion, Update};
use super::fetch::Fetching;
use super::list::{ListStatus, Listing};
use super::search::Searching;
use super::select::Selecting;
use super::status::AskedStatus;
use super::store::Storing;
use super::sync::Syncing;
use super::{ImapSession, Tag};
use crate::answer::Answer;
use crate::extensions::acl::AskedAcl;
use crate::extensions::context::Settling;
use crate::extensions::filters::AskedFilter;
use crate::extensions::list_metadata::ListMetadata;
use crate::extensions::list_myrights::ListRights;
use crate::extensions::metadata::AskedAnnotations;
use crate::extensions::multisearch::MultiSearching;
use crate::extensions::notify::Setting;
use crate::extensions::sort::Sorting;
use crate::extensions::thread::Threading;
use crate::question::StatusItems;
use crate::refusal::Refusal;

/// What the answer to the open question is for.
#[derive(Debug)]
pub(crate) enum Pending {
    SaslStart(Box<Beginning>),
    Sasl(Box<SaslExchange>),
    Enter(Tag),
    Leave(Tag),
    /// A command that ends with `OK` and this text when it was done.
    Done(Tag, &'static str, Update),
    Create(Tag),
    Unselect(Tag),
    List(Box<Listing>),
    ListStatus(Box<ListStatus>),
    Status(Box<AskedStatus>),
    Annotations(Box<AskedAnnotations>),
    Quota(Tag),
    QuotaRoots(Box<(Tag, MailboxName)>),
    ListMetadata(Box<ListMetadata>),
    Select(Box<Selecting>),
    Acl(Box<AskedAcl>),
    /// The text is that of the `OK`.
    SetAcl(Tag, &'static str),
    GrantableRights(Box<AskedAcl>),
    MyRights(Box<AskedAcl>),
    ListRights(Box<ListRights>),
    AppendStep(Box<Appending>),
    Append(Box<Appending>),
    Fetch(Box<Fetching>),
    Store(Box<Storing>),
    Expunge(Tag),
    Copy(Tag),
    Move(Tag),
    Search(Box<Searching>),
    Sort(Box<Sorting>),
    Thread(Box<Threading>),
    Sync(Box<Syncing>),
    Context(Box<Settling>),
    Filter(Box<AskedFilter>),
    MultiSearch(Box<MultiSearching>),
    NotifyNone(Tag),
    NotifyBegin(Box<Setting>),
    NotifyListed(Box<Setting>),
    NotifyWatching(Box<Setting>),
    NotifyFigures(Box<Setting>),
    NotifySynced(Box<Setting>),
    NotifyNews,
    NotifyNames,
    NotifyStatus(Vec<(MailboxName, StatusItems)>),
    NotifySync,
    NotifyWatched,
    NotifyOverflow,
    IdleWatch,
    IdleSync,
    IdleEnd(Tag),
    /// The client said something else than `DONE`, and has been told so.
    IdleAbandoned,
}

impl ImapSession {
    /// Brings an answer to what waits for it.
    pub(crate) fn answered(&mut self, pending: Pending, answer: Answer) {
        if let Answer::Progress { done, goal } = answer {
            return self.tell_progress(pending, done, goal);
        }
        match pending {
            Pending::SaslStart(beginning) => self.sasl_start_answered(*beginning, answer),
            Pending::Sasl(exchange) => self.sasl_answered(*exchange, answer),
            Pending::Enter(tag) => self.enter_answered(&tag, answer),
            Pending::Leave(tag) => self.left(&tag),
            Pending::Done(tag, text, update) => self.done_answered(&tag, text, update, answer),
            Pending::Create(tag) => self.create_answered(&tag, answer),
            Pending::Unselect(tag) => self.unselect_answered(&tag, answer),
            Pending::List(listing) => self.list_answered(*listing, answer),
            Pending::ListStatus(asked) => self.list_status_answered(&asked, answer),
            Pending::Status(asked) => self.status_answered(&asked, answer),
            Pending::Quota(tag) => self.quota_answered(&tag, answer),
            Pending::QuotaRoots(asked) => self.quota_roots_answered(&asked.0, &asked.1, answer),
            Pending::Annotations(asked) => self.annotations_answered(&asked, answer),
            Pending::ListMetadata(asked) => self.list_metadata_answered(*asked, answer),
            Pending::Select(selecting) => self.select_answered(*selecting, answer),
            Pending::Acl(asked) => self.acl_answered(&asked, answer),
            Pending::SetAcl(tag, text) => self.set_acl_answered(&tag, text, answer),
            Pending::GrantableRights(asked) => self.grantable_rights_answered(&asked, answer),
            Pending::MyRights(asked) => self.my_rights_answered(&asked, answer),
            Pending::ListRights(asked) => self.list_rights_answered(*asked, answer),
            Pending::AppendStep(appending) => self.append_step_answered(appending, answer),
            Pending::Append(appending) => self.append_answered(&appending, answer),
            Pending::Fetch(fetching) => self.fetch_answered(fetching, answer),
            Pending::Store(storing) => self.store_answered(&storing, answer),
            Pending::Expunge(tag) => self.expunge_answered(&tag, answer),
            Pending::Copy(tag) => self.copy_answered(&tag, answer),
            Pending::Move(tag) => self.move_answered(&tag, answer),
            Pending::Search(searching) => self.search_answered(*searching, answer),
            Pending::Sort(sorting) => self.sort_answered(*sorting, answer),
            Pending::Thread(threading) => self.thread_answered(&threading, answer),
            Pending::Sync(syncing) => self.sync_answered(*syncing, answer),
            Pending::Context(settling) => self.context_answered(*settling, answer),
            Pending::Filter(asked) => self.filter_answered(*asked, answer),
            Pending::MultiSearch(searching) => self.multisearch_answered(searching, answer),
            Pending::NotifyNone(tag) => self.notify_ended(&tag),
            Pending::NotifyBegin(setting) => self.notify_begun(setting, answer),
            Pending::NotifyListed(setting) => self.notify_listed(setting, answer),
            Pending::NotifyWatching(setting) => self.notify_watching(setting, answer),
            Pending::NotifyFigures(setting) => self.notify_figures(setting, answer),
            Pending::NotifySynced(setting) => self.notify_synced(*setting, answer),
            Pending::NotifyNews => self.news_answered(answer),
            Pending::NotifyNames => self.news_of_names(answer),
            Pending::NotifyStatus(asked) => self.news_of_statuses(&asked, answer),
            Pending::NotifySync => self.news_of_selected(answer),
            Pending::NotifyWatched => {}
            Pending::NotifyOverflow => self.notify_overflowed(),
            Pending::IdleWatch => self.idle_watch_answered(&answer),
            Pending::IdleSync => self.idle_sync_answered(answer),
            Pending::IdleEnd(tag) => self.idle_ended(&tag),
            Pending::IdleAbandoned => {}
        }
    }

    /// The end of a command that has nothing to tell but that it was done.
    fn done_answered(&mut self, tag: &Tag, text: &'static str, update: Update, answer: Answer) {
        match answer {
            Answer::Done => self.finish(tag, Completion::ok(text), update),
            other => self.not_done(tag, update, other),
        }
    }

    /// The end of a command that was refused, or answered with something else. Nothing of it was done, not even a part.
    pub(crate) fn not_done(&mut self, tag: &Tag, update: Update, answer: Answer) {
        self.lowest_processed = None;
        match answer {
            Answer::Refused(refusal) => self.finish(tag, Completion::refused(refusal), update),
            other => self.answered_oddly(tag, other),
        }
    }

    /// The driver answered something that was not asked.
    #[expect(clippy::needless_pass_by_value, reason = "the answer ends here")]
    pub(crate) fn answered_oddly(&mut self, tag: &Tag, answer: Answer) {
        let refusal = if let Answer::Refused(refusal) = answer { refusal } else { Refusal::ServerBug };
        self.complete(tag, Completion::refused(refusal));
    }
}

//! Bringing the index of words up to the mail.
//!
//! One account after the other, batch by batch, while nobody waits: a delivery does nothing for the index, and a search
//! reads what is not in it yet. So the index may be late, and may be made anew at any time; answers stay right.

use std::sync::Arc;
use std::time::{Duration, Instant};

use posthouse_model::{AccountId, Uid};
use posthouse_storage::{
    Beginning, BodySlice, IndexBatch, IndexDocument, IndexState, MessageRecord, Named, ParsedMessage, Storage,
    StorageError, TermMatch, TermRange, Unindexed, UnindexedMessage,
};
use tokio::sync::watch;

use super::SearchRoom;
use super::reading::{SMALL_MESSAGE_BYTES, fields_of, on_a_thread, read_body, read_header, read_large_body};
use super::room::News;
use super::terms::{Cutter, TERMS_VERSION};
use crate::content::{decode, decode_structure};
use crate::headers::message_extent;
use crate::{MailboxError, Mailboxes};

/// Messages that one step takes into the index.
const STEP_MESSAGES: usize = 512;
/// Terms after which a step ends, whatever it has.
const STEP_TERMS: usize = 1 << 20;
/// Messages that are read at once, and octets of them.
const GROUP_MESSAGES: usize = 32;
const GROUP_BYTES: u64 = 2 * 1024 * 1024;
/// New messages of an account that are worth a step. Fewer are read by who searches, at no great cost.
const WORTH_ADDING: usize = 64;
/// Messages that went from an account that are worth a look whether the index has become wasteful.
const WORTH_PURGING: usize = 1024;
/// Accounts that are asked for at once when the server starts.
const ACCOUNTS_ASKED: usize = 1000;
/// For each stretch of work in the background, so many such stretches of rest.
const REST_SHARE: u32 = 1;
/// Longest rest. A writer that is busy makes a step long.
const MAX_REST: Duration = Duration::from_secs(5);
/// How long nothing is tried after an error.
const ERROR_PAUSE: Duration = Duration::from_secs(30);
/// Terms of a message that are compared with the index at once when the index is checked.
const CHECKED_TERMS: usize = 1024;

/// When messages are indexed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IndexWhen {
    /// When enough have come, or somebody searches.
    Always,
    /// When somebody searches: who never does costs nothing, while mail comes in fast least of all.
    #[default]
    Searched,
    /// Only when the administrator has an index made.
    Never,
}

/// How the indexer works.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IndexerOptions {
    /// When messages are indexed.
    pub when: IndexWhen,
}

/// Keeps the index of words.
pub struct Indexer {
    store: Arc<dyn Storage>,
    room: Arc<SearchRoom>,
    options: IndexerOptions,
    /// Held by who changes an index.
    turn: tokio::sync::Mutex<()>,
}

impl Indexer {
    /// An indexer of all mail of `mailboxes`. There should be one.
    pub fn new(mailboxes: &Mailboxes, options: IndexerOptions) -> Self {
        let room = Arc::clone(mailboxes.room());
        room.listen();
        if options.when == IndexWhen::Always {
            mailboxes.store.observe(Arc::clone(&room) as _);
        }
        Self { store: Arc::clone(&mailboxes.store), room, options, turn: tokio::sync::Mutex::default() }
    }

    /// Works until `is_over` becomes true.
    pub async fn run(self: Arc<Self>, mut is_over: watch::Receiver<bool>) {
        let mut over = is_over.clone();
        tokio::select! {
            _ = is_over.wait_for(|is_over| *is_over) => {}
            () = self.work(&mut over) => {}
        }
    }

    async fn work(&self, is_over: &mut watch::Receiver<bool>) {
        if self.options.when == IndexWhen::Always
            && let Err(error) = self.find_waiting().await
        {
            tracing::warn!(%error, "what waits to be indexed cannot be listed");
        }
        loop {
            let Some((account, news)) = self.room.take(|news| self.is_worth(news)) else {
                self.room.arrived().await;
                continue;
            };
            if let Err(error) = self.catch_up(account, news, is_over).await {
                tracing::warn!(account = account.0, %error, "the search index cannot be brought up to the mail");
                self.room.wish(account);
                tokio::time::sleep(ERROR_PAUSE).await;
            }
        }
    }

    fn is_worth(&self, news: &News) -> bool {
        match self.options.when {
            IndexWhen::Always => news.is_wished_for || news.added >= WORTH_ADDING || news.gone >= WORTH_PURGING,
            IndexWhen::Searched => news.is_wished_for,
            IndexWhen::Never => false,
        }
    }

    /// Notes down the accounts that the last run of the server left behind.
    async fn find_waiting(&self) -> Result<(), StorageError> {
        let mut after = None;
        loop {
            let accounts = self.store.accounts_to_index(TERMS_VERSION, after, ACCOUNTS_ASKED).await?;
            accounts.iter().for_each(|account| self.room.wish(*account));
            after = accounts.last().copied();
            if accounts.len() < ACCOUNTS_ASKED {
                return Ok(());
            }
        }
    }

    async fn catch_up(
        &self,
        account: AccountId,
        news: News,
        is_over: &watch::Receiver<bool>,
    ) -> Result<(), MailboxError> {
        loop {
            let began = Instant::now();
            if !self.step(account, news.gone >= WORTH_PURGING).await? || *is_over.borrow() {
                return Ok(());
            }
            if !news.is_urgent {
                tokio::time::sleep((began.elapsed() * REST_SHARE).min(MAX_REST)).await;
            }
        }
    }

    /// Takes the next messages of an account into its index. False when there was nothing to do.
    async fn step(&self, account: AccountId, purge: bool) -> Result<bool, MailboxError> {
        let _turn = self.turn.lock().await;
        let next = self.store.next_unindexed(account, TERMS_VERSION, STEP_MESSAGES).await?;
        let added = match next {
            Some(next) => {
                self.add(account, next).await?;
                true
            }
            None => false,
        };
        Ok(self.store.compact_index(account, TERMS_VERSION, purge && !added).await? || added)
    }

    /// Brings an account's index up to its mail, now, and says how far it is then.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub async fn catch_up_now(&self, account: AccountId) -> Result<IndexState, MailboxError> {
        while self.step(account, true).await? {}
        self.state(Some(account)).await
    }

    /// Forgets an account's index and has it made anew, soon and without rest. Searches read all mail meanwhile.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn reindex(&self, account: AccountId) -> Result<(), MailboxError> {
        let _turn = self.turn.lock().await;
        self.store.reset_index(account).await?;
        self.room.urge(account);
        Ok(())
    }

    /// How far the index of an account, or of all, is.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn state(&self, account: Option<AccountId>) -> Result<IndexState, MailboxError> {
        Ok(self.store.index_state(account, TERMS_VERSION).await?)
    }

    async fn add(&self, account: AccountId, next: Unindexed) -> Result<(), MailboxError> {
        let mut documents = Vec::new();
        let mut terms = 0;
        let mut through = next.through;
        let mut last: Option<Uid> = None;
        for group in grouped(&next.messages) {
            if terms >= STEP_TERMS {
                through = last.unwrap_or(through);
                break;
            }
            last = group.last().map(|message| message.uid);
            let new: Vec<_> = group.iter().filter(|message| !message.is_indexed).copied().collect();
            let read = self.documents(&new).await?;
            terms += read.iter().map(|document| document.terms.len()).sum::<usize>();
            documents.extend(read);
        }
        let batch = IndexBatch { mailbox: next.mailbox, through, documents };
        match self.store.add_to_index(account, TERMS_VERSION, batch).await {
            // It has been deleted meanwhile.
            Err(StorageError::NotFound(Named::Mailbox)) => Ok(()),
            outcome => Ok(outcome?),
        }
    }

    /// The terms of messages. Those that are gone are left out.
    async fn documents(&self, messages: &[UnindexedMessage]) -> Result<Vec<IndexDocument>, MailboxError> {
        let (small, large): (Vec<_>, Vec<_>) =
            messages.iter().copied().partition(|message| message.size_bytes <= SMALL_MESSAGE_BYTES);
        let bodies: Vec<_> = small.iter().map(|message| message.body).collect();
        let read = self.store.beginnings(&bodies, message_extent).await?;
        let cut = on_a_thread(move || {
            let there = bodies.into_iter().zip(read).filter_map(|(body, read)| Some((body, read?)));
            let cut = there.map(|(body, Beginning { structure, octets, .. })| {
                let mut cutter = Cutter::new();
                let structure = decode_structure(&structure)?;
                read_header(fields_of(&structure, &octets), &mut cutter);
                read_body(&structure, &octets, &mut cutter);
                let (terms, is_complete) = cutter.finish();
                Ok::<_, MailboxError>(IndexDocument { body, terms, is_complete })
            });
            cut.collect::<Result<Vec<_>, _>>()
        });
        let mut documents = cut.await??;
        for message in large {
            match self.store.parsed(&[message.body]).await {
                Ok(parsed) => {
                    let parsed = parsed.into_iter().next().unwrap_or_default();
                    documents.extend(self.large_document(&message, &parsed).await?);
                }
                Err(StorageError::NotFound(Named::Body)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(documents)
    }

    async fn large_document(
        &self,
        message: &UnindexedMessage,
        parsed: &ParsedMessage,
    ) -> Result<Option<IndexDocument>, MailboxError> {
        let cutter = self.large_cutter(message, parsed).await;
        match cutter {
            Ok(cutter) => {
                let (terms, is_complete) = on_a_thread(move || cutter.finish()).await?;
                Ok(Some(IndexDocument { body: message.body, terms, is_complete }))
            }
            Err(MailboxError::Storage(StorageError::NotFound(Named::Body))) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn large_cutter(&self, message: &UnindexedMessage, parsed: &ParsedMessage) -> Result<Cutter, MailboxError> {
        let structure = Arc::new(decode(parsed)?);
        let range = 0..structure.root().header.end;
        let header = self.store.read(&[BodySlice { body: message.body, range }]).await?;
        let of_header = Arc::clone(&structure);
        let cutter = on_a_thread(move || {
            let mut cutter = Cutter::new();
            header.iter().for_each(|octets| read_header(fields_of(&of_header, octets), &mut cutter));
            cutter
        });
        let (cutter, large_reads) = (cutter.await?, self.room.large_reads());
        Ok(read_large_body(&self.store, message.body, &structure, cutter, large_reads).await?)
    }

    /// Compares an account's index with its mail: reads all of it. Returns one line for each message of which the
    /// index does not know what it should.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn check(&self, account: AccountId) -> Result<Vec<String>, MailboxError> {
        let mut problems = Vec::new();
        for mailbox in self.store.mailboxes(account).await? {
            let (_, records) = self.store.messages(account, mailbox.id).await?;
            for record in records {
                let MessageRecord { uid, body, size_bytes, .. } = record;
                let message = UnindexedMessage { uid, body, size_bytes, is_indexed: true };
                for document in self.documents(&[message]).await? {
                    if !self.knows(account, &document).await? {
                        problems.push(format!("UID {uid} of mailbox {} is not indexed as it should be", mailbox.id.0));
                    }
                }
            }
        }
        Ok(problems)
    }

    /// Whether the index knows nothing about a message, or all.
    async fn knows(&self, account: AccountId, document: &IndexDocument) -> Result<bool, MailboxError> {
        let all =
            |terms: &[u64]| terms.iter().map(|term| TermRange { first: *term, last: *term, kinds: u8::MAX }).collect();
        for terms in document.terms.chunks(CHECKED_TERMS) {
            let matched = self.store.match_terms(account, TERMS_VERSION, vec![document.body], vec![all(terms)]).await?;
            if matched != [TermMatch::Meets(1)] && matched != [TermMatch::Unindexed] {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl std::fmt::Debug for Indexer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Indexer").field("options", &self.options).finish_non_exhaustive()
    }
}

/// Messages in groups that are read at once.
fn grouped(messages: &[UnindexedMessage]) -> impl Iterator<Item = &[UnindexedMessage]> {
    let mut rest = messages;
    std::iter::from_fn(move || {
        let mut size = 0_u64;
        let fits = |message: &&UnindexedMessage| {
            size = size.saturating_add(message.size_bytes);
            size <= GROUP_BYTES
        };
        let count = rest.iter().take(GROUP_MESSAGES).take_while(fits).count().max(1).min(rest.len());
        let (group, later) = rest.split_at(count);
        rest = later;
        (!group.is_empty()).then_some(group)
    })
}

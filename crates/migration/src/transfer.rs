//! Moving what is not there yet.

use crate::limits::{MAX_BATCH_BYTES, MAX_BATCH_KEYS, MAX_BATCH_MESSAGES, MAX_TOLD_PROBLEMS};
use crate::{Folder, Item, Key, MailboxChoice, Message, Problem, Source, SourceError, Stored, Target, TargetError};

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Move messages.
    Move,
    /// Only find out what there is to move.
    DryRun,
}

/// How far it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// The folder it is at.
    pub folder: String,
    /// How many folders are done.
    pub folders_done: u64,
    /// How many there are.
    pub folders: u64,
    /// How many messages of this folder have been looked at.
    pub messages_done: u64,
    /// How many it has.
    pub messages: u64,
    /// Messages moved, in all folders.
    pub moved: u64,
    /// Octets of them.
    pub moved_bytes: u64,
}

/// Sees how far it is.
pub trait Watch: Send {
    /// It is as far as that. Called for every batch.
    fn at(&mut self, progress: &Progress);
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Folders looked at.
    pub folders: u64,
    /// Messages in them.
    pub messages: u64,
    /// Messages that were moved, or would be.
    pub moved: u64,
    /// Octets of them.
    pub moved_bytes: u64,
    /// Messages that were there already.
    pub known: u64,
    /// Messages that went while it was under way.
    pub gone: u64,
    /// Messages that could not be moved.
    pub failed: u64,
    /// Folders that could not be.
    pub failed_folders: u64,
    /// What could not be moved and why, as far as the list goes.
    pub problems: Vec<Problem>,
    /// What is not as it was, though nothing is lost.
    pub notes: Vec<Problem>,
    /// Why it ended before its time.
    pub stopped: Option<String>,
}

impl Summary {
    /// Whether everything is where it was to go.
    pub fn is_complete(&self) -> bool {
        self.failed == 0 && self.failed_folders == 0 && self.stopped.is_none()
    }

    fn tell(&mut self, problem: Problem) {
        if self.problems.len() < MAX_TOLD_PROBLEMS {
            self.problems.push(problem);
        }
    }

    fn note(&mut self, notes: Vec<Problem>) {
        let room = MAX_TOLD_PROBLEMS.saturating_sub(self.notes.len());
        self.notes.extend(notes.into_iter().take(room));
    }
}

/// Why a folder is left before its end.
enum Leave {
    /// It cannot be read or written.
    Folder(String),
    /// There is no going on.
    Stop(String),
}

impl From<SourceError> for Leave {
    fn from(error: SourceError) -> Self {
        match error {
            SourceError::Folder(why) => Self::Folder(why),
            SourceError::Lost(why) => Self::Stop(why),
        }
    }
}

impl From<TargetError> for Leave {
    fn from(error: TargetError) -> Self {
        match error {
            TargetError::Folder(why) => Self::Folder(why),
            TargetError::Full(why) | TargetError::Lost(why) => Self::Stop(why),
        }
    }
}

/// Moves what is chosen and what the target does not have.
pub async fn transfer(
    source: &mut dyn Source,
    target: &mut dyn Target,
    choice: &MailboxChoice,
    mode: Mode,
    watch: &mut dyn Watch,
) -> Summary {
    let mut transfer =
        Transfer { source, target, mode, watch, summary: Summary::default(), progress: Progress::default() };
    if let Err(why) = transfer.all(choice).await {
        transfer.summary.stopped = Some(why);
    }
    transfer.summary
}

struct Transfer<'a> {
    source: &'a mut dyn Source,
    target: &'a mut dyn Target,
    mode: Mode,
    watch: &'a mut dyn Watch,
    summary: Summary,
    progress: Progress,
}

impl Transfer<'_> {
    async fn all(&mut self, choice: &MailboxChoice) -> Result<(), String> {
        let found = self.source.folders().await.map_err(|error| error.to_string())?;
        self.summary.failed_folders += found.problems.len() as u64;
        found.problems.into_iter().for_each(|problem| self.summary.tell(problem));
        self.summary.note(found.notes);
        let chosen: Vec<Folder> = found.folders.into_iter().filter(|folder| choice.takes(&folder.name)).collect();
        self.progress.folders = chosen.len() as u64;
        for folder in chosen {
            self.progress.folder = folder.place.clone();
            let outcome = match choice.placed(&folder) {
                Ok(placed) => self.folder(&placed).await,
                Err(error) => Err(Leave::Folder(error.to_string())),
            };
            match outcome {
                Ok(()) => {}
                Err(Leave::Folder(why)) => {
                    self.summary.failed_folders += 1;
                    self.summary.tell(Problem::new(folder.place, &why));
                }
                Err(Leave::Stop(why)) => return Err(why),
            }
            self.progress.folders_done += 1;
        }
        Ok(())
    }

    async fn folder(&mut self, folder: &Folder) -> Result<(), Leave> {
        let items = match folder.has_messages {
            true => self.source.open(folder).await?,
            false => Vec::new(),
        };
        if self.mode == Mode::Move {
            let notes = self.target.prepare(folder).await?;
            self.summary.note(notes);
        }
        self.summary.folders += u64::from(folder.has_messages);
        self.summary.messages += items.len() as u64;
        self.progress.messages = items.len() as u64;
        self.progress.messages_done = 0;
        self.watch.at(&self.progress);
        for some in items.chunks(MAX_BATCH_KEYS) {
            let keys: Vec<Key> = some.iter().map(|item| item.key).collect();
            let known = self.target.known(folder, &keys).await?;
            let new: Vec<Item> =
                some.iter().zip(known).filter(|(_, is_known)| !is_known).map(|(item, _)| *item).collect();
            let there = some.len() - new.len();
            self.summary.known += there as u64;
            self.progress.messages_done += there as u64;
            self.watch.at(&self.progress);
            for batch in batches(&new) {
                match self.mode {
                    Mode::Move => self.batch(folder, batch).await?,
                    Mode::DryRun => {
                        let bytes = batch.iter().map(|item| item.size_bytes).sum();
                        self.count_moved(batch.len() as u64, bytes);
                    }
                }
                self.progress.messages_done += batch.len() as u64;
                self.watch.at(&self.progress);
            }
        }
        if self.mode == Mode::Move {
            let notes = self.target.finish(folder).await?;
            self.summary.note(notes);
        }
        Ok(())
    }

    async fn batch(&mut self, folder: &Folder, items: &[Item]) -> Result<(), Leave> {
        let mut messages = Vec::with_capacity(items.len());
        for read in self.source.read(items).await? {
            match read {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => self.summary.gone += 1,
                Err(problem) => self.fail(problem),
            }
        }
        if messages.is_empty() {
            return Ok(());
        }
        // What there is no room for together may fit in part: as much of it is moved as there is room for.
        match self.store(folder, messages.clone()).await {
            Err(TargetError::Full(_)) if messages.len() > 1 => {
                for message in messages {
                    self.store(folder, vec![message]).await?;
                }
                Ok(())
            }
            outcome => Ok(outcome?),
        }
    }

    async fn store(&mut self, folder: &Folder, messages: Vec<Message>) -> Result<(), TargetError> {
        let told: Vec<(String, u64)> =
            messages.iter().map(|message| (message.place.clone(), message.octets.len() as u64)).collect();
        let stored = self.target.store(folder, messages).await?;
        for (outcome, (place, size_bytes)) in stored.into_iter().zip(told) {
            match outcome {
                Stored::New => self.count_moved(1, size_bytes),
                Stored::Known => self.summary.known += 1,
                Stored::Refused(why) => self.fail(Problem::new(place, &why)),
            }
        }
        Ok(())
    }

    fn count_moved(&mut self, messages: u64, bytes: u64) {
        self.summary.moved += messages;
        self.summary.moved_bytes += bytes;
        (self.progress.moved, self.progress.moved_bytes) = (self.summary.moved, self.summary.moved_bytes);
    }

    fn fail(&mut self, problem: Problem) {
        self.summary.failed += 1;
        self.summary.tell(problem);
    }
}

/// Stretches of items that may be on their way at once.
fn batches(items: &[Item]) -> impl Iterator<Item = &[Item]> {
    let mut rest = items;
    std::iter::from_fn(move || {
        let mut bytes = 0u64;
        let fits = |item: &&Item| {
            bytes = bytes.saturating_add(item.size_bytes);
            bytes <= MAX_BATCH_BYTES
        };
        let count = rest.iter().take(MAX_BATCH_MESSAGES).take_while(fits).count().max(1).min(rest.len());
        let (batch, after) = rest.split_at(count);
        rest = after;
        (!batch.is_empty()).then_some(batch)
    })
}

//! Backups of a store that goes on working, and what is restored from them.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use posthouse_model::UnixMillis;
use posthouse_storage::StorageError;
use tempfile::TempDir;

use super::world::World;
use crate::backup::{BackupPlan, BackupTaken, ExtraFile, GenerationState, check, generations, prune, restore};
use crate::disk::RealDisk;
use crate::{Progress, Watcher};

/// Segments so small that there are many.
const SEGMENT_BYTES: u64 = 1000;

/// A store with a backup directory beside it.
struct Site {
    root: TempDir,
    world: World,
}

impl Site {
    async fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let world = World::new(&root.path().join("data/store"), SEGMENT_BYTES).await;
        Self { root, world }
    }

    fn backups(&self) -> PathBuf {
        self.root.path().join("backups")
    }

    async fn deliver(&self, numbers: std::ops::Range<u32>) {
        for number in numbers {
            self.world.deliver(&text(number)).await.unwrap();
        }
    }

    fn take(&self, at: i64) -> Result<BackupTaken, StorageError> {
        self.take_watched(at, Watcher::default())
    }

    fn take_watched(&self, at: i64, watcher: Watcher) -> Result<BackupTaken, StorageError> {
        let plan = BackupPlan { directory: self.backups(), taken_at: UnixMillis(at), files: Vec::new(), watcher };
        self.world.store.back_up(&plan)
    }

    fn restored(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }
}

fn text(number: u32) -> String {
    format!("message {number} {}", "x".repeat(200))
}

fn texts(numbers: std::ops::Range<u32>) -> Vec<String> {
    numbers.map(text).collect()
}

/// The texts in a restored data directory, which has to be sound.
async fn texts_in(data: &Path) -> Vec<String> {
    World::reopen(&data.join("store"), SEGMENT_BYTES, Arc::new(RealDisk)).await.texts().await
}

fn bring_back(site: &Site, at: Option<&str>, to: &Path) -> Result<crate::backup::Restored, StorageError> {
    restore(&site.backups(), at, to, false, &Watcher::default())
}

/// A watcher that calls `see`, which can stop the work.
fn watcher(see: impl Fn(Progress, &AtomicBool) + Send + Sync + 'static) -> Watcher {
    let stop = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&stop);
    Watcher { progress: Arc::new(move |progress| see(progress, &seen)), stop }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_backup_of_a_store_at_work_is_of_one_moment() {
    let site = Arc::new(Site::new().await);
    site.deliver(0..20).await;
    let is_over = Arc::new(AtomicBool::new(false));
    let writer = tokio::spawn({
        let (site, is_over) = (Arc::clone(&site), Arc::clone(&is_over));
        async move {
            let mut number = 20;
            while !is_over.load(Ordering::Relaxed) {
                site.deliver(number..number + 1).await;
                number += 1;
            }
            number
        }
    });
    for round in 0..4 {
        let (task, at) = (Arc::clone(&site), 1_000_000 * (round + 1));
        let taken = tokio::task::spawn_blocking(move || task.take(at)).await.unwrap().unwrap();
        let to = site.restored(&taken.name);
        bring_back(&site, Some(&taken.name), &to).unwrap();
        let found = texts_in(&to).await;
        assert!(found.len() >= 20);
        assert_eq!(found, texts(0..found.len() as u32));
    }
    is_over.store(true, Ordering::Relaxed);
    let written = writer.await.unwrap();
    assert_eq!(site.world.texts().await, texts(0..written));
}

fn inodes(generation: &Path) -> BTreeSet<u64> {
    let bodies = fs::read_dir(generation.join("store/bodies")).unwrap();
    bodies.map(|entry| entry.unwrap().metadata().unwrap().ino()).collect()
}

#[tokio::test]
async fn generations_share_what_did_not_change_and_stand_alone() {
    let site = Site::new().await;
    site.deliver(0..20).await;
    let first = site.take(1000).unwrap();
    site.deliver(20..24).await;
    let second = site.take(2000).unwrap();
    assert!(second.copied_bytes < second.bytes && first.copied_bytes == first.bytes, "{first:?} {second:?}");
    let shared = inodes(&site.backups().join(&first.name));
    let shared = shared.intersection(&inodes(&site.backups().join(&second.name))).count();
    assert!(shared >= 4, "{shared}");
    let third = site.take(3000).unwrap();
    let listed = generations(&site.backups()).unwrap();
    let names: Vec<&str> = listed.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, [&first.name[..], &second.name, &third.name]);
    assert!(listed.iter().all(|one| one.state == GenerationState::Complete && one.files > 4));

    assert_eq!(prune(&site.backups(), 1).unwrap(), [first.name, second.name]);
    assert_eq!(prune(&site.backups(), 0).unwrap(), Vec::<String>::new());
    bring_back(&site, None, &site.restored("new")).unwrap();
    assert_eq!(texts_in(&site.restored("new")).await, texts(0..24));
    let gone = bring_back(&site, Some("1970"), &site.restored("x")).map(|one| one.name);
    assert_eq!(gone.unwrap(), third.name, "its name begins so");
    let none = bring_back(&site, Some("2026"), &site.restored("y"));
    assert!(matches!(none, Err(StorageError::Unavailable(_))), "{none:?}");
}

#[tokio::test]
async fn what_was_interrupted_is_seen_and_gone_on_with() {
    let site = Site::new().await;
    site.deliver(0..40).await;
    let stopping = watcher(|progress, stop| {
        if progress.doing == "segments" && progress.done * 2 > progress.total {
            stop.store(true, Ordering::Relaxed);
        }
    });
    let stopped = site.take_watched(1000, stopping);
    assert!(matches!(stopped, Err(StorageError::Closed)), "{stopped:?}");
    let listed = generations(&site.backups()).unwrap();
    assert_eq!((listed.len(), listed[0].state), (1, GenerationState::Interrupted));
    assert!(bring_back(&site, None, &site.restored("early")).is_err());

    site.deliver(40..42).await;
    let taken = site.take(2000).unwrap();
    assert!(taken.continued && taken.copied_bytes < taken.bytes, "{taken:?}");
    let listed = generations(&site.backups()).unwrap();
    assert_eq!((listed.len(), listed[0].state), (1, GenerationState::Complete));
    assert!(!site.backups().join(&taken.name).join("copied").exists());
    bring_back(&site, None, &site.restored("late")).unwrap();
    assert_eq!(texts_in(&site.restored("late")).await, texts(0..42));
}

#[tokio::test]
async fn nothing_is_removed_under_a_backup() {
    let site = Site::new().await;
    site.deliver(0..20).await;
    let shared = Arc::clone(&site.world.store.shared);
    let watching = watcher(move |_, _| assert!(shared.files_stay.try_write().is_none(), "compaction could begin"));
    site.take_watched(1000, watching).unwrap();
    // Upkeep may have it for a moment.
    drop(site.world.store.shared.files_stay.write());
}

#[tokio::test]
async fn two_backups_into_one_directory_take_turns() {
    let site = Arc::new(Site::new().await);
    site.deliver(0..4).await;
    let other = Arc::clone(&site);
    let refused = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&refused);
    let watching = watcher(move |progress, _| {
        if progress.doing == "index" {
            let second = other.take(2000);
            seen.store(matches!(second, Err(StorageError::Locked(_))), Ordering::Relaxed);
        }
    });
    site.take_watched(1000, watching).unwrap();
    assert!(refused.load(Ordering::Relaxed));
}

#[tokio::test]
async fn a_damaged_backup_restores_nothing() {
    let site = Site::new().await;
    site.deliver(0..20).await;
    let taken = site.take(1000).unwrap();
    let generation = site.backups().join(&taken.name);
    assert_eq!(check(&site.backups(), None, &Watcher::default()).unwrap().1, taken.files);
    for file in ["store/index.db", "store/bodies/00000002.seg"] {
        let path = generation.join(file);
        let whole = fs::read(&path).unwrap();
        let mut changed = whole.clone();
        changed[100] ^= 1;
        for damaged in [changed, whole[..whole.len() - 1].to_vec(), [&whole[..], b"x"].concat()] {
            fs::write(&path, damaged).unwrap();
            let refused = bring_back(&site, None, &site.restored("never"));
            assert!(matches!(refused, Err(StorageError::Corrupt(_))), "{file}: {refused:?}");
            assert!(!site.restored("never").join("store").exists());
            assert!(check(&site.backups(), None, &Watcher::default()).is_err());
        }
        fs::remove_file(&path).unwrap();
        assert!(bring_back(&site, None, &site.restored("never")).is_err());
        fs::write(&path, whole).unwrap();
    }
    fs::write(generation.join("manifest"), "posthouse-backup 1\n").unwrap();
    assert_eq!(generations(&site.backups()).unwrap()[0].state, GenerationState::Damaged);
    assert!(bring_back(&site, None, &site.restored("never")).is_err());
}

#[tokio::test]
async fn mail_that_is_there_is_not_overwritten() {
    let site = Site::new().await;
    site.deliver(0..10).await;
    site.take(1000).unwrap();
    site.deliver(10..12).await;
    let data = site.restored("data");
    let refused = bring_back(&site, None, &data);
    assert!(matches!(refused, Err(StorageError::InUse(..))), "{refused:?}");
    let running = restore(&site.backups(), None, &data, true, &Watcher::default());
    assert!(matches!(running, Err(StorageError::Locked(_))), "{running:?}");
    assert_eq!(site.world.texts().await, texts(0..12));
    site.world.store.close().await;
    let restored = restore(&site.backups(), None, &data, true, &Watcher::default()).unwrap();
    assert_eq!(restored.replaced.len(), 1);
    assert_eq!(texts_in(&data).await, texts(0..10));
    let aside = World::reopen(&restored.replaced[0], SEGMENT_BYTES, Arc::new(RealDisk)).await;
    assert_eq!(aside.texts().await, texts(0..12));
}

#[tokio::test]
async fn a_restored_store_shares_nothing_with_the_backups_of_the_old_one() {
    let site = Site::new().await;
    site.deliver(0..20).await;
    site.take(1000).unwrap();
    bring_back(&site, None, &site.restored("twin")).unwrap();
    let twin = World::reopen(&site.restored("twin").join("store"), SEGMENT_BYTES, Arc::new(RealDisk)).await;
    let plan = |at| BackupPlan {
        directory: site.backups(),
        taken_at: UnixMillis(at),
        files: Vec::new(),
        watcher: Watcher::default(),
    };
    let taken = twin.store.back_up(&plan(2000)).unwrap();
    assert_eq!(taken.copied_bytes, taken.bytes);
    assert!(site.take(3000).unwrap().copied_bytes < taken.bytes);
}

/// Modes of everything below a directory.
fn modes(path: &Path, seen: &mut BTreeSet<(bool, u32)>) {
    for entry in fs::read_dir(path).unwrap() {
        let entry = entry.unwrap();
        let metadata = entry.metadata().unwrap();
        seen.insert((metadata.is_dir(), metadata.permissions().mode() & 0o777));
        if metadata.is_dir() {
            modes(&entry.path(), seen);
        }
    }
}

#[tokio::test]
async fn other_files_go_with_it_and_nothing_is_for_others_to_read() {
    let site = Site::new().await;
    site.deliver(0..4).await;
    let key = site.restored("data/certificates/key.pem");
    fs::create_dir(key.parent().unwrap()).unwrap();
    fs::write(&key, "secret").unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let configuration = site.restored("posthouse.toml");
    fs::write(&configuration, "host_name = \"x\"").unwrap();
    let file = |source: &Path, path: &str| ExtraFile { source: source.to_owned(), path: path.to_owned() };
    let mut plan = BackupPlan {
        directory: site.backups(),
        taken_at: UnixMillis(1000),
        files: vec![file(&key, "data/certificates/key.pem"), file(&configuration, "configuration/posthouse.toml")],
        watcher: Watcher::default(),
    };
    let taken = site.world.store.back_up(&plan).unwrap();
    let to = site.restored("new");
    let restored = bring_back(&site, None, &to).unwrap();
    assert_eq!(fs::read_to_string(to.join("certificates/key.pem")).unwrap(), "secret");
    let left = site.backups().join(&taken.name).join("configuration/posthouse.toml");
    assert_eq!(restored.left, [left]);
    for directory in [&site.backups(), &to] {
        let mut seen = BTreeSet::new();
        modes(directory, &mut seen);
        assert_eq!(seen, BTreeSet::from([(false, 0o600), (true, 0o700)]), "{}", directory.display());
    }
    plan.files[0].path = "data/../../escaped".to_owned();
    plan.taken_at = UnixMillis(2000);
    assert!(site.world.store.back_up(&plan).is_err());
    assert!(!site.restored("escaped").exists());
}

#[tokio::test]
async fn a_directory_that_is_there_keeps_its_rights_and_its_files() {
    let site = Site::new().await;
    site.deliver(0..4).await;
    fs::create_dir(site.backups()).unwrap();
    fs::set_permissions(site.backups(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(site.backups().join("notes.txt"), "x").unwrap();
    for at in [1000, 2000] {
        site.take(at).unwrap();
    }
    prune(&site.backups(), 1).unwrap();
    assert_eq!(fs::metadata(site.backups()).unwrap().permissions().mode() & 0o777, 0o755);
    assert!(site.backups().join("notes.txt").exists());
    let again = site.take(2000);
    assert!(again.is_err(), "{again:?}");
}

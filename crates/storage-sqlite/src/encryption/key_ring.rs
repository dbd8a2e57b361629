//! The keys of an open store.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};
use parking_lot::Mutex;
use posthouse_model::{BlobId, Secret};
use posthouse_storage::StorageError;
use rusqlite::{Connection, params};

use super::State;
use super::master_key::{MasterKey, hex};
use super::sealing::{Derivation, RootKey};
use crate::fault::Fault;

/// What a data key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    /// It seals records.
    Records,
    /// Keys of other kinds are derived from it. It stays when the data key is rotated, or equal bodies and indexed
    /// words would not be found again.
    Derivation,
}

impl Purpose {
    fn column(self) -> i64 {
        match self {
            Self::Records => 0,
            Self::Derivation => 1,
        }
    }
}

/// The keys as of one commit.
#[derive(Default)]
pub(crate) struct KeyRing {
    records: BTreeMap<u32, RootKey>,
    derivation: Option<(u32, RootKey)>,
    target: Option<u32>,
    settled: bool,
}

/// Under which hashes a body may stand in the index.
pub(crate) struct ContentIds {
    /// The hash that new bodies get.
    pub(crate) current: [u8; 32],
    /// The hash of bodies that are still to be converted.
    pub(crate) former: Option<[u8; 32]>,
}

impl KeyRing {
    /// The key that new records are sealed under, and its number; `None` when they are not sealed.
    pub(crate) fn writing(&self) -> Option<(u32, &RootKey)> {
        let target = self.target?;
        Some((target, self.records.get(&target)?))
    }

    /// The number of the key that new records are sealed under.
    pub(crate) fn target(&self) -> Option<u32> {
        self.target
    }

    /// The key of this number.
    pub(crate) fn reading(&self, id: u32) -> Option<&RootKey> {
        self.records.get(&id)
    }

    /// Under which hashes a body with this content may stand in the index.
    pub(crate) fn content_ids(&self, content: BlobId) -> ContentIds {
        let is_sealed = self.target.is_some();
        let former = (!self.settled && self.derivation.is_some()).then(|| self.content_id(content, !is_sealed));
        ContentIds { current: self.content_id(content, is_sealed), former }
    }

    /// The hash of a body in the index: its plain one would tell who knows a message whether it is here.
    pub(crate) fn content_id(&self, content: BlobId, is_sealed: bool) -> [u8; 32] {
        match &self.derivation {
            Some((_, root)) if is_sealed => *root.derived(Derivation::ContentId, &content.0),
            _ => content.0,
        }
    }

    /// A key for what `name` says, the same as long as the store is encrypted; `None` when it is not. For indexes that
    /// hash what they hold.
    pub(crate) fn derived(&self, name: &str) -> Option<Secret> {
        self.target?;
        let (_, root) = self.derivation.as_ref()?;
        Some(Secret::new(root.derived(Derivation::Named, name.as_bytes()).to_vec()))
    }

    /// Whether everything is under the key of new records.
    pub(crate) fn is_settled(&self) -> bool {
        self.settled
    }

    /// The ring as it lies in the index, opened with the newest of `masters`.
    pub(crate) fn load(connection: &Connection, masters: &[MasterKey]) -> Result<Self, Fault> {
        let state = State::load(connection)?;
        let mut ring = Self { target: state.target, settled: state.settled, ..Self::default() };
        let mut statement = connection.prepare_cached(
            "SELECT id, purpose, wrapped FROM data_key JOIN wrapped_key ON wrapped_key.key = id AND master = ?1",
        )?;
        let Some(master) = masters.last() else { return Ok(ring) };
        let mut rows = statement.query(params![master.fingerprint_octets()])?;
        while let Some(row) = rows.next()? {
            let (id, purpose): (u32, i64) = (row.get(0)?, row.get(1)?);
            let wrapped = row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?;
            let damaged = || StorageError::Corrupt(format!("data key {id} is not what was wrapped"));
            let key = master.unwrap(id, wrapped).ok_or_else(damaged)?;
            if purpose == Purpose::Records.column() {
                ring.records.insert(id, key);
            } else {
                ring.derivation = Some((id, key));
            }
        }
        Ok(ring)
    }

    /// Makes a key that seals records, and with the first one the key that others are derived from.
    pub(crate) fn make_key(
        &self,
        connection: &Connection,
        masters: &[MasterKey],
        state: &mut State,
        created_at: i64,
    ) -> Result<u32, Fault> {
        if self.derivation.is_none() {
            insert_key(connection, masters, state, Purpose::Derivation, created_at)?;
        }
        insert_key(connection, masters, state, Purpose::Records, created_at)
    }

    /// Wraps every key under one more master key, which is the newest then.
    pub(crate) fn add_master(&self, connection: &Connection, master: &MasterKey) -> Result<(), Fault> {
        insert_master(connection, master)?;
        let keys = self.records.iter().map(|(id, key)| (*id, key));
        for (id, key) in keys.chain(self.derivation.iter().map(|(id, key)| (*id, key))) {
            insert_wrapped(connection, master, id, key)?;
        }
        Ok(())
    }
}

fn insert_key(
    connection: &Connection,
    masters: &[MasterKey],
    state: &mut State,
    purpose: Purpose,
    created_at: i64,
) -> Result<u32, Fault> {
    let (id, key) = (state.next_key, RootKey::generate());
    state.next_key += 1;
    let sql = "INSERT INTO data_key (id, purpose, created_at) VALUES (?1, ?2, ?3)";
    connection.prepare_cached(sql)?.execute(params![id, purpose.column(), created_at])?;
    for master in masters {
        insert_wrapped(connection, master, id, &key)?;
    }
    Ok(id)
}

/// Notes a master key as the newest.
pub(crate) fn insert_master(connection: &Connection, master: &MasterKey) -> Result<(), Fault> {
    let sql = "INSERT INTO master_key (fingerprint, generation)
               VALUES (?1, (SELECT coalesce(max(generation), 0) + 1 FROM master_key))";
    connection.prepare_cached(sql)?.execute(params![master.fingerprint_octets()])?;
    Ok(())
}

fn insert_wrapped(connection: &Connection, master: &MasterKey, id: u32, key: &RootKey) -> Result<(), Fault> {
    let sql = "INSERT INTO wrapped_key (key, master, wrapped) VALUES (?1, ?2, ?3)";
    connection.prepare_cached(sql)?.execute(params![id, master.fingerprint_octets(), master.wrap(id, key)])?;
    Ok(())
}

/// Fingerprints of the master keys that open the store, the newest last.
pub(crate) fn master_keys(connection: &Connection) -> Result<Vec<Vec<u8>>, Fault> {
    let mut statement = connection.prepare_cached("SELECT fingerprint FROM master_key ORDER BY generation")?;
    let all = statement.query_map((), |row| row.get(0))?;
    Ok(all.collect::<Result<_, _>>()?)
}

/// Takes away all master keys but this one, and with them what they wrapped.
pub(crate) fn forget_other_masters(connection: &Connection, master: &MasterKey) -> Result<(), Fault> {
    let sql = "DELETE FROM master_key WHERE fingerprint <> ?1";
    connection.prepare_cached(sql)?.execute(params![master.fingerprint_octets()])?;
    Ok(())
}

/// The keys, shared by all who read and write.
pub(crate) struct Keys {
    ring: ArcSwap<KeyRing>,
    /// The master keys in hand: the one the store was opened with, and behind it the one that is to follow it.
    masters: Mutex<Vec<MasterKey>>,
}

impl Keys {
    /// Opens the ring of a store. `connection` may write.
    pub(crate) fn open(connection: &Connection, master: Option<MasterKey>) -> Result<Self, StorageError> {
        let known = master_keys(connection)?;
        let masters: Vec<MasterKey> = master.into_iter().collect();
        if let Some(newest) = known.last() {
            let master = masters.last().ok_or_else(|| no_key(newest))?;
            let given = master.fingerprint_octets();
            if !known.iter().any(|one| *one == given) {
                return Err(wrong_key(&given, newest));
            }
            if *newest == given {
                forget_other_masters(connection, master)?;
            } else {
                tracing::warn!(
                    opened_with = hex(&given),
                    newest = hex(newest),
                    "the store was opened with its former master key: put the new one in its place"
                );
            }
        }
        State::try_again(connection)?;
        let ring = KeyRing::load(connection, &masters)?;
        Ok(Self { ring: ArcSwap::from_pointee(ring), masters: Mutex::new(masters) })
    }

    /// The keys as of the last commit.
    pub(crate) fn load(&self) -> Guard<Arc<KeyRing>> {
        self.ring.load()
    }

    /// Replaces the keys, after the commit that changed them.
    pub(crate) fn publish(&self, ring: KeyRing, masters: Vec<MasterKey>) {
        self.ring.store(Arc::new(ring));
        *self.masters.lock() = masters;
    }

    /// The master keys in hand.
    pub(crate) fn masters(&self) -> Vec<MasterKey> {
        self.masters.lock().clone()
    }
}

fn no_key(newest: &[u8]) -> StorageError {
    StorageError::Key(format!(
        "the mail is encrypted and no key is given: under [encryption] in posthouse.toml, say where the key {} is \
         (key_file, key_environment or key_credential)",
        hex(newest)
    ))
}

fn wrong_key(given: &[u8], newest: &[u8]) -> StorageError {
    StorageError::Key(format!(
        "the key that is given ({}) does not open the mail, which is encrypted under the key {}: put that one in its \
         place, from where it is kept safe",
        hex(given),
        hex(newest)
    ))
}

//! Encryption is turned on and off, keys change, and what is there follows step by step.

use posthouse_model::BlobId;
use posthouse_storage::{Body, BodyContent, BodyKey, StorageError};
use rusqlite::types::Value;
use rusqlite::{OptionalExtension, params, params_from_iter};

use super::work::Work;
use crate::encryption::{
    KeyRing, MasterKey, RowOpener, RowSealer, State, forget_other_masters, insert_master, master_keys,
};
use crate::fault::Fault;
use crate::reader::mail::{LOCATION_COLUMNS, location_of};
use crate::segment::{AppendError, Location};

/// Most bodies that one step goes through, however small they are.
const STEP_BODIES: usize = 500;

/// A table with texts that were worked out from bodies, a row for each; in `sealed_by` is the data key.
struct SealedTable {
    name: &'static str,
    /// The column of the body's number.
    key: &'static str,
    columns: &'static [SealedColumn],
}

struct SealedColumn {
    name: &'static str,
    /// Whether it is text for SQLite while it is not sealed; otherwise it is octets.
    is_text: bool,
}

const fn octets(name: &'static str) -> SealedColumn {
    SealedColumn { name, is_text: false }
}

const fn text(name: &'static str) -> SealedColumn {
    SealedColumn { name, is_text: true }
}

/// The tables that follow the data key.
const SEALED_TABLES: &[SealedTable] = &[
    SealedTable { name: "sort_key", key: "body", columns: &[octets("keys")] },
    SealedTable {
        name: "parsed",
        key: "key",
        columns: &[
            octets("structure"),
            octets("envelope"),
            octets("body"),
            octets("bodystructure"),
            text("preview"),
            octets("thread"),
        ],
    },
];

/// What a step of conversion came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Conversion {
    /// There is nothing to do, or nothing more that can be done.
    Idle,
    /// Some bodies follow the data key now; there may be more.
    Moved,
    /// All do, and free room of the index is to be emptied.
    Scrub,
}

/// What becomes of the keys in memory when a batch has been committed.
pub(super) struct NewKeys {
    pub(super) ring: KeyRing,
    pub(super) masters: Vec<MasterKey>,
}

fn refused(text: &str) -> Fault {
    StorageError::Key(text.to_owned()).into()
}

impl Work<'_> {
    /// Has new records sealed, and what is there brought to that bit by bit. `bodies` is how many there are.
    pub(crate) fn enable_encryption(&mut self, bodies: u64) -> Result<(), Fault> {
        let state = State::load(self.connection)?;
        if state.target.is_some() {
            return Err(refused(
                "the mail is encrypted already, or about to be: `posthouse encryption status` says more",
            ));
        }
        let masters = self.keys.masters();
        let Some(master) = masters.last() else {
            return Err(refused(
                "there is no key to encrypt with: make one with `posthouse encryption generate-key FILE`, name it under \
                 [encryption] in posthouse.toml, and restart the server",
            ));
        };
        if master_keys(self.connection)?.is_empty() {
            insert_master(self.connection, master)?;
        }
        // What was there before is readable in free pages of the index until they are emptied.
        self.change_target(State { scrubbing: true, ..state }, true, bodies)
    }

    /// Has new records sealed under a new data key, and what is there brought to it bit by bit.
    pub(crate) fn rotate_data_key(&mut self, bodies: u64) -> Result<(), Fault> {
        let state = State::load(self.connection)?;
        match (state.target, state.settled) {
            (Some(_), true) => self.change_target(state, true, bodies),
            (Some(_), false) => Err(refused(
                "what is there still follows the last change: wait until `posthouse encryption status` says that it is done",
            )),
            (None, _) => Err(refused("the mail is not encrypted: `posthouse encryption enable` encrypts it")),
        }
    }

    /// Has new records written as they are, and what is there brought to that bit by bit.
    pub(crate) fn disable_encryption(&mut self, bodies: u64) -> Result<(), Fault> {
        let state = State::load(self.connection)?;
        if state.target.is_none() {
            return Err(refused("the mail is not encrypted, or about to be no more"));
        }
        self.change_target(State { scrubbing: false, ..state }, false, bodies)
    }

    /// Keys change once in a commit, for what changes them goes by those in memory.
    fn require_no_new_keys(&self) -> Result<(), Fault> {
        match self.effects.keys {
            Some(_) => Err(refused("keys are being changed at this moment: try again")),
            None => Ok(()),
        }
    }

    fn change_target(&mut self, mut state: State, is_sealed: bool, bodies: u64) -> Result<(), Fault> {
        self.require_no_new_keys()?;
        let masters = self.keys.masters();
        if master_keys(self.connection)?.len() > 1 {
            return Err(refused(
                "the master key is being changed: put the new one into its place and run \
                 `posthouse encryption forget-former-key` first",
            ));
        }
        let ring = self.keys.load();
        state.target = match is_sealed {
            true => Some(ring.make_key(self.connection, &masters, &mut state, self.now.0)?),
            false => None,
        };
        self.reset_all_indexes()?;
        // What is written from now on goes to new segments, so that the old ones can go as a whole.
        self.appender.seal()?;
        state.first_segment = self.appender.next_number();
        state = State {
            settled: false,
            secrets_settled: false,
            converted: 0,
            unconverted: 0,
            bodies_total: bodies as i64,
            bodies_done: 0,
            ..state
        };
        state.save(self.connection)?;
        self.publish_keys(masters)
    }

    /// Lets `master` open the store, too. It is the newest then.
    pub(crate) fn add_master_key(&mut self, master: MasterKey) -> Result<(), Fault> {
        self.require_no_new_keys()?;
        let known = master_keys(self.connection)?;
        let mut masters = self.keys.masters();
        match known.len() {
            0 => {
                return Err(refused(
                    "the mail is not encrypted, so there is nothing to wrap: give the new key to the server under \
                     [encryption] in posthouse.toml",
                ));
            }
            1 if !masters.iter().any(|one| one.fingerprint() == master.fingerprint()) => {}
            1 => return Err(refused("that is the key which opens the mail already")),
            _ => return Err(refused("another key is to follow already: `posthouse encryption status` names it")),
        }
        self.keys.load().add_master(self.connection, &master)?;
        masters.push(master);
        self.publish_keys(masters)
    }

    /// Lets nothing but `master` open the store, which has to be the newest.
    pub(crate) fn forget_former_master_keys(&mut self, master: MasterKey) -> Result<(), Fault> {
        self.require_no_new_keys()?;
        let newest = self.keys.masters().pop().map(|one| one.fingerprint());
        if newest.as_ref() != Some(&master.fingerprint()) {
            return Err(refused(&format!(
                "the key that is configured ({}) is not the newest one ({}): put that into its place first",
                master.fingerprint(),
                newest.as_deref().unwrap_or("there is none")
            )));
        }
        forget_other_masters(self.connection, &master)?;
        self.publish_keys(vec![master])
    }

    fn publish_keys(&mut self, masters: Vec<MasterKey>) -> Result<(), Fault> {
        let ring = KeyRing::load(self.connection, &masters)?;
        self.effects.keys = Some(NewKeys { ring, masters });
        Ok(())
    }

    /// Whether bodies are still to follow the data key.
    pub(crate) fn is_converting(&self) -> Result<bool, Fault> {
        Ok(!State::load(self.connection)?.settled)
    }

    /// Brings up to `limit_bytes` of bodies, and what was worked out about them, to the data key of new records.
    pub(crate) fn convert(&mut self, limit_bytes: u64) -> Result<Conversion, Fault> {
        let mut state = State::load(self.connection)?;
        if state.settled || state.target != self.keys.load().target() || self.effects.keys.is_some() {
            return Ok(Conversion::Idle);
        }
        if !state.secrets_settled {
            let step = self.convert_secrets()?;
            if step.moved == 0 {
                state.secrets_settled = true;
                state.unconverted += step.damaged as i64;
                state.save(self.connection)?;
            }
            return Ok(Conversion::Moved);
        }
        let (mut bytes, mut bodies) = (0, 0);
        while bytes < limit_bytes && bodies < STEP_BODIES {
            let Some((key, location, id)) = self.next_body(&state)? else { break };
            match self.convert_body(key, &location, id, state.target) {
                Err(Fault(StorageError::Corrupt(text))) => {
                    tracing::error!(body = key.0, text, "a body cannot follow the data key");
                    state.unconverted += 1;
                }
                converted => converted?,
            }
            (state.converted, state.bodies_done) = (key.0 as i64, state.bodies_done + 1);
            bytes += location.record_bytes;
            bodies += 1;
        }
        self.appender.sync()?;
        if bodies > 0 {
            state.save(self.connection)?;
            return Ok(Conversion::Moved);
        }
        self.end_conversion(state)
    }

    fn end_conversion(&mut self, mut state: State) -> Result<Conversion, Fault> {
        if state.unconverted > 0 {
            return Ok(Conversion::Idle);
        }
        if state.target.is_some() && self.empty_index()? {
            return Ok(Conversion::Moved);
        }
        if state.scrubbing && state.converted == i64::MAX {
            return Ok(Conversion::Scrub);
        }
        let sql = "DELETE FROM segment WHERE number < ?1 AND live_bytes = 0 RETURNING number";
        let mut statement = self.connection.prepare_cached(sql)?;
        let emptied = statement.query_map(params![state.first_segment], |row| row.get(0))?;
        self.effects.emptied.extend(emptied.collect::<Result<Vec<u32>, _>>()?);
        self.forget_data_keys(&state)?;
        state.converted = i64::MAX;
        if state.scrubbing {
            state.save(self.connection)?;
            return Ok(Conversion::Moved);
        }
        self.settle_encryption(state)?;
        Ok(Conversion::Idle)
    }

    /// Takes out data keys under which nothing is any more.
    fn forget_data_keys(&mut self, state: &State) -> Result<(), Fault> {
        match state.target {
            Some(target) => {
                let sql = "DELETE FROM data_key WHERE purpose = 0 AND id <> ?1";
                self.connection.prepare_cached(sql)?.execute(params![target])?;
            }
            None => {
                self.connection.execute("DELETE FROM data_key", ())?;
                self.connection.execute("DELETE FROM master_key", ())?;
            }
        }
        self.publish_keys(self.keys.masters())
    }

    /// The free room of the index holds nothing of before any more.
    pub(crate) fn scrubbed(&mut self) -> Result<(), Fault> {
        let state = State::load(self.connection)?;
        if state.settled || !state.scrubbing || state.converted != i64::MAX {
            return Ok(());
        }
        self.settle_encryption(State { scrubbing: false, ..state })
    }

    fn settle_encryption(&mut self, mut state: State) -> Result<(), Fault> {
        state.settled = true;
        state.save(self.connection)?;
        self.publish_keys(self.keys.masters())
    }

    /// The next body of those that were there when the target changed. Later ones lie in later segments.
    fn next_body(&self, state: &State) -> Result<Option<(BodyKey, Location, [u8; 32])>, Fault> {
        let sql =
            format!("SELECT {LOCATION_COLUMNS}, id FROM body WHERE key > ?1 AND key < ?2 << 32 ORDER BY key LIMIT 1");
        let mut statement = self.connection.prepare_cached(&sql)?;
        let row = statement.query_row(params![state.converted, state.first_segment], |row| {
            Ok((BodyKey(row.get::<_, i64>("key")? as u64), location_of(row)?, row.get("id")?))
        });
        Ok(row.optional()?)
    }

    fn convert_body(&mut self, key: BodyKey, from: &Location, id: [u8; 32], target: Option<u32>) -> Result<(), Fault> {
        for table in SEALED_TABLES {
            self.convert_row(table, key, target)?;
        }
        if from.seal.map(|seal| seal.data_key) == target {
            return Ok(());
        }
        let unreadable = |error| StorageError::Corrupt(format!("body {} cannot be read: {error}", key.0));
        let text = self.files.read(from, 0..from.size_bytes).map_err(unreadable)?;
        let content = BlobId(*blake3::hash(&text).as_bytes());
        let ring = self.keys.load();
        if ring.content_id(content, from.seal.is_some()) != id {
            return Err(StorageError::Corrupt(format!("body {} is not what was written", key.0)).into());
        }
        let body = Body { id: content, size_bytes: from.size_bytes, content: BodyContent::Memory(vec![text]) };
        let to = self.appender.append_again(&body, key).map_err(|error| match error {
            AppendError::Body(error) | AppendError::Segment(error) => Fault(error),
        })?;
        let sql = "UPDATE body SET id = ?2, segment = ?3, record_offset = ?4, record_bytes = ?5, seal = ?6, moved = 1
                   WHERE key = ?1";
        self.connection.prepare_cached(sql)?.execute(params![
            key.0 as i64,
            ring.content_id(content, target.is_some()),
            to.segment,
            to.record_offset as i64,
            to.record_bytes as i64,
            to.seal.map(|seal| seal.encode())
        ])?;
        self.effects.live.push((from.segment, -(from.record_bytes as i64)));
        self.effects.live.push((to.segment, to.record_bytes as i64));
        Ok(())
    }

    /// Brings a row of texts to the data key `target`.
    fn convert_row(&mut self, table: &SealedTable, key: BodyKey, target: Option<u32>) -> Result<(), Fault> {
        let columns: Vec<&str> = table.columns.iter().map(|column| column.name).collect();
        let columns = columns.join(", ");
        let sql = format!("SELECT sealed_by, {columns} FROM {} WHERE {} = ?1", table.name, table.key);
        let row = self
            .connection
            .prepare_cached(&sql)?
            .query_row(params![key.0 as i64], |row| {
                let value = |at| Ok(row.get_ref(at)?.as_bytes_or_null()?.map(<[u8]>::to_vec));
                let values: rusqlite::Result<Vec<Option<Vec<u8>>>> = (1..=table.columns.len()).map(value).collect();
                Ok((row.get::<_, Option<u32>>(0)?, values?))
            })
            .optional()?;
        let Some((sealed_by, values)) = row.filter(|(sealed_by, _)| *sealed_by != target) else { return Ok(()) };
        let ring = self.keys.load();
        let damaged = |what: &str| StorageError::Corrupt(format!("{} of body {} {what}", table.name, key.0));
        let root = |id| ring.reading(id).ok_or_else(|| damaged("is under a key that is not there"));
        let mut opener = sealed_by.map(root).transpose()?.map(|root| RowOpener::new(root, table.name, key));
        let mut sealer = target.map(root).transpose()?.map(|root| RowSealer::new(root, table.name, key));
        let mut converted = vec![Value::from(key.0 as i64), target.map_or(Value::Null, |id| i64::from(id).into())];
        for (column, value) in table.columns.iter().zip(values) {
            let plain = match (value, &mut opener) {
                (Some(value), Some(opener)) => {
                    Some(opener.open(column.name, &value).ok_or_else(|| damaged("is not what was encrypted"))?)
                }
                (value, _) => value,
            };
            converted.push(match (plain, &mut sealer) {
                (None, _) => Value::Null,
                (Some(plain), Some(sealer)) => sealer.seal(column.name, &plain).into(),
                (Some(plain), None) if column.is_text => {
                    String::from_utf8(plain).map_err(|_| damaged("is no text"))?.into()
                }
                (Some(plain), None) => plain.into(),
            });
        }
        let set: Vec<String> =
            table.columns.iter().zip(3..).map(|(column, number)| format!("{} = ?{number}", column.name)).collect();
        let sql = format!("UPDATE {} SET sealed_by = ?2, {} WHERE {} = ?1", table.name, set.join(", "), table.key);
        self.connection.prepare_cached(&sql)?.execute(params_from_iter(converted))?;
        Ok(())
    }
}

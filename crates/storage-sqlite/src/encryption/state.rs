//! The row that says how far encryption has come.

use rusqlite::{Connection, params};

use super::EncryptionStep;
use crate::fault::Fault;

/// How far encryption has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct State {
    /// The number of the next data key; numbers never come back.
    pub(crate) next_key: u32,
    /// The data key of new records, if they are sealed.
    pub(crate) target: Option<u32>,
    /// Whether everything is under `target`.
    pub(crate) settled: bool,
    /// Whether free room of the index is still to be emptied.
    pub(crate) scrubbing: bool,
    /// Segments below this hold records that are not under `target`.
    pub(crate) first_segment: u32,
    /// Bodies with keys up to this one are under `target`.
    pub(crate) converted: i64,
    /// Bodies that could not be read on the way.
    pub(crate) unconverted: i64,
    /// Whether all secrets of the server's own are under `target`.
    pub(crate) secrets_settled: bool,
    /// Bodies there were when the change began.
    pub(crate) bodies_total: i64,
    /// Bodies gone through since.
    pub(crate) bodies_done: i64,
}

impl State {
    pub(crate) fn load(connection: &Connection) -> Result<Self, Fault> {
        let sql = "SELECT next_key, target, settled, scrubbing, first_segment, converted, unconverted, bodies_total,
                   bodies_done, secrets_settled FROM encryption WHERE one = 1";
        let state = connection.prepare_cached(sql)?.query_row((), |row| {
            Ok(Self {
                next_key: row.get(0)?,
                target: row.get(1)?,
                settled: row.get(2)?,
                scrubbing: row.get(3)?,
                first_segment: row.get(4)?,
                converted: row.get(5)?,
                unconverted: row.get(6)?,
                bodies_total: row.get(7)?,
                bodies_done: row.get(8)?,
                secrets_settled: row.get(9)?,
            })
        })?;
        Ok(state)
    }

    /// Has bodies that could not be read before tried once more.
    pub(crate) fn try_again(connection: &Connection) -> Result<(), Fault> {
        let sql = "UPDATE encryption SET converted = 0, unconverted = 0, bodies_done = 0, secrets_settled = 0
                   WHERE unconverted > 0";
        connection.execute(sql, ())?;
        Ok(())
    }

    pub(crate) fn save(&self, connection: &Connection) -> Result<(), Fault> {
        let sql = "UPDATE encryption SET next_key = ?1, target = ?2, settled = ?3, scrubbing = ?4, first_segment = ?5,
                   converted = ?6, unconverted = ?7, bodies_total = ?8, bodies_done = ?9, secrets_settled = ?10
                   WHERE one = 1";
        connection.prepare_cached(sql)?.execute(params![
            self.next_key,
            self.target,
            self.settled,
            self.scrubbing,
            self.first_segment,
            self.converted,
            self.unconverted,
            self.bodies_total,
            self.bodies_done,
            self.secrets_settled
        ])?;
        Ok(())
    }

    /// What that amounts to. `data_keys` is how many keys seal records.
    pub(crate) fn step(&self, data_keys: usize) -> EncryptionStep {
        match (self.settled, self.target) {
            (true, None) => EncryptionStep::Off,
            (true, Some(_)) => EncryptionStep::On,
            (false, None) => EncryptionStep::Decrypting,
            (false, Some(_)) if self.scrubbing && self.converted == i64::MAX => EncryptionStep::Scrubbing,
            (false, Some(_)) if self.scrubbing || data_keys < 2 => EncryptionStep::Encrypting,
            (false, Some(_)) => EncryptionStep::Rotating,
        }
    }
}

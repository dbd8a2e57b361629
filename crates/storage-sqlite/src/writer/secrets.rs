//! Secrets follow the data key.

use posthouse_storage::StorageError;
use rusqlite::types::Value;
use rusqlite::{params, params_from_iter};

use super::work::Work;
use crate::encryption::{SECRET_TABLES, SecretRow, SecretSealer, SecretTable};
use crate::fault::Fault;

/// Most rows that one step goes through.
const STEP_SECRETS: usize = 500;

/// What a step came to.
pub(super) struct SecretsMoved {
    /// Rows that follow the data key now.
    pub moved: usize,
    /// Rows that cannot be read.
    pub damaged: usize,
}

impl Work<'_> {
    /// Brings some rows of secrets to the data key of new records. When none moved, only damaged ones are left.
    pub(super) fn convert_secrets(&mut self) -> Result<SecretsMoved, Fault> {
        let target = self.keys.load().target();
        let mut step = SecretsMoved { moved: 0, damaged: 0 };
        for table in SECRET_TABLES {
            let table_name = table.name;
            let sql = format!("SELECT name FROM {table_name} WHERE sealed_by IS NOT ?1 AND name <> ?2 ORDER BY name");
            let mut statement = self.connection.prepare_cached(&sql)?;
            let names = statement.query_map(params![target, table.public], |row| row.get(0))?;
            for name in names.collect::<Result<Vec<String>, _>>()? {
                if step.moved == STEP_SECRETS {
                    return Ok(step);
                }
                match self.convert_secret_row(table, &name) {
                    Err(Fault(StorageError::Corrupt(text))) => {
                        tracing::error!(table = table.name, name, text, "a secret cannot follow the data key");
                        step.damaged += 1;
                    }
                    converted => {
                        converted?;
                        step.moved += 1;
                    }
                }
            }
        }
        Ok(step)
    }

    /// Brings a row of secrets to the data key of new records.
    pub(super) fn convert_secret_row(&mut self, table: &'static SecretTable, name: &str) -> Result<(), Fault> {
        let ring = self.keys.load();
        let columns = table.columns.join(", ");
        let sql = format!("SELECT sealed_by, {columns} FROM {} WHERE name = ?1", table.name);
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut rows = statement.query(params![name])?;
        let Some(row) = rows.next()? else { return Ok(()) };
        let sealed_by = row.get(0)?;
        let mut sealer = SecretSealer::new(&ring, table, name);
        if sealed_by == sealer.sealed_by {
            return Ok(());
        }
        let no_key = || StorageError::Corrupt(format!("the {} {name} is under a key that is not there", table.name));
        let mut opener = SecretRow::of(&ring, table, name, sealed_by).ok_or_else(no_key)?;
        let mut values =
            vec![Value::from(name.to_owned()), sealer.sealed_by.map_or(Value::Null, |id| i64::from(id).into())];
        for (column, at) in table.columns.iter().zip(1..) {
            let secret = opener.secret(column, row.get_ref(at)?)?;
            values.push(secret.map_or(Value::Null, |secret| sealer.seal(column, &secret).into()));
        }
        let set: Vec<String> =
            table.columns.iter().zip(3..).map(|(column, number)| format!("{column} = ?{number}")).collect();
        let sql = format!("UPDATE {} SET sealed_by = ?2, {} WHERE name = ?1", table.name, set.join(", "));
        self.connection.prepare_cached(&sql)?.execute(params_from_iter(values))?;
        Ok(())
    }
}

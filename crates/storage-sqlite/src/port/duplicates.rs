//! [`Duplicates`].

use async_trait::async_trait;
use posthouse_model::UnixMillis;
use posthouse_storage::{DeliveredOnce, Delivery, DuplicateCheck, DuplicateRule, Duplicates, Scope, StorageError};

use crate::fault::Fault;
use crate::reader::retention;
use crate::store::SqliteStorage;

/// Most messages that one commit forgets.
const STEP_MESSAGES: usize = 500;

#[async_trait]
impl Duplicates for SqliteStorage {
    async fn put_duplicate_rule(&self, rule: DuplicateRule) -> Result<(), StorageError> {
        self.write(Vec::new(), move |work| work.put_duplicate_rule(rule)).await
    }

    async fn remove_duplicate_rule(&self, scope: Scope) -> Result<(), StorageError> {
        self.write(Vec::new(), move |work| work.remove_duplicate_rule(scope)).await
    }

    async fn duplicate_rules(&self) -> Result<Vec<DuplicateRule>, StorageError> {
        self.ask(|reader| {
            let sql = "SELECT scope, owner, window_ms FROM duplicate_rule ORDER BY scope, owner";
            let mut statement = reader.connection.prepare_cached(sql)?;
            let rules = statement.query_and_then((), |row| -> Result<_, Fault> {
                let scope = retention::scope(row.get(0)?, row.get(1)?)?;
                Ok(DuplicateRule { scope, window_ms: row.get(2)? })
            })?;
            rules.collect()
        })
        .await
    }

    async fn deliver_once(
        &self,
        delivery: Delivery,
        checks: Vec<DuplicateCheck>,
        now: UnixMillis,
    ) -> Result<DeliveredOnce, StorageError> {
        self.write(vec![delivery.body.clone()], move |work| work.deliver_once(delivery, checks, now)).await
    }

    async fn forget_duplicates(&self, now: UnixMillis) -> Result<u64, StorageError> {
        let mut forgotten = 0;
        loop {
            let step = self.write(Vec::new(), move |work| work.forget_duplicates(now, STEP_MESSAGES)).await?;
            forgotten += step;
            if step == 0 {
                return Ok(forgotten);
            }
        }
    }
}

//! [`SendingQuotas`].

use async_trait::async_trait;
use posthouse_model::UnixMillis;
use posthouse_storage::{
    LimitHolder, LimitKind, SendingLimit, SendingQuotas, SendingStanding, SendingUnit, StorageError, Submission,
    Submitted,
};

use crate::reader::{mail, sending_quotas};
use crate::store::SqliteStorage;

#[async_trait]
impl SendingQuotas for SqliteStorage {
    async fn submit(&self, submission: Submission) -> Result<Submitted, StorageError> {
        self.write(vec![submission.delivery.body.clone()], move |work| work.submit(submission)).await
    }

    async fn sending_standing(&self, unit: SendingUnit, at: UnixMillis) -> Result<SendingStanding, StorageError> {
        self.ask(move |reader| {
            let connection = &reader.connection;
            mail::at_one_moment(connection, || sending_quotas::standing(connection, unit, at))
        })
        .await
    }

    async fn set_sending_limit(&self, limit: SendingLimit) -> Result<(), StorageError> {
        self.write(Vec::new(), move |work| work.set_sending_limit(&limit)).await
    }

    async fn clear_sending_limit(
        &self,
        holder: LimitHolder,
        kind: LimitKind,
        exception: bool,
    ) -> Result<(), StorageError> {
        self.write(Vec::new(), move |work| work.clear_sending_limit(holder, kind, exception)).await
    }

    async fn sending_limits(&self, holder: Option<LimitHolder>) -> Result<Vec<SendingLimit>, StorageError> {
        self.ask(move |reader| sending_quotas::limits(&reader.connection, holder)).await
    }
}

//! The index of words.

use posthouse_model::{AccountId, Address};
use posthouse_storage::{Directory, IndexState};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Refusal, Text, shape};
use crate::house::House;

/// What is asked about the index.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReindexRequest {
    /// Forget it and make it anew: [`IndexView`], as it is when the work begins.
    Start {
        /// Of this account only.
        address: Option<Text<Address>>,
    },
    /// How far it is: [`IndexView`].
    Progress {
        /// Of this account only.
        address: Option<Text<Address>>,
    },
}

/// How far the index is, for people and scripts.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct IndexView {
    /// Messages in mailboxes.
    pub messages: u64,
    /// Of them, those that are still to be looked at.
    pub waiting: u64,
    /// Messages in the index, each once however many mailboxes of an account show it.
    pub indexed: u64,
    /// Octets of the index.
    pub size_bytes: u64,
}

impl From<IndexState> for IndexView {
    fn from(state: IndexState) -> Self {
        let IndexState { messages, waiting, documents, size_bytes, .. } = state;
        Self { messages, waiting, indexed: documents, size_bytes }
    }
}

pub async fn answer(request: ReindexRequest, house: &House) -> Result<Value, Refusal> {
    let account = match request {
        ReindexRequest::Start { address } => {
            let account = account_at(address, house).await?;
            let accounts = match account {
                Some(account) => vec![account],
                None => house.store.accounts(None).await?.into_iter().map(|account| account.id).collect(),
            };
            for account in accounts {
                house.indexer.reindex(account).await?;
            }
            account
        }
        ReindexRequest::Progress { address } => account_at(address, house).await?,
    };
    shape(IndexView::from(house.indexer.state(account).await?))
}

async fn account_at(address: Option<Text<Address>>, house: &House) -> Result<Option<AccountId>, Refusal> {
    match address {
        Some(address) => Ok(Some(house.identity.account_at(&address.0).await?.id)),
        None => Ok(None),
    }
}

//! Accounts that may not send for now.

use posthouse_model::Address;
use posthouse_storage::{Directory, FreezeCause, HeldMail, SendingFreeze, SendingWatch};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Refusal, Text, shape};
use crate::house::House;

/// What is asked.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FreezeRequest {
    /// Let an account hand in nothing more: how many entries of the queue are held.
    Freeze {
        /// Its address.
        address: Text<Address>,
        /// Why, in words.
        reason: String,
    },
    /// Let it send again: how many entries go on, or were dropped.
    Release {
        /// Its address.
        address: Text<Address>,
        /// Whether what is held is dropped.
        drop: bool,
    },
    /// All that are frozen: a list of [`FreezeView`].
    List,
}

/// An account that may not send, for people and scripts.
#[derive(Debug, Serialize, Deserialize)]
pub struct FreezeView {
    /// Its address.
    pub address: String,
    /// `administrator`, `flood` or `bounces`.
    pub cause: String,
    /// The evidence.
    pub evidence: String,
    /// Since when, in milliseconds since 1970.
    pub frozen_at: i64,
}

impl FreezeView {
    /// The freeze of the account of this address.
    pub fn new(address: String, freeze: SendingFreeze) -> Self {
        Self { address, cause: freeze.cause.name().to_owned(), evidence: freeze.words, frozen_at: freeze.at.0 }
    }
}

pub async fn answer(request: FreezeRequest, house: &House) -> Result<Value, Refusal> {
    match request {
        FreezeRequest::Freeze { address, reason } => {
            let account = house.identity.account_at(&address.0).await?;
            let frozen = house.flow.freeze_sending(account.id, FreezeCause::Administrator, reason).await?;
            shape(frozen.ok_or_else(|| Refusal::Other("it is frozen already".to_owned()))?)
        }
        FreezeRequest::Release { address, drop } => {
            let account = house.identity.account_at(&address.0).await?;
            let held = if drop { HeldMail::IsDropped } else { HeldMail::GoesOn };
            shape(house.flow.release_sending(account.id, held).await?)
        }
        FreezeRequest::List => {
            let mut views = Vec::new();
            for freeze in house.store.sending_freezes().await? {
                let account = house.store.account(freeze.account).await?;
                let address = account.map_or_else(|| freeze.account.0.to_string(), |one| one.address.to_string());
                views.push(FreezeView::new(address, freeze));
            }
            shape(views)
        }
    }
}

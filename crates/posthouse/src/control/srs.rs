//! Keys behind rewritten senders.

use posthouse_flow::{SrsKey, SrsKeyError};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Refusal, shape};
use crate::house::House;

/// What is asked about them.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SrsRequest {
    /// All that count: a list of [`SrsKeyView`], the one that makes addresses first.
    List,
    /// Make a new one: the same list, as it is then.
    Rotate {
        /// Whether addresses of former ones are known no more.
        forget: bool,
    },
}

/// A key, for people and scripts.
#[derive(Debug, Serialize, Deserialize)]
pub struct SrsKeyView {
    /// Which.
    pub number: u32,
    /// `active` or `retired`.
    pub state: String,
    /// When it was made, in milliseconds since 1970, if that was noted.
    pub created_at: Option<i64>,
    /// Until when addresses of a retired one are known, in milliseconds since 1970.
    pub known_until: Option<i64>,
}

impl From<SrsKey> for SrsKeyView {
    fn from(key: SrsKey) -> Self {
        let state = if key.known_until.is_none() { "active" } else { "retired" };
        Self {
            number: key.number,
            state: state.to_owned(),
            created_at: key.created_at.map(|at| at.0),
            known_until: key.known_until.map(|at| at.0),
        }
    }
}

impl From<SrsKeyError> for Refusal {
    fn from(error: SrsKeyError) -> Self {
        match error {
            SrsKeyError::Storage(error) => error.into(),
            SrsKeyError::TooMany => Self::Other(error.to_string()),
        }
    }
}

pub async fn answer(request: SrsRequest, house: &House) -> Result<Value, Refusal> {
    let keys = match request {
        SrsRequest::List => house.flow.srs_keys().await?,
        SrsRequest::Rotate { forget } => house.flow.rotate_srs_key(forget).await?,
    };
    shape(keys.into_iter().map(SrsKeyView::from).collect::<Vec<_>>())
}

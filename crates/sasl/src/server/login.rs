//! LOGIN (draft-murchison-sasl-login), the server's side.

use super::{Answer, Failure, Identities, StepResult};
use crate::server::ServerStep;

/// The prompts that "at least one widely deployed client" insists on (draft-murchison-sasl-login §2.2).
const USER_NAME_PROMPT: &[u8] = b"Username:";
const PASSWORD_PROMPT: &[u8] = b"Password:";

#[derive(Debug)]
pub(super) enum LoginServer {
    ExpectUserName,
    ExpectPassword(Identities),
    ExpectVerdict(Identities),
    Finished,
}

impl LoginServer {
    pub(super) fn new() -> Self {
        Self::ExpectUserName
    }

    /// The first challenge.
    pub(super) fn prompt(&self) -> &'static [u8] {
        USER_NAME_PROMPT
    }

    pub(super) fn respond(&mut self, response: &[u8]) -> StepResult {
        match std::mem::replace(self, Self::Finished) {
            Self::ExpectUserName => {
                *self = Self::ExpectPassword(Identities::prepare(response, None)?);
                Ok(ServerStep::Challenge(PASSWORD_PROMPT.to_vec()))
            }
            Self::ExpectPassword(identities) => {
                let question = identities.ask_password(response);
                *self = Self::ExpectVerdict(identities);
                question
            }
            Self::ExpectVerdict(_) | Self::Finished => Err(Failure::OutOfStep),
        }
    }

    pub(super) fn answer(&mut self, answer: &Answer) -> StepResult {
        match std::mem::replace(self, Self::Finished) {
            Self::ExpectVerdict(identities) => identities.settle_password(answer),
            Self::ExpectUserName | Self::ExpectPassword(_) | Self::Finished => Err(Failure::OutOfStep),
        }
    }
}

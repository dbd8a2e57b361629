//! PLAIN (RFC 4616), the server's side.

use super::{Answer, Failure, Identities, StepResult};
use crate::plain::Message;

#[derive(Debug)]
pub(super) enum PlainServer {
    ExpectMessage,
    ExpectVerdict(Identities),
    Finished,
}

impl PlainServer {
    pub(super) fn new() -> Self {
        Self::ExpectMessage
    }

    pub(super) fn respond(&mut self, response: &[u8]) -> StepResult {
        let Self::ExpectMessage = self else {
            return Err(Failure::OutOfStep);
        };
        let message = Message::parse(response).ok_or(Failure::Grammar("PLAIN message"))?;
        let authorization_id = (!message.authorization_id.is_empty()).then_some(message.authorization_id);
        let identities = Identities::prepare(message.authentication_id, authorization_id)?;
        let question = identities.ask_password(message.password);
        *self = Self::ExpectVerdict(identities);
        question
    }

    pub(super) fn answer(&mut self, answer: &Answer) -> StepResult {
        match std::mem::replace(self, Self::Finished) {
            Self::ExpectVerdict(identities) => identities.settle_password(answer),
            Self::ExpectMessage | Self::Finished => Err(Failure::OutOfStep),
        }
    }
}

//! EXTERNAL (RFC 4422 Appendix A), the server's side: the certificate is the credential, so all that comes is as whom
//! the client wants to act.
//!
//! ```text
//! initial-response = *( UTF8-char-no-nul )
//! ```

use super::{Answer, Failure, Question, StepResult};
use crate::prepare::prepare_name;
use crate::server::ServerStep;

#[derive(Debug)]
pub(super) enum ExternalServer {
    ExpectAuthorizationId,
    ExpectVerdict,
    Finished,
}

impl ExternalServer {
    pub(super) fn new() -> Self {
        Self::ExpectAuthorizationId
    }

    pub(super) fn respond(&mut self, response: &[u8]) -> StepResult {
        let Self::ExpectAuthorizationId = std::mem::replace(self, Self::Finished) else {
            return Err(Failure::OutOfStep);
        };
        if response.contains(&0) {
            return Err(Failure::Grammar("EXTERNAL message"));
        }
        // RFC 4422 §A.2: an empty string asks to act as whomever the certificate proves.
        let wanted = (!response.is_empty()).then(|| prepare_name(response)).transpose();
        let authorization_id = wanted.map_err(Failure::Name)?;
        *self = Self::ExpectVerdict;
        Ok(ServerStep::Ask(Question::ExternalIdentity { authorization_id }))
    }

    pub(super) fn answer(&mut self, answer: Answer) -> StepResult {
        match (std::mem::replace(self, Self::Finished), answer) {
            (Self::ExpectVerdict, Answer::ExternalIdentity { authentication_id }) => {
                Ok(ServerStep::Success { authentication_id, authorization_id: None, server_final: None })
            }
            (Self::ExpectVerdict, Answer::Rejected) => Err(Failure::InvalidCredentials),
            _ => Err(Failure::OutOfStep),
        }
    }
}

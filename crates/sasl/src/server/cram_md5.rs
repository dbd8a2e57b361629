//! CRAM-MD5 (RFC 2195), the server's side.

use super::{Answer, Failure, Identities, Question, ServerContext, ServerStep, StepResult};
use crate::cram_md5::{challenge, parse_response};

#[derive(Debug)]
pub(super) struct CramMd5Server {
    challenge: Vec<u8>,
    expected: Expected,
}

#[derive(Debug)]
enum Expected {
    Response,
    Secret { identities: Identities, digest: [u8; 16] },
    Nothing,
}

impl CramMd5Server {
    pub(super) fn new(context: &ServerContext<'_>) -> Self {
        let (random, _) = context.nonce.split_first_chunk().expect("a nonce is longer than 16 bytes");
        let challenge = challenge(u128::from_be_bytes(*random), context.unix_time_seconds, context.host_name);
        Self { challenge, expected: Expected::Response }
    }

    pub(super) fn challenge(&self) -> &[u8] {
        &self.challenge
    }

    pub(super) fn respond(&mut self, response: &[u8]) -> StepResult {
        let Expected::Response = self.expected else {
            return Err(Failure::OutOfStep);
        };
        let (name, digest) = parse_response(response).ok_or(Failure::Grammar("CRAM-MD5 response"))?;
        let identities = Identities::prepare(name, None)?;
        let user = identities.authentication_id.clone();
        self.expected = Expected::Secret { identities, digest };
        Ok(ServerStep::Ask(Question::CramSecret { user }))
    }

    pub(super) fn answer(&mut self, answer: &Answer) -> StepResult {
        let Expected::Secret { identities, digest } = std::mem::replace(&mut self.expected, Expected::Nothing) else {
            return Err(Failure::OutOfStep);
        };
        let Answer::CramSecret { secret, real } = answer else {
            return Err(Failure::OutOfStep);
        };
        // `&`, not `&&`: the digest is computed for a user that does not exist as well.
        if secret.verify(&self.challenge, &digest) & *real {
            Ok(identities.success(None))
        } else {
            Err(Failure::InvalidCredentials)
        }
    }
}

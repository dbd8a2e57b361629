//! SCRAM (RFC 5802, RFC 7677), the server's side.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use posthouse_model::Secret;
use subtle::ConstantTimeEq as _;

use super::{Answer, ChannelBindingFailure, Failure, Identities, Question, ServerContext, ServerStep, StepResult};
use crate::channel_binding::{BindingType, ChannelBindings};
use crate::scram::message::{BindingFlag, ClientFinal, ClientFirst, ServerFirst, auth_message, server_final};
use crate::scram::{ScramHash, ScramVerifier};

#[derive(Debug)]
pub(super) struct ScramServer {
    hash: ScramHash,
    plus: bool,
    /// Whether the connection offers channel binding at all.
    plus_advertised: bool,
    channel_bindings: ChannelBindings,
    /// Our part of the nonce, printable.
    nonce: String,
    carries_success_data: bool,
    expected: Expected,
}

/// The client's first message, understood.
#[derive(Debug)]
struct Opening {
    identities: Identities,
    /// What the client must send back in `c=`: its gs2-header and the binding data of our end of the channel.
    channel_binding: Secret,
    client_first_bare: String,
    /// Both parts of the nonce.
    nonce: String,
}

#[derive(Debug)]
enum Expected {
    ClientFirst,
    Credential(Opening),
    ClientFinal {
        opening: Opening,
        server_first: String,
        verifier: ScramVerifier,
        real: bool,
    },
    /// The empty response to our last message.
    Acknowledgement(Identities),
    Nothing,
}

impl ScramServer {
    pub(super) fn new(hash: ScramHash, plus: bool, context: &ServerContext<'_>) -> Self {
        Self {
            hash,
            plus,
            plus_advertised: context.advertised.iter().any(|mechanism| mechanism.needs_channel_binding()),
            channel_bindings: context.channel_bindings.clone(),
            // The alphabet of base64 is printable and has no comma (RFC 5802 §7, `printable`).
            nonce: STANDARD_NO_PAD.encode(context.nonce),
            carries_success_data: context.carries_success_data,
            expected: Expected::ClientFirst,
        }
    }

    pub(super) fn respond(&mut self, response: &[u8]) -> StepResult {
        match std::mem::replace(&mut self.expected, Expected::Nothing) {
            Expected::ClientFirst => self.client_first(text(response)?),
            Expected::ClientFinal { opening, server_first, verifier, real } => {
                self.client_final(text(response)?, opening, &server_first, &verifier, real)
            }
            Expected::Acknowledgement(identities) if response.is_empty() => Ok(identities.success(None)),
            Expected::Acknowledgement(_) => Err(Failure::Grammar("the response to server-final-message")),
            Expected::Credential(_) | Expected::Nothing => Err(Failure::OutOfStep),
        }
    }

    pub(super) fn answer(&mut self, answer: Answer) -> StepResult {
        let Expected::Credential(opening) = std::mem::replace(&mut self.expected, Expected::Nothing) else {
            return Err(Failure::OutOfStep);
        };
        let Answer::ScramCredential { verifier, real } = answer else {
            return Err(Failure::OutOfStep);
        };
        if verifier.hash() != self.hash {
            return Err(Failure::OutOfStep);
        }
        let server_first =
            ServerFirst { nonce: &opening.nonce, salt: verifier.salt().to_vec(), iterations: verifier.iterations() }
                .encode();
        let challenge = server_first.clone().into_bytes();
        self.expected = Expected::ClientFinal { opening, server_first, verifier, real };
        Ok(ServerStep::Challenge(challenge))
    }

    fn client_first(&mut self, message: &str) -> StepResult {
        let message = ClientFirst::parse(message)?;
        let binding_data = self.binding_data(message.flag)?;
        let identities =
            Identities::prepare(message.user.as_bytes(), message.authorization_id.as_ref().map(String::as_bytes))?;
        let user = identities.authentication_id.clone();
        self.expected = Expected::Credential(Opening {
            identities,
            channel_binding: Secret::new([message.gs2_header.as_bytes(), binding_data].concat()),
            client_first_bare: message.bare.to_owned(),
            nonce: format!("{}{}", message.nonce, self.nonce),
        });
        Ok(ServerStep::Ask(Question::ScramCredential { user, hash: self.hash }))
    }

    /// Checks the flag of the client against what we offered (RFC 5802 §6) and gives the data that it must be bound to.
    fn binding_data(&self, flag: BindingFlag<'_>) -> Result<&[u8], ChannelBindingFailure> {
        match flag {
            // The client would have bound, had it seen -PLUS in our offer.
            BindingFlag::SupportedButNotOffered if self.plus_advertised => Err(ChannelBindingFailure::Downgrade),
            BindingFlag::Unsupported | BindingFlag::SupportedButNotOffered if self.plus => {
                Err(ChannelBindingFailure::FlagMismatch)
            }
            BindingFlag::Unsupported | BindingFlag::SupportedButNotOffered => Ok(&[]),
            // RFC 5801 §5: binding is what the -PLUS name stands for.
            BindingFlag::Used(_) if !self.plus => Err(ChannelBindingFailure::FlagMismatch),
            BindingFlag::Used(name) => BindingType::from_name(name)
                .and_then(|binding_type| self.channel_bindings.data(binding_type))
                .ok_or(ChannelBindingFailure::UnsupportedType),
        }
    }

    fn client_final(
        &mut self,
        message: &str,
        opening: Opening,
        server_first: &str,
        verifier: &ScramVerifier,
        real: bool,
    ) -> StepResult {
        let message = ClientFinal::parse(message)?;
        if message.nonce != opening.nonce {
            return Err(Failure::NonceMismatch);
        }
        if !bool::from(message.channel_binding.ct_eq(opening.channel_binding.expose())) {
            return Err(ChannelBindingFailure::DataMismatch.into());
        }
        let auth_message = auth_message(&opening.client_first_bare, server_first, message.without_proof);
        // `&`, not `&&`: the proof is computed for a user that does not exist as well.
        if !(verifier.verify_proof(auth_message.as_bytes(), &message.proof) & real) {
            return Err(Failure::InvalidCredentials);
        }
        let server_final = server_final(&verifier.server_signature(auth_message.as_bytes()));
        if self.carries_success_data {
            return Ok(opening.identities.success(Some(server_final)));
        }
        self.expected = Expected::Acknowledgement(opening.identities);
        Ok(ServerStep::Challenge(server_final))
    }
}

fn text(response: &[u8]) -> Result<&str, Failure> {
    std::str::from_utf8(response).map_err(|_| Failure::Grammar("a message that is not UTF-8"))
}

#[cfg(test)]
mod tests;

//! The client's side of an exchange: for smart hosts, and for our own tests.

mod scram;
mod token;

use posthouse_model::Secret;

use crate::channel_binding::ChannelBindings;
use crate::cram_md5::{self, CramMd5Secret};
use crate::mechanism::Mechanism;
use crate::plain::Message;
use crate::prepare::{PrepareError, prepare_name, prepare_password};
use crate::scram::ScramHash;
use crate::scram::message::MessageError;
use crate::server::NONCE_BYTES;

pub use scram::{MAX_ITERATIONS, MIN_ITERATIONS};

/// The longest challenge that a client takes, in bytes.
pub const MAX_CHALLENGE_BYTES: usize = crate::server::MAX_MESSAGE_BYTES;

/// Who we are at the other server.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// Whose password it is.
    pub authentication_id: String,
    /// As whom to act; `None` as itself. Only EXTERNAL, PLAIN and SCRAM can say it.
    pub authorization_id: Option<String>,
    /// The password, UTF-8; for OAUTHBEARER and XOAUTH2 a token of OAuth.
    pub password: Secret,
}

/// What an exchange has to know of its surroundings.
#[derive(Debug, Clone, Copy)]
pub struct ClientContext<'a> {
    /// The mechanisms that the server offers on this connection.
    pub offered: &'a [Mechanism],
    /// The mechanisms that our policy allows.
    pub allowed: &'a [Mechanism],
    /// Whether the connection is inside TLS. Without it no password is sent in clear, whatever the policy.
    pub tls_active: bool,
    /// Whether we have shown a certificate of ours in the handshake.
    pub client_certificate: bool,
    /// What the TLS channel can be bound by; empty outside TLS.
    pub channel_bindings: &'a ChannelBindings,
    /// Fresh random bytes, never used before.
    pub nonce: [u8; NONCE_BYTES],
}

impl ClientContext<'_> {
    fn permits(&self, mechanism: Mechanism) -> bool {
        self.offered.contains(&mechanism)
            && self.allowed.contains(&mechanism)
            && (self.tls_active || !mechanism.is_cleartext())
            && (!mechanism.needs_client_certificate() || (self.tls_active && self.client_certificate))
            && (!mechanism.needs_channel_binding() || !self.channel_bindings.is_empty())
    }
}

/// Chooses the best mechanism that the server offers, our policy allows and the channel permits.
#[must_use]
pub fn choose(context: &ClientContext<'_>) -> Option<Mechanism> {
    Mechanism::ALL.into_iter().chain(Mechanism::BY_TOKEN).find(|mechanism| context.permits(*mechanism))
}

/// Why a client gives up. It then cancels the exchange, if that is still open, and must not use the connection as
/// authenticated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClientFailure {
    /// The mechanism is not offered, not allowed, or not safe on this channel.
    #[error("the mechanism {0} is not to be used here")]
    NotPermitted(Mechanism),
    /// The mechanism cannot carry an authorization identity.
    #[error("the mechanism {0} cannot act as another")]
    NoAuthorizationIdentity(Mechanism),
    /// Our own name cannot be prepared.
    #[error("the name cannot be used: {0}")]
    Name(PrepareError),
    /// Our own password cannot be prepared.
    #[error("the password cannot be used: {0}")]
    Password(PrepareError),
    /// What we have is no token (RFC 6750 §2.1).
    #[error("the token is none: it has no octets, or some that no token has")]
    Token,
    /// The server's challenge breaks the grammar of the mechanism; the word says where.
    #[error("the challenge does not follow the grammar: {0}")]
    Grammar(&'static str),
    /// The challenge is longer than [`MAX_CHALLENGE_BYTES`].
    #[error("a challenge of {bytes} bytes, more than {MAX_CHALLENGE_BYTES}")]
    TooLong {
        /// Its length in bytes.
        bytes: usize,
    },
    /// The server sent an extension that must be understood (RFC 5802 §5.1).
    #[error("the challenge holds a mandatory extension")]
    MandatoryExtension,
    /// The server's nonce does not begin with ours, or adds nothing (RFC 5802 §5.1, attribute r).
    #[error("the nonce is not of this exchange")]
    NonceMismatch,
    /// The server asks for fewer iterations than [`MIN_ITERATIONS`] or more than [`MAX_ITERATIONS`].
    #[error("{0} iterations, outside of {MIN_ITERATIONS} to {MAX_ITERATIONS}")]
    Iterations(u32),
    /// The server says why it refuses (RFC 5802 §7, `server-error-value`); shortened to the values known there.
    #[error("the server refuses: {0}")]
    Refused(&'static str),
    /// The server claims success without having shown that it knows our password: it is not the server it claims to
    /// be.
    #[error("the server has not proven itself")]
    ServerNotAuthentic,
    /// The server asks for more than the mechanism has.
    #[error("a challenge after the last")]
    UnexpectedChallenge,
    /// The server says success before the mechanism is through.
    #[error("success before the exchange is complete")]
    PrematureSuccess,
}

impl From<MessageError> for ClientFailure {
    fn from(error: MessageError) -> Self {
        match error {
            MessageError::Grammar(place) => Self::Grammar(place),
            MessageError::MandatoryExtension => Self::MandatoryExtension,
        }
    }
}

/// One exchange with one server.
#[derive(Debug)]
pub struct ClientExchange {
    mechanism: Mechanism,
    state: State,
    /// Why the server does not take our token, once it has said so.
    token_error: Option<String>,
}

#[derive(Debug)]
enum State {
    ExpectUserNamePrompt { name: String, password: Secret },
    ExpectPasswordPrompt { password: Secret },
    ExpectCramMd5Challenge { name: String, secret: CramMd5Secret },
    Scram(Box<scram::ScramClient>),
    ExpectTokenVerdict,
    ExpectSuccess,
    Failed,
}

impl ClientExchange {
    /// Begins an exchange. Gives the initial response where the mechanism has one: it goes with the command, or, where
    /// the protocol does not allow that, in answer to an empty challenge, which the caller handles.
    ///
    /// # Errors
    /// If the mechanism must not be used here, or name or password cannot be prepared.
    pub fn start(
        mechanism: Mechanism,
        credentials: &Credentials,
        context: &ClientContext<'_>,
    ) -> Result<(Self, Option<Secret>), ClientFailure> {
        if !context.permits(mechanism) {
            return Err(ClientFailure::NotPermitted(mechanism));
        }
        let name = prepare_name(credentials.authentication_id.as_bytes()).map_err(ClientFailure::Name)?;
        if mechanism.takes_token() {
            let message = token::initial_response(mechanism, &name, &credentials.password)?;
            let exchange = Self { mechanism, state: State::ExpectTokenVerdict, token_error: None };
            return Ok((exchange, Some(message)));
        }
        let password = prepare_password(credentials.password.expose()).map_err(ClientFailure::Password)?;
        let authorization_id = credentials
            .authorization_id
            .as_ref()
            .map(|name| prepare_name(name.as_bytes()))
            .transpose()
            .map_err(ClientFailure::Name)?;
        if authorization_id.is_some() && matches!(mechanism, Mechanism::Login | Mechanism::CramMd5) {
            return Err(ClientFailure::NoAuthorizationIdentity(mechanism));
        }
        let scram = |hash, password| {
            let plus = mechanism.needs_channel_binding();
            let client = scram::ScramClient::new(hash, plus, context, &name, authorization_id.as_deref(), password);
            let client_first = Secret::new(client.client_first());
            (State::Scram(Box::new(client)), Some(client_first))
        };
        let (state, initial_response) = match mechanism {
            // RFC 4422 §A.2: the certificate says who we are; the response says only as whom to act.
            Mechanism::External => (State::ExpectSuccess, Some(Secret::new(authorization_id.unwrap_or_default()))),
            Mechanism::ScramSha256Plus | Mechanism::ScramSha256 => scram(ScramHash::Sha256, password),
            Mechanism::ScramSha1Plus | Mechanism::ScramSha1 => scram(ScramHash::Sha1, password),
            Mechanism::Plain => {
                let message = Message {
                    authorization_id: authorization_id.as_deref().unwrap_or_default().as_bytes(),
                    authentication_id: name.as_bytes(),
                    password: password.expose(),
                };
                (State::ExpectSuccess, Some(Secret::new(message.encode().as_slice())))
            }
            Mechanism::Login => (State::ExpectUserNamePrompt { name, password }, None),
            Mechanism::CramMd5 => {
                let secret = CramMd5Secret::derive(password.expose()).map_err(ClientFailure::Password)?;
                (State::ExpectCramMd5Challenge { name, secret }, None)
            }
            Mechanism::OAuthBearer | Mechanism::XOAuth2 => return Err(ClientFailure::NotPermitted(mechanism)),
        };
        Ok((Self { mechanism, state, token_error: None }, initial_response))
    }

    /// The mechanism.
    #[must_use]
    pub fn mechanism(&self) -> Mechanism {
        self.mechanism
    }

    /// Takes a decoded challenge and gives the response. SCRAM computes all iterations here.
    ///
    /// # Errors
    /// If the challenge is not what the mechanism has at this place, or shows the server to be false.
    pub fn respond(&mut self, challenge: &[u8]) -> Result<Secret, ClientFailure> {
        if challenge.len() > MAX_CHALLENGE_BYTES {
            self.state = State::Failed;
            return Err(ClientFailure::TooLong { bytes: challenge.len() });
        }
        match std::mem::replace(&mut self.state, State::Failed) {
            // draft-murchison-sasl-login §2.1: the contents of both challenges are to be ignored.
            State::ExpectUserNamePrompt { name, password } => {
                self.state = State::ExpectPasswordPrompt { password };
                Ok(Secret::new(name))
            }
            State::ExpectPasswordPrompt { password } => {
                self.state = State::ExpectSuccess;
                Ok(password)
            }
            State::ExpectCramMd5Challenge { name, secret } => {
                self.state = State::ExpectSuccess;
                Ok(Secret::new(cram_md5::response(&name, &secret.digest(challenge))))
            }
            State::Scram(mut client) => {
                let response = client.respond(challenge)?;
                self.state = State::Scram(client);
                Ok(Secret::new(response))
            }
            State::ExpectTokenVerdict => {
                self.token_error = Some(token::error_word(challenge));
                Ok(token::error_response(self.mechanism))
            }
            State::ExpectSuccess | State::Failed => Err(ClientFailure::UnexpectedChallenge),
        }
    }

    /// Why the server does not take our token, in its word for it, once it has said so in a challenge.
    #[must_use]
    pub fn token_error(&self) -> Option<&str> {
        self.token_error.as_deref()
    }

    /// Takes the server's word of success, with the data that came beside it, if the protocol carries any. Only when
    /// this gives `Ok` is the server who we meant.
    ///
    /// # Errors
    /// If the mechanism was not through, or the server has not proven itself.
    pub fn finish(self, success_data: Option<&[u8]>) -> Result<(), ClientFailure> {
        match (self.state, success_data) {
            (State::Scram(client), data) => client.finish(data),
            (State::ExpectSuccess | State::ExpectTokenVerdict, None | Some(b"")) => Ok(()),
            (State::ExpectSuccess | State::ExpectTokenVerdict, Some(_)) => {
                Err(ClientFailure::Grammar("data with success"))
            }
            _ => Err(ClientFailure::PrematureSuccess),
        }
    }
}

#[cfg(test)]
mod tests;

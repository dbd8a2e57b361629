//! The server's side of an exchange.

mod cram_md5;
mod external;
mod failure;
mod login;
mod plain;
mod scram;

use posthouse_model::Secret;

use crate::channel_binding::ChannelBindings;
use crate::cram_md5::CramMd5Secret;
use crate::line::{Line, LineError, MAX_EXCHANGE_BYTES, decode_initial_response, decode_line};
use crate::mechanism::Mechanism;
use crate::prepare::{PrepareError, prepare_name, prepare_password};
use crate::scram::{ScramHash, ScramVerifier};

pub use failure::{ChannelBindingFailure, Failure, FailureKind};

/// How many random bytes an exchange takes.
pub const NONCE_BYTES: usize = 24;

/// The longest decoded message that an exchange takes, in bytes: what fits in a line of [`MAX_EXCHANGE_BYTES`].
pub const MAX_MESSAGE_BYTES: usize = MAX_EXCHANGE_BYTES / 4 * 3;

/// What an exchange has to know of its surroundings.
#[derive(Debug, Clone, Copy)]
pub struct ServerContext<'a> {
    /// What the TLS channel can be bound by; empty outside TLS.
    pub channel_bindings: &'a ChannelBindings,
    /// The mechanisms offered on this connection at this moment (see [`offer`](crate::offer)). No other is accepted,
    /// and a -PLUS among them is what tells a stripped offer from a true one.
    pub advertised: &'a [Mechanism],
    /// The name of this host, for the challenge of CRAM-MD5.
    pub host_name: &'a str,
    /// Fresh random bytes, never used before.
    pub nonce: [u8; NONCE_BYTES],
    /// The time, in seconds since 1970, for the challenge of CRAM-MD5.
    pub unix_time_seconds: u64,
    /// Whether the protocol can carry data beside its success reply (RFC 4422 §5, item 2b; ManageSieve can, SMTP,
    /// IMAP and POP3 cannot). Where it cannot, the last message of SCRAM goes out as one more challenge, which the
    /// client answers with an empty response.
    pub carries_success_data: bool,
}

/// What to do next.
#[derive(Debug)]
pub enum ServerStep {
    /// Send this to the client and bring its response.
    Challenge(Vec<u8>),
    /// Ask the house and bring the answer.
    Ask(Question),
    /// The client is who it says; whether it may act as `authorization_id` is for the house to decide.
    Success {
        /// Whose credentials were shown, prepared.
        authentication_id: String,
        /// As whom the client wants to act, prepared; `None` if as itself.
        authorization_id: Option<String>,
        /// Data to send with the success reply; only where [`ServerContext::carries_success_data`].
        server_final: Option<Vec<u8>>,
    },
    /// The exchange failed and is over.
    Failure(Failure),
}

/// What only the house knows.
#[derive(Debug)]
pub enum Question {
    /// Is this the password? Answered by [`Answer::Accepted`], [`Answer::Rejected`] or
    /// [`Answer::TemporarilyUnavailable`].
    VerifyPassword {
        /// Whose password, prepared.
        authentication_id: String,
        /// As whom the client wants to act, prepared; `None` if as itself.
        authorization_id: Option<String>,
        /// The password, prepared.
        password: Secret,
    },
    /// What is kept for SCRAM? Answered by [`Answer::ScramCredential`] or [`Answer::TemporarilyUnavailable`].
    ScramCredential {
        /// Of whom, prepared.
        user: String,
        /// Made with which hash.
        hash: ScramHash,
    },
    /// Whom does the client's certificate prove (RFC 4422 §A.2)? Answered by [`Answer::ExternalIdentity`],
    /// [`Answer::Rejected`] or [`Answer::TemporarilyUnavailable`].
    ExternalIdentity {
        /// As whom the client wants to act, prepared; `None` if as whomever the certificate says.
        authorization_id: Option<String>,
    },
    /// What is kept for CRAM-MD5? Answered by [`Answer::CramSecret`] or [`Answer::TemporarilyUnavailable`].
    CramSecret {
        /// Of whom, prepared.
        user: String,
    },
}

impl Question {
    /// The question of a command that carries name and password itself, as LOGIN of IMAP and USER and PASS of POP3 do:
    /// both are prepared as in PLAIN.
    ///
    /// # Errors
    /// If the name or the password cannot be used.
    pub fn verify_password(name: &[u8], password: &[u8]) -> Result<Self, Failure> {
        let identities = Identities::prepare(name, None)?;
        Ok(Self::VerifyPassword {
            password: prepare_password(password).map_err(Failure::Password)?,
            authentication_id: identities.authentication_id,
            authorization_id: None,
        })
    }
}

/// The answer to a [`Question`].
#[derive(Debug)]
pub enum Answer {
    /// The password is right.
    Accepted,
    /// The password is wrong, or there is no such user.
    Rejected,
    /// It cannot be told now.
    TemporarilyUnavailable,
    /// The certificate proves this one, as whom the client may act.
    ExternalIdentity {
        /// Whom it proves.
        authentication_id: String,
    },
    /// What is kept for SCRAM.
    ScramCredential {
        /// The verifier; for a user that does not exist, [`ScramVerifier::decoy`].
        verifier: ScramVerifier,
        /// Whether the verifier is a real one. If not, the exchange takes the same steps and fails at the proof.
        real: bool,
    },
    /// What is kept for CRAM-MD5.
    CramSecret {
        /// The secret; for a user that does not exist, any.
        secret: CramMd5Secret,
        /// Whether the secret is a real one. If not, the exchange takes the same steps and fails.
        real: bool,
    },
}

/// One exchange with one client.
#[derive(Debug)]
pub struct ServerExchange {
    mechanism: Mechanism,
    state: State,
}

#[derive(Debug)]
enum State {
    External(external::ExternalServer),
    Plain(plain::PlainServer),
    Login(login::LoginServer),
    CramMd5(cram_md5::CramMd5Server),
    Scram(Box<scram::ScramServer>),
    Finished,
}

/// What a mechanism says: a step that goes on or succeeds, or a failure.
type StepResult = Result<ServerStep, Failure>;

impl ServerExchange {
    /// Begins an exchange with the decoded initial response, if there is one. An empty response is another thing than
    /// none (RFC 4422 §3.3).
    #[must_use]
    pub fn start(
        mechanism: Mechanism,
        context: &ServerContext<'_>,
        initial_response: Option<&[u8]>,
    ) -> (Self, ServerStep) {
        let scram = |hash| {
            let plus = mechanism.needs_channel_binding();
            State::Scram(Box::new(scram::ScramServer::new(hash, plus, context)))
        };
        let state = match mechanism {
            Mechanism::External => State::External(external::ExternalServer::new()),
            Mechanism::Plain => State::Plain(plain::PlainServer::new()),
            Mechanism::Login => State::Login(login::LoginServer::new()),
            Mechanism::CramMd5 => State::CramMd5(cram_md5::CramMd5Server::new(context)),
            Mechanism::ScramSha256Plus | Mechanism::ScramSha256 => scram(ScramHash::Sha256),
            Mechanism::ScramSha1Plus | Mechanism::ScramSha1 => scram(ScramHash::Sha1),
            Mechanism::OAuthBearer | Mechanism::XOAuth2 => State::Finished,
        };
        let mut exchange = Self { mechanism, state };
        if !context.advertised.contains(&mechanism) || mechanism.takes_token() {
            return exchange.fail(Failure::MechanismNotOffered(mechanism));
        }
        let step = match (initial_response, &exchange.state) {
            (Some(response), State::External(_) | State::Plain(_) | State::Scram(_)) => exchange.respond(response),
            // quirk: RFC 4954 §4 refuses an initial response where the server begins, and so it is for CRAM-MD5.
            // For LOGIN, which has no standard, many clients send the user name; an empty one asks for the prompt.
            (Some(response), State::Login(_)) if !response.is_empty() => exchange.respond(response),
            (Some(_), State::CramMd5(_)) => return exchange.fail(Failure::UnexpectedInitialResponse),
            (_, State::Login(login)) => ServerStep::Challenge(login.prompt().to_vec()),
            (_, State::CramMd5(cram_md5)) => ServerStep::Challenge(cram_md5.challenge().to_vec()),
            // RFC 4422 §5, item 2a: the client begins, so the challenge that invites it is empty.
            (_, State::External(_) | State::Plain(_) | State::Scram(_) | State::Finished) => {
                ServerStep::Challenge(Vec::new())
            }
        };
        (exchange, step)
    }

    /// Begins an exchange with the initial response as the command carries it: base64, or `=` if it is empty.
    #[must_use]
    pub fn start_encoded(
        mechanism: Mechanism,
        context: &ServerContext<'_>,
        initial_response: Option<&[u8]>,
    ) -> (Self, ServerStep) {
        match initial_response.map(decode_initial_response).transpose() {
            Ok(response) => Self::start(mechanism, context, response.as_ref().map(Secret::expose)),
            // That the mechanism is not offered is the better news than that its response is no base64.
            Err(_) if !context.advertised.contains(&mechanism) => Self::start(mechanism, context, None),
            Err(error) => Self { mechanism, state: State::Finished }.fail(error.into()),
        }
    }

    /// The mechanism.
    #[must_use]
    pub fn mechanism(&self) -> Mechanism {
        self.mechanism
    }

    /// Takes the client's decoded response to the last challenge.
    pub fn respond(&mut self, response: &[u8]) -> ServerStep {
        if response.len() > MAX_MESSAGE_BYTES {
            return self.settle(Err(Failure::TooLong { bytes: response.len(), limit: MAX_MESSAGE_BYTES }));
        }
        let result = match &mut self.state {
            State::External(external) => external.respond(response),
            State::Plain(plain) => plain.respond(response),
            State::Login(login) => login.respond(response),
            State::CramMd5(cram_md5) => cram_md5.respond(response),
            State::Scram(scram) => scram.respond(response),
            State::Finished => Err(Failure::OutOfStep),
        };
        self.settle(result)
    }

    /// Takes the client's line, without CRLF, that answers the last challenge: base64, or `*` to cancel.
    pub fn respond_encoded(&mut self, line: &[u8]) -> ServerStep {
        match decode_line(line) {
            Ok(Line::Response(response)) => self.respond(response.expose()),
            Ok(Line::Cancel) => self.settle(Err(Failure::Cancelled)),
            Err(error) => self.settle(Err(error.into())),
        }
    }

    /// Takes the answer to the last question.
    pub fn answer(&mut self, answer: Answer) -> ServerStep {
        let result = match (&mut self.state, answer) {
            (State::Finished, _) => Err(Failure::OutOfStep),
            (_, Answer::TemporarilyUnavailable) => Err(Failure::TemporarilyUnavailable),
            (State::External(external), answer) => external.answer(answer),
            (State::Plain(plain), answer) => plain.answer(&answer),
            (State::Login(login), answer) => login.answer(&answer),
            (State::CramMd5(cram_md5), answer) => cram_md5.answer(&answer),
            (State::Scram(scram), answer) => scram.answer(answer),
        };
        self.settle(result)
    }

    fn fail(mut self, failure: Failure) -> (Self, ServerStep) {
        let step = self.settle(Err(failure));
        (self, step)
    }

    /// Closes the exchange when it has come to an end.
    fn settle(&mut self, result: StepResult) -> ServerStep {
        let step = result.unwrap_or_else(ServerStep::Failure);
        if matches!(step, ServerStep::Success { .. } | ServerStep::Failure(_)) {
            self.state = State::Finished;
        }
        step
    }
}

/// Who the client says it is and as whom it wants to act, prepared.
#[derive(Debug, Clone)]
struct Identities {
    authentication_id: String,
    authorization_id: Option<String>,
}

impl Identities {
    /// Prepares both; an authorization identity that is the authentication identity says nothing and is dropped.
    fn prepare(authentication_id: &[u8], authorization_id: Option<&[u8]>) -> Result<Self, Failure> {
        let authentication_id = prepare_name(authentication_id).map_err(Failure::Name)?;
        let authorization_id = authorization_id
            .map(prepare_name)
            .transpose()
            .map_err(Failure::Name)?
            .filter(|authorization_id| *authorization_id != authentication_id);
        Ok(Self { authentication_id, authorization_id })
    }

    fn success(self, server_final: Option<Vec<u8>>) -> ServerStep {
        ServerStep::Success {
            authentication_id: self.authentication_id,
            authorization_id: self.authorization_id,
            server_final,
        }
    }

    /// Asks whether the password is theirs.
    fn ask_password(&self, password: &[u8]) -> StepResult {
        let password = prepare_password(password).map_err(Failure::Password)?;
        Ok(ServerStep::Ask(Question::VerifyPassword {
            authentication_id: self.authentication_id.clone(),
            authorization_id: self.authorization_id.clone(),
            password,
        }))
    }

    /// Turns the answer to [`Identities::ask_password`] into the end of the exchange.
    fn settle_password(self, answer: &Answer) -> StepResult {
        match answer {
            Answer::Accepted => Ok(self.success(None)),
            Answer::Rejected => Err(Failure::InvalidCredentials),
            Answer::TemporarilyUnavailable => Err(Failure::TemporarilyUnavailable),
            Answer::ExternalIdentity { .. } | Answer::ScramCredential { .. } | Answer::CramSecret { .. } => {
                Err(Failure::OutOfStep)
            }
        }
    }
}

#[cfg(test)]
mod tests;

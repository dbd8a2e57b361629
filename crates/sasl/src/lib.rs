//! SASL (RFC 4422): EXTERNAL, SCRAM, PLAIN, LOGIN and CRAM-MD5, the server's side and the client's; OAUTHBEARER and
//! XOAUTH2, the client's.
//!
//! An exchange is a value. It is fed the bytes that the peer sent and says what to do next: send a challenge, ask the
//! house a [`Question`] and bring the [`Answer`], or stop with success or failure. The crate knows no socket, clock,
//! randomness or account: nonces and the time are arguments, credentials are answers. Base64 and the line rules of the
//! protocols that carry SASL are in [`line`](mod@line); the exchanges themselves work on decoded bytes.
//!
//! It never keeps a clear password: what a server stores is a [`ScramVerifier`] or a [`CramMd5Secret`].

pub mod channel_binding;
pub mod client;
pub mod cram_md5;
pub mod line;
pub mod mechanism;
pub mod prepare;
pub mod scram;
pub mod server;

mod md5;
mod plain;

pub use channel_binding::{BindingType, ChannelBindings};
pub use client::{ClientContext, ClientExchange, ClientFailure, Credentials, choose};
pub use cram_md5::CramMd5Secret;
pub use line::{
    Line, LineError, MAX_EXCHANGE_BYTES, decode_initial_response, decode_line, encode_initial_response, encode_line,
};
pub use mechanism::{Mechanism, TlsChannel, UnknownMechanism, offer};
pub use prepare::{PrepareError, prepare_name, prepare_password};
pub use scram::{ScramHash, ScramVerifier};
pub use server::{
    Answer, ChannelBindingFailure, Failure, FailureKind, NONCE_BYTES, Question, ServerContext, ServerExchange,
    ServerStep,
};

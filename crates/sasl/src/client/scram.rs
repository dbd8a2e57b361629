//! SCRAM (RFC 5802, RFC 7677), the client's side.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use posthouse_model::Secret;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::{ClientContext, ClientFailure};
use crate::scram::message::{ServerFinal, ServerFirst, auth_message, encode_name};
use crate::scram::{ScramHash, client_key, exclusive_or, server_key};

/// The fewest iterations that a client agrees to (RFC 7677 §4: a server announces at least 4096). Fewer would let a
/// false server guess the password cheaply.
pub const MIN_ITERATIONS: u32 = 4096;
/// The most iterations that a client agrees to, about a second of work; more would let a server keep us busy.
pub const MAX_ITERATIONS: u32 = 2_000_000;

#[derive(Debug)]
pub(super) struct ScramClient {
    hash: ScramHash,
    gs2_header: String,
    /// The gs2-header and our end's binding data, for `c=`.
    channel_binding: Secret,
    client_first_bare: String,
    nonce: String,
    expected: Expected,
}

#[derive(Debug)]
enum Expected {
    ServerFirst { password: Secret },
    ServerFinal { server_signature: Zeroizing<Vec<u8>> },
    Success,
    Nothing,
}

impl ScramClient {
    pub(super) fn new(
        hash: ScramHash,
        binding_required: bool,
        context: &ClientContext<'_>,
        name: &str,
        authorization_id: Option<&str>,
        password: Secret,
    ) -> Self {
        let binding = context.channel_bindings.preferred();
        let server_binds = context.offered.iter().any(|mechanism| mechanism.needs_channel_binding());
        let (flag, data) = match binding {
            Some((binding_type, data)) if binding_required => (format!("p={}", binding_type.name()), data),
            // RFC 5802 §6: "y" tells the server that we could, but saw no offer of it.
            Some(_) if !server_binds => ("y".to_owned(), &[][..]),
            Some(_) | None => ("n".to_owned(), &[][..]),
        };
        let authorization_id = authorization_id.map(|name| format!("a={}", encode_name(name))).unwrap_or_default();
        let gs2_header = format!("{flag},{authorization_id},");
        let nonce = STANDARD_NO_PAD.encode(context.nonce);
        Self {
            hash,
            channel_binding: Secret::new([gs2_header.as_bytes(), data].concat()),
            client_first_bare: format!("n={},r={nonce}", encode_name(name)),
            gs2_header,
            nonce,
            expected: Expected::ServerFirst { password },
        }
    }

    pub(super) fn client_first(&self) -> Vec<u8> {
        format!("{}{}", self.gs2_header, self.client_first_bare).into_bytes()
    }

    pub(super) fn respond(&mut self, challenge: &[u8]) -> Result<Vec<u8>, ClientFailure> {
        match std::mem::replace(&mut self.expected, Expected::Nothing) {
            Expected::ServerFirst { password } => self.server_first(text(challenge)?, &password),
            Expected::ServerFinal { server_signature } => {
                check_server_final(challenge, &server_signature)?;
                self.expected = Expected::Success;
                Ok(Vec::new())
            }
            Expected::Success | Expected::Nothing => Err(ClientFailure::UnexpectedChallenge),
        }
    }

    pub(super) fn finish(self, success_data: Option<&[u8]>) -> Result<(), ClientFailure> {
        match (self.expected, success_data) {
            (Expected::ServerFinal { server_signature }, Some(data)) => check_server_final(data, &server_signature),
            (Expected::ServerFinal { .. }, None) => Err(ClientFailure::ServerNotAuthentic),
            (Expected::Success, None | Some(b"")) => Ok(()),
            (Expected::Success, Some(_)) => Err(ClientFailure::Grammar("data with success")),
            (Expected::ServerFirst { .. } | Expected::Nothing, _) => Err(ClientFailure::PrematureSuccess),
        }
    }

    fn server_first(&mut self, server_first: &str, password: &Secret) -> Result<Vec<u8>, ClientFailure> {
        let message = ServerFirst::parse(server_first)?;
        // RFC 5802 §5.1, attribute r: it begins with ours; and a server that adds nothing brings no freshness.
        if message.nonce.strip_prefix(&self.nonce).is_none_or(str::is_empty) {
            return Err(ClientFailure::NonceMismatch);
        }
        let iterations = message.iterations;
        if !(MIN_ITERATIONS..=MAX_ITERATIONS).contains(&iterations.get()) {
            return Err(ClientFailure::Iterations(iterations.get()));
        }
        let salted = self.hash.salted_password(password.expose(), &message.salt, iterations);
        let without_proof = format!("c={},r={}", STANDARD.encode(self.channel_binding.expose()), message.nonce);
        let auth_message = auth_message(&self.client_first_bare, server_first, &without_proof);
        let client_key = client_key(self.hash, &salted);
        let client_signature = self.hash.hmac(&self.hash.digest(&client_key), auth_message.as_bytes());
        let proof = exclusive_or(&client_key, &client_signature);
        let server_signature = self.hash.hmac(&server_key(self.hash, &salted), auth_message.as_bytes());
        self.expected = Expected::ServerFinal { server_signature };
        Ok(format!("{without_proof},p={}", STANDARD.encode(&proof)).into_bytes())
    }
}

fn check_server_final(message: &[u8], server_signature: &[u8]) -> Result<(), ClientFailure> {
    match ServerFinal::parse(text(message)?)? {
        ServerFinal::Signature(signature) if bool::from(signature.ct_eq(server_signature)) => Ok(()),
        ServerFinal::Signature(_) => Err(ClientFailure::ServerNotAuthentic),
        ServerFinal::Error(error) => Err(ClientFailure::Refused(known_error(error))),
    }
}

/// The `server-error-value` that it is; "Unrecognized errors should be treated as "other-error"" (RFC 5802 §7).
fn known_error(error: &str) -> &'static str {
    const KNOWN: [&str; 10] = [
        "invalid-encoding",
        "extensions-not-supported",
        "invalid-proof",
        "channel-bindings-dont-match",
        "server-does-support-channel-binding",
        "channel-binding-not-supported",
        "unsupported-channel-binding-type",
        "unknown-user",
        "invalid-username-encoding",
        "no-resources",
    ];
    KNOWN.into_iter().find(|known| *known == error).unwrap_or("other-error")
}

fn text(message: &[u8]) -> Result<&str, ClientFailure> {
    std::str::from_utf8(message).map_err(|_| ClientFailure::Grammar("a message that is not UTF-8"))
}

#[cfg(test)]
mod tests;

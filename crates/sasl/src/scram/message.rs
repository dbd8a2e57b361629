//! The messages of SCRAM (RFC 5802 §7).
//!
//! ```text
//! client-first = gs2-header [reserved-mext ","] "n=" saslname "," "r=" c-nonce ["," extensions]
//! gs2-header   = ("p=" cb-name / "n" / "y") "," ["a=" saslname] ","
//! server-first = [reserved-mext ","] "r=" nonce "," "s=" base64 "," "i=" posit-number ["," extensions]
//! client-final = "c=" base64 "," "r=" nonce ["," extensions] "," "p=" base64
//! server-final = ("e=" error / "v=" base64) ["," extensions]
//! ```

use std::num::NonZeroU32;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// The longest nonce of a peer, in bytes.
pub(crate) const MAX_NONCE_BYTES: usize = 512;
/// The longest salt that a server may send us, in bytes.
const MAX_PEER_SALT_BYTES: usize = 256;

/// Why a message cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum MessageError {
    #[error("the message does not follow the grammar: {0}")]
    Grammar(&'static str),
    #[error("the message holds a mandatory extension")]
    MandatoryExtension,
}

/// What the client says about channel binding (RFC 5802 §7, `gs2-cbind-flag`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BindingFlag<'a> {
    /// `n`: the client has none.
    Unsupported,
    /// `y`: the client has it, but believes that the server has not.
    SupportedButNotOffered,
    /// `p=`: the client binds, by this type.
    Used(&'a str),
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ClientFirst<'a> {
    pub(crate) flag: BindingFlag<'a>,
    /// As it came, commas and all: it goes into `c=`.
    pub(crate) gs2_header: &'a str,
    pub(crate) authorization_id: Option<String>,
    pub(crate) user: String,
    pub(crate) nonce: &'a str,
    /// `client-first-message-bare`, as it came: it goes into AuthMessage.
    pub(crate) bare: &'a str,
}

impl<'a> ClientFirst<'a> {
    pub(crate) fn parse(message: &'a str) -> Result<Self, MessageError> {
        let (flag, rest) = message.split_once(',').ok_or(MessageError::Grammar("gs2-header"))?;
        let flag = match flag {
            "n" => BindingFlag::Unsupported,
            "y" => BindingFlag::SupportedButNotOffered,
            _ => BindingFlag::Used(
                flag.strip_prefix("p=")
                    .filter(|name| is_binding_name(name))
                    .ok_or(MessageError::Grammar("gs2-cbind-flag"))?,
            ),
        };
        let (authorization_id, bare) = rest.split_once(',').ok_or(MessageError::Grammar("gs2-header"))?;
        let authorization_id = match authorization_id {
            "" => None,
            _ => Some(decode_name(attribute(authorization_id, 'a')?)?),
        };
        let gs2_header = &message[..message.len() - bare.len()];
        let mut attributes = bare.split(',');
        let user = decode_name(attribute(attributes.next().unwrap_or_default(), 'n')?)?;
        let nonce = attribute(attributes.next().unwrap_or_default(), 'r').and_then(check_nonce)?;
        attributes.try_for_each(check_extension)?;
        Ok(Self { flag, gs2_header, authorization_id, user, nonce, bare })
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ServerFirst<'a> {
    pub(crate) nonce: &'a str,
    pub(crate) salt: Vec<u8>,
    pub(crate) iterations: NonZeroU32,
}

impl<'a> ServerFirst<'a> {
    pub(crate) fn parse(message: &'a str) -> Result<Self, MessageError> {
        let mut attributes = message.split(',');
        let nonce = attribute(attributes.next().unwrap_or_default(), 'r').and_then(check_nonce)?;
        let salt = attribute(attributes.next().unwrap_or_default(), 's').and_then(decode_base64)?;
        if salt.is_empty() || salt.len() > MAX_PEER_SALT_BYTES {
            return Err(MessageError::Grammar("salt"));
        }
        let iterations = attribute(attributes.next().unwrap_or_default(), 'i')?;
        // `posit-number` begins with a digit other than zero; Rust would read "+1" and "01" too.
        let iterations = if iterations.starts_with(|digit: char| matches!(digit, '1'..='9')) {
            iterations.parse().map_err(|_| MessageError::Grammar("iteration-count"))?
        } else {
            return Err(MessageError::Grammar("iteration-count"));
        };
        attributes.try_for_each(check_extension)?;
        Ok(Self { nonce, salt, iterations })
    }

    pub(crate) fn encode(&self) -> String {
        format!("r={},s={},i={}", self.nonce, STANDARD.encode(&self.salt), self.iterations)
    }
}

#[derive(Debug)]
pub(crate) struct ClientFinal<'a> {
    /// The decoded `c=`: gs2-header and channel binding data.
    pub(crate) channel_binding: Vec<u8>,
    pub(crate) nonce: &'a str,
    pub(crate) proof: Zeroizing<Vec<u8>>,
    /// `client-final-message-without-proof`, as it came: it goes into AuthMessage.
    pub(crate) without_proof: &'a str,
}

impl<'a> ClientFinal<'a> {
    pub(crate) fn parse(message: &'a str) -> Result<Self, MessageError> {
        let (without_proof, proof) = message.rsplit_once(',').ok_or(MessageError::Grammar("client-final-message"))?;
        let proof = attribute(proof, 'p').and_then(decode_base64).map(Zeroizing::new)?;
        let mut attributes = without_proof.split(',');
        let channel_binding = attribute(attributes.next().unwrap_or_default(), 'c').and_then(decode_base64)?;
        let nonce = attribute(attributes.next().unwrap_or_default(), 'r').and_then(check_nonce)?;
        attributes.try_for_each(check_extension)?;
        Ok(Self { channel_binding, nonce, proof, without_proof })
    }
}

/// How a server ends the exchange.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ServerFinal<'a> {
    /// `v=`: the ServerSignature.
    Signature(Vec<u8>),
    /// `e=`: why it failed.
    Error(&'a str),
}

impl<'a> ServerFinal<'a> {
    pub(crate) fn parse(message: &'a str) -> Result<Self, MessageError> {
        let mut attributes = message.split(',');
        let first = attributes.next().unwrap_or_default();
        let parsed = match attribute(first, 'e') {
            Ok(error) => Self::Error(error),
            Err(_) => Self::Signature(attribute(first, 'v').and_then(decode_base64)?),
        };
        attributes.try_for_each(check_extension)?;
        Ok(parsed)
    }
}

/// AuthMessage (RFC 5802 §3).
pub(crate) fn auth_message(client_first_bare: &str, server_first: &str, client_final_without_proof: &str) -> String {
    [client_first_bare, server_first, client_final_without_proof].join(",")
}

/// The server-final message of success.
pub(crate) fn server_final(signature: &[u8]) -> Vec<u8> {
    format!("v={}", STANDARD.encode(signature)).into_bytes()
}

/// Writes a name with its commas and equals signs escaped (RFC 5802 §5.1, attribute n).
pub(crate) fn encode_name(name: &str) -> String {
    name.replace('=', "=3D").replace(',', "=2C")
}

/// Reads a `saslname`.
fn decode_name(encoded: &str) -> Result<String, MessageError> {
    const ERROR: MessageError = MessageError::Grammar("saslname");
    if encoded.is_empty() || encoded.contains('\0') {
        return Err(ERROR);
    }
    let mut pieces = encoded.split('=');
    let mut name = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (character, rest) = piece
            .strip_prefix("2C")
            .map(|rest| (',', rest))
            .or_else(|| piece.strip_prefix("3D").map(|rest| ('=', rest)))
            .ok_or(ERROR)?;
        name.push(character);
        name.push_str(rest);
    }
    Ok(name)
}

/// The value of an attribute that must have this letter.
fn attribute(attribute: &str, letter: char) -> Result<&str, MessageError> {
    let (found, value) = attribute.split_once('=').ok_or(MessageError::Grammar("attr-val"))?;
    if found == "m" {
        // RFC 5802 §5.1: its presence MUST cause authentication failure.
        return Err(MessageError::MandatoryExtension);
    }
    let is_expected = found.len() == 1 && found.starts_with(letter) && !value.contains('\0');
    is_expected.then_some(value).ok_or(MessageError::Grammar("an attribute is missing or out of place"))
}

/// Passes over an optional extension (RFC 5802 §5.1: unknown ones MUST be ignored), but not over a second copy of an
/// attribute that has its own place.
fn check_extension(extension: &str) -> Result<(), MessageError> {
    let (letter, value) = extension.split_once('=').ok_or(MessageError::Grammar("attr-val"))?;
    match letter.as_bytes() {
        b"m" => Err(MessageError::MandatoryExtension),
        [b'a' | b'n' | b'r' | b'c' | b's' | b'i' | b'p' | b'v' | b'e'] => {
            Err(MessageError::Grammar("an attribute is out of place"))
        }
        [letter] if letter.is_ascii_alphabetic() && !value.is_empty() && !value.contains('\0') => Ok(()),
        _ => Err(MessageError::Grammar("attr-val")),
    }
}

fn check_nonce(nonce: &str) -> Result<&str, MessageError> {
    let is_nonce = (1..=MAX_NONCE_BYTES).contains(&nonce.len()) && nonce.bytes().all(|byte| byte.is_ascii_graphic());
    is_nonce.then_some(nonce).ok_or(MessageError::Grammar("nonce"))
}

fn is_binding_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-')
}

fn decode_base64(encoded: &str) -> Result<Vec<u8>, MessageError> {
    STANDARD.decode(encoded).map_err(|_| MessageError::Grammar("base64"))
}

#[cfg(test)]
mod tests;

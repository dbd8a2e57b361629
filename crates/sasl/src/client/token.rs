//! OAUTHBEARER (RFC 7628) and XOAUTH2 (Google's and Microsoft's), the client's side.
//!
//! ```text
//! OAUTHBEARER = "n,a=" saslname "," %x01 "auth=Bearer " token %x01 %x01
//! XOAUTH2     = "user=" name %x01 "auth=Bearer " token %x01 %x01
//! token       = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="      (RFC 6750 §2.1)
//! ```
//!
//! A server that does not take the token says why in a challenge, a JSON object, and waits for a response before it says
//! no: a single %x01 for OAUTHBEARER (RFC 7628 §3.2.3), nothing for XOAUTH2.

use posthouse_model::Secret;
use zeroize::Zeroizing;

use super::ClientFailure;
use crate::mechanism::Mechanism;
use crate::scram::message::encode_name;

/// Longest word for an error that is kept, in octets.
const MAX_ERROR_BYTES: usize = 64;

/// The message that a client begins with.
pub(super) fn initial_response(mechanism: Mechanism, name: &str, token: &Secret) -> Result<Secret, ClientFailure> {
    if !is_token(token.expose()) {
        return Err(ClientFailure::Token);
    }
    let head = match mechanism {
        Mechanism::OAuthBearer => format!("n,a={},\x01", encode_name(name)),
        _ => format!("user={name}\x01"),
    };
    let mut message = Zeroizing::new(Vec::with_capacity(head.len() + token.len() + 14));
    message.extend_from_slice(head.as_bytes());
    message.extend_from_slice(b"auth=Bearer ");
    message.extend_from_slice(token.expose());
    message.extend_from_slice(b"\x01\x01");
    Ok(Secret::new(message.as_slice()))
}

/// What a client says to an error, so that the server ends the exchange.
pub(super) fn error_response(mechanism: Mechanism) -> Secret {
    match mechanism {
        Mechanism::OAuthBearer => Secret::new(&b"\x01"[..]),
        _ => Secret::new(Vec::new()),
    }
}

/// The value of `status` in the server's JSON, such as `invalid_token` or `401`. What has other octets than such words
/// is not repeated.
pub(super) fn error_word(challenge: &[u8]) -> String {
    let found = std::str::from_utf8(challenge).ok().and_then(|text| {
        let (_, rest) = text.split_once("\"status\"")?;
        let rest = rest.trim_start().strip_prefix(':')?.trim_start();
        let word = match rest.strip_prefix('"') {
            Some(rest) => rest.split_once('"')?.0,
            None => rest.split([',', '}']).next()?.trim_end(),
        };
        let is_word = !word.is_empty()
            && word.len() <= MAX_ERROR_BYTES
            && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
        is_word.then(|| word.to_owned())
    });
    found.unwrap_or_else(|| "it does not say why".to_owned())
}

fn is_token(token: &[u8]) -> bool {
    let body = token.iter().rposition(|byte| *byte != b'=').map_or(&token[..0], |at| &token[..=at]);
    !body.is_empty() && body.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/".contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel_binding::ChannelBindings;
    use crate::client::{ClientContext, ClientExchange, Credentials};
    use crate::server::NONCE_BYTES;

    fn context<'a>(bindings: &'a ChannelBindings, tls_active: bool) -> ClientContext<'a> {
        ClientContext {
            offered: &Mechanism::BY_TOKEN,
            allowed: &Mechanism::BY_TOKEN,
            tls_active,
            client_certificate: false,
            channel_bindings: bindings,
            nonce: [7; NONCE_BYTES],
        }
    }

    fn start(
        mechanism: Mechanism,
        name: &str,
        token: &str,
        tls: bool,
    ) -> Result<(ClientExchange, Option<Secret>), ClientFailure> {
        let credentials =
            Credentials { authentication_id: name.into(), authorization_id: None, password: Secret::new(token) };
        let bindings = ChannelBindings::default();
        ClientExchange::start(mechanism, &credentials, &context(&bindings, tls))
    }

    fn check(mechanism: Mechanism, name: &str, expected: &str) {
        let (exchange, first) = start(mechanism, name, "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==", true).unwrap();
        assert_eq!(first.unwrap().expose_str(), Some(expected));
        assert_eq!(exchange.finish(None), Ok(()));
    }

    #[test]
    fn the_examples_of_the_standards() {
        // RFC 7628 §4.1, without host and port, which a bearer token has no use for.
        let expected = "n,a=user@example.com,\x01auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\x01\x01";
        check(Mechanism::OAuthBearer, "user@example.com", expected);
        let expected = "user=user@example.com\x01auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\x01\x01";
        check(Mechanism::XOAuth2, "user@example.com", expected);
        let expected = "n,a=a=2Cb=3Dc,\x01auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\x01\x01";
        check(Mechanism::OAuthBearer, "a,b=c", expected);
    }

    #[test]
    fn nothing_slips_in_beside_a_token() {
        for mechanism in Mechanism::BY_TOKEN {
            for token in ["", "==", "a b", "a\x01auth=Bearer b", "a\r\nb", "ä"] {
                assert_eq!(start(mechanism, "ann", token, true).unwrap_err(), ClientFailure::Token, "{token:?}");
            }
            assert!(matches!(start(mechanism, "ann\x01", "t", true), Err(ClientFailure::Name(_))));
            assert_eq!(start(mechanism, "ann", "t", false).unwrap_err(), ClientFailure::NotPermitted(mechanism));
        }
    }

    #[test]
    fn an_error_is_answered_so_that_the_server_can_say_no() {
        for (mechanism, answer) in [(Mechanism::OAuthBearer, &b"\x01"[..]), (Mechanism::XOAuth2, b"")] {
            let (mut exchange, _) = start(mechanism, "ann", "t", true).unwrap();
            let error = br#"{"status":"invalid_token","scope":"mail","openid-configuration":"https://x.example/"}"#;
            assert_eq!(exchange.respond(error).unwrap().expose(), answer);
            assert_eq!(exchange.token_error(), Some("invalid_token"));
            assert_eq!(exchange.respond(error).unwrap_err(), ClientFailure::UnexpectedChallenge);
            let (mut exchange, _) = start(mechanism, "ann", "t", true).unwrap();
            exchange.respond(b"{}").unwrap();
            assert_eq!(exchange.finish(None), Err(ClientFailure::PrematureSuccess), "an error is no success");
        }
    }

    #[test]
    fn words_for_errors() {
        for (challenge, expected) in [
            (r#"{"status":"401","schemes":"bearer","scope":"https://mail.google.com/"}"#, "401"),
            (r#"{ "scope" : "x", "status" : 400 }"#, "400"),
            (r#"{"status":"\u001b[31m"}"#, "it does not say why"),
            (r#"{"status":"}"#, "it does not say why"),
            ("status", "it does not say why"),
            ("", "it does not say why"),
        ] {
            assert_eq!(error_word(challenge.as_bytes()), expected, "{challenge}");
        }
        assert_eq!(error_word(&[0xff, 0xfe]), "it does not say why");
    }
}

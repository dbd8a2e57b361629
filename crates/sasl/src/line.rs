//! How challenges and responses travel in the lines of SMTP, IMAP and POP3: base64, `=` for an empty initial
//! response, `*` to cancel.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use posthouse_model::Secret;

/// The longest encoded response, in bytes without CRLF (RFC 4954 §4: 12288 octets suffice for all deployed
/// mechanisms).
pub const MAX_EXCHANGE_BYTES: usize = 12_288;

/// What a client's line says in the middle of an exchange.
#[derive(Debug)]
pub enum Line {
    /// The decoded response; empty if the line was. It may hold a password.
    Response(Secret),
    /// The client gives up: a single `*` (RFC 4954 §4, RFC 9051 §6.2.2, RFC 5034 §4).
    Cancel,
}

/// Why a line is no response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// The line is longer than [`MAX_EXCHANGE_BYTES`].
    #[error("a response of {bytes} bytes, more than {MAX_EXCHANGE_BYTES}")]
    TooLong {
        /// Its length in bytes.
        bytes: usize,
    },
    /// The line is not base64 as RFC 4648 §4 has it: alphabet, padding and unused bits all count.
    #[error("the response is not base64")]
    Base64,
}

/// Decodes a line that answers a challenge, without its CRLF.
///
/// # Errors
/// If the line is too long or is not base64.
pub fn decode_line(line: &[u8]) -> Result<Line, LineError> {
    if line == b"*" {
        return Ok(Line::Cancel);
    }
    decode(line).map(Line::Response)
}

/// Decodes the initial response of a command, where `=` stands for an empty one (RFC 4954 §4, RFC 4959 §3).
///
/// # Errors
/// If it is too long or is not base64. Nothing at all is an error too: the command then has no initial response.
pub fn decode_initial_response(argument: &[u8]) -> Result<Secret, LineError> {
    match argument {
        b"=" => Ok(Secret::new(Vec::new())),
        b"" => Err(LineError::Base64),
        _ => decode(argument),
    }
}

/// Encodes a challenge or a response; an empty one gives an empty line.
#[must_use]
pub fn encode_line(message: &[u8]) -> String {
    STANDARD.encode(message)
}

/// Encodes an initial response; an empty one gives `=` (RFC 4954 §4).
#[must_use]
pub fn encode_initial_response(message: &[u8]) -> String {
    if message.is_empty() { "=".to_owned() } else { encode_line(message) }
}

fn decode(encoded: &[u8]) -> Result<Secret, LineError> {
    if encoded.len() > MAX_EXCHANGE_BYTES {
        return Err(LineError::TooLong { bytes: encoded.len() });
    }
    STANDARD.decode(encoded).map(Secret::new).map_err(|_| LineError::Base64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(line: &[u8], expected: Result<&[u8], LineError>) {
        let decoded = decode_line(line).map(|line| match line {
            Line::Response(response) => response.expose().to_vec(),
            Line::Cancel => b"cancel".to_vec(),
        });
        assert_eq!(decoded.as_deref().map_err(|error| *error), expected);
    }

    #[test]
    fn lines_are_strict_base64() {
        check(b"", Ok(b""));
        check(b"*", Ok(b"cancel"));
        check(b"AGEAYg==", Ok(b"\0a\0b"));
        for bad in [&b"="[..], b"AGEAYg", b"AGEAYh==", b"AGEAYg==\r", b" AGEAYg==", b"AG-_", b"**", b"AGEAYg===", b"A"]
        {
            check(bad, Err(LineError::Base64));
        }
    }

    #[test]
    fn lines_are_bounded() {
        let longest = vec![b'A'; MAX_EXCHANGE_BYTES];
        assert!(decode_line(&longest).is_ok());
        let longer = vec![b'A'; MAX_EXCHANGE_BYTES + 4];
        check(&longer, Err(LineError::TooLong { bytes: MAX_EXCHANGE_BYTES + 4 }));
        assert!(decode_initial_response(&longer).is_err());
    }

    #[test]
    fn an_empty_initial_response_is_an_equals_sign() {
        assert_eq!(encode_initial_response(b""), "=");
        assert_eq!(encode_initial_response(b"a"), "YQ==");
        assert_eq!(encode_line(b""), "");
        assert!(decode_initial_response(b"=").unwrap().expose().is_empty());
        assert_eq!(decode_initial_response(b"YQ==").unwrap().expose(), b"a");
        assert_eq!(decode_initial_response(b"").unwrap_err(), LineError::Base64);
        assert_eq!(decode_initial_response(b"*").unwrap_err(), LineError::Base64);
    }

    proptest! {
        #[test]
        fn what_is_encoded_decodes(message: Vec<u8>) {
            let Ok(Line::Response(decoded)) = decode_line(encode_line(&message).as_bytes()) else {
                panic!("not a response");
            };
            prop_assert_eq!(decoded.expose(), &message[..]);
            let initial = decode_initial_response(encode_initial_response(&message).as_bytes()).unwrap();
            prop_assert_eq!(initial.expose(), &message[..]);
        }

        #[test]
        fn random_lines_do_not_panic(line: Vec<u8>) {
            let _ = decode_line(&line);
            let _ = decode_initial_response(&line);
        }
    }
}

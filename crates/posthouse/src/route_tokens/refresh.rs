//! One request for a token (RFC 6749 §6), and its answer.

use std::time::Duration;

use posthouse_model::Secret;
use posthouse_storage::routes::TokenRefresh;
use serde::Deserialize;
use thiserror::Error;
use zeroize::Zeroizing;

use posthouse_server::https::{HttpsClient, HttpsError};

/// Longest answer, in octets. Tokens have some thousand.
const MAX_ANSWER_BYTES: usize = 64 * 1024;
/// Longest word for an error that is told, in octets.
const MAX_ERROR_BYTES: usize = 64;
/// How long a token is good whose answer does not say it (RFC 6749 §5.1 recommends that it does).
const USUAL_LIFETIME: Duration = Duration::from_secs(5 * 60);
/// The longest that an answer is believed.
const LONGEST_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// What was granted.
pub(super) struct Granted {
    pub token: Secret,
    /// How long it is good.
    pub lasts: Duration,
    /// What takes the place of the refresh token.
    pub refresh_token: Option<Secret>,
}

/// Why there is no token.
#[derive(Debug, Error, PartialEq, Eq)]
pub(super) enum RefreshError {
    /// The endpoint cannot be asked.
    #[error("{0}")]
    Https(#[from] HttpsError),
    /// It refuses, in its word for it (RFC 6749 §5.2).
    #[error("it refuses: {0}")]
    Refused(String),
    /// What it says is no answer.
    #[error("its answer (HTTP {0}) cannot be read")]
    Unreadable(u16),
    /// It gives tokens that are to be shown in a way that we do not have (RFC 6749 §7.1).
    #[error("it gives tokens of another kind than Bearer")]
    NotBearer,
}

/// RFC 6749 §5.1.
#[derive(Deserialize)]
struct Answer {
    access_token: String,
    token_type: Option<String>,
    expires_in: Option<Lifetime>,
    refresh_token: Option<String>,
}

/// In seconds. quirk: some write the number as text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Lifetime {
    Number(u64),
    Text(String),
}

/// RFC 6749 §5.2.
#[derive(Deserialize)]
struct ErrorAnswer {
    error: String,
}

/// Gets a token for `refresh_token`.
pub(super) async fn refreshed(
    https: &HttpsClient,
    refresh: &TokenRefresh,
    refresh_token: &Secret,
) -> Result<Granted, RefreshError> {
    let body = request(refresh, refresh_token);
    let media_type = "application/x-www-form-urlencoded";
    let response = https.post(&refresh.endpoint, media_type, &body, MAX_ANSWER_BYTES).await?;
    read(response.status, &Zeroizing::new(response.body))
}

/// RFC 6749 §2.3.1: the client's secret goes in the body, which all endpoints that mail needs take.
fn request(refresh: &TokenRefresh, refresh_token: &Secret) -> Zeroizing<Vec<u8>> {
    let mut form = Zeroizing::new(b"grant_type=refresh_token".to_vec());
    let fields = [
        ("client_id", Some(refresh.client_id.as_bytes())),
        ("client_secret", refresh.client_secret.as_ref().map(Secret::expose)),
        ("refresh_token", Some(refresh_token.expose())),
        ("scope", refresh.scope.as_ref().map(String::as_bytes)),
    ];
    for (name, value) in fields {
        if let Some(value) = value {
            form.extend_from_slice(format!("&{name}=").as_bytes());
            encode(value, &mut form);
        }
    }
    form
}

/// A value of a form: what is not unreserved is a percent sign and two digits (RFC 3986 §2.1).
fn encode(value: &[u8], form: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for &octet in value {
        if octet.is_ascii_alphanumeric() || b"-._~".contains(&octet) {
            form.push(octet);
        } else {
            form.extend([b'%', DIGITS[usize::from(octet >> 4)], DIGITS[usize::from(octet & 15)]]);
        }
    }
}

fn read(status: u16, body: &[u8]) -> Result<Granted, RefreshError> {
    if status != 200 {
        let answer: ErrorAnswer = serde_json::from_slice(body).map_err(|_| RefreshError::Unreadable(status))?;
        let is_word = answer.error.len() <= MAX_ERROR_BYTES
            && answer.error.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"_-.".contains(&octet));
        return Err(if is_word { RefreshError::Refused(answer.error) } else { RefreshError::Unreadable(status) });
    }
    let answer: Answer = serde_json::from_slice(body).map_err(|_| RefreshError::Unreadable(status))?;
    let (token, refresh_token) = (Secret::new(answer.access_token), answer.refresh_token.map(Secret::new));
    if answer.token_type.is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer")) {
        return Err(RefreshError::NotBearer);
    }
    let seconds = match answer.expires_in {
        Some(Lifetime::Number(seconds)) => Some(seconds),
        Some(Lifetime::Text(text)) => text.parse().ok(),
        None => None,
    };
    let lasts = seconds.map_or(USUAL_LIFETIME, Duration::from_secs).min(LONGEST_LIFETIME);
    Ok(Granted { token, lasts, refresh_token })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_encoded() {
        let refresh = TokenRefresh {
            endpoint: String::new(),
            client_id: "a&b=c".to_owned(),
            client_secret: Some(Secret::new("x y+z")),
            refresh_token: Secret::new("unused"),
            scope: None,
        };
        let form = request(&refresh, &Secret::new("1//0g\u{e4}"));
        let expected =
            "grant_type=refresh_token&client_id=a%26b%3Dc&client_secret=x%20y%2Bz&refresh_token=1%2F%2F0g%C3%A4";
        assert_eq!(std::str::from_utf8(&form), Ok(expected));
    }

    /// Token, seconds and new refresh token, or the error.
    fn check(status: u16, body: &str, expected: Result<(&str, u64, Option<&str>), &str>) {
        let found = read(status, body.as_bytes());
        let found = found.as_ref().map_err(ToString::to_string).map(|granted| {
            let text = |secret: &Secret| secret.expose_str().unwrap_or_default().to_owned();
            (text(&granted.token), granted.lasts.as_secs(), granted.refresh_token.as_ref().map(text))
        });
        let expected = expected.map(|(token, lasts, refresh)| (token.to_owned(), lasts, refresh.map(str::to_owned)));
        assert_eq!(found, expected.map_err(str::to_owned), "{body}");
    }

    #[test]
    fn answers_are_read() {
        check(200, r#"{"access_token":"t","token_type":"Bearer","expires_in":3599}"#, Ok(("t", 3599, None)));
        let renewed = r#"{"access_token":"t","token_type":"bearer","expires_in":"60","refresh_token":"r","x":[1]}"#;
        check(200, renewed, Ok(("t", 60, Some("r"))));
        check(200, r#"{"access_token":"t"}"#, Ok(("t", 300, None)));
        check(200, r#"{"access_token":"t","expires_in":99999999999}"#, Ok(("t", 86400, None)));
        check(200, r#"{"access_token":"t","token_type":"mac"}"#, Err("it gives tokens of another kind than Bearer"));
        check(400, r#"{"error":"invalid_grant","error_description":"gone"}"#, Err("it refuses: invalid_grant"));
        check(400, r#"{"error":"<b>no</b>"}"#, Err("its answer (HTTP 400) cannot be read"));
        for body in ["", "<html>", "{}", r#"{"access_token":7}"#] {
            check(200, body, Err("its answer (HTTP 200) cannot be read"));
            check(503, body, Err("its answer (HTTP 503) cannot be read"));
        }
    }
}

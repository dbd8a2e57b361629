//! A response of HTTP/1.1 (RFC 9112) in octets: pure functions.

use thiserror::Error;

/// Most octets of status line and header.
const MAX_HEAD_BYTES: usize = 16 * 1024;
/// Most octets of a line that says how long a chunk is.
const MAX_CHUNK_LINE_BYTES: usize = 256;
/// Most octets that the framing of chunks may add to a body.
pub(super) const MAX_FRAMING_BYTES: usize = 64 * 1024;

/// A response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The media type, in lower case, without its parameters.
    pub media_type: Option<String>,
    /// After how many seconds to come again (RFC 9110 §10.2.3); a date there is not read.
    pub retry_after_seconds: Option<u64>,
    /// The body.
    pub body: Vec<u8>,
}

/// What is no response.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ResponseError {
    /// It does not begin like one.
    #[error("the answer is not HTTP")]
    NotHttp,
    /// Its head is too long.
    #[error("the head of the answer is longer than {MAX_HEAD_BYTES} octets")]
    HeadTooLong,
    /// Its body is.
    #[error("the answer is longer than {0} octets")]
    BodyTooLong(usize),
    /// The chunks are not what they have to be.
    #[error("the answer's chunks are malformed")]
    BadChunk,
    /// It ends too early.
    #[error("the answer is cut short")]
    CutShort,
}

/// How the end of a body is found (RFC 9112 §6.3).
enum Framing {
    Length(usize),
    Chunked,
    UntilClose,
}

/// The response in `octets`, which are all that came so far; `None` while more is needed. `is_end` says that no more will
/// come, and `limit` is the longest body, in octets.
///
/// # Errors
/// When it is none, or too long.
pub(super) fn response_of(octets: &[u8], is_end: bool, limit: usize) -> Result<Option<Response>, ResponseError> {
    let looked_at = &octets[..octets.len().min(MAX_HEAD_BYTES)];
    let Some(head_ends) = looked_at.windows(4).position(|four| four == b"\r\n\r\n") else {
        return match (octets.len() >= MAX_HEAD_BYTES, is_end) {
            (true, _) => Err(ResponseError::HeadTooLong),
            (false, true) => Err(ResponseError::CutShort),
            (false, false) => Ok(None),
        };
    };
    let head = std::str::from_utf8(&octets[..head_ends]).map_err(|_| ResponseError::NotHttp)?;
    let rest = &octets[head_ends + 4..];
    let (status, fields) = head.split_once("\r\n").unwrap_or((head, ""));
    let status = status_of(status).ok_or(ResponseError::NotHttp)?;
    // RFC 9110 §15.2: what comes before the answer proper.
    if (100..200).contains(&status) {
        return response_of(rest, is_end, limit);
    }
    let body = match framing_of(fields) {
        // RFC 9110 §15.3.5, §15.4.5: these have no body, whatever their fields say.
        _ if matches!(status, 204 | 304) => Some(Vec::new()),
        Framing::Length(length) if length > limit => return Err(ResponseError::BodyTooLong(limit)),
        Framing::Length(length) => rest.get(..length).map(<[u8]>::to_vec),
        Framing::Chunked => unchunked(rest, limit)?,
        Framing::UntilClose if rest.len() > limit => return Err(ResponseError::BodyTooLong(limit)),
        Framing::UntilClose => is_end.then(|| rest.to_vec()),
    };
    match body {
        Some(body) => {
            let media_type = field(fields, "content-type").and_then(|value| value.split(';').next());
            let media_type = media_type.map(|value| value.trim().to_ascii_lowercase());
            let retry_after_seconds = field(fields, "retry-after").and_then(|value| value.parse().ok());
            Ok(Some(Response { status, media_type, retry_after_seconds, body }))
        }
        None if is_end => Err(ResponseError::CutShort),
        None => Ok(None),
    }
}

/// `HTTP/1.1 200 OK` (RFC 9112 §4).
fn status_of(line: &str) -> Option<u16> {
    let rest = line.strip_prefix("HTTP/1.1 ").or_else(|| line.strip_prefix("HTTP/1.0 "))?;
    let code = rest.get(..3).filter(|_| matches!(rest.as_bytes().get(3), None | Some(b' ')))?;
    code.parse().ok().filter(|code| (100..600).contains(code))
}

fn framing_of(fields: &str) -> Framing {
    // RFC 9112 §6.1: chunks come before a length.
    if field(fields, "transfer-encoding").is_some_and(|value| value.to_ascii_lowercase().ends_with("chunked")) {
        return Framing::Chunked;
    }
    match field(fields, "content-length").map(str::parse) {
        Some(Ok(length)) => Framing::Length(length),
        Some(Err(_)) => Framing::Length(usize::MAX),
        None => Framing::UntilClose,
    }
}

fn field<'a>(fields: &'a str, name: &str) -> Option<&'a str> {
    let named = |line: &'a str| line.split_once(':').filter(|(key, _)| key.eq_ignore_ascii_case(name));
    fields.split("\r\n").find_map(named).map(|(_, value)| value.trim())
}

/// The body in chunks (RFC 9112 §7.1); `None` while more is needed.
fn unchunked(mut rest: &[u8], limit: usize) -> Result<Option<Vec<u8>>, ResponseError> {
    let mut body = Vec::new();
    loop {
        let looked_at = &rest[..rest.len().min(MAX_CHUNK_LINE_BYTES)];
        let Some(line_ends) = looked_at.windows(2).position(|two| two == b"\r\n") else {
            return if rest.len() >= MAX_CHUNK_LINE_BYTES { Err(ResponseError::BadChunk) } else { Ok(None) };
        };
        let line = std::str::from_utf8(&rest[..line_ends]).map_err(|_| ResponseError::BadChunk)?;
        let digits = line.split(';').next().unwrap_or_default().trim_end();
        // A plus sign is a number to the library, and none here.
        let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        let length =
            is_number.then(|| usize::from_str_radix(digits, 16).ok()).flatten().ok_or(ResponseError::BadChunk)?;
        if length > limit - body.len() {
            return Err(ResponseError::BodyTooLong(limit));
        }
        rest = &rest[line_ends + 2..];
        if length == 0 {
            // What trails is of no use to us.
            return Ok(Some(body));
        }
        let Some(chunk) = rest.get(..length + 2) else { return Ok(None) };
        let chunk = chunk.strip_suffix(b"\r\n").ok_or(ResponseError::BadChunk)?;
        body.extend_from_slice(chunk);
        rest = &rest[length + 2..];
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMIT: usize = 20;

    /// The body of what came, or the error; `None` while more is needed.
    fn check(octets: &str, is_end: bool, expected: Result<Option<&str>, ResponseError>) {
        let found = response_of(octets.as_bytes(), is_end, LIMIT);
        let body =
            found.map(|found| found.map(|found| format!("{} {}", found.status, String::from_utf8_lossy(&found.body))));
        assert_eq!(body, expected.map(|text| text.map(str::to_owned)), "{octets:?}");
    }

    #[test]
    fn bodies_end_in_three_ways() {
        check("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello and more", false, Ok(Some("200 hello")));
        check("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", false, Ok(None));
        check("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", true, Err(ResponseError::CutShort));
        check("HTTP/1.0 404 No\r\n\r\nnone", false, Ok(None));
        check("HTTP/1.0 404 No\r\n\r\nnone", true, Ok(Some("404 none")));
        let chunked = "HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n";
        check(&format!("{chunked}3;x=y\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"), false, Ok(Some("200 abcde")));
        check(&format!("{chunked}3\r\nabc\r\n2\r\nd"), false, Ok(None));
        check(&format!("{chunked}3\r\nabcd\r\n"), false, Err(ResponseError::BadChunk));
        check(&format!("{chunked}+3\r\nabc\r\n"), false, Err(ResponseError::BadChunk));
        check("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 None\r\n\r\n", false, Ok(Some("204 ")));
    }

    #[test]
    fn when_to_come_again_is_read() {
        let wait = |value: &str| {
            let octets = format!("HTTP/1.1 503 Later\r\nRetry-After: {value}\r\nContent-Length: 0\r\n\r\n");
            response_of(octets.as_bytes(), false, LIMIT).unwrap().unwrap().retry_after_seconds
        };
        assert_eq!((wait("7"), wait("-7"), wait("Fri, 31 Dec 1999 23:59:59 GMT")), (Some(7), None, None));
    }

    #[test]
    fn limits_hold() {
        let too_long = || Err(ResponseError::BodyTooLong(LIMIT));
        check("HTTP/1.1 200 OK\r\nContent-Length: 21\r\n\r\n", false, too_long());
        check("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", false, too_long());
        check("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n15\r\n", false, too_long());
        check("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n", false, too_long());
        check(&format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(21)), false, too_long());
        check(&"x".repeat(MAX_HEAD_BYTES), false, Err(ResponseError::HeadTooLong));
        check("220 mx ESMTP\r\n\r\n", false, Err(ResponseError::NotHttp));
        check("", true, Err(ResponseError::CutShort));
    }

    #[test]
    fn media_types() {
        let octets = b"HTTP/1.1 200 OK\r\ncontent-type: Text/Plain; charset=utf-8\r\n\r\n";
        let found = response_of(octets, true, LIMIT).unwrap().unwrap();
        assert_eq!(found.media_type.as_deref(), Some("text/plain"));
    }

    proptest! {
        #[test]
        fn nothing_panics(octets in proptest::collection::vec(any::<u8>(), 0..200), is_end: bool) {
            let _ = response_of(&octets, is_end, LIMIT);
            let chunked = [&b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"[..], &octets].concat();
            let _ = response_of(&chunked, is_end, LIMIT);
        }
    }
}

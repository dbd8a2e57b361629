//! What is answered.

use bytes::Bytes;
use posthouse_mime::DateTime;
use posthouse_model::UnixMillis;

/// A reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// The media type.
    pub media_type: &'static str,
    /// The body.
    pub body: Bytes,
    /// The methods that there are, where the one of the request is not among them.
    pub allow: Option<&'static str>,
}

impl Reply {
    /// A reply whose body is text.
    pub fn text(status: u16, media_type: &'static str, body: impl Into<Bytes>) -> Self {
        Self { status, media_type, body: body.into(), allow: None }
    }

    /// A reply that says its status, and no more.
    pub fn plain(status: u16) -> Self {
        Self::text(status, "text/plain; charset=utf-8", format!("{}\n", reason(status)))
    }

    /// That only these methods are for the path.
    pub fn only(allow: &'static str) -> Self {
        Self { allow: Some(allow), ..Self::plain(405) }
    }

    /// Its octets. Without the body, where only what is said about it is wanted (HEAD).
    pub(crate) fn octets(&self, now: UnixMillis, with_body: bool) -> Vec<u8> {
        let date = DateTime { unix_seconds: now.seconds(), offset_minutes: 0 }.to_rfc5322().replace("+0000", "GMT");
        let mut head = format!(
            "HTTP/1.1 {} {}\r\nDate: {date}\r\nContent-Type: {}\r\nContent-Length: {}\r\n\
             X-Content-Type-Options: nosniff\r\nConnection: close\r\n",
            self.status,
            reason(self.status),
            self.media_type,
            self.body.len()
        );
        if let Some(allow) = self.allow {
            head += &format!("Allow: {allow}\r\n");
        }
        head += "\r\n";
        let mut octets = head.into_bytes();
        if with_body {
            octets.extend_from_slice(&self.body);
        }
        octets
    }
}

/// The words for a status (RFC 9110 §15).
fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        413 => "Content Too Large",
        414 => "URI Too Long",
        415 => "Unsupported Media Type",
        417 => "Expectation Failed",
        422 => "Unprocessable Content",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        503 => "Service Unavailable",
        505 => "HTTP Version Not Supported",
        _ => "Unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octets_of_a_reply() {
        let now = UnixMillis(784_111_777_000);
        let text = String::from_utf8(Reply::text(200, "text/plain", "hi\n").octets(now, true)).unwrap();
        assert!(text.starts_with("HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"), "{text}");
        assert!(
            text.contains("\r\nContent-Length: 3\r\n") && text.ends_with("\r\nConnection: close\r\n\r\nhi\n"),
            "{text}"
        );
        let text = String::from_utf8(Reply::only("GET, HEAD").octets(now, false)).unwrap();
        assert!(text.ends_with("\r\nAllow: GET, HEAD\r\n\r\n"), "{text}");
    }
}

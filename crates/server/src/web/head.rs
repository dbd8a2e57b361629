//! The head of a request: a pure function.
//!
//! What RFC 9112 lets a server forgive is not forgiven here: bare CR or LF, folded fields, white space before a colon, two
//! lengths, a length beside an encoding. Each of them has made two programs see two requests where there is one.

use super::fault::Fault;
use super::site::Method;

/// Longest head, in octets.
const MAX_HEAD_BYTES: usize = 8 * 1024;
/// Longest first line, in octets.
const MAX_TARGET_LINE_BYTES: usize = 2 * 1024;
/// Most fields.
const MAX_FIELDS: usize = 64;
/// Most digits of a length.
const MAX_LENGTH_DIGITS: usize = 10;

/// How the end of the body is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// There is none.
    None,
    /// It has so many octets.
    Length(u64),
    /// It comes in chunks.
    Chunked,
}

/// The head of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) host: String,
    pub(crate) media_type: String,
    pub(crate) framing: Framing,
    /// Whether the client waits until it is told to go on (RFC 9110 §10.1.1).
    pub(crate) expects_continue: bool,
}

/// The head at the beginning of `octets`, and how many of them it has; `None` while more is needed.
///
/// # Errors
/// When there will never be one.
pub(crate) fn head_of(octets: &[u8]) -> Result<Option<(Head, usize)>, Fault> {
    // RFC 9112 §2.2: one empty line may stand in front.
    let skipped = if octets.starts_with(b"\r\n") { 2 } else { 0 };
    let rest = &octets[skipped..];
    let looked_at = &rest[..rest.len().min(MAX_HEAD_BYTES)];
    let line_ends = looked_at.windows(2).position(|two| two == b"\r\n");
    if line_ends.unwrap_or(looked_at.len()) > MAX_TARGET_LINE_BYTES {
        return Err(Fault::TargetTooLong);
    }
    let Some(ends) = looked_at.windows(4).position(|four| four == b"\r\n\r\n") else {
        check_octets(looked_at)?;
        return if rest.len() >= MAX_HEAD_BYTES { Err(Fault::HeadTooLong) } else { Ok(None) };
    };
    check_octets(&looked_at[..ends])?;
    let text = std::str::from_utf8(&looked_at[..ends]).map_err(|_| Fault::Malformed("octets beyond ASCII"))?;
    let (line, fields) = text.split_once("\r\n").unwrap_or((text, ""));
    Ok(Some((read(line, fields)?, skipped + ends + 4)))
}

/// Whether there is anything that may not be in a head: other control characters than tabs, and CR or LF by itself.
fn check_octets(head: &[u8]) -> Result<(), Fault> {
    for (at, octet) in head.iter().enumerate() {
        let is_allowed = match octet {
            b'\r' => head.get(at + 1).is_none_or(|next| *next == b'\n'),
            b'\n' => at > 0 && head[at - 1] == b'\r',
            b'\t' | b' '..=b'~' => true,
            _ => false,
        };
        if !is_allowed {
            return Err(Fault::Malformed("an octet that may not be in a head"));
        }
    }
    Ok(())
}

/// ```text
/// request-line = method SP request-target SP HTTP-version     ; RFC 9112 §3
/// ```
fn read(line: &str, fields: &str) -> Result<Head, Fault> {
    let words: Vec<&str> = line.split(' ').collect();
    let [method, target, version] = words.as_slice() else { return Err(Fault::Malformed("the first line")) };
    let is_old = match *version {
        "HTTP/1.1" => false,
        "HTTP/1.0" => true,
        other if other.starts_with("HTTP/") => return Err(Fault::Version),
        _ => return Err(Fault::Malformed("the version")),
    };
    let method = match *method {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "POST" => Method::Post,
        other if is_token(other) => return Err(Fault::NotImplemented),
        _ => return Err(Fault::Malformed("the method")),
    };
    let fields = Fields::read(fields)?;
    let (authority, path) = parts_of(target)?;
    let host = fields.only("host")?;
    if host.is_none() && !is_old {
        // RFC 9112 §3.2.
        return Err(Fault::Malformed("no host"));
    }
    let host = host_of(authority.or(host).unwrap_or_default())?;
    let expects_continue = match fields.only("expect")? {
        None => false,
        Some(expected) if expected.eq_ignore_ascii_case("100-continue") => !is_old,
        Some(_) => return Err(Fault::Expectation),
    };
    let framing = framing_of(&fields, is_old)?;
    if method != Method::Post && framing != Framing::None {
        return Err(Fault::Malformed("a body where none belongs"));
    }
    let media_type = fields.only("content-type")?.unwrap_or_default().to_owned();
    Ok(Head { method, path: path.to_owned(), host, media_type, framing, expects_continue })
}

/// RFC 9112 §6.3: what could be understood in two ways is not understood at all.
fn framing_of(fields: &Fields<'_>, is_old: bool) -> Result<Framing, Fault> {
    match (fields.only("transfer-encoding")?, fields.only("content-length")?) {
        (Some(_), Some(_)) => Err(Fault::Malformed("two ways to find the end of the body")),
        (Some(_), None) if is_old => Err(Fault::Malformed("an encoding in HTTP/1.0")),
        (Some(encoding), None) if encoding.eq_ignore_ascii_case("chunked") => Ok(Framing::Chunked),
        (Some(_), None) => Err(Fault::NotImplemented),
        (None, Some(length)) => {
            let is_number = !length.is_empty() && length.bytes().all(|octet| octet.is_ascii_digit());
            match length.parse() {
                _ if !is_number => Err(Fault::Malformed("the length")),
                Ok(0) => Ok(Framing::None),
                Ok(octets) if length.len() <= MAX_LENGTH_DIGITS => Ok(Framing::Length(octets)),
                _ => Err(Fault::BodyTooLong),
            }
        }
        (None, None) => Ok(Framing::None),
    }
}

/// The authority, if the target has one, and the path. What asks for another thing than a path on a host (CONNECT, `*`)
/// has none.
fn parts_of(target: &str) -> Result<(Option<&str>, &str), Fault> {
    let without_query = target.split('?').next().unwrap_or_default();
    if without_query.starts_with('/') {
        return Ok((None, without_query));
    }
    // RFC 9112 §3.2.2: a server has to take the absolute form.
    let rest = ["https://", "http://"].iter().find_map(|scheme| without_query.strip_prefix(scheme));
    let rest = rest.ok_or(Fault::Malformed("the target"))?;
    match rest.find('/') {
        Some(at) => Ok((Some(&rest[..at]), &rest[at..])),
        None => Ok((Some(rest), "/")),
    }
}

/// The host without its port, in lower case.
fn host_of(authority: &str) -> Result<String, Fault> {
    let is_port = |port: &str| port.bytes().all(|octet| octet.is_ascii_digit());
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if is_port(port) => host,
        _ => authority,
    };
    let is_host = |octet: u8| octet.is_ascii_alphanumeric() || b"-._[]:".contains(&octet);
    match host.bytes().all(is_host) {
        true => Ok(host.trim_end_matches('.').to_ascii_lowercase()),
        false => Err(Fault::Malformed("the host")),
    }
}

/// ```text
/// token = 1*tchar                                             ; RFC 9110 §5.6.2
/// ```
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&octet))
}

struct Fields<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Fields<'a> {
    /// ```text
    /// field-line = field-name ":" OWS field-value OWS         ; RFC 9112 §5
    /// ```
    fn read(text: &'a str) -> Result<Self, Fault> {
        let mut fields = Vec::new();
        for line in text.split("\r\n").filter(|line| !line.is_empty()) {
            let (name, value) = line.split_once(':').ok_or(Fault::Malformed("a field"))?;
            // RFC 9112 §5.1, §5.2: no white space before the colon, and no folded fields.
            if !is_token(name) {
                return Err(Fault::Malformed("the name of a field"));
            }
            if fields.len() >= MAX_FIELDS {
                return Err(Fault::HeadTooLong);
            }
            fields.push((name, value.trim_matches([' ', '\t'])));
        }
        Ok(Self(fields))
    }

    /// The value of a field that may be there once.
    fn only(&self, name: &str) -> Result<Option<&'a str>, Fault> {
        let mut found = self.0.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| *value);
        match (found.next(), found.next()) {
            (_, Some(_)) => Err(Fault::Malformed("a field that may be there once")),
            (first, None) => Ok(first),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn head(text: &str) -> Result<Head, Fault> {
        head_of(text.as_bytes()).map(|found| found.expect("a whole head").0)
    }

    #[test]
    fn heads() {
        let text = "GET /.well-known/mta-sts.txt?x=y HTTP/1.1\r\nHost: MTA-STS.Example.org.:8443\r\nX: y\r\n\r\nrest";
        let (found, length) = head_of(text.as_bytes()).unwrap().unwrap();
        assert_eq!((found.path.as_str(), found.host.as_str()), ("/.well-known/mta-sts.txt", "mta-sts.example.org"));
        assert_eq!((found.framing, length), (Framing::None, text.len() - 4));
        for at in 0..text.len() - 4 {
            assert_eq!(head_of(&text.as_bytes()[..at]), Ok(None), "{at}");
        }
        assert_eq!(head("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap().path, "/");
        assert_eq!(head("GET / HTTP/1.0\r\n\r\n").unwrap().host, "");
        let absolute = head("GET https://b.example/x HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        assert_eq!((absolute.host.as_str(), absolute.path.as_str()), ("b.example", "/x"));
        let post = |fields: &str| head(&format!("POST /x HTTP/1.1\r\nHost: a\r\n{fields}\r\n"));
        assert_eq!(post("Content-Length: 12\r\n").unwrap().framing, Framing::Length(12));
        assert_eq!(post("Transfer-Encoding: Chunked\r\n").unwrap().framing, Framing::Chunked);
        assert!(post("Content-Length: 1\r\nExpect: 100-Continue\r\n").unwrap().expects_continue);
        // Nothing leads out of a path that is compared as it is.
        assert_eq!(head("GET /../../etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n").unwrap().path, "/../../etc/passwd");
    }

    /// The attacks: each of these has been one request to one program and two to another, or something else than it seems.
    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        let malformed = |text: &str| {
            assert!(
                matches!(head_of(text.as_bytes()), Err(Fault::Malformed(_))),
                "{text:?}: {:?}",
                head_of(text.as_bytes())
            );
        };
        for fields in [
            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
            "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
            "Content-Length: 5\r\nContent-Length: 6\r\n",
            "Content-Length: 5\r\nContent-Length: 5\r\n",
            "Content-Length: 5, 5\r\n",
            "Content-Length: +5\r\n",
            "Content-Length: -1\r\n",
            "Content-Length: 0x5\r\n",
            "Content-Length:\r\n",
            "Content-Length : 5\r\n",
            "Content-Length: 5\n\r\n",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
            "Transfer-Encoding : chunked\r\n",
            "Transfer-Encoding:\u{b}chunked\r\n",
            "X: y\r\n Transfer-Encoding: chunked\r\n",
            "X: y\rTransfer-Encoding: chunked\r\n",
            "X: y\nTransfer-Encoding: chunked\r\n",
            "X\0: y\r\n",
            ": y\r\n",
            "no colon\r\n",
            "Host: b\r\n",
        ] {
            malformed(&format!("POST /x HTTP/1.1\r\nHost: a\r\n{fields}\r\n"));
        }
        for line in [
            "GET / HTTP/1.1\r\n",
            "GET  / HTTP/1.1\r\nHost: a\r\n",
            "GET / HTTP/1.1 \r\nHost: a\r\n",
            "GET / \r\nHost: a\r\n",
            "GET /\r\nHost: a\r\n",
            "GET /a b HTTP/1.1\r\nHost: a\r\n",
            "GET * HTTP/1.1\r\nHost: a\r\n",
            "GET x/y HTTP/1.1\r\nHost: a\r\n",
            "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n",
            "G(T / HTTP/1.1\r\nHost: a\r\n",
            "GET / http/1.1\r\nHost: a\r\n",
            "GET / HTTP/1.1\r\nHost: a/b\r\n",
            "GET / HTTP/1.1\r\nHost: a@b\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n",
            "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n",
            "GET /\u{e9} HTTP/1.1\r\nHost: a\r\n",
        ] {
            malformed(&format!("{line}\r\n"));
        }
        for (text, fault) in [
            ("PUT / HTTP/1.1\r\nHost: a\r\n\r\n", Fault::NotImplemented),
            ("PRI * HTTP/2.0\r\n\r\n", Fault::Version),
            ("GET / HTTP/1.2\r\nHost: a\r\n\r\n", Fault::Version),
            ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", Fault::NotImplemented),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n", Fault::BodyTooLong),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999999999999999999\r\n\r\n", Fault::BodyTooLong),
            ("GET / HTTP/1.1\r\nHost: a\r\nExpect: miracle\r\n\r\n", Fault::Expectation),
        ] {
            assert_eq!(head(text).unwrap_err(), fault, "{text}");
        }
    }

    #[test]
    fn heads_are_bounded() {
        let long = format!("GET /{} HTTP/1.1\r\n", "x".repeat(MAX_TARGET_LINE_BYTES));
        assert_eq!(head_of(long.as_bytes()), Err(Fault::TargetTooLong));
        assert_eq!(head_of(&long.as_bytes()[..long.len() - 2]), Err(Fault::TargetTooLong));
        let wide = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}", "y".repeat(MAX_HEAD_BYTES));
        assert_eq!(head_of(wide.as_bytes()), Err(Fault::HeadTooLong));
        let many = format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(MAX_FIELDS));
        assert_eq!(head_of(many.as_bytes()), Err(Fault::HeadTooLong));
    }

    proptest! {
        #[test]
        fn nothing_panics(octets in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = head_of(&octets);
        }

        #[test]
        fn nothing_like_a_head_panics(text in "(GET|POST) [/a:?]{0,9} HTTP/1.[01](\r\n[A-Za-z -]{0,18}:[ -~]{0,9}){0,5}\r\n\r\n") {
            let _ = head_of(text.as_bytes());
        }
    }
}

//! Domains, local parts and mail addresses as SMTP writes them.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use thiserror::Error;

/// Longest local part, in octets (RFC 5321 §4.5.3.1.1).
pub const MAX_LOCAL_PART_BYTES: usize = 64;
/// Longest domain, in octets, in its ASCII form (RFC 5321 §4.5.3.1.2).
pub const MAX_DOMAIN_BYTES: usize = 255;
/// Longest path without its angle brackets, in octets (RFC 5321 §4.5.3.1.3 counts them: 256).
pub const MAX_ADDRESS_BYTES: usize = 254;
/// Longest label of a domain, in octets (RFC 1035 §2.3.4).
const MAX_LABEL_BYTES: usize = 63;

/// Why a text is no address.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum AddressError {
    /// There is no `@` with something on both sides.
    #[error("an address has the form local-part@domain")]
    NoAt,
    /// The part before the `@` breaks the grammar of RFC 5321 §4.1.2.
    #[error("the part before the @ is not a dot-atom or a quoted string")]
    BadLocalPart,
    /// The part before the `@` is too long.
    #[error("the part before the @ has more than {MAX_LOCAL_PART_BYTES} octets")]
    LocalPartTooLong,
    /// The part after the `@` is neither a domain name nor an address literal.
    #[error("the part after the @ is neither a domain name nor an address literal")]
    BadDomain,
    /// The whole is too long.
    #[error("the address has more than {MAX_ADDRESS_BYTES} octets")]
    TooLong,
}

/// A domain name in ASCII form and lower case (internationalised labels as A-labels), or an address literal.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Domain(Arc<str>);

impl Domain {
    /// Reads a domain name, with U-labels or A-labels, or an address literal such as `[192.0.2.1]` or
    /// `[IPv6:2001:db8::1]`. A single dot at the end is dropped.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        if let Some(inner) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            let ip = parse_literal(inner).ok_or(AddressError::BadDomain)?;
            return Ok(Self::literal(ip));
        }
        let text = text.strip_suffix('.').unwrap_or(text);
        let ascii = if text.is_ascii() {
            text.to_ascii_lowercase()
        } else {
            idna::domain_to_ascii(text).map_err(|_| AddressError::BadDomain)?
        };
        if ascii.is_empty() || ascii.len() > MAX_DOMAIN_BYTES || !ascii.split('.').all(is_label) {
            return Err(AddressError::BadDomain);
        }
        Ok(Self(ascii.into()))
    }

    /// The address literal for `ip`.
    pub fn literal(ip: IpAddr) -> Self {
        match ip {
            IpAddr::V4(v4) => Self(format!("[{v4}]").into()),
            IpAddr::V6(v6) => Self(format!("[IPv6:{v6}]").into()),
        }
    }

    /// The ASCII form, as it goes into DNS and onto the wire.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The IP address, when this is an address literal.
    pub fn as_ip(&self) -> Option<IpAddr> {
        let inner = self.0.strip_prefix('[')?.strip_suffix(']')?;
        parse_literal(inner)
    }

    /// The form with U-labels, for people.
    pub fn to_unicode(&self) -> String {
        idna::domain_to_unicode(&self.0).0
    }
}

/// A label of letters, digits, hyphens and, because real hosts have them, underscores.
fn is_label(label: &str) -> bool {
    let inner = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    !label.is_empty()
        && label.len() <= MAX_LABEL_BYTES
        && label.bytes().all(inner)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// `IPv4-address-literal / IPv6-address-literal` of RFC 5321 §4.1.3; no general literals.
fn parse_literal(inner: &str) -> Option<IpAddr> {
    const TAG: &str = "IPv6:";
    match inner.get(..TAG.len()) {
        Some(tag) if tag.eq_ignore_ascii_case(TAG) => inner[TAG.len()..].parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        _ => inner.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The part of an address before the `@`, without the quotes and backslashes of its quoted form.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LocalPart(Arc<str>);

impl LocalPart {
    /// Reads a dot-atom or a quoted string (RFC 5321 §4.1.2), with UTF-8 allowed (RFC 6531 §3.3).
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let plain = match text.strip_prefix('"') {
            Some(rest) => unquote(rest).ok_or(AddressError::BadLocalPart)?,
            None if is_dot_atom(text) => text.to_owned(),
            None => return Err(AddressError::BadLocalPart),
        };
        if plain.len() > MAX_LOCAL_PART_BYTES {
            return Err(AddressError::LocalPartTooLong);
        }
        Ok(Self(plain.into()))
    }

    /// The plain text, without quotes.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Lower case, for looking an address up: local parts of our own domains do not differ by case.
    pub fn folded(&self) -> String {
        self.0.to_lowercase()
    }
}

fn is_atext(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c) || (!c.is_ascii() && !c.is_control())
}

fn is_dot_atom(text: &str) -> bool {
    text.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atext))
}

/// The inside of a quoted string, from after its opening quote to its closing one, which must be last.
fn unquote(rest: &str) -> Option<String> {
    let mut plain = String::new();
    let mut chars = rest.chars();
    loop {
        match chars.next()? {
            '"' => return chars.next().is_none().then_some(plain),
            '\\' => plain.push(chars.next().filter(|c| (' '..='~').contains(c))?),
            c if c.is_control() => return None,
            c => plain.push(c),
        }
    }
}

impl fmt::Display for LocalPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_dot_atom(&self.0) {
            return f.write_str(&self.0);
        }
        f.write_str("\"")?;
        for c in self.0.chars() {
            if c == '"' || c == '\\' {
                f.write_str("\\")?;
            }
            write!(f, "{c}")?;
        }
        f.write_str("\"")
    }
}

impl fmt::Debug for LocalPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A mail address: `Mailbox` of RFC 5321 §4.1.2. Displays in the form that goes onto the wire.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// Before the `@`.
    pub local_part: LocalPart,
    /// After the `@`.
    pub domain: Domain,
}

impl Address {
    /// Reads `local-part@domain`, without angle brackets or a source route.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let at = text.rfind('@').filter(|&at| at > 0).ok_or(AddressError::NoAt)?;
        let address = Self { local_part: LocalPart::parse(&text[..at])?, domain: Domain::parse(&text[at + 1..])? };
        if address.local_part.as_str().len() + 1 + address.domain.as_str().len() > MAX_ADDRESS_BYTES {
            return Err(AddressError::TooLong);
        }
        Ok(address)
    }

    /// Whether the local part needs SMTPUTF8 to travel (RFC 6531 §3.2); the domain can always go as A-labels.
    pub fn needs_smtputf8(&self) -> bool {
        !self.local_part.as_str().is_ascii()
    }

    /// Lower case throughout: the key under which addresses of our own domains are looked up, and the trail is
    /// indexed.
    pub fn folded(&self) -> String {
        format!("{}@{}", self.local_part.folded(), self.domain)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.local_part, self.domain)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The envelope's sender: an address, or nothing for messages to which nobody may answer with a bounce.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReversePath {
    /// `<>`.
    Null,
    /// `<local-part@domain>`.
    Address(Address),
}

impl ReversePath {
    /// The address, if there is one.
    pub fn address(&self) -> Option<&Address> {
        match self {
            Self::Null => None,
            Self::Address(address) => Some(address),
        }
    }
}

impl fmt::Display for ReversePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("<>"),
            Self::Address(address) => write!(f, "<{address}>"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<&str, AddressError>) {
        assert_eq!(Address::parse(text).map(|a| a.to_string()), expected.map(str::to_owned), "{text}");
    }

    #[test]
    fn addresses_parse_and_print() {
        check("a@b.example", Ok("a@b.example"));
        check("A.B+c@B.Example.", Ok("A.B+c@b.example"));
        check("\"a b\"@c.d", Ok("\"a b\"@c.d"));
        check("\"a\\\"b\"@c.d", Ok("\"a\\\"b\"@c.d"));
        check("\"plain\"@c.d", Ok("plain@c.d"));
        check("\"a@b\"@c.d", Ok("\"a@b\"@c.d"));
        check("a@[192.0.2.1]", Ok("a@[192.0.2.1]"));
        check("a@[ipv6:::1]", Ok("a@[IPv6:::1]"));
        check("jörg@bücher.example", Ok("jörg@xn--bcher-kva.example"));
    }

    #[test]
    fn broken_addresses_are_refused() {
        for text in ["", "a", "@b", "a@", "postmaster"] {
            assert!(Address::parse(text).is_err(), "{text}");
        }
        check(".a@b.c", Err(AddressError::BadLocalPart));
        check("a..b@c.d", Err(AddressError::BadLocalPart));
        check("a\r@b.c", Err(AddressError::BadLocalPart));
        check("a b@c.d", Err(AddressError::BadLocalPart));
        check("\"a\0\"@c.d", Err(AddressError::BadLocalPart));
        check("\"a\"b@c.d", Err(AddressError::BadLocalPart));
        check("a@b..c", Err(AddressError::BadDomain));
        check("a@-b.c", Err(AddressError::BadDomain));
        check("a@b c.d", Err(AddressError::BadDomain));
        check("a@[1.2.3]", Err(AddressError::BadDomain));
        check("a@[fe80::1]", Err(AddressError::BadDomain));
        check(&format!("{}@b.c", "x".repeat(65)), Err(AddressError::LocalPartTooLong));
    }

    #[test]
    fn folding_ignores_case() {
        assert_eq!(Address::parse("Ann.LEE@Example.ORG").unwrap().folded(), "ann.lee@example.org");
    }

    proptest::proptest! {
        #[test]
        fn what_prints_parses_again(text in "\\PC{0,20}@[a-zA-Z0-9.\\[\\]:-]{1,20}") {
            if let Ok(address) = Address::parse(&text) {
                proptest::prop_assert_eq!(Address::parse(&address.to_string()), Ok(address));
            }
        }
    }
}

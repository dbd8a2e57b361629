//! Paths: the addresses of MAIL and RCPT in their angle brackets.
//!
//! ```text
//! Reverse-path   = Path / "<>"
//! Forward-path   = Path
//! Path           = "<" [ A-d-l ":" ] Mailbox ">"
//! A-d-l          = At-domain *( "," At-domain )
//! At-domain      = "@" Domain
//! ```
//! (RFC 5321 §4.1.2; source routes are read, ignored and never written, appendix C)

use posthouse_model::{Address, Domain, LocalPart, ReversePath};

/// What RCPT may name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ForwardPath {
    /// `<Postmaster>`, the one recipient that needs no domain (RFC 5321 §4.5.1).
    Postmaster,
    /// An address.
    Address(Address),
}

impl ForwardPath {
    /// The address, with `host_name` for the domain that `<Postmaster>` lacks.
    #[must_use]
    pub fn address(&self, host_name: &Domain) -> Address {
        match self {
            Self::Address(address) => address.clone(),
            Self::Postmaster => Address {
                local_part: LocalPart::parse("postmaster").expect("a plain word is a local part"),
                domain: host_name.clone(),
            },
        }
    }
}

/// Reads a reverse path and gives what follows it.
pub(super) fn reverse_path(text: &str) -> Option<(ReversePath, &str)> {
    let (inner, rest) = bracketed(text)?;
    if inner.is_empty() {
        return Some((ReversePath::Null, rest));
    }
    Some((ReversePath::Address(mailbox(inner)?), rest))
}

/// Reads a forward path and gives what follows it.
pub(super) fn forward_path(text: &str) -> Option<(ForwardPath, &str)> {
    let (inner, rest) = bracketed(text)?;
    if inner.eq_ignore_ascii_case("postmaster") {
        return Some((ForwardPath::Postmaster, rest));
    }
    Some((ForwardPath::Address(mailbox(inner)?), rest))
}

/// Takes the angle brackets off; a `>` inside a quoted string does not close them.
fn bracketed(text: &str) -> Option<(&str, &str)> {
    let inner = text.strip_prefix('<')?;
    let mut quoted = false;
    let mut escaped = false;
    for (at, byte) in inner.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'>' if !quoted => return Some((&inner[..at], &inner[at + 1..])),
            _ => {}
        }
    }
    None
}

/// A mailbox, behind a source route or not.
fn mailbox(inner: &str) -> Option<Address> {
    let Some(route) = inner.strip_prefix('@') else {
        return Address::parse(inner).ok();
    };
    // An address literal may hold colons, so the route ends at the first colon outside of brackets.
    let mut in_literal = false;
    let end = route.bytes().position(|byte| {
        match byte {
            b'[' => in_literal = true,
            b']' => in_literal = false,
            _ => {}
        }
        byte == b':' && !in_literal
    })?;
    let mut domains = route[..end].split(',').enumerate();
    let is_route = domains.all(|(index, hop)| {
        let name = if index == 0 { Some(hop) } else { hop.strip_prefix('@') };
        name.is_some_and(|name| Domain::parse(name).is_ok())
    });
    if is_route { Address::parse(&route[end + 1..]).ok() } else { None }
}

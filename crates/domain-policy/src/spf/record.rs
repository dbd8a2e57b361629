//! The grammar of records (RFC 7208 §12).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use thiserror::Error;

use super::macros::{MacroString, Place};

/// What every record begins with.
pub(super) const VERSION: &str = "v=spf1";
/// Bits of an IPv4 address.
const IPV4_BITS: u8 = 32;
/// Bits of an IPv6 address.
const IPV6_BITS: u8 = 128;

/// Why a record cannot be understood.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum SpfSyntaxError {
    /// Something other than ASCII.
    #[error("the record has characters that are not ASCII")]
    NotAscii,
    /// This term.
    #[error("{0:?} cannot be understood")]
    Term(String),
    /// A modifier that may stand only once.
    #[error("there is more than one {0}=")]
    Twice(&'static str),
}

/// What a mechanism that matches says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Qualifier {
    Pass,
    Fail,
    SoftFail,
    Neutral,
}

/// How many bits of addresses count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Prefix {
    v4: u8,
    v6: u8,
}

impl Prefix {
    /// Whether two addresses are alike as far as they count.
    pub(super) fn covers(self, one: IpAddr, other: IpAddr) -> bool {
        let shift = |bits: u8, of: u8| u32::from(of - bits);
        match (one, other) {
            (IpAddr::V4(one), IpAddr::V4(other)) => {
                let differing = u32::from(one) ^ u32::from(other);
                differing.checked_shr(shift(self.v4, IPV4_BITS)).unwrap_or(0) == 0
            }
            (IpAddr::V6(one), IpAddr::V6(other)) => {
                let differing = u128::from(one) ^ u128::from(other);
                differing.checked_shr(shift(self.v6, IPV6_BITS)).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

/// A mechanism. Without a domain it is about the one whose record it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Mechanism {
    All,
    Include(MacroString),
    A(Option<MacroString>, Prefix),
    Mx(Option<MacroString>, Prefix),
    Ptr(Option<MacroString>),
    Ip(IpAddr, Prefix),
    Exists(MacroString),
}

/// A record that can be understood.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) directives: Vec<(Qualifier, Mechanism)>,
    pub(super) redirect: Option<MacroString>,
    pub(super) explanation: Option<MacroString>,
}

impl Record {
    /// Reads a record that begins with [`VERSION`].
    pub(super) fn parse(text: &str) -> Result<Self, SpfSyntaxError> {
        if !text.is_ascii() {
            return Err(SpfSyntaxError::NotAscii);
        }
        let mut record = Self::default();
        let terms = text.get(VERSION.len()..).unwrap_or_default().split(' ').filter(|term| !term.is_empty());
        for term in terms {
            record.add(term)?;
        }
        Ok(record)
    }

    fn add(&mut self, term: &str) -> Result<(), SpfSyntaxError> {
        let unknown = || SpfSyntaxError::Term(term.to_owned());
        if let Some((name, value)) = modifier(term) {
            let (once, name) = match name.to_ascii_lowercase().as_str() {
                "redirect" => (&mut self.redirect, "redirect"),
                "exp" => (&mut self.explanation, "exp"),
                // RFC 7208 §6: unknown modifiers are passed over, if they can be read.
                _ => return MacroString::parse(value, Place::Domain).map(drop).ok_or_else(unknown),
            };
            let spec = domain_spec(value).ok_or_else(unknown)?;
            return match once.replace(spec) {
                Some(_) => Err(SpfSyntaxError::Twice(name)),
                None => Ok(()),
            };
        }
        self.directives.push(directive(term).ok_or_else(unknown)?);
        Ok(())
    }
}

/// `name "=" macro-string`.
fn modifier(term: &str) -> Option<(&str, &str)> {
    let (name, value) = term.split_once('=')?;
    let is_name = name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.bytes().all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_' | b'.'));
    is_name.then_some((name, value))
}

fn directive(term: &str) -> Option<(Qualifier, Mechanism)> {
    let (qualifier, rest) = match term.split_at_checked(1)? {
        ("+", rest) => (Qualifier::Pass, rest),
        ("-", rest) => (Qualifier::Fail, rest),
        ("~", rest) => (Qualifier::SoftFail, rest),
        ("?", rest) => (Qualifier::Neutral, rest),
        _ => (Qualifier::Pass, term),
    };
    let name_end = rest.find([':', '/']).unwrap_or(rest.len());
    let (name, arguments) = rest.split_at(name_end);
    let mechanism = match name.to_ascii_lowercase().as_str() {
        "all" if arguments.is_empty() => Mechanism::All,
        "include" => Mechanism::Include(domain_spec(arguments.strip_prefix(':')?)?),
        "exists" => Mechanism::Exists(domain_spec(arguments.strip_prefix(':')?)?),
        "a" => with_prefix(arguments).map(|(spec, prefix)| Mechanism::A(spec, prefix))?,
        "mx" => with_prefix(arguments).map(|(spec, prefix)| Mechanism::Mx(spec, prefix))?,
        "ptr" if arguments.is_empty() => Mechanism::Ptr(None),
        "ptr" => Mechanism::Ptr(Some(domain_spec(arguments.strip_prefix(':')?)?)),
        "ip4" => network(arguments.strip_prefix(':')?, |address| address.parse().ok().map(Ipv4Addr::into), IPV4_BITS)?,
        "ip6" => network(arguments.strip_prefix(':')?, |address| address.parse().ok().map(Ipv6Addr::into), IPV6_BITS)?,
        _ => return None,
    };
    Some((qualifier, mechanism))
}

fn network(text: &str, address: impl Fn(&str) -> Option<IpAddr>, bits: u8) -> Option<Mechanism> {
    let (address, prefix) = match text.split_once('/') {
        Some((text, length)) => (address(text)?, prefix_length(length, bits)?),
        None => (address(text)?, bits),
    };
    let prefix = match bits {
        IPV4_BITS => Prefix { v4: prefix, v6: IPV6_BITS },
        _ => Prefix { v4: IPV4_BITS, v6: prefix },
    };
    Some(Mechanism::Ip(address, prefix))
}

/// `[":" domain-spec] ["/" ip4-cidr] ["//" ip6-cidr]`.
fn with_prefix(arguments: &str) -> Option<(Option<MacroString>, Prefix)> {
    let (rest, v6) = match arguments.rsplit_once("//") {
        Some((rest, length)) => (rest, prefix_length(length, IPV6_BITS)?),
        None => (arguments, IPV6_BITS),
    };
    // A slash may also stand in a name or between braces.
    let is_number = |length: &str| length.bytes().all(|octet| octet.is_ascii_digit());
    let (rest, v4) = match rest.rsplit_once('/').filter(|(_, length)| is_number(length)) {
        Some((rest, length)) => (rest, prefix_length(length, IPV4_BITS)?),
        None => (rest, IPV4_BITS),
    };
    let spec = match rest {
        "" => None,
        rest => Some(domain_spec(rest.strip_prefix(':')?)?),
    };
    Some((spec, Prefix { v4, v6 }))
}

/// No sign and no zero in front (RFC 7208 §12).
fn prefix_length(text: &str, most: u8) -> Option<u8> {
    let is_written_well = text == "0" || (!text.starts_with('0') && text.bytes().all(|octet| octet.is_ascii_digit()));
    text.parse().ok().filter(|length| is_written_well && *length <= most)
}

/// A macro string that ends in a macro or in a label that may be the last (RFC 7208 §7.1).
fn domain_spec(text: &str) -> Option<MacroString> {
    let spec = MacroString::parse(text, Place::Domain)?;
    (spec.ends_in_macro() || has_top_label(text)).then_some(spec)
}

fn has_top_label(text: &str) -> bool {
    let text = text.strip_suffix('.').unwrap_or(text);
    let Some((_, label)) = text.rsplit_once('.') else { return false };
    let is_inner = |octet: u8| octet.is_ascii_alphanumeric() || octet == b'-';
    !label.is_empty()
        && label.bytes().all(is_inner)
        && !label.bytes().all(|octet| octet.is_ascii_digit())
        && !label.starts_with('-')
        && !label.ends_with('-')
}

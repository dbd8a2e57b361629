//! Macros (RFC 7208 §7).

use std::net::IpAddr;

use crate::address_labels::address_labels;

/// Octets of a domain name in text.
const MAX_NAME_BYTES: usize = 253;

/// Where a macro string stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In a record.
    Domain,
    /// In an explanation, where more letters are allowed, and spaces.
    Explanation,
}

/// A piece of a macro string.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Macro(Macro),
}

/// `%{…}`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Macro {
    letter: u8,
    is_escaped: bool,
    /// How many parts, from the right, are kept; 0 for all.
    kept: usize,
    is_reversed: bool,
    /// What parts are separated by; a dot when empty.
    delimiters: Vec<char>,
}

/// Text with macros in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MacroString(Vec<Piece>);

/// What macros stand for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Values<'a> {
    pub(super) ip: IpAddr,
    pub(super) helo: &'a str,
    pub(super) local_part: &'a str,
    /// The domain of the sender.
    pub(super) sender_domain: &'a str,
    /// The domain whose record is looked at.
    pub(super) domain: &'a str,
    /// The name of the host that was confirmed.
    pub(super) validated: &'a str,
    pub(super) receiver: &'a str,
    pub(super) unix_seconds: i64,
}

impl MacroString {
    /// Reads a macro string; `None` where that cannot be done.
    pub(super) fn parse(text: &str, place: Place) -> Option<Self> {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let is_allowed = first.is_ascii_graphic() || (place == Place::Explanation && first == ' ');
            if !is_allowed {
                return None;
            }
            let Some(behind) = rest.strip_prefix('%') else {
                plain.push(first);
                rest = &rest[1..];
                continue;
            };
            let (kind, behind) = behind.split_at_checked(1)?;
            rest = behind;
            match kind {
                "%" => plain.push('%'),
                "_" => plain.push(' '),
                "-" => plain.push_str("%20"),
                "{" => {
                    let (inside, behind) = behind.split_once('}')?;
                    if !plain.is_empty() {
                        pieces.push(Piece::Text(std::mem::take(&mut plain)));
                    }
                    pieces.push(Piece::Macro(Macro::parse(inside, place)?));
                    rest = behind;
                }
                _ => return None,
            }
        }
        if !plain.is_empty() {
            pieces.push(Piece::Text(plain));
        }
        Some(Self(pieces))
    }

    pub(super) fn ends_in_macro(&self) -> bool {
        matches!(self.0.last(), Some(Piece::Macro(_)))
    }

    /// Whether the name of the host has to be known.
    pub(super) fn asks_for_validated_name(&self) -> bool {
        self.0.iter().any(|piece| matches!(piece, Piece::Macro(one) if one.letter == b'p'))
    }

    /// The text that it stands for.
    pub(super) fn expand(&self, values: &Values<'_>) -> String {
        let mut text = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(plain) => text.push_str(plain),
                Piece::Macro(one) => text.push_str(&one.expand(values)),
            }
        }
        text
    }

    /// The domain name that it stands for, cut from the left to what a name may have (RFC 7208 §7.3).
    pub(super) fn expand_to_name(&self, values: &Values<'_>) -> String {
        let mut name = self.expand(values);
        if name.ends_with('.') {
            name.pop();
        }
        while name.len() > MAX_NAME_BYTES {
            match name.split_once('.') {
                Some((_, rest)) => name = rest.to_owned(),
                None => break,
            }
        }
        name
    }
}

impl Macro {
    /// What stands between the braces.
    fn parse(inside: &str, place: Place) -> Option<Self> {
        let letter = *inside.as_bytes().first()?;
        let letters: &[u8] = if place == Place::Explanation { b"slodiphvcrt" } else { b"slodiphv" };
        if !letters.contains(&letter.to_ascii_lowercase()) {
            return None;
        }
        let rest = &inside[1..];
        let digits = rest.len() - rest.trim_start_matches(|digit: char| digit.is_ascii_digit()).len();
        // A number that no name has parts for keeps all of them.
        let kept = match &rest[..digits] {
            "" => 0,
            number => Some(number.parse().unwrap_or(usize::MAX)).filter(|kept| *kept > 0)?,
        };
        let rest = &rest[digits..];
        let (is_reversed, rest) = match rest.strip_prefix(['r', 'R']) {
            Some(rest) => (true, rest),
            None => (false, rest),
        };
        let delimiters: Vec<char> = rest.chars().collect();
        delimiters.iter().all(|one| ".-+,/_=".contains(*one)).then_some(Self {
            letter: letter.to_ascii_lowercase(),
            is_escaped: letter.is_ascii_uppercase(),
            kept,
            is_reversed,
            delimiters,
        })
    }

    fn expand(&self, values: &Values<'_>) -> String {
        let value = self.value(values);
        let separators: &[char] = if self.delimiters.is_empty() { &['.'] } else { &self.delimiters };
        let mut parts: Vec<&str> = value.split(separators).collect();
        if self.is_reversed {
            parts.reverse();
        }
        let kept = if self.kept == 0 { parts.len() } else { self.kept.min(parts.len()) };
        let text = parts[parts.len() - kept..].join(".");
        if self.is_escaped { escaped(&text) } else { text }
    }

    fn value(&self, values: &Values<'_>) -> String {
        match self.letter {
            b's' => format!("{}@{}", values.local_part, values.sender_domain),
            b'l' => values.local_part.to_owned(),
            b'o' => values.sender_domain.to_owned(),
            b'd' => values.domain.to_owned(),
            b'i' => address_labels(values.ip).join("."),
            b'p' => values.validated.to_owned(),
            b'h' => values.helo.to_owned(),
            b'v' => if values.ip.is_ipv4() { "in-addr" } else { "ip6" }.to_owned(),
            b'c' => values.ip.to_string(),
            b'r' => values.receiver.to_owned(),
            _ => values.unix_seconds.to_string(),
        }
    }
}

/// All but the unreserved characters of RFC 3986.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for octet in text.bytes() {
        match octet {
            b'-' | b'.' | b'_' | b'~' => out.push(char::from(octet)),
            octet if octet.is_ascii_alphanumeric() => out.push(char::from(octet)),
            octet => out.push_str(&format!("%{octet:02X}")),
        }
    }
    out
}

//! Addresses of header fields: mailboxes and groups (RFC 5322 §3.4), with what obsolete and broken mail does to them.

#[cfg(test)]
mod tests;

use crate::charset::text_from_raw;
use crate::header::unfold;
use crate::limits::MAX_ADDRESSES;
use crate::token::{Cursor, is_white_space};

/// One element of an address list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// `mailbox`.
    Mailbox(Mailbox),
    /// `group`: a name for some mailboxes, perhaps none.
    Group {
        /// The display name.
        name: String,
        /// The mailboxes.
        members: Vec<Mailbox>,
    },
}

/// A person or place that mail can go to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mailbox {
    /// The display name, without quotes; where there is none, the comment that often stands for it. RFC 2047 encoded
    /// words are left as they are.
    pub name: Option<String>,
    /// The source route of `obs-route`, such as `@a,@b`. RFC 5321 Appendix C wants it ignored.
    pub route: Option<String>,
    /// What stands before the `@`, unquoted. Empty where broken mail has nothing there.
    pub local_part: String,
    /// What stands after the `@`. Empty where broken mail has nothing there.
    pub domain: String,
}

impl Mailbox {
    /// `local-part@domain` with the local part quoted where it must be (RFC 5322 §3.4.1), for comparing and showing.
    /// None where either half is missing.
    #[must_use]
    pub fn addr_spec(&self) -> Option<String> {
        if self.local_part.is_empty() || self.domain.is_empty() {
            return None;
        }
        Some(format!("{}@{}", quote_local_part(&self.local_part), self.domain))
    }
}

/// The local part as RFC 5322 §3.4.1 writes it: a dot-atom, or else a quoted string.
pub(crate) fn quote_local_part(local_part: &str) -> String {
    let is_dot_atom = local_part.split('.').all(|atom| !atom.is_empty() && atom.bytes().all(is_atom_octet));
    if is_dot_atom { local_part.to_owned() } else { quote(local_part) }
}

/// A quoted string (RFC 5322 §3.2.4).
pub(crate) fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        if matches!(character, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted.push('"');
    quoted
}

/// RFC 5322 §3.2.3 `atext`, and the octets beyond ASCII of RFC 6532 §3.2.
pub(crate) fn is_atom_octet(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&octet) || octet >= 0x80
}

/// The mailboxes of a list, those in groups included.
pub fn mailboxes(addresses: &[Address]) -> impl Iterator<Item = &Mailbox> {
    addresses.iter().flat_map(|address| match address {
        Address::Mailbox(mailbox) => std::slice::from_ref(mailbox),
        Address::Group { members, .. } => members.as_slice(),
    })
}

/// Reads the value of an address field, folded or not. Never fails: what cannot be an address is left out. Reads at
/// most [`MAX_ADDRESSES`].
#[must_use]
pub fn parse_addresses(value: &[u8]) -> Vec<Address> {
    let mut budget = MAX_ADDRESSES;
    parse_some_addresses(value, &mut budget)
}

/// The same with a number of addresses to read at most, from which those read are subtracted.
pub(crate) fn parse_some_addresses(value: &[u8], budget: &mut usize) -> Vec<Address> {
    let value = unfold(value);
    let mut reader = Reader { cursor: Cursor::new(&value), budget: (*budget).min(MAX_ADDRESSES) };
    let before = reader.budget;
    let mut addresses = Vec::new();
    while reader.has_room() {
        match reader.entry() {
            Entry::Mailbox(mailbox) => addresses.push(Address::Mailbox(mailbox)),
            Entry::GroupStart(name) => {
                let members = reader.group_members();
                addresses.push(Address::Group { name, members });
            }
            Entry::Nothing => {}
        }
        // A stray ">" or the like stays in nobody's way.
        if !reader.cursor.take(b',') && !reader.cursor.take(b';') && !reader.cursor.is_at_end() {
            reader.cursor.take_while(|octet| octet == b'>' || octet == b')');
        }
    }
    *budget -= before - reader.budget;
    addresses
}

enum Entry {
    Mailbox(Mailbox),
    GroupStart(String),
    Nothing,
}

struct Reader<'a> {
    cursor: Cursor<'a>,
    /// Addresses that may yet be read.
    budget: usize,
}

/// The words before an address or within it.
#[derive(Default)]
struct Words {
    /// The words as a phrase, with one space where there was white space between them.
    phrase: Vec<u8>,
    any_quoted: bool,
}

impl Reader<'_> {
    fn has_room(&self) -> bool {
        self.budget > 0 && !self.cursor.is_at_end()
    }

    fn group_members(&mut self) -> Vec<Mailbox> {
        let mut members = Vec::new();
        while self.has_room() {
            match self.entry() {
                Entry::Mailbox(mailbox) => members.push(mailbox),
                // A group has no groups in it. The name goes, its mailboxes stay.
                Entry::GroupStart(_) | Entry::Nothing => {}
            }
            if self.cursor.peek() == Some(b';') {
                break;
            }
            if !self.cursor.take(b',') {
                self.cursor.take_while(|octet| octet == b'>' || octet == b')');
            }
        }
        members
    }

    /// One element, without the comma or semicolon after it; the colon of a group is taken.
    fn entry(&mut self) -> Entry {
        self.budget -= 1;
        let mut words = Words::default();
        let mut comment = None;
        let mut local_part = None;
        loop {
            let spaced = self.cursor.peek().is_some_and(is_white_space);
            let before = self.cursor.skip_cfws();
            let commented = before.is_some();
            comment = before.or(comment);
            match self.cursor.peek() {
                None | Some(b',' | b';') => break,
                Some(b'<') => {
                    let mailbox = self.angle_address(name_of(words, local_part, comment));
                    return Entry::Mailbox(mailbox);
                }
                Some(b':') if local_part.is_none() => {
                    self.cursor.bump();
                    return Entry::GroupStart(text_from_raw(&words.phrase));
                }
                Some(b'@') if local_part.is_none() => {
                    self.cursor.bump();
                    local_part = Some(std::mem::take(&mut words));
                }
                Some(b'"') => {
                    words.separate(spaced || commented);
                    words.any_quoted = true;
                    words.phrase.extend(self.cursor.quoted_string());
                }
                Some(b'[') => {
                    words.separate(spaced || commented);
                    words.phrase.extend(self.domain_literal());
                }
                Some(_) => {
                    words.separate(spaced || commented);
                    words.phrase.extend(self.word());
                }
            }
        }
        bare_address(words, local_part, comment)
    }

    /// Octets up to white space or something with a meaning; at least one.
    fn word(&mut self) -> Vec<u8> {
        let first = self.cursor.peek();
        self.cursor.bump();
        let rest = self.cursor.take_while(|octet| !is_white_space(octet) && !b"()<>@,;:\"[".contains(&octet));
        first.into_iter().chain(rest.iter().copied()).collect()
    }

    /// RFC 5322 §3.4.1 `domain-literal`, brackets included.
    fn domain_literal(&mut self) -> Vec<u8> {
        let mut literal = self.cursor.take_while(|octet| octet != b']' && octet != b',' && octet != b'>').to_vec();
        if self.cursor.take(b']') {
            literal.push(b']');
        }
        literal
    }

    /// `"<" [obs-route] addr-spec ">"`, tolerant of a missing end and of text in the wrong place.
    fn angle_address(&mut self, name: Option<Vec<u8>>) -> Mailbox {
        self.cursor.bump();
        self.cursor.skip_cfws();
        let route = self.route();
        let mut local_part: Option<Words> = None;
        let mut words = Words::default();
        loop {
            self.cursor.skip_cfws();
            match self.cursor.peek() {
                None | Some(b'>' | b',') => break,
                Some(b'@') => {
                    self.cursor.bump();
                    match &mut local_part {
                        // The last sign separates: `"a@b"@c` that lost its quotes.
                        Some(local_part) => {
                            local_part.phrase.push(b'@');
                            local_part.phrase.append(&mut words.phrase);
                        }
                        None => local_part = Some(std::mem::take(&mut words)),
                    }
                }
                Some(b'"') => words.phrase.extend(self.cursor.quoted_string()),
                Some(b'[') => words.phrase.extend(self.domain_literal()),
                Some(_) => words.phrase.extend(self.word()),
            }
        }
        self.cursor.take(b'>');
        let trailing = self.cursor.skip_cfws();
        let name = name.or(trailing).map(|name| text_from_raw(&name));
        let (local_part, domain) = match local_part {
            Some(local_part) => (local_part.phrase, words.phrase),
            None => (words.phrase, Vec::new()),
        };
        Mailbox { name, route, local_part: text_from_raw(&local_part), domain: text_from_raw(&domain) }
    }

    /// `*("," / CFWS) "@" domain *("," [CFWS] ["@" domain]) ":"` of RFC 5322 §4.4.
    fn route(&mut self) -> Option<String> {
        let mut ahead = self.cursor.clone();
        if !matches!(ahead.peek(), Some(b'@' | b',')) {
            return None;
        }
        let route = ahead.take_while(|octet| !b":<>\"".contains(&octet));
        if !ahead.take(b':') {
            return None;
        }
        self.cursor = ahead;
        let route: Vec<u8> = route.iter().copied().filter(|octet| !is_white_space(*octet)).collect();
        Some(text_from_raw(&route))
    }
}

impl Words {
    /// Puts a space where white space or a comment stood between two words.
    fn separate(&mut self, spaced: bool) {
        if spaced && !self.phrase.is_empty() {
            self.phrase.push(b' ');
        }
    }
}

/// The name before an angle address: the phrase, or else the comment. `joe@example.org <joe@example.org>` is common,
/// so an `@` may be part of it.
fn name_of(words: Words, local_part: Option<Words>, comment: Option<Vec<u8>>) -> Option<Vec<u8>> {
    let mut phrase = Vec::new();
    let mut any_quoted = words.any_quoted;
    if let Some(local_part) = local_part {
        any_quoted |= local_part.any_quoted;
        phrase = local_part.phrase;
        phrase.push(b'@');
    }
    phrase.extend(words.phrase);
    if phrase.is_empty() && !any_quoted {
        return comment;
    }
    (!phrase.is_empty()).then_some(phrase)
}

/// An address without angle brackets, or words that are none.
fn bare_address(words: Words, local_part: Option<Words>, comment: Option<Vec<u8>>) -> Entry {
    let name = comment.map(|comment| text_from_raw(&comment));
    let squeeze = |words: Words| {
        let quoted = words.any_quoted;
        let octets = words.phrase.into_iter().filter(|octet| quoted || *octet != b' ').collect::<Vec<_>>();
        text_from_raw(&octets)
    };
    match local_part {
        Some(local_part) => Entry::Mailbox(Mailbox {
            name,
            route: None,
            local_part: squeeze(local_part),
            // RFC 5322 §4.4: white space may stand around the dots.
            domain: squeeze(words),
        }),
        None if words.phrase.is_empty() => Entry::Nothing,
        // Words with no address: a user name of old, or a name whose address was lost. It is somebody's name only if
        // there is more than one word.
        None if words.phrase.contains(&b' ') || words.any_quoted => {
            Entry::Mailbox(Mailbox { name: Some(text_from_raw(&words.phrase)), ..Mailbox::default() })
        }
        None => Entry::Mailbox(Mailbox { name, local_part: text_from_raw(&words.phrase), ..Mailbox::default() }),
    }
}

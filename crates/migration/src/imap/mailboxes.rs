//! Which mailboxes a server has, and what they are called here.

use std::collections::HashSet;

use posthouse_model::SpecialUse;

use super::connection::{ConnectError, Connection};
use super::response::{Response, Token};
use crate::limits::MAX_FOLDERS;
use crate::names;

/// A mailbox of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Remote {
    /// Its name as the server writes it.
    pub raw: Vec<u8>,
    /// The levels of its name, without what stands before all of one's own.
    pub levels: Vec<String>,
    pub special_use: Option<SpecialUse>,
    pub is_subscribed: bool,
    pub is_selectable: bool,
}

/// What stands before names (RFC 2342).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Namespaces {
    /// Before those of one's own, with the delimiter.
    pub personal: Vec<u8>,
    /// Between levels.
    pub delimiter: Option<u8>,
    /// Before those of others.
    others: Vec<Vec<u8>>,
}

/// Asks for what stands before names.
pub(super) async fn namespaces(connection: &mut Connection) -> Result<Namespaces, ConnectError> {
    let mut found = Namespaces::default();
    if connection.has("NAMESPACE") {
        for response in connection.command("NAMESPACE").await? {
            if response.begins(&["*", "NAMESPACE"]) {
                found = read_namespaces(&response.tokens[2..]);
            }
        }
    }
    if found.delimiter.is_none() {
        // RFC 9051 §6.3.9: an empty name asks for the delimiter.
        let told = connection.command("LIST \"\" \"\"").await?;
        found.delimiter = told.iter().find_map(|response| read_list(response)?.delimiter);
    }
    Ok(found)
}

/// Three groups: one's own, of other users, of everybody.
fn read_namespaces(tokens: &[Token]) -> Namespaces {
    let mut found = Namespaces::default();
    let (mut depth, mut group, mut at) = (0usize, 0, 0);
    for token in tokens {
        match token {
            Token::Open => {
                depth += 1;
                at = 0;
            }
            Token::Close => {
                depth = depth.saturating_sub(1);
                group += usize::from(depth == 0);
            }
            other if depth == 0 => group += usize::from(other.is("NIL")),
            other if depth == 2 => {
                let octets = other.octets().unwrap_or_default();
                match (group, at) {
                    (0, 0) if found.delimiter.is_none() => found.personal = octets.to_vec(),
                    (0, 1) if found.delimiter.is_none() => found.delimiter = octets.first().copied(),
                    (1.., 0) if !octets.is_empty() => found.others.push(octets.to_vec()),
                    _ => {}
                }
                at += 1;
            }
            // What extensions say of it.
            _ => {}
        }
    }
    found
}

struct Listed {
    attributes: Vec<String>,
    delimiter: Option<u8>,
    name: Vec<u8>,
}

/// `* LIST (\HasChildren) "/" name`, and LSUB likewise.
fn read_list(response: &Response) -> Option<Listed> {
    if !response.begins(&["*", "LIST"]) && !response.begins(&["*", "LSUB"]) {
        return None;
    }
    let close = response.tokens.iter().position(|token| *token == Token::Close)?;
    let attributes = response.tokens[2..close].iter().filter_map(Token::octets);
    let attributes = attributes.map(|octets| String::from_utf8_lossy(octets).to_ascii_lowercase()).collect();
    let delimiter = response.tokens.get(close + 1).filter(|token| !token.is("NIL"));
    let name = response.tokens.get(close + 2)?.octets()?.to_vec();
    Some(Listed { attributes, delimiter: delimiter.and_then(|token| token.octets()?.first().copied()), name })
}

/// All mailboxes of one's own.
pub(super) async fn list(connection: &mut Connection, namespaces: &Namespaces) -> Result<Vec<Remote>, ConnectError> {
    let is_extended = connection.has("LIST-EXTENDED") || connection.has("IMAP4REV2");
    let command = match (is_extended, connection.has("SPECIAL-USE")) {
        (true, true) => "LIST \"\" \"*\" RETURN (SUBSCRIBED SPECIAL-USE)",
        (true, false) => "LIST \"\" \"*\" RETURN (SUBSCRIBED)",
        _ => "LIST \"\" \"*\"",
    };
    let listed = connection.command(command).await?;
    let mut subscribed = HashSet::new();
    if !is_extended {
        let told = connection.command("LSUB \"\" \"*\"").await?;
        subscribed.extend(told.iter().filter_map(read_list).map(|listed| listed.name));
    }
    let mut seen = HashSet::new();
    let mut remotes = Vec::new();
    for listed in listed.iter().filter_map(read_list) {
        if namespaces.is_of_others(&listed.name) || remotes.len() >= MAX_FOLDERS || !seen.insert(listed.name.clone()) {
            continue;
        }
        let has = |attribute: &str| listed.attributes.iter().any(|one| one == attribute);
        remotes.push(Remote {
            levels: namespaces.levels(&listed.name, listed.delimiter),
            special_use: listed.attributes.iter().find_map(|one| SpecialUse::from_attribute(one)),
            is_subscribed: has("\\subscribed") || subscribed.contains(&listed.name),
            is_selectable: !has("\\noselect") && !has("\\nonexistent"),
            raw: listed.name,
        });
    }
    Ok(remotes)
}

impl Namespaces {
    fn is_of_others(&self, name: &[u8]) -> bool {
        let lies_in = |prefix: &Vec<u8>| {
            let bare = prefix.strip_suffix(&[self.delimiter.unwrap_or(b'/')]).unwrap_or(prefix);
            name.starts_with(prefix) || name == bare
        };
        self.others.iter().any(lies_in)
    }

    /// What a name is called here, level by level.
    fn levels(&self, name: &[u8], delimiter: Option<u8>) -> Vec<String> {
        let inner = match name.strip_prefix(&self.personal[..]) {
            Some(inner) if !inner.is_empty() => inner,
            _ => name,
        };
        match delimiter {
            Some(delimiter) => inner.split(|octet| *octet == delimiter).map(names::decode_level).collect(),
            None => vec![names::decode_level(inner)],
        }
    }

    /// The name at the server of a mailbox here; and whether it could not be quite the same.
    pub fn name_for(&self, name: &str) -> (Vec<u8>, bool) {
        if name == "INBOX" {
            return (name.into(), false);
        }
        let delimiter = self.delimiter.unwrap_or(b'/');
        let mut is_changed = false;
        let levels: Vec<Vec<u8>> = name
            .split('/')
            .map(|level| {
                let mut written = names::level_name(level).into_bytes();
                for octet in &mut written {
                    if *octet == delimiter {
                        (*octet, is_changed) = (b'_', true);
                    }
                }
                written
            })
            .collect();
        ([self.personal.clone(), levels.join(&delimiter)].concat(), is_changed)
    }
}

#[cfg(test)]
mod tests {
    use super::super::response::Decoder;
    use super::*;

    fn response(line: &str) -> Response {
        let mut decoder = Decoder::new(100);
        decoder.feed(format!("{line}\r\n").as_bytes());
        decoder.next_response().unwrap().unwrap()
    }

    fn check(line: &str, personal: &str, others: &[&str]) -> Namespaces {
        let found = read_namespaces(&response(line).tokens[2..]);
        assert_eq!(String::from_utf8_lossy(&found.personal), personal);
        assert_eq!(found.others.iter().map(|one| String::from_utf8_lossy(one)).collect::<Vec<_>>(), others);
        found
    }

    #[test]
    fn namespaces_are_read() {
        check("* NAMESPACE ((\"\" \"/\")) NIL NIL", "", &[]);
        check("* NAMESPACE NIL NIL ((\"\" \"/\"))", "", &[]);
        let found = check(
            "* NAMESPACE ((\"INBOX.\" \".\")(\"x.\" \".\")) ((\"user.\" \".\")) ((\"Shared.\" \".\" \"X\" (\"y\")))",
            "INBOX.",
            &["user.", "Shared."],
        );
        assert!(found.is_of_others(b"user.bob.x") && found.is_of_others(b"Shared") && !found.is_of_others(b"users"));
        assert_eq!(found.levels(b"INBOX.Work.Entw&APw-rfe", Some(b'.')), ["Work", "Entwürfe"]);
        assert_eq!(found.levels(b"INBOX", Some(b'.')), ["INBOX"]);
        assert_eq!(found.levels(b"INBOX.", Some(b'.')), ["INBOX", ""]);
        assert_eq!(found.name_for("Work/a.b"), (b"INBOX.Work.a_b".to_vec(), true));
        assert_eq!(found.name_for("INBOX"), (b"INBOX".to_vec(), false));
        assert_eq!(found.name_for("Größe"), (b"INBOX.Gr&APYA3w-e".to_vec(), false));
    }

    #[test]
    fn lists_are_read() {
        let listed = read_list(&response("* LIST (\\HasNoChildren \\Sent) NIL {4}\r\na(\"b")).unwrap();
        assert_eq!((listed.delimiter, &listed.name[..]), (None, &b"a(\"b"[..]));
        assert_eq!(listed.attributes, ["\\hasnochildren", "\\sent"]);
        let listed = read_list(&response("* LSUB () \"/\" \"a b\"")).unwrap();
        assert_eq!((listed.delimiter, &listed.name[..]), (Some(b'/'), &b"a b"[..]));
        for bad in ["* LIST", "* LIST (", "* LIST () \"/\"", "* STATUS () x"] {
            assert!(read_list(&response(bad)).is_none(), "{bad}");
        }
    }
}

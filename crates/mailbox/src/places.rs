//! What a name means: a mailbox of one's own, of another user, or of a shared area (RFC 2342 §4).
//!
//! `Users/ann@example.org/Drafts` is another user's, `Shared/Support/2024` is in the shared area Support, whose INBOX
//! is `Shared/Support` itself. Everything else is one's own; so is a mailbox that had such a name before there were
//! namespaces.

use posthouse_identity::{MailboxPermit, Permit};
use posthouse_model::mailbox_name::{HIERARCHY_DELIMITER, OTHER_USERS, SHARED};
use posthouse_model::{AccountId, Address, MailboxName, Right};
use posthouse_storage::{MailboxRecord, Resolution, SharedMailbox};

use crate::{MailboxError, Mailboxes};

/// Characters that an address may have and a level of a mailbox name may not, and the one that stands before their
/// code.
const ESCAPED: [char; 4] = ['/', '%', '*', ESCAPE];
const ESCAPE: char = '=';

/// A mailbox that may be there: whose, and under which name there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub owner: AccountId,
    pub name: MailboxName,
}

/// The parts of a name in a namespace.
#[derive(Debug, PartialEq, Eq)]
enum Split<'a> {
    Own,
    /// A level above all that there is in a namespace.
    Root,
    User(&'a str, &'a str),
    Shared(&'a str, &'a str),
}

fn split(name: &str) -> Split<'_> {
    let (first, rest) = name.split_once(HIERARCHY_DELIMITER).unwrap_or((name, ""));
    if first != OTHER_USERS && first != SHARED {
        return Split::Own;
    }
    match rest.split_once(HIERARCHY_DELIMITER).unwrap_or((rest, "")) {
        ("", _) => Split::Root,
        (whose, below) if first == OTHER_USERS => Split::User(whose, below),
        (whose, below) => Split::Shared(whose, below),
    }
}

/// The name by which others know a mailbox; `None` if it would be too long or too deep.
pub(crate) fn outer_name(shared: &SharedMailbox) -> Option<MailboxName> {
    let inner = &shared.record.name;
    let text = match &shared.area {
        Some(area) if inner.is_inbox() => format!("{SHARED}/{area}"),
        Some(area) => format!("{SHARED}/{area}/{inner}"),
        None => format!("{OTHER_USERS}/{}/{inner}", escaped(&shared.owner.to_string())),
    };
    MailboxName::parse(&text).ok()
}

fn escaped(address: &str) -> String {
    let mut text = String::with_capacity(address.len());
    for character in address.chars() {
        if ESCAPED.contains(&character) {
            text.push_str(&format!("{ESCAPE}{:02X}", character as u32));
        } else {
            text.push(character);
        }
    }
    text
}

/// `None` unless the text is as [`escaped`] writes it.
fn unescaped(text: &str) -> Option<Address> {
    let mut address = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((plain, after)) = rest.split_once(ESCAPE) {
        let code = u8::from_str_radix(after.get(..2)?, 16).ok().map(char::from);
        address.push_str(plain);
        address.push(code.filter(|code| ESCAPED.contains(code))?);
        rest = &after[2..];
    }
    address.push_str(rest);
    Address::parse(&address).ok()
}

impl Mailboxes {
    /// What `name` means to the holder of `permit`; `None` if it can mean nothing.
    pub(crate) async fn place(&self, permit: &Permit, name: &MailboxName) -> Result<Option<Place>, MailboxError> {
        let own = Some(Place { owner: permit.account(), name: name.clone() });
        let split = split(name.as_str());
        if split == Split::Own || self.store.mailbox(permit.account(), name).await?.is_some() {
            return Ok(own);
        }
        let (owner, inner) = match split {
            Split::Own => return Ok(own),
            Split::Root => return Ok(None),
            Split::User(whose, inner) => (self.other_user(whose).await?, MailboxName::parse(inner).ok()),
            Split::Shared(area, "") => (self.area(area).await?, Some(MailboxName::inbox())),
            Split::Shared(area, inner) => {
                let inner = MailboxName::parse(inner).ok();
                (self.area(area).await?, inner.filter(|name| !name.is_inbox()))
            }
        };
        let place = owner.zip(inner).map(|(owner, name)| Place { owner, name });
        Ok(place.filter(|place| place.owner != permit.account()))
    }

    /// The account of this address, unless its mailboxes are a shared area.
    async fn other_user(&self, address: &str) -> Result<Option<AccountId>, MailboxError> {
        let Some(address) = unescaped(address) else { return Ok(None) };
        match self.store.resolve(&address).await? {
            Some(Resolution::Account(account)) if self.store.shared_area_of(account.id).await?.is_none() => {
                Ok(Some(account.id))
            }
            _ => Ok(None),
        }
    }

    async fn area(&self, name: &str) -> Result<Option<AccountId>, MailboxError> {
        let Ok(name) = MailboxName::parse(name) else { return Ok(None) };
        Ok(self.store.shared_area(&name).await?.map(|area| area.account))
    }

    /// The mailbox that `name` means, with proof that the holder of `permit` has the right `needed` there. To one who
    /// may not see it there is no such mailbox.
    pub(crate) async fn admitted(
        &self,
        permit: &Permit,
        name: &MailboxName,
        needed: Right,
    ) -> Result<(MailboxRecord, MailboxPermit), MailboxError> {
        let (record, admitted) = self.found(permit, name).await?;
        admitted.require(needed)?;
        Ok((record, admitted))
    }

    /// Proof that the holder of `permit` has the right `needed` in the mailbox that `name` means. For one's own this
    /// mostly costs a look into memory.
    pub(crate) async fn target(
        &self,
        permit: &Permit,
        name: &MailboxName,
        needed: Right,
    ) -> Result<MailboxPermit, MailboxError> {
        if split(name.as_str()) == Split::Own {
            return self.access.own(permit, name).await?.ok_or(MailboxError::NoSuchMailbox);
        }
        Ok(self.admitted(permit, name, needed).await?.1)
    }

    /// The mailbox that `name` means, with whatever rights there are.
    pub(crate) async fn found(
        &self,
        permit: &Permit,
        name: &MailboxName,
    ) -> Result<(MailboxRecord, MailboxPermit), MailboxError> {
        let place = self.place(permit, name).await?.ok_or(MailboxError::NoSuchMailbox)?;
        let record = self.store.mailbox(place.owner, &place.name).await?.ok_or(MailboxError::NoSuchMailbox)?;
        let admitted = self.access.permit(permit, &record).await?;
        Ok((record, admitted))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_split() {
        for (name, expected) in [
            ("INBOX", Split::Own),
            ("users/x", Split::Own),
            ("Usersx/a", Split::Own),
            ("Users", Split::Root),
            ("Shared", Split::Root),
            ("Users/ann@x.example", Split::User("ann@x.example", "")),
            ("Users/ann@x.example/INBOX/a", Split::User("ann@x.example", "INBOX/a")),
            ("Shared/Support", Split::Shared("Support", "")),
            ("Shared/Support/a/b", Split::Shared("Support", "a/b")),
        ] {
            assert_eq!(split(name), expected, "{name}");
        }
    }

    #[test]
    fn addresses_are_one_level_each() {
        for (address, level) in [
            ("ann@x.example", "ann@x.example"),
            ("a/b*c%d=e@x.example", "a=2Fb=2Ac=25d=3De@x.example"),
            ("grün@x.example", "grün@x.example"),
        ] {
            assert_eq!(escaped(address), level);
            assert_eq!(unescaped(level), Some(Address::parse(address).unwrap()));
        }
        for bad in ["a=2@x.example", "a=41@x.example", "a=2é@x.example", "a=", "=zz@x.example", "ann"] {
            assert_eq!(unescaped(bad), None, "{bad}");
        }
    }
}

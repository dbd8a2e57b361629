//! Names of mailboxes that came, went or changed, and subscriptions (RFC 5465 §5.4, §5.5).

use std::collections::{BTreeSet, HashMap, HashSet};

use posthouse_model::{MailboxId, MailboxName};

use super::wanted::{Events, Wanted};
use crate::answer::MailboxRow;
use crate::grammar::mailbox::NameEncoding;
use crate::response::list::{ListLine, list};
use crate::response::token::mailbox;

/// What the client knew, and what is so now.
pub(crate) struct Names<'a> {
    pub(super) before: &'a [MailboxRow],
    pub(super) now: &'a [MailboxRow],
    pub(super) now_by_name: HashMap<&'a MailboxName, &'a MailboxRow>,
    before_by_name: HashMap<&'a MailboxName, &'a MailboxRow>,
}

/// A name of which the client is told, and which it had before.
type News = (MailboxName, Option<MailboxName>);

impl<'a> Names<'a> {
    pub(crate) fn new(before: &'a [MailboxRow], now: &'a [MailboxRow]) -> Self {
        let by_name = |rows: &'a [MailboxRow]| rows.iter().map(|row| (&row.name, row)).collect();
        Self { before, now, now_by_name: by_name(now), before_by_name: by_name(before) }
    }

    /// Writes a LIST response for each name that the client wants to hear of, but for those that it changed itself.
    pub(crate) fn tell(
        &self,
        out: &mut Vec<u8>,
        wanted: &Wanted,
        own: &[MailboxName],
        no_access: &mut BTreeSet<MailboxName>,
        encoding: NameEncoding,
    ) {
        let parents = parents(self.now);
        let access = self.access_changed(wanted, no_access);
        let changed = self.changed(wanted);
        let by_access = access.iter().filter(|name| !changed.iter().any(|(told, _)| told == *name));
        let by_access: Vec<News> = by_access.map(|name| (name.clone(), None)).collect();
        for (name, old_name) in changed.into_iter().chain(by_access) {
            if own.contains(&name) || old_name.as_ref().is_some_and(|old| own.contains(old)) {
                continue;
            }
            let line = self.line(&name, no_access.contains(&name), &parents);
            list(out, "LIST", &line, encoding);
            if let Some(old_name) = &old_name {
                write_old_name(out, old_name, encoding);
            }
        }
    }

    pub(super) fn line<'n>(
        &self,
        name: &'n MailboxName,
        no_access: bool,
        parents: &HashSet<MailboxName>,
    ) -> ListLine<'n> {
        let row = self.now_by_name.get(name);
        let exists = row.is_some_and(|row| row.id.is_some());
        ListLine {
            name,
            non_existent: !exists,
            no_select: exists && row.is_some_and(|row| !row.selectable),
            no_access,
            has_children: Some(parents.contains(name)),
            subscribed: row.is_some_and(|row| row.subscribed),
            special_use: row.and_then(|row| row.special_use),
            child_subscribed: false,
        }
    }

    /// The names, each once, sorted; those that were renamed with the name that they had.
    fn changed(&self, wanted: &Wanted) -> Vec<News> {
        let mut renamed: HashMap<MailboxName, MailboxName> = HashMap::new();
        let mut names: BTreeSet<MailboxName> = BTreeSet::new();
        let before_by_id = by_id(self.before);
        let now_by_id = by_id(self.now);
        for (id, row) in &now_by_id {
            match before_by_id.get(id) {
                Some(before) if before.name == row.name => {}
                Some(before) => {
                    if self.events(wanted, &row.name).names || self.events(wanted, &before.name).names {
                        renamed.insert(row.name.clone(), before.name.clone());
                    }
                }
                None => self.add_with_parent(&mut names, wanted, row),
            }
        }
        for (_, row) in before_by_id.iter().filter(|(id, _)| !now_by_id.contains_key(*id)) {
            self.add_with_parent(&mut names, wanted, row);
        }
        for name in self.resubscribed() {
            if self.events(wanted, name).subscriptions {
                names.insert(name.clone());
            }
        }
        let by_itself = |(name, old): (&MailboxName, &MailboxName)| {
            // RFC 5465 §5.4: what lies below a mailbox that was renamed is not told of.
            let above = name.parent().zip(old.parent());
            above.is_none_or(|(above, old_above)| renamed.get(&above) != Some(&old_above))
        };
        let tops: Vec<News> = renamed
            .iter()
            .filter(|pair| by_itself(*pair))
            .map(|(name, old)| (name.clone(), Some(old.clone())))
            .collect();
        let mut all: Vec<News> = names
            .into_iter()
            .filter(|name| !tops.iter().any(|(top, _)| top == name))
            .map(|name| (name, None))
            .chain(tops.iter().cloned())
            .collect();
        all.sort();
        all
    }

    /// RFC 5465 §5.4: the direct parent of a mailbox that came or went is affected, too. It is told of where its
    /// children are other than before.
    fn add_with_parent(&self, names: &mut BTreeSet<MailboxName>, wanted: &Wanted, row: &MailboxRow) {
        if !self.events(wanted, &row.name).names {
            return;
        }
        names.insert(row.name.clone());
        let Some(parent) = row.name.parent() else { return };
        let has_children = |rows: &[MailboxRow]| rows.iter().any(|row| row.id.is_some() && row.name.is_below(&parent));
        if has_children(self.before) != has_children(self.now) && self.events(wanted, &parent).names {
            names.insert(parent);
        }
    }

    /// What the client wants to hear of a name, as it was or as it is.
    fn events(&self, wanted: &Wanted, name: &MailboxName) -> Events {
        let of = |row: Option<&&MailboxRow>| row.map(|row| wanted.events_of(row)).unwrap_or_default();
        let (before, now) = (of(self.before_by_name.get(name)), of(self.now_by_name.get(name)));
        Events {
            names: before.names || now.names,
            subscriptions: before.subscriptions || now.subscriptions,
            ..Events::default()
        }
    }

    fn resubscribed(&self) -> HashSet<&MailboxName> {
        let subscribed = |rows: &'a [MailboxRow]| -> HashSet<&'a MailboxName> {
            rows.iter().filter(|row| row.subscribed).map(|row| &row.name).collect()
        };
        let (before, now) = (subscribed(self.before), subscribed(self.now));
        before.symmetric_difference(&now).copied().collect()
    }
}

fn by_id(rows: &[MailboxRow]) -> HashMap<MailboxId, &MailboxRow> {
    rows.iter().filter_map(|row| row.id.map(|id| (id, row))).collect()
}

/// All names with a mailbox below.
pub(super) fn parents(rows: &[MailboxRow]) -> HashSet<MailboxName> {
    let mut parents = HashSet::new();
    for row in rows.iter().filter(|row| row.id.is_some()) {
        let mut above = row.name.parent();
        while let Some(name) = above {
            above = name.parent();
            parents.insert(name);
        }
    }
    parents
}

/// `oldname-extended-item = "OLDNAME" SP "(" mailbox ")"`, behind the LIST response just written (RFC 5465 §8).
fn write_old_name(out: &mut Vec<u8>, old_name: &MailboxName, encoding: NameEncoding) {
    out.truncate(out.trim_ascii_end().len());
    out.extend_from_slice(b" (\"OLDNAME\" (");
    mailbox(out, old_name, encoding);
    out.extend_from_slice(b"))\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extensions::notify::wanted::event_groups;
    use crate::grammar::cursor::Cursor;

    /// `1:INBOX 2:Lists* -:Gone*`: id, name, and whether it is subscribed.
    fn rows(text: &str) -> Vec<MailboxRow> {
        let row = |word: &str| {
            let (id, name) = word.split_once(':').unwrap();
            MailboxRow {
                id: id.parse().ok().map(MailboxId),
                name: MailboxName::parse(name.trim_end_matches('*')).unwrap(),
                special_use: None,
                subscribed: name.ends_with('*'),
                selectable: true,
            }
        };
        text.split_whitespace().map(row).collect()
    }

    #[track_caller]
    fn check(groups: &str, before: &str, now: &str, own: &str, expected: &[&str]) {
        let wanted = event_groups(&mut Cursor::new(groups.as_bytes()), NameEncoding::Utf7).unwrap();
        let own: Vec<MailboxName> = own.split_whitespace().map(|name| MailboxName::parse(name).unwrap()).collect();
        let (before, now) = (rows(before), rows(now));
        let mut out = Vec::new();
        Names::new(&before, &now).tell(&mut out, &wanted, &own, &mut BTreeSet::new(), NameEncoding::Utf7);
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text.lines().collect::<Vec<_>>(), expected, "{before:?} → {now:?}");
    }

    const ALL: &str = "(personal (MailboxName SubscriptionChange))";

    #[test]
    fn names_come_go_and_change() {
        check(ALL, "1:INBOX", "1:INBOX", "", &[]);
        check(ALL, "1:INBOX", "1:INBOX 2:New*", "", &["* LIST (\\HasNoChildren \\Subscribed) \"/\" \"New\""]);
        check(ALL, "1:INBOX 2:Old", "1:INBOX", "", &["* LIST (\\NonExistent \\HasNoChildren) \"/\" \"Old\""]);
        let renamed = ["* LIST (\\HasNoChildren) \"/\" \"New\" (\"OLDNAME\" (\"Old\"))"];
        check(ALL, "2:Old", "2:New", "", &renamed);
        let with_children = ["* LIST (\\HasChildren) \"/\" \"New\" (\"OLDNAME\" (\"Old\"))"];
        check(ALL, "2:Old 3:Old/a 4:Old/a/b", "2:New 3:New/a 4:New/a/b", "", &with_children);
        let subscribed = [
            "* LIST (\\HasChildren) \"/\" \"New\" (\"OLDNAME\" (\"Old\"))",
            "* LIST (\\HasNoChildren \\Subscribed) \"/\" \"New/a\"",
            "* LIST (\\NonExistent \\HasNoChildren) \"/\" \"Old/a\"",
        ];
        check(ALL, "2:Old 3:Old/a*", "2:New 3:New/a*", "", &subscribed);
        // Another mailbox of the same name.
        check(ALL, "2:Box", "3:Box", "", &["* LIST (\\HasNoChildren) \"/\" \"Box\""]);
    }

    #[test]
    fn a_parent_is_told_of_when_its_children_come_and_go() {
        let both = ["* LIST (\\HasChildren) \"/\" \"a\"", "* LIST (\\HasNoChildren) \"/\" \"a/b\""];
        check(ALL, "2:a", "2:a 3:a/b", "", &both);
        check(ALL, "2:a 4:a/x", "2:a 3:a/b 4:a/x", "", &both[1..]);
        let gone = ["* LIST (\\HasNoChildren) \"/\" \"a\"", "* LIST (\\NonExistent \\HasNoChildren) \"/\" \"a/b\""];
        check(ALL, "2:a 3:a/b", "2:a", "", &gone);
    }

    #[test]
    fn subscriptions_change() {
        check(ALL, "2:a", "2:a*", "", &["* LIST (\\HasNoChildren \\Subscribed) \"/\" \"a\""]);
        check(ALL, "2:a*", "2:a", "", &["* LIST (\\HasNoChildren) \"/\" \"a\""]);
        check(ALL, "", "-:a*", "", &["* LIST (\\NonExistent \\HasNoChildren \\Subscribed) \"/\" \"a\""]);
        check("(subscribed (SubscriptionChange))", "2:a*", "2:a", "", &["* LIST (\\HasNoChildren) \"/\" \"a\""]);
    }

    #[test]
    fn only_what_is_wanted_is_told() {
        check("(personal (MailboxName))", "2:a", "2:a*", "", &[]);
        check("(personal (SubscriptionChange))", "2:a", "3:b", "", &[]);
        check("(subtree x (MailboxName))", "", "2:a 3:x/y", "", &["* LIST (\\HasNoChildren) \"/\" \"x/y\""]);
        // What the client did itself it knows.
        check(ALL, "2:a", "3:b 4:c", "a b", &["* LIST (\\HasNoChildren) \"/\" \"c\""]);
        check(ALL, "2:a", "2:b", "b a", &[]);
    }
}

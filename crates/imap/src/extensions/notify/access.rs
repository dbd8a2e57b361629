//! Mailboxes that a client may see and not look into: `\NoAccess` (RFC 5465 §3.1, §5.9).

use std::collections::{BTreeSet, HashSet};

use posthouse_model::MailboxName;

use super::MAX_WATCHED_MAILBOXES;
use super::names::{Names, parents};
use super::wanted::{Events, Wanted};
use crate::answer::MailboxRow;
use crate::grammar::mailbox::NameEncoding;
use crate::response::list::list;

impl Names<'_> {
    /// Writes a LIST response for each mailbox of which the client wants to hear and that it may not look into any more,
    /// or may again. `no_access` are those of which it knows.
    pub(crate) fn tell_access(
        &self,
        out: &mut Vec<u8>,
        wanted: &Wanted,
        no_access: &mut BTreeSet<MailboxName>,
        encoding: NameEncoding,
    ) {
        let parents = parents(self.now);
        for name in self.access_changed(wanted, no_access) {
            let line = self.line(&name, no_access.contains(&name), &parents);
            list(out, "LIST", &line, encoding);
        }
    }

    /// The names of which the client is to be told, in order; `no_access` is as it will be then.
    pub(super) fn access_changed(&self, wanted: &Wanted, no_access: &mut BTreeSet<MailboxName>) -> Vec<MailboxName> {
        let hears = |row: &&MailboxRow| row.id.is_some() && wanted.events_of(row) != Events::default();
        let mut changed = Vec::new();
        for row in self.now.iter().filter(hears) {
            let is_news = if row.selectable {
                no_access.remove(&row.name)
            } else {
                // RFC 5465 §3.1: `l` is there, and another right that events need is not.
                no_access.len() < MAX_WATCHED_MAILBOXES && no_access.insert(row.name.clone())
            };
            if is_news {
                changed.push(row.name.clone());
            }
        }
        let now_by_id: HashSet<_> = self.now.iter().filter_map(|row| row.id).collect();
        for row in self.before.iter().filter(hears).filter(|row| row.name.is_of_others()) {
            // RFC 5465 §5.9: whether `l` was lost or the mailbox is gone is not to be seen, and nor is the mailbox.
            let is_gone =
                row.id.is_some_and(|id| !now_by_id.contains(&id)) && !self.now_by_name.contains_key(&row.name);
            if is_gone && no_access.len() < MAX_WATCHED_MAILBOXES && no_access.insert(row.name.clone()) {
                changed.push(row.name.clone());
            }
        }
        changed.sort();
        changed
    }
}

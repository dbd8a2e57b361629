//! LIST (RFC 9051 §6.3.9), with CHILDREN (RFC 3348) and SPECIAL-USE (RFC 6154).

use std::collections::{BTreeMap, HashSet};

use posthouse_model::mailbox_name::MAX_MAILBOX_NAME_BYTES;
use posthouse_model::{EntryName, MailboxName};

use super::completion::{Completion, Update};
use super::pending::Pending;
use super::verbs::Invocation;
use super::{ImapSession, Tag};
use crate::answer::{Answer, MailboxRow};
use crate::extensions::list_extended::{ReturnOptions, Selection, patterns, return_options, selection};
use crate::grammar::cursor::Cursor;
use crate::grammar::mailbox::NameEncoding;
use crate::grammar::pattern::Pattern;
use crate::grammar::{CommandError, Parsed};
use crate::question::{Question, StatusItems};
use crate::response::list::{ListLine, list};
use crate::response::status::status;

/// A LIST, or an LSUB, that waits for the mailboxes.
#[derive(Debug)]
pub(crate) struct Listing {
    pub(crate) tag: Tag,
    /// LSUB instead of LIST.
    pub(crate) lsub: bool,
    /// The client knows RFC 5258.
    pub(crate) extended: bool,
    pub(crate) selection: Selection,
    pub(crate) patterns: Vec<Pattern>,
    pub(crate) returns: ReturnOptions,
}

/// A LIST that waits for the figures of what it listed.
#[derive(Debug)]
pub(crate) struct ListStatus {
    tag: Tag,
    mailboxes: Vec<MailboxName>,
    items: StatusItems,
}

/// `list = "LIST" [SP list-select-opts] SP mailbox SP mbox-or-pat [SP list-return-opts]`
pub(crate) fn run(session: &mut ImapSession, command: &mut Invocation<'_, '_>) -> Parsed<()> {
    let arguments = &mut *command.arguments;
    arguments.space()?;
    let mut extended = arguments.peek() == Some(b'(');
    let selection = if extended {
        let selection = selection(arguments)?;
        arguments.space()?;
        selection
    } else {
        Selection::default()
    };
    let reference = reference(arguments, session.names())?;
    arguments.space()?;
    let (texts, many) = patterns(arguments)?;
    extended |= many || !arguments.at_end();
    let mut returns = ReturnOptions::default();
    if !arguments.at_end() {
        arguments.space()?;
        returns = return_options(arguments)?;
    }
    arguments.end()?;
    if !extended && texts.iter().all(Vec::is_empty) {
        // RFC 9051 §6.3.9: an empty name asks for the delimiter.
        session.out.extend_from_slice(b"* LIST (\\Noselect) \"/\" \"\"\r\n");
        session.finish(command.tag, Completion::ok("That is the delimiter"), Update::All);
        return Ok(());
    }
    let patterns = decode_patterns(&reference, &texts, session.names())?;
    // RFC 5258 §3.1: selecting subscribed names returns that they are.
    returns.subscribed |= selection.subscribed;
    let listing = Listing { tag: command.tag.clone(), lsub: false, extended, selection, patterns, returns };
    session.ask(Question::List, Pending::List(Box::new(listing)));
    Ok(())
}

/// The reference name, which need not name a mailbox.
pub(crate) fn reference(cursor: &mut Cursor<'_>, names: NameEncoding) -> Parsed<String> {
    names.decode(&cursor.astring()?)
}

/// The patterns, with the reference before each.
pub(crate) fn decode_patterns(reference: &str, texts: &[Vec<u8>], names: NameEncoding) -> Parsed<Vec<Pattern>> {
    let decode = |text: &Vec<u8>| {
        // What cannot be a name fits none.
        let Ok(text) = names.decode(text) else {
            return Ok(Pattern::nothing());
        };
        if reference.len() + text.len() > MAX_MAILBOX_NAME_BYTES {
            return Err(CommandError::BadMailboxName);
        }
        Ok(Pattern::new(reference, &text))
    };
    texts.iter().map(decode).collect()
}

/// What is known of a name.
#[derive(Clone, Copy, Debug, Default)]
struct Entry<'a> {
    /// `None` for a level above a mailbox that is no mailbox itself.
    row: Option<&'a MailboxRow>,
}

impl Entry<'_> {
    fn exists(self) -> bool {
        self.row.is_some_and(|row| row.id.is_some())
    }

    fn is_selected(self, selection: Selection) -> bool {
        let subscribed = self.row.is_some_and(|row| row.subscribed);
        let special = self.row.is_some_and(|row| row.special_use.is_some());
        // RFC 5258 §3: every selection has to be met. Without SUBSCRIBED names that exist are listed only.
        (!selection.subscribed || subscribed)
            && (!selection.special_use || special)
            && (selection.subscribed || self.row.is_none() || self.exists())
            && (self.row.is_some() || !(selection.subscribed || selection.special_use))
    }
}

/// The names of an account, sorted, with the levels between them, and what lies below which.
struct Tree<'a> {
    entries: BTreeMap<MailboxName, Entry<'a>>,
    /// Names with a mailbox below.
    parents: HashSet<MailboxName>,
    /// Names with something selected below.
    above_selected: HashSet<MailboxName>,
    /// Names with something selected below that does not fit the patterns and so is not listed itself.
    above_unlisted: HashSet<MailboxName>,
}

impl<'a> Tree<'a> {
    fn new(rows: &'a [MailboxRow], listing: &Listing) -> Self {
        let mut tree = Self {
            entries: BTreeMap::new(),
            parents: HashSet::new(),
            above_selected: HashSet::new(),
            above_unlisted: HashSet::new(),
        };
        for row in rows {
            tree.entries.insert(row.name.clone(), Entry { row: Some(row) });
        }
        for row in rows {
            let selected = Entry { row: Some(row) }.is_selected(listing.selection);
            let unlisted = selected && !listing.fits(&row.name);
            let mut above = row.name.parent();
            while let Some(name) = above {
                above = name.parent();
                if row.id.is_some() {
                    tree.entries.entry(name.clone()).or_default();
                    tree.parents.insert(name.clone());
                } else if listing.lsub || listing.selection.recursive_match {
                    tree.entries.entry(name.clone()).or_default();
                }
                if selected {
                    tree.above_selected.insert(name.clone());
                }
                if unlisted {
                    tree.above_unlisted.insert(name);
                }
            }
        }
        tree
    }
}

impl Listing {
    fn fits(&self, name: &MailboxName) -> bool {
        self.patterns.iter().any(|pattern| pattern.fits(name))
    }

    /// The line for a name that fits, if it is to be listed.
    fn line<'t>(&self, tree: &Tree<'_>, name: &'t MailboxName, entry: Entry<'_>) -> Option<ListLine<'t>> {
        let recursive = self.selection.recursive_match;
        let selected = entry.is_selected(self.selection);
        // RFC 5258 §3.1: a name that is not selected is listed for what lies below it, where that is not listed.
        // RFC 3501 §6.3.9: LSUB does so too.
        let above_unlisted = tree.above_unlisted.contains(name);
        let for_children = !selected && (recursive || self.lsub) && above_unlisted;
        if !(selected || for_children) {
            return None;
        }
        let row = entry.row;
        Some(ListLine {
            name,
            non_existent: !self.lsub && !entry.exists(),
            // RFC 9051 §7.3.1: \NonExistent implies \Noselect, but older clients know the second only.
            no_access: false,
            no_select: match self.lsub {
                true => !selected,
                false => row.is_none_or(|row| !row.selectable) && (entry.exists() || !self.extended),
            },
            has_children: (!self.lsub).then(|| tree.parents.contains(name)),
            subscribed: self.returns.subscribed && row.is_some_and(|row| row.subscribed),
            special_use: if self.lsub { None } else { row.and_then(|row| row.special_use) },
            child_subscribed: recursive
                && self.selection.subscribed
                && if selected { tree.above_selected.contains(name) } else { above_unlisted },
        })
    }
}

impl ImapSession {
    pub(crate) fn list_answered(&mut self, listing: Listing, answer: Answer) {
        let rows = match answer {
            Answer::Mailboxes(rows) => rows,
            other => return self.not_done(&listing.tag, Update::All, other),
        };
        let names = self.names();
        let tree = Tree::new(&rows, &listing);
        let (mut there, mut selectable) = (Vec::new(), Vec::new());
        for (name, entry) in tree.entries.iter().filter(|(name, _)| listing.fits(name)) {
            let Some(line) = listing.line(&tree, name, *entry) else {
                continue;
            };
            list(&mut self.out, if listing.lsub { "LSUB" } else { "LIST" }, &line, names);
            if listing.returns.my_rights && !line.non_existent {
                there.push(name.clone());
            }
            if !line.non_existent && !line.no_select {
                selectable.push(name.clone());
            }
        }
        let ReturnOptions { status, metadata, .. } = listing.returns;
        if there.is_empty() {
            self.list_the_rest(listing.tag, selectable, metadata, status);
        } else {
            self.ask_list_rights(listing.tag, there, selectable, metadata, status);
        }
    }

    /// What a LIST returns behind rights: annotations, then figures.
    pub(crate) fn list_the_rest(
        &mut self,
        tag: Tag,
        selectable: Vec<MailboxName>,
        metadata: Vec<EntryName>,
        status: Option<StatusItems>,
    ) {
        if selectable.is_empty() || metadata.is_empty() {
            self.list_status(tag, selectable, status);
        } else {
            self.list_metadata(tag, selectable, metadata, status);
        }
    }

    /// RFC 5819 §2: a STATUS response for each that can be selected.
    pub(crate) fn list_status(&mut self, tag: Tag, mailboxes: Vec<MailboxName>, items: Option<StatusItems>) {
        match items {
            Some(items) if !mailboxes.is_empty() => {
                self.use_condstore(items.highest_modseq);
                let asked = ListStatus { tag, mailboxes: mailboxes.clone(), items };
                self.ask(Question::Status { mailboxes, items }, Pending::ListStatus(Box::new(asked)));
            }
            _ => self.finish(&tag, Completion::ok("Listed"), Update::All),
        }
    }

    pub(crate) fn list_status_answered(&mut self, asked: &ListStatus, answer: Answer) {
        let rows = match answer {
            Answer::Statuses(rows) => rows,
            other => return self.not_done(&asked.tag, Update::All, other),
        };
        let (names, append_limit) = (self.names(), self.config.limits.append_bytes);
        for (mailbox, row) in asked.mailboxes.iter().zip(rows) {
            // RFC 5819 §2: a mailbox whose figures cannot be had is passed over.
            if let Ok(row) = row {
                status(&mut self.out, mailbox, names, asked.items, &row, append_limit);
            }
        }
        self.finish(&asked.tag, Completion::ok("Listed"), Update::All);
    }
}

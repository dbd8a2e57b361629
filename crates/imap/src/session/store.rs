//! STORE (RFC 9051 §6.4.6), with UNCHANGEDSINCE (RFC 7162 §3.1.3).

use posthouse_model::flag::FlagChange;
use posthouse_model::{Flags, ModSeq};

use super::completion::{Completion, Update};
use super::pending::Pending;
use super::verbs::Invocation;
use super::{ImapSession, Tag};
use crate::answer::{Answer, FlagRow};
use crate::extensions::condstore::{modified, store_modifier};
use crate::grammar::cursor::Cursor;
use crate::grammar::flags::flag_list_or_flags;
use crate::grammar::sequence_set::sequence_set;
use crate::grammar::{CommandError, Parsed};
use crate::question::Question;
use crate::response::fetch::flags_row;

/// A STORE that waits for its result.
#[derive(Debug)]
pub(crate) struct Storing {
    tag: Tag,
    by_uid: bool,
    silent: bool,
}

/// ```text
/// store = "STORE" SP sequence-set [SP "(" store-modifier ")"] SP store-att-flags
/// ```
pub(crate) fn run(session: &mut ImapSession, command: &mut Invocation<'_, '_>) -> Parsed<()> {
    let arguments = &mut *command.arguments;
    arguments.space()?;
    let set = sequence_set(arguments)?;
    arguments.space()?;
    let unchanged_since = store_modifier(arguments)?;
    let (change, silent) = store_item(arguments)?;
    arguments.space()?;
    let flags = flag_list_or_flags(arguments)?;
    arguments.end()?;
    session.check_writable()?;
    session.use_condstore(unchanged_since.is_some());
    let uids = session.resolve(&set, command.by_uid)?;
    let uids = session.within_limit(uids);
    if uids.is_empty() {
        session.finish(command.tag, Completion::ok("There is nothing to change"), Update::of(command.by_uid));
        return Ok(());
    }
    let storing = Storing { tag: command.tag.clone(), by_uid: command.by_uid, silent };
    session.ask(Question::Store { uids, change, flags, unchanged_since }, Pending::Store(Box::new(storing)));
    Ok(())
}

/// `["+" / "-"] "FLAGS" [".SILENT"]`
fn store_item(cursor: &mut Cursor<'_>) -> Parsed<(FlagChange, bool)> {
    let change = if cursor.take(b'+') {
        FlagChange::Add
    } else if cursor.take(b'-') {
        FlagChange::Remove
    } else {
        FlagChange::Replace
    };
    if !cursor.take_word("FLAGS") {
        return Err(CommandError::Expected("FLAGS"));
    }
    Ok((change, cursor.take_word(".SILENT")))
}

impl ImapSession {
    pub(crate) fn store_answered(&mut self, storing: &Storing, answer: Answer) {
        let update = Update::of(storing.by_uid);
        let (rows, others, not_stored, missing) = match answer {
            Answer::Stored { rows, others, modified, missing } => (rows, others, modified, missing),
            other => return self.not_done(&storing.tag, update, other),
        };
        self.tell_stored(storing, &rows, &others);
        let code = self.selected.as_ref().and_then(|selected| modified(&not_stored, &selected.view, storing.by_uid));
        let completion = if let Some(code) = code {
            Completion::ok("Some had changed").with_code(code)
        } else if !missing.is_empty() && !storing.by_uid {
            // RFC 5530 §3: what is there has been changed, and the client learns that some is not.
            Completion::ok("Some of the messages no longer exist").with_code(b"EXPUNGEISSUED")
        } else {
            Completion::ok("Stored")
        };
        self.finish(&storing.tag, completion, update);
    }

    /// The new flags; where the client wants silence, only the modification sequences that it needs when it uses
    /// CONDSTORE (RFC 7162 §3.1.3), and then with the UID (§3.2.4). RFC 9051 §6.4.6: whatever it wants, it is told of
    /// what others did to the same messages, which nothing would tell it later.
    fn tell_stored(&mut self, storing: &Storing, rows: &[FlagRow], others: &[ModSeq]) {
        let Some(mut selected) = self.selected.take() else {
            return;
        };
        let condstore = self.enabled.condstore;
        for (row, other) in rows.iter().zip(others) {
            let Some(sequence) = selected.view.sequence_of(row.uid) else {
                continue;
            };
            selected.tell(row.uid, row.modseq);
            let silent = storing.silent && *other <= selected.known_modseq;
            if silent && !condstore {
                continue;
            }
            let uid = (storing.by_uid || condstore).then_some(row.uid);
            let flags = (!silent).then_some(&row.flags);
            self.tell_keywords(&mut selected, flags.into_iter().flat_map(Flags::keywords));
            let name = self.enabled.row_name(sequence, row.uid);
            flags_row(&mut self.out, name, uid, condstore.then_some(row.modseq), flags);
        }
        self.selected = Some(selected);
    }
}

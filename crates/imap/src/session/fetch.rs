//! FETCH (RFC 9051 §6.4.5).

use std::collections::VecDeque;

use bytes::Bytes;
use posthouse_model::UidSet;
use posthouse_model::session::{CloseReason, Step};

use super::completion::{Completion, Update};
use super::pending::Pending;
use super::verbs::Invocation;
use super::{ImapSession, Phase, Tag};
use crate::answer::{Answer, BinarySize, FetchRow, SectionData};
use crate::extensions::condstore::{FetchModifiers, fetch_modifiers};
use crate::grammar::fetch::{FetchRequest, fetch_items};
use crate::grammar::sequence_set::sequence_set;
use crate::grammar::{CommandError, Parsed};
use crate::limits::OUTPUT_CHUNK_BYTES;
use crate::question::{FetchItems, FetchQuestion, Question};
use crate::refusal::Refusal;
use crate::response::fetch::FetchLayout;

/// Octets from which a piece of a message goes out as it is, without being copied next to others.
const UNCOPIED_BYTES: usize = 16 * 1_024;

/// A FETCH under way.
#[derive(Debug)]
pub(crate) struct Fetching {
    /// `None` for what no command asked for (NOTIFY).
    tag: Option<Tag>,
    by_uid: bool,
    layout: FetchLayout,
    /// Rows that wait for the streamed data of an earlier one.
    waiting: VecDeque<FetchRow>,
    /// The row that is being written.
    row: Option<OpenRow>,
    /// Some part could not be decoded.
    unknown_encoding: bool,
}

/// A row of which everything but some sections has been written.
#[derive(Debug)]
struct OpenRow {
    sections: std::vec::IntoIter<SectionData>,
    /// The section that comes next.
    index: usize,
    /// What separates it from what is written.
    separator: &'static [u8],
    /// Octets of the section before it that are still to come.
    streaming: u64,
    /// The client has no number for this message, and nothing of it is written.
    silent: bool,
}

impl Fetching {
    /// One that no command asked for.
    pub(crate) fn unasked(items: FetchItems) -> Self {
        Self {
            tag: None,
            by_uid: true,
            layout: FetchLayout::new(items),
            waiting: VecDeque::new(),
            row: None,
            unknown_encoding: false,
        }
    }
}

/// ```text
/// fetch = "FETCH" SP sequence-set SP ("ALL" / "FULL" / "FAST" / fetch-att / "(" fetch-att *(SP fetch-att) ")")
///         [SP "(" fetch-modifier *(SP fetch-modifier) ")"]
/// ```
pub(crate) fn run(session: &mut ImapSession, command: &mut Invocation<'_, '_>) -> Parsed<()> {
    let arguments = &mut *command.arguments;
    arguments.space()?;
    let set = sequence_set(arguments)?;
    arguments.space()?;
    let FetchRequest { mut items, mark_seen } = fetch_items(arguments)?;
    let FetchModifiers { changed_since, vanished, partial } = fetch_modifiers(arguments)?;
    arguments.end()?;
    if vanished && !(command.by_uid && changed_since.is_some() && session.enabled.qresync) {
        // RFC 7162 §3.2.6
        return Err(CommandError::Unknown("VANISHED goes with UID FETCH, CHANGEDSINCE and ENABLE QRESYNC"));
    }
    if partial.is_some() && !command.by_uid {
        // RFC 9394 §3.3
        return Err(CommandError::Unknown("PARTIAL goes with UID FETCH"));
    }
    let all_known = session.resolve(&set, command.by_uid)?;
    let known = match partial {
        Some(partial) => {
            let page = partial.of_uids(&all_known);
            session.check_message_limit(page.len())?;
            page
        }
        None => session.within_limit(all_known.clone()),
    };
    // Messages that are gone have no number any more, but were in the set that the client wrote.
    let uids = match &session.selected {
        Some(selected) if vanished => {
            // Those that are known and not on the page are not wanted.
            set.any_uid(&selected.view, &selected.saved).difference(&all_known.difference(&known))
        }
        _ => known,
    };
    session.use_condstore(items.modseq || changed_since.is_some());
    // RFC 9586 §3.3: a UIDFETCH response tells it anyway.
    items.uid |= command.by_uid && !session.enabled.uid_only;
    // RFC 7162 §3.1.4.1 for CHANGEDSINCE; with CONDSTORE enabled flags come with their sequence (§3.1).
    items.modseq |= changed_since.is_some() || (session.enabled.condstore && items.flags);
    if uids.is_empty() {
        session.finish(command.tag, Completion::ok("There is nothing to fetch"), Update::of(command.by_uid));
        return Ok(());
    }
    let fetching =
        Fetching { tag: Some(command.tag.clone()), by_uid: command.by_uid, ..Fetching::unasked(items.clone()) };
    let mark_seen = mark_seen && session.check_writable().is_ok();
    let question = FetchQuestion { uids, items, mark_seen, changed_since, vanished };
    session.ask(Question::Fetch(question), Pending::Fetch(Box::new(fetching)));
    Ok(())
}

impl ImapSession {
    pub(crate) fn fetch_answered(&mut self, mut fetching: Box<Fetching>, answer: Answer) {
        match answer {
            Answer::FetchRows(rows) => {
                fetching.waiting.extend(rows);
                self.write_rows(&mut fetching);
            }
            Answer::FetchData(octets) => {
                if self.write_streamed(&mut fetching, octets) {
                    self.write_rows(&mut fetching);
                }
            }
            Answer::FetchVanished(uids) => self.write_vanished(&uids, true),
            Answer::FetchDone { missing } => return self.fetch_done(&fetching, &missing),
            other => return self.fetch_refused(&fetching, other),
        }
        if self.phase != Phase::Closed {
            self.flush();
            self.keep_open(Pending::Fetch(fetching));
        }
    }

    /// Writes rows for as long as their data is there.
    fn write_rows(&mut self, fetching: &mut Fetching) {
        loop {
            if fetching.row.is_some() && !self.continue_row(fetching) {
                return;
            }
            let Some(row) = fetching.waiting.pop_front() else {
                return;
            };
            self.begin_row(fetching, row);
        }
    }

    fn begin_row(&mut self, fetching: &mut Fetching, row: FetchRow) {
        let Some(mut selected) = self.selected.take() else {
            return;
        };
        let sequence = selected.view.sequence_of(row.uid);
        fetching.unknown_encoding |= row.binary_sizes.contains(&BinarySize::UnknownEncoding);
        let mut separator: &'static [u8] = b"";
        if let Some(sequence) = sequence {
            if row.newly_seen {
                selected.tell(row.uid, row.modseq);
            }
            if row.newly_seen || fetching.layout.items.flags {
                self.tell_keywords(&mut selected, row.flags.keywords());
            }
            // RFC 7162 §3.2.4: rows that tell of a changed flag carry both.
            let seen_and_told = row.newly_seen && self.enabled.condstore;
            let name = self.enabled.row_name(sequence, row.uid);
            separator = fetching.layout.begin(&mut self.out, name, &row, seen_and_told);
        }
        self.selected = Some(selected);
        if fetching.layout.items.sections.is_empty() {
            if sequence.is_some() {
                self.out.extend_from_slice(b")\r\n");
            }
            if self.out.len() >= OUTPUT_CHUNK_BYTES {
                self.flush();
            }
            return;
        }
        let mut sections = row.sections;
        // A row short of sections would leave the client without what it asked for.
        sections.resize(fetching.layout.items.sections.len(), SectionData::Absent);
        fetching.row = Some(OpenRow {
            sections: sections.into_iter(),
            index: 0,
            separator,
            streaming: 0,
            silent: sequence.is_none(),
        });
    }

    /// Writes what is there of the open row. True when the row is complete.
    fn continue_row(&mut self, fetching: &mut Fetching) -> bool {
        let Some(row) = &mut fetching.row else {
            return true;
        };
        while row.streaming == 0 {
            let Some(data) = row.sections.next() else {
                let silent = row.silent;
                fetching.row = None;
                if !silent {
                    self.out.extend_from_slice(b")\r\n");
                }
                return true;
            };
            fetching.unknown_encoding |= data == SectionData::UnknownEncoding;
            if let SectionData::Streamed { length } = data {
                row.streaming = length;
            }
            if !row.silent {
                self.out.extend_from_slice(std::mem::replace(&mut row.separator, b" "));
                fetching.layout.section(&mut self.out, row.index, &data);
                if let SectionData::Whole(octets) = data {
                    self.write_octets(fetching.layout.as_literal(row.index, octets));
                }
            }
            row.index += 1;
        }
        false
    }

    /// False when the octets are not those that the client was told of; the session is over then.
    fn write_streamed(&mut self, fetching: &mut Fetching, octets: Bytes) -> bool {
        match &mut fetching.row {
            Some(row) if octets.len() as u64 <= row.streaming => {
                row.streaming -= octets.len() as u64;
                if !row.silent {
                    // The section that streams is the one before the next.
                    self.write_octets(fetching.layout.as_literal(row.index - 1, octets));
                }
                true
            }
            // The client counts on the length that it was told.
            _ => {
                self.close(CloseReason::Shutdown);
                false
            }
        }
    }

    /// Small pieces are joined, large ones are passed on as they are.
    fn write_octets(&mut self, octets: Bytes) {
        if octets.len() < UNCOPIED_BYTES {
            self.out.extend_from_slice(&octets);
            if self.out.len() >= OUTPUT_CHUNK_BYTES {
                self.flush();
            }
        } else {
            self.push(Step::Send(octets));
        }
    }

    fn fetch_done(&mut self, fetching: &Fetching, missing: &UidSet) {
        if fetching.row.is_some() {
            return self.close(CloseReason::Shutdown);
        }
        let Some(tag) = &fetching.tag else { return };
        let completion = if fetching.unknown_encoding {
            Completion::no("Part of it is in an unknown encoding").with_code(b"UNKNOWN-CTE")
        } else if !missing.is_empty() && !fetching.by_uid {
            Completion::refused(Refusal::ExpungeIssued)
        } else {
            Completion::ok("Fetched")
        };
        self.finish(tag, completion, Update::of(fetching.by_uid));
    }

    /// In the middle of a message nothing can be said any more, and the client must not take the rest for one.
    fn fetch_refused(&mut self, fetching: &Fetching, answer: Answer) {
        if fetching.row.is_some() {
            return self.close(CloseReason::Shutdown);
        }
        if let Some(tag) = &fetching.tag {
            self.not_done(tag, Update::of(fetching.by_uid), answer);
        }
    }
}

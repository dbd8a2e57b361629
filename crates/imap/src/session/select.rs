//! SELECT and EXAMINE (RFC 9051 §6.3.2, §6.3.3).

use posthouse_model::{MailboxName, Right, UidSet};

use super::completion::Completion;
use super::pending::Pending;
use super::selected::SelectedMailbox;
use super::verbs::Invocation;
use super::{ImapSession, Tag};
use crate::answer::{Answer, Selected};
use crate::extensions::object_id::mailbox_id;
use crate::extensions::qresync;
use crate::grammar::cursor::Cursor;
use crate::grammar::mailbox::mailbox;
use crate::grammar::{CommandError, Parsed};
use crate::question::{Question, ResyncRequest};
use crate::response::token;
use crate::view::SequenceView;

/// Without any of these a mailbox is READ-ONLY (RFC 4314 §5.2), though its \Seen, which is each reader's own, may be
/// kept all the same.
const WRITING_RIGHTS: [Right; 4] = [Right::Insert, Right::Expunge, Right::Write, Right::DeleteMessages];

/// A mailbox that is being opened.
#[derive(Debug)]
pub(crate) struct Selecting {
    tag: Tag,
    mailbox: MailboxName,
    read_only: bool,
}

/// `select = "SELECT" SP mailbox [select-params]`
pub(crate) fn run_select(session: &mut ImapSession, command: &mut Invocation<'_, '_>) -> Parsed<()> {
    run(session, command, false)
}

/// `examine = "EXAMINE" SP mailbox [select-params]`
pub(crate) fn run_examine(session: &mut ImapSession, command: &mut Invocation<'_, '_>) -> Parsed<()> {
    run(session, command, true)
}

fn run(session: &mut ImapSession, command: &mut Invocation<'_, '_>, read_only: bool) -> Parsed<()> {
    let arguments = &mut *command.arguments;
    arguments.space()?;
    let mailbox = mailbox(arguments, session.names())?;
    let (condstore, resync) = select_parameters(arguments)?;
    arguments.end()?;
    if session.enabled.uid_only && resync.as_ref().is_some_and(|resync| !resync.matches.is_empty()) {
        // RFC 9586 §3.5: pairs of numbers and UIDs mean nothing to a client without numbers.
        return Err(CommandError::UidRequired);
    }
    if resync.is_some() && !session.enabled.qresync {
        // RFC 7162 §3.2.5: QRESYNC without ENABLE QRESYNC is BAD.
        return Err(CommandError::Unknown("Enable QRESYNC first"));
    }
    session.enabled.condstore |= condstore;
    // RFC 9051 §6.3.2: whatever comes of it, the mailbox that was open is closed.
    if session.selected.take().is_some() {
        session.out.extend_from_slice(b"* OK [CLOSED] The mailbox that was open is closed\r\n");
    }
    let selecting = Selecting { tag: command.tag.clone(), mailbox: mailbox.clone(), read_only };
    session.ask(Question::Select { mailbox, read_only, resync }, Pending::Select(Box::new(selecting)));
    Ok(())
}

/// `select-params = SP "(" select-param *(SP select-param) ")"`, a parameter being `CONDSTORE` or `QRESYNC (…)`
/// (RFC 4466 §3, RFC 7162 §7).
fn select_parameters(cursor: &mut Cursor<'_>) -> Parsed<(bool, Option<ResyncRequest>)> {
    let (mut condstore, mut resync) = (false, None);
    if cursor.at_end() {
        return Ok((condstore, resync));
    }
    cursor.space()?;
    cursor.open()?;
    loop {
        let name = cursor.atom()?;
        if name.eq_ignore_ascii_case("CONDSTORE") {
            condstore = true;
        } else if name.eq_ignore_ascii_case("QRESYNC") {
            resync = Some(qresync::resync_request(cursor)?);
        } else {
            return Err(CommandError::Expected("a known parameter of SELECT"));
        }
        if !cursor.take(b' ') {
            break;
        }
    }
    cursor.close()?;
    Ok((condstore, resync))
}

impl ImapSession {
    pub(crate) fn select_answered(&mut self, selecting: Selecting, answer: Answer) {
        let Selecting { tag, mailbox, read_only } = selecting;
        let selected = match answer {
            Answer::Selected(selected) => *selected,
            other => return self.answered_oddly(&tag, other),
        };
        let read_only = read_only || selected.read_only;
        let view = SequenceView::new(&selected.uids);
        self.write_selected(&selected, &view, read_only);
        let rights = selected.rights;
        if self.enabled.imap4rev2 {
            // RFC 9051 §6.3.2: a LIST response with the mailbox's name.
            self.out.extend_from_slice(b"* LIST () \"/\" ");
            let names = self.names();
            token::mailbox(&mut self.out, &mailbox, names);
            self.out.extend_from_slice(b"\r\n");
        }
        if let Some(resync) = &selected.resync {
            self.write_resync(resync, &view);
        }
        self.selected = Some(Box::new(SelectedMailbox {
            id: selected.mailbox,
            name: mailbox,
            uid_validity: selected.uid_validity,
            view,
            read_only,
            rights,
            known_modseq: selected.highest_modseq,
            vanished: UidSet::new(),
            held_back: None,
            saved: UidSet::new(),
            keywords: selected.keywords,
            told: Vec::new(),
            contexts: Vec::new(),
            unsettled: UidSet::new(),
        }));
        let completion = if read_only {
            Completion::ok("Open for reading only").with_code(b"READ-ONLY")
        } else if rights.meets(WRITING_RIGHTS.into_iter().collect()) {
            Completion::ok("Open").with_code(b"READ-WRITE")
        } else {
            Completion::ok("Open for reading").with_code(b"READ-ONLY")
        };
        self.complete(&tag, completion);
    }

    /// The responses that RFC 9051 §6.3.2 and RFC 3501 §6.3.1 ask for.
    fn write_selected(&mut self, selected: &Selected, view: &SequenceView, read_only: bool) {
        self.write_mailbox_flags(&selected.keywords, read_only, selected.rights);
        self.out.extend_from_slice(b"* ");
        token::number(&mut self.out, u64::from(view.len()));
        self.out.extend_from_slice(b" EXISTS\r\n");
        if !self.enabled.imap4rev2 {
            // RFC 3501 §2.3.2: no message is ever \Recent here. IMAP4rev2 knows no RECENT.
            self.out.extend_from_slice(b"* 0 RECENT\r\n");
            // RFC 9586 §3.4: it would be a message number.
            if !self.enabled.uid_only
                && let Some(first) = selected.first_unseen.and_then(|uid| view.sequence_of(uid))
            {
                self.write_code(b"UNSEEN", u64::from(first), b"The first that is not seen");
            }
        }
        self.write_code(b"UIDVALIDITY", u64::from(selected.uid_validity.0.get()), b"UIDs are valid");
        self.write_code(b"UIDNEXT", u64::from(selected.uid_next), b"The next UID");
        // RFC 7162 §3.1.2.1: a mailbox with persistent sequences always says so.
        self.write_code(b"HIGHESTMODSEQ", selected.highest_modseq.0, b"The highest");
        // RFC 8474 §4.2
        self.out.extend_from_slice(b"* OK [");
        mailbox_id(&mut self.out, selected.mailbox);
        self.out.extend_from_slice(b"] That is its id\r\n");
    }

    /// `* OK [name value] text`
    /// `* OK [NAME value] text`
    pub(crate) fn write_code(&mut self, name: &[u8], value: u64, text: &[u8]) {
        self.out.extend_from_slice(b"* OK [");
        self.out.extend_from_slice(name);
        self.out.push(b' ');
        token::number(&mut self.out, value);
        self.out.extend_from_slice(b"] ");
        self.out.extend_from_slice(text);
        self.out.extend_from_slice(b"\r\n");
    }
}

//! QUOTA (RFC 9208): how much there may be, and how much there is.

use posthouse_model::MailboxName;

use crate::answer::{Answer, QuotaRow};
use crate::grammar::cursor::Cursor;
use crate::grammar::mailbox::mailbox;
use crate::grammar::{CommandError, Parsed};
use crate::limits::{MAX_QUOTA_RESOURCES, MAX_QUOTA_ROOT_BYTES};
use crate::question::{Question, QuotaResource};
use crate::refusal::Refusal;
use crate::response::token::{self, number, string};
use crate::session::completion::{Completion, Update};
use crate::session::pending::Pending;
use crate::session::verbs::Invocation;
use crate::session::{ImapSession, Tag};

/// `getquota = "GETQUOTA" SP quota-root-name`
pub(crate) fn run_get(session: &mut ImapSession, command: &mut Invocation<'_, '_>) -> Parsed<()> {
    command.arguments.space()?;
    let root = root(command.arguments)?;
    command.arguments.end()?;
    session.ask(Question::Quota { root }, Pending::Quota(command.tag.clone()));
    Ok(())
}

/// `getquotaroot = "GETQUOTAROOT" SP mailbox`
pub(crate) fn run_get_root(session: &mut ImapSession, command: &mut Invocation<'_, '_>) -> Parsed<()> {
    command.arguments.space()?;
    let mailbox = mailbox(command.arguments, session.names())?;
    command.arguments.end()?;
    let pending = Pending::QuotaRoots(Box::new((command.tag.clone(), mailbox.clone())));
    session.ask(Question::QuotaRoots { mailbox }, pending);
    Ok(())
}

/// ```text
/// setquota          = "SETQUOTA" SP quota-root-name SP setquota-list
/// setquota-list     = "(" [setquota-resource *(SP setquota-resource)] ")"
/// setquota-resource = resource-name SP resource-limit
/// resource-limit    = number64
/// ```
///
/// Resources that we do not know cannot be limited, which is for the house to refuse and no error of the client's.
pub(crate) fn run_set(session: &mut ImapSession, command: &mut Invocation<'_, '_>) -> Parsed<()> {
    let arguments = &mut *command.arguments;
    arguments.space()?;
    let root = root(arguments)?;
    arguments.space()?;
    arguments.open()?;
    let mut limits = Vec::new();
    let mut unknown = false;
    for count in 0.. {
        if arguments.take(b')') {
            break;
        }
        if count == MAX_QUOTA_RESOURCES {
            return Err(CommandError::TooMany("resources"));
        }
        if count > 0 {
            arguments.space()?;
        }
        let name = arguments.atom()?;
        arguments.space()?;
        let limit = arguments.number64()?;
        match resource(name) {
            Some(resource) => limits.push((resource, limit)),
            None => unknown = true,
        }
    }
    arguments.end()?;
    if unknown {
        session.finish(command.tag, Completion::refused(Refusal::UnknownResource), Update::All);
    } else {
        session.ask(Question::SetQuota { root, limits }, Pending::Quota(command.tag.clone()));
    }
    Ok(())
}

/// `quota-root-name = astring`
fn root(cursor: &mut Cursor<'_>) -> Parsed<String> {
    let root = cursor.text()?;
    if root.len() > MAX_QUOTA_ROOT_BYTES {
        return Err(CommandError::Expected("a shorter name of a quota root"));
    }
    Ok(root)
}

const RESOURCES: [(&str, QuotaResource); 3] =
    [("STORAGE", QuotaResource::Storage), ("MESSAGE", QuotaResource::Message), ("MAILBOX", QuotaResource::Mailbox)];

fn resource(name: &str) -> Option<QuotaResource> {
    RESOURCES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, resource)| *resource)
}

impl ImapSession {
    pub(crate) fn quota_answered(&mut self, tag: &Tag, answer: Answer) {
        match answer {
            Answer::Quotas(rows) => {
                rows.iter().for_each(|row| quota(&mut self.out, row));
                self.finish(tag, Completion::ok("That is the quota"), Update::All);
            }
            other => self.not_done(tag, Update::All, other),
        }
    }

    /// `quotaroot-response = "QUOTAROOT" SP mailbox *(SP quota-root-name)`
    pub(crate) fn quota_roots_answered(&mut self, tag: &Tag, mailbox: &MailboxName, answer: Answer) {
        let rows = match answer {
            Answer::Quotas(rows) => rows,
            other => return self.not_done(tag, Update::All, other),
        };
        self.out.extend_from_slice(b"* QUOTAROOT ");
        let names = self.names();
        token::mailbox(&mut self.out, mailbox, names);
        for row in &rows {
            self.out.push(b' ');
            string(&mut self.out, row.root.as_bytes());
        }
        self.out.extend_from_slice(b"\r\n");
        self.quota_answered(tag, Answer::Quotas(rows));
    }
}

/// ```text
/// quota-response = "QUOTA" SP quota-root-name SP quota-list
/// quota-list     = "(" quota-resource *(SP quota-resource) ")"
/// quota-resource = resource-name SP resource-usage SP resource-limit
/// ```
fn quota(out: &mut Vec<u8>, row: &QuotaRow) {
    out.extend_from_slice(b"* QUOTA ");
    string(out, row.root.as_bytes());
    out.extend_from_slice(b" (");
    for (index, figure) in row.figures.iter().enumerate() {
        if index > 0 {
            out.push(b' ');
        }
        let name = RESOURCES.iter().find(|(_, resource)| *resource == figure.resource).map_or("", |(name, _)| *name);
        out.extend_from_slice(name.as_bytes());
        for value in [figure.used, figure.limit] {
            out.push(b' ');
            number(out, value);
        }
    }
    out.extend_from_slice(b")\r\n");
}

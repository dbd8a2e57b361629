//! ACL (RFC 4314): who may do what.
//!
//! Rights are not tied to each other here; `c` stands for `kx` and `d` for `te`. What rights allow is the house's
//! business: a mailbox that the user may not even see is answered for like one that is not there (RFC 4314 §6).

use posthouse_model::{MailboxName, Right, Rights, RightsChange};

use crate::answer::Answer;
use crate::grammar::cursor::{Cursor, utf8};
use crate::grammar::mailbox::mailbox;
use crate::grammar::{CommandError, Parsed};
use crate::question::Question;
use crate::refusal::Refusal;
use crate::response::token::{self, string};
use crate::session::completion::{Completion, Update};
use crate::session::pending::Pending;
use crate::session::verbs::Invocation;
use crate::session::{ImapSession, Tag};

/// A command about one mailbox that waits for its answer.
#[derive(Debug)]
pub(crate) struct AskedAcl {
    pub(crate) tag: Tag,
    mailbox: MailboxName,
    /// As the client wrote it, for LISTRIGHTS.
    identifier: String,
}

impl AskedAcl {
    fn new(tag: &Tag, mailbox: &MailboxName, identifier: &str) -> Box<Self> {
        Box::new(Self { tag: tag.clone(), mailbox: mailbox.clone(), identifier: identifier.to_owned() })
    }
}

/// `setacl = "SETACL" SP mailbox SP identifier SP mod-rights`
pub(crate) fn run_set(session: &mut ImapSession, command: &mut Invocation<'_, '_>) -> Parsed<()> {
    let mailbox = one_mailbox(session, command.arguments)?;
    let identifier = identifier(command.arguments)?;
    command.arguments.space()?;
    let (change, rights) = mod_rights(&command.arguments.astring()?)?;
    command.arguments.end()?;
    change_acl(session, command.tag, "Rights set", Question::SetAcl { mailbox, identifier, change, rights });
    Ok(())
}

/// `deleteacl = "DELETEACL" SP mailbox SP identifier`
pub(crate) fn run_delete(session: &mut ImapSession, command: &mut Invocation<'_, '_>) -> Parsed<()> {
    let mailbox = one_mailbox(session, command.arguments)?;
    let identifier = identifier(command.arguments)?;
    command.arguments.end()?;
    let (change, rights) = (RightsChange::Replace, Rights::NONE);
    change_acl(session, command.tag, "Rights deleted", Question::SetAcl { mailbox, identifier, change, rights });
    Ok(())
}

fn change_acl(session: &mut ImapSession, tag: &Tag, text: &'static str, question: Question) {
    session.ask(question, Pending::SetAcl(tag.clone(), text));
}

/// `getacl = "GETACL" SP mailbox`
pub(crate) fn run_get(session: &mut ImapSession, command: &mut Invocation<'_, '_>) -> Parsed<()> {
    let mailbox = one_mailbox(session, command.arguments)?;
    command.arguments.end()?;
    let asked = AskedAcl::new(command.tag, &mailbox, "");
    session.ask(Question::Acl { mailbox }, Pending::Acl(asked));
    Ok(())
}

/// `listrights = "LISTRIGHTS" SP mailbox SP identifier`
pub(crate) fn run_list_rights(session: &mut ImapSession, command: &mut Invocation<'_, '_>) -> Parsed<()> {
    let mailbox = one_mailbox(session, command.arguments)?;
    let identifier = identifier(command.arguments)?;
    command.arguments.end()?;
    let asked = AskedAcl::new(command.tag, &mailbox, &identifier);
    session.ask(Question::GrantableRights { mailbox, identifier }, Pending::GrantableRights(asked));
    Ok(())
}

/// `myrights = "MYRIGHTS" SP mailbox`
pub(crate) fn run_my_rights(session: &mut ImapSession, command: &mut Invocation<'_, '_>) -> Parsed<()> {
    let mailbox = one_mailbox(session, command.arguments)?;
    command.arguments.end()?;
    let asked = AskedAcl::new(command.tag, &mailbox, "");
    session.ask(Question::MyRights { mailboxes: vec![mailbox] }, Pending::MyRights(asked));
    Ok(())
}

fn one_mailbox(session: &ImapSession, arguments: &mut Cursor<'_>) -> Parsed<MailboxName> {
    arguments.space()?;
    mailbox(arguments, session.names())
}

/// `SP identifier`; RFC 4314 §3: an identifier is UTF-8 whatever names of mailboxes are written in.
fn identifier(arguments: &mut Cursor<'_>) -> Parsed<String> {
    arguments.space()?;
    utf8(arguments.astring()?)
}

/// `mod-rights = astring`: `+` to add, `-` to remove, neither to replace.
fn mod_rights(text: &[u8]) -> Parsed<(RightsChange, Rights)> {
    let (change, letters) = match text.split_first() {
        Some((b'+', letters)) => (RightsChange::Add, letters),
        Some((b'-', letters)) => (RightsChange::Remove, letters),
        _ => (RightsChange::Replace, text),
    };
    // RFC 4314 §3.1: what is no right is BAD, and nothing is silently left out.
    let letters = std::str::from_utf8(letters).ok().and_then(|letters| Rights::parse(letters).ok());
    Ok((change, letters.ok_or(CommandError::Expected("rights out of lrswipkxteacd"))?))
}

impl ImapSession {
    pub(crate) fn set_acl_answered(&mut self, tag: &Tag, text: &'static str, answer: Answer) {
        match answer {
            Answer::Done => self.finish(tag, Completion::ok(text), Update::All),
            other => self.acl_refused(tag, other),
        }
    }

    pub(crate) fn acl_answered(&mut self, asked: &AskedAcl, answer: Answer) {
        let entries = match answer {
            Answer::Acl(entries) => entries,
            other => return self.acl_refused(&asked.tag, other),
        };
        self.begin_response(b"* ACL ", &asked.mailbox);
        for (identifier, rights) in entries {
            self.out.push(b' ');
            string(&mut self.out, identifier.as_bytes());
            self.write_rights(rights);
        }
        self.out.extend_from_slice(b"\r\n");
        self.finish(&asked.tag, Completion::ok("Those have rights"), Update::All);
    }

    /// RFC 4314 §3.7: first what the identifier has in any case, then what can be given, each by itself.
    pub(crate) fn grantable_rights_answered(&mut self, asked: &AskedAcl, answer: Answer) {
        let (required, optional) = match answer {
            Answer::GrantableRights { required, optional } => (required, optional),
            other => return self.acl_refused(&asked.tag, other),
        };
        self.begin_response(b"* LISTRIGHTS ", &asked.mailbox);
        self.out.push(b' ');
        string(&mut self.out, asked.identifier.as_bytes());
        self.write_rights(required);
        for right in Right::EACH.into_iter().filter(|right| optional.has(*right)) {
            self.out.push(b' ');
            self.out.push(right.letter() as u8);
        }
        // RFC 4314 §2.1.1: the old rights are listed where what they stand for is.
        for (letter, stands_for) in [(b'c', Rights::OLD_CREATE), (b'd', Rights::OLD_DELETE)] {
            if optional.meets(stands_for) {
                self.out.extend_from_slice(&[b' ', letter]);
            }
        }
        self.out.extend_from_slice(b"\r\n");
        self.finish(&asked.tag, Completion::ok("Those can be given"), Update::All);
    }

    pub(crate) fn my_rights_answered(&mut self, asked: &AskedAcl, answer: Answer) {
        match answer {
            Answer::MyRights(rows) => match rows.into_iter().next() {
                Some(Ok(rights)) => {
                    self.write_my_rights(&asked.mailbox, rights);
                    self.finish(&asked.tag, Completion::ok("Those are yours"), Update::All);
                }
                Some(Err(refusal)) => self.finish(&asked.tag, Completion::refused(refusal), Update::All),
                None => self.answered_oddly(&asked.tag, Answer::Done),
            },
            other => self.not_done(&asked.tag, Update::All, other),
        }
    }

    /// `myrights-data = "MYRIGHTS" SP mailbox SP rights`
    pub(crate) fn write_my_rights(&mut self, mailbox: &MailboxName, rights: Rights) {
        self.begin_response(b"* MYRIGHTS ", mailbox);
        self.write_rights(rights);
        self.out.extend_from_slice(b"\r\n");
    }

    fn begin_response(&mut self, name: &[u8], mailbox: &MailboxName) {
        let names = self.names();
        self.out.extend_from_slice(name);
        token::mailbox(&mut self.out, mailbox, names);
    }

    /// `SP rights`
    fn write_rights(&mut self, rights: Rights) {
        self.out.push(b' ');
        if rights.is_empty() {
            self.out.extend_from_slice(b"\"\"");
        } else {
            self.out.extend_from_slice(rights.to_string().as_bytes());
        }
    }

    /// RFC 4314 §3: an identifier that cannot be prepared is BAD.
    fn acl_refused(&mut self, tag: &Tag, answer: Answer) {
        match answer {
            Answer::Refused(Refusal::BadIdentifier) => {
                self.finish(tag, Completion::bad(Refusal::BadIdentifier.text()), Update::All);
            }
            other => self.not_done(tag, Update::All, other),
        }
    }
}

//! UIDPLUS (RFC 4315): UID EXPUNGE, APPENDUID, COPYUID.

use posthouse_model::{UidSet, UidValidity};

use crate::answer::Copied;
use crate::grammar::Parsed;
use crate::grammar::sequence_set::sequence_set;
use crate::response::token::{number, uid_set};
use crate::session::ImapSession;
use crate::session::completion::{Completion, Update};
use crate::session::verbs::Invocation;

/// `uid-expunge = "UID" SP "EXPUNGE" SP sequence-set` (RFC 4315 §4)
pub(crate) fn run_uid_expunge(session: &mut ImapSession, command: &mut Invocation<'_, '_>) -> Parsed<()> {
    command.arguments.space()?;
    let set = sequence_set(command.arguments)?;
    command.arguments.end()?;
    let uids = session.resolve(&set, true)?;
    let uids = session.within_limit(uids);
    if uids.is_empty() {
        session.finish(command.tag, Completion::ok("There is nothing to remove"), Update::All);
        return Ok(());
    }
    session.expunge(command.tag, Some(uids))
}

/// ```text
/// resp-code-apnd = "APPENDUID" SP nz-number SP append-uid
/// append-uid     = uniqueid / uid-set       ; the set where MULTIAPPEND stored several (RFC 4315 §3)
/// ```
pub(crate) fn append_uid(uid_validity: UidValidity, uids: &UidSet) -> Vec<u8> {
    let mut code = b"APPENDUID ".to_vec();
    number(&mut code, u64::from(uid_validity.0.get()));
    code.push(b' ');
    uid_set(&mut code, uids);
    code
}

/// `resp-code-copy = "COPYUID" SP nz-number SP uid-set SP uid-set`; none where nothing was copied.
pub(crate) fn copy_uid(copied: &Copied) -> Option<Vec<u8>> {
    if copied.from.is_empty() {
        return None;
    }
    let mut code = b"COPYUID ".to_vec();
    number(&mut code, u64::from(copied.uid_validity.0.get()));
    for uids in [&copied.from, &copied.to] {
        code.push(b' ');
        uid_set(&mut code, uids);
    }
    Some(code)
}

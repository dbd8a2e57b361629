//! ENABLE (RFC 5161, RFC 9051 §6.3.1).

use crate::grammar::{CommandError, Parsed};
use crate::limits::MAX_ENABLE_CAPABILITIES;
use crate::session::ImapSession;
use crate::session::completion::{Completion, Update};
use crate::session::verbs::Invocation;

/// What the client has enabled, by ENABLE or by what it used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Enabled {
    /// RFC 7162 §3.1
    pub(crate) condstore: bool,
    /// RFC 7162 §3.2
    pub(crate) qresync: bool,
    /// RFC 6855 §3
    pub(crate) utf8: bool,
    /// RFC 9051 §6.3.1
    pub(crate) imap4rev2: bool,
    /// RFC 9586 §3
    pub(crate) uid_only: bool,
    /// RFC 5464 §4.1
    pub(crate) metadata: bool,
    /// Likewise, for annotations of the server only.
    pub(crate) metadata_server: bool,
}

/// `enable = "ENABLE" 1*(SP capability)`; what is not known is passed over.
pub(crate) fn run(session: &mut ImapSession, command: &mut Invocation<'_, '_>) -> Parsed<()> {
    let arguments = &mut *command.arguments;
    let mut enabled = session.enabled;
    let mut told = b"* ENABLED".to_vec();
    let mut count = 0;
    loop {
        arguments.space()?;
        count += 1;
        if count > MAX_ENABLE_CAPABILITIES {
            return Err(CommandError::TooMany("capabilities"));
        }
        if let Some(name) = enabled.enable(arguments.atom()?) {
            told.push(b' ');
            told.extend_from_slice(name.as_bytes());
        }
        if arguments.at_end() {
            break;
        }
    }
    session.out.extend_from_slice(&told);
    session.out.extend_from_slice(b"\r\n");
    session.use_condstore(enabled.condstore);
    let before = std::mem::replace(&mut session.enabled, enabled);
    let metadata = |enabled: Enabled| (enabled.metadata, enabled.metadata_server);
    if metadata(before) != metadata(enabled) {
        session.watch_annotations(command.tag, enabled.metadata);
        return Ok(());
    }
    session.finish(command.tag, Completion::ok("Enabled"), Update::All);
    Ok(())
}

impl Enabled {
    /// Enables `capability`; its name, unless it is unknown or was enabled before.
    fn enable(&mut self, capability: &str) -> Option<&'static str> {
        let before = *self;
        let name = if capability.eq_ignore_ascii_case("CONDSTORE") {
            self.condstore = true;
            "CONDSTORE"
        } else if capability.eq_ignore_ascii_case("QRESYNC") {
            // RFC 7162 §3.2.3: QRESYNC brings CONDSTORE with it.
            (self.qresync, self.condstore) = (true, true);
            "QRESYNC"
        } else if capability.eq_ignore_ascii_case("UTF8=ACCEPT") {
            self.utf8 = true;
            "UTF8=ACCEPT"
        } else if capability.eq_ignore_ascii_case("UIDONLY") {
            self.uid_only = true;
            "UIDONLY"
        } else if capability.eq_ignore_ascii_case("METADATA") {
            self.metadata = true;
            "METADATA"
        } else if capability.eq_ignore_ascii_case("METADATA-SERVER") {
            self.metadata_server = true;
            "METADATA-SERVER"
        } else if capability.eq_ignore_ascii_case("IMAP4rev2") {
            self.imap4rev2 = true;
            "IMAP4rev2"
        } else {
            return None;
        };
        (*self != before).then_some(name)
    }
}

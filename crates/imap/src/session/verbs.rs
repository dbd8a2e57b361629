//! The table of commands: which there are, when they may come, who carries them out.

use posthouse_model::Instant;
use posthouse_model::session::TlsMode;

use super::{
    ImapSession, Phase, Tag, append, authenticate, capability, close, copy, create, delete, expunge, fetch, list,
    login, logout, lsub, noop, rename, search, select, starttls, status, store, subscribe,
};
use crate::extensions::{
    acl, compress, context, enable, id, idle, metadata, move_messages, multisearch, namespace, notify, quota, replace,
    sort, thread, uidplus, unauthenticate, unselect,
};
use crate::grammar::cursor::Cursor;
use crate::grammar::{CommandError, Parsed};

/// When a command may come (RFC 9051 §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    Any,
    /// Not authenticated, whether TLS is there or not.
    BeforeLogin,
    /// Not authenticated, and inside TLS where the listener requires it.
    BeforeLoginInTls,
    /// Not authenticated, and where a password may be sent in clear, which is inside TLS only.
    BeforeLoginWithPassword,
    /// Authenticated or selected.
    LoggedIn,
    /// Authenticated, and no mailbox selected.
    Unselected,
    Selected,
}

/// A command with its arguments still to be read.
pub(crate) struct Invocation<'c, 't> {
    pub(crate) tag: &'c Tag,
    /// What follows the verb, the space before it included.
    pub(crate) arguments: &'c mut Cursor<'t>,
    /// Whether the verb came behind `UID`.
    pub(crate) by_uid: bool,
    pub(crate) now: Instant,
}

pub(crate) type Run = fn(&mut ImapSession, &mut Invocation<'_, '_>) -> Parsed<()>;

const VERBS: &[(&str, When, Run)] = &[
    ("CAPABILITY", When::Any, capability::run),
    ("NOOP", When::Any, noop::run),
    ("LOGOUT", When::Any, logout::run),
    ("ID", When::Any, id::run),
    ("STARTTLS", When::BeforeLogin, starttls::run),
    ("LOGIN", When::BeforeLoginWithPassword, login::run),
    ("AUTHENTICATE", When::BeforeLoginInTls, authenticate::run),
    ("ENABLE", When::Unselected, enable::run),
    ("SELECT", When::LoggedIn, select::run_select),
    ("EXAMINE", When::LoggedIn, select::run_examine),
    ("CREATE", When::LoggedIn, create::run),
    ("DELETE", When::LoggedIn, delete::run),
    ("RENAME", When::LoggedIn, rename::run),
    ("SUBSCRIBE", When::LoggedIn, subscribe::run_subscribe),
    ("UNSUBSCRIBE", When::LoggedIn, subscribe::run_unsubscribe),
    ("LIST", When::LoggedIn, list::run),
    ("LSUB", When::LoggedIn, lsub::run),
    ("NAMESPACE", When::LoggedIn, namespace::run),
    ("STATUS", When::LoggedIn, status::run),
    ("GETQUOTA", When::LoggedIn, quota::run_get),
    ("GETQUOTAROOT", When::LoggedIn, quota::run_get_root),
    ("SETQUOTA", When::LoggedIn, quota::run_set),
    ("GETMETADATA", When::LoggedIn, metadata::run_get),
    ("SETMETADATA", When::LoggedIn, metadata::run_set),
    ("GETACL", When::LoggedIn, acl::run_get),
    ("SETACL", When::LoggedIn, acl::run_set),
    ("DELETEACL", When::LoggedIn, acl::run_delete),
    ("LISTRIGHTS", When::LoggedIn, acl::run_list_rights),
    ("MYRIGHTS", When::LoggedIn, acl::run_my_rights),
    ("APPEND", When::LoggedIn, append::run),
    ("IDLE", When::LoggedIn, idle::run),
    ("ESEARCH", When::LoggedIn, multisearch::run),
    ("NOTIFY", When::LoggedIn, notify::run),
    ("COMPRESS", When::LoggedIn, compress::run),
    ("UNAUTHENTICATE", When::LoggedIn, unauthenticate::run),
    ("CHECK", When::Selected, noop::run_check),
    ("CLOSE", When::Selected, close::run),
    ("UNSELECT", When::Selected, unselect::run),
    ("EXPUNGE", When::Selected, expunge::run),
    ("SEARCH", When::Selected, search::run),
    ("SORT", When::Selected, sort::run),
    ("CANCELUPDATE", When::Selected, context::run_cancelupdate),
    ("THREAD", When::Selected, thread::run),
    ("FETCH", When::Selected, fetch::run),
    ("STORE", When::Selected, store::run),
    ("COPY", When::Selected, copy::run),
    ("MOVE", When::Selected, move_messages::run),
    ("REPLACE", When::Selected, replace::run),
];

/// The commands that may stand behind `UID` (RFC 9051 §6.4.9).
const UID_VERBS: &[(&str, Run)] = &[
    ("SEARCH", search::run),
    ("SORT", sort::run),
    ("THREAD", thread::run),
    ("FETCH", fetch::run),
    ("STORE", store::run),
    ("COPY", copy::run),
    ("MOVE", move_messages::run),
    ("REPLACE", replace::run),
    ("EXPUNGE", uidplus::run_uid_expunge),
];

/// Whether `word` is a command.
pub(crate) fn is_verb(word: &[u8]) -> bool {
    word.eq_ignore_ascii_case(b"UID") || VERBS.iter().any(|(verb, ..)| verb.as_bytes().eq_ignore_ascii_case(word))
}

impl ImapSession {
    /// Carries out the command at `cursor`, or says why not.
    pub(crate) fn run(&mut self, tag: &Tag, cursor: &mut Cursor<'_>, now: Instant) {
        let line = cursor.rest();
        self.lowest_processed = None;
        let result = self.look_up(cursor).and_then(|(run, by_uid)| {
            let mut invocation = Invocation { tag, arguments: cursor, by_uid, now };
            run(self, &mut invocation)
        });
        match result {
            Err(CommandError::UnknownFilter) => return self.ask_filter(tag, line, now),
            Err(CommandError::UndefinedFilter) => self.fail_at_filter(tag),
            Err(error) => self.fail(tag, error),
            Ok(()) => {}
        }
        self.filters = None;
    }

    /// What carries out the command at `cursor`, which is moved behind the verb.
    pub(crate) fn look_up(&self, cursor: &mut Cursor<'_>) -> Parsed<(Run, bool)> {
        const UNKNOWN: CommandError = CommandError::Unknown("There is no such command");
        let verb = cursor.take_while(|byte| byte.is_ascii_alphanumeric());
        if verb.eq_ignore_ascii_case(b"UID") {
            self.check_state(When::Selected)?;
            cursor.space()?;
            let verb = cursor.take_while(|byte| byte.is_ascii_alphabetic());
            let known = UID_VERBS.iter().find(|(known, _)| known.as_bytes().eq_ignore_ascii_case(verb));
            return known.map(|(_, run)| (*run, true)).ok_or(UNKNOWN);
        }
        let known = VERBS.iter().find(|(known, ..)| known.as_bytes().eq_ignore_ascii_case(verb));
        let (_, when, run) = known.ok_or(UNKNOWN)?;
        self.check_state(*when)?;
        // RFC 9586 §3: what has a form with UIDs names messages by their numbers without; but for EXPUNGE, which names
        // none.
        if self.enabled.uid_only
            && !verb.eq_ignore_ascii_case(b"EXPUNGE")
            && UID_VERBS.iter().any(|(known, _)| known.as_bytes().eq_ignore_ascii_case(verb))
        {
            return Err(CommandError::UidRequired);
        }
        Ok((*run, false))
    }

    fn check_state(&self, when: When) -> Parsed<()> {
        let logged_in = self.phase == Phase::LoggedIn;
        let selected = self.selected.is_some();
        let wrong = match when {
            When::Any => None,
            When::BeforeLogin | When::BeforeLoginInTls | When::BeforeLoginWithPassword if logged_in => {
                Some("You are logged in")
            }
            When::BeforeLogin => None,
            When::BeforeLoginInTls => {
                let required = self.config.tls_mode == TlsMode::StartTlsRequired;
                return if required && !self.tls_active { Err(CommandError::PrivacyRequired) } else { Ok(()) };
            }
            When::BeforeLoginWithPassword if self.may_use_login() => None,
            When::BeforeLoginWithPassword if self.tls_active => Some("LOGIN is not offered here"),
            When::BeforeLoginWithPassword => return Err(CommandError::PrivacyRequired),
            _ if !logged_in => Some("Log in first"),
            When::Selected if !selected => Some("Select a mailbox first"),
            When::Unselected if selected => Some("Not while a mailbox is selected"),
            When::LoggedIn | When::Selected | When::Unselected => None,
        };
        wrong.map_or(Ok(()), |text| Err(CommandError::Unknown(text)))
    }
}

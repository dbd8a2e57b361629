//! CAPABILITY (RFC 9051 §6.1.1): what is offered at this moment.

use posthouse_model::session::TlsMode;
use posthouse_sasl::{ChannelBindings, Mechanism, TlsChannel, offer};

use super::completion::{Completion, Update};
use super::verbs::Invocation;
use super::{ImapSession, Phase};
use crate::grammar::Parsed;
use crate::response::token::number;

/// Always.
const BASE: &str = "IMAP4rev1 IMAP4rev2 SASL-IR ID ENABLE";

/// After login.
const EXTENSIONS: &[&str] = &[
    "IDLE",
    "NAMESPACE",
    "NOTIFY",
    "UNSELECT",
    "CHILDREN",
    "UIDPLUS",
    "MOVE",
    "SPECIAL-USE",
    "LIST-EXTENDED",
    "LIST-STATUS",
    "STATUS=SIZE",
    "ESEARCH",
    "SEARCHRES",
    "CONDSTORE",
    "QRESYNC",
    "UTF8=ACCEPT",
    "WITHIN",
    "OBJECTID",
    "SAVEDATE",
    "PREVIEW",
    "CREATE-SPECIAL-USE",
    // RFC 5255 §4.3: what is searched and sorted is compared by i;unicode-casemap.
    "I18NLEVEL=1",
    "SORT",
    "SORT=DISPLAY",
    "ESORT",
    "CONTEXT=SEARCH",
    "CONTEXT=SORT",
    "PARTIAL",
    "MULTISEARCH",
    "INPROGRESS",
    "THREAD=ORDEREDSUBJECT",
    "THREAD=REFERENCES",
    "MULTIAPPEND",
    "BINARY",
    "CATENATE",
    "REPLACE",
    "METADATA",
    "FILTERS",
    "LIST-METADATA",
    "ACL",
    "RIGHTS=kxte",
    "LIST-MYRIGHTS",
    "QUOTA",
    "QUOTASET",
    "QUOTA=RES-STORAGE",
    "QUOTA=RES-MESSAGE",
    "QUOTA=RES-MAILBOX",
    "UIDONLY",
];

/// `capability = "CAPABILITY"`
pub(crate) fn run(session: &mut ImapSession, command: &mut Invocation<'_, '_>) -> Parsed<()> {
    command.arguments.end()?;
    session.out.extend_from_slice(b"* CAPABILITY ");
    session.write_capabilities();
    session.out.extend_from_slice(b"\r\n");
    session.finish(command.tag, Completion::ok("That is what we can do"), Update::All);
    Ok(())
}

impl ImapSession {
    /// The capabilities, separated by spaces.
    pub(crate) fn write_capabilities(&mut self) {
        self.out.extend_from_slice(BASE.as_bytes());
        if self.phase == Phase::LoggedIn {
            let literals = if self.config.literal_plus { " LITERAL+" } else { " LITERAL-" };
            self.out.extend_from_slice(literals.as_bytes());
            for extension in EXTENSIONS {
                self.out.push(b' ');
                self.out.extend_from_slice(extension.as_bytes());
            }
            if !self.compressed {
                self.out.extend_from_slice(b" COMPRESS=DEFLATE");
            }
            if self.offers_unauthenticate() {
                self.out.extend_from_slice(b" UNAUTHENTICATE");
            }
            if let Some(limit) = self.config.limits.messages_per_command {
                self.out.extend_from_slice(b" MESSAGELIMIT=");
                number(&mut self.out, u64::from(limit.get()));
            }
            self.out.extend_from_slice(b" APPENDLIMIT=");
            number(&mut self.out, self.config.limits.append_bytes);
            return;
        }
        self.out.extend_from_slice(b" LITERAL-");
        let starts_tls = matches!(self.config.tls_mode, TlsMode::StartTlsRequired | TlsMode::StartTlsOptional);
        if starts_tls && !self.tls_active {
            self.out.extend_from_slice(b" STARTTLS");
        }
        for mechanism in self.offered_mechanisms() {
            self.out.extend_from_slice(b" AUTH=");
            self.out.extend_from_slice(mechanism.name().as_bytes());
        }
        if !self.may_use_login() {
            self.out.extend_from_slice(b" LOGINDISABLED");
        }
    }

    /// `capability-data`, as a response code.
    pub(crate) fn capability_code(&mut self) -> Vec<u8> {
        let before = std::mem::take(&mut self.out);
        self.out.extend_from_slice(b"CAPABILITY ");
        self.write_capabilities();
        std::mem::replace(&mut self.out, before)
    }

    /// The SASL mechanisms offered at this moment: none in clear outside TLS, none at all while TLS is still required.
    pub(crate) fn offered_mechanisms(&self) -> Vec<Mechanism> {
        if self.config.tls_mode == TlsMode::StartTlsRequired && !self.tls_active {
            return Vec::new();
        }
        let none = ChannelBindings::default();
        let channel = TlsChannel {
            bindings: self.channel_bindings.as_deref().unwrap_or(&none),
            client_certificate: self.client_certificate,
        };
        offer(&self.config.mechanisms, self.tls_active.then_some(channel))
    }

    /// RFC 9051 §6.2.3: LOGIN sends the password in clear, as PLAIN does, and is offered with it.
    pub(crate) fn may_use_login(&self) -> bool {
        self.offered_mechanisms().contains(&Mechanism::Plain)
    }
}

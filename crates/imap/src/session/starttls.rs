//! STARTTLS (RFC 9051 §6.2.1).

use posthouse_model::session::{CloseReason, Step, TlsMode};

use super::completion::Completion;
use super::verbs::Invocation;
use super::{ImapSession, Phase};
use crate::grammar::{CommandError, Parsed};

/// `starttls = "STARTTLS"`
///
/// What stands behind the command in the same piece of input came in clear and would be taken for something said
/// inside TLS (CVE-2011-0411), so the connection ends there.
pub(crate) fn run(session: &mut ImapSession, command: &mut Invocation<'_, '_>) -> Parsed<()> {
    command.arguments.end()?;
    if session.tls_active {
        return Err(CommandError::Unknown("TLS is active already"));
    }
    if !matches!(session.config.tls_mode, TlsMode::StartTlsRequired | TlsMode::StartTlsOptional) {
        return Err(CommandError::Unknown("There is no TLS here"));
    }
    if !session.reader.is_empty() {
        session.bye("There is more behind STARTTLS", CloseReason::PipelinedStartTls);
        return Ok(());
    }
    session.complete(command.tag, Completion::ok("Begin TLS now"));
    session.push(Step::StartTls);
    session.phase = Phase::ExpectHandshake;
    Ok(())
}

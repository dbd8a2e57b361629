//! COMPRESS=DEFLATE (RFC 4978): from here on both sides compress. The driver does it; the session only says when.

use posthouse_model::session::Step;

use crate::grammar::{CommandError, Parsed};
use crate::session::ImapSession;
use crate::session::completion::Completion;
use crate::session::verbs::Invocation;

/// ```text
/// compress  = "COMPRESS" SP algorithm
/// algorithm = "DEFLATE"
/// ```
///
/// RFC 4978 §3: the client has to wait for the answer, so whatever stands behind the command is neither compressed nor
/// to be read as if it were.
pub(crate) fn run(session: &mut ImapSession, command: &mut Invocation<'_, '_>) -> Parsed<()> {
    command.arguments.space()?;
    let algorithm = command.arguments.atom()?;
    command.arguments.end()?;
    if !algorithm.eq_ignore_ascii_case("DEFLATE") {
        return Err(CommandError::Unknown("Only DEFLATE is known"));
    }
    if session.compressed {
        let completion = Completion::no("Compression is active already").with_code(b"COMPRESSIONACTIVE");
        session.complete(command.tag, completion);
        return Ok(());
    }
    if !session.reader.is_empty() {
        return Err(CommandError::Unknown("Wait for the answer before you say more"));
    }
    // The next thing that is sent is compressed, so nothing can be told about the mailbox before or after the end.
    session.complete(command.tag, Completion::ok("Compression begins"));
    session.push(Step::StartCompression);
    session.compressed = true;
    Ok(())
}

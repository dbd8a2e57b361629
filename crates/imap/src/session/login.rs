//! LOGIN (RFC 9051 §6.2.3): PLAIN in other clothes, and carried out as such. It is looked up only where PLAIN is
//! offered.

use posthouse_model::Secret;
use posthouse_sasl::Mechanism;

use super::ImapSession;
use super::verbs::Invocation;
use crate::grammar::Parsed;

/// ```text
/// login    = "LOGIN" SP userid SP password
/// userid   = astring
/// password = astring
/// ```
pub(crate) fn run(session: &mut ImapSession, command: &mut Invocation<'_, '_>) -> Parsed<()> {
    let arguments = &mut *command.arguments;
    arguments.space()?;
    let user = arguments.astring()?;
    arguments.space()?;
    let password = Secret::new(arguments.astring()?.into_owned());
    arguments.end()?;
    // RFC 4616 §2: message = [authzid] UTF8NUL authcid UTF8NUL passwd; there is no NUL in an astring.
    let message = Secret::new([b"\0", user.as_ref(), b"\0", password.expose()].concat());
    session.start_exchange(command.tag, Mechanism::Plain, Some(message.expose()), [0; posthouse_sasl::NONCE_BYTES], 0);
    Ok(())
}

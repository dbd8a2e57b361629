//! From what is known of a message to what is done with it: a pure function.

use posthouse_mime::Structure;

use crate::MessageRefusal;
use crate::options::FlowOptions;

/// Name of the trace field, in lower case.
const RECEIVED: &str = "received";

/// What is known of a message when all of it is here.
pub(crate) struct Evidence<'a> {
    /// Its structure, our own trace field included.
    pub structure: &'a Structure,
}

/// Judges a message.
///
/// # Errors
/// Why it is not taken.
pub(crate) fn judge(evidence: &Evidence<'_>, options: &FlowOptions) -> Result<(), MessageRefusal> {
    // RFC 5321 §6.3: count them, since a loop leaves a field each time round.
    let hops = evidence.structure.fields_named(RECEIVED).count();
    if hops > options.max_hops { Err(MessageRefusal::RoutingLoop) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use posthouse_model::Domain;

    use super::*;

    fn check(hops: usize, expected: &Result<(), MessageRefusal>) {
        let message = "Received: from a by b; now\r\n".repeat(hops) + "Subject: x\r\n\r\nbody\r\n";
        let options = FlowOptions::new(Domain::parse("mx.example").unwrap());
        let structure = Structure::parse(message.as_bytes());
        assert_eq!(judge(&Evidence { structure: &structure }, &options), *expected, "{hops}");
    }

    #[test]
    fn mail_that_goes_in_circles_is_refused() {
        check(0, &Ok(()));
        check(50, &Ok(()));
        check(51, &Err(MessageRefusal::RoutingLoop));
    }
}

//! Results of authentication that claim to be ours.
//!
//! RFC 8601 §5: whoever adds `Authentication-Results` takes out those that came with the message and bear its own
//! name, or anybody could forge them. Results of others stay: what they are worth is for their readers to know.

use bytes::Bytes;
use posthouse_mime::{HeaderField, Span, Structure};
use posthouse_model::Domain;

/// The field's name, in lower case.
const AUTHENTICATION_RESULTS: &str = "authentication-results";

/// The pieces of a message without such fields that say they were made by `authserv_id`.
pub(crate) fn without_forged_results(pieces: Vec<Bytes>, authserv_id: &Domain) -> Vec<Bytes> {
    // The header lies in the first pieces; a message of which something was taken out is put together for the look.
    let raw = match pieces.as_slice() {
        [whole] => whole.clone(),
        _ => Bytes::from(pieces.concat()),
    };
    let header = posthouse_mime::edit::HeaderFacts::read(&raw).header.range();
    let structure = Structure::parse(&raw[header.clone()]);
    let forged: Vec<Span> = structure
        .fields_named(AUTHENTICATION_RESULTS)
        .filter(|field| claims(field, &raw, authserv_id))
        .map(|field| field.span)
        .collect();
    if forged.is_empty() {
        return pieces;
    }
    let mut kept = Vec::with_capacity(forged.len() + 1);
    let mut from = 0;
    for span in forged {
        kept.push(raw.slice(from..span.range().start));
        from = span.range().end;
    }
    kept.push(raw.slice(from..));
    kept
}

/// Whether a field names `authserv_id` as its maker, whatever comments stand before the name. A field that names
/// nobody readable claims nothing, and a subdomain of ours is another name.
fn claims(field: &HeaderField, raw: &[u8], authserv_id: &Domain) -> bool {
    let value = posthouse_mime::header::unfold(field.value.of(raw));
    let text = String::from_utf8_lossy(&value);
    let text = without_comments(&text);
    let name = text.split(|c: char| c == ';' || c.is_whitespace()).find(|word| !word.is_empty()).unwrap_or_default();
    let name = name.trim_matches('"').trim_end_matches('.');
    Domain::parse(name).is_ok_and(|domain| domain == *authserv_id)
}

/// The text with its comments, nested ones included, made spaces (RFC 5322 §3.2.2).
fn without_comments(text: &str) -> String {
    let mut depth = 0usize;
    let mut escaped = false;
    text.chars()
        .map(|c| {
            let was_inside = depth > 0;
            match c {
                _ if escaped => escaped = false,
                '\\' if was_inside => escaped = true,
                '(' => depth += 1,
                ')' if was_inside => depth -= 1,
                _ => {}
            }
            if was_inside || depth > 0 { ' ' } else { c }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(header: &str, expected: &str) {
        let raw = Bytes::from(format!("{header}\r\nAuthentication-Results: mx.example; spf=pass\r\n"));
        let own = Domain::parse("mx.example").unwrap();
        let kept = without_forged_results(vec![raw], &own).concat();
        let expected = format!("{expected}\r\nAuthentication-Results: mx.example; spf=pass\r\n");
        assert_eq!(String::from_utf8(kept).unwrap(), expected);
    }

    #[test]
    fn only_what_claims_to_be_ours_goes() {
        check("Subject: x\r\nAuthentication-Results: mx.example; dkim=pass\r\n", "Subject: x\r\n");
        check("AUTHENTICATION-results:\r\n\t(ha (ha\\)) ha) MX.Example. 1;\r\n spf=pass\r\nTo: y\r\n", "To: y\r\n");
        check("Authentication-Results: \"mx.example\"; none\r\nTo: y\r\n", "To: y\r\n");
        for other in [
            "Authentication-Results: other.example; dkim=pass\r\n",
            "Authentication-Results: sub.mx.example; dkim=pass\r\n",
            "Authentication-Results: (mx.example) other.example; x\r\n",
            "Authentication-Results: ; dkim=pass\r\n",
            "Subject: Authentication-Results: mx.example\r\n",
        ] {
            check(other, other);
        }
    }

    #[test]
    fn what_looks_like_one_in_the_body_stays() {
        // Each case above has one behind the blank line.
        check("To: y\r\n", "To: y\r\n");
    }

    #[test]
    fn pieces_are_looked_at_together() {
        let pieces = vec![Bytes::from("To: y\r\nAuthentication-Re"), Bytes::from("sults: mx.example; x\r\n\r\nbody")];
        let kept = without_forged_results(pieces, &Domain::parse("mx.example").unwrap()).concat();
        assert_eq!(kept, b"To: y\r\n\r\nbody");
    }
}

//! What was found out about a message, as `Authentication-Results` says it (RFC 8601 §2.2).

use std::fmt::Write as _;

use posthouse_model::Domain;

use crate::arc::{ArcOutcome, ArcResult};
use crate::dkim::{DkimOutcome, DkimResult};

/// Longest reason, in octets.
const MAX_REASON_BYTES: usize = 200;
/// Longest value of a property, in octets; a stranger chose it.
const MAX_VALUE_BYTES: usize = 255;

/// The value of the field, without its name and its line end: who found it out, and what, each in a line of its own.
#[must_use]
pub fn authentication_results(authserv_id: &Domain, dkim: &[DkimResult], arc: Option<&ArcResult>) -> String {
    let mut text = authserv_id.to_string();
    if dkim.is_empty() {
        text.push_str(";\r\n\tdkim=none");
    }
    for result in dkim {
        let _ = write!(text, ";\r\n\tdkim={}", result.outcome.word());
        push_reason(&mut text, dkim_reason(result).as_deref());
        let properties = [
            ("d", result.domain.as_ref().map(Domain::to_string)),
            ("s", result.selector.clone()),
            ("a", result.algorithm.clone()),
            ("b", result.beginning.clone()),
        ];
        for (name, value) in properties {
            push_property(&mut text, "header", name, value.as_deref());
        }
    }
    if let Some(arc) = arc {
        let _ = write!(text, ";\r\n\tarc={}", arc.outcome.word());
        let reason = match &arc.outcome {
            ArcOutcome::None | ArcOutcome::Pass => None,
            ArcOutcome::Fail(fault) => Some(fault.to_string()),
            ArcOutcome::KeyUnavailable(error) => Some(error.to_string()),
        };
        push_reason(&mut text, reason.as_deref());
    }
    text
}

fn dkim_reason(result: &DkimResult) -> Option<String> {
    match &result.outcome {
        DkimOutcome::Pass => None,
        DkimOutcome::PartOfBody { unsigned_bytes } => {
            Some(format!("{unsigned_bytes} octets of the body are not signed"))
        }
        DkimOutcome::BodyAltered => Some("the body was changed".to_owned()),
        DkimOutcome::HeaderAltered => Some("the header was changed".to_owned()),
        DkimOutcome::Unusable(fault) => Some(fault.to_string()),
        DkimOutcome::BadKey(fault) => Some(fault.to_string()),
        DkimOutcome::KeyUnavailable(error) => Some(error.to_string()),
    }
}

fn push_reason(text: &mut String, reason: Option<&str>) {
    if let Some(reason) = reason {
        let _ = write!(text, " reason={}", value(reason, MAX_REASON_BYTES, true));
    }
}

fn push_property(text: &mut String, kind: &str, name: &str, found: Option<&str>) {
    if let Some(found) = found {
        let _ = write!(text, "\r\n\t {kind}.{name}={}", value(found, MAX_VALUE_BYTES, false));
    }
}

/// A token as it is, anything else as a quoted string (RFC 2045 §5.1), in which no line can end.
fn value(text: &str, max_bytes: usize, quoted: bool) -> String {
    let is_token = |octet: u8| octet.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?=".contains(&octet);
    if !quoted && !text.is_empty() && text.len() <= max_bytes && text.bytes().all(is_token) {
        return text.to_owned();
    }
    let mut value = String::from("\"");
    for character in text.chars().filter(|c| *c == ' ' || c.is_ascii_graphic()) {
        if value.len() > max_bytes {
            break;
        }
        if matches!(character, '"' | '\\') {
            value.push('\\');
        }
        value.push(character);
    }
    value.push('"');
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arc::ArcFault;
    use crate::dkim::SignatureFault;

    fn result(outcome: DkimOutcome) -> DkimResult {
        DkimResult {
            domain: Domain::parse("example.org").ok(),
            selector: Some("one".to_owned()),
            identity: None,
            algorithm: Some("rsa-sha256".to_owned()),
            beginning: Some("AbC/+=".to_owned()),
            rsa_bits: None,
            is_testing: false,
            outcome,
        }
    }

    fn check(dkim: &[DkimResult], arc: Option<ArcOutcome>, expected: &str) {
        let arc = arc.map(|outcome| ArcResult { sealers: Vec::new(), outcome });
        let text = authentication_results(&Domain::parse("mx.example").unwrap(), dkim, arc.as_ref());
        assert_eq!(text.replace("\r\n\t", ""), expected);
    }

    #[test]
    fn fields() {
        check(&[], None, "mx.example;dkim=none");
        let pass = "dkim=pass header.d=example.org header.s=one header.a=rsa-sha256 header.b=\"AbC/+=\"";
        check(&[result(DkimOutcome::Pass)], Some(ArcOutcome::Pass), &format!("mx.example;{pass};arc=pass"));
        check(
            &[result(DkimOutcome::Unusable(SignatureFault::Expired))],
            Some(ArcOutcome::Fail(ArcFault::SealBroken(2))),
            "mx.example;dkim=permerror reason=\"it has expired\" header.d=example.org header.s=one header.a=rsa-sha256 \
             header.b=\"AbC/+=\";arc=fail reason=\"the seal of set 2 does not hold\"",
        );
    }

    /// The attack: a signature whose tags are to become results of ours.
    #[test]
    fn nothing_can_be_smuggled_in() {
        let mut hostile = result(DkimOutcome::BodyAltered);
        hostile.selector = Some("x; spf=pass\r\n\tdmarc=pass\r\nX: \"y\\".to_owned());
        hostile.algorithm = Some("a".repeat(10_000));
        let text = authentication_results(&Domain::parse("mx.example").unwrap(), &[hostile], None);
        assert!(text.contains(r#"header.s="x; spf=passdmarc=passX: \"y\\""#), "{text}");
        assert!(text.lines().all(|line| line.len() < 300) && text.lines().count() == 6, "{text}");
    }
}

//! Whether decoded text contains another, without regard to case.

use posthouse_mime::{HeaderField, Structure, decode_header_text, part_text};

/// Characters of a header field that are searched.
const MAX_SEARCHED_FIELD_CHARS: usize = 64 * 1024;
/// Characters of a part that are searched.
const MAX_SEARCHED_PART_CHARS: usize = 16 * 1024 * 1024;

/// Whether a field called `name` contains `needle`; with an empty needle, whether there is such a field, for which the
/// structure suffices.
pub(super) fn header_has(name: &str, needle: &str, structure: &Structure, header: Option<&[u8]>) -> Option<bool> {
    let mut fields = structure.fields_named(name).peekable();
    if fields.peek().is_none() {
        return Some(false);
    }
    if needle.is_empty() {
        return Some(true);
    }
    let header = header?;
    Some(fields.any(|field| contains(&field_text(field, header), needle)))
}

/// Whether any field of the header contains `needle`, names included.
pub(super) fn any_header_has(needle: &str, structure: &Structure, header: &[u8]) -> bool {
    structure.root().fields.iter().any(|field| {
        let name = field.name.as_str();
        contains(&format!("{name}: {}", field_text(field, header)), needle)
    })
}

/// Whether the text of any part contains `needle`; of a message within the message, its header, too.
pub(super) fn body_has(needle: &str, structure: &Structure, whole: &[u8]) -> bool {
    structure.parts.iter().enumerate().any(|(index, part)| {
        let in_header = index > 0 && part.fields.iter().any(|field| contains(&field_text(field, whole), needle));
        in_header
            || (part.children.is_empty()
                && part_text(part, whole, MAX_SEARCHED_PART_CHARS).is_some_and(|text| contains(&text, needle)))
    })
}

fn field_text(field: &HeaderField, octets: &[u8]) -> String {
    decode_header_text(field.value.of(octets), MAX_SEARCHED_FIELD_CHARS)
}

/// RFC 9051 §6.4.4: matching disregards case. Text without characters beyond ASCII takes the short way.
fn contains(text: &str, needle: &str) -> bool {
    if needle.is_empty() {
        return true;
    }
    if text.is_ascii() && needle.is_ascii() {
        let lower = text.to_ascii_lowercase();
        return lower.contains(&needle.to_ascii_lowercase());
    }
    text.to_lowercase().contains(&needle.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, needle: &str, expected: bool) {
        assert_eq!(contains(text, needle), expected, "{needle:?} in {text:?}");
    }

    #[test]
    fn substrings_without_case() {
        check("The smartChoice", "martch", true);
        check("zebra", "EBRA", true);
        check("Grüße", "GRÜSSE", false);
        check("ÄRGER", "ärg", true);
        check("", "", true);
        check("", "x", false);
    }
}

//! The number of a set, by which its fields belong together (RFC 8617 §4.2.1).

use super::sets::MAX_ARC_SETS;

/// Reads the number of a tag `i`.
pub(super) fn of_tag(value: &str) -> Option<usize> {
    let is_number = matches!(value.len(), 1 | 2) && value.bytes().all(|octet| octet.is_ascii_digit());
    let number = is_number.then(|| value.parse().ok()).flatten()?;
    (1..=MAX_ARC_SETS).contains(&number).then_some(number)
}

/// Reads the number with which `ARC-Authentication-Results` begins (RFC 8617 §4.1.1).
pub(super) fn of_results(value: &[u8]) -> Option<usize> {
    let end = value.iter().position(|octet| *octet == b';')?;
    let (name, number) = std::str::from_utf8(&value[..end]).ok()?.split_once('=')?;
    (name.trim() == "i").then(|| of_tag(number.trim())).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        for (text, expected) in [
            ("1", Some(1)),
            ("50", Some(50)),
            ("51", None),
            ("0", None),
            ("", None),
            ("+1", None),
            ("001", None),
            ("x", None),
            ("1.", None),
        ] {
            assert_eq!(of_tag(text), expected, "{text:?}");
            assert_eq!(of_results(format!(" i = {text}\r\n\t; mx.example; none").as_bytes()), expected, "{text:?}");
        }
        for text in ["i=1", "mx.example; i=1", "I=1;", "", ";", "i=1 mx.example; none"] {
            assert_eq!(of_results(text.as_bytes()), None, "{text:?}");
        }
    }
}

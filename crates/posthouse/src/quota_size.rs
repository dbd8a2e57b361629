//! Sizes and counts as people write and read them.

/// Powers of ten and of two, the longer names first.
const UNITS: [(&str, u64); 9] = [
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("B", 1),
];

/// Reads a size such as `5GB` or `512MiB`.
///
/// # Errors
/// Why it is none.
pub fn parse_size(text: &str) -> Result<u64, String> {
    let refused = || format!("`{text}` is not a size: write a whole number and a unit, such as 5GB or 512MiB");
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let unit = unit.trim();
    let factor = UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit)).ok_or_else(refused)?.1;
    number.parse::<u64>().ok().and_then(|number| number.checked_mul(factor)).ok_or_else(refused)
}

/// A size in the largest unit of ten of which there is one at least, with one decimal.
pub fn show_size(octets: u64) -> String {
    let unit = UNITS.iter().filter(|(name, _)| !name.contains('i')).filter(|(_, factor)| *factor <= octets.max(1));
    let (name, factor) = unit.max_by_key(|(_, factor)| *factor).copied().unwrap_or(("B", 1));
    let tenths = u128::from(octets) * 10 / u128::from(factor);
    if factor == 1 || tenths % 10 == 0 {
        format!("{} {name}", tenths / 10)
    } else {
        format!("{}.{} {name}", tenths / 10, tenths % 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (text, octets, shown) in [
            ("5GB", 5_000_000_000, "5 GB"),
            ("512MiB", 512 << 20, "536.8 MB"),
            ("0B", 0, "0 B"),
            ("999 b", 999, "999 B"),
            ("1500kb", 1_500_000, "1.5 MB"),
        ] {
            assert_eq!(parse_size(text), Ok(octets), "{text}");
            assert_eq!(show_size(octets), shown, "{text}");
        }
        for bad in ["", "5", "GB", "1.5GB", "-1GB", "5 XB", "99999999999TB"] {
            assert!(parse_size(bad).is_err(), "{bad}");
        }
    }
}

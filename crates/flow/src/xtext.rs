//! xtext (RFC 3461 §4): how ENVID and ORCPT carry what the value of a parameter cannot hold.

/// The text that `encoded` stands for, or `encoded` itself where it breaks the rules.
pub(crate) fn decode(encoded: &str) -> String {
    octets_of(encoded).and_then(|octets| String::from_utf8(octets).ok()).unwrap_or_else(|| encoded.to_owned())
}

fn octets_of(encoded: &str) -> Option<Vec<u8>> {
    let mut octets = Vec::with_capacity(encoded.len());
    let mut rest = encoded.bytes();
    let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
    while let Some(byte) = rest.next() {
        octets.push(match byte {
            b'+' => u8::try_from(digit(rest.next())? << 4 | digit(rest.next())?).ok()?,
            byte => byte,
        });
    }
    Some(octets)
}

/// Encodes `text`.
pub(crate) fn encode(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b'+' && byte != b'=';
    text.bytes()
        .map(|byte| if is_plain(byte) { char::from(byte).to_string() } else { format!("+{byte:02X}") })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, encoded: &str) {
        assert_eq!(encode(text), encoded);
        assert_eq!(decode(encoded), text);
    }

    #[test]
    fn both_ways() {
        check("ann@example.org", "ann@example.org");
        check("ann+lists=x@example.org", "ann+2Blists+3Dx@example.org");
        check("a b", "a+20b");
        assert_eq!(decode("a+"), "a+");
        assert_eq!(decode("+FF"), "+FF");
    }
}

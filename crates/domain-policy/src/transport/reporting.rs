//! Where a domain wants reports about TLS to be sent (RFC 8460 §3).

use posthouse_model::Address;

/// Most places that a domain may name; the others are left out.
pub const MAX_REPORT_PLACES: usize = 10;
/// Longest URL that is used, in octets.
const MAX_URL_BYTES: usize = 2048;

/// Where a report is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReportPlace {
    /// By mail.
    Mail(Address),
    /// By HTTPS POST to this URL.
    Https(String),
}

/// What a domain asks for in the TXT records of `_smtp._tls`; nothing where it asks for none, or not in a way that
/// counts.
///
/// ```text
/// tlsrpt-record = "v=TLSRPTv1" 1*(*WSP ";" *WSP tlsrpt-field) [*WSP ";" *WSP]
/// tlsrpt-rua    = "rua=" tlsrpt-uri *(*WSP "," *WSP tlsrpt-uri)
/// ```
pub fn report_places(texts: &[String]) -> Vec<ReportPlace> {
    let is_record = |text: &&String| text.split(';').next().is_some_and(|first| first.trim_end() == "v=TLSRPTv1");
    let mut records = texts.iter().filter(is_record);
    // RFC 8460 §3: with several of them it is as if there were none.
    let (Some(record), None) = (records.next(), records.next()) else { return Vec::new() };
    let fields = record.split(';').skip(1).map(|field| field.trim_matches([' ', '\t']));
    let uris = fields.filter_map(|field| field.strip_prefix("rua=")).flat_map(|list| list.split(','));
    uris.filter_map(|uri| place_of(uri.trim_matches([' ', '\t']))).take(MAX_REPORT_PLACES).collect()
}

fn place_of(uri: &str) -> Option<ReportPlace> {
    let is_scheme = |scheme: &str| uri.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    if is_scheme("mailto:") {
        // RFC 6068 §2: whatever follows the address is about the message, which is ours to write.
        let encoded = uri["mailto:".len()..].split('?').next()?;
        return Address::parse(&decoded(encoded)?).ok().map(ReportPlace::Mail);
    }
    let is_url = is_scheme("https://") && uri.len() <= MAX_URL_BYTES && uri.bytes().all(|byte| byte.is_ascii_graphic());
    is_url.then(|| ReportPlace::Https(uri.to_owned()))
}

/// Undoes percent-encoding (RFC 3986 §2.1).
fn decoded(text: &str) -> Option<String> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, behind @ ..] = rest {
        rest = behind;
        if *first != b'%' {
            octets.push(*first);
            continue;
        }
        let [high, low, behind @ ..] = rest else { return None };
        let digit = |byte: &u8| char::from(*byte).to_digit(16);
        octets.push(u8::try_from(digit(high)? * 16 + digit(low)?).ok()?);
        rest = behind;
    }
    String::from_utf8(octets).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(texts: &[&str], expected: &[&str]) {
        let texts: Vec<_> = texts.iter().map(|&text| text.to_owned()).collect();
        let words = |place: ReportPlace| match place {
            ReportPlace::Mail(address) => address.to_string(),
            ReportPlace::Https(url) => url,
        };
        let found: Vec<_> = report_places(&texts).into_iter().map(words).collect();
        assert_eq!(found, expected, "{texts:?}");
    }

    #[test]
    fn places() {
        check(&["v=TLSRPTv1; rua=mailto:reports@example.com"], &["reports@example.com"]);
        check(&["v=TLSRPTv1;rua=https://r.example/v1/tlsrpt;"], &["https://r.example/v1/tlsrpt"]);
        check(
            &["v=TLSRPTv1; x=y; rua=mailto:a%2Bb@x.example , HTTPS://r.example"],
            &["a+b@x.example", "HTTPS://r.example"],
        );
        check(&["v=spf1 -all", "v=TLSRPTv1; rua=mailto:a@x.example?subject=hi"], &["a@x.example"]);
        check(&["v=TLSRPTv1; rua=mailto:a@x.example", "v=TLSRPTv1; rua=mailto:b@x.example"], &[]);
        for none in
            ["", "v=TLSRPTv1", "v=TLSRPTv2; rua=mailto:a@x.example", "v=TLSRPTv1; rua=", "v=TLSRPTv1; rua=mailto:%"]
        {
            check(&[none], &[]);
        }
        check(&["v=TLSRPTv1; rua=http://r.example,ftp://x,mailto:nobody,https://a b"], &[]);
        let many = vec!["mailto:a@x.example"; 50].join(",");
        check(&[&format!("v=TLSRPTv1; rua={many}")], &["a@x.example"; MAX_REPORT_PLACES]);
    }
}

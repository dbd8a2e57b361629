use proptest::prelude::*;

use super::*;
use crate::structure::Structure;

fn round_trip(raw: &[u8]) -> Vec<u8> {
    let structure = Structure::parse(raw);
    let stored = structure.encode();
    assert_eq!(Structure::decode(&stored).as_ref(), Ok(&structure), "{}", String::from_utf8_lossy(raw));
    stored
}

const TYPICAL: &str = "Return-Path: <a@example.org>\r\nReceived: from x by y\r\n with ESMTPS id z;\r\n Thu, 1 Jan 2004 00:00:00 +0000\r\n\
Received: from x by y\r\nDKIM-Signature: v=1; a=rsa-sha256; b=abc\r\nDate: Thu, 1 Jan 2004 00:00:00 +0000\r\nFrom: a@example.org\r\n\
To: b@example.org\r\nCc: c@example.org\r\nSubject: a subject\r\nMessage-ID: <x@y>\r\nIn-Reply-To: <u@v>\r\nReferences: <u@v>\r\n\
MIME-Version: 1.0\r\nContent-Type: text/plain; charset=UTF-8; format=flowed\r\nContent-Transfer-Encoding: 8bit\r\nUser-Agent: test\r\n\
X-Custom-Header-One: 1\r\nX-Custom-Header-Two: 2\r\nX-Spam-Status: No\r\nList-Id: <l.example.org>\r\nAutocrypt: x\r\n\r\nbody\r\n";

#[test]
fn a_typical_message_is_small() {
    let stored = round_trip(TYPICAL.as_bytes());
    assert!(stored.len() < 150, "{}", stored.len());
}

#[test]
fn structures_come_back() {
    for raw in [
        "",
        "\r\n",
        "junk",
        "Subject: x\nY: z",
        "Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b\nContent-Type: message/rfc822\n\nA: b\n\ntwo\n--b--\n",
        "Content-Type: image/png; name*=utf-8''%c3%bc\nContent-ID: <a>\nContent-Description: d\nContent-MD5: m\n\
         Content-Language: a, b\nContent-Location: l\nContent-Disposition: inline; filename=x\nContent-Transfer-Encoding: base64\n\n",
    ] {
        round_trip(raw.as_bytes());
    }
    round_trip("Content-Type: message/rfc822\n\n".repeat(10_000).as_bytes());
    let parts = "--b\nX-Y: z\n\nbody\n".repeat(5_000);
    round_trip(format!("Content-Type: multipart/mixed; boundary=b\n\n{parts}").as_bytes());
}

/// The form is a promise to data already stored: this text must never change for version 1.
#[test]
fn the_form_is_stable() {
    let stored = round_trip(b"Subject: x\r\nX-Y: z\r\n\r\nbody");
    let expected = [
        1, 26, 3, 0, 1, // version, size, lines, flags, parts
        0, 0, 22, 4, 0, // parent, header, its length, body length, lines
        2, 6, 8, 0, 3, b'x', b'-', b'y', 8, // fields: subject by its code, x-y by its name
        0, // nothing but text/plain
    ];
    assert_eq!(stored, expected);
}

#[test]
fn what_is_not_ours_is_refused() {
    let stored = Structure::parse(TYPICAL.as_bytes()).encode();
    for length in 0..stored.len() {
        assert_eq!(Structure::decode(&stored[..length]), Err(DecodeError::Truncated), "{length}");
    }
    let mut longer = stored.clone();
    longer.push(0);
    assert_eq!(Structure::decode(&longer), Err(DecodeError::TrailingOctets(1)));
    let mut newer = stored;
    newer[0] = 2;
    assert_eq!(Structure::decode(&newer), Err(DecodeError::UnknownVersion(2)));
    // A count of parts, and a size, beyond all reason.
    assert_eq!(Structure::decode(&[1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x0f]), Err(DecodeError::Truncated));
    assert_eq!(
        Structure::decode(&[1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]),
        Err(DecodeError::Malformed)
    );
    assert_eq!(Structure::decode(&[1, 0, 0, 0, 0]), Err(DecodeError::Inconsistent { part: 0 }));
    // A body beyond the end.
    assert_eq!(Structure::decode(&[1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0]), Err(DecodeError::Inconsistent { part: 0 }));
    // A multipart without parts.
    assert_eq!(
        Structure::decode(&[1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 7, 9]),
        Err(DecodeError::Inconsistent { part: 0 })
    );
}

#[test]
fn what_is_too_deep_is_refused() {
    let mut stored = vec![1, 0, 0, 0, 100];
    for part in 0..100 {
        stored.extend([u8::from(part > 0), 0, 0, 0, 0, 0, 1, 21, 23]);
    }
    assert_eq!(Structure::decode(&stored), Err(DecodeError::Inconsistent { part: crate::limits::MAX_DEPTH + 1 }));
}

#[test]
fn summaries_come_back() {
    for raw in [TYPICAL.as_bytes(), b"", b"Date: 1 Jan 1900 00:00:00 -1200\n\nbody"] {
        let summary = Summary::new(&Structure::parse(raw), raw);
        let stored = summary.encode();
        assert_eq!(Summary::decode(&stored), Ok(summary));
        for length in 0..stored.len() {
            assert_eq!(Summary::decode(&stored[..length]), Err(DecodeError::Truncated));
        }
    }
    let expected = [1, 1, 3, 4, 2, b'x', 1, 6, b'a', b'@', b'b', 0, 0, 2, b'y'];
    let raw = b"Date: Thu, 1 Jan 1970 00:01:59 +0002\nSubject: x\nMessage-ID: <a@b>\n\ny";
    assert_eq!(Summary::new(&Structure::parse(raw), raw).encode(), expected);
}

proptest! {
    #[test]
    fn any_octets_are_a_summary_or_not(octets in proptest::collection::vec(any::<u8>(), 0..100)) {
        let octets: Vec<u8> = std::iter::once(VERSION).chain(octets).collect();
        let _ = Summary::decode(&octets);
    }

    #[test]
    fn any_octets_decode_or_not(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut octets = octets;
        if let Some(first) = octets.first_mut() {
            *first = VERSION;
        }
        let _ = Structure::decode(&octets);
    }

    #[test]
    fn damage_is_no_disaster(at in 0..100_usize, value: u8) {
        let mut stored = Structure::parse(TYPICAL.as_bytes()).encode();
        let at = at % stored.len();
        stored[at] = value;
        if let Ok(structure) = Structure::decode(&stored) {
            let _ = crate::Rendered::new(&structure, TYPICAL.as_bytes());
            prop_assert!(structure.parts.iter().all(|part| part.body.end <= structure.size));
        }
    }
}

use super::*;

const RAW: &str = "From: a@b\r\nContent-Type: multipart/mixed; boundary=b\r\nSubject: top\r\n\r\n\
--b\r\nX: 1\r\n\r\none\r\n\
--b\r\nContent-Type: message/rfc822\r\n\r\n\
Subject: inner\r\nContent-Type: multipart/alternative; boundary=c\r\nTo: x@y\r\n\r\n\
--c\r\nY: 1\r\n\r\ntwo-one\r\n--c\r\nY: 2\r\n\r\ntwo-two\r\n--c--\r\n\r\n\
--b\r\nContent-Type: message/rfc822\r\nZ: 3\r\n\r\nSubject: plain\r\n\r\nthree\r\n\
--b\r\nContent-Type: multipart/mixed; boundary=d\r\n\r\n--d\r\n\r\nfour-one\r\n--d--\r\n\
--b--\r\n";

/// Reads `2.HEADER.FIELDS(To Cc)` and the like.
fn parse_section(text: &str) -> Section {
    let (text, names) = text.trim_end_matches(')').split_once('(').unwrap_or((text, ""));
    let names: Vec<String> = names.split(' ').map(str::to_owned).collect();
    let numbers = text.split('.').take_while(|part| part.parse::<u32>().is_ok()).count();
    let path = text.split('.').take(numbers).map(|part| part.parse().unwrap()).collect();
    let kind = text.split('.').skip(numbers).collect::<Vec<_>>().join(".");
    let kind = match kind.as_str() {
        "" => SectionKind::Full,
        "HEADER" => SectionKind::Header,
        "HEADER.FIELDS" => SectionKind::HeaderFields(names),
        "HEADER.FIELDS.NOT" => SectionKind::HeaderFieldsNot(names),
        "TEXT" => SectionKind::Text,
        "MIME" => SectionKind::Mime,
        other => panic!("{other}"),
    };
    Section { path, kind }
}

fn section(raw: &str, section: &str) -> Option<String> {
    let bytes = Structure::parse(raw.as_bytes()).section(&parse_section(section))?;
    let octets = bytes.of(raw.as_bytes());
    assert_eq!(bytes.len(), octets.len() as u64);
    assert!(bytes.spans.windows(2).all(|pair| pair[0].end < pair[1].start), "{bytes:?}");
    Some(String::from_utf8(octets).unwrap())
}

fn check(raw: &str, name: &str, expected: Option<&str>) {
    assert_eq!(section(raw, name).as_deref(), expected, "{name}");
}

#[test]
fn the_message_itself() {
    check(RAW, "", Some(RAW));
    check(RAW, "HEADER", Some(&RAW[..RAW.find("--b").unwrap()]));
    check(RAW, "TEXT", Some(&RAW[RAW.find("--b").unwrap()..]));
    check(RAW, "MIME", None);
    check(RAW, "HEADER.FIELDS(subject FROM nothing)", Some("From: a@b\r\nSubject: top\r\n\r\n"));
    check(RAW, "HEADER.FIELDS(X)", Some("\r\n"));
    check(RAW, "HEADER.FIELDS.NOT(subject content-type)", Some("From: a@b\r\n\r\n"));
    check(RAW, "HEADER.FIELDS.NOT(x)", Some(&RAW[..RAW.find("--b").unwrap()]));
}

#[test]
fn parts() {
    check(RAW, "1", Some("one"));
    check(RAW, "1.MIME", Some("X: 1\r\n\r\n"));
    check(RAW, "2.MIME", Some("Content-Type: message/rfc822\r\n\r\n"));
    check(RAW, "4", Some("--d\r\n\r\nfour-one\r\n--d--"));
    check(RAW, "4.1", Some("four-one"));
    check(RAW, "4.MIME", Some("Content-Type: multipart/mixed; boundary=d\r\n\r\n"));
    for missing in ["5", "0", "1.1", "1.HEADER", "1.TEXT", "4.2", "4.TEXT", "4.HEADER", "2.3", "4.1.1", "4294967295"] {
        check(RAW, missing, None);
    }
}

#[test]
fn embedded_messages() {
    check(RAW, "2.HEADER.FIELDS(Subject)", Some("Subject: inner\r\n\r\n"));
    check(RAW, "2.HEADER.FIELDS.NOT(Subject content-type)", Some("To: x@y\r\n\r\n"));
    check(RAW, "2.1", Some("two-one"));
    check(RAW, "2.2", Some("two-two"));
    check(RAW, "2.2.MIME", Some("Y: 2\r\n\r\n"));
    assert!(section(RAW, "2").unwrap().starts_with("Subject: inner"));
    assert!(section(RAW, "2.TEXT").unwrap().starts_with("--c\r\n"));
    check(RAW, "3", Some("Subject: plain\r\n\r\nthree"));
    check(RAW, "3.HEADER", Some("Subject: plain\r\n\r\n"));
    check(RAW, "3.TEXT", Some("three"));
    check(RAW, "3.1", Some("three"));
    check(RAW, "3.1.MIME", Some("Subject: plain\r\n\r\n"));
    check(RAW, "3.MIME", Some("Content-Type: message/rfc822\r\nZ: 3\r\n\r\n"));
    for missing in ["3.2", "3.1.1", "3.1.TEXT", "2.1.1"] {
        check(RAW, missing, None);
    }
}

#[test]
fn messages_of_one_part() {
    let raw = "Subject: x\r\n\r\nbody\r\n";
    check(raw, "1", Some("body\r\n"));
    check(raw, "1.MIME", Some("Subject: x\r\n\r\n"));
    for missing in ["2", "1.1", "1.TEXT", "1.HEADER"] {
        check(raw, missing, None);
    }
    let forwarded = "Content-Type: message/rfc822\r\n\r\nSubject: y\r\n\r\nbody";
    check(forwarded, "1", Some("Subject: y\r\n\r\nbody"));
    check(forwarded, "1.1", Some("body"));
    check(forwarded, "1.HEADER", Some("Subject: y\r\n\r\n"));
    check(forwarded, "1.1.1", None);
    check(forwarded, "HEADER", Some("Content-Type: message/rfc822\r\n\r\n"));
}

#[test]
fn broken_messages() {
    check("Subject: x", "HEADER", Some("Subject: x"));
    check("Subject: x", "HEADER.FIELDS(Subject)", Some("Subject: x\r\n\r\n"));
    check("Subject: x\r\n", "HEADER.FIELDS(Subject)", Some("Subject: x\r\n\r\n"));
    check("Subject: x", "TEXT", Some(""));
    check("", "", Some(""));
    check("", "1", Some(""));
    check("\r\nbody", "HEADER", Some("\r\n"));
    check("Subject : x\nSubject: y\n\nz", "HEADER.FIELDS(Subject)", Some("Subject: y\n\r\n"));
    check("junk\r\nSubject: y\r\n\r\nz", "HEADER.FIELDS.NOT(Subject)", Some("junk\r\n\r\n"));
    check("junk\r\nSubject: y\r\n\r\nz", "HEADER.FIELDS()", Some("\r\n"));
    check("Content-Type: multipart/mixed\r\n\r\nx", "1", Some("x"));
}

#[test]
fn partial_sections() {
    let whole = Structure::parse(RAW.as_bytes()).section(&parse_section("HEADER.FIELDS(From Subject)")).unwrap();
    let octets = whole.of(RAW.as_bytes());
    for offset in 0..octets.len() + 3 {
        for count in 0..octets.len() + 3 {
            let part = whole.partial(offset as u64, count as u64);
            let start = offset.min(octets.len());
            let expected = &octets[start..(start + count).min(octets.len())];
            assert_eq!(part.of(RAW.as_bytes()), expected, "<{offset}.{count}>");
            assert_eq!(part.len(), expected.len() as u64);
        }
    }
    assert_eq!(whole.partial(1, u64::MAX).len(), whole.len() - 1);
    assert!(whole.partial(u64::MAX, u64::MAX).is_empty());
}

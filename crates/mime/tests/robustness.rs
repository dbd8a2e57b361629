//! Whatever octets come as a message, nothing panics, and what is said of them is true.

use posthouse_mime::edit::{HeaderFacts, without_field};
use posthouse_mime::limits::{MAX_DEPTH, MAX_PARTS, MAX_PREVIEW_CHARS};
use posthouse_mime::{Part, Rendered, Section, SectionKind, Span, Structure, Summary, decode_part, part_text};
use proptest::prelude::*;

const MAX_TEXT_CHARS: usize = 500;

/// Holds what is promised about every structure.
fn check(raw: &[u8]) {
    let structure = Structure::parse(raw);
    assert_eq!(structure.size, raw.len() as u64);
    assert_eq!(structure.lines, raw.iter().filter(|octet| **octet == b'\n').count() as u64);
    assert!((1..=MAX_PARTS).contains(&structure.parts.len()));
    assert_eq!(structure.root().header.start, 0);
    assert_eq!(structure.root().body.end, structure.size);
    for (index, part) in structure.parts.iter().enumerate() {
        check_place(&structure, index, part);
        check_fields(part);
        let body = part.body.of(raw);
        assert_eq!(part.body_lines, body.iter().filter(|octet| **octet == b'\n').count() as u64);
        assert!(decode_part(part, raw).len() <= body.len());
        if let Some(text) = part_text(part, raw, MAX_TEXT_CHARS) {
            assert!(text.chars().count() <= MAX_TEXT_CHARS);
        }
    }
    assert_eq!(Structure::decode(&structure.encode()).as_ref(), Ok(&structure));
    check_sections(&structure, raw);
    let _ = Rendered::new(&structure, raw);
    assert!(Summary::new(&structure, raw).preview.chars().count() <= MAX_PREVIEW_CHARS);
    let facts = HeaderFacts::read(raw);
    assert_eq!(facts.from, structure.fields_named("from").count());
    check_removal(raw);
}

fn check_place(structure: &Structure, index: usize, part: &Part) {
    assert_eq!(part.header.end, part.body.start);
    assert!(part.body.start <= part.body.end && part.body.end <= structure.size);
    assert_eq!(part.is_multipart() || part.is_message(), !part.children.is_empty());
    assert!(part.children.iter().all(|child| structure.parts[*child].parent == Some(index)));
    let mut depth = 0;
    let mut ancestor = part.parent;
    while let Some(parent) = ancestor {
        assert!(parent < index);
        depth += 1;
        ancestor = structure.parts[parent].parent;
    }
    assert!(depth <= MAX_DEPTH);
    if let Some(parent) = part.parent.map(|parent| &structure.parts[parent]) {
        assert!(parent.body.start <= part.header.start && part.body.end <= parent.body.end);
        assert!(
            parent
                .children
                .windows(2)
                .all(|pair| { structure.parts[pair[0]].body.end <= structure.parts[pair[1]].header.start })
        );
    }
}

/// The fields are the header, without gaps, but for the blank line.
fn check_fields(part: &Part) {
    let mut position = part.header.start;
    for field in &part.fields {
        assert_eq!(field.span.start, position);
        assert!(field.span.start <= field.value.start && field.value.start <= field.value.end);
        assert!(field.value.end <= field.span.end && field.span.end - field.value.end <= 2);
        position = field.span.end;
    }
    assert!(part.header.end - position <= 2);
}

fn check_sections(structure: &Structure, raw: &[u8]) {
    let bytes = |path: &[u32], kind| structure.section(&Section { path: path.to_vec(), kind });
    assert_eq!(bytes(&[], SectionKind::Full).expect("the message").of(raw), raw);
    let header = bytes(&[], SectionKind::Header).expect("its header").of(raw);
    let text = bytes(&[], SectionKind::Text).expect("its text").of(raw);
    assert_eq!([header, text].concat(), raw);
    assert!(bytes(&[1], SectionKind::Full).is_some());
    for first in 0..4 {
        for second in 0..4 {
            for kind in [
                SectionKind::Full,
                SectionKind::Mime,
                SectionKind::Header,
                SectionKind::HeaderFieldsNot(vec!["to".to_owned()]),
            ] {
                for path in [vec![first], vec![first, second], vec![first, second, 1]] {
                    if let Some(section) = bytes(&path, kind.clone()) {
                        assert_eq!(section.of(raw).len() as u64, section.len());
                        assert!(first > 0);
                    }
                }
            }
        }
    }
}

fn check_removal(raw: &[u8]) {
    let kept: Vec<u8> = without_field(raw, "bcc").iter().flat_map(|span: &Span| span.of(raw).to_vec()).collect();
    assert_eq!(HeaderFacts::read(&kept).bcc, 0);
    if HeaderFacts::read(raw).bcc == 0 {
        assert!(kept.len() <= raw.len());
    }
}

/// Lines that mean something, in any order.
fn lines() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![
        Just("--b".to_owned()),
        Just("--b--".to_owned()),
        Just("--c".to_owned()),
        Just("--c--".to_owned()),
        Just("--d".to_owned()),
        Just(String::new()),
        Just(String::new()),
        Just("Content-Type: multipart/mixed; boundary=b".to_owned()),
        Just("Content-Type: multipart/alternative; boundary=\"c\"".to_owned()),
        Just("Content-Type: multipart/digest; boundary=d".to_owned()),
        Just("Content-Type: message/rfc822".to_owned()),
        Just("Content-Type: text/html; charset=iso-8859-1".to_owned()),
        Just("Content-Transfer-Encoding: base64".to_owned()),
        Just("Content-Transfer-Encoding: quoted-printable".to_owned()),
        Just("Bcc: a@b".to_owned()),
        Just("bcc : a@b".to_owned()),
        Just("From: a@b".to_owned()),
        "(Subject|To|From|Date|Content-Disposition|References): [ -~ü]{0,20}",
        "[ \t][ -~]{0,10}",
        "[ -~]{0,20}",
        "[<>&=a-z/\"' ]{0,20}",
    ];
    let end = prop_oneof![Just("\r\n"), Just("\n"), Just("\r"), Just("")];
    let end = prop_oneof![9 => Just("\r\n"), 1 => end];
    proptest::collection::vec((line, end), 0..60).prop_map(|lines| {
        lines.into_iter().flat_map(|(line, end)| [line.into_bytes(), end.as_bytes().to_vec()].concat()).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn meaningful_lines(raw in lines()) {
        check(&raw);
    }

    /// Values made of the octets that mean something in one syntax or another.
    #[test]
    fn meaningful_values(
        fields in proptest::collection::vec(
            (
                "(Date|From|To|Sender|Bcc|References|In-Reply-To|Message-ID|Subject|Content-Type|Content-Disposition|Content-Language|Content-ID|Content-Transfer-Encoding)",
                "[0-9a-c:;,<>@()\\[\\]\"*'%=?/. \t\\\\+-]{0,40}",
                "[0-9:;,<>@()\"*= \r\n\t]{0,20}",
            ),
            1..8,
        )
    ) {
        let raw: String = fields.iter().map(|(name, value, rest)| format!("{name}: {value}{rest}\r\n")).collect();
        check(raw.as_bytes());
    }

    #[test]
    fn any_octets(raw in proptest::collection::vec(any::<u8>(), 0..400)) {
        check(&raw);
    }

    #[test]
    fn cut_anywhere(raw in lines(), at in 0.0..1.0_f64) {
        let at = (raw.len() as f64 * at) as usize;
        check(&raw[..at]);
    }
}

#[test]
fn hostile_messages() {
    let boundaries: String =
        (0..60).map(|at| format!("Content-Type: multipart/mixed; boundary={at:0>900}\n\n--{at:0>900}\n")).collect();
    let near_misses = format!("--{:0>900}\n", "x").repeat(1_000);
    for raw in [
        "--\n".repeat(100_000),
        format!("Content-Type: multipart/mixed; boundary=b\n\n{}", "--b\n".repeat(100_000)),
        format!(
            "Content-Type: multipart/mixed; boundary=b\n\n{}",
            "--b\nContent-Type: message/rfc822\n\n".repeat(10_000)
        ),
        format!("{boundaries}{near_misses}"),
        format!("Subject: {}\n\n", "=?utf-8?q?".repeat(50_000)),
        format!("To: {}\n\n", "(".repeat(200_000)),
        format!("To: {}\n\n", "\"<a@".repeat(50_000)),
        format!("To: {}\n\n", "@,".repeat(100_000)),
        format!("Date: {}\n\n", "1:".repeat(100_000)),
        format!("References: {}\n\n", "<".repeat(200_000)),
        format!("Content-Type: text/html\n\n{}", "<a =\"'".repeat(50_000)),
        format!("Content-Type: text/html\n\n{}", "<style></".repeat(50_000)),
        format!("Content-Type: text/plain; a{}\n\nx", "*0=\"".repeat(50_000)),
        format!("Content-Type: text/plain;{}\n\nx", "a ".repeat(100_000)),
        "\r".repeat(100_000),
        " \n".repeat(100_000),
        ":\n".repeat(100_000),
    ] {
        check(raw.as_bytes());
    }
}

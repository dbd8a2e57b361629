use super::*;
use crate::limits::{
    MAX_DEPTH, MAX_HEADER_BYTES, MAX_HEADER_FIELDS, MAX_HEADER_FIELDS_IN_MESSAGE, MAX_PARAMETERS, MAX_PARTS,
};

/// One line a part: its parent, its type, and its body.
fn outline(raw: &[u8]) -> Vec<String> {
    let structure = Structure::parse(raw);
    let line = |part: &Part| {
        let parent = part.parent.map_or("-".to_owned(), |parent| parent.to_string());
        let body = String::from_utf8_lossy(part.body.of(raw)).replace("\r\n", "|").replace('\n', "|");
        let body = if part.children.is_empty() { body } else { "...".to_owned() };
        format!("{parent} {}/{} {body}", part.media_type, part.media_subtype)
    };
    structure.parts.iter().map(line).collect()
}

/// Checks a message with CRLF line ends, and again with LF.
fn check(raw: &str, expected: &[&str]) {
    let crlf = raw.replace('\n', "\r\n");
    assert_eq!(outline(crlf.as_bytes()), expected, "{raw}");
    assert_eq!(outline(raw.as_bytes()), expected, "{raw}");
}

const MIXED: &str = "Content-Type: multipart/mixed; boundary=b\n\n";

#[test]
fn single_parts() {
    check("Subject: x\n\nbody\n", &["- text/plain body|"]);
    check("Subject: x\n", &["- text/plain "]);
    check("", &["- text/plain "]);
    check("\nbody", &["- text/plain body"]);
    check("Content-Type: IMAGE/Png\n\nx", &["- image/png x"]);
    check("no colon\nSubject: x\n\nbody", &["- text/plain body"]);
}

#[test]
fn unusable_content_types() {
    for value in ["", "text", "/", "text/", "junk junk/junk", "multipart", ";charset=x", "\"text\"/plain"] {
        check(&format!("Content-Type: {value}\n\nbody"), &["- text/plain body"]);
    }
    check("Content-Type : text/html\n\nbody", &["- text/plain body"]);
    check("Content-Type: image/png\nContent-Type: text/html\n\nx", &["- image/png x"]);
}

#[test]
fn multiparts() {
    check(
        &format!("{MIXED}preamble\n--b\n\none\n--b\nContent-Type: text/html\n\ntwo\n\n--b--\nepilogue"),
        &["- multipart/mixed ...", "0 text/plain one", "0 text/html two|"],
    );
    check(
        &format!("{MIXED}--b\n\n\n--b\n\n--b\n--b--"),
        &["- multipart/mixed ...", "0 text/plain ", "0 text/plain ", "0 text/plain "],
    );
}

#[test]
fn nested_multiparts() {
    check(
        "Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: multipart/alternative; boundary=ab\n\n\
         --ab\n\none\n--ab\n\ntwo\n--ab--\n--a\n\nthree\n--a--\n",
        &[
            "- multipart/mixed ...",
            "0 multipart/alternative ...",
            "1 text/plain one",
            "1 text/plain two",
            "0 text/plain three",
        ],
    );
    // The inner close delimiter is missing.
    check(
        "Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--a\n\ntwo\n--a--\n",
        &["- multipart/mixed ...", "0 multipart/mixed ...", "1 text/plain one", "0 text/plain two"],
    );
    // The same boundary twice: the inner multipart owns it.
    check(
        "Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: multipart/mixed; boundary=a\n\n--a\n\none\n--a--\n",
        &["- multipart/mixed ...", "0 multipart/mixed ...", "1 text/plain one"],
    );
}

#[test]
fn broken_multiparts() {
    check("Content-Type: multipart/mixed\n\nbody", &["- text/plain body"]);
    check("Content-Type: multipart/mixed; boundary=\"\"\n\nbody", &["- text/plain body"]);
    check(&format!("{MIXED}no boundary here"), &["- text/plain no boundary here"]);
    check(&format!("{MIXED}--b--\n"), &["- text/plain --b--|"]);
    check(&format!("{MIXED}--b\n\nnever closed"), &["- multipart/mixed ...", "0 text/plain never closed"]);
    check(&format!("{MIXED}--b"), &["- multipart/mixed ...", "0 text/plain "]);
    check(
        &format!("{MIXED}--b\n\none\n--bc\n--b-\n --b\n--b--\n"),
        &["- multipart/mixed ...", "0 text/plain one|--bc|--b-| --b"],
    );
    check(&format!("{MIXED}--b \t\n\none\n--b-- \n--b\n\nafter"), &["- multipart/mixed ...", "0 text/plain one"]);
    check(
        &format!("{MIXED}--b\nX: y\n--b\n\ntwo\n--b--"),
        &["- multipart/mixed ...", "0 text/plain ", "0 text/plain two"],
    );
}

#[test]
fn boundaries_with_odd_signs() {
    check(
        "Content-Type: multipart/mixed; boundary=\"--\"\n\n----\n\none\n------\n",
        &["- multipart/mixed ...", "0 text/plain one"],
    );
    check(
        "Content-Type: multipart/mixed; boundary=\"a b \"\n\n--a b\n\none\n--a b--\n",
        &["- multipart/mixed ...", "0 text/plain one"],
    );
    check(
        "Content-Type: multipart/mixed; boundary*0=a; boundary*1=b\n\n--ab\n\none",
        &["- multipart/mixed ...", "0 text/plain one"],
    );
}

#[test]
fn embedded_messages() {
    check(
        &format!("{MIXED}--b\nContent-Type: message/rfc822\n\nSubject: inner\n\ntext\n--b\n\nlast\n--b--\n"),
        &["- multipart/mixed ...", "0 message/rfc822 ...", "1 text/plain text", "0 text/plain last"],
    );
    check("Content-Type: message/rfc822\n\n", &["- message/rfc822 ...", "0 text/plain "]);
    check("Content-Type: message/global\n\nA: b\n\nc", &["- message/global ...", "0 text/plain c"]);
    check("Content-Type: message/partial\n\nA: b\n\nc", &["- message/partial A: b||c"]);
    check(
        "Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: x\n\none\n--b\nContent-Type: text/plain\n\ntwo\n--b--",
        &["- multipart/digest ...", "0 message/rfc822 ...", "1 text/plain one", "0 text/plain two"],
    );
}

#[test]
fn headers_without_blank_line_end_with_what_holds_them() {
    for inner in ["Subject: x", "Content-Type: message/rfc822\n\nSubject: x", "Subject: x\n", "", "\n"] {
        for end in ["\n", "\r\n"] {
            let raw = format!("{MIXED}--b\nContent-Type: message/rfc822\n\n{inner}\n--b--\n").replace('\n', end);
            let structure = Structure::parse(raw.as_bytes());
            for part in &structure.parts {
                let outer = part.parent.map_or(Span::new(0, raw.len()), |parent| structure.parts[parent].body);
                assert!(outer.start <= part.header.start && part.header.end == part.body.start, "{raw:?}");
                assert!(part.body.start <= part.body.end && part.body.end <= outer.end, "{raw:?}");
                assert!(part.fields.last().is_none_or(|field| field.span.end <= part.header.end), "{raw:?}");
            }
            assert_eq!(Structure::decode(&structure.encode()), Ok(structure));
        }
    }
}

#[test]
fn header_fields() {
    let raw = b"From joe Mon\r\nSubject: a\r\n b\r\nFr om: x\r\nsubject : y\r\nX-Empty:\r\nnothing\r\nLast: z";
    let structure = Structure::parse(raw);
    let fields: Vec<_> =
        structure.root().fields.iter().map(|field| (field.name.as_str(), field.value.of(raw))).collect();
    let expected: [(&str, &[u8]); 7] = [
        ("", b"From joe Mon"),
        ("subject", b" a\r\n b"),
        ("", b"Fr om: x"),
        ("", b"subject : y"),
        ("x-empty", b""),
        ("", b"nothing"),
        ("last", b" z"),
    ];
    assert_eq!(fields, expected);
    assert_eq!(structure.root().fields[1].name_span().of(raw), b"Subject");
    assert_eq!(structure.root().field_value(raw, "subject"), Some(&b" a\r\n b"[..]));
    assert!(structure.root().field("from").is_none());
}

#[test]
fn content_fields() {
    let raw = b"Content-Type: text/plain; charset=UTF-8; name=t.txt\r\nContent-Transfer-Encoding: BASE64\r\n\
        Content-Disposition: attachment; filename*=utf-8''gr%C3%BCn.txt\r\nContent-ID: <a@b>\r\n\
        Content-Description: =?utf-8?q?x?=\r\nContent-Language: de, en\r\nContent-MD5: abc=\r\n\
        Content-Location: http://x/\r\n\r\naGk=\r\n";
    let structure = Structure::parse(raw);
    let part = structure.root();
    assert_eq!(part.charset(), Some("UTF-8"));
    assert_eq!(part.file_name(), Some("grün.txt"));
    assert_eq!(part.transfer_encoding(), TransferEncoding::Base64);
    assert_eq!(part.id.as_deref(), Some("<a@b>"));
    assert_eq!(part.description.as_deref(), Some("=?utf-8?q?x?="));
    assert_eq!(part.languages, ["de", "en"]);
    assert_eq!(part.md5.as_deref(), Some("abc="));
    assert_eq!(part.location.as_deref(), Some("http://x/"));
    assert!(part.is_attachment());
}

#[test]
fn lines_and_sizes() {
    let raw = format!("{MIXED}--b\n\none\ntwo\n\n--b\n\nx\n--b--\nend\n").replace('\n', "\r\n");
    let structure = Structure::parse(raw.as_bytes());
    let counts: Vec<_> = structure.parts.iter().map(|part| (part.body_lines, part.body.len())).collect();
    assert_eq!(counts, [(10, raw.len() as u64 - structure.root().header.len()), (2, 10), (0, 1)]);
    assert_eq!((structure.size, structure.lines), (raw.len() as u64, 12));
}

// What attackers send.

#[test]
fn many_empty_parts_stop_at_the_limit() {
    let raw = format!("{MIXED}{}", "--b\n\n".repeat(200_000));
    let structure = Structure::parse(raw.as_bytes());
    assert_eq!(structure.parts.len(), MAX_PARTS);
    assert!(structure.truncated);
    assert_eq!(structure.root().body.end, raw.len() as u64);
}

#[test]
fn deep_multiparts_stop_at_the_limit() {
    let raw: String =
        (0..10_000).map(|at| format!("Content-Type: multipart/mixed; boundary=b{at}\n\n--b{at}\n")).collect();
    let structure = Structure::parse(raw.as_bytes());
    assert_eq!(structure.parts.len(), MAX_DEPTH + 1);
    let last = structure.parts.last().unwrap();
    assert_eq!((last.media_type.as_str(), last.body.end), ("application", raw.len() as u64));
    assert!(structure.truncated);
}

#[test]
fn deep_messages_stop_at_the_limit() {
    let raw = "Content-Type: message/rfc822\n\n".repeat(10_000);
    let structure = Structure::parse(raw.as_bytes());
    assert_eq!(structure.parts.len(), MAX_DEPTH + 1);
    assert_eq!(structure.parts.last().unwrap().media_subtype, "octet-stream");
}

#[test]
fn a_header_line_without_end_is_opaque() {
    let raw = format!("Subject: {}\nFrom: a@b\n\nbody", "x".repeat(MAX_HEADER_BYTES));
    let structure = Structure::parse(raw.as_bytes());
    let root = structure.root();
    assert!(structure.truncated);
    assert_eq!(root.fields.len(), 1);
    assert!(root.fields[0].name.is_none());
    assert_eq!(root.body.of(raw.as_bytes()), b"body");
    let folded = format!("Subject: x\n{}From: a@b\n\nbody", " y\n".repeat(MAX_HEADER_BYTES));
    let structure = Structure::parse(folded.as_bytes());
    assert!(structure.root().field("from").is_none());
    assert_eq!(structure.root().body.of(folded.as_bytes()), b"body");
}

#[test]
fn many_fields_stop_at_the_limit() {
    let raw = format!("{}From: a@b\n\nbody", "X: y\n".repeat(MAX_HEADER_FIELDS * 2));
    let structure = Structure::parse(raw.as_bytes());
    let root = structure.root();
    assert_eq!(root.fields.len(), MAX_HEADER_FIELDS);
    assert!(root.fields.last().unwrap().name.is_none());
    assert!(structure.truncated && root.field("from").is_none());
    assert_eq!(root.body.of(raw.as_bytes()), b"body");
    let parts = format!("{MIXED}{}", format!("--b\n{}\n", "X: y\n".repeat(900)).repeat(100));
    let listed: usize = Structure::parse(parts.as_bytes()).parts.iter().map(|part| part.fields.len()).sum();
    // A block is never left without a field.
    assert!(listed <= MAX_HEADER_FIELDS_IN_MESSAGE + 100, "{listed}");
}

#[test]
fn many_parameters_stop_at_the_limit() {
    let raw = format!("Content-Type: text/plain{}\n\nbody", "; a=b; c*0=d".repeat(10_000));
    assert!(Structure::parse(raw.as_bytes()).root().parameters.len() <= MAX_PARAMETERS);
    let raw: String = (0..10_000).map(|at| format!("; p{at}=v")).collect();
    let raw = format!("Content-Type: text/plain{raw}\n\nbody");
    assert_eq!(Structure::parse(raw.as_bytes()).root().parameters.len(), MAX_PARAMETERS);
}

#[test]
fn controls_do_no_harm() {
    let raw = b"Sub\0ject: x\r\nSubject: a\0b\rFrom: x@y\r\n\r\n\0\r\n";
    let structure = Structure::parse(raw);
    assert!(structure.root().field("from").is_none());
    assert_eq!(structure.root().fields.len(), 2);
}

//! The same messages read by this crate and by another parser, mail-parser. On sound mail they must agree.

use mail_parser::{MessageParser, PartType};
use posthouse_mime::{DateTime, Structure, address, decode_header_text, decode_part, part_text};
use proptest::prelude::*;

/// Long enough for all that is generated here.
const MAX_CHARS: usize = 1_000_000;

/// What a parser makes of a message, in words.
#[derive(Debug, PartialEq, Eq)]
struct Reading {
    subject: String,
    unix_seconds: Option<i64>,
    from: Vec<String>,
    to: Vec<String>,
    /// One line a part in the order of the message: depth, kind, and text if it is some.
    parts: Vec<String>,
}

fn our_reading(raw: &[u8]) -> Reading {
    let structure = Structure::parse(raw);
    let addresses = |name: &str| -> Vec<String> {
        let fields = structure.fields_named(name).map(|field| address::parse_addresses(field.value.of(raw)));
        fields.flat_map(|list| address::mailboxes(&list).map(our_mailbox).collect::<Vec<_>>()).collect()
    };
    let value = |name| structure.root().field_value(raw, name);
    let mut depths = Vec::new();
    let mut parts = Vec::new();
    for part in &structure.parts {
        let depth = part.parent.map_or(0, |parent| depths[parent] + 1);
        depths.push(depth);
        let text = if part.is_multipart() {
            "multipart".to_owned()
        } else if part.is_message() {
            "message".to_owned()
        } else if part.is_text() && part.media_subtype != "html" {
            format!("text {:?}", part_text(part, raw, MAX_CHARS).expect("a text part has text"))
        } else {
            format!("other {:?}", String::from_utf8_lossy(&decode_part(part, raw)))
        };
        parts.push(format!("{depth} {text}"));
    }
    Reading {
        subject: value("subject").map(|value| decode_header_text(value, MAX_CHARS)).unwrap_or_default(),
        unix_seconds: value("date").and_then(DateTime::parse).map(|date| date.unix_seconds),
        from: addresses("from"),
        to: addresses("to"),
        parts,
    }
}

fn our_mailbox(mailbox: &posthouse_mime::Mailbox) -> String {
    let name = mailbox.name.as_deref().map(|name| decode_header_text(name.as_bytes(), MAX_CHARS));
    let address = if mailbox.domain.is_empty() {
        mailbox.local_part.clone()
    } else {
        format!("{}@{}", mailbox.local_part, mailbox.domain)
    };
    format!("{} <{address}>", name.unwrap_or_default())
}

fn their_reading(raw: &[u8]) -> Reading {
    let message = MessageParser::default().parse(raw).unwrap_or_default();
    let addresses = |list: Option<&mail_parser::Address<'_>>| -> Vec<String> {
        let line = |one: &mail_parser::Addr<'_>| {
            format!("{} <{}>", one.name.as_deref().unwrap_or_default(), one.address.as_deref().unwrap_or_default())
        };
        list.map(|list| list.iter().map(line).collect()).unwrap_or_default()
    };
    let mut parts = Vec::new();
    if !message.parts.is_empty() {
        their_part(&message, 0, 0, &mut parts);
    }
    Reading {
        subject: message.subject().unwrap_or_default().to_owned(),
        unix_seconds: message.date().map(mail_parser::DateTime::to_timestamp),
        from: addresses(message.from()),
        to: addresses(message.to()),
        parts,
    }
}

fn their_part(message: &mail_parser::Message<'_>, part: u32, depth: usize, parts: &mut Vec<String>) {
    match &message.parts[part as usize].body {
        PartType::Multipart(children) => {
            parts.push(format!("{depth} multipart"));
            for child in children {
                their_part(message, *child, depth + 1, parts);
            }
        }
        PartType::Message(inner) => {
            parts.push(format!("{depth} message"));
            their_part(inner, 0, depth + 1, parts);
        }
        PartType::Text(text) => parts.push(format!("{depth} text {text:?}")),
        PartType::Html(text) => parts.push(format!("{depth} other {text:?}")),
        PartType::Binary(octets) | PartType::InlineBinary(octets) => {
            parts.push(format!("{depth} other {:?}", String::from_utf8_lossy(octets)));
        }
    }
}

fn check(raw: &[u8]) {
    assert_eq!(our_reading(raw), their_reading(raw), "\n{}", String::from_utf8_lossy(raw));
}

#[test]
fn samples() {
    for raw in [
        "From: Joe <joe@example.org>\r\nSubject: hi\r\nDate: Fri, 21 Nov 1997 09:55:06 -0600\r\n\r\nbody\r\n",
        "From: =?iso-8859-1?q?J=F6rg?= <j@x.org>\r\nTo: a@b.org, \"B, C\" <c@d.org>\r\nSubject: =?utf-8?B?Z3LDvG4=?= =?utf-8?q?!?=\r\n\r\n",
        "To: Friends: a@b.org, C <c@d.org>;\r\nSubject: folded\r\n subject\r\n\r\nx",
        "Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\ngr=FCn=\r\n!\r\n",
        "Content-Type: multipart/mixed; boundary=\"a b\"\r\n\r\npre\r\n--a b\r\n\r\none\r\n--a b\r\nContent-Type: application/x\r\n\
         Content-Transfer-Encoding: base64\r\n\r\naGVsbG8=\r\n--a b--\r\npost\r\n",
        "Content-Type: multipart/mixed; boundary=o\n\n--o\nContent-Type: multipart/alternative; boundary=i\n\n--i\n\none\n--i\n\
         Content-Type: text/html\n\n<p>\n--i--\n--o\nContent-Type: message/rfc822\n\nSubject: inner\n\ntext\n--o--\n",
    ] {
        check(raw.as_bytes());
    }
}

/// A MIME entity to be written.
#[derive(Clone, Debug)]
enum Entity {
    Text { charset_is_latin1: bool, quoted_printable: bool, text: String },
    Binary(Vec<u8>),
    Multipart(Vec<Entity>),
    Message(String, Box<Entity>),
}

fn entity() -> impl Strategy<Value = Entity> {
    let leaf = prop_oneof![
        (any::<bool>(), any::<bool>(), "([a-zA-Z0-9äöüé,.!? ]{0,30}[a-z.]\r\n){0,4}").prop_map(
            |(charset_is_latin1, quoted_printable, text)| Entity::Text { charset_is_latin1, quoted_printable, text }
        ),
        proptest::collection::vec(any::<u8>(), 0..100).prop_map(Entity::Binary),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 1..4).prop_map(Entity::Multipart),
            ("[a-zA-Z ]{0,20}", inner).prop_map(|(subject, inner)| match inner {
                // The other parser fails where a message is all that a message holds.
                Entity::Message(..) => Entity::Message(subject, Box::new(Entity::Multipart(vec![inner]))),
                inner => Entity::Message(subject, Box::new(inner)),
            }),
        ]
    })
}

/// Writes the entity, its header first. `serial` keeps boundaries apart.
fn write_entity(entity: &Entity, serial: &mut usize, out: &mut Vec<u8>) {
    match entity {
        Entity::Text { charset_is_latin1, quoted_printable, text } => {
            let octets: Vec<u8> =
                if *charset_is_latin1 { text.chars().map(|one| one as u8).collect() } else { text.as_bytes().to_vec() };
            let charset = if *charset_is_latin1 { "iso-8859-1" } else { "UTF-8" };
            let encoding = if *quoted_printable { "quoted-printable" } else { "8bit" };
            out.extend(
                format!("Content-Type: text/plain; charset={charset}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n")
                    .bytes(),
            );
            for octet in octets {
                if *quoted_printable && !octet.is_ascii() {
                    out.extend(format!("={octet:02X}").bytes());
                } else {
                    out.push(octet);
                }
            }
        }
        Entity::Binary(octets) => {
            use base64::Engine as _;
            out.extend(b"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n");
            let text = base64::engine::general_purpose::STANDARD.encode(octets);
            for line in text.as_bytes().chunks(76) {
                out.extend(line);
                out.extend(b"\r\n");
            }
        }
        Entity::Multipart(children) => {
            *serial += 1;
            let boundary = format!("=_{serial}_boundary");
            out.extend(format!("Content-Type: multipart/mixed;\r\n boundary=\"{boundary}\"\r\n\r\n").bytes());
            for child in children {
                out.extend(format!("--{boundary}\r\n").bytes());
                write_entity(child, serial, out);
                out.extend(b"\r\n");
            }
            out.extend(format!("--{boundary}--\r\n").bytes());
        }
        Entity::Message(subject, inner) => {
            out.extend(format!("Content-Type: message/rfc822\r\n\r\nSubject: {subject}\r\n").bytes());
            write_entity(inner, serial, out);
        }
    }
}

proptest! {
    #[test]
    fn generated_messages(
        entity in entity(),
        subject in "[a-zA-Z0-9äöü€ ]{0,120}",
        names in proptest::collection::vec("[a-zA-Zäöü]{1,10}( [a-zA-Z.,]{1,10})?", 1..4),
        unix_seconds in 0_i64..4_000_000_000,
        offset_minutes in -720_i16..=720,
    ) {
        use posthouse_mime::build::field;
        let mailbox = |name: &String| posthouse_mime::Mailbox {
            name: Some(name.clone()),
            route: None,
            local_part: "local.part".to_owned(),
            domain: "example.org".to_owned(),
        };
        let mailboxes: Vec<_> = names.iter().map(mailbox).collect();
        let mut raw = field::text_field("Subject", subject.trim()).into_bytes();
        raw.extend(field::address_field("To", &mailboxes).bytes());
        raw.extend(field::address_field("From", &mailboxes[..1]).bytes());
        raw.extend(field::structured_field("Date", &DateTime { unix_seconds, offset_minutes }.to_rfc5322()).bytes());
        write_entity(&entity, &mut 0, &mut raw);
        check(&raw);
    }
}

/// Prints where the two differ on the messages of the directory `POSTHOUSE_MAIL_CORPUS`, for a person to judge.
#[test]
#[ignore = "needs a directory of messages in POSTHOUSE_MAIL_CORPUS"]
fn corpus() {
    let directory = std::env::var("POSTHOUSE_MAIL_CORPUS").expect("POSTHOUSE_MAIL_CORPUS names a directory");
    let mut count = 0;
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if !path.is_file() {
            continue;
        }
        let raw = std::fs::read(&path).unwrap();
        count += 1;
        let structure = Structure::parse(&raw);
        assert_eq!(Structure::decode(&structure.encode()).as_ref(), Ok(&structure), "{}", path.display());
        let (ours, theirs) = (our_reading(&raw), their_reading(&raw));
        if ours != theirs {
            println!("{}:\n  ours   {ours:?}\n  theirs {theirs:?}", path.display());
        }
    }
    assert!(count > 0, "the directory holds no messages");
}

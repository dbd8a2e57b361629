//! What is read of messages, against the octets that were appended.

use posthouse_mime::{Rendered, Section, SectionKind, Structure};
use posthouse_storage::{MessageRecord, StorageError};

use super::samples::{HEADER, OLD_HORSES, crlf, mixed};
use super::*;
use crate::{
    BatchBound, BinarySize, Content, ContentWanted, MailboxError, Rows, SectionContent, SectionForm, SectionWanted,
};

/// A section as IMAP writes it, such as `2.HEADER.FIELDS subject to`.
fn section(text: &str) -> Section {
    let mut words = text.split(' ');
    let spec = words.next().unwrap_or_default();
    let names = || words.clone().map(str::to_owned).collect();
    let (numbers, kind) = match spec.find(|c: char| c.is_ascii_alphabetic()) {
        None => (spec, SectionKind::Full),
        Some(at) => {
            let kind = match &spec[at..] {
                "HEADER" => SectionKind::Header,
                "HEADER.FIELDS" => SectionKind::HeaderFields(names()),
                "HEADER.FIELDS.NOT" => SectionKind::HeaderFieldsNot(names()),
                "TEXT" => SectionKind::Text,
                "MIME" => SectionKind::Mime,
                other => panic!("{other}"),
            };
            (&spec[..at], kind)
        }
    };
    let path = numbers.split('.').filter(|number| !number.is_empty()).map(|number| number.parse().unwrap()).collect();
    Section { path, kind }
}

fn wanted(text: &str, partial: Option<(u64, u64)>, form: SectionForm) -> SectionWanted {
    SectionWanted { section: section(text), partial, form }
}

/// A message of Ann's INBOX, opened.
struct Opened {
    house: House,
    mailbox: Mailbox,
    record: MessageRecord,
}

impl Opened {
    async fn with(raw: impl Into<Bytes>) -> Self {
        let house = House::open().await;
        house.append("INBOX", raw, "").await;
        let mailbox = house.inbox().await;
        let bound = BatchBound { messages: 1, size_bytes: u64::MAX };
        let record = mailbox.next_rows(&mut Rows::new(UidSet::all(), None), bound).remove(0);
        Self { house, mailbox, record }
    }

    async fn content(&self, wanted: ContentWanted) -> Content {
        self.mailbox.content(std::slice::from_ref(&self.record), &wanted).await.unwrap().remove(0)
    }

    async fn section(&self, wanted: SectionWanted) -> SectionContent {
        self.content(ContentWanted { sections: vec![wanted], ..Default::default() }).await.sections.remove(0)
    }

    async fn octets(&self, text: &str, partial: Option<(u64, u64)>, form: SectionForm) -> Option<Bytes> {
        match self.section(wanted(text, partial, form)).await {
            SectionContent::Absent => None,
            SectionContent::Whole(octets) => Some(octets),
            other => panic!("{text}: {other:?}"),
        }
    }
}

/// What each section of the mixed sample holds.
fn sections_of_mixed() -> Vec<(&'static str, Option<String>)> {
    let raw = mixed();
    let old_horses = crlf(OLD_HORSES);
    let (inner_header, inner_text) = old_horses.split_at(old_horses.find("\r\n\r\n").unwrap() + 4);
    let text = raw[HEADER.replace('\n', "\r\n").len()..].to_owned();
    vec![
        ("", Some(raw.clone())),
        ("HEADER", Some(crlf(HEADER))),
        ("TEXT", Some(text)),
        (
            "HEADER.FIELDS subject to missing",
            Some(crlf("To: Bob <bob@example.org>\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= from the road\n\n")),
        ),
        ("HEADER.FIELDS missing", Some(crlf("\n"))),
        (
            "HEADER.FIELDS.NOT subject DATE to mime-version content-type",
            Some(crlf("From: Ann <ann@example.org>\nMessage-ID: <one@example.org>\n\n")),
        ),
        ("1", Some(crlf("Caf=C3=A9 on the way=\n home"))),
        (
            "1.MIME",
            Some(crlf("Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n")),
        ),
        ("1.HEADER", None),
        ("1.TEXT", None),
        ("1.1", None),
        ("2", Some(old_horses.clone())),
        ("2.MIME", Some(crlf("Content-Type: message/rfc822\n\n"))),
        ("2.HEADER", Some(inner_header.to_owned())),
        ("2.HEADER.FIELDS from", Some(crlf("From: Carl <carl@example.net>\n\n"))),
        ("2.TEXT", Some(inner_text.to_owned())),
        ("2.1", Some("plain words".to_owned())),
        ("2.2", Some("PGI+Ym9sZDwvYj4gd29yZHM=".to_owned())),
        ("2.2.MIME", Some(crlf("Content-Type: text/html\nContent-Transfer-Encoding: base64\n\n"))),
        ("2.3", None),
        ("3", Some("mystery".to_owned())),
        ("4", None),
        ("0", None),
        ("4294967295", None),
    ]
}

#[tokio::test]
async fn sections_are_cut_from_the_message() {
    let opened = Opened::with(mixed()).await;
    for (text, expected) in sections_of_mixed() {
        let octets = opened.octets(text, None, SectionForm::Raw).await;
        let found = octets.as_deref().map(|octets| String::from_utf8_lossy(octets).into_owned());
        assert_eq!(found, expected, "{text:?}");
    }
}

#[tokio::test]
async fn parts_of_sections_are_cut_likewise() {
    let opened = Opened::with(mixed()).await;
    for (text, expected) in sections_of_mixed() {
        let Some(expected) = expected else { continue };
        let length = expected.len() as u64;
        for offset in [0, 1, 7, length.saturating_sub(1), length, length + 1, u64::MAX] {
            for count in [0, 1, 10, length, u64::MAX] {
                let octets = opened.octets(text, Some((offset, count)), SectionForm::Raw).await.unwrap();
                let from = offset.min(length) as usize;
                let to = offset.saturating_add(count).min(length) as usize;
                assert_eq!(octets, expected.as_bytes()[from..to], "{text:?} <{offset}.{count}>");
            }
        }
    }
}

#[tokio::test]
async fn many_sections_come_in_the_order_wanted() {
    let opened = Opened::with(mixed()).await;
    let table = sections_of_mixed();
    let sections = table.iter().map(|(text, _)| wanted(text, None, SectionForm::Raw)).collect();
    let content = opened.content(ContentWanted { sections, ..Default::default() }).await;
    for (found, (text, expected)) in content.sections.iter().zip(&table) {
        match (found, expected) {
            (SectionContent::Whole(octets), Some(expected)) => assert_eq!(octets, expected, "{text:?}"),
            (SectionContent::Absent, None) => {}
            other => panic!("{text:?}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn parts_are_decoded() {
    let opened = Opened::with(mixed()).await;
    for (text, partial, expected) in [
        ("1", None, Some("Café on the way home")),
        ("1", Some((0, 5)), Some("Café")),
        ("1", Some((9, 3)), Some("the")),
        ("1", Some((16, 100)), Some(" home".trim_start())),
        ("1", Some((500, 10)), Some("")),
        ("2.1", None, Some("plain words")),
        ("2.1", Some((6, 3)), Some("wor")),
        ("2.2", None, Some("<b>bold</b> words")),
        ("2.2", Some((3, 4)), Some("bold")),
        ("4", None, None),
    ] {
        let octets = opened.octets(text, partial, SectionForm::Decoded).await;
        let found = octets.as_deref().map(|octets| String::from_utf8_lossy(octets).into_owned());
        let expected = expected.map(str::to_owned);
        assert_eq!(found.as_deref().map(str::trim_start), expected.as_deref(), "{text:?} {partial:?}");
    }
    assert_eq!(opened.octets("2", None, SectionForm::Decoded).await.unwrap(), crlf(OLD_HORSES));
    assert_eq!(opened.octets("", None, SectionForm::Decoded).await.unwrap(), mixed());
    let mystery = opened.section(wanted("3", None, SectionForm::Decoded)).await;
    assert!(matches!(mystery, SectionContent::UnknownEncoding), "{mystery:?}");
}

#[tokio::test]
async fn decoded_sizes_are_told() {
    let opened = Opened::with(mixed()).await;
    let binary_sizes = vec![vec![1], vec![2, 1], vec![2, 2], vec![3], vec![2], vec![9]];
    let content = opened.content(ContentWanted { binary_sizes, ..Default::default() }).await;
    let expected = [
        BinarySize::Octets("Café on the way home".len() as u64),
        BinarySize::Octets(11),
        BinarySize::Octets("<b>bold</b> words".len() as u64),
        BinarySize::UnknownEncoding,
        BinarySize::Octets(crlf(OLD_HORSES).len() as u64),
        BinarySize::Octets(0),
    ];
    assert_eq!(content.binary_sizes, expected);
}

#[tokio::test]
async fn a_message_without_parts_is_its_own_first_part() {
    let raw = "Subject: x\r\nContent-Transfer-Encoding: base64\r\n\r\naGVsbG8=\r\n";
    let opened = Opened::with(raw).await;
    assert_eq!(opened.octets("1", None, SectionForm::Raw).await.unwrap(), "aGVsbG8=\r\n");
    assert_eq!(opened.octets("1", None, SectionForm::Decoded).await.unwrap(), "hello");
    assert_eq!(opened.octets("1.MIME", None, SectionForm::Raw).await.unwrap(), &raw[..raw.len() - 10]);
    assert_eq!(opened.octets("2", None, SectionForm::Raw).await, None);
}

#[tokio::test]
async fn an_empty_message_has_empty_sections() {
    let opened = Opened::with("").await;
    for text in ["", "TEXT", "HEADER", "1"] {
        let octets = opened.octets(text, None, SectionForm::Raw).await;
        assert!(octets.is_none_or(|octets| octets.is_empty()), "{text:?}");
    }
    assert_eq!(opened.octets("", None, SectionForm::Raw).await.unwrap(), "");
}

#[tokio::test]
async fn envelope_and_structures_are_those_of_the_message() {
    let raw = mixed();
    let opened = Opened::with(raw.clone()).await;
    let expected = Rendered::new(&Structure::parse(raw.as_bytes()), raw.as_bytes());
    let all = ContentWanted { envelope: true, body: true, bodystructure: true, ..Default::default() };
    let content = opened.content(all).await;
    assert_eq!(content.envelope, expected.envelope);
    assert_eq!(content.body, expected.body);
    assert_eq!(content.bodystructure, expected.bodystructure);
    assert!(content.envelope.starts_with(b"(\"Tue, 14 Nov 2023 23:30:00 -0500\""));
    assert!(content.bodystructure.len() > content.body.len());

    let content = opened.content(ContentWanted { envelope: true, ..Default::default() }).await;
    assert!(!content.envelope.is_empty() && content.body.is_empty() && content.bodystructure.is_empty());
    let nothing = opened.content(ContentWanted::default()).await;
    assert!(nothing.envelope.is_empty() && nothing.sections.is_empty() && nothing.binary_sizes.is_empty());
}

#[tokio::test]
async fn several_messages_are_read_at_once() {
    let house = House::open().await;
    house.fill_inbox(3).await;
    let inbox = house.inbox().await;
    let bound = BatchBound { messages: 3, size_bytes: u64::MAX };
    let records = inbox.next_rows(&mut Rows::new(UidSet::all(), None), bound);
    let sections = vec![wanted("TEXT", None, SectionForm::Raw), wanted("7", None, SectionForm::Raw)];
    let contents = inbox.content(&records, &ContentWanted { sections, ..Default::default() }).await.unwrap();
    for (number, content) in (1..).zip(&contents) {
        assert!(
            matches!(&content.sections[0], SectionContent::Whole(text) if *text == format!("message {number}\r\n"))
        );
        assert!(matches!(&content.sections[1], SectionContent::Absent));
    }
    assert_eq!(contents.len(), 3);
    assert!(inbox.content(&[], &ContentWanted::default()).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_expunged_message_is_told_apart_from_a_broken_store() {
    let opened = Opened::with(mixed()).await;
    let whole = || ContentWanted { sections: vec![wanted("", None, SectionForm::Raw)], ..Default::default() };
    let read = async || {
        let contents = opened.mailbox.content(std::slice::from_ref(&opened.record), &whole()).await?;
        Ok::<_, MailboxError>(contents[0].is_gone)
    };
    opened.house.store.set_broken(true);
    assert!(matches!(read().await, Err(MailboxError::Storage(StorageError::Unavailable(_)))));
    opened.house.store.set_broken(false);
    assert!(matches!(read().await, Ok(false)));
    opened.mailbox.remove(&UidSet::all()).await.unwrap();
    assert!(matches!(read().await, Ok(true)));
}

/// Reads a long section to its end; returns how many pieces it took, too.
async fn read_long(opened: &Opened, wanted: SectionWanted) -> (Vec<u8>, usize) {
    let SectionContent::Long(mut reader) = opened.section(wanted).await else { panic!("it is held in memory") };
    let (mut octets, mut pieces) = (Vec::new(), 0);
    while let Some(piece) = reader.next().await.unwrap() {
        assert!(!piece.is_empty() && piece.len() <= 256 * 1024);
        octets.extend_from_slice(&piece);
        pieces += 1;
    }
    assert!(reader.next().await.unwrap().is_none());
    assert_eq!(reader.length(), octets.len() as u64);
    (octets, pieces)
}

#[tokio::test]
async fn long_sections_are_read_piece_by_piece() {
    let line = format!("{}\r\n", "0123456789".repeat(7));
    let body: String = (0..10_000).map(|number| format!("{number:05}{line}")).collect();
    let raw = format!("Subject: long\r\n\r\n{body}");
    let opened = Opened::with(raw.clone()).await;
    for (text, expected) in [("", raw.as_str()), ("TEXT", body.as_str()), ("1", body.as_str())] {
        let (octets, pieces) = read_long(&opened, wanted(text, None, SectionForm::Raw)).await;
        assert!(octets == expected.as_bytes(), "{text:?}");
        assert_eq!(pieces, expected.len().div_ceil(256 * 1024));
    }
    let (octets, _) = read_long(&opened, wanted("1", None, SectionForm::Decoded)).await;
    assert!(octets == body.as_bytes());
    let limit = 512 * 1024;
    let (octets, _) = read_long(&opened, wanted("TEXT", Some((1000, limit + 1)), SectionForm::Raw)).await;
    assert!(octets == body.as_bytes()[1000..1001 + limit as usize]);
    let octets = opened.octets("TEXT", Some((1000, limit)), SectionForm::Raw).await.unwrap();
    assert!(octets == body.as_bytes()[1000..1000 + limit as usize]);
}

#[tokio::test]
async fn header_fields_far_apart_are_read_without_what_lies_between() {
    let filler: String = (0..2000).map(|number| format!(" {number} {}\r\n", "x".repeat(60))).collect();
    let raw = format!("Subject: first\r\nX-Filler:\r\n{filler}To: last@example.org\r\n\r\nbody");
    let opened = Opened::with(raw).await;
    let expected = b"Subject: first\r\nTo: last@example.org\r\n\r\n";
    let (octets, pieces) = read_long(&opened, wanted("HEADER.FIELDS to subject", None, SectionForm::Raw)).await;
    assert_eq!(octets, expected);
    assert_eq!(pieces, 3);
    for (offset, count) in [(3, 20), (0, 16), (15, 3), (30, 100)] {
        let partial = wanted("HEADER.FIELDS to subject", Some((offset, count)), SectionForm::Raw);
        let octets = match opened.section(partial.clone()).await {
            SectionContent::Whole(octets) => octets.to_vec(),
            _ => read_long(&opened, partial).await.0,
        };
        let from = offset as usize;
        assert_eq!(octets, &expected[from..expected.len().min(from + count as usize)], "<{offset}.{count}>");
    }
}

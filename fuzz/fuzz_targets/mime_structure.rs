//! Any octets are a message: parsing never fails, every offset lies where it should, and what IMAP sends is well formed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use posthouse_fuzz::imap_wire::is_data;
use posthouse_mime::edit::{HeaderFacts, without_field};
use posthouse_mime::limits::{MAX_PARTS, MAX_PREVIEW_CHARS};
use posthouse_mime::{Part, Rendered, Section, SectionKind, Span, Structure, Summary, decode_part, part_text};

const MAX_TEXT_CHARS: usize = 500;

fn lies_in(span: Span, outer: Span) -> bool {
    outer.start <= span.start && span.start <= span.end && span.end <= outer.end
}

fn line_feeds(octets: &[u8]) -> u64 {
    octets.iter().filter(|octet| **octet == b'\n').count() as u64
}

fn check_part(structure: &Structure, index: usize, part: &Part, raw: &[u8]) {
    let outer = match part.parent {
        Some(parent) => {
            assert!(parent < index, "a part stands after its parent");
            structure.parts[parent].body
        }
        None => Span::new(0, raw.len()),
    };
    assert!(lies_in(part.header, outer), "header of part {index}");
    assert!(lies_in(part.body, outer), "body of part {index}");
    assert_eq!(part.header.end, part.body.start, "part {index} has a hole");
    let mut position = part.header.start;
    for field in &part.fields {
        assert!(field.span.start == position && lies_in(field.value, field.span), "a field of part {index}");
        position = field.span.end;
    }
    assert!(position <= part.header.end && part.header.end - position <= 2, "the fields of part {index}");
    let mut before = part.body.start;
    for child in &part.children {
        let child = &structure.parts[*child];
        assert_eq!(child.parent, Some(index));
        assert!(before <= child.header.start, "the parts of part {index} overlap");
        before = child.body.end;
    }
    assert_eq!(part.is_multipart() || part.is_message(), !part.children.is_empty());
    assert_eq!(part.body_lines, line_feeds(part.body.of(raw)), "lines of part {index}");
    assert!(decode_part(part, raw).len() as u64 <= part.body.len());
    if let Some(text) = part_text(part, raw, MAX_TEXT_CHARS) {
        assert!(text.chars().count() <= MAX_TEXT_CHARS);
    }
}

fn check_sections(structure: &Structure, raw: &[u8]) {
    let section = |path: &[u32], kind| structure.section(&Section { path: path.to_vec(), kind });
    let header = section(&[], SectionKind::Header).expect("its header").of(raw);
    let text = section(&[], SectionKind::Text).expect("its text").of(raw);
    assert_eq!([header, text].concat(), raw);
    for first in 0..3 {
        for path in [&[first][..], &[first, 1], &[first, 2, 1]] {
            let names = || vec!["to".to_owned(), "Subject".to_owned()];
            for kind in [
                SectionKind::Full,
                SectionKind::Mime,
                SectionKind::Header,
                SectionKind::HeaderFields(names()),
                SectionKind::HeaderFieldsNot(names()),
            ] {
                let Some(found) = section(path, kind) else { continue };
                assert!(first > 0);
                let octets = found.of(raw);
                assert_eq!(octets.len() as u64, found.len());
                let half = octets.len() / 2;
                let pieces = [found.partial(0, half as u64).of(raw), found.partial(half as u64, u64::MAX).of(raw)];
                assert_eq!(pieces.concat(), octets, "two halves are not the whole");
            }
        }
    }
}

fuzz_target!(|raw: &[u8]| {
    let structure = Structure::parse(raw);
    assert_eq!(structure.size, raw.len() as u64);
    assert_eq!(structure.lines, line_feeds(raw));
    assert!((1..=MAX_PARTS).contains(&structure.parts.len()));
    for (index, part) in structure.parts.iter().enumerate() {
        check_part(&structure, index, part, raw);
    }
    check_sections(&structure, raw);
    assert_eq!(Structure::decode(&structure.encode()).as_ref(), Ok(&structure));

    let rendered = Rendered::new(&structure, raw);
    for data in [&rendered.envelope, &rendered.body, &rendered.bodystructure] {
        assert!(is_data(data), "IMAP cannot send {}", data.escape_ascii());
    }
    let summary = Summary::new(&structure, raw);
    assert!(summary.preview.chars().count() <= MAX_PREVIEW_CHARS);
    assert_eq!(Summary::decode(&summary.encode()).as_ref(), Ok(&summary));

    let facts = HeaderFacts::read(raw);
    assert_eq!(facts.from, structure.fields_named("from").count());
    let kept: Vec<u8> = without_field(raw, "bcc").iter().flat_map(|span| span.of(raw).to_vec()).collect();
    assert_eq!(HeaderFacts::read(&kept).bcc, 0, "Bcc is still there");
});

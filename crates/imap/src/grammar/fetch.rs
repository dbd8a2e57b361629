//! What a FETCH asks for (RFC 9051 §9 `fetch-att`).

use super::cursor::Cursor;
use super::section::{partial, section, section_binary};
use super::{CommandError, Parsed};
use crate::extensions::preview;
use crate::limits::MAX_FETCH_ITEMS;
use crate::question::{FetchItems, SectionForm, SectionRequest};
use posthouse_mime::{Section, SectionKind};

/// The items, and whether asking for them sets `\Seen`.
#[derive(Debug, Default)]
pub(crate) struct FetchRequest {
    pub(crate) items: FetchItems,
    pub(crate) mark_seen: bool,
}

/// ```text
/// "ALL" / "FULL" / "FAST" / fetch-att / "(" fetch-att *(SP fetch-att) ")"
/// ```
pub(crate) fn fetch_items(cursor: &mut Cursor<'_>) -> Parsed<FetchRequest> {
    let mut request = FetchRequest::default();
    if cursor.take(b'(') {
        for count in 0.. {
            if count == MAX_FETCH_ITEMS {
                return Err(CommandError::TooMany("FETCH items"));
            }
            fetch_item(cursor, &mut request)?;
            if !cursor.take(b' ') {
                break;
            }
        }
        cursor.close()?;
    } else if !fetch_macro(cursor, &mut request.items) {
        fetch_item(cursor, &mut request)?;
    }
    Ok(request)
}

/// RFC 9051 §6.4.5: the macros stand alone and mean lists.
fn fetch_macro(cursor: &mut Cursor<'_>, items: &mut FetchItems) -> bool {
    let (envelope, body) = match () {
        () if cursor.take_word("FAST") => (false, false),
        () if cursor.take_word("ALL") => (true, false),
        () if cursor.take_word("FULL") => (true, true),
        () => return false,
    };
    *items = FetchItems { flags: true, internal_date: true, size: true, envelope, body, ..FetchItems::default() };
    true
}

/// ```text
/// fetch-att = "ENVELOPE" / "FLAGS" / "INTERNALDATE" / "RFC822.SIZE" / "BODY" ["STRUCTURE"] / "UID"
///           / "BODY" section [partial] / "BODY.PEEK" section [partial]
///           / "BINARY" [".PEEK"] section-binary [partial] / "BINARY.SIZE" section-binary
///           / "RFC822" [".HEADER" / ".TEXT"]             ; RFC 3501
///           / "MODSEQ"                                   ; RFC 7162
///           / "EMAILID" / "THREADID"                     ; RFC 8474
///           / "SAVEDATE"                                 ; RFC 8514
///           / "PREVIEW" [SP "(" "LAZY" ")"]              ; RFC 8970
/// ```
fn fetch_item(cursor: &mut Cursor<'_>, request: &mut FetchRequest) -> Parsed<()> {
    let name = cursor.take_while(|byte| byte.is_ascii_alphanumeric() || byte == b'.');
    let is = |word: &str| name.eq_ignore_ascii_case(word.as_bytes());
    let items = &mut request.items;
    if is("UID") {
        items.uid = true;
    } else if is("FLAGS") {
        items.flags = true;
    } else if is("INTERNALDATE") {
        items.internal_date = true;
    } else if is("RFC822.SIZE") {
        items.size = true;
    } else if is("ENVELOPE") {
        items.envelope = true;
    } else if is("BODYSTRUCTURE") {
        items.body_structure = true;
    } else if is("MODSEQ") {
        items.modseq = true;
    } else if is("EMAILID") {
        items.email_id = true;
    } else if is("THREADID") {
        items.thread_id = true;
    } else if is("SAVEDATE") {
        items.save_date = true;
    } else if is("PREVIEW") {
        items.preview = Some(preview::both(items.preview, preview::preview_need(cursor)?));
    } else if is("BODY") && cursor.peek() != Some(b'[') {
        items.body = true;
    } else if is("BODY") || is("BODY.PEEK") {
        request.mark_seen |= is("BODY");
        let section = section(cursor)?;
        let partial = partial(cursor)?;
        add(items, SectionRequest { section, partial, form: SectionForm::Body });
    } else if is("BINARY") || is("BINARY.PEEK") {
        request.mark_seen |= is("BINARY");
        let section = section_binary(cursor)?;
        let partial = partial(cursor)?;
        add(items, SectionRequest { section, partial, form: SectionForm::Binary });
    } else if is("BINARY.SIZE") {
        let path = section_binary(cursor)?.path;
        if !items.binary_sizes.contains(&path) {
            items.binary_sizes.push(path);
        }
    } else if is("RFC822") {
        request.mark_seen = true;
        add(items, whole(SectionKind::Full, SectionForm::Rfc822));
    } else if is("RFC822.HEADER") {
        add(items, whole(SectionKind::Header, SectionForm::Rfc822Header));
    } else if is("RFC822.TEXT") {
        request.mark_seen = true;
        add(items, whole(SectionKind::Text, SectionForm::Rfc822Text));
    } else {
        return Err(CommandError::Expected("a known FETCH item"));
    }
    Ok(())
}

fn whole(kind: SectionKind, form: SectionForm) -> SectionRequest {
    SectionRequest { section: Section { path: Vec::new(), kind }, partial: None, form }
}

fn add(items: &mut FetchItems, request: SectionRequest) {
    if !items.sections.contains(&request) {
        items.sections.push(request);
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;

    use super::*;
    use crate::question::{Partial, PreviewNeed};

    fn read(text: &str) -> Parsed<FetchRequest> {
        let mut cursor = Cursor::new(text.as_bytes());
        let request = fetch_items(&mut cursor)?;
        cursor.end()?;
        Ok(request)
    }

    #[test]
    fn macros_stand_alone() {
        let full = read("full").unwrap().items;
        assert!(full.flags && full.internal_date && full.size && full.envelope && full.body && !full.uid);
        assert!(!read("ALL").unwrap().items.body);
        assert!(!read("FAST").unwrap().items.envelope);
        assert!(read("(ALL)").is_err());
    }

    #[test]
    fn peeking_does_not_mark() {
        for (text, mark_seen) in [
            ("BODY[]", true),
            ("BODY.PEEK[]", false),
            ("BODY", false),
            ("BINARY[1]", true),
            ("BINARY.PEEK[1]", false),
            ("BINARY.SIZE[1]", false),
            ("RFC822", true),
            ("RFC822.HEADER", false),
            ("RFC822.TEXT", true),
            ("(FLAGS BODY.PEEK[HEADER] BODY[TEXT]<0.10>)", true),
        ] {
            assert_eq!(read(text).unwrap().mark_seen, mark_seen, "{text}");
        }
    }

    #[test]
    fn previews() {
        for (text, need) in [
            ("PREVIEW", PreviewNeed::Always),
            ("PREVIEW (LAZY)", PreviewNeed::AtHand),
            ("(PREVIEW (LAZY LAZY) UID)", PreviewNeed::AtHand),
            ("(PREVIEW (lazy) PREVIEW)", PreviewNeed::Always),
            ("(PREVIEW PREVIEW (LAZY))", PreviewNeed::Always),
        ] {
            assert_eq!(read(text).unwrap().items.preview, Some(need), "{text}");
        }
        for bad in ["PREVIEW ()", "PREVIEW (LAZY", "PREVIEW (EAGER)", "(PREVIEW (LAZY UID))"] {
            assert!(read(bad).is_err(), "{bad}");
        }
        // What follows may be a modifier of FETCH.
        let mut cursor = Cursor::new(b"PREVIEW (CHANGEDSINCE 5)");
        assert!(fetch_items(&mut cursor).is_ok());
        assert_eq!(cursor.rest(), b" (CHANGEDSINCE 5)");
    }

    #[test]
    fn doubles_are_one() {
        let items = read("(BODY[1] BODY.PEEK[1] BODY[1]<0.5> BODY[1]<5.5>)").unwrap().items;
        assert_eq!(items.sections.len(), 3);
        assert_eq!(items.sections[2].partial, Some(Partial { offset: 5, length: NonZeroU64::new(5).unwrap() }));
    }

    #[test]
    fn broken_requests_are_refused() {
        for bad in [
            "",
            "()",
            "(FLAGS",
            "(FLAGS  UID)",
            "FOO",
            "BODY[",
            "BODY[]<0>",
            "BODY[]<0.0>",
            "BODY[]<-1.5>",
            "FLAGS UID",
            "BINARY[TEXT]",
            "BINARY[1.MIME]",
            "BODYSTRUCTURE[]",
            "RFC822[]",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
        assert!(read(&format!("({})", vec!["UID"; MAX_FETCH_ITEMS + 1].join(" "))).is_err());
    }
}

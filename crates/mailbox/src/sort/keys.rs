//! What sorting and threading ask of a message: worked out at delivery, stored beside it, and read without decoding.

use posthouse_mime::address::{Address, Mailbox as Person, parse_addresses};
use posthouse_mime::message_id::normal_message_id;
use posthouse_mime::{BaseSubject, Structure, Summary, casemap, decode_header_text};

/// Octets of a text that is compared. More of it is not looked at.
const MAX_KEY_BYTES: usize = 1_024;
/// Characters of a name before it is made a key.
const MAX_NAME_CHARS: usize = 256;
/// References of a message that are kept; the last are nearest.
const MAX_REFERENCES: usize = 200;
/// The first octet of what is stored, so that another form can be told from this one.
const FORM: u8 = 1;

const HAS_DATE: u8 = 1;
const HAS_ID: u8 = 2;
const IS_REPLY: u8 = 4;

/// Stands for a message identifier: its BLAKE3, cut short. Nobody can make two identifiers that share one.
pub(crate) type IdHash = [u8; 16];

/// The texts of a message that are compared, in the order in which they are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Text {
    Subject,
    From,
    To,
    Cc,
    DisplayFrom,
    DisplayTo,
}

const TEXTS: usize = 6;

/// What is stored of a message for sorting.
///
/// ```text
/// keys = form flags [date] [id] count *reference *6(length text)
/// ```
///
/// Texts are keys of the collation, so that they are compared as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SortKeys<'a> {
    /// The Date field, in seconds since 1970 by UTC.
    pub sent_seconds: Option<i64>,
    /// The subject has a mark of replying or forwarding.
    pub is_reply: bool,
    /// Of the Message-ID field.
    pub message_id: Option<IdHash>,
    references: &'a [u8],
    texts: [&'a [u8]; TEXTS],
}

impl<'a> SortKeys<'a> {
    /// Reads stored keys. What cannot be read is as if there were nothing in it.
    pub fn read(stored: &'a [u8]) -> Self {
        Self::try_read(stored).unwrap_or(Self {
            sent_seconds: None,
            is_reply: false,
            message_id: None,
            references: &[],
            texts: [&[]; TEXTS],
        })
    }

    fn try_read(stored: &'a [u8]) -> Option<Self> {
        let (&[form, flags], mut rest) = stored.split_first_chunk()?;
        if form != FORM {
            return None;
        }
        let mut sent_seconds = None;
        if flags & HAS_DATE != 0 {
            let (date, after) = rest.split_first_chunk()?;
            sent_seconds = Some(i64::from_le_bytes(*date));
            rest = after;
        }
        let mut message_id = None;
        if flags & HAS_ID != 0 {
            let (id, after) = rest.split_first_chunk()?;
            message_id = Some(*id);
            rest = after;
        }
        let (&count, after) = rest.split_first()?;
        let (references, mut rest) = after.split_at_checked(usize::from(count) * size_of::<IdHash>())?;
        let mut texts = [&[][..]; TEXTS];
        for text in &mut texts {
            let (length, after) = rest.split_first_chunk()?;
            (*text, rest) = after.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
        }
        Some(Self { sent_seconds, is_reply: flags & IS_REPLY != 0, message_id, references, texts })
    }

    /// A text, as a key of the collation.
    pub fn text(&self, text: Text) -> &'a [u8] {
        self.texts[text as usize]
    }

    /// The messages that this one is a reply to, the nearest last (RFC 5256 §3, THREAD=REFERENCES).
    pub fn references(&self) -> impl Iterator<Item = IdHash> + 'a {
        self.references.as_chunks().0.iter().copied()
    }
}

/// Works out the keys of a message. `header` holds at least its header, at the offsets that `structure` has.
pub(crate) fn sort_keys(structure: &Structure, summary: &Summary, header: &[u8]) -> Vec<u8> {
    let mut keys = vec![FORM, 0];
    let subject = BaseSubject::of(&summary.subject);
    if subject.is_reply_or_forward {
        keys[1] |= IS_REPLY;
    }
    if let Some(sent) = summary.sent {
        keys[1] |= HAS_DATE;
        keys.extend_from_slice(&sent.unix_seconds.to_le_bytes());
    }
    if let Some(id) = &summary.message_id {
        keys[1] |= HAS_ID;
        keys.extend_from_slice(&hash_of(id));
    }
    // RFC 5256 §3: In-Reply-To only where References has none, and of it the first only.
    let references = match summary.references.as_slice() {
        [] => &summary.in_reply_to[..summary.in_reply_to.len().min(1)],
        references => &references[references.len().saturating_sub(MAX_REFERENCES)..],
    };
    keys.push(u8::try_from(references.len()).unwrap_or(0));
    references.iter().for_each(|id| keys.extend_from_slice(&hash_of(id)));
    let first =
        |name| structure.root().field_value(header, name).and_then(|value| parse_addresses(value).into_iter().next());
    let (from, to, cc) = (first("from"), first("to"), first("cc"));
    let texts: [String; TEXTS] = [
        subject.text,
        left_side(from.as_ref()),
        left_side(to.as_ref()),
        left_side(cc.as_ref()),
        shown(from),
        shown(to),
    ];
    for text in texts {
        let key = casemap(&text);
        let key = &key[..key.floor_char_boundary(MAX_KEY_BYTES)];
        keys.extend_from_slice(&u16::try_from(key.len()).unwrap_or(0).to_le_bytes());
        keys.extend_from_slice(key.as_bytes());
    }
    keys
}

fn hash_of(id: &str) -> IdHash {
    let hash = blake3::hash(normal_message_id(id).as_bytes());
    *hash.as_bytes().first_chunk().expect("a hash is longer")
}

/// `addr-mailbox` of RFC 9051 §7.5.2, which for a group is its name.
fn left_side(address: Option<&Address>) -> String {
    match address {
        None => String::new(),
        Some(Address::Mailbox(person)) => person.local_part.clone(),
        Some(Address::Group { name, .. }) => name.clone(),
    }
}

/// RFC 5957 §3: the name where there is one, of a group too, and otherwise the address.
fn shown(address: Option<Address>) -> String {
    match address {
        None => String::new(),
        Some(Address::Group { name, .. }) => decode_header_text(name.as_bytes(), MAX_NAME_CHARS),
        Some(Address::Mailbox(Person { name, local_part, domain, .. })) => {
            match name.map(|name| decode_header_text(name.as_bytes(), MAX_NAME_CHARS)) {
                Some(name) if !name.is_empty() => name,
                _ => format!("{local_part}@{domain}"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn keys_of(raw: &str) -> Vec<u8> {
        let structure = Structure::parse(raw.as_bytes());
        let summary = Summary::new(&structure, raw.as_bytes());
        sort_keys(&structure, &summary, raw.as_bytes())
    }

    fn check(raw: &str, text: Text, expected: &str) {
        let keys = keys_of(raw);
        assert_eq!(String::from_utf8_lossy(SortKeys::read(&keys).text(text)), expected, "{raw:?}");
    }

    #[test]
    fn texts() {
        check("Subject: Re: =?utf-8?q?gr=C3=BCn?=\r\n\r\n", Text::Subject, "GRU\u{308}N");
        check("From: \"Ann B.\" <ann@example.org>, x@y\r\n\r\n", Text::From, "ANN");
        check("From: \"Ann B.\" <ann@example.org>, x@y\r\n\r\n", Text::DisplayFrom, "ANN B.");
        check("To: =?utf-8?q?=C3=84?= <a@example.org>\r\n\r\n", Text::DisplayTo, "A\u{308}");
        check("To: a@example.org\r\n\r\n", Text::DisplayTo, "A@EXAMPLE.ORG");
        check("To: a@example.org\r\n\r\n", Text::Cc, "");
        check("Cc: friends: a@b, c@d;, e@f\r\n\r\n", Text::Cc, "FRIENDS");
        check("To: friends:;\r\n\r\n", Text::DisplayTo, "FRIENDS");
        check("\r\n", Text::Subject, "");
    }

    #[test]
    fn dates_and_identifiers() {
        let raw = "Date: Sun, 31 Dec 2000 16:01:33 -0800\r\nMessage-ID: <\"a\"@b>\r\nSubject: fwd: x\r\n\r\n";
        let stored = keys_of(raw);
        let keys = SortKeys::read(&stored);
        // RFC 5256 §2.2: by UTC.
        assert_eq!(keys.sent_seconds, Some(978_307_293));
        assert!(keys.is_reply);
        assert_eq!(keys.message_id, Some(hash_of("a@b")));
        assert_eq!(keys.references().count(), 0);
    }

    #[track_caller]
    fn check_references(fields: &str, expected: &[&str]) {
        let stored = keys_of(&format!("{fields}\r\n\r\n"));
        let found: Vec<_> = SortKeys::read(&stored).references().collect();
        assert_eq!(found, expected.iter().map(|id| hash_of(id)).collect::<Vec<_>>(), "{fields}");
    }

    #[test]
    fn references() {
        check_references("References: <a@b> <c@d>\r\nIn-Reply-To: <e@f>", &["a@b", "c@d"]);
        check_references("In-Reply-To: <e@f> <g@h>", &["e@f"]);
        check_references("References: nothing\r\nIn-Reply-To: <e@f>", &["e@f"]);
        check_references("In-Reply-To: your mail", &[]);
        let many: String = (0..1_000).map(|number| format!(" <{number}@x>")).collect();
        assert_eq!(
            SortKeys::read(&keys_of(&format!("References:{many}\r\n\r\n"))).references().count(),
            MAX_REFERENCES
        );
    }

    #[test]
    fn keys_are_bounded() {
        let long = "\u{fdfa}".repeat(900);
        let stored = keys_of(&format!("Subject: {long}\r\nFrom: \"{long}\" <a@b>\r\nTo: {long}@x\r\n\r\n"));
        assert!(stored.len() <= 2 + 8 + 16 + 1 + MAX_REFERENCES * 16 + TEXTS * (2 + MAX_KEY_BYTES));
        assert!(SortKeys::read(&stored).text(Text::Subject).len() > MAX_KEY_BYTES - 4);
    }

    proptest! {
        #[test]
        fn what_is_damaged_is_read_as_nothing(stored in prop::collection::vec(any::<u8>(), 0..80), cut in 0_usize..80) {
            let keys = SortKeys::read(&stored);
            prop_assert!(keys.references().count() <= MAX_REFERENCES.max(255));
            let whole = keys_of("Subject: x\r\nMessage-ID: <a@b>\r\nDate: 1 Jan 2000 00:00 +0000\r\n\r\n");
            let _ = SortKeys::read(&whole[..cut.min(whole.len())]);
        }
    }
}

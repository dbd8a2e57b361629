//! What a SEARCH looks for (RFC 9051 §9 `search-program`).

use posthouse_model::search::{MAX_QUERY_DEPTH, MAX_QUERY_KEYS, Query};
use posthouse_model::{ModSeq, SystemFlag, Uid, UidSet};

use super::cursor::Cursor;
use super::date::date;
use super::flags::keyword;
use super::sequence_set::sequence_set;
use super::{CommandError, Parsed};
use crate::extensions::enable::Enabled;
use crate::extensions::filters::{Filters, MAX_FILTER_DEPTH, filter_name};
use crate::extensions::object_id;
use crate::extensions::save_date::saved_key;
use crate::view::SequenceView;

/// Reads search keys, turning what they say of messages into UIDs.
#[derive(Debug)]
pub(crate) struct SearchParser<'a> {
    view: &'a SequenceView,
    saved: &'a UidSet,
    filters: &'a Filters,
    /// Filters that are being read, one within the other.
    filter_depth: usize,
    /// RFC 6855 §3: once UTF8=ACCEPT is enabled, CHARSET is BAD.
    charset_allowed: bool,
    /// RFC 9586 §3: messages are named by UIDs, and a set without `UID` is none but `$`.
    uid_only: bool,
    keys: usize,
    /// Whether a key was MODSEQ, so that the answer tells modification sequences (RFC 7162 §3.1.5).
    pub(crate) uses_modseq: bool,
}

impl<'a> SearchParser<'a> {
    /// For a client that has enabled this, in a mailbox of which it knows this.
    pub(crate) fn new(view: &'a SequenceView, saved: &'a UidSet, filters: &'a Filters, enabled: Enabled) -> Self {
        Self {
            view,
            saved,
            filters,
            filter_depth: 0,
            charset_allowed: !enabled.utf8,
            uid_only: enabled.uid_only,
            keys: 0,
            uses_modseq: false,
        }
    }

    /// `search-program = ["CHARSET" SP charset SP] search-key *(SP search-key)`
    pub(crate) fn program(&mut self, cursor: &mut Cursor<'_>) -> Parsed<Query> {
        let mut ahead = *cursor;
        if ahead.take_word("CHARSET") && ahead.take(b' ') {
            if !self.charset_allowed {
                return Err(CommandError::Expected("no CHARSET once UTF8=ACCEPT is enabled"));
            }
            *cursor = ahead;
            return self.criteria(cursor);
        }
        let query = self.conjunction(cursor, 0)?;
        cursor.end()?;
        Ok(query)
    }

    /// `search-criteria = charset 1*(SP search-key)` (RFC 5256 §5)
    pub(crate) fn criteria(&mut self, cursor: &mut Cursor<'_>) -> Parsed<Query> {
        let charset = cursor.astring()?;
        if !["UTF-8", "US-ASCII"].iter().any(|known| charset.eq_ignore_ascii_case(known.as_bytes())) {
            return Err(CommandError::BadCharset);
        }
        cursor.space()?;
        let query = self.conjunction(cursor, 0)?;
        cursor.end()?;
        Ok(query)
    }

    fn conjunction(&mut self, cursor: &mut Cursor<'_>, depth: usize) -> Parsed<Query> {
        let mut keys = vec![self.key(cursor, depth)?];
        while cursor.take(b' ') {
            keys.push(self.key(cursor, depth)?);
        }
        Ok(if keys.len() == 1 { keys.swap_remove(0) } else { Query::And(keys) })
    }

    fn key(&mut self, cursor: &mut Cursor<'_>, depth: usize) -> Parsed<Query> {
        if depth == MAX_QUERY_DEPTH {
            return Err(CommandError::TooMany("nested search keys"));
        }
        self.keys += 1;
        if self.keys > MAX_QUERY_KEYS {
            return Err(CommandError::TooMany("search keys"));
        }
        match cursor.peek() {
            // "(" search-key *(SP search-key) ")"
            Some(b'(') => {
                cursor.open()?;
                let query = self.conjunction(cursor, depth + 1)?;
                cursor.close()?;
                Ok(query)
            }
            Some(b'0'..=b'9' | b'*') if self.uid_only => Err(CommandError::UidRequired),
            Some(b'0'..=b'9' | b'*' | b'$') => {
                Ok(Query::Uids(sequence_set(cursor)?.present_by_sequence(self.view, self.saved)))
            }
            _ => {
                let name = cursor.atom()?.to_ascii_uppercase();
                match flag_key(&name) {
                    Some(query) => Ok(query),
                    None => self.key_with_argument(&name, cursor, depth),
                }
            }
        }
    }

    fn key_with_argument(&mut self, name: &str, cursor: &mut Cursor<'_>, depth: usize) -> Parsed<Query> {
        cursor.space().map_err(|_| CommandError::Expected("a known search key with its argument"))?;
        Ok(match name {
            "NOT" => Query::Not(Box::new(self.key(cursor, depth + 1)?)),
            "OR" => {
                let first = self.key(cursor, depth + 1)?;
                cursor.space()?;
                Query::Or(vec![first, self.key(cursor, depth + 1)?])
            }
            // With those that the client does not know: in a result that is kept up to date they may still come.
            "UID" => Query::Uids(sequence_set(cursor)?.any_uid(self.view, self.saved)),
            // RFC 9738 §3.2
            "UIDAFTER" => uids_between(cursor.nonzero_number()?.checked_add(1), Some(u32::MAX)),
            "UIDBEFORE" => uids_between(Some(1), cursor.nonzero_number()?.checked_sub(1)),
            "KEYWORD" => Query::Keyword(keyword(cursor)?),
            "UNKEYWORD" => not(Query::Keyword(keyword(cursor)?)),
            "BODY" => Query::Body(cursor.text()?),
            "TEXT" => Query::Text(cursor.text()?),
            "SUBJECT" | "FROM" | "TO" | "CC" | "BCC" => Query::Header(name.to_ascii_lowercase(), cursor.text()?),
            "HEADER" => {
                let field = cursor.text()?.to_ascii_lowercase();
                cursor.space()?;
                Query::Header(field, cursor.text()?)
            }
            "LARGER" => Query::Larger(cursor.number64()?),
            "SMALLER" => Query::Smaller(cursor.number64()?),
            "BEFORE" => Query::ReceivedBefore(date(cursor)?),
            "ON" => Query::ReceivedOn(date(cursor)?),
            "SINCE" => Query::ReceivedSince(date(cursor)?),
            "SENTBEFORE" => Query::SentBefore(date(cursor)?),
            "SENTON" => Query::SentOn(date(cursor)?),
            "SENTSINCE" => Query::SentSince(date(cursor)?),
            "OLDER" => Query::Older(crate::extensions::within::interval(cursor)?),
            "YOUNGER" => Query::Younger(crate::extensions::within::interval(cursor)?),
            "EMAILID" => object_id::email_id_key(cursor)?,
            "THREADID" => object_id::thread_id_key(cursor)?,
            "FILTER" => self.filter(cursor, depth)?,
            "MODSEQ" => {
                self.uses_modseq = true;
                modseq(cursor)?
            }
            _ => saved_key(name, cursor).unwrap_or(Err(CommandError::Expected("a known search key")))?,
        })
    }
}

impl SearchParser<'_> {
    /// `search-key =/ "FILTER" SP filter-name` (RFC 5466 §4): what the filter says stands in its place.
    fn filter(&mut self, cursor: &mut Cursor<'_>, depth: usize) -> Parsed<Query> {
        let name = filter_name(cursor)?;
        if self.filter_depth == MAX_FILTER_DEPTH {
            self.filters.end_at(name);
            return Err(CommandError::UndefinedFilter);
        }
        let value = self.filters.get(name)?.clone();
        self.filter_depth += 1;
        let mut within = Cursor::new(&value);
        let query = self.conjunction(&mut within, depth + 1)?;
        self.filter_depth -= 1;
        within.end()?;
        Ok(query)
    }
}

fn uids_between(from: Option<u32>, to: Option<u32>) -> Query {
    let mut uids = UidSet::new();
    if let (Some(from), Some(to)) = (from.and_then(Uid::new), to.and_then(Uid::new)) {
        uids.insert_range(from, to);
    }
    Query::Uids(uids)
}

fn not(query: Query) -> Query {
    Query::Not(Box::new(query))
}

/// The keys without an argument.
fn flag_key(name: &str) -> Option<Query> {
    let (flag, set) = match name {
        "ALL" => return Some(Query::All),
        // RFC 8514 §4.3: the date is known of every message.
        "SAVEDATESUPPORTED" => return Some(Query::All),
        // RFC 3501 §6.4.4: no message is ever \Recent here, so that NEW and RECENT find nothing, and OLD all.
        "OLD" => return Some(Query::All),
        "NEW" | "RECENT" => return Some(not(Query::All)),
        "ANSWERED" => (SystemFlag::Answered, true),
        "DELETED" => (SystemFlag::Deleted, true),
        "DRAFT" => (SystemFlag::Draft, true),
        "FLAGGED" => (SystemFlag::Flagged, true),
        "SEEN" => (SystemFlag::Seen, true),
        "UNANSWERED" => (SystemFlag::Answered, false),
        "UNDELETED" => (SystemFlag::Deleted, false),
        "UNDRAFT" => (SystemFlag::Draft, false),
        "UNFLAGGED" => (SystemFlag::Flagged, false),
        "UNSEEN" => (SystemFlag::Seen, false),
        _ => return None,
    };
    Some(if set { Query::Flag(flag) } else { not(Query::Flag(flag)) })
}

/// ```text
/// search-modsequence = "MODSEQ" [SP entry-name SP entry-type-req] SP mod-sequence-valzer
/// entry-name         = DQUOTE "/flags/" attr-flag DQUOTE
/// entry-type-req     = "priv" / "shared" / "all"
/// ```
///
/// We keep one modification sequence a message and not one a flag, so entries are read and mean nothing more, as
/// RFC 7162 §3.1.5 allows.
fn modseq(cursor: &mut Cursor<'_>) -> Parsed<Query> {
    if cursor.peek() == Some(b'"') {
        let entry = cursor.text()?;
        cursor.space()?;
        let kind = cursor.atom()?;
        cursor.space()?;
        if !entry.starts_with("/flags/") || !["priv", "shared", "all"].iter().any(|k| k.eq_ignore_ascii_case(kind)) {
            return Err(CommandError::Expected("an entry of a flag"));
        }
    }
    Ok(Query::ModSeq(ModSeq(cursor.number64()?)))
}

#[cfg(test)]
mod tests {
    use posthouse_model::{Keyword, MessageId, Uid, UnixDay};

    use super::*;

    fn read(text: &str) -> Parsed<Query> {
        let uids = |range: std::ops::RangeInclusive<u32>| range.filter_map(Uid::new).collect::<UidSet>();
        let (view, saved) = (SequenceView::new(&uids(11..=15)), uids(12..=13));
        let filters = Filters::default();
        SearchParser::new(&view, &saved, &filters, Enabled::default()).program(&mut Cursor::new(text.as_bytes()))
    }

    #[track_caller]
    fn check(text: &str, expected: Query) {
        assert_eq!(read(text), Ok(expected), "{text}");
    }

    fn uids(from: u32, to: u32) -> Query {
        uids_between(Some(from), Some(to))
    }

    #[test]
    fn keys() {
        check("ALL", Query::All);
        check("unseen", not(Query::Flag(SystemFlag::Seen)));
        check("2:3", uids(12, 13));
        check("UID 13:99", uids(13, 99));
        check("$", uids(12, 13));
        check("UID $", uids(12, 13));
        check("UID *", uids(15, u32::MAX));
        check("KEYWORD $Junk", Query::Keyword(Keyword::parse("$junk").unwrap()));
        check("FROM \"a b\"", Query::Header("from".into(), "a b".into()));
        check("HEADER Message-ID {3}\r\n<a>", Query::Header("message-id".into(), "<a>".into()));
        check("HEADER X-Foo \"\"", Query::Header("x-foo".into(), String::new()));
        check("SINCE 1-Feb-1994", Query::ReceivedSince(UnixDay::from_date(1994, 2, 1).unwrap()));
        check("MODSEQ 620162338", Query::ModSeq(ModSeq(620_162_338)));
        check("MODSEQ \"/flags/\\\\draft\" all 620162338", Query::ModSeq(ModSeq(620_162_338)));
        check("OLDER 300", Query::Older(300));
        check("CHARSET utf-8 TEXT {2}\r\n\u{e4}", Query::Text("\u{e4}".into()));
        check("CHARSET US-ASCII ALL", Query::All);
        check("RECENT", not(Query::All));
        check("EMAILID M7", Query::EmailId(MessageId(7)));
        check("THREADID M7", not(Query::All));
        check("SAVEDON 1-Feb-1994", Query::SavedOn(UnixDay::from_date(1994, 2, 1).unwrap()));
        check("SAVEDATESUPPORTED", Query::All);
    }

    #[test]
    fn keys_combine() {
        let seen = || Query::Flag(SystemFlag::Seen);
        check("SEEN ALL", Query::And(vec![seen(), Query::All]));
        check("NOT SEEN", not(seen()));
        check("OR SEEN (ALL LARGER 5)", Query::Or(vec![seen(), Query::And(vec![Query::All, Query::Larger(5)])]));
        check("(SEEN)", seen());
    }

    #[test]
    fn broken_programs_are_refused() {
        for bad in [
            "",
            "FOO",
            "FOO x",
            "NOT",
            "NOT ",
            "OR SEEN",
            "(SEEN",
            "SEEN)",
            "SEEN  ALL",
            "()",
            "LARGER x",
            "YOUNGER 0",
            "KEYWORD \\Seen",
            "HEADER a",
            "MODSEQ \"/flags/x\" foo 5",
            "SINCE 1-1-1994",
            "SAVEDON",
            "SAVEDBEFORE x",
            "EMAILID \"M1\"",
            "FROM \"\u{1}\"",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
        assert_eq!(read("CHARSET KOI8-R ALL"), Err(CommandError::BadCharset));
    }

    #[test]
    fn nesting_and_length_are_bounded() {
        let nested = |depth| format!("{}ALL{}", "(".repeat(depth), ")".repeat(depth));
        assert!(read(&nested(MAX_QUERY_DEPTH - 1)).is_ok());
        assert_eq!(read(&nested(MAX_QUERY_DEPTH)), Err(CommandError::TooMany("nested search keys")));
        assert!(read(&format!("{}ALL", "NOT ".repeat(10_000))).is_err());
        let many = vec!["ALL"; MAX_QUERY_KEYS + 1].join(" ");
        assert_eq!(read(&many), Err(CommandError::TooMany("search keys")));
    }

    proptest::proptest! {
        #[test]
        fn nothing_panics(text in "(OR |NOT |\\(|\\)| |ALL|SEEN|UID |[0-9*:,]{1,4}|FROM |\"[a-z]\"|MODSEQ |\\$){0,30}") {
            let _ = read(&text);
        }
    }
}

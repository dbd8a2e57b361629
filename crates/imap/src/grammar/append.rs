//! What stands around the octets of APPEND and REPLACE (RFC 9051 §6.3.12, RFC 3502, RFC 3516, RFC 4469, RFC 6855 §4).
//!
//! The octets of messages go by without being held, so the text of such a command comes in stretches: each ends at a
//! literal, or at the end of the command, and the next goes on where [`Stop`] says.

use posthouse_model::{Flags, UnixMillis};

use super::cursor::Cursor;
use super::date::date_time;
use super::flags::flag_list;
use super::{CommandError, Parsed};
use crate::limits::MAX_APPEND_PARTS;

/// What the text says, in order; what literals say comes in between.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// A message begins.
    Begin(MessageOptions),
    /// Octets of a message that is there are the next of this one.
    Url(String),
    /// The message is complete.
    End,
}

/// What is said of a message before its octets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct MessageOptions {
    pub(crate) flags: Flags,
    pub(crate) internal_date: Option<UnixMillis>,
}

/// Where a stretch of text begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Behind the mailbox.
    FirstMessage,
    /// Behind the octets of a message.
    AfterMessage,
    /// Behind the octets of a message in `UTF8 (`.
    AfterUtf8,
    /// Behind a part of a message in `CATENATE (`.
    AfterPart,
    /// Behind such a part in `UTF8 (`.
    AfterUtf8Part,
}

/// Where a stretch of text ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// At the end of the command.
    Command,
    /// At a literal with octets of a message. What follows it begins there.
    Octets(Place),
    /// At a literal that is a string of the text, which is to be read again when there is more.
    String,
}

/// What the text may say.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TextRules {
    /// What the stretch ends in.
    pub(crate) ending: Ending,
    /// Whether `UTF8 (` may be said.
    pub(crate) utf8: bool,
    /// Whether more than one message may come (MULTIAPPEND).
    pub(crate) many: bool,
}

/// What a stretch ends in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The end of the command.
    Command,
    /// The header of a literal.
    Literal,
    /// The header of a literal8.
    Literal8,
}

/// Reads a stretch of text, up to the header of the literal that it ends in.
///
/// ```text
/// append-message = [SP flag-list] [SP date-time] SP append-data
/// append-data    = literal / literal8 / utf8-literal / "CATENATE" SP "(" cat-part *(SP cat-part) ")"
/// utf8-literal   = "UTF8" SP "(" literal8 ")"
/// ```
pub(crate) fn message_text(cursor: &mut Cursor<'_>, place: Place, rules: TextRules) -> Parsed<(Vec<Piece>, Stop)> {
    let mut pieces = Vec::new();
    match read(cursor, place, rules, &mut pieces) {
        // Something was missing where the literal stands, and is it.
        Err(_) if cursor.at_end() && rules.ending != Ending::Command => Ok((Vec::new(), Stop::String)),
        stop => Ok((pieces, stop?)),
    }
}

fn read(cursor: &mut Cursor<'_>, place: Place, rules: TextRules, pieces: &mut Vec<Piece>) -> Parsed<Stop> {
    let mut in_parts = false;
    match place {
        Place::FirstMessage => {}
        Place::AfterMessage => pieces.push(Piece::End),
        Place::AfterUtf8 => {
            cursor.close()?;
            pieces.push(Piece::End);
        }
        Place::AfterPart => in_parts = true,
        Place::AfterUtf8Part => {
            cursor.close()?;
            in_parts = true;
        }
    }
    loop {
        if in_parts {
            if let Some(stop) = parts(cursor, rules, pieces)? {
                return Ok(stop);
            }
            pieces.push(Piece::End);
        }
        let any = pieces.last() == Some(&Piece::End);
        if any && cursor.at_end() && rules.ending == Ending::Command {
            return Ok(Stop::Command);
        }
        if any && !rules.many {
            return Err(CommandError::Expected("the end of the command after the message"));
        }
        pieces.push(Piece::Begin(options(cursor)?));
        if cursor.take_word("CATENATE (") {
            in_parts = true;
            if let Some(stop) = part(cursor, rules, pieces)? {
                return Ok(stop);
            }
        } else {
            return octets(cursor, rules, Place::AfterMessage, Place::AfterUtf8);
        }
    }
}

/// `[SP flag-list] [SP date-time] SP`
fn options(cursor: &mut Cursor<'_>) -> Parsed<MessageOptions> {
    let mut options = MessageOptions::default();
    cursor.space()?;
    if cursor.peek() == Some(b'(') {
        options.flags = flag_list(cursor)?;
        cursor.space()?;
    }
    if cursor.peek() == Some(b'"') {
        options.internal_date = Some(date_time(cursor)?);
        cursor.space()?;
    }
    Ok(options)
}

/// `literal / literal8 / utf8-literal`
fn octets(cursor: &mut Cursor<'_>, rules: TextRules, plain: Place, utf8: Place) -> Parsed<Stop> {
    // RFC 6855 §4: only for clients that enabled it.
    let in_utf8 = rules.utf8 && cursor.take_word("UTF8 (");
    let fits = if in_utf8 { rules.ending == Ending::Literal8 } else { rules.ending != Ending::Command };
    if cursor.at_end() && fits {
        Ok(Stop::Octets(if in_utf8 { utf8 } else { plain }))
    } else {
        Err(CommandError::Expected("a message as a literal"))
    }
}

/// `*(SP cat-part) ")"`: `None` behind the parenthesis.
fn parts(cursor: &mut Cursor<'_>, rules: TextRules, pieces: &mut Vec<Piece>) -> Parsed<Option<Stop>> {
    while cursor.take(b' ') {
        if let Some(stop) = part(cursor, rules, pieces)? {
            return Ok(Some(stop));
        }
    }
    cursor.close()?;
    Ok(None)
}

/// ```text
/// cat-part = "TEXT" SP literal / "URL" SP astring / utf8-literal
/// ```
///
/// `None` where the text goes on.
fn part(cursor: &mut Cursor<'_>, rules: TextRules, pieces: &mut Vec<Piece>) -> Parsed<Option<Stop>> {
    if pieces.len() >= MAX_APPEND_PARTS {
        return Err(CommandError::TooMany("parts"));
    }
    if cursor.take_word("URL ") {
        pieces.push(Piece::Url(cursor.text()?));
        return Ok(None);
    }
    let text = cursor.take_word("TEXT ");
    if !text && cursor.peek().is_none_or(|byte| !byte.eq_ignore_ascii_case(&b'U')) {
        return Err(CommandError::Expected("TEXT or URL"));
    }
    octets(cursor, rules, Place::AfterPart, Place::AfterUtf8Part).map(Some)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PLACES: [Place; 5] =
        [Place::FirstMessage, Place::AfterMessage, Place::AfterUtf8, Place::AfterPart, Place::AfterUtf8Part];

    /// Text, with `~` or `$` at its end for a literal8 or a literal.
    fn read(text: &str, place: Place, many: bool) -> Parsed<String> {
        let (text, ending) = match text.strip_suffix('~') {
            Some(text) => (text, Ending::Literal8),
            None => text.strip_suffix('$').map_or((text, Ending::Command), |text| (text, Ending::Literal)),
        };
        let rules = TextRules { ending, utf8: true, many };
        let (pieces, stop) = message_text(&mut Cursor::new(text.as_bytes()), place, rules)?;
        let word = |piece: &Piece| match piece {
            Piece::Begin(options) => format!("begin{}", if options.flags == Flags::none() { "" } else { "+flags" }),
            Piece::Url(url) => url.clone(),
            Piece::End => "end".to_owned(),
        };
        let words: Vec<_> = pieces.iter().map(word).collect();
        Ok(format!("{} {stop:?}", words.join(",")).trim_start().to_owned())
    }

    #[track_caller]
    fn check(text: &str, place: Place, expected: Option<&str>) {
        assert_eq!(read(text, place, true).ok().as_deref(), expected, "{text}");
    }

    #[test]
    fn stretches_of_text() {
        use Place::{AfterMessage, AfterPart, AfterUtf8, AfterUtf8Part, FirstMessage};
        check(" $", FirstMessage, Some("begin Octets(AfterMessage)"));
        check(" (\\Seen) \"01-Jan-2000 00:00:00 +0000\" ~", FirstMessage, Some("begin+flags Octets(AfterMessage)"));
        check("", AfterMessage, Some("end Command"));
        check(" (\\Seen) $", AfterMessage, Some("end,begin+flags Octets(AfterMessage)"));
        check(" utf8 (~", FirstMessage, Some("begin Octets(AfterUtf8)"));
        check(")", AfterUtf8, Some("end Command"));
        check(" CATENATE (TEXT $", FirstMessage, Some("begin Octets(AfterPart)"));
        check(" catenate (url /a url \"/b\" text $", FirstMessage, Some("begin,/a,/b Octets(AfterPart)"));
        check(" CATENATE (URL /a)", FirstMessage, Some("begin,/a,end Command"));
        check(" CATENATE (URL {2}\r\n/a)", FirstMessage, Some("begin,/a,end Command"));
        check(" CATENATE (URL $", FirstMessage, Some("String"));
        // Which is found out when all of it is there.
        check(" UTF8 ($", FirstMessage, Some("String"));
        check(" CATENATE (URL /a) CATENATE (URL /b)", FirstMessage, Some("begin,/a,end,begin,/b,end Command"));
        check(" URL /a UTF8 (~", AfterPart, Some("/a Octets(AfterUtf8Part)"));
        check(") TEXT $", AfterUtf8Part, Some("Octets(AfterPart)"));
        check(")", AfterPart, Some("end Command"));
        check(") $", AfterPart, Some("end,begin Octets(AfterMessage)"));
    }

    #[test]
    fn broken_text_is_refused() {
        use Place::{AfterMessage, AfterPart, AfterUtf8, FirstMessage};
        for (text, place) in [
            ("", FirstMessage),
            (" x", FirstMessage),
            (" (\\Foo) $", FirstMessage),
            ("x", AfterMessage),
            (" ", AfterMessage),
            (" x$", AfterMessage),
            ("", AfterUtf8),
            (" CATENATE ()", FirstMessage),
            (" CATENATE (TEXT x)", FirstMessage),
            (" CATENATE (URL /a", FirstMessage),
            (" CATENATE (URL /a )", FirstMessage),
            (" CATENATE (FOO /a)", FirstMessage),
            (")x", AfterPart),
            ("TEXT $", AfterPart),
        ] {
            check(text, place, None);
        }
        assert!(read(" $", AfterMessage, false).is_err());
        assert!(read("", AfterMessage, false).is_ok());
        let many = format!(" CATENATE (URL /a{})", " URL /a".repeat(MAX_APPEND_PARTS));
        check(&many, FirstMessage, None);
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "( |\\(|\\)|CATENATE|TEXT|URL|UTF8|[a-z\"{]|\\$|~){0,12}", place in 0usize..5, many: bool) {
            let _ = read(&text, PLACES[place], many);
        }
    }
}

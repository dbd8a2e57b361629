//! Names of folders: as files and other servers have them, and as mailboxes here.

use posthouse_imap::mailbox_utf7;
use posthouse_model::MailboxName;
use posthouse_model::mailbox_name::{
    HIERARCHY_DELIMITER, MAX_MAILBOX_LEVELS, MAX_MAILBOX_NAME_BYTES, OTHER_USERS, SHARED,
};

/// What stands where a character may not.
const STAND_IN: char = '_';
/// Digits of the hash that tells apart names that would otherwise become the same.
const HASH_DIGITS: usize = 8;
/// Longest name of a file, in octets: that of Linux.
pub const MAX_FILE_NAME_BYTES: usize = 255;
/// Names that a directory has in it already, or that mail servers put there.
const TAKEN: [&str; 5] = ["cur", "new", "tmp", "maildirfolder", "courierimapsubscribed"];
/// And what else of theirs begins with.
const TAKEN_BEGINNINGS: [&str; 2] = ["subscriptions", "dovecot"];

/// With what Thunderbird ends the name of the directory that holds what is below a folder.
pub const THUNDERBIRD_ENDING: &str = ".sbd";

/// A name here, for a folder from elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The name.
    pub name: MailboxName,
    /// Whether it could not be the folder's own.
    pub is_mended: bool,
}

/// The name here of a folder with these levels. Whatever they are, there is one, and different levels have different
/// names.
pub fn from_levels(levels: &[String]) -> Found {
    let plain = levels.join("/");
    let is_whole = levels.iter().all(|level| !level.contains(HIERARCHY_DELIMITER)) && !plain.ends_with('/');
    if is_whole
        && let Ok(name) = MailboxName::parse(&plain)
        && !is_in_namespace(name.as_str())
    {
        return Found { name, is_mended: false };
    }
    let mut mended: Vec<String> = levels.iter().map(|level| mended_level(level)).collect();
    if mended.len() > MAX_MAILBOX_LEVELS {
        let below = mended.split_off(MAX_MAILBOX_LEVELS - 1);
        mended.push(below.join("_"));
    }
    if let Some(first) = mended.first_mut()
        && is_in_namespace(first)
    {
        first.push(STAND_IN);
    }
    // What it was is part of what it becomes, so that two folders never become one.
    let original: Vec<&[u8]> = levels.iter().map(String::as_bytes).collect();
    let hash = &crate::Key::of(&original).to_string()[..HASH_DIGITS];
    let mut name = mended.join("/");
    truncate(&mut name, MAX_MAILBOX_NAME_BYTES - HASH_DIGITS - 1);
    let name = format!("{}-{hash}", name.trim_end_matches(HIERARCHY_DELIMITER));
    let name = MailboxName::parse(&name).unwrap_or_else(|_| MailboxName::inbox());
    Found { name, is_mended: true }
}

/// Names of other users' mailboxes and of everybody's (RFC 2342): what was one's own elsewhere stays so.
fn is_in_namespace(name: &str) -> bool {
    let first = name.split(HIERARCHY_DELIMITER).next().unwrap_or_default();
    first == OTHER_USERS || first == SHARED
}

fn mended_level(level: &str) -> String {
    let may_stay = |c: char| !c.is_control() && !"/*%\u{2028}\u{2029}".contains(c);
    match level {
        "" => STAND_IN.to_string(),
        level => level.chars().map(|c| if may_stay(c) { c } else { STAND_IN }).collect(),
    }
}

fn truncate(text: &mut String, most: usize) {
    if text.len() > most {
        text.truncate(text.floor_char_boundary(most));
    }
}

/// Reads a level as it stands in a file system or in LIST: modified UTF-7 (RFC 3501 §5.1.3), also where it writes what
/// it need not, else UTF-8, else whatever can be read.
pub fn decode_level(raw: &[u8]) -> String {
    if let Some(text) = decode_utf7(raw) {
        return text;
    }
    String::from_utf8_lossy(raw).into_owned()
}

/// Modified UTF-7 in which any character may be shifted.
fn decode_utf7(raw: &[u8]) -> Option<String> {
    if let Ok(text) = mailbox_utf7::decode(raw) {
        return Some(text);
    }
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((&octet, after)) = rest.split_first() {
        rest = after;
        match octet {
            b'&' => {
                let end = memchr::memchr(b'-', rest)?;
                match &rest[..end] {
                    b"" => out.push('&'),
                    shifted => out.push_str(&decode_shift(shifted)?),
                }
                rest = &rest[end + 1..];
            }
            0x20..=0x7e => out.push(char::from(octet)),
            _ => return None,
        }
    }
    Some(out)
}

fn decode_shift(shifted: &[u8]) -> Option<String> {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD_NO_PAD;
    let usual: Vec<u8> = shifted.iter().map(|&b| if b == b',' { b'/' } else { b }).collect();
    let octets = STANDARD_NO_PAD.decode(usual).ok().filter(|octets| octets.len() % 2 == 0)?;
    let units = octets.as_chunks::<2>().0.iter().map(|&pair| u16::from_be_bytes(pair));
    char::decode_utf16(units).collect::<Result<String, _>>().ok()
}

/// Writes a level in modified UTF-7, shifting also what `is_shifted` names. [`decode_level`] reads it.
fn encode_level(level: &str, is_shifted: impl Fn(usize, char) -> bool) -> String {
    let mut out = Vec::new();
    let mut plain_from = 0;
    for (at, c) in level.char_indices() {
        if is_shifted(at, c) {
            mailbox_utf7::encode(&level[plain_from..at], &mut out);
            out.extend_from_slice(shift(c).as_bytes());
            plain_from = at + c.len_utf8();
        }
    }
    mailbox_utf7::encode(&level[plain_from..], &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

fn shift(c: char) -> String {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD_NO_PAD;
    let octets: Vec<u8> = c.encode_utf16(&mut [0; 2]).iter().flat_map(|unit| unit.to_be_bytes()).collect();
    format!("&{}-", STANDARD_NO_PAD.encode(octets).replace('/', ","))
}

/// The file name of a mailbox in a Maildir++ (`.Folder.Sub`): levels in modified UTF-7, the separator within a level
/// shifted.
pub fn maildir_file_name(name: &MailboxName, separator: char) -> String {
    let levels = name.as_str().split(HIERARCHY_DELIMITER);
    let written: Vec<String> = levels.map(|level| encode_level(level, |_, c| c == separator || c == '.')).collect();
    let joined = written.join(separator.to_string().as_str());
    short_enough(format!(".{joined}"), name.as_str())
}

/// One level of a mailbox in modified UTF-7, for a file that lists names.
pub fn level_name(level: &str) -> String {
    encode_level(level, |_, _| false)
}

/// The file name of one level of a mailbox, where each level is a directory.
pub fn level_file_name(level: &str) -> String {
    let is_taken = TAKEN.contains(&level) || TAKEN_BEGINNINGS.iter().any(|begin| level.starts_with(begin));
    let ending = level.len().saturating_sub(THUNDERBIRD_ENDING.len());
    let is_ending = level.ends_with(THUNDERBIRD_ENDING);
    let is_shifted = |at, c| (at == 0 && (c == '.' || is_taken)) || (at == ending && is_ending);
    let written = encode_level(level, is_shifted);
    short_enough(written, level)
}

/// A file name with something at its end, cut if it becomes too long.
pub fn with_ending(file_name: &str, ending: &str) -> String {
    if file_name.len() + ending.len() <= MAX_FILE_NAME_BYTES {
        return format!("{file_name}{ending}");
    }
    let hash = crate::Key::of(&[file_name.as_bytes()]);
    format!("{}-{hash}{ending}", cut(file_name, MAX_FILE_NAME_BYTES - 33 - ending.len()))
}

/// File names are shorter than names of mailboxes may be. What had to be cut has a hash of all of it instead.
fn short_enough(mut file_name: String, of: &str) -> String {
    if file_name.len() > MAX_FILE_NAME_BYTES {
        let hash = crate::Key::of(&[of.as_bytes()]);
        file_name = format!("{}-{hash}", cut(&file_name, MAX_FILE_NAME_BYTES - 33));
    }
    file_name
}

/// The beginning of a name in modified UTF-7, with no shift left open.
fn cut(name: &str, most: usize) -> &str {
    let name = &name[..name.floor_char_boundary(most)];
    match name.rfind('&') {
        Some(open) if !name[open..].contains('-') => &name[..open],
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn levels(text: &[&str]) -> Found {
        from_levels(&text.iter().map(|&level| level.to_owned()).collect::<Vec<_>>())
    }

    fn check_mended(text: &[&str], begins: &str) {
        let found = levels(text);
        assert!(found.is_mended, "{text:?}");
        let name = found.name.as_str();
        let (start, hash) = name.rsplit_once('-').unwrap();
        assert_eq!((start, hash.len()), (begins, HASH_DIGITS), "{text:?}");
    }

    #[test]
    fn names_that_can_be_stay() {
        for good in ["Work/2024", "INBOX", "..", "Entwürfe", "a.b", "Sharedness", "INBOX/Shared"] {
            let found = levels(&good.split('/').collect::<Vec<_>>());
            assert_eq!((found.name.as_str(), found.is_mended), (good, false));
        }
        assert_eq!(levels(&["inbox"]).name, MailboxName::inbox());
    }

    #[test]
    fn names_that_cannot_be_are_mended_and_stay_apart() {
        check_mended(&["a\0b", "c\nd"], "a_b/c_d");
        check_mended(&["a*%"], "a__");
        check_mended(&["", "x", ""], "_/x/_");
        check_mended(&["a/b"], "a_b");
        check_mended(&["Users", "bob@example.org", "INBOX"], "Users_/bob@example.org/INBOX");
        check_mended(&["Shared"], "Shared_");
        check_mended(&["x/"], "x_");
        check_mended(&[], "");
        assert_ne!(levels(&["a*"]).name, levels(&["a%"]).name);
        assert_ne!(levels(&["a/b"]).name, levels(&["a", "b"]).name);
        let long = "ü".repeat(700);
        let found = levels(&[&long]);
        assert!(found.is_mended && found.name.as_str().len() <= MAX_MAILBOX_NAME_BYTES);
        assert_ne!(found.name, levels(&[&format!("{long}x")]).name);
        let deep = vec!["a"; 50];
        assert_eq!(levels(&deep).name.as_str().split('/').count(), MAX_MAILBOX_LEVELS);
    }

    #[test]
    fn levels_are_read_in_every_way_they_are_written() {
        for (raw, expected) in [
            (&b"Entw&APw-rfe"[..], "Entwürfe"),
            ("Entwürfe".as_bytes(), "Entwürfe"),
            (b"a &- b", "a & b"),
            (b"R&D", "R&D"),
            (b"a&AC4-b", "a.b"),
            (b"&AOQ-&APY-", "äö"),
            (b"a\xff", "a\u{fffd}"),
            (b"&2D0-", "&2D0-"),
        ] {
            assert_eq!(decode_level(raw), expected, "{raw:?}");
        }
    }

    #[test]
    fn file_names_do_not_lead_astray() {
        let name = |text: &str| MailboxName::parse(text).unwrap();
        assert_eq!(maildir_file_name(&name("Work/2024.1"), '.'), ".Work.2024&AC4-1");
        assert_eq!(maildir_file_name(&name(".."), '.'), ".&AC4-&AC4-");
        assert_eq!(level_file_name(".."), "&AC4-.");
        assert_eq!(level_file_name("."), "&AC4-");
        assert_eq!(level_file_name("cur"), "&AGM-ur");
        assert_eq!(level_file_name("Größe"), "Gr&APYA3w-e");
        let long = level_file_name(&"ü".repeat(400));
        assert!(long.len() <= MAX_FILE_NAME_BYTES);
        assert_ne!(long, level_file_name(&"ü".repeat(401)));
    }

    proptest! {
        #[test]
        fn whatever_the_levels_there_is_a_name(levels in proptest::collection::vec(".{0,12}", 0..5)) {
            let found = from_levels(&levels);
            prop_assert!(!found.name.is_of_others());
            prop_assert_eq!(MailboxName::parse(found.name.as_str()).unwrap(), found.name);
        }

        #[test]
        fn file_names_are_read_again(level in "[a-z.&ü/~-]{1,12}") {
            prop_assume!(!level.contains('/'));
            prop_assert_eq!(decode_level(level_file_name(&level).as_bytes()), level.clone());
            let name = MailboxName::parse(&level).unwrap();
            let file = maildir_file_name(&name, '.');
            let read: Vec<String> = file[1..].split('.').map(|level| decode_level(level.as_bytes())).collect();
            prop_assert_eq!(read, [level]);
        }
    }
}

//! What the name of a message's file says: `<unique>:2,<flags>`.

use posthouse_model::{Flags, Keyword, SystemFlag, UnixMillis};

use super::keywords::Keywords;
use crate::Key;

/// Characters that stand before the flags: the one of Maildir, and those that are used where it may not be.
const INFO_MARKS: [u8; 3] = [b':', b';', b'!'];
/// The keyword that the flag P (passed) stands for.
const FORWARDED: &str = "$Forwarded";
const LETTERS: [(char, SystemFlag); 5] = [
    ('D', SystemFlag::Draft),
    ('F', SystemFlag::Flagged),
    ('R', SystemFlag::Answered),
    ('S', SystemFlag::Seen),
    ('T', SystemFlag::Deleted),
];

/// The part of a name that stays while flags change, and the letters of the flags.
pub(super) fn split(name: &[u8]) -> (&[u8], &[u8]) {
    let is_info = |at: &usize| INFO_MARKS.contains(&name[*at]) && name[at + 1..].starts_with(b"2,");
    match (0..name.len()).rev().find(is_info) {
        Some(at) => (&name[..at], &name[at + 3..]),
        None => (name, b""),
    }
}

/// What the letters say.
pub(super) fn flags(letters: &[u8], keywords: &Keywords) -> Flags {
    let mut flags = Flags::none();
    for &letter in letters {
        match letter {
            b'P' => {
                if let Ok(forwarded) = Keyword::parse(FORWARDED) {
                    flags.insert_keyword(forwarded);
                }
            }
            b'a'..=b'z' => {
                if let Some(keyword) = keywords.at(letter - b'a') {
                    flags.insert_keyword(keyword.clone());
                }
            }
            // What follows is for others: Dovecot puts sizes there sometimes.
            b',' => break,
            _ => {
                let known = LETTERS.iter().find(|(known, _)| *known == char::from(letter));
                known.iter().for_each(|(_, flag)| flags.insert(*flag));
            }
        }
    }
    flags
}

/// The letters for flags, sorted; and whether keywords are missing because there are no letters left for them.
pub(super) fn letters(flags: &Flags, keywords: &mut Keywords) -> (String, bool) {
    let mut letters: Vec<char> =
        LETTERS.iter().filter(|(_, flag)| flags.has(*flag)).map(|(letter, _)| *letter).collect();
    let mut is_short = false;
    for keyword in flags.keywords() {
        if keyword.as_str().eq_ignore_ascii_case(FORWARDED) {
            letters.push('P');
        }
        match keywords.letter(keyword) {
            Some(letter) => letters.push(letter),
            None => is_short |= !keyword.as_str().eq_ignore_ascii_case(FORWARDED),
        }
    }
    letters.sort_unstable();
    (letters.into_iter().collect(), is_short)
}

/// The moment that the beginning of a name tells, in seconds.
pub(super) fn seconds(base: &[u8]) -> Option<i64> {
    let digits = base.iter().take_while(|octet| octet.is_ascii_digit()).count();
    std::str::from_utf8(&base[..digits]).ok()?.parse().ok()
}

/// The part of a new name that stays.
pub(super) fn base(key: Key, number: usize, at: UnixMillis, size_bytes: usize) -> String {
    format!("{}.N{number:08}K{key}.posthouse,S={size_bytes}", at.seconds().max(0))
}

/// The key in a name that [`base`] made.
pub(super) fn key(base: &[u8]) -> Option<Key> {
    let name = std::str::from_utf8(base).ok()?;
    let mut parts = name.split('.');
    let key = parts.nth(1)?.strip_prefix('N')?.split_once('K')?.1;
    parts.next().filter(|rest| rest.starts_with("posthouse"))?;
    Key::parse(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_apart() {
        for (name, base, letters) in [
            ("1700000000.M1P2.host:2,FS", "1700000000.M1P2.host", "FS"),
            ("1.a,S=5,W=6:2,", "1.a,S=5,W=6", ""),
            ("1.a", "1.a", ""),
            ("1.a:1,x", "1.a:1,x", ""),
            ("1.a;2,S", "1.a", "S"),
            ("a:2,b:2,S", "a:2,b", "S"),
            (":2,", "", ""),
            (":", ":", ""),
        ] {
            assert_eq!(split(name.as_bytes()), (base.as_bytes(), letters.as_bytes()), "{name}");
        }
    }

    #[test]
    fn letters_are_flags() {
        let keywords = Keywords::read(b"0 $Junk\n25 last\n");
        let read = flags(b"DFPRSTazbQ,S", &keywords);
        let names: Vec<&str> = read.system().map(SystemFlag::name).collect();
        assert_eq!(names.len(), 5);
        let words: Vec<&str> = read.keywords().iter().map(Keyword::as_str).collect();
        assert_eq!(words, ["$Forwarded", "$Junk", "last"]);
        let mut keywords = Keywords::default();
        let (letters, is_short) = letters(&read, &mut keywords);
        assert_eq!((letters.as_str(), is_short), ("DFPRSTabc", false));
        assert_eq!(flags(letters.as_bytes(), &keywords), read);
    }

    #[test]
    fn keys_are_found_in_names() {
        let key_of = Key::of(&[b"x"]);
        let name = base(key_of, 7, UnixMillis(1_700_000_000_123), 5);
        assert_eq!(key(name.as_bytes()), Some(key_of));
        assert_eq!(seconds(name.as_bytes()), Some(1_700_000_000));
        assert_eq!(key(b"1700000000.M1.host"), None);
        assert_eq!(seconds(b"x"), None);
        assert_eq!(seconds(b"99999999999999999999999"), None);
    }
}

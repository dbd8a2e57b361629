//! Flags.

use posthouse_model::{FlagScope, Flags, Keyword, SystemFlag};

/// `"(" [flag *(SP flag)] ")"`
pub(crate) fn flag_list(out: &mut Vec<u8>, flags: &Flags) {
    names(out, flags.system(), flags.keywords(), &[]);
}

/// The flags of a mailbox: the system's and the keywords in use.
pub(crate) fn mailbox_flags<'a>(out: &mut Vec<u8>, keywords: impl IntoIterator<Item = &'a Keyword>) {
    names(out, SystemFlag::EACH.into_iter(), keywords, b"");
}

/// Those of them that the client may change; and `\*` where it may make up more (RFC 9051 §7.1 `PERMANENTFLAGS`,
/// RFC 4314 §5.1.1).
pub(crate) fn permanent_flags(out: &mut Vec<u8>, keywords: &[Keyword], scope: FlagScope) {
    let all = scope.of(&Flags::from_bits(u8::MAX));
    let (keywords, more): (&[_], &[u8]) = if scope.others { (keywords, b"\\*") } else { (&[], b"") };
    names(out, all.system(), keywords, more);
}

fn names<'a>(
    out: &mut Vec<u8>,
    system: impl Iterator<Item = SystemFlag>,
    keywords: impl IntoIterator<Item = &'a Keyword>,
    last: &[u8],
) {
    let start = out.len();
    out.push(b'(');
    let name = |out: &mut Vec<u8>, name: &[u8]| {
        if out.len() > start + 1 {
            out.push(b' ');
        }
        out.extend_from_slice(name);
    };
    for flag in system {
        name(out, flag.name().as_bytes());
    }
    for keyword in keywords {
        name(out, keyword.as_str().as_bytes());
    }
    if !last.is_empty() {
        name(out, last);
    }
    out.push(b')');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_listed() {
        let mut out = Vec::new();
        flag_list(&mut out, &Flags::none());
        let mut flags = Flags::from_bits(SystemFlag::Seen as u8 | SystemFlag::Answered as u8);
        flags.insert_keyword(Keyword::parse("$Junk").unwrap());
        flag_list(&mut out, &flags);
        permanent_flags(&mut out, flags.keywords(), FlagScope::ALL);
        let expected = "()(\\Answered \\Seen $Junk)(\\Answered \\Flagged \\Deleted \\Seen \\Draft $Junk \\*)";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}

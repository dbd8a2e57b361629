//! Names and passwords in the one form in which they are compared and hashed (PRECIS, RFC 8265).

use posthouse_model::Secret;
use precis_profiles::UsernameCasePreserved;
use precis_profiles::precis_core::profile::PrecisFastInvocation as _;
use unicode_normalization::{IsNormalized, UnicodeNormalization as _, is_nfc_quick};
use zeroize::Zeroizing;

/// The longest name, in bytes of UTF-8. RFC 4616 §2 asks for at least 255; an internationalised address may be longer.
pub const MAX_NAME_BYTES: usize = 512;

/// The longest password, in bytes of UTF-8. RFC 4616 §2 asks for at least 255; keys used as passwords are longer.
pub const MAX_PASSWORD_BYTES: usize = 1024;

/// Why a name or a password cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PrepareError {
    /// There is nothing (RFC 8265 §3.4, §4.2: a string of zero length is never allowed).
    #[error("it is empty")]
    Empty,
    /// It is longer than [`MAX_NAME_BYTES`] or [`MAX_PASSWORD_BYTES`].
    #[error("it has {bytes} bytes, more than {limit}")]
    TooLong {
        /// Its length in bytes.
        bytes: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// It is not UTF-8.
    #[error("it is not UTF-8")]
    NotUtf8,
    /// It holds a character that its profile forbids.
    #[error("it holds a character that is not allowed")]
    Forbidden,
}

/// Prepares a user name: UsernameCasePreserved (RFC 8265 §3.4).
///
/// A name in the form of an address is prepared in two parts. The profile's rule of direction would refuse every
/// Hebrew or Arabic local part beside a Latin domain; the domain, whose letters are the business of IDNA, is only
/// normalised and kept free of spaces and control characters.
///
/// # Errors
/// If the name is empty, too long or not UTF-8, or holds what the profile forbids.
pub fn prepare_name(name: &[u8]) -> Result<String, PrepareError> {
    check_length(name, MAX_NAME_BYTES)?;
    let name = std::str::from_utf8(name).map_err(|_| PrepareError::NotUtf8)?;
    // Printable ASCII is what both steps leave as it is.
    if name.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(name.to_owned());
    }
    let Some((local_part, domain)) = name.rsplit_once('@') else {
        return user_part(name);
    };
    if domain.chars().any(|character| character.is_control() || character.is_whitespace()) {
        return Err(PrepareError::Forbidden);
    }
    let mut prepared = if local_part.is_empty() { String::new() } else { user_part(local_part)? };
    prepared.push('@');
    prepared.extend(domain.nfc());
    Ok(prepared)
}

fn user_part(name: &str) -> Result<String, PrepareError> {
    UsernameCasePreserved::enforce(name).map(std::borrow::Cow::into_owned).map_err(|_| PrepareError::Forbidden)
}

/// Prepares a password by the steps of OpaqueString (RFC 8265 §4.2): other spaces become U+0020, then NFC; control
/// characters and the empty string are refused.
///
/// Unlike the profile it accepts code points unassigned in its Unicode version and the joiners within emoji: a
/// password is hashed and never shown, and RFC 4616 §2 lets a server take unassigned code points in what it is sent.
///
/// # Errors
/// If the password is empty, too long or not UTF-8, or holds a control character.
pub fn prepare_password(password: &[u8]) -> Result<Secret, PrepareError> {
    check_length(password, MAX_PASSWORD_BYTES)?;
    let password = std::str::from_utf8(password).map_err(|_| PrepareError::NotUtf8)?;
    if password.chars().any(char::is_control) {
        return Err(PrepareError::Forbidden);
    }
    let is_prepared = !password.chars().any(is_other_space) && is_nfc_quick(password.chars()) == IsNormalized::Yes;
    if is_prepared {
        return Ok(Secret::new(password));
    }
    let spaces = password.chars().map(|character| if is_other_space(character) { ' ' } else { character });
    // Room for the longest outcome from the start, so that growing leaves no copy behind: NFC makes UTF-8 at most
    // three times as long (Unicode Standard Annex 15).
    let mut prepared = Zeroizing::new(String::with_capacity(password.len() * 3));
    prepared.extend(spaces.nfc());
    Ok(Secret::new(prepared.as_bytes()))
}

/// Whether a character is a space of Unicode (general category Zs) other than U+0020 (RFC 8265 §4.2.2).
fn is_other_space(character: char) -> bool {
    matches!(character, '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}')
}

fn check_length(bytes: &[u8], limit: usize) -> Result<(), PrepareError> {
    match bytes.len() {
        0 => Err(PrepareError::Empty),
        length if length > limit => Err(PrepareError::TooLong { bytes: length, limit }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check_name(name: &str, expected: Result<&str, PrepareError>) {
        assert_eq!(prepare_name(name.as_bytes()).as_deref().map_err(|error| *error), expected);
    }

    #[track_caller]
    fn check_password(password: &str, expected: Result<&str, PrepareError>) {
        let prepared = prepare_password(password.as_bytes());
        assert_eq!(prepared.as_ref().map(Secret::expose).map_err(|error| *error), expected.map(str::as_bytes));
    }

    #[test]
    fn names_keep_their_case() {
        check_name("Alice@Example.org", Ok("Alice@Example.org"));
        check_name("juliet", Ok("juliet"));
        check_name("o'hara+x=y@example.org", Ok("o'hara+x=y@example.org"));
    }

    #[test]
    fn names_are_normalised() {
        check_name("e\u{301}va@example.org", Ok("\u{e9}va@example.org"));
        check_name("\u{ff21}lice", Ok("Alice"));
        check_name("\u{5d0}\u{5d1}@example.org", Ok("\u{5d0}\u{5d1}@example.org"));
        check_name("eva@exe\u{301}mple.org", Ok("eva@ex\u{e9}mple.org"));
    }

    #[test]
    fn names_refuse_what_rfc_8265_refuses() {
        check_name("", Err(PrepareError::Empty));
        // RFC 8265 §3.6, among others: a space, a compatibility character, a symbol.
        for bad in ["foo bar", "henry\u{2163}", "\u{265a}", "a\0b", "a\tb", "a\r\nb", "a@b c", "a@b\u{85}", "\u{3000}a"]
        {
            check_name(bad, Err(PrepareError::Forbidden));
        }
        assert_eq!(prepare_name(b"\xff"), Err(PrepareError::NotUtf8));
    }

    #[test]
    fn lengths_are_bounded() {
        let name = "n".repeat(MAX_NAME_BYTES);
        check_name(&name, Ok(&name));
        check_name(&(name + "n"), Err(PrepareError::TooLong { bytes: MAX_NAME_BYTES + 1, limit: MAX_NAME_BYTES }));
        let password = "p".repeat(MAX_PASSWORD_BYTES);
        check_password(&password, Ok(&password));
        check_password(
            &(password + "p"),
            Err(PrepareError::TooLong { bytes: MAX_PASSWORD_BYTES + 1, limit: MAX_PASSWORD_BYTES }),
        );
    }

    #[test]
    fn passwords_follow_the_examples_of_rfc_8265() {
        // RFC 8265 §4.3, allowed.
        check_password("correct horse battery staple", Ok("correct horse battery staple"));
        check_password("Correct Horse Battery Staple", Ok("Correct Horse Battery Staple"));
        check_password("\u{3c0}\u{df}\u{e5}", Ok("\u{3c0}\u{df}\u{e5}"));
        check_password("Jack of \u{2666}s", Ok("Jack of \u{2666}s"));
        check_password("foo\u{1680}bar", Ok("foo bar"));
        // RFC 8265 §4.3, not allowed.
        check_password("", Err(PrepareError::Empty));
        check_password("my cat is a \u{9}by", Err(PrepareError::Forbidden));
        check_password("a\0b", Err(PrepareError::Forbidden));
        assert_eq!(prepare_password(b"p\xe9").unwrap_err(), PrepareError::NotUtf8);
    }

    #[test]
    fn passwords_are_composed() {
        check_password("e\u{301}\u{a0}", Ok("\u{e9} "));
        check_password("\u{1f469}\u{200d}\u{1f4bb}", Ok("\u{1f469}\u{200d}\u{1f4bb}"));
    }

    proptest! {
        #[test]
        fn preparing_twice_changes_nothing(text: String) {
            if let Ok(once) = prepare_password(text.as_bytes()) {
                let twice = prepare_password(once.expose()).unwrap();
                prop_assert_eq!(twice.expose(), once.expose());
            }
            if let Ok(once) = prepare_name(text.as_bytes()) {
                prop_assert_eq!(prepare_name(once.as_bytes()), Ok(once));
            }
        }

        #[test]
        fn random_bytes_do_not_panic(bytes: Vec<u8>) {
            let _ = prepare_name(&bytes);
            let _ = prepare_password(&bytes);
        }
    }
}

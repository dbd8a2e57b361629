//! The one message of PLAIN (RFC 4616 §2).
//!
//! ```text
//! message = [authzid] UTF8NUL authcid UTF8NUL passwd
//! ```

use zeroize::Zeroizing;

/// The three fields as they came; the authorization identity is empty where the client gave none.
pub(crate) struct Message<'a> {
    pub(crate) authorization_id: &'a [u8],
    pub(crate) authentication_id: &'a [u8],
    pub(crate) password: &'a [u8],
}

impl<'a> Message<'a> {
    /// Splits a message; `None` unless it has exactly two NULs.
    pub(crate) fn parse(message: &'a [u8]) -> Option<Self> {
        let mut fields = message.split(|&byte| byte == 0);
        let parsed =
            Self { authorization_id: fields.next()?, authentication_id: fields.next()?, password: fields.next()? };
        fields.next().is_none().then_some(parsed)
    }

    /// The message on the wire; no field may hold a NUL.
    pub(crate) fn encode(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new([self.authorization_id, self.authentication_id, self.password].join(&0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(message: &[u8], expected: Option<(&[u8], &[u8], &[u8])>) {
        let parsed = Message::parse(message);
        if let Some(parsed) = &parsed {
            assert_eq!(&parsed.encode()[..], message);
        }
        let fields = parsed.map(|parsed| (parsed.authorization_id, parsed.authentication_id, parsed.password));
        assert_eq!(fields, expected);
    }

    #[test]
    fn messages_have_two_nuls() {
        // RFC 4616 §4.
        check(b"\0tim\0tanstaaftanstaaf", Some((b"", b"tim", b"tanstaaftanstaaf")));
        check(b"Ursel\0Kurt\0xipj3plmq", Some((b"Ursel", b"Kurt", b"xipj3plmq")));
        check(b"\0\0", Some((b"", b"", b"")));
        for bad in [&b""[..], b"tim", b"tim\0pass", b"\0tim\0pass\0", b"\0tim\0pa\0ss"] {
            check(bad, None);
        }
    }
}

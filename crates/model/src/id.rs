//! Numbers that name things. Each is a type of its own, so that one cannot be passed for another.

use std::fmt;
use std::num::NonZeroU32;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }
    };
}

id!(
    /// A person, service or group that owns mail. Never used again after deletion.
    AccountId
);
id!(
    /// A domain this house receives mail for.
    DomainId
);
id!(
    /// A credential of an account besides its password. Never used again after deletion.
    KeyId
);
id!(
    /// A group of accounts. Never used again after deletion.
    GroupId
);
id!(
    /// A mailbox of one account. Never used again after deletion, so it serves as MAILBOXID (RFC 8474 §4).
    MailboxId
);
id!(
    /// One message in an account, however many mailboxes show it; serves as EMAILID (RFC 8474 §5).
    MessageId
);
id!(
    /// One message on its way out to one recipient.
    QueueId
);

/// Names the journey of one message through the house, from connection to final answer.
///
/// Printed as 13 characters of Crockford's base 32, in lower case, which is what `posthouse trail` takes and
/// what stands as the `id` in `Received` fields and in the reply to DATA.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JourneyId(pub u64);

const BASE32: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const JOURNEY_ID_CHARS: usize = 13;

impl JourneyId {
    /// Reads what [`fmt::Display`] prints; upper case is accepted.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != JOURNEY_ID_CHARS {
            return None;
        }
        let mut value: u128 = 0;
        for byte in text.bytes() {
            let digit = BASE32.iter().position(|&b| b == byte.to_ascii_lowercase())?;
            value = (value << 5) | digit as u128;
        }
        u64::try_from(value).ok().map(Self)
    }
}

impl fmt::Display for JourneyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0u8; JOURNEY_ID_CHARS];
        let mut rest = self.0;
        for slot in text.iter_mut().rev() {
            *slot = BASE32[(rest & 31) as usize];
            rest >>= 5;
        }
        f.write_str(std::str::from_utf8(&text).expect("base 32 digits are ASCII"))
    }
}

impl fmt::Debug for JourneyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A body, named by the BLAKE3 hash of its bytes, by which it is known when it comes again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobId(pub [u8; 32]);

impl fmt::Display for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The conversation that a message belongs to, worked out from its header alone; serves as THREADID (RFC 8474 §5.2).
/// Printed as 32 hexadecimal digits in lower case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ThreadId(pub [u8; 16]);

impl ThreadId {
    /// Reads what [`fmt::Display`] prints, and nothing else: object identifiers are case significant.
    pub fn parse(text: &str) -> Option<Self> {
        let digits: &[u8; 32] = text.as_bytes().try_into().ok()?;
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Some(byte - b'0'),
            b'a'..=b'f' => Some(byte - b'a' + 10),
            _ => None,
        };
        let mut octets = [0; 16];
        for (octet, pair) in octets.iter_mut().zip(digits.chunks(2)) {
            *octet = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Some(Self(octets))
    }
}

impl fmt::Display for ThreadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ThreadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A message's number in one mailbox; only rises and never comes back (RFC 9051 §2.3.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uid(pub NonZeroU32);

impl Uid {
    /// The first UID of a new mailbox.
    pub const MIN: Self = Self(NonZeroU32::MIN);
    /// The last UID there can be.
    pub const MAX: Self = Self(NonZeroU32::MAX);

    /// `None` for zero, which is no UID.
    pub fn new(value: u32) -> Option<Self> {
        NonZeroU32::new(value).map(Self)
    }

    /// The number itself.
    pub fn value(self) -> u32 {
        self.0.get()
    }
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Changes only when the UIDs of a mailbox lost their meaning (RFC 9051 §2.3.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UidValidity(pub NonZeroU32);

impl fmt::Display for UidValidity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A modification sequence (RFC 7162 §3.1): rises with each change in an *account*, so that one number serves
/// CONDSTORE, QRESYNC and JMAP state alike. At most 63 bits, as RFC 7162 asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModSeq(pub u64);

impl fmt::Display for ModSeq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thread_ids_print_and_parse() {
        let id = ThreadId([0x0f, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 0xa0]);
        let text = id.to_string();
        assert_eq!(text, "0f0102030405060708090a0b0c0d0ea0");
        assert_eq!(ThreadId::parse(&text), Some(id));
        for bad in ["", "0f", &text.to_uppercase(), &format!("{text}0"), &text.replace('f', "g")] {
            assert_eq!(ThreadId::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn journey_ids_print_and_parse() {
        for value in [0, 1, 31, 32, u64::MAX, 0x0123_4567_89ab_cdef] {
            let text = JourneyId(value).to_string();
            assert_eq!(text.len(), JOURNEY_ID_CHARS);
            assert_eq!(JourneyId::parse(&text), Some(JourneyId(value)));
            assert_eq!(JourneyId::parse(&text.to_uppercase()), Some(JourneyId(value)));
        }
        for bad in ["", "0", "zzzzzzzzzzzzz", "000000000000u", "00000000000000"] {
            assert_eq!(JourneyId::parse(bad), None, "{bad}");
        }
    }
}

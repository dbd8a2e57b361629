//! Values that stand as text in the file and are something narrower: each is read once, and what is read is valid.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use posthouse_model::{Address, Domain, Language};
use posthouse_sasl::Mechanism;
use serde::{Deserialize, Deserializer};

use super::problem::refusal;

/// Something that is written as one text.
pub trait Word: Sized {
    /// Reads the text.
    ///
    /// # Errors
    /// What is wrong, and what is allowed.
    fn read(text: &str) -> Result<Self, String>;
}

/// A value of the file that was read from a text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Parsed<T>(pub T);

impl<'de, T: Word> Deserialize<'de> for Parsed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        T::read(&text).map(Parsed).map_err(serde::de::Error::custom)
    }
}

/// Makes an enumeration whose values are words of the file.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $what:literal: $($(#[$variant_doc:meta])* $variant:ident = $word:literal),+ $(,)?) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
        }

        impl $name {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word of the file.
            pub fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }

        impl $crate::configuration::value::Word for $name {
            fn read(text: &str) -> Result<Self, String> {
                Self::ALL.iter().copied().find(|value| value.word() == text).ok_or_else(|| {
                    let allowed: Vec<&str> = Self::ALL.iter().map(|value| value.word()).collect();
                    $crate::configuration::problem::refusal(text, $what, &allowed)
                })
            }
        }
    };
}
pub(crate) use words;

impl Word for Domain {
    fn read(text: &str) -> Result<Self, String> {
        Self::parse(text).map_err(|_| format!("`{text}` is not a host or domain name such as mail.example.org"))
    }
}

impl Word for Address {
    fn read(text: &str) -> Result<Self, String> {
        Self::parse(text).map_err(|error| format!("`{text}` is not a mail address: {error}"))
    }
}

impl Word for Language {
    fn read(text: &str) -> Result<Self, String> {
        let allowed = Self::ALL.map(Self::tag);
        Self::parse(text).ok_or_else(|| refusal(text, "a language that reports are written in", &allowed))
    }
}

impl Word for SocketAddr {
    fn read(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| {
            format!(
                "`{text}` is not an IP address with a port: write 192.0.2.1:25 or [2001:db8::1]:25 ([::]:25 for all)"
            )
        })
    }
}

impl Word for IpNet {
    fn read(text: &str) -> Result<Self, String> {
        let single = || text.parse::<IpAddr>().map(Self::from).ok();
        text.parse().ok().or_else(single).ok_or_else(|| {
            format!("`{text}` is neither an IP address nor a network such as 192.0.2.0/24 or 2001:db8::/32")
        })
    }
}

impl Word for Mechanism {
    fn read(text: &str) -> Result<Self, String> {
        let allowed: Vec<&str> = Self::ALL.iter().map(|mechanism| mechanism.name()).collect();
        text.parse().map_err(|_| refusal(text, "a SASL mechanism", &allowed))
    }
}

impl Word for Duration {
    fn read(text: &str) -> Result<Self, String> {
        let refused = || {
            format!("`{text}` is not a span of time: write a whole number and s, m, h or d, such as 90s, 5m, 4h or 5d")
        };
        let unit_at = text.len().checked_sub(1).filter(|&at| text.is_char_boundary(at)).ok_or_else(refused)?;
        let (number, unit) = text.split_at(unit_at);
        let seconds: u64 = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 60 * 60,
            "d" => 24 * 60 * 60,
            _ => return Err(refused()),
        };
        let number: u64 = number.parse().map_err(|_| refused())?;
        number.checked_mul(seconds).map(Self::from_secs).ok_or_else(refused)
    }
}

/// A number of octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteSize(pub u64);

impl Word for ByteSize {
    fn read(text: &str) -> Result<Self, String> {
        let refused = || format!("`{text}` is not a size: write a whole number and B, KiB, MiB or GiB, such as 50MiB");
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        let factor: u64 = match unit.trim() {
            "B" => 1,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            _ => return Err(refused()),
        };
        let number: u64 = number.parse().map_err(|_| refused())?;
        number.checked_mul(factor).map(Self).ok_or_else(refused)
    }
}

/// A path that begins at the root, so that it does not depend on where the server is started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AbsolutePath(pub PathBuf);

impl Word for AbsolutePath {
    fn read(text: &str) -> Result<Self, String> {
        let path = PathBuf::from(text);
        match path.is_absolute() {
            true => Ok(Self(path)),
            false => {
                Err(format!("`{text}` is not an absolute path: write it from the root, such as /var/lib/posthouse"))
            }
        }
    }
}

/// Letters, digits, `-`, `_` and `.`: what names a listener or a certificate.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name(pub String);

/// Longest [`Name`], in octets.
const MAX_NAME_BYTES: usize = 64;

impl Word for Name {
    fn read(text: &str) -> Result<Self, String> {
        let is_good = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        match !text.is_empty() && text.len() <= MAX_NAME_BYTES && text.bytes().all(is_good) {
            true => Ok(Self(text.to_owned())),
            false => Err(format!("`{text}` is not a name: up to {MAX_NAME_BYTES} letters, digits, `-`, `_` and `.`")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<T: Word + PartialEq + std::fmt::Debug>(text: &str, expected: &T) {
        assert_eq!(T::read(text).as_ref(), Ok(expected), "{text}");
    }

    fn check_refused<T: Word + PartialEq + std::fmt::Debug>(texts: &[&str]) {
        for text in texts {
            assert!(T::read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn spans_of_time_are_read() {
        check("90s", &Duration::from_secs(90));
        check("5m", &Duration::from_secs(300));
        check("5d", &Duration::from_secs(432_000));
        check_refused::<Duration>(&[
            "",
            "5",
            "s",
            "5 m",
            "-5m",
            "5w",
            "5ä",
            "99999999999999999999d",
            "18446744073709551615d",
        ]);
    }

    #[test]
    fn sizes_are_read() {
        check("50MiB", &ByteSize(50 << 20));
        check("1 GiB", &ByteSize(1 << 30));
        check_refused::<ByteSize>(&["", "50", "50MB", "MiB", "1.5GiB", "18446744073709551615KiB"]);
    }

    #[test]
    fn networks_may_be_single_addresses() {
        check("192.0.2.1", &"192.0.2.1/32".parse::<IpNet>().unwrap());
        check("2001:db8::/32", &"2001:db8::/32".parse::<IpNet>().unwrap());
        check_refused::<IpNet>(&["example.org"]);
    }
}

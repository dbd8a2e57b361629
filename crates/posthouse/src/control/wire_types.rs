//! Values of the house as they travel in JSON.

use std::fmt::Display;

use posthouse_model::{Address, Domain, GroupName, JourneyId, MailboxName};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A value that travels as the text that it prints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text<T>(pub T);

/// What can be read from the text that it prints.
pub trait Textual: Display + Sized {
    /// Reads the text.
    ///
    /// # Errors
    /// What is wrong with it.
    fn read(text: &str) -> Result<Self, String>;
}

impl Textual for Domain {
    fn read(text: &str) -> Result<Self, String> {
        Self::parse(text).map_err(|_| format!("`{text}` is not a domain name such as example.org"))
    }
}

impl Textual for Address {
    fn read(text: &str) -> Result<Self, String> {
        Self::parse(text).map_err(|error| format!("`{text}` is not a mail address: {error}"))
    }
}

impl Textual for GroupName {
    fn read(text: &str) -> Result<Self, String> {
        Self::parse(text).map_err(|error| format!("`{text}` cannot name a group: {error}"))
    }
}

impl Textual for MailboxName {
    fn read(text: &str) -> Result<Self, String> {
        Self::parse(text).map_err(|error| format!("`{text}` cannot name a mailbox: {error}"))
    }
}

impl Textual for JourneyId {
    fn read(text: &str) -> Result<Self, String> {
        Self::parse(text)
            .ok_or_else(|| format!("`{text}` is not the id of a message: those have 13 letters and digits"))
    }
}

impl<T: Textual> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de, T: Textual> Deserialize<'de> for Text<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        T::read(&text).map(Text).map_err(serde::de::Error::custom)
    }
}

/// What is to become of something that may be absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change<T> {
    /// It stays as it is.
    #[default]
    Keep,
    /// It is taken away.
    Clear,
    /// It is set.
    Set(T),
}

impl<T> Change<T> {
    /// Does so.
    pub fn apply(self, to: &mut Option<T>) {
        match self {
            Self::Keep => {}
            Self::Clear => *to = None,
            Self::Set(value) => *to = Some(value),
        }
    }
}

/// A password on the wire: text that is wiped on both sides as soon as it has been read.
pub mod password {
    use posthouse_model::Secret;
    use serde::{Deserialize, Deserializer, Serializer};

    /// Writes the password.
    pub fn serialize<S: Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
        let text = secret.expose_str().ok_or_else(|| serde::ser::Error::custom("the password is not text"))?;
        serializer.serialize_str(text)
    }

    /// Reads the password.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
        String::deserialize(deserializer).map(Secret::new)
    }
}

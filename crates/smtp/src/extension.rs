//! The service extensions: their keywords in EHLO replies, and what a peer offers.

use posthouse_sasl::Mechanism;

/// A service extension that this house speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Extension {
    /// RFC 1870.
    Size,
    /// RFC 2920.
    Pipelining,
    /// RFC 6152.
    EightBitMime,
    /// RFC 6531.
    SmtpUtf8,
    /// RFC 3207.
    StartTls,
    /// RFC 4954.
    Auth,
    /// RFC 3030.
    Chunking,
    /// RFC 3030.
    BinaryMime,
    /// RFC 3461.
    Dsn,
    /// RFC 2034.
    EnhancedStatusCodes,
    /// RFC 8689.
    RequireTls,
    /// RFC 9422.
    Limits,
    /// RFC 4865.
    FutureRelease,
    /// RFC 2852.
    DeliverBy,
}

impl Extension {
    /// Every extension.
    pub const ALL: [Self; 14] = [
        Self::Size,
        Self::Pipelining,
        Self::EightBitMime,
        Self::SmtpUtf8,
        Self::StartTls,
        Self::Auth,
        Self::Chunking,
        Self::BinaryMime,
        Self::Dsn,
        Self::EnhancedStatusCodes,
        Self::RequireTls,
        Self::Limits,
        Self::FutureRelease,
        Self::DeliverBy,
    ];

    /// The EHLO keyword.
    #[must_use]
    pub const fn keyword(self) -> &'static str {
        match self {
            Self::Size => "SIZE",
            Self::Pipelining => "PIPELINING",
            Self::EightBitMime => "8BITMIME",
            Self::SmtpUtf8 => "SMTPUTF8",
            Self::StartTls => "STARTTLS",
            Self::Auth => "AUTH",
            Self::Chunking => "CHUNKING",
            Self::BinaryMime => "BINARYMIME",
            Self::Dsn => "DSN",
            Self::EnhancedStatusCodes => "ENHANCEDSTATUSCODES",
            Self::RequireTls => "REQUIRETLS",
            Self::Limits => "LIMITS",
            Self::FutureRelease => "FUTURERELEASE",
            Self::DeliverBy => "DELIVERBY",
        }
    }
}

/// What a peer offers in its reply to EHLO or LHLO.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PeerExtensions {
    offered: Vec<Extension>,
    /// The largest message it takes, in octets; `None` if it does not say (RFC 1870 §4: 0 is no limit).
    pub max_message_size_bytes: Option<u64>,
    /// The SASL mechanisms among its AUTH keywords that we know.
    pub mechanisms: Vec<Mechanism>,
    /// The recipients it takes per message, if it says (RFC 9422).
    pub max_recipients: Option<usize>,
    /// The messages it takes per session, if it says (RFC 9422).
    pub max_messages: Option<usize>,
    /// The least seconds in which it delivers what is to be returned otherwise, if it says (RFC 2852 §2).
    pub min_by_seconds: Option<i64>,
}

impl PeerExtensions {
    /// Reads the lines of an EHLO reply behind the first. What we do not know is ignored.
    ///
    /// ```text
    /// ehlo-line = ehlo-keyword *( SP ehlo-param )
    /// ```
    /// (RFC 5321 §4.1.1.1)
    #[must_use]
    pub fn parse<'a>(lines: impl IntoIterator<Item = &'a str>) -> Self {
        let mut extensions = Self::default();
        for line in lines {
            extensions.take_line(line);
        }
        extensions
    }

    fn take_line(&mut self, line: &str) {
        // quirk: Exchange and old Netscape servers write "AUTH=LOGIN"; clients have read both ever since.
        let line = match line.get(..5) {
            Some(start) if start.eq_ignore_ascii_case("AUTH=") => format!("AUTH {}", &line[5..]),
            _ => line.to_owned(),
        };
        let mut words = line.split_ascii_whitespace();
        let Some(keyword) = words.next() else { return };
        let Some(extension) = Extension::ALL.into_iter().find(|e| e.keyword().eq_ignore_ascii_case(keyword)) else {
            return;
        };
        if !self.offers(extension) {
            self.offered.push(extension);
        }
        match extension {
            Extension::Size => {
                self.max_message_size_bytes = words.next().and_then(|size| size.parse().ok()).filter(|size| *size > 0);
            }
            Extension::Auth => {
                let known = words.filter_map(|name| name.parse().ok());
                self.mechanisms.extend(known.collect::<Vec<Mechanism>>());
                self.mechanisms.sort_unstable();
                self.mechanisms.dedup();
            }
            Extension::DeliverBy => {
                // `deliverby-param = min-by-time *( ',' extension-token )`, and the number may be missing.
                let first = words.next().and_then(|options| options.split(',').next());
                self.min_by_seconds = first.and_then(|number| number.parse().ok()).filter(|least| *least > 0);
            }
            Extension::Limits => words.for_each(|limit| self.take_limit(limit)),
            _ => {}
        }
    }

    fn take_limit(&mut self, limit: &str) {
        let Some((name, value)) = limit.split_once('=') else { return };
        let value = value.parse().ok().filter(|value| *value > 0);
        match name.to_ascii_uppercase().as_str() {
            "RCPTMAX" => self.max_recipients = value,
            "MAILMAX" => self.max_messages = value,
            _ => {}
        }
    }

    /// Whether the peer offers `extension`.
    #[must_use]
    pub fn offers(&self, extension: Extension) -> bool {
        self.offered.contains(&extension)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ehlo_reply_is_read() {
        let offer = PeerExtensions::parse([
            "SIZE 1000",
            "8bitmime",
            "AUTH LOGIN PLAIN X-OTHER",
            "AUTH=LOGIN",
            "LIMITS RCPTMAX=20 MAILMAX=5 OTHER=1",
            "XYZZY",
            "",
        ]);
        assert_eq!(offer.max_message_size_bytes, Some(1000));
        assert_eq!(offer.mechanisms, [Mechanism::Plain, Mechanism::Login]);
        assert_eq!((offer.max_recipients, offer.max_messages), (Some(20), Some(5)));
        assert!(offer.offers(Extension::EightBitMime) && !offer.offers(Extension::Dsn));
    }

    #[test]
    fn the_least_time_of_a_peer_is_read() {
        for (line, expected) in [
            ("DELIVERBY", None),
            ("DELIVERBY 240", Some(240)),
            ("deliverby 30,OTHER=1", Some(30)),
            ("DELIVERBY ,OTHER", None),
            ("DELIVERBY 0", None),
            ("DELIVERBY soon", None),
        ] {
            let offer = PeerExtensions::parse([line]);
            assert!(offer.offers(Extension::DeliverBy));
            assert_eq!(offer.min_by_seconds, expected, "{line}");
        }
    }

    #[test]
    fn no_size_is_no_limit() {
        assert_eq!(PeerExtensions::parse(["SIZE 0"]).max_message_size_bytes, None);
        assert_eq!(PeerExtensions::parse(["SIZE"]).max_message_size_bytes, None);
        assert_eq!(PeerExtensions::parse(["SIZE 99999999999999999999999"]).max_message_size_bytes, None);
    }
}

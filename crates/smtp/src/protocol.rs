//! The `with` word of `Received` fields: how a message came in.

use std::fmt;

/// What decides the word (RFC 3848 for the letters, RFC 6531 §4.3 for the names with UTF8).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct WithProtocol {
    /// LMTP, not SMTP (RFC 2033).
    pub lmtp: bool,
    /// The client said EHLO or LHLO, not HELO.
    pub extended: bool,
    /// The session was inside TLS.
    pub tls: bool,
    /// The client was authenticated.
    pub authenticated: bool,
    /// The message was sent with SMTPUTF8.
    pub smtputf8: bool,
}

impl WithProtocol {
    /// The registered word, such as `ESMTPSA`.
    #[must_use]
    pub const fn keyword(self) -> &'static str {
        match (self.lmtp, self.smtputf8, self.tls, self.authenticated) {
            (false, false, true, true) => "ESMTPSA",
            (false, false, true, false) => "ESMTPS",
            (false, false, false, true) => "ESMTPA",
            (false, false, false, false) if self.extended => "ESMTP",
            (false, false, false, false) => "SMTP",
            (false, true, true, true) => "UTF8SMTPSA",
            (false, true, true, false) => "UTF8SMTPS",
            (false, true, false, true) => "UTF8SMTPA",
            (false, true, false, false) => "UTF8SMTP",
            (true, false, true, true) => "LMTPSA",
            (true, false, true, false) => "LMTPS",
            (true, false, false, true) => "LMTPA",
            (true, false, false, false) => "LMTP",
            (true, true, true, true) => "UTF8LMTPSA",
            (true, true, true, false) => "UTF8LMTPS",
            (true, true, false, true) => "UTF8LMTPA",
            (true, true, false, false) => "UTF8LMTP",
        }
    }
}

impl fmt::Display for WithProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.keyword())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_are_the_registered_ones() {
        #[track_caller]
        fn check(lmtp: bool, extended: bool, tls: bool, authenticated: bool, smtputf8: bool, expected: &str) {
            assert_eq!(WithProtocol { lmtp, extended, tls, authenticated, smtputf8 }.to_string(), expected);
        }
        check(false, false, false, false, false, "SMTP");
        check(false, true, false, false, false, "ESMTP");
        check(false, true, true, false, false, "ESMTPS");
        check(false, true, true, true, false, "ESMTPSA");
        check(false, true, true, true, true, "UTF8SMTPSA");
        check(true, true, false, false, false, "LMTP");
        check(true, true, true, false, true, "UTF8LMTPS");
    }
}

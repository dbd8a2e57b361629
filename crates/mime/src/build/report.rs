//! Delivery status notifications (RFC 3464) as `multipart/report` (RFC 6522).

#[cfg(test)]
mod tests;

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::field::{address_field, single_line, structured_field, text_field};
use crate::address::Mailbox;
use crate::charset::truncate_bytes;
use crate::date::DateTime;

/// Columns of base64 (RFC 2045 §6.8).
const BASE64_COLUMNS: usize = 76;

/// Octets of a diagnostic that are passed on; a peer chose them. They fit into one line (RFC 5322 §2.1.1) even where
/// they have no spaces.
const MAX_DIAGNOSTIC_BYTES: usize = 900;

/// How often a boundary that occurs in the returned message is made longer.
const MAX_BOUNDARY_ATTEMPTS: usize = 16;

/// A report about one message to its sender. The envelope sender of a report is empty (RFC 3464 §2).
#[derive(Clone, Debug)]
pub struct DeliveryReport<'a> {
    /// Who reports, such as `Mail Delivery System <MAILER-DAEMON@example.org>`.
    pub from: Mailbox,
    /// Who is told: the envelope sender of the message.
    pub to: Mailbox,
    /// The Subject.
    pub subject: &'a str,
    /// The Date.
    pub date: DateTime,
    /// The Message-ID without angle brackets.
    pub message_id: &'a str,
    /// The Message-ID of the message reported on, without angle brackets, for In-Reply-To and References.
    pub in_reply_to: Option<&'a str>,
    /// A random boundary of letters and digits, at most 60.
    pub boundary: &'a str,
    /// The explanation for people; lines end in LF or CRLF.
    pub explanation: &'a str,
    /// The language of the explanation and the Subject (RFC 5646).
    pub language: &'a str,
    /// Whether whoever reads it can take UTF-8 in addresses and headers (RFC 6533): then those stand in it as they are.
    pub is_international: bool,
    /// `Reporting-MTA`: the name of this host (RFC 3464 §2.2.2).
    pub reporting_mta: &'a str,
    /// `Original-Envelope-Id`: ENVID of the message, xtext undone (RFC 3461 §4.4).
    pub original_envelope_id: Option<&'a str>,
    /// `Received-From-MTA`: who handed the message in.
    pub received_from_mta: Option<&'a str>,
    /// `Arrival-Date`: when it arrived.
    pub arrival_date: Option<DateTime>,
    /// `Deliver-By-Date`: until when its sender wanted it to be delivered (RFC 2852 §5).
    pub deliver_by_date: Option<DateTime>,
    /// `Future-Release-Request`: how long it was to wait, as its sender said it (RFC 4865 §5.1.2).
    pub future_release_request: Option<&'a str>,
    /// What became of it, for each recipient.
    pub recipients: &'a [RecipientReport],
    /// What of the message comes back.
    pub returned: Returned<'a>,
}

/// What became of the message for one recipient (RFC 3464 §2.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecipientReport {
    /// `Original-Recipient`: ORCPT as the sender gave it, type and address, such as `rfc822;jane@example.org`.
    pub original_recipient: Option<String>,
    /// `Final-Recipient`: the address, without a type.
    pub final_recipient: String,
    /// `Action`.
    pub action: Action,
    /// `Status`: an enhanced status code (RFC 3463), such as `5.1.1`.
    pub status: String,
    /// `Remote-MTA`: the host that answered.
    pub remote_mta: Option<String>,
    /// `Diagnostic-Code`: what it answered, such as `550 5.1.1 no such user`.
    pub diagnostic: Option<String>,
    /// `Last-Attempt-Date`.
    pub last_attempt: Option<DateTime>,
    /// `Will-Retry-Until`, for [`Action::Delayed`].
    pub will_retry_until: Option<DateTime>,
}

/// What was done (RFC 3464 §2.3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// It could not be delivered, and will not be tried again.
    Failed,
    /// It could not be delivered yet.
    Delayed,
    /// It was delivered.
    Delivered,
    /// It went on to a host that reports nothing.
    Relayed,
    /// It went on to several others.
    Expanded,
}

impl Action {
    /// The word of RFC 3464 §2.3.3.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Delayed => "delayed",
            Self::Delivered => "delivered",
            Self::Relayed => "relayed",
            Self::Expanded => "expanded",
        }
    }
}

/// What of the message comes back (RFC 3461 §4.3: RET).
#[derive(Clone, Copy, Debug)]
pub enum Returned<'a> {
    /// Nothing.
    Nothing,
    /// Its header, as `text/rfc822-headers` (RFC 6522 §4).
    Header(&'a [u8]),
    /// All of it, as `message/rfc822`.
    Message(&'a [u8]),
}

impl DeliveryReport<'_> {
    /// Writes the report: a complete message, header included, with CRLF line ends. Nothing but the returned octets is
    /// beyond ASCII, unless the reader can take it; where something is, its part says `8bit`.
    #[must_use]
    pub fn build(&self) -> Vec<u8> {
        let boundary = self.free_boundary();
        let mut report = String::new();
        push_explanation(&mut report, &boundary, self.explanation, self.language);
        let mut status = String::new();
        self.push_message_fields(&mut status);
        for recipient in self.recipients {
            status.push_str("\r\n");
            self.push_recipient(&mut status, recipient);
        }
        // RFC 6533 §4: only what needs it is of the type that few know.
        let status_type = if status.is_ascii() {
            "Content-Type: message/delivery-status\r\n"
        } else {
            "Content-Type: message/global-delivery-status\r\nContent-Transfer-Encoding: 8bit\r\n"
        };
        let _ = write!(report, "--{boundary}\r\n{status_type}\r\n{status}");
        let returns_eight_bits =
            matches!(self.returned, Returned::Header(octets) | Returned::Message(octets) if !octets.is_ascii());
        let header = self.header(&boundary, returns_eight_bits || !status.is_ascii());
        let mut report = (header + &report).into_bytes();
        self.push_returned(&mut report, &boundary);
        report.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
        report
    }

    fn free_boundary(&self) -> String {
        let (Returned::Header(octets) | Returned::Message(octets)) = self.returned else {
            return self.boundary.to_owned();
        };
        let mut boundary = self.boundary.to_owned();
        for _ in 0..MAX_BOUNDARY_ATTEMPTS {
            if memchr::memmem::find(octets, boundary.as_bytes()).is_none() {
                break;
            }
            boundary.push('x');
        }
        boundary
    }

    fn header(&self, boundary: &str, has_eight_bits: bool) -> String {
        let mut header = address_field("From", std::slice::from_ref(&self.from));
        header += &address_field("To", std::slice::from_ref(&self.to));
        header += &text_field("Subject", self.subject);
        header += &structured_field("Date", &self.date.to_rfc5322());
        header += &structured_field("Message-ID", &format!("<{}>", self.message_id));
        if let Some(id) = self.in_reply_to {
            header += &structured_field("In-Reply-To", &format!("<{id}>"));
            header += &structured_field("References", &format!("<{id}>"));
        }
        // RFC 3834 §5: so that nobody answers automatically.
        header += "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n";
        if has_eight_bits {
            // RFC 2045 §6.4: a multipart says the widest encoding of its parts.
            header += "Content-Transfer-Encoding: 8bit\r\n";
        }
        header += "Content-Type: multipart/report; report-type=delivery-status;\r\n";
        let _ = write!(header, " boundary=\"{boundary}\"\r\n\r\n");
        header
    }

    /// RFC 3464 §2.2: the fields about the message.
    fn push_message_fields(&self, report: &mut String) {
        if let Some(id) = self.original_envelope_id {
            report.push_str(&structured_field("Original-Envelope-Id", &self.text(id)));
        }
        report.push_str(&structured_field("Reporting-MTA", &format!("dns; {}", ascii(self.reporting_mta))));
        if let Some(mta) = self.received_from_mta {
            report.push_str(&structured_field("Received-From-MTA", &format!("dns; {}", ascii(mta))));
        }
        push_date(report, "Arrival-Date", self.arrival_date);
        push_date(report, "Deliver-By-Date", self.deliver_by_date);
        if let Some(request) = self.future_release_request {
            report.push_str(&structured_field("Future-Release-Request", &ascii(request)));
        }
    }

    /// RFC 3464 §2.3: the fields about a recipient.
    fn push_recipient(&self, report: &mut String, recipient: &RecipientReport) {
        if let Some(original) = &recipient.original_recipient {
            report.push_str(&structured_field("Original-Recipient", &self.text(original)));
        }
        let address = &recipient.final_recipient;
        let typed =
            if address.is_ascii() { format!("rfc822; {address}") } else { format!("utf-8; {}", self.text(address)) };
        report.push_str(&structured_field("Final-Recipient", &typed));
        report.push_str(&structured_field("Action", recipient.action.as_str()));
        report.push_str(&structured_field("Status", &self.text(&recipient.status)));
        if let Some(mta) = &recipient.remote_mta {
            report.push_str(&structured_field("Remote-MTA", &format!("dns; {}", self.text(mta))));
        }
        if let Some(diagnostic) = &recipient.diagnostic {
            let diagnostic = truncate_bytes(self.text(diagnostic), MAX_DIAGNOSTIC_BYTES);
            report.push_str(&structured_field("Diagnostic-Code", &format!("smtp; {diagnostic}")));
        }
        push_date(report, "Last-Attempt-Date", recipient.last_attempt);
        push_date(report, "Will-Retry-Until", recipient.will_retry_until);
    }

    /// A value as it is, on one line, where that can be read; else with what is beyond ASCII encoded.
    fn text(&self, text: &str) -> String {
        if self.is_international { single_line(text) } else { ascii(text) }
    }

    fn has_international_header(&self, octets: &[u8]) -> bool {
        let end = memchr::memmem::find(octets, b"\r\n\r\n").unwrap_or(octets.len());
        self.is_international && !octets[..end].is_ascii()
    }

    fn push_returned(&self, report: &mut Vec<u8>, boundary: &str) {
        let (media_type, octets) = match self.returned {
            Returned::Nothing => return,
            // RFC 6533 §4: what has UTF-8 in its header is no message/rfc822.
            Returned::Header(octets) if self.has_international_header(octets) => ("message/global-headers", octets),
            Returned::Header(octets) => ("text/rfc822-headers", octets),
            Returned::Message(octets) if self.has_international_header(octets) => ("message/global", octets),
            Returned::Message(octets) => ("message/rfc822", octets),
        };
        let encoding = if octets.is_ascii() { "" } else { "Content-Transfer-Encoding: 8bit\r\n" };
        let head = format!("\r\n--{boundary}\r\nContent-Type: {media_type}\r\n{encoding}\r\n");
        report.extend_from_slice(head.as_bytes());
        push_with_crlf(report, octets);
    }
}

fn push_date(report: &mut String, name: &str, date: Option<DateTime>) {
    if let Some(date) = date {
        report.push_str(&structured_field(name, &date.to_rfc5322()));
    }
}

/// Characters beyond ASCII as `\x{HEX}` (RFC 6533 §3, `utf-8-addr-xtext`), controls as spaces.
fn ascii(text: &str) -> String {
    let mut ascii = String::with_capacity(text.len());
    for character in single_line(text).chars() {
        if character.is_ascii() {
            ascii.push(character);
        } else {
            let _ = write!(ascii, "\\x{{{:X}}}", u32::from(character));
        }
    }
    ascii
}

fn push_explanation(report: &mut String, boundary: &str, explanation: &str, language: &str) {
    let mut text = Vec::with_capacity(explanation.len() + 64);
    push_with_crlf(&mut text, explanation.as_bytes());
    // RFC 5322 §2.1.1: a line has at most 998 octets.
    let plain =
        text.is_ascii() && !text.contains(&0) && text.split(|octet| *octet == b'\n').all(|line| line.len() <= 998);
    // RFC 3282 §2.
    let _ = write!(report, "--{boundary}\r\nContent-Language: {}\r\n", ascii(language));
    if plain {
        report.push_str("Content-Type: text/plain; charset=us-ascii\r\n\r\n");
        report.push_str(&String::from_utf8_lossy(&text));
    } else {
        report.push_str("Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n");
        let encoded = STANDARD.encode(&text);
        for line in encoded.as_bytes().chunks(BASE64_COLUMNS) {
            report.push_str(&String::from_utf8_lossy(line));
            report.push_str("\r\n");
        }
    }
    report.push_str("\r\n");
}

/// Appends octets with every LF or CR that stands alone made CRLF: a report is sent by SMTP, which knows no other end
/// of a line.
fn push_with_crlf(out: &mut Vec<u8>, octets: &[u8]) {
    let mut previous = 0;
    for (at, &octet) in octets.iter().enumerate() {
        match octet {
            b'\n' if previous != b'\r' => out.extend_from_slice(b"\r\n"),
            b'\r' if octets.get(at + 1) != Some(&b'\n') => out.extend_from_slice(b"\r\n"),
            _ => out.push(octet),
        }
        previous = octet;
    }
}

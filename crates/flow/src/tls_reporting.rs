//! Reports about TLS, by mail (RFC 8460 §5.3).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use posthouse_mime::DateTime;
use posthouse_model::{Address, Domain, ReversePath};
use posthouse_storage::StorageError;

use crate::Flow;
use crate::own_mail::{OwnMail, Unreachable};

/// Columns of base64 (RFC 2045 §6.8).
const BASE64_COLUMNS: usize = 76;

/// A report on its way.
#[derive(Clone, Debug)]
pub struct TlsReportMail<'a> {
    /// Who reports, and hears of what goes wrong.
    pub from: &'a Address,
    /// Who gets it.
    pub to: &'a Address,
    /// The domain that it is about.
    pub domain: &'a Domain,
    /// What we call it.
    pub report_id: &'a str,
    /// What the file is called (RFC 8460 §5.1).
    pub file_name: &'a str,
    /// The report, compressed by gzip.
    pub report: &'a [u8],
}

impl Flow {
    /// Puts a report into the queue.
    ///
    /// # Errors
    /// When it cannot be stored.
    pub async fn send_tls_report(&self, mail: &TlsReportMail<'_>) -> Result<(), StorageError> {
        let sender = ReversePath::Address(mail.from.clone());
        let fact = ("tls-report", mail.report_id.to_owned());
        self.send_own(OwnMail {
            sender,
            to: mail.to,
            text: self.report_text(mail),
            fact,
            unreachable: Unreachable::Keep,
        })
        .await
    }

    fn report_text(&self, mail: &TlsReportMail<'_>) -> String {
        let TlsReportMail { from, to, domain, report_id, file_name, report } = mail;
        let now = self.environment.now();
        let date = DateTime { unix_seconds: now.seconds(), offset_minutes: 0 }.to_rfc5322();
        let boundary = format!("tls-report-{:016x}", self.environment.random());
        let encoded = STANDARD.encode(report);
        let lines: String = encoded
            .as_bytes()
            .chunks(BASE64_COLUMNS)
            .map(|line| String::from_utf8_lossy(line).into_owned() + "\r\n")
            .collect();
        let submitter = &self.options.host_name;
        // RFC 8689 §5: what is wrong with TLS is no reason to keep the report of it away.
        format!(
            "From: <{from}>\r\nTo: <{to}>\r\nSubject: Report Domain: {domain} Submitter: {submitter}\r\n Report-ID: <{report_id}>\r\n\
             Date: {date}\r\nMessage-ID: <{report_id}>\r\nTLS-Report-Domain: {domain}\r\nTLS-Report-Submitter: {submitter}\r\n\
             TLS-Required: No\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n\
             Content-Type: multipart/report; report-type=\"tlsrpt\";\r\n boundary=\"{boundary}\"\r\n\r\n\
             --{boundary}\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n\
             This is a report about TLS towards the mail hosts of {domain} (RFC 8460),\r\nby {submitter}.\r\n\r\n\
             --{boundary}\r\nContent-Type: application/tlsrpt+gzip\r\nContent-Transfer-Encoding: base64\r\n\
             Content-Disposition: attachment;\r\n filename=\"{file_name}\"\r\n\r\n{lines}\r\n--{boundary}--\r\n"
        )
    }
}

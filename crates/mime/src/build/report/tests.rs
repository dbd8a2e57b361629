use super::*;
use crate::structure::Structure;
use crate::summary::Summary;
use crate::transfer::decode_part;

fn mailbox(address: &str) -> Mailbox {
    let (local_part, domain) = address.split_once('@').unwrap();
    Mailbox { name: None, route: None, local_part: local_part.to_owned(), domain: domain.to_owned() }
}

fn recipient(address: &str) -> RecipientReport {
    RecipientReport {
        original_recipient: Some(format!("rfc822;{address}")),
        final_recipient: address.to_owned(),
        action: Action::Failed,
        status: "5.1.1".to_owned(),
        remote_mta: Some("mx.example.net".to_owned()),
        diagnostic: Some("550 5.1.1 no\r\nsuch user".to_owned()),
        last_attempt: Some(DateTime { unix_seconds: 0, offset_minutes: 0 }),
        will_retry_until: None,
    }
}

fn report<'a>(recipients: &'a [RecipientReport], returned: Returned<'a>) -> DeliveryReport<'a> {
    DeliveryReport {
        from: Mailbox { name: Some("Mail Delivery System".to_owned()), ..mailbox("MAILER-DAEMON@example.org") },
        to: mailbox("jane@example.org"),
        subject: "Undelivered mail",
        date: DateTime { unix_seconds: 0, offset_minutes: 60 },
        message_id: "report@example.org",
        in_reply_to: Some("lost@example.org"),
        boundary: "b0undary",
        explanation: "It did not arrive.\nSorry.\n",
        language: "en",
        is_international: false,
        reporting_mta: "mail.example.org",
        original_envelope_id: Some("QQ314159"),
        received_from_mta: None,
        arrival_date: Some(DateTime { unix_seconds: 0, offset_minutes: 0 }),
        deliver_by_date: None,
        future_release_request: None,
        recipients,
        returned,
    }
}

#[test]
fn the_whole_report() {
    let recipients = [recipient("joe@example.net")];
    let built = report(&recipients, Returned::Header(b"Subject: lost\nTo: joe@example.net\n\n")).build();
    let expected = "From: Mail Delivery System <MAILER-DAEMON@example.org>
To: jane@example.org
Subject: Undelivered mail
Date: Thu, 01 Jan 1970 01:00:00 +0100
Message-ID: <report@example.org>
In-Reply-To: <lost@example.org>
References: <lost@example.org>
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
 boundary=\"b0undary\"

--b0undary
Content-Language: en
Content-Type: text/plain; charset=us-ascii

It did not arrive.
Sorry.

--b0undary
Content-Type: message/delivery-status

Original-Envelope-Id: QQ314159
Reporting-MTA: dns; mail.example.org
Arrival-Date: Thu, 01 Jan 1970 00:00:00 +0000

Original-Recipient: rfc822;joe@example.net
Final-Recipient: rfc822; joe@example.net
Action: failed
Status: 5.1.1
Remote-MTA: dns; mx.example.net
Diagnostic-Code: smtp; 550 5.1.1 no such user
Last-Attempt-Date: Thu, 01 Jan 1970 00:00:00 +0000

--b0undary
Content-Type: text/rfc822-headers

Subject: lost
To: joe@example.net


--b0undary--
";
    assert_eq!(String::from_utf8(built).unwrap().replace("\r\n", "\n"), expected);
}

/// Checks what a reader finds in the report.
fn check(report: &DeliveryReport<'_>, types: &[&str]) -> Vec<Vec<u8>> {
    let built = report.build();
    let structure = Structure::parse(&built);
    let found: Vec<_> =
        structure.parts.iter().map(|part| format!("{}/{}", part.media_type, part.media_subtype)).collect();
    assert_eq!(found, types);
    assert_eq!(Summary::new(&structure, &built).message_id.as_deref(), Some(report.message_id));
    let bare = |pair: &[u8]| (pair[1] == b'\n') != (pair[0] == b'\r');
    assert!(!built.windows(2).any(bare), "a line end is not CRLF");
    structure.parts.iter().map(|part| decode_part(part, &built)).collect()
}

#[test]
fn the_whole_message_comes_back() {
    let recipients = [recipient("a@x"), recipient("jörg@x")];
    let message = "Subject: grün\nContent-Type: text/plain\n\n--b0undary\nbody\rend";
    let parts = check(
        &report(&recipients, Returned::Message(message.as_bytes())),
        &["multipart/report", "text/plain", "message/delivery-status", "message/rfc822", "text/plain"],
    );
    assert_eq!(parts[4], "--b0undary\r\nbody\r\nend".as_bytes());
    let status = String::from_utf8(parts[2].clone()).unwrap();
    assert!(
        status.contains("\r\n\r\nOriginal-Recipient: rfc822;j\\x{F6}rg@x\r\nFinal-Recipient: utf-8; j\\x{F6}rg@x\r\n"),
        "{status}"
    );
}

#[test]
fn explanations_beyond_ascii() {
    let mut report = report(&[], Returned::Nothing);
    report.explanation = "Über\nuns\n";
    let parts = check(&report, &["multipart/report", "text/plain", "message/delivery-status"]);
    assert_eq!(String::from_utf8_lossy(&parts[1]), "Über\r\nuns\r\n");
}

#[test]
fn peers_cannot_add_fields() {
    let mut hostile = recipient("a@x");
    hostile.remote_mta = Some("mx\r\nAction: delivered".to_owned());
    hostile.diagnostic = Some(format!("550 x\r\n\r\n--b0undary\r\n{}", "y".repeat(100_000)));
    let parts =
        check(&report(&[hostile], Returned::Nothing), &["multipart/report", "text/plain", "message/delivery-status"]);
    let status = String::from_utf8_lossy(&parts[2]).into_owned();
    assert_eq!(status.matches("\nAction:").count(), 1);
    assert!(status.len() < 4_000);
}

#[test]
fn addresses_as_they_are_for_who_can_read_them() {
    let recipients = [recipient("jürgen@example.net")];
    let message = "Subject: Grüße\r\n\r\nHello.\r\n";
    for (is_international, returned, wanted) in [
        (
            true,
            Returned::Message(message.as_bytes()),
            [
                "Content-Language: en",
                "Content-Type: message/global-delivery-status",
                "Final-Recipient: utf-8; jürgen@example.net",
                "Content-Type: message/global\r\n",
            ],
        ),
        (
            true,
            Returned::Header(b"Subject: plain\r\n"),
            [
                "Content-Language: en",
                "Content-Type: message/global-delivery-status",
                "Final-Recipient: utf-8; jürgen@example.net",
                "Content-Type: text/rfc822-headers",
            ],
        ),
        (
            false,
            Returned::Message(message.as_bytes()),
            [
                "Content-Language: en",
                "Content-Type: message/delivery-status",
                "Final-Recipient: utf-8; j\\x{FC}rgen@example.net",
                "Content-Type: message/rfc822\r\n",
            ],
        ),
    ] {
        let mut report = report(&recipients, returned);
        report.is_international = is_international;
        let text = String::from_utf8(report.build()).unwrap();
        for line in wanted {
            assert!(text.contains(line), "no {line:?} in {text}");
        }
        let (header, _) = text.split_once("\r\n\r\n").unwrap();
        let is_declared = header.contains("Content-Transfer-Encoding: 8bit");
        assert!(is_declared && header.is_ascii(), "{header}");
    }
}

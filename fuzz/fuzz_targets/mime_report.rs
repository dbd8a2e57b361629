//! Reports hold what peers and senders said: nothing of it may add a field, a part or a line end.
#![no_main]

use libfuzzer_sys::fuzz_target;
use posthouse_mime::build::report::{Action, DeliveryReport, RecipientReport, Returned};
use posthouse_mime::{DateTime, Mailbox, Structure};

const BOUNDARY: &str = "boundary27";

fn mailbox(name: &str, local_part: &str) -> Mailbox {
    Mailbox {
        name: Some(name.to_owned()),
        route: None,
        local_part: local_part.to_owned(),
        domain: "example.org".to_owned(),
    }
}

fuzz_target!(|input: &[u8]| {
    // Texts divided by octet 1; the last is the returned message.
    let pieces: Vec<&[u8]> = input.split(|octet| *octet == 1).collect();
    let text = |at: usize| String::from_utf8_lossy(pieces.get(at).copied().unwrap_or_default()).into_owned();
    if (0..7).any(|at| text(at).contains("boundary2")) {
        return;
    }
    let message = pieces.last().copied().unwrap_or_default();
    let date = DateTime { unix_seconds: 880_127_706, offset_minutes: -360 };
    let recipients = [RecipientReport {
        original_recipient: Some(text(0)),
        final_recipient: text(1),
        action: Action::Failed,
        status: "5.1.1".to_owned(),
        remote_mta: Some(text(2)),
        diagnostic: Some(text(3)),
        last_attempt: Some(date),
        will_retry_until: None,
    }];
    let report = DeliveryReport {
        from: mailbox("Mail Delivery System", "MAILER-DAEMON"),
        to: mailbox(&text(4), "sender"),
        subject: &text(4),
        date,
        message_id: "id@example.org",
        in_reply_to: Some(&text(5)),
        boundary: BOUNDARY,
        explanation: &text(6),
        language: &text(4),
        is_international: pieces.len() % 3 == 0,
        reporting_mta: "mail.example.org",
        original_envelope_id: Some(&text(5)),
        received_from_mta: Some(&text(2)),
        arrival_date: Some(date),
        deliver_by_date: None,
        future_release_request: None,
        recipients: &recipients,
        returned: if pieces.len() % 2 == 0 { Returned::Header(message) } else { Returned::Message(message) },
    }
    .build();

    let without = report.windows(2).filter(|pair| (pair[0] == b'\r') != (pair[1] == b'\n')).count();
    assert_eq!(without, 0, "a CR or LF that is no line end");
    let structure = Structure::parse(&report);
    let root = structure.root();
    assert_eq!((root.media_type.as_str(), root.media_subtype.as_str()), ("multipart", "report"));
    assert_eq!(root.children.len(), 3, "{}", report.escape_ascii());
    let status = &structure.parts[root.children[1]];
    let fields = String::from_utf8_lossy(status.body.of(&report)).into_owned();
    let expected = if fields.is_ascii() { "delivery-status" } else { "global-delivery-status" };
    assert_eq!((status.media_type.as_str(), status.media_subtype.as_str()), ("message", expected));
    assert!(fields.is_ascii() || pieces.len() % 3 == 0);
    assert_eq!(fields.matches("\r\nFinal-Recipient:").count(), 1, "{fields}");
    let mut names: Vec<&str> = root.fields.iter().map(|field| field.name.as_str()).collect();
    names.retain(|name| *name != "content-transfer-encoding");
    let expected = [
        "from",
        "to",
        "subject",
        "date",
        "message-id",
        "in-reply-to",
        "references",
        "auto-submitted",
        "mime-version",
        "content-type",
    ];
    assert_eq!(names, expected);
});

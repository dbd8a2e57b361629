use super::*;

/// Replays a conversation, whole lines at a time and byte by byte, and compares what is shown.
#[track_caller]
fn check(role: ListenerRole, conversation: &[(char, &str)], expected: &[&str]) {
    for piece_bytes in [usize::MAX, 1] {
        let mut filter = Filter::new(role);
        let mut shown = Vec::new();
        for (side, text) in conversation {
            match side {
                'M' => shown.extend(filter.server_sends_mail(*text == "on")),
                'C' => text.as_bytes().chunks(piece_bytes).for_each(|piece| {
                    shown.extend(filter.client(piece).into_iter().map(|line| format!("C: {line}")));
                }),
                _ => shown.extend(filter.server(text.as_bytes()).into_iter().map(|line| format!("S: {line}"))),
            }
        }
        assert_eq!(shown, expected, "pieces of {piece_bytes}");
    }
}

#[test]
fn smtp() {
    check(
        ListenerRole::Submission,
        &[
            ('S', "220 mx.example ESMTP\r\n"),
            ('C', "EHLO client.example\r\n"),
            ('S', "250-mx.example\r\n250 AUTH PLAIN\r\n"),
            ('C', "AUTH PLAIN AGFubgBodW50ZXIy\r\n"),
            ('S', "535 5.7.8 No\r\n"),
            ('C', "AUTH LOGIN\r\n"),
            ('S', "334 VXNlcm5hbWU6\r\n"),
            ('C', "YW5u\r\n"),
            ('S', "334 UGFzc3dvcmQ6\r\n"),
            ('C', "aHVudGVyMg==\r\n"),
            ('S', "235 2.7.0 Yes\r\n"),
            ('C', "hunter2\r\n"),
            ('S', "500 5.5.1 What?\r\n"),
            ('C', "DATA\r\n"),
            ('S', "354 Go on\r\n"),
            ('C', "Subject: secret\r\n\r\nQUIT\r\n.\r\n"),
            ('S', "250 2.0.0 Stored\r\n"),
            ('C', "BDAT 8 LAST\r\nQUIT\r\n\r\nQUIT\r\n"),
            ('S', "221 Bye\r\n"),
        ],
        &[
            "S: 220 mx.example ESMTP",
            "C: EHLO client.example",
            "S: 250-mx.example",
            "S: 250 AUTH PLAIN",
            "C: AUTH PLAIN [removed]",
            "S: 535 5.7.8 No",
            "C: AUTH LOGIN [removed]",
            "S: [removed]",
            "C: [removed]",
            "S: [removed]",
            "C: [removed]",
            "S: 235 2.7.0 Yes",
            "C: [7 bytes, no command that is known]",
            "S: 500 5.5.1 What?",
            "C: DATA",
            "S: 354 Go on",
            "S: [the client has sent a message]",
            "S: 250 2.0.0 Stored",
            "C: BDAT 8 LAST",
            "C: [8 bytes]",
            "C: QUIT",
            "S: 221 Bye",
        ],
    );
}

#[test]
fn imap() {
    check(
        ListenerRole::Imap,
        &[
            ('C', "a LOGIN ann {7}\r\n"),
            ('S', "+ go on\r\n"),
            ('C', "hunter2\r\n"),
            ('S', "a OK Logged in\r\n"),
            ('C', "b SELECT INBOX\r\n"),
            ('S', "* 1 EXISTS\r\nb OK Selected\r\n"),
            ('C', "hunter2 hunter2\r\n"),
            ('S', "hunter2 BAD What?\r\n"),
            ('C', "c FETCH 1 BODY[]\r\n"),
            ('M', "on"),
            ('S', "* 1 FETCH (BODY[] {6}\r\nsecret)\r\n"),
            ('M', "off"),
            ('S', "c OK Done\r\n"),
            ('C', "d APPEND x {12+}\r\nsome secret\n\r\n"),
            ('S', "d OK Done\r\n"),
        ],
        &[
            "C: a LOGIN [removed]",
            "S: [removed]",
            "C: [removed]",
            "S: a OK Logged in",
            "C: b SELECT INBOX",
            "S: * 1 EXISTS",
            "S: b OK Selected",
            "C: [15 bytes, no command that is known]",
            "S: [removed] BAD What?",
            "C: c FETCH 1 BODY[]",
            "[32 bytes with mail]",
            "S: c OK Done",
            "C: d APPEND x {12+}",
            "C: [12 bytes]",
            "C: [0 bytes, the rest of the command]",
            "S: d OK Done",
        ],
    );
}

#[test]
fn pop3() {
    check(
        ListenerRole::Pop3,
        &[
            ('C', "USER ann\r\n"),
            ('S', "+OK\r\n"),
            ('C', "PASS hunter2\r\n"),
            ('S', "-ERR [AUTH] No\r\n"),
            ('C', "STAT\r\n"),
        ],
        &["C: USER ann", "S: +OK", "C: PASS [removed]", "S: -ERR [AUTH] No", "C: STAT"],
    );
}

//! Messages to try things on.

/// A message with CRLF at the ends of its lines.
pub fn crlf(text: &str) -> String {
    text.replace('\n', "\r\n")
}

pub const OLD_HORSES: &str = "\
From: Carl <carl@example.net>
Subject: Old horses
Content-Type: multipart/alternative; boundary=inner

--inner
Content-Type: text/plain

plain words
--inner
Content-Type: text/html
Content-Transfer-Encoding: base64

PGI+Ym9sZDwvYj4gd29yZHM=
--inner--
";

pub const HEADER: &str = "\
From: Ann <ann@example.org>
To: Bob <bob@example.org>
Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= from the road
Date: Tue, 14 Nov 2023 23:30:00 -0500
Message-ID: <one@example.org>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=outer

";

/// Quoted-printable text, a message within the message, and a part whose encoding nobody knows.
pub fn mixed() -> String {
    crlf(&format!(
        "{HEADER}preamble
--outer
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

Caf=C3=A9 on the way=
 home
--outer
Content-Type: message/rfc822

{OLD_HORSES}
--outer
Content-Type: application/octet-stream
Content-Transfer-Encoding: x-riddle

mystery
--outer--
"
    ))
}

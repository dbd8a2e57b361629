use proptest::prelude::*;

use super::*;

fn rendered(raw: &str) -> Rendered {
    Rendered::new(&Structure::parse(raw.as_bytes()), raw.as_bytes())
}

fn check_envelope(raw: &str, expected: &str) {
    assert_eq!(String::from_utf8_lossy(&rendered(raw).envelope), expected, "{raw}");
}

/// Checks BODYSTRUCTURE.
fn check_structure(raw: &str, expected: &str) {
    let rendered = rendered(raw);
    assert_eq!(String::from_utf8_lossy(&rendered.bodystructure), expected, "{raw}");
    grammar::check(&rendered);
}

#[test]
fn envelope_of_the_standard() {
    // RFC 3501 §8 shows this envelope.
    check_envelope(
        "Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\r\nFrom: Terry Gray <gray@cac.washington.edu>\r\n\
         Subject: IMAP4rev1 WG mtg summary and minutes\r\nTo: imap@cac.washington.edu\r\n\
         cc: minutes@CNRI.Reston.VA.US, John Klensin <KLENSIN@MIT.EDU>\r\n\
         Message-Id: <B27397-0100000@cac.washington.edu>\r\n\r\n",
        "(\"Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\" \"IMAP4rev1 WG mtg summary and minutes\" \
         ((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) ((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) \
         ((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) ((NIL NIL \"imap\" \"cac.washington.edu\")) \
         ((NIL NIL \"minutes\" \"CNRI.Reston.VA.US\")(\"John Klensin\" NIL \"KLENSIN\" \"MIT.EDU\")) NIL NIL \
         \"<B27397-0100000@cac.washington.edu>\")",
    );
}

#[test]
fn envelope_defaults() {
    check_envelope("", "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)");
    check_envelope("Subject:\r\nTo:\r\nIn-Reply-To: \r\n\r\n", "(NIL \"\" NIL NIL NIL NIL NIL NIL \"\" NIL)");
    let sender = "((NIL NIL \"s\" \"x\"))";
    let from = "((NIL NIL \"f\" \"x\"))";
    check_envelope(
        "From: f@x\r\nSender: s@x\r\nReply-To:\r\n\r\n",
        &format!("(NIL NIL {from} {sender} {from} NIL NIL NIL NIL NIL)"),
    );
    check_envelope("Sender: s@x\r\n\r\n", &format!("(NIL NIL NIL {sender} NIL NIL NIL NIL NIL NIL)"));
}

#[test]
fn envelope_addresses() {
    let check = |to: &str, expected: &str| {
        check_envelope(&format!("To: {to}\r\n\r\n"), &format!("(NIL NIL NIL NIL NIL {expected} NIL NIL NIL NIL)"));
    };
    check("undisclosed-recipients:;", "((NIL NIL \"undisclosed-recipients\" NIL)(NIL NIL NIL NIL))");
    check("G: a@b;", "((NIL NIL \"G\" NIL)(NIL NIL \"a\" \"b\")(NIL NIL NIL NIL))");
    check("joe", "((NIL NIL \"joe\" \"\"))");
    check("<@r:a@b>", "((NIL \"@r\" \"a\" \"b\"))");
    check("\"q\\\"\\\\\" <a@b>", "((\"q\\\"\\\\\" NIL \"a\" \"b\"))");
    check("=?utf-8?q?x?= <a@b>", "((\"=?utf-8?q?x?=\" NIL \"a\" \"b\"))");
    check("a@b\r\nTo: c@d", "((NIL NIL \"a\" \"b\")(NIL NIL \"c\" \"d\"))");
    check("Jörg <j@x>", "(({5}\r\nJörg NIL \"j\" \"x\"))");
}

#[test]
fn false_names_are_not_in_the_envelope() {
    check_envelope("From : a@b\r\nSubject : x\r\n\r\n", "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)");
}

#[test]
fn folded_and_raw_subjects() {
    check_envelope("Subject: a\r\n b\tc\r\n\r\n", "(NIL \"a b\tc\" NIL NIL NIL NIL NIL NIL NIL NIL)");
    let raw = b"Subject: gr\xfcn\0\r\n\r\n";
    let envelope = render_envelope(Structure::parse(raw).root(), raw);
    assert_eq!(String::from_utf8_lossy(&envelope), "(NIL {6}\r\ngrün  NIL NIL NIL NIL NIL NIL NIL NIL)");
}

#[test]
fn single_parts() {
    check_structure(
        "\r\none\r\ntwo\r\n",
        "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 10 2 NIL NIL NIL NIL)",
    );
    check_structure("", "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 0 0 NIL NIL NIL NIL)");
    check_structure(
        "Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: 8BIT\r\n\r\nx",
        "(\"text\" \"html\" (\"charset\" \"utf-8\") NIL NIL \"8bit\" 1 0 NIL NIL NIL NIL)",
    );
    check_structure(
        "Content-Type: image/png; name=\"a b\"\r\nContent-ID: <i@d>\r\nContent-Description: d\r\nContent-MD5: m\r\n\
         Content-Disposition: attachment; filename=f\r\nContent-Language: de, en\r\nContent-Location: l\r\n\r\nx",
        "(\"image\" \"png\" (\"name\" \"a b\") \"<i@d>\" \"d\" \"7bit\" 1 \"m\" (\"attachment\" (\"filename\" \"f\")) \
         (\"de\" \"en\") \"l\")",
    );
    check_structure(
        "Content-Type: multipart/mixed\r\n\r\nx",
        "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 1 0 NIL NIL NIL NIL)",
    );
}

#[test]
fn parameters() {
    let check = |parameters: &str, expected: &str| {
        check_structure(
            &format!("Content-Type: image/x{parameters}\r\n\r\n"),
            &format!("(\"image\" \"x\" {expected} NIL NIL \"7bit\" 0 NIL NIL NIL NIL)"),
        );
    };
    check("", "NIL");
    check("; name*0=a; name*1=b", "(\"name\" \"ab\")");
    check("; name*=utf-8''abc%20d", "(\"name\" \"abc d\")");
    check("; name*=iso-8859-1''gr%FCn%20x", "(\"name*\" \"utf-8''gr%C3%BCn%20x\")");
    check("; name=grün", "(\"name\" {5}\r\ngrün)");
    check("; name=\"\"", "(\"name\" \"\")");
}

#[test]
fn multiparts_and_messages() {
    let raw = "Content-Type: multipart/mixed; boundary=b\r\nContent-Language: de\r\n\r\n--b\r\n\r\none\r\n--b\r\n\
        Content-Type: message/rfc822\r\n\r\nSubject: s\r\n\r\ntwo\r\n--b--\r\n";
    check_structure(
        raw,
        "((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 3 0 NIL NIL NIL NIL)\
         (\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 17 (NIL \"s\" NIL NIL NIL NIL NIL NIL NIL NIL) \
         (\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 3 0 NIL NIL NIL NIL) 2 NIL NIL NIL NIL) \
         \"mixed\" (\"boundary\" \"b\") NIL \"de\" NIL)",
    );
    assert_eq!(
        String::from_utf8_lossy(&rendered(raw).body),
        "((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 3 0)\
         (\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 17 (NIL \"s\" NIL NIL NIL NIL NIL NIL NIL NIL) \
         (\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 3 0) 2) \"mixed\")",
    );
}

#[test]
fn hostile_address_lists_are_bounded() {
    let header = format!("Content-Type: message/rfc822\n{}\n", format!("To:{}\n", "a,".repeat(5_000)).repeat(50));
    let rendered = rendered(&header.repeat(40));
    grammar::check(&rendered);
    assert!(
        rendered.bodystructure.len() < crate::limits::MAX_RENDERED_ADDRESSES * 32,
        "{}",
        rendered.bodystructure.len()
    );
}

#[test]
fn the_deepest_structure_is_rendered() {
    let raw = "Content-Type: message/rfc822\n\n".repeat(10_000);
    grammar::check(&rendered(&raw));
}

proptest! {
    #[test]
    fn whatever_comes_the_grammar_holds(
        lines in proptest::collection::vec(
            prop_oneof![
                Just("--b".to_owned()),
                Just("--b--".to_owned()),
                Just("--c".to_owned()),
                Just(String::new()),
                Just("Content-Type: multipart/mixed; boundary=b".to_owned()),
                Just("Content-Type: multipart/digest; boundary=c".to_owned()),
                Just("Content-Type: message/rfc822".to_owned()),
                "Content-(Type|Disposition|Language|ID|MD5|Location|Description|Transfer-Encoding): [a-c/;=*'%0\" ü(\\\\]{0,20}",
                "(From|To|Subject|Date|Message-ID|In-Reply-To|Sender): [a-c<>@,:;\"( ü\\\\\0\r]{0,20}",
                "[ -~]{0,10}",
            ],
            0..40,
        )
    ) {
        grammar::check(&rendered(&lines.join("\r\n")));
    }

    #[test]
    fn any_octets_render(raw in proptest::collection::vec(any::<u8>(), 0..300)) {
        let rendered = Rendered::new(&Structure::parse(&raw), &raw);
        grammar::check(&rendered);
    }
}

/// A reader of RFC 9051 §9 `envelope` and `body` that accepts nothing else.
mod grammar {
    use super::Rendered;

    pub fn check(rendered: &Rendered) {
        let mut reader = Reader(&rendered.envelope);
        reader.envelope();
        assert!(reader.0.is_empty());
        for (octets, extended) in [(&rendered.body, false), (&rendered.bodystructure, true)] {
            let mut reader = Reader(octets);
            reader.body(extended);
            assert!(reader.0.is_empty());
        }
    }

    struct Reader<'a>(&'a [u8]);

    impl<'a> Reader<'a> {
        fn next_is(&self, text: &str) -> bool {
            self.0.starts_with(text.as_bytes())
        }

        fn take(&mut self, text: &str) {
            assert!(self.next_is(text), "expected {text:?} at {:?}", String::from_utf8_lossy(self.0));
            self.0 = &self.0[text.len()..];
        }

        fn nil(&mut self) -> bool {
            let nil = self.next_is("NIL");
            if nil {
                self.take("NIL");
            }
            nil
        }

        fn number(&mut self) -> usize {
            let digits = self.0.iter().take_while(|octet| octet.is_ascii_digit()).count();
            let (number, rest) = self.0.split_at(digits);
            self.0 = rest;
            std::str::from_utf8(number).unwrap().parse().expect("a number")
        }

        fn string(&mut self) -> Vec<u8> {
            if self.next_is("{") {
                self.take("{");
                let length = self.number();
                self.take("}\r\n");
                let (octets, rest) = self.0.split_at(length);
                self.0 = rest;
                assert!(!octets.contains(&0));
                assert!(std::str::from_utf8(octets).is_ok());
                return octets.to_vec();
            }
            self.take("\"");
            let mut text = Vec::new();
            loop {
                let (mut octet, mut rest) = self.0.split_first().expect("a closing quote");
                self.0 = rest;
                match octet {
                    b'"' => return text,
                    b'\\' => {
                        (octet, rest) = rest.split_first().expect("an octet after the backslash");
                        assert!(matches!(octet, b'"' | b'\\'));
                        self.0 = rest;
                    }
                    _ => assert!(octet.is_ascii() && !matches!(octet, 0 | b'\r' | b'\n')),
                }
                text.push(*octet);
            }
        }

        fn nstring(&mut self) {
            if !self.nil() {
                self.string();
            }
        }

        fn envelope(&mut self) {
            self.take("(");
            self.nstring();
            self.take(" ");
            self.nstring();
            for _ in 0..6 {
                self.take(" ");
                if !self.nil() {
                    self.take("(");
                    while !self.next_is(")") {
                        self.take("(");
                        for at in 0..4 {
                            if at > 0 {
                                self.take(" ");
                            }
                            self.nstring();
                        }
                        self.take(")");
                    }
                    self.take(")");
                }
            }
            self.take(" ");
            self.nstring();
            self.take(" ");
            self.nstring();
            self.take(")");
        }

        fn parameters(&mut self) {
            if self.nil() {
                return;
            }
            self.take("(");
            loop {
                self.string();
                self.take(" ");
                self.string();
                if self.next_is(")") {
                    return self.take(")");
                }
                self.take(" ");
            }
        }

        fn body(&mut self, extended: bool) {
            self.take("(");
            if self.next_is("(") {
                while self.next_is("(") {
                    self.body(extended);
                }
                self.take(" ");
                self.string();
                if extended {
                    self.take(" ");
                    self.parameters();
                    self.extension();
                }
                return self.take(")");
            }
            let media_type = self.string();
            self.take(" ");
            let subtype = self.string();
            self.take(" ");
            self.parameters();
            self.take(" ");
            self.nstring();
            self.take(" ");
            self.nstring();
            self.take(" ");
            self.string();
            self.take(" ");
            self.number();
            assert_ne!(media_type, b"multipart");
            let message = media_type == b"message" && (subtype == b"rfc822" || subtype == b"global");
            if message {
                self.take(" ");
                self.envelope();
                self.take(" ");
                self.body(extended);
            }
            if message || media_type == b"text" {
                self.take(" ");
                self.number();
            }
            if extended {
                self.take(" ");
                self.nstring();
                self.extension();
            }
            self.take(")");
        }

        fn extension(&mut self) {
            self.take(" ");
            if !self.nil() {
                self.take("(");
                self.string();
                self.take(" ");
                self.parameters();
                self.take(")");
            }
            self.take(" ");
            if self.next_is("(") {
                self.take("(");
                self.string();
                while self.next_is(" ") {
                    self.take(" ");
                    self.string();
                }
                self.take(")");
            } else {
                self.nstring();
            }
            self.take(" ");
            self.nstring();
        }
    }
}

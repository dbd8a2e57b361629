use proptest::prelude::*;

use super::*;

/// One line an address: name, route, local part and domain, with `-` for what is missing.
fn lines(value: &[u8]) -> Vec<String> {
    let line = |mailbox: &Mailbox| {
        let or_dash = |text: &Option<String>| text.clone().unwrap_or("-".to_owned());
        format!("{}|{}|{}|{}", or_dash(&mailbox.name), or_dash(&mailbox.route), mailbox.local_part, mailbox.domain)
    };
    let mut lines = Vec::new();
    for address in parse_addresses(value) {
        match address {
            Address::Mailbox(mailbox) => lines.push(line(&mailbox)),
            Address::Group { name, members } => {
                lines.push(format!("{name}:"));
                lines.extend(members.iter().map(line));
                lines.push(";".to_owned());
            }
        }
    }
    lines
}

fn check(value: &str, expected: &[&str]) {
    assert_eq!(lines(value.as_bytes()), expected, "{value}");
}

#[test]
fn addresses_of_the_standard() {
    check("joe@example.org", &["-|-|joe|example.org"]);
    check("Joe Q. Public <joe@example.org>", &["Joe Q. Public|-|joe|example.org"]);
    check("\"Joe, Q.\" <joe@x>, <b@y>", &["Joe, Q.|-|joe|x", "-|-|b|y"]);
    check("\"a \\\"b\\\"\" <\"c d\"@x>", &["a \"b\"|-|c d|x"]);
    check("joe@[192.0.2.1]", &["-|-|joe|[192.0.2.1]"]);
    check("Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>", &["Pete|-|pete|silly.test"]);
    check(
        "A Group:Ed Jones <joe@where.test>,John <jdoe@one.test>;",
        &["A Group:", "Ed Jones|-|joe|where.test", "John|-|jdoe|one.test", ";"],
    );
    check("Undisclosed recipients:;", &["Undisclosed recipients:", ";"]);
    check("G: a@b;, c@d", &["G:", "-|-|a|b", ";", "-|-|c|d"]);
}

#[test]
fn obsolete_addresses() {
    check("joe@x (Joe Public)", &["Joe Public|-|joe|x"]);
    check("Mary <@node.test,@b:mary@example.net>", &["Mary|@node.test,@b|mary|example.net"]);
    check("joe . public @ example . org", &["-|-|joe.public|example.org"]);
    check(", a@b,, c@d,", &["-|-|a|b", "-|-|c|d"]);
    check("Joe\r\n <joe@x>,\r\n\tb@y", &["Joe|-|joe|x", "-|-|b|y"]);
}

#[test]
fn broken_addresses() {
    check("", &[]);
    check("   ", &[]);
    check("joe", &["-|-|joe|"]);
    check("<joe>", &["-|-|joe|"]);
    check("<>", &["-|-||"]);
    check("@example.org", &["-|-||example.org"]);
    check("Joe Public", &["Joe Public|-||"]);
    check("joe@x.org <joe@x.org>", &["joe@x.org|-|joe|x.org"]);
    check("Joe <joe@x", &["Joe|-|joe|x"]);
    check("Joe <joe@x, b@y", &["Joe|-|joe|x", "-|-|b|y"]);
    check("<<joe@x>>", &["-|-|<joe|x"]);
    check("a@b; c@d", &["-|-|a|b", "-|-|c|d"]);
    check("\"never closed <joe@x>", &["never closed <joe@x>|-||"]);
    check("G: a@b, c@d", &["G:", "-|-|a|b", "-|-|c|d", ";"]);
    check("G: H: a@b;;", &["G:", "-|-|a|b", ";"]);
    check("(never closed", &[]);
    check("Joe <a@b@c>", &["Joe|-|a@b|c"]);
    check(">,),(", &["-|-|>|", "-|-|)|"]);
}

#[test]
fn names_beyond_ascii() {
    check("=?utf-8?q?J=C3=B6rg?= <j@x>", &["=?utf-8?q?J=C3=B6rg?=|-|j|x"]);
    check("Jörg <jörg@grün.example>", &["Jörg|-|jörg|grün.example"]);
    assert_eq!(lines(b"J\xf6rg <j@x>"), ["Jörg|-|j|x"]);
}

#[test]
fn addr_specs() {
    let spec = |value: &str| mailboxes(&parse_addresses(value.as_bytes())).next().and_then(Mailbox::addr_spec);
    assert_eq!(spec("Joe <joe@x>").as_deref(), Some("joe@x"));
    assert_eq!(spec("\"a b\"@x").as_deref(), Some("\"a b\"@x"));
    assert_eq!(spec("\"joe\"@x").as_deref(), Some("joe@x"));
    assert_eq!(spec("joe"), None);
}

#[test]
fn long_lists_are_bounded() {
    let value = "a@b,".repeat(MAX_ADDRESSES * 2);
    assert_eq!(parse_addresses(value.as_bytes()).len(), MAX_ADDRESSES);
    let nested = "(".repeat(100_000);
    assert!(parse_addresses(nested.as_bytes()).is_empty());
    let groups = "a:".repeat(100_000);
    assert!(parse_addresses(groups.as_bytes()).len() <= MAX_ADDRESSES);
}

proptest! {
    #[test]
    fn nothing_panics(value in "[a-c@<>,;:\"()\\[\\]\\\\. \r\n]{0,60}") {
        let _ = parse_addresses(value.as_bytes());
    }

    #[test]
    fn any_octets_do(value in proptest::collection::vec(any::<u8>(), 0..100)) {
        let _ = parse_addresses(&value);
    }
}

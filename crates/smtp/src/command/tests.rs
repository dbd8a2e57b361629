use super::*;

fn print(line: &[u8]) -> String {
    match parse(line) {
        Ok(Command::Mail(mail)) => format!("{mail:?}"),
        Ok(Command::Rcpt(rcpt)) => format!("{rcpt:?}"),
        Ok(command) => format!("{command:?}"),
        Err(error) => format!("{error:?}"),
    }
}

#[track_caller]
fn check(line: &str, expected: &str) {
    assert_eq!(print(line.as_bytes()), expected, "{line}");
}

#[track_caller]
fn check_sender(line: &str, expected: Option<&str>) {
    let sender = match parse(line.as_bytes()) {
        Ok(Command::Mail(mail)) => Some(mail.reverse_path.to_string()),
        Ok(other) => panic!("{other:?}"),
        Err(_) => None,
    };
    assert_eq!(sender.as_deref(), expected, "{line}");
}

#[track_caller]
fn check_recipient(line: &str, expected: Option<&str>) {
    let host_name = posthouse_model::Domain::parse("mail.example").unwrap();
    let recipient = match parse(line.as_bytes()) {
        Ok(Command::Rcpt(rcpt)) => Some(rcpt.address(&host_name).to_string()),
        Ok(other) => panic!("{other:?}"),
        Err(_) => None,
    };
    assert_eq!(recipient.as_deref(), expected, "{line}");
}

#[track_caller]
fn check_mail_error(parameters: &str, expected: CommandError) {
    let line = format!("MAIL FROM:<a@b.example> {parameters}");
    assert_eq!(parse(line.as_bytes()).map(|_| ()), Err(expected), "{line}");
}

#[track_caller]
fn mail_with(parameters: &str) -> MailCommand {
    match parse(format!("MAIL FROM:<a@b.example> {parameters}").as_bytes()) {
        Ok(Command::Mail(mail)) => *mail,
        other => panic!("{parameters}: {other:?}"),
    }
}

#[test]
fn verbs_are_read_in_any_case() {
    check("EHLO client.example", "Ehlo(\"client.example\")");
    check("helo [192.0.2.1]", "Helo(\"[192.0.2.1]\")");
    check("LhLo x_y", "Lhlo(\"x_y\")");
    check("ehlo", "MissingArgument");
    check("EHLO a b", "BadHeloName");
    check("EHLO b\u{fc}cher", "BadHeloName");
    check("quit  \t", "Quit");
    check("DATA extra", "UnexpectedArgument");
    check("RSET x", "UnexpectedArgument");
    check("STARTTLS now", "UnexpectedArgument");
    check("NOOP anything at all", "Noop");
    check("VRFY", "MissingArgument");
    check("vrfy someone", "Vrfy");
    check("EXPN list", "Expn");
    check("HELP me", "Help");
    check("GET / HTTP/1.1", "Http");
    check("", "UnknownVerb");
    check(" EHLO x", "UnknownVerb");
    check("DATA\0", "BadOctets");
    check("NOOP \r", "BadOctets");
    assert_eq!(print(b"NOOP \xff"), "BadOctets");
}

#[test]
fn auth_hides_its_response() {
    check("AUTH PLAIN AGEAYg==", "Auth(AuthCommand { mechanism: \"PLAIN\", initial_response: Some(Secret(..)) })");
    check("AUTH login", "Auth(AuthCommand { mechanism: \"login\", initial_response: None })");
    check("AUTH", "MissingArgument");
    check("AUTH PLAIN a b", "UnexpectedArgument");
}

#[test]
fn chunks_have_a_size() {
    check("BDAT 10", "Bdat(BdatCommand { size_bytes: 10, last: false })");
    check("bdat 0 last", "Bdat(BdatCommand { size_bytes: 0, last: true })");
    check("BDAT 99999999999999999999", "Bdat(BdatCommand { size_bytes: 18446744073709551615, last: false })");
    for bad in ["BDAT", "BDAT x", "BDAT -1", "BDAT 1 2", "BDAT 1 LAST x", "BDAT 100000000000000000000", "BDAT +1"] {
        check(bad, "BadChunkSize");
    }
}

#[test]
fn senders_are_read_strictly() {
    check_sender("MAIL FROM:<>", Some("<>"));
    check_sender("mail from:<a@B.Example>", Some("<a@b.example>"));
    check_sender("MAIL FROM: <a@b.example>", Some("<a@b.example>"));
    check_sender("MAIL FROM:<\"a b>c\\\"\"@b.example>", Some("<\"a b>c\\\"\"@b.example>"));
    check_sender("MAIL FROM:<a@[IPv6:::1]>", Some("<a@[IPv6:::1]>"));
    check_sender("MAIL FROM:<@x.example,@y.example:a@b.example>", Some("<a@b.example>"));
    check_sender("MAIL FROM:<@[IPv6:::1]:a@b.example>", Some("<a@b.example>"));
    check_sender("MAIL FROM:<j\u{f6}rg@b\u{fc}cher.example>", Some("<j\u{f6}rg@xn--bcher-kva.example>"));
    for bad in [
        "MAIL",
        "MAIL FROM",
        "MAIL FROM:",
        "MAIL FROM:a@b.example",
        "MAIL FROM:<a@b.example",
        "MAIL FROM:<a>",
        "MAIL FROM:<<a@b.example>>",
        "MAIL FROM:<a@b.example>SIZE=1",
        "MAIL FROM:<a@b.example> >",
        "MAIL TO:<a@b.example>",
        "MAIL FROM :<a@b.example>",
        "MAIL FROM:<@x.example>",
        "MAIL FROM:<@x.example,y.example:a@b.example>",
        "MAIL FROM:<postmaster>",
        "MAIL FROM:<a@b@c.example>",
        "MAIL FROM:<a b@c.example>",
        "MAIL FROM:<\"a@b.example>",
    ] {
        check_sender(bad, None);
    }
}

#[test]
fn recipients_are_read_strictly() {
    check_recipient("RCPT TO:<postmaster>", Some("postmaster@mail.example"));
    check_recipient("RCPT TO:<PostMaster>", Some("postmaster@mail.example"));
    check_recipient("RCPT TO:<Postmaster@b.example>", Some("Postmaster@b.example"));
    check_recipient("RCPT TO:<@relay.example:a@b.example>", Some("a@b.example"));
    check_recipient("RCPT TO:<a%c.example@b.example>", Some("a%c.example@b.example"));
    check_recipient("RCPT TO:<\"a@c.example\"@b.example>", Some("\"a@c.example\"@b.example"));
    check_recipient("RCPT TO:<c.example!a@b.example>", Some("c.example!a@b.example"));
    for bad in ["RCPT TO:<>", "RCPT TO:", "RCPT TO:<a>", "RCPT TO:<a@c@b.example>", "RCPT FROM:<a@b.example>"] {
        check_recipient(bad, None);
    }
    let long = format!("RCPT TO:<{}@b.example>", "x".repeat(65));
    check_recipient(&long, None);
}

#[test]
fn parameters_of_mail() {
    let all = mail_with("SIZE=12 body=8bitmime SMTPUTF8 REQUIRETLS RET=HDRS ENVID=a+2Bb AUTH=x@y.example");
    assert_eq!(all.size_bytes, Some(12));
    assert_eq!(all.body_type, Some(BodyType::EightBitMime));
    assert!(all.smtputf8 && all.require_tls);
    assert_eq!(all.dsn_return, Some(DsnReturn::Headers));
    assert_eq!(all.envelope_id.as_deref(), Some("a+2Bb"));
    assert_eq!(all.auth.as_deref(), Some("x@y.example"));
    assert_eq!(mail_with("AUTH=<>").auth.as_deref(), Some("<>"));
    assert_eq!(mail_with("SIZE=99999999999999999999").size_bytes, Some(u64::MAX));
    check_mail_error("SIZE=99999999999999999999999", CommandError::BadParameterValue);
    check_mail_error("SIZE=-1", CommandError::BadParameterValue);
    check_mail_error("SIZE", CommandError::BadParameterValue);
    check_mail_error("SIZE=1 SIZE=1", CommandError::RepeatedParameter);
    check_mail_error("BODY=9BIT", CommandError::BadParameterValue);
    check_mail_error("SMTPUTF8=1", CommandError::BadParameterValue);
    check_mail_error("REQUIRETLS REQUIRETLS", CommandError::RepeatedParameter);
    check_mail_error("RET=ALL", CommandError::BadParameterValue);
    check_mail_error("ENVID=a=b", CommandError::BadParameterValue);
    check_mail_error(&format!("ENVID={}", "x".repeat(101)), CommandError::BadParameterValue);
    check_mail_error("XYZZY=1", CommandError::UnknownParameter);
    check_mail_error("NOTIFY=NEVER", CommandError::UnknownParameter);
}

#[test]
fn parameters_of_rcpt() {
    #[track_caller]
    fn check(parameters: &str, expected: Result<(Option<DsnNotify>, Option<&str>), CommandError>) {
        let line = format!("RCPT TO:<a@b.example> {parameters}");
        let found = parse(line.as_bytes()).map(|command| match command {
            Command::Rcpt(rcpt) => (rcpt.notify, rcpt.original.clone()),
            other => panic!("{other:?}"),
        });
        assert_eq!(found, expected.map(|(notify, original)| (notify, original.map(str::to_owned))), "{line}");
    }
    check("NOTIFY=NEVER", Ok((Some(DsnNotify::NEVER), None)));
    check(
        "notify=success,DELAY ORCPT=rfc822;a+2Bb@c.example",
        Ok((Some(DsnNotify { success: true, failure: false, delay: true }), Some("rfc822;a+2Bb@c.example"))),
    );
    check("NOTIFY=NEVER,SUCCESS", Err(CommandError::BadParameterValue));
    check("NOTIFY=", Err(CommandError::BadParameterValue));
    check("ORCPT=a@b", Err(CommandError::BadParameterValue));
    check("ORCPT=rfc822;", Err(CommandError::BadParameterValue));
    check("ORCPT=rfc822;a=b", Err(CommandError::BadParameterValue));
    check(&format!("ORCPT=rfc822;{}", "x".repeat(494)), Err(CommandError::BadParameterValue));
    check("SIZE=1", Err(CommandError::UnknownParameter));
}

proptest::proptest! {
    #[test]
    fn random_lines_do_not_panic(line: Vec<u8>) {
        let _ = parse(&line);
    }

    #[test]
    fn lines_that_are_almost_right_do_not_panic(
        start in "(MAIL FROM:|RCPT TO:|BDAT |AUTH |EHLO )",
        rest in "[<>@:,\"\\\\a-c. =+;0-9\\[\\]\\PC]{0,40}",
    ) {
        let _ = parse(format!("{start}{rest}").as_bytes());
    }
}

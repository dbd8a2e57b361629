//! What attackers try, tried against the real program from the outside.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Result, ensure};
use posthouse_interop::{Account, LineStream, Posthouse, base64};

const HOST: &str = "localhost";
/// Octets that no line, header or literal may have.
const ENDLESS: usize = 8 * 1024 * 1024;

fn mx(server: &Posthouse) -> Result<LineStream> {
    let mut smtp = LineStream::plain(server.port("mx", "starttls-optional"))?;
    smtp.smtp_reply()?;
    smtp.smtp("EHLO attacker.example")?;
    Ok(smtp)
}

fn submission(server: &Posthouse, account: &Account) -> Result<LineStream> {
    let mut smtp = LineStream::tls(server.port("submission", "implicit"), HOST, server.ca())?;
    smtp.smtp_reply()?;
    smtp.smtp("EHLO client.example")?;
    let login = base64(format!("\0{}\0{}", account.address, account.password).as_bytes());
    ensure!(smtp.smtp(&format!("AUTH PLAIN {login}"))?.starts_with("235"));
    Ok(smtp)
}

fn imap(server: &Posthouse, account: &Account) -> Result<LineStream> {
    let mut imap = LineStream::tls(server.port("imap", "implicit"), HOST, server.ca())?;
    imap.line()?;
    let lines = imap.imap("a", &format!("LOGIN {} {}", account.address, account.password))?;
    ensure!(lines.last().is_some_and(|line| line.starts_with("a OK")), "{lines:?}");
    Ok(imap)
}

fn last(lines: &[String]) -> &str {
    lines.last().map_or("", String::as_str)
}

fn message_count(server: &Posthouse, account: &Account) -> Result<String> {
    let mut imap = imap(server, account)?;
    Ok(imap.imap("b", "STATUS INBOX (MESSAGES)")?.remove(0))
}

#[test]
fn no_disguise_makes_it_a_relay() -> Result<()> {
    let server = Posthouse::start()?;
    let ours = server.ready.domain.clone();
    let disguises = [
        "<victim@far.example>".to_owned(),
        format!("<victim%far.example@{ours}>"),
        format!("<far.example!victim@{ours}>"),
        format!("<@{ours}:victim@far.example>"),
        format!("<\"victim@far.example\"@{ours}>"),
        "<victim@[192.0.2.1]>".to_owned(),
        "<victim@[IPv6:2001:db8::1]>".to_owned(),
        format!("<victim@far.example@{ours}>"),
        format!("<\"victim\"@far.example,@{ours}>"),
        format!("victim@far.example <ann@{ours}>"),
        format!("<victim@far.example\0@{ours}>"),
        format!("<victim@{ours}.far.example>"),
        format!("<victim@far.example> <ann@{ours}>"),
        "<victim@xn--far.example>".to_owned(),
        "<victim@127.0.0.1>".to_owned(),
    ];
    for sender in ["<>", "<somebody@far.example>", &format!("<{}>", server.ann().address)] {
        let mut smtp = mx(&server)?;
        for disguise in &disguises {
            ensure!(smtp.smtp(&format!("MAIL FROM:{sender}"))?.starts_with("250"));
            let reply = smtp.smtp(&format!("RCPT TO:{disguise}"))?;
            ensure!(reply.starts_with('5'), "RCPT TO:{disguise} from {sender} was answered {reply}");
            smtp.smtp("RSET")?;
            // Errors are counted, so that each sender begins anew before there are too many.
            if reply.starts_with("500") || reply.starts_with("501") {
                smtp = mx(&server)?;
            }
        }
    }
    ensure!(server.command(&["queue", "counts"])?.ok()?.text().contains('0'));
    server.stop()
}

#[test]
fn nothing_but_the_listed_verbs_before_signing_in() -> Result<()> {
    let server = Posthouse::start()?;
    for (tls, port) in
        [("implicit", server.port("submission", "implicit")), ("plain", server.port("submission", "starttls-required"))]
    {
        let mut smtp = match tls {
            "implicit" => LineStream::tls(port, HOST, server.ca())?,
            _ => LineStream::plain(port)?,
        };
        smtp.smtp_reply()?;
        smtp.smtp("EHLO client.example")?;
        for verb in ["MAIL FROM:<a@b.example>", "RCPT TO:<a@b.example>", "DATA", "BDAT 3 LAST", "VRFY ann", "EXPN all"]
        {
            if verb.starts_with("BDAT") {
                smtp.send_raw(b"BDAT 3 LAST\r\nabc")?;
            } else {
                smtp.send(verb)?;
            }
            let reply = smtp.smtp_reply()?;
            ensure!(reply.starts_with("530"), "{tls}: {verb} was answered {reply}");
        }
        ensure!(smtp.smtp("NOOP")?.starts_with("250"));
        // Where TLS is still to come, even RSET has to wait for it (RFC 3207 §4).
        let expected = if tls == "implicit" { "250" } else { "530" };
        ensure!(smtp.smtp("RSET")?.starts_with(expected));
    }
    server.stop()
}

#[test]
fn no_password_is_taken_in_clear() -> Result<()> {
    let server = Posthouse::start()?;
    let ann = server.ann();
    let login = base64(format!("\0{}\0{}", ann.address, ann.password).as_bytes());

    let mut smtp = LineStream::plain(server.port("submission", "starttls-required"))?;
    smtp.smtp_reply()?;
    smtp.send("EHLO client.example")?;
    let reply = smtp.smtp(&format!("AUTH PLAIN {login}"))?;
    ensure!(!reply.starts_with("235"), "{reply}");
    ensure!(!smtp.smtp(&format!("AUTH PLAIN {login}"))?.starts_with("235"));

    let mut imap = LineStream::plain(server.port("imap", "starttls-required"))?;
    let greeting = imap.line()?;
    ensure!(greeting.contains("LOGINDISABLED") && !greeting.contains("AUTH=PLAIN"), "{greeting}");
    ensure!(last(&imap.imap("a", &format!("LOGIN {} {}", ann.address, ann.password))?).starts_with("a NO"));
    ensure!(!last(&imap.imap("b", &format!("AUTHENTICATE PLAIN {login}"))?).starts_with("b OK"));

    let mut pop = LineStream::plain(server.port("pop3", "starttls-required"))?;
    pop.line()?;
    for command in [format!("USER {}", ann.address), format!("AUTH PLAIN {login}")] {
        pop.send(&command)?;
        ensure!(pop.line()?.starts_with("-ERR"), "{command}");
    }
    server.stop()
}

#[test]
fn what_is_injected_behind_starttls_is_dropped_with_the_connection() -> Result<()> {
    let server = Posthouse::start()?;
    let doors = [
        (server.port("mx", "starttls-optional"), "EHLO x.example\r\nSTARTTLS\r\nMAIL FROM:<evil@far.example>\r\n"),
        (server.port("submission", "starttls-required"), "EHLO x.example\r\nSTARTTLS\r\nEHLO injected\r\n"),
        (server.port("imap", "starttls-required"), "a STARTTLS\r\nb LOGIN evil evil\r\n"),
        (server.port("pop3", "starttls-required"), "STLS\r\nUSER evil\r\n"),
    ];
    for (port, script) in doors {
        let mut socket = TcpStream::connect(("127.0.0.1", port))?;
        socket.set_read_timeout(Some(Duration::from_secs(30)))?;
        socket.write_all(script.as_bytes())?;
        let mut said = Vec::new();
        // The server ends the connection; a reset is as good an end as any.
        let ended = socket.read_to_end(&mut said);
        let said = String::from_utf8_lossy(&said).into_owned();
        ensure!(ended.is_ok() || !said.is_empty(), "port {port}: {ended:?}");
        ensure!(!said.contains("250 2.1.0") && !said.contains("b NO") && !said.contains("b OK"), "{said}");
    }
    server.stop()
}

/// A message that would hide a second one behind a wrong end of data.
fn smuggled(end: &str) -> String {
    format!(
        "From: a@far.example\r\nSubject: outer\r\n\r\nouter{end}MAIL FROM:<evil@far.example>\r\n\
         RCPT TO:<ann@example.test>\r\nDATA\r\nSubject: inner\r\n\r\ninner\r\n.\r\n"
    )
}

#[test]
fn no_wrong_end_of_data_smuggles_a_message() -> Result<()> {
    let server = Posthouse::start()?;
    let ends = [
        "\n.\n",
        "\n.\r\n",
        "\r.\r\n",
        "\r.\r",
        "\r\n.\n",
        "\r\n.\r",
        "\n.\r",
        "\r\n\0.\r\n",
        "\r\n.\0\r\n",
        "\r\n. \r\n",
        "\r\r\n.\r\r\n",
    ];
    let before = message_count(&server, server.ann())?;
    for end in ends {
        let mut smtp = mx(&server)?;
        ensure!(smtp.smtp("MAIL FROM:<a@far.example>")?.starts_with("250"));
        ensure!(smtp.smtp(&format!("RCPT TO:<{}>", server.bob().address))?.starts_with("250"));
        ensure!(smtp.smtp("DATA")?.starts_with("354"));
        smtp.send_raw(smuggled(end).as_bytes())?;
        // One reply, to the one end of data; then NOOP is answered and nothing else.
        let reply = smtp.smtp_reply()?;
        let after = smtp.smtp("NOOP")?;
        ensure!(after.starts_with("250"), "{end:?}: {reply}, then {after}");
    }
    ensure!(message_count(&server, server.ann())? == before, "a smuggled message arrived");
    server.stop()
}

#[test]
fn nobody_sends_as_somebody_else() -> Result<()> {
    let server = Posthouse::start()?;
    let (ann, bob) = (&server.ann().address, &server.bob().address);
    let mut smtp = submission(&server, server.ann())?;
    for sender in [bob.as_str(), "ceo@far.example", "root@example.test"] {
        let reply = smtp.smtp(&format!("MAIL FROM:<{sender}>"))?;
        ensure!(reply.starts_with("553 5.7.1"), "{sender}: {reply}");
    }
    let forged = [
        format!("From: {bob}\r\n"),
        format!("From: {ann}, {bob}\r\n"),
        format!("From: {ann}\r\nFrom: {bob}\r\n"),
        format!("From: {ann}\r\nSender: {bob}\r\n"),
        format!("From : {bob}\r\nFrom: {ann}\r\n"),
        format!("From: \"{ann}\" <{bob}>\r\n"),
        format!("FROM:\r\n {bob}\r\n"),
        "Subject: no author at all\r\n".to_owned(),
        "From: undisclosed:;\r\n".to_owned(),
    ];
    for header in forged {
        ensure!(smtp.smtp(&format!("MAIL FROM:<{ann}>"))?.starts_with("250"));
        ensure!(smtp.smtp(&format!("RCPT TO:<{bob}>"))?.starts_with("250"));
        ensure!(smtp.smtp("DATA")?.starts_with("354"));
        smtp.send_raw(format!("{header}To: {bob}\r\n\r\nhello\r\n").as_bytes())?;
        let reply = smtp.smtp(".")?;
        ensure!(reply.starts_with('5'), "{header:?}: {reply}");
    }
    server.stop()
}

#[test]
fn one_account_never_reaches_the_mail_of_another() -> Result<()> {
    let server = Posthouse::start()?;
    let (ann, bob) = (server.ann(), server.bob());
    // The password of one, acting as the other.
    for identity in
        [format!("{}\0{}\0{}", bob.address, ann.address, ann.password), format!("\0{}\0{}", bob.address, ann.password)]
    {
        let mut smtp = LineStream::tls(server.port("submission", "implicit"), HOST, server.ca())?;
        smtp.smtp_reply()?;
        smtp.smtp("EHLO client.example")?;
        let reply = smtp.smtp(&format!("AUTH PLAIN {}", base64(identity.as_bytes())))?;
        ensure!(reply.starts_with("535"), "{reply}");
        let mut imap = LineStream::tls(server.port("imap", "implicit"), HOST, server.ca())?;
        imap.line()?;
        ensure!(
            last(&imap.imap("a", &format!("AUTHENTICATE PLAIN {}", base64(identity.as_bytes())))?).starts_with("a NO")
        );
    }
    let mut bobs = imap(&server, bob)?;
    ensure!(last(&bobs.imap("b", "CREATE Secret")?).starts_with("b OK"));
    let mut anns = imap(&server, ann)?;
    for name in [
        "Secret",
        "/Secret",
        "../bob@example.test/Secret",
        "bob@example.test/Secret",
        "\"#user/bob@example.test/INBOX\"",
        "\"~bob/INBOX\"",
        "\"../../../../etc/passwd\"",
        "\"Other Users/bob/INBOX\"",
    ] {
        for verb in ["SELECT", "EXAMINE", "DELETE"] {
            let lines = anns.imap("c", &format!("{verb} {name}"))?;
            ensure!(!last(&lines).starts_with("c OK"), "{verb} {name}: {lines:?}");
        }
        let lines = anns.imap("d", &format!("STATUS {name} (MESSAGES)"))?;
        ensure!(!last(&lines).starts_with("d OK"), "{lines:?}");
    }
    let listed = anns.imap("e", "LIST \"\" *")?.join("\n");
    ensure!(!listed.contains("Secret"), "{listed}");
    // A name that looks like a path is a name like any other, of the account's own.
    ensure!(last(&anns.imap("f", "CREATE \"../../escaped\"")?).starts_with("f OK"));
    ensure!(!bobs.imap("g", "LIST \"\" *")?.join("\n").contains("escaped"));
    server.stop()
}

#[test]
fn endless_input_is_cut_off() -> Result<()> {
    let server = Posthouse::start()?;
    let doors = [
        server.port("mx", "starttls-optional"),
        server.port("submission", "starttls-required"),
        server.port("imap", "starttls-required"),
        server.port("pop3", "starttls-required"),
        server.port("lmtp", "none"),
    ];
    for port in doors {
        let mut socket = TcpStream::connect(("127.0.0.1", port))?;
        socket.set_write_timeout(Some(Duration::from_secs(30)))?;
        let chunk = vec![b'x'; 64 * 1024];
        let mut sent = 0;
        while sent < ENDLESS && socket.write_all(&chunk).is_ok() {
            sent += chunk.len();
        }
        ensure!(sent < ENDLESS, "port {port} takes a line of {sent} octets");
    }
    // Literals before signing in, and numbers that overflow.
    for literal in ["{8388608}", "{8388608+}", "{99999999999999999999}", "{4294967297+}"] {
        let mut imap = LineStream::tls(server.port("imap", "implicit"), HOST, server.ca())?;
        imap.line()?;
        imap.send(&format!("a LOGIN {literal}"))?;
        let answer = imap.line()?;
        ensure!(!answer.starts_with('+'), "{literal}: {answer}");
    }
    server.stop()
}

#[test]
fn hostile_messages_are_stored_and_shown_without_harm() -> Result<()> {
    let server = Posthouse::start()?;
    let mut nested = String::from("Subject: nested\r\nMIME-Version: 1.0\r\n");
    for depth in 0..500 {
        nested += &format!("Content-Type: multipart/mixed; boundary=\"b{depth}\"\r\n\r\n--b{depth}\r\n");
    }
    let many = format!(
        "Subject: many\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n{}--b--\r\n",
        "--b\r\n\r\n\r\n".repeat(50_000)
    );
    let header = format!("Subject: long\r\nX-Long: {}\r\n\r\nbody\r\n", "y ".repeat(200_000).trim_end());
    let wide = format!("Subject: wide\r\n{}\r\nbody\r\n", "X-Field: value\r\n".repeat(20_000));
    let parameters = format!("Subject: params\r\nContent-Type: text/plain{}\r\n\r\nbody\r\n", "; a=b".repeat(20_000));
    for message in [&nested, &many, &header, &wide, &parameters] {
        let mut smtp = mx(&server)?;
        ensure!(smtp.smtp("MAIL FROM:<a@far.example>")?.starts_with("250"));
        ensure!(smtp.smtp(&format!("RCPT TO:<{}>", server.ann().address))?.starts_with("250"));
        smtp.send_raw(format!("BDAT {} LAST\r\n", message.len()).as_bytes())?;
        smtp.send_raw(message.as_bytes())?;
        let reply = smtp.smtp_reply()?;
        ensure!(reply.starts_with("250") || reply.starts_with('5'), "{reply}");
    }
    let mut imap = imap(&server, server.ann())?;
    imap.imap("b", "SELECT INBOX")?;
    let lines = imap.imap("c", "FETCH 1:* (ENVELOPE BODYSTRUCTURE RFC822.SIZE)")?;
    ensure!(last(&lines).starts_with("c OK"), "{}", last(&lines));
    let lines = imap.imap("d", "SEARCH TEXT body")?;
    ensure!(last(&lines).starts_with("d OK"), "{lines:?}");
    server.stop()
}

#[test]
fn the_wrong_kind_of_first_bytes_ends_cleanly() -> Result<()> {
    let server = Posthouse::start()?;
    let tls_ports =
        [server.port("submission", "implicit"), server.port("imap", "implicit"), server.port("pop3", "implicit")];
    for port in tls_ports {
        let mut socket = TcpStream::connect(("127.0.0.1", port))?;
        socket.set_read_timeout(Some(Duration::from_secs(30)))?;
        socket.write_all(b"EHLO plain.example\r\n")?;
        let mut said = Vec::new();
        drop(socket.read_to_end(&mut said));
        ensure!(!String::from_utf8_lossy(&said).contains("250"), "{said:?}");
    }
    let plain_ports = [
        server.port("mx", "starttls-optional"),
        server.port("imap", "starttls-required"),
        server.port("pop3", "starttls-required"),
    ];
    for port in plain_ports {
        ensure!(LineStream::tls(port, HOST, server.ca()).is_err(), "port {port} speaks TLS at once");
        let mut socket = TcpStream::connect(("127.0.0.1", port))?;
        socket.set_read_timeout(Some(Duration::from_secs(30)))?;
        socket.write_all(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")?;
        let mut said = Vec::new();
        drop(socket.read_to_end(&mut said));
    }
    // The server is as well as before.
    imap(&server, server.ann())?;
    server.stop()
}

#[test]
fn a_flood_of_connections_leaves_room_for_others() -> Result<()> {
    let server = Posthouse::start()?;
    let port = server.port("mx", "starttls-optional");
    let mut open = Vec::new();
    for _ in 0..400 {
        if let Ok(socket) = TcpStream::connect(("127.0.0.1", port)) {
            open.push(socket);
        }
    }
    imap(&server, server.ann())?;
    drop(open);
    ensure!(mx(&server)?.smtp("NOOP")?.starts_with("250"));
    server.stop()
}

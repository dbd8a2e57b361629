//! More than six thousand messages that none of us wrote come out as they went in, by every door.

use anyhow::{Context, Result, bail, ensure};
use posthouse_interop::{Account, CorpusMessage, LineStream, Options, Posthouse, corpus};

const SENDER: &str = "list@corpus.example";

/// How a message went in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Door {
    Data,
    Bdat,
}

/// Messages on one connection, fewer than a server may allow (RFC 9422).
const MESSAGES_PER_CONNECTION: usize = 500;

fn deliver(stream: &mut LineStream, to: &str, message: &CorpusMessage, door: Door) -> Result<()> {
    ensure!(stream.smtp(&format!("MAIL FROM:<{SENDER}> BODY=8BITMIME"))?.starts_with("250"));
    ensure!(stream.smtp(&format!("RCPT TO:<{to}>"))?.starts_with("250"));
    match door {
        Door::Data => {
            ensure!(stream.smtp("DATA")?.starts_with("354"));
            stream.send_raw(&message.dot_stuffed())?;
        }
        Door::Bdat => {
            // In two pieces, so that a line is cut somewhere.
            let (first, last) = message.raw.split_at(message.raw.len() / 2);
            stream.send_raw(format!("BDAT {}\r\n", first.len()).as_bytes())?;
            stream.send_raw(first)?;
            ensure!(stream.smtp_reply()?.starts_with("250"));
            stream.send_raw(format!("BDAT {} LAST\r\n", last.len()).as_bytes())?;
            stream.send_raw(last)?;
        }
    }
    let reply = stream.smtp_reply()?;
    ensure!(reply.starts_with("250"), "{}: {reply}", message.name);
    Ok(())
}

/// Every message of INBOX, by sequence number.
fn fetch_all(server: &Posthouse, account: &Account, mut each: impl FnMut(usize, &[u8]) -> Result<()>) -> Result<usize> {
    let mut imap = imap_login(server, account)?;
    imap.imap("b", "EXAMINE INBOX")?;
    imap.send("c FETCH 1:* (BODY.PEEK[])")?;
    let mut count = 0;
    loop {
        let line = imap.line()?;
        if line.starts_with("c ") {
            ensure!(line.starts_with("c OK"), "{line}");
            return Ok(count);
        }
        let length =
            line.rsplit_once('{').and_then(|(_, rest)| rest.strip_suffix('}')).context(line.clone())?.parse()?;
        let octets = imap.octets(length)?;
        each(count, &octets).with_context(|| format!("message {} by IMAP", count + 1))?;
        count += 1;
        let end = imap.line()?;
        ensure!(end == ")", "{end}");
    }
}

fn imap_login(server: &Posthouse, account: &Account) -> Result<LineStream> {
    let mut imap = LineStream::tls(server.port("imap", "implicit"), &server.ready.host, server.ca())?;
    imap.line()?;
    let lines = imap.imap("a", &format!("LOGIN {} {}", account.address, account.password))?;
    ensure!(lines.last().is_some_and(|line| line.starts_with("a OK")), "{lines:?}");
    Ok(imap)
}

/// What stands above the message as it went in: our trace fields, and nothing else.
fn check_trace<'a>(stored: &'a [u8], original: &[u8]) -> Result<&'a str> {
    let Some(trace) = stored.strip_suffix(original) else {
        bail!("the message was changed:\n{}", String::from_utf8_lossy(stored));
    };
    let trace = std::str::from_utf8(trace)?;
    let rest = trace.strip_prefix(&format!("Return-Path: <{SENDER}>\r\n")).context(trace.to_owned())?;
    ensure!(rest.starts_with("Received: from ") && rest.ends_with("+0000\r\n"), "{trace}");
    let is_one_field = rest.trim_end().lines().skip(1).all(|line| line.starts_with('\t'));
    ensure!(is_one_field, "{trace}");
    Ok(trace)
}

/// ENVELOPE and BODYSTRUCTURE of every message, which must never fail, and in which parentheses and quotes have to
/// balance.
fn fetch_structures(server: &Posthouse, account: &Account, expected: usize) -> Result<()> {
    let mut imap = imap_login(server, account)?;
    imap.imap("b", "EXAMINE INBOX")?;
    let lines = imap.imap("c", "FETCH 1:* (ENVELOPE BODYSTRUCTURE BODY RFC822.SIZE)")?;
    let (last, rows) = lines.split_last().context("nothing")?;
    ensure!(last.starts_with("c OK"), "{last}");
    ensure!(rows.len() == expected, "{} rows instead of {expected}", rows.len());
    for row in rows {
        ensure!(row.contains(" ENVELOPE (") && row.contains(" BODYSTRUCTURE ("), "{row}");
    }
    Ok(())
}

fn retrieve_all(
    server: &Posthouse,
    account: &Account,
    mut each: impl FnMut(usize, &[u8]) -> Result<()>,
) -> Result<usize> {
    let mut pop = LineStream::tls(server.port("pop3", "implicit"), &server.ready.host, server.ca())?;
    let mut command = |line: &str| -> Result<String> {
        if !line.is_empty() {
            pop.send(line)?;
        }
        let answer = pop.line()?;
        ensure!(answer.starts_with("+OK"), "{line}: {answer}");
        Ok(answer)
    };
    command("")?;
    command(&format!("USER {}", account.address))?;
    command(&format!("PASS {}", account.password))?;
    let count: usize = command("STAT")?.split(' ').nth(1).context("no count")?.parse()?;
    for number in 1..=count {
        pop.send(&format!("RETR {number}"))?;
        ensure!(pop.line()?.starts_with("+OK"));
        let octets = pop.dot_lines()?;
        each(number - 1, &octets).with_context(|| format!("message {number} by POP3"))?;
    }
    Ok(count)
}

#[test]
fn mail_by_smtp_comes_out_as_it_went_in() -> Result<()> {
    let server = Posthouse::start()?;
    let messages: Vec<_> = corpus()?.into_iter().filter(CorpusMessage::is_transportable).collect();
    for some in messages.chunks(MESSAGES_PER_CONNECTION) {
        let mut smtp = LineStream::plain(server.port("mx", "starttls-optional"))?;
        smtp.smtp_reply()?;
        smtp.smtp("EHLO corpus.example")?;
        for (at, message) in some.iter().enumerate() {
            let door = if at % 2 == 0 { Door::Data } else { Door::Bdat };
            deliver(&mut smtp, &server.ann().address, message, door)?;
        }
    }
    let welcome = 1;
    let check = |at: usize, stored: &[u8]| match at.checked_sub(welcome) {
        Some(at) => check_trace(stored, &messages[at].raw).map(|_| ()).with_context(|| messages[at].name.clone()),
        None => Ok(()),
    };
    assert_eq!(fetch_all(&server, server.ann(), check)?, messages.len() + welcome);
    assert_eq!(retrieve_all(&server, server.ann(), check)?, messages.len() + welcome);
    fetch_structures(&server, server.ann(), messages.len() + welcome)?;
    server.stop()
}

#[test]
fn mail_by_lmtp_comes_out_as_it_went_in() -> Result<()> {
    let server = Posthouse::start()?;
    let messages: Vec<_> = corpus()?.into_iter().filter(CorpusMessage::is_transportable).collect();
    for some in messages.chunks(MESSAGES_PER_CONNECTION) {
        let mut lmtp = LineStream::plain(server.port("lmtp", "none"))?;
        lmtp.smtp_reply()?;
        lmtp.smtp("LHLO corpus.example")?;
        for message in some {
            deliver(&mut lmtp, &server.bob().address, message, Door::Data)?;
        }
    }
    let welcome = 1;
    let count = fetch_all(&server, server.bob(), |at, stored| match at.checked_sub(welcome) {
        Some(at) => check_trace(stored, &messages[at].raw).map(|_| ()).with_context(|| messages[at].name.clone()),
        None => Ok(()),
    })?;
    assert_eq!(count, messages.len() + welcome);
    server.stop()
}

#[test]
fn mail_by_append_comes_out_as_it_went_in() -> Result<()> {
    let server = Posthouse::start_with(&Options::default())?;
    let messages = corpus()?;
    let mut imap = imap_login(&server, server.bob())?;
    for message in &messages {
        imap.send_raw(format!("d APPEND INBOX (\\Seen) {{{}+}}\r\n", message.raw.len()).as_bytes())?;
        imap.send_raw(&message.raw)?;
        let lines = imap.imap_after("d", "")?;
        let last = lines.last().context("nothing")?;
        ensure!(last.starts_with("d OK [APPENDUID ") || message.raw.contains(&0), "{}: {last}", message.name);
    }
    let stored: Vec<_> = messages.iter().filter(|message| !message.raw.contains(&0)).collect();
    let welcome = 1;
    let count = fetch_all(&server, server.bob(), |at, octets| {
        if let Some(at) = at.checked_sub(welcome) {
            ensure!(octets == stored[at].raw, "{} was changed", stored[at].name);
        }
        Ok(())
    })?;
    assert_eq!(count, stored.len() + welcome);
    fetch_structures(&server, server.bob(), count)?;
    server.stop()
}

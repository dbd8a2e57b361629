//! "Why was it rejected, where is it now?": the trail as an administrator walks it, one command for each kind of end,
//! found by Message-ID, sender and recipient.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use support::{Demo, Talk, base64, stdout};

/// How long what comes about by itself may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A host that answers by the local part of each recipient. Gives where it is.
fn next_host() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for stream in listener.incoming() {
            thread::spawn(move || converse(stream.unwrap()));
        }
    });
    address
}

fn converse(stream: TcpStream) -> Option<()> {
    let mut writer = stream.try_clone().ok()?;
    let mut lines = BufReader::new(stream).lines();
    let mut say = |line: &str| writer.write_all(format!("{line}\r\n").as_bytes()).ok();
    say("220 next.example ESMTP")?;
    while let Some(Ok(line)) = lines.next() {
        let reply = match line.to_ascii_lowercase().as_str() {
            "data" => {
                say("354 go on")?;
                while lines.next()?.ok()? != "." {}
                "250 2.0.0 kept as 4711"
            }
            line if line.starts_with("rcpt to:<later") => "450 4.2.0 come back tomorrow",
            line if line.starts_with("rcpt to:<gone") => "550 5.1.1 nobody of that name",
            line if line.starts_with("quit") => return say("221 bye"),
            _ => "250 2.0.0 fine",
        };
        say(reply)?;
    }
    Some(())
}

struct Office {
    demo: Demo,
    talk: Talk,
}

impl Office {
    fn open() -> Self {
        let demo = Demo::start(&["--route", &next_host()]);
        let (ann, password) = demo.account(0);
        let mut talk = demo.talk("submissions");
        assert!(talk.line().starts_with("220 "));
        talk.smtp("EHLO laptop.example", "250");
        talk.smtp(&format!("AUTH PLAIN {}", base64(&format!("\0{ann}\0{password}"))), "235");
        Self { demo, talk }
    }

    fn ann(&self) -> String {
        self.demo.account(0).0.to_owned()
    }

    /// Ann sends a message.
    fn send(&mut self, id: &str, parameters: &str, to: &[&str]) {
        let ann = self.ann();
        self.send_as(&ann, id, parameters, to, "250");
    }

    fn send_as(&mut self, from: &str, id: &str, parameters: &str, to: &[&str], code: &str) {
        let ann = self.ann();
        self.talk.smtp(&format!("MAIL FROM:<{ann}>{parameters}"), "250");
        for to in to {
            self.talk.smtp(&format!("RCPT TO:<{to}>"), "250");
        }
        self.talk.smtp("DATA", "354");
        self.talk.smtp(&format!("From: <{from}>\r\nMessage-ID: <{id}>\r\nSubject: x\r\n\r\nhello\r\n."), code);
    }

    fn command(&self, arguments: &[&str]) -> String {
        stdout(&self.demo.server.command(arguments))
    }

    /// What the trail prints of where a message is, once that has all of `words`. It is the same by Message-ID, sender and
    /// recipient.
    fn told(&self, id: &str, to: &str, words: &[&str]) -> String {
        let begun = Instant::now();
        let told = loop {
            let told = self.command(&["trail", id]);
            let (_, now) = told.split_once("\n  now\n").unwrap_or(("", ""));
            if words.iter().all(|word| now.contains(word)) {
                break now.to_owned();
            }
            assert!(begun.elapsed() < PATIENCE, "{words:?} in {told}");
            thread::sleep(Duration::from_millis(50));
        };
        let ann = self.ann();
        for arguments in [&["trail", to][..], &["trail", &ann, "--to", to], &["trail", to, "--from", &ann]] {
            let found = self.command(arguments);
            assert!(words.iter().all(|word| found.contains(word)), "{arguments:?}: {found}");
        }
        told
    }

    /// What the trail tells an administrator to do, done.
    fn obey(&self, told: &str, verb: &str) {
        let line = told.lines().find(|line| line.contains(verb)).unwrap();
        let command = line.split("posthouse ").map(|part| part.split([';', ',']).next().unwrap());
        let command = command.skip(1).find(|command| command.contains(verb)).unwrap();
        self.command(&command.split_whitespace().skip(2).collect::<Vec<_>>());
    }
}

#[test]
fn where_is_my_mail() {
    let mut office = Office::open();
    let bob = office.demo.account(1).0.to_owned();

    // Put off: by whom, with what words, until when, and how to try it at once.
    office.send("later@laptop.example", "", &["later@far.example"]);
    let told = office.told(
        "later@laptop.example",
        "later@far.example",
        &["<later@far.example>: waits: tried once, next at ", "come back tomorrow", "given up after ", "queue retry "],
    );
    office.obey(&told, "queue retry");
    office.told("later@laptop.example", "later@far.example", &["waits: tried 2 times"]);

    // Held by an administrator, who is told how to let it go; then dropped.
    let ann = office.ann();
    office.command(&["queue", "hold", "--sender", &ann]);
    let told = office.told(
        "later@laptop.example",
        "later@far.example",
        &["held since ", "by an administrator", "come back tomorrow", "queue release ", "queue bounce "],
    );
    office.obey(&told, "queue release");
    office.told("later@laptop.example", "later@far.example", &["waits: tried "]);
    office.command(&["queue", "drop", "--sender", &ann, "--yes"]);
    office.told("later@laptop.example", "later@far.example", &["dropped at ", "its sender was not told"]);

    // Bounced by the next host.
    office.send("gone@laptop.example", "", &["gone@far.example"]);
    let told = office.told(
        "gone@laptop.example",
        "gone@far.example",
        &["given up at ", "nobody of that name", "its sender was told by message "],
    );
    let report = told.split("by message ").nth(1).unwrap().split_whitespace().next().unwrap();
    assert!(office.command(&["trail", report]).contains("delivered at "), "{told}");

    // One message, with an end for each of its recipients.
    let all = ["ok@far.example", "gone2@far.example", "later2@far.example", &bob];
    office.send("many@laptop.example", "", &all);
    office.told(
        "many@laptop.example",
        "ok@far.example",
        &[
            "<ok@far.example>: handed over at ",
            "kept as 4711",
            "<gone2@far.example>: given up at ",
            "<later2@far.example>: waits: tried once",
            &format!("<{bob}>: delivered at "),
            &format!("into the INBOX of {bob}"),
        ],
    );

    // What waits for its own time.
    office.send("hold@laptop.example", " HOLDFOR=3600", &["ok@far.example"]);
    let told = office.told(
        "hold@laptop.example",
        "ok@far.example",
        &["<ok@far.example>: waits until ", "because its sender wants it to", "queue release "],
    );
    office.obey(&told, "queue release");
    office.told("hold@laptop.example", "ok@far.example", &["<ok@far.example>: handed over at "]);
}

#[test]
fn why_was_it_refused_or_kept_back() {
    let mut office = Office::open();
    let (ann, bob) = (office.ann(), office.demo.account(1).0.to_owned());

    // Refused at DATA: whose fault it is, and what to do.
    office.send_as("boss@example.test", "forged@laptop.example", "", &[&bob], "5");
    let words = ["refused at ", "does not belong to the account that handed it in", "make it an alias of the account"];
    let told = office.command(&["trail", &bob, "--from", &ann]);
    assert!(words.iter().all(|word| told.contains(word)), "{told}");
    // Refused at RCPT.
    office.talk.smtp(&format!("MAIL FROM:<{ann}>"), "250");
    office.talk.smtp("RCPT TO:<nobody@example.test>", "550");
    office.talk.smtp("RSET", "250");
    let told = office.command(&["trail", "nobody@example.test"]);
    assert!(told.contains("<nobody@example.test>: refused at ") && told.contains("no such mailbox here"), "{told}");

    // Of a frozen sender: whose account, why, and how to let it go.
    office.send("frozen@laptop.example", "", &["later@far.example"]);
    office.told("frozen@laptop.example", "later@far.example", &["waits: tried once"]);
    // Another that somebody holds besides.
    office.send("odd@laptop.example", "", &["later@far.example"]);
    let told = office.told("odd@laptop.example", "later@far.example", &["waits: tried once", "queue retry "]);
    let number: String = told.split("queue retry ").nth(1).unwrap().chars().take_while(char::is_ascii_digit).collect();
    office.command(&["queue", "hold", &number]);
    office.command(&["account", "freeze", &ann, "--reason", "its password was stolen"]);
    let told = office.told(
        "frozen@laptop.example",
        "later@far.example",
        &[
            "held since ",
            &format!("because the account {ann} may not send (administrator: its password was stolen)"),
            "to drop its mail: the same with --drop",
        ],
    );
    office.told("odd@laptop.example", "later@far.example", &["held since ", "by an administrator", "queue release "]);
    office.obey(&told, "account release");
    office.told("frozen@laptop.example", "later@far.example", &["waits: tried "]);
    office.told("odd@laptop.example", "later@far.example", &["held since ", "by an administrator", "queue release "]);
}

//! XCLIENT on real sockets: a proxy that the configuration names says who the client is, and nobody else can.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use support::{Running, check_failure, run_with_input, stdout};

const PATIENCE: Duration = Duration::from_secs(60);

/// A server whose listener `behind` is for the proxies at `behind`, while `open` is for everybody.
fn serve(directory: &Path, behind: &str) -> Running {
    let (config, data) = (directory.join("posthouse.toml"), directory.join("data"));
    let listener = |name: &str, more: &str| {
        format!("[[listener]]\nname = \"{name}\"\nrole = \"mx\"\ntls = \"none\"\naddresses = [\"127.0.0.1:0\"]\n{more}")
    };
    let text = format!(
        "host_name = \"mail.example.org\"\ndata_directory = \"{}\"\n{}{}",
        data.display(),
        listener("behind", &format!("xclient_from = [\"{behind}\"]\n")),
        listener("open", ""),
    );
    fs::write(&config, text).unwrap();
    let running = Running::serve(directory, &config, &data.join("control.sock"));
    stdout(&running.command(&["domain", "add", "example.org"]));
    let socket = running.socket.to_str().unwrap();
    let added = ["--socket", socket, "account", "add", "ann@example.org", "--password-stdin"];
    stdout(&run_with_input(&added, "quartz lantern violet 83\n"));
    running
}

/// A conversation in clear.
struct Plain(BufReader<TcpStream>);

impl Plain {
    fn begin(server: &Running, listener: &str) -> Self {
        let listeners = server.json(&["status", "--json"])["listeners"].clone();
        let one = listeners.as_array().unwrap().iter().find(|one| one["name"] == listener).unwrap().clone();
        let address = one["addresses"][0].as_str().unwrap().to_owned();
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut plain = Self(BufReader::new(stream));
        assert!(plain.reply().starts_with("220 "));
        plain
    }

    /// A whole reply.
    fn reply(&mut self) -> String {
        let mut reply = String::new();
        loop {
            let mut line = String::new();
            assert!(self.0.read_line(&mut line).unwrap() > 0, "the connection ended after {reply}");
            reply.push_str(&line);
            if line.as_bytes().get(3) != Some(&b'-') {
                return reply;
            }
        }
    }

    fn ask(&mut self, command: &str, code: &str) -> String {
        self.0.get_mut().write_all(format!("{command}\r\n").as_bytes()).unwrap();
        let reply = self.reply();
        assert!(reply.starts_with(code), "{command}: {reply}");
        reply
    }

    fn send(&mut self, id: &str) {
        self.ask("MAIL FROM:<x@elsewhere.example>", "250");
        self.ask("RCPT TO:<ann@example.org>", "250");
        self.ask("DATA", "354");
        self.ask(&format!("Message-ID: <{id}>\r\nSubject: hi\r\n\r\nhello\r\n."), "250");
    }
}

fn trail(server: &Running, what: &str) -> String {
    stdout(&server.command(&["trail", what]))
}

#[test]
fn a_named_proxy_says_who_the_client_is() {
    let directory = tempfile::tempdir().unwrap();
    let server = serve(directory.path(), "127.0.0.0/8");
    let mut proxy = Plain::begin(&server, "behind");
    assert!(proxy.ask("EHLO proxy.example", "250").contains("\r\n250-XCLIENT NAME ADDR PORT PROTO HELO "));
    // The banner comes again, and what was said before counts for nothing.
    proxy.ask("XCLIENT ADDR=192.0.2.9 PORT=4711 HELO=client.example", "220 mail.example.org ");
    proxy.ask("MAIL FROM:<x@elsewhere.example>", "503");
    proxy.ask("EHLO proxy.example", "250");
    proxy.send("first@client.example");
    let told = trail(&server, "first@client.example");
    assert!(
        told.contains("192.0.2.9:4711") && told.contains("client.example") && !told.contains("127.0.0.1"),
        "{told}"
    );
    // So do refusals, and those of the next client on the same connection.
    proxy.ask("XCLIENT ADDR=IPV6:2001:db8::9 PORT=4712", "220");
    proxy.ask("EHLO second.example", "250");
    proxy.ask("MAIL FROM:<x@elsewhere.example>", "250");
    proxy.ask("RCPT TO:<nobody@example.org>", "550");
    let told = trail(&server, "nobody@example.org");
    assert!(told.contains("[2001:db8::9]:4712") && !told.contains("127.0.0.1"), "{told}");
    // What cannot be read changes nothing.
    proxy.ask("RSET", "250");
    proxy.ask("XCLIENT ADDR=192.0.2.300", "501");
    proxy.send("second@client.example");
    let told = trail(&server, "second@client.example");
    assert!(told.contains("[2001:db8::9]:4712"), "{told}");
}

/// Whoever is not named is told so, is not offered it, and stays who it is.
#[test]
fn nobody_else_can_say_so() {
    let directory = tempfile::tempdir().unwrap();
    let server = serve(directory.path(), "192.0.2.0/24");
    for (number, listener) in ["behind", "open"].into_iter().enumerate() {
        let mut stranger = Plain::begin(&server, listener);
        assert!(!stranger.ask("EHLO stranger.example", "250").contains("XCLIENT"));
        stranger.ask("XCLIENT ADDR=192.0.2.9 PORT=4711 HELO=client.example", "550 5.7.0 ");
        let id = format!("{number}@stranger.example");
        stranger.send(&id);
        let told = trail(&server, &id);
        assert!(told.contains("127.0.0.1") && told.contains("stranger.example"), "{told}");
        assert!(!told.contains("192.0.2.9") && !told.contains("client.example"), "{told}");
    }
}

/// A neighbour's word is not taken for the whole world's.
#[test]
fn trusting_everybody_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let config = directory.path().join("posthouse.toml");
    let text = "host_name = \"mail.example.org\"\ndata_directory = \"/nonexistent\"\n[[listener]]\nrole = \"mx\"\n\
                addresses = [\"127.0.0.1:0\"]\nxclient_from = [\"0.0.0.0/0\"]\n";
    fs::write(&config, text).unwrap();
    let output = support::run(&["serve", "--config", config.to_str().unwrap()]);
    check_failure(&output, 78, &["this trusts the whole world"]);
}

//! What leaves is signed, and other people's verifiers believe it.

use std::collections::HashMap;
use std::fs;
use std::process::Command;

use anyhow::{Result, ensure};
use posthouse_interop::{Options, Postfix, PostfixOptions, Posthouse, Unbound, free_port, run_with_input};
use serde_json::Value;
use tempfile::TempDir;

/// A message with what canonicalisation is about: folded and doubled fields, blanks at the ends of lines, empty lines at
/// the end, dots, octets beyond ASCII.
const MESSAGE: &str = "To: bob@far.example,\r\n\t carl@far.example\r\nSubject:  Two   blanks \r\n  and a fold\r\n\
    Comments: one\r\nComments: two\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\
    Content-Transfer-Encoding: 8bit\r\n\r\n  Grüße  \t from here \r\n..dots\r\n\r\nlast \r\n\r\n\r\n";

/// Says for each signature of the message on standard input whether it holds; keys are in the file that is named.
const DKIMPY: &str = r#"
import dkim, json, sys
records = json.load(open(sys.argv[1]))
message = sys.stdin.buffer.read()
answer = lambda name, timeout=5: records.get(name.decode().rstrip("."), "").encode() or None
for at in range(int(sys.argv[2])):
    try:
        print("holds" if dkim.DKIM(message).verify(idx=at, dnsfunc=answer) else "fails")
    except dkim.ValidationError:
        print("fails")
"#;

/// The same by Mail::DKIM, which asks DNS.
const MAIL_DKIM: &str = r#"
use Mail::DKIM::Verifier; use Mail::DKIM::DNS; use Net::DNS;
Mail::DKIM::DNS::resolver(Net::DNS::Resolver->new(nameservers => ["127.0.0.1"], port => $ARGV[0]));
my $verifier = Mail::DKIM::Verifier->new();
while (<STDIN>) { chomp; s/\015$//; $verifier->PRINT("$_\015\012"); }
$verifier->CLOSE;
print $_->result eq "pass" ? "holds" : "fails: " . $_->result_detail, "\n" for $verifier->signatures;
"#;

/// The line of a zone for a TXT record, in strings of at most 255 octets, for unbound.
fn zone_line(name: &str, text: &str) -> String {
    let strings: Vec<String> =
        text.as_bytes().chunks(255).map(|chunk| format!("\"{}\"", String::from_utf8_lossy(chunk))).collect();
    format!("{name}. IN TXT {}", strings.join(" "))
}

#[test]
fn dkimpy_and_mail_dkim_believe_our_signatures() -> Result<()> {
    let directory = TempDir::new()?;
    let options = PostfixOptions { domains: vec!["far.example".to_owned()], ..PostfixOptions::default() };
    let nothing = directory.path().join("none.pem");
    fs::write(&nothing, "")?;
    let postfix = Postfix::start(&options, &nothing, &nothing, &nothing)?;
    let dns_port = free_port()?;
    let server = Posthouse::start_with(
        &Options::default()
            .with("--route")
            .with(format!("127.0.0.1:{}", postfix.port))
            .with("--resolver")
            .with(format!("127.0.0.1:{dns_port}")),
    )?;
    let domain = server.ready.domain.clone();
    let told = server.command(&["dkim", "generate", &domain])?.ok()?.text();
    ensure!(told.contains("._domainkey.") && told.contains("IN TXT") && told.contains("dkim activate"), "{told}");
    let keys = server.command(&["dkim", "list", &domain, "--json"])?.ok()?.text();
    let keys: Vec<Value> = serde_json::from_str(&keys)?;
    ensure!(keys.len() == 2 && keys.iter().all(|key| key["state"] == "pending"), "{keys:?}");
    let records: Vec<(String, String)> = keys
        .iter()
        .map(|key| {
            (
                key["record_name"].as_str().unwrap_or_default().to_owned(),
                key["record"].as_str().unwrap_or_default().to_owned(),
            )
        })
        .collect();

    // Nothing signs before DNS has the records: nobody would believe it.
    let dns = Unbound::start_on(dns_port, &[])?;
    let refused = server.command(&["dkim", "activate", &domain])?;
    ensure!(!refused.success && refused.stderr.contains("DNS does not have the record"), "{}", refused.stderr);
    drop(dns);

    let lines: Vec<String> = records.iter().map(|(name, text)| zone_line(name, text)).collect();
    let dns = Unbound::start_on(dns_port, &lines.iter().map(String::as_str).collect::<Vec<_>>())?;
    let told = server.command(&["dkim", "activate", &domain])?.ok()?.text();
    ensure!(told.matches("signs the mail of").count() == 2, "{told}");
    server.submit(&["bob@far.example"], " BODY=8BITMIME", MESSAGE)?;
    let message = postfix.received("far.example", "Two   blanks")?;
    ensure!(message.matches("DKIM-Signature: v=1;").count() == 2, "{message}");

    let file = directory.path().join("records.json");
    fs::write(&file, serde_json::to_string(&records.into_iter().collect::<HashMap<_, _>>())?)?;
    let said = believed(Command::new("/usr/bin/python3").args(["-c", DKIMPY]).arg(&file).arg("2"), &message)?;
    ensure!(said == "holds\nholds\n", "dkimpy: {said}\n{message}");
    let said = believed(Command::new("perl").args(["-e", MAIL_DKIM]).arg(dns.port.to_string()), &message)?;
    // It knows nothing of Ed25519 yet.
    ensure!(said.starts_with("holds\n"), "Mail::DKIM: {said}\n{message}");

    // The verifiers do look.
    let changed = message.replace("last", "lost");
    let said = believed(Command::new("/usr/bin/python3").args(["-c", DKIMPY]).arg(&file).arg("2"), &changed)?;
    ensure!(said == "fails\nfails\n", "{said}");
    // Nor can a second Subject be added, or one taken away.
    for changed in [message.replace("To: bob", "Subject: Buy\nTo: bob"), message.replace("Two   blanks", "Too")] {
        let said = believed(Command::new("perl").args(["-e", MAIL_DKIM]).arg(dns.port.to_string()), &changed)?;
        ensure!(said.matches("fails").count() == 2, "{said}");
    }
    server.stop()
}

fn believed(verifier: &mut Command, message: &str) -> Result<String> {
    Ok(run_with_input(verifier, message.as_bytes())?.ok()?.text())
}

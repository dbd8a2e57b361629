//! What a demonstration prints: where it listens, who can sign in, and lines to paste that work.

use std::fmt::Write;

use super::{DemoListener, LISTENERS, Ready};
use crate::cli::DemoOptions;

/// Accounts that are listed in full.
const ACCOUNTS_SHOWN: usize = 20;

/// Everything that a person wants to know.
pub fn whole(ready: &Ready<'_>, options: &DemoOptions, fingerprint: &str, lines: &str) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "Posthouse is ready on this machine only. It ends with Ctrl-C{}.\n", farewell(options));
    let _ = writeln!(text, "Host     {} (127.0.0.1)", ready.host);
    let _ = writeln!(text, "Domain   {}\n", ready.domain);
    let _ = writeln!(text, "Port   What         TLS");
    for listener in ready.listeners {
        let note = moved(listener, options.port_base);
        let _ = writeln!(text, "{:<5}  {:<11}  {}{note}", listener.port, listener.name, listener.tls);
    }
    let _ = writeln!(text, "\nAccount                Password");
    for account in ready.accounts.iter().take(ACCOUNTS_SHOWN) {
        let _ = writeln!(text, "{:<21}  {}", account.address, account.password);
    }
    if ready.accounts.len() > ACCOUNTS_SHOWN {
        let rest = ready.accounts.len() - ACCOUNTS_SHOWN;
        let _ = writeln!(text, "and {rest} more: {}/demo-accounts.json", ready.data_directory.display());
    }
    let _ = writeln!(text, "\nCertificate   SHA-256 {}", grouped(fingerprint));
    let _ = writeln!(text, "Authority     {}", ready.ca_certificate.display());
    let _ = writeln!(text, "Data          {}\n", ready.data_directory.display());
    text.push_str(lines);
    text
}

fn farewell(options: &DemoOptions) -> &'static str {
    if options.data.is_some() { "; its data is kept" } else { ", and its data with it" }
}

/// Says so where a listener is not where it should be.
fn moved(listener: &DemoListener, port_base: u16) -> String {
    let usual = LISTENERS.iter().find(|(name, ..)| *name == listener.name).map(|(.., port)| port_base + port);
    match usual {
        Some(usual) if port_base != 0 && usual != listener.port => format!("   ({usual} was taken)"),
        _ => String::new(),
    }
}

/// `aabbcc…` as `AA:BB:CC:…`, as openssl prints it.
fn grouped(fingerprint: &str) -> String {
    let pairs: Vec<&str> = fingerprint.as_bytes().chunks(2).filter_map(|pair| std::str::from_utf8(pair).ok()).collect();
    pairs.join(":").to_uppercase()
}

/// Commands for openssl, swaks, curl and posthouse itself, that work as they stand.
pub fn lines_to_paste(ready: &Ready<'_>) -> String {
    let port = |name: &str| ready.listeners.iter().find(|each| each.name == name).map_or(0, |each| each.port);
    let ann = &ready.accounts[0];
    let other = ready.accounts.get(1).unwrap_or(ann);
    let authority = ready.ca_certificate.display();
    let (ann_address, ann_password) = (&ann.address, &ann.password);
    let (other_address, other_password) = (&other.address, &other.password);
    let socket = ready.socket.display();
    format!(
        "# Look at the certificate, and talk to the server
openssl s_client -CAfile {authority} -verify_return_error -connect localhost:{imaps} -crlf
openssl s_client -CAfile {authority} -verify_return_error -connect localhost:{mx} -starttls smtp -crlf

# Send as somebody who signs in
swaks --server localhost:{submission} --tls --auth PLAIN --auth-user {ann_address} --auth-password {ann_password} \\
  --from {ann_address} --to {other_address} --header 'Subject: Hello from swaks'
printf 'From: {ann_address}\\r\\nTo: {other_address}\\r\\nSubject: Hello from curl\\r\\n\\r\\nIt works.\\r\\n' | \\
  curl -sS --cacert {authority} --user {ann_address}:{ann_password} --mail-from {ann_address} \\
  --mail-rcpt {other_address} --upload-file - smtps://localhost:{submissions}

# Send as another server would
swaks --server localhost:{mx} --tls --from somebody@elsewhere.test --to {ann_address} --header 'Subject: From afar'

# Read
curl -sS --cacert {authority} --user {other_address}:{other_password} 'imaps://localhost:{imaps}/INBOX;MAILINDEX=*'
curl -sS --cacert {authority} --user {other_address}:{other_password} pop3s://localhost:{pop3s}/1

# Administer
posthouse --socket {socket} account list
posthouse --socket {socket} trail {other_address}
posthouse --socket {socket} check --trust-roots {authority}
",
        imaps = port("imaps"),
        mx = port("mx"),
        submission = port("submission"),
        submissions = port("submissions"),
        pop3s = port("pop3s"),
    )
}

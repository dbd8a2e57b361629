//! Exim and OpenSMTPD: mail goes to them with the TLS that is demanded, and comes from them.

use std::net::Ipv4Addr;

use anyhow::{Context, Result, ensure};
use posthouse_interop::{
    CertificateFiles, CertificateKind, Knot, LineStream, MailPeer, MailProgram, Options, Posthouse, Unbound,
};

/// Stands for no TLS at all.
const CLEAR: &str = "in clear";

/// Mail to one, under each demand: by default, encrypted, to a verified host, by TLSA records that match, and by ones that
/// do not. DNS is signed, and comes by way of a resolver that validates, too. `ends` is what the trail says of TLS, or, in
/// brackets, the code of what keeps the mail back.
fn check_takes_our_mail(program: MailProgram, ends: [&str; 5]) -> Result<()> {
    let domains = ["default.test", "required.test", "verified.test", "dane.test", "wrong.test"];
    let certificate = CertificateFiles::new("mx.verified.test", CertificateKind::Good)?;
    let peer = MailPeer::start(program, &domains, &certificate, None)?;
    let mut records = Vec::new();
    for domain in domains {
        records.push(format!("{domain}. MX 10 mx.{domain}."));
        records.push(format!("mx.{domain}. A {}", Ipv4Addr::LOCALHOST));
    }
    records.push(format!("_{}._tcp.mx.dane.test. TLSA 3 0 0 {}", peer.port, certificate.hexadecimal()));
    records.push(format!("_{}._tcp.mx.wrong.test. TLSA 3 1 1 {}", peer.port, "00".repeat(32)));
    let knot = Knot::start(&records)?;
    let unbound = Unbound::start_validating(&knot)?;
    let settings = format!(
        "[resolver]\nservers = [\"127.0.0.1:{}\"]\nvalidate = true\ntrust_anchors = \"{}\"\n\
         [outgoing]\nrequired_tls = [\"required.test\"]\nverified_tls = [\"verified.test\"]\n",
        unbound.port,
        knot.anchors().display()
    );
    let options = Options::default().with("--smtp-port").with(peer.port.to_string());
    let options = options.with("--trust-roots").with(certificate.ca());
    let server = Posthouse::start_with(&options.with_settings(settings))?;
    for domain in domains {
        server.submit_hello(&format!("bob@{domain}"), "")?;
    }
    for (domain, policy, end) in [
        ("default.test", "default", ends[0]),
        ("required.test", "listed", ends[1]),
        ("verified.test", "listed", ends[2]),
        ("dane.test", "dane", ends[3]),
        ("wrong.test", "dane", ends[4]),
    ] {
        let to = format!("bob@{domain}");
        if end.starts_with('[') {
            let told = server.waits(&to)?;
            ensure!(told.contains("TLS is required") && told.ends_with(end), "{domain}: {told}");
            continue;
        }
        let message = peer.received(&format!("for {to}")).with_context(|| domain.to_owned())?;
        let in_tls = message.to_ascii_uppercase().contains("WITH ESMTPS ");
        ensure!(in_tls != (end == CLEAR), "{message}");
        let trail = server.command(&["trail", &to])?.ok()?.text();
        let trail = trail.split_whitespace().collect::<Vec<_>>().join(" ");
        let (_, relayed) = trail.split_once(" relayed ").with_context(|| trail.clone())?;
        ensure!(relayed.contains(&format!("tls-policy {policy}")), "{relayed}");
        ensure!(if end == CLEAR { !relayed.contains("tls TLS") } else { relayed.contains(end) }, "{domain}: {relayed}");
    }
    server.stop()
}

/// Mail from one, by verified TLS.
fn check_brings_us_mail(program: MailProgram) -> Result<()> {
    let server = Posthouse::start()?;
    let certificate = CertificateFiles::new("mx.far.example", CertificateKind::Good)?;
    let relays = (server.ready.domain.as_str(), server.port("mx", "starttls-optional"), server.ca());
    let peer = MailPeer::start(program, &[], &certificate, Some(relays))?;
    let mut smtp = LineStream::plain(peer.port)?;
    smtp.smtp_reply()?;
    for line in ["EHLO client.example", "MAIL FROM:<bob@far.example>", &format!("RCPT TO:<{}>", server.ann().address)] {
        let reply = smtp.smtp(line)?;
        ensure!(reply.starts_with("250"), "{line}: {reply}");
    }
    ensure!(smtp.smtp("DATA")?.starts_with("354"));
    smtp.send("From: bob@far.example\r\nSubject: handed on\r\n\r\nHello.")?;
    let reply = smtp.smtp(".")?;
    ensure!(reply.starts_with("250"), "{reply}");
    let message = server.received(server.ann(), "Subject: handed on").with_context(|| peer.log())?;
    ensure!(message.contains("Return-Path: <bob@far.example>"), "{message}");
    ensure!(message.contains("with ESMTPS") && message.contains("TLS1.3"), "{message}");
    server.stop()
}

#[test]
fn exim_takes_our_mail() -> Result<()> {
    let unverified = "certificate not verified";
    check_takes_our_mail(MailProgram::Exim, [unverified, unverified, "certificate verified", "DANE", "[dane-mismatch]"])
}

#[test]
fn exim_brings_us_mail() -> Result<()> {
    check_brings_us_mail(MailProgram::Exim)
}

/// Its STARTTLS leads nowhere, so that it is also the real host that this happens with.
#[test]
fn opensmtpd_takes_our_mail() -> Result<()> {
    check_takes_our_mail(MailProgram::OpenSmtpd, [CLEAR, "[handshake]", "[handshake]", "[handshake]", "[handshake]"])
}

#[test]
fn opensmtpd_brings_us_mail() -> Result<()> {
    check_brings_us_mail(MailProgram::OpenSmtpd)
}

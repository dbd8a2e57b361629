//! How mail leaves where hosts have to prove who they are: Postfix as the other side, a signed zone, and certificates of
//! every kind.

use std::process::Command;

use anyhow::{Result, ensure};
use posthouse_interop::{
    CertificateFiles, CertificateKind, Knot, Options, Postfix, PostfixOptions, Posthouse, Unbound, run_with_input,
};
use serde_json::Value;

fn postfix(certificate: &CertificateFiles, domains: &[&str], offers_tls: bool) -> Result<Postfix> {
    let options = PostfixOptions {
        domains: domains.iter().map(|&domain| domain.to_owned()).collect(),
        offers_tls,
        ..PostfixOptions::default()
    };
    Postfix::start(&options, &certificate.chain(), &certificate.key(), &certificate.ca())
}

/// The resolver that is asked: the zone's own server, or unbound, which validates, too, and keeps what it finds bogus.
fn check_dane(is_behind_unbound: bool) -> Result<()> {
    // Nobody but its TLSA record vouches for this certificate.
    let certificate = CertificateFiles::new("whatever.example", CertificateKind::SelfSigned)?;
    let domains = ["good.test", "wrong.test", "none.test", "unusable.test", "plain.test", "bogus.test"];
    let postfix = postfix(&certificate, &domains, true)?;
    let port = postfix.port;
    let (right, wrong) = (certificate.hexadecimal(), "00".repeat(32));
    let mut records = Vec::new();
    for domain in domains {
        records.push(format!("{domain}. MX 10 mx.{domain}."));
        records.push(format!("mx.{domain}. A 127.0.0.1"));
    }
    records.push(format!("_{port}._tcp.mx.good.test. TLSA 3 0 0 {right}"));
    records.push(format!("_{port}._tcp.mx.wrong.test. TLSA 3 1 1 {wrong}"));
    records.push(format!("_{port}._tcp.mx.unusable.test. TLSA 1 1 1 {wrong}"));
    // Not signed, so that it means nothing.
    records.push(format!("_{port}._tcp.mx.plain.test. TLSA 3 1 1 {wrong}"));
    let knot = Knot::start(&records)?;
    // Unbound does not hand on what it finds bogus.
    let bogus_words = if is_behind_unbound { "a server answered Server Failure" } else { "DNSSEC" };
    let unbound = is_behind_unbound.then(|| Unbound::start_validating(&knot)).transpose()?;
    let settings = format!(
        "[resolver]\nservers = [\"127.0.0.1:{}\"]\nvalidate = true\ntrust_anchors = \"{}\"\n",
        unbound.as_ref().map_or(knot.port, |unbound| unbound.port),
        knot.anchors().display()
    );
    let options = Options::default().with("--smtp-port").with(port.to_string());
    let house = Posthouse::start_with(&options.with_settings(settings))?;

    let probe = |domain: &str| -> Result<Value> { house.ask(&["probe", domain, "--json"]) };
    let good = probe("good.test")?;
    ensure!(good["mx_dnssec"] == "secure" && good["hosts"][0]["reason"] == "dane", "{good}");
    ensure!(good["hosts"][0]["addresses"][0]["dane"] == "matches", "{good}");
    let wrong = probe("wrong.test")?;
    ensure!(wrong["hosts"][0]["addresses"][0]["is_acceptable"] == false, "{wrong}");
    let plain = probe("plain.test")?;
    ensure!(plain["mx_dnssec"] == "insecure" && plain["hosts"][0]["tlsa"][0] == "none", "{plain}");
    let bogus = probe("bogus.test")?;
    ensure!(bogus["problem"].as_str().is_some_and(|words| words.contains(bogus_words)), "{bogus}");

    for domain in domains {
        house.submit_hello(&format!("bob@{domain}"), "")?;
    }
    for domain in ["good.test", "none.test", "unusable.test", "plain.test"] {
        postfix.received(domain, &format!("for bob@{domain}"))?;
    }
    let told = house.waits("wrong.test")?;
    ensure!(told.ends_with("the certificate does not match the host's TLSA records [dane-mismatch]"), "{told}");
    // What does not hold up is not believed, nor taken for absent: the mail waits.
    let entry = house.tried("bogus.test")?;
    ensure!(
        entry["cause"] == "dns" && entry["last_outcome"].as_str().is_some_and(|told| told.contains(bogus_words)),
        "{entry}"
    );
    // Nothing of what is not signed is held against a host.
    let trail = house.command(&["trail", "bob@plain.test"])?.ok()?.text();
    ensure!(trail.split_whitespace().collect::<Vec<_>>().join(" ").contains("tls-policy default"), "{trail}");

    // RFC 8689 §4.2.1: the host is proven by DNSSEC, the certificate by DANE; Postfix does not offer the rest.
    house.submit_hello("carl@good.test", " REQUIRETLS")?;
    let told = house.waits("carl@good.test")?;
    ensure!(told.contains("does not offer REQUIRETLS"), "{told}");
    Ok(())
}

#[test]
fn dane_by_a_signed_zone() -> Result<()> {
    check_dane(false)
}

#[test]
fn dane_by_a_signed_zone_behind_a_resolver_that_validates() -> Result<()> {
    check_dane(true)
}

#[test]
fn every_bad_certificate_ends_in_its_cause() -> Result<()> {
    let cases = [
        (
            "mx.far.example",
            CertificateKind::Expired,
            true,
            "certificate-expired",
            "5.7.5",
            "the certificate has expired",
        ),
        ("mx.other.example", CertificateKind::Good, true, "certificate-name", "5.7.5", "is not for mx.far.example"),
        ("mx.far.example", CertificateKind::SelfSigned, true, "certificate-self-signed", "5.7.5", "self-signed"),
        ("mx.far.example", CertificateKind::Stranger, true, "certificate-untrusted", "5.7.5", "issuer is not trusted"),
        ("mx.far.example", CertificateKind::Good, false, "no-starttls", "5.7.10", "does not offer STARTTLS"),
    ];
    let dns = Unbound::start(&["far.example. MX 10 mx.far.example.", "mx.far.example. A 127.0.0.1"])?;
    for (name, kind, offers_tls, code, status, words) in cases {
        let certificate = CertificateFiles::new(name, kind)?;
        let postfix = postfix(&certificate, &["far.example"], offers_tls)?;
        let options = Options::default()
            .with("--resolver")
            .with(format!("127.0.0.1:{}", dns.port))
            .with("--smtp-port")
            .with(postfix.port.to_string())
            .with("--trust-roots")
            .with(certificate.ca())
            .with("--retry-after")
            .with("1");
        let settings = "[outgoing]\nverified_tls = [\"far.example\"]\n[queue]\nlifetime = \"3s\"\n";
        let house = Posthouse::start_with(&options.with_settings(settings))?;
        house.submit_hello("bob@far.example", "")?;
        let told = house.received(house.ann(), &format!("[{code}]"))?;
        ensure!(told.contains("TLS is required by the settings of this server, but"), "{told}");
        ensure!(told.contains(words), "{told}");
        let probed = house.ask(&["probe", "far.example", "--json"])?;
        ensure!(probed["hosts"][0]["addresses"][0]["is_acceptable"] == false, "{probed}");
        house.received(house.ann(), &format!("Status: {status}"))?;
    }
    Ok(())
}

/// Some servers break off when a session ticket comes that they have not asked for. Mail programs are glad of them.
#[test]
fn other_servers_are_offered_no_session_tickets() -> Result<()> {
    let server = Posthouse::start()?;
    let tickets = |arguments: &[&str], input: &str| -> Result<usize> {
        let mut openssl = Command::new("openssl");
        openssl.args(["s_client", "-tls1_3", "-ign_eof"]).args(arguments);
        let said = run_with_input(&mut openssl, input.as_bytes())?.text();
        ensure!(said.contains("TLSv1.3"), "{said}");
        Ok(said.matches("Post-Handshake New Session Ticket arrived").count())
    };
    let mx = format!("127.0.0.1:{}", server.port("mx", "starttls-optional"));
    ensure!(tickets(&["-starttls", "smtp", "-connect", &mx], "QUIT\r\n")? == 0);
    let imaps = format!("127.0.0.1:{}", server.port("imap", "implicit"));
    ensure!(tickets(&["-connect", &imaps], "a LOGOUT\r\n")? > 0);
    Ok(())
}

//! Mail to hosts that do something wrong: each ends in its documented cause, in the queue, in the trail and in words that
//! the sender understands; and what can arrive does, once.

use std::collections::HashSet;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use posthouse_interop::{
    Authority, CertificateFiles, CertificateKind, Manner, MisbehavingHost, Options, Posthouse, TakenMessage, Unbound,
    free_port,
};

/// How long mail may take to arrive where it can.
const PATIENCE: Duration = Duration::from_secs(60);

const UNREACHABLE: &str = "The recipient's mail server cannot be reached, or does not answer as it should.";
const NO_ENCRYPTION: &str = "Encryption is required on the way, and the recipient's mail server does not provide it.";
const UNPROVEN: &str =
    "Encryption is required on the way, and the recipient's mail server could not prove that it is the right one.";
const NOT_WANTED: &str = "The recipient's mail server did not want the message; its rules do not allow it.";

/// What is asked of a host, by the name of the domain below which it is listed.
const DEMANDS: [&str; 3] = ["default", "required", "verified"];

/// A host, what is asked of it, and how that ends.
struct Case {
    /// The first label of its name, and its domain's.
    label: &'static str,
    manner: Manner,
    certificate: CertificateKind,
    /// Whether the certificate is for another name.
    other_name: bool,
    /// With the demands `default`, `required` and `verified`.
    ends: [End; 3],
}

/// How mail ends.
#[derive(Clone, Copy)]
enum End {
    InTls,
    InClear,
    /// Cause, words for administrators, status, words for people.
    Waits(&'static str, &'static str, &'static str, &'static str),
}

use End::{InClear, InTls, Waits};

const fn host(label: &'static str, manner: Manner, ends: [End; 3]) -> Case {
    Case { label, manner, certificate: CertificateKind::Good, other_name: false, ends }
}

const fn certified(label: &'static str, certificate: CertificateKind, end: End) -> Case {
    Case { label, manner: Manner::Good, certificate, other_name: false, ends: [InTls, InTls, end] }
}

/// Whatever is demanded, it waits for the same reason.
const fn always(label: &'static str, manner: Manner, end: End) -> Case {
    host(label, manner, [end, end, end])
}

const REFUSED: End =
    Waits("starttls-refused", "the host refuses STARTTLS: 454 4.7.0 TLS is out of order", "4.7.10", NO_ENCRYPTION);
const BROKEN: End = Waits("handshake", "the connection broke during the TLS handshake", "4.7.5", NO_ENCRYPTION);
const ALERTED: End = Waits("handshake", "alert", "4.7.5", NO_ENCRYPTION);
const OLD: End = Waits("tls-version", "the other side offers no TLS version from 1.2 upwards", "4.7.5", NO_ENCRYPTION);
const NONE: End = Waits("no-starttls", "the host does not offer STARTTLS", "4.7.10", NO_ENCRYPTION);

fn cases() -> Vec<Case> {
    use CertificateKind::{Expired, Good, SelfSigned, Stranger};
    vec![
        host("good", Manner::Good, [InTls, InTls, InTls]),
        host("none", Manner::NoStartTls, [InClear, NONE, NONE]),
        host("refuses", Manner::RefusesStartTls, [InClear, REFUSED, REFUSED]),
        host("breaks", Manner::BreaksHandshake, [InClear, BROKEN, BROKEN]),
        host("alerts", Manner::AlertsHandshake, [InClear, ALERTED, ALERTED]),
        host("old", Manner::OldTls, [InClear, OLD, OLD]),
        certified("expired", Expired, Waits("certificate-expired", "the certificate has expired", "4.7.5", UNPROVEN)),
        certified(
            "self",
            SelfSigned,
            Waits("certificate-self-signed", "the certificate is self-signed", "4.7.5", UNPROVEN),
        ),
        certified(
            "stranger",
            Stranger,
            Waits("certificate-untrusted", "the certificate's issuer is not trusted", "4.7.5", UNPROVEN),
        ),
        Case {
            other_name: true,
            ..certified("name", Good, Waits("certificate-name", "is not for mx.name.", "4.7.5", UNPROVEN))
        },
        // Somebody on the way speaks: nothing goes, not even where clear text would do.
        always(
            "injects",
            Manner::InjectsBehindStartTls,
            Waits("protocol", "clear text behind the reply to STARTTLS: somebody on the way", "4.5.0", UNREACHABLE),
        ),
        always("silent", Manner::Silent, Waits("lost", "no answer in time before the greeting", "4.4.2", UNREACHABLE)),
        always(
            "trickles",
            Manner::Trickles,
            Waits("lost", "no answer in time before the greeting", "4.4.2", UNREACHABLE),
        ),
        always(
            "greets",
            Manner::GreetsForEver,
            Waits("protocol", "a reply of more than 128 lines", "4.5.0", UNREACHABLE),
        ),
        always(
            "unwelcoming",
            Manner::Unwelcoming,
            Waits("reply-554", "554 5.7.1 no mail from you", "5.7.1", NOT_WANTED),
        ),
        always("drops", Manner::DropsInText, Waits("lost", "closed ", "4.4.2", UNREACHABLE)),
        always(
            "swallows",
            Manner::SilentAfterText,
            Waits("lost", "no answer in time after the end of the message", "4.4.2", UNREACHABLE),
        ),
    ]
}

/// All those hosts, and DNS that knows them.
struct World {
    hosts: Vec<(Case, MisbehavingHost)>,
    options: Options,
    _dns: Unbound,
    _certificates: Vec<CertificateFiles>,
}

impl World {
    fn start() -> Result<Self> {
        let port = free_port()?;
        let authority = Authority::new("Trusted")?;
        let mut certificates = Vec::new();
        let (mut hosts, mut records) = (Vec::new(), Vec::new());
        for (case, last) in cases().into_iter().zip(1..) {
            let address = Ipv4Addr::new(127, 0, 9, last);
            let name = format!("mx.{}.example", case.label);
            let certified = if case.other_name { "mx.somebody-else.example" } else { &name };
            let certificate = authority.certificate(certified, case.certificate)?;
            for demand in DEMANDS {
                records.push(format!("{}.{demand}.example. MX 10 {name}.", case.label));
            }
            records.push(format!("{name}. A {address}"));
            hosts.push((MisbehavingHost::start(address, port, case.manner, &certificate)?, case));
            certificates.push(certificate);
        }
        let dns = Unbound::start(&records.iter().map(String::as_str).collect::<Vec<_>>())?;
        let options = Options::default()
            .with("--resolver")
            .with(format!("127.0.0.1:{}", dns.port))
            .with("--smtp-port")
            .with(port.to_string())
            .with("--trust-roots")
            .with(certificates[0].ca());
        let hosts = hosts.into_iter().map(|(host, case)| (case, host)).collect();
        Ok(Self { hosts, options, _dns: dns, _certificates: certificates })
    }

    /// A server that waits briefly for answers.
    fn server(&self, queue: &str) -> Result<Posthouse> {
        let listed = |demand: &str| {
            let domains: Vec<_> =
                self.hosts.iter().map(|(case, _)| format!("\"{}.{demand}.example\"", case.label)).collect();
            domains.join(", ")
        };
        let settings = format!(
            "[outgoing]\nrequired_tls = [{}]\nverified_tls = [{}]\n\
             [outgoing.timeouts]\ngreeting = \"2s\"\nacceptance = \"2s\"\n[queue]\n{queue}",
            listed("required"),
            listed("verified"),
        );
        Posthouse::start_with(&self.options.clone().with_settings(settings))
    }

    fn each(&self) -> impl Iterator<Item = (String, End, &MisbehavingHost)> {
        self.hosts.iter().flat_map(|(case, host)| {
            DEMANDS
                .iter()
                .zip(case.ends)
                .map(move |(demand, end)| (format!("bob@{}.{demand}.example", case.label), end, host))
        })
    }

    fn submit_all(&self, server: &Posthouse) -> Result<()> {
        let mut smtp = server.submission()?;
        let filling = "Hello, and again hello.\r\n".repeat(400);
        for (to, ..) in self.each() {
            server.submit_on(&mut smtp, &[&to], "", &format!("To: {to}\r\nSubject: for {to}\r\n\r\n{filling}"))?;
        }
        Ok(())
    }
}

/// Waits until a host has taken something for somebody.
fn taken(host: &MisbehavingHost, to: &str) -> Result<TakenMessage> {
    let begin = Instant::now();
    loop {
        if let Some(found) = host.taken().iter().find(|one| one.recipients == [to]) {
            return Ok(found.clone());
        }
        ensure!(begin.elapsed() < PATIENCE, "nothing for {to} came");
        std::thread::yield_now();
    }
}

fn in_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn each_ends_in_its_cause() -> Result<()> {
    let world = World::start()?;
    let server = world.server("retry_after = [\"1h\"]\n")?;
    world.submit_all(&server)?;
    for (to, end, host) in world.each() {
        let context = || format!("mail to {to}");
        let Waits(cause, words, ..) = end else {
            let found = taken(host, &to).with_context(context)?;
            ensure!(found.in_tls == matches!(end, InTls), "{to}: {found:?}");
            continue;
        };
        // That one is not tried again.
        if cause == "reply-554" {
            continue;
        }
        let entry = server.tried(&to).with_context(context)?;
        let outcome = entry["last_outcome"].as_str().unwrap_or_default();
        ensure!(entry["cause"] == cause && outcome.contains(words), "{to}: {entry}");
        let shown = server.command(&["queue", "show", &entry["id"].to_string()])?.ok()?.text();
        ensure!(shown.contains(&format!("cause         {cause}")) && shown.contains(words), "{to}: {shown}");
        let trail = in_one_line(&server.command(&["trail", &to])?.ok()?.text());
        ensure!(trail.contains(words), "{to}: {trail}");
        if outcome.contains("TLS is required") {
            ensure!(outcome.ends_with(&format!("[{cause}]")), "{to}: {outcome}");
            ensure!(trail.contains(&format!("tls-cause {cause}")), "{to}: {trail}");
        }
        // Nothing that was not to be there is.
        ensure!(host.taken().iter().all(|one| one.recipients != [to.as_str()]), "{to}: {:?}", host.taken());
    }
    server.stop()
}

#[test]
fn each_comes_back_with_words_that_a_person_understands() -> Result<()> {
    let world = World::start()?;
    // Nothing is tried twice: it would be after the end of its time.
    let server = world.server("retry_after = [\"2h\"]\nlifetime = \"1h\"\n")?;
    world.submit_all(&server)?;
    for (to, end, _) in world.each() {
        let Waits(_, words, status, for_people) = end else { continue };
        let report = server.received(server.ann(), &format!("Final-Recipient: rfc822; {to}"))?;
        let report = in_one_line(&report);
        ensure!(report.contains("Your message could not be delivered"), "{to}: {report}");
        ensure!(report.contains(for_people) && report.contains(words), "{to}: {report}");
        let status = status.replacen('4', "5", 1);
        ensure!(report.contains(&format!("Status: {status}")), "{to}, {status}: {report}");
        ensure!(report.contains("Please reach the recipient in another way"), "{to}: {report}");
        ensure!(report.contains(&format!("Subject: for {to}")), "{to}: {report}");
    }
    server.stop()
}

/// A server that tries nothing again on its own, and DNS with these records.
fn server_for(port: u16, records: &[String], queue: &str) -> Result<(Posthouse, Unbound)> {
    let dns = Unbound::start(&records.iter().map(String::as_str).collect::<Vec<_>>())?;
    let options = Options::default().with("--resolver").with(format!("127.0.0.1:{}", dns.port));
    let options = options.with("--smtp-port").with(port.to_string());
    let settings = format!(
        "[outgoing.timeouts]\ngreeting = \"1s\"\nacceptance = \"1s\"\n[queue]\nretry_after = [\"1h\"]\n{queue}"
    );
    Ok((Posthouse::start_with(&options.with_settings(settings))?, dns))
}

/// The messages that hosts took, none of which may have come twice.
fn arrived(hosts: &[MisbehavingHost], count: usize, server: &Posthouse) -> Result<Vec<TakenMessage>> {
    let begin = Instant::now();
    loop {
        let taken: Vec<TakenMessage> = hosts.iter().flat_map(|host| host.taken().clone()).collect();
        if taken.len() >= count {
            let different: HashSet<_> = taken.iter().flat_map(|one| &one.recipients).collect();
            ensure!(taken.len() == count && different.len() == count, "some came twice: {taken:?}");
            return Ok(taken);
        }
        let queue = server.command(&["queue", "list"])?.text();
        ensure!(begin.elapsed() < PATIENCE, "{} of {count} came\n{queue}", taken.len());
    }
}

/// Submits messages to `user0` and so on at each domain.
fn submit_many(server: &Posthouse, domains: &[String], count: usize) -> Result<()> {
    let mut smtp = server.submission()?;
    let filling = "Hello, and again hello.\r\n".repeat(400);
    for (at, domain) in (0..count).flat_map(|at| domains.iter().map(move |domain| (at, domain))) {
        let message = format!("Subject: {at}\r\n\r\n{filling}");
        server.submit_on(&mut smtp, &[&format!("user{at}@{domain}")], "", &message)?;
    }
    Ok(())
}

#[test]
fn a_host_that_is_busy_at_the_third_message_gets_the_rest_on_other_connections() -> Result<()> {
    const MESSAGES: usize = 9;
    let (port, address) = (free_port()?, Ipv4Addr::new(127, 0, 10, 1));
    let records = ["far.example. MX 10 mx.far.example.".to_owned(), format!("mx.far.example. A {address}")];
    let (server, _dns) = server_for(port, &records, "deliveries_per_destination = 1\n")?;
    // Nobody is there yet, so that all of them wait together.
    submit_many(&server, &["far.example".to_owned()], MESSAGES)?;
    for at in 0..MESSAGES {
        let entry = server.tried(&format!("user{at}@far.example"))?;
        ensure!(entry["cause"] == "connect", "{entry}");
    }
    let certificate = CertificateFiles::new("mx.far.example", CertificateKind::Good)?;
    let host = MisbehavingHost::start(address, port, Manner::BusyAtThird, &certificate)?;
    server.command(&["queue", "retry", "--all"])?.ok()?;
    let taken = arrived(std::slice::from_ref(&host), MESSAGES, &server)?;
    for connection in 1..=host.connections() {
        let count = taken.iter().filter(|one| one.connection == connection).count();
        ensure!(count <= 2, "{count} messages on connection {connection}: {taken:?}");
    }
    server.stop()
}

#[test]
fn one_bad_host_of_three_keeps_no_mail_back() -> Result<()> {
    const MESSAGES: usize = 12;
    let bad = [
        None,
        Some(Manner::Silent),
        Some(Manner::Trickles),
        Some(Manner::GreetsForEver),
        Some(Manner::Unwelcoming),
        Some(Manner::InjectsBehindStartTls),
        Some(Manner::DropsInText),
        Some(Manner::SilentAfterText),
        Some(Manner::BusyAtThird),
    ];
    let certificate = CertificateFiles::new("mx.far.example", CertificateKind::Good)?;
    let port = free_port()?;
    let (mut domains, mut records, mut hosts) = (Vec::new(), Vec::new(), Vec::new());
    for (manner, third) in bad.into_iter().zip(1..) {
        // It is one of three alike, or the one that all mail should go to.
        for (preference, second) in [(20, 11), (10, 12)] {
            let domain = format!("far{second}-{third}.example");
            for last in 1..=3 {
                let address = Ipv4Addr::new(127, second, third, last);
                let (preference, manner) = if last == 1 { (preference, manner) } else { (20, Some(Manner::Good)) };
                records.push(format!("{domain}. MX {preference} mx{last}.{domain}."));
                records.push(format!("mx{last}.{domain}. A {address}"));
                if let Some(manner) = manner {
                    hosts.push(MisbehavingHost::start(address, port, manner, &certificate)?);
                }
            }
            domains.push(domain);
        }
    }
    let (server, _dns) = server_for(port, &records, "")?;
    submit_many(&server, &domains, MESSAGES)?;
    arrived(&hosts, MESSAGES * domains.len(), &server)?;
    server.stop()
}

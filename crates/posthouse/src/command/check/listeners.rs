//! Does each listener answer, and does its certificate fit?

use posthouse_tls::{ClientTls, PeerVerification, TlsFacts};

use super::Findings;
use super::conversation::Conversation;
use crate::certificates::unix_seconds;
use crate::control::status::ListenerView;
use crate::output::date;

/// A certificate that ends sooner is a failure.
const LEAST_REST_SECONDS: i64 = 14 * 24 * 60 * 60;
/// As much of a greeting as is shown.
const GREETING_CHARACTERS: usize = 60;
const RENEW: &str = "renew it, put the files where [[certificate]] says, and run `posthouse reload`";

/// Tries one address of a listener.
pub async fn check(listener: &ListenerView, address: &str, tls: &ClientTls, findings: &mut Findings) {
    let what = format!("{} on {address}", listener.name);
    match Conversation::open(listener, address, tls).await {
        Ok((conversation, greeting)) => {
            let facts = conversation.tls.as_ref();
            let words = facts.map_or("no TLS".to_owned(), |facts| format!("{} {}", facts.version, facts.cipher_suite));
            let greeting: String = greeting.chars().take(GREETING_CHARACTERS).collect();
            findings.good(&what, &format!("{greeting}; {words}"));
            if let Some(facts) = facts {
                check_certificate(&what, &listener.host_name, facts, findings);
            }
        }
        Err(error) => findings.fail(
            &what,
            &format!("{error:#}"),
            "look at the server's log; is a firewall or another program in between?",
        ),
    }
}

fn check_certificate(what: &str, host: &str, facts: &TlsFacts, findings: &mut Findings) {
    let what = format!("{what}, certificate");
    let Some(certificate) = &facts.peer_certificate else {
        return findings.fail(&what, "none was shown", "look at the server's log");
    };
    if !findings.is_new_certificate(&certificate.fingerprint_sha256, host) {
        return;
    }
    let now = i64::try_from(unix_seconds()).unwrap_or(i64::MAX);
    let until = date(certificate.not_after.saturating_mul(1000));
    if !certificate.is_for(host.trim_matches(['[', ']']).trim_start_matches("IPv6:")) {
        let names = certificate.subject_names.join(", ");
        let advice = format!("get one for {host}, or set host_name to a name that it is for");
        return findings.fail(&what, &format!("it is for {names}, not for {host}"), &advice);
    }
    if certificate.not_after < now {
        return findings.fail(&what, &format!("it ended on {until}"), RENEW);
    }
    if certificate.not_after - now < LEAST_REST_SECONDS {
        return findings.fail(&what, &format!("it ends on {until}"), RENEW);
    }
    if certificate.is_self_signed {
        let details = format!("for {host} until {until}, but self-signed");
        let advice = "clients ask whether to trust it: put one of a public authority into [[certificate]]";
        return findings.warn(&what, &details, advice);
    }
    match &facts.verified {
        PeerVerification::Verified => findings.good(&what, &format!("for {host} until {until}")),
        other => findings.warn(
            &what,
            &format!("for {host} until {until}, but {other}"),
            "is the chain complete in the file, the server's own certificate first?",
        ),
    }
}

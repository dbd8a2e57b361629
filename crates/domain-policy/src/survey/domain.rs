//! A domain: where its mail goes, and whether its mail is believed elsewhere.

use std::net::{IpAddr, Ipv4Addr};

use posthouse_model::Domain;

use super::{Finding, OwnHost, tag};
use crate::dkim::is_published;
use crate::spf::{SpfQuestion, SpfResult, check_host, check_record, is_spf_record};
use crate::{LookupError, Resolver};

/// An address that is nobody's (RFC 5737 §3): who lets it send lets everybody.
const NOBODY: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

/// A key that signs in the domain's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedKey {
    /// Where its record has to be.
    pub name: String,
    /// The record.
    pub record: String,
}

/// A domain that this house has mail for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnDomain {
    /// Its name.
    pub name: Domain,
    /// The keys that sign now.
    pub keys: Vec<ExpectedKey>,
    /// Whose they are: its own, or those of a domain above it.
    pub signs_as: Domain,
    /// Whether it takes no mail.
    pub sends_only: bool,
}

/// Looks a domain up.
pub async fn survey_domain(resolver: &dyn Resolver, host: &OwnHost, domain: &OwnDomain) -> Vec<Finding> {
    let name = &domain.name;
    let mut findings = vec![match domain.sends_only {
        true => null_mx(resolver, name).await,
        false => mail_hosts(resolver, host, name).await,
    }];
    findings.extend(spf(resolver, host, domain).await);
    findings.extend(dkim(resolver, domain).await);
    findings.extend(strict_alignment(resolver, domain).await);
    findings.push(dmarc(resolver, name).await);
    // What is said about mail for it is said about none.
    if domain.sends_only {
        return findings;
    }
    findings.push(
        announced(
            resolver,
            name,
            "_mta-sts",
            "v=STSv1",
            "MTA-STS",
            "others cannot know that mail for it is to be encrypted",
        )
        .await,
    );
    findings.push(
        announced(
            resolver,
            name,
            "_smtp._tls",
            "v=TLSRPTv1",
            "TLSRPT",
            "nobody reports when mail for it could not be encrypted",
        )
        .await,
    );
    findings
}

/// For a domain that takes no mail: others are to know that, and not to try its addresses (RFC 7505 §3).
async fn null_mx(resolver: &dyn Resolver, domain: &Domain) -> Finding {
    let subject = format!("{domain}, MX");
    let advice = "publish that it takes no mail";
    let wanted = |details: String| {
        Finding::advice(subject.clone(), details, advice).with(domain.as_str(), "MX", "0 .".to_owned())
    };
    match resolver.mx(domain).await {
        Ok(found) => match &found.records[..] {
            [record] if record.exchange.is_none() => Finding::good(subject, "0 ."),
            // RFC 7505 §3: it has to be the only one.
            _ => wanted("others are told to send mail for it, which is refused here".to_owned()),
        },
        Err(error) if error.is_negative() => wanted(error.to_string()),
        Err(error) => Finding::silent(subject, &error),
    }
}

async fn mail_hosts(resolver: &dyn Resolver, host: &OwnHost, domain: &Domain) -> Finding {
    let subject = format!("{domain}, MX");
    let wanted = |finding: Finding| finding.with(domain.as_str(), "MX", format!("10 {}.", host.name));
    let records = match resolver.mx(domain).await {
        Ok(found) => found.records,
        Err(error) if error.is_negative() => {
            let at_host = *domain == host.name
                || resolver
                    .addresses(domain)
                    .await
                    .is_ok_and(|found| found.records.iter().any(|at| host.addresses.contains(at)));
            return wanted(match at_host {
                true => Finding::advice(subject, "none; its address is this host's", "publish one all the same"),
                false => Finding::failure(subject, error.to_string(), "publish one, or no mail comes"),
            });
        }
        Err(error) => return Finding::silent(subject, &error),
    };
    let named: Vec<_> =
        records.iter().filter_map(|record| Some((record.preference, record.exchange.as_ref()?))).collect();
    let listed =
        named.iter().map(|(preference, exchange)| format!("{preference} {exchange}")).collect::<Vec<_>>().join(", ");
    let best = named.iter().map(|(preference, _)| *preference).min();
    let own = named.iter().filter(|(_, exchange)| **exchange == host.name).map(|(preference, _)| *preference).min();
    match (own, best) {
        (_, None) => {
            wanted(Finding::failure(subject, "it says that the domain takes no mail", "publish this host instead"))
        }
        (None, _) => {
            let advice = "publish this host, unless what stands there hands the mail on to it";
            wanted(Finding::failure(subject, format!("this host is not among them: {listed}"), advice))
        }
        (Some(own), Some(best)) if own > best => {
            let advice = "give this host the lowest number, unless the others hand the mail on to it";
            Finding::advice(subject, format!("others come first: {listed}"), advice)
        }
        _ => Finding::good(subject, listed),
    }
}

async fn spf(resolver: &dyn Resolver, host: &OwnHost, domain: &OwnDomain) -> Vec<Finding> {
    // A domain that takes no mail has no mail hosts that could be named.
    let mechanism = if domain.sends_only { format!("a:{}", host.name) } else { "mx".to_owned() };
    let domain = &domain.name;
    let subject = format!("{domain}, SPF");
    let wanted = |finding: Finding| finding.with(domain.as_str(), "TXT", format!("v=spf1 {mechanism} -all"));
    let texts = match texts(resolver, domain.as_str()).await {
        Ok(texts) => texts,
        Err(error) => return vec![Finding::silent(subject, &error)],
    };
    let records: Vec<_> = texts.iter().filter(|text| is_spf_record(text)).collect();
    let record = match records[..] {
        [] => {
            let advice = "publish one, or others take mail from anybody in its name, and doubt yours";
            return vec![wanted(Finding::failure(subject, "there is no record", advice))];
        }
        [record] => record,
        _ => {
            return vec![Finding::failure(
                subject,
                "there is more than one record",
                "make one of them: two count as an error",
            )];
        }
    };
    if let Err(error) = check_record(record) {
        return vec![Finding::failure(
            subject,
            error.to_string(),
            "mend it: a record that cannot be read counts as an error",
        )];
    }
    let mut findings = Vec::new();
    if ask_spf(resolver, host, domain, NOBODY).await == SpfResult::Pass {
        findings.push(Finding::failure(
            subject.clone(),
            "everybody may send in its name",
            "let it end in -all or ~all",
        ));
    }
    for &address in &host.addresses {
        let subject = format!("{subject} for {address}");
        findings.push(match ask_spf(resolver, host, domain, address).await {
            SpfResult::Pass => Finding::good(subject, record.as_str()),
            SpfResult::TempError(why) => Finding::advice(subject, why, "look again later"),
            other => {
                let advice = format!(
                    "add {mechanism}, or {}:{address}, before its end",
                    if address.is_ipv4() { "ip4" } else { "ip6" }
                );
                Finding::failure(subject, format!("{other} by {record}"), advice)
            }
        });
    }
    findings
}

async fn ask_spf(resolver: &dyn Resolver, host: &OwnHost, domain: &Domain, ip: IpAddr) -> SpfResult {
    let name = host.name.as_str();
    let question = SpfQuestion {
        ip,
        helo: name,
        local_part: "postmaster",
        domain: domain.as_str(),
        receiver: name,
        unix_seconds: 0,
    };
    check_host(resolver, &question).await
}

async fn dkim(resolver: &dyn Resolver, domain: &OwnDomain) -> Vec<Finding> {
    let name = &domain.name;
    if domain.keys.is_empty() {
        let advice = format!("make keys: posthouse dkim generate {name}");
        return vec![Finding::advice(format!("{name}, DKIM"), "nothing is signed in its name", advice)];
    }
    let mut findings = Vec::new();
    for key in &domain.keys {
        let subject = format!("{}, DKIM", key.name);
        let missing = |details: &str| {
            let advice = "publish it again, or retire the key: signatures that cannot be checked count as none";
            Finding::failure(subject.clone(), details, advice).with(key.name.as_str(), "TXT", key.record.as_str())
        };
        findings.push(match texts(resolver, &key.name).await {
            Ok(texts) if is_published(&key.record, &texts) => Finding::good(subject, "published"),
            Ok(texts) if texts.is_empty() => missing("the key signs, but its record is not there"),
            Ok(_) => missing("the key signs, but another record is there"),
            Err(error) => Finding::silent(subject, &error),
        });
    }
    findings
}

/// Where the keys are those of a domain above, DMARC must not want signatures of the domain itself (RFC 7489 §3.1.1).
async fn strict_alignment(resolver: &dyn Resolver, domain: &OwnDomain) -> Option<Finding> {
    let (name, whose) = (&domain.name, &domain.signs_as);
    if domain.keys.is_empty() || name == whose {
        return None;
    }
    let subject = format!("{name}, DKIM by {whose}");
    // RFC 7489 §6.6.3: the record of the domain, or else that of the organization: the first from the top that has one.
    let above =
        name.as_str().rmatch_indices('.').skip(1).filter_map(|(at, _)| Domain::parse(&name.as_str()[at + 1..]).ok());
    for holder in std::iter::once(name.clone()).chain(above) {
        let texts = match texts(resolver, &format!("_dmarc.{holder}")).await {
            Ok(texts) => texts,
            Err(error) => return Some(Finding::silent(subject, &error)),
        };
        let Some(record) = texts.iter().find(|text| tag(text, "v") == Some("DMARC1")) else { continue };
        if tag(record, "adkim") == Some("s") {
            let details =
                format!("DMARC at {holder} wants signatures of the domain itself (adkim=s): these do not count");
            let advice = format!("make keys of its own: posthouse dkim generate {name}");
            return Some(Finding::failure(subject, details, advice));
        }
        break;
    }
    Some(Finding::good(subject, "its mail is signed with the keys of the domain above it"))
}

async fn dmarc(resolver: &dyn Resolver, domain: &Domain) -> Finding {
    let name = format!("_dmarc.{domain}");
    let subject = format!("{domain}, DMARC");
    let wanted = |finding: Finding| {
        finding.with(name.as_str(), "TXT", format!("v=DMARC1; p=none; rua=mailto:postmaster@{domain}"))
    };
    let texts = match texts(resolver, &name).await {
        Ok(texts) => texts,
        Err(error) => return Finding::silent(subject, &error),
    };
    let records: Vec<_> = texts.iter().filter(|text| tag(text, "v") == Some("DMARC1")).collect();
    match records[..] {
        [] => wanted(Finding::advice(subject, "there is no record", "publish one: large receivers ask for it")),
        [record] => match tag(record, "p") {
            Some("none" | "quarantine" | "reject") => Finding::good(subject, record.as_str()),
            _ => wanted(Finding::failure(
                subject,
                format!("it names no policy: {record}"),
                "give it p=none, quarantine or reject",
            )),
        },
        _ => Finding::failure(subject, "there is more than one record", "keep one: several count as none"),
    }
}

/// Whether something is announced by a record of tags.
async fn announced(
    resolver: &dyn Resolver,
    domain: &Domain,
    label: &str,
    version: &str,
    called: &str,
    otherwise: &str,
) -> Finding {
    let subject = format!("{domain}, {called}");
    match texts(resolver, &format!("{label}.{domain}")).await {
        Ok(texts) => match texts.iter().find(|text| text.split(';').next().map(str::trim) == Some(version)) {
            Some(record) => Finding::good(subject, record.as_str()),
            None => Finding::advice(subject, "there is no record", format!("publish one: {otherwise}")),
        },
        Err(error) => Finding::silent(subject, &error),
    }
}

/// The texts of a name; none where there are none.
async fn texts(resolver: &dyn Resolver, name: &str) -> Result<Vec<String>, LookupError> {
    let Ok(name) = Domain::parse(name) else { return Ok(Vec::new()) };
    match resolver.current_texts(&name).await {
        Ok(found) => Ok(found.records),
        Err(error) if error.is_negative() => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

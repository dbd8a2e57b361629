//! Evaluating records (RFC 7208 §4 to §6).

use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;

use posthouse_model::Domain;

use super::macros::{MacroString, Place, Values};
use super::record::{Mechanism, Prefix, Qualifier, Record};
use super::{
    MAX_EXPLANATION_BYTES, MAX_LOOKUPS, MAX_MX_HOSTS, MAX_PTR_NAMES, MAX_VOID_LOOKUPS, SpfQuestion, SpfResult,
    is_spf_record,
};
use crate::{LookupError, Records, Resolver};

/// A name that could not be confirmed (RFC 7208 §7.3).
const UNKNOWN_NAME: &str = "unknown";
/// Octets of a label of a domain name.
const MAX_LABEL_BYTES: usize = 63;

/// What ends an evaluation at once.
enum Stop {
    Temporary(String),
    Permanent(String),
}

impl From<Stop> for SpfResult {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Temporary(why) => Self::TempError(why),
            Stop::Permanent(why) => Self::PermError(why),
        }
    }
}

/// What a record comes to.
enum Verdict {
    /// There is none.
    NoRecord,
    /// Nothing in it matches.
    NoMatch,
    /// With where to find an explanation, and whose record it stands in.
    Match(Qualifier, Option<(MacroString, String)>),
}

struct Evaluation<'a> {
    resolver: &'a dyn Resolver,
    question: &'a SpfQuestion<'a>,
    ip: IpAddr,
    lookups: usize,
    voids: usize,
}

type Evaluated<'e> = Pin<Box<dyn Future<Output = Result<Verdict, Stop>> + Send + 'e>>;

pub(super) async fn check_host(resolver: &dyn Resolver, question: &SpfQuestion<'_>) -> SpfResult {
    // RFC 7208 §5: an IPv4 address in IPv6's clothes is one.
    let ip = question.ip.to_canonical();
    let mut evaluation = Evaluation { resolver, question, ip, lookups: 0, voids: 0 };
    let verdict = evaluation.evaluate(question.domain.to_owned()).await;
    match verdict {
        Err(stop) => stop.into(),
        Ok(Verdict::NoRecord) => SpfResult::None,
        // RFC 7208 §4.7.
        Ok(Verdict::NoMatch | Verdict::Match(Qualifier::Neutral, _)) => SpfResult::Neutral,
        Ok(Verdict::Match(Qualifier::Pass, _)) => SpfResult::Pass,
        Ok(Verdict::Match(Qualifier::SoftFail, _)) => SpfResult::SoftFail,
        Ok(Verdict::Match(Qualifier::Fail, explanation)) => {
            let explanation = match explanation {
                Some((at, domain)) => evaluation.explanation(&at, &domain).await,
                None => None,
            };
            SpfResult::Fail { explanation }
        }
    }
}

impl<'a> Evaluation<'a> {
    fn evaluate(&mut self, domain: String) -> Evaluated<'_> {
        Box::pin(async move {
            let Some(record) = self.record(&domain).await? else { return Ok(Verdict::NoRecord) };
            for (qualifier, mechanism) in &record.directives {
                if self.matches(mechanism, &domain).await? {
                    return Ok(Verdict::Match(*qualifier, record.explanation.map(|at| (at, domain))));
                }
            }
            let Some(redirect) = &record.redirect else { return Ok(Verdict::NoMatch) };
            self.count_lookup()?;
            let target = self.name(redirect, &domain).await?;
            match self.evaluate(target.clone()).await? {
                // RFC 7208 §6.1
                Verdict::NoRecord => Err(Stop::Permanent(format!("redirect={target}, which has no record"))),
                verdict => Ok(verdict),
            }
        })
    }

    /// The record of a domain (RFC 7208 §4.3 to §4.6).
    async fn record(&self, domain: &str) -> Result<Option<Record>, Stop> {
        let Some(name) = complete_name(domain) else { return Ok(None) };
        let texts = match self.resolver.texts(&name).await {
            Ok(Records { records, .. }) => records,
            Err(error) if error.is_negative() => return Ok(None),
            Err(error) => return Err(Stop::Temporary(format!("{name}: {error}"))),
        };
        let mut records = texts.iter().filter(|text| is_spf_record(text));
        match (records.next(), records.next()) {
            (None, _) => Ok(None),
            (Some(text), None) => {
                Record::parse(text).map(Some).map_err(|error| Stop::Permanent(format!("{name}: {error}")))
            }
            (Some(_), Some(_)) => Err(Stop::Permanent(format!("{name} has more than one SPF record"))),
        }
    }

    async fn matches(&mut self, mechanism: &Mechanism, domain: &str) -> Result<bool, Stop> {
        match mechanism {
            Mechanism::All => Ok(true),
            Mechanism::Ip(network, prefix) => Ok(prefix.covers(*network, self.ip)),
            Mechanism::Include(spec) => {
                self.count_lookup()?;
                let target = self.name(spec, domain).await?;
                match self.evaluate(target.clone()).await? {
                    Verdict::Match(qualifier, _) => Ok(qualifier == Qualifier::Pass),
                    Verdict::NoMatch => Ok(false),
                    // RFC 7208 §5.2
                    Verdict::NoRecord => Err(Stop::Permanent(format!("include:{target}, which has no record"))),
                }
            }
            Mechanism::A(spec, prefix) => {
                self.count_lookup()?;
                let name = self.name_or(spec.as_ref(), domain).await?;
                self.has_address(&name, *prefix).await
            }
            Mechanism::Mx(spec, prefix) => {
                self.count_lookup()?;
                let name = self.name_or(spec.as_ref(), domain).await?;
                self.has_mail_host(&name, *prefix).await
            }
            Mechanism::Ptr(spec) => {
                self.count_lookup()?;
                let target = self.name_or(spec.as_ref(), domain).await?.to_ascii_lowercase();
                let names = self.validated_names().await;
                Ok(names.iter().any(|name| is_within(name.as_str(), &target)))
            }
            Mechanism::Exists(spec) => {
                self.count_lookup()?;
                let name = self.name(spec, domain).await?;
                // RFC 7208 §5.7: an A record, whatever the host's own address is.
                Ok(self.addresses(&name).await?.iter().any(IpAddr::is_ipv4))
            }
        }
    }

    async fn has_address(&mut self, name: &str, prefix: Prefix) -> Result<bool, Stop> {
        let ip = self.ip;
        Ok(self.addresses(name).await?.into_iter().any(|address| prefix.covers(address, ip)))
    }

    async fn has_mail_host(&mut self, name: &str, prefix: Prefix) -> Result<bool, Stop> {
        let Some(domain) = complete_name(name) else { return self.count_void().map(|()| false) };
        let records = match self.resolver.mx(&domain).await {
            Ok(Records { records, .. }) => records,
            Err(error) => return self.nothing(name, &error).map(|()| false),
        };
        // RFC 7208 §4.6.4
        if records.len() > MAX_MX_HOSTS {
            return Err(Stop::Permanent(format!("{name} has more than {MAX_MX_HOSTS} MX records")));
        }
        for exchange in records.into_iter().filter_map(|record| record.exchange) {
            if self.has_address(exchange.as_str(), prefix).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The addresses of a name, of the family that the host has where it matters.
    async fn addresses(&mut self, name: &str) -> Result<Vec<IpAddr>, Stop> {
        let Some(domain) = complete_name(name) else { return self.count_void().map(|()| Vec::new()) };
        match self.resolver.addresses(&domain).await {
            Ok(Records { records, .. }) => Ok(records),
            Err(error) => self.nothing(name, &error).map(|()| Vec::new()),
        }
    }

    /// The names of the host that lead back to it (RFC 7208 §5.5). Where DNS fails there are none.
    async fn validated_names(&mut self) -> Vec<Domain> {
        let Ok(Records { records: names, .. }) = self.resolver.names(self.ip).await else { return Vec::new() };
        let mut validated = Vec::new();
        for name in names.into_iter().take(MAX_PTR_NAMES) {
            if let Ok(found) = self.resolver.addresses(&name).await
                && found.records.contains(&self.ip)
            {
                validated.push(name);
            }
        }
        validated
    }

    /// The name that `%{p}` stands for: the domain itself, or one below it, or any (RFC 7208 §7.3).
    async fn validated_name(&mut self, domain: &str) -> String {
        let names = self.validated_names().await;
        let domain = domain.to_ascii_lowercase();
        let best = names
            .iter()
            .find(|name| name.as_str() == domain)
            .or_else(|| names.iter().find(|name| is_within(name.as_str(), &domain)))
            .or_else(|| names.first());
        best.map_or_else(|| UNKNOWN_NAME.to_owned(), |name| name.as_str().to_owned())
    }

    async fn name_or(&mut self, spec: Option<&MacroString>, domain: &str) -> Result<String, Stop> {
        match spec {
            Some(spec) => self.name(spec, domain).await,
            None => Ok(domain.to_owned()),
        }
    }

    async fn name(&mut self, spec: &MacroString, domain: &str) -> Result<String, Stop> {
        let validated = self.validated_name_for(spec, domain).await;
        Ok(spec.expand_to_name(&self.values(domain, &validated)))
    }

    async fn validated_name_for(&mut self, spec: &MacroString, domain: &str) -> String {
        if spec.asks_for_validated_name() { self.validated_name(domain).await } else { String::new() }
    }

    fn values<'v>(&'v self, domain: &'v str, validated: &'v str) -> Values<'v> {
        let SpfQuestion { helo, local_part, domain: sender_domain, receiver, unix_seconds, .. } = *self.question;
        Values { ip: self.ip, helo, local_part, sender_domain, domain, validated, receiver, unix_seconds }
    }

    /// What the domain says about a failure (RFC 7208 §6.2). Whatever goes wrong, there is none.
    async fn explanation(&mut self, at: &MacroString, domain: &str) -> Option<String> {
        let name = self.name(at, domain).await.ok()?;
        let found = self.resolver.texts(&complete_name(&name)?).await.ok()?;
        let [text] = &found.records[..] else { return None };
        let text = MacroString::parse(text, Place::Explanation)?;
        let validated = self.validated_name_for(&text, domain).await;
        let explanation = text.expand(&self.values(domain, &validated));
        let is_fit = explanation.bytes().all(|octet| octet == b' ' || octet.is_ascii_graphic());
        (is_fit && explanation.len() <= MAX_EXPLANATION_BYTES).then_some(explanation)
    }

    fn count_lookup(&mut self) -> Result<(), Stop> {
        self.lookups += 1;
        match self.lookups > MAX_LOOKUPS {
            true => Err(Stop::Permanent(format!("it takes more than {MAX_LOOKUPS} questions to DNS"))),
            false => Ok(()),
        }
    }

    fn count_void(&mut self) -> Result<(), Stop> {
        self.voids += 1;
        match self.voids > MAX_VOID_LOOKUPS {
            true => Err(Stop::Permanent(format!("more than {MAX_VOID_LOOKUPS} names in it lead nowhere"))),
            false => Ok(()),
        }
    }

    /// DNS has nothing, or does not say.
    fn nothing(&mut self, name: &str, error: &LookupError) -> Result<(), Stop> {
        match error.is_negative() {
            true => self.count_void(),
            false => Err(Stop::Temporary(format!("{name}: {error}"))),
        }
    }
}

/// A name that can be asked about: of more than one label, none of them empty or too long (RFC 7208 §4.3).
fn complete_name(name: &str) -> Option<Domain> {
    let labels_fit = name.split('.').all(|label| (1..=MAX_LABEL_BYTES).contains(&label.len()));
    let domain = Domain::parse(name).ok().filter(|domain| domain.as_ip().is_none())?;
    (labels_fit && name.contains('.')).then_some(domain)
}

/// Whether a name is `domain` or below it; both in lower case.
fn is_within(name: &str, domain: &str) -> bool {
    name.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

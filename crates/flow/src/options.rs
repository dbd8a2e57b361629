//! How mail is to flow.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use posthouse_domain_policy::transport::DestinationTls;
use posthouse_model::{Address, Domain, Language};
use posthouse_storage::routes::{RouteCertificate, RouteLogin};

use crate::WatchThresholds;
use crate::alerts::AlertMail;
use crate::content_filter::FilterOptions;
use crate::queue::double_bounces::DEFAULT_MAX_DOUBLE_BOUNCES;
use crate::queue::pace::DestinationRate;
use crate::queue::schedule::RetrySchedule;
use crate::queue::tls_outcomes::Floor;

/// How mail is to flow.
#[derive(Clone, Debug)]
pub struct FlowOptions {
    /// The name of this host, as it stands in trace fields and reports.
    pub host_name: Domain,
    /// The name under which this host, or a group of hosts, reports what it found out about messages (RFC 8601 §2.5).
    pub authserv_id: Domain,
    /// Most `Received` fields of a message; one with more goes in circles (RFC 5321 §6.3).
    pub max_hops: usize,
    /// Most addresses that the recipients of one message may become by aliases.
    pub max_expansion: usize,
    /// When to try again.
    pub schedule: RetrySchedule,
    /// The same for these: domains of recipients, and smart hosts for what goes by way of them. A domain comes first.
    pub schedules: BTreeMap<Domain, RetrySchedule>,
    /// The language of reports where neither account nor domain has one.
    pub language: Language,
    /// Who gets what cannot be delivered and has nobody to be returned to.
    pub postmaster: Option<Address>,
    /// Mail that goes by way of a given host: for one domain, or for all that no other route takes.
    pub routes: Vec<Route>,
    /// TLS towards hosts found by MX, where no domain of `destination_tls` says otherwise.
    pub default_tls: DestinationTls,
    /// TLS towards the hosts of these domains.
    pub destination_tls: BTreeMap<Domain, DestinationTls>,
    /// Whether hosts are held to their signed TLSA records (RFC 7672).
    pub use_dane: bool,
    /// What is expected of domains whose hosts have always proven who they are.
    pub floor: Floor,
    /// The port on which other hosts take mail; 25 everywhere but in tests.
    pub smtp_port: u16,
    /// What senders are told of a mailbox that is full.
    pub when_full: WhenFull,
    /// From when on accounts that send too much are frozen; `None` for never.
    pub watch: Option<WatchThresholds>,
    /// Deliveries under way at once.
    pub max_deliveries: usize,
    /// Of them, to one destination. It has fewer until it has shown that it can take them.
    pub max_deliveries_per_destination: usize,
    /// Memory for large messages under way, in octets.
    pub max_large_bodies_bytes: u64,
    /// How many messages may go to one destination in a minute, where `destination_rates` does not say otherwise;
    /// `None` for as many as there are.
    pub default_rate: Option<DestinationRate>,
    /// The same for these destinations.
    pub destination_rates: BTreeMap<Domain, DestinationRate>,
    /// What aliases lead on.
    pub forwarding: Forwarding,
    /// Whether the postmaster gets letters about alerts.
    pub alert_mail: AlertMail,
    /// Messages of one account that may wait for their release (RFC 4865 §6) at once.
    pub max_held_messages: usize,
    /// Double bounces that are kept at once where there is no postmaster; the oldest are dropped.
    pub max_double_bounces: usize,
    /// What examines mail at the end of data.
    pub content_filters: FilterOptions,
}

/// Messages of one account that may wait for their release where nothing else is said.
pub const DEFAULT_MAX_HELD_MESSAGES: usize = 100;

impl FlowOptions {
    /// The defaults for a host of this name.
    pub fn new(host_name: Domain) -> Self {
        Self {
            authserv_id: host_name.clone(),
            host_name,
            max_hops: 50,
            max_expansion: 1000,
            schedule: RetrySchedule::default(),
            schedules: BTreeMap::new(),
            language: Language::default(),
            postmaster: None,
            routes: Vec::new(),
            default_tls: DestinationTls::Opportunistic,
            destination_tls: BTreeMap::new(),
            use_dane: true,
            floor: Floor::default(),
            smtp_port: 25,
            when_full: WhenFull::TryAgain,
            watch: Some(WatchThresholds::default()),
            max_deliveries: 100,
            max_deliveries_per_destination: 20,
            max_large_bodies_bytes: 128 * 1024 * 1024,
            default_rate: None,
            destination_rates: BTreeMap::new(),
            forwarding: Forwarding::default(),
            alert_mail: AlertMail::default(),
            max_held_messages: DEFAULT_MAX_HELD_MESSAGES,
            max_double_bounces: DEFAULT_MAX_DOUBLE_BOUNCES,
            content_filters: FilterOptions::default(),
        }
    }

    /// When mail for a `domain` is tried again, attempts for which are grouped by `destination`: the domain itself, or the
    /// smart host that takes its mail.
    pub fn schedule_for(&self, domain: &Domain, destination: &Domain) -> &RetrySchedule {
        let of_its_own = self.schedules.get(domain).or_else(|| self.schedules.get(destination));
        of_its_own.unwrap_or(&self.schedule)
    }

    /// How fast mail may go to `destination`; `None` without a limit. To this host itself goes what was to wait here.
    pub fn rate(&self, destination: &Domain) -> Option<DestinationRate> {
        if *destination == self.host_name {
            return None;
        }
        self.destination_rates.get(destination).copied().or(self.default_rate)
    }
}

/// What is done with mail that aliases lead on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forwarding {
    /// Whether its sender becomes an address of ours (SRS).
    pub rewrites_senders: bool,
    /// The domain of those addresses; `None` for that of the alias. Its mail has to come here.
    pub srs_domain: Option<Domain>,
    /// Whether it is sealed (ARC) where the alias's domain has a key that signs.
    pub seals: bool,
}

impl Default for Forwarding {
    fn default() -> Self {
        Self { rewrites_senders: true, srs_domain: None, seals: true }
    }
}

/// What senders are told of a mailbox that is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenFull {
    /// To try again: there may be room tomorrow (`452 4.2.2`).
    TryAgain,
    /// To give up (`552 5.2.2`).
    GiveUp,
}

/// Mail that goes by way of a given host.
#[derive(Clone, Debug)]
pub struct Route {
    /// For recipients of this domain; `None` for all that no other route takes.
    pub domain: Option<Domain>,
    /// By way of this host.
    pub host: SmartHost,
}

/// A host that takes mail for others.
#[derive(Clone, Debug)]
pub struct SmartHost {
    /// Its name or address literal.
    pub host: Domain,
    /// Its port.
    pub port: u16,
    /// How it speaks TLS.
    pub tls: SmartHostTls,
    /// How to sign in there, if it wants that.
    pub login: Option<RouteLogin>,
    /// The certificate that is shown to it, if it asks for one.
    pub certificate: Option<Arc<RouteCertificate>>,
    /// The route of the store that it is a host of.
    pub route: Option<String>,
    /// The name that its certificate has to be for, instead of its own.
    pub certificate_name: Option<Domain>,
    /// Most messages over one connection; `None` for as many as the courier likes.
    pub max_messages: Option<usize>,
}

/// How a smart host speaks TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmartHostTls {
    /// From the first byte, and its certificate has to hold up.
    Implicit,
    /// After STARTTLS, and its certificate has to hold up.
    StartTls,
    /// After STARTTLS, whatever its certificate.
    StartTlsUnverified,
    /// After STARTTLS where it is offered, whatever its certificate; else in clear. Never signs in.
    StartTlsOptional,
    /// Not at all. Never signs in.
    None,
}

/// A day.
pub(crate) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

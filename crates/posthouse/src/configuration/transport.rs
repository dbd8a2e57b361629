//! `[transport]`: what proves the hosts that mail goes to.

use std::time::Duration;

use posthouse_flow::{Floor, FloorMode, ReportAddress, USUAL_REPORT_LOCAL_PART};
use posthouse_model::{Address, Domain, LocalPart};
use serde::Deserialize;

use super::value::{Parsed, Word, words};

words! {
    /// What is done where a domain's hosts, which have always proven who they are, do not any more.
    FloorWord, "what to do":
    /// Nothing.
    Off = "off",
    /// Tell.
    Warn = "warn",
    /// Send them nothing.
    Refuse = "refuse",
}

/// Where policies and reports are when nothing else is said.
const HTTPS_PORT: u16 = 443;

/// The table as it stands in the file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TransportTable {
    dane: Option<bool>,
    #[serde(default)]
    dane_only: Vec<Parsed<Domain>>,
    mta_sts: Option<bool>,
    https_port: Option<u16>,
    #[serde(default)]
    dangerous_private_https: bool,
    floor: Option<Parsed<FloorWord>>,
    tls_reports: Option<bool>,
    report_organization: Option<String>,
    receive_tls_reports: Option<bool>,
    tls_report_address: Option<Parsed<ReportPlace>>,
    floor_deliveries: Option<u64>,
    floor_time: Option<Parsed<Duration>>,
}

/// What proves the hosts that mail goes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transport {
    /// Whether hosts are held to their signed TLSA records (RFC 7672).
    pub dane: bool,
    /// Domains whose hosts have to have some.
    pub dane_only: Vec<Domain>,
    /// Whether hosts are held to their domains' MTA-STS policies (RFC 8461).
    pub mta_sts: bool,
    /// The port at which other domains serve them.
    pub https_port: u16,
    /// Whether they may be served from addresses that are not public.
    pub dangerous_private_https: bool,
    /// Whether domains that ask for them get reports about TLS (RFC 8460).
    pub tls_reports: bool,
    /// What this host calls itself in them; its name, where nothing is said.
    pub report_organization: Option<String>,
    /// Where others send their reports about TLS towards us; `None` where they are not taken in.
    pub receives_tls_reports_at: Option<ReportAddress>,
    /// What is expected of domains whose hosts have always proven who they are.
    pub floor: Floor,
}

/// An address, or the local part of one in each domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ReportPlace(ReportAddress);

impl Word for ReportPlace {
    fn read(text: &str) -> Result<Self, String> {
        let in_each = || LocalPart::parse(text).ok().map(ReportAddress::InEachDomain);
        let place = Address::parse(text).ok().map(ReportAddress::One).or_else(in_each);
        place.map(Self).ok_or_else(|| {
            format!("`{text}` is neither a mail address nor what stands before the @ of one, such as tls-reports")
        })
    }
}

fn usual_report_address() -> Option<ReportAddress> {
    LocalPart::parse(USUAL_REPORT_LOCAL_PART).ok().map(ReportAddress::InEachDomain)
}

impl Transport {
    pub(super) fn of_table(table: TransportTable) -> Self {
        let usual = Floor::default();
        let place = table.tls_report_address.map(|place| place.0.0).or_else(usual_report_address);
        Self {
            dane: table.dane.unwrap_or(true),
            dane_only: table.dane_only.into_iter().map(|domain| domain.0).collect(),
            mta_sts: table.mta_sts.unwrap_or(true),
            https_port: table.https_port.unwrap_or(HTTPS_PORT),
            dangerous_private_https: table.dangerous_private_https,
            tls_reports: table.tls_reports.unwrap_or(true),
            report_organization: table.report_organization,
            receives_tls_reports_at: place.filter(|_| table.receive_tls_reports.unwrap_or(true)),
            floor: Floor {
                mode: match table.floor.map(|word| word.0) {
                    None => usual.mode,
                    Some(FloorWord::Off) => FloorMode::Off,
                    Some(FloorWord::Warn) => FloorMode::Warn,
                    Some(FloorWord::Refuse) => FloorMode::Refuse,
                },
                deliveries: table.floor_deliveries.unwrap_or(usual.deliveries),
                time: table.floor_time.map_or(usual.time, |time| time.0),
            },
        }
    }
}

//! Mail in motion: receive, judge, route, deliver, queue, send, report; and the trail of it all.
//!
//! A message comes in through [`Flow::receive`], which answers only when the message and what is to become of it are
//! durable, in one transaction. Local mail never passes through the queue. Mail for others is taken out of the queue
//! by the [`Dispatcher`], which asks a [`Courier`] to carry it.
//!
//! Whoever's domain has keys signs what leaves ([`signing`]); what aliases lead on is sealed, and its sender rewritten.
//!
//! This crate returns verdicts and causes, never reply codes or texts of a protocol; it opens no sockets and asks the
//! [`Environment`] for time and chance.

pub mod alerts;
mod arrival;
mod content_filter;
mod deliver;
mod deliver_once;
mod door_refusals;
mod environment;
mod foreign_results;
mod held_mail;
mod judge;
mod message_id;
mod options;
mod own_mail;
pub mod queue;
mod quota_notices;
mod receive;
mod received_field;
mod route;
mod sealing;
mod sending_limits;
mod sending_watch;
pub mod signing;
mod smart_route;
mod spool;
mod srs;
mod submission;
mod tls_report_alarm;
mod tls_report_evidence;
mod tls_report_intake;
mod tls_reporting;
mod welcome;
mod xtext;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::Arc;

use parking_lot::Mutex;
use posthouse_identity::Identity;
use posthouse_mailbox::Mailboxes;
use posthouse_model::AccountId;
use posthouse_storage::Storage;

pub use arrival::{Arrival, Door};
pub use content_filter::{
    AddedField, BadField, ContentFilter, DEFAULT_FILTER_TIME, DEFAULT_FILTERS_TIME, DEFAULT_MAX_HELD_BY_FILTERS,
    FilterError, FilterFigure, FilterOptions, FilteredMessage, MAX_ADDED_FIELDS, MailDirection, RefusalStatus, Verdict,
    WhenUnexamined,
};
pub use door_refusals::Knock;
pub use environment::{Environment, SystemEnvironment};
pub use held_mail::HeldRoom;
pub use options::{FlowOptions, Forwarding, Route, SmartHost, SmartHostTls, WhenFull};
pub use posthouse_domain_policy::transport::DestinationTls;
pub use queue::courier::{
    Carried, Cause, Consignment, Courier, DeliveryResult, HopFailure, HopTls, NextHop, PeerReply, Protection,
    RecipientResult,
};
pub use queue::dispatcher::Dispatcher;
pub use queue::pace::DestinationRate;
pub use queue::schedule::RetrySchedule;
pub use queue::steering::{QueueAction, Steered};
pub use queue::sts::{StsFound, StsPolicies, StsProblem};
pub use queue::tls_outcomes::{Floor, FloorMode, day_of};
pub use queue::tls_problem::{TlsProblem, TlsProblemKind};
pub use queue::tokens::TokenSource;
pub use queue::transport_view::{DomainView, HostView};
pub use quota_notices::QuotaNotices;
pub use receive::{MessageRefusal, Received};
pub use sending_limits::{SendingRefusal, SendingRoom};
pub use sending_watch::WatchThresholds;
pub use smart_route::hops_of;
pub use spool::{Kept, Spool, SpoolError, SpoolLimits, SpoolRoom, Spooled};
pub use srs::{MAX_RETIRED_SRS_KEYS, SrsKey, SrsKeyError};
pub use tls_report_evidence::{MAX_EVIDENCE, MAX_EVIDENCE_REPORTS, TlsFailureEvidence};
pub use tls_report_intake::{
    MAX_DOMAINS_PER_REPORT, MAX_REPORT_MAIL_BYTES, ReportAddress, ReportRefusal, TakenReport, USUAL_REPORT_LOCAL_PART,
};
pub use tls_reporting::TlsReportMail;
pub use welcome::{RecipientVerdict, SenderVerdict};

/// Mail in motion.
pub struct Flow {
    store: Arc<dyn Storage>,
    identity: Arc<Identity>,
    mailboxes: Arc<Mailboxes>,
    environment: Arc<dyn Environment>,
    options: FlowOptions,
    signers: signing::Signers,
    routes: smart_route::RouteBook,
    /// Accounts that were frozen while this process runs: what was under way then is to be held, too.
    frozen: Mutex<BTreeSet<AccountId>>,
    sender_rewriting: srs::SenderRewriting,
    sts: Option<Arc<dyn StsPolicies>>,
    tls_report_intake: Option<tls_report_intake::TlsReportIntake>,
    tls_outcomes: queue::tls_outcomes::TlsOutcomes,
    report_rates: queue::report::ReportRates,
    alerts: Arc<alerts::Alerts>,
    door_refusals: door_refusals::DoorRefusals,
    double_bounces: queue::double_bounces::DoubleBounces,
    filter_figures: content_filter::FilterFigures,
}

impl Flow {
    /// Puts the rooms together.
    pub fn new(
        identity: Arc<Identity>,
        mailboxes: Arc<Mailboxes>,
        environment: Arc<dyn Environment>,
        options: FlowOptions,
    ) -> Self {
        let routes = smart_route::RouteBook::new(&options.routes);
        let alerts = Arc::new(alerts::Alerts::new(Arc::clone(&environment)));
        Self {
            store: Arc::clone(identity.store()),
            identity,
            mailboxes,
            environment,
            options,
            signers: Default::default(),
            routes,
            frozen: Mutex::default(),
            sender_rewriting: Default::default(),
            sts: None,
            tls_report_intake: None,
            tls_outcomes: Default::default(),
            report_rates: Default::default(),
            alerts,
            door_refusals: Default::default(),
            double_bounces: Default::default(),
            filter_figures: Default::default(),
        }
    }

    /// Has hosts held to the MTA-STS policies of their domains.
    #[must_use]
    pub fn with_sts_policies(mut self, policies: Arc<dyn StsPolicies>) -> Self {
        self.sts = Some(policies);
        self
    }

    /// What is not as it should be.
    pub fn alerts(&self) -> &Arc<alerts::Alerts> {
        &self.alerts
    }

    /// How it was told to behave.
    pub fn options(&self) -> &FlowOptions {
        &self.options
    }
}

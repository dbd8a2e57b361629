//! What the configuration says, in the words of each room.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use posthouse_domain_policy::Resolver;
use posthouse_flow::{FlowOptions, SpoolLimits};
use posthouse_identity::IdentityOptions;
use posthouse_server::courier::{CourierOptions, SmtpCourier};
use posthouse_server::https::{HttpsClient, HttpsOptions};
use posthouse_server::resolver::{DnsResolver, ResolverConfig, ResolverOptions};
use posthouse_server::tls_reports::Reporter;
use posthouse_server::{MaxFailedLogins, ServerOptions};
use posthouse_storage_sqlite::Options as StoreOptions;
use posthouse_tls::{ClientTls, TrustRoots};

use crate::configuration::{Configuration, Trust, WhenFull};
use crate::configured_routes;
use crate::route_tokens::RouteTokens;

pub(super) fn server_options(configuration: &Configuration) -> ServerOptions {
    let bounds = &configuration.connections;
    let mut options = ServerOptions::default();
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let control = &mut options.flow_control;
    control.max_connections = bounds.total.unwrap_or(control.max_connections);
    control.new_per_minute_per_network =
        bounds.new_per_minute_per_network.map_or(control.new_per_minute_per_network, count);
    control.exempt.extend(&bounds.exempt);
    if let Some(failed) = bounds.failed_logins_per_address {
        options.max_failed_logins = MaxFailedLogins(count(failed));
    }
    options
}

pub(super) fn identity_options(configuration: &Configuration, hashing_threads: Option<usize>) -> IdentityOptions {
    let usual = IdentityOptions::default();
    IdentityOptions {
        hashing_threads: hashing_threads.unwrap_or(usual.hashing_threads),
        password_policy: configuration.password_policy.clone(),
        keep_cram_md5: configuration.keep_cram_md5,
        ..usual
    }
}

pub(super) fn store_options(configuration: &Configuration) -> StoreOptions {
    StoreOptions { quota_warning_percent: configuration.quota_warning_percent, ..StoreOptions::default() }
}

pub(super) fn flow_options(configuration: &Configuration) -> anyhow::Result<FlowOptions> {
    let outgoing = &configuration.outgoing;
    let mut options = FlowOptions::new(configuration.host_name.clone());
    options.schedule = configuration.schedule.clone();
    options.schedules.clone_from(&configuration.schedules);
    options.authserv_id = configuration.authserv_id.clone();
    options.postmaster.clone_from(&configuration.postmaster);
    options.language = configuration.language;
    options.forwarding = configuration.forwarding.clone();
    options.alert_mail = configuration.alerts.mail;
    options.when_full = match configuration.when_full {
        WhenFull::Retry => posthouse_flow::WhenFull::TryAgain,
        WhenFull::Refuse => posthouse_flow::WhenFull::GiveUp,
    };
    options.default_tls = outgoing.default_tls.into();
    options.smtp_port = outgoing.smtp_port;
    options.max_deliveries = configuration.deliveries.unwrap_or(options.max_deliveries);
    options.max_deliveries_per_destination =
        configuration.deliveries_per_destination.unwrap_or(options.max_deliveries_per_destination);
    options.max_held_messages = configuration.held_messages_per_account.unwrap_or(options.max_held_messages);
    options.watch = configuration.sending_watch;
    options.default_rate = configuration.default_rate;
    options.destination_rates.clone_from(&configuration.destination_rates);
    let required =
        outgoing.required_tls.iter().map(|domain| (domain.clone(), posthouse_flow::DestinationTls::Required));
    let verified =
        outgoing.verified_tls.iter().map(|domain| (domain.clone(), posthouse_flow::DestinationTls::Verified));
    let transport = &configuration.transport;
    let dane_only = transport.dane_only.iter().map(|domain| (domain.clone(), posthouse_flow::DestinationTls::DaneOnly));
    // A domain on several lists gets the strictest.
    options.destination_tls = required.chain(verified).chain(dane_only).collect();
    options.use_dane = transport.dane;
    options.floor = transport.floor;
    options.routes = configured_routes::read(&outgoing.routes)?;
    Ok(options)
}

pub(super) fn spool_limits(configuration: &Configuration, directory: PathBuf) -> SpoolLimits {
    let usual = SpoolLimits::new(directory);
    let spool = &configuration.spool;
    SpoolLimits {
        memory_bytes: spool.memory_bytes.unwrap_or(usual.memory_bytes),
        message_memory_bytes: spool.message_memory_bytes.unwrap_or(usual.message_memory_bytes),
        large_at_once: spool.large_at_once.unwrap_or(usual.large_at_once),
        directory: usual.directory,
        seals_files: configuration.encryption_key.is_some(),
    }
}

pub(super) fn resolver(configuration: &Configuration) -> anyhow::Result<DnsResolver> {
    let options = ResolverOptions {
        validate: configuration.validates_dnssec,
        trust_anchors: configuration.trust_anchors.clone(),
        ..ResolverOptions::default()
    };
    let config = match configuration.resolvers.as_slice() {
        [] => ResolverConfig::System,
        servers => ResolverConfig::Servers(servers.to_vec()),
    };
    Ok(DnsResolver::new(&config, &options)?)
}

/// Who reports about TLS, where anybody does.
pub(super) fn tls_reports(configuration: &Configuration) -> Option<Reporter> {
    let transport = &configuration.transport;
    let from = configuration.postmaster.clone().filter(|_| transport.tls_reports)?;
    let organization = transport.report_organization.clone();
    Some(Reporter { organization: organization.unwrap_or_else(|| configuration.host_name.to_string()), from })
}

pub(super) fn https_client(
    configuration: &Configuration,
    resolver: &Arc<dyn Resolver>,
    tls: &Arc<ClientTls>,
) -> HttpsClient {
    let transport = &configuration.transport;
    let options = HttpsOptions {
        port: transport.https_port,
        may_be_private: transport.dangerous_private_https,
        ..HttpsOptions::default()
    };
    HttpsClient::new(Arc::clone(resolver), Arc::clone(tls), options)
}

pub(super) fn client_tls(configuration: &Configuration) -> anyhow::Result<Arc<ClientTls>> {
    let roots = match &configuration.outgoing.trust {
        Trust::Platform => TrustRoots::Platform,
        Trust::File(path) => TrustRoots::PemFile(path.clone()),
    };
    let tls = Arc::new(ClientTls::new(&roots, None).context("the trust roots for outgoing mail cannot be used")?);
    tracing::debug!(roots = %tls.trust_source(), "outgoing mail trusts");
    Ok(tls)
}

pub(super) fn courier(
    configuration: &Configuration,
    resolver: &Arc<dyn Resolver>,
    tls: Arc<ClientTls>,
    tokens: RouteTokens,
) -> Arc<SmtpCourier> {
    let timeouts = &configuration.outgoing.timeouts;
    let options = CourierOptions {
        connect_timeout: timeouts.connect,
        timeouts: timeouts.replies.clone(),
        ..CourierOptions::new(configuration.host_name.clone())
    };
    Arc::new(SmtpCourier::new(Arc::clone(resolver), tls, options).with_tokens(Arc::new(tokens)))
}

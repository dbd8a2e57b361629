//! The rooms are opened, one after the other, and work begins.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use posthouse_domain_policy::Resolver;
use posthouse_flow::alerts::{AlertThresholds, CERTIFICATE_UNREADABLE};
use posthouse_flow::{Dispatcher, Environment, Flow, QuotaNotices, SpoolRoom, SystemEnvironment};
use posthouse_identity::Identity;
use posthouse_mailbox::{Indexer, Mailboxes};
use posthouse_server::https::HttpsClient;
use posthouse_server::resolver::DnsResolver;
use posthouse_server::sts::StsKeeper;
use posthouse_server::tls_reports::{Reporter, TlsReports};
use posthouse_server::{Metrics, Rooms, Server};
use posthouse_storage::{Recovery, Storage, Trail};
use posthouse_storage_sqlite::{Options as StoreOptions, SqliteStorage};
use posthouse_tls::ClientTls;

use super::listeners::listener_view;
use super::options::{
    client_tls, courier, flow_options, https_client, identity_options, resolver, server_options, spool_limits,
    store_options, tls_reports,
};
use super::tasks::Tasks;
use super::{Foundation, House, RunningHouse};
use crate::configuration::Configuration;
use crate::control::job::Jobs;
use crate::control::metrics::{AlertFigures, FilterFigures, IndexFigures, QueueFigures};
use crate::control::migration::MigrationRoom;
use crate::control::server::ControlSocket;
use crate::keeping::Keeper;
use crate::route_tokens::RouteTokens;
use crate::site::HouseSite;
use crate::telemetry::{Exporter, Telemetry, TelemetryFigures};
use crate::trail_retention;
use crate::watchtower::Watchtower;

/// What the house has of the world outside: time, DNS, TLS and HTTPS towards others.
struct Outside {
    environment: Arc<dyn Environment>,
    dns: Arc<DnsResolver>,
    resolver: Arc<dyn Resolver>,
    tls: Arc<ClientTls>,
    https: HttpsClient,
}

impl Outside {
    fn new(configuration: &Configuration) -> anyhow::Result<Self> {
        let dns = Arc::new(resolver(configuration)?);
        let resolver: Arc<dyn Resolver> = Arc::clone(&dns) as _;
        let tls = client_tls(configuration)?;
        let https = https_client(configuration, &resolver, &tls);
        Ok(Self { environment: Arc::new(SystemEnvironment), dns, resolver, tls, https })
    }
}

/// What the work beside the listeners needs besides the rooms.
struct Plans {
    outside: Outside,
    sts: Arc<StsKeeper>,
    exporter: Option<Exporter>,
    reporter: Option<Reporter>,
    socket: ControlSocket,
    thresholds: AlertThresholds,
    warns_of_quota_by_mail: bool,
    keep_inventory_for: Duration,
    keep_trail_for: Duration,
    undelete_for: Duration,
}

impl Foundation {
    /// Opens every room and begins to work.
    ///
    /// # Errors
    /// When a room cannot be opened.
    pub async fn build(self) -> anyhow::Result<RunningHouse> {
        let Self { configuration, directories, certificates, bound, hashing_threads, log_switch, master_key } = self;
        let store_options = StoreOptions { master_key, ..store_options(&configuration) };
        let store = SqliteStorage::open(&directories.store, store_options)?;
        store.keep_expunged(!configuration.keeping.undelete_for.is_zero());
        // Before anything that a second server could disturb: the store is locked, so the socket is ours to take.
        let socket = ControlSocket::open(&configuration.control_socket)?;
        let identity_options = identity_options(&configuration, hashing_threads);
        let identity = Arc::new(Identity::open(Arc::clone(&store) as _, identity_options).await?);
        let administrator_url = configuration.postmaster.as_ref().map(|address| format!("mailto:{address}"));
        let mailboxes = Mailboxes::new(Arc::clone(identity.store())).with_administrator(administrator_url);
        let mailboxes = Arc::new(mailboxes);
        let indexer = Arc::new(Indexer::new(&mailboxes, configuration.search));
        let outside = Outside::new(&configuration)?;
        let sts = sts_keeper(&store, &outside);
        let flow = open_flow(&configuration, &identity, &mailboxes, &outside, &sts).await?;
        let spool_room = SpoolRoom::new(spool_limits(&configuration, directories.spool));
        let as_port = Arc::clone(&store) as Arc<dyn Storage>;
        let tokens = RouteTokens::new(outside.https.clone(), as_port, Arc::clone(&outside.environment));
        let courier = courier(&configuration, &outside.resolver, Arc::clone(&outside.tls), tokens);

        let mut options = server_options(&configuration);
        let registry = options.metrics.registry_mut();
        let queue_figures = QueueFigures::register(registry);
        let alert_figures = AlertFigures::register(registry);
        let filter_figures = FilterFigures::register(registry);
        let index_figures = IndexFigures::register(registry);
        let (telemetry, exporter) = telemetry(&configuration, &outside, &mut options.metrics);
        if let Some(telemetry) = &telemetry {
            store.observe_trail(Arc::clone(telemetry) as _);
        }
        let rooms = Rooms {
            identity: Arc::clone(&identity),
            mailboxes: Arc::clone(&mailboxes),
            flow: Arc::clone(&flow),
            spool_room: Arc::clone(&spool_room),
            environment: Arc::clone(&outside.environment),
        };
        let listeners = bound.iter().map(|each| listener_view(each, &configuration)).collect();
        let sightings = Arc::clone(&options.sightings);
        let server = Server::start(rooms, bound, options).context("the listeners cannot be started")?;

        let mut tasks = Tasks::new();
        let (resolver, environment) = (Arc::clone(&outside.resolver), Arc::clone(&outside.environment));
        let dispatcher = Dispatcher::new(Arc::clone(&flow), Arc::clone(&resolver), Arc::clone(&courier) as _);
        let queue = tasks.begin("queue", |closing| dispatcher.run(closing));
        let plans = Plans {
            outside,
            sts,
            exporter,
            reporter: tls_reports(&configuration),
            socket,
            thresholds: configuration.alerts.thresholds.clone(),
            warns_of_quota_by_mail: configuration.warns_of_quota_by_mail,
            keep_inventory_for: configuration.keep_inventory_for,
            keep_trail_for: configuration.keep_trail_for,
            undelete_for: configuration.keeping.undelete_for,
        };
        let house = Arc::new(House {
            store,
            identity,
            mailboxes,
            jobs: Jobs::default(),
            migration_room: MigrationRoom::default(),
            flow,
            courier,
            resolver,
            asks_the_worlds_dns: configuration.resolvers.is_empty(),
            indexer,
            spool_room,
            environment,
            metrics: Arc::clone(server.metrics()),
            queue_figures,
            alert_figures,
            filter_figures,
            index_figures,
            sightings,
            telemetry,
            log_switch,
            server: Mutex::new(Some(server)),
            queue,
            own_policies: configuration.own_policies,
            certificates,
            listeners,
            host_name: configuration.host_name,
            authserv_id: configuration.authserv_id,
            configuration_file: configuration.file,
            data_directory: configuration.data_directory,
            control_socket: configuration.control_socket,
        });
        if let Some(server) = house.server.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            server.answer_by(Arc::new(HouseSite::new(&house)));
        }
        house.begin_work(plans, &mut tasks);
        Ok(RunningHouse { house, tasks })
    }
}

impl House {
    /// Begins what works beside the listeners and the queue.
    fn begin_work(self: &Arc<Self>, plans: Plans, tasks: &mut Tasks) {
        let Outside { environment, dns, resolver, https, .. } = plans.outside;
        let as_port = || Arc::clone(&self.store) as Arc<dyn Storage>;
        let clock = || {
            let environment = Arc::clone(&environment);
            move || environment.now()
        };
        let flow = || Arc::clone(&self.flow);
        let sightings = Arc::clone(&self.sightings);
        tasks.begin("inventory", |closing| sightings.run(as_port(), clock(), plans.keep_inventory_for, closing));
        let store = Arc::clone(&self.store);
        tasks.begin("trail", |closing| trail_retention::run(store, clock(), plans.keep_trail_for, closing));
        tasks.begin("search index", |closing| Arc::clone(&self.indexer).run(closing));
        let keeper = Keeper {
            store: Arc::clone(&self.store),
            mailboxes: Arc::clone(&self.mailboxes),
            undelete_for: plans.undelete_for,
        };
        tasks.begin("keeping", |closing| keeper.run(clock(), closing));
        tasks.begin("MTA-STS policies", |closing| plans.sts.run(closing));
        let outcomes = flow();
        tasks.begin("TLS outcomes", |closing| async move { outcomes.run_tls_outcomes(closing).await });
        let alerts = flow();
        tasks.begin("alerts", |closing| async move { alerts.run_alerts(closing).await });
        if let Some(reporter) = plans.reporter {
            let reports = TlsReports::new(as_port(), flow(), resolver, https, Arc::clone(&environment), reporter);
            tasks.begin("TLS reports", |closing| reports.run(closing));
        }
        if plans.warns_of_quota_by_mail {
            let notices = QuotaNotices::new(flow());
            tasks.begin("quota notices", |closing| notices.run(closing));
        }
        if let Some(exporter) = plans.exporter {
            tasks.begin("telemetry", |closing| exporter.run(closing));
        }
        let watchtower = Watchtower::new(Arc::clone(self), dns, plans.thresholds);
        tasks.begin("watchtower", |closing| watchtower.run(closing));
        let house = Arc::clone(self);
        tasks.begin("control socket", |closing| plans.socket.serve(house, closing));
    }
}

fn sts_keeper(store: &Arc<SqliteStorage>, outside: &Outside) -> Arc<StsKeeper> {
    let Outside { environment, resolver, https, .. } = outside;
    let as_port = Arc::clone(store) as Arc<dyn Storage>;
    Arc::new(StsKeeper::new(as_port, Arc::clone(resolver), https.clone(), Arc::clone(environment)))
}

/// Mail in motion, as the last server left it.
async fn open_flow(
    configuration: &Configuration,
    identity: &Arc<Identity>,
    mailboxes: &Arc<Mailboxes>,
    outside: &Outside,
    sts: &Arc<StsKeeper>,
) -> anyhow::Result<Arc<Flow>> {
    let environment = Arc::clone(&outside.environment);
    let options = flow_options(configuration)?;
    let mut flow = Flow::new(Arc::clone(identity), Arc::clone(mailboxes), environment, options);
    if configuration.transport.mta_sts {
        flow = flow.with_sts_policies(Arc::clone(sts) as _);
    }
    if let Some(address) = &configuration.transport.receives_tls_reports_at {
        flow = flow.with_tls_reports(Arc::clone(&outside.resolver), address.clone());
    }
    let flow = Arc::new(flow);
    flow.take_up_alerts().await.context("the alerts of earlier cannot be read")?;
    // They could be read just now.
    flow.alerts().clear(&CERTIFICATE_UNREADABLE, "");
    flow.hold_frozen().await.context("the mail of frozen accounts cannot be held")?;
    flow.read_routes().await.context("the routes cannot be read")?;
    Ok(flow)
}

fn telemetry(
    configuration: &Configuration,
    outside: &Outside,
    metrics: &mut Metrics,
) -> (Option<Arc<Telemetry>>, Option<Exporter>) {
    let figures = TelemetryFigures::register(metrics.registry_mut());
    let telemetry = configuration.telemetry.clone().map(|settings| {
        let (resolver, tls) = (Arc::clone(&outside.resolver), Arc::clone(&outside.tls));
        Telemetry::new(settings, &configuration.host_name, resolver, tls, figures)
    });
    telemetry.unzip()
}

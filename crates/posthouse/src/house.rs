//! The whole house: every room, put together, and taken apart in the right order.
//!
//! It opens in two steps. [`Foundation::lay`] does what may need the rights of root: it makes directories, reads the
//! administrator's certificates and takes the ports; then it drops those rights. [`Foundation::build`] does the rest as
//! the server's own user.

mod building;
mod listeners;
mod options;
mod tasks;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use nix::sys::stat::{Mode, umask};
use posthouse_domain_policy::Resolver;
use posthouse_flow::alerts::CERTIFICATE_UNREADABLE;
use posthouse_flow::{Environment, Flow, SpoolRoom};
use posthouse_identity::Identity;
use posthouse_mailbox::{Indexer, Mailboxes};
use posthouse_model::{Domain, UnixMillis};
use posthouse_server::courier::SmtpCourier;
use posthouse_server::inventory::Sightings;
use posthouse_server::{BoundListener, Metrics, Server, bind};
use posthouse_storage_sqlite::{MasterKey, SqliteStorage};
use tokio::task::AbortHandle;

use self::listeners::{bind_nearby, listener_config};
use self::tasks::Tasks;
use crate::certificates::{CertificateSource, Certificates, ReloadError};
use crate::configuration::{Configuration, KeySource, OwnPolicies};
use crate::control;
use crate::control::job::Jobs;
use crate::control::metrics::{AlertFigures, FilterFigures, IndexFigures, QueueFigures};
use crate::control::migration::MigrationRoom;
use crate::control::status::ListenerView;
use crate::logging::LogSwitch;
use crate::rights::{self, DataDirectories, RunAs, require_writable};
use crate::telemetry::Telemetry;

/// What is there before the house is built: directories, certificates and ports.
pub struct Foundation {
    configuration: Configuration,
    directories: DataDirectories,
    certificates: Certificates,
    bound: Vec<BoundListener>,
    hashing_threads: Option<usize>,
    log_switch: LogSwitch,
    master_key: Option<MasterKey>,
}

/// What the listeners are to be told when they are bound, besides their configuration.
pub struct Opening {
    /// Where certificates come from.
    pub certificates: CertificateSource,
    /// Whether a port that is taken may be replaced by the next one that is free.
    pub may_move_ports: bool,
    /// Threads that hash passwords; `None` leaves the default.
    pub hashing_threads: Option<usize>,
    /// Decides which log lines are written.
    pub log_switch: LogSwitch,
}

impl Foundation {
    /// Makes directories, reads certificates, takes the ports, and drops the rights that this needed.
    ///
    /// # Errors
    /// When something of it cannot be had.
    pub fn lay(configuration: Configuration, opening: Opening) -> anyhow::Result<Self> {
        // Whatever is made from here on is for this user only: the socket, above all.
        umask(Mode::S_IRWXG | Mode::S_IRWXO);
        rights::raise_open_files();
        let run_as = match &configuration.run_as {
            Some((user, group)) => RunAs::find(user, group.as_deref())?,
            None => None,
        };
        control::server::require_nobody(&configuration.control_socket)?;
        let directories = DataDirectories::make(&configuration.data_directory, run_as.as_ref())?;
        let certificates = Certificates::read(opening.certificates)?;
        let master_key = configuration.encryption_key.as_ref().map(KeySource::read).transpose()?;
        let mut bound = Vec::with_capacity(configuration.listeners.len());
        for listener in &configuration.listeners {
            let config = listener_config(listener, &configuration, &certificates)?;
            bound.push(if opening.may_move_ports { bind_nearby(&config)? } else { bind(config)? });
        }
        if let Some(run_as) = &run_as {
            run_as.drop_rights()?;
        }
        require_writable(&configuration.data_directory)?;
        certificates.make_own()?;
        Ok(Self {
            configuration,
            directories,
            certificates,
            bound,
            hashing_threads: opening.hashing_threads,
            log_switch: opening.log_switch,
            master_key,
        })
    }
}

/// The rooms of a house that runs, for those who administer it.
pub struct House {
    /// The store.
    pub store: Arc<SqliteStorage>,
    /// Domains, accounts, credentials.
    pub identity: Arc<Identity>,
    /// Mail at rest.
    pub mailboxes: Arc<Mailboxes>,
    /// Work that takes long.
    pub jobs: Jobs,
    /// Memory for messages that are brought in.
    pub migration_room: MigrationRoom,
    /// Mail in motion.
    pub flow: Arc<Flow>,
    /// What carries it to other hosts.
    pub courier: Arc<SmtpCourier>,
    /// DNS.
    pub resolver: Arc<dyn Resolver>,
    /// Whether that is the DNS of the operating system, and not servers that were chosen for this house.
    pub asks_the_worlds_dns: bool,
    /// The index of words.
    pub indexer: Arc<Indexer>,
    /// Memory for messages in flight.
    pub spool_room: Arc<SpoolRoom>,
    environment: Arc<dyn Environment>,
    /// The figures of the listeners.
    pub metrics: Arc<Metrics>,
    /// The figures of the queue, which go with them.
    pub queue_figures: QueueFigures,
    /// The figures of alerts.
    pub alert_figures: AlertFigures,
    /// The figures of content filters.
    pub filter_figures: FilterFigures,
    /// The figures of the index of words.
    pub index_figures: IndexFigures,
    /// Decides which log lines are written.
    pub log_switch: LogSwitch,
    /// Who connects with what.
    pub sightings: Arc<Sightings>,
    /// Who follows the trail for a collector of traces.
    pub telemetry: Option<Arc<Telemetry>>,
    server: Mutex<Option<Server>>,
    /// Whoever works on the queue.
    queue: AbortHandle,
    /// What others may expect of our hosts.
    pub own_policies: OwnPolicies,
    /// What the listeners show.
    pub certificates: Certificates,
    /// What listens.
    pub listeners: Vec<ListenerView>,
    /// The host's name.
    pub host_name: Domain,
    /// What `Authentication-Results` fields are signed with.
    pub authserv_id: Domain,
    /// The configuration file.
    pub configuration_file: PathBuf,
    /// Where everything is kept.
    pub data_directory: PathBuf,
    /// Where the command line finds the server.
    pub control_socket: PathBuf,
}

impl House {
    /// The time.
    pub fn now(&self) -> UnixMillis {
        self.environment.now()
    }

    /// Reads the certificate files again. Where they cannot be used, an alert says so until they can.
    ///
    /// # Errors
    /// When a file cannot be used.
    pub fn reload_certificates(&self) -> Result<(), ReloadError> {
        let outcome = self.certificates.reload();
        let problem = outcome.as_ref().err().map(ToString::to_string);
        self.flow.alerts().set(&CERTIFICATE_UNREADABLE, "", problem);
        outcome
    }

    /// Whether every listener accepts connections.
    pub fn is_accepting(&self) -> bool {
        let server = self.server.lock().unwrap_or_else(PoisonError::into_inner);
        server.as_ref().is_some_and(Server::is_accepting)
    }

    /// Whether the queue is worked on.
    pub fn queue_runs(&self) -> bool {
        !self.queue.is_finished()
    }

    /// Switches the log of one listener's conversations; `false` when there is no such listener.
    pub fn set_protocol_log(&self, listener: &str, on: bool) -> bool {
        let server = self.server.lock().unwrap_or_else(PoisonError::into_inner);
        server.as_ref().is_some_and(|server| server.set_protocol_log(listener, on))
    }
}

/// A house that runs.
pub struct RunningHouse {
    /// Its rooms.
    pub house: Arc<House>,
    tasks: Tasks,
}

impl RunningHouse {
    /// Ends everything in order: no new connections, sessions end, deliveries end, the store closes.
    pub async fn shut_down(self) {
        let Self { house, tasks } = self;
        tasks.stop();
        house.jobs.stop();
        let server = house.server.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(server) = server {
            server.shutdown().await;
        }
        tasks.ended().await;
        house.courier.close_idle().await;
        house.store.close().await;
    }
}

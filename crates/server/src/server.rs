//! The server: its listeners, together.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};

use posthouse_model::session::TlsMode;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, Semaphore, watch};
use tokio::task::{AbortHandle, JoinSet};

use crate::admission::{Admission, FlowControl};
use crate::clock::Clock;
use crate::drivers::maildrops::Maildrops;
use crate::failed_logins::FailedLogins;
use crate::house::{House, Rooms};
use crate::inventory::Sightings;
use crate::listener::{BoundListener, ListenerRole, OpenListener, accept_loop};
use crate::metrics::Metrics;
use crate::web::{MAX_BODIES_AT_ONCE, Site};

/// What is set for all listeners together.
#[derive(Debug, Default)]
pub struct ServerOptions {
    /// How many connections there may be, and how fast they may come.
    pub flow_control: FlowControl,
    /// Failed sign-ins from one address after which further ones are put off for a quarter of an hour.
    pub max_failed_logins: MaxFailedLogins,
    /// The figures; others may have added theirs.
    pub metrics: Metrics,
    /// Who connects with what; somebody has to [run](Sightings::run) it for it to be kept.
    pub sightings: Arc<Sightings>,
}

/// Failed sign-ins from one address before it is put off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxFailedLogins(pub u32);

impl Default for MaxFailedLogins {
    /// Enough for an office behind one address in which some phones have old passwords.
    fn default() -> Self {
        Self(100)
    }
}

/// A socket that is listened on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenerAddress {
    /// The listener's name.
    pub listener: String,
    /// The address, with its real port.
    pub address: SocketAddr,
    /// What it is for.
    pub role: ListenerRole,
    /// When it speaks TLS.
    pub tls_mode: TlsMode,
}

/// The listeners, accepting connections.
#[derive(Debug)]
pub struct Server {
    house: Arc<House>,
    listeners: Vec<Arc<OpenListener>>,
    addresses: Vec<ListenerAddress>,
    shutdown: watch::Sender<bool>,
    loops: Mutex<JoinSet<()>>,
    accepting: Vec<AbortHandle>,
}

impl Server {
    /// Begins to accept connections. To be called on a tokio runtime.
    ///
    /// # Errors
    /// When a socket cannot be given to the runtime.
    pub fn start(rooms: Rooms, listeners: Vec<BoundListener>, options: ServerOptions) -> io::Result<Self> {
        let house = Arc::new(House {
            rooms,
            clock: Clock::start(),
            admission: Admission::new(options.flow_control),
            failed_logins: FailedLogins::new(options.max_failed_logins.0),
            maildrops: Maildrops::default(),
            signed_in: Arc::default(),
            metrics: Arc::new(options.metrics),
            sightings: options.sightings,
            site: OnceLock::new(),
            web_bodies: Semaphore::new(MAX_BODIES_AT_ONCE),
        });
        let mut server = Self {
            house,
            listeners: Vec::with_capacity(listeners.len()),
            addresses: Vec::new(),
            shutdown: watch::Sender::new(false),
            loops: Mutex::default(),
            accepting: Vec::new(),
        };
        for bound in listeners {
            server.open(bound)?;
        }
        let (signed_in, identity) = (Arc::clone(&server.house.signed_in), Arc::clone(&server.house.rooms.identity));
        server.loops.get_mut().spawn(signed_in.run(identity, server.shutdown.subscribe()));
        Ok(server)
    }

    fn open(&mut self, bound: BoundListener) -> io::Result<()> {
        let BoundListener { config, sockets } = bound;
        let listener = Arc::new(OpenListener::new(config, Arc::clone(&self.house)));
        for (address, socket) in sockets {
            let config = &listener.config;
            let (role, tls_mode) = (config.role, config.tls_mode);
            tracing::info!(listener = config.name, %address, role = role.name(), ?tls_mode, "listening");
            self.addresses.push(ListenerAddress { listener: config.name.clone(), address, role, tls_mode });
            let socket = TcpListener::from_std(socket)?;
            let accepting = accept_loop(socket, Arc::clone(&listener), self.shutdown.subscribe());
            self.accepting.push(self.loops.get_mut().spawn(accepting));
        }
        self.listeners.push(listener);
        Ok(())
    }

    /// Has requests of HTTP answered from now on; until then they are put off. The first one who offers does it.
    pub fn answer_by(&self, site: Arc<dyn Site>) {
        let _ = self.house.site.set(site);
    }

    /// Whether every listener accepts connections.
    pub fn is_accepting(&self) -> bool {
        !*self.shutdown.borrow() && !self.accepting.iter().any(AbortHandle::is_finished)
    }

    /// Where it listens.
    pub fn addresses(&self) -> &[ListenerAddress] {
        &self.addresses
    }

    /// The figures.
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.house.metrics
    }

    /// Switches the protocol log of a listener, for its connections that are open, too. `false` if there is no such
    /// listener.
    pub fn set_protocol_log(&self, listener: &str, on: bool) -> bool {
        let found = self.listeners.iter().find(|one| one.config.name == listener);
        if let Some(found) = found {
            found.logs_protocol.store(on, Ordering::Relaxed);
        }
        found.is_some()
    }

    /// Takes no more connections, tells those that are there that the server goes down, and waits until they have
    /// ended or their grace period is over.
    pub async fn shutdown(&self) {
        self.shutdown.send_replace(true);
        let mut loops = self.loops.lock().await;
        while loops.join_next().await.is_some() {}
    }
}

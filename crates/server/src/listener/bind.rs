//! Taking the sockets, while the process still has the right to.

use std::io;
use std::net::{SocketAddr, TcpListener};

use posthouse_model::session::TlsMode;
use socket2::{Domain, Protocol, Socket, Type};
use thiserror::Error;

use super::ListenerConfig;

/// Connections that the kernel keeps waiting until they are accepted.
const BACKLOG: i32 = 1024;
/// Ports below this need a right of their own.
const FIRST_UNPRIVILEGED_PORT: u16 = 1024;

/// A listener whose sockets are taken, and which does not accept yet.
#[derive(Debug)]
pub struct BoundListener {
    pub(crate) config: ListenerConfig,
    pub(crate) sockets: Vec<(SocketAddr, TcpListener)>,
}

impl BoundListener {
    /// Where it listens; a port that was 0 is the real one here.
    pub fn addresses(&self) -> impl Iterator<Item = SocketAddr> + '_ {
        self.sockets.iter().map(|(address, _)| *address)
    }

    /// Its settings.
    pub fn config(&self) -> &ListenerConfig {
        &self.config
    }
}

/// Why a listener cannot be had. The words say what to do.
#[derive(Debug, Error)]
pub enum BindError {
    /// The address cannot be listened on.
    #[error("listener `{listener}` cannot listen on {address}: {problem}; {remedy}", remedy = remedy(problem, *address))]
    Address {
        /// The listener.
        listener: String,
        /// The address.
        address: SocketAddr,
        /// What the system says.
        #[source]
        problem: io::Error,
    },
    /// The listener is to speak TLS and was given none.
    #[error("listener `{listener}` is to speak TLS but has no certificate: give it one, or set its TLS mode to none")]
    NoTls {
        /// The listener.
        listener: String,
    },
    /// The listener has no address.
    #[error("listener `{listener}` has no address to listen on: give it one, such as 0.0.0.0:25")]
    NoAddress {
        /// The listener.
        listener: String,
    },
}

fn remedy(problem: &io::Error, address: SocketAddr) -> String {
    let port = address.port();
    match problem.kind() {
        io::ErrorKind::PermissionDenied if port < FIRST_UNPRIVILEGED_PORT => format!(
            "ports below {FIRST_UNPRIVILEGED_PORT} need a right: start as root (rights are dropped afterwards), let systemd \
             grant it by AmbientCapabilities=CAP_NET_BIND_SERVICE, or choose another port"
        ),
        io::ErrorKind::PermissionDenied => "this user may not listen there: choose another port".to_owned(),
        io::ErrorKind::AddrInUse => {
            format!(
                "another program listens there (`ss -ltnp 'sport = :{port}'` names it): stop it, or choose another port"
            )
        }
        io::ErrorKind::AddrNotAvailable => {
            "this host has no such address (`ip address` lists them): choose one of them, 0.0.0.0 or [::]".to_owned()
        }
        _ => "choose another address or port".to_owned(),
    }
}

/// Takes all sockets of a listener. Needs no runtime, so that it can be done before rights are dropped.
///
/// # Errors
/// When an address cannot be had; none of the listener's sockets is kept then.
pub fn bind(config: ListenerConfig) -> Result<BoundListener, BindError> {
    if config.tls_mode != TlsMode::None && config.tls.is_none() {
        return Err(BindError::NoTls { listener: config.name });
    }
    if config.addresses.is_empty() {
        return Err(BindError::NoAddress { listener: config.name });
    }
    let mut sockets = Vec::with_capacity(config.addresses.len());
    for &address in &config.addresses {
        let bound = listen_on(address);
        let bound = bound.map_err(|problem| BindError::Address { listener: config.name.clone(), address, problem })?;
        sockets.push(bound);
    }
    Ok(BoundListener { config, sockets })
}

fn listen_on(address: SocketAddr) -> io::Result<(SocketAddr, TcpListener)> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // A restart need not wait until the connections of before have timed out.
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        // `[::]` and `0.0.0.0` can then stand beside each other, and addresses look the same on every system.
        socket.set_only_v6(true)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    let listener = TcpListener::from(socket);
    Ok((listener.local_addr()?, listener))
}

#[cfg(test)]
mod tests {
    use posthouse_model::Domain as HostName;

    use super::*;
    use crate::ListenerRole;

    fn config(address: &str) -> ListenerConfig {
        let host_name = HostName::parse("mx.example").unwrap();
        let addresses = vec![address.parse().unwrap()];
        ListenerConfig::new("mx", addresses, ListenerRole::Mx, TlsMode::None, None, host_name)
    }

    #[test]
    fn an_address_in_use_is_told_with_a_remedy() {
        let first = bind(config("127.0.0.1:0")).unwrap();
        let address = first.addresses().next().unwrap();
        assert_ne!(address.port(), 0);
        let error = bind(config(&address.to_string())).unwrap_err().to_string();
        assert!(error.contains(&address.to_string()) && error.contains("stop it"), "{error}");
        drop(first);
        bind(config(&address.to_string())).unwrap();
    }

    #[test]
    fn both_families_can_have_the_same_port() {
        let Ok(v6) = bind(config("[::]:0")) else { return };
        let port = v6.addresses().next().unwrap().port();
        bind(config(&format!("0.0.0.0:{port}"))).unwrap();
    }

    #[test]
    fn what_cannot_be_is_told() {
        let error = bind(config("192.0.2.1:0")).unwrap_err().to_string();
        assert!(error.contains("no such address"), "{error}");
        let mut without_tls = config("127.0.0.1:0");
        without_tls.tls_mode = TlsMode::Implicit;
        assert!(matches!(bind(without_tls), Err(BindError::NoTls { .. })));
        let mut nowhere = config("127.0.0.1:0");
        nowhere.addresses.clear();
        assert!(matches!(bind(nowhere), Err(BindError::NoAddress { .. })));
    }
}

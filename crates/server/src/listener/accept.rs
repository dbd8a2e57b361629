//! From `accept` to a session.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use posthouse_flow::alerts::LISTENER_FAILS;
use posthouse_model::session::{Peer, TlsInfo, TlsMode};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::open::{OpenListener, SessionSettings};
use super::refusal::turned_away;
use crate::admission::{Place, TurnedAway};
use crate::drivers::{self, Incoming};
use crate::handshake::{HandshakeError, accept_implicit};
use crate::metrics::Counted;
use crate::proxy_protocol::{ProxyHeader, read_header};
use crate::transport::Transport;

/// How long accepting pauses when the process has no file descriptor left.
const PAUSE_WITHOUT_DESCRIPTORS: Duration = Duration::from_millis(100);

/// Accepts connections until `shutdown` turns true; then waits, for the grace period, until those that are there have
/// ended.
pub(crate) async fn accept_loop(socket: TcpListener, listener: Arc<OpenListener>, mut shutdown: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    let told = shutdown.clone();
    loop {
        tokio::select! {
            biased;
            _ = shutdown.changed() => break,
            Some(ended) = connections.join_next(), if !connections.is_empty() => report(&listener, ended),
            accepted = socket.accept() => match accepted {
                Ok((stream, remote)) => {
                    let told = told.clone();
                    connections.spawn(connect(stream, remote, Arc::clone(&listener), told));
                }
                Err(error) => accept_failed(&listener, &error).await,
            },
        }
    }
    drop(socket);
    let grace = listener.config.limits.shutdown_grace;
    let all_ended = timeout(grace, async {
        while let Some(ended) = connections.join_next().await {
            report(&listener, ended);
        }
    });
    if all_ended.await.is_err() {
        tracing::warn!(
            listener = listener.config.name,
            connections = connections.len(),
            "connections did not end in time and are cut off"
        );
        connections.shutdown().await;
    }
}

fn report(listener: &OpenListener, ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!(listener = listener.config.name, %error, "a connection ended by a fault of this program");
    }
}

async fn accept_failed(listener: &OpenListener, error: &io::Error) {
    // The client went away between its arrival and its acceptance.
    if matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset) {
        return;
    }
    listener.house.rooms.flow.alerts().raise(&LISTENER_FAILS, &listener.config.name, error.to_string());
    sleep(PAUSE_WITHOUT_DESCRIPTORS).await;
}

/// One connection, from its acceptance to its end.
async fn connect(socket: TcpStream, remote: SocketAddr, listener: Arc<OpenListener>, shutdown: watch::Receiver<bool>) {
    listener.metrics.connections.inc();
    let _counted = Counted::new(&listener.metrics.open);
    let settled = Box::pin(settle(socket, remote, &listener)).await;
    let Some((incoming, _place)) = settled else { return };
    match &listener.sessions {
        SessionSettings::Smtp(_) => Box::pin(drivers::smtp::serve(incoming, &listener, shutdown)).await,
        SessionSettings::Imap(_) => Box::pin(drivers::imap::serve(incoming, &listener, shutdown)).await,
        SessionSettings::Pop3(_) => Box::pin(drivers::pop3::serve(incoming, &listener, shutdown)).await,
        SessionSettings::Web => Box::pin(drivers::web::serve(incoming, &listener, shutdown)).await,
    }
}

/// Finds out who is there, whether there is room, and shakes hands where TLS comes first.
async fn settle(mut socket: TcpStream, remote: SocketAddr, listener: &OpenListener) -> Option<(Incoming, Place)> {
    let house = &listener.house;
    // Replies are written whole; waiting for more to send would only cost time.
    socket.set_nodelay(true).ok()?;
    let local = socket.local_addr().ok()?;
    let mut place = match house.admission.enter(&listener.count, listener.config.limits.max_connections) {
        Ok(place) => place,
        Err(reason) => {
            turn_away(socket, remote.ip(), listener, reason).await;
            return None;
        }
    };
    let peer = if listener.is_proxy(remote.ip()) {
        proxied_peer(&mut socket, Peer { remote, local }, listener).await?
    } else {
        Peer { remote, local }
    };
    if let Err(reason) = place.claim(peer.remote.ip(), listener.config.limits.max_per_address, house.clock.now()) {
        turn_away(socket, peer.remote.ip(), listener, reason).await;
        return None;
    }
    let (transport, tls) = match (&listener.config.tls, listener.config.tls_mode) {
        (Some(tls), TlsMode::Implicit) => {
            let shaken = accept_implicit(socket, tls, listener.config.limits.tls_handshake_timeout).await;
            let established = shaken.map_err(|error| handshake_failed(listener, peer, &error)).ok()?;
            listener.metrics.handshake(&established.info.version);
            (Transport::Tls(established.stream), Some(established.info))
        }
        _ => (Transport::Plain(socket), None::<TlsInfo>),
    };
    Some((Incoming { transport, tls, peer }, place))
}

/// What a handshake that failed leaves in log and figures.
pub(crate) fn handshake_failed(listener: &OpenListener, peer: Peer, error: &HandshakeError) {
    listener.metrics.handshakes_failed.inc();
    let remote = peer.remote.ip();
    match error {
        HandshakeError::Closed => tracing::debug!(listener = listener.config.name, %remote, "{error}"),
        HandshakeError::NoCertificate(_) => tracing::error!(listener = listener.config.name, %remote, "{error}"),
        _ => tracing::info!(listener = listener.config.name, %remote, "{error}"),
    }
}

async fn proxied_peer(socket: &mut TcpStream, own: Peer, listener: &OpenListener) -> Option<Peer> {
    let header = timeout(listener.config.limits.proxy_header_timeout, read_header(socket)).await;
    let problem = match header {
        Ok(Ok(ProxyHeader::Own)) => return Some(own),
        Ok(Ok(ProxyHeader::Proxied { source, destination })) => {
            return Some(Peer { remote: source, local: destination });
        }
        Ok(Err(error)) => error.to_string(),
        Err(_) => "a trusted proxy sent no PROXY header in time".to_owned(),
    };
    tracing::warn!(listener = listener.config.name, proxy = %own.remote.ip(), "{problem}");
    None
}

async fn turn_away(mut socket: TcpStream, remote: IpAddr, listener: &OpenListener, reason: TurnedAway) {
    let word = match reason {
        TurnedAway::ServerFull => "server full",
        TurnedAway::ListenerFull => "listener full",
        TurnedAway::AddressFull => "address full",
        TurnedAway::TooFast => "too fast",
    };
    listener.metrics.turned_away(word);
    tracing::info!(listener = listener.config.name, %remote, "a connection is turned away: {reason}");
    if listener.config.tls_mode != TlsMode::Implicit {
        let line = turned_away(listener.config.role, listener.config.host_name.as_str());
        // One line fits in the socket's buffer, so this does not wait; whether it arrives is the client's business.
        let _ = socket.try_write(line.as_bytes());
        let _ = socket.shutdown().await;
    }
}

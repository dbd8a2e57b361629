//! The server's side of the control socket.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream as BlockingStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use serde_json::Value;
use tokio::io::BufReader;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use super::frame::{self, MAX_REQUEST_BYTES, MAX_RESPONSE_BYTES};
use super::{
    Refusal, Request, Response, account, alerts, alias, certificates, credential, dkim, domain, duplicates, encryption,
    freeze, inventory, job, keeping, language, limit, log_level, metrics, migration, protocol_log, queue, quota,
    reindex, retention, route, sharing, srs, status, survey, tls_reports, trail, transport, undelete,
};
use crate::failure::DataError;
use crate::house::House;

/// Most connections at once; further ones wait.
const MAX_CONNECTIONS: usize = 32;
/// How long a client may leave a connection idle.
pub(super) const IDLE_LIMIT: Duration = Duration::from_secs(60);
/// Pause after the system refused a connection (no file descriptors left, say).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Rights of the socket.
const SOCKET_MODE: u32 = 0o600;

/// Whether another server answers there.
///
/// # Errors
/// When one does.
pub fn require_nobody(path: &Path) -> Result<(), DataError> {
    match BlockingStream::connect(path) {
        Ok(_) => Err(DataError(format!(
            "a server runs with this configuration already: it answers on {}; `posthouse status` shows it",
            path.display()
        ))),
        Err(_) => Ok(()),
    }
}

/// The socket, which disappears with this value.
pub struct ControlSocket {
    listener: UnixListener,
    path: PathBuf,
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        // If it is gone already, all is well.
        let _ = fs::remove_file(&self.path);
    }
}

impl ControlSocket {
    /// Makes the socket. What a server that was killed left behind is taken away.
    ///
    /// # Errors
    /// When another server answers there, or the socket cannot be made.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        require_nobody(path)?;
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("{shown}: a socket left behind cannot be removed"));
            }
            _ => {}
        }
        let listener =
            UnixListener::bind(path).with_context(|| format!("{shown}: the control socket cannot be made"))?;
        fs::set_permissions(path, fs::Permissions::from_mode(SOCKET_MODE))
            .with_context(|| format!("{shown}: the control socket cannot be made private"))?;
        Ok(Self { listener, path: path.to_owned() })
    }

    /// Answers until `shutdown` becomes true.
    pub async fn serve(self, house: Arc<House>, mut shutdown: watch::Receiver<bool>) {
        let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        let mut conversations = JoinSet::new();
        loop {
            while conversations.try_join_next().is_some() {}
            let accepted = tokio::select! {
                _ = shutdown.wait_for(|is_over| *is_over) => return,
                accepted = self.accept(&room) => accepted,
            };
            match accepted {
                Ok((stream, place)) => {
                    let house = Arc::clone(&house);
                    conversations.spawn(async move {
                        let _place = place;
                        if let Err(error) = converse(stream, &house).await {
                            tracing::debug!(%error, "a conversation on the control socket broke off");
                        }
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "the control socket takes no connection now");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    async fn accept(&self, room: &Arc<Semaphore>) -> io::Result<(UnixStream, tokio::sync::OwnedSemaphorePermit)> {
        let place = Arc::clone(room).acquire_owned().await.map_err(io::Error::other)?;
        let (stream, _) = self.listener.accept().await?;
        Ok((stream, place))
    }
}

async fn converse(stream: UnixStream, house: &House) -> io::Result<()> {
    let (input, mut output) = stream.into_split();
    let mut input = BufReader::new(input);
    loop {
        let response =
            match tokio::time::timeout(IDLE_LIMIT, frame::read::<Request>(&mut input, MAX_REQUEST_BYTES)).await {
                Err(_) | Ok(Ok(None)) => return Ok(()),
                // These carry octets beside the lines.
                Ok(Ok(Some(Request::Migration(request)))) => {
                    migration::converse(request, house, &mut input, &mut output).await?;
                    continue;
                }
                Ok(Ok(Some(request))) => respond(request, house).await,
                Ok(Err(error)) if error.kind() == io::ErrorKind::InvalidData => {
                    let refused = Response::Refused(format!("the request cannot be read: {error}"));
                    return frame::write(&mut output, &refused, MAX_RESPONSE_BYTES).await;
                }
                Ok(Err(error)) => return Err(error),
            };
        if let Err(error) = frame::write(&mut output, &response, MAX_RESPONSE_BYTES).await {
            if error.kind() != io::ErrorKind::InvalidData {
                return Err(error);
            }
            frame::write(&mut output, &Response::Refused(error.to_string()), MAX_RESPONSE_BYTES).await?;
        }
    }
}

async fn respond(request: Request, house: &House) -> Response {
    match answer(request, house).await {
        Ok(value) => Response::Ok(value),
        Err(refusal) => Response::Refused(refusal.to_string()),
    }
}

async fn answer(request: Request, house: &House) -> Result<Value, Refusal> {
    match request {
        Request::Domain(request) => domain::answer(request, house).await,
        Request::Account(request) => account::answer(request, house).await,
        Request::Alias(request) => alias::answer(request, house).await,
        Request::Sharing(request) => sharing::answer(request, house).await,
        Request::Quota(request) => quota::answer(request, house).await,
        Request::Route(request) => route::answer(request, house).await,
        Request::Language(request) => language::answer(request, house).await,
        Request::Credential(request) => credential::answer(request, house).await,
        Request::Limit(request) => limit::answer(request, house).await,
        Request::Freeze(request) => freeze::answer(request, house).await,
        Request::Dkim(request) => dkim::answer(request, house).await,
        Request::Srs(request) => srs::answer(request, house).await,
        Request::TlsReports(request) => tls_reports::answer(request, house).await,
        Request::Transport(request) => transport::answer(request, house).await,
        Request::Queue(request) => queue::answer(request, house).await,
        Request::Trail(request) => trail::answer(request, house).await,
        Request::Certificates(request) => certificates::answer(&request, house),
        Request::LogLevel(request) => log_level::answer(&request, house),
        Request::ProtocolLog(request) => protocol_log::answer(&request, house),
        Request::Encryption(request) => encryption::answer(request, house).await,
        Request::Keeping(request) => keeping::answer(request, house),
        Request::Job(request) => job::answer(&request, house),
        Request::Undelete(request) => undelete::answer(request, house).await,
        Request::Retention(request) => retention::answer(request, house).await,
        Request::Duplicates(request) => duplicates::answer(request, house).await,
        Request::Migration(_) => Err(Refusal::Other("this is not asked here".to_owned())),
        Request::Inventory(request) => inventory::answer(request, house).await,
        Request::Alerts(request) => alerts::answer(&request, house),
        Request::Metrics => metrics::answer(house).await,
        Request::Status => status::answer(house).await,
        Request::Survey(request) => survey::answer(request, house).await,
        Request::Reindex(request) => reindex::answer(request, house).await,
    }
}

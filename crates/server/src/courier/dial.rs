//! Making a connection that is ready for a message: TCP, greeting, TLS, login.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use posthouse_flow::{Cause, HopTls, NextHop};
use posthouse_model::Secret;
use posthouse_model::time::Instant;
use posthouse_sasl::{Credentials, Mechanism, NONCE_BYTES};
use posthouse_smtp::client::{
    ClientAuthentication, ClientConfig, ClientFailure, ClientProtocol, ClientSession, ClientTlsMode as SessionTls,
    Stage,
};
use posthouse_storage::routes::RouteProof;
use posthouse_tls::{ChosenCertificate, ClientProfile, ClientTlsMode, LoadedCertificate, TlsFailure};
use tokio::net::{TcpSocket, TcpStream};

use super::SmtpCourier;
use super::cause::{cause_of_connect, cause_of_failure, cause_of_tls};
use super::connection::{Connection, Event, Handshake};
use super::dane::expectation_of;
use super::wire::Wire;

/// Why an attempt came to nothing.
enum Fault {
    /// The handshake failed; another way of doing it, or none, may work.
    Handshake(TlsFailure),
    /// Anything else.
    Other(Cause),
}

/// One way to connect.
#[derive(Clone, Copy)]
struct Way {
    session: SessionTls,
    mode: ClientTlsMode,
    profile: ClientProfile,
}

/// Connects to a host until it is ready for a message. Where the handshake fails, it is tried once more in the way of
/// older hosts, and then, where the hop and the messages allow it, in clear (RFC 7435 §4).
pub(super) async fn dial(
    courier: &SmtpCourier,
    hop: &NextHop,
    at: SocketAddr,
    allows_clear: bool,
) -> Result<Connection, Cause> {
    let certificate = certificate_of(hop)?;
    let dialler = Dialler { courier, hop, at, certificate };
    let Some((session, mode)) = tls_of(hop) else {
        return dialler.attempt(Way { session: SessionTls::Off, ..UNUSED_TLS }).await.map_err(Fault::into_cause);
    };
    let modern = Way { session, mode, profile: ClientProfile::Modern };
    let mut failure = match dialler.attempt(modern).await {
        Err(Fault::Handshake(failure)) => failure,
        other => return other.map_err(Fault::into_cause),
    };
    if failure.may_be_an_old_peer() {
        failure = match dialler.attempt(Way { profile: ClientProfile::Compatible, ..modern }).await {
            Err(Fault::Handshake(failure)) => failure,
            other => return other.map_err(Fault::into_cause),
        };
    }
    if session == SessionTls::Opportunistic && allows_clear {
        tracing::info!(host = %hop.host, address = %at, %failure, "TLS failed: the mail goes in clear");
        return dialler.attempt(Way { session: SessionTls::Off, ..UNUSED_TLS }).await.map_err(Fault::into_cause);
    }
    Err(Fault::Handshake(failure).into_cause())
}

/// For an attempt in clear, which has no use for it.
const UNUSED_TLS: Way = Way { session: SessionTls::Off, mode: ClientTlsMode::Verified, profile: ClientProfile::Modern };

/// What session and handshake have to do for a hop; `None` for clear text.
fn tls_of(hop: &NextHop) -> Option<(SessionTls, ClientTlsMode)> {
    match &hop.tls {
        HopTls::None => None,
        // A login needs TLS, whatever the hop says of mail.
        HopTls::Opportunistic if hop.login.is_none() => Some((SessionTls::Opportunistic, ClientTlsMode::Opportunistic)),
        HopTls::Opportunistic | HopTls::Required => Some((SessionTls::Required, ClientTlsMode::Required)),
        HopTls::Verified | HopTls::Dane(_) => Some((SessionTls::Required, ClientTlsMode::Verified)),
        HopTls::Implicit => Some((SessionTls::Implicit, ClientTlsMode::Verified)),
    }
}

impl Fault {
    fn into_cause(self) -> Cause {
        match self {
            Self::Handshake(failure) => cause_of_tls(&failure),
            Self::Other(cause) => cause,
        }
    }
}

struct Dialler<'a> {
    courier: &'a SmtpCourier,
    hop: &'a NextHop,
    at: SocketAddr,
    certificate: Option<ChosenCertificate>,
}

/// The certificate that is to be shown.
fn certificate_of(hop: &NextHop) -> Result<Option<ChosenCertificate>, Cause> {
    let Some(certificate) = &hop.certificate else { return Ok(None) };
    match LoadedCertificate::from_pem(certificate.chain.as_bytes(), certificate.key.expose()) {
        Ok(loaded) => Ok(Some(Arc::new(loaded))),
        Err(problem) => Err(Cause::Login(format!("our certificate for this host cannot be used: it {problem}"))),
    }
}

impl Dialler<'_> {
    async fn attempt(&self, way: Way) -> Result<Connection, Fault> {
        let handshake = self.handshake(way)?;
        let authentication = self.authentication().await.map_err(Fault::Other)?;
        let token = authentication.as_ref().filter(|_| self.is_by_token()).map(|one| one.credentials.password.clone());
        let derives_keys = authentication.is_some();
        let stream = self.connect().await.map_err(|error| Fault::Other(cause_of_connect(&error)))?;
        let config = ClientConfig {
            host_name: self.courier.options.helo.clone(),
            protocol: ClientProtocol::Smtp,
            tls_mode: way.session,
            authentication,
            use_chunking: self.courier.options.use_chunking,
            timeouts: self.courier.options.timeouts.clone(),
        };
        let session = ClientSession::new(config, Instant(0));
        let host = super::name_of(self.hop, self.at.ip());
        let write_limit = self.courier.options.timeouts.data_block;
        let mut connection = Connection::new(Wire::Clear(stream), session, handshake, host, write_limit);
        connection.limit_messages(self.hop.max_messages);
        if derives_keys {
            connection.expect_key_derivation();
        }
        if way.session == SessionTls::Implicit {
            connection.start_tls_at_once().await;
        }
        match Box::pin(connection.drive()).await {
            Event::Ready => Ok(connection),
            Event::Closed(Err(failure)) => {
                if let (ClientFailure::AuthenticationRefused { .. }, Some(token)) = (&failure, token) {
                    self.refused(&token);
                }
                Err(fault(&failure, connection.tls_failure()))
            }
            Event::Closed(Ok(())) | Event::NeedBody | Event::Outcome(_) => {
                Err(Fault::Other(Cause::Internal("a session ended before it began".to_owned())))
            }
        }
    }

    fn handshake(&self, way: Way) -> Result<Option<Handshake>, Fault> {
        if way.session == SessionTls::Off {
            return Ok(None);
        }
        let attempt = match &self.hop.tls {
            HopTls::Dane(set) => {
                // RFC 7672 §3.2.1: the host is asked for the name at which its records were found.
                self.courier.tls.attempt_dane(set.base().as_str(), Arc::new(expectation_of(set)), way.profile)
            }
            _ => {
                let host = self.hop.certificate_name.as_ref().unwrap_or(&self.hop.host);
                let name = host.as_ip().map_or_else(|| host.to_string(), |ip| ip.to_string());
                self.courier.tls.attempt(&name, way.mode, way.profile)
            }
        };
        let mut attempt = attempt.map_err(Fault::Handshake)?;
        if let Some(certificate) = &self.certificate {
            attempt = attempt.showing(certificate);
        }
        Ok(Some(Handshake { attempt, time_limit: self.courier.options.timeouts.tls_handshake, failure: None }))
    }

    fn is_by_token(&self) -> bool {
        let proof = self.hop.login.as_ref().map(|login| &login.proof);
        matches!(proof, Some(RouteProof::TokenFile(_) | RouteProof::Refresh(_)))
    }

    /// The host did not take a token.
    fn refused(&self, token: &Secret) {
        if let Some(tokens) = &self.courier.tokens {
            tokens.refused(self.hop, token);
        }
    }

    async fn authentication(&self) -> Result<Option<ClientAuthentication>, Cause> {
        let Some(login) = &self.hop.login else { return Ok(None) };
        // A token is shown as a token only, a password as a password only.
        let (password, allowed) = match (&login.proof, &self.courier.tokens) {
            (RouteProof::Password(password), _) => (password.clone(), Mechanism::ALL.to_vec()),
            (_, Some(tokens)) => (tokens.token(self.hop).await.map_err(Cause::Login)?, Mechanism::BY_TOKEN.to_vec()),
            (_, None) => return Err(Cause::Login("there is nowhere to get a token from".to_owned())),
        };
        let mut nonce = [0; NONCE_BYTES];
        let random = rustls::crypto::aws_lc_rs::default_provider().secure_random;
        random.fill(&mut nonce).map_err(|_| Cause::Internal("there are no random bytes".to_owned()))?;
        let credentials = Credentials { authentication_id: login.name.clone(), authorization_id: None, password };
        Ok(Some(ClientAuthentication { credentials, allowed, nonce }))
    }

    async fn connect(&self) -> io::Result<TcpStream> {
        let (socket, source) = match self.at.ip() {
            IpAddr::V4(_) => (TcpSocket::new_v4()?, self.courier.options.source_v4.map(IpAddr::V4)),
            IpAddr::V6(_) => (TcpSocket::new_v6()?, self.courier.options.source_v6.map(IpAddr::V6)),
        };
        if let Some(source) = source {
            socket.bind(SocketAddr::new(source, 0))?;
        }
        let connected = tokio::time::timeout(self.courier.options.connect_timeout, socket.connect(self.at));
        let stream = connected.await.map_err(|_| io::ErrorKind::TimedOut)??;
        // Commands are written whole, so there is nothing to wait for.
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}

fn fault(failure: &ClientFailure, tls: Option<TlsFailure>) -> Fault {
    match (failure, tls) {
        (ClientFailure::TlsHandshake, Some(tls)) => Fault::Handshake(tls),
        (ClientFailure::ConnectionLost(Stage::Greeting | Stage::Ehlo), Some(tls)) => Fault::Other(cause_of_tls(&tls)),
        (failure, tls) => Fault::Other(cause_of_failure(failure, tls.as_ref())),
    }
}

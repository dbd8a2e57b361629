//! Carrying mail to other hosts: the [`Courier`] port over sockets, TLS and the client's session of `smtp`.
//!
//! A connection is made for one hop ([`dial`]), driven by what its session says ([`connection`]), used for as many
//! messages as there are, and kept for a moment for those that come next ([`pool`]). What goes wrong is told in the
//! words of `flow` ([`cause`]).
//!
//! Clear text is only ever used where the hop allows it: after a failed handshake another connection is made without
//! TLS for [`HopTls::Opportunistic`], and for no message that came with REQUIRETLS. A login never leaves outside TLS.

mod cause;
mod connection;
mod dane;
mod dial;
mod options;
mod pool;
mod probe;
mod transfer;
mod wire;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use async_trait::async_trait;
use posthouse_domain_policy::Resolver;
use posthouse_flow::{
    Carried, Cause, Consignment, Courier, DeliveryResult, HopFailure, HopTls, NextHop, Protection, RecipientResult,
    TokenSource,
};
use posthouse_model::Domain;
use posthouse_tls::ClientTls;

use connection::Connection;
use pool::{Held, Key, Pool};
use transfer::Transfer;

pub use options::{CONNECT_TIMEOUT, CourierOptions};
pub use posthouse_smtp::ClientTimeouts;
pub use probe::HostOffer;

/// Most addresses of a smart host that one attempt tries.
const MAX_ADDRESSES: usize = 6;
/// Messages after which a connection is not used again, whatever its host allows.
const MAX_MESSAGES_PER_CONNECTION: usize = 100;

/// Carries mail over SMTP.
pub struct SmtpCourier {
    resolver: Arc<dyn Resolver>,
    tls: Arc<ClientTls>,
    options: Arc<CourierOptions>,
    pool: Arc<Pool>,
    tokens: Option<Arc<dyn TokenSource>>,
}

/// What is left to do at one address.
struct Round {
    waiting: VecDeque<Consignment>,
    results: Vec<DeliveryResult>,
}

impl SmtpCourier {
    /// Gets ready; connects to nobody yet.
    pub fn new(resolver: Arc<dyn Resolver>, tls: Arc<ClientTls>, options: CourierOptions) -> Self {
        let pool = Pool::new(options.idle_connections, options.idle_time);
        Self { resolver, tls, options: Arc::new(options), pool, tokens: None }
    }

    /// Has logins by token get theirs there.
    #[must_use]
    pub fn with_tokens(mut self, tokens: Arc<dyn TokenSource>) -> Self {
        self.tokens = Some(tokens);
        self
    }

    /// Says goodbye on all connections that are kept, for the end of the process.
    pub async fn close_idle(&self) {
        self.pool.close_all().await;
    }

    /// Connections that are kept now.
    pub fn idle_connections(&self) -> usize {
        self.pool.len()
    }

    /// Connects to a host, signs in if the hop wants that, and says goodbye. Gives the TLS around the connection.
    ///
    /// # Errors
    /// Why the host cannot be used.
    pub async fn try_hop(&self, hop: &NextHop) -> Result<Option<String>, HopFailure> {
        let mut last =
            HopFailure { cause: Cause::Connect("the host has no address".to_owned()), host: hop.host.to_string() };
        for address in self.addresses(hop).await? {
            let nothing = Round { waiting: VecDeque::new(), results: Vec::new() };
            match self.dial(hop, address, &nothing).await {
                Ok(connection) => {
                    let tls = connection.result(Vec::new()).tls;
                    connection.quit().await;
                    return Ok(tls);
                }
                Err(cause) => last = failure(hop, address, cause),
            }
        }
        Err(last)
    }

    async fn addresses(&self, hop: &NextHop) -> Result<Vec<IpAddr>, HopFailure> {
        if let Some(address) = hop.address.or_else(|| hop.host.as_ip()) {
            return Ok(vec![address]);
        }
        match self.resolver.addresses(&hop.host).await {
            Ok(found) => Ok(found.records.into_iter().take(MAX_ADDRESSES).collect()),
            // A host that an administrator named is not given up because DNS has lost it for a while.
            Err(error) => {
                let cause = Cause::Connect(format!("the addresses of {} cannot be found: {error}", hop.host));
                Err(HopFailure { cause, host: hop.host.to_string() })
            }
        }
    }

    async fn carry_to(
        &self,
        hop: &NextHop,
        address: IpAddr,
        consignments: &[Consignment],
    ) -> Result<Carried, HopFailure> {
        let key = Key::new(hop, address);
        let mut round = Round { waiting: consignments.to_vec().into(), results: Vec::new() };
        let mut held: Vec<Box<dyn Send>> = Vec::new();
        let mut may_reuse = true;
        while !round.waiting.is_empty() {
            let kept = if may_reuse { self.pool.take(&key).await } else { None };
            let is_reused = kept.is_some();
            let dialled = match kept {
                Some(connection) => Ok(connection),
                None => self.dial(hop, address, &round).await,
            };
            let mut connection = match dialled {
                Ok(connection) => connection,
                Err(cause) if round.results.is_empty() => return Err(failure(hop, address, cause)),
                Err(cause) => {
                    round.lose_rest(&cause, &name_of(hop, address));
                    break;
                }
            };
            let before = round.results.len();
            let trouble = round.send_over(&mut connection).await;
            let Some(cause) = trouble else {
                held.push(Box::new(Held::new(&self.pool, key.clone(), connection)));
                continue;
            };
            match round.results.len() > before {
                // It has carried something, so another connection may carry the rest.
                true => may_reuse = false,
                // The host closed it while nobody looked; that says nothing of the host.
                false if is_reused => may_reuse = false,
                false if round.results.is_empty() => return Err(failure(hop, address, cause)),
                false => {
                    round.lose_rest(&cause, &name_of(hop, address));
                    break;
                }
            }
        }
        Ok(Carried::new(round.results, held))
    }

    async fn dial(&self, hop: &NextHop, address: IpAddr, round: &Round) -> Result<Connection, Cause> {
        let allows_clear = round.waiting.iter().all(|one| !one.require_tls);
        let at = SocketAddr::new(address, hop.port);
        Box::pin(dial::dial(self, hop, at, allows_clear)).await
    }
}

impl Round {
    /// Sends what is waiting, until nothing is or the connection will not take more. Gives the reason why it broke;
    /// a message that it broke before the host had taken any part in is waiting still.
    async fn send_over(&mut self, connection: &mut Connection) -> Option<Cause> {
        while let Some(consignment) = self.waiting.pop_front() {
            match Box::pin(connection.transfer(&consignment)).await {
                Transfer::Answered(recipients) => self.results.push(connection.result(recipients)),
                Transfer::Broken(recipients, cause) => {
                    self.results.push(connection.result(recipients));
                    return Some(cause);
                }
                Transfer::NotBegun(cause) => {
                    self.waiting.push_front(consignment);
                    return Some(cause);
                }
            }
            if !self.waiting.is_empty() && !connection.takes_more() {
                return None;
            }
        }
        None
    }

    fn lose_rest(&mut self, cause: &Cause, host: &str) {
        let words = format!("the connection ended before this message: {cause}");
        for consignment in self.waiting.drain(..) {
            let lost = RecipientResult::Refused(Cause::Lost(words.clone()));
            self.results.push(DeliveryResult {
                recipients: vec![lost; consignment.recipients.len()],
                tls: None,
                protection: Protection::Clear,
                host: host.to_owned(),
                offers_dsn: false,
                offers_deliver_by: false,
            });
        }
    }
}

fn failure(hop: &NextHop, address: IpAddr, cause: Cause) -> HopFailure {
    HopFailure { cause, host: name_of(hop, address) }
}

/// Host and address for people, such as `mx.example.org [192.0.2.1]`.
fn name_of(hop: &NextHop, address: IpAddr) -> String {
    let literal = Domain::literal(address);
    if hop.host.as_ip().is_some() { literal.to_string() } else { format!("{} {literal}", hop.host) }
}

#[async_trait]
impl Courier for SmtpCourier {
    async fn carry(&self, hop: &NextHop, consignments: Vec<Consignment>) -> Result<Carried, HopFailure> {
        if hop.login.is_some() && hop.tls == HopTls::None {
            let cause = Cause::Login("a password is never sent outside TLS".to_owned());
            return Err(HopFailure { cause, host: hop.host.to_string() });
        }
        let cause = Cause::Connect("the host has no address".to_owned());
        let mut last = HopFailure { cause, host: hop.host.to_string() };
        for address in self.addresses(hop).await? {
            match Box::pin(self.carry_to(hop, address, &consignments)).await {
                Ok(results) => return Ok(results),
                Err(failure) => last = failure,
            }
        }
        Err(last)
    }
}

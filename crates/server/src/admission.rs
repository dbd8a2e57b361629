//! How many connections there may be, and how fast new ones may come.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ipnet::IpNet;
use parking_lot::Mutex;
use posthouse_model::Instant;
use thiserror::Error;

/// Networks of this prefix share one bucket of new connections, for IPv4.
const V4_NETWORK_PREFIX: u8 = 24;
/// Likewise for IPv6: what a customer usually gets.
const V6_NETWORK_PREFIX: u8 = 56;
/// Networks whose new connections are counted. When there are more, those that have been quiet are forgotten, and if
/// none is, all.
const MAX_NETWORKS: usize = 16_384;
/// Milliseconds in which a bucket fills from empty.
const REFILL_MS: u64 = 60_000;

/// The bounds of all listeners together.
#[derive(Clone, Debug)]
pub struct FlowControl {
    /// Connections at once, of all listeners.
    pub max_connections: usize,
    /// New connections in a minute from one network (/24 or /56), of all listeners.
    pub new_per_minute_per_network: u32,
    /// Networks that are bounded neither by address nor by rate: monitoring, a proxy in front, this host itself.
    pub exempt: Vec<IpNet>,
}

impl Default for FlowControl {
    fn default() -> Self {
        Self {
            max_connections: 20_000,
            new_per_minute_per_network: 600,
            exempt: vec![
                IpNet::new_assert([127, 0, 0, 0].into(), 8),
                IpNet::new_assert(IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]), 128),
            ],
        }
    }
}

/// Why a connection is turned away.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub(crate) enum TurnedAway {
    /// The server has as many as it takes.
    #[error("the server has too many connections")]
    ServerFull,
    /// The listener has.
    #[error("the listener has too many connections")]
    ListenerFull,
    /// The address has.
    #[error("the address has too many connections")]
    AddressFull,
    /// The network opens them too fast.
    #[error("the network opens connections too fast")]
    TooFast,
}

/// Counts the connections of all listeners.
#[derive(Debug)]
pub(crate) struct Admission {
    control: FlowControl,
    connections: AtomicUsize,
    addresses: Mutex<HashMap<IpAddr, usize>>,
    networks: Mutex<HashMap<IpNet, Bucket>>,
}

/// Tokens for new connections, in thousandths.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    millitokens: u64,
    filled_at: Instant,
}

/// How many connections one listener has.
#[derive(Debug, Default)]
pub(crate) struct ListenerCount(AtomicUsize);

/// A connection that was let in. Dropping it makes room.
#[derive(Debug)]
pub(crate) struct Place {
    admission: Arc<Admission>,
    listener: Arc<ListenerCount>,
    address: Option<IpAddr>,
}

impl Admission {
    pub(crate) fn new(control: FlowControl) -> Arc<Self> {
        Arc::new(Self {
            control,
            connections: AtomicUsize::new(0),
            addresses: Mutex::default(),
            networks: Mutex::default(),
        })
    }

    /// Lets in a connection, as far as the server and the listener are concerned.
    pub(crate) fn enter(self: &Arc<Self>, listener: &Arc<ListenerCount>, max: usize) -> Result<Place, TurnedAway> {
        if !take_one(&self.connections, self.control.max_connections) {
            return Err(TurnedAway::ServerFull);
        }
        if !take_one(&listener.0, max) {
            self.connections.fetch_sub(1, Ordering::Relaxed);
            return Err(TurnedAway::ListenerFull);
        }
        Ok(Place { admission: Arc::clone(self), listener: Arc::clone(listener), address: None })
    }

    fn is_exempt(&self, address: IpAddr) -> bool {
        self.control.exempt.iter().any(|network| network.contains(&address))
    }

    /// Takes a token for a new connection of the network that `address` is in.
    fn is_too_fast(&self, address: IpAddr, now: Instant) -> bool {
        let prefix = if address.is_ipv4() { V4_NETWORK_PREFIX } else { V6_NETWORK_PREFIX };
        let network = IpNet::new_assert(address, prefix).trunc();
        let full = u64::from(self.control.new_per_minute_per_network) * 1000;
        let refilled = |bucket: &Bucket| {
            let elapsed_ms = u64::try_from(now.since(bucket.filled_at).as_millis()).unwrap_or(u64::MAX).min(REFILL_MS);
            (bucket.millitokens + full * elapsed_ms / REFILL_MS).min(full)
        };
        let mut networks = self.networks.lock();
        if networks.len() >= MAX_NETWORKS && !networks.contains_key(&network) {
            networks.retain(|_, bucket| refilled(bucket) < full);
            if networks.len() >= MAX_NETWORKS {
                networks.clear();
            }
        }
        let bucket = networks.entry(network).or_insert(Bucket { millitokens: full, filled_at: now });
        bucket.millitokens = refilled(bucket);
        bucket.filled_at = now;
        match bucket.millitokens.checked_sub(1000) {
            Some(rest) => {
                bucket.millitokens = rest;
                false
            }
            None => true,
        }
    }
}

impl Place {
    /// Lets in the client's address, once it is known.
    pub(crate) fn claim(&mut self, address: IpAddr, max: usize, now: Instant) -> Result<(), TurnedAway> {
        let address = address.to_canonical();
        if self.admission.is_exempt(address) {
            return Ok(());
        }
        if self.admission.is_too_fast(address, now) {
            return Err(TurnedAway::TooFast);
        }
        let mut addresses = self.admission.addresses.lock();
        let count = addresses.entry(address).or_default();
        if *count >= max {
            return Err(TurnedAway::AddressFull);
        }
        *count += 1;
        self.address = Some(address);
        Ok(())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.admission.connections.fetch_sub(1, Ordering::Relaxed);
        self.listener.0.fetch_sub(1, Ordering::Relaxed);
        let Some(address) = self.address else { return };
        let mut addresses = self.admission.addresses.lock();
        if let Some(count) = addresses.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                addresses.remove(&address);
            }
        }
    }
}

fn take_one(count: &AtomicUsize, max: usize) -> bool {
    count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |now| (now < max).then_some(now + 1)).is_ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn admission(max_connections: usize, new_per_minute_per_network: u32) -> Arc<Admission> {
        Admission::new(FlowControl { max_connections, new_per_minute_per_network, ..FlowControl::default() })
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn server_and_listeners_have_bounds() {
        let admission = admission(2, 100);
        let (first, second) = (Arc::default(), Arc::default());
        let one = admission.enter(&first, 1).unwrap();
        assert_eq!(admission.enter(&first, 1).unwrap_err(), TurnedAway::ListenerFull);
        let two = admission.enter(&second, 1).unwrap();
        assert_eq!(admission.enter(&second, 5).unwrap_err(), TurnedAway::ServerFull);
        drop(one);
        let three = admission.enter(&first, 1).unwrap();
        drop((two, three));
        assert_eq!(admission.connections.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn an_address_has_a_bound_and_loopback_has_none() {
        let admission = admission(100, 100);
        let listener = Arc::default();
        let enter = |address: &str| {
            let mut place = admission.enter(&listener, 100)?;
            place.claim(ip(address), 1, Instant(0)).map(|()| place)
        };
        let one = enter("192.0.2.1").unwrap();
        assert_eq!(enter("192.0.2.1").unwrap_err(), TurnedAway::AddressFull);
        assert_eq!(enter("::ffff:192.0.2.1").unwrap_err(), TurnedAway::AddressFull);
        let other = enter("192.0.2.2").unwrap();
        let local = [enter("127.0.0.1").unwrap(), enter("127.0.0.1").unwrap(), enter("::1").unwrap()];
        drop(one);
        enter("192.0.2.1").unwrap();
        drop((other, local));
        assert!(admission.addresses.lock().is_empty());
    }

    #[test]
    fn a_network_has_a_rate() {
        let admission = admission(100, 2);
        let listener = Arc::default();
        let enter = |address: &str, seconds: u64| {
            let now = Instant(0) + Duration::from_secs(seconds);
            admission.enter(&listener, 100)?.claim(ip(address), 100, now)
        };
        enter("192.0.2.1", 0).unwrap();
        enter("192.0.2.2", 0).unwrap();
        assert_eq!(enter("192.0.2.3", 0), Err(TurnedAway::TooFast));
        enter("198.51.100.1", 0).unwrap();
        assert_eq!(enter("192.0.2.3", 29), Err(TurnedAway::TooFast));
        enter("192.0.2.3", 60).unwrap();
        enter("2001:db8::1", 60).unwrap();
        enter("2001:db8:0:1::1", 60).unwrap();
        assert_eq!(enter("2001:db8:0:2::1", 60), Err(TurnedAway::TooFast));
    }

    #[test]
    fn the_table_of_networks_is_bounded() {
        let admission = admission(usize::MAX, 1);
        for n in 0..(MAX_NETWORKS as u32 + 10) {
            admission.is_too_fast(IpAddr::from((n << 8).to_be_bytes()), Instant(0));
        }
        assert!(admission.networks.lock().len() <= MAX_NETWORKS);
    }
}

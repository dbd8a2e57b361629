//! Time and chance, so that both can be simulated.

use std::time::{SystemTime, UNIX_EPOCH};

use posthouse_model::{JourneyId, UnixMillis};

/// Bits of a journey's number that are chance; those above are the time, so that numbers rise.
const JOURNEY_CHANCE_BITS: u32 = 22;

/// Where time and chance come from.
pub trait Environment: Send + Sync + 'static {
    /// The time.
    fn now(&self) -> UnixMillis;
    /// A number that nobody can guess.
    fn random(&self) -> u64;

    /// A name for a new journey.
    fn journey(&self) -> JourneyId {
        let chance = self.random() & ((1 << JOURNEY_CHANCE_BITS) - 1);
        let millis = u64::try_from(self.now().0).unwrap_or(0);
        JourneyId((millis << JOURNEY_CHANCE_BITS) | chance)
    }
}

/// The clock and the random numbers of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEnvironment;

impl Environment for SystemEnvironment {
    fn now(&self) -> UnixMillis {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        UnixMillis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    fn random(&self) -> u64 {
        let mut bytes = [0; 8];
        aws_lc_rs::rand::fill(&mut bytes).expect("the operating system has random bytes");
        u64::from_ne_bytes(bytes)
    }
}

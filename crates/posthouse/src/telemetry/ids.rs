//! Numbers of traces and spans. They are worked out, not drawn, so that whatever is told of a journey later, even after
//! a restart, belongs to the same trace.

use std::fmt;

use posthouse_model::{JourneyId, TrailEvent, TrailKind};

/// Octets of a trace's number (W3C Trace Context §3.2.2.3).
const TRACE_ID_BYTES: usize = 16;
/// Octets of a span's number (W3C Trace Context §3.2.2.4).
const SPAN_ID_BYTES: usize = 8;
/// The bits of a trace's number by which it is sampled (W3C Trace Context Level 2, §3.2.2.3.1: the last 56).
const SAMPLED_BITS: u32 = 56;

/// Names a trace: the first 16 octets of BLAKE3 of the journey's id as it is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceId([u8; TRACE_ID_BYTES]);

impl TraceId {
    /// The trace of a journey.
    pub fn of(journey: JourneyId) -> Self {
        Self(first_octets(&blake3::hash(journey.to_string().as_bytes())))
    }
}

/// Names a span in its trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpanId([u8; SPAN_ID_BYTES]);

impl SpanId {
    /// The span of the reception, to which all others of a journey belong.
    pub fn of_reception(journey: JourneyId) -> Self {
        Self(first_octets(&blake3::hash(format!("{journey} received").as_bytes())))
    }

    /// The span of an event.
    pub fn of(event: &TrailEvent) -> Self {
        if event.kind == TrailKind::Received {
            return Self::of_reception(event.journey);
        }
        let mut hasher = blake3::Hasher::new();
        hasher.update(format!("{} {} {}", event.journey, event.kind.name(), event.at.0).as_bytes());
        for (name, value) in &event.facts {
            for part in [name, value] {
                hasher.update(&(part.len() as u64).to_be_bytes()).update(part.as_bytes());
            }
        }
        Self(first_octets(&hasher.finalize()))
    }
}

/// The first octets of a hash. All zero would be no number; so the last of them is odd then.
fn first_octets<const COUNT: usize>(hash: &blake3::Hash) -> [u8; COUNT] {
    let mut octets = [0; COUNT];
    octets.copy_from_slice(&hash.as_bytes()[..COUNT]);
    if octets.iter().all(|octet| *octet == 0) {
        octets[COUNT - 1] = 1;
    }
    octets
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", u64::from_be_bytes(self.0))
    }
}

/// The part of all journeys of which something is told. One is told of whole, or not at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    below: u64,
}

impl Sample {
    /// A part from 0 to 1.
    pub fn new(part: f64) -> Self {
        Self { below: (part.clamp(0.0, 1.0) * (1_u64 << SAMPLED_BITS) as f64) as u64 }
    }

    /// Whether something is told of this journey.
    pub fn keeps(self, journey: JourneyId) -> bool {
        let last = u128::from_be_bytes(TraceId::of(journey).0) as u64;
        last & ((1 << SAMPLED_BITS) - 1) < self.below
    }
}

#[cfg(test)]
mod tests {
    use posthouse_model::UnixMillis;

    use super::*;

    #[test]
    fn numbers_stay_what_they_are() {
        let journey = JourneyId(7);
        assert_eq!(journey.to_string(), "0000000000007");
        assert_eq!(TraceId::of(journey).to_string(), "8fe5987094c8b59344eba4826ae07cf9");
        assert_eq!(SpanId::of_reception(journey).to_string(), "1c9c23f41c2f7ee3");
        let event = |at, host: &str| {
            TrailEvent::new(journey, UnixMillis(at), TrailKind::Deferred).fact("attempt", "1").fact("host", host)
        };
        let id = SpanId::of(&event(1, "a"));
        assert_eq!(id, SpanId::of(&event(1, "a")));
        for other in [event(2, "a"), event(1, "b"), event(1, "")] {
            assert_ne!(id, SpanId::of(&other));
        }
        let received = TrailEvent::new(journey, UnixMillis(5), TrailKind::Received).fact("size", "1");
        assert_eq!(SpanId::of(&received), SpanId::of_reception(journey));
    }

    #[test]
    fn a_part_of_all_journeys_is_kept() {
        const JOURNEYS: u64 = 10_000;
        let kept = |part: f64| (0..JOURNEYS).filter(|number| Sample::new(part).keeps(JourneyId(*number))).count();
        assert_eq!((kept(0.0), kept(1.0), kept(-1.0), kept(7.0), kept(f64::NAN)), (0, 10_000, 0, 10_000, 0));
        assert!((2_300..2_700).contains(&kept(0.25)), "{}", kept(0.25));
        // Whoever keeps more keeps the same and others.
        assert!((0..JOURNEYS).map(JourneyId).all(|one| !Sample::new(0.1).keeps(one) || Sample::new(0.3).keeps(one)));
    }
}

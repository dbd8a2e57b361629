//! Events of one journey as octets.
//!
//! ```text
//! events    = version(1) count *event                   numbers as LEB128, texts as length and UTF-8
//! event     = milliseconds-since-1970(8, little endian) kind count *address count *(name value)
//! ```

use posthouse_model::{Address, JourneyId, TrailEvent, TrailKind, UnixMillis};

use crate::fault::{Fault, damaged};

const VERSION: u8 = 1;

/// Encodes events, whose journey is kept beside them.
pub(crate) fn encode(events: &[&TrailEvent]) -> Vec<u8> {
    let mut bytes = vec![VERSION];
    put_number(&mut bytes, events.len());
    for event in events {
        bytes.extend_from_slice(&event.at.0.to_le_bytes());
        put_text(&mut bytes, event.kind.name());
        put_number(&mut bytes, event.addresses.len());
        for address in &event.addresses {
            put_text(&mut bytes, &address.to_string());
        }
        put_number(&mut bytes, event.facts.len());
        for (name, value) in &event.facts {
            put_text(&mut bytes, name);
            put_text(&mut bytes, value);
        }
    }
    bytes
}

/// Decodes what [`encode`] made.
pub(crate) fn decode(journey: JourneyId, bytes: &[u8]) -> Result<Vec<TrailEvent>, Fault> {
    let mut rest = bytes;
    events(journey, &mut rest).ok_or_else(|| damaged("the trail of journey", journey).into())
}

fn events(journey: JourneyId, rest: &mut &[u8]) -> Option<Vec<TrailEvent>> {
    if take(rest, 1)? != [VERSION] {
        return None;
    }
    let mut events = Vec::new();
    for _ in 0..number(rest)? {
        let at = UnixMillis(i64::from_le_bytes(take(rest, 8)?.try_into().ok()?));
        let mut event = TrailEvent::new(journey, at, TrailKind::from_name(text(rest)?)?);
        for _ in 0..number(rest)? {
            event.addresses.push(Address::parse(text(rest)?).ok()?);
        }
        for _ in 0..number(rest)? {
            event.facts.push((text(rest)?.to_owned(), text(rest)?.to_owned()));
        }
        events.push(event);
    }
    rest.is_empty().then_some(events)
}

fn put_number(bytes: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn put_text(bytes: &mut Vec<u8>, text: &str) {
    put_number(bytes, text.len());
    bytes.extend_from_slice(text.as_bytes());
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(count)?;
    *rest = left;
    Some(taken)
}

fn number(rest: &mut &[u8]) -> Option<usize> {
    let mut number = 0usize;
    for shift in (0..usize::BITS).step_by(7) {
        let byte = take(rest, 1)?[0];
        number |= usize::from(byte & 0x7f).checked_shl(shift)?;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

fn text<'a>(rest: &mut &'a [u8]) -> Option<&'a str> {
    let length = number(rest)?;
    std::str::from_utf8(take(rest, length)?).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const JOURNEY: JourneyId = JourneyId(7);

    fn any_event() -> impl Strategy<Value = TrailEvent> {
        let address = prop::sample::select(vec!["a@b.example", "\"a b\"@c.example", "jörg@d.example", "e@[192.0.2.1]"]);
        let kind = prop::sample::select(TrailKind::EACH.to_vec());
        let facts = prop::collection::vec(("[a-z-]{0,9}", "\\PC{0,200}"), 0..4);
        (any::<i64>(), kind, prop::collection::vec(address, 0..3), facts).prop_map(|(at, kind, addresses, facts)| {
            TrailEvent {
                journey: JOURNEY,
                at: UnixMillis(at),
                kind,
                addresses: addresses.into_iter().map(|text| Address::parse(text).unwrap()).collect(),
                facts,
                began_at: None,
            }
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(events in prop::collection::vec(any_event(), 0..5)) {
            let bytes = encode(&events.iter().collect::<Vec<_>>());
            prop_assert_eq!(decode(JOURNEY, &bytes).unwrap(), events);
        }

        #[test]
        fn anything_else_is_an_error_or_events(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = decode(JOURNEY, &bytes);
        }

        #[test]
        fn what_is_cut_is_an_error(event in any_event(), cut in 1usize..50) {
            let bytes = encode(&[&event]);
            let left = bytes.len().saturating_sub(cut);
            prop_assert!(decode(JOURNEY, &bytes[..left]).is_err());
        }
    }
}

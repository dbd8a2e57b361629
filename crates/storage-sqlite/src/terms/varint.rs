//! Numbers in as few octets as they need: seven bits each, lowest first, the eighth says that more follow.

use super::Damaged;

pub(super) fn put(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub(super) fn take(from: &mut &[u8]) -> Result<u64, Damaged> {
    let mut value = 0;
    for (at, &octet) in from.iter().enumerate().take(10) {
        value |= u64::from(octet & 0x7f) << (7 * at);
        if octet & 0x80 == 0 {
            *from = &from[at + 1..];
            return Ok(value);
        }
    }
    Err(Damaged)
}

/// Rising numbers, each once: their count, the first, and the gaps.
pub(super) fn put_rising(out: &mut Vec<u8>, values: impl ExactSizeIterator<Item = u64>) {
    put(out, values.len() as u64);
    let mut next = 0;
    for value in values {
        put(out, value - next);
        next = value + 1;
    }
}

/// What [`put_rising`] wrote; at most `max` numbers.
pub(super) fn take_rising(from: &mut &[u8], max: usize) -> Result<Vec<u64>, Damaged> {
    let count = usize::try_from(take(from)?).map_err(|_| Damaged)?;
    // Each number has at least one octet.
    if count > max || count > from.len() {
        return Err(Damaged);
    }
    let mut values = Vec::with_capacity(count);
    let mut next = 0_u64;
    for _ in 0..count {
        let value = next.checked_add(take(from)?).ok_or(Damaged)?;
        values.push(value);
        next = value.checked_add(1).ok_or(Damaged)?;
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_come_back(values in prop::collection::btree_set(0..u64::MAX, 0..50), single: u64) {
            let mut out = Vec::new();
            put_rising(&mut out, values.iter().copied().collect::<Vec<_>>().into_iter());
            put(&mut out, single);
            let mut rest = &out[..];
            prop_assert_eq!(take_rising(&mut rest, 50), Ok(values.into_iter().collect()));
            prop_assert_eq!(take(&mut rest), Ok(single));
            prop_assert!(rest.is_empty());
        }

        #[test]
        fn nothing_panics(octets in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = take_rising(&mut &octets[..], 20);
        }
    }
}

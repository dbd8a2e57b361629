//! Sets of UIDs against a plain set, in a small world and at its upper end.
#![no_main]

use std::collections::BTreeSet;

use libfuzzer_sys::fuzz_target;
use posthouse_model::{Uid, UidSet};

/// Octets from here on stand for the highest UIDs there are, those below for the lowest.
const FIRST_HIGH: u8 = 200;

fn uid(octet: u8) -> Uid {
    let value = if octet >= FIRST_HIGH { u32::MAX - u32::from(u8::MAX - octet) } else { u32::from(octet) };
    Uid::new(value.max(1)).expect("not zero")
}

/// All from one to the other, as far as they are in the world.
fn between(first: Uid, last: Uid) -> impl Iterator<Item = Uid> {
    let (low, high) = (first.min(last), first.max(last));
    (0..=u8::MAX).map(uid).filter(move |one| (low..=high).contains(one))
}

fn check(set: &UidSet, plain: &BTreeSet<Uid>) {
    let mut before: Option<u32> = None;
    let mut count = 0;
    for range in set.ranges() {
        assert!(range.start() <= range.end());
        assert!(before.is_none_or(|end| end < range.start() - 1), "ranges touch: {set}");
        before = Some(*range.end());
        count += u64::from(range.end() - range.start()) + 1;
    }
    assert_eq!(set.len(), count);
    assert_eq!(set.is_empty(), count == 0);
    for octet in 0..=u8::MAX {
        assert_eq!(set.contains(uid(octet)), plain.contains(&uid(octet)), "{octet} in {set}");
    }
    assert_eq!(set.first().map(Uid::value), set.ranges().next().map(|range| *range.start()));
    assert_eq!(set.last().map(Uid::value), before);
    assert_eq!(set.to_string().is_empty(), set.is_empty());
}

fuzz_target!(|input: &[u8]| {
    let (mut ours, mut other) = (UidSet::new(), UidSet::new());
    let (mut plain, mut plain_other) = (BTreeSet::new(), BTreeSet::new());
    for operation in input.chunks_exact(3) {
        let (first, last) = (uid(operation[1]), uid(operation[2]));
        match operation[0] % 5 {
            0 => {
                ours.insert_range(first, last);
                plain.extend(between(first, last));
            }
            1 => {
                ours.insert(first);
                plain.insert(first);
            }
            2 => {
                ours = ours.difference(&other);
                plain = &plain - &plain_other;
            }
            3 => {
                ours = ours.intersection(&other);
                plain = &plain & &plain_other;
            }
            _ => {
                std::mem::swap(&mut ours, &mut other);
                std::mem::swap(&mut plain, &mut plain_other);
            }
        }
        check(&ours, &plain);
    }
});

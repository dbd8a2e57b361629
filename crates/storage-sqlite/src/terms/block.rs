//! A stretch of terms with their postings.
//!
//! For each term, rising: the distance from the one before (from zero for the first), then `count << 1 | is_map`, then
//! where it is: the places of its documents in the segment, first and gaps, or a map with a bit for each document of
//! the segment where that is shorter.

use posthouse_storage::Term;

use super::{Damaged, varint};

/// Octets that a block holds, more or less: the postings of a term are never divided.
pub(crate) const BLOCK_BYTES: usize = 7_600;
/// Most documents in a segment.
pub(crate) const MAX_DOCUMENTS: usize = 65_536;

/// A bit for each document of a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DocumentSet(Vec<u64>);

impl DocumentSet {
    pub(crate) fn none(documents: usize) -> Self {
        Self(vec![0; documents.div_ceil(64)])
    }

    pub(crate) fn has(&self, place: usize) -> bool {
        self.0.get(place / 64).is_some_and(|word| word >> (place % 64) & 1 == 1)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    /// Puts all documents in.
    pub(crate) fn fill(&mut self) {
        self.0.fill(u64::MAX);
    }

    pub(crate) fn keep(&mut self, others: &Self) {
        self.0.iter_mut().zip(&others.0).for_each(|(word, other)| *word &= other);
    }

    fn insert(&mut self, place: u64) {
        if let Some(word) = self.0.get_mut((place / 64) as usize) {
            *word |= 1 << (place % 64);
        }
    }
}

/// Appends a term to a block. `places` rise.
pub(super) fn put_term(block: &mut Vec<u8>, distance: u64, places: &[u32], documents: usize) {
    varint::put(block, distance);
    let map_bytes = documents.div_ceil(8);
    let is_map = places.len() > map_bytes;
    varint::put(block, (places.len() as u64) << 1 | u64::from(is_map));
    if is_map {
        let start = block.len();
        block.resize(start + map_bytes, 0);
        for place in places {
            block[start + (place / 8) as usize] |= 1 << (place % 8);
        }
        return;
    }
    let mut next = 0;
    for place in places {
        varint::put(block, u64::from(place - next));
        next = place + 1;
    }
}

/// Where the documents of a term are.
pub(crate) struct Postings<'a> {
    count: u64,
    is_map: bool,
    octets: &'a [u8],
}

impl Postings<'_> {
    /// Calls `see` for each place, rising. The octets were checked when the block was walked.
    fn each(&self, mut see: impl FnMut(u64)) {
        if self.is_map {
            for (at, &octet) in self.octets.iter().enumerate() {
                let mut bits = octet;
                while bits != 0 {
                    see(at as u64 * 8 + u64::from(bits.trailing_zeros()));
                    bits &= bits - 1;
                }
            }
            return;
        }
        let mut rest = self.octets;
        let mut next = 0;
        for _ in 0..self.count {
            let Ok(gap) = varint::take(&mut rest) else { return };
            see(next + gap);
            next += gap + 1;
        }
    }

    pub(crate) fn add_to(&self, set: &mut DocumentSet) {
        self.each(|place| set.insert(place));
    }

    pub(crate) fn places(&self) -> Vec<u32> {
        let mut places = Vec::with_capacity(self.count as usize);
        self.each(|place| places.push(place as u32));
        places
    }
}

/// Calls `see` for each term of a block of a segment with so many documents, rising, until it says that it has seen
/// enough.
pub(crate) fn walk(
    block: &[u8],
    documents: usize,
    mut see: impl FnMut(Term, &Postings<'_>) -> bool,
) -> Result<(), Damaged> {
    let mut rest = block;
    let mut term: Term = 0;
    while !rest.is_empty() {
        term = term.checked_add(varint::take(&mut rest)?).ok_or(Damaged)?;
        let header = varint::take(&mut rest)?;
        let (count, is_map) = (header >> 1, header & 1 == 1);
        if count > documents as u64 {
            return Err(Damaged);
        }
        let length = if is_map { documents.div_ceil(8) } else { list_bytes(rest, count, documents as u64)? };
        let octets = rest.get(..length).ok_or(Damaged)?;
        rest = &rest[length..];
        if !see(term, &Postings { count, is_map, octets }) {
            return Ok(());
        }
    }
    Ok(())
}

/// Octets of a list of `count` places, all of which have to be documents.
fn list_bytes(from: &[u8], count: u64, documents: u64) -> Result<usize, Damaged> {
    let mut rest = from;
    let mut next = 0_u64;
    for _ in 0..count {
        next = next.checked_add(varint::take(&mut rest)?).and_then(|place| place.checked_add(1)).ok_or(Damaged)?;
        if next > documents {
            return Err(Damaged);
        }
    }
    Ok(from.len() - rest.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn walked(block: &[u8], documents: usize) -> Result<Vec<(Term, Vec<u32>)>, Damaged> {
        let mut seen = Vec::new();
        walk(block, documents, |term, postings| {
            seen.push((term, postings.places()));
            true
        })?;
        Ok(seen)
    }

    proptest! {
        #[test]
        fn terms_come_back(
            documents in 1_usize..300,
            terms in prop::collection::btree_map(any::<u64>(), prop::collection::btree_set(0_u32..300, 1..200), 0..8),
        ) {
            let mut block = Vec::new();
            let mut last = 0;
            let mut expected = Vec::new();
            for (term, places) in terms {
                let places: Vec<_> = places.into_iter().filter(|place| (*place as usize) < documents).collect();
                put_term(&mut block, term - last, &places, documents);
                last = term;
                expected.push((term, places));
            }
            let seen = walked(&block, documents).unwrap();
            for (_, places) in &seen {
                let mut set = DocumentSet::none(documents);
                places.iter().for_each(|place| set.insert(u64::from(*place)));
                prop_assert_eq!(set.is_empty(), places.is_empty());
                prop_assert!((0..documents).all(|place| set.has(place) == places.contains(&(place as u32))));
            }
            prop_assert_eq!(seen, expected);
        }

        #[test]
        fn damage_is_no_panic(block in prop::collection::vec(any::<u8>(), 0..60), documents in 0_usize..40) {
            let _ = walked(&block, documents);
        }
    }
}

//! TLSA records (RFC 6698 §2.1), and which of them can be used for mail.

use posthouse_model::Domain;

/// Most records of one host that are looked at; the others are left out.
pub const MAX_TLSA_RECORDS: usize = 64;
/// Longest whole certificate or key in a record that is used, in octets.
pub const MAX_FULL_ASSOCIATION_BYTES: usize = 8192;

/// RFC 7218 §2.1 to §2.3: the numbers that can be used.
const DANE_TA: u8 = 2;
const DANE_EE: u8 = 3;
const WHOLE_CERTIFICATE: u8 = 0;
const PUBLIC_KEY: u8 = 1;
const FULL: u8 = 0;
const SHA2_256: u8 = 1;
const SHA2_512: u8 = 2;

/// A TLSA record as it stands in DNS.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TlsaRecord {
    /// What the record is about: 2 an authority, 3 the host's own certificate.
    pub usage: u8,
    /// What is compared: 0 the certificate, 1 its public key.
    pub selector: u8,
    /// How: 0 octet by octet, 1 by SHA-256, 2 by SHA-512.
    pub matching: u8,
    /// What it is compared with.
    pub data: Vec<u8>,
}

impl TlsaRecord {
    /// Whether it can be used for mail. RFC 7672 §3.1.3: usages 0 and 1 cannot; RFC 7671 §5: nor can what we do not know.
    fn is_usable(&self) -> bool {
        let data_fits = match self.matching {
            FULL => (1..=MAX_FULL_ASSOCIATION_BYTES).contains(&self.data.len()),
            SHA2_256 => self.data.len() == 32,
            SHA2_512 => self.data.len() == 64,
            _ => false,
        };
        matches!(self.usage, DANE_TA | DANE_EE) && matches!(self.selector, WHOLE_CERTIFICATE | PUBLIC_KEY) && data_fits
    }

    /// The record as a zone file has it, such as `3 1 1 0b9f…`.
    pub fn words(&self) -> String {
        let data: String = self.data.iter().map(|octet| format!("{octet:02x}")).collect();
        format!("{} {} {} {data}", self.usage, self.selector, self.matching)
    }
}

/// What a host's certificate has to match, by signed records.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TlsaSet {
    records: Vec<TlsaRecord>,
    base: Domain,
    names: Vec<Domain>,
}

impl TlsaSet {
    /// The usable ones among the records found at `base`; `None` where none is. `names` are those that a certificate
    /// below a matching authority may be for.
    pub fn new(records: &[TlsaRecord], base: Domain, mut names: Vec<Domain>) -> Option<Self> {
        let looked_at = &records[..records.len().min(MAX_TLSA_RECORDS)];
        let usable = || looked_at.iter().filter(|record| record.is_usable());
        // RFC 7671 §9: of several digests of the same thing only the strongest counts.
        let is_outdone = |record: &TlsaRecord| {
            let about = (record.usage, record.selector);
            record.matching == SHA2_256
                && usable().any(|other| other.matching == SHA2_512 && (other.usage, other.selector) == about)
        };
        let mut chosen: Vec<_> = usable().filter(|record| !is_outdone(record)).cloned().collect();
        chosen.sort();
        chosen.dedup();
        names.retain(|name| *name != base);
        names.dedup();
        names.insert(0, base.clone());
        (!chosen.is_empty()).then_some(Self { records: chosen, base, names })
    }

    /// The records; never empty, at most [`MAX_TLSA_RECORDS`].
    pub fn records(&self) -> &[TlsaRecord] {
        &self.records
    }

    /// The name at which they were found, which is the one to ask the host for (RFC 7672 §3.2.1).
    pub fn base(&self) -> &Domain {
        &self.base
    }

    /// The names that a certificate below a matching authority may be for (RFC 7672 §3.2.2).
    pub fn names(&self) -> &[Domain] {
        &self.names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(usage: u8, selector: u8, matching: u8, length: usize) -> TlsaRecord {
        TlsaRecord { usage, selector, matching, data: vec![7; length] }
    }

    /// Which of the records are kept, by their numbers.
    fn check(records: &[TlsaRecord], expected: &[&str]) {
        let base = Domain::parse("mx.example").unwrap();
        let set = TlsaSet::new(records, base.clone(), vec![Domain::parse("example").unwrap(), base]);
        let kept = set.iter().flat_map(TlsaSet::records);
        let kept: Vec<_> = kept.map(|one| format!("{}{}{}", one.usage, one.selector, one.matching)).collect();
        assert_eq!(kept, expected);
        if let Some(set) = set {
            assert_eq!(set.names().iter().map(Domain::as_str).collect::<Vec<_>>(), ["mx.example", "example"]);
        }
    }

    #[test]
    fn what_can_be_used() {
        check(&[], &[]);
        check(&[record(3, 1, 1, 32)], &["311"]);
        check(&[record(0, 1, 1, 32), record(1, 0, 2, 64)], &[]);
        check(&[record(2, 0, 1, 32), record(1, 1, 1, 32), record(4, 1, 1, 32)], &["201"]);
        // Lengths that are no digest's, selectors and ways of matching that nobody knows.
        check(&[record(3, 1, 1, 31), record(3, 1, 2, 32), record(3, 2, 1, 32), record(3, 1, 3, 32)], &[]);
        check(&[record(3, 0, 0, 0), record(3, 0, 0, MAX_FULL_ASSOCIATION_BYTES + 1)], &[]);
        check(&[record(3, 0, 0, MAX_FULL_ASSOCIATION_BYTES)], &["300"]);
    }

    #[test]
    fn the_strongest_digest_counts() {
        check(&[record(3, 1, 1, 32), record(3, 1, 2, 64)], &["312"]);
        check(&[record(3, 1, 1, 32), record(3, 0, 2, 64), record(2, 1, 2, 64)], &["212", "302", "311"]);
        // One that cannot be used outdoes nothing.
        check(&[record(3, 1, 1, 32), record(3, 1, 2, 63)], &["311"]);
    }

    #[test]
    fn a_hostile_set_costs_no_more_than_a_large_one() {
        let hostile: Vec<_> = (0..60_000_u32)
            .map(|at| TlsaRecord { usage: 3, selector: 1, matching: 0, data: at.to_be_bytes().to_vec() })
            .collect();
        let base = Domain::parse("mx.example").unwrap();
        assert_eq!(TlsaSet::new(&hostile, base, vec![]).unwrap().records().len(), MAX_TLSA_RECORDS);
    }

    #[test]
    fn records_have_words() {
        assert_eq!(TlsaRecord { usage: 3, selector: 1, matching: 1, data: vec![0xab, 1] }.words(), "3 1 1 ab01");
    }
}

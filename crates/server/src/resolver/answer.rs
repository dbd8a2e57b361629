//! From what a DNS server answered to what the port tells: pure functions.

use std::net::IpAddr;

use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::dnssec::Proof as RecordProof;
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use posthouse_domain_policy::transport::TlsaRecord;
use posthouse_domain_policy::{LookupError, MxRecord, Proof, Records};
use posthouse_model::Domain;

/// Longest chain of aliases that is followed inside one answer.
pub(super) const MAX_ALIASES: usize = 8;

/// Why there is no answer, in the port's words.
pub(super) fn why(error: &NetError) -> LookupError {
    match error {
        NetError::Dns(DnsError::NoRecordsFound(none)) => absence(none.response_code),
        NetError::Dns(DnsError::Nsec { response, proof, .. }) => match proof {
            RecordProof::Bogus => LookupError::Bogus,
            RecordProof::Secure | RecordProof::Insecure => absence(response.response_code),
            RecordProof::Indeterminate => undetermined(),
        },
        NetError::Dns(DnsError::DnssecBogus) => LookupError::Bogus,
        NetError::Dns(DnsError::ResponseCode(code)) => {
            LookupError::Unavailable(format!("a server answered {}", code.to_str()))
        }
        NetError::Timeout => LookupError::Unavailable("no answer in time".to_owned()),
        NetError::NoConnections => LookupError::Unavailable("no server can be reached".to_owned()),
        other => LookupError::Unavailable(other.to_string()),
    }
}

/// Whether no server answered, or one will not answer us, as opposed to one that said no, or that the name's own servers
/// fail.
pub(super) fn is_silence(error: &NetError) -> bool {
    match error {
        NetError::Dns(DnsError::ResponseCode(code)) => *code == ResponseCode::Refused,
        NetError::Dns(_) => false,
        _ => true,
    }
}

fn undetermined() -> LookupError {
    LookupError::Unavailable("whether the answer ought to be signed cannot be found out".to_owned())
}

/// RFC 2308 §2: NXDOMAIN speaks of the name, an empty answer only of the type.
fn absence(code: ResponseCode) -> LookupError {
    match code {
        ResponseCode::NXDomain => LookupError::NoSuchName,
        ResponseCode::NoError => LookupError::NoRecords,
        other => LookupError::Unavailable(format!("a server answered {}", other.to_str())),
    }
}

/// The mail exchanges in an answer.
pub(super) fn mail_exchanges_of(
    found: &Lookup,
    name: &Name,
    validated: bool,
) -> Result<Records<MxRecord>, LookupError> {
    let (answers, proof) = answers(found, name, RecordType::MX, validated)?;
    let mut records = Vec::with_capacity(answers.len());
    for answer in answers {
        let RData::MX(mx) = &answer.data else { continue };
        // RFC 7505 §3: the root as exchange says that the domain takes no mail.
        let exchange = match mx.exchange.is_root() {
            true => None,
            false => match Domain::parse(&mx.exchange.to_ascii()) {
                Ok(exchange) => Some(exchange),
                Err(_) => continue,
            },
        };
        records.push(MxRecord { preference: mx.preference, exchange });
    }
    if records.is_empty() {
        // RFC 5321 §5.1: where there are MX records and none can be used, that is an error, not the absence of any.
        return Err(LookupError::Unavailable("no MX record names a usable host".to_owned()));
    }
    Ok(Records { records, proof })
}

/// The addresses of one family in an answer, which is the one that was asked for.
pub(super) fn hosts_of(found: &Lookup, name: &Name, validated: bool) -> Result<Records<IpAddr>, LookupError> {
    let kind = found.query().query_type();
    let (answers, proof) = answers(found, name, kind, validated)?;
    let records = answers.into_iter().filter_map(|answer| answer.data.ip_addr()).collect();
    Ok(Records { records, proof })
}

/// The texts in an answer. Octets that are no UTF-8 are replaced, so that they match nothing.
pub(super) fn texts_of(found: &Lookup, name: &Name, validated: bool) -> Result<Records<String>, LookupError> {
    let (answers, proof) = answers(found, name, RecordType::TXT, validated)?;
    let text = |answer: &Record| match &answer.data {
        RData::TXT(text) => Some(String::from_utf8_lossy(&text.txt_data.concat()).into_owned()),
        _ => None,
    };
    Ok(Records { records: answers.into_iter().filter_map(text).collect(), proof })
}

/// The names in an answer about an address. Those that no host can have are left out.
pub(super) fn pointers_of(found: &Lookup, name: &Name, validated: bool) -> Result<Records<Domain>, LookupError> {
    let (answers, proof) = answers(found, name, RecordType::PTR, validated)?;
    let pointer = |answer: &Record| match &answer.data {
        RData::PTR(pointer) => Domain::parse(&pointer.0.to_ascii()).ok(),
        _ => None,
    };
    Ok(Records { records: answers.into_iter().filter_map(pointer).collect(), proof })
}

/// The TLSA records in an answer (RFC 6698 §2.1).
pub(super) fn tlsa_of(found: &Lookup, name: &Name, validated: bool) -> Result<Records<TlsaRecord>, LookupError> {
    let (answers, proof) = answers(found, name, RecordType::TLSA, validated)?;
    let record = |answer: &Record| match &answer.data {
        RData::TLSA(tlsa) => Some(TlsaRecord {
            usage: tlsa.cert_usage.into(),
            selector: tlsa.selector.into(),
            matching: tlsa.matching.into(),
            data: tlsa.cert_data.clone(),
        }),
        _ => None,
    };
    Ok(Records { records: answers.into_iter().filter_map(record).collect(), proof })
}

/// What a name is an alias of, in an answer to that question.
pub(super) fn alias_target_of(found: &Lookup, name: &Name, validated: bool) -> Result<Records<Name>, LookupError> {
    let (alias, target) = alias_of(found, name).ok_or(LookupError::NoRecords)?;
    Ok(Records { records: vec![target.clone()], proof: proof_of(&[alias], validated)? })
}

/// Whether an answer is about another name than was asked for.
pub(super) fn is_aliased(found: &Lookup, name: &Name, kind: RecordType) -> bool {
    found.answers().iter().any(|record| record.record_type() == kind && record.name != *name)
        || alias_of(found, name).is_some()
}

/// Both families together: what was found of either; else the error that says most.
pub(super) fn both_families(
    v6: Result<Records<IpAddr>, LookupError>,
    v4: Result<Records<IpAddr>, LookupError>,
) -> Result<Records<IpAddr>, LookupError> {
    match (v6, v4) {
        (Ok(v6), Ok(v4)) => {
            let proof = if v6.proof == v4.proof { v6.proof } else { Proof::Insecure };
            let mut records = v6.records;
            records.extend(v4.records);
            Ok(Records { records, proof })
        }
        // One family is enough to deliver by, even where the other cannot be told.
        (Ok(found), Err(_)) | (Err(_), Ok(found)) => Ok(found),
        (Err(v6), Err(v4)) => Err(graver(v6, v4)),
    }
}

fn graver(one: LookupError, other: LookupError) -> LookupError {
    let weight = |error: &LookupError| match error {
        LookupError::Bogus => 3,
        LookupError::Unavailable(_) => 2,
        // A name that has no records of one type exists.
        LookupError::NoRecords => 1,
        LookupError::NoSuchName => 0,
    };
    if weight(&one) >= weight(&other) { one } else { other }
}

/// The records of a type that belong to `name` or to what it is an alias of, with their proof: that of the weakest
/// record on the way. Never empty.
fn answers<'a>(
    found: &'a Lookup,
    name: &Name,
    kind: RecordType,
    validated: bool,
) -> Result<(Vec<&'a Record>, Proof), LookupError> {
    let mut owner = name;
    let mut way: Vec<&Record> = Vec::new();
    while let Some((alias, target)) = alias_of(found, owner) {
        if way.len() == MAX_ALIASES {
            return Err(LookupError::Unavailable("the name is an alias of too many others".to_owned()));
        }
        way.push(alias);
        owner = target;
    }
    let of_kind = || found.answers().iter().filter(|record| record.record_type() == kind);
    let answers: Vec<_> = of_kind().filter(|record| record.name == *owner).collect();
    if !answers.is_empty() {
        way.extend(&answers);
        let proof = proof_of(&way, validated)?;
        return Ok((answers, proof));
    }
    // Where the library knew the end of a chain of aliases from before, it leaves out the aliases. It has checked that
    // they lead there, but their proof is lost.
    let Some(end) = of_kind().next().filter(|_| way.is_empty()).map(|record| &record.name) else {
        return Err(LookupError::NoRecords);
    };
    let answers: Vec<_> = of_kind().filter(|record| record.name == *end).collect();
    proof_of(&answers, validated)?;
    Ok((answers, Proof::Insecure))
}

fn alias_of<'a>(found: &'a Lookup, owner: &Name) -> Option<(&'a Record, &'a Name)> {
    found.answers().iter().filter(|record| record.name == *owner).find_map(|record| match &record.data {
        RData::CNAME(target) => Some((record, &target.0)),
        _ => None,
    })
}

fn proof_of(records: &[&Record], validated: bool) -> Result<Proof, LookupError> {
    if !validated {
        return Ok(Proof::Insecure);
    }
    match records.iter().map(|record| record.proof).min() {
        Some(RecordProof::Secure) => Ok(Proof::Secure),
        Some(RecordProof::Insecure) => Ok(Proof::Insecure),
        Some(RecordProof::Bogus) => Err(LookupError::Bogus),
        // RFC 4035 §4.3: whether it ought to be signed cannot be told, so nothing can be built on it.
        Some(RecordProof::Indeterminate) | None => Err(undetermined()),
    }
}

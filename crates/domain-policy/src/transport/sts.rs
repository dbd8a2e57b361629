//! MTA-STS (RFC 8461): what a domain announces in DNS, and the policy that it serves over HTTPS.
//!
//! How a policy is fetched is the business of `server`; what is to be done with what is known is [`sts_step`].

use posthouse_model::Domain;
use thiserror::Error;

/// Most octets of a policy (RFC 8461 §3.3 suggests a limit of 64 KiB).
pub const MAX_STS_POLICY_BYTES: usize = 64 * 1024;
/// Most patterns for hosts that a policy may have.
pub const MAX_STS_PATTERNS: usize = 200;
/// Longest time for which a policy counts, in seconds: about a year (RFC 8461 §3.2).
pub const MAX_STS_AGE_SECONDS: u64 = 31_557_600;
/// Most characters of an id (RFC 8461 §3.1).
const MAX_ID_CHARACTERS: usize = 32;

/// What a policy asks for (RFC 8461 §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StsMode {
    /// Hosts that do not fulfil it get no mail.
    Enforce,
    /// They do, and it is reported.
    Testing,
    /// There is no policy any more.
    None,
}

impl StsMode {
    /// The word for it in a policy.
    pub fn word(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Testing => "testing",
            Self::None => "none",
        }
    }
}

/// Which hosts a pattern stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum MxPattern {
    /// This one.
    Host(Domain),
    /// Those with one label in front of this.
    Below(Domain),
}

/// Octets of a policy's digest that its id has: 32 characters are allowed (RFC 8461 §3.1).
const ID_OCTETS: usize = 10;

/// A policy (RFC 8461 §3.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StsPolicy {
    /// What it asks for.
    pub mode: StsMode,
    /// For how many seconds it counts from when it was fetched.
    pub max_age_seconds: u64,
    patterns: Vec<MxPattern>,
}

/// Why a policy cannot be used. Then it is as if there were none (RFC 8461 §3.2).
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum StsPolicyError {
    /// It is too long.
    #[error("the policy is longer than {MAX_STS_POLICY_BYTES} octets")]
    TooLong,
    /// It is not text.
    #[error("the policy is not ASCII or UTF-8 text")]
    NotText,
    /// A line is not of the form `key: value`.
    #[error("line {0} of the policy is not of the form `key: value`")]
    BadLine(usize),
    /// It does not begin with its version, or has another.
    #[error("the policy has no `version: STSv1`")]
    NoVersion,
    /// It does not say what it asks for.
    #[error("the policy has no `mode` of enforce, testing or none")]
    NoMode,
    /// It does not say how long it counts.
    #[error("the policy has no `max_age` that is a number of seconds")]
    NoMaxAge,
    /// It names no hosts.
    #[error("the policy names no mail hosts")]
    NoHosts,
    /// It names too many, or something that is none.
    #[error("`{0}` in the policy is no mail host, or there are more than {MAX_STS_PATTERNS}")]
    BadHost(String),
}

impl StsPolicy {
    /// Reads a policy. Lines end in CRLF or LF; fields that nobody knows are passed over; of a field that comes twice,
    /// other than `mx`, the first counts (RFC 8461 §3.2).
    ///
    /// ```text
    /// sts-policy-record = sts-policy-field *WSP *(sts-policy-term sts-policy-field *WSP) [sts-policy-term]
    /// sts-policy-field  = name ":" *WSP value
    /// sts-policy-term   = LF / CRLF
    /// ```
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(octets: &[u8]) -> Result<Self, StsPolicyError> {
        if octets.len() > MAX_STS_POLICY_BYTES {
            return Err(StsPolicyError::TooLong);
        }
        let text = std::str::from_utf8(octets).map_err(|_| StsPolicyError::NotText)?;
        let (mut version, mut mode, mut max_age, mut patterns) = (None, None, None, Vec::new());
        for (at, line) in text.lines().enumerate() {
            let line = line.trim_end_matches([' ', '\t', '\r']);
            if line.is_empty() {
                continue;
            }
            let (name, value) = line.split_once(':').ok_or(StsPolicyError::BadLine(at + 1))?;
            let value = value.trim_start_matches([' ', '\t']);
            match name {
                "version" => drop(version.get_or_insert(value)),
                "mode" => drop(mode.get_or_insert(value)),
                "max_age" => drop(max_age.get_or_insert(value)),
                "mx" if patterns.len() < MAX_STS_PATTERNS => patterns.push(pattern(value)?),
                "mx" => return Err(bad_host(value)),
                _ => {}
            }
        }
        if version != Some("STSv1") {
            return Err(StsPolicyError::NoVersion);
        }
        let mode = match mode {
            Some("enforce") => StsMode::Enforce,
            Some("testing") => StsMode::Testing,
            Some("none") => StsMode::None,
            _ => return Err(StsPolicyError::NoMode),
        };
        // RFC 8461 §3.2: up to ten digits.
        let is_number = |text: &&str| (1..=10).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        let max_age = max_age.filter(is_number).and_then(|text| text.parse::<u64>().ok());
        let max_age_seconds = max_age.ok_or(StsPolicyError::NoMaxAge)?.min(MAX_STS_AGE_SECONDS);
        if patterns.is_empty() && mode != StsMode::None {
            return Err(StsPolicyError::NoHosts);
        }
        Ok(Self { mode, max_age_seconds, patterns })
    }

    /// Whether the policy names a host (RFC 8461 §4.1): a wildcard stands for one label, the first.
    pub fn names(&self, host: &Domain) -> bool {
        let parent = host.as_str().split_once('.').map(|(_, parent)| parent);
        self.patterns.iter().any(|pattern| match pattern {
            MxPattern::Host(name) => name == host,
            MxPattern::Below(name) => parent == Some(name.as_str()),
        })
    }

    /// The patterns as they stand in a policy.
    pub fn patterns(&self) -> Vec<String> {
        let words = |pattern: &MxPattern| match pattern {
            MxPattern::Host(name) => name.to_string(),
            MxPattern::Below(name) => format!("*.{name}"),
        };
        self.patterns.iter().map(words).collect()
    }

    /// A name for the policy, for its announcement (RFC 8461 §3.1): the same policy has the same, another one another.
    pub fn id(&self) -> String {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, self.text().as_bytes());
        digest.as_ref().iter().take(ID_OCTETS).map(|octet| format!("{octet:02x}")).collect()
    }

    /// The policy as its domain would serve it.
    pub fn text(&self) -> String {
        let hosts: String = self.patterns().iter().map(|pattern| format!("mx: {pattern}\r\n")).collect();
        format!("version: STSv1\r\nmode: {}\r\n{hosts}max_age: {}\r\n", self.mode.word(), self.max_age_seconds)
    }
}

fn pattern(value: &str) -> Result<MxPattern, StsPolicyError> {
    let (name, is_wildcard) = match value.strip_prefix("*.") {
        Some(parent) => (parent, true),
        None => (value, false),
    };
    let name = Domain::parse(name.strip_suffix('.').unwrap_or(name)).map_err(|_| bad_host(value))?;
    match (name.as_ip().is_some(), is_wildcard) {
        (true, _) => Err(bad_host(value)),
        (false, true) => Ok(MxPattern::Below(name)),
        (false, false) => Ok(MxPattern::Host(name)),
    }
}

fn bad_host(value: &str) -> StsPolicyError {
    const MOST_SHOWN: usize = 80;
    StsPolicyError::BadHost(value.chars().take(MOST_SHOWN).flat_map(char::escape_default).collect())
}

/// What a domain announces in the TXT records of `_mta-sts` (RFC 8461 §3.1): the id of its policy; `None` where it
/// announces none, or not in a way that counts.
///
/// ```text
/// sts-text-record = "v=STSv1" 1*(*WSP ";" *WSP sts-field) [*WSP ";" *WSP]
/// sts-id          = "id=" 1*32(ALPHA / DIGIT)
/// ```
pub fn announced_sts(texts: &[String]) -> Option<String> {
    let is_record = |text: &&String| text.split(';').next().is_some_and(|first| first.trim_end() == "v=STSv1");
    let mut records = texts.iter().filter(is_record);
    // RFC 8461 §3.1: with several of them it is as if there were none.
    let (record, None) = (records.next()?, records.next()) else { return None };
    let fields = record.split(';').skip(1).map(|field| field.trim_matches([' ', '\t']));
    let id = fields.filter_map(|field| field.strip_prefix("id=")).next()?;
    let is_id = (1..=MAX_ID_CHARACTERS).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_id.then(|| id.to_owned())
}

/// What DNS says of a domain's policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StsAnnouncement {
    /// There is one, under this id.
    Id(String),
    /// There is none.
    Absent,
    /// It does not tell.
    Unknown,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StsStep {
    /// Take the policy that is kept.
    UseKept,
    /// Fetch the policy, and where that fails, take the one that is kept, if there is one that counts.
    Fetch,
    /// There is no policy.
    NoPolicy,
}

/// What is to be done, given the id of the policy that is kept and still counts, and what DNS announces. Whoever keeps
/// the announcement away gains nothing while a policy counts (RFC 8461 §3.3, §10.2).
pub fn sts_step(kept: Option<&str>, announced: &StsAnnouncement) -> StsStep {
    match (kept, announced) {
        (Some(kept), StsAnnouncement::Id(id)) if kept == id => StsStep::UseKept,
        (_, StsAnnouncement::Id(_)) => StsStep::Fetch,
        (Some(_), StsAnnouncement::Absent | StsAnnouncement::Unknown) => StsStep::UseKept,
        (None, StsAnnouncement::Absent | StsAnnouncement::Unknown) => StsStep::NoPolicy,
    }
}

#[cfg(test)]
mod tests;

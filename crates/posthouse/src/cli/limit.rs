//! Commands about how much may be sent.

use clap::{Args, Subcommand};
use jiff::Timestamp;
use posthouse_model::{Address, Domain};
use posthouse_storage::LimitKind;

use super::Output;
use super::keeping::moment;
use crate::control::Text;
use crate::control::limit::HolderName;
use crate::quota_size::parse_size;

/// The word for the server as a whole.
const SERVER: &str = "server";
/// The word for as much as anybody likes.
const NONE: &str = "none";

/// What to do about limits of sending.
#[derive(Debug, Subcommand)]
pub enum LimitCommand {
    /// Show what holds for somebody, and what they have sent.
    Show {
        /// An address, an address with the label of a credential, a domain, or `server`.
        #[arg(value_name = "ADDRESS[/LABEL]|DOMAIN|server")]
        whose: String,
        /// How.
        #[command(flatten)]
        output: Output,
    },
    /// Set a limit; it holds at once.
    Set {
        /// For whom.
        #[command(flatten)]
        whose: Whose,
        /// What: messages/hour, /day or /month, recipients/hour, /day or /month; for each single message message-size,
        /// header-size, attachment-size or recipients/message.
        #[arg(value_parser = kind)]
        limit: LimitKind,
        /// How much: a number, a size such as 25MB, or `none` for as much as anybody likes.
        most: String,
        /// As an exception, which goes before what else is set, until then: a date such as 2026-12-24, or a moment such
        /// as 2026-12-24T18:00:00Z.
        #[arg(long, value_name = "DATE", value_parser = moment)]
        until: Option<Timestamp>,
    },
    /// Clear a limit: what wider limits say holds again.
    Clear {
        /// For whom it is.
        #[command(flatten)]
        whose: Whose,
        /// What it limits.
        #[arg(value_parser = kind)]
        limit: LimitKind,
        /// Clear the exception, not the limit that stands.
        #[arg(long)]
        exception: bool,
    },
    /// List all limits that are set.
    List(Output),
}

/// For whom a limit is.
#[derive(Debug, Args)]
pub struct Whose {
    /// An address, one of its credentials (address/label), a domain (all its accounts together), or `server` (all accounts
    /// together).
    #[arg(value_name = "ADDRESS[/LABEL]|DOMAIN|server")]
    pub whose: String,
    /// Not for all accounts together, but for each about which nothing closer is said.
    #[arg(long)]
    pub each_account: bool,
    /// Not for all domains together, but for each about which nothing closer is said.
    #[arg(long, conflicts_with = "each_account")]
    pub each_domain: bool,
    /// Not for an account, or all, but for each of its credentials about which nothing closer is said.
    #[arg(long, conflicts_with_all = ["each_account", "each_domain"])]
    pub each_credential: bool,
}

impl Whose {
    /// For whom, by name.
    ///
    /// # Errors
    /// When that cannot be.
    pub fn holder(&self) -> Result<HolderName, String> {
        let holder = holder(&self.whose)?;
        if self.each_credential {
            return match holder {
                HolderName::Server => Ok(HolderName::EachKey),
                HolderName::Account(address) => Ok(HolderName::EachKeyOf(address)),
                _ => Err("--each-credential is for an account or `server`".to_owned()),
            };
        }
        match (holder, self.each_account, self.each_domain) {
            (holder, false, false) => Ok(holder),
            (HolderName::Server, true, _) => Ok(HolderName::EachAccount),
            (HolderName::Domain(name), true, _) => Ok(HolderName::EachAccountOf(name)),
            (HolderName::Server, _, true) => Ok(HolderName::EachDomain),
            _ => Err("--each-account is for a domain or `server`, --each-domain for `server`".to_owned()),
        }
    }
}

/// Reads an address, with or without the label of a credential, a domain or `server`.
///
/// # Errors
/// When it is none of them.
pub fn holder(text: &str) -> Result<HolderName, String> {
    if text == SERVER {
        return Ok(HolderName::Server);
    }
    if let Some(at) = text.rfind('@') {
        // A `/` can stand before the `@`, but in no domain.
        let label_at = text[at..].find('/').map(|after| at + after);
        let address = label_at.map_or(text, |label_at| &text[..label_at]);
        let account = Address::parse(address).map_err(|error| format!("`{address}` is not a mail address: {error}"))?;
        return Ok(match label_at {
            Some(label_at) => HolderName::Key { account: Text(account), label: text[label_at + 1..].to_owned() },
            None => HolderName::Account(Text(account)),
        });
    }
    let domain =
        Domain::parse(text).map_err(|_| format!("`{text}` is not a domain; for all accounts write `server`"))?;
    Ok(HolderName::Domain(Text(domain)))
}

fn kind(text: &str) -> Result<LimitKind, String> {
    let names = || LimitKind::EACH.map(LimitKind::name).join(", ");
    LimitKind::from_name(text).ok_or_else(|| format!("there are {}", names()))
}

/// Whether a limit of this kind is a size.
pub fn is_size(kind: LimitKind) -> bool {
    matches!(kind, LimitKind::MessageBytes | LimitKind::HeaderBytes | LimitKind::AttachmentBytes)
}

/// How much there may be; `None` for as much as anybody likes.
///
/// # Errors
/// When the text does not say so.
pub fn most(kind: LimitKind, text: &str) -> Result<Option<u64>, String> {
    if text == NONE {
        return Ok(None);
    }
    let read = if is_size(kind) { parse_size(text) } else { text.parse().map_err(|_| not_a_number(text)) };
    read.map(Some).map_err(|error| format!("{error}, or `{NONE}`"))
}

fn not_a_number(text: &str) -> String {
    format!("`{text}` is not a whole number")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(whose: &str, each_account: bool, each_domain: bool, expected: Option<&str>) {
        let each_credential = false;
        check_whose(&Whose { whose: whose.to_owned(), each_account, each_domain, each_credential }, expected);
    }

    fn check_each_credential(whose: &str, expected: Option<&str>) {
        let (each_account, each_domain, each_credential) = (false, false, true);
        check_whose(&Whose { whose: whose.to_owned(), each_account, each_domain, each_credential }, expected);
    }

    fn check_whose(whose: &Whose, expected: Option<&str>) {
        let shape = whose.holder().ok().map(|holder| serde_json::to_string(&holder).unwrap());
        assert_eq!(shape.as_deref(), expected, "{whose:?}");
    }

    #[test]
    fn holders_are_read() {
        check("server", false, false, Some(r#""server""#));
        check("server", true, false, Some(r#""each-account""#));
        check("server", false, true, Some(r#""each-domain""#));
        check("example.org", false, false, Some(r#"{"domain":"example.org"}"#));
        check("example.org", true, false, Some(r#"{"each-account-of":"example.org"}"#));
        check("example.org", false, true, None);
        check("a@example.org", false, false, Some(r#"{"account":"a@example.org"}"#));
        check("a@example.org", true, false, None);
        check("", false, false, None);
        check("a@example.org/phone", false, false, Some(r#"{"key":{"account":"a@example.org","label":"phone"}}"#));
        check("a/b@example.org", false, false, Some(r#"{"account":"a/b@example.org"}"#));
        check("a/b@example.org/c", false, false, Some(r#"{"key":{"account":"a/b@example.org","label":"c"}}"#));
        check("a@example.org/phone", true, false, None);
        check_each_credential("server", Some(r#""each-key""#));
        check_each_credential("a@example.org", Some(r#"{"each-key-of":"a@example.org"}"#));
        check_each_credential("example.org", None);
        check_each_credential("a@example.org/phone", None);
    }

    #[test]
    fn amounts_are_read() {
        let hourly = LimitKind::EACH[0];
        assert_eq!(most(hourly, "10"), Ok(Some(10)));
        assert_eq!(most(hourly, "none"), Ok(None));
        assert_eq!(most(LimitKind::MessageBytes, "25MB"), Ok(Some(25_000_000)));
        for (kind, bad) in [(hourly, "25MB"), (hourly, "-1"), (hourly, ""), (LimitKind::HeaderBytes, "10")] {
            assert!(most(kind, bad).is_err(), "{kind} {bad}");
        }
    }
}

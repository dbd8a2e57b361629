//! How the command line talks to the running server: over a Unix socket in a directory that only the server's own user
//! can enter, one JSON object a line, a request and its response in turn.
//!
//! There is one module for each noun. In it stand the requests, the shapes of the responses, and what the server does.

pub mod account;
pub mod alerts;
pub mod alias;
pub mod certificates;
pub mod client;
pub mod credential;
pub mod dkim;
pub mod domain;
pub mod duplicates;
pub mod encryption;
pub mod frame;
pub mod freeze;
pub mod inventory;
pub mod job;
pub mod keeping;
pub mod language;
pub mod limit;
pub mod log_level;
pub mod metrics;
pub mod migration;
pub mod protocol_log;
pub mod queue;
pub mod quota;
pub mod reindex;
pub mod retention;
pub mod route;
pub mod scope;
pub mod server;
pub mod sharing;
pub mod srs;
pub mod status;
pub mod survey;
pub mod tls_reports;
pub mod trail;
pub mod transport;
pub mod undelete;
pub mod whereabouts;
mod wire_types;

use posthouse_identity::{AccountError, SharingError};
use posthouse_storage::StorageError;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use wire_types::{Change, Text};

/// What is asked of the server.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Request {
    /// About domains.
    Domain(domain::DomainRequest),
    /// About accounts.
    Account(account::AccountRequest),
    /// About secrets that accounts have besides their passwords.
    Credential(credential::CredentialRequest),
    /// About aliases.
    Alias(alias::AliasRequest),
    /// About groups, shared areas and rights.
    Sharing(sharing::SharingRequest),
    /// About how much mail there may be.
    Quota(quota::QuotaRequest),
    /// About mail that goes by way of given hosts.
    Route(route::RouteRequest),
    /// About the language in which the house writes to people.
    Language(language::LanguageRequest),
    /// About how much may be sent.
    Limit(limit::LimitRequest),
    /// About accounts that may not send.
    Freeze(freeze::FreezeRequest),
    /// About keys that sign what leaves.
    Dkim(dkim::DkimRequest),
    /// About keys behind rewritten senders.
    Srs(srs::SrsRequest),
    /// About what others report about TLS towards us.
    TlsReports(tls_reports::TlsReportsRequest),
    /// About what proves hosts.
    Transport(transport::TransportRequest),
    /// About mail on its way out.
    Queue(queue::QueueRequest),
    /// About what happened to a message.
    Trail(trail::TrailRequest),
    /// About certificates.
    Certificates(certificates::CertificatesRequest),
    /// About the index of words.
    Reindex(reindex::ReindexRequest),
    /// About which log lines are written.
    LogLevel(log_level::LogLevelRequest),
    /// About logging of conversations.
    ProtocolLog(protocol_log::ProtocolLogRequest),
    /// About encryption at rest.
    Encryption(encryption::EncryptionRequest),
    /// Take a backup, or check everything.
    Keeping(keeping::KeepingRequest),
    /// About work that takes long.
    Job(job::JobRequest),
    /// About what was expunged.
    Undelete(undelete::UndeleteRequest),
    /// About mail that moves in and out.
    Migration(migration::MigrationRequest),
    /// About how long mailboxes keep what is in them.
    Retention(retention::RetentionRequest),
    /// About messages that come twice.
    Duplicates(duplicates::DuplicatesRequest),
    /// About what DNS says of this house.
    Survey(survey::SurveyRequest),
    /// About who connects with what.
    Inventory(inventory::InventoryRequest),
    /// About what is not as it should be.
    Alerts(alerts::AlertsRequest),
    /// All figures in the text format of Prometheus.
    Metrics,
    /// What runs.
    Status,
}

/// What the server answers.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Response {
    /// It is done; the shape depends on the request.
    Ok(Value),
    /// It cannot be done, for this reason.
    Refused(String),
}

/// Why the server does not do what it is asked.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// A domain, account, alias or password is not as it has to be.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// The mailboxes cannot.
    #[error(transparent)]
    Mailbox(#[from] posthouse_mailbox::MailboxError),
    /// A group, a shared area or a list of rights cannot be so.
    #[error(transparent)]
    Sharing(#[from] SharingError),
    /// The store cannot.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A certificate cannot be used.
    #[error(transparent)]
    Certificate(#[from] crate::certificates::ReloadError),
    /// Something else, in words.
    #[error("{0}")]
    Other(String),
}

/// Puts a response into its JSON shape.
fn shape(response: impl Serialize) -> Result<Value, Refusal> {
    serde_json::to_value(response).map_err(|error| Refusal::Other(format!("the response cannot be written: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use posthouse_model::Secret;

    /// The request reads as what it was written from, and looks like this.
    fn check(request: &Request, expected: &str) {
        let text = serde_json::to_string(request).unwrap();
        assert_eq!(text, expected);
        let again: Request = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::to_string(&again).unwrap(), expected);
    }

    #[test]
    fn requests_have_a_stable_shape() {
        check(&Request::Metrics, r#""metrics""#);
        check(&Request::Domain(domain::DomainRequest::List), r#"{"domain":"list"}"#);
        let add = domain::DomainRequest::Add { name: Text("example.org".parse_text().unwrap()) };
        check(&Request::Domain(add), r#"{"domain":{"add":{"name":"example.org"}}}"#);
        let password = account::AccountRequest::Password {
            address: Text("ann@example.org".parse_text().unwrap()),
            password: Secret::new("x y"),
        };
        check(
            &Request::Account(password),
            r#"{"account":{"password":{"address":"ann@example.org","password":"x y"}}}"#,
        );
    }

    #[test]
    fn passwords_are_not_printed() {
        let text = r#"{"account":{"password":{"address":"ann@example.org","password":"hunter2"}}}"#;
        let request: Request = serde_json::from_str(text).unwrap();
        assert!(!format!("{request:?}").contains("hunter2"));
    }

    #[test]
    fn what_is_no_address_is_refused_with_a_reason() {
        let text = r#"{"account":{"show":{"address":"ann"}}}"#;
        let error = serde_json::from_str::<Request>(text).unwrap_err().to_string();
        assert!(error.contains("local-part@domain"), "{error}");
    }

    /// For tests only: reads what the wire carries as text.
    trait ParseText {
        fn parse_text<T: wire_types::Textual>(&self) -> Result<T, String>;
    }

    impl ParseText for str {
        fn parse_text<T: wire_types::Textual>(&self) -> Result<T, String> {
            T::read(self)
        }
    }
}

//! The collector, and how a batch is handed to it (OTLP 1.x, "OTLP/HTTP").

use std::time::Duration;

use posthouse_server::https::{HttpsClient, HttpsError, Response, post_here};
use serde::Deserialize;
use thiserror::Error;

use crate::configuration::Endpoint;

/// The media type of what is sent.
const MEDIA_TYPE: &str = "application/json";
/// Longest answer, in octets.
const MAX_ANSWER_BYTES: usize = 64 * 1024;
/// Longest wait that a collector can ask for; one that asks for more is not asked again.
const MAX_WAIT: Duration = Duration::from_secs(30);

/// Why a batch was not taken.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ExportError {
    /// Nobody answered.
    #[error("{0}")]
    NoAnswer(#[from] HttpsError),
    /// It may be taken if it comes again after this time.
    #[error("the collector is busy")]
    Later(Duration),
    /// It was refused.
    #[error("the collector answered {0}")]
    Refused(u16),
}

/// Who takes traces.
pub struct Collector {
    endpoint: Endpoint,
    https: HttpsClient,
    timeout: Duration,
}

impl Collector {
    /// Connects to nobody yet. `timeout` is for a collector on this host; `https` has its own.
    pub fn new(endpoint: Endpoint, https: HttpsClient, timeout: Duration) -> Self {
        Self { endpoint, https, timeout }
    }

    /// Hands it a batch. Returns how many spans of it were not taken all the same.
    ///
    /// # Errors
    /// When none was.
    pub async fn take(&self, batch: &[u8]) -> Result<u64, ExportError> {
        let response = match &self.endpoint {
            Endpoint::Here { address, path } => {
                post_here(*address, path, MEDIA_TYPE, batch, MAX_ANSWER_BYTES, self.timeout).await
            }
            Endpoint::Https(url) => self.https.post(url, MEDIA_TYPE, batch, MAX_ANSWER_BYTES).await,
        };
        judge(&response?)
    }
}

/// What a response says ("OTLP/HTTP Response").
fn judge(response: &Response) -> Result<u64, ExportError> {
    match (response.status, response.retry_after_seconds.map(Duration::from_secs)) {
        (200..=299, _) => Ok(rejected(&response.body)),
        // "Retryable Response Codes".
        (429 | 502 | 503 | 504, Some(wait)) if wait <= MAX_WAIT => Err(ExportError::Later(wait)),
        (status, _) => Err(ExportError::Refused(status)),
    }
}

/// How many spans an answer says were rejected ("Partial Success").
fn rejected(body: &[u8]) -> u64 {
    #[derive(Default, Deserialize)]
    #[serde(rename_all = "camelCase", default)]
    struct Answer {
        partial_success: Partial,
    }
    #[derive(Default, Deserialize)]
    #[serde(rename_all = "camelCase", default)]
    struct Partial {
        rejected_spans: Number,
    }
    /// Numbers of 64 bits may stand as texts.
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Number {
        Plain(u64),
        Text(String),
    }
    impl Default for Number {
        fn default() -> Self {
            Self::Plain(0)
        }
    }
    // What is no answer of OTLP says nothing of spans.
    let answer: Answer = serde_json::from_slice(body).unwrap_or_default();
    match answer.partial_success.rejected_spans {
        Number::Plain(count) => count,
        Number::Text(text) => text.parse().unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_judged() {
        let check = |status, wait, body: &str, expected: Result<u64, ExportError>| {
            let response =
                Response { status, media_type: None, retry_after_seconds: wait, body: body.as_bytes().to_vec() };
            assert_eq!(judge(&response), expected, "{status} {wait:?} {body}");
        };
        check(200, None, "{}", Ok(0));
        check(200, None, "{\"partialSuccess\":{}}", Ok(0));
        check(200, None, "{\"partialSuccess\":{\"rejectedSpans\":\"3\"}}", Ok(3));
        check(200, None, "{\"partialSuccess\":{\"rejectedSpans\":4,\"errorMessage\":\"x\"}}", Ok(4));
        check(200, None, "hello", Ok(0));
        check(503, Some(2), "", Err(ExportError::Later(Duration::from_secs(2))));
        check(429, Some(30), "", Err(ExportError::Later(Duration::from_secs(30))));
        check(503, Some(31), "", Err(ExportError::Refused(503)));
        check(503, None, "", Err(ExportError::Refused(503)));
        check(400, Some(1), "", Err(ExportError::Refused(400)));
        check(301, None, "", Err(ExportError::Refused(301)));
    }
}

//! What is checked and mended in a message that somebody hands in (RFC 6409).

use bytes::Bytes;
use posthouse_identity::Permit;
use posthouse_mime::DateTime;
use posthouse_mime::edit::{HeaderFacts, without_field};
use posthouse_model::{Address, JourneyId, UnixMillis};

use crate::{Flow, MessageRefusal};

impl Flow {
    /// Checks that From and Sender belong to the login (SUBM-3).
    pub(crate) async fn check_originators(&self, permit: &Permit, facts: &HeaderFacts) -> Result<(), MessageRefusal> {
        let is_readable = facts.from == 1 && facts.sender <= 1 && !facts.truncated;
        if !is_readable || facts.unusable_originators > 0 || facts.disguised_originators > 0 {
            return Err(MessageRefusal::MalformedHeader);
        }
        for text in facts.from_addresses.iter().chain(&facts.sender_addresses) {
            let address = Address::parse(text).map_err(|_| MessageRefusal::MalformedHeader)?;
            match self.identity.may_send_as(permit, &address).await {
                Ok(true) => {}
                Ok(false) => return Err(MessageRefusal::FromNotOwned),
                Err(error) => {
                    tracing::error!(%error, "cannot look up a sender");
                    return Err(MessageRefusal::Unavailable);
                }
            }
        }
        Ok(())
    }

    /// The fields that are missing (RFC 6409 §8.1 and §8.3).
    pub(crate) fn missing_fields(&self, facts: &HeaderFacts, journey: JourneyId, now: UnixMillis) -> String {
        let mut fields = String::new();
        if facts.date == 0 {
            let date = DateTime { unix_seconds: now.seconds(), offset_minutes: 0 };
            fields += &format!("Date: {}\r\n", date.to_rfc5322());
        }
        if facts.message_id == 0 {
            let chance = self.environment.random();
            fields += &format!("Message-ID: <{journey}.{chance:016x}@{}>\r\n", self.options.host_name);
        }
        fields
    }
}

/// The message without the fields called `name`.
pub(crate) fn without(raw: &Bytes, name: &str) -> Vec<Bytes> {
    without_field(raw, name).into_iter().map(|span| raw.slice(span.range())).collect()
}

//! Mail that the house writes by itself, other than reports about mail.

use bytes::Bytes;
use posthouse_mailbox::parse_message;
use posthouse_model::{Address, Envelope, Recipient, ReversePath, TrailEvent, TrailKind};
use posthouse_storage::{Settlement, StorageError};

use crate::Flow;
use crate::deliver::Parcel;
use crate::receive::return_path;
use crate::route::{Destinations, RouteError};

/// A message of the house.
pub(crate) struct OwnMail<'a> {
    /// Who hears of what goes wrong.
    pub sender: ReversePath,
    /// Who gets it.
    pub to: &'a Address,
    /// The message itself.
    pub text: String,
    /// What the trail is to say of it.
    pub fact: (&'static str, String),
    /// What is done with it where its reader takes no mail.
    pub unreachable: Unreachable,
}

/// What is done with mail of the house that reaches nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unreachable {
    /// It is written again later.
    Fail,
    /// It is kept as double bounces are.
    Keep,
}

impl Flow {
    /// Brings the house's own mail to a mailbox here, or into the queue. As with reports, a quota does not keep it out.
    pub(crate) async fn send_own(&self, mail: OwnMail<'_>) -> Result<(), StorageError> {
        let OwnMail { sender, to, text, fact: (name, value), unreachable } = mail;
        let (now, journey) = (self.environment.now(), self.environment.journey());
        let envelope = Envelope { recipients: vec![Recipient::new(to.clone())], ..Envelope::new(sender) };
        let (destinations, lost) = match self.route(&envelope.sender, &envelope.recipients).await {
            Ok(destinations) => (destinations, None),
            Err(RouteError::Storage(error)) => return Err(error),
            Err(error) if unreachable == Unreachable::Keep => (Destinations::default(), Some(error.to_string())),
            Err(error) => return Err(StorageError::Unavailable(error.to_string())),
        };
        let message = match destinations.local.is_empty() && lost.is_none() {
            true => Bytes::from(text),
            false => Bytes::from(return_path(&envelope.sender) + &text),
        };
        let parcel = Parcel {
            journey,
            now,
            parsed: parse_message(&message).stored,
            message,
            envelope: &envelope,
            message_id: None,
            // Our domain answers for it (RFC 8460 §3 asks that of reports about TLS).
            may_sign: true,
            submitter: None,
            submitter_key: None,
            received_at: now,
        };
        let event = TrailEvent::new(journey, now, TrailKind::Received)
            .about(to)
            .fact("from", envelope.sender.to_string())
            .fact("to", format!("<{to}>"))
            .fact(name, value);
        let delivery = match lost {
            None => self.delivery(&parcel, &destinations, vec![event]).await?,
            Some(why) => self.kept(&parcel, why, vec![event]),
        };
        self.settle_told(Settlement { outcomes: Vec::new(), reports: vec![delivery], trail: Vec::new() }).await
    }
}

//! One transaction for a message and all that is to become of it.

use bytes::Bytes;
use posthouse_mailbox::MailboxError;
use posthouse_mime::header::unfold;
use posthouse_mime::{RawHeader, header_end};
use posthouse_model::{
    AccountId, BodyType, Domain, Envelope, JourneyId, KeyId, Recipient, ReversePath, TlsWish, TrailEvent, TrailKind,
    UnixMillis,
};
use posthouse_storage::{
    Body, Delivery, Named, ParsedMessage, QueueSubmission, QueuedMessage, QueuedRecipient, StorageError,
};

use crate::Flow;
use crate::route::Destinations;

/// How often a delivery is tried anew when a mailbox was deleted at the same moment.
const MAX_DELIVERY_ATTEMPTS: usize = 3;

/// A message that is ready to be delivered.
pub(crate) struct Parcel<'a> {
    pub journey: JourneyId,
    pub now: UnixMillis,
    pub message: Bytes,
    pub parsed: ParsedMessage,
    pub envelope: &'a Envelope,
    /// The message's Message-ID, by which one that comes again may be known; `None` where each is another.
    pub message_id: Option<String>,
    /// Whether the domain of its author answers for it.
    pub may_sign: bool,
    /// Who handed it in, if it counts for somebody.
    pub submitter: Option<AccountId>,
    /// With which of its keys, if with one.
    pub submitter_key: Option<KeyId>,
    /// When it came.
    pub received_at: UnixMillis,
}

impl Flow {
    /// Delivers, and returns those whose mailboxes are full: they are taken out of the destinations, and the others get
    /// the message. When nobody would, nothing is done.
    pub(crate) async fn deliver(
        &self,
        parcel: &Parcel<'_>,
        destinations: &mut Destinations,
        trail: Vec<TrailEvent>,
    ) -> Result<Vec<Recipient>, StorageError> {
        let mut full = Vec::new();
        let mut attempt = 0;
        loop {
            attempt += 1;
            let delivery = self.delivery(parcel, destinations, trail.clone()).await?;
            match self.deliver_once(parcel, destinations, delivery).await {
                Ok(()) => return Ok(full),
                Err(StorageError::OverQuota { accounts }) => {
                    let before = full.len();
                    full.extend(destinations.take_out(&accounts));
                    if full.len() == before || destinations.is_empty() {
                        return Err(StorageError::OverQuota { accounts });
                    }
                }
                // An account was deleted, and perhaps made anew, since its INBOX was looked up.
                Err(StorageError::NotFound(Named::Mailbox)) if attempt < MAX_DELIVERY_ATTEMPTS => {
                    destinations.local.iter().for_each(|(permit, _)| self.mailboxes.forget_inbox(permit.account()));
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Everything that one message becomes.
    pub(crate) async fn delivery(
        &self,
        parcel: &Parcel<'_>,
        destinations: &Destinations,
        mut trail: Vec<TrailEvent>,
    ) -> Result<Delivery, StorageError> {
        let mut placements = Vec::with_capacity(destinations.local.len());
        for (permit, recipient) in &destinations.local {
            placements.push(self.mailboxes.placement(permit, parcel.now).await.map_err(storage_error)?);
            let event = TrailEvent::new(parcel.journey, parcel.now, TrailKind::Delivered)
                .about(&recipient.address)
                .fact("to", format!("<{}>", recipient.address))
                .fact("account", permit.address().to_string())
                .fact("mailbox", "INBOX");
            trail.push(event);
        }
        let queue = (!destinations.remote.is_empty()).then(|| self.queue_submission(parcel, destinations));
        for recipient in &destinations.remote {
            let event = TrailEvent::new(parcel.journey, parcel.now, TrailKind::Queued)
                .about(&recipient.address)
                .fact("to", format!("<{}>", recipient.address));
            trail.push(event);
        }
        let body = Body::from_bytes(parcel.message.clone());
        Ok(Delivery { body, parsed: parcel.parsed.clone(), placements, queue, trail })
    }

    fn queue_submission(&self, parcel: &Parcel<'_>, destinations: &Destinations) -> QueueSubmission {
        let recipients = &destinations.remote;
        let envelope = parcel.envelope;
        let message = QueuedMessage {
            smtputf8: envelope.smtputf8 && !parcel.is_ascii_throughout(recipients),
            forwarded_by: destinations.forwarded_by.clone().filter(|_| !parcel.may_sign),
            ..parcel.queued()
        };
        let recipients = recipients.iter().map(|recipient| {
            let domain = &recipient.address.domain;
            let destination = self.destination(&envelope.sender, parcel.submitter, domain);
            QueuedRecipient {
                recipient: recipient.clone(),
                // What came earlier has waited for this.
                due_at: parcel.received_at,
                expires_at: parcel.now + self.options.schedule_for(domain, &destination).lifetime,
                deadline: parcel.deadline(),
                held: None,
                destination,
            }
        });
        QueueSubmission { message, recipients: recipients.collect() }
    }

    /// What attempts for mail to this domain are grouped by: the smart host, where one takes its mail, else its domain.
    pub(crate) fn destination(&self, sender: &ReversePath, submitter: Option<AccountId>, domain: &Domain) -> Domain {
        let route = self.routes.find(sender, submitter, domain);
        route.and_then(|route| Some(route.hosts.first()?.host.clone())).unwrap_or_else(|| domain.clone())
    }
}

impl Parcel<'_> {
    /// When something is to be done with what is still in the queue (RFC 2852). What has waited until after that was
    /// told so already.
    pub(crate) fn deadline(&self) -> Option<UnixMillis> {
        let has_waited = self.now > self.received_at;
        self.envelope.deliver_by.map(|by| by.at).filter(|at| !has_waited || *at > self.now)
    }

    /// The message as it is in the queue.
    pub(crate) fn queued(&self) -> QueuedMessage {
        let envelope = self.envelope;
        QueuedMessage {
            journey: self.journey,
            sender: envelope.sender.clone(),
            body_type: if self.message.is_ascii() { BodyType::SevenBit } else { eight_bit(envelope.body_type) },
            smtputf8: envelope.smtputf8,
            tls: self.tls_wish(),
            may_sign: self.may_sign,
            submitter: self.submitter,
            forwarded_by: None,
            dsn_return: envelope.dsn_return,
            envelope_id: envelope.envelope_id.clone(),
            size_bytes: self.message.len() as u64,
            received_at: self.received_at,
            future_release: envelope.future_release,
            awaits_release: false,
            deliver_by: envelope.deliver_by,
        }
    }

    /// What the sender asks for: RFC 8689 §4.1 has the parameter of MAIL count in place of the field.
    fn tls_wish(&self) -> TlsWish {
        match self.envelope.require_tls {
            true => TlsWish::Required,
            false if says_tls_is_optional(&self.message) => TlsWish::Optional,
            false => TlsWish::None,
        }
    }

    /// Whether the message could travel without SMTPUTF8: no international local part, no 8-bit header.
    fn is_ascii_throughout(&self, recipients: &[Recipient]) -> bool {
        let sender = match &self.envelope.sender {
            ReversePath::Null => false,
            ReversePath::Address(address) => address.needs_smtputf8(),
        };
        let header_end = posthouse_mime::edit::HeaderFacts::read(&self.message).header.range().end;
        let header = &self.message[..header_end.min(self.message.len())];
        !sender && !recipients.iter().any(|one| one.address.needs_smtputf8()) && header.is_ascii()
    }
}

/// Whether `TLS-Required: No` stands in the header, once and with nothing else (RFC 8689 §3).
fn says_tls_is_optional(message: &[u8]) -> bool {
    let header = RawHeader::measured(&message[..header_end(message, true).unwrap_or(message.len())]);
    let mut fields = header.fields().filter(|field| field.is_named("tls-required"));
    let says_no = fields.next().is_some_and(|field| unfold(field.value).eq_ignore_ascii_case(b"no"));
    says_no && fields.next().is_none()
}

fn eight_bit(declared: BodyType) -> BodyType {
    match declared {
        BodyType::SevenBit | BodyType::EightBitMime => BodyType::EightBitMime,
        BodyType::BinaryMime => BodyType::BinaryMime,
    }
}

pub(crate) fn storage_error(error: MailboxError) -> StorageError {
    match error {
        MailboxError::Storage(error) => error,
        _ => StorageError::NotFound(Named::Mailbox),
    }
}

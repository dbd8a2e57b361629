//! Taking a message in.

use std::time::Duration;

use bytes::Bytes;
use posthouse_identity::Permit;
use posthouse_mailbox::{ParsedDelivery, parse_message};
use posthouse_mime::edit::HeaderFacts;
use posthouse_model::trail::MESSAGE_ID_FACT;
use posthouse_model::{
    Address, Envelope, FutureRelease, JourneyId, Recipient, ReversePath, TrailEvent, TrailKind, UnixMillis,
};
use posthouse_storage::{HeldBecause, StorageError};

use crate::content_filter::Examined;
use crate::foreign_results::without_forged_results;
use crate::held_mail::Waits;
use crate::judge::{Evidence, judge};
use crate::message_id::message_id_of;
use crate::received_field::received_field;
use crate::route::{Destinations, RouteError};
use crate::submission::without;
use crate::tls_report_intake::{ReportMail, TakenReport};
use crate::{
    AddedField, Arrival, Door, FilteredMessage, Flow, MailDirection, RefusalStatus, ReportRefusal, SendingRefusal,
    Spooled, WhenFull,
};

/// The fact of the trail that says what a content filter said.
const FILTER_FACT: &str = "filter";

/// A message that was taken in. It is durable, and so is what is to become of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// The journey it is on.
    pub journey: JourneyId,
    /// Recipients who do not get it, because their mailboxes are full, and of whom the client is to be told. There are
    /// some where the client is told of each recipient (LMTP); elsewhere the sender gets a report.
    pub full: Vec<Address>,
}

/// Why a message is not taken in. Nothing of it has been kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MessageRefusal {
    /// A recipient has ceased to exist since it was accepted.
    NoSuchMailbox,
    /// From or Sender does not belong to the login.
    FromNotOwned,
    /// The header does not say in one way who wrote the message.
    MalformedHeader,
    /// It has come by too often.
    RoutingLoop,
    /// Aliases make more recipients of it than one message may have.
    TooManyRecipients,
    /// The mailboxes of all recipients are full.
    MailboxFull {
        /// What the sender is told.
        when_full: WhenFull,
    },
    /// What came to the address for reports about TLS is none, and nobody reads mail there.
    NoReport(ReportRefusal),
    /// Whoever hands it in may not send it, or not now.
    Sending(SendingRefusal),
    /// So much of whoever hands it in waits already for its release.
    TooMuchHeld,
    /// A content filter is against it.
    Filtered {
        /// Why, for programs.
        status: RefusalStatus,
        /// Why, for people.
        text: String,
    },
    /// It cannot be examined now, or not be held for an administrator to look at.
    FilterWantsLater,
    /// The disk is full.
    Full,
    /// Something of ours fails, for now.
    Unavailable,
}

/// A message as it is to be stored, with what is known of it.
struct Prepared {
    journey: JourneyId,
    now: UnixMillis,
    message: Bytes,
    /// How much of it we put on top.
    top_bytes: usize,
    parsed: ParsedDelivery,
    message_id: Option<String>,
}

impl Prepared {
    /// The same with fields beneath those that we put on top.
    fn with_fields(self, fields: &[AddedField]) -> Self {
        if fields.is_empty() {
            return self;
        }
        let lines: String = fields.iter().map(AddedField::line).collect();
        let (top, rest) = self.message.split_at(self.top_bytes);
        let message = Bytes::from([top, lines.as_bytes(), rest].concat());
        Self { parsed: parse_message(&message), top_bytes: self.top_bytes + lines.len(), message, ..self }
    }
}

impl Flow {
    /// Takes a message in. Returns when it is durable for all recipients, or for none.
    ///
    /// # Errors
    /// Why it is refused; the trail says so, too.
    pub async fn receive(
        &self,
        arrival: Arrival,
        envelope: Envelope,
        message: Spooled,
    ) -> Result<Received, MessageRefusal> {
        let journey = self.environment.journey();
        let mut notes = Vec::new();
        let began_at = Some(began_before(self.environment.now(), message.took));
        let octets = message.bytes.clone();
        let outcome = self.take_in(&arrival, &envelope, message, journey, &mut notes).await;
        if let Err(refusal) = &outcome {
            let event = arrival_facts(&arrival, &envelope, journey, self.environment.now(), TrailKind::Refused)
                .fact("cause", format!("{refusal:?}"))
                .since(began_at);
            self.store.record(vec![identified(noted(event, notes), message_id_of(&octets).as_deref())]);
        }
        outcome
    }

    async fn take_in(
        &self,
        arrival: &Arrival,
        envelope: &Envelope,
        message: Spooled,
        journey: JourneyId,
        notes: &mut Vec<String>,
    ) -> Result<Received, MessageRefusal> {
        let report = self.report_mail(envelope, &message.bytes).await?;
        let for_mailboxes = match &report {
            Some(ReportMail { outcome: Ok(taken), others }) if others.is_empty() => {
                self.record_report(arrival, envelope, journey, taken);
                return Ok(Received { journey, full: Vec::new() });
            }
            Some(ReportMail { others, .. }) => Some(Envelope { recipients: others.clone(), ..envelope.clone() }),
            None => None,
        };
        let envelope = for_mailboxes.as_ref().unwrap_or(envelope);
        let refused = |error: RouteError| refusal_of_route(&error, self.options.when_full, self.environment.now());
        let destinations = self.route(&envelope.sender, &envelope.recipients).await.map_err(refused)?;
        self.check_held(arrival, envelope).await?;
        // Where a message that waits ends shows only when it is let go.
        let is_local = !destinations.local.is_empty() || envelope.future_release.is_some();
        let prepared = self.prepare(arrival, envelope, &message.bytes, is_local, journey).await?;
        judge(&Evidence { structure: &prepared.parsed.structure }, &self.options)?;
        self.check_caps(arrival, envelope, &message.bytes, &prepared.parsed.structure).await?;
        let examined = match self.options.content_filters.filters.is_empty() {
            true => Examined::default(),
            false => self.have_examined(arrival, envelope, &destinations, &prepared, notes).await?,
        };
        let prepared = prepared.with_fields(&examined.added);
        let began_at = began_before(prepared.now, message.took);
        let trail = self.arrival_event(arrival, envelope, &prepared).since(Some(began_at));
        let trail = noted(trail, std::mem::take(notes));
        let full = self.settle_down(arrival, envelope, destinations, prepared, examined.held, trail).await?;
        Ok(Received { journey, full })
    }

    /// Has content filters examine what is to be stored, as the last check of all.
    async fn have_examined(
        &self,
        arrival: &Arrival,
        envelope: &Envelope,
        destinations: &Destinations,
        prepared: &Prepared,
        notes: &mut Vec<String>,
    ) -> Result<Examined, MessageRefusal> {
        let permit = arrival.door.permit();
        let direction = match permit {
            None => MailDirection::Incoming,
            Some(_) if destinations.remote.is_empty() => MailDirection::Local,
            Some(_) => MailDirection::Outgoing,
        };
        let message = FilteredMessage {
            journey: prepared.journey,
            direction,
            login: permit.map(Permit::address),
            peer: arrival.peer,
            helo: &arrival.helo,
            tls: arrival.tls.as_ref(),
            envelope,
            octets: &prepared.message,
            added: &[],
        };
        let examined = self.examine(&message, notes).await?;
        if examined.held.is_some() {
            self.check_room_to_hold(permit.map(Permit::account)).await?;
        }
        Ok(examined)
    }

    /// Puts trace fields on top, and mends what was handed in.
    async fn prepare(
        &self,
        arrival: &Arrival,
        envelope: &Envelope,
        raw: &Bytes,
        is_local: bool,
        journey: JourneyId,
    ) -> Result<Prepared, MessageRefusal> {
        let now = self.environment.now();
        let mut top = String::new();
        if is_local {
            top += &return_path(&envelope.sender);
        }
        let recipient = match envelope.recipients.as_slice() {
            [only] => Some(&only.address),
            _ => None,
        };
        let held_until = held(arrival, envelope, now).map(|release| release.at);
        top += &received_field(arrival, &self.options.host_name, journey, recipient, now, held_until);
        let rest = match arrival.door.permit() {
            None => vec![raw.clone()],
            Some(permit) => {
                let facts = HeaderFacts::read(raw);
                self.check_originators(permit, &facts).await?;
                top += &self.missing_fields(&facts, journey, now);
                // Whatever was counted: a disguised Bcc tells the same names.
                without(raw, "bcc")
            }
        };
        let rest = without_forged_results(rest, &self.options.authserv_id);
        let mut message = Vec::with_capacity(top.len() + raw.len());
        message.extend_from_slice(top.as_bytes());
        rest.iter().for_each(|piece| message.extend_from_slice(piece));
        let message = Bytes::from(message);
        let parsed = parse_message(&message);
        let message_id = posthouse_mime::message_id::parse_message_id(
            parsed.structure.root().field_value(&message, "message-id").unwrap_or_default(),
        );
        Ok(Prepared { journey, now, message, top_bytes: top.len(), parsed, message_id })
    }

    /// Delivers, and tells the sender what there is to tell. Returns the recipients whose mailboxes are full and of whom
    /// the client is to be told.
    async fn settle_down(
        &self,
        arrival: &Arrival,
        envelope: &Envelope,
        mut destinations: Destinations,
        prepared: Prepared,
        held_because: Option<HeldBecause>,
        trail: TrailEvent,
    ) -> Result<Vec<Address>, MessageRefusal> {
        let Prepared { journey, now, message, parsed, message_id, .. } = prepared;
        let submitter = arrival.door.permit().map(Permit::account);
        let parcel = crate::deliver::Parcel {
            journey,
            now,
            message,
            parsed: parsed.stored,
            envelope,
            message_id,
            may_sign: submitter.is_some(),
            submitter,
            submitter_key: arrival.door.permit().and_then(Permit::key).map(|key| key.id),
            received_at: now,
        };
        let waits = Waits { until: held(arrival, envelope, now), held: held_because };
        if waits.until.is_some() || waits.held.is_some() {
            let kept = self.hold(&parcel, &waits, trail).await;
            return kept.map(|()| Vec::new()).map_err(|error| refusal_of_store(&error, self.options.when_full, now));
        }
        let full = self.deliver(&parcel, &mut destinations, vec![trail]).await;
        let full = full.map_err(|error| refusal_of_store(&error, self.options.when_full, now))?;
        self.report_success(&parcel, &destinations).await;
        // Whom an alias led to is no recipient of the client's.
        let is_told = |one: &Recipient| matches!(arrival.door, Door::Lmtp) && envelope.recipients.contains(one);
        let (told, reported): (Vec<_>, Vec<_>) = full.into_iter().partition(is_told);
        self.report_full(&parcel, &reported).await;
        Ok(told.into_iter().map(|recipient| recipient.address).collect())
    }

    fn arrival_event(&self, arrival: &Arrival, envelope: &Envelope, prepared: &Prepared) -> TrailEvent {
        let event = arrival_facts(arrival, envelope, prepared.journey, prepared.now, TrailKind::Received)
            .fact("size", prepared.message.len().to_string());
        identified(event, prepared.message_id.as_deref())
    }

    /// A report that nobody reads as mail has come to where it belongs.
    fn record_report(&self, arrival: &Arrival, envelope: &Envelope, journey: JourneyId, taken: &TakenReport) {
        let now = self.environment.now();
        let mut events = vec![arrival_facts(arrival, envelope, journey, now, TrailKind::Received)];
        for recipient in &envelope.recipients {
            let event = TrailEvent::new(journey, now, TrailKind::Delivered)
                .about(&recipient.address)
                .fact("to", format!("<{}>", recipient.address))
                .fact("tls-report", taken.report_id.clone());
            events.push(event);
        }
        self.store.record(events);
    }
}

/// When something began that has taken so long.
fn began_before(now: UnixMillis, took: Duration) -> UnixMillis {
    UnixMillis(now.0.saturating_sub(i64::try_from(took.as_millis()).unwrap_or(i64::MAX)))
}

/// The event with the Message-ID by which it is found, if there is one.
fn identified(event: TrailEvent, message_id: Option<&str>) -> TrailEvent {
    match message_id {
        Some(id) => event.fact(MESSAGE_ID_FACT, id),
        None => event,
    }
}

/// The event with what content filters said.
fn noted(event: TrailEvent, notes: Vec<String>) -> TrailEvent {
    notes.into_iter().fold(event, |event, note| event.fact(FILTER_FACT, note))
}

/// When a message is to be let go, if it has to wait. Only who signed in may have mail wait here, and what has come so
/// slowly that its time is there goes at once.
fn held(arrival: &Arrival, envelope: &Envelope, now: UnixMillis) -> Option<FutureRelease> {
    envelope.future_release.filter(|release| arrival.door.permit().is_some() && release.at > now)
}

fn arrival_facts(
    arrival: &Arrival,
    envelope: &Envelope,
    journey: JourneyId,
    now: UnixMillis,
    kind: TrailKind,
) -> TrailEvent {
    let mut event = TrailEvent::new(journey, now, kind)
        .fact("from", envelope.sender.to_string())
        .fact("peer", arrival.peer.remote.to_string())
        .fact("helo", arrival.helo.clone())
        .fact("with", arrival.with);
    if let Some(tls) = &arrival.tls {
        event = event.fact("tls", format!("{} {}", tls.version, tls.cipher_suite));
    }
    if let Some(permit) = arrival.door.permit() {
        event = event.fact("login", permit.address().to_string());
        if let Some(key) = permit.key() {
            event = event.fact("credential", key.label.clone());
        }
    }
    if let Some(sender) = envelope.sender.address() {
        event = event.about(sender);
    }
    for recipient in &envelope.recipients {
        event = event.about(&recipient.address).fact("to", format!("<{}>", recipient.address));
    }
    event
}

/// RFC 5321 §4.4: who makes final delivery says where reports go. Mail that goes on leaves without it.
pub(crate) fn return_path(sender: &ReversePath) -> String {
    format!("Return-Path: {sender}\r\n")
}

fn refusal_of_route(error: &RouteError, when_full: WhenFull, now: UnixMillis) -> MessageRefusal {
    match error {
        RouteError::NoSuchMailbox(_) => MessageRefusal::NoSuchMailbox,
        RouteError::TooManyTargets(_) => MessageRefusal::TooManyRecipients,
        RouteError::Storage(error) => refusal_of_store(error, when_full, now),
    }
}

fn refusal_of_store(error: &StorageError, when_full: WhenFull, now: UnixMillis) -> MessageRefusal {
    match error {
        StorageError::OverQuota { .. } => return MessageRefusal::MailboxFull { when_full },
        StorageError::OverSendingQuota(over) => return MessageRefusal::Sending(SendingRefusal::over(*over, now)),
        StorageError::SendingFrozen(cause) => return MessageRefusal::Sending(SendingRefusal::Frozen(*cause)),
        _ => {}
    }
    tracing::error!(%error, "a message cannot be stored");
    match error {
        StorageError::Full => MessageRefusal::Full,
        _ => MessageRefusal::Unavailable,
    }
}

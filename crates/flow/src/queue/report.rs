//! Telling the sender what became of a message (RFC 3461, RFC 3464).

mod rates;
mod reach;
mod text;
mod why;
mod words;

use bytes::Bytes;
use posthouse_mailbox::parse_message;
use posthouse_mime::DateTime;
use posthouse_mime::Mailbox as MailAddress;
use posthouse_mime::build::report::{Action, DeliveryReport, RecipientReport, Returned};
use posthouse_model::{
    Address, DeliverBy, DsnNotify, DsnReturn, Envelope, FutureRelease, JourneyId, Language, Recipient, ReversePath,
    TrailEvent, TrailKind, UnixMillis,
};
use posthouse_storage::{Delivery, Named, Settlement, StorageError};

use super::courier::Cause;
use super::send::MAX_STRAYED_REPORTS;
use crate::Flow;
use crate::deliver::Parcel;
use crate::message_id::message_id_of;
use crate::receive::return_path;
use crate::route::Destinations;
use crate::xtext;
pub(crate) use rates::ReportRates;

/// A longer message comes back as its header only, whatever RET says.
const MAX_RETURNED_MESSAGE_BYTES: u64 = 1024 * 1024;
/// Most octets of a header that come back.
const MAX_RETURNED_HEADER_BYTES: u64 = 64 * 1024;

/// What the sender is told about one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub recipient: Recipient,
    pub verdict: Verdict,
    pub cause: Option<Cause>,
    pub host: Option<String>,
    pub retry_until: Option<UnixMillis>,
}

/// What became of a message for one recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// In a mailbox here.
    Delivered,
    /// Handed to a host that reports nothing.
    Relayed,
    /// Not yet.
    Delayed,
    /// Refused for good.
    Failed,
    /// Not yet, though its time is over.
    Overdue,
    /// Tried for so long that it is given up.
    Expired,
}

impl Told {
    /// Whether the recipient is this address, or one that it is an alias of.
    fn leads_from(&self, address: &Address) -> bool {
        let original = self.recipient.original.as_deref().and_then(|original| original.split_once(';'));
        let original = original.and_then(|(_, encoded)| Address::parse(&xtext::decode(encoded)).ok());
        let folded = address.folded();
        self.recipient.address.folded() == folded || original.is_some_and(|original| original.folded() == folded)
    }

    /// Its mailbox here is full.
    pub fn full(recipient: &Recipient) -> Self {
        Self::failed(recipient, Cause::MailboxFull)
    }

    /// It does not get the message for this cause, and there is no host that said so.
    pub fn failed(recipient: &Recipient, cause: Cause) -> Self {
        Self {
            recipient: recipient.clone(),
            verdict: Verdict::Failed,
            cause: Some(cause),
            host: None,
            retry_until: None,
        }
    }

    /// It is in a mailbox here.
    pub fn delivered(recipient: &Recipient) -> Self {
        Self { recipient: recipient.clone(), verdict: Verdict::Delivered, cause: None, host: None, retry_until: None }
    }
}

/// Who reads a report.
struct Reader<'a> {
    to: &'a Address,
    language: Language,
    journey: JourneyId,
}

/// The message that a report is about.
pub(crate) struct About<'a> {
    pub journey: JourneyId,
    pub sender: &'a ReversePath,
    pub envelope_id: Option<&'a str>,
    /// Whether it came with SMTPUTF8, so that its sender can read what only that carries.
    pub smtputf8: bool,
    pub dsn_return: Option<DsnReturn>,
    pub received_at: UnixMillis,
    /// When its sender wanted it to go.
    pub future_release: Option<FutureRelease>,
    /// Until when its sender wanted it to be delivered.
    pub deliver_by: Option<DeliverBy>,
    /// Its octets from the beginning; at least its header, unless that is enormous.
    pub beginning: Bytes,
    /// Octets in all.
    pub size_bytes: u64,
}

impl Flow {
    /// Tells the sender of a message that it arrived, where the sender wants that. What goes wrong is logged only: the
    /// message itself is safe.
    pub(crate) async fn report_success(&self, parcel: &Parcel<'_>, destinations: &Destinations) {
        let wants = |to: &&Recipient| to.notify.unwrap_or(DsnNotify::DEFAULT).success;
        let arrived = destinations.local.iter().map(|(_, to)| to).filter(wants);
        // RFC 3461 §4.3: only reports of failure bring the whole message back.
        self.report_now(parcel, arrived.map(Told::delivered).collect(), Some(DsnReturn::Headers)).await;
    }

    /// Tells the sender of a message, which others got, whose mailboxes are full.
    pub(crate) async fn report_full(&self, parcel: &Parcel<'_>, full: &[Recipient]) {
        for recipient in full {
            let event = TrailEvent::new(parcel.journey, parcel.now, TrailKind::Refused)
                .about(&recipient.address)
                .fact("to", format!("<{}>", recipient.address))
                .fact("cause", Cause::MailboxFull.to_string());
            self.store.record(vec![event]);
        }
        let wants = |to: &&Recipient| to.notify.unwrap_or(DsnNotify::DEFAULT).failure;
        let told = full.iter().filter(wants).map(Told::full).collect();
        self.report_now(parcel, told, parcel.envelope.dsn_return).await;
    }

    async fn report_now(&self, parcel: &Parcel<'_>, told: Vec<Told>, dsn_return: Option<DsnReturn>) {
        if told.is_empty() {
            return;
        }
        let about = About {
            journey: parcel.journey,
            sender: &parcel.envelope.sender,
            envelope_id: parcel.envelope.envelope_id.as_deref(),
            smtputf8: parcel.envelope.smtputf8,
            dsn_return,
            received_at: parcel.received_at,
            future_release: parcel.envelope.future_release,
            deliver_by: parcel.envelope.deliver_by,
            beginning: parcel.message.clone(),
            size_bytes: parcel.message.len() as u64,
        };
        // As reports about queued mail: a quota does not keep them out.
        let report = |reports| Settlement { outcomes: Vec::new(), reports, trail: Vec::new() };
        let mut attempt = 0;
        let stored = loop {
            attempt += 1;
            let stored = match self.report(&about, &told).await {
                Ok(Some(delivery)) => self.settle_told(report(vec![delivery])).await,
                Ok(None) => Ok(()),
                Err(error) => Err(error),
            };
            match stored {
                // The mailbox that it was for has gone meanwhile.
                Err(StorageError::NotFound(Named::Mailbox)) if attempt < MAX_STRAYED_REPORTS => {}
                stored => break stored,
            }
        };
        if let Err(error) = stored {
            tracing::error!(%error, journey = %parcel.journey, "a report cannot be stored");
        }
    }

    /// The report as a delivery: to a mailbox here, or through the queue; or kept there, if it reaches nobody. `None`
    /// when nobody is to be told.
    pub(crate) async fn report(&self, about: &About<'_>, told: &[Told]) -> Result<Option<Delivery>, StorageError> {
        let Some(reach) = self.reach(about, told).await? else { return Ok(None) };
        let (to, destinations) = (&reach.to, &reach.destinations);
        let now = self.environment.now();
        let journey = self.environment.journey();
        let is_here = !destinations.local.is_empty() || reach.lost.is_some();
        if !self.report_rates.admit(&to.folded(), is_here, about.journey, now) {
            tracing::warn!(reader = %to, journey = %about.journey, "a report is left out: there are too many");
            let event = TrailEvent::new(about.journey, now, TrailKind::Reported)
                .about(to)
                .fact("to", format!("<{to}>"))
                .fact("left-out", "too many reports in this hour");
            self.store.record(vec![event]);
            return Ok(None);
        }
        let reader = Reader { to, language: self.language_of(destinations).await?, journey };
        let is_international = about.smtputf8 || to.needs_smtputf8();
        let envelope = Envelope {
            recipients: vec![Recipient::new(to.clone())],
            smtputf8: is_international,
            ..Envelope::new(ReversePath::Null)
        };
        let mut message = Vec::new();
        if is_here {
            message.extend_from_slice(return_path(&envelope.sender).as_bytes());
        }
        message.extend_from_slice(&self.write_report(about, told, &reader, now));
        let message = Bytes::from(message);
        let parsed = parse_message(&message).stored;
        let parcel = Parcel {
            journey,
            now,
            parsed,
            message,
            envelope: &envelope,
            message_id: None,
            may_sign: true,
            submitter: None,
            submitter_key: None,
            received_at: now,
        };
        let event = TrailEvent::new(about.journey, now, TrailKind::Reported)
            .about(to)
            .fact("to", format!("<{to}>"))
            .fact("report", journey.to_string());
        let begin = TrailEvent::new(journey, now, TrailKind::Received)
            .about(to)
            .fact("from", "<>")
            .fact("to", format!("<{to}>"))
            .fact("report-about", about.journey.to_string());
        let trail = vec![reach.told(event), begin];
        match &reach.lost {
            Some(why) => Ok(Some(self.kept(&parcel, why.to_string(), trail))),
            None => self.delivery(&parcel, destinations, trail).await.map(Some),
        }
    }

    /// The language of whoever reads: that of the account, of its domain, or of this house.
    async fn language_of(&self, destinations: &Destinations) -> Result<Language, StorageError> {
        match destinations.local.first() {
            Some((permit, _)) => Ok(self.store.language_of(permit.account()).await?.unwrap_or(self.options.language)),
            None => Ok(self.options.language),
        }
    }

    fn write_report(&self, about: &About<'_>, told: &[Told], reader: &Reader<'_>, now: UnixMillis) -> Vec<u8> {
        let Reader { to, language, journey } = *reader;
        let host = self.options.host_name.as_str();
        let recipients: Vec<_> = told.iter().map(|one| recipient_report(one, now)).collect();
        let message_id = format!("{journey}@{host}");
        let boundary = format!("report-{journey}-{:016x}", self.environment.random());
        let in_reply_to = message_id_of(&about.beginning);
        let header = header_of(about);
        let wants_all = about.dsn_return != Some(DsnReturn::Headers) && told.iter().any(|one| one.verdict.is_failure());
        let is_whole = about.beginning.len() as u64 == about.size_bytes;
        let returned = if wants_all && is_whole && about.size_bytes <= MAX_RETURNED_MESSAGE_BYTES {
            Returned::Message(&about.beginning)
        } else {
            Returned::Header(&header)
        };
        let explanation = text::explain(told, host, language);
        let envelope_id = about.envelope_id.map(xtext::decode);
        let future_release = about.future_release.map(|release| release.request.to_string());
        DeliveryReport {
            from: MailAddress {
                name: Some(text::sender_name(language).to_owned()),
                local_part: "MAILER-DAEMON".to_owned(),
                domain: host.to_owned(),
                ..MailAddress::default()
            },
            to: MailAddress {
                local_part: to.local_part.as_str().to_owned(),
                domain: to.domain.to_string(),
                ..MailAddress::default()
            },
            subject: text::subject(told, language),
            date: date_time(now),
            message_id: &message_id,
            in_reply_to: in_reply_to.as_deref(),
            boundary: &boundary,
            explanation: &explanation,
            language: language.tag(),
            is_international: about.smtputf8 || to.needs_smtputf8(),
            reporting_mta: host,
            // RFC 3461 §6.3 (a): the field is not encoded as xtext.
            original_envelope_id: envelope_id.as_deref(),
            received_from_mta: None,
            arrival_date: Some(date_time(about.received_at)),
            deliver_by_date: about.deliver_by.map(|by| date_time(by.at)),
            future_release_request: future_release.as_deref(),
            recipients: &recipients,
            returned,
        }
        .build()
    }
}

impl Verdict {
    fn is_failure(self) -> bool {
        matches!(self, Self::Failed | Self::Expired)
    }

    fn action(self) -> Action {
        match self {
            Self::Delivered => Action::Delivered,
            Self::Relayed => Action::Relayed,
            Self::Delayed | Self::Overdue => Action::Delayed,
            Self::Failed | Self::Expired => Action::Failed,
        }
    }
}

fn recipient_report(told: &Told, now: UnixMillis) -> RecipientReport {
    let status = match (told.verdict, &told.cause) {
        (Verdict::Delivered | Verdict::Relayed, _) => "2.0.0".to_owned(),
        // RFC 3463 §3.5: X.4.7 says that the time is over, whatever stood in the way.
        (Verdict::Expired, None) => "5.4.7".to_owned(),
        (Verdict::Overdue, _) => "4.4.7".to_owned(),
        (_, Some(cause)) => with_class(&cause.status(), told.verdict),
        (Verdict::Delayed, None) => "4.0.0".to_owned(),
        (Verdict::Failed, None) => "5.0.0".to_owned(),
    };
    let diagnostic = match &told.cause {
        Some(Cause::Reply(reply)) => Some(reply.to_string()),
        _ => None,
    };
    RecipientReport {
        original_recipient: told.recipient.original.as_deref().map(xtext::decode),
        final_recipient: told.recipient.address.to_string(),
        action: told.verdict.action(),
        status,
        remote_mta: told.host.as_ref().and_then(|host| host.split(' ').next()).map(str::to_owned),
        diagnostic,
        last_attempt: Some(date_time(now)),
        will_retry_until: told.retry_until.filter(|_| told.verdict.action() == Action::Delayed).map(date_time),
    }
}

/// A status whose class fits what is reported: a passing cause becomes a permanent one when the time is over.
fn with_class(status: &str, verdict: Verdict) -> String {
    let class = if verdict.is_failure() { "5" } else { "4" };
    format!("{class}{}", status.get(1..).unwrap_or(".0.0"))
}

/// The header of the message a report is about, as far as it comes back.
fn header_of(about: &About<'_>) -> Bytes {
    let end = posthouse_mime::edit::HeaderFacts::read(&about.beginning).header.range().end;
    about.beginning.slice(..end.min(about.beginning.len()).min(MAX_RETURNED_HEADER_BYTES as usize))
}

fn date_time(at: UnixMillis) -> DateTime {
    DateTime { unix_seconds: at.seconds(), offset_minutes: 0 }
}

/// How much of a message a report may need.
pub(crate) fn octets_wanted(size_bytes: u64) -> u64 {
    if size_bytes <= MAX_RETURNED_MESSAGE_BYTES { size_bytes } else { MAX_RETURNED_HEADER_BYTES }
}

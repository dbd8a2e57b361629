//! One message over one connection.

use posthouse_flow::{Cause, Consignment, Environment, RecipientResult, SystemEnvironment};
use posthouse_model::{BodyType, Envelope, Recipient};
use posthouse_smtp::client::{
    Cause as SmtpCause, ClientFailure, DeliveryOutcome, OutgoingMessage, Stage, TransactionOutcome,
};
use posthouse_smtp::command::ByValue;
use posthouse_smtp::reply::EnhancedCode;

use super::cause::{cause_of_failure, recipient_result};
use super::connection::{Connection, Event};

/// What became of a message.
pub(super) enum Transfer {
    /// The host answered for each recipient, and takes another message.
    Answered(Vec<RecipientResult>),
    /// It has the answers in here, and the connection broke for this reason.
    Broken(Vec<RecipientResult>, Cause),
    /// The connection broke before the host could have taken the message for anybody.
    NotBegun(Cause),
}

impl Connection {
    /// Hands a message over, in as many transactions as the host's limits make necessary.
    pub async fn transfer(&mut self, consignment: &Consignment) -> Transfer {
        let mut results: Vec<Option<RecipientResult>> = vec![None; consignment.recipients.len()];
        let mut waiting: Vec<usize> = (0..consignment.recipients.len()).collect();
        let mut broken = None;
        let mut is_first = true;
        while !waiting.is_empty() && broken.is_none() {
            let (outcome, end) = self.transact(message_of(consignment, &waiting), consignment).await;
            if is_first && let Some(cause) = end.as_ref().and_then(|end| untouched(&outcome, end)) {
                return Transfer::NotBegun(cause);
            }
            is_first = false;
            broken = end.map(|failure| cause_of_failure(&failure, None));
            let progress = outcome.recipients.iter().any(|one| !is_surplus(one));
            let may_go_on = progress && broken.is_none();
            let mut later = Vec::new();
            for (&at, one) in waiting.iter().zip(&outcome.recipients) {
                if may_go_on && is_surplus(one) {
                    later.push(at);
                } else {
                    results[at] = Some(recipient_result(one));
                }
            }
            waiting = later;
        }
        let lost = || RecipientResult::Refused(Cause::Lost("the message was not begun".to_owned()));
        let results = results.into_iter().map(|one| one.unwrap_or_else(lost)).collect();
        match broken {
            None => Transfer::Answered(results),
            Some(cause) => Transfer::Broken(results, cause),
        }
    }

    /// One transaction. Gives what became of it and, if the connection is over, why.
    async fn transact(
        &mut self,
        message: OutgoingMessage,
        consignment: &Consignment,
    ) -> (TransactionOutcome, Option<ClientFailure>) {
        let recipients = message.envelope.recipients.len();
        let now = self.now();
        self.count_message();
        if self.session.begin(message, now).is_err() {
            return (lost(recipients), Some(ClientFailure::ConnectionLost(Stage::Idle)));
        }
        let mut pieces = consignment.content.iter();
        let mut outcome = None;
        loop {
            match Box::pin(self.drive()).await {
                Event::NeedBody => {
                    let now = self.now();
                    match pieces.next() {
                        Some(piece) => self.session.supply_body(piece.clone(), now),
                        None => self.session.finish_body(now),
                    }
                }
                Event::Outcome(found) => outcome = Some(found),
                Event::Ready => return (outcome.unwrap_or_else(|| lost(recipients)), None),
                Event::Closed(result) => {
                    let failure = result.err().unwrap_or(ClientFailure::ConnectionLost(Stage::Idle));
                    return (outcome.unwrap_or_else(|| lost(recipients)), Some(failure));
                }
            }
        }
    }
}

fn message_of(consignment: &Consignment, recipients: &[usize]) -> OutgoingMessage {
    let chosen: Vec<Recipient> = recipients.iter().map(|&at| consignment.recipients[at].clone()).collect();
    let envelope = Envelope {
        body_type: consignment.body_type,
        smtputf8: consignment.smtputf8,
        require_tls: consignment.require_tls,
        dsn_return: consignment.dsn_return,
        envelope_id: consignment.envelope_id.clone(),
        recipients: chosen,
        ..Envelope::new(consignment.sender.clone())
    };
    OutgoingMessage {
        envelope,
        size_bytes: consignment.content.iter().map(|piece| piece.len() as u64).sum(),
        has_8bit: !consignment.content.iter().all(|piece| piece.is_ascii()),
        is_binary: consignment.body_type == BodyType::BinaryMime,
        needs_smtputf8: consignment.smtputf8,
        deliver_by: consignment.deliver_by.map(|by| ByValue {
            // RFC 2852 §4.1.4: as of the moment at which MAIL is sent.
            seconds: by.seconds_left(SystemEnvironment.now()),
            mode: by.mode,
            trace: by.trace,
        }),
    }
}

fn lost(recipients: usize) -> TransactionOutcome {
    let failure = Box::new(ClientFailure::ConnectionLost(Stage::Idle));
    let cause = SmtpCause::Connection { stage: Stage::Idle, failure };
    TransactionOutcome { recipients: vec![DeliveryOutcome::Temporary(cause); recipients], uncertain: false }
}

/// Whether a recipient has to go in another transaction: by what the host announced (RFC 9422 §4), or because it said
/// that there are too many in this one (RFC 5321 §4.5.3.1.10).
fn is_surplus(outcome: &DeliveryOutcome) -> bool {
    const TOO_MANY_RECIPIENTS: EnhancedCode = EnhancedCode::new(4, 5, 3);
    match outcome {
        DeliveryOutcome::Temporary(SmtpCause::TooManyRecipients { .. }) => true,
        DeliveryOutcome::Temporary(SmtpCause::Reply { stage: Stage::Rcpt, reply }) => {
            matches!(reply.code, 452 | 552) && reply.enhanced.is_none_or(|code| code == TOO_MANY_RECIPIENTS)
        }
        _ => false,
    }
}

/// Why the connection broke, if it did so before any text was on its way and without an answer for anybody.
fn untouched(outcome: &TransactionOutcome, end: &ClientFailure) -> Option<Cause> {
    let is_early = |stage: &Stage| matches!(stage, Stage::Idle | Stage::Mail | Stage::Rcpt | Stage::Data);
    let is_unanswered = |one: &DeliveryOutcome| match one {
        DeliveryOutcome::Temporary(SmtpCause::Connection { stage, .. }) => is_early(stage),
        DeliveryOutcome::Temporary(SmtpCause::Reply { stage, reply }) => {
            is_early(stage) && matches!(end, ClientFailure::ServiceClosing(closing) if closing == reply)
        }
        _ => false,
    };
    outcome.recipients.iter().all(is_unanswered).then(|| cause_of_failure(end, None))
}

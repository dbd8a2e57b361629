//! MAIL and RCPT, in a group where the server takes groups (RFC 2920).

use posthouse_model::deliver_by::mode_word;
use posthouse_model::{BodyType, ByMode, DsnNotify, DsnReturn};

use super::outcome::{DeliveryOutcome, Stage};
use super::reply::PeerReply;
use super::session::{ClientSession, State};
use super::transaction::{Awaited, Transaction, outcome_of};
use crate::extension::{Extension, PeerExtensions};
use crate::limits::FURTHEST_BY_SECONDS;

/// Commands that are on the way at once. RFC 2920 §3.1 warns of full buffers on both sides; so many replies of full
/// length fit into any.
const MAX_PIPELINED: usize = 30;

impl ClientSession {
    /// Sends as much of the envelope as may be on the way.
    pub(super) fn name_more(&mut self) {
        let window = if self.extensions.offers(Extension::Pipelining) { MAX_PIPELINED } else { 1 };
        loop {
            let Some(transaction) = &mut self.transaction else { return };
            if transaction.awaited.len() >= window {
                return;
            }
            let line = if !transaction.mail_sent {
                transaction.mail_sent = true;
                transaction.awaited.push_back(Awaited::Mail);
                mail_line(transaction, &self.extensions)
            } else if let Some(index) = transaction.to_name.pop_front() {
                transaction.awaited.push_back(Awaited::Rcpt(index));
                rcpt_line(transaction, index, &self.extensions)
            } else {
                return;
            };
            self.send_line(&line);
        }
    }

    pub(super) fn envelope_answered(&mut self, reply: PeerReply) {
        let Some(transaction) = &mut self.transaction else { return self.unexpected(reply) };
        if reply.code / 100 == 3 {
            return self.unexpected(reply);
        }
        match transaction.awaited.pop_front() {
            Some(Awaited::Mail) if reply.is_positive() => transaction.mail_accepted = true,
            Some(Awaited::Mail) => {
                transaction.decide_rest(&outcome_of(Stage::Mail, &reply));
                transaction.to_name.clear();
            }
            // Without MAIL, what is said to RCPT means nothing.
            Some(Awaited::Rcpt(_)) if !transaction.mail_accepted => {}
            Some(Awaited::Rcpt(index)) if reply.is_positive() => transaction.accepted.push_back(index),
            Some(Awaited::Rcpt(index)) => transaction.decide(index, recipient_outcome(&reply)),
            None => return self.unexpected(reply),
        }
        self.expect(State::ExpectEnvelope, self.config.timeouts.rcpt);
        self.name_more();
        self.envelope_complete();
    }

    /// Goes on to the text once the last reply is there.
    fn envelope_complete(&mut self) {
        let Some(transaction) = &self.transaction else { return };
        if !transaction.awaited.is_empty() {
            return;
        }
        if transaction.accepted.is_empty() {
            let reset = transaction.mail_accepted;
            return self.finish_transaction(reset);
        }
        let chunks = self.extensions.offers(Extension::Chunking);
        if chunks && (self.config.use_chunking || transaction.message.is_binary) {
            self.begin_chunks();
        } else {
            self.say_data();
        }
    }
}

/// RFC 5321 §4.5.3.1.10: 552 to RCPT means too many recipients, and is to be read as 452.
fn recipient_outcome(reply: &PeerReply) -> DeliveryOutcome {
    match outcome_of(Stage::Rcpt, reply) {
        DeliveryOutcome::Permanent(cause) if reply.code == 552 && reply.enhanced.is_none() => {
            DeliveryOutcome::Temporary(cause)
        }
        outcome => outcome,
    }
}

fn mail_line(transaction: &Transaction, peer: &PeerExtensions) -> String {
    let envelope = &transaction.message.envelope;
    let mut line = format!("MAIL FROM:{}", envelope.sender);
    if peer.offers(Extension::Size) {
        line += &format!(" SIZE={}", transaction.message.size_bytes);
    }
    match transaction.body_type() {
        BodyType::BinaryMime => line += " BODY=BINARYMIME",
        BodyType::EightBitMime if peer.offers(Extension::EightBitMime) => line += " BODY=8BITMIME",
        BodyType::EightBitMime | BodyType::SevenBit => {}
    }
    if transaction.needs_smtputf8() {
        line += " SMTPUTF8";
    }
    if envelope.require_tls {
        line += " REQUIRETLS";
    }
    if let Some(by) = transaction.message.deliver_by.filter(|_| peer.offers(Extension::DeliverBy)) {
        let seconds = by.seconds.clamp(-FURTHEST_BY_SECONDS, FURTHEST_BY_SECONDS);
        line += &format!(" BY={seconds};{}", mode_word(by.mode, by.trace));
    }
    if peer.offers(Extension::Dsn) {
        match envelope.dsn_return {
            Some(DsnReturn::Full) => line += " RET=FULL",
            Some(DsnReturn::Headers) => line += " RET=HDRS",
            None => {}
        }
        if let Some(id) = envelope.envelope_id.as_deref().filter(|id| is_value(id)) {
            line += &format!(" ENVID={id}");
        }
    }
    line
}

fn rcpt_line(transaction: &Transaction, index: usize, peer: &PeerExtensions) -> String {
    let recipient = &transaction.message.envelope.recipients[index];
    let mut line = format!("RCPT TO:<{}>", recipient.address);
    if peer.offers(Extension::Dsn) {
        let is_told = transaction.message.deliver_by.is_some_and(|by| by.mode == ByMode::Notify);
        let notify = match recipient.notify {
            // RFC 2852 §4.1.4.2: where the time is lost on the way, at least delays are told.
            given if is_told && !peer.offers(Extension::DeliverBy) => Some(with_delay(given)),
            given => given,
        };
        if let Some(notify) = notify {
            line += &format!(" NOTIFY={}", notify_value(notify));
        }
        if let Some(original) = recipient.original.as_deref().filter(|original| is_value(original)) {
            line += &format!(" ORCPT={original}");
        }
    }
    line
}

/// `NOTIFY=FAILURE,DELAY` where nothing was said; else DELAY besides, unless it is never.
fn with_delay(notify: Option<DsnNotify>) -> DsnNotify {
    match notify {
        Some(DsnNotify::NEVER) => DsnNotify::NEVER,
        Some(given) => DsnNotify { delay: true, ..given },
        None => DsnNotify { success: false, failure: true, delay: true },
    }
}

/// Whether a text can stand as the value of a parameter (RFC 5321 §4.1.2, esmtp-value).
fn is_value(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'=')
}

fn notify_value(notify: DsnNotify) -> String {
    let words: Vec<&str> = [(notify.success, "SUCCESS"), (notify.failure, "FAILURE"), (notify.delay, "DELAY")]
        .into_iter()
        .filter_map(|(wanted, word)| wanted.then_some(word))
        .collect();
    if words.is_empty() { "NEVER".to_owned() } else { words.join(",") }
}

//! The text of one message on its way from the wire to the driver.

use bytes::{Bytes, BytesMut};
use posthouse_model::time::Instant;

use crate::content::{ContentCheck, ContentFault, DotDecoder, LineEndNormaliser};
use crate::limits::Limits;

/// Follows the text of one message, whether it comes by DATA or in chunks.
#[derive(Debug)]
pub(super) struct Transfer {
    decoder: DotDecoder,
    normaliser: Option<LineEndNormaliser>,
    check: ContentCheck,
    fault: Option<ContentFault>,
    started: Instant,
    wire_bytes: u64,
    discarded_bytes: u64,
}

/// What a piece of text has become.
#[derive(Debug)]
pub(super) struct Taken {
    /// To be passed on; may be empty.
    pub(super) body: Bytes,
    /// Whether this piece made the message one to be refused.
    pub(super) spoilt: bool,
}

impl Transfer {
    pub(super) fn new(limits: &Limits, binary: bool, normalise: bool, now: Instant) -> Self {
        Self {
            decoder: DotDecoder::new(),
            normaliser: (normalise && !binary).then(LineEndNormaliser::default),
            check: ContentCheck::new(binary, limits.message_size_bytes, limits.text_line_bytes),
            fault: None,
            started: now,
            wire_bytes: 0,
            discarded_bytes: 0,
        }
    }

    /// Whether the driver holds text of a message that may still become whole.
    pub(super) fn is_open(&self) -> bool {
        self.fault.is_none()
    }

    /// Why the message will be refused.
    pub(super) fn fault(&self) -> Option<ContentFault> {
        self.fault
    }

    /// What is known of the text.
    pub(super) fn check(&self) -> &ContentCheck {
        &self.check
    }

    /// Octets thrown away since the message was found to be one to refuse.
    pub(super) fn discarded_bytes(&self) -> u64 {
        self.discarded_bytes
    }

    /// Takes text with dots out of `input`; also says whether its end was there.
    pub(super) fn take_dotted(&mut self, input: &mut BytesMut) -> (Taken, bool) {
        let before = input.len();
        let decoded = self.decoder.decode(input);
        self.wire_bytes += (before - input.len()) as u64;
        let mut taken = self.pass(decoded.text);
        if decoded.ended {
            taken.spoilt |= self.finish_lines(&mut taken.body);
        }
        (taken, decoded.ended)
    }

    /// Takes text that was counted.
    pub(super) fn take_counted(&mut self, text: Bytes) -> Taken {
        self.wire_bytes += text.len() as u64;
        self.pass(text)
    }

    /// The end of text that was counted.
    pub(super) fn finish_counted(&mut self) -> Taken {
        let mut body = Bytes::new();
        let mut spoilt = self.finish_lines(&mut body);
        if self.fault.is_none() {
            self.fault = self.check.finish().err();
            spoilt = self.fault.is_some();
        }
        Taken { body, spoilt }
    }

    /// A message that is refused before all of it has come.
    pub(super) fn spoil(&mut self, fault: ContentFault) -> bool {
        let first = self.fault.is_none();
        self.fault.get_or_insert(fault);
        first
    }

    /// When the next piece must have come: within a block's time, and in time for the minimum rate.
    pub(super) fn deadline(&self, limits: &Limits, now: Instant) -> Instant {
        deadline(limits, self.started, self.wire_bytes, now)
    }

    fn pass(&mut self, text: Bytes) -> Taken {
        if self.fault.is_some() {
            self.discarded_bytes += text.len() as u64;
            return Taken { body: Bytes::new(), spoilt: false };
        }
        let text = match &mut self.normaliser {
            Some(normaliser) => normaliser.take(text),
            None => text,
        };
        self.judge(text)
    }

    fn judge(&mut self, mut text: Bytes) -> Taken {
        match self.check.take(&text) {
            Ok(()) => Taken { body: text, spoilt: false },
            Err((fault, at)) => {
                self.fault = Some(fault);
                self.discarded_bytes += (text.len() - at) as u64;
                text.truncate(at);
                Taken { body: text, spoilt: true }
            }
        }
    }

    /// Brings out what the normaliser kept back. There is at most one line end, and `body` is in the way only when
    /// the message is cut off in the middle of one.
    fn finish_lines(&mut self, body: &mut Bytes) -> bool {
        let rest = self.normaliser.as_mut().map(LineEndNormaliser::finish).unwrap_or_default();
        if rest.is_empty() || self.fault.is_some() {
            return false;
        }
        let taken = self.judge(rest);
        *body = [&body[..], &taken.body[..]].concat().into();
        taken.spoilt
    }
}

/// When a client that began at `started` and has sent `wire_bytes` is too slow or silent.
pub(super) fn deadline(limits: &Limits, started: Instant, wire_bytes: u64, now: Instant) -> Instant {
    let earned = std::time::Duration::from_secs(wire_bytes / limits.minimum_data_rate.max(1));
    (now + limits.data_block_timeout).min(started + limits.data_grace + earned)
}

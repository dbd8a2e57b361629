//! What bounds on senders come to on the wire.

use posthouse_flow as flow;
use posthouse_smtp::server::{QuotaOwner, QuotaPeriod, QuotaUnit, SendingRefusal};
use posthouse_storage::{Counted, FreezeCause, Period, SendingUnit};

pub(super) fn sending_refusal(refusal: flow::SendingRefusal) -> SendingRefusal {
    match refusal {
        flow::SendingRefusal::QuotaUsedUp { over, wait } => SendingRefusal::QuotaUsedUp {
            owner: match over.unit {
                SendingUnit::Key(_) => QuotaOwner::Key,
                SendingUnit::Account(_) => QuotaOwner::Account,
                SendingUnit::Domain(_) => QuotaOwner::Domain,
                SendingUnit::Server => QuotaOwner::Server,
            },
            most: over.most,
            unit: match over.counted {
                Counted::Messages => QuotaUnit::Messages,
                Counted::Recipients => QuotaUnit::Recipients,
            },
            period: match over.period {
                Period::Hour => QuotaPeriod::Hour,
                Period::Day => QuotaPeriod::Day,
                Period::Month => QuotaPeriod::Month,
            },
            wait,
        },
        flow::SendingRefusal::MessageTooLarge(limit_bytes) => SendingRefusal::MessageTooLarge { limit_bytes },
        flow::SendingRefusal::HeaderTooLarge(limit_bytes) => SendingRefusal::HeaderTooLarge { limit_bytes },
        flow::SendingRefusal::AttachmentTooLarge(limit_bytes) => SendingRefusal::AttachmentTooLarge { limit_bytes },
        flow::SendingRefusal::TooManyRecipients(limit) => SendingRefusal::TooManyRecipients { limit },
        flow::SendingRefusal::Frozen(FreezeCause::Administrator) => SendingRefusal::SwitchedOff,
        flow::SendingRefusal::Frozen(FreezeCause::Flood | FreezeCause::Bounces) => SendingRefusal::Suspended,
        flow::SendingRefusal::Unavailable => SendingRefusal::TemporaryFailure,
    }
}

//! From the limits that are set to what holds: a pure function.

use std::fmt;

use posthouse_model::{AccountId, DomainId, KeyId, UnixMillis};

use crate::sending_watch::FreezeCause;

use super::{Counted, Figures, LimitHolder, LimitKind, Period, SendingLimit, SendingUnit, Sent};

/// What holds for one unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// Whose mail is counted.
    pub unit: SendingUnit,
    /// What is limited.
    pub kind: LimitKind,
    /// How much there may be.
    pub most: u64,
    /// By which limit.
    pub holder: LimitHolder,
    /// When the exception ends that says so, if one does.
    pub until: Option<UnixMillis>,
}

/// All that holds for somebody who sends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    /// What holds, the closest units first.
    pub bounds: Vec<Bound>,
    /// Until when it is so, if an exception ends.
    pub hold_until: Option<UnixMillis>,
}

/// What holds, and what has been sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SendingStanding {
    /// As of when.
    pub at: UnixMillis,
    /// What holds.
    pub bounds: Vec<Bound>,
    /// What each unit has sent, the closest first, as of [`Self::at`].
    pub sent: Vec<(SendingUnit, Sent)>,
    /// Why it may send nothing, if it is an account that is frozen, or a key of one.
    pub frozen: Option<FreezeCause>,
}

/// A quota that does not let a message pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OverSendingQuota {
    /// Whose.
    pub unit: SendingUnit,
    /// In which period.
    pub period: Period,
    /// What is counted.
    pub counted: Counted,
    /// How much there may be.
    pub most: u64,
    /// How much there is.
    pub used: u64,
    /// When the period ends, and there is room again.
    pub retry_at: UnixMillis,
}

impl fmt::Display for OverSendingQuota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = LimitKind::Sent(self.period, self.counted);
        write!(f, "{:?}: {} of {} {kind}", self.unit, self.used, self.most)
    }
}

/// The units in which an account's mail counts, the closest first.
pub fn units_of(account: AccountId, domain: DomainId) -> [SendingUnit; 3] {
    [SendingUnit::Account(account), SendingUnit::Domain(domain), SendingUnit::Server]
}

/// Likewise of what is handed in with a key.
pub fn units_of_key(key: KeyId, account: AccountId, domain: DomainId) -> [SendingUnit; 4] {
    let [account, domain, server] = units_of(account, domain);
    [SendingUnit::Key(key), account, domain, server]
}

/// Those whose limits regard a unit, the closest first. An account's domain and a key's account are wanted for it.
fn holders(unit: SendingUnit, account: Option<AccountId>, domain: Option<DomainId>) -> Vec<LimitHolder> {
    match unit {
        SendingUnit::Key(id) => {
            let of_account = account.map(LimitHolder::EachKeyOf);
            std::iter::once(LimitHolder::Key(id)).chain(of_account).chain([LimitHolder::EachKey]).collect()
        }
        SendingUnit::Server => vec![LimitHolder::Server],
        SendingUnit::Domain(id) => vec![LimitHolder::Domain(id), LimitHolder::EachDomain],
        SendingUnit::Account(id) => {
            let of_domain = domain.map(LimitHolder::EachAccountOf);
            std::iter::once(LimitHolder::Account(id)).chain(of_domain).chain([LimitHolder::EachAccount]).collect()
        }
    }
}

impl Bounds {
    /// What `limits` come to for `units` at `now`. Limits of others among them are passed over.
    pub fn new(units: &[SendingUnit], limits: &[SendingLimit], now: UnixMillis) -> Self {
        let domain = units.iter().find_map(|unit| match unit {
            SendingUnit::Domain(id) => Some(*id),
            _ => None,
        });
        let account = units.iter().find_map(|unit| match unit {
            SendingUnit::Account(id) => Some(*id),
            _ => None,
        });
        let holds = |limit: &&SendingLimit| limit.until.is_none_or(|until| until > now);
        let mut bounds = Vec::new();
        for &unit in units {
            let holders = holders(unit, account, domain);
            for kind in LimitKind::EACH {
                let of = |holder: LimitHolder| {
                    let own = limits.iter().filter(|limit| limit.holder == holder && limit.kind == kind);
                    // An exception goes before what stands.
                    own.filter(holds).max_by_key(|limit| limit.until.is_some())
                };
                let Some(limit) = holders.iter().filter(|holder| holder.takes(kind)).find_map(|holder| of(*holder))
                else {
                    continue;
                };
                if let Some(most) = limit.most {
                    bounds.push(Bound { unit, kind, most, holder: limit.holder, until: limit.until });
                }
            }
        }
        let hold_until = limits.iter().filter(holds).filter_map(|limit| limit.until).min();
        Self { bounds, hold_until }
    }
}

impl SendingStanding {
    /// The quota that does not let so much more pass; of several, the one that makes wait longest.
    pub fn passed_by(&self, more: Figures) -> Option<OverSendingQuota> {
        let over = self.bounds.iter().filter_map(|bound| {
            let LimitKind::Sent(period, counted) = bound.kind else { return None };
            let used = self.used(bound.unit, period).of(counted);
            (used.saturating_add(more.of(counted)) > bound.most).then(|| OverSendingQuota {
                unit: bound.unit,
                period,
                counted,
                most: bound.most,
                used,
                retry_at: period.ends(self.at),
            })
        });
        over.max_by_key(|over| over.retry_at)
    }

    /// The bound of this kind on each single message, if there is one.
    pub fn cap(&self, kind: LimitKind) -> Option<u64> {
        self.bounds.iter().find(|bound| bound.kind == kind).map(|bound| bound.most)
    }

    /// What a unit has sent in a period.
    pub fn used(&self, unit: SendingUnit, period: Period) -> Figures {
        let own = self.sent.iter().find(|(one, _)| *one == unit);
        own.map_or_else(Figures::default, |(_, sent)| sent.in_period(period))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_700_000_000_000);
    const DAILY: LimitKind = LimitKind::Sent(Period::Day, Counted::Recipients);
    const ACCOUNT: AccountId = AccountId(1);
    const DOMAIN: DomainId = DomainId(1);

    fn limit(holder: LimitHolder, most: impl Into<Option<u64>>, until: Option<i64>) -> SendingLimit {
        SendingLimit { holder, kind: DAILY, most: most.into(), until: until.map(|after| UnixMillis(NOW.0 + after)) }
    }

    /// What holds for the account itself.
    fn check(limits: &[SendingLimit], expected: Option<u64>, hold_until: Option<i64>) {
        let found = Bounds::new(&units_of(ACCOUNT, DOMAIN), limits, NOW);
        let own = found.bounds.iter().find(|bound| bound.unit == SendingUnit::Account(ACCOUNT));
        assert_eq!(own.map(|bound| bound.most), expected, "{limits:?}");
        assert_eq!(found.hold_until, hold_until.map(|after| UnixMillis(NOW.0 + after)));
    }

    #[test]
    fn the_closest_limit_holds() {
        let (each, of_domain, own) =
            (LimitHolder::EachAccount, LimitHolder::EachAccountOf(DOMAIN), LimitHolder::Account(ACCOUNT));
        check(&[], None, None);
        check(&[limit(each, 100, None)], Some(100), None);
        check(&[limit(each, 100, None), limit(of_domain, 50, None)], Some(50), None);
        check(&[limit(each, 100, None), limit(of_domain, 50, None), limit(own, 500, None)], Some(500), None);
        check(&[limit(each, 100, None), limit(own, None, None)], None, None);
        check(&[limit(LimitHolder::Account(AccountId(2)), 5, None)], None, None);
        check(&[limit(LimitHolder::EachAccountOf(DomainId(2)), 5, None)], None, None);
    }

    #[test]
    fn the_closest_limit_holds_for_a_key() {
        let key = KeyId(7);
        let units = units_of_key(key, ACCOUNT, DOMAIN);
        let most = |limits: &[SendingLimit]| {
            let found = Bounds::new(&units, limits, NOW).bounds;
            found.iter().find(|bound| bound.unit == SendingUnit::Key(key)).map(|bound| bound.most)
        };
        let each = limit(LimitHolder::EachKey, 100, None);
        let of_account = limit(LimitHolder::EachKeyOf(ACCOUNT), 50, None);
        let own = LimitHolder::Key(key);
        assert_eq!(most(&[limit(LimitHolder::EachAccount, 1, None), limit(LimitHolder::Key(KeyId(8)), 1, None)]), None);
        assert_eq!(most(&[limit(LimitHolder::EachKeyOf(AccountId(2)), 1, None), each]), Some(100));
        assert_eq!(most(&[each, of_account]), Some(50));
        assert_eq!(most(&[each, of_account, limit(own, 500, None)]), Some(500));
        assert_eq!(most(&[of_account, limit(own, 500, None), limit(own, 9, Some(1))]), Some(9));
        assert_eq!(most(&[of_account, limit(own, None, None)]), None);
        // What the account may send bounds it all the same.
        let found = Bounds::new(&units, &[limit(own, None, None), limit(LimitHolder::EachAccount, 1, None)], NOW);
        assert_eq!(found.bounds.iter().map(|bound| bound.unit).collect::<Vec<_>>(), [SendingUnit::Account(ACCOUNT)]);
    }

    #[test]
    fn exceptions_end() {
        let own = LimitHolder::Account(ACCOUNT);
        let standing = limit(own, 10, None);
        check(&[standing, limit(own, 99, Some(1))], Some(99), Some(1));
        check(&[limit(own, 99, Some(5)), standing], Some(99), Some(5));
        check(&[standing, limit(own, 99, Some(0))], Some(10), None);
        check(&[standing, limit(own, None, Some(7)), limit(LimitHolder::Server, 1, Some(3))], None, Some(3));
    }

    #[test]
    fn single_messages_are_bounded_by_account() {
        let kind = LimitKind::MessageBytes;
        let limits = [LimitHolder::Server, LimitHolder::Domain(DOMAIN), LimitHolder::EachAccount]
            .map(|holder| SendingLimit { holder, kind, most: Some(5), until: None });
        let found = Bounds::new(&units_of(ACCOUNT, DOMAIN), &limits, NOW).bounds;
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].holder, LimitHolder::EachAccount);
    }

    #[test]
    fn the_longest_wait_is_told() {
        let monthly = LimitKind::Sent(Period::Month, Counted::Messages);
        let limits = [
            limit(LimitHolder::Server, 10, None),
            SendingLimit { holder: LimitHolder::EachAccount, kind: monthly, most: Some(1), until: None },
        ];
        let units = units_of(ACCOUNT, DOMAIN);
        let one = Figures { messages: 1, recipients: 6 };
        let sent = units.map(|unit| (unit, Sent::default().as_of(NOW).plus(one))).to_vec();
        let standing =
            SendingStanding { at: NOW, bounds: Bounds::new(&units, &limits, NOW).bounds, sent, frozen: None };
        let over = standing.passed_by(one).unwrap();
        assert_eq!((over.unit, over.used, over.most), (SendingUnit::Account(ACCOUNT), 1, 1));
        assert_eq!(over.retry_at, Period::Month.ends(NOW));
        let over = standing.passed_by(Figures { messages: 0, recipients: 5 }).unwrap();
        assert_eq!((over.unit, over.period), (SendingUnit::Server, Period::Day));
        assert_eq!(standing.passed_by(Figures { messages: 0, recipients: 4 }), None);
    }
}

//! Telling people by mail that there is little room left for theirs.

mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use posthouse_mime::DateTime;
use posthouse_mime::build::field::text_field;
use posthouse_model::{AccountId, Address, Language, ReversePath, UnixMillis};
use posthouse_storage::{AccountQuota, CommitObserver, MailboxChange, StorageError};
use tokio::sync::{Notify, watch};

use self::words::Words;
use crate::Flow;
use crate::own_mail::{OwnMail, Unreachable};

/// Most accounts that wait to be told; of others there is the line in the log only.
const MAX_WAITING: usize = 10_000;
/// Least time between two notices to an account, however often it passes the mark.
const PAUSE: Duration = Duration::from_secs(24 * 60 * 60);

/// Accounts that are to be told, as the store says.
#[derive(Default)]
struct Waiting {
    accounts: Mutex<BTreeSet<AccountId>>,
    wake: Notify,
}

impl CommitObserver for Waiting {
    fn committed(&self, _: &[MailboxChange]) {}

    fn nearly_full(&self, accounts: &[AccountId]) {
        {
            let mut waiting = self.accounts.lock();
            let room = MAX_WAITING.saturating_sub(waiting.len());
            waiting.extend(accounts.iter().copied().take(room));
        }
        self.wake.notify_one();
    }
}

/// Writes to accounts that come to use nearly all of their quota.
pub struct QuotaNotices {
    flow: Arc<Flow>,
    waiting: Arc<Waiting>,
    /// Who was told when, in the time of [`PAUSE`].
    told: BTreeMap<AccountId, UnixMillis>,
}

impl QuotaNotices {
    /// Listens to the store from now on.
    pub fn new(flow: Arc<Flow>) -> Self {
        let waiting = Arc::new(Waiting::default());
        flow.store.observe(Arc::clone(&waiting) as _);
        Self { flow, waiting, told: BTreeMap::new() }
    }

    /// Writes until it is over.
    pub async fn run(mut self, mut is_over: watch::Receiver<bool>) {
        loop {
            tokio::select! {
                () = self.waiting.wake.notified() => self.tell_all().await,
                changed = is_over.changed() => {
                    if changed.is_err() || *is_over.borrow() {
                        return;
                    }
                }
            }
        }
    }

    async fn tell_all(&mut self) {
        let waiting = std::mem::take(&mut *self.waiting.accounts.lock());
        let now = self.flow.environment.now();
        let pause = i64::try_from(PAUSE.as_millis()).unwrap_or(i64::MAX);
        self.told.retain(|_, told| now.0.saturating_sub(told.0) < pause);
        for account in waiting {
            if self.told.contains_key(&account) {
                continue;
            }
            match self.flow.tell_nearly_full(account, now).await {
                Ok(()) => drop(self.told.insert(account, now)),
                // It was removed meanwhile.
                Err(StorageError::NotFound(_)) => {}
                Err(error) => tracing::error!(%error, account = account.0, "an account cannot be told that it is full"),
            }
        }
    }
}

impl Flow {
    async fn tell_nearly_full(&self, account: AccountId, now: UnixMillis) -> Result<(), StorageError> {
        let Some(record) = self.store.account(account).await? else { return Ok(()) };
        let quota = self.store.account_quota(account).await?;
        let language = self.store.language_of(account).await?.unwrap_or(self.options.language);
        let host = self.options.host_name.as_str();
        let notice = Notice { to: &record.address, host, quota: &quota, language };
        let text = notice.write(now, self.environment.random());
        let fact = ("notice-about", "quota".to_owned());
        self.send_own(OwnMail {
            sender: ReversePath::Null,
            to: &record.address,
            text,
            fact,
            unreachable: Unreachable::Fail,
        })
        .await
    }
}

/// What is told.
struct Notice<'a> {
    to: &'a Address,
    host: &'a str,
    quota: &'a AccountQuota,
    language: Language,
}

impl Notice<'_> {
    fn write(&self, now: UnixMillis, chance: u64) -> String {
        let Self { to, host, language, .. } = self;
        let words = Words::of(*language);
        let subject = text_field("Subject", words.subject);
        let date = DateTime { unix_seconds: now.seconds(), offset_minutes: 0 }.to_rfc5322();
        let figures = self.figures(words);
        // RFC 3834 §5: nobody's program is to answer.
        format!(
            "From: Posthouse <MAILER-DAEMON@{host}>\r\nTo: <{to}>\r\n{subject}Date: {date}\r\n\
             Message-ID: <quota-{chance:016x}@{host}>\r\nAuto-Submitted: auto-generated\r\n\
             Content-Language: {}\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\
             Content-Transfer-Encoding: 8bit\r\n\r\n{}\r\n\r\n{figures}\r\n{}\r\n\r\n{}\r\n",
            language.tag(),
            words.nearly_full.replace("{address}", &to.to_string()),
            words.consequence,
            words.advice
        )
    }

    /// What is bounded, a line each.
    fn figures(&self, words: &Words) -> String {
        let (used, allowed) = (self.quota.used, self.quota.allowed);
        let line = |used: u64, most: u64, shown: [String; 2]| {
            let percent = u128::from(used) * 100 / u128::from(most.max(1));
            let [used, most] = shown;
            format!("    {used} / {most} ({percent} %)\r\n")
        };
        let size = allowed.size_bytes.map(|most| line(used.size_bytes, most, [size(used.size_bytes), size(most)]));
        let messages = allowed.messages.map(|most| {
            let all = format!("{most} {}", words.messages);
            line(used.messages, most, [used.messages.to_string(), all])
        });
        size.into_iter().chain(messages).collect()
    }
}

/// Octets as people read them, in powers of ten as the quota is set.
fn size(octets: u64) -> String {
    let units = [("TB", 1_000_000_000_000), ("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000)];
    match units.into_iter().find(|(_, unit)| octets >= *unit) {
        Some((name, unit)) => format!("{}.{} {name}", octets / unit, octets % unit / (unit / 10)),
        None => format!("{octets} B"),
    }
}

#[cfg(test)]
mod tests {
    use posthouse_storage::{AccountQuotaSettings, Languages, QuotaSetting, Quotas, Usage};

    use super::*;
    use crate::tests::house::{House, address};

    #[test]
    fn sizes_are_for_people() {
        for (octets, expected) in
            [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (1_999_999, "1.9 MB"), (2_000_000_000, "2.0 GB")]
        {
            assert_eq!(size(octets), expected);
        }
    }

    #[test]
    fn each_language_says_it() {
        let to = address("ann@ours.example");
        let mut quota = AccountQuota { used: Usage { size_bytes: 950, messages: 9 }, ..Default::default() };
        quota.allowed.size_bytes = Some(1000);
        quota.allowed.messages = Some(10);
        let mut subjects = BTreeSet::new();
        for language in Language::ALL {
            let text = Notice { to: &to, host: "mx.ours.example", quota: &quota, language }.write(UnixMillis(0), 7);
            assert!(text.contains("950 B / 1.0 kB (95 %)") && text.contains("9 / 10 "), "{text}");
            assert!(text.contains("(90 %)") && text.contains("ann@ours.example") && !text.contains('{'), "{text}");
            assert!(text.split("\r\n\r\n").next().unwrap().is_ascii(), "{text}");
            assert!(subjects.insert(Words::of(language).subject), "{language}");
        }
    }

    /// Once, however often the mark is passed in a day; and also where nothing else comes in any more.
    #[tokio::test(start_paused = true)]
    async fn an_account_is_told_once_a_day() {
        let house = House::open().await;
        let ann = house.ann().await.account();
        let settings = AccountQuotaSettings { messages: QuotaSetting::AtMost(0), ..Default::default() };
        house.store.set_account_quota(ann, settings).await.unwrap();
        house.store.set_account_language(ann, Some(Language::German)).await.unwrap();
        let mut notices = QuotaNotices::new(Arc::clone(&house.flow));
        for _ in 0..2 {
            notices.waiting.nearly_full(&[ann, AccountId(u64::MAX >> 1)]);
            notices.tell_all().await;
        }
        let inbox = house.inbox("ann").await;
        assert_eq!(inbox.len(), 1);
        assert!(
            inbox[0].contains("Content-Language: de") && inbox[0].contains("Postfach ann@ours.example"),
            "{inbox:?}"
        );
        tokio::time::advance(PAUSE).await;
        notices.waiting.nearly_full(&[ann]);
        notices.tell_all().await;
        assert_eq!(house.inbox("ann").await.len(), 2);
    }
}

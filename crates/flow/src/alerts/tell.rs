//! Alerts reach the postmaster, and the store.
//!
//! One letter carries all that there is to tell. The next one waits for a while, and carries what has come together
//! until then: whatever happens, there are only so many letters an hour, and none of it is left out.

use std::fmt::Write;
use std::time::Duration;

use posthouse_mime::DateTime;
use posthouse_model::{Address, ReversePath, UnixMillis};
use posthouse_storage::StorageError;
use tokio::sync::watch;

use super::book::SETTING;
use super::{Alert, News};
use crate::Flow;
use crate::own_mail::{OwnMail, Unreachable};

/// How often it is looked whether an alert is over.
const ROUND: Duration = Duration::from_secs(30);

/// How long after the start the first letter waits: what a start brings comes together in it.
const SETTLING: Duration = Duration::from_secs(30);

/// Whether alerts are mailed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlertMail {
    /// Whether the postmaster gets letters.
    pub is_sent: bool,
    /// How long there is no other letter after one.
    pub pause: Duration,
}

impl Default for AlertMail {
    fn default() -> Self {
        Self { is_sent: true, pause: Duration::from_secs(10 * 60) }
    }
}

impl Flow {
    /// Tells of alerts, until `is_over` becomes true.
    pub async fn run_alerts(&self, mut is_over: watch::Receiver<bool>) {
        let mut next_letter = self.environment.now() + SETTLING;
        loop {
            self.tell_alerts(&mut next_letter).await;
            let ends = tokio::select! {
                () = self.alerts.changed.notified() => false,
                () = tokio::time::sleep(ROUND) => false,
                _ = is_over.wait_for(|is_over| *is_over) => true,
            };
            if ends {
                // Whatever there is to tell, the next process will not know that it was not told.
                next_letter = UnixMillis(i64::MIN);
                return self.tell_alerts(&mut next_letter).await;
            }
        }
    }

    /// Takes up the alerts of the process before, so that none is told twice.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn take_up_alerts(&self) -> Result<(), StorageError> {
        if let Some(kept) = self.store.setting(SETTING).await? {
            self.alerts.take_up(&kept);
        }
        Ok(())
    }

    async fn tell_alerts(&self, next_letter: &mut UnixMillis) {
        self.alerts.settle();
        self.keep_alerts().await;
        let AlertMail { is_sent, pause } = self.options.alert_mail;
        let Some(to) = self.options.postmaster.as_ref().filter(|_| is_sent) else {
            self.alerts.state.lock().news.clear();
            return;
        };
        let now = self.environment.now();
        // A clock that was set back is no reason to wait until it is as late as it was.
        if now < *next_letter && now + pause.max(SETTLING) >= *next_letter {
            return;
        }
        let news: Vec<News> = self.alerts.state.lock().news.drain(..).collect();
        if news.is_empty() {
            return;
        }
        let fact = ("alerts", news.len().to_string());
        let letter = OwnMail {
            sender: ReversePath::Null,
            to,
            text: self.alert_letter(to, &news, now),
            fact,
            unreachable: Unreachable::Fail,
        };
        match self.send_own(letter).await {
            Ok(()) => *next_letter = now + pause,
            Err(error) => {
                tracing::error!(%error, %to, "a letter about alerts cannot be sent now");
                let mut state = self.alerts.state.lock();
                news.into_iter().rev().for_each(|one| state.news.push_front(one));
            }
        }
    }

    async fn keep_alerts(&self) {
        let Some(book) = self.alerts.unwritten() else { return };
        if let Err(error) = self.store.put_setting(SETTING, book).await {
            tracing::error!(%error, "alerts cannot be stored now");
            self.alerts.was_not_written();
        }
    }

    fn alert_letter(&self, to: &Address, news: &[News], now: UnixMillis) -> String {
        let host = &self.options.host_name;
        let date = DateTime { unix_seconds: now.seconds(), offset_minutes: 0 }.to_rfc5322();
        let chance = self.environment.random();
        let subject = match news {
            [one] => format!(
                "[{host}] {}: {}",
                if one.is_end { "over" } else { one.alert.kind.severity.name() },
                title(&one.alert)
            ),
            _ => format!("[{host}] {} alerts", news.len()),
        };
        // RFC 3834 §5: nobody's program is to answer.
        let mut text = format!(
            "From: Posthouse <MAILER-DAEMON@{host}>\r\nTo: <{to}>\r\nSubject: {subject}\r\nDate: {date}\r\n\
             Message-ID: <alert-{chance:016x}@{host}>\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n\
             Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
        );
        for one in news {
            write_news(&mut text, one);
        }
        text.push_str("All there are: posthouse alerts\r\n");
        text
    }
}

/// What an alert is called in a letter.
fn title(alert: &Alert) -> String {
    // Of others' texts only what is plain goes into a header field.
    let subject: String = alert.subject.chars().filter(char::is_ascii_graphic).collect();
    match subject.is_empty() {
        true => alert.kind.name.to_owned(),
        false => format!("{} ({subject})", alert.kind.name),
    }
}

fn write_news(text: &mut String, news: &News) {
    let News { alert, is_end } = news;
    let at = |time: UnixMillis| DateTime { unix_seconds: time.seconds(), offset_minutes: 0 }.to_rfc5322();
    let about = match alert.subject.as_str() {
        "" => String::new(),
        subject => format!(": {subject}"),
    };
    // Writing to a String does not fail.
    let _ = match (is_end, alert.ended_at) {
        (true, Some(ended_at)) => write!(
            text,
            "OVER {}{about}\r\n    since {}, until {}\r\n    last seen: {}\r\n\r\n",
            alert.kind.name,
            at(alert.raised_at),
            at(ended_at),
            alert.evidence
        ),
        _ => write!(
            text,
            "{} {}{about}\r\n    {}\r\n    since {}\r\n    evidence: {}\r\n    what to do: {}\r\n\r\n",
            alert.kind.severity.name().to_uppercase(),
            alert.kind.name,
            alert.kind.meaning,
            at(alert.raised_at),
            alert.evidence,
            alert.kind.advice
        ),
    };
}

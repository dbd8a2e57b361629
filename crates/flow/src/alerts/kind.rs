//! What there can be alerts about. A new condition is a constant here, with its line in [`ALL`].

use std::time::Duration;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Somebody should look into it in the next days.
    Warning,
    /// Mail does not flow, or soon will not: somebody must act now.
    Critical,
}

impl Severity {
    /// The word under which it is printed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// When an alert ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// When it has been cleared for so long without being raised again.
    Cleared(Duration),
    /// When it was not raised again for so long: nobody clears it.
    Quiet(Duration),
}

/// What an alert is about.
#[derive(Debug, PartialEq, Eq)]
pub struct AlertKind {
    /// Its name in log, figures and on the command line: lower case, with hyphens.
    pub name: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// When it ends.
    pub ending: Ending,
    /// Whether the postmaster gets mail about it. Not where another letter says it better.
    pub is_mailed: bool,
    /// What it means, in one sentence.
    pub meaning: &'static str,
    /// What to do about it.
    pub advice: &'static str,
}

const fn minutes(count: u64) -> Duration {
    Duration::from_secs(count * 60)
}

/// An account was frozen because of what it sent. About the account.
pub const ACCOUNT_FROZEN: AlertKind = AlertKind {
    name: "account-frozen",
    severity: Severity::Warning,
    ending: Ending::Cleared(Duration::ZERO),
    // A letter of its own tells of it, with the evidence.
    is_mailed: false,
    meaning: "An account may not send any more, because of what it sent.",
    advice: "`posthouse account frozen` shows why; `posthouse account release ADDRESS` lets it go on, and `--drop` drops \
             what is held.",
};

/// A certificate that the server shows ends soon. About its first name.
pub const CERTIFICATE_ENDS: AlertKind = AlertKind {
    name: "certificate-ends",
    severity: Severity::Warning,
    ending: Ending::Cleared(Duration::ZERO),
    is_mailed: true,
    meaning: "A certificate that the server shows ends soon: its renewal failed, or is forgotten.",
    advice: "Renew it, then run `posthouse reload`.",
};

/// A certificate that the server shows has ended. About its first name.
pub const CERTIFICATE_ENDED: AlertKind = AlertKind {
    name: "certificate-ended",
    severity: Severity::Critical,
    ending: Ending::Cleared(Duration::ZERO),
    is_mailed: true,
    meaning: "A certificate that the server shows has ended: mail programs refuse to talk to it.",
    advice: "Renew it now, then run `posthouse reload`.",
};

/// Certificate files could not be read again.
pub const CERTIFICATE_UNREADABLE: AlertKind = AlertKind {
    name: "certificate-unreadable",
    severity: Severity::Warning,
    ending: Ending::Cleared(Duration::ZERO),
    is_mailed: true,
    meaning: "The certificate files cannot be used; the server goes on with those it read before.",
    advice: "Mend the files, then run `posthouse reload`.",
};

/// The system's clock was set.
pub const CLOCK_JUMPED: AlertKind = AlertKind {
    name: "clock-jumped",
    severity: Severity::Warning,
    ending: Ending::Quiet(minutes(60)),
    is_mailed: true,
    meaning: "The clock of this host was set by more than a little: dates, waits and signatures depend on it.",
    advice: "See that time is kept by NTP (`timedatectl status`), and what else sets it.",
};

/// A disk has little room. About the directory.
pub const DISK_LOW: AlertKind = AlertKind {
    name: "disk-low",
    severity: Severity::Critical,
    ending: Ending::Cleared(minutes(5)),
    is_mailed: true,
    meaning: "The disk that holds the mail is nearly full. When it is, no mail is taken (it is put off, not lost).",
    advice: "Make room, or enlarge the disk. `posthouse domain quota` and `posthouse retention` bound what is kept.",
};

/// A listener cannot accept connections. About the listener.
pub const LISTENER_FAILS: AlertKind = AlertKind {
    name: "listener-fails",
    severity: Severity::Critical,
    ending: Ending::Quiet(minutes(10)),
    is_mailed: true,
    meaning: "The system does not let a listener accept connections.",
    advice: "Where it says too many open files: raise LimitNOFILE of the service, and see who holds connections.",
};

/// The queue has become long in a short time.
pub const QUEUE_GROWS: AlertKind = AlertKind {
    name: "queue-grows",
    severity: Severity::Warning,
    ending: Ending::Cleared(minutes(15)),
    is_mailed: true,
    meaning: "Much more mail came into the queue in the last hour than left it.",
    advice: "`posthouse queue summary` says for where it is and why it waits; `posthouse account frozen` and \
             `posthouse limit` say who sends.",
};

/// The queue is long.
pub const QUEUE_LONG: AlertKind = AlertKind {
    name: "queue-long",
    severity: Severity::Warning,
    ending: Ending::Cleared(minutes(15)),
    is_mailed: true,
    meaning: "Very much mail is waiting to leave.",
    advice: "`posthouse queue summary` says for where it is and why it waits.",
};

/// Something in the queue is old.
pub const QUEUE_OLD: AlertKind = AlertKind {
    name: "queue-old",
    severity: Severity::Warning,
    ending: Ending::Cleared(Duration::ZERO),
    is_mailed: true,
    meaning: "Mail has been waiting to leave for very long.",
    advice: "`posthouse queue list` shows it, the oldest first, and why it waits; what is held there is not counted.",
};

/// DNS does not answer.
pub const RESOLVER_FAILS: AlertKind = AlertKind {
    name: "resolver-fails",
    severity: Severity::Critical,
    ending: Ending::Cleared(minutes(5)),
    is_mailed: true,
    meaning: "Most questions to DNS go unanswered: mail for others waits.",
    advice: "Try the server that /etc/resolv.conf, or `[resolver] servers`, names: `dig @SERVER example.org MX`.",
};

/// The store does not take writes.
pub const STORE_FAILS: AlertKind = AlertKind {
    name: "store-fails",
    severity: Severity::Critical,
    ending: Ending::Cleared(minutes(1)),
    is_mailed: true,
    meaning: "The store cannot be written: no mail is taken (it is put off, not lost).",
    advice: "See whether the disk is full, mounted read-only or failing (`dmesg`); then `posthouse verify`.",
};

/// Others report that more of their TLS sessions with our hosts fail than did. About the domain.
pub const TLS_FAILURES_REPORTED: AlertKind = AlertKind {
    name: "tls-failures-reported",
    severity: Severity::Critical,
    // Reports come once a day: with none for two days nobody knows any more.
    ending: Ending::Quiet(minutes(2 * 24 * 60)),
    is_mailed: true,
    meaning: "Other servers report that more of their TLS sessions with the domain's hosts fail than did: their mail waits.",
    advice: "`posthouse tls-reports summary --domain DOMAIN` shows what failed, who saw it, and what to look at.",
};

/// A domain's hosts no longer prove who they are. About the domain.
pub const TLS_FLOOR_LOST: AlertKind = AlertKind {
    name: "tls-floor-lost",
    severity: Severity::Warning,
    ending: Ending::Quiet(minutes(24 * 60)),
    is_mailed: true,
    meaning: "The hosts of a domain, which have always proven who they are, do not any more: somebody may be between.",
    advice: "`posthouse probe DOMAIN` shows what they offer now; `posthouse trail ADDRESS` how mail went before.",
};

/// All of them, by name.
pub const ALL: [&AlertKind; 14] = [
    &ACCOUNT_FROZEN,
    &CERTIFICATE_ENDED,
    &CERTIFICATE_ENDS,
    &CERTIFICATE_UNREADABLE,
    &CLOCK_JUMPED,
    &DISK_LOW,
    &LISTENER_FAILS,
    &QUEUE_GROWS,
    &QUEUE_LONG,
    &QUEUE_OLD,
    &RESOLVER_FAILS,
    &STORE_FAILS,
    &TLS_FAILURES_REPORTED,
    &TLS_FLOOR_LOST,
];

impl AlertKind {
    /// The one of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        ALL.into_iter().find(|kind| kind.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_sorted_and_plain() {
        assert!(ALL.is_sorted_by(|one, next| one.name < next.name));
        for kind in ALL {
            assert!(kind.name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{}", kind.name);
            assert_eq!(AlertKind::named(kind.name), Some(kind));
        }
    }
}

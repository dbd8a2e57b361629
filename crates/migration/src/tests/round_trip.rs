//! An account that goes out and comes back is the same account.

use std::path::Path;

use bytes::Bytes;
use posthouse_model::{MailboxName, UnixMillis};
use proptest::collection::{btree_map, btree_set, vec};
use proptest::prelude::*;

use super::memory::{Account, Kept};
use super::{flags, moved};
use crate::maildir::{Layout, LayoutChoice, MaildirSource, MaildirTarget};
use crate::mbox::{Form, MboxSource, MboxTarget};

const KEYWORDS: [&str; 6] = ["$Forwarded", "$Junk", "NonJunk", "a.b", "x-1", "Z"];

fn names() -> impl Strategy<Value = MailboxName> {
    let level = prop_oneof![
        "[a-zA-Z0-9 ._&~^-]{1,8}",
        "\\PC{1,6}",
        prop::sample::select(vec![
            "INBOX",
            "cur",
            "new",
            "tmp",
            "..",
            ".",
            ".hidden",
            "x.sbd",
            "x.mbox",
            "dovecot-keywords",
            "subscriptions"
        ])
        .prop_map(str::to_owned),
    ];
    let parsed = |levels: Vec<String>| MailboxName::parse(&levels.join("/")).ok();
    // Those of others are not one's own to give.
    vec(level, 1..4)
        .prop_filter_map("no name", parsed)
        .prop_filter("of others", |name| !name.is_of_others() && name.as_str() != "Users" && name.as_str() != "Shared")
}

fn messages() -> impl Strategy<Value = Kept> {
    let line = prop_oneof![
        "[ -~]{0,20}",
        Just("From me to you".to_owned()),
        Just(">>From x".to_owned()),
        "[a\r\t\u{0}ü]{0,5}"
    ];
    let header = vec(
        prop::sample::select(vec!["Subject: x", "To: a@b.example", "X-Long: a", " folded", "Content-Length: 3"]),
        0..4,
    );
    let octets = (header, vec(line, 0..6)).prop_map(|(header, body)| {
        let mut text = String::from("A: b\r\n");
        header.iter().for_each(|line| text.push_str(&format!("{line}\r\n")));
        text.push_str("\r\n");
        body.iter().for_each(|line| text.push_str(&format!("{line}\r\n")));
        Bytes::from(text)
    });
    let words = btree_set(prop::sample::select(KEYWORDS.to_vec()), 0..4);
    let system =
        btree_set(prop::sample::select(vec!["\\Seen", "\\Answered", "\\Flagged", "\\Deleted", "\\Draft"]), 0..4);
    let all = (words, system)
        .prop_map(|(words, system)| flags(&words.into_iter().chain(system).collect::<Vec<_>>().join(" ")));
    (40_000_000i64..1_700_000_000, 0i64..1000, all, octets)
        .prop_map(|(seconds, ms, flags, octets)| (UnixMillis(seconds * 1000 + ms), flags, octets))
}

fn accounts() -> impl Strategy<Value = Account> {
    (btree_map(names(), vec(messages(), 0..5), 0..6), btree_set(names(), 0..3), any::<u8>()).prop_map(
        |(mailboxes, mut subscribed, mask)| {
            let some = mailboxes.keys().enumerate().filter(|(at, _)| mask & (1 << at) != 0);
            subscribed.extend(some.map(|(_, name)| name.clone()));
            Account { mailboxes, subscribed, ..Account::default() }
        },
    )
}

/// Out twice, to see that the second adds nothing, and back twice likewise.
fn check_maildir(account: &Account, layout: Layout, read_as: LayoutChoice) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("Maildir");
    for round in 0..2 {
        let summary = moved(&mut account.clone(), &mut MaildirTarget::open(&path, layout).unwrap());
        assert!(summary.is_complete(), "{summary:?}");
        assert_eq!(if round == 0 { summary.known } else { summary.moved }, 0);
    }
    check_back(account, || MaildirSource::open(&path, read_as, None).unwrap());
}

fn check_back<S: crate::Source>(account: &Account, source: impl Fn() -> S) {
    let mut back = Account::default();
    for _ in 0..2 {
        let summary = moved(&mut source(), &mut back);
        assert!(summary.is_complete(), "{summary:?}");
        assert!(summary.notes.is_empty(), "{summary:?}");
    }
    assert_eq!(back.contents(), account.contents());
}

fn check_mbox(account: &Account) {
    let directory = tempfile::tempdir().unwrap();
    let path: &Path = directory.path();
    for round in 0..2 {
        let summary = moved(&mut account.clone(), &mut MboxTarget::open(path).unwrap());
        assert!(summary.is_complete(), "{summary:?}");
        assert_eq!(if round == 0 { summary.known } else { summary.moved }, 0);
    }
    // The line before a message knows of no milliseconds.
    let mut seconds = account.clone();
    for (at, ..) in seconds.mailboxes.values_mut().flatten() {
        *at = UnixMillis::from_seconds(at.seconds());
    }
    check_back(&seconds, || MboxSource::open(path, Form::Rd, None, None).unwrap());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_goes_to_a_maildir_comes_back(account in accounts()) {
        check_maildir(&account, Layout::SideBySide('.'), LayoutChoice::Given(Layout::SideBySide('.')));
    }

    #[test]
    fn what_goes_to_a_nested_maildir_comes_back(account in accounts()) {
        check_maildir(&account, Layout::Nested, LayoutChoice::AsItLooks);
    }

    #[test]
    fn another_separator_does_as_well(account in accounts()) {
        check_maildir(&account, Layout::SideBySide('^'), LayoutChoice::Given(Layout::SideBySide('^')));
    }

    #[test]
    fn what_goes_to_mbox_files_comes_back(account in accounts()) {
        check_mbox(&account);
    }
}

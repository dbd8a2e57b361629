use posthouse_testkit::transcript::check;

use crate::dialect::{Imap, enabled, logged_in, selected};

fn notified(imap: Imap) -> Imap {
    Imap { notified: true, ..imap }
}

/// What every NOTIFY SET asks; `watched` are the mailboxes of the second question.
fn set(arguments: &str, watched: &str) -> String {
    format!(
        "C: n NOTIFY SET {arguments}
        ? watch-account
        ! done
        ? list
        ! mailboxes INBOX:1:s Lists:2 Lists/a:3:s
        ? {}
        ! done
",
        format!("watch-account {watched}").trim_end()
    )
}

fn check_after(imap: Imap, arguments: &str, watched: &str, rest: &str) {
    check(&notified(imap), &format!("{}{rest}", set(arguments, watched)));
}

#[test]
fn the_status_of_each_is_told_at_first() {
    check_after(
        selected("10:11"),
        "STATUS (selected NONE) (subtree Lists (MessageNew MessageExpunge FlagChange)) (inboxes (MailboxName))",
        "2,3",
        r#"
        ? status Lists,Lists/a messages,uid_next,uid_validity,highest_modseq
        ! statuses messages=1 uid_next=2 modseq=5 ; refused NonExistent
        S: * STATUS "Lists" (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 7 HIGHESTMODSEQ 5)
        ? sync 100
        ! changes modseq=101 added=12
        S: * 3 EXISTS
        S: n OK You will hear of it
        "#,
    );
}

#[test]
fn other_mailboxes_are_told_by_status() {
    check_after(
        logged_in(),
        "(subtree Lists (MessageNew MessageExpunge FlagChange))",
        "2,3",
        r#"
        S: n OK You will hear of it
        EOF
        ? news
        ! news 2=m 3=f 9=m
        ? status Lists,Lists/a messages,uid_next,uid_validity,unseen
        ! statuses messages=2 uid_next=3 ; unseen=4
        S: * STATUS "Lists" (MESSAGES 2 UIDNEXT 3)
        S: * STATUS "Lists/a" (UIDVALIDITY 7 UNSEEN 4)
        EOF
        ? news
        ! news 1=m
        C: a NOOP
        S: a OK Nothing done
        "#,
    );
}

#[test]
fn with_condstore_the_sequence_is_told() {
    check_after(
        enabled("CONDSTORE"),
        "(mailboxes Lists (MessageNew MessageExpunge))",
        "2",
        r#"
        S: n OK You will hear of it
        EOF
        ? news
        ! news 2=mf
        ? status Lists messages,uid_next,highest_modseq
        ! statuses messages=2 uid_next=3 modseq=9
        S: * STATUS "Lists" (MESSAGES 2 UIDNEXT 3 HIGHESTMODSEQ 9)
        EOF
        ? news
        ! news 2=f
        "#,
    );
}

#[test]
fn the_selected_mailbox_is_told_at_once() {
    check_after(
        selected("10:11"),
        "(selected (MessageNew (UID FLAGS) MessageExpunge FlagChange)) (personal (MessageNew MessageExpunge))",
        "2,3,1",
        r"
        ? sync 100
        ! changes modseq=100
        S: n OK You will hear of it
        EOF
        ? news
        ! news 1=mf
        ? sync 100
        ! changes modseq=102 added=12:13 vanished=10 changed=11/\Seen/101
        S: * 1 EXPUNGE
        S: * 3 EXISTS
        S: * 1 FETCH (UID 11 FLAGS (\Seen))
        ? fetch 12:13 uid,flags
        ! row uid=12
        S: * 2 FETCH (UID 12 FLAGS ())
        ? more
        ! row uid=13
        S: * 3 FETCH (UID 13 FLAGS ())
        ? more
        ! fetched none
        C: a NOOP
        ? sync 102
        ! changes modseq=102
        S: a OK Nothing done
        ",
    );
}

#[test]
fn with_qresync_uids_vanish() {
    check_after(
        Imap { selected: Some("10:11"), ..enabled("QRESYNC") },
        "(selected (MessageNew MessageExpunge))",
        "1",
        r"
        ? sync 100
        ! changes modseq=100
        S: n OK You will hear of it
        EOF
        ? news
        ! news 1=mf
        ? sync 100
        ! changes modseq=102 vanished=10 changed=11/\Seen/101
        S: * VANISHED 10
        ",
    );
}

#[test]
fn delayed_means_that_numbers_stay_until_a_command() {
    check_after(
        selected("10:11"),
        "(selected-delayed (MessageNew MessageExpunge))",
        "1",
        r"
        ? sync 100
        ! changes modseq=100
        S: n OK You will hear of it
        EOF
        ? news
        ! news 1=m
        ? sync 100
        ! changes modseq=101 added=12 vanished=10
        S: * 3 EXISTS
        C: a NOOP
        ? sync 101
        ! changes modseq=101
        S: * 1 EXPUNGE
        S: a OK Nothing done
        C: b IDLE
        S: + idling
        ? watch true
        ! done
        ? sync 101
        ! changes modseq=101
        EOF
        ? news
        ! news 1=m
        ? sync 101
        ! changes modseq=102 vanished=11
        S: * 1 EXPUNGE
        C: DONE
        ? watch false
        ! done
        ? sync 102
        ! changes modseq=102
        S: b OK No longer idle
        ",
    );
}

#[test]
fn nothing_means_nothing_of_the_open_mailbox_either() {
    check(
        &notified(selected("10:11")),
        r"
        C: a NOTIFY NONE
        ? watch-account nothing
        ! done
        S: a OK You will hear of nothing
        C: b NOOP
        S: b OK Nothing done
        C: c IDLE
        S: + idling
        ? watch true
        ! done
        C: DONE
        ? watch false
        ! done
        S: c OK No longer idle
        C: d EXPUNGE
        ? expunge
        ! done
        ? sync 100
        ! changes modseq=101 vanished=10
        S: * 1 EXPUNGE
        S: d OK Removed
        ",
    );
}

#[test]
fn another_mailbox_is_watched_when_it_is_opened() {
    check_after(
        logged_in(),
        "(selected (MessageNew MessageExpunge)) (inboxes (MessageNew MessageExpunge))",
        "1",
        r#"
        S: n OK You will hear of it
        C: a EXAMINE INBOX
        ? examine INBOX
        ! selected 10:11 modseq=100 read-only
        S: * FLAGS (\Answered \Flagged \Deleted \Seen \Draft)
        S: * OK [PERMANENTFLAGS ()] The mailbox is open for reading only
        S: * 2 EXISTS
        S: * 0 RECENT
        S: * OK [UIDVALIDITY 7] UIDs are valid
        S: * OK [UIDNEXT 12] The next UID
        S: * OK [HIGHESTMODSEQ 100] The highest
        S: * OK [MAILBOXID (F1)] That is its id
        S: a OK [READ-ONLY] Open for reading only
        ? watch-account 1
        ! done
        ? sync 100
        ! changes modseq=101 added=12
        S: * 3 EXISTS
        EOF
        ? news
        ! news 1=m
        ? sync 101
        ! changes modseq=102 added=13
        S: * 4 EXISTS
        C: b UNSELECT
        ? unselect
        ! done
        S: b OK Closed
        ? watch-account 1
        ! done
        EOF
        ? news
        ! news 1=m
        ? status INBOX messages,uid_next
        ! statuses messages=4 uid_next=14
        S: * STATUS "INBOX" (MESSAGES 4 UIDNEXT 14)
        "#,
    );
}

#[test]
fn names_are_told_by_list() {
    check_after(
        logged_in(),
        "(personal (MailboxName SubscriptionChange)) (subtree Lists (MessageNew MessageExpunge))",
        "2,3",
        r#"
        S: n OK You will hear of it
        EOF
        ? news
        ! news names
        ? list
        ! mailboxes INBOX:1 Posts:2 Posts/a:3 Lists/a:-:s Lists/new:4:s
        S: * LIST (\HasNoChildren) "/" "INBOX"
        S: * LIST (\HasNoChildren \Subscribed) "/" "Lists/new"
        S: * LIST (\HasChildren) "/" "Posts" ("OLDNAME" ("Lists"))
        ? watch-account 4
        ! done
        ? status Lists/new messages,uid_next
        ! statuses messages=1 uid_next=2
        S: * STATUS "Lists/new" (MESSAGES 1 UIDNEXT 2)
        "#,
    );
}

#[test]
fn what_the_client_does_itself_it_is_not_told() {
    check_after(
        logged_in(),
        "(personal (MailboxName SubscriptionChange))",
        "",
        r#"
        S: n OK You will hear of it
        C: a CREATE Mine
        ? create Mine
        EOF
        ! created
        S* a OK
        ? news
        ! news names
        ? list
        ! mailboxes INBOX:1:s Lists:2 Lists/a:3:s Mine:4 Theirs:5
        S: * LIST (\HasNoChildren) "/" "Theirs"
        "#,
    );
}

#[test]
fn too_much_ends_it() {
    check_after(
        logged_in(),
        "(personal (MailboxName))",
        "",
        r"
        S: n OK You will hear of it
        EOF
        ? news
        ! news overflow
        ? watch-account nothing
        ! done
        S: * OK [NOTIFICATIONOVERFLOW] That was too much, you will hear of nothing more
        EOF
        C: a NOOP
        S: a OK Nothing done
        ",
    );
}

#[test]
fn what_cannot_be_is_refused() {
    check(
        &logged_in(),
        r"
        C: a NOTIFY SET (personal (MailboxName AnnotationChange))
        S: a NO [BADEVENT (MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange MailboxMetadataChange ServerMetadataChange)] There is an event that is not known
        C: b NOTIFY SET (personal (MessageNew))
        S: b BAD MessageNew and MessageExpunge go together, and FlagChange with both
        C: c NOTIFY
        S* c BAD
        C: d NOTIFY SOME
        S* d BAD
        C: e NOTIFY NONE (x)
        S* e BAD
        C: f NOTIFY SET STATUS
        S* f BAD
        C: g NOTIFY SET (personal (MailboxName))
        ? watch-account
        ! refused Unavailable
        S* g NO [UNAVAILABLE]
        ",
    );
}

#[test]
fn not_before_login() {
    check(
        &crate::dialect::fresh(posthouse_model::session::TlsMode::None),
        r"
        S* * OK [CAPABILITY
        C: a NOTIFY NONE
        S* a BAD Log in first
        ",
    );
}

/// RFC 5465 §5.2, RFC 5267 §4.3: a result that is kept up to date is so without a command, too.
#[test]
fn results_are_kept_up_to_date_without_a_command() {
    for (uid, correlated, numbers) in [("", "", "3"), ("UID ", " UID", "12")] {
        let rest = r#"
        ? sync 100
        ! changes modseq=100
        S: n OK You will hear of it
        C: a {uid}SEARCH RETURN (UPDATE) UNSEEN
        ? search Not(Flag(Seen)) all
        ! found 10
        S: * ESEARCH (TAG "a"){u}
        ? sync 100
        ! changes modseq=100
        S: a OK Searched
        EOF
        ? news
        ! news 1=m
        ? sync 100
        ! changes modseq=101 added=12
        S: * 3 EXISTS
        ? search And([Uids(UidSet { ranges: [(12, 12)] }), Not(Flag(Seen))]) all
        ! found 12
        S: * ESEARCH (TAG "a"){u} ADDTO (0 {n})
        EOF
        ? news
        ! news 1=m
        ? sync 101
        ! changes modseq=102 vanished=12
        S: * ESEARCH (TAG "a"){u} REMOVEFROM (0 {n})
        S: * 3 EXPUNGE
        "#;
        let rest = rest.replace("{uid}", uid).replace("{u}", correlated).replace("{n}", numbers);
        check_after(selected("10:11"), "(selected (MessageNew MessageExpunge FlagChange))", "1", &rest);
    }
}

/// What turned out to be nothing to tell does not keep the rest back.
#[test]
fn a_message_that_came_and_went_does_not_end_the_news() {
    check_after(
        selected("10:11"),
        "(selected (MessageNew (UID) MessageExpunge)) (subtree Lists (MessageNew MessageExpunge))",
        "2,3,1",
        r#"
        ? sync 100
        ! changes modseq=100
        S: n OK You will hear of it
        EOF
        ? news
        ! news 1=m 2=f 3=m
        ? status Lists/a messages,uid_next
        ! statuses messages=2 uid_next=3
        S: * STATUS "Lists/a" (MESSAGES 2 UIDNEXT 3)
        ? sync 100
        ! changes modseq=101
        EOF
        ? news
        ! news 2=f
        "#,
    );
}

/// RFC 5465 §5.6, §5.7: names of annotations only, and only of what the client asked for and may see.
#[test]
fn annotations_that_others_change_are_told() {
    check_after(
        logged_in(),
        "(subtree Lists (MailboxMetadataChange)) (mailboxes Lists/a NONE) (inboxes (ServerMetadataChange MailboxName))",
        "annotations 2 server",
        r#"
        S: n OK You will hear of it
        EOF
        ? news
        ! news server@/shared/comment 2@/private/comment 2@/shared/vendor/x 3@/shared/comment 1@/shared/comment 9@/shared/a
        S: * METADATA "" /shared/comment
        S: * METADATA "Lists" /private/comment /shared/vendor/x
        C: a SETMETADATA Lists (/private/comment "mine")
        ? annotate Lists /private/comment=Some(b"mine")
        EOF
        ! done
        S: a OK Annotated
        ? news
        ! news 2@/shared/comment
        S: * METADATA "Lists" /shared/comment
        C: b IDLE
        S: + idling
        EOF
        ? news
        ! news 2@/private/vendor/a
        S: * METADATA "Lists" /private/vendor/a
        C: DONE
        S: b OK No longer idle
        "#,
    );
}

/// The open mailbox, too: what is not about messages does not depend on SELECTED (RFC 5465 §3.1).
#[test]
fn annotations_of_the_open_mailbox_are_told_between_its_news() {
    check_after(
        Imap { selected: Some("10:11"), ..enabled("QRESYNC") },
        "(selected-delayed (MessageNew MessageExpunge)) (inboxes (MailboxMetadataChange))",
        "1 annotations 1",
        r#"
        ? sync 100
        ! changes modseq=100
        S: n OK You will hear of it
        EOF
        ? news
        ! news 1=m 1@/shared/comment
        S: * METADATA "INBOX" /shared/comment
        ? sync 100
        ! changes modseq=101 vanished=10
        C: a NOOP
        ? sync 101
        ! changes modseq=101
        S: * VANISHED 10
        S: a OK [HIGHESTMODSEQ 101] Nothing done
        "#,
    );
}

/// RFC 5465 §3.1, §5.9: who may see a mailbox and not look into it is told so, and it is not watched.
#[test]
fn what_may_not_be_looked_into_is_said() {
    check(
        &notified(logged_in()),
        r#"
        C: n NOTIFY SET (subtree Users (MessageNew MessageExpunge MailboxMetadataChange))
        ? watch-account
        ! done
        ? list
        ! mailboxes INBOX:1 Users/ann@x.example/Open:2 Users/ann@x.example/Shut:3:n
        ? watch-account 2 annotations 2 names 2,3
        ! done
        S: * LIST (\Noselect \NoAccess \HasNoChildren) "/" "Users/ann@x.example/Shut"
        S: n OK You will hear of it
        EOF
        ? news
        ! news names 2=m 2@/shared/comment
        ? list
        ! mailboxes INBOX:1 Users/ann@x.example/Open:2:n Users/ann@x.example/Shut:3
        S: * LIST (\Noselect \NoAccess \HasNoChildren) "/" "Users/ann@x.example/Open"
        S: * LIST (\HasNoChildren) "/" "Users/ann@x.example/Shut"
        ? watch-account 3 annotations 3 names 2,3
        ! done
        ? status Users/ann@x.example/Shut messages,uid_next
        ! statuses messages=1 uid_next=2
        S: * STATUS "Users/ann@x.example/Shut" (MESSAGES 1 UIDNEXT 2)
        EOF
        ? news
        ! news names
        ? list
        ! mailboxes INBOX:1 Users/ann@x.example/Open:2
        S: * LIST (\HasNoChildren) "/" "Users/ann@x.example/Open"
        S: * LIST (\NonExistent \NoAccess \HasNoChildren) "/" "Users/ann@x.example/Shut"
        ? watch-account 2 annotations 2 names 2
        ! done
        ? status Users/ann@x.example/Open messages,uid_next
        ! statuses messages=1 uid_next=2
        S: * STATUS "Users/ann@x.example/Open" (MESSAGES 1 UIDNEXT 2)
        EOF
        ? news
        ! news names
        ? list
        ! mailboxes INBOX:1 Users/ann@x.example/Open:2 Users/ann@x.example/Shut:3
        S: * LIST (\HasNoChildren) "/" "Users/ann@x.example/Shut"
        ? watch-account 2,3 annotations 2,3 names 2,3
        ! done
        ? status Users/ann@x.example/Shut messages,uid_next
        ! statuses messages=1 uid_next=2
        S: * STATUS "Users/ann@x.example/Shut" (MESSAGES 1 UIDNEXT 2)
        "#,
    );
}

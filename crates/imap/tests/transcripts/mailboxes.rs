use posthouse_testkit::transcript::check;

use crate::dialect::{enabled, logged_in, selected};

const MAILBOXES: &str =
    "! mailboxes INBOX:1:s Sent:2:s:Sent Work:3 Work/Plans:4:s Work/Old/2020:5 Gone:-:s Lost/Deep:-:s";

#[track_caller]
fn check_list(command: &str, lines: &[&str]) {
    let lines: String = lines.iter().map(|line| format!("S: {line}\n")).collect();
    check(&logged_in(), &format!("C: a {command}\n? list\n{MAILBOXES}\n{lines}S: a OK Listed"));
}

#[test]
fn patterns_and_children() {
    check_list(
        r#"LIST "" "*""#,
        &[
            r#"* LIST (\HasNoChildren) "/" "INBOX""#,
            r#"* LIST (\HasNoChildren \Sent) "/" "Sent""#,
            r#"* LIST (\HasChildren) "/" "Work""#,
            r#"* LIST (\NonExistent \Noselect \HasChildren) "/" "Work/Old""#,
            r#"* LIST (\HasNoChildren) "/" "Work/Old/2020""#,
            r#"* LIST (\HasNoChildren) "/" "Work/Plans""#,
        ],
    );
    check_list(
        r#"LIST "" %"#,
        &[
            r#"* LIST (\HasNoChildren) "/" "INBOX""#,
            r#"* LIST (\HasNoChildren \Sent) "/" "Sent""#,
            r#"* LIST (\HasChildren) "/" "Work""#,
        ],
    );
    check_list(
        r"LIST Work/ %",
        &[
            r#"* LIST (\NonExistent \Noselect \HasChildren) "/" "Work/Old""#,
            r#"* LIST (\HasNoChildren) "/" "Work/Plans""#,
        ],
    );
    check_list(r#"LIST "" inbox"#, &[r#"* LIST (\HasNoChildren) "/" "INBOX""#]);
    check_list(r#"LIST "" nothing"#, &[]);
}

#[test]
fn selections() {
    check_list(
        r#"LIST (SUBSCRIBED) "" "*""#,
        &[
            r#"* LIST (\NonExistent \HasNoChildren \Subscribed) "/" "Gone""#,
            r#"* LIST (\HasNoChildren \Subscribed) "/" "INBOX""#,
            r#"* LIST (\NonExistent \HasNoChildren \Subscribed) "/" "Lost/Deep""#,
            r#"* LIST (\HasNoChildren \Subscribed \Sent) "/" "Sent""#,
            r#"* LIST (\HasNoChildren \Subscribed) "/" "Work/Plans""#,
        ],
    );
    check_list(
        r#"LIST (REMOTE SUBSCRIBED RECURSIVEMATCH) "" %"#,
        &[
            r#"* LIST (\NonExistent \HasNoChildren \Subscribed) "/" "Gone""#,
            r#"* LIST (\HasNoChildren \Subscribed) "/" "INBOX""#,
            r#"* LIST (\NonExistent \HasNoChildren) "/" "Lost" ("CHILDINFO" ("SUBSCRIBED"))"#,
            r#"* LIST (\HasNoChildren \Subscribed \Sent) "/" "Sent""#,
            r#"* LIST (\HasChildren) "/" "Work" ("CHILDINFO" ("SUBSCRIBED"))"#,
        ],
    );
    check_list(r#"LIST (SPECIAL-USE) "" "*""#, &[r#"* LIST (\HasNoChildren \Sent) "/" "Sent""#]);
    check_list(
        r#"LIST "" ("INBOX" Work/%) RETURN (SUBSCRIBED CHILDREN SPECIAL-USE)"#,
        &[
            r#"* LIST (\HasNoChildren \Subscribed) "/" "INBOX""#,
            r#"* LIST (\NonExistent \HasChildren) "/" "Work/Old""#,
            r#"* LIST (\HasNoChildren \Subscribed) "/" "Work/Plans""#,
        ],
    );
    check_list(
        r#"LSUB "" *"#,
        &[
            r#"* LSUB () "/" "Gone""#,
            r#"* LSUB () "/" "INBOX""#,
            r#"* LSUB () "/" "Lost/Deep""#,
            r#"* LSUB () "/" "Sent""#,
            r#"* LSUB () "/" "Work/Plans""#,
        ],
    );
    check_list(
        r#"LSUB "" %"#,
        &[
            r#"* LSUB () "/" "Gone""#,
            r#"* LSUB () "/" "INBOX""#,
            r#"* LSUB (\Noselect) "/" "Lost""#,
            r#"* LSUB () "/" "Sent""#,
            r#"* LSUB (\Noselect) "/" "Work""#,
        ],
    );
}

#[test]
fn figures_come_with_a_list() {
    check(
        &logged_in(),
        r#"
        C: a LIST "" % RETURN (STATUS (MESSAGES UNSEEN))
        ? list
        ! mailboxes INBOX:1 Sent:2 Group:3:n
        S: * LIST (\Noselect \HasNoChildren) "/" "Group"
        S: * LIST (\HasNoChildren) "/" "INBOX"
        S: * LIST (\HasNoChildren) "/" "Sent"
        ? status INBOX,Sent messages,unseen
        ! statuses messages=5 unseen=2 ; refused NoPermission
        S: * STATUS "INBOX" (MESSAGES 5 UNSEEN 2)
        S: a OK Listed
        "#,
    );
}

#[test]
fn the_delimiter_and_what_is_wrong() {
    check(
        &logged_in(),
        r#"
        C: a LIST "" ""
        S: * LIST (\Noselect) "/" ""
        S: a OK That is the delimiter
        C: b LIST (RECURSIVEMATCH) "" *
        S: b BAD Expected something for RECURSIVEMATCH to match
        C: c LIST (FOO) "" *
        S: c BAD Expected a known option of LIST
        C: d LIST "" * RETURN (FOO)
        S: d BAD Expected a known RETURN option
        C: e LIST "" &
        ? list
        ! mailboxes Here
        S: e OK Listed
        C: f LIST ""
        S: f BAD Expected a space
        "#,
    );
}

#[test]
fn names_are_written_as_the_client_reads_them() {
    check(
        &logged_in(),
        r#"
        C: a LIST "" "Entw&APw-*"
        ? list
        ! mailboxes Entwürfe/"&\:1
        S> * LIST (\\NonExistent \\Noselect \\HasChildren) "/" "Entw&APw-rfe"\r\n
        S> * LIST (\\HasNoChildren) "/" "Entw&APw-rfe/\\"&-\\\\"\r\n
        S: a OK Listed
        C: b CREATE Entw&APw-rfe
        ? create Entwürfe
        ! created
        S: b OK [MAILBOXID (F5)] Created
        C: c CREATE "Entwürfe"
        S: c NO [CANNOT] That cannot be the name of a mailbox
        "#,
    );
    check(
        &enabled("UTF8=ACCEPT"),
        r#"
        C: a LIST "" "Entwürf%"
        ? list
        ! mailboxes Entwürfe:1
        S: * LIST (\HasNoChildren) "/" "Entwürfe"
        S: a OK Listed
        C: b DELETE Entw&APw-rfe
        ? delete Entw&APw-rfe
        ! refused NonExistent
        S: b NO [NONEXISTENT] There is no such mailbox
        "#,
    );
}

#[test]
fn mailboxes_come_and_go() {
    check(
        &logged_in(),
        r"
        C: a CREATE Work/
        ? create Work
        ! refused AlreadyExists
        S: a NO [ALREADYEXISTS] There is such a mailbox already
        C: b CREATE inbox
        S: b NO [ALREADYEXISTS] There is such a mailbox already
        C: c DELETE INBOX
        S: c NO [CANNOT] That cannot be done with this mailbox
        C: d DELETE Work
        ? delete Work
        ! refused HasChildren
        S: d NO [HASCHILDREN] There are mailboxes below it
        C: e RENAME Work Play
        ? rename Work Play
        ! done
        S: e OK Renamed
        C: f RENAME Work Work/Sub
        S: f NO [CANNOT] That cannot be done with this mailbox
        C: g RENAME INBOX Archive
        ? rename INBOX Archive
        ! done
        S: g OK Renamed
        C: h RENAME Work INBOX
        S: h NO [ALREADYEXISTS] There is such a mailbox already
        C: i SUBSCRIBE Work
        ? subscribe Work
        ! done
        S: i OK Subscribed
        C: j UNSUBSCRIBE Work
        ? unsubscribe Work
        ! done
        S: j OK Unsubscribed
        C: k CREATE ../../etc/passwd
        ? create ../../etc/passwd
        ! created
        S: k OK [MAILBOXID (F5)] Created
        ",
    );
}

#[test]
fn figures_of_a_mailbox() {
    check(
        &logged_in(),
        r#"
        C: a STATUS "A B" (MESSAGES RECENT UIDNEXT UIDVALIDITY UNSEEN DELETED SIZE HIGHESTMODSEQ APPENDLIMIT)
        ? status A B messages,recent,uid_next,uid_validity,unseen,deleted,size,highest_modseq,append_limit
        ! statuses messages=5 uid_next=9 unseen=2 deleted=1 size=5000000000 modseq=77
        S> * STATUS "A B" (MESSAGES 5 RECENT 0 UIDNEXT 9 UIDVALIDITY 7 UNSEEN 2 DELETED 1 SIZE 5000000000
        S:  HIGHESTMODSEQ 77 APPENDLIMIT 67108864)
        S: a OK Those are the figures
        C: b STATUS X (MESSAGES)
        ? status X messages
        ! statuses refused NonExistent
        S: b NO [NONEXISTENT] There is no such mailbox
        C: c STATUS X (FOO)
        S: c BAD Expected a known STATUS item
        C: d STATUS X ()
        S: d BAD Expected an atom
        "#,
    );
    check(
        &selected("1:2"),
        r#"
        C: a STATUS INBOX (UNSEEN)
        ? status INBOX unseen
        ! statuses unseen=1
        S: * STATUS "INBOX" (UNSEEN 1)
        ? sync 100
        ! changes modseq=101 added=3
        S: * 3 EXISTS
        S: a OK Those are the figures
        "#,
    );
}

//! ACL (RFC 4314), LIST-MYRIGHTS (RFC 8440), and mailboxes in which rights do not reach everywhere.

use posthouse_testkit::transcript::check;

use crate::dialect::{Imap, enabled, logged_in, selected};

fn check_command(command: &str, script: &str) {
    check(&logged_in(), &format!("C: a {command}\n{script}"));
}

#[test]
fn rights_are_set() {
    for (rights, question) in
        [("lrs", "Replace lrs"), ("\"\"", "Replace "), ("+te", "Add ted"), ("-d", "Remove ted"), ("+c", "Add kxc")]
    {
        let question = format!("set-acl Work bob@example.org {question}");
        check_command(
            &format!("SETACL Work bob@example.org {rights}"),
            &format!("? {}\n! done\nS: a OK Rights set", question.trim_end()),
        );
    }
    check_command("deleteacl INBOX -$Team", "? set-acl INBOX -$Team Replace\n! done\nS: a OK Rights deleted");
    check_command(
        "SETACL \"Work\" \"anyone\" l",
        "? set-acl Work anyone Replace l\n! refused NoPermission\nS: a NO [NOPERM] Not permitted",
    );
    check_command(
        "SETACL Work carl l",
        "? set-acl Work carl Replace l\n! refused UnknownIdentifier\nS: a NO There is no such account or group",
    );
    check_command(
        "SETACL Work \"\" l",
        "? set-acl Work  Replace l\n! refused BadIdentifier\nS: a BAD That cannot be an identifier",
    );
    check_command(
        "SETACL Hidden bob l",
        "? set-acl Hidden bob Replace l\n! refused NonExistent\nS: a NO [NONEXISTENT] There is no such mailbox",
    );
}

#[test]
fn what_is_no_right_is_bad() {
    for rights in ["lrQ", "q", "L", "l0", "++l", "+-l", "\"l r\""] {
        check_command(&format!("SETACL Work bob {rights}"), "S: a BAD Expected rights out of lrswipkxteacd");
    }
    check_command("SETACL Work bob", "S: a BAD Expected a space");
    check_command("SETACL Work bob l x", "S: a BAD Expected the end of the command");
    check_command("DELETEACL Work", "S: a BAD Expected a space");
    check_command("GETACL", "S: a BAD Expected a space");
    check_command("GETACL a b", "S: a BAD Expected the end of the command");
    check_command("MYRIGHTS a b", "S: a BAD Expected the end of the command");
    check_command("LISTRIGHTS a", "S: a BAD Expected a space");
    check_command("GETACL \"a*\"", "S: a NO [CANNOT] That cannot be the name of a mailbox");
}

#[test]
fn rights_are_told() {
    check_command(
        "GETACL Entw&APw-rfe",
        r#"
        ? acl Entwürfe
        ! acl ann@example.org:lrswipkxtea -bob@example.org:w $team:lr x\"y:k
        S: * ACL "Entw&APw-rfe" "ann@example.org" lrswipkxteacd "-bob@example.org" w "$team" lr "x\\\"y" kc
        S: a OK Those have rights
        "#,
    );
    check_command("GETACL Work", "? acl Work\n! refused NoPermission\nS: a NO [NOPERM] Not permitted");
    check_command(
        "MYRIGHTS Work",
        "? my-rights Work\n! rights lrt\nS: * MYRIGHTS \"Work\" lrtd\nS: a OK Those are yours",
    );
    check_command(
        "MYRIGHTS Work",
        "? my-rights Work\n! rights NonExistent\nS: a NO [NONEXISTENT] There is no such mailbox",
    );
    check_command(
        "LISTRIGHTS Work bob",
        r#"
        ? grantable Work bob
        ! grantable - lrswipkxtea
        S: * LISTRIGHTS "Work" "bob" "" l r s w i p k x t e a c d
        S: a OK Those can be given
        "#,
    );
    check_command(
        "LISTRIGHTS Work Ann@example.org",
        r#"
        ? grantable Work Ann@example.org
        ! grantable lrswipkxtea -
        S: * LISTRIGHTS "Work" "Ann@example.org" lrswipkxteacd
        S: a OK Those can be given
        "#,
    );
    check_command(
        "LISTRIGHTS Work nobody",
        "? grantable Work nobody\n! refused UnknownIdentifier\nS: a NO There is no such account or group",
    );
}

#[test]
fn identifiers_are_utf8() {
    check(
        &enabled("UTF8=ACCEPT"),
        "C: a GETACL Work\n? acl Work\n! acl jürgen@example.org:l\nS: * ACL \"Work\" {19}\nS: jürgen@example.org l\nS: a OK Those have rights",
    );
}

#[test]
fn lists_tell_rights() {
    check_command(
        r#"LIST "" % RETURN (MYRIGHTS)"#,
        r#"
        ? list
        ! mailboxes INBOX:1 Seen:2:n Users/bob@example.org/Work:3
        S: * LIST (\HasNoChildren) "/" "INBOX"
        S: * LIST (\Noselect \HasNoChildren) "/" "Seen"
        S: * LIST (\NonExistent \HasChildren) "/" "Users"
        ? my-rights INBOX,Seen
        ! rights lrswipkxtea l
        S: * MYRIGHTS "INBOX" lrswipkxteacd
        S: * MYRIGHTS "Seen" l
        S: a OK Listed
        "#,
    );
    check_command(
        r#"LIST "" * RETURN (STATUS (MESSAGES) MYRIGHTS)"#,
        r#"
        ? list
        ! mailboxes INBOX:1 Gone:2
        S: * LIST (\HasNoChildren) "/" "Gone"
        S: * LIST (\HasNoChildren) "/" "INBOX"
        ? my-rights Gone,INBOX
        ! rights NonExistent lr
        S: * MYRIGHTS "INBOX" lr
        ? status Gone,INBOX messages
        ! statuses refused NonExistent ; messages=3
        S: * STATUS "INBOX" (MESSAGES 3)
        S: a OK Listed
        "#,
    );
    check_command(r#"LIST "" x RETURN (MYRIGHTS)"#, "? list\n! mailboxes INBOX:1\nS: a OK Listed");
}

/// RFC 4314 §5.1.1, §5.2: flags and READ-ONLY tell what may be done.
#[test]
fn an_opened_mailbox_tells_what_may_be_done() {
    for (rights, flags, code, text) in [
        ("lrswipkxtea", r"\Answered \Flagged \Deleted \Seen \Draft $x \*", "READ-WRITE", "Open"),
        ("lrw", r"\Answered \Flagged \Draft $x \*", "READ-WRITE", "Open"),
        ("lrt", r"\Deleted", "READ-WRITE", "Open"),
        ("lri", "", "READ-WRITE", "Open"),
        ("lre", "", "READ-WRITE", "Open"),
        ("lrs", r"\Seen", "READ-ONLY", "Open for reading"),
        ("lrpkxa", "", "READ-ONLY", "Open for reading"),
    ] {
        check_command(
            "SELECT Shared/Work",
            &format!(
                r"
                ? select Shared/Work
                ! selected none modseq=9 keywords=$x rights={rights}
                S: * FLAGS (\Answered \Flagged \Deleted \Seen \Draft $x)
                S: * OK [PERMANENTFLAGS ({flags})] These flags stay
                S: * 0 EXISTS
                S: * 0 RECENT
                S: * OK [UIDVALIDITY 7] UIDs are valid
                S: * OK [UIDNEXT 1] The next UID
                S: * OK [HIGHESTMODSEQ 9] The highest
                S: * OK [MAILBOXID (F1)] That is its id
                S: a OK [{code}] {text}
                "
            ),
        );
    }
}

/// One who may only keep \Seen keeps it, though the mailbox is called READ-ONLY.
#[test]
fn own_seen_is_kept_where_nothing_else_may_change() {
    check(
        &Imap { rights: "lrs", ..selected("1:2") },
        r"
        C: a STORE 1 +FLAGS (\Seen)
        ? store 1 Add \Seen
        ! stored rows=1/\Seen/101
        S: * 1 FETCH (FLAGS (\Seen))
        ? sync 100
        ! changes modseq=101
        S: a OK Stored
        C: b STORE 1 +FLAGS (\Deleted)
        ? store 1 Add \Deleted
        ! refused NoPermission
        ? sync 101
        ! changes modseq=101
        S: b NO [NOPERM] Not permitted
        C: c EXPUNGE
        ? expunge
        ! refused NoPermission
        ? sync 101
        ! changes modseq=101
        S: c NO [NOPERM] Not permitted
        ",
    );
}

/// RFC 4314 §5.1.1: rights that change while the mailbox is open are told; when it may not be read, it is empty.
#[test]
fn changed_rights_are_told() {
    check(
        &Imap { rights: "lrswt", ..selected("1:2") },
        r"
        C: a NOOP
        ? sync 100
        ! changes modseq=100 rights=lrs
        S: * FLAGS (\Answered \Flagged \Deleted \Seen \Draft)
        S: * OK [PERMANENTFLAGS (\Seen)] These flags stay
        S: a OK Nothing done
        C: b NOOP
        ? sync 100
        ! changes modseq=100 rights=lrs
        S: b OK Nothing done
        C: c FETCH 1 FLAGS
        ? fetch 1 flags
        ! refused NonExistent
        ? sync 100
        ! changes modseq=100 vanished=1:4294967295
        S: c NO [NONEXISTENT] There is no such mailbox
        C: d NOOP
        ? sync 100
        ! changes modseq=100 vanished=1:4294967295
        S: * 2 EXPUNGE
        S: * 1 EXPUNGE
        S: d OK Nothing done
        ",
    );
}

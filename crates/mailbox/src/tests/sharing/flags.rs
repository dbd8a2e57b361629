use super::*;

/// \Seen belongs to each reader; what all share is told to all.
#[tokio::test]
async fn each_sees_what_they_have_seen() {
    let house = House::open().await;
    house.fill_inbox(3).await;
    house.grant("INBOX", "bob", "lrsw").await;
    let (own, bobs) = (house.inbox().await, house.bobs("INBOX").await.unwrap());
    let (before, bobs_before) = (own.snapshot().highest_modseq, bobs.snapshot().highest_modseq);
    assert_eq!(store(&own, 1, FlagChange::Add, "\\Seen").await, "done");
    assert_eq!(store(&bobs, 2, FlagChange::Add, "\\Seen").await, "done");
    assert_eq!(store(&bobs, 3, FlagChange::Add, "\\Seen \\Flagged").await, "done");
    assert_eq!(
        (seen(&own).as_str(), seen(&bobs).as_str()),
        ("1(\\Seen) 2 3(\\Flagged)", "1 2(\\Seen) 3(\\Flagged \\Seen)")
    );
    assert_eq!(news(&own, before).await.0, "1(\\Seen) 3(\\Flagged)");
    let (told, bobs_after) = news(&bobs, bobs_before).await;
    assert_eq!(told, "1 2(\\Seen) 3(\\Flagged \\Seen)");
    assert_eq!(news(&bobs, bobs_after).await.0, "");
    assert_eq!((own.snapshot().first_unseen, bobs.snapshot().first_unseen), (Some(uid(2)), Some(uid(1))));
    let status = async |permit: &Permit, at: &MailboxName| {
        let record = house.mailboxes.status(permit, at).await.unwrap();
        (record.messages, record.unseen, record.highest_modseq)
    };
    assert_eq!(status(&house.ann, &name("INBOX")).await, (3, 2, own.snapshot().highest_modseq));
    assert_eq!(status(&house.bob, &anns("INBOX")).await, (3, 1, bobs.snapshot().highest_modseq));
}

/// What is in memory and what a cold start reads are the same.
#[tokio::test]
async fn what_was_seen_is_read_again() {
    let house = House::open().await;
    house.fill_inbox(3).await;
    house.grant("INBOX", "bob", "lrst").await;
    let bobs = house.bobs("INBOX").await.unwrap();
    store(&bobs, 2, FlagChange::Add, "\\Seen \\Deleted").await;
    let cold = Mailboxes::new(house.store.clone()).open(&house.bob, &anns("INBOX"), false).await.unwrap();
    assert_eq!((seen(&cold), cold.snapshot()), (seen(&bobs), bobs.snapshot()));
    let second = house.bobs("INBOX").await.unwrap();
    store(&second, 3, FlagChange::Add, "\\Seen").await;
    assert_eq!(seen(&bobs), "1 2(\\Deleted \\Seen) 3(\\Seen)");
}

/// Sessions of one reader wake for that reader's \Seen, those of others do not.
#[tokio::test]
async fn only_the_reader_hears_of_what_is_read() {
    let house = House::open().await;
    house.fill_inbox(1).await;
    house.grant("INBOX", "bob", "lrs").await;
    let (own, bobs) = (house.inbox().await, house.bobs("INBOX").await.unwrap());
    let (mut owns_watch, mut bobs_watch) = (own.watch(), house.bobs("INBOX").await.unwrap().watch());
    store(&bobs, 1, FlagChange::Add, "\\Seen").await;
    assert_eq!((owns_watch.has_changed().unwrap(), bobs_watch.has_changed().unwrap()), (false, true));
    bobs_watch.borrow_and_update();
    house.fill_inbox(1).await;
    assert!(owns_watch.has_changed().unwrap() && bobs_watch.has_changed().unwrap());
    owns_watch.borrow_and_update();
}

/// FETCH marks for the reader where the reader may, and not at all where not.
#[tokio::test]
async fn fetching_marks_what_may_be_marked() {
    let house = House::open().await;
    house.fill_inbox(2).await;
    house.grant("INBOX", "bob", "lr").await;
    let bobs = house.bobs("INBOX").await.unwrap();
    let mut rows = bobs.next_rows(&mut Rows::new(uids(&[1]), None), ALL);
    assert!(bobs.mark_seen(&mut rows).await.unwrap().is_empty());
    house.grant("INBOX", "bob", "lrs").await;
    assert_eq!(bobs.mark_seen(&mut rows).await.unwrap(), uids(&[1]));
    assert!(rows[0].flags.has(SystemFlag::Seen));
    assert_eq!((seen(&house.inbox().await).as_str(), seen(&bobs).as_str()), ("1 2", "1(\\Seen) 2"));
}

/// RFC 4314 §4: of the flags in a STORE those are changed that may be; where none may, it fails.
#[tokio::test]
async fn flags_change_as_far_as_rights_reach() {
    let house = House::open().await;
    house.append("INBOX", "a: b\r\n\r\n", "\\Deleted \\Draft").await;
    for (rights, change, marks, expected, after) in [
        ("lr", FlagChange::Add, "\\Seen", "not permitted", "1(\\Deleted \\Draft)"),
        ("lr", FlagChange::Replace, "", "not permitted", "1(\\Deleted \\Draft)"),
        ("lrt", FlagChange::Add, "\\Seen $x", "not permitted", "1(\\Deleted \\Draft)"),
        ("lrw", FlagChange::Remove, "\\Deleted", "not permitted", "1(\\Deleted \\Draft)"),
        ("lrs", FlagChange::Replace, "\\Seen $x", "done", "1(\\Deleted \\Seen \\Draft)"),
        ("lrt", FlagChange::Replace, "", "done", "1(\\Seen \\Draft)"),
        ("lrw", FlagChange::Replace, "\\Deleted $x", "done", "1(\\Seen $x)"),
        ("lrswt", FlagChange::Replace, "", "done", "1"),
    ] {
        house.grant("INBOX", "bob", rights).await;
        let bobs = house.bobs("INBOX").await.unwrap();
        assert_eq!(store(&bobs, 1, change, marks).await, expected, "{rights} {marks}");
        assert_eq!(seen(&bobs), after, "{rights} {marks}");
    }
}

/// Copies carry the \Seen of whoever copies, and other flags as far as the target's rights reach.
#[tokio::test]
async fn copies_carry_what_the_copier_sees() {
    let house = House::open().await;
    house.mailboxes.create(&house.ann, &name("Team"), None).await.unwrap();
    house.append("INBOX", "a: b\r\n\r\n", "\\Seen \\Flagged").await;
    house.append("INBOX", "c: d\r\n\r\n", "\\Deleted $x").await;
    house.grant("INBOX", "bob", "lrs").await;
    house.grant("Team", "bob", "lri").await;
    let bobs = house.bobs("INBOX").await.unwrap();
    store(&bobs, 2, FlagChange::Add, "\\Seen").await;
    let copied = bobs.copy_to(&house.mailboxes, &uids(&[1, 2]), &name("INBOX")).await.unwrap();
    assert_eq!(copied.pairs, [(uid(1), uid(1)), (uid(2), uid(2))]);
    let inbox = house.mailboxes.open(&house.bob, &name("INBOX"), false).await.unwrap();
    assert_eq!(seen(&inbox), "1(\\Flagged) 2(\\Deleted \\Seen $x)");
    inbox.copy_to(&house.mailboxes, &uids(&[2]), &anns("Team")).await.unwrap();
    house.grant("Team", "bob", "lriws").await;
    inbox.move_to(&house.mailboxes, &uids(&[2]), &anns("Team")).await.unwrap();
    let append = |marks: &str| {
        let (mailboxes, bob, marks) = (&house.mailboxes, &house.bob, flags(marks));
        async move { mailboxes.append(bob, &anns("Team"), "e: f\r\n\r\n".into(), marks, NOW).await }
    };
    append("\\Seen \\Deleted $y").await.unwrap();
    assert_eq!(seen(&inbox), "1(\\Flagged)");
    assert_eq!(seen(&house.bobs("Team").await.unwrap()), "1 2(\\Seen $x) 3(\\Seen $y)");
    assert_eq!(seen(&house.mailbox("Team").await), "1 2($x) 3($y)");
}

/// What is searched for is what the reader sees.
#[tokio::test]
async fn searches_go_by_the_readers_flags() {
    use posthouse_model::search::Query;
    let house = House::open().await;
    house.append("INBOX", "a: b\r\n\r\n", "\\Seen").await;
    house.append("INBOX", "c: d\r\n\r\n", "").await;
    house.grant("INBOX", "bob", "lrs").await;
    let bobs = house.bobs("INBOX").await.unwrap();
    store(&bobs, 2, FlagChange::Add, "\\Seen").await;
    let unseen = Query::Not(Box::new(Query::Flag(SystemFlag::Seen)));
    assert_eq!(bobs.search(&unseen, NOW).await.unwrap(), uids(&[1]));
    assert_eq!(house.inbox().await.search(&unseen, NOW).await.unwrap(), uids(&[2]));
    let last = bobs.snapshot().highest_modseq;
    assert_eq!(bobs.search(&Query::ModSeq(last), NOW).await.unwrap(), uids(&[2]));
}

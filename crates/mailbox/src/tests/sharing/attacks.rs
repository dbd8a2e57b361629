use super::*;

/// To one without `l` a mailbox that is there answers as one that is not, whatever is tried (RFC 4314 §6).
#[tokio::test]
async fn what_is_hidden_answers_as_what_is_not_there() {
    let house = House::open().await;
    house.fill_inbox(1).await;
    house.mailboxes.create(&house.ann, &name("Secret/Deep"), None).await.unwrap();
    let mailboxes = &house.mailboxes;
    let bob = &house.bob;
    let inbox = mailboxes.open(bob, &MailboxName::inbox(), false).await.unwrap();
    mailboxes.append(bob, &MailboxName::inbox(), "a: b\r\n\r\n".into(), Flags::none(), NOW).await.unwrap();
    for there in ["Secret", "Nothing", "INBOX"] {
        let target = anns(there);
        let results = [
            outcome(mailboxes.open(bob, &target, true).await),
            outcome(mailboxes.status(bob, &target).await),
            outcome(mailboxes.delete(bob, &target).await),
            outcome(mailboxes.rename(bob, &target, &anns("x")).await),
            outcome(mailboxes.rename(bob, &target, &name("x")).await),
            outcome(mailboxes.append(bob, &target, "a: b\r\n\r\n".into(), Flags::none(), NOW).await),
            outcome(mailboxes.check_insert(bob, &target).await),
            outcome(inbox.copy_to(mailboxes, &uids(&[1]), &target).await),
            outcome(inbox.move_to(mailboxes, &uids(&[1]), &target).await),
            outcome(mailboxes.rights(bob, &target).await),
            outcome(mailboxes.access_list(bob, &target).await),
            outcome(mailboxes.grantable(bob, &target, "bob").await),
            outcome(mailboxes.change_access_list(bob, &target, "bob", RightsChange::Replace, Rights::ALL).await),
        ];
        assert_eq!(results, ["no such mailbox"; 13], "{there}");
        for below in [anns(there), anns(&format!("{there}/Deep"))] {
            assert_eq!(outcome(mailboxes.create(bob, &below, None).await), "not permitted", "{below}");
        }
    }
    assert_eq!(house.listed_by(bob).await, ["INBOX"]);
    assert_eq!(seen(&house.inbox().await), "1");
}

/// Each operation wants its right; with all others it is refused.
#[tokio::test]
async fn each_operation_wants_its_right() {
    let house = House::open().await;
    house.area("Team").await;
    let at = |below: &str| name(&format!("Shared/Team{below}"));
    let team = Address::parse("team@example.org").unwrap();
    let (mailboxes, ann) = (&house.mailboxes, &house.ann);
    mailboxes.create(ann, &at("/Box/Below"), None).await.unwrap();
    for missing in "lrswipkxtea".chars() {
        let rights = Rights::parse(&"lrswipkxtea".replace(missing, "")).unwrap();
        let (change, inbox) = (RightsChange::Replace, MailboxName::inbox());
        house.identity.change_access_list_of(&team, &inbox, "bob", change, rights).await.unwrap();
        let bob = &house.bob;
        let box_name = at("/Tried");
        mailboxes.delete(ann, &box_name).await.unwrap_or_default();
        mailboxes.create(ann, &box_name, None).await.unwrap();
        mailboxes.append(ann, &box_name, "a: b\r\n\r\n".into(), flags("\\Deleted"), NOW).await.unwrap();
        let check = |what: &str, right: char, got: &str| {
            let expected = if right != missing { "done" } else { "not permitted" };
            assert_eq!(got, expected, "{what} without {missing}");
        };
        let mine = mailboxes.open(bob, &box_name, false).await;
        if missing == 'l' {
            assert_eq!(outcome(mine.map(drop)), "done");
            assert!(!house.listed_by(bob).await.contains(&box_name.to_string()));
            continue;
        }
        assert!(house.listed_by(bob).await.contains(&box_name.to_string()));
        check("status", 'r', outcome(mailboxes.status(bob, &box_name).await));
        check("access list", 'a', outcome(mailboxes.access_list(bob, &box_name).await));
        let rights = mailboxes.change_access_list(bob, &box_name, "$none", RightsChange::Add, Rights::NONE).await;
        if missing == 'a' {
            assert_eq!(outcome(rights), "not permitted");
        }
        let appended = mailboxes.append(bob, &box_name, "c: d\r\n\r\n".into(), Flags::none(), NOW).await;
        check("append", 'i', outcome(appended));
        check("create", 'k', outcome(mailboxes.create(bob, &at(&format!("/Tried/{missing}")), None).await));
        match mine {
            Err(error) => assert_eq!((missing, outcome::<()>(Err(error))), ('r', "not permitted")),
            Ok(mine) => {
                check("seen", 's', store(&mine, 1, FlagChange::Add, "\\Seen").await);
                check("keyword", 'w', store(&mine, 1, FlagChange::Add, "$x").await);
                check("deleted", 't', store(&mine, 1, FlagChange::Add, "\\Deleted").await);
                let moved = mine.move_to(mailboxes, &UidSet::new(), &MailboxName::inbox()).await;
                check("move", if missing == 't' { 't' } else { 'e' }, outcome(moved));
                check("copy", 'i', outcome(mine.copy_to(mailboxes, &uids(&[1]), &box_name).await));
                check("expunge", 'e', outcome(mine.expunge(None).await));
                check("uid expunge", 'e', outcome(mine.expunge(Some(&uids(&[1]))).await));
                check("remove", 'e', outcome(mine.remove(&uids(&[1])).await));
            }
        }
        let renamed = mailboxes.rename(bob, &box_name, &at("/Renamed")).await;
        check("rename", if missing == 'k' { 'k' } else { 'x' }, outcome(renamed));
        mailboxes.rename(ann, &at("/Renamed"), &box_name).await.unwrap_or_default();
        check("delete", 'x', outcome(mailboxes.delete(bob, &box_name).await));
        mailboxes.delete(ann, &at(&format!("/Tried/{missing}"))).await.unwrap_or_default();
    }
}

/// What is withdrawn while a mailbox is open is withdrawn from the next command on.
#[tokio::test]
async fn withdrawn_rights_end_at_once() {
    let house = House::open().await;
    house.fill_inbox(2).await;
    house.grant("INBOX", "bob", "lrste").await;
    let bobs = house.bobs("INBOX").await.unwrap();
    let before = bobs.snapshot().highest_modseq;
    assert_eq!(store(&bobs, 1, FlagChange::Add, "\\Deleted").await, "done");
    house.grant("INBOX", "bob", "lrs").await;
    assert_eq!(store(&bobs, 2, FlagChange::Add, "\\Deleted").await, "not permitted");
    assert_eq!(outcome(bobs.expunge(None).await), "not permitted");
    house.grant("INBOX", "bob", "lst").await;
    house.append("INBOX", "secret: yes\r\n\r\n", "").await;
    let records = house.inbox().await.next_rows(&mut Rows::new(UidSet::all(), None), ALL);
    let everything = crate::ContentWanted { envelope: true, ..Default::default() };
    let results = [
        outcome(bobs.rights().await),
        outcome(bobs.changes_since(before).await),
        outcome(bobs.vanished_since(&UidSet::all(), before).await),
        outcome(bobs.content(&records, &everything).await),
        outcome(bobs.search(&posthouse_model::search::Query::All, NOW).await),
        outcome(bobs.copy_to(&house.mailboxes, &uids(&[1]), &MailboxName::inbox()).await),
        outcome(bobs.move_to(&house.mailboxes, &uids(&[1]), &MailboxName::inbox()).await),
        store(&bobs, 1, FlagChange::Add, "\\Seen").await,
        outcome(bobs.expunge(None).await),
        outcome(bobs.mark_seen(&mut records.clone()).await),
    ];
    assert_eq!(results, ["gone"; 10]);
    house.grant("INBOX", "bob", "lrs").await;
    assert_eq!(news(&bobs, before).await.0, "1(\\Deleted) +3");
}

/// Rights of a group come and go with membership; those of a deleted account do not come back with its address.
#[tokio::test]
async fn groups_and_accounts_that_go_take_their_rights() {
    use posthouse_storage::Groups;
    let house = House::open().await;
    let team = house.identity.create_group(&GroupName::parse("team").unwrap(), NOW).await.unwrap().id;
    house.grant("INBOX", "$team", "lr").await;
    let open = async || outcome(house.bobs("INBOX").await);
    assert_eq!(open().await, "no such mailbox");
    house.store.set_member(team, house.bob.account(), true).await.unwrap();
    let bobs = house.bobs("INBOX").await.unwrap();
    house.store.set_member(team, house.bob.account(), false).await.unwrap();
    assert_eq!((open().await, outcome(bobs.rights().await)), ("no such mailbox", "gone"));
    house.grant("INBOX", "bob", "lr").await;
    house.store.delete_account(house.bob.account()).await.unwrap();
    let bob = account(&house.store, &house.identity, "bob@example.org").await;
    assert_eq!(outcome(house.mailboxes.open(&bob, &anns("INBOX"), false).await), "no such mailbox");
    assert_eq!(outcome(bobs.rights().await), "gone");
}

/// One who administers can take that right from oneself, and then it is gone.
#[tokio::test]
async fn the_right_to_administer_can_be_given_away() {
    let house = House::open().await;
    house.grant("INBOX", "bob", "lra").await;
    let (change, bob) = (RightsChange::Remove, &house.bob);
    let a = Rights::parse("a").unwrap();
    let changed = house.mailboxes.change_access_list(bob, &anns("INBOX"), "bob", change, a).await;
    assert_eq!(outcome(changed), "done");
    let again = house.mailboxes.change_access_list(bob, &anns("INBOX"), "bob", RightsChange::Add, a).await;
    assert_eq!(outcome(again), "not permitted");
    let owner = house.mailboxes.change_access_list(&house.ann, &name("INBOX"), "ann", RightsChange::Remove, a).await;
    assert!(matches!(owner, Err(MailboxError::AccessList(_))), "{owner:?}");
    assert_eq!(outcome(house.mailboxes.access_list(&house.ann, &name("INBOX")).await), "done");
}

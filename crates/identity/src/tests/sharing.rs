use posthouse_model::{AccountId, GroupName, MailboxName, Right, Rights, RightsChange};
use posthouse_storage::{Directory, Mail};

use super::*;
use crate::{AccessListError, AccessRefusal, MailboxPermit, SharingError};

fn name(text: &str) -> MailboxName {
    MailboxName::parse(text).unwrap()
}

fn group(text: &str) -> GroupName {
    GroupName::parse(text).unwrap()
}

impl House {
    async fn grant(&self, identifier: &str, rights: &str) {
        self.try_grant("INBOX", identifier, rights).await.unwrap();
    }

    /// Changes the access list of one of Ann's mailboxes.
    async fn try_grant(&self, mailbox: &str, identifier: &str, rights: &str) -> Result<(), SharingError> {
        let (owner, rights) = (address("ann@example.org"), Rights::parse(rights).unwrap());
        let change = RightsChange::Replace;
        self.identity.change_access_list_of(&owner, &name(mailbox), identifier, change, rights).await
    }

    /// What somebody may do in Ann's INBOX.
    async fn mailbox_permit(&self, who: &str) -> MailboxPermit {
        let permit = self.permit(who).await;
        let ann = self.permit("ann@example.org").await.account();
        let inbox = self.store.mailbox(ann, &name("INBOX")).await.unwrap().unwrap();
        self.identity.access.permit(&permit, &inbox).await.unwrap()
    }

    async fn bobs_rights(&self) -> String {
        self.mailbox_permit("bob@example.org").await.rights().to_string()
    }

    async fn list(&self) -> Vec<String> {
        let list = self.identity.access_list_of(&address("ann@example.org"), &name("INBOX")).await.unwrap();
        list.into_iter().map(|(identifier, rights)| format!("{identifier} {rights}")).collect()
    }

    async fn join(&self, who: &str, member: bool) {
        self.identity.set_member(&group("team"), &address(who), member).await.unwrap();
    }
}

#[tokio::test]
async fn rights_add_up_and_are_taken_away() {
    let house = House::open().await;
    house.identity.create_group(&group("team"), NOW).await.unwrap();
    house.identity.create_shared_area(&name("All"), &address("ann@example.org"), NOW).await.unwrap();
    assert_eq!(house.bobs_rights().await, "");
    house.grant("bob@example.org", "lr").await;
    assert_eq!(house.bobs_rights().await, "lr");
    house.grant("$team", "swi").await;
    assert_eq!(house.bobs_rights().await, "lr");
    house.join("bob@example.org", true).await;
    assert_eq!(house.bobs_rights().await, "lrswi");
    house.grant("anyone", "p").await;
    assert_eq!(house.bobs_rights().await, "lrswip");
    house.grant("-bob@example.org", "w").await;
    assert_eq!(house.bobs_rights().await, "lrsip");
    house.grant("-$team", "s").await;
    assert_eq!(house.bobs_rights().await, "lrip");
    house.grant("-anyone", "lr").await;
    assert_eq!(house.bobs_rights().await, "ip");
    house.join("bob@example.org", false).await;
    assert_eq!(house.bobs_rights().await, "p");
    house.grant("-anyone", "").await;
    house.grant("bob@example.org", "").await;
    house.grant("anyone", "").await;
    assert_eq!(house.bobs_rights().await, "");
}

#[tokio::test]
async fn owners_may_do_everything_whatever_the_list_says() {
    let house = House::open().await;
    for identifier in ["ann@example.org", "-ann@example.org", "ANN@Example.org", "ann"] {
        let refused = house.try_grant("INBOX", identifier, "l").await;
        assert!(matches!(refused, Err(SharingError::AccessList(AccessListError::Owner))), "{identifier}");
    }
    house.grant("-anyone", "lrswipkxtea").await;
    let anns = house.mailbox_permit("ann@example.org").await;
    assert!(anns.is_own());
    assert_eq!(anns.rights(), Rights::ALL);
}

#[tokio::test]
async fn identifiers_are_read_and_written() {
    let house = House::open().await;
    house.identity.create_group(&group("team"), NOW).await.unwrap();
    house.identity.put_alias(address("b@example.org"), vec![address("bob@example.org")], NOW).await.unwrap();
    for identifier in ["BOB@Example.ORG", "bob", "-bob", "$Team", "-$team", "-anyone"] {
        house.grant(identifier, "l").await;
    }
    let expected = [
        "ann@example.org lrswipkxteacd",
        "-anyone l",
        "bob@example.org l",
        "-bob@example.org l",
        "$team l",
        "-$team l",
    ];
    assert_eq!(house.list().await, expected);
    for unknown in ["carl@example.org", "carl", "bob@far.example", "b@example.org", "$board", "-carl"] {
        let refused = house.try_grant("INBOX", unknown, "l").await;
        assert!(matches!(refused, Err(SharingError::AccessList(AccessListError::UnknownIdentifier))), "{unknown}");
    }
    for bad in ["", "-", "$", "$a b", "a\u{7}b", "a@b@c", "@"] {
        let refused = house.try_grant("INBOX", bad, "l").await;
        assert!(
            matches!(refused, Err(SharingError::AccessList(AccessListError::BadIdentifier))),
            "{bad:?} {refused:?}"
        );
    }
}

#[tokio::test]
async fn only_shared_areas_are_for_anyone() {
    let house = House::open().await;
    let refused = house.try_grant("INBOX", "anyone", "l").await;
    assert!(matches!(refused, Err(SharingError::AccessList(AccessListError::Anyone))));
    let permit = house.permit("ann@example.org").await;
    let own = house.mailbox_permit("ann@example.org").await;
    let access = &house.identity.access;
    let grantable = |identifier| access.grantable(&permit, &own, identifier);
    assert_eq!(grantable("anyone").await.unwrap().optional, Rights::NONE);
    assert_eq!(grantable("-anyone").await.unwrap().optional, Rights::ALL);
    assert_eq!(grantable("bob").await.unwrap().optional, Rights::ALL);
    assert_eq!(grantable("ann").await.unwrap().required, Rights::ALL);
    assert!(matches!(grantable("nobody").await, Err(AccessListError::UnknownIdentifier)));
    house.identity.create_shared_area(&name("All"), &address("ann@example.org"), NOW).await.unwrap();
    house.grant("anyone", "l").await;
    assert_eq!(grantable("anyone").await.unwrap().optional, Rights::ALL);
}

#[tokio::test]
async fn what_is_hidden_is_not_there() {
    let house = House::open().await;
    let require = async |right: Right| house.mailbox_permit("bob@example.org").await.require(right);
    assert!(matches!(require(Right::Read).await, Err(AccessRefusal::Hidden)));
    house.grant("bob", "r").await;
    assert!(require(Right::Read).await.is_ok());
    assert!(matches!(require(Right::Insert).await, Err(AccessRefusal::Hidden)));
    house.grant("bob", "lr").await;
    assert!(matches!(require(Right::Insert).await, Err(AccessRefusal::NotPermitted)));
}

#[tokio::test]
async fn a_permit_is_renewed_with_the_rights_of_the_moment() {
    let house = House::open().await;
    house.grant("bob", "lr").await;
    let permit = house.mailbox_permit("bob@example.org").await;
    house.grant("bob", "lrs").await;
    let renewed = house.identity.access.renewed(&permit).await.unwrap();
    assert_eq!((permit.rights().to_string(), renewed.rights().to_string()), ("lr".into(), "lrs".into()));
    // What is remembered is not asked for again, until something changes.
    house.store.set_broken(true);
    assert_eq!(house.identity.access.renewed(&permit).await.unwrap(), renewed);
    house.store.set_broken(false);
    house.store.delete_account(permit.user()).await.unwrap();
    assert!(house.identity.access.renewed(&permit).await.unwrap().rights().is_empty());
}

#[tokio::test]
async fn an_address_used_again_has_nothing_of_before() {
    let house = House::open().await;
    house.identity.create_group(&group("team"), NOW).await.unwrap();
    house.grant("bob", "lr").await;
    house.grant("$team", "s").await;
    house.join("bob@example.org", true).await;
    house.identity.delete_account(&address("bob@example.org")).await.unwrap();
    house.add("bob@example.org", BOBS_PASSWORD).await;
    assert_eq!(house.bobs_rights().await, "");
    house.identity.delete_group(&group("team")).await.unwrap();
    house.identity.create_group(&group("team"), NOW).await.unwrap();
    house.join("bob@example.org", true).await;
    assert_eq!(house.bobs_rights().await, "");
}

#[tokio::test]
async fn shared_areas_are_accounts_without_a_password() {
    let house = House::open().await;
    let area = |name: &str, at: &str| {
        let (name, at) = (MailboxName::parse(name).unwrap(), address(at));
        let identity = &house.identity;
        async move { identity.create_shared_area(&name, &at, NOW).await }
    };
    let support = area("Support", "support@example.org").await.unwrap();
    let account = house.identity.account_at(&address("support@example.org")).await.unwrap();
    assert_eq!((account.id, account.display_name.as_str()), (support.account, "Support"));
    assert!(house.login("support@example.org", "", &scope(Service::Imap)).await.is_err());
    assert!(matches!(area("a/b", "ab@example.org").await, Err(SharingError::BadAreaName)));
    assert!(matches!(area("inbox", "in@example.org").await, Err(SharingError::BadAreaName)));
    assert!(area("Support", "other@example.org").await.is_err());
    assert!(house.identity.account_at(&address("other@example.org")).await.is_err());
    assert!(area("Other", "support@example.org").await.is_err());
    assert!(area("Far", "x@far.example").await.is_err());
    assert_eq!(support.account, AccountId(account.id.0));
}

#[tokio::test]
async fn a_name_means_what_it_means_now() {
    let house = House::open().await;
    let permit = house.permit("ann@example.org").await;
    let (ann, access) = (permit.account(), &house.identity.access);
    let found = async |text: &str| access.own(&permit, &name(text)).await.unwrap().map(|permit| permit.mailbox());
    let make = async |text: &str| house.store.create_mailbox(ann, &name(text), None).await.unwrap().id;

    assert_eq!(found("Plans").await, None);
    let plans = make("Plans").await;
    for _ in 0..2 {
        assert_eq!(found("Plans").await, Some(plans));
    }
    house.store.rename_mailboxes(ann, vec![(plans, name("Old"))]).await.unwrap();
    assert_eq!((found("Plans").await, found("Old").await), (None, Some(plans)));
    let new = make("Plans").await;
    assert_eq!(found("Plans").await, Some(new));
    house.store.delete_mailbox(ann, plans).await.unwrap();
    assert_eq!((found("Plans").await, found("Old").await), (Some(new), None));
    let bob = house.permit("bob@example.org").await;
    assert_eq!(access.own(&bob, &name("Plans")).await.unwrap(), None);
}

//! Groups of accounts.

use posthouse_model::{Address, GroupId, GroupName};

use super::Harness;
use super::world::{NOW, World, new_account};
use crate::{Named, StorageError, Subject};

fn group(text: &str) -> GroupName {
    GroupName::parse(text).unwrap()
}

async fn members(world: &World, group: GroupId) -> Vec<String> {
    world.storage.members(group).await.unwrap().iter().map(Address::to_string).collect()
}

/// A group is made once, found by name and number, listed, and removed.
pub async fn a_group_is_made_found_and_removed(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let team = world.storage.create_group(&group("team"), NOW).await.unwrap();
    let board = world.storage.create_group(&group("board"), NOW).await.unwrap();
    assert_ne!(team.id, board.id);
    let again = world.storage.create_group(&group("team"), NOW).await;
    assert!(matches!(again, Err(StorageError::AlreadyExists(Named::Group))), "{again:?}");
    assert_eq!(world.storage.group(&group("team")).await.unwrap(), Some(team.clone()));
    assert_eq!(world.storage.group_by_id(team.id).await.unwrap(), Some(team.clone()));
    assert_eq!(world.storage.groups().await.unwrap(), [board.clone(), team.clone()]);
    world.storage.delete_group(&group("team")).await.unwrap();
    let gone = world.storage.delete_group(&group("team")).await;
    assert!(matches!(gone, Err(StorageError::NotFound(Named::Group))), "{gone:?}");
    assert_eq!(world.storage.group(&group("team")).await.unwrap(), None);
    assert_eq!(world.storage.group_by_id(team.id).await.unwrap(), None);
    let anew = world.storage.create_group(&group("team"), NOW).await.unwrap();
    assert!(anew.id != team.id && anew.id != board.id);
}

/// Members come and go, by themselves and with their account.
pub async fn members_come_and_go(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let storage = &world.storage;
    let team = storage.create_group(&group("team"), NOW).await.unwrap().id;
    let board = storage.create_group(&group("board"), NOW).await.unwrap().id;
    for account in [world.bob, world.ann, world.bob] {
        storage.set_member(team, account, true).await.unwrap();
    }
    storage.set_member(board, world.ann, true).await.unwrap();
    assert_eq!(members(&world, team).await, ["ann@example.org", "bob@example.org"]);
    assert_eq!(storage.groups_of(world.ann).await.unwrap(), [team, board]);
    storage.set_member(team, world.ann, false).await.unwrap();
    storage.set_member(team, world.ann, false).await.unwrap();
    assert_eq!(storage.groups_of(world.ann).await.unwrap(), [board]);
    storage.delete_account(world.bob).await.unwrap();
    assert_eq!(members(&world, team).await, [""; 0]);
    let bob = storage.create_account(new_account("bob@example.org")).await.unwrap().id;
    assert_eq!(storage.groups_of(bob).await.unwrap(), []);
    let refused = storage.set_member(GroupId(999), bob, true).await;
    assert!(matches!(refused, Err(StorageError::NotFound(Named::Group))), "{refused:?}");
    let refused = storage.set_member(team, posthouse_model::AccountId(999), true).await;
    assert!(matches!(refused, Err(StorageError::NotFound(Named::Account))), "{refused:?}");
}

/// What access lists say of a group goes with it, and a new group of that name has nothing of it.
pub async fn rights_go_with_the_group(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let team = world.storage.create_group(&group("team"), NOW).await.unwrap().id;
    world.storage.set_member(team, world.bob, true).await.unwrap();
    world.grant(world.inbox, Subject::Group(team), "lr").await;
    world.storage.delete_group(&group("team")).await.unwrap();
    assert_eq!(world.access_of(world.inbox).await, "");
    let anew = world.storage.create_group(&group("team"), NOW).await.unwrap().id;
    assert_eq!(members(&world, anew).await, [""; 0]);
    assert_eq!(world.storage.shared_with(world.bob).await.unwrap(), []);
}

//! Groups, shared areas, and who may do what in whose mailboxes.

use posthouse_model::{Address, GroupName, MailboxName, Rights, RightsChange};
use posthouse_storage::{Access, Directory, GroupRecord, Groups};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Refusal, Text, shape};
use crate::house::House;

/// What is asked about mailboxes that are shared.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SharingRequest {
    /// Make a group: nothing.
    AddGroup {
        /// Its name.
        name: Text<GroupName>,
    },
    /// Remove a group: nothing.
    RemoveGroup {
        /// Its name.
        name: Text<GroupName>,
    },
    /// All groups: a list of [`GroupView`].
    ListGroups,
    /// Take accounts into a group and out of it: a [`GroupView`].
    Members {
        /// The group.
        name: Text<GroupName>,
        /// Whom to take in.
        add: Vec<Text<Address>>,
        /// Whom to take out.
        remove: Vec<Text<Address>>,
    },
    /// Make a shared area: an [`AreaView`].
    AddArea {
        /// Its name.
        name: Text<MailboxName>,
        /// Whose mailboxes.
        address: Text<Address>,
    },
    /// Remove a shared area: nothing.
    RemoveArea {
        /// Its name.
        name: Text<MailboxName>,
    },
    /// All shared areas: a list of [`AreaView`].
    ListAreas,
    /// Who may do what in a mailbox: a list of [`RightsView`].
    ListRights {
        /// Whose.
        address: Text<Address>,
        /// Which.
        mailbox: Text<MailboxName>,
    },
    /// Change what somebody may do in a mailbox: nothing.
    SetRights {
        /// Whose.
        address: Text<Address>,
        /// Which.
        mailbox: Text<MailboxName>,
        /// Who may.
        identifier: String,
        /// What: letters, with `+` before them to add, `-` to remove.
        rights: String,
    },
}

/// A group, for people and scripts.
#[derive(Debug, Serialize, Deserialize)]
pub struct GroupView {
    /// Its name.
    pub name: String,
    /// Addresses of those who are in it.
    pub members: Vec<String>,
    /// When it was made, in milliseconds since 1970.
    pub created_at: i64,
}

/// A shared area, for people and scripts.
#[derive(Debug, Serialize, Deserialize)]
pub struct AreaView {
    /// Its name.
    pub name: String,
    /// Whose mailboxes it shows.
    pub address: String,
}

/// What somebody may do, for people and scripts.
#[derive(Debug, Serialize, Deserialize)]
pub struct RightsView {
    /// Who.
    pub identifier: String,
    /// What.
    pub rights: String,
}

pub async fn answer(request: SharingRequest, house: &House) -> Result<Value, Refusal> {
    let identity = &house.identity;
    match request {
        SharingRequest::AddGroup { name } => {
            identity.create_group(&name.0, house.now()).await?;
            shape(())
        }
        SharingRequest::RemoveGroup { name } => shape(identity.delete_group(&name.0).await?),
        SharingRequest::ListGroups => {
            let mut views = Vec::new();
            for group in house.store.groups().await? {
                views.push(group_view(house, group).await?);
            }
            shape(views)
        }
        SharingRequest::Members { name, add, remove } => {
            for (addresses, member) in [(add, true), (remove, false)] {
                for address in addresses {
                    identity.set_member(&name.0, &address.0, member).await?;
                }
            }
            let group = house.store.group(&name.0).await?;
            let group = group.ok_or_else(|| Refusal::Other(format!("there is no group {}", name.0)))?;
            shape(group_view(house, group).await?)
        }
        SharingRequest::AddArea { name, address } => {
            let area = identity.create_shared_area(&name.0, &address.0, house.now()).await?;
            shape(AreaView { name: area.name.to_string(), address: address.0.to_string() })
        }
        SharingRequest::RemoveArea { name } => shape(identity.delete_shared_area(&name.0).await?),
        SharingRequest::ListAreas => {
            let mut views = Vec::new();
            for area in house.store.shared_areas().await? {
                let address = house.store.account(area.account).await?.map(|account| account.address.to_string());
                views.push(AreaView { name: area.name.to_string(), address: address.unwrap_or_default() });
            }
            shape(views)
        }
        SharingRequest::ListRights { address, mailbox } => {
            let list = identity.access_list_of(&address.0, &mailbox.0).await?;
            let view = |(identifier, rights): (String, Rights)| RightsView { identifier, rights: rights.to_string() };
            shape(list.into_iter().map(view).collect::<Vec<_>>())
        }
        SharingRequest::SetRights { address, mailbox, identifier, rights } => {
            let (change, rights) = rights_change(&rights)?;
            shape(identity.change_access_list_of(&address.0, &mailbox.0, &identifier, change, rights).await?)
        }
    }
}

async fn group_view(house: &House, group: GroupRecord) -> Result<GroupView, Refusal> {
    let members = house.store.members(group.id).await?.iter().map(ToString::to_string).collect();
    Ok(GroupView { name: group.name.to_string(), members, created_at: group.created_at.0 })
}

fn rights_change(text: &str) -> Result<(RightsChange, Rights), Refusal> {
    let (change, letters) = if let Some(letters) = text.strip_prefix('+') {
        (RightsChange::Add, letters)
    } else if let Some(letters) = text.strip_prefix('-') {
        (RightsChange::Remove, letters)
    } else {
        (RightsChange::Replace, text)
    };
    Ok((change, Rights::parse(letters).map_err(|error| Refusal::Other(error.to_string()))?))
}

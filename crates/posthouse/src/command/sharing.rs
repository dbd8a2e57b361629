//! `posthouse group`, `posthouse shared` and `posthouse rights`.

use super::Place;
use crate::cli::{GroupCommand, RightsCommand, SharedCommand};
use crate::control::sharing::{AreaView, GroupView, RightsView, SharingRequest};
use crate::control::{Request, Text};
use crate::output::{say, say_json, say_table};

pub async fn run_group(place: &Place, command: GroupCommand) -> anyhow::Result<()> {
    let mut server = place.server().await?;
    let options = place.as_options();
    match command {
        GroupCommand::Add { name } => {
            let request = SharingRequest::AddGroup { name: Text(name.clone()) };
            let () = server.ask(&Request::Sharing(request)).await?;
            say(format!("There is a group {name} now; in lists of rights it is ${name}."));
            say(format!("Next: posthouse{options} group member {name} --add ADDRESS"));
        }
        GroupCommand::Remove { name } => {
            let request = SharingRequest::RemoveGroup { name: Text(name.clone()) };
            let () = server.ask(&Request::Sharing(request)).await?;
            say(format!("The group {name} is gone, and the rights that it gave."));
            say(format!("Verify: posthouse{options} group list"));
        }
        GroupCommand::List(output) => {
            let groups: Vec<GroupView> = server.ask(&Request::Sharing(SharingRequest::ListGroups)).await?;
            if output.json {
                return say_json(&groups);
            }
            let rows: Vec<Vec<String>> =
                groups.into_iter().map(|group| vec![group.name, group.members.join(", ")]).collect();
            say_table(&["GROUP", "MEMBERS"], &rows, "There are no groups.");
        }
        GroupCommand::Member { name, add, remove, output } => {
            let [add, remove] = [add, remove].map(|addresses| addresses.into_iter().map(Text).collect());
            let request = SharingRequest::Members { name: Text(name), add, remove };
            let group: GroupView = server.ask(&Request::Sharing(request)).await?;
            if output.json {
                return say_json(&group);
            }
            let rows: Vec<Vec<String>> = group.members.into_iter().map(|member| vec![member]).collect();
            say_table(&["MEMBER"], &rows, "Nobody is in the group.");
        }
    }
    Ok(())
}

pub async fn run_shared(place: &Place, command: SharedCommand) -> anyhow::Result<()> {
    let mut server = place.server().await?;
    let options = place.as_options();
    match command {
        SharedCommand::Add { name, address } => {
            let request = SharingRequest::AddArea { name: Text(name), address: Text(address) };
            let area: AreaView = server.ask(&Request::Sharing(request)).await?;
            say(format!("The mailboxes of {} stand below Shared/{} now.", area.address, area.name));
            say(format!("Next: posthouse{options} rights set {} INBOX IDENTIFIER RIGHTS", area.address));
        }
        SharedCommand::Remove { name } => {
            let request = SharingRequest::RemoveArea { name: Text(name.clone()) };
            let () = server.ask(&Request::Sharing(request)).await?;
            say(format!("There is no Shared/{name} any more. The account and its mail are still there."));
            say(format!("Verify: posthouse{options} shared list"));
        }
        SharedCommand::List(output) => {
            let areas: Vec<AreaView> = server.ask(&Request::Sharing(SharingRequest::ListAreas)).await?;
            if output.json {
                return say_json(&areas);
            }
            let rows: Vec<Vec<String>> =
                areas.into_iter().map(|area| vec![format!("Shared/{}", area.name), area.address]).collect();
            say_table(&["SHARED AREA", "MAILBOXES OF"], &rows, "There are no shared areas.");
        }
    }
    Ok(())
}

pub async fn run_rights(place: &Place, command: RightsCommand) -> anyhow::Result<()> {
    let mut server = place.server().await?;
    let options = place.as_options();
    match command {
        RightsCommand::List { address, mailbox, output } => {
            let request = SharingRequest::ListRights { address: Text(address), mailbox: Text(mailbox) };
            let list: Vec<RightsView> = server.ask(&Request::Sharing(request)).await?;
            if output.json {
                return say_json(&list);
            }
            let rows: Vec<Vec<String>> = list.into_iter().map(|entry| vec![entry.identifier, entry.rights]).collect();
            say_table(&["WHO", "MAY"], &rows, "Nobody has rights.");
        }
        RightsCommand::Set { address, mailbox, identifier, rights } => {
            let verify = format!("Verify: posthouse{options} rights list {address} '{mailbox}'");
            let request =
                SharingRequest::SetRights { address: Text(address), mailbox: Text(mailbox), identifier, rights };
            let () = server.ask(&Request::Sharing(request)).await?;
            say("The rights are changed, for sessions that have the mailbox open, too.");
            say(verify);
        }
    }
    Ok(())
}

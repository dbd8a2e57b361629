//! `posthouse retention`.

use super::Place;
use crate::cli::keeping::RetentionCommand;
use crate::control::retention::{MailboxView, RetentionRequest, RuleView};
use crate::control::{Request, Text};
use crate::output::{printable, say, say_json, say_table};

pub async fn run(place: &Place, command: RetentionCommand) -> anyhow::Result<()> {
    let mut server = place.server().await?;
    let options = place.as_options();
    match command {
        RetentionCommand::Set { whose, mailbox, days, forever: _, keep_flagged } => {
            let request = RetentionRequest::Set { scope: whose, mailbox, days, keep_flagged };
            let () = server.ask(&Request::Retention(request)).await?;
            say("The rule is made; it is applied within ten minutes. What it expunges can be put back for a while.");
            say(format!("Verify: posthouse{options} retention list"));
        }
        RetentionCommand::Unset { whose, mailbox } => {
            let request = RetentionRequest::Unset { scope: whose, mailbox };
            let () = server.ask(&Request::Retention(request)).await?;
            say("The rule is gone.");
            say(format!("Verify: posthouse{options} retention list"));
        }
        RetentionCommand::List(output) => {
            let rules: Vec<RuleView> = server.ask(&Request::Retention(RetentionRequest::List)).await?;
            if output.json {
                return say_json(&rules);
            }
            let rows: Vec<Vec<String>> =
                rules.iter().map(|rule| vec![rule.whose.clone(), printable(&rule.mailbox), keeps(rule)]).collect();
            say_table(&["FOR", "MAILBOX", "KEEPS"], &rows, "There are no rules: mail is kept until it is expunged.");
        }
        RetentionCommand::Show { address, output } => {
            let request = RetentionRequest::Show { address: Text(address) };
            let mailboxes: Vec<MailboxView> = server.ask(&Request::Retention(request)).await?;
            if output.json {
                return say_json(&mailboxes);
            }
            let rows: Vec<Vec<String>> = mailboxes.iter().map(row).collect();
            say_table(&["MAILBOX", "USE", "MESSAGES", "KEEPS", "BY THE RULE"], &rows, "There are no mailboxes.");
        }
    }
    Ok(())
}

fn keeps(rule: &RuleView) -> String {
    let flagged = if rule.keep_flagged { ", flagged ones for ever" } else { "" };
    match rule.days {
        None => "for ever".to_owned(),
        Some(1) => format!("1 day{flagged}"),
        Some(days) => format!("{days} days{flagged}"),
    }
}

fn row(mailbox: &MailboxView) -> Vec<String> {
    let rule = mailbox.rule.as_ref();
    vec![
        printable(&mailbox.mailbox),
        mailbox.special_use.clone().unwrap_or_default(),
        mailbox.messages.to_string(),
        rule.map_or_else(|| "for ever".to_owned(), keeps),
        rule.map_or_else(|| "none".to_owned(), |rule| format!("for {} of {}", printable(&rule.mailbox), rule.whose)),
    ]
}

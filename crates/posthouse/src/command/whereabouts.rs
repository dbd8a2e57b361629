//! Where a message is, in sentences: what happened, why, and what to do about it.

use crate::control::whereabouts::{State, WhereView};
use crate::output::{exact_date, printable};

/// A sentence, and what an administrator can do, if anything. `options` is what the program was called with.
pub fn sentence(view: &WhereView, options: &str) -> (String, Option<String>) {
    let since = exact_date(view.since);
    let why = view.why.as_deref().map(printable).unwrap_or_default();
    let at = view.at.as_deref().unwrap_or("another host");
    let entry = view.entry.map(|entry| entry.to_string()).unwrap_or_default();
    let command = |rest: &str| format!("posthouse{options} {rest}");
    match view.state {
        State::Unknown => ("nothing is known of where it went".to_owned(), None),
        State::Refused => refused(&since, &why, &command),
        State::Delivered => (format!("delivered at {since}, into the INBOX of {at}"), None),
        State::Suppressed => (format!("left out at {since}: the mailbox of {at} has this message already"), None),
        State::Relayed => (
            format!("handed over at {since} to {at}, which took it: {why}"),
            Some("if it is missing there, ask whoever runs that host, and tell them this answer".to_owned()),
        ),
        State::Failed => {
            let host = view.at.as_ref().map(|host| format!(", at {host}")).unwrap_or_default();
            (format!("given up at {since}{host}: {why}; {}", told(view)), None)
        }
        State::Dropped => (format!("dropped at {since} by an administrator; its sender was not told"), None),
        State::LedOn => ("an alias; what it leads to is told of by itself".to_owned(), None),
        State::Waiting => waiting(view, &why, &command(&format!("queue retry {entry}"))),
        State::WaitingForItsTime => (
            format!("waits until {}, because its sender wants it to", due(view)),
            Some(format!("to let it go now: {}", command(&format!("queue release {entry}")))),
        ),
        State::Held => (
            match view.attempts == 0 && !why.is_empty() {
                true => format!("held since {since}: {why}"),
                false => format!("held since {since} by an administrator{}", last(&why)),
            },
            Some(format!(
                "to let it go on: {}; to return it: {}",
                command(&format!("queue release {entry}")),
                command(&format!("queue bounce {entry}"))
            )),
        ),
        State::HeldWithSender => (
            format!("held since {since}, because the account {at} may not send ({why})"),
            Some(format!(
                "to let the account send and its mail go on: {}; to drop its mail: the same with --drop",
                command(&format!("account release {at}"))
            )),
        ),
        State::Kept => (
            format!("kept since {since} for the postmaster, because nobody could be told{}", last(&why)),
            Some(format!("to look at it: {}", command(&format!("queue show {entry}")))),
        ),
    }
}

fn due(view: &WhereView) -> String {
    view.due_at.map(exact_date).unwrap_or_default()
}

fn waiting(view: &WhereView, why: &str, retry: &str) -> (String, Option<String>) {
    let sentence = match (view.attempts, why.is_empty()) {
        (0, true) => "waits for its turn, or is under way for the first time".to_owned(),
        (attempts, _) => {
            let times = if attempts == 1 { "once".to_owned() } else { format!("{attempts} times") };
            let expires = view.expires_at.map(exact_date).unwrap_or_default();
            format!("waits: tried {times}, next at {}, given up after {expires}{}", due(view), last(why))
        }
    };
    (sentence, Some(format!("to try it now: {retry}")))
}

fn last(why: &str) -> String {
    if why.is_empty() { String::new() } else { format!("; the last answer was: {why}") }
}

fn told(view: &WhereView) -> String {
    match (&view.report, &view.report_left_out) {
        (Some(report), _) => format!("its sender was told by message {report}"),
        (None, Some(why)) => format!("its sender was not told: {why}"),
        (None, None) => "its sender was not told, since it has none or did not want to be".to_owned(),
    }
}

fn refused(since: &str, cause: &str, command: &impl Fn(&str) -> String) -> (String, Option<String>) {
    let known = REFUSALS.iter().find(|(word, ..)| cause.contains(word));
    match known {
        Some((_, words, "")) => (format!("refused at {since}: {words}"), None),
        // What begins with a command is one.
        Some((_, words, todo)) => {
            let todo = match todo.strip_prefix("posthouse ") {
                Some(rest) => format!("see {}", command(rest)),
                None => (*todo).to_owned(),
            };
            (format!("refused at {since}: {words}"), Some(todo))
        }
        None => (format!("refused at {since}: {cause}"), None),
    }
}

/// Causes of refusals as the trail has them, what each means, and what to do. The first that is found counts.
const REFUSALS: &[(&str, &str, &str)] = &[
    ("Frozen", "the account that handed it in may not send", "posthouse account frozen"),
    ("QuotaUsedUp", "the account that handed it in has sent as much as it may for now", "posthouse limit list"),
    ("HeaderTooLarge", "its header is larger than this sender may send", "posthouse limit list"),
    ("AttachmentTooLarge", "an attachment is larger than this sender may send", "posthouse limit list"),
    ("MessageTooLarge", "it is larger than this sender may send", "posthouse limit list"),
    ("TooManyRecipients", "it has more recipients than one message may have", "send it in parts, or to a list"),
    ("NoSuchMailbox", "there is no such mailbox here", "correct the address, or make an account or alias of this name"),
    ("RelayDenied", "its recipient does not live here, and the client had not signed in", "the client has to sign in"),
    (
        "FromNotOwned",
        "its From or Sender field names an address that does not belong to the account that handed it in",
        "correct the address in the mail program, or make it an alias of the account",
    ),
    (
        "NotOwned",
        "the sender's address does not belong to the account that signed in",
        "correct the address in the mail program, or make it an alias of the account",
    ),
    (
        "MalformedHeader",
        "its header does not say in one way who wrote it (From, Sender)",
        "the program that made it has to be mended",
    ),
    (
        "RoutingLoop",
        "it has come by here too often",
        "an alias or a forwarding leads in a circle: follow its Received fields",
    ),
    ("MailboxFull", "the mailbox of its recipient is full", "posthouse quota list"),
    ("MailboxDisabled", "the mailbox of its recipient is switched off", ""),
    ("NoSuchDomain", "its domain does not exist", "correct the address"),
    ("NullMx", "its domain says that it takes no mail", "correct the address"),
    ("TooMuchHeld", "as much as may wait for its release waits already", "posthouse queue list"),
    ("RateLimited", "too much came at once; the client was told to come again", ""),
    ("Greylisted", "its sender was never seen before; the client was told to come again", ""),
    (
        "FilterWantsLater",
        "the content filters cannot examine it now; the client was told to come again",
        "look at the log for what they say",
    ),
    ("InsufficientStorage", "there is no room on the disk; the client was told to come again", "posthouse alerts"),
    ("Unavailable", "something failed here; the client was told to come again", "look at the log of that time"),
    ("TemporaryFailure", "something failed here; the client was told to come again", "look at the log of that time"),
    ("NoReport", "what came to the address for reports about TLS is none", ""),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn check(view: &WhereView, expected: &str, todo: Option<&str>) {
        let view = WhereView { recipient: "a@x".to_owned(), entry: Some(7), ..view.clone() };
        let (said, what_to_do) = sentence(&view, " --socket s");
        assert!(said.contains(expected), "{said}");
        match (what_to_do, todo) {
            (None, None) => {}
            (Some(found), Some(wanted)) => assert!(found.contains(wanted), "{found}"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn each_state_says_what_and_why_and_what_to_do() {
        let of = |state, why: &str| WhereView { state, why: Some(why.to_owned()), ..WhereView::default() };
        check(&of(State::Refused, "NoSuchMailbox"), "there is no such mailbox here", Some("account or alias"));
        check(&of(State::Refused, "FromNotOwned"), "From or Sender", Some("alias of the account"));
        check(&of(State::Refused, "Sending(Frozen(Flood))"), "may not send", Some("--socket s account frozen"));
        check(&of(State::Refused, "Odd"), "refused at 1970", None);
        check(&of(State::Failed, "550 no"), "550 no; its sender was not told", None);
        check(&of(State::Relayed, "250 ok"), "which took it: 250 ok", Some("whoever runs that host"));
        check(&of(State::Held, ""), "by an administrator", Some("--socket s queue release 7"));
        check(&of(State::Held, "looks like spam"), ": looks like spam", Some("queue bounce 7"));
        check(&of(State::Dropped, ""), "was not told", None);
        let waits = WhereView { attempts: 2, due_at: Some(0), ..of(State::Waiting, "450 later") };
        check(&waits, "tried 2 times", Some("queue retry 7"));
        check(&of(State::Waiting, ""), "waits for its turn", Some("queue retry 7"));
    }
}

//! `posthouse inventory`: who connects with what, and who could not any more if something were taken away.

use std::time::Duration;

use anyhow::Context;
use serde::Serialize;

use super::Place;
use crate::certificates::unix_seconds;
use crate::cli::inventory::{InventoryCommand, InventoryOptions};
use crate::control::inventory::{InventoryRequest, MAX_SIGHTINGS, SightingView};
use crate::control::{Request, Text};
use crate::output::{date, printable, say, say_json, say_table};

pub async fn run(place: &Place, options: InventoryOptions) -> anyhow::Result<()> {
    let since = options.days.map(since);
    match options.command {
        Some(InventoryCommand::Without { what, output }) => {
            let door = Door::parse(&what)?;
            let request = InventoryRequest { since, limit: MAX_SIGHTINGS, ..InventoryRequest::default() };
            let mut server = place.server().await?;
            let sightings: Vec<SightingView> = server.ask(&Request::Inventory(request)).await?;
            let locked_out = without(&door, &sightings);
            match output.json {
                true => say_json(&locked_out),
                false => {
                    show_locked_out(&locked_out);
                    Ok(())
                }
            }
        }
        None => {
            let request = InventoryRequest {
                account: options.account.map(Text),
                listener: options.listener,
                port: options.port,
                tls_version: options.tls.as_deref().map(tls_version).transpose()?,
                mechanism: options.mechanism.map(|name| name.to_ascii_uppercase()),
                since,
                limit: options.limit,
            };
            let mut server = place.server().await?;
            let sightings: Vec<SightingView> = server.ask(&Request::Inventory(request)).await?;
            match options.output.json {
                true => say_json(&sightings),
                false => {
                    show(&sightings);
                    Ok(())
                }
            }
        }
    }
}

/// The time that many days ago, in milliseconds since 1970.
fn since(days: u32) -> i64 {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    let seconds = unix_seconds().saturating_sub(DAY.as_secs() * u64::from(days));
    i64::try_from(seconds).unwrap_or(0).saturating_mul(1000)
}

/// The name under which the inventory has a version of TLS; empty for none.
fn tls_version(text: &str) -> anyhow::Result<String> {
    let text = text.to_ascii_lowercase();
    match text.strip_prefix("tls").unwrap_or(&text).trim_start_matches(['v', ' ']) {
        "none" => Ok(String::new()),
        version @ ("1.2" | "1.3") => Ok(format!("TLS{version}")),
        _ => anyhow::bail!("`{text}` is no version of TLS that this server speaks: write 1.2, 1.3 or none"),
    }
}

/// What is to be taken away.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Door {
    /// A version of TLS; empty for connections without.
    Tls(String),
    Port(u16),
    Listener(String),
    Mechanism(String),
}

impl Door {
    fn parse(words: &[String]) -> anyhow::Result<Self> {
        let words: Vec<&str> = words.iter().flat_map(|word| word.split_whitespace()).collect();
        let kind = words.first().map(|word| word.to_ascii_lowercase()).unwrap_or_default();
        let rest = words.get(1..).unwrap_or_default();
        match [&[kind.as_str()], rest].concat().as_slice() {
            ["cleartext"] => Ok(Self::Tls(String::new())),
            ["port", port] => Ok(Self::Port(port.parse().with_context(|| format!("`{port}` is no port"))?)),
            ["listener", name] => Ok(Self::Listener((*name).to_owned())),
            ["mechanism", name] => Ok(Self::Mechanism(name.to_ascii_uppercase())),
            ["tls", version] => Ok(Self::Tls(tls_version(version)?)),
            [version] if version.starts_with("tls") => Ok(Self::Tls(tls_version(version)?)),
            _ => anyhow::bail!("write `tls1.2`, `cleartext`, `port 110`, `listener NAME` or `mechanism NAME`"),
        }
    }

    /// Whether this way of connecting needs it.
    fn is_used_by(&self, sighting: &SightingView) -> bool {
        match self {
            Self::Tls(version) => sighting.tls_version.as_deref().unwrap_or_default() == version,
            Self::Port(port) => sighting.port == *port,
            Self::Listener(name) => sighting.listener == *name,
            Self::Mechanism(name) => sighting.mechanism.as_deref() == Some(name),
        }
    }
}

/// Somebody who could not connect any more as they did.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct LockedOut {
    #[serde(flatten)]
    sighting: SightingView,
    /// When the same client of the same account, or the same peer, was last seen connecting in another way, in
    /// milliseconds since 1970: it may manage without.
    otherwise_at: Option<i64>,
}

/// Who could not connect any more as they did, those first that were never seen connecting in another way.
fn without(door: &Door, sightings: &[SightingView]) -> Vec<LockedOut> {
    let (locked_out, others): (Vec<_>, Vec<_>) = sightings.iter().partition(|sighting| door.is_used_by(sighting));
    let same = |one: &SightingView, other: &SightingView| {
        (&one.account, &one.peer, &one.client) == (&other.account, &other.peer, &other.client)
    };
    let mut locked_out: Vec<LockedOut> = locked_out
        .into_iter()
        .map(|one| {
            let otherwise = others.iter().filter(|other| same(one, other)).map(|other| other.last_at).max();
            LockedOut { sighting: one.clone(), otherwise_at: otherwise }
        })
        .collect();
    locked_out.sort_by_key(|one| (one.otherwise_at.is_some(), std::cmp::Reverse(one.sighting.last_at)));
    locked_out
}

fn who(sighting: &SightingView) -> String {
    let name = sighting.account.as_deref().or(sighting.peer.as_deref()).unwrap_or("-");
    match &sighting.credential {
        Some(label) => printable(&format!("{name}/{label}")),
        None => printable(name),
    }
}

fn or_dash(text: Option<&String>) -> String {
    text.map_or_else(|| "-".to_owned(), |text| printable(text))
}

fn show(sightings: &[SightingView]) {
    let row = |one: &SightingView| {
        vec![
            who(one),
            format!("{} {}", one.listener, one.port),
            one.tls_version.clone().unwrap_or_else(|| "clear".to_owned()),
            or_dash(one.cipher_suite.as_ref()),
            or_dash(one.mechanism.as_ref()),
            or_dash(one.client.as_ref()),
            date(one.last_at),
            one.connections.to_string(),
        ]
    };
    let rows: Vec<Vec<String>> = sightings.iter().map(row).collect();
    let head = ["WHO", "LISTENER", "TLS", "SUITE", "MECHANISM", "CLIENT", "LAST SEEN", "TIMES"];
    say_table(&head, &rows, "Nobody was seen connecting so.");
}

fn show_locked_out(locked_out: &[LockedOut]) {
    if locked_out.is_empty() {
        return say("Nobody was seen who needs it.");
    }
    let row = |one: &LockedOut| {
        let sighting = &one.sighting;
        vec![
            who(sighting),
            or_dash(sighting.client.as_ref()),
            format!("{} {}", sighting.listener, sighting.port),
            date(sighting.last_at),
            sighting.connections.to_string(),
            one.otherwise_at.map_or_else(|| "never".to_owned(), date),
        ]
    };
    let rows: Vec<Vec<String>> = locked_out.iter().map(row).collect();
    say_table(&["WHO", "CLIENT", "LISTENER", "LAST SEEN", "TIMES", "SEEN WITHOUT IT"], &rows, "");
    let never = locked_out.iter().filter(|one| one.otherwise_at.is_none()).count();
    say(format!("Ways of connecting that would end: {}; of them never seen otherwise: {never}", locked_out.len()));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(account: &str, client: &str, tls: &str, port: u16, at: i64) -> SightingView {
        SightingView {
            account: Some(account.to_owned()),
            client: Some(client.to_owned()),
            tls_version: Some(tls.to_owned()).filter(|tls| !tls.is_empty()),
            mechanism: Some("PLAIN".to_owned()),
            listener: format!("listener-{port}"),
            port,
            last_at: at,
            ..SightingView::default()
        }
    }

    #[track_caller]
    fn check(what: &str, expected: &[(&str, &str, Option<i64>)]) {
        let sightings = [
            seen("ann", "phone", "TLS1.3", 993, 9),
            seen("ann", "phone", "TLS1.2", 993, 8),
            seen("bob", "printer", "TLS1.2", 465, 7),
            seen("bob", "phone", "TLS1.3", 110, 6),
            seen("carl", "script", "", 110, 5),
        ];
        let door = Door::parse(&[what.to_owned()]).unwrap();
        let found = without(&door, &sightings);
        let short = found.iter().map(|one| {
            let SightingView { account, client, .. } = &one.sighting;
            (account.as_deref().unwrap(), client.as_deref().unwrap(), one.otherwise_at)
        });
        assert_eq!(short.collect::<Vec<_>>(), expected, "{what}");
    }

    /// Somebody else's phone does not speak for one's own.
    #[test]
    fn who_would_be_locked_out() {
        check("tls1.2", &[("bob", "printer", None), ("ann", "phone", Some(9))]);
        check("TLS 1.2", &[("bob", "printer", None), ("ann", "phone", Some(9))]);
        check("cleartext", &[("carl", "script", None)]);
        check("port 110", &[("bob", "phone", None), ("carl", "script", None)]);
        check("listener listener-465", &[("bob", "printer", None)]);
        check("mechanism login", &[]);
    }

    #[test]
    fn what_is_no_door_is_refused() {
        for words in ["", "tls1.1", "port x", "port", "mechanism", "everything"] {
            assert!(Door::parse(&[words.to_owned()]).is_err(), "{words}");
        }
    }
}

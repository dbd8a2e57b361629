//! Commands about mail that goes by way of given hosts.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use posthouse_model::{Address, Domain};
use posthouse_storage::routes::RouteTls;

use super::Output;
use crate::configuration::read_duration;

/// What to do with routes.
#[derive(Debug, Subcommand)]
pub enum RouteCommand {
    /// Make a route, or with --replace change one; it holds for all mail that is sent from now on.
    Add(Box<RouteOptions>),
    /// List all routes, those of the configuration aside.
    List(Output),
    /// Show a route, and how much has gone that way.
    Show {
        /// What it is called.
        name: String,
        /// How.
        #[command(flatten)]
        output: Output,
    },
    /// Remove a route: its mail goes by wider ones, or by MX.
    Remove {
        /// What it is called.
        name: String,
    },
    /// Connect to each host of a route and sign in, without sending anything.
    Test {
        /// What it is called.
        name: String,
        /// How.
        #[command(flatten)]
        output: Output,
    },
    /// List the providers that --preset knows.
    Presets(Output),
}

/// A route.
#[derive(Debug, Args)]
pub struct RouteOptions {
    /// What it is to be called.
    pub name: String,
    /// As this provider wants it; what else is said goes before.
    #[arg(long, value_name = "PROVIDER")]
    pub preset: Option<String>,
    /// By way of this host; more of them are tried in turn, those with lower preference first.
    #[arg(long = "host", value_name = "HOST[:PORT][,PREFERENCE]", value_parser = HostOption::parse)]
    pub hosts: Vec<HostOption>,
    /// For mail to this domain.
    #[arg(long, value_name = "DOMAIN", value_parser = Domain::parse)]
    pub to: Option<Domain>,
    /// For mail that this account hands in.
    #[arg(long, value_name = "ADDRESS", value_parser = Address::parse)]
    pub account: Option<Address>,
    /// For mail from senders of this domain.
    #[arg(long, value_name = "DOMAIN", value_parser = Domain::parse)]
    pub from: Option<Domain>,
    /// implicit, starttls (both with a certificate that holds up), starttls-unverified, starttls-optional, or none.
    #[arg(long, value_parser = tls)]
    pub tls: Option<RouteTls>,
    /// The name that the hosts' certificates have to be for, instead of their own.
    #[arg(long, value_name = "NAME", value_parser = Domain::parse)]
    pub certificate_name: Option<Domain>,
    /// How to sign in, and what to show.
    #[command(flatten)]
    pub login: LoginOptions,
    /// Connections at once.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub connections: Option<u32>,
    /// Messages over one connection.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub messages_per_connection: Option<u32>,
    /// Messages after which there is a pause.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub pause_after: Option<u32>,
    /// How long the pause is, such as 5s; at most a minute.
    #[arg(long, value_name = "TIME", value_parser = pause)]
    pub pause: Option<u64>,
    /// Messages in a minute.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub per_minute: Option<u32>,
    /// Messages in an hour.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub per_hour: Option<u32>,
    /// Messages in a day.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub per_day: Option<u32>,
    /// Replace the route of this name.
    #[arg(long)]
    pub replace: bool,
}

/// How to sign in at the hosts of a route, and what to show them.
#[derive(Debug, Args)]
pub struct LoginOptions {
    /// Sign in with this login.
    #[arg(long, requires = "proof")]
    pub login: Option<String>,
    /// Its password: the first line of a file that other users cannot read.
    #[arg(long, value_name = "FILE", requires = "login", group = "proof")]
    pub password_file: Option<PathBuf>,
    /// By a token of OAuth: the first line of a file that other users cannot read, which the server reads for each login.
    #[arg(long, value_name = "FILE", requires = "login", group = "proof")]
    pub token_file: Option<PathBuf>,
    /// By tokens of OAuth that the server gets for this refresh token: the first line of such a file.
    #[arg(long, value_name = "FILE", requires_all = ["login", "client_id"], group = "proof")]
    pub refresh_token_file: Option<PathBuf>,
    /// Where it gets them; the preset may know it.
    #[arg(long, value_name = "URL", requires = "refresh_token_file")]
    pub token_endpoint: Option<String>,
    /// Who we are there.
    #[arg(long, value_name = "ID", requires = "refresh_token_file")]
    pub client_id: Option<String>,
    /// What proves that: the first line of such a file.
    #[arg(long, value_name = "FILE", requires = "refresh_token_file")]
    pub client_secret_file: Option<PathBuf>,
    /// What the tokens are to be good for; the preset may know it.
    #[arg(long, value_name = "SCOPE", requires = "refresh_token_file")]
    pub token_scope: Option<String>,
    /// A certificate to show to hosts that ask for one, with those that certify it, in PEM.
    #[arg(long, value_name = "FILE", requires = "client_key")]
    pub client_certificate: Option<PathBuf>,
    /// Its private key, in PEM, in a file that other users cannot read.
    #[arg(long, value_name = "FILE", requires = "client_certificate")]
    pub client_key: Option<PathBuf>,
}

/// A host on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostOption {
    /// Its name or address.
    pub host: Domain,
    /// Its port, if it is said.
    pub port: Option<u16>,
    /// Its preference, if it is said.
    pub preference: Option<u16>,
}

impl HostOption {
    fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not HOST[:PORT][,PREFERENCE], such as relay.example.net:587,10");
        let (place, preference) = match text.split_once(',') {
            Some((place, preference)) => (place, Some(preference.parse().map_err(|_| wrong())?)),
            None => (text, None),
        };
        // An address literal has colons of its own.
        let (host, port) = match place.rsplit_once(':').filter(|(_, port)| !port.contains(']')) {
            Some((host, port)) => (host, Some(port.parse().ok().filter(|port| *port > 0).ok_or_else(wrong)?)),
            None => (place, None),
        };
        let host = match host.parse::<std::net::Ipv4Addr>() {
            Ok(address) => Domain::parse(&format!("[{address}]")),
            Err(_) => Domain::parse(host),
        };
        Ok(Self { host: host.map_err(|_| wrong())?, port, preference })
    }
}

fn tls(text: &str) -> Result<RouteTls, String> {
    RouteTls::from_name(text).ok_or_else(|| format!("there are {}", RouteTls::EACH.map(RouteTls::name).join(", ")))
}

/// The longest pause, in milliseconds: mail waits under way while it lasts.
const MAX_PAUSE_MS: u64 = 60_000;

fn pause(text: &str) -> Result<u64, String> {
    let millis = u64::try_from(read_duration(text)?.as_millis()).unwrap_or(u64::MAX);
    if millis <= MAX_PAUSE_MS { Ok(millis) } else { Err("at most a minute".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<(&str, Option<u16>, Option<u16>)>) {
        let read = HostOption::parse(text).ok();
        let read = read.as_ref().map(|one| (one.host.as_str(), one.port, one.preference));
        assert_eq!(read, expected, "{text}");
    }

    #[test]
    fn hosts_are_read() {
        check("relay.example", Some(("relay.example", None, None)));
        check("relay.example:587", Some(("relay.example", Some(587), None)));
        check("relay.example:587,10", Some(("relay.example", Some(587), Some(10))));
        check("relay.example,5", Some(("relay.example", None, Some(5))));
        check("192.0.2.1:25", Some(("[192.0.2.1]", Some(25), None)));
        for bad in ["", "a b", "relay.example:0", "relay.example:x", "relay.example,-1", "relay.example,"] {
            check(bad, None);
        }
    }
}

//! `[telemetry]`: who is told of each message's journey, as traces of OpenTelemetry.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use posthouse_model::Domain;
use serde::Deserialize;
use toml::Spanned;

use super::listener::Fault;
use super::value::{Parsed, Word};

/// What the service is called when nothing else is said.
const USUAL_SERVICE_NAME: &str = "posthouse";
/// Longest name of the service, in octets.
const MAX_SERVICE_NAME_BYTES: usize = 255;
/// Longest URL of a collector, in octets.
const MAX_ENDPOINT_BYTES: usize = 1024;
/// Where traces go below the endpoint (OTLP, "OTLP/HTTP Request").
const TRACES_PATH: &str = "/v1/traces";

/// The table as it stands in the file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TelemetryTable {
    endpoint: Option<Parsed<Endpoint>>,
    sample: Option<Spanned<f64>>,
    service_name: Option<Spanned<String>>,
}

/// Who takes traces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// A collector on this host, without TLS.
    Here {
        /// Where it listens, which is a loopback address.
        address: SocketAddr,
        /// The path for traces.
        path: String,
    },
    /// A collector anywhere, by HTTPS: the URL for traces.
    Https(String),
}

/// Who is told, and of how much.
#[derive(Clone, Debug, PartialEq)]
pub struct TelemetrySettings {
    /// Who.
    pub endpoint: Endpoint,
    /// The part of all journeys, from 0 to 1.
    pub sample: f64,
    /// What this server is called there.
    pub service_name: String,
}

impl Word for Endpoint {
    fn read(text: &str) -> Result<Self, String> {
        let refused = || {
            format!(
                "`{text}` is not the URL of a collector: write https://HOST or, for one on this host, \
                 http://127.0.0.1:4318 or http://[::1]:4318"
            )
        };
        let is_sound = text.len() <= MAX_ENDPOINT_BYTES
            && text.bytes().all(|byte| byte.is_ascii_graphic())
            && !text.contains(['?', '#', '@']);
        let (scheme, rest) = text.split_once("://").filter(|_| is_sound).ok_or_else(refused)?;
        let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
        let path = format!("{}{TRACES_PATH}", path.trim_end_matches('/'));
        match scheme {
            "https" => {
                let (host, port) =
                    authority.rsplit_once(':').map_or((authority, None), |(host, port)| (host, Some(port)));
                let is_port = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
                let is_name = Domain::parse(host).is_ok_and(|host| host.as_ip().is_none());
                (is_port && is_name).then(|| Self::Https(format!("https://{authority}{path}"))).ok_or_else(refused)
            }
            "http" => {
                let here = authority.strip_prefix("localhost:").and_then(|port| port.parse().ok());
                let here = here.map(|port| SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port));
                let address = here.or_else(|| authority.parse().ok());
                // Journeys tell who talks to whom: without TLS they stay on this host.
                let address = address.filter(|address| address.ip().is_loopback() && address.port() > 0);
                address.map(|address| Self::Here { address, path }).ok_or_else(refused)
            }
            _ => Err(refused()),
        }
    }
}

impl TelemetrySettings {
    /// What the table says; `None` when nobody is told.
    pub(super) fn of_table(table: TelemetryTable) -> Result<Option<Self>, Fault> {
        if let Some(sample) = table.sample.as_ref().filter(|sample| !(0.0..=1.0).contains(sample.as_ref())) {
            return Err((sample.span(), "allowed are 0.0 (no message) to 1.0 (every message)".to_owned()));
        }
        let is_name =
            |name: &str| (1..=MAX_SERVICE_NAME_BYTES).contains(&name.len()) && !name.chars().any(char::is_control);
        if let Some(name) = table.service_name.as_ref().filter(|name| !is_name(name.as_ref())) {
            let message = format!("allowed are 1 to {MAX_SERVICE_NAME_BYTES} octets without control characters");
            return Err((name.span(), message));
        }
        Ok(table.endpoint.map(|endpoint| Self {
            endpoint: endpoint.0,
            sample: table.sample.map_or(1.0, Spanned::into_inner),
            service_name: table.service_name.map_or_else(|| USUAL_SERVICE_NAME.to_owned(), Spanned::into_inner),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints() {
        let here = |address: &str, path: &str| {
            Some(Endpoint::Here { address: address.parse().unwrap(), path: path.to_owned() })
        };
        let away = |url: &str| Some(Endpoint::Https(url.to_owned()));
        let check = |text: &str, expected: Option<Endpoint>| assert_eq!(Endpoint::read(text).ok(), expected, "{text}");
        check("http://127.0.0.1:4318", here("127.0.0.1:4318", "/v1/traces"));
        check("http://127.9.9.9:4318/", here("127.9.9.9:4318", "/v1/traces"));
        check("http://[::1]:4318/otlp/", here("[::1]:4318", "/otlp/v1/traces"));
        check("http://localhost:4318", here("127.0.0.1:4318", "/v1/traces"));
        check("https://otel.example", away("https://otel.example/v1/traces"));
        check("https://otel.example:4318/x", away("https://otel.example:4318/x/v1/traces"));
        for bad in [
            "",
            "127.0.0.1:4318",
            "ftp://127.0.0.1:4318",
            "http://127.0.0.1",
            "http://127.0.0.1:0",
            "http://192.0.2.1:4318",
            "http://10.0.0.1:4318",
            "http://[::]:4318",
            "http://0.0.0.0:4318",
            "http://localhost.example:4318",
            "http://127.0.0.1:4318@192.0.2.1:80",
            "https://user:secret@otel.example",
            "https://otel.example/?key=x",
            "https://otel.example/a b",
            "https://otel.example/\r\nX: y",
            "https://[::1]",
            "https://otel.example:0",
            "https://",
        ] {
            check(bad, None);
        }
        check(&format!("https://otel.example/{}", "x".repeat(MAX_ENDPOINT_BYTES)), None);
    }
}

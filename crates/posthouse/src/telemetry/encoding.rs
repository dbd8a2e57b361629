//! Events of the trail as spans, in the JSON of OTLP ("JSON Protobuf Encoding").
//!
//! Only what is named here leaves: neither addresses of people nor words that a client or another server chose, but for
//! the Message-ID.

use std::net::{IpAddr, SocketAddr};

use posthouse_model::trail::MESSAGE_ID_FACT;
use posthouse_model::{Address, JourneyId, TrailEvent, TrailKind, UnixMillis};
use serde_json::{Value, json};

use super::ids::{SpanId, TraceId};

/// Longest value of an attribute, in octets; longer ones are left out.
const MAX_VALUE_BYTES: usize = 256;
/// `error.type` where there is no name for what went wrong (OpenTelemetry's attribute registry, "error.type").
const OTHER_ERROR: &str = "_OTHER";
/// `SpanKind` of the protocol: work within, an answer to somebody, a question to somebody.
const INTERNAL: u8 = 1;
const SERVER: u8 = 2;
const CLIENT: u8 = 3;
/// `StatusCode` of the protocol: something went wrong.
const ERROR: u8 = 2;

/// Who tells all this.
pub struct Resource {
    /// The name of the service.
    pub service_name: String,
    /// The name of the host.
    pub host_name: String,
}

/// A request with a span for each event.
pub fn encode(events: &[TrailEvent], resource: &Resource) -> Vec<u8> {
    let version = env!("CARGO_PKG_VERSION");
    let about = Attributes::default()
        .with("service.name", &resource.service_name)
        .with("service.version", version)
        .with("host.name", &resource.host_name);
    let spans: Vec<Value> = events.iter().map(span).collect();
    let scope = json!({ "name": "posthouse.trail", "version": version });
    let request = json!({ "resourceSpans": [{
        "resource": { "attributes": about.0 },
        "scopeSpans": [{ "scope": scope, "spans": spans }],
    }] });
    request.to_string().into_bytes()
}

/// The attributes of something.
#[derive(Default)]
struct Attributes(Vec<Value>);

impl Attributes {
    fn with(mut self, key: &str, value: &str) -> Self {
        if value.len() <= MAX_VALUE_BYTES {
            self.0.push(json!({ "key": key, "value": { "stringValue": value } }));
        }
        self
    }

    fn with_some(self, key: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }

    /// Numbers of 64 bits stand as texts.
    fn with_number(mut self, key: &str, value: Option<&str>) -> Self {
        if let Some(number) = value.and_then(|value| value.parse::<u64>().ok()) {
            self.0.push(json!({ "key": key, "value": { "intValue": number.to_string() } }));
        }
        self
    }
}

fn span(event: &TrailEvent) -> Value {
    let nanos = |at: UnixMillis| u64::try_from(at.0).unwrap_or(0).saturating_mul(1_000_000).to_string();
    // The clock may have been set meanwhile.
    let began_at = event.began_at.map_or(event.at, |began_at| began_at.min(event.at));
    let mut span = json!({
        "traceId": TraceId::of(event.journey).to_string(),
        "spanId": SpanId::of(event).to_string(),
        "name": event.kind.name(),
        "kind": kind_of(event),
        // What is a moment in the trail and nothing more is one here.
        "startTimeUnixNano": nanos(began_at),
        "endTimeUnixNano": nanos(event.at),
        "attributes": attributes(event).0,
    });
    if !stands_alone(event) {
        span["parentSpanId"] = SpanId::of_reception(event.journey).to_string().into();
    }
    if matches!(event.kind, TrailKind::Deferred | TrailKind::Failed) {
        span["status"] = json!({ "code": ERROR });
    }
    // A report has a journey of its own, and each tells of the other.
    let other = fact(event, "report").or_else(|| fact(event, "report-about")).and_then(JourneyId::parse);
    if let Some(other) = other {
        let (trace, reception) = (TraceId::of(other).to_string(), SpanId::of_reception(other).to_string());
        span["links"] = json!([{ "traceId": trace, "spanId": reception }]);
    }
    span
}

/// Whether an event belongs to no reception: it is one, or stands for one that was refused, or is about no message.
fn stands_alone(event: &TrailEvent) -> bool {
    event.kind == TrailKind::Received || fact(event, "peer").is_some() || fact(event, "to").is_none()
}

fn kind_of(event: &TrailEvent) -> u8 {
    if fact(event, "peer").is_some() {
        SERVER
    } else if fact(event, "attempt").is_some() {
        CLIENT
    } else {
        INTERNAL
    }
}

/// What is told of an event, under OpenTelemetry's names where it has one.
fn attributes(event: &TrailEvent) -> Attributes {
    let operation = match event.kind {
        TrailKind::Received => Some("receive"),
        TrailKind::Delivered => Some("process"),
        _ => fact(event, "attempt").map(|_| "send"),
    };
    let tls = fact(event, "tls").and_then(|words| words.strip_prefix("TLS")).and_then(|rest| rest.split_once(' '));
    let suite = tls.map(|(_, rest)| rest.split(',').next().unwrap_or(rest));
    let (peer, port) = peer(event).unzip();
    let protocol = fact(event, "with").map(|with| if with.contains("LMTP") { "lmtp" } else { "smtp" });
    let is_attempt = fact(event, "attempt").is_some();
    Attributes::default()
        .with("posthouse.journey", &event.journey.to_string())
        .with("messaging.system", "posthouse")
        .with("messaging.operation.name", event.kind.name())
        .with_some("messaging.operation.type", operation)
        .with_some("messaging.message.id", fact(event, MESSAGE_ID_FACT))
        .with_number("messaging.message.envelope.size", fact(event, "size"))
        .with_some("messaging.destination.name", destination(event).as_deref())
        .with_number("posthouse.attempt", fact(event, "attempt"))
        .with_some("network.protocol.name", protocol.or(is_attempt.then_some("smtp")))
        .with_some("network.peer.address", peer.as_deref())
        .with_number("network.peer.port", port.flatten().as_deref())
        .with_some("server.address", fact(event, "host"))
        .with_some("tls.protocol.name", tls.map(|_| "tls"))
        .with_some("tls.protocol.version", tls.map(|(version, _)| version))
        .with_some("tls.cipher", suite)
        .with_some("error.type", error_type(event))
}

fn fact<'a>(event: &'a TrailEvent, name: &str) -> Option<&'a str> {
    event.facts.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

/// Who was there, and at which port if that is known.
fn peer(event: &TrailEvent) -> Option<(String, Option<String>)> {
    let text = fact(event, "peer")?;
    match (text.parse::<SocketAddr>(), text.parse::<IpAddr>()) {
        (Ok(socket), _) => Some((socket.ip().to_string(), Some(socket.port().to_string()))),
        (_, Ok(address)) => Some((address.to_string(), None)),
        _ => None,
    }
}

/// The domain it was for, where all recipients are of one.
fn destination(event: &TrailEvent) -> Option<String> {
    let recipients = event.facts.iter().filter(|(name, _)| name == "to");
    let mut domains = recipients.map(|(_, to)| {
        let address = Address::parse(to.trim_matches(['<', '>'])).ok()?;
        Some(address.domain.to_string())
    });
    let first = domains.next()??;
    domains.all(|domain| domain.as_ref() == Some(&first)).then_some(first)
}

/// What went wrong, in a word: a kind of failure of TLS, a reply code, the name of a refusal. The other words may be of
/// strangers, and tell of people.
fn error_type(event: &TrailEvent) -> Option<&str> {
    if let Some(kind) = fact(event, "tls-cause") {
        return Some(kind);
    }
    let cause = fact(event, "cause")?;
    if !matches!(event.kind, TrailKind::Refused | TrailKind::Deferred | TrailKind::Failed) {
        return None;
    }
    let code = cause.strip_prefix("the host said: ").and_then(|reply| reply.get(..3));
    if let Some(code) = code.filter(|code| code.bytes().all(|byte| byte.is_ascii_digit())) {
        return Some(code);
    }
    // Refusals at the door are told of by name.
    let ends = cause.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(cause.len());
    let name = cause.get(..ends).filter(|name| name.starts_with(|c: char| c.is_ascii_uppercase()));
    let is_name = event.kind == TrailKind::Refused && fact(event, "peer").is_some();
    Some(name.filter(|_| is_name).unwrap_or(OTHER_ERROR))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use posthouse_flow::{Cause, PeerReply};

    use super::*;

    fn event(kind: TrailKind, facts: &[(&str, &str)]) -> TrailEvent {
        let event = TrailEvent::new(JourneyId(7), UnixMillis(1_700_000_000_123), kind);
        facts.iter().fold(event, |event, (name, value)| event.fact(name, *value))
    }

    fn attributes_of(span: &Value) -> BTreeMap<&str, &str> {
        let each = span["attributes"].as_array().unwrap().iter();
        each.map(|one| {
            let value = &one["value"];
            let text = value["stringValue"].as_str().or(value["intValue"].as_str()).unwrap();
            (one["key"].as_str().unwrap(), text)
        })
        .collect()
    }

    #[test]
    fn a_reception_is_a_root_and_says_who_brought_what() {
        let received = event(
            TrailKind::Received,
            &[
                ("from", "<ann@secret.example>"),
                ("peer", "[2001:db8::1]:2525"),
                ("helo", "hidden.example"),
                ("with", "ESMTPS"),
                ("tls", "TLS1.3 TLS_AES_256_GCM_SHA384"),
                ("login", "ann@secret.example"),
                ("to", "<bob@here.example>"),
                ("to", "<carol@here.example>"),
                ("size", "1234"),
                ("message-id", "x@y"),
            ],
        );
        let span = span(&received);
        assert_eq!(span["startTimeUnixNano"], "1700000000123000000");
        assert_eq!(span["endTimeUnixNano"], span["startTimeUnixNano"]);
        assert_eq!((&span["name"], &span["kind"]), (&"received".into(), &SERVER.into()));
        assert_eq!((span.get("parentSpanId"), span.get("status"), span.get("links")), (None, None, None));
        let expected = BTreeMap::from([
            ("posthouse.journey", "0000000000007"),
            ("messaging.system", "posthouse"),
            ("messaging.operation.name", "received"),
            ("messaging.operation.type", "receive"),
            ("messaging.message.id", "x@y"),
            ("messaging.message.envelope.size", "1234"),
            ("messaging.destination.name", "here.example"),
            ("network.protocol.name", "smtp"),
            ("network.peer.address", "2001:db8::1"),
            ("network.peer.port", "2525"),
            ("tls.protocol.name", "tls"),
            ("tls.protocol.version", "1.3"),
            ("tls.cipher", "TLS_AES_256_GCM_SHA384"),
        ]);
        assert_eq!(attributes_of(&span), expected);
    }

    #[test]
    fn an_attempt_hangs_below_and_says_what_went_wrong() {
        let reply = PeerReply { code: 550, enhanced: None, text: "bob@secret.example is unknown".to_owned() };
        let cause = Cause::Reply(reply).to_string();
        let failed = event(
            TrailKind::Failed,
            &[
                ("to", "<bob@there.example>"),
                ("attempt", "2"),
                ("host", "mx.there.example"),
                ("tls", "TLS1.2 TLS_X, certificate verified"),
                ("cause", &cause),
            ],
        );
        let span = span(&failed);
        assert_eq!(span["parentSpanId"], SpanId::of_reception(JourneyId(7)).to_string());
        assert_eq!((&span["kind"], &span["status"]["code"]), (&CLIENT.into(), &ERROR.into()));
        let found = attributes_of(&span);
        for (key, value) in [
            ("messaging.operation.type", "send"),
            ("posthouse.attempt", "2"),
            ("server.address", "mx.there.example"),
            ("tls.cipher", "TLS_X"),
            ("error.type", "550"),
        ] {
            assert_eq!(found.get(key), Some(&value), "{key}");
        }
        assert!(!span.to_string().contains("secret"), "{span}");
    }

    #[test]
    fn what_takes_time_has_a_beginning_and_an_end() {
        let check = |began_at: Option<i64>, start: &str| {
            let span = span(&event(TrailKind::Relayed, &[("attempt", "1")]).since(began_at.map(UnixMillis)));
            assert_eq!(span["startTimeUnixNano"], start);
            assert_eq!(span["endTimeUnixNano"], "1700000000123000000");
        };
        check(None, "1700000000123000000");
        check(Some(1_700_000_000_000), "1700000000000000000");
        // A clock that was set back makes no span that ends before it begins.
        check(Some(1_800_000_000_000), "1700000000123000000");
    }

    #[test]
    fn errors_have_names_of_ours_only() {
        let check = |kind, facts: &[(&str, &str)], expected| {
            assert_eq!(error_type(&event(kind, facts)), expected, "{facts:?}");
        };
        let door = ("peer", "192.0.2.1");
        check(TrailKind::Refused, &[door, ("cause", "NoSuchMailbox")], Some("NoSuchMailbox"));
        check(TrailKind::Refused, &[door, ("cause", "Sending(Frozen(x@y))")], Some("Sending"));
        check(TrailKind::Refused, &[("cause", "Bob is away")], Some(OTHER_ERROR));
        check(TrailKind::Deferred, &[("cause", "Bob")], Some(OTHER_ERROR));
        check(TrailKind::Deferred, &[("cause", "the host said: x")], Some(OTHER_ERROR));
        check(
            TrailKind::Deferred,
            &[("cause", "x"), ("tls-cause", "certificate-expired")],
            Some("certificate-expired"),
        );
        check(TrailKind::Administered, &[("cause", "x")], None);
        check(TrailKind::Relayed, &[], None);
    }

    #[test]
    fn what_is_about_no_reception_stands_alone() {
        let alone = |kind, facts: &[(&str, &str)]| span(&event(kind, facts)).get("parentSpanId").is_none();
        assert!(alone(TrailKind::Refused, &[("peer", "192.0.2.1"), ("to", "<a@b.example>")]));
        assert!(alone(TrailKind::Administered, &[("action", "sending frozen")]));
        assert!(!alone(TrailKind::Refused, &[("to", "<a@b.example>"), ("cause", "the mailbox is full")]));
        assert!(!alone(TrailKind::Administered, &[("to", "<a@b.example>"), ("action", "hold")]));
    }

    #[test]
    fn a_report_and_what_it_is_about_tell_of_each_other() {
        let link = |name: &str| span(&event(TrailKind::Reported, &[(name, "0000000000009")]))["links"][0].clone();
        let other = json!({
            "traceId": TraceId::of(JourneyId(9)).to_string(),
            "spanId": SpanId::of_reception(JourneyId(9)).to_string(),
        });
        assert_eq!((link("report"), link("report-about")), (other.clone(), other));
        assert_eq!(span(&event(TrailKind::Reported, &[("report", "none")])).get("links"), None);
    }

    #[test]
    fn a_request_names_the_service_and_leaves_out_what_is_too_long() {
        let resource = Resource { service_name: "post \"x\"".to_owned(), host_name: "mx.example".to_owned() };
        let long = "x".repeat(MAX_VALUE_BYTES + 1);
        let events = [event(TrailKind::Received, &[("message-id", &long)]), event(TrailKind::Delivered, &[])];
        let request: Value = serde_json::from_slice(&encode(&events, &resource)).unwrap();
        let of = &request["resourceSpans"][0];
        assert_eq!(attributes_of(&of["resource"])["service.name"], "post \"x\"");
        let spans = of["scopeSpans"][0]["spans"].as_array().unwrap();
        assert_eq!(spans.len(), 2);
        assert!(!attributes_of(&spans[0]).contains_key("messaging.message.id"));
    }
}

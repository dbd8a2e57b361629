//! The argument of XCLIENT, by which a trusted neighbour says whose connection it passes on (Postfix's XCLIENT_README).
//!
//! ```text
//! xclient-command = "XCLIENT" 1*( SP attribute-name "=" attribute-value )
//! attribute-name  = "NAME" / "ADDR" / "PORT" / "PROTO" / "HELO" / "LOGIN" / "DESTADDR" / "DESTPORT"
//! attribute-value = xtext / "[UNAVAILABLE]" / "[TEMPUNAVAIL]"
//! ```

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::limits::{HELO_NAME_BYTES, PARAMETERS_PER_COMMAND};
use crate::xtext;

use super::CommandError;

/// What stands before an IPv6 address.
const IPV6_PREFIX: &str = "IPV6:";
/// Values that say that there is nothing to be told.
const NOTHING_TOLD: [&str; 2] = ["[UNAVAILABLE]", "[TEMPUNAVAIL]"];

/// What a neighbour says of a client; what it does not say, or cannot, is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct XClient {
    /// `ADDR`: where the client is.
    pub address: Option<IpAddr>,
    /// `PORT`.
    pub port: Option<u16>,
    /// `DESTADDR`: the address of ours that it reached.
    pub own_address: Option<IpAddr>,
    /// `DESTPORT`.
    pub own_port: Option<u16>,
    /// `HELO`: what it called itself.
    pub helo: Option<String>,
    /// Whether `LOGIN` says that it signed in.
    pub has_login: bool,
}

/// Reads the argument.
///
/// # Errors
/// Where it does not keep to the grammar, or a value cannot be used.
pub fn parse(argument: &str) -> Result<XClient, CommandError> {
    let mut said = XClient::default();
    let mut names: Vec<String> = Vec::new();
    for attribute in argument.split(' ').filter(|word| !word.is_empty()) {
        let (name, value) = attribute.split_once('=').ok_or(CommandError::BadParameterValue)?;
        let name = name.to_ascii_uppercase();
        if names.len() == PARAMETERS_PER_COMMAND || names.contains(&name) {
            return Err(CommandError::RepeatedParameter);
        }
        let value =
            if NOTHING_TOLD.iter().any(|word| value.eq_ignore_ascii_case(word)) { None } else { Some(plain(value)?) };
        match name.as_str() {
            "ADDR" => said.address = read(value, address)?,
            "DESTADDR" => said.own_address = read(value, address)?,
            "PORT" => said.port = read(value, port)?,
            "DESTPORT" => said.own_port = read(value, port)?,
            "HELO" => said.helo = read(value, client_name)?,
            // What DNS calls it plays no part here.
            "NAME" => read(value, client_name).map(drop)?,
            // How it speaks shows in what follows.
            "PROTO" => read(value, protocol).map(drop)?,
            "LOGIN" => said.has_login = value.is_some(),
            _ => return Err(CommandError::BadParameterValue),
        }
        names.push(name);
    }
    if names.is_empty() { Err(CommandError::MissingArgument) } else { Ok(said) }
}

/// A value without its encoding, of printable ASCII: nothing in it can end a line, of a reply, a header or a log.
fn plain(value: &str) -> Result<String, CommandError> {
    let octets = xtext::decode(value).filter(|octets| !octets.is_empty()).ok_or(CommandError::BadParameterValue)?;
    if octets.iter().all(u8::is_ascii_graphic) {
        String::from_utf8(octets).map_err(|_| CommandError::BadParameterValue)
    } else {
        Err(CommandError::BadParameterValue)
    }
}

fn read<T>(value: Option<String>, read: impl FnOnce(&str) -> Option<T>) -> Result<Option<T>, CommandError> {
    value.map(|text| read(&text).ok_or(CommandError::BadParameterValue)).transpose()
}

fn address(text: &str) -> Option<IpAddr> {
    let found = match text.get(..IPV6_PREFIX.len()) {
        Some(prefix) if prefix.eq_ignore_ascii_case(IPV6_PREFIX) => {
            text[IPV6_PREFIX.len()..].parse::<Ipv6Addr>().ok().map(IpAddr::V6)
        }
        _ => text.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
    };
    found.map(|address| address.to_canonical()).filter(|address| !address.is_unspecified() && !address.is_multicast())
}

fn port(text: &str) -> Option<u16> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

fn client_name(text: &str) -> Option<String> {
    (text.len() <= HELO_NAME_BYTES).then(|| text.to_owned())
}

fn protocol(text: &str) -> Option<()> {
    ["SMTP", "ESMTP", "LMTP"].iter().any(|known| text.eq_ignore_ascii_case(known)).then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_read() {
        let said = parse(
            "NAME=spike.example ADDR=192.0.2.9 PORT=1234 PROTO=ESMTP helo=c+2Bd DESTADDR=IPV6:2001:db8::1 DESTPORT=25",
        );
        let expected = XClient {
            address: Some("192.0.2.9".parse().unwrap()),
            port: Some(1234),
            own_address: Some("2001:db8::1".parse().unwrap()),
            own_port: Some(25),
            helo: Some("c+d".to_owned()),
            has_login: false,
        };
        assert_eq!(said, Ok(expected));
        assert_eq!(parse("ADDR=[UNAVAILABLE] PORT=[tempunavail] LOGIN=[UNAVAILABLE]"), Ok(XClient::default()));
        assert!(parse("LOGIN=ann@example.org").unwrap().has_login);
        assert_eq!(parse("ADDR=IPV6:::ffff:192.0.2.9").unwrap().address, Some("192.0.2.9".parse().unwrap()));
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for argument in [
            "",
            "ADDR",
            "ADDR=",
            "ADDR=here",
            "ADDR=::1",
            "ADDR=IPV6:192.0.2.1",
            "ADDR=0.0.0.0",
            "ADDR=IPV6:::",
            "ADDR=224.0.0.1",
            "ADDR=192.0.2.9 addr=192.0.2.9",
            "PORT=65536",
            "PORT=+2B1",
            "PORT=-1",
            "PROTO=HTTP",
            "COLOUR=blue",
            "HELO=a+0D+0AQUIT",
            "HELO=a+00",
            "HELO=a+20b",
            "HELO=a+7F",
            "HELO=a+C3+A9",
            "HELO=a+0",
            "HELO=a=b",
            "NAME=x+0Ay",
            "LOGIN=ann+0D",
        ] {
            assert!(parse(argument).is_err(), "{argument}");
        }
        assert!(parse(&format!("HELO={}", "x".repeat(256))).is_err());
    }
}

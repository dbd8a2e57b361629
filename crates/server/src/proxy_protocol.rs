//! The PROXY protocol, versions 1 and 2: a proxy in front tells whom it speaks for.
//!
//! Only listeners that were told to trust a proxy read a header, and only from the addresses listed: anybody else could
//! claim any address. From a listed address a header is required, since without one a client could write it itself.

mod read;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use thiserror::Error;

pub(crate) use read::read_header;

/// The signature of version 2.
const V2_SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
/// Signature, version and command, family and protocol, length.
const V2_FIXED_BYTES: usize = 16;
/// The start of version 1.
const V1_PREFIX: &[u8; 6] = b"PROXY ";
/// The longest header of version 1 with its CRLF, in bytes: the specification's own figure.
const V1_MAX_BYTES: usize = 107;
/// The most bytes behind the fixed part of version 2: addresses (216 for Unix sockets) and additional fields.
const V2_MAX_REST_BYTES: usize = 2048;

/// What a header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyHeader {
    /// The connection is for this client, which reached the proxy at `destination`.
    Proxied {
        /// The client.
        source: SocketAddr,
        /// What it connected to.
        destination: SocketAddr,
    },
    /// The proxy speaks for itself (a health check), or does not know for whom: the connection's own addresses count.
    Own,
}

/// Why a header is refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ProxyError {
    /// What came is no header.
    #[error("a trusted proxy sent no PROXY header")]
    NoHeader,
    /// The header never ends.
    #[error("the PROXY header is longer than {0} bytes")]
    TooLong(usize),
    /// The header is cut off.
    #[error("the PROXY header is cut off")]
    Truncated,
    /// The header breaks its grammar; the word says where.
    #[error("the PROXY header has a wrong {0}")]
    Grammar(&'static str),
}

/// Reads a whole header, of which `bytes` has neither more nor less.
///
/// # Errors
/// When it is not exactly one header.
pub fn parse(bytes: &[u8]) -> Result<ProxyHeader, ProxyError> {
    if bytes.starts_with(V2_SIGNATURE) {
        return parse_v2(bytes);
    }
    if bytes.starts_with(V1_PREFIX) { parse_v1(bytes) } else { Err(ProxyError::NoHeader) }
}

/// `"PROXY" SP ("TCP4" / "TCP6") SP source SP destination SP source-port SP destination-port CRLF`, or
/// `"PROXY UNKNOWN" [anything] CRLF`
fn parse_v1(bytes: &[u8]) -> Result<ProxyHeader, ProxyError> {
    if bytes.len() > V1_MAX_BYTES {
        return Err(ProxyError::TooLong(V1_MAX_BYTES));
    }
    let line = bytes.strip_suffix(b"\r\n").ok_or(ProxyError::Truncated)?;
    let line = std::str::from_utf8(line).map_err(|_| ProxyError::Grammar("character"))?;
    if line.contains(['\r', '\n', '\0']) {
        return Err(ProxyError::Grammar("line end"));
    }
    let mut words = line.split(' ').skip(1);
    match words.next() {
        Some("UNKNOWN") => return Ok(ProxyHeader::Own),
        Some("TCP4") => {
            let addresses = v1_addresses::<Ipv4Addr>(&mut words)?;
            v1_end(words)?;
            return Ok(addresses);
        }
        Some("TCP6") => {}
        _ => return Err(ProxyError::Grammar("protocol")),
    }
    let addresses = v1_addresses::<Ipv6Addr>(&mut words)?;
    v1_end(words)?;
    Ok(addresses)
}

fn v1_addresses<'a, A: FromStr + Into<IpAddr>>(
    words: &mut impl Iterator<Item = &'a str>,
) -> Result<ProxyHeader, ProxyError> {
    let mut address = || {
        let parsed = words.next().and_then(|word| word.parse::<A>().ok());
        parsed.map(Into::into).ok_or(ProxyError::Grammar("address"))
    };
    let (source, destination): (IpAddr, IpAddr) = (address()?, address()?);
    let mut port = || words.next().and_then(v1_port).ok_or(ProxyError::Grammar("port"));
    let (source_port, destination_port) = (port()?, port()?);
    Ok(ProxyHeader::Proxied {
        source: SocketAddr::new(source, source_port),
        destination: SocketAddr::new(destination, destination_port),
    })
}

/// Decimal, without a sign or leading zeros.
fn v1_port(word: &str) -> Option<u16> {
    let canonical = word.bytes().all(|byte| byte.is_ascii_digit()) && (word == "0" || !word.starts_with('0'));
    if canonical { word.parse().ok() } else { None }
}

fn v1_end<'a>(mut words: impl Iterator<Item = &'a str>) -> Result<(), ProxyError> {
    match words.next() {
        None => Ok(()),
        Some(_) => Err(ProxyError::Grammar("end")),
    }
}

/// How many bytes follow the fixed part of a header of version 2.
fn v2_rest_bytes(fixed: &[u8; V2_FIXED_BYTES]) -> Result<usize, ProxyError> {
    let rest = usize::from(u16::from_be_bytes([fixed[14], fixed[15]]));
    if rest > V2_MAX_REST_BYTES { Err(ProxyError::TooLong(V2_FIXED_BYTES + V2_MAX_REST_BYTES)) } else { Ok(rest) }
}

fn parse_v2(bytes: &[u8]) -> Result<ProxyHeader, ProxyError> {
    let (fixed, rest) = bytes.split_first_chunk::<V2_FIXED_BYTES>().ok_or(ProxyError::Truncated)?;
    let announced = v2_rest_bytes(fixed)?;
    if rest.len() != announced {
        return Err(if rest.len() < announced { ProxyError::Truncated } else { ProxyError::Grammar("length") });
    }
    let is_local = match fixed[12] {
        0x20 => true,
        0x21 => false,
        _ => return Err(ProxyError::Grammar("version or command")),
    };
    let header = match fixed[13] {
        // TCP over IPv4.
        0x11 => {
            let (addresses, fields) = rest.split_first_chunk::<12>().ok_or(ProxyError::Truncated)?;
            v2_fields(fields)?;
            let [a, b, c, d, e, f, g, h, ports @ ..] = *addresses;
            v2_proxied(Ipv4Addr::new(a, b, c, d).into(), Ipv4Addr::new(e, f, g, h).into(), ports)
        }
        // TCP over IPv6.
        0x21 => {
            let (addresses, fields) = rest.split_first_chunk::<36>().ok_or(ProxyError::Truncated)?;
            v2_fields(fields)?;
            let (source, others) = addresses.split_first_chunk::<16>().ok_or(ProxyError::Truncated)?;
            let (destination, ports) = others.split_first_chunk::<16>().ok_or(ProxyError::Truncated)?;
            let ports = <[u8; 4]>::try_from(ports).map_err(|_| ProxyError::Truncated)?;
            v2_proxied(Ipv6Addr::from(*source).into(), Ipv6Addr::from(*destination).into(), ports)
        }
        // Unspecified: "the receiver should ignore address information".
        0x00 => ProxyHeader::Own,
        _ => return Err(ProxyError::Grammar("family or protocol")),
    };
    Ok(if is_local { ProxyHeader::Own } else { header })
}

fn v2_proxied(source: IpAddr, destination: IpAddr, ports: [u8; 4]) -> ProxyHeader {
    ProxyHeader::Proxied {
        source: SocketAddr::new(source, u16::from_be_bytes([ports[0], ports[1]])),
        destination: SocketAddr::new(destination, u16::from_be_bytes([ports[2], ports[3]])),
    }
}

/// Additional fields (type, length in two bytes, value) are passed over, but have to fit.
fn v2_fields(mut fields: &[u8]) -> Result<(), ProxyError> {
    while !fields.is_empty() {
        let (head, rest) = fields.split_first_chunk::<3>().ok_or(ProxyError::Grammar("field"))?;
        let length = usize::from(u16::from_be_bytes([head[1], head[2]]));
        fields = rest.get(length..).ok_or(ProxyError::Grammar("field"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;

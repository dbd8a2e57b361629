use proptest::prelude::*;

use super::*;

fn proxied(source: &str, destination: &str) -> ProxyHeader {
    ProxyHeader::Proxied { source: source.parse().unwrap(), destination: destination.parse().unwrap() }
}

fn v2(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let mut header = V2_SIGNATURE.to_vec();
    header.extend([command, family]);
    header.extend(u16::try_from(rest.len()).unwrap().to_be_bytes());
    header.extend(rest);
    header
}

#[track_caller]
#[expect(clippy::needless_pass_by_value, reason = "a literal reads better than a reference to one")]
fn check(header: &[u8], expected: Result<ProxyHeader, ProxyError>) {
    assert_eq!(parse(header), expected, "{}", header.escape_ascii());
}

#[test]
fn version_1() {
    check(b"PROXY TCP4 192.0.2.7 198.51.100.1 4711 25\r\n", Ok(proxied("192.0.2.7:4711", "198.51.100.1:25")));
    check(b"PROXY TCP6 2001:db8::7 2001:db8::1 4711 25\r\n", Ok(proxied("[2001:db8::7]:4711", "[2001:db8::1]:25")));
    check(b"PROXY UNKNOWN\r\n", Ok(ProxyHeader::Own));
    check(b"PROXY UNKNOWN ffff:f::1 whatever\r\n", Ok(ProxyHeader::Own));
}

#[test]
fn version_1_is_strict() {
    for wrong in [
        "PROXY TCP4 192.0.2.7 198.51.100.1 4711 25\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 4711\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 4711 25 \r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 4711 25 EHLO\r\n",
        "PROXY TCP4 192.0.2.7  198.51.100.1 4711 25\r\n",
        "PROXY TCP4 2001:db8::7 198.51.100.1 4711 25\r\n",
        "PROXY TCP6 192.0.2.7 198.51.100.1 4711 25\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 +4711 25\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 04711 25\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 65536 25\r\n",
        "PROXY TCP4 192.0.2.7.1 198.51.100.1 1 25\r\n",
        "PROXY UDP4 192.0.2.7 198.51.100.1 1 25\r\n",
        "PROXY \r\n",
        "PROXY TCP4 1.1.1.1 1.1.1.1 1 1\r\nEHLO x\r\n",
        "proxy tcp4 192.0.2.7 198.51.100.1 4711 25\r\n",
        "EHLO client.example\r\n",
        "",
    ] {
        assert!(parse(wrong.as_bytes()).is_err(), "{wrong:?}");
    }
    let long = format!("PROXY UNKNOWN {}\r\n", "x".repeat(V1_MAX_BYTES));
    check(long.as_bytes(), Err(ProxyError::TooLong(V1_MAX_BYTES)));
}

#[test]
fn version_2() {
    let addresses = [192, 0, 2, 7, 198, 51, 100, 1, 0x12, 0x67, 0, 25];
    let expected = proxied("192.0.2.7:4711", "198.51.100.1:25");
    check(&v2(0x21, 0x11, &addresses), Ok(expected));
    check(&v2(0x20, 0x11, &addresses), Ok(ProxyHeader::Own));
    check(&v2(0x20, 0x00, &[]), Ok(ProxyHeader::Own));
    let with_field = [&addresses[..], &[0x04, 0, 2, 9, 9]].concat();
    check(&v2(0x21, 0x11, &with_field), Ok(expected));
    check(&v2(0x21, 0x11, &with_field[..with_field.len() - 1]), Err(ProxyError::Grammar("field")));
    check(&v2(0x21, 0x11, &addresses[..11]), Err(ProxyError::Truncated));
    check(&v2(0x31, 0x11, &addresses), Err(ProxyError::Grammar("version or command")));
    check(&v2(0x22, 0x11, &addresses), Err(ProxyError::Grammar("version or command")));
    check(&v2(0x21, 0x12, &addresses), Err(ProxyError::Grammar("family or protocol")));
    let mut longer = v2(0x21, 0x11, &addresses);
    longer.push(0);
    check(&longer, Err(ProxyError::Grammar("length")));
    check(&v2(0x21, 0x11, &[0; V2_MAX_REST_BYTES + 1]), Err(ProxyError::TooLong(V2_FIXED_BYTES + V2_MAX_REST_BYTES)));
}

proptest! {
    #[test]
    fn whatever_comes_does_no_harm(bytes: Vec<u8>) {
        let _ = parse(&bytes);
        let _ = parse(&[V2_SIGNATURE, &bytes[..]].concat());
        let _ = parse(&[V1_PREFIX, &bytes[..], b"\r\n"].concat());
    }

    #[test]
    fn what_is_written_is_read(source: SocketAddr, destination: SocketAddr) {
        let (family, name, octets) = match (source.ip(), destination.ip()) {
            (IpAddr::V4(a), IpAddr::V4(b)) => (0x11, "TCP4", [&a.octets()[..], &b.octets()].concat()),
            (IpAddr::V6(a), IpAddr::V6(b)) => (0x21, "TCP6", [&a.octets()[..], &b.octets()].concat()),
            _ => return Ok(()),
        };
        let expected = ProxyHeader::Proxied {
            source: SocketAddr::new(source.ip(), source.port()),
            destination: SocketAddr::new(destination.ip(), destination.port()),
        };
        let ports = [source.port().to_be_bytes(), destination.port().to_be_bytes()].concat();
        prop_assert_eq!(parse(&v2(0x21, family, &[octets, ports].concat())), Ok(expected));
        let line = format!(
            "PROXY {name} {} {} {} {}\r\n", source.ip(), destination.ip(), source.port(), destination.port()
        );
        prop_assert_eq!(parse(line.as_bytes()), Ok(expected));
    }
}

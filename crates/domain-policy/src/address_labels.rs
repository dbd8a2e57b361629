//! Addresses in names of DNS.

use std::net::IpAddr;

/// The labels of an address, its first octet first: octets in decimal, or of IPv6 nibbles in hexadecimal (RFC 5782 §2.4,
/// RFC 7208 §7.3).
pub(crate) fn address_labels(address: IpAddr) -> Vec<String> {
    match address {
        IpAddr::V4(v4) => v4.octets().iter().map(u8::to_string).collect(),
        IpAddr::V6(v6) => {
            let nibbles = v6.octets().into_iter().flat_map(|octet| [octet >> 4, octet & 0xf]);
            nibbles.map(|nibble| format!("{nibble:x}")).collect()
        }
    }
}

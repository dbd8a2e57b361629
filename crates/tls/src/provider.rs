//! The cryptography that both sides use: one list of suites, one list of groups.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::{self, cipher_suite, kx_group};

/// The provider of every modern handshake: forward-secret AEAD suites only, and the hybrid
/// post-quantum group first.
///
/// The lists are spelled out, so that a new default of the library does not become ours
/// unnoticed. RFC 9325 §4.2 names the suites of TLS 1.2.
pub(crate) fn modern() -> Arc<CryptoProvider> {
    Arc::new(CryptoProvider {
        cipher_suites: vec![
            cipher_suite::TLS13_AES_256_GCM_SHA384,
            cipher_suite::TLS13_AES_128_GCM_SHA256,
            cipher_suite::TLS13_CHACHA20_POLY1305_SHA256,
            cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
            cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
            cipher_suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
            cipher_suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
            cipher_suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
            cipher_suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
        ],
        kx_groups: vec![kx_group::X25519MLKEM768, kx_group::X25519, kx_group::SECP256R1, kx_group::SECP384R1],
        ..aws_lc_rs::default_provider()
    })
}

/// The provider of a second attempt at an old peer: the same suites, but classical groups, so
/// that the ClientHello fits into one packet (some old middleboxes drop a longer one).
pub(crate) fn compatible() -> Arc<CryptoProvider> {
    let modern = modern();
    Arc::new(CryptoProvider {
        cipher_suites: modern.cipher_suites.clone(),
        kx_groups: vec![kx_group::X25519, kx_group::SECP256R1, kx_group::SECP384R1],
        ..aws_lc_rs::default_provider()
    })
}

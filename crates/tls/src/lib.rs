//! Everything about TLS that is not a socket: which certificate a name gets, how a
//! handshake is set up, what is known after it, and why one failed.
//!
//! Bytes pass elsewhere: the `server` crate drives the handshakes with tokio-rustls. A
//! server's handshake goes `ClientHello` → [`ServerTls::config_for`] → configuration and
//! [`ChosenCertificate`] → handshake → [`TlsFacts`] and [`ChannelBindings`]. A client's goes
//! [`ClientTls::attempt`] → [`ClientAttempt`] (one connection's configuration and record) →
//! handshake → [`TlsFacts`], or [`TlsFailure`] in the words of trail, log and DSN.
//!
//! This crate never opens a socket, never logs, never falls back from TLS to plain text (the
//! caller decides, from [`TlsFailure`]), never speaks TLS 1.0 or 1.1, never compresses or
//! renegotiates (rustls has neither), and never resumes an outgoing session.
//!
//! # Memory of an idle connection
//!
//! Measured with rustls 0.23.46 (`tests/idle_memory.rs` holds the bound): an established
//! server connection that waits in a read costs 8 KB. The parts:
//! - `ServerConnection` itself, about 1 KB, and the cipher contexts, 1 to 2 KB for the two
//!   directions;
//! - the receive buffer: 4,096 bytes while a read waits. It grows to one record (16 KB plus
//!   overhead) while a large record arrives, to 64 KB for a large handshake message, and is
//!   cut back to 4,096 by the first read that finds it empty;
//! - decrypted bytes not read yet: at most 16 KB and one record; nothing when idle;
//! - records not yet written to the socket: nothing when idle. The bound is 64 KB unless
//!   `set_buffer_limit` lowers it: use [`server::UNSENT_RECORDS_LIMIT`];
//! - a client's certificate chain, kept for the life of the connection, is at most 64 KB and
//!   exists only where client certificates are asked for.
//!
//! `max_fragment_size` only splits what is sent, so it saves nothing at rest and is left
//! alone. The configuration is shared by all connections of one certificate. Session tickets
//! are stateless; the server keeps nothing per session.

mod channel_bindings;
mod client;
mod dane;
mod facts;
mod failure;
mod files;
mod first_bytes;
mod generate;
mod library;
mod load;
mod peer_verifier;
mod provider;
mod roots;
pub mod server;
mod session_facts;
mod weak_signature;

#[cfg(test)]
mod tests;

pub use channel_bindings::{ChannelBindings, channel_bindings, client_channel_bindings, tls_server_end_point};
pub use client::{ClientAttempt, ClientProfile, ClientTls, ClientTlsError, ClientTlsMode};
pub use dane::{DaneAssociation, DaneExpectation, DaneMatching, DaneSelector, DaneUsage};
pub use facts::{CertificateFacts, CertificateWarning, KeyType, UnreadableCertificate, public_key_sha256};
pub use failure::TlsFailure;
pub use files::{DemoFiles, FilesError, SelfSignedFiles, ensure_demo_files, ensure_files};
pub use first_bytes::{FirstBytes, sniff};
pub use generate::{DemoCertificates, GenerateError, GeneratedPem, demo_certificates, self_signed};
pub use library::{CertificateLibrary, CertificatePaths, ChosenCertificate};
pub use load::{CertificateProblem, LoadError, LoadedCertificate};
pub use roots::{RootsError, TrustRoots, TrustSource, roots_from_file};
pub use server::{NoCertificate, ServerTls, ServerTlsError, ServerTlsOptions};
pub use session_facts::{PeerVerification, TlsFacts};

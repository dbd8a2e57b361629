//! Starts the real program, and real clients and servers beside it, for the tests in `tests/`.
//!
//! Everything runs on loopback, on ports of its own, in directories of its own, and ends with the test.

mod certificates;
mod corpus;
mod dovecot;
mod exchange;
mod knot;
mod mail_peer;
mod maildir;
mod misbehaving;
mod postfix;
mod posthouse;
mod process;
mod sink;
mod tls_stream;
mod unbound;

pub use certificates::{Authority, CertificateFiles, CertificateKind};
pub use corpus::{CorpusMessage, corpus};
pub use dovecot::Dovecot;
pub use knot::Knot;
pub use mail_peer::{MailPeer, MailProgram};
pub use misbehaving::{Manner, MisbehavingHost, TakenMessage};
pub use postfix::{Postfix, PostfixOptions};
pub use posthouse::{Account, Listener, Options, Posthouse, Ready};
pub use process::{Output, base64, binary, free_port, peers, run, run_with_input, wait_for_port, wait_for_socket};
pub use sink::{ID_FIELD, Sink, Taken};
pub use tls_stream::{LineStream, trust};
pub use unbound::Unbound;

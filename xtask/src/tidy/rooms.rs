//! Which room of the house may lean on which: the table of `ARCHITECTURE.md`, as data.
//!
//! A room may use what its row names and what those rooms may use in turn.

/// The prefix of every crate but the binary.
pub const PREFIX: &str = "posthouse-";

/// The binary, which alone names a backend and may use every room.
pub const BINARY: &str = "posthouse";

/// For tests only: no room may lean on it otherwise.
pub const TESTKIT: &str = "testkit";

/// Real clients and servers against the real program, in `tests/interop`.
pub const INTEROP: &str = "interop";

/// The load that the benchmark makes, in `benches`.
pub const BENCH: &str = "bench";

/// A room and the rooms it may name in its dependencies, each without [`PREFIX`].
pub const ROOMS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("mime", &["model"]),
    // The protocols.
    ("sasl", &["model", "mime"]),
    ("smtp", &["model", "mime", "sasl"]),
    ("imap", &["model", "mime", "sasl"]),
    ("pop3", &["model", "mime", "sasl"]),
    ("managesieve", &["model", "mime", "sasl"]),
    ("sieve", &["model", "mime"]),
    ("jmap", &["model", "mime"]),
    // What they stand on.
    ("domain-policy", &["mime"]),
    ("storage", &["mime"]),
    ("storage-sqlite", &["storage"]),
    ("storage-postgres", &["storage"]),
    ("tls", &["storage"]),
    ("identity", &["storage", "sasl"]),
    // Mail at rest, mail in motion.
    ("mailbox", &["storage", "identity"]),
    ("content-filter", &["mime"]),
    ("flow", &["mailbox", "identity", "domain-policy", "content-filter", "sieve", "storage"]),
    // The doors.
    (
        "server",
        &[
            "smtp",
            "imap",
            "pop3",
            "managesieve",
            "sasl",
            "sieve",
            "jmap",
            "tls",
            "identity",
            "mailbox",
            "flow",
            "domain-policy",
        ],
    ),
    // The way in and out for mail that is elsewhere: a client, beside the doors.
    ("migration", &["imap", "sasl", "tls"]),
    ("http", &["jmap", "tls", "identity", "mailbox", "flow"]),
    // It stands in for DNS and for a disk, whose ports lie in these rooms.
    (TESTKIT, &["domain-policy", "storage"]),
    // They look at the program from outside, and so lean on nothing in it.
    (INTEROP, &[]),
    (BENCH, &[]),
];

/// Backends, which tests of other rooms may name although the rooms themselves may not.
pub const BACKENDS: &[&str] = &["storage-sqlite", "storage-postgres"];

/// A library that is confined to some rooms, and why.
pub struct Confined {
    /// The package.
    pub library: &'static str,
    /// The rooms that may depend on it; `xtask` stands for itself.
    pub rooms: &'static [&'static str],
    /// Whether tests elsewhere may use it.
    pub free_in_tests: bool,
    /// The invariant it protects.
    pub why: &'static str,
}

/// Libraries that belong to certain rooms.
pub const CONFINED: &[Confined] = &[
    Confined { library: "rusqlite", rooms: &["storage-sqlite"], free_in_tests: false, why: "SQL only in storage-*" },
    Confined {
        library: "tokio-postgres",
        rooms: &["storage-postgres"],
        free_in_tests: false,
        why: "SQL only in storage-*",
    },
    Confined {
        library: "serde_json",
        rooms: &["http", "jmap", "domain-policy", BINARY, TESTKIT, INTEROP, BENCH, "xtask"],
        free_in_tests: true,
        why: "JSON shapes only in http and jmap, in the reports between domains (RFC 8460), and the command line",
    },
    Confined {
        library: "anyhow",
        rooms: &[BINARY, INTEROP, BENCH, "xtask"],
        free_in_tests: true,
        why: "libraries have error enums, so that the cause is not lost",
    },
];

/// Rooms that do no I/O and know neither clock nor randomness: all of it is arguments.
pub const PURE_ROOMS: &[&str] = &["model", "mime", "smtp", "imap", "pop3", "managesieve", "sasl", "sieve", "jmap"];

/// Libraries that would bring I/O, a clock, randomness or `async` into a pure room.
pub const IMPURE_LIBRARIES: &[&str] = &[
    "async-std",
    "async-trait",
    "chrono",
    "futures-util",
    "getrandom",
    "hickory-resolver",
    "mio",
    "nix",
    "rand",
    "rustls",
    "smol",
    "socket2",
    "tempfile",
    "tokio",
    "tokio-rustls",
];

/// What does the same out of the standard library and the language. Addresses of `std::net` are
/// plain data and stay allowed.
pub const IMPURE_CODE: &[&str] = &[
    "std::fs",
    "std::env",
    "std::process",
    "std::thread",
    "TcpStream",
    "TcpListener",
    "UdpSocket",
    "UnixStream",
    "ToSocketAddrs",
    "SystemTime",
    "std::time::Instant",
    "Instant::now",
    "async fn",
    ".await",
];

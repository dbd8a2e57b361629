//! Against a real DNS server: unbound, with local data. Without it these tests say so and pass, except where `CI` is
//! set.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::*;

/// Where Debian puts it.
const UNBOUND: &str = "/usr/sbin/unbound";
/// How long it may take to answer its first question.
const START_LIMIT: Duration = Duration::from_secs(20);

/// A running unbound; it ends when dropped.
struct Unbound {
    process: Child,
    address: SocketAddr,
    _directory: tempfile::TempDir,
}

impl Drop for Unbound {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Unbound {
    /// Starts it with this local data; `None` where it is not installed.
    async fn start(data: &[&str]) -> Option<Self> {
        if !std::path::Path::new(UNBOUND).exists() {
            assert!(std::env::var_os("CI").is_none(), "{UNBOUND} is missing");
            return None;
        }
        let directory = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let lines: String = data.iter().map(|line| format!("  local-data: '{line}'\n")).collect();
        let here = directory.path().display();
        let configuration = format!(
            "server:\n  interface: 127.0.0.1@{port}\n  do-daemonize: no\n  use-syslog: no\n  username: \"\"\n  \
             chroot: \"\"\n  directory: \"{here}\"\n  pidfile: \"{here}/unbound.pid\"\n  \
             module-config: \"iterator\"\n  do-not-query-localhost: no\n  \
             local-zone: \"test.\" static\n{lines}\
             remote-control:\n  control-enable: no\n"
        );
        let path = directory.path().join("unbound.conf");
        std::fs::write(&path, configuration).unwrap();
        let mut command = Command::new(UNBOUND);
        command.arg("-d").arg("-c").arg(&path).stdout(Stdio::null()).stderr(Stdio::null());
        let process = command.spawn().unwrap();
        let unbound = Self { process, address: ([127, 0, 0, 1], port).into(), _directory: directory };
        let until = Instant::now() + START_LIMIT;
        loop {
            let probe = resolver(&[unbound.address]).addresses(&domain("ready.test")).await;
            if probe.is_ok() {
                return Some(unbound);
            }
            assert!(Instant::now() < until, "unbound does not answer: {probe:?}");
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn a_real_server() {
    let data = [
        "ready.test. IN A 192.0.2.99",
        "two.test. IN MX 10 a.test.",
        "two.test. IN MX 20 b.test.",
        "null.test. IN MX 0 .",
        "a.test. IN A 192.0.2.1",
        "a.test. IN AAAA 2001:db8::1",
        "b.test. IN A 192.0.2.2",
        "alias.test. IN CNAME a.test.",
        "_25._tcp.under.test. IN A 192.0.2.3",
    ];
    let Some(unbound) = Unbound::start(&data).await else { return };
    let resolver = resolver(&[unbound.address]);
    let mut found = told(resolver.mx(&domain("two.test")).await).unwrap();
    found.sort();
    assert_eq!(found, ["10 a.test", "20 b.test"]);
    check_mx(&resolver, "null.test", Ok(&["0 ."])).await;
    check_mx(&resolver, "a.test", Err(LookupError::NoRecords)).await;
    check_mx(&resolver, "gone.test", Err(LookupError::NoSuchName)).await;
    check_addresses(&resolver, "a.test", Ok(&["2001:db8::1", "192.0.2.1"])).await;
    check_addresses(&resolver, "b.test", Ok(&["192.0.2.2"])).await;
    check_addresses(&resolver, "_25._tcp.under.test", Ok(&["192.0.2.3"])).await;
    check_addresses(&resolver, "two.test", Err(LookupError::NoRecords)).await;
    check_addresses(&resolver, "gone.test", Err(LookupError::NoSuchName)).await;
}

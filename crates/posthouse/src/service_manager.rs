//! Telling the service manager (systemd, `Type=notify`) how far the server is.

use std::env;
use std::ffi::OsString;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// The variable by which the service manager says where it listens.
const SOCKET_VARIABLE: &str = "NOTIFY_SOCKET";

/// Says that the server takes connections now.
pub fn say_ready() {
    tell("READY=1\n");
}

/// Says that the server ends now.
pub fn say_stopping() {
    tell("STOPPING=1\n");
}

fn tell(state: &str) {
    let Some(socket) = env::var_os(SOCKET_VARIABLE) else { return };
    if let Err(error) = send(&socket, state) {
        tracing::warn!(%error, "the service manager cannot be told");
    }
}

/// A name that begins with `@` is in the abstract namespace.
fn send(socket: &OsString, state: &str) -> io::Result<()> {
    let address = match socket.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(socket)?,
    };
    UnixDatagram::unbound()?.send_to_addr(state.as_bytes(), &address).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_service_manager_is_told() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        send(&path.into_os_string(), "READY=1\n").unwrap();
        let mut heard = [0; 32];
        let length = manager.recv(&mut heard).unwrap();
        assert_eq!(&heard[..length], b"READY=1\n");
    }
}

//! Signals: when to end, and when to read certificates again.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::house::House;

/// The signals that the server minds.
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    /// Minds them from now on.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn mind() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Waits until the server is told to end. Told to read its certificates again (SIGHUP), it does so meanwhile.
    pub async fn until_end(&mut self, house: &House) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                _ = self.hang_up.recv() => match house.reload_certificates() {
                    Ok(()) => tracing::info!("certificates were read again"),
                    Err(error) => tracing::error!(%error, "certificates cannot be read again; the old ones are still shown"),
                },
            }
        }
    }

    /// Waits until the server is told to end, while it is still being built.
    pub async fn until_interrupted(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

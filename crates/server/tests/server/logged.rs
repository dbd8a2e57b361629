//! What a test logs, and the server that it has on its thread.

use std::cell::RefCell;
use std::io;
use std::sync::Once;

use tracing_subscriber::Layer;
use tracing_subscriber::filter::dynamic_filter_fn;
use tracing_subscriber::layer::SubscriberExt;

thread_local! {
    /// What this thread has logged, while somebody collects that.
    static LOGGED: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

/// Has what is logged come to whoever collects it. Each house begins with this: a place that logs for the first time on one
/// thread, just while another begins to listen, may not be heard there ever.
pub(crate) fn listen() {
    static LISTENING: Once = Once::new();
    LISTENING.call_once(|| {
        let is_collected = dynamic_filter_fn(|_, _| LOGGED.with_borrow(Option::is_some));
        let layer =
            tracing_subscriber::fmt::layer().with_ansi(false).with_writer(|| OfThread).with_filter(is_collected);
        tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer)).unwrap();
    });
}

/// Writes to what the thread has logged.
struct OfThread;

impl io::Write for OfThread {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOGGED.with_borrow_mut(|logged| logged.as_mut().map(|logged| logged.extend_from_slice(bytes)));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Collects what is logged by this thread, which is also the server's.
pub(crate) struct Collected;

impl Collected {
    pub(crate) fn begin() -> Self {
        LOGGED.set(Some(Vec::new()));
        Self
    }

    pub(crate) fn text(&self) -> String {
        LOGGED.with_borrow(|logged| String::from_utf8(logged.clone().unwrap()).unwrap())
    }
}

impl Drop for Collected {
    fn drop(&mut self) {
        LOGGED.set(None);
    }
}

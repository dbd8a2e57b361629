//! Ending the processes that were started, by their ids and no others.

use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::process_tree::ProcessTree;

/// How long processes may take to end by themselves.
const GRACE: Duration = Duration::from_secs(20);
/// How often they are looked at.
const POLL: Duration = Duration::from_millis(50);

/// Asks `root` to end and waits for it and all that descended from it; what does not end is killed.
///
/// `reap` is called while waiting: a child of ours stays listed until it is waited for.
pub fn end(root: u32, mut reap: impl FnMut()) {
    let before = ProcessTree::of(vec![root]).ids().unwrap_or_default();
    signal(root, Signal::SIGTERM);
    let begin = Instant::now();
    while begin.elapsed() < GRACE {
        reap();
        if !before.iter().any(|id| is_alive(*id)) {
            return;
        }
        std::thread::sleep(POLL);
    }
    for id in before.into_iter().filter(|id| is_alive(*id)) {
        signal(id, Signal::SIGKILL);
    }
    reap();
}

fn signal(id: u32, signal: Signal) {
    if let Ok(id) = i32::try_from(id) {
        // It may have ended a moment ago, which is what we want.
        let _ = kill(Pid::from_raw(id), signal);
    }
}

fn is_alive(id: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{id}/stat")).is_ok_and(|text| !text.contains(") Z "))
}

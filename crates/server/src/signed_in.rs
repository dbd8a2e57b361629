//! Who is signed in, so that their sessions end when they may not use the service any more: the account was suspended or
//! removed, has another password, or has no mailboxes from now on, or what they signed in with was taken from them.
//!
//! Whenever the directory has changed, each account that is signed in is looked at once for each service, however many
//! sessions it has. A session that waits costs nothing by that.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use posthouse_identity::{Identity, LoginRefusal, Means, Service};
use posthouse_model::AccountId;
use tokio::sync::{Notify, watch};

/// How long after a look around there is no other: many changes come together.
const PAUSE: Duration = Duration::from_secs(1);

/// Accounts that are signed in, by service.
#[derive(Debug, Default)]
pub(crate) struct SignedIn {
    guests: Mutex<HashMap<Visitor, Guest>>,
    /// Somebody came while the directory changed.
    came: Notify,
}

/// One account at one service, by one means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Visitor {
    /// Which account.
    pub account: AccountId,
    /// At what.
    pub service: Service,
    /// What it signed in with; `None` for a certificate.
    pub means: Option<Means>,
}

/// The sessions of one visitor.
#[derive(Debug)]
struct Guest {
    sessions: usize,
    is_over: watch::Sender<bool>,
}

/// A session of somebody who is signed in, for as long as this lives.
#[derive(Debug)]
pub(crate) struct Stay {
    signed_in: Arc<SignedIn>,
    visitor: Visitor,
    is_over: watch::Receiver<bool>,
    was_told: bool,
}

impl SignedIn {
    /// Somebody signed in, after `changes` of the directory and perhaps more.
    pub(crate) fn enter(self: &Arc<Self>, identity: &Identity, visitor: Visitor, changes: u64) -> Stay {
        let is_over = {
            let mut guests = self.guests.lock();
            let new = || Guest { sessions: 0, is_over: watch::Sender::new(false) };
            let known = guests.entry(visitor).or_insert_with(new);
            known.sessions += 1;
            known.is_over.subscribe()
        };
        if *identity.directory_changes().borrow() != changes {
            self.came.notify_one();
        }
        Stay { signed_in: Arc::clone(self), visitor, is_over, was_told: false }
    }

    /// Ends the stay of those who may not stay, until `shutdown` becomes true.
    pub(crate) async fn run(self: Arc<Self>, identity: Arc<Identity>, mut shutdown: watch::Receiver<bool>) {
        let mut changes = identity.directory_changes();
        loop {
            tokio::select! {
                _ = shutdown.wait_for(|is_over| *is_over) => return,
                changed = changes.changed() => if changed.is_err() { return },
                () = self.came.notified() => {}
            }
            self.look_around(&identity).await;
            tokio::select! {
                _ = shutdown.wait_for(|is_over| *is_over) => return,
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
    }

    async fn look_around(&self, identity: &Identity) {
        let visitors: Vec<_> = self.guests.lock().keys().copied().collect();
        for visitor in visitors {
            let Visitor { account, service, means } = visitor;
            match identity.may_stay(account, service, means).await {
                Ok(()) => {}
                Err(LoginRefusal::Unavailable) => {
                    tracing::error!(%account, "it cannot be told whether an account may stay signed in");
                    // It is looked again, for the others, too.
                    return self.came.notify_one();
                }
                Err(why) => {
                    // Who comes after this is another guest.
                    if let Some(guest) = self.guests.lock().remove(&visitor) {
                        tracing::info!(%account, sessions = guest.sessions, %why, "open sessions end");
                        guest.is_over.send_replace(true);
                    }
                }
            }
        }
    }
}

impl Stay {
    /// Whether it has to end.
    pub(crate) fn is_over(&self) -> bool {
        *self.is_over.borrow()
    }

    /// Waits until it has to end, which is told once. May be dropped and called again.
    pub(crate) async fn over(&mut self) {
        if self.was_told || self.is_over.wait_for(|is_over| *is_over).await.is_err() {
            std::future::pending::<()>().await;
        }
        self.was_told = true;
    }
}

impl Drop for Stay {
    fn drop(&mut self) {
        if self.is_over() {
            return;
        }
        let mut guests = self.signed_in.guests.lock();
        if let Some(guest) = guests.get_mut(&self.visitor) {
            guest.sessions = guest.sessions.saturating_sub(1);
            if guest.sessions == 0 {
                guests.remove(&self.visitor);
            }
        }
    }
}

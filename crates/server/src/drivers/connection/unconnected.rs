//! Sessions without a connection under them, one step at a time, so that a test decides who comes when.

use std::sync::Arc;

use posthouse_model::session::{Peer, Session};

use super::{Channel, Desk};
use crate::listener::OpenListener;
use crate::transport::Transport;

impl<S> Channel<S>
where
    S: Session<Question: Send, Answer: Send> + Send,
{
    /// A session whose output stays here.
    pub(crate) fn unconnected(session: S, peer: Peer, listener: &Arc<OpenListener>) -> Self {
        Self::new(Transport::Gone, peer, session, Arc::clone(listener))
    }

    /// Gives the session what a client sends; returns all that it says to it.
    pub(crate) async fn exchange<D: Desk<Session = S>>(&mut self, desk: &mut D, input: &[u8]) -> Vec<u8> {
        let now = self.now();
        if !input.is_empty() {
            self.session.receive(input, now);
        }
        while let Some(step) = self.next.take().or_else(|| self.session.next()) {
            if self.carry_out(desk, step).await.is_err() {
                break;
            }
        }
        self.output_bytes = 0;
        std::mem::take(&mut self.output).concat()
    }

    /// Tells the session of what happened, for as long as there is something; returns what it says of it.
    pub(crate) async fn hear_of_changes<D: Desk<Session = S>>(&mut self, desk: &mut D) -> Vec<u8> {
        let mut told = Vec::new();
        loop {
            let changed = tokio::select! {
                biased;
                () = desk.changed() => true,
                () = std::future::ready(()) => false,
            };
            if !changed {
                return told;
            }
            let now = self.now();
            desk.tell_changed(&mut self.session, now);
            told.extend(self.exchange(desk, b"").await);
        }
    }
}

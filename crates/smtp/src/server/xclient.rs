//! XCLIENT: a trusted neighbour, such as a proxy or a filter, says whose connection it passes on, and the session begins
//! anew for that client (Postfix's XCLIENT_README).

use posthouse_model::session::Peer;

use super::question::Question;
use super::session::ServerSession;
use crate::command::xclient::{self, XClient};
use crate::reply;

/// The attributes that have an effect, and those that do no harm. LOGIN is not among them: nobody is let in here without
/// having shown credentials.
const ATTRIBUTES: &str = "XCLIENT NAME ADDR PORT PROTO HELO DESTADDR DESTPORT";

/// Whether clients may say on whose behalf they come, and what was said.
#[derive(Debug, Default)]
pub(super) struct Neighbour {
    /// The connection itself, if who is at its other end may.
    trusted: Option<Peer>,
    /// What the client called itself at the neighbour.
    helo: Option<String>,
}

impl ServerSession {
    /// Lets the client say, by XCLIENT, on whose behalf it comes. Only for neighbours that are known by their address:
    /// limits, log and trail go by what they say.
    #[must_use]
    pub fn trusting_xclient(mut self) -> Self {
        self.neighbour.trusted = Some(self.peer);
        self
    }

    pub(super) fn xclient_line(&self) -> Option<String> {
        self.neighbour.trusted.map(|_| ATTRIBUTES.to_owned())
    }

    pub(super) fn xclient_command(&mut self, argument: &str) {
        if self.neighbour.trusted.is_none() {
            return self.finish_command(&reply::not_trusted());
        }
        if self.transaction.is_some() {
            return self.finish_command(&reply::bad_sequence("A message is under way"));
        }
        match xclient::parse(argument) {
            Err(error) => self.finish_command(&reply::command(error)),
            Ok(said) if said.has_login => self.finish_command(&reply::no_login_by_others()),
            Ok(said) => self.begin_for(said),
        }
    }

    /// Forgets the client that was here, and greets the one that is.
    fn begin_for(&mut self, said: XClient) {
        let peer = &mut self.peer;
        peer.remote.set_ip(said.address.unwrap_or(peer.remote.ip()));
        peer.remote.set_port(said.port.unwrap_or(peer.remote.port()));
        peer.local.set_ip(said.own_address.unwrap_or(peer.local.ip()));
        peer.local.set_port(said.own_port.unwrap_or(peer.local.port()));
        let peer = *peer;
        self.neighbour.helo = said.helo;
        self.forget_client();
        self.notify(Question::ClientChanged { peer });
        self.counters.idle_commands += 1;
        self.greet();
        self.close_if_beyond(self.counters.idle_commands, self.config.limits.commands_without_progress);
    }

    /// RFC 3207 §4.2: what was said in clear is not believed inside TLS, least of all this.
    pub(super) fn forget_neighbours_words(&mut self) {
        self.neighbour.helo = None;
        if let Some(own) = self.neighbour.trusted.filter(|own| *own != self.peer) {
            self.peer = own;
            self.notify(Question::ClientChanged { peer: own });
        }
    }

    /// What the client called itself at the neighbour, if that was told.
    pub(super) fn told_helo(&self) -> Option<&str> {
        self.neighbour.helo.as_deref()
    }
}

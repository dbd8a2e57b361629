//! Answers what SMTP and LMTP sessions ask.

use std::sync::Arc;

use bytes::Bytes;
use posthouse_flow::{self as flow, Arrival, Door, HeldRoom, Knock, SendingRoom, Spool, SpoolError};
use posthouse_identity::{LoginRefusal, Permit};
use posthouse_model::session::{Peer, QuestionId, TlsInfo};
use posthouse_model::{Address, Envelope, Instant, JourneyId, ReversePath};
use posthouse_smtp::ServerSession;
use posthouse_smtp::server::{
    Answer, AuthenticationStart, AuthorizationAnswer, AuthorizationRefusal, Identity, MessageRefusal, Question,
    RecipientOutcome, RecipientRefusal, RecipientVerdict, SenderRefusal, SenderVerdict, StoreMessage, StoreOutcome,
};
use tokio::sync::watch;

use super::Incoming;
use super::connection::{Channel, Desk, Ending, run};
use super::sending::sending_refusal;
use super::sign_in::SignIn;
use crate::listener::{ListenerRole, OpenListener, SessionSettings};

/// Runs one connection.
pub(crate) async fn serve(incoming: Incoming, listener: &Arc<OpenListener>, shutdown: watch::Receiver<bool>) {
    let SessionSettings::Smtp(config) = &listener.sessions else { return };
    let house = &listener.house;
    let session = ServerSession::new(Arc::clone(config), incoming.peer, house.clock.now())
        .with_date(house.rooms.environment.now());
    let session = match listener.trusts_xclient(incoming.peer.remote.ip()) {
        true => session.trusting_xclient(),
        false => session,
    };
    let desk = SmtpDesk {
        sign_in: SignIn::told_of_failures(listener, incoming.peer),
        listener: Arc::clone(listener),
        permit: None,
        spool: None,
        spool_failure: None,
        room: SendingRoom::default(),
        peer: incoming.peer,
        refused: Refused::default(),
    };
    run(incoming, session, desk, listener, shutdown).await;
}

struct SmtpDesk {
    listener: Arc<OpenListener>,
    sign_in: SignIn,
    /// Who signed in.
    permit: Option<Permit>,
    /// The message that is coming in.
    spool: Option<Spool>,
    /// Why the message that is coming in cannot be kept.
    spool_failure: Option<SpoolError>,
    /// What the sender of the message that was begun may send.
    room: SendingRoom,
    peer: Peer,
    refused: Refused,
}

/// Most refusals of one connection that the trail has.
const MAX_REFUSALS_NOTED: u32 = 10;

/// What was refused on a connection.
#[derive(Debug, Default)]
struct Refused {
    /// How many refusals the trail has of it.
    noted: u32,
    /// Under which name it has those of the transaction that was begun.
    journey: Option<JourneyId>,
}

impl Desk for SmtpDesk {
    type Session = ServerSession;

    async fn ask(
        &mut self,
        id: QuestionId,
        question: Question,
        channel: &mut Channel<ServerSession>,
    ) -> Result<(), Ending> {
        let answer = match question {
            Question::StartAuthentication { .. } => Answer::AuthenticationStart(self.start_authentication()),
            Question::Credentials(question) => Answer::Credentials(self.sign_in.credentials(question).await),
            Question::Authorize(identity) => {
                let client = channel.session().helo().unwrap_or_default().to_owned();
                Answer::Authorization(self.authorize(&identity, &client).await)
            }
            Question::AuthenticationFailed { mechanism, failure } => {
                tracing::debug!(listener = self.listener.config.name, %failure, "an exchange failed");
                self.sign_in.failed(mechanism.name());
                return Ok(());
            }
            Question::AcceptSender { envelope } => {
                let verdict = self.accept_sender(&envelope).await;
                self.refused.journey = None;
                if let SenderVerdict::Refused(refusal) = &verdict {
                    let helo = channel.session().helo().unwrap_or_default();
                    self.note_refusal(helo, &envelope.sender, None, &format!("{refusal:?}"));
                }
                Answer::Sender(verdict)
            }
            Question::AcceptRecipient { sender, recipient, accepted, size_bytes } => {
                let flow = &self.listener.house.rooms.flow;
                let verdict = flow.welcome_recipient(&self.door(), &sender, &recipient.address, size_bytes).await;
                let verdict = self.admit_recipient(verdict, accepted);
                if let RecipientVerdict::Refused(refusal) = &verdict {
                    let helo = channel.session().helo().unwrap_or_default();
                    self.note_refusal(helo, &sender, Some(&recipient.address), &format!("{refusal:?}"));
                }
                Answer::Recipient(verdict)
            }
            Question::StoreMessage(message) => Answer::Store(self.store(*message).await),
            Question::ClientChanged { peer } => {
                self.sign_in.client_changed(peer.remote.ip());
                // The trail names the client, and has as much of this one as of any other.
                self.peer = peer;
                self.refused = Refused::default();
                self.permit = None;
                self.room = SendingRoom::default();
                return Ok(());
            }
            Question::MessageAborted => {
                self.spool = None;
                self.spool_failure = None;
                return Ok(());
            }
        };
        channel.answer(id, answer);
        Ok(())
    }

    fn body(&mut self, piece: &Bytes) {
        if self.spool_failure.is_some() {
            return;
        }
        let room = &self.listener.house.rooms.spool_room;
        if let Err(error) = self.spool.get_or_insert_with(|| room.spool()).push(piece) {
            self.spool = None;
            self.spool_failure = Some(error);
        }
    }

    fn takes_body(&self) -> bool {
        self.spool.is_some()
    }

    fn tls_started(&mut self, tls: &TlsInfo) {
        self.sign_in.tls_started(tls);
        self.permit = None;
        self.room = SendingRoom::default();
        self.spool = None;
        self.spool_failure = None;
    }

    async fn changed(&mut self) {
        self.sign_in.over().await;
    }

    fn tell_changed(&mut self, _: &mut ServerSession, _: Instant) {}

    fn is_over(&self) -> bool {
        self.sign_in.is_over()
    }
}

impl SmtpDesk {
    /// Who signed in may hand in mail for anybody, whoever did not only mail for us, whatever the listener is for.
    fn door(&self) -> Door {
        match (self.listener.config.role, &self.permit) {
            (ListenerRole::Lmtp, _) => Door::Lmtp,
            (_, Some(permit)) => Door::Submission(permit.clone()),
            (_, None) => Door::Mx,
        }
    }

    /// Tells the trail what was refused, unless this connection has had its share.
    fn note_refusal(&mut self, helo: &str, sender: &ReversePath, recipient: Option<&Address>, cause: &str) {
        if self.refused.noted >= MAX_REFUSALS_NOTED {
            return;
        }
        self.refused.noted += 1;
        let login = self.permit.as_ref().map(Permit::address);
        let knock = Knock { peer: self.peer, helo, tls: self.sign_in.tls(), login };
        let flow = &self.listener.house.rooms.flow;
        self.refused.journey = flow.record_door_refusal(&knock, self.refused.journey, sender, recipient, cause);
    }

    async fn accept_sender(&mut self, envelope: &Envelope) -> SenderVerdict {
        if !self.sign_in.may_go_on().await {
            let text = "What you signed in with is good no longer, sign in anew".to_owned();
            return SenderVerdict::Refused(SenderRefusal::Policy { text });
        }
        let flow = &self.listener.house.rooms.flow;
        let door = self.door();
        let verdict = sender_verdict(flow.welcome_sender(&door, &envelope.sender).await);
        if verdict != SenderVerdict::Accepted {
            return verdict;
        }
        match flow.held_room(&door, envelope).await {
            HeldRoom::Enough => {}
            HeldRoom::UsedUp => return SenderVerdict::Refused(SenderRefusal::TooMuchHeld),
            HeldRoom::Unavailable => return SenderVerdict::Refused(SenderRefusal::TemporaryFailure),
        }
        match flow.sending_room(&door, envelope).await {
            Ok(room) => {
                self.room = room;
                SenderVerdict::Accepted
            }
            Err(refusal) => SenderVerdict::Refused(SenderRefusal::Sending(sending_refusal(refusal))),
        }
    }

    fn admit_recipient(&self, verdict: flow::RecipientVerdict, accepted: usize) -> RecipientVerdict {
        match self.room.admit(accepted) {
            // Who is not welcome anyway is told so, and not to come again.
            Err(refusal) if verdict == flow::RecipientVerdict::Accepted => {
                RecipientVerdict::Refused(RecipientRefusal::Sending(sending_refusal(refusal)))
            }
            _ => recipient_verdict(verdict),
        }
    }

    fn start_authentication(&mut self) -> AuthenticationStart {
        if !self.sign_in.may_begin() {
            return AuthenticationStart::Throttled;
        }
        let house = &self.listener.house;
        AuthenticationStart::Permitted { nonce: house.nonce(), unix_time_seconds: house.unix_seconds() }
    }

    async fn authorize(&mut self, identity: &Identity, client: &str) -> AuthorizationAnswer {
        let authorization_id = identity.authorization_id.as_deref();
        let name = identity.mechanism.name();
        match self.sign_in.authorize(&identity.authentication_id, authorization_id, name, client).await {
            Ok(permit) => {
                self.permit = Some(permit);
                AuthorizationAnswer::Granted
            }
            Err(LoginRefusal::Unavailable) => AuthorizationAnswer::Refused(AuthorizationRefusal::TemporaryFailure),
            Err(LoginRefusal::PasswordExpired) => AuthorizationAnswer::Refused(AuthorizationRefusal::Expired),
            Err(_) => AuthorizationAnswer::Refused(AuthorizationRefusal::Denied),
        }
    }

    async fn store(&mut self, message: StoreMessage) -> StoreOutcome {
        let outcome = self.hand_over(message).await;
        match &outcome {
            StoreOutcome::Refused(_) => self.listener.metrics.refused.inc(),
            StoreOutcome::Stored { .. } | StoreOutcome::PerRecipient(_) => self.listener.metrics.accepted.inc(),
        };
        outcome
    }

    async fn hand_over(&mut self, message: StoreMessage) -> StoreOutcome {
        let rooms = &self.listener.house.rooms;
        let spool = self.spool.take().unwrap_or_else(|| rooms.spool_room.spool());
        let spooled = match self.spool_failure.take() {
            Some(error) => Err(error),
            None => spool.finish().await,
        };
        let spooled = match spooled {
            Ok(spooled) => spooled,
            Err(error) => {
                tracing::error!(listener = self.listener.config.name, %error, "a message cannot be spooled");
                return StoreOutcome::Refused(MessageRefusal::InsufficientStorage);
            }
        };
        let arrival = Arrival {
            // The session forgets an identity at STARTTLS; so what it says now is what counts.
            door: if message.identity.is_some() || self.permit.is_none() { self.door() } else { Door::Mx },
            peer: message.peer,
            helo: message.helo,
            with: message.protocol.keyword(),
            tls: message.tls,
        };
        let stranger = matches!(arrival.door, Door::Mx).then(|| arrival.helo.clone());
        let recipients: Vec<_> = message.envelope.recipients.iter().map(|one| one.address.folded()).collect();
        let outcome = rooms.flow.receive(arrival, message.envelope, spooled).await;
        if let Some(helo) = stranger.filter(|_| outcome.is_ok()) {
            self.sign_in.handed_in(&helo);
        }
        match outcome {
            Ok(received) if received.full.is_empty() => StoreOutcome::Stored { journey: received.journey },
            Ok(received) => self.outcomes(&recipients, &received),
            Err(refusal) => StoreOutcome::Refused(message_refusal(&refusal)),
        }
    }
}

impl SmtpDesk {
    /// What became of a message that some recipients got, whose mailboxes had room.
    fn outcomes(&self, recipients: &[String], received: &flow::Received) -> StoreOutcome {
        let full: Vec<_> = received.full.iter().map(Address::folded).collect();
        let refusal = mailbox_full(self.listener.house.rooms.flow.options().when_full);
        let outcome = |recipient: &String| match full.contains(recipient) {
            true => RecipientOutcome::Refused(refusal.clone()),
            false => RecipientOutcome::Stored { journey: received.journey },
        };
        StoreOutcome::PerRecipient(recipients.iter().map(outcome).collect())
    }
}

fn mailbox_full(when_full: flow::WhenFull) -> MessageRefusal {
    match when_full {
        flow::WhenFull::TryAgain => MessageRefusal::MailboxFullForNow,
        flow::WhenFull::GiveUp => MessageRefusal::MailboxFull,
    }
}

fn sender_verdict(verdict: flow::SenderVerdict) -> SenderVerdict {
    match verdict {
        flow::SenderVerdict::Accepted => SenderVerdict::Accepted,
        flow::SenderVerdict::NotOwned => SenderVerdict::Refused(SenderRefusal::NotOwned),
        flow::SenderVerdict::Unavailable => SenderVerdict::Refused(SenderRefusal::TemporaryFailure),
    }
}

fn recipient_verdict(verdict: flow::RecipientVerdict) -> RecipientVerdict {
    RecipientVerdict::Refused(match verdict {
        flow::RecipientVerdict::Accepted => return RecipientVerdict::Accepted,
        flow::RecipientVerdict::NoSuchMailbox => RecipientRefusal::NoSuchMailbox,
        flow::RecipientVerdict::MailboxDisabled => RecipientRefusal::MailboxDisabled,
        flow::RecipientVerdict::DomainSendsOnly => RecipientRefusal::NullMx,
        flow::RecipientVerdict::MailboxFull { when_full: flow::WhenFull::TryAgain } => RecipientRefusal::MailboxFull,
        flow::RecipientVerdict::MailboxFull { when_full: flow::WhenFull::GiveUp } => {
            RecipientRefusal::MailboxFullForGood
        }
        flow::RecipientVerdict::RelayDenied => RecipientRefusal::RelayDenied,
        flow::RecipientVerdict::Unavailable => RecipientRefusal::TemporaryFailure,
    })
}

fn message_refusal(refusal: &flow::MessageRefusal) -> MessageRefusal {
    match refusal {
        flow::MessageRefusal::NoSuchMailbox => MessageRefusal::NoSuchMailbox,
        flow::MessageRefusal::FromNotOwned => MessageRefusal::FromNotOwned,
        flow::MessageRefusal::MalformedHeader => MessageRefusal::MalformedHeader,
        flow::MessageRefusal::RoutingLoop => MessageRefusal::RoutingLoop,
        flow::MessageRefusal::TooManyRecipients => {
            MessageRefusal::Policy { text: "An alias leads to too many recipients".to_owned() }
        }
        flow::MessageRefusal::MailboxFull { when_full } => mailbox_full(*when_full),
        // Our words alone: what a report says about itself does not come back.
        flow::MessageRefusal::NoReport(flow::ReportRefusal::TooMany) => MessageRefusal::RateLimited,
        flow::MessageRefusal::NoReport(flow::ReportRefusal::Unreadable(_)) => MessageRefusal::Policy {
            text: "Only reports about TLS are taken here, and this one cannot be read".to_owned(),
        },
        flow::MessageRefusal::NoReport(refusal) => {
            MessageRefusal::Policy { text: format!("Only reports about TLS are taken here: {refusal}") }
        }
        flow::MessageRefusal::Sending(refusal) => MessageRefusal::Sending(sending_refusal(*refusal)),
        flow::MessageRefusal::Filtered { status, text } => {
            MessageRefusal::Filtered { subject: status.subject(), detail: status.detail(), text: text.clone() }
        }
        flow::MessageRefusal::FilterWantsLater => {
            MessageRefusal::TemporaryPolicy { text: "The message cannot be examined now, try again later".to_owned() }
        }
        flow::MessageRefusal::TooMuchHeld => MessageRefusal::TooMuchHeld,
        flow::MessageRefusal::Full => MessageRefusal::InsufficientStorage,
        flow::MessageRefusal::Unavailable => MessageRefusal::TemporaryFailure,
    }
}

//! A house with some accounts, and sessions in it that are not connected.

use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU32;
use std::sync::{Arc, OnceLock};

use posthouse_flow::{Environment, Flow, FlowOptions, SpoolLimits, SpoolRoom, SystemEnvironment};
use posthouse_identity::hashing::HashCost;
use posthouse_identity::{AccountDraft, Identity, IdentityOptions};
use posthouse_imap::ImapSession;
use posthouse_mailbox::{BatchBound, Mailbox, Mailboxes, Rows};
use posthouse_model::session::{Peer, Session, TlsInfo, TlsMode};
use posthouse_model::{Address, Domain, MailboxName, Secret, UnixMillis};
use posthouse_storage::Storage;
use tokio::sync::Semaphore;

use super::people::{COLLEAGUES_RIGHTS, GUESTS_RIGHTS, Who};
use super::reference::Message;
use crate::admission::{Admission, FlowControl};
use crate::clock::Clock;
use crate::drivers::connection::{Channel, Desk};
use crate::drivers::imap::ImapDesk;
use crate::drivers::maildrops::Maildrops;
use crate::failed_logins::FailedLogins;
use crate::house::{House, Rooms};
use crate::listener::{ListenerConfig, ListenerRole, OpenListener, SessionSettings};
use crate::metrics::Metrics;

const PASSWORD: &str = "quartz lantern violet 83";
const REMOTE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// A listener with all that is behind it.
pub(super) struct Post {
    listener: Arc<OpenListener>,
    /// A session of the owner that gives rights.
    steward: Seat,
    /// The mailbox as each sees it, without a session in between.
    mailboxes: Vec<Mailbox>,
}

impl Post {
    pub(super) async fn open(store: Arc<dyn Storage>, limit: Option<NonZeroU32>) -> Self {
        let options = IdentityOptions { hash_cost: HashCost::dangerous_minimum(), ..IdentityOptions::default() };
        let identity = Arc::new(Identity::open(Arc::clone(&store), options).await.unwrap());
        let domain = Domain::parse("example.org").unwrap();
        let now = UnixMillis(1_700_000_000_000);
        identity.create_domain(domain.clone(), now).await.unwrap();
        for who in Who::ALL {
            let draft = AccountDraft {
                address: Address::parse(&format!("{}@example.org", who.name())).unwrap(),
                display_name: String::new(),
                administrator: false,
                password: Secret::new(PASSWORD),
            };
            identity.create_account(draft, now).await.unwrap();
        }
        let mailboxes = Arc::new(Mailboxes::new(store));
        let environment: Arc<dyn Environment> = Arc::new(SystemEnvironment);
        let options = FlowOptions::new(domain.clone());
        let flow = Flow::new(Arc::clone(&identity), Arc::clone(&mailboxes), Arc::clone(&environment), options);
        let spool_room = SpoolRoom::new(SpoolLimits::new(std::env::temp_dir()));
        let rooms = Rooms { identity, mailboxes, flow: Arc::new(flow), spool_room, environment };
        let house = Arc::new(House {
            rooms,
            clock: Clock::start(),
            admission: Admission::new(FlowControl::default()),
            failed_logins: FailedLogins::new(u32::MAX),
            maildrops: Maildrops::default(),
            signed_in: Arc::default(),
            metrics: Arc::new(Metrics::default()),
            sightings: Arc::default(),
            site: OnceLock::new(),
            web_bodies: Semaphore::new(0),
        });
        let mut config = ListenerConfig::new("imaps", Vec::new(), ListenerRole::Imap, TlsMode::Implicit, None, domain);
        config.imap_limits.messages_per_command = limit;
        let listener = Arc::new(OpenListener::new(config, house));
        let mut post = Self { steward: Seat::take(&listener, Who::Owner).await, listener, mailboxes: Vec::new() };
        post.grant(Who::Colleague, COLLEAGUES_RIGHTS).await;
        post.grant(Who::Guest, GUESTS_RIGHTS[0]).await;
        for who in Who::ALL {
            let mut first = post.seat(who).await;
            first.say("a CREATE Away\r\n").await;
            let permit = first.desk.permit.clone().unwrap();
            let name = MailboxName::parse(who.mailbox()).unwrap();
            let mailbox = post.listener.house.rooms.mailboxes.open(&permit, &name, true).await.unwrap();
            post.mailboxes.push(mailbox);
        }
        post
    }

    /// Says from now on what somebody else may do.
    pub(super) async fn grant(&mut self, to: Who, rights: &str) {
        let told = self.steward.say(&format!("a SETACL INBOX {}@example.org {rights}\r\n", to.name())).await;
        assert!(told.contains("a OK "), "{told}");
    }

    /// A session that has logged in.
    pub(super) async fn seat(&self, who: Who) -> Seat {
        Seat::take(&self.listener, who).await
    }

    pub(super) fn uid_validity(&self) -> u32 {
        self.mailboxes[0].uid_validity().0.get()
    }

    /// What is in the mailbox for somebody, without the texts; and its highest modification sequence.
    pub(super) fn mailbox(&self, who: Who) -> (Vec<Message>, u64) {
        let mailbox = &self.mailboxes[who as usize];
        let snapshot = mailbox.snapshot();
        let mut rows = Rows::new(snapshot.uids, None);
        let records = mailbox.next_rows(&mut rows, BatchBound { messages: usize::MAX, size_bytes: u64::MAX });
        let messages = records.into_iter().map(|record| Message {
            uid: record.uid.value(),
            text: String::new(),
            flags: record
                .flags
                .system()
                .map(|flag| flag.name().to_owned())
                .chain(record.flags.keywords().iter().map(ToString::to_string))
                .collect(),
            modseq: record.modseq.0,
        });
        (messages.collect(), snapshot.highest_modseq.0)
    }
}

/// One session.
pub(super) struct Seat {
    channel: Channel<ImapSession>,
    desk: ImapDesk,
}

impl Seat {
    async fn take(listener: &Arc<OpenListener>, who: Who) -> Self {
        let SessionSettings::Imap(config) = &listener.sessions else { unreachable!("the listener is one for IMAP") };
        let now = listener.house.clock.now();
        let mut session = ImapSession::new(Arc::clone(config), now);
        let tls = TlsInfo::default();
        session.tls_established(tls.clone(), now);
        let peer = Peer { remote: (REMOTE, 1).into(), local: (REMOTE, 2).into() };
        let mut desk = ImapDesk::new(listener, peer);
        desk.tls_started(&tls);
        let mut seat = Self { channel: Channel::unconnected(session, peer, listener), desk };
        let told = seat.say(&format!("a LOGIN {}@example.org \"{PASSWORD}\"\r\n", who.name())).await;
        assert!(told.contains("a OK "), "{told}");
        seat
    }

    /// Sends what a client says; returns what it hears.
    pub(super) async fn say(&mut self, text: &str) -> String {
        String::from_utf8(self.channel.exchange(&mut self.desk, text.as_bytes()).await).unwrap()
    }

    /// What the client hears without having said anything.
    pub(super) async fn listen(&mut self) -> String {
        String::from_utf8(self.channel.hear_of_changes(&mut self.desk).await).unwrap()
    }
}

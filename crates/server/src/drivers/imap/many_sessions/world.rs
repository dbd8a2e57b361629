//! Sessions at one mailbox, the clients behind them, and the plain lists beside it: one for each who sees it.

mod changing;
mod looking;
mod reading;

use std::num::NonZeroU32;
use std::sync::Arc;

use posthouse_storage::Storage;

use super::client::{Client, Heard, Kind, Open};
use super::command::{Command, WORDS, marks};
use super::order;
use super::people::{COLLEAGUES_RIGHTS, GUESTS_RIGHTS, May, Who};
use super::reference::{Effect, Reference};
use super::reply::replies;
use super::seat::{Post, Seat};

pub(super) struct World {
    post: Post,
    seats: Vec<(Seat, Client)>,
    /// The mailbox as each sees it.
    references: Vec<Reference>,
    guest_may: May,
    /// On so many messages one command works (RFC 9738).
    limit: Option<NonZeroU32>,
    commands: u32,
}

impl World {
    pub(super) async fn build(store: Arc<dyn Storage>, limit: Option<NonZeroU32>, seats: &[(Who, Kind)]) -> Self {
        let post = Post::open(store, limit).await;
        let seen_by = |who| Reference::empty(post.mailbox(who).1);
        let references = Who::ALL.into_iter().map(seen_by).collect();
        let guest_may = May::only(GUESTS_RIGHTS[0]);
        let mut world = Self { post, seats: Vec::new(), references, guest_may, limit, commands: 0 };
        for &(who, kind) in seats {
            let seat = world.post.seat(who).await;
            world.seats.push((seat, Client::new(who, kind)));
            world.enable(world.seats.len() - 1).await;
        }
        world
    }

    async fn enable(&mut self, at: usize) {
        for command in self.seats[at].1.kind.commands() {
            let heard = self.say(at, command, true, Effect::Nothing).await;
            assert_eq!(heard.condition, "OK");
        }
    }

    /// Everybody asks for news, and then knows all.
    pub(super) async fn settle(&mut self) {
        for at in 0..self.seats.len() {
            self.run(at, &Command::Noop).await;
        }
    }

    /// What one client does, and what the others hear of it.
    pub(super) async fn run(&mut self, at: usize, command: &Command) {
        if let Some(tag) = self.seats[at].1.idling.take() {
            let heard = self.exchange(at, "DONE\r\n", &tag, true, Effect::Nothing).await;
            assert_eq!(heard.condition, "OK");
            self.check_converged(at);
        }
        let needs_no_mailbox = matches!(command, Command::Append { .. } | Command::Resume { .. } | Command::Grant(_));
        if self.seats[at].1.open.is_none() && !needs_no_mailbox {
            let read_only = matches!(command, Command::Open { read_only: true });
            self.select(at, read_only, "", None).await;
        }
        match command {
            Command::Append { marks: flags, word, minute, answers } => {
                self.append(at, *flags, *word, *minute, *answers).await;
            }
            Command::Store { by_uid, which, change, silent, marks, unchanged_since } => {
                self.store(at, *by_uid, which, (*change, *silent, *marks), *unchanged_since).await;
            }
            Command::Fetch { by_uid, which, items } => self.fetch(at, *by_uid, which, *items).await,
            Command::Search { by_uid, key, wanted } => self.search(at, *by_uid, key, *wanted).await,
            Command::Thread { by_uid, key, by_references } => self.thread(at, *by_uid, key, *by_references).await,
            Command::Copy { by_uid, which, within } => self.copy(at, *by_uid, which, *within).await,
            Command::Move { by_uid, which, within } => self.move_messages(at, *by_uid, which, *within).await,
            Command::Expunge => self.expunge(at, None).await,
            Command::UidExpunge(which) => self.expunge(at, Some(which)).await,
            Command::Noop => self.noop(at).await,
            Command::Idle => self.idle(at).await,
            Command::Close => self.close(at, "CLOSE").await,
            Command::Unselect => self.close(at, "UNSELECT").await,
            Command::Open { read_only } => self.select(at, *read_only, "", None).await,
            Command::Resume { known_uids, matches } => self.resume(at, *known_uids, *matches).await,
            Command::Grant(rights) => self.grant(GUESTS_RIGHTS[*rights]).await,
        }
        for (_, client) in &self.seats {
            let reference = &self.references[client.who as usize];
            client.check_modseq(reference);
            let at_once = client.idling.is_some() || client.kind == Kind::Notify;
            if at_once || client.kind.notify() {
                client.check_converged(reference, at_once);
            }
        }
    }

    /// A command and its end.
    async fn say(&mut self, at: usize, text: &str, may_expunge: bool, effect: Effect) -> Heard {
        self.commands += 1;
        let tag = format!("t{}", self.commands);
        let heard = self.exchange(at, &format!("{tag} {text}\r\n"), &tag, may_expunge, effect).await;
        assert!(!heard.condition.is_empty(), "no end of {text}");
        heard
    }

    /// Lets a client say something, takes over what comes of it, and lets all hear.
    async fn exchange(&mut self, at: usize, text: &str, tag: &str, may_expunge: bool, effect: Effect) -> Heard {
        let output = self.seats[at].0.say(text).await;
        let (by, may) = (self.seats[at].1.who, self.may(at));
        for who in Who::ALL {
            let reference = &mut self.references[who as usize];
            let before = reference.messages.clone();
            reference.apply(&effect, if who == by { may } else { may.of_others() });
            let (there, highest) = self.post.mailbox(who);
            reference.learn(&before, &there, highest, (who != by).then_some(&effect));
        }
        let (_, client) = &mut self.seats[at];
        let heard = client.hear(replies(&output), tag, may_expunge, &self.references[by as usize]);
        for (seat, client) in &mut self.seats {
            let output = seat.listen().await;
            let idles = client.idling.is_some();
            assert!(output.is_empty() || idles || client.kind.notify(), "{output}");
            let reference = &self.references[client.who as usize];
            client.hear(replies(&output), "", idles || client.kind == Kind::Notify, reference);
        }
        heard
    }

    fn open(&self, at: usize) -> &Open {
        self.seats[at].1.open.as_ref().expect("an open mailbox")
    }

    fn kind(&self, at: usize) -> Kind {
        self.seats[at].1.kind
    }

    /// The mailbox as the client's user sees it.
    fn reference(&self, at: usize) -> &Reference {
        &self.references[self.seats[at].1.who as usize]
    }

    fn may(&self, at: usize) -> May {
        match self.seats[at].1.who {
            Who::Owner => May::everything(),
            Who::Colleague => May::only(COLLEAGUES_RIGHTS),
            Who::Guest => self.guest_may,
        }
    }

    fn check_converged(&self, at: usize) {
        self.seats[at].1.check_converged(self.reference(at), true);
    }

    /// Those of `uids` that are there.
    fn present(&self, at: usize, uids: &[u32]) -> Vec<u32> {
        uids.iter().copied().filter(|&uid| self.reference(at).get(uid).is_some()).collect()
    }

    /// Those of rising `uids` on which a command works, and the lowest of them if they are not all.
    fn within_limit(&self, uids: Vec<u32>) -> (Vec<u32>, Option<u32>) {
        match self.limit.map(|limit| limit.get() as usize) {
            Some(limit) if uids.len() > limit => {
                let highest = uids[uids.len() - limit..].to_vec();
                let lowest = highest[0];
                (highest, Some(lowest))
            }
            _ => (uids, None),
        }
    }

    /// The end of a command that was done in part says so, and that of another does not.
    fn check_limit(&self, text: &str, heard: &Heard, lowest: Option<u32>) {
        let expected = lowest.zip(self.limit).map(|(lowest, limit)| format!("{limit} {lowest}"));
        assert_eq!(heard.code("MESSAGELIMIT").map(str::to_owned), expected, "{text}: {heard:?}");
    }

    async fn append(&mut self, at: usize, flags: usize, word: usize, minute: u8, answers: Option<u32>) {
        let there = &self.reference(at).messages;
        let answered = answers.filter(|_| !there.is_empty()).map(|place| &there[place as usize % there.len()]);
        let (sign, field) = match answered {
            Some(message) => ("Re: ", format!("In-Reply-To: {}\r\n", order::id(message))),
            None => ("", String::new()),
        };
        let text = format!(
            "Subject: {sign}{}\r\nDate: Mon, 1 Jan 2024 10:{minute:02}:00 +0000\r\nMessage-ID: <{}@example.org>\r\n\
             {field}\r\nx\r\n",
            WORDS[word], self.commands
        );
        let flags = marks(flags);
        let names = flags.iter().cloned().collect::<Vec<_>>().join(" ");
        let to = self.seats[at].1.who.mailbox();
        let command = format!("APPEND {to} ({names}) {{{}+}}\r\n{text}", text.len());
        let uid = self.reference(at).next_uid();
        let allowed = self.may(at).insert();
        let effect = if allowed { Effect::Append { text, flags } } else { Effect::Nothing };
        let heard = self.say(at, &command, true, effect).await;
        assert_eq!(heard.condition, if allowed { "OK" } else { "NO" });
        assert!(!allowed || heard.code.ends_with(&format!(" {uid}")), "{heard:?}");
    }

    async fn noop(&mut self, at: usize) {
        let heard = self.say(at, "NOOP", true, Effect::Nothing).await;
        assert_eq!(heard.condition, "OK");
        self.check_converged(at);
    }

    async fn idle(&mut self, at: usize) {
        self.commands += 1;
        let tag = format!("t{}", self.commands);
        self.exchange(at, &format!("{tag} IDLE\r\n"), &tag, true, Effect::Nothing).await;
        self.seats[at].1.idling = Some(tag);
        self.check_converged(at);
    }

    async fn grant(&mut self, rights: &str) {
        self.post.grant(Who::Guest, rights).await;
        self.guest_may = May::only(rights);
    }
}

fn uid(by_uid: bool) -> &'static str {
    if by_uid { "UID " } else { "" }
}

//! A house that answers IMAP questions as a real one might: one account, one mailbox that changes.

use std::num::NonZeroU32;
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use posthouse_imap::{
    Answer, BinarySize, Changes, Config, Copied, FetchQuestion, FetchRow, FlagRow, ImapSession, Limits, MailboxRow,
    Question, Refusal, Resync, SearchNeed, SectionData, Selected, StatusRow,
};
use posthouse_mime::{Rendered, Structure};
use posthouse_model::session::{QuestionId, Session, Step, TlsInfo, TlsMode};
use posthouse_model::{
    Flags, Instant, Keyword, MailboxId, MailboxName, ModSeq, Rights, SpecialUse, Uid, UidSet, UidValidity, UnixMillis,
};
use posthouse_sasl::{Mechanism, NONCE_BYTES};

use crate::credentials;
use crate::drive::House;

/// The message that every message is.
const MESSAGE: &[u8] = b"From: =?utf-8?q?J=C3=B8rn?= <j@example.org>\r\nTo: \"a \\\" b\" <a@b.example>\r\n\
    Subject: \xc3\xa9 {5}\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\none\r\n--b\r\n\
    Content-Type: message/rfc822\r\n\r\nSubject: \"in\"\r\n\r\ntwo\r\n--b--\r\n";
/// Rows of one FETCH; a real house hands out more, in pieces.
const MAX_ROWS: usize = 50;

static RENDERED: LazyLock<Rendered> = LazyLock::new(|| Rendered::new(&Structure::parse(MESSAGE), MESSAGE));

/// A listener with everything on.
pub fn config(tls_mode: TlsMode, literal_plus: bool) -> Arc<Config> {
    Arc::new(Config {
        host_name: "imap.example".to_owned(),
        tls_mode,
        mechanisms: Mechanism::ALL.to_vec(),
        server_id: vec![("name".to_owned(), "Posthouse".to_owned())],
        literal_plus,
        unauthenticate: true,
        limits: Limits {
            discarded_bytes: 4_096,
            append_bytes: 8_192,
            append_command_bytes: 16_384,
            ..Limits::default()
        },
    })
}

/// The account and its mailbox.
pub struct ImapHouse {
    uids: UidSet,
    next_uid: u32,
    modseq: u64,
    /// What went and the session has not been told of.
    gone: UidSet,
    body_bytes: u64,
    appending: Option<usize>,
}

impl Default for ImapHouse {
    fn default() -> Self {
        let uids = [1, 2, 3, 4, 5, 9].into_iter().filter_map(Uid::new).collect();
        Self { uids, next_uid: 10, modseq: 100, gone: UidSet::new(), body_bytes: 0, appending: None }
    }
}

fn validity() -> UidValidity {
    UidValidity(NonZeroU32::new(7).expect("not zero"))
}

fn keywords() -> Vec<Keyword> {
    ["$Junk", "a.b"].iter().filter_map(|text| Keyword::parse(text).ok()).collect()
}

fn flags(choice: u8) -> Flags {
    let mut flags = Flags::from_bits(choice);
    for keyword in keywords().into_iter().take(usize::from(choice >> 6)) {
        flags.insert_keyword(keyword);
    }
    flags
}

fn name(text: &str) -> MailboxName {
    MailboxName::parse(text).expect("a good name")
}

fn refusal(choice: u8) -> Refusal {
    const EACH: [Refusal; 8] = [
        Refusal::NonExistent,
        Refusal::TryCreate,
        Refusal::ReadOnly,
        Refusal::OverQuota,
        Refusal::Limit,
        Refusal::ExpungeIssued,
        Refusal::ServerBug,
        Refusal::AuthenticationFailed,
    ];
    EACH[usize::from(choice >> 4) % EACH.len()]
}

impl ImapHouse {
    fn tick(&mut self) -> ModSeq {
        self.modseq += 1;
        ModSeq(self.modseq)
    }

    fn remove(&mut self, uids: &UidSet) -> UidSet {
        let removed = self.uids.intersection(uids);
        self.uids = self.uids.difference(&removed);
        removed.iter().for_each(|uid| self.gone.insert(uid));
        removed
    }

    fn row(&mut self, uid: Uid, choice: u8) -> FlagRow {
        FlagRow { uid, flags: flags(choice), modseq: self.tick() }
    }

    fn mailboxes() -> Vec<MailboxRow> {
        let row = |text: &str, id: Option<u64>, special_use, subscribed| MailboxRow {
            name: name(text),
            id: id.map(MailboxId),
            special_use,
            subscribed,
            selectable: id.is_some(),
        };
        vec![
            row("INBOX", Some(1), None, true),
            row("Trash", Some(2), Some(SpecialUse::Trash), false),
            row("a/\u{e9} \"b\\", Some(3), None, true),
            row("a/&", Some(4), None, false),
            row("gone/x", None, None, true),
        ]
    }

    fn selected(&mut self, read_only: bool, resync: bool, choice: u8) -> Selected {
        self.gone = UidSet::new();
        let vanished = [6, 7, 8].into_iter().filter_map(Uid::new).collect();
        let changed = self.uids.iter().take(1).collect::<Vec<_>>();
        let changed = changed.into_iter().map(|uid| self.row(uid, choice)).collect();
        Selected {
            mailbox: MailboxId(1),
            uid_validity: validity(),
            uid_next: self.next_uid,
            highest_modseq: ModSeq(self.modseq),
            uids: self.uids.clone(),
            first_unseen: self.uids.first(),
            keywords: keywords(),
            read_only: read_only || choice & 2 != 0,
            rights: Rights::from_bits(if choice & 16 != 0 { u16::from(choice) } else { u16::MAX }),
            resync: resync.then_some(Resync { vanished, changed }),
        }
    }

    fn changes(&mut self, choice: u8) -> Changes {
        if choice & 2 != 0
            && let Some(first) = self.uids.first()
        {
            self.remove(&[first].into_iter().collect());
        }
        let mut added = UidSet::new();
        if choice & 4 != 0
            && let Some(uid) = Uid::new(self.next_uid)
        {
            self.next_uid += 1;
            added.insert(uid);
            self.uids.insert(uid);
        }
        let last = if choice & 8 != 0 { self.uids.last() } else { None };
        let changed = last.map(|uid| self.row(uid, choice)).into_iter().collect();
        Changes {
            added,
            changed,
            vanished: std::mem::take(&mut self.gone),
            highest_modseq: ModSeq(self.modseq),
            new_keywords: keywords().into_iter().take(usize::from(choice >> 7)).collect(),
            rights: (choice & 48 == 48).then(|| Rights::from_bits(u16::from(choice))),
        }
    }

    fn section(choice: u8) -> (SectionData, Option<Bytes>) {
        match choice & 6 {
            0 => (SectionData::Whole(Bytes::from_static(b"octets\r\n")), None),
            2 => (SectionData::Streamed { length: 5 }, Some(Bytes::from_static(b"ab\r\nc"))),
            4 => (SectionData::Absent, None),
            _ => (SectionData::UnknownEncoding, None),
        }
    }

    fn fetch(&mut self, fetch: &FetchQuestion, choice: u8) -> Vec<Answer> {
        let mut answers = Vec::new();
        if fetch.vanished {
            let old: UidSet = [6, 7, 8].into_iter().filter_map(Uid::new).collect();
            answers.push(Answer::FetchVanished(old.intersection(&fetch.uids)));
        }
        let uids: Vec<Uid> = self.uids.intersection(&fetch.uids).iter().take(MAX_ROWS).collect();
        for uid in uids {
            let modseq = self.tick();
            let mut row = FetchRow::of(uid, modseq, flags(choice));
            row.newly_seen = fetch.mark_seen && choice & 8 != 0;
            row.internal_date = UnixMillis::from_seconds(i64::from(choice) << 25);
            row.size = MESSAGE.len() as u64;
            if fetch.items.envelope {
                row.envelope = Bytes::copy_from_slice(&RENDERED.envelope);
            }
            if fetch.items.body {
                row.body = Bytes::copy_from_slice(&RENDERED.body);
            }
            if fetch.items.body_structure {
                row.body_structure = Bytes::copy_from_slice(&RENDERED.bodystructure);
            }
            let mut streamed = Vec::new();
            for _ in &fetch.items.sections {
                let (data, octets) = Self::section(choice);
                row.sections.push(data);
                streamed.extend(octets);
            }
            row.binary_sizes = fetch.items.binary_sizes.iter().map(|_| BinarySize::Octets(5)).collect();
            answers.push(Answer::FetchRows(vec![row]));
            // In two pieces, the cut within.
            for octets in streamed {
                answers.push(Answer::FetchData(octets.slice(..3)));
                answers.push(Answer::FetchData(octets.slice(3..)));
            }
        }
        answers.push(Answer::FetchDone { missing: self.gone.intersection(&fetch.uids) });
        answers
    }

    fn status(&self) -> StatusRow {
        StatusRow {
            mailbox: MailboxId(1),
            messages: 6,
            uid_next: self.next_uid,
            uid_validity: validity(),
            unseen: 1,
            deleted: 2,
            size: u64::MAX,
            deleted_size: 7,
            highest_modseq: ModSeq(self.modseq),
        }
    }

    fn stored(&mut self, uids: &UidSet, choice: u8) -> Answer {
        let found: Vec<Uid> = self.uids.intersection(uids).iter().take(MAX_ROWS).collect();
        let modified: UidSet = if choice & 2 != 0 { found.iter().take(1).copied().collect() } else { UidSet::new() };
        let changed = found.into_iter().filter(|uid| !modified.contains(*uid)).collect::<Vec<_>>();
        let others = changed.iter().map(|uid| ModSeq(u64::from(uid.value()) ^ u64::from(choice))).collect();
        let rows = changed.into_iter().map(|uid| self.row(uid, choice)).collect();
        Answer::Stored { rows, others, modified, missing: self.gone.intersection(uids) }
    }

    fn copied(&mut self, uids: &UidSet, moved: bool) -> Answer {
        let from = if moved { self.remove(uids) } else { self.uids.intersection(uids) };
        let to = (500..).take(usize::try_from(from.len()).unwrap_or(0)).filter_map(Uid::new).collect();
        Answer::Copied(Copied { uid_validity: validity(), from, to })
    }

    fn found(&self, need: SearchNeed, modseq: bool, choice: u8) -> Answer {
        let mut uids = if choice & 2 != 0 { UidSet::new() } else { self.uids.clone() };
        if let SearchNeed::Ends { min, max } = need {
            let ends = [uids.first().filter(|_| min), uids.last().filter(|_| max)];
            uids = ends.into_iter().flatten().collect();
        }
        let highest_modseq = (modseq && !uids.is_empty()).then_some(ModSeq(self.modseq));
        Answer::Found { uids, highest_modseq }
    }

    /// The answers to a question: usually one. An odd choice refuses.
    pub fn answers(&mut self, question: &Question, choice: u8) -> Vec<Answer> {
        if choice & 1 != 0 {
            return vec![Answer::Refused(refusal(choice))];
        }
        vec![match question {
            Question::SaslStart => Answer::SaslStart { nonce: [7; NONCE_BYTES], unix_time_seconds: 1_700_000_000 },
            Question::Sasl(question) => Answer::Sasl(credentials::choose(question, choice >> 1)),
            Question::List => Answer::Mailboxes(Self::mailboxes()),
            Question::Status { mailboxes, .. } => {
                let row = |at| if choice & 2 != 0 && at == 0 { Err(refusal(choice)) } else { Ok(self.status()) };
                Answer::Statuses((0..mailboxes.len()).map(row).collect())
            }
            Question::Select { read_only, resync, .. } => {
                Answer::Selected(Box::new(self.selected(*read_only, resync.is_some(), choice)))
            }
            Question::Acl { .. } => Answer::Acl(vec![
                ("ann@example.org".to_owned(), Rights::ALL),
                ("-j\u{f8}rn \"\\".to_owned(), Rights::from_bits(u16::from(choice))),
            ]),
            Question::SetAcl { rights, .. } if rights.is_empty() => Answer::Refused(Refusal::BadIdentifier),
            Question::SetAcl { .. } => Answer::Done,
            Question::GrantableRights { .. } => Answer::GrantableRights {
                required: Rights::from_bits(u16::from(choice)),
                optional: Rights::from_bits(!u16::from(choice)),
            },
            Question::MyRights { mailboxes } => {
                let rights = |_| Ok(Rights::from_bits(u16::from(choice)));
                Answer::MyRights(mailboxes.iter().map(rights).collect())
            }
            Question::Create { .. } => Answer::Created(MailboxId(5)),
            Question::AppendCheck { .. } => {
                self.appending = Some(1);
                self.body_bytes = 0;
                Answer::Done
            }
            Question::AppendAnother { .. } => {
                let messages = self.appending.as_mut().expect("a message is being transferred");
                *messages += 1;
                Answer::Done
            }
            Question::AppendUrl { most, .. } => {
                assert!(self.appending.is_some(), "a message is being transferred");
                Answer::AppendedPart { size: u64::from(choice).min(*most) }
            }
            Question::Append { replaces, .. } => {
                let messages = self.appending.take().expect("a message is being transferred");
                replaces.iter().for_each(|uid| drop(self.remove(&UidSet::from_iter([*uid]))));
                Answer::Appended {
                    uid_validity: validity(),
                    uids: (500..).take(messages).filter_map(Uid::new).collect(),
                }
            }
            Question::Fetch(question) => return self.fetch(question, choice),
            Question::Store { uids, .. } => self.stored(uids, choice),
            Question::Copy { uids, .. } => self.copied(uids, false),
            Question::Move { uids, .. } => self.copied(uids, true),
            Question::Expunge { uids } => {
                let third: UidSet = self.uids.iter().skip(2).take(2).collect();
                self.remove(&uids.as_ref().map_or(third.clone(), |uids| third.intersection(uids)));
                Answer::Done
            }
            Question::Search { need, modseq, .. } => self.found(*need, *modseq, choice),
            Question::Sync { .. } => Answer::Changes(Box::new(self.changes(choice))),
            _ => Answer::Done,
        }]
    }

    /// Takes a session of implicit TLS to where a mailbox is open.
    pub fn open(&mut self, enable: &str) -> ImapSession {
        let mut session = ImapSession::new(config(TlsMode::Implicit, true), Instant(0));
        session.tls_established(TlsInfo::default(), Instant(0));
        let commands = ["a LOGIN user pencil\r\n", enable, "a SELECT INBOX\r\n"];
        for command in commands {
            session.receive(command.as_bytes(), Instant(0));
            while let Some(step) = session.next() {
                if let Step::Ask(id, question) = step {
                    self.asked(&mut session, id, question, 0, Instant(0));
                }
            }
        }
        session
    }
}

impl House<ImapSession> for ImapHouse {
    fn asked(&mut self, session: &mut ImapSession, id: QuestionId, question: Question, choice: u8, now: Instant) {
        for answer in self.answers(&question, choice) {
            assert!(!session.wants_input(), "input is wanted while a question is open");
            session.answer(id, answer, now);
        }
    }

    fn body(&mut self, octets: &[u8]) {
        self.body_bytes += octets.len() as u64;
        assert!(self.appending.is_some(), "a message that nobody expects");
        assert!(self.body_bytes <= 16_384, "more than one command may bring");
    }

    fn changed(&mut self, session: &mut ImapSession, now: Instant) {
        session.mailbox_changed(now);
    }
}

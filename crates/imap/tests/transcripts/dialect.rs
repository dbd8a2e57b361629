//! The words in which the scripts write questions and answers.

use std::num::NonZeroU32;
use std::str::FromStr;
use std::sync::Arc;

use bytes::Bytes;
use posthouse_imap::{
    AnnotationRow, Answer, BinarySize, Changes, Config, Copied, FetchItems, FetchRow, FlagRow, ImapSession, Limits,
    MailboxRow, News, PreviewNeed, Question, QuotaFigure, QuotaResource, QuotaRow, Refusal, Resync, SearchNeed,
    SectionData, Selected, StatusRow, Touched,
};
use posthouse_model::session::{QuestionId, Session, Step, TlsInfo, TlsMode};
use posthouse_model::sort::ThreadNode;
use posthouse_model::{
    EntryName, Flags, Instant, Keyword, MailboxId, MailboxName, MessageId, ModSeq, Rights, SpecialUse, SystemFlag,
    ThreadId, Uid, UidSet, UidValidity, UnixMillis,
};
use posthouse_sasl::Mechanism;
use posthouse_testkit::transcript::Dialect;

/// Sessions of one kind: fresh, logged in, or with a mailbox open.
#[derive(Clone)]
pub struct Imap {
    pub config: Config,
    /// Logged in before the script begins.
    pub logged_in: bool,
    /// What was enabled before the script begins.
    pub enable: &'static str,
    /// UIDs of the mailbox that is open when the script begins; its highest modification sequence is 100.
    pub selected: Option<&'static str>,
    pub read_only: bool,
    /// What the user may do in the mailbox that is open.
    pub rights: &'static str,
    /// `EOF` in the script means that the mailbox changed.
    pub idling: bool,
    /// `EOF` in the script means that there is news of the account.
    pub notified: bool,
}

pub fn config(tls_mode: TlsMode) -> Config {
    Config {
        host_name: "imap.example".to_owned(),
        tls_mode,
        mechanisms: vec![Mechanism::Plain, Mechanism::Login],
        server_id: vec![("name".to_owned(), "Posthouse".to_owned())],
        literal_plus: false,
        unauthenticate: false,
        limits: Limits::default(),
    }
}

pub fn fresh(tls_mode: TlsMode) -> Imap {
    Imap {
        config: config(tls_mode),
        logged_in: false,
        enable: "",
        selected: None,
        read_only: false,
        rights: "lrswipkxtea",
        idling: false,
        notified: false,
    }
}

pub fn logged_in() -> Imap {
    Imap { logged_in: true, ..fresh(TlsMode::Implicit) }
}

pub fn enabled(capabilities: &'static str) -> Imap {
    Imap { enable: capabilities, ..logged_in() }
}

pub fn selected(uids: &'static str) -> Imap {
    Imap { selected: Some(uids), ..logged_in() }
}

fn drain(session: &mut ImapSession) -> Option<QuestionId> {
    let mut question = None;
    while let Some(step) = session.next() {
        if let Step::Ask(id, _) = step {
            question = Some(id);
        }
    }
    question
}

/// Says `line` and gives the answers, without looking at what comes back.
fn say(session: &mut ImapSession, line: &str, answers: Vec<Answer>) {
    session.receive(line.as_bytes(), Instant(0));
    for answer in answers {
        let question = drain(session).expect("a question");
        session.answer(question, answer, Instant(0));
    }
    assert_eq!(drain(session), None, "{line}");
}

impl Imap {
    pub fn session(&self) -> ImapSession {
        let mut session = ImapSession::new(Arc::new(self.config.clone()), Instant(0));
        if !self.logged_in {
            return session;
        }
        session.tls_established(TlsInfo::default(), Instant(0));
        say(&mut session, "a LOGIN ann secret\r\n", vec![Answer::Sasl(posthouse_sasl::Answer::Accepted), Answer::Done]);
        if !self.enable.is_empty() {
            say(&mut session, &format!("a ENABLE {}\r\n", self.enable), vec![]);
        }
        if let Some(uids) = self.selected {
            let answer = answer(&format!(
                "selected {uids} modseq=100 rights={}{}",
                self.rights,
                if self.read_only { " read-only" } else { "" }
            ));
            say(&mut session, "a SELECT INBOX\r\n", vec![answer]);
        }
        session
    }
}

/// A session whose question asks for `more` after each answer that leaves it open, so that scripts can say when.
/// `EOF` in a script of [`Imap::idling`] sessions tells that the mailbox changed.
#[derive(Debug)]
pub struct Scripted {
    session: ImapSession,
    open: Option<QuestionId>,
    eof_is_change: bool,
    eof_is_news: bool,
}

/// A question of a [`Scripted`] session.
#[derive(Debug)]
pub enum Asked {
    First(Box<Question>),
    More,
}

impl Session for Scripted {
    type Question = Asked;
    type Answer = Answer;

    fn receive(&mut self, bytes: &[u8], now: Instant) {
        self.session.receive(bytes, now);
    }
    fn receive_eof(&mut self, now: Instant) {
        match (self.eof_is_change, self.eof_is_news) {
            (_, true) => self.session.account_changed(now),
            (true, false) => self.session.mailbox_changed(now),
            (false, false) => self.session.receive_eof(now),
        }
    }
    fn wake(&mut self, now: Instant) {
        self.session.wake(now);
    }
    fn answer(&mut self, id: QuestionId, answer: Answer, now: Instant) {
        let partial = matches!(
            answer,
            Answer::FetchRows(_) | Answer::FetchData(_) | Answer::FetchVanished(_) | Answer::Progress { .. }
        );
        self.open = partial.then_some(id);
        self.session.answer(id, answer, now);
    }
    fn tls_established(&mut self, tls: TlsInfo, now: Instant) {
        self.session.tls_established(tls, now);
    }
    fn shut_down(&mut self, now: Instant) {
        self.session.shut_down(now);
    }
    fn next(&mut self) -> Option<Step<Asked>> {
        Some(match self.session.next() {
            Some(Step::Ask(id, question)) => Step::Ask(id, Asked::First(Box::new(question))),
            Some(Step::Send(bytes)) => Step::Send(bytes),
            Some(Step::Body(bytes)) => Step::Body(bytes),
            Some(Step::StartTls) => Step::StartTls,
            Some(Step::StartCompression) => Step::StartCompression,
            Some(Step::WakeAt(at)) => Step::WakeAt(at),
            Some(Step::Close(reason)) => {
                self.open = None;
                Step::Close(reason)
            }
            None => Step::Ask(self.open.take()?, Asked::More),
        })
    }
    fn wants_input(&self) -> bool {
        self.session.wants_input()
    }
}

impl Dialect for Imap {
    type Session = Scripted;

    fn start(&self) -> Scripted {
        Scripted { session: self.session(), open: None, eof_is_change: self.idling, eof_is_news: self.notified }
    }

    fn describe(&self, question: &Asked) -> String {
        match question {
            Asked::First(question) => describe(question),
            Asked::More => "more".to_owned(),
        }
    }

    fn answer(&self, words: &str) -> Answer {
        answer(words)
    }
}

pub fn describe(question: &Question) -> String {
    match question {
        Question::SaslStart => "sasl-start".to_owned(),
        Question::Sasl(posthouse_sasl::Question::VerifyPassword { authentication_id, authorization_id, password }) => {
            let as_whom = authorization_id.as_ref().map_or(String::new(), |id| format!(" as {id}"));
            format!("verify {authentication_id} {}{as_whom}", password.expose_str().unwrap())
        }
        Question::Sasl(other) => format!("sasl {other:?}"),
        Question::Enter(entry) => format!("enter {} by {}", entry.authentication_id, entry.mechanism.name()),
        Question::Leave => "leave".to_owned(),
        Question::ClientId(fields) => format!("client-id {fields:?}"),
        Question::List => "list".to_owned(),
        Question::Status { mailboxes, items } => {
            let names: Vec<_> = mailboxes.iter().map(MailboxName::as_str).collect();
            let wanted = [
                (items.messages, "messages"),
                (items.recent, "recent"),
                (items.uid_next, "uid_next"),
                (items.uid_validity, "uid_validity"),
                (items.unseen, "unseen"),
                (items.deleted, "deleted"),
                (items.size, "size"),
                (items.highest_modseq, "highest_modseq"),
                (items.append_limit, "append_limit"),
                (items.mailbox_id, "mailbox_id"),
                (items.deleted_storage, "deleted_storage"),
            ];
            let wanted: Vec<_> = wanted.into_iter().filter_map(|(wanted, name)| wanted.then_some(name)).collect();
            format!("status {} {}", names.join(","), wanted.join(","))
        }
        Question::Annotations { places, entries, depth } => {
            let places: Vec<_> = places.iter().map(|one| one.as_ref().map_or("server", MailboxName::as_str)).collect();
            format!("annotations {} {entries:?} {depth:?}", places.join(","))
        }
        Question::QuotaRoots { mailbox } => format!("quota-roots {mailbox}"),
        Question::Quota { root } => format!("quota {root}"),
        Question::SetQuota { root, limits } => format!("set-quota {root} {limits:?}"),
        Question::Annotate { place, changes } => {
            let place = place.as_ref().map_or("server", MailboxName::as_str);
            let values: Vec<_> = changes.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
            format!("annotate {place} {}", values.join(" "))
        }
        Question::Select { mailbox, read_only, resync } => {
            let how = if *read_only { "examine" } else { "select" };
            let resync = resync.as_ref().map_or(String::new(), |resync| {
                let known = resync.known_uids.as_ref().map_or("all".to_owned(), ToString::to_string);
                let pairs: Vec<_> = resync.matches.iter().map(|(n, uid)| format!("{n}={uid}")).collect();
                format!(" resync {} {} {known} {}", resync.uid_validity, resync.since, pairs.join(","))
            });
            format!("{how} {mailbox}{resync}").trim_end().to_owned()
        }
        Question::Unselect { expunge } => format!("unselect{}", if *expunge { " expunge" } else { "" }),
        Question::Create { mailbox, special_use } => {
            format!("create {mailbox}{}", special_use.map_or(String::new(), |one| format!(" {}", one.attribute())))
        }
        Question::Delete { mailbox } => format!("delete {mailbox}"),
        Question::Rename { from, to } => format!("rename {from} {to}"),
        Question::Subscribe { mailbox, subscribed } => {
            format!("{} {mailbox}", if *subscribed { "subscribe" } else { "unsubscribe" })
        }
        Question::Acl { mailbox } => format!("acl {mailbox}"),
        Question::SetAcl { mailbox, identifier, change, rights } => {
            format!("set-acl {mailbox} {identifier} {change:?} {rights}").trim_end().to_owned()
        }
        Question::GrantableRights { mailbox, identifier } => format!("grantable {mailbox} {identifier}"),
        Question::MyRights { mailboxes } => {
            let names: Vec<_> = mailboxes.iter().map(MailboxName::as_str).collect();
            format!("my-rights {}", names.join(","))
        }
        Question::AppendCheck { mailbox, size } => format!("append-check {mailbox} {size}"),
        Question::AppendAnother { flags, internal_date } => format!("another{}", options(flags, *internal_date)),
        Question::AppendUrl { url, most } => {
            let mailbox = url.mailbox.as_ref().map_or("here", MailboxName::as_str);
            let validity = url.uid_validity.map_or(String::new(), |validity| format!(" validity {validity}"));
            let path: Vec<_> = url.section.path.iter().map(ToString::to_string).collect();
            let partial = url.partial.map_or(String::new(), |p| format!("<{}.{}>", p.offset, p.length));
            format!("url {mailbox} {}{validity} [{}:{:?}]{partial} {most}", url.uid, path.join("."), url.section.kind)
        }
        Question::Append { mailbox, flags, internal_date, replaces } => {
            let replaces = replaces.map_or(String::new(), |uid| format!(" replacing {uid}"));
            format!("append {mailbox}{}{replaces}", options(flags, *internal_date))
        }
        Question::Fetch(fetch) => {
            let mut text = format!("fetch {} {}", fetch.uids, item_names(&fetch.items));
            if fetch.mark_seen {
                text.push_str(" mark-seen");
            }
            if let Some(since) = fetch.changed_since {
                text.push_str(&format!(" since {since}"));
            }
            if fetch.vanished {
                text.push_str(" vanished");
            }
            text
        }
        Question::Store { uids, change, flags, unchanged_since } => {
            let since = unchanged_since.map_or(String::new(), |since| format!(" unchanged-since {since}"));
            format!("store {uids} {change:?}{}{since}", flag_names(flags))
        }
        Question::Copy { uids, mailbox } => format!("copy {uids} {mailbox}"),
        Question::Move { uids, mailbox } => format!("move {uids} {mailbox}"),
        Question::Expunge { uids } => {
            format!("expunge{}", uids.as_ref().map_or(String::new(), |uids| format!(" {uids}")))
        }
        Question::Search { query, need, modseq } => {
            format!("search {query:?} {}{}", need_name(*need), if *modseq { " modseq" } else { "" })
        }
        Question::SearchOpen { mailbox } => format!("search-open {mailbox}"),
        Question::SearchOpened { query, need, modseq } => {
            format!("search-opened {query:?} {}{}", need_name(*need), if *modseq { " modseq" } else { "" })
        }
        Question::Sort { query, criteria, need, modseq } => {
            let sign = |reverse| if reverse { '-' } else { '+' };
            let criteria: Vec<_> =
                criteria.iter().map(|criterion| format!("{}{:?}", sign(criterion.reverse), criterion.key)).collect();
            let modseq = if *modseq { " modseq" } else { "" };
            format!("sort {} {query:?} {}{modseq}", criteria.join(","), need_name(*need))
        }
        Question::Thread { query, algorithm } => format!("thread {algorithm:?} {query:?}"),
        Question::Sync { since } => format!("sync {since}"),
        Question::WatchAccount { interest: None } => "watch-account nothing".to_owned(),
        Question::WatchAccount { interest: Some(interest) } => {
            let ids = |ids: &[MailboxId]| ids.iter().map(|id| id.0.to_string()).collect::<Vec<_>>().join(",");
            let mut text = format!("watch-account {}", ids(&interest.messages)).trim_end().to_owned();
            for (list, word) in [(&interest.annotations, "annotations"), (&interest.names, "names")] {
                if !list.is_empty() {
                    text += &format!(" {word} {}", ids(list));
                }
            }
            text + if interest.server_annotations { " server" } else { "" }
        }
        Question::News => "news".to_owned(),
        Question::Watch { on } => format!("watch {on}"),
    }
}

fn need_name(need: SearchNeed) -> String {
    match need {
        SearchNeed::All => "all".to_owned(),
        SearchNeed::Ends { min, max } => format!("ends {min} {max}"),
    }
}

fn options(flags: &Flags, date: Option<UnixMillis>) -> String {
    let date = date.map_or(String::new(), |date| format!(" at {}", date.seconds()));
    format!("{}{date}", flag_names(flags))
}

fn flag_names(flags: &Flags) -> String {
    let system = flags.system().map(|flag| format!(" {}", flag.name()));
    let keywords = flags.keywords().iter().map(|keyword| format!(" {keyword}"));
    system.chain(keywords).collect()
}

fn item_names(items: &FetchItems) -> String {
    let plain = [
        (items.uid, "uid"),
        (items.flags, "flags"),
        (items.modseq, "modseq"),
        (items.internal_date, "date"),
        (items.size, "size"),
        (items.envelope, "envelope"),
        (items.body, "body"),
        (items.body_structure, "bodystructure"),
        (items.email_id, "email-id"),
        (items.thread_id, "thread-id"),
        (items.save_date, "save-date"),
        (items.preview == Some(PreviewNeed::Always), "preview"),
        (items.preview == Some(PreviewNeed::AtHand), "preview-at-hand"),
    ];
    let mut names: Vec<String> =
        plain.into_iter().filter_map(|(wanted, name)| wanted.then_some(name.to_owned())).collect();
    for section in &items.sections {
        let path: Vec<_> = section.section.path.iter().map(ToString::to_string).collect();
        let partial = section.partial.map_or(String::new(), |p| format!("<{}.{}>", p.offset, p.length));
        names.push(format!("{:?}[{}:{:?}]{partial}", section.form, path.join("."), section.section.kind));
    }
    names.extend(items.binary_sizes.iter().map(|path| format!("size{path:?}")));
    names.join(",")
}

fn refusal(name: &str) -> Refusal {
    let all = [
        Refusal::AuthenticationFailed,
        Refusal::AuthorizationFailed,
        Refusal::Expired,
        Refusal::Limit,
        Refusal::Unavailable,
        Refusal::NonExistent,
        Refusal::TryCreate,
        Refusal::AlreadyExists,
        Refusal::NoPermission,
        Refusal::Cannot,
        Refusal::UseAttr,
        Refusal::TooManyAnnotations,
        Refusal::UnknownEntry,
        Refusal::UnknownResource,
        Refusal::HasChildren,
        Refusal::OverQuota,
        Refusal::TooBig,
        Refusal::ReadOnly,
        Refusal::InUse,
        Refusal::ExpungeIssued,
        Refusal::Corruption,
        Refusal::ServerBug,
        Refusal::ContactAdmin,
        Refusal::BadMessage,
        Refusal::BadUrl,
        Refusal::UnknownIdentifier,
        Refusal::BadIdentifier,
    ];
    all.into_iter().find(|refusal| format!("{refusal:?}") == name).unwrap_or_else(|| panic!("no refusal {name}"))
}

pub fn uid(text: &str) -> Uid {
    Uid::new(text.parse().unwrap()).unwrap()
}

pub fn uids(text: &str) -> UidSet {
    let mut set = UidSet::new();
    for range in text.split(',').filter(|range| !range.is_empty() && *range != "none") {
        let (from, to) = range.split_once(':').unwrap_or((range, range));
        set.insert_range(uid(from), uid(to));
    }
    set
}

fn validity(value: u32) -> UidValidity {
    UidValidity(NonZeroU32::new(value).unwrap())
}

/// `lrs`, or `-` for none.
fn rights(text: &str) -> Rights {
    Rights::parse(text.trim_start_matches('-')).unwrap()
}

/// `\Seen+$Junk`, or `-` for none.
fn flags(text: &str) -> Flags {
    let mut flags = Flags::none();
    for name in text.split('+').filter(|name| !name.is_empty() && *name != "-") {
        match SystemFlag::from_name(name) {
            Some(flag) => flags.insert(flag),
            None => assert!(flags.insert_keyword(Keyword::parse(name).unwrap())),
        }
    }
    flags
}

/// `12/\Seen/101`
fn flag_row(text: &str) -> FlagRow {
    let [uid_text, flag_text, modseq] = text.split('/').collect::<Vec<_>>()[..] else { panic!("{text}") };
    FlagRow { uid: uid(uid_text), flags: flags(flag_text), modseq: ModSeq(modseq.parse().unwrap()) }
}

/// The value behind `name=`.
fn value<'a>(words: &'a str, name: &str) -> Option<&'a str> {
    words.split(' ').find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
}

fn number<T: FromStr + Default>(words: &str, name: &str) -> T {
    value(words, name).map_or_else(T::default, |text| text.parse().ok().expect("a number"))
}

fn flag_rows(words: &str, name: &str) -> Vec<FlagRow> {
    value(words, name).map_or(Vec::new(), |rows| rows.split(',').map(flag_row).collect())
}

fn keywords(words: &str) -> Vec<Keyword> {
    value(words, "keywords").map_or(Vec::new(), |list| list.split(',').map(|k| Keyword::parse(k).unwrap()).collect())
}

/// Octets in which `_` is a space, `|` is CRLF.
fn octets(text: &str) -> Bytes {
    Bytes::from(text.replace('_', " ").replace('|', "\r\n"))
}

fn section(text: &str) -> SectionData {
    match text.split_once(':') {
        Some(("stream", length)) => SectionData::Streamed { length: length.parse().unwrap() },
        Some(("whole", data)) => SectionData::Whole(octets(data)),
        Some(("zeros", length)) => SectionData::Whole(Bytes::from(vec![0; length.parse().unwrap()])),
        _ if text == "absent" => SectionData::Absent,
        _ if text == "unknown" => SectionData::UnknownEncoding,
        _ => panic!("{text}"),
    }
}

/// `uid=5 modseq=7 flags=\Seen newly-seen date=0 size=3 envelope=(E) section=whole:x`
fn fetch_row(words: &str) -> FetchRow {
    let binary_sizes = words.split(' ').filter_map(|word| word.strip_prefix("binary-size=")).map(|size| match size {
        "unknown" => BinarySize::UnknownEncoding,
        octets => BinarySize::Octets(octets.parse().unwrap()),
    });
    FetchRow {
        newly_seen: words.split(' ').any(|word| word == "newly-seen"),
        internal_date: UnixMillis::from_seconds(number(words, "date")),
        size: number(words, "size"),
        envelope: value(words, "envelope").map_or(Bytes::new(), octets),
        body: value(words, "body").map_or(Bytes::new(), octets),
        body_structure: value(words, "structure").map_or(Bytes::new(), octets),
        sections: words.split(' ').filter_map(|word| word.strip_prefix("section=")).map(section).collect(),
        binary_sizes: binary_sizes.collect(),
        message: MessageId(number(words, "message")),
        thread: value(words, "thread").and_then(ThreadId::parse),
        saved_at: UnixMillis::from_seconds(number(words, "saved")),
        preview: value(words, "preview").map(|text| text.replace('_', " ")),
        ..FetchRow::of(
            uid(value(words, "uid").unwrap()),
            ModSeq(number(words, "modseq")),
            flags(value(words, "flags").unwrap_or_default()),
        )
    }
}

/// `name:id:attributes`, where the attributes are of `s` subscribed, `n` not selectable, and a special use.
fn mailbox_row(text: &str) -> MailboxRow {
    let mut parts = text.split(':');
    let name = MailboxName::parse(&parts.next().unwrap().replace('_', " ")).unwrap();
    let id = parts.next().filter(|id| *id != "-").map(|id| MailboxId(id.parse().unwrap_or(1)));
    let rest: Vec<_> = parts.collect();
    MailboxRow {
        name,
        id,
        special_use: rest.iter().find_map(|use_| SpecialUse::from_attribute(&format!("\\{use_}"))),
        subscribed: rest.contains(&"s"),
        selectable: !rest.contains(&"n"),
    }
}

/// `/private/comment=value`, or without a value `/private/comment`; `0` in the value is NUL.
fn annotation_row(text: &str) -> AnnotationRow {
    let (name, value) = text.split_once('=').map_or((text, None), |(name, value)| (name, Some(value)));
    (
        EntryName::parse(name).unwrap(),
        value.map(|value| {
            Bytes::from(octets(value).to_vec().into_iter().map(|b| if b == b'0' { 0 } else { b }).collect::<Vec<_>>())
        }),
    )
}

/// `root storage=1/10 message=2/20`
fn quota_row(text: &str) -> QuotaRow {
    let (root, figures) = text.split_once(' ').unwrap_or((text, ""));
    let figure = |word: &str| {
        let (name, values) = word.split_once('=').unwrap();
        let (used, limit) = values.split_once('/').unwrap();
        let resource = match name {
            "storage" => QuotaResource::Storage,
            "message" => QuotaResource::Message,
            _ => QuotaResource::Mailbox,
        };
        QuotaFigure { resource, used: used.parse().unwrap(), limit: limit.parse().unwrap() }
    };
    QuotaRow { root: root.to_owned(), figures: figures.split(' ').filter(|f| !f.is_empty()).map(figure).collect() }
}

fn status_row(words: &str) -> StatusRow {
    StatusRow {
        mailbox: MailboxId(number(words, "id")),
        messages: number(words, "messages"),
        uid_next: number(words, "uid_next"),
        uid_validity: validity(7),
        unseen: number(words, "unseen"),
        deleted: number(words, "deleted"),
        size: number(words, "size"),
        deleted_size: number(words, "deleted_size"),
        highest_modseq: ModSeq(number(words, "modseq")),
    }
}

fn selected_answer(words: &str) -> Answer {
    let set = uids(words.split(' ').next().unwrap());
    let resync = words.split(' ').any(|word| word == "resync").then(|| Resync {
        vanished: value(words, "vanished").map_or(UidSet::new(), uids),
        changed: flag_rows(words, "changed"),
    });
    Answer::Selected(Box::new(Selected {
        mailbox: MailboxId(1),
        uid_validity: validity(7),
        uid_next: set.last().map_or(1, |last| last.value() + 1),
        highest_modseq: ModSeq(number(words, "modseq")),
        uids: set,
        first_unseen: value(words, "unseen").map(uid),
        keywords: keywords(words),
        read_only: words.split(' ').any(|word| word == "read-only"),
        rights: value(words, "rights").map_or(Rights::ALL, rights),
        resync,
    }))
}

/// `2=m 3=mf names 2@/shared/comment server@/private/a`: what happened in which mailbox, whether names changed, and
/// which annotations of what.
fn news(words: &str) -> News {
    let mut news = News::default();
    for word in words.split(' ') {
        match word.split_once('=') {
            Some((id, what)) => news.touched.push((
                MailboxId(id.parse().unwrap()),
                Touched { messages: what.contains('m'), flags: what.contains('f') },
            )),
            None if word == "names" => news.names = true,
            None if word.contains('@') => {
                let (place, entry) = word.split_once('@').unwrap();
                let entry = EntryName::parse(entry).unwrap();
                news.annotations.push((place.parse().ok().map(MailboxId), vec![entry]));
            }
            None => news.overflow = word == "overflow",
        }
    }
    news
}

/// A UID or `-`, and after a plus how many children follow.
fn thread_node(word: &str) -> ThreadNode {
    let (name, children) = word.split_once('+').unwrap_or((word, "0"));
    ThreadNode { uid: (name != "-").then(|| uid(name)), children: children.parse().unwrap() }
}

pub fn answer(words: &str) -> Answer {
    let (verb, rest) = words.split_once(' ').unwrap_or((words, ""));
    match verb {
        "done" => Answer::Done,
        "refused" => Answer::Refused(refusal(rest)),
        "sasl-start" => Answer::SaslStart { nonce: [7; posthouse_sasl::NONCE_BYTES], unix_time_seconds: 0 },
        "accepted" => Answer::Sasl(posthouse_sasl::Answer::Accepted),
        "rejected" => Answer::Sasl(posthouse_sasl::Answer::Rejected),
        "unavailable" => Answer::Sasl(posthouse_sasl::Answer::TemporarilyUnavailable),
        "mailboxes" => Answer::Mailboxes(rest.split(' ').map(mailbox_row).collect()),
        "statuses" => Answer::Statuses(
            rest.split(" ; ")
                .map(|row| row.strip_prefix("refused ").map_or_else(|| Ok(status_row(row)), |name| Err(refusal(name))))
                .collect(),
        ),
        "annotations" => Answer::Annotations(
            rest.split(" ; ")
                .map(|place| match place.strip_prefix("refused ") {
                    Some(name) => Err(refusal(name)),
                    None => Ok(place.split(' ').filter(|row| !row.is_empty()).map(annotation_row).collect()),
                })
                .collect(),
        ),
        "quotas" => Answer::Quotas(rest.split(" ; ").filter(|row| !row.is_empty()).map(quota_row).collect()),
        "selected" => selected_answer(rest),
        "acl" => Answer::Acl(
            rest.split(' ')
                .map(|entry| entry.rsplit_once(':').unwrap())
                .map(|(who, what)| (who.to_owned(), rights(what)))
                .collect(),
        ),
        "grantable" => {
            let (required, optional) = rest.split_once(' ').unwrap();
            Answer::GrantableRights { required: rights(required), optional: rights(optional) }
        }
        "rights" => {
            Answer::MyRights(rest.split(' ').map(|word| Rights::parse(word).map_err(|_| refusal(word))).collect())
        }
        "created" => Answer::Created(MailboxId(5)),
        "appended" => Answer::Appended { uid_validity: validity(7), uids: uids(rest) },
        "part" => Answer::AppendedPart { size: rest.parse().unwrap() },
        "vanished" => Answer::FetchVanished(uids(rest)),
        "row" => Answer::FetchRows(rest.split(" ; ").map(fetch_row).collect()),
        "data" => Answer::FetchData(octets(rest)),
        "fetched" => Answer::FetchDone { missing: uids(rest) },
        "stored" => Answer::Stored {
            rows: flag_rows(rest, "rows"),
            others: match value(rest, "others") {
                Some(modseqs) => modseqs.split(',').map(|modseq| ModSeq(modseq.parse().unwrap())).collect(),
                None => vec![ModSeq(0); flag_rows(rest, "rows").len()],
            },
            modified: value(rest, "modified").map_or(UidSet::new(), uids),
            missing: value(rest, "missing").map_or(UidSet::new(), uids),
        },
        "copied" => {
            let (from, to) = rest.split_once(' ').unwrap();
            Answer::Copied(Copied { uid_validity: validity(7), from: uids(from), to: uids(to) })
        }
        "found" => Answer::Found {
            uids: uids(rest.split(' ').next().unwrap()),
            highest_modseq: value(rest, "modseq").map(|text| ModSeq(text.parse().unwrap())),
        },
        "progress" => {
            let (done, goal) = rest.split_once(' ').unwrap();
            Answer::Progress { done: done.parse().unwrap(), goal: goal.parse().unwrap() }
        }
        "opened" => {
            let (validity_text, rest) = rest.split_once(' ').unwrap();
            Answer::SearchOpened { uid_validity: validity(validity_text.parse().unwrap()), uids: uids(rest) }
        }
        "sorted" => Answer::Sorted {
            uids: rest.split(' ').next().unwrap().split(',').filter(|text| *text != "none").map(uid).collect(),
            highest_modseq: value(rest, "modseq").map(|text| ModSeq(text.parse().unwrap())),
        },
        "threaded" => Answer::Threaded(rest.split(' ').filter(|word| !word.is_empty()).map(thread_node).collect()),
        "changes" => Answer::Changes(Box::new(Changes {
            added: value(rest, "added").map_or(UidSet::new(), uids),
            changed: flag_rows(rest, "changed"),
            vanished: value(rest, "vanished").map_or(UidSet::new(), uids),
            highest_modseq: ModSeq(number(rest, "modseq")),
            new_keywords: keywords(rest),
            rights: value(rest, "rights").map(rights),
        })),
        "news" => Answer::News(Box::new(news(rest))),
        _ => panic!("no answer {words}"),
    }
}

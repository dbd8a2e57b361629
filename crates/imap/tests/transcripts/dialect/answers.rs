//! Answers, as the scripts write them.

use std::num::NonZeroU32;
use std::str::FromStr;

use bytes::Bytes;
use posthouse_imap::{
    AnnotationRow, Answer, BinarySize, Changes, Copied, FetchRow, FlagRow, MailboxRow, News, QuotaFigure,
    QuotaResource, QuotaRow, Refusal, Resync, SectionData, Selected, StatusRow, Touched,
};
use posthouse_model::sort::ThreadNode;
use posthouse_model::{
    EntryName, Flags, Keyword, MailboxId, MailboxName, MessageId, ModSeq, Rights, SpecialUse, SystemFlag, ThreadId,
    Uid, UidSet, UidValidity, UnixMillis,
};

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

pub fn uids(text: &str) -> UidSet {
    let mut set = UidSet::new();
    for range in text.split(',').filter(|range| !range.is_empty() && *range != "none") {
        let (from, to) = range.split_once(':').unwrap_or((range, range));
        set.insert_range(uid(from), uid(to));
    }
    set
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

fn uid(text: &str) -> Uid {
    Uid::new(text.parse().unwrap()).unwrap()
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

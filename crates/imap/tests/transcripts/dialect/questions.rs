//! Questions, as the scripts write them.

use posthouse_imap::{FetchItems, PreviewNeed, Question, SearchNeed};
use posthouse_model::{Flags, MailboxId, MailboxName, UnixMillis};

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

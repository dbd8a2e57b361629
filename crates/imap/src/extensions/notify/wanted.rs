//! What a client wants to hear of (RFC 5465 §5, §6, §8).

use posthouse_model::MailboxName;

use crate::answer::MailboxRow;
use crate::grammar::cursor::Cursor;
use crate::grammar::fetch::fetch_items;
use crate::grammar::mailbox::{NameEncoding, mailbox};
use crate::grammar::{CommandError, Parsed};
use crate::question::FetchItems;

/// Most event groups of one NOTIFY.
const MAX_GROUPS: usize = 64;
/// Most mailbox names of one NOTIFY.
const MAX_NAMES: usize = 1024;
/// Most events of one group; there are eight by name.
const MAX_EVENTS: usize = 32;
/// The longest name of an event, in octets.
const MAX_EVENT_NAME_BYTES: usize = 64;

/// The events that we know, as `BADEVENT` lists them.
pub(crate) const SUPPORTED_EVENTS: &str =
    "MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange MailboxMetadataChange ServerMetadataChange";

/// All that a client wants to hear of; the default is nothing.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    /// Of the mailbox that is open; `None` for no message events.
    pub(crate) selected: Option<SelectedEvents>,
    /// Of the others.
    groups: Vec<Group>,
}

/// The message events of the open mailbox; MessageNew and MessageExpunge always go together.
#[derive(Debug)]
pub(crate) struct SelectedEvents {
    /// SELECTED-DELAYED: sequence numbers change only where a command allows it.
    pub(crate) delayed: bool,
    /// FlagChange.
    pub(crate) flags: bool,
    /// What is to be told of each new message.
    pub(crate) items: Option<Box<FetchItems>>,
}

/// The events of a mailbox that is not open. None of them: it is to be passed over, whatever other groups say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Events {
    /// MessageNew and MessageExpunge.
    pub(crate) messages: bool,
    /// FlagChange.
    pub(crate) flags: bool,
    /// MailboxName.
    pub(crate) names: bool,
    /// SubscriptionChange.
    pub(crate) subscriptions: bool,
    /// MailboxMetadataChange.
    pub(crate) annotations: bool,
    /// ServerMetadataChange, which goes with no mailbox.
    pub(crate) server_annotations: bool,
}

#[derive(Debug)]
struct Group {
    filter: Filter,
    events: Events,
}

/// Which mailboxes.
#[derive(Debug)]
enum Filter {
    /// All that are seen, as ENABLE METADATA wants it.
    Everything,
    Inboxes,
    Personal,
    Subscribed,
    Subtree(Vec<MailboxName>),
    Mailboxes(Vec<MailboxName>),
}

impl Filter {
    fn fits(&self, row: &MailboxRow) -> bool {
        match self {
            Self::Everything => true,
            // RFC 5465 §6.3: where mail may be delivered, which is INBOX.
            Self::Inboxes => row.name.is_inbox(),
            Self::Personal => !row.name.is_of_others(),
            Self::Subscribed => row.subscribed,
            Self::Subtree(names) => names.iter().any(|name| row.name == *name || row.name.is_below(name)),
            Self::Mailboxes(names) => names.contains(&row.name),
        }
    }
}

impl Wanted {
    /// What ENABLE METADATA asks for: annotations of the server, and of all mailboxes if `mailboxes` (RFC 5464 §4.1).
    pub(crate) fn annotations_only(mailboxes: bool) -> Self {
        let events = Events { annotations: mailboxes, server_annotations: true, ..Events::default() };
        Self { selected: None, groups: vec![Group { filter: Filter::Everything, events }] }
    }

    /// Whether the client wants to hear of annotations of the server.
    pub(crate) fn server_annotations(&self) -> bool {
        self.groups.iter().any(|group| group.events.server_annotations)
    }

    /// What the client wants to hear of this mailbox while it is not open.
    pub(crate) fn events_of(&self, row: &MailboxRow) -> Events {
        let mut all = Events::default();
        for Group { events, .. } in self.groups.iter().filter(|group| group.filter.fits(row)) {
            if *events == Events::default() {
                return Events::default();
            }
            all.messages |= events.messages;
            all.flags |= events.flags;
            all.names |= events.names;
            all.subscriptions |= events.subscriptions;
            all.annotations |= events.annotations;
        }
        all
    }
}

/// What is wrong with a NOTIFY.
#[derive(Debug)]
pub(crate) enum Unusable {
    /// Its text: `BAD`.
    Command(CommandError),
    /// An event that is not known: `NO [BADEVENT (…)]`.
    UnknownEvent,
}

impl From<CommandError> for Unusable {
    fn from(error: CommandError) -> Self {
        Self::Command(error)
    }
}

/// ```text
/// event-groups = event-group *(SP event-group)
/// event-group  = "(" filter-mailboxes SP events ")"
/// ```
pub(crate) fn event_groups(cursor: &mut Cursor<'_>, names: NameEncoding) -> Result<Wanted, Unusable> {
    let mut wanted = Wanted::default();
    let (mut seen_selected, mut names_left, mut unknown_event) = (false, MAX_NAMES, false);
    for count in 0.. {
        if count == MAX_GROUPS {
            return Err(CommandError::TooMany("event groups").into());
        }
        cursor.open()?;
        let filter = filter(cursor, names, &mut names_left)?;
        cursor.space()?;
        let listed = events(cursor)?;
        cursor.close()?;
        unknown_event |= listed.unknown;
        match filter {
            Ok(filter) => wanted.groups.push(Group { filter, events: listed.of_others()? }),
            Err(_) if std::mem::replace(&mut seen_selected, true) => {
                return Err(CommandError::Unknown("SELECTED and SELECTED-DELAYED stand once at most").into());
            }
            Err(selected) => wanted.selected = listed.of_selected(selected.delayed)?,
        }
        if !cursor.take(b' ') {
            break;
        }
    }
    // What cannot be read is worse news than an event that we do not know.
    if unknown_event { Err(Unusable::UnknownEvent) } else { Ok(wanted) }
}

/// `filter-mailboxes-selected = "selected" / "selected-delayed"`
struct SelectedFilter {
    delayed: bool,
}

/// ```text
/// filter-mailboxes-other = "inboxes" / "personal" / "subscribed"
///                        / ( "subtree" SP one-or-more-mailbox ) / ( "mailboxes" SP one-or-more-mailbox )
/// ```
fn filter(
    cursor: &mut Cursor<'_>,
    names: NameEncoding,
    names_left: &mut usize,
) -> Parsed<Result<Filter, SelectedFilter>> {
    let word = cursor.take_while(|byte| byte.is_ascii_alphabetic() || byte == b'-').to_ascii_lowercase();
    Ok(match word.as_slice() {
        b"selected" => Err(SelectedFilter { delayed: false }),
        b"selected-delayed" => Err(SelectedFilter { delayed: true }),
        b"inboxes" => Ok(Filter::Inboxes),
        b"personal" => Ok(Filter::Personal),
        b"subscribed" => Ok(Filter::Subscribed),
        b"subtree" => Ok(Filter::Subtree(mailboxes(cursor, names, names_left)?)),
        b"mailboxes" => Ok(Filter::Mailboxes(mailboxes(cursor, names, names_left)?)),
        _ => return Err(CommandError::Expected("which mailboxes")),
    })
}

/// ```text
/// one-or-more-mailbox = mailbox / many-mailboxes
/// many-mailboxes      = "(" mailbox *(SP mailbox) ")"
/// ```
fn mailboxes(cursor: &mut Cursor<'_>, encoding: NameEncoding, names_left: &mut usize) -> Parsed<Vec<MailboxName>> {
    cursor.space()?;
    let many = cursor.take(b'(');
    let mut names = Vec::new();
    loop {
        *names_left = names_left.checked_sub(1).ok_or(CommandError::TooMany("mailbox names"))?;
        match mailbox(cursor, encoding) {
            Ok(name) => names.push(name),
            // RFC 5465 §3.1: a name of no mailbox is passed over, and what cannot be a name is one of none.
            Err(CommandError::BadMailboxName) => {}
            Err(error) => return Err(error),
        }
        if !many {
            return Ok(names);
        }
        if !cursor.take(b' ') {
            cursor.close()?;
            return Ok(names);
        }
    }
}

/// The events of a group as they stand there.
#[derive(Default)]
struct Listed {
    new: bool,
    items: Option<Box<FetchItems>>,
    expunge: bool,
    flags: bool,
    names: bool,
    subscriptions: bool,
    annotations: bool,
    server_annotations: bool,
    unknown: bool,
}

/// `events = ( "(" event *(SP event) ")" ) / "NONE"`
fn events(cursor: &mut Cursor<'_>) -> Parsed<Listed> {
    let mut listed = Listed::default();
    if cursor.take_word("NONE") {
        return Ok(listed);
    }
    cursor.open()?;
    for count in 0.. {
        if count == MAX_EVENTS {
            return Err(CommandError::TooMany("events"));
        }
        let name = cursor.atom()?;
        let is = |event: &str| name.eq_ignore_ascii_case(event);
        if is("MessageNew") {
            listed.new = true;
        } else if is("MessageExpunge") {
            listed.expunge = true;
        } else if is("FlagChange") {
            listed.flags = true;
        } else if is("MailboxName") {
            listed.names = true;
        } else if is("SubscriptionChange") {
            listed.subscriptions = true;
        } else if is("MailboxMetadataChange") {
            listed.annotations = true;
        } else if is("ServerMetadataChange") {
            listed.server_annotations = true;
        } else if name.len() <= MAX_EVENT_NAME_BYTES {
            listed.unknown = true;
        } else {
            return Err(CommandError::Expected("the name of an event"));
        }
        if !cursor.take(b' ') {
            break;
        }
        // The items to be told of a new message stand behind its event.
        if cursor.peek() == Some(b'(') {
            if !is("MessageNew") {
                return Err(CommandError::Expected("an event"));
            }
            listed.items = Some(Box::new(fetch_items(cursor)?.items));
            if !cursor.take(b' ') {
                break;
            }
        }
    }
    cursor.close()?;
    Ok(listed)
}

impl Listed {
    /// RFC 5465 §5: MessageNew and MessageExpunge go together, and FlagChange with both.
    fn messages(&self) -> Parsed<bool> {
        if self.new != self.expunge || (self.flags && !self.new) {
            return Err(CommandError::Unknown("MessageNew and MessageExpunge go together, and FlagChange with both"));
        }
        Ok(self.new)
    }

    fn of_others(self) -> Parsed<Events> {
        if self.items.is_some() {
            // RFC 5465 §8: the list of items is for SELECTED only.
            return Err(CommandError::Unknown("Items of new messages can be had of the selected mailbox only"));
        }
        let messages = self.messages()?;
        let Self { flags, names, subscriptions, annotations, server_annotations, .. } = self;
        Ok(Events { messages, flags, names, subscriptions, annotations, server_annotations })
    }

    fn of_selected(self, delayed: bool) -> Parsed<Option<SelectedEvents>> {
        if self.names || self.subscriptions || self.annotations || self.server_annotations {
            // RFC 5465 §6.1
            return Err(CommandError::Unknown("SELECTED goes with message events only"));
        }
        let messages = self.messages()?;
        Ok(messages.then_some(SelectedEvents { delayed, flags: self.flags, items: self.items }))
    }
}

#[cfg(test)]
mod tests {
    use posthouse_model::MailboxId;

    use super::*;

    fn read(text: &str) -> Result<Wanted, Unusable> {
        let mut cursor = Cursor::new(text.as_bytes());
        let wanted = event_groups(&mut cursor, NameEncoding::Utf7)?;
        cursor.end()?;
        Ok(wanted)
    }

    fn row(name: &str, subscribed: bool) -> MailboxRow {
        let name = MailboxName::parse(name).unwrap();
        MailboxRow { name, id: Some(MailboxId(1)), special_use: None, subscribed, selectable: true }
    }

    #[track_caller]
    fn check(text: &str, name: &str, subscribed: bool, expected: &str) {
        let events = read(text).unwrap().events_of(&row(name, subscribed));
        let all = [
            (events.messages, "messages"),
            (events.flags, "flags"),
            (events.names, "names"),
            (events.subscriptions, "subscriptions"),
            (events.annotations, "annotations"),
        ];
        let found: Vec<&str> = all.into_iter().filter_map(|(wanted, name)| wanted.then_some(name)).collect();
        assert_eq!(found.join(" "), expected, "{text}: {name}");
    }

    #[test]
    fn filters_fit() {
        let messages = "(MessageNew MessageExpunge)";
        for (filter, name, subscribed, fits) in [
            ("inboxes", "INBOX", false, true),
            ("inboxes", "Lists", false, false),
            ("Personal", "Lists", false, true),
            ("SUBSCRIBED", "Lists", false, false),
            ("subscribed", "Lists", true, true),
            ("subtree Lists", "Lists", false, true),
            ("subtree Lists", "Lists/a/b", false, true),
            ("subtree Lists", "Lists2", false, false),
            ("subtree (x Lists)", "Lists/a", false, true),
            ("mailboxes Lists", "Lists", false, true),
            ("mailboxes Lists", "Lists/a", false, false),
            ("mailboxes (inbox Lists)", "INBOX", false, true),
            ("mailboxes \"%\"", "Lists", false, false),
        ] {
            check(&format!("({filter} {messages})"), name, subscribed, if fits { "messages" } else { "" });
        }
    }

    #[test]
    fn groups_add_up_and_none_takes_away() {
        let both = "(mailboxes INBOX (MessageNew MessageExpunge)) (personal (SubscriptionChange))";
        check(both, "INBOX", false, "messages subscriptions");
        check(both, "Lists", false, "subscriptions");
        let without = "(personal (messagenew messageexpunge flagchange mailboxname)) (mailboxes Junk NONE)";
        check(without, "Lists", false, "messages flags names");
        check(without, "Junk", false, "");
    }

    #[test]
    fn annotations_of_the_server_go_with_no_mailbox() {
        let wanted = read("(mailboxes Lists (mailboxmetadatachange)) (subtree None (ServerMetadataChange))").unwrap();
        assert!(wanted.server_annotations());
        assert!(!read("(personal (MailboxMetadataChange))").unwrap().server_annotations());
        check("(mailboxes Lists (MailboxMetadataChange))", "Lists", false, "annotations");
        check("(personal (ServerMetadataChange))", "Lists", false, "");
    }

    #[test]
    fn the_selected_mailbox_is_apart() {
        let wanted = read("(selected-delayed (MessageNew (uid body.peek[header]) MessageExpunge))").unwrap();
        let selected = wanted.selected.unwrap();
        assert!(selected.delayed && !selected.flags && selected.items.unwrap().uid);
        assert!(read("(selected NONE) (personal (MailboxName))").unwrap().selected.is_none());
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for bad in [
            "",
            "selected",
            "(selected)",
            "(selected ())",
            "(nowhere (MailboxName))",
            "(personal (MessageNew))",
            "(personal (MessageExpunge))",
            "(personal (FlagChange))",
            "(personal (MessageNew (uid) MessageExpunge))",
            "(personal (MailboxName (uid)))",
            "(selected (MailboxName))",
            "(selected (MailboxMetadataChange))",
            "(selected-delayed (ServerMetadataChange))",
            "(selected (MessageNew MessageExpunge)) (selected-delayed (MessageNew MessageExpunge))",
            "(selected NONE) (selected NONE)",
            "(subtree (MailboxName))",
            "(mailboxes () (MailboxName))",
            "(personal (MailboxName)) ",
            "(personal (MailboxName Unheard",
        ] {
            assert!(matches!(read(bad), Err(Unusable::Command(_))), "{bad}");
        }
        let many = vec!["(personal (MailboxName))"; MAX_GROUPS + 1].join(" ");
        assert!(matches!(read(&many), Err(Unusable::Command(CommandError::TooMany(_)))));
        let many = format!("(mailboxes ({}) (MailboxName))", vec!["x"; MAX_NAMES + 1].join(" "));
        assert!(matches!(read(&many), Err(Unusable::Command(CommandError::TooMany(_)))));
        for event in ["AnnotationChange", "X"] {
            assert!(
                matches!(read(&format!("(personal (MailboxName {event}))")), Err(Unusable::UnknownEvent)),
                "{event}"
            );
        }
    }
}

//! Putting messages into another server's mailboxes.

use std::collections::{BTreeSet, HashMap};

use async_trait::async_trait;
use posthouse_model::{Flags, MailboxName};

use super::connection::{ConnectError, Connection, ImapServer, outcome};
use super::mailboxes::{self, Namespaces};
use super::source::{Fetched, name_argument};
use crate::limits::MAX_FOLDER_MESSAGES;
use crate::{Folder, Key, Message, Problem, Stored, Target, TargetError};

/// An account at another server, which takes mail.
///
/// It keeps no record: a message is there if the mailbox has one of the same date, size and header, each of these once.
pub struct ImapTarget {
    connection: Connection,
    namespaces: Namespaces,
    there: BTreeSet<Vec<u8>>,
    open: Option<OpenMailbox>,
}

struct OpenMailbox {
    name: MailboxName,
    raw: String,
    /// By date in seconds and size in octets.
    messages: HashMap<(i64, u64), Vec<u32>>,
    /// Keywords that may be set, in lower case; any, if there is none of these lists.
    keywords: Option<BTreeSet<String>>,
    without_keywords: u64,
}

impl ImapTarget {
    /// Signs in.
    ///
    /// # Errors
    /// When the server cannot be reached, is not who it should be, or does not let us in.
    pub async fn open(server: &ImapServer) -> Result<Self, ConnectError> {
        let mut connection = Connection::open(server).await?;
        let namespaces = mailboxes::namespaces(&mut connection).await?;
        let there = mailboxes::list(&mut connection, &namespaces).await?;
        let there = there.into_iter().filter(|one| one.is_selectable).map(|one| one.raw).collect();
        Ok(Self { connection, namespaces, there, open: None })
    }

    async fn prepare_mailbox(&mut self, folder: &Folder) -> Result<Vec<Problem>, ConnectError> {
        let (raw, is_changed) = self.namespaces.name_for(folder.name.as_str());
        let argument = name_argument(&raw)?;
        if folder.has_messages && !folder.name.is_inbox() && !self.there.contains(&raw) {
            let special_use = folder.special_use.filter(|_| self.connection.has("CREATE-SPECIAL-USE"));
            let made = match special_use {
                Some(one) => self.connection.command(&format!("CREATE {argument} (USE ({}))", one.attribute())).await,
                None => self.connection.command(&format!("CREATE {argument}")).await,
            };
            match made {
                // RFC 6154 §3: it may have one for that already.
                Err(ConnectError::No(_)) if special_use.is_some() => {
                    self.connection.command(&format!("CREATE {argument}")).await?;
                }
                other => drop(other?),
            }
            self.there.insert(raw.clone());
        }
        if folder.is_subscribed {
            self.connection.command(&format!("SUBSCRIBE {argument}")).await?;
        }
        if folder.has_messages {
            self.select(&folder.name, argument).await?;
        }
        let shown = String::from_utf8_lossy(&raw);
        let note = Problem::new(folder.place.clone(), &format!("the mailbox is called {shown} there"));
        Ok(if is_changed { vec![note] } else { Vec::new() })
    }

    /// Opens a mailbox and finds out what is in it.
    async fn select(&mut self, name: &MailboxName, raw: String) -> Result<(), ConnectError> {
        self.open = None;
        let responses = self.connection.command(&format!("SELECT {raw}")).await?;
        let permanent = responses.iter().find_map(|response| response.code("PERMANENTFLAGS"));
        let words = permanent.map(|list| {
            let words = list.split([' ', '(', ')']).filter(|word| !word.is_empty());
            words.map(str::to_ascii_lowercase).collect::<BTreeSet<_>>()
        });
        let keywords = words.filter(|words| !words.contains("\\*"));
        let exists = responses.iter().filter(|response| response.tokens.get(2).is_some_and(|token| token.is("EXISTS")));
        let count = exists.filter_map(|response| response.tokens.get(1)?.number()).next_back().unwrap_or(0);
        let mut messages: HashMap<(i64, u64), Vec<u32>> = HashMap::new();
        if count > 0 {
            let announced = usize::try_from(count).unwrap_or(usize::MAX).min(MAX_FOLDER_MESSAGES);
            let command = "UID FETCH 1:* (UID INTERNALDATE RFC822.SIZE)";
            let tag = self.connection.send_expecting(command, announced).await?;
            let mut seen = 0;
            loop {
                let response = self.connection.response().await?;
                if let Some(outcome) = outcome(&response, &tag) {
                    outcome?;
                    break;
                }
                let Some(Fetched { uid: Some(uid), size_bytes: Some(size), internal_date: Some(date), .. }) =
                    Fetched::read(&response)
                else {
                    continue;
                };
                seen += 1;
                if seen > MAX_FOLDER_MESSAGES {
                    return Err(ConnectError::No(format!("there are more than {MAX_FOLDER_MESSAGES} messages")));
                }
                messages.entry((date.seconds(), size)).or_default().push(uid);
            }
        }
        self.open = Some(OpenMailbox { name: name.clone(), raw, messages, keywords, without_keywords: 0 });
        Ok(())
    }

    /// Whether one of the messages of this date and size is the one that is to come. It then counts for no other.
    async fn is_there(&mut self, message: &Message) -> Result<bool, ConnectError> {
        let place = (message.internal_date.seconds(), message.octets.len() as u64);
        let Some(open) = self.open.as_mut() else { return Ok(false) };
        let Some(uids) = open.messages.get(&place).cloned() else { return Ok(false) };
        for uid in uids {
            let tag = self.connection.send(&format!("UID FETCH {uid} (UID BODY.PEEK[])")).await?;
            let mut is_same = false;
            loop {
                let response = self.connection.response().await?;
                if let Some(outcome) = outcome(&response, &tag) {
                    outcome?;
                    break;
                }
                let fetched = Fetched::read(&response).filter(|fetched| fetched.uid == Some(uid));
                is_same |= fetched.is_some_and(|fetched| fetched.body == Some(Ok(message.octets.to_vec())));
            }
            if is_same && let Some(open) = self.open.as_mut() {
                open.messages.entry(place).or_default().retain(|one| *one != uid);
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn append(&mut self, message: &Message) -> Result<(), ConnectError> {
        let Some(open) = self.open.as_mut() else { return Err(ConnectError::No("no mailbox is open".to_owned())) };
        let (flags, is_short) = written_flags(&message.flags, open.keywords.as_ref());
        open.without_keywords += u64::from(is_short);
        let raw = open.raw.clone();
        let (date, size) = (super::dates::written(message.internal_date), message.octets.len());
        let is_at_once = self.connection.has("LITERAL+");
        let sign = if is_at_once { "+" } else { "" };
        let tag = self.connection.send(&format!("APPEND {raw} ({flags}) \"{date}\" {{{size}{sign}}}")).await?;
        if !is_at_once {
            loop {
                let response = self.connection.response().await?;
                if let Some(outcome) = outcome(&response, &tag) {
                    return outcome;
                }
                if response.begins(&["+"]) {
                    break;
                }
            }
        }
        self.connection.write(&message.octets).await?;
        self.connection.write(b"\r\n").await?;
        loop {
            let response = self.connection.response().await?;
            if let Some(outcome) = outcome(&response, &tag) {
                return outcome;
            }
        }
    }

    async fn store_all(&mut self, messages: &[Message]) -> Result<Vec<Stored>, TargetError> {
        let mut stored = Vec::with_capacity(messages.len());
        for message in messages {
            if message.octets.contains(&0) {
                stored.push(Stored::Refused("it has a NUL octet, which APPEND cannot carry".to_owned()));
                continue;
            }
            if self.is_there(message).await.map_err(target_error)? {
                stored.push(Stored::Known);
                continue;
            }
            match self.append(message).await {
                Ok(()) => stored.push(Stored::New),
                // What was stored before it stays, so this is not for another attempt with fewer messages.
                Err(ConnectError::No(why)) if is_full(&why) => return Err(TargetError::Lost(why)),
                Err(ConnectError::No(why)) => stored.push(Stored::Refused(why)),
                Err(other) => return Err(target_error(other)),
            }
        }
        Ok(stored)
    }
}

/// RFC 5530 §3, and what servers say without it.
fn is_full(why: &str) -> bool {
    let why = why.to_ascii_lowercase();
    why.contains("[overquota]") || why.contains("quota exceeded")
}

/// Flags as a command takes them, and whether keywords are missing that the mailbox does not take.
fn written_flags(flags: &Flags, may_be: Option<&BTreeSet<String>>) -> (String, bool) {
    let takes = |keyword: &str| may_be.is_none_or(|words| words.contains(&keyword.to_ascii_lowercase()));
    let system = flags.system().map(|flag| flag.name().to_owned());
    let keywords = flags.keywords().iter().map(ToString::to_string);
    let taken: Vec<String> = system.chain(keywords.clone().filter(|keyword| takes(keyword))).collect();
    (taken.join(" "), keywords.into_iter().any(|keyword| !takes(&keyword)))
}

fn target_error(error: ConnectError) -> TargetError {
    match error {
        ConnectError::No(why) => TargetError::Folder(why),
        other => TargetError::Lost(other.to_string()),
    }
}

#[async_trait]
impl Target for ImapTarget {
    async fn prepare(&mut self, folder: &Folder) -> Result<Vec<Problem>, TargetError> {
        self.prepare_mailbox(folder).await.map_err(target_error)
    }

    /// Nothing is known by its key.
    async fn known(&mut self, _: &Folder, keys: &[Key]) -> Result<Vec<bool>, TargetError> {
        Ok(vec![false; keys.len()])
    }

    async fn store(&mut self, folder: &Folder, messages: Vec<Message>) -> Result<Vec<Stored>, TargetError> {
        if self.open.as_ref().is_none_or(|open| open.name != folder.name) {
            return Err(TargetError::Folder("it is not open".to_owned()));
        }
        self.store_all(&messages).await
    }

    async fn finish(&mut self, folder: &Folder) -> Result<Vec<Problem>, TargetError> {
        let count = self.open.take().map_or(0, |open| open.without_keywords);
        let note = format!("{count} messages have keywords that the server does not take");
        Ok(if count > 0 { vec![Problem::new(folder.place.clone(), &note)] } else { Vec::new() })
    }
}

#[cfg(test)]
mod tests {
    use posthouse_model::Keyword;

    use super::*;

    #[test]
    fn flags_are_those_that_the_mailbox_takes() {
        let mut flags = Flags::from_bits(1);
        flags.insert_keyword(Keyword::parse("$Junk").unwrap());
        assert_eq!(written_flags(&flags, None), ("\\Seen $Junk".to_owned(), false));
        let some: BTreeSet<String> = ["$junk".to_owned()].into();
        assert_eq!(written_flags(&flags, Some(&some)), ("\\Seen $Junk".to_owned(), false));
        assert_eq!(written_flags(&flags, Some(&BTreeSet::new())), ("\\Seen".to_owned(), true));
        assert!(is_full("[OVERQUOTA] no room") && !is_full("no such mailbox"));
    }
}

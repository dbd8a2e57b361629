//! Reading another server's mailboxes.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use posthouse_model::{Flags, Keyword, SystemFlag};

use super::connection::{ConnectError, Connection, ImapServer, outcome};
use super::mailboxes::{self, Remote};
use super::response::{Garbled, Response, Token};
use crate::limits::{MAX_BATCH_BYTES, MAX_FOLDER_MESSAGES, MAX_MESSAGE_BYTES};
use crate::{Folder, Folders, Item, Key, Message, Problem, Source, SourceError, dates, line_ends, names};

/// How often a connection that broke is made anew before that is given up.
const MAX_RECONNECTS: u32 = 5;
/// The pause before the first of them; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Most octets of the messages that are fetched at once, whatever sizes the server told.
const MAX_HELD_BYTES: u64 = MAX_MESSAGE_BYTES + MAX_BATCH_BYTES;

/// An account at another server.
pub struct ImapSource {
    server: ImapServer,
    /// What tells its messages apart from those of other accounts.
    identity: String,
    connection: Option<Connection>,
    remotes: Vec<Remote>,
    open: Option<OpenMailbox>,
}

#[derive(Clone)]
struct OpenMailbox {
    number: usize,
    uid_validity: u32,
    shown: String,
}

impl ImapSource {
    /// Signs in. Messages are known again by host and login, or by `identity` in their place.
    ///
    /// # Errors
    /// When the server cannot be reached, is not who it should be, or does not let us in.
    pub async fn open(server: ImapServer, identity: Option<&str>) -> Result<Self, ConnectError> {
        let usual = || format!("{}@{}", server.login, server.host.to_ascii_lowercase());
        let identity = identity.map_or_else(usual, str::to_owned);
        let connection = Some(Connection::open(&server).await?);
        Ok(Self { server, identity, connection, remotes: Vec::new(), open: None })
    }

    /// The connection, made anew if it broke, with the mailbox open that was.
    async fn connection(&mut self) -> Result<&mut Connection, ConnectError> {
        if self.connection.is_none() {
            let mut connection = Connection::open(&self.server).await?;
            if let Some(open) = &self.open
                && examine(&mut connection, &self.remotes[open.number].raw).await?.0 != open.uid_validity
            {
                return Err(ConnectError::No("the mailbox is another one now".to_owned()));
            }
            self.connection = Some(connection);
        }
        self.connection.as_mut().ok_or_else(|| ConnectError::No("there is no connection".to_owned()))
    }

    /// Waits before another attempt, or gives up.
    async fn pause(&mut self, attempt: u32, error: ConnectError) -> Result<(), ConnectError> {
        self.connection = None;
        if !error.is_passing() || attempt >= MAX_RECONNECTS {
            return Err(error);
        }
        tracing::debug!(%error, attempt, "the connection broke");
        tokio::time::sleep(FIRST_PAUSE * 2u32.pow(attempt)).await;
        Ok(())
    }

    async fn find_folders(&mut self) -> Result<Folders, ConnectError> {
        let connection = self.connection().await?;
        let namespaces = mailboxes::namespaces(connection).await?;
        let remotes = mailboxes::list(connection, &namespaces).await?;
        let mut found = Folders::default();
        for (number, remote) in remotes.iter().enumerate() {
            if !remote.is_selectable && !remote.is_subscribed {
                continue;
            }
            let named = names::from_levels(&remote.levels);
            let place = String::from_utf8_lossy(&remote.raw).into_owned();
            if named.is_mended {
                found.notes.push(Problem::new(place.clone(), &format!("the mailbox is called {}", named.name)));
            }
            found.folders.push(Folder {
                name: named.name,
                place,
                number,
                special_use: remote.special_use,
                is_subscribed: remote.is_subscribed,
                has_messages: remote.is_selectable,
            });
        }
        self.remotes = remotes;
        Ok(found)
    }

    async fn list(&mut self, folder: &Folder) -> Result<Vec<Item>, ConnectError> {
        self.open = None;
        let raw = self.remotes[folder.number].raw.clone();
        let identity = self.identity.clone();
        let connection = self.connection().await?;
        let (uid_validity, count) = examine(connection, &raw).await?;
        let key_of = |uid: u32| {
            let numbers = [uid_validity.to_le_bytes(), uid.to_le_bytes()].concat();
            Key::of(&[b"imap", identity.as_bytes(), &raw, &numbers])
        };
        let mut items = Vec::new();
        if count > 0 {
            let announced = usize::try_from(count).unwrap_or(usize::MAX).min(MAX_FOLDER_MESSAGES);
            let tag = connection.send_expecting("UID FETCH 1:* (UID RFC822.SIZE)", announced).await?;
            loop {
                let response = connection.response().await?;
                if let Some(outcome) = outcome(&response, &tag) {
                    outcome?;
                    break;
                }
                let Some(fetched) = Fetched::read(&response) else { continue };
                let Some(uid) = fetched.uid else { continue };
                if items.len() >= MAX_FOLDER_MESSAGES {
                    return Err(ConnectError::No(format!("there are more than {MAX_FOLDER_MESSAGES} messages")));
                }
                items.push(Item { key: key_of(uid), number: uid.into(), size_bytes: fetched.size_bytes.unwrap_or(0) });
            }
        }
        items.sort_by_key(|item| item.number);
        items.dedup_by_key(|item| item.number);
        self.open = Some(OpenMailbox { number: folder.number, uid_validity, shown: folder.place.clone() });
        Ok(items)
    }

    async fn fetch(&mut self, items: &[Item]) -> Result<HashMap<u64, Fetched>, ConnectError> {
        let uids: Vec<String> = items.iter().map(|item| item.number.to_string()).collect();
        let command = format!("UID FETCH {} (UID FLAGS INTERNALDATE BODY.PEEK[])", uids.join(","));
        let connection = self.connection().await?;
        let tag = connection.send(&command).await?;
        let (mut found, mut held_bytes) = (HashMap::new(), 0);
        loop {
            let response = connection.response().await?;
            if let Some(outcome) = outcome(&response, &tag) {
                outcome?;
                return Ok(found);
            }
            let Some(fetched) = Fetched::read(&response) else { continue };
            // A server may tell of other messages, too, and of these again.
            match fetched.uid.map(u64::from).filter(|uid| items.iter().any(|item| item.number == *uid)) {
                Some(uid) if fetched.body.is_some() => {
                    held_bytes += fetched.body_bytes();
                    // Sizes as they were told made the batch; they may have been lies.
                    if held_bytes > MAX_HELD_BYTES {
                        return Err(Garbled("many more octets than it said").into());
                    }
                    found.insert(uid, fetched);
                }
                _ => {}
            }
        }
    }
}

/// Opens a mailbox for reading: its UIDVALIDITY and how many messages it has.
async fn examine(connection: &mut Connection, raw: &[u8]) -> Result<(u32, u64), ConnectError> {
    let responses = connection.command(&format!("EXAMINE {}", name_argument(raw)?)).await?;
    let validity = responses.iter().find_map(|response| response.code("UIDVALIDITY")?.parse().ok());
    let exists = responses.iter().filter(|response| response.tokens.get(2).is_some_and(|token| token.is("EXISTS")));
    let count = exists.filter_map(|response| response.tokens.get(1)?.number()).next_back().unwrap_or(0);
    let validity = validity.ok_or_else(|| ConnectError::No("it has no UIDVALIDITY".to_owned()))?;
    Ok((validity, count))
}

/// A mailbox name as a command takes it: what LIST told.
pub(super) fn name_argument(raw: &[u8]) -> Result<String, ConnectError> {
    let text = std::str::from_utf8(raw).ok().filter(|text| !text.chars().any(char::is_control));
    let text = text.ok_or_else(|| ConnectError::No("its name has characters that no command can carry".to_owned()))?;
    Ok(format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")))
}

/// What a server says of a message.
#[derive(Debug, Default)]
pub struct Fetched {
    /// Its number, unless that is not said or cannot be one.
    pub uid: Option<u32>,
    /// Its size, which may be wrong.
    pub size_bytes: Option<u64>,
    /// When it came in.
    pub internal_date: Option<posthouse_model::UnixMillis>,
    /// Its flags, those that can be kept here.
    pub flags: Flags,
    /// Its octets, or how many there are if they are too many.
    pub body: Option<Result<Vec<u8>, u64>>,
}

impl Fetched {
    /// How many octets of the message are in memory.
    fn body_bytes(&self) -> u64 {
        self.body.as_ref().and_then(|body| body.as_ref().ok()).map_or(0, |octets| octets.len() as u64)
    }

    /// Reads `* 1 FETCH (UID 5 FLAGS (\Seen) …)`; `None` for any other response.
    pub fn read(response: &Response) -> Option<Self> {
        let tokens = &response.tokens;
        if !tokens.first()?.is("*") || !tokens.get(2)?.is("FETCH") || *tokens.get(3)? != Token::Open {
            return None;
        }
        let mut found = Self::default();
        let mut rest = tokens.get(4..)?;
        while let Some((name, after)) = rest.split_first() {
            let Token::Atom(name) = name else { break };
            let length = value_length(after);
            let (value, after) = after.split_at(length);
            rest = after;
            let Some(first) = value.first() else { break };
            match name.to_ascii_uppercase().as_slice() {
                b"UID" => found.uid = first.number().and_then(|uid| u32::try_from(uid).ok()).filter(|uid| *uid > 0),
                b"RFC822.SIZE" => found.size_bytes = first.number(),
                b"INTERNALDATE" => found.internal_date = super::dates::read(first.octets().unwrap_or_default()),
                b"FLAGS" => found.flags = read_flags(value),
                b"BODY[]" | b"BODY[HEADER]" => {
                    found.body = match first {
                        Token::Text(octets) => Some(Ok(octets.clone())),
                        Token::TooLarge(size) => Some(Err(*size)),
                        _ => None,
                    };
                }
                _ => {}
            }
        }
        Some(found)
    }
}

/// How many tokens a value has: one, or a list.
fn value_length(tokens: &[Token]) -> usize {
    let mut depth = 0usize;
    for (at, token) in tokens.iter().enumerate() {
        match token {
            Token::Open => depth += 1,
            Token::Close => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    tokens.len()
}

fn read_flags(tokens: &[Token]) -> Flags {
    let mut flags = Flags::none();
    for word in tokens.iter().filter_map(|token| std::str::from_utf8(token.octets()?).ok()) {
        match (SystemFlag::from_name(word), Keyword::parse(word)) {
            (Some(flag), _) => flags.insert(flag),
            (None, Ok(keyword)) => drop(flags.insert_keyword(keyword)),
            (None, Err(_)) => {}
        }
    }
    flags
}

fn folder_error(error: ConnectError) -> SourceError {
    match error {
        ConnectError::No(why) => SourceError::Folder(why),
        other => SourceError::Lost(other.to_string()),
    }
}

#[async_trait]
impl Source for ImapSource {
    async fn folders(&mut self) -> Result<Folders, SourceError> {
        self.find_folders().await.map_err(|error| SourceError::Lost(error.to_string()))
    }

    async fn open(&mut self, folder: &Folder) -> Result<Vec<Item>, SourceError> {
        for attempt in 0.. {
            match self.list(folder).await {
                Ok(items) => return Ok(items),
                Err(error) if matches!(error, ConnectError::No(_)) => return Err(folder_error(error)),
                Err(error) => self.pause(attempt, error).await.map_err(folder_error)?,
            }
        }
        Ok(Vec::new())
    }

    async fn read(&mut self, items: &[Item]) -> Result<Vec<Result<Option<Message>, Problem>>, SourceError> {
        let mut attempt = 0;
        let mut found = loop {
            match self.fetch(items).await {
                Ok(found) => break found,
                Err(error) if matches!(error, ConnectError::No(_)) => return Err(folder_error(error)),
                Err(error) => self.pause(attempt, error).await.map_err(folder_error)?,
            }
            attempt += 1;
        };
        let shown = self.open.as_ref().map(|open| open.shown.clone()).unwrap_or_default();
        let message = |item: &Item| {
            let Some(fetched) = found.remove(&item.number) else { return Ok(None) };
            let place = format!("{shown}: UID {}", item.number);
            match fetched.body {
                None => Ok(None),
                Some(Err(_)) => Err(Problem::new(place, &format!("it has more than {MAX_MESSAGE_BYTES} octets"))),
                Some(Ok(octets)) => {
                    let octets = Bytes::from(line_ends::to_crlf(octets));
                    let internal_date = dates::received([fetched.internal_date], &octets);
                    Ok(Some(Message { key: item.key, place, octets, flags: fetched.flags, internal_date }))
                }
            }
        };
        Ok(items.iter().map(message).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::super::response::Decoder;
    use super::*;

    fn fetched(text: &str) -> Option<Fetched> {
        let mut decoder = Decoder::new(100);
        decoder.feed(text.as_bytes());
        Fetched::read(&decoder.next_response().unwrap().unwrap())
    }

    #[test]
    fn messages_are_read() {
        let found = fetched(
            "* 3 FETCH (FLAGS (\\Seen \\Recent $Junk) X-GM-LABELS (\"a\" (b)) UID 7 RFC822.SIZE 4 \
             INTERNALDATE \"17-Jul-1996 02:44:25 -0700\" BODY[] {4}\r\nA:b\n)\r\n",
        )
        .unwrap();
        assert_eq!((found.uid, found.size_bytes), (Some(7), Some(4)));
        assert_eq!(found.internal_date.unwrap().seconds(), 837_596_665);
        assert!(found.flags.has(SystemFlag::Seen) && found.flags.keywords().len() == 1);
        assert_eq!(found.body, Some(Ok(b"A:b\n".to_vec())));
        assert_eq!(fetched("* 3 FETCH (BODY[] NIL UID 0)\r\n").unwrap().uid, None);
        for odd in
            ["* 3 FETCH (\r\n", "* 3 FETCH (UID\r\n", "* 3 FETCH (UID ((((\r\n", "* 3 FETCH (UID 1 ) ) FLAGS\r\n"]
        {
            let _ = fetched(odd);
        }
        assert!(fetched("* 3 EXISTS\r\n").is_none());
        assert!(fetched("* SEARCH 1 2\r\n").is_none());
    }

    #[test]
    fn names_cannot_carry_commands() {
        assert_eq!(name_argument(b"a \"b\" \\").unwrap(), "\"a \\\"b\\\" \\\\\"");
        assert!(name_argument(b"a\r\nb LOGOUT").is_err());
        assert!(name_argument(b"a\xff").is_err());
    }
}

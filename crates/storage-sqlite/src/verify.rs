//! Checking that what is stored agrees with itself.

use std::collections::BTreeMap;

use posthouse_model::BlobId;
use rusqlite::Connection;

use crate::fault::Fault;
use crate::reader::mail::{LOCATION_COLUMNS, at_one_moment, location_of};
use crate::reader::search_index;
use crate::segment::{Header, Location, SegmentFiles};

/// Octets of a body that are read and hashed at once.
const HASHING_BYTES: u64 = 1024 * 1024;
/// Most problems that are listed; a store with more is damaged enough.
const MAX_PROBLEMS: usize = 1000;

/// What checking a store found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verification {
    /// What is wrong, one line each; at most 1000.
    pub problems: Vec<String>,
    /// Mailboxes looked at.
    pub mailboxes: u64,
    /// Messages in mailboxes looked at.
    pub messages: u64,
    /// Bodies read.
    pub bodies: u64,
    /// Octets of them.
    pub body_bytes: u64,
    /// Octets in segments that nothing refers to, which compaction is to give back.
    pub dead_bytes: u64,
}

/// Questions whose answers, a text for each row, are problems. What they hold against each other is written by
/// different statements, so they find a forgotten one.
const CONTRADICTIONS: &[&str] = &[
    "SELECT 'mailbox ' || box.id || ' counts differ: ' || box.messages || ' messages, ' || box.unseen || ' unseen, '
        || box.deleted || ' deleted, ' || box.size_bytes || ' octets are noted' FROM mailbox AS box
     LEFT JOIN (SELECT mailbox, count(*) AS messages, sum(flags & 1 = 0) AS unseen, sum(flags & 8 <> 0) AS deleted,
        sum(size_bytes) AS octets FROM message GROUP BY mailbox) AS own ON own.mailbox = box.id
     WHERE box.messages <> coalesce(own.messages, 0) OR box.unseen <> coalesce(own.unseen, 0)
        OR box.deleted <> coalesce(own.deleted, 0) OR box.size_bytes <> coalesce(own.octets, 0)",
    "SELECT 'mailbox ' || id || ' gives UID ' || uid_next || ' again' FROM mailbox
     WHERE uid_next <= max(coalesce((SELECT max(uid) FROM message WHERE mailbox = mailbox.id), 0),
        coalesce((SELECT max(last_uid) FROM vanished WHERE vanished.mailbox = mailbox.id), 0))",
    "SELECT 'mailbox ' || id || ' is behind its messages: ' || highest_modseq FROM mailbox
     WHERE highest_modseq < coalesce((SELECT max(modseq) FROM message WHERE mailbox = mailbox.id), 0)
        OR highest_modseq < coalesce((SELECT max(modseq) FROM vanished WHERE vanished.mailbox = mailbox.id), 0)",
    "SELECT 'UIDs of mailbox ' || mailbox || ' are not in the order of arrival' FROM
     (SELECT mailbox, modseq, arrived_modseq,
        lag(arrived_modseq, 1, 0) OVER (PARTITION BY mailbox ORDER BY uid) AS before FROM message)
     WHERE arrived_modseq < before OR arrived_modseq > modseq GROUP BY mailbox",
    "SELECT 'account ' || mailbox.account || ' is behind its mailbox ' || id FROM mailbox
     LEFT JOIN account_modseq ON account_modseq.account = mailbox.account
     WHERE account_modseq.modseq IS NULL OR account_modseq.modseq < highest_modseq",
    "SELECT 'UID ' || uid || ' of mailbox ' || message.mailbox || ' is there and has vanished' FROM vanished
     JOIN message ON message.mailbox = vanished.mailbox AND message.uid BETWEEN first_uid AND last_uid",
    "SELECT 'mailbox ' || mailbox || ' has messages and does not exist' FROM message
     WHERE mailbox NOT IN (SELECT id FROM mailbox UNION SELECT mailbox FROM doomed) GROUP BY mailbox",
    "WITH reference (body) AS (SELECT body FROM message UNION ALL SELECT body FROM queue_message),
        counted (body, refs) AS (SELECT body, count(*) FROM reference GROUP BY body)
     SELECT 'body ' || key || ' has ' || coalesce(counted.refs, 0) || ' references, noted are ' || body.refs FROM body
     LEFT JOIN counted ON counted.body = key WHERE body.refs <> coalesce(counted.refs, 0) OR body.refs <= 0",
    "SELECT 'body ' || body || ' is referred to and not there' FROM
     (SELECT body FROM message UNION SELECT body FROM queue_message) WHERE body NOT IN (SELECT key FROM body)",
    "SELECT 'body ' || key || ' has no structure' FROM body WHERE key NOT IN (SELECT key FROM parsed)",
    "SELECT 'queue message ' || id || ' counts ' || entries || ' entries' FROM queue_message
     WHERE entries <> (SELECT count(*) FROM queue_entry WHERE message = queue_message.id) OR entries <= 0",
    "SELECT 'segment ' || number || ' notes ' || live_bytes || ' live octets' FROM segment
     WHERE live_bytes <> coalesce((SELECT sum(record_bytes) FROM body WHERE body.segment = number), 0)",
    "SELECT 'body ' || key || ' lies outside of segment ' || segment FROM body
     LEFT JOIN segment AS its ON its.number = body.segment
     WHERE its.number IS NULL OR record_offset + record_bytes > its.size_bytes",
    "SELECT 'records of bodies ' || one.key || ' and ' || other.key || ' overlap' FROM
     (SELECT key, segment, record_offset + record_bytes AS ends, lead(record_offset) OVER in_place AS next_begins,
        lead(key) OVER in_place AS next_key FROM body
        WINDOW in_place AS (PARTITION BY segment ORDER BY record_offset)) AS one
     JOIN body AS other ON other.key = one.next_key WHERE one.ends > one.next_begins",
    "SELECT 'reader ' || account || ' of mailbox ' || mailbox || ' counts ' || seen || ' seen' FROM reader
     WHERE seen <> (SELECT count(*) FROM seen_by
        WHERE seen_by.mailbox = reader.mailbox AND seen_by.account = reader.account AND seen_by.seen = 1)
     AND mailbox NOT IN (SELECT mailbox FROM doomed)",
    "SELECT 'reader ' || account || ' knows UID ' || uid || ' of mailbox ' || mailbox FROM seen_by
     WHERE NOT EXISTS (SELECT 1 FROM message WHERE message.mailbox = seen_by.mailbox AND message.uid = seen_by.uid)
        AND mailbox NOT IN (SELECT mailbox FROM doomed)",
    "SELECT 'mailbox ' || mailbox || ' is shared with nobody that is there' FROM access
     WHERE (kind = 1 AND subject NOT IN (SELECT id FROM account))
        OR (kind = 2 AND subject NOT IN (SELECT id FROM user_group))",
    "SELECT 'account ' || id || ' notes the wrong usage' FROM account
     LEFT JOIN account_quota AS own ON own.account = account.id
     LEFT JOIN (SELECT account, sum(size_bytes) AS octets, sum(messages) AS messages FROM mailbox GROUP BY account)
        AS boxes ON boxes.account = account.id
     WHERE own.account IS NULL OR own.size_bytes <> coalesce(boxes.octets, 0)
        OR own.messages <> coalesce(boxes.messages, 0)",
    "SELECT 'domain ' || name || ' notes the wrong usage' FROM domain
     LEFT JOIN domain_quota AS whole ON whole.domain = domain.id
     LEFT JOIN (SELECT domain, sum(size_bytes) AS octets, sum(messages) AS messages FROM account_quota
        JOIN account ON account.id = account_quota.account GROUP BY domain) AS own ON own.domain = domain.id
     WHERE whole.domain IS NULL OR whole.size_bytes <> coalesce(own.octets, 0)
        OR whole.messages <> coalesce(own.messages, 0)",
    "SELECT 'annotation ' || name || ' is on mailbox ' || mailbox || ' that does not exist' FROM annotation
     WHERE mailbox <> 0 AND mailbox NOT IN (SELECT id FROM mailbox)",
    "SELECT 'annotations of account ' || charged || ' have ' || sum(octets) || ' octets too many or too few noted' FROM
     (SELECT charged, octets FROM annotation_usage
        UNION ALL SELECT charged, -length(name) - length(value) FROM annotation)
     GROUP BY charged HAVING sum(octets) <> 0",
    "SELECT 'block ' || id || ' of the search index belongs to no segment' FROM search_block
     WHERE id >> 24 NOT IN (SELECT id FROM search_segment)",
    "SELECT 'account ' || id || ' and an alias share an address' FROM account
     WHERE folded IN (SELECT folded FROM alias)",
    "SELECT 'foreign key of ' || \"table\" || ' row ' || coalesce(rowid, '?') FROM pragma_foreign_key_check",
    "SELECT integrity_check FROM pragma_integrity_check WHERE integrity_check <> 'ok'",
];

/// Checks everything, as of one moment.
pub(crate) fn verify(connection: &Connection, files: &SegmentFiles) -> Result<Verification, Fault> {
    at_one_moment(connection, || {
        let mut found = Verification::default();
        for question in CONTRADICTIONS {
            let mut statement = connection.prepare(question)?;
            let mut rows = statement.query(())?;
            while let Some(row) = rows.next()? {
                found.problem(row.get(0)?);
            }
        }
        found.mailboxes = count(connection, "SELECT count(*) FROM mailbox")?;
        found.messages = count(connection, "SELECT count(*) FROM message")?;
        found.dead_bytes = count(connection, "SELECT coalesce(sum(size_bytes - live_bytes), 0) FROM segment")?;
        check_files(connection, files, &mut found)?;
        check_bodies(connection, files, &mut found)?;
        search_index::check(connection)?.into_iter().for_each(|text| found.problem(text));
        Ok(found)
    })
}

impl Verification {
    fn problem(&mut self, text: String) {
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(text);
        }
    }
}

fn count(connection: &Connection, sql: &str) -> Result<u64, Fault> {
    Ok(connection.query_row(sql, (), |row| row.get::<_, i64>(0))? as u64)
}

fn check_files(connection: &Connection, files: &SegmentFiles, found: &mut Verification) -> Result<(), Fault> {
    let mut statement = connection.prepare("SELECT number, size_bytes FROM segment")?;
    let known: BTreeMap<u32, i64> =
        statement.query_map((), |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
    for (number, committed_bytes) in known {
        match files.len(number) {
            Ok(bytes) if bytes < committed_bytes as u64 => {
                found.problem(format!("segment {number} has {bytes} octets of {committed_bytes}"));
            }
            Ok(_) => {}
            Err(error) => found.problem(format!("segment {number} cannot be opened: {error}")),
        }
    }
    Ok(())
}

fn check_bodies(connection: &Connection, files: &SegmentFiles, found: &mut Verification) -> Result<(), Fault> {
    let sql = format!("SELECT {LOCATION_COLUMNS}, id FROM body ORDER BY segment, record_offset");
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query(())?;
    while let Some(row) = rows.next()? {
        let location = location_of(row)?;
        let (key, id): (i64, [u8; 32]) = (row.get("key")?, row.get("id")?);
        found.bodies += 1;
        found.body_bytes += location.size_bytes;
        if let Err(what) = check_body(files, &location, BlobId(id)) {
            found.problem(format!("body {key} {what}"));
        }
    }
    Ok(())
}

fn check_body(files: &SegmentFiles, location: &Location, id: BlobId) -> Result<(), String> {
    let unreadable = |error| format!("cannot be read: {error}");
    let mut header = [0; crate::segment::HEADER_BYTES as usize];
    files.read_raw(location.segment, location.record_offset, &mut header).map_err(unreadable)?;
    let header = Header::decode(&header).ok_or("has a broken header")?;
    let is_sealed = location.seal.is_some();
    let is_of_it = header.id == id && header.body_bytes == location.size_bytes && header.is_sealed == is_sealed;
    if !is_of_it || header.record_bytes() != location.record_bytes {
        return Err("has the header of another".to_owned());
    }
    let mut hasher = blake3::Hasher::new();
    let mut at = 0;
    while at < location.size_bytes {
        let end = location.size_bytes.min(at + HASHING_BYTES);
        hasher.update(&files.read(location, at..end).map_err(unreadable)?);
        at = end;
    }
    if files.keys().load().content_id(BlobId(*hasher.finalize().as_bytes()), is_sealed) != id.0 {
        return Err("is not what was written".to_owned());
    }
    Ok(())
}

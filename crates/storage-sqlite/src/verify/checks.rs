//! What has to hold, one entry for each thing.
//!
//! What a query holds against each other is written by different statements, so that it finds a forgotten one.

use super::{Examination, segments};
use crate::encryption;
use crate::fault::Fault;
use crate::reader::search_index;

/// Something that has to hold.
pub(crate) struct Check {
    /// What it is about, for the report of a repair.
    pub(crate) about: &'static str,
    /// How a contradiction is found.
    pub(crate) find: Find,
    /// How it is mended.
    pub(crate) mend: Mend,
}

/// How a contradiction is found.
pub(crate) enum Find {
    /// Each row of the answer, one text, is a problem.
    Query(&'static str),
    /// Goes through something, at the moment at which the queries are asked too, and notes problems.
    Walk(fn(&mut Examination<'_>) -> Result<(), Fault>),
}

/// How a contradiction is mended, from what is not in doubt.
pub(crate) enum Mend {
    /// It cannot be: nothing else says what was there.
    Never,
    /// By these statements, which leave alone what is right.
    Statements(&'static [&'static str]),
}

fn check_secrets(examination: &mut Examination<'_>) -> Result<(), Fault> {
    let problems = encryption::check_secrets(examination.connection, &examination.files.keys().load())?;
    problems.into_iter().for_each(|text| examination.problem(text));
    Ok(())
}

fn check_search_index(examination: &mut Examination<'_>) -> Result<(), Fault> {
    let problems = search_index::check(examination.connection, examination.files.keys())?;
    problems.into_iter().for_each(|text| examination.problem(text));
    Ok(())
}

/// Rows that refer to bodies.
macro_rules! references {
    () => {
        "SELECT body FROM message UNION ALL SELECT body FROM queue_message UNION ALL SELECT body FROM expunged"
    };
}

/// Everything that has to hold, in an order in which it can be mended: what counts comes after what is counted.
pub(crate) const CHECKS: &[Check] = &[
    Check {
        about: "damage of the database itself",
        find: Find::Query("SELECT integrity_check FROM pragma_integrity_check WHERE integrity_check <> 'ok'"),
        // An index of SQLite's can be made anew from its table.
        mend: Mend::Statements(&["REINDEX"]),
    },
    Check {
        about: "rows that refer to nothing",
        find: Find::Query(
            "SELECT 'foreign key of ' || \"table\" || ' row ' || coalesce(rowid, '?') FROM pragma_foreign_key_check",
        ),
        mend: Mend::Statements(&[
            "DELETE FROM credential WHERE account NOT IN (SELECT id FROM account)",
            "DELETE FROM account_key WHERE account NOT IN (SELECT id FROM account)",
            "DELETE FROM barred_password WHERE account NOT IN (SELECT id FROM account)",
            "DELETE FROM subscription WHERE account NOT IN (SELECT id FROM account)",
            "DELETE FROM sort_key WHERE body NOT IN (SELECT key FROM body)",
            "DELETE FROM access WHERE mailbox NOT IN (SELECT id FROM mailbox)",
            "DELETE FROM group_member WHERE account NOT IN (SELECT id FROM account)",
            "DELETE FROM shared_area WHERE account NOT IN (SELECT id FROM account)",
            "DELETE FROM account_modseq WHERE account NOT IN (SELECT id FROM account)",
            "DELETE FROM parsed WHERE key NOT IN (SELECT key FROM body)",
            "DELETE FROM queue_entry WHERE message NOT IN (SELECT id FROM queue_message)",
        ]),
    },
    Check {
        about: "addresses",
        find: Find::Query(
            "SELECT 'account ' || id || ' and an alias share an address' FROM account
             WHERE folded IN (SELECT folded FROM alias)",
        ),
        mend: Mend::Never,
    },
    Check {
        about: "numbers that were given",
        find: Find::Query(
            "SELECT 'number ' || next_message || ' of a message is given again' FROM counter
             WHERE next_message <= max(coalesce((SELECT max(message) FROM message), 0),
                coalesce((SELECT max(message) FROM expunged), 0))
             UNION ALL SELECT 'number ' || next_mailbox || ' of a mailbox is given again' FROM counter
             WHERE next_mailbox <= max(coalesce((SELECT max(id) FROM mailbox), 0),
                coalesce((SELECT max(id) FROM former_mailbox), 0))
             UNION ALL SELECT 'number ' || next_account || ' of an account is given again' FROM counter
             WHERE next_account <= max(coalesce((SELECT max(id) FROM account), 0),
                coalesce((SELECT max(id) FROM former_account), 0))
             UNION ALL SELECT 'number ' || next_domain || ' of a domain is given again' FROM counter
             WHERE next_domain <= coalesce((SELECT max(id) FROM domain), 0)
             UNION ALL SELECT 'number ' || next_queue || ' of the queue is given again' FROM counter
             WHERE next_queue <= max(coalesce((SELECT max(id) FROM queue_message), 0),
                coalesce((SELECT max(id) FROM queue_entry), 0))
             UNION ALL SELECT 'number ' || next_segment || ' of a segment is given again' FROM counter
             WHERE next_segment <= coalesce((SELECT max(number) FROM segment), 0)
             UNION ALL SELECT 'UIDVALIDITY ' || last_uid_validity || ' is not the last one' FROM counter
             WHERE last_uid_validity < coalesce((SELECT max(uid_validity) FROM mailbox), 0)",
        ),
        mend: Mend::Statements(&["UPDATE counter SET
                next_message = max(next_message, 1 + coalesce((SELECT max(message) FROM message), 0),
                    1 + coalesce((SELECT max(message) FROM expunged), 0)),
                next_mailbox = max(next_mailbox, 1 + coalesce((SELECT max(id) FROM mailbox), 0),
                    1 + coalesce((SELECT max(id) FROM former_mailbox), 0)),
                next_account = max(next_account, 1 + coalesce((SELECT max(id) FROM account), 0),
                    1 + coalesce((SELECT max(id) FROM former_account), 0)),
                next_domain = max(next_domain, 1 + coalesce((SELECT max(id) FROM domain), 0)),
                next_queue = max(next_queue, 1 + coalesce((SELECT max(id) FROM queue_message), 0),
                    1 + coalesce((SELECT max(id) FROM queue_entry), 0)),
                next_segment = max(next_segment, 1 + coalesce((SELECT max(number) FROM segment), 0)),
                last_uid_validity = max(last_uid_validity, coalesce((SELECT max(uid_validity) FROM mailbox), 0))"]),
    },
    Check {
        about: "messages of mailboxes that do not exist",
        find: Find::Query(
            "SELECT 'mailbox ' || mailbox || ' has ' || count(*) || ' messages and does not exist' FROM message
             WHERE mailbox NOT IN (SELECT id FROM mailbox UNION SELECT mailbox FROM doomed) GROUP BY mailbox",
        ),
        // Of a mailbox that was removed it is known whose it was: its messages go where all of such a mailbox do.
        mend: Mend::Statements(&["INSERT INTO doomed (mailbox) SELECT DISTINCT mailbox FROM message
             WHERE mailbox IN (SELECT id FROM former_mailbox) AND mailbox NOT IN (SELECT id FROM mailbox)
             AND mailbox NOT IN (SELECT mailbox FROM doomed)"]),
    },
    Check {
        about: "mailboxes that are both there and removed",
        find: Find::Query(
            "SELECT 'mailbox ' || id || ' is there and has been removed' FROM mailbox
             WHERE id IN (SELECT mailbox FROM doomed UNION ALL SELECT id FROM former_mailbox)",
        ),
        mend: Mend::Statements(&[
            "DELETE FROM doomed WHERE mailbox IN (SELECT id FROM mailbox)",
            "DELETE FROM former_mailbox WHERE id IN (SELECT id FROM mailbox)",
        ]),
    },
    Check {
        about: "messages that are there and have vanished",
        find: Find::Query(
            "SELECT 'UID ' || uid || ' of mailbox ' || message.mailbox || ' is there and has vanished' FROM vanished
             JOIN message ON message.mailbox = vanished.mailbox AND message.uid BETWEEN first_uid AND last_uid",
        ),
        // The range is cut into the gaps between the messages that are there.
        mend: Mend::Statements(&[
            "CREATE TEMP TABLE gap AS
             WITH hit AS (SELECT DISTINCT vanished.* FROM vanished JOIN message
                    ON message.mailbox = vanished.mailbox AND message.uid BETWEEN first_uid AND last_uid),
                edge (mailbox, modseq, first_uid, last_uid, uid) AS (
                    SELECT mailbox, modseq, first_uid, last_uid, first_uid - 1 FROM hit
                    UNION SELECT hit.mailbox, hit.modseq, first_uid, last_uid, uid FROM hit JOIN message
                        ON message.mailbox = hit.mailbox AND message.uid BETWEEN first_uid AND last_uid
                    UNION SELECT mailbox, modseq, first_uid, last_uid, last_uid + 1 FROM hit)
             SELECT mailbox, modseq, first_uid AS old_first, uid + 1 AS first_uid,
                lead(uid) OVER (PARTITION BY mailbox, modseq, first_uid ORDER BY uid) - 1 AS last_uid FROM edge",
            "DELETE FROM vanished WHERE (mailbox, modseq, first_uid) IN (SELECT mailbox, modseq, old_first FROM gap)",
            "INSERT INTO vanished (mailbox, modseq, first_uid, last_uid)
             SELECT mailbox, modseq, first_uid, last_uid FROM gap WHERE first_uid <= last_uid",
            "DROP TABLE gap",
        ]),
    },
    Check {
        about: "counters of mailboxes",
        find: Find::Query(
            "SELECT 'mailbox ' || box.id || ' counts differ: ' || box.messages || ' messages, ' || box.unseen
                || ' unseen, ' || box.deleted || ' deleted, ' || box.size_bytes || ' octets are noted'
             FROM mailbox AS box LEFT JOIN (SELECT mailbox, count(*) AS messages, sum(flags & 1 = 0) AS unseen,
                sum(flags & 8 <> 0) AS deleted, sum(size_bytes) AS octets FROM message GROUP BY mailbox) AS own
                ON own.mailbox = box.id
             WHERE box.messages <> coalesce(own.messages, 0) OR box.unseen <> coalesce(own.unseen, 0)
                OR box.deleted <> coalesce(own.deleted, 0) OR box.size_bytes <> coalesce(own.octets, 0)",
        ),
        mend: Mend::Statements(&["UPDATE mailbox SET (messages, unseen, deleted, size_bytes) =
             (SELECT count(*), coalesce(sum(flags & 1 = 0), 0), coalesce(sum(flags & 8 <> 0), 0),
                coalesce(sum(size_bytes), 0) FROM message WHERE message.mailbox = mailbox.id)"]),
    },
    Check {
        about: "next UIDs of mailboxes",
        find: Find::Query(
            "SELECT 'mailbox ' || id || ' gives UID ' || uid_next || ' again' FROM mailbox
             WHERE uid_next <= max(coalesce((SELECT max(uid) FROM message WHERE mailbox = mailbox.id), 0),
                coalesce((SELECT max(last_uid) FROM vanished WHERE vanished.mailbox = mailbox.id), 0))",
        ),
        mend: Mend::Statements(&["UPDATE mailbox SET uid_next = max(uid_next,
                1 + coalesce((SELECT max(uid) FROM message WHERE mailbox = mailbox.id), 0),
                1 + coalesce((SELECT max(last_uid) FROM vanished WHERE vanished.mailbox = mailbox.id), 0))"]),
    },
    Check {
        about: "highest modification sequences of mailboxes",
        find: Find::Query(
            "SELECT 'mailbox ' || id || ' is behind its messages: ' || highest_modseq FROM mailbox
             WHERE highest_modseq < coalesce((SELECT max(modseq) FROM message WHERE mailbox = mailbox.id), 0)
                OR highest_modseq < coalesce((SELECT max(modseq) FROM vanished WHERE vanished.mailbox = mailbox.id), 0)",
        ),
        mend: Mend::Statements(&["UPDATE mailbox SET highest_modseq = max(highest_modseq,
                coalesce((SELECT max(modseq) FROM message WHERE mailbox = mailbox.id), 0),
                coalesce((SELECT max(modseq) FROM vanished WHERE vanished.mailbox = mailbox.id), 0))"]),
    },
    Check {
        about: "the order of arrival",
        find: Find::Query(
            "SELECT 'UIDs of mailbox ' || mailbox || ' are not in the order of arrival' FROM
             (SELECT mailbox, modseq, arrived_modseq,
                lag(arrived_modseq, 1, 0) OVER (PARTITION BY mailbox ORDER BY uid) AS before FROM message)
             WHERE arrived_modseq < before OR arrived_modseq > modseq GROUP BY mailbox",
        ),
        // As if all of it had come before and changed since: what is asked after a modification sequence is complete.
        mend: Mend::Statements(&["UPDATE message SET arrived_modseq = 0 WHERE mailbox IN (SELECT mailbox FROM
             (SELECT mailbox, modseq, arrived_modseq,
                lag(arrived_modseq, 1, 0) OVER (PARTITION BY mailbox ORDER BY uid) AS before FROM message)
             WHERE arrived_modseq < before OR arrived_modseq > modseq)"]),
    },
    Check {
        about: "modification sequences of accounts",
        find: Find::Query(
            "SELECT 'account ' || mailbox.account || ' is behind its mailbox ' || id FROM mailbox
             LEFT JOIN account_modseq ON account_modseq.account = mailbox.account
             WHERE account_modseq.modseq IS NULL OR account_modseq.modseq < highest_modseq",
        ),
        mend: Mend::Statements(&["INSERT INTO account_modseq (account, modseq)
             SELECT account, max(highest_modseq) FROM mailbox WHERE account IN (SELECT id FROM account)
             GROUP BY account ON CONFLICT (account) DO UPDATE SET modseq = max(modseq, excluded.modseq)"]),
    },
    Check {
        about: "entries of the queue",
        find: Find::Query(
            "SELECT 'queue message ' || id || ' counts ' || entries || ' entries' FROM queue_message
             WHERE entries <> (SELECT count(*) FROM queue_entry WHERE message = queue_message.id) OR entries <= 0",
        ),
        mend: Mend::Statements(&[
            "DELETE FROM queue_message WHERE id NOT IN (SELECT message FROM queue_entry)",
            "UPDATE queue_message SET entries = (SELECT count(*) FROM queue_entry WHERE message = queue_message.id)",
        ]),
    },
    Check {
        about: "counts of the queue",
        find: Find::Query(
            "SELECT 'counts of the queue differ for kind ' || kind || ' ' || name FROM
             (SELECT kind, name, entries, held FROM queue_tally UNION ALL
                SELECT 0, '', -count(*), -coalesce(sum(held), 0) FROM queue_entry UNION ALL
                SELECT 1, destination, -count(*), -sum(held) FROM queue_entry GROUP BY destination UNION ALL
                SELECT 2, cause, -count(*), -sum(held) FROM queue_entry WHERE cause IS NOT NULL GROUP BY cause)
             GROUP BY kind, name HAVING sum(entries) <> 0 OR sum(held) <> 0",
        ),
        mend: Mend::Statements(&[
            "DELETE FROM queue_tally",
            "INSERT INTO queue_tally
             SELECT 0, '', count(*), coalesce(sum(held), 0) FROM queue_entry UNION ALL
             SELECT 1, destination, count(*), sum(held) FROM queue_entry GROUP BY destination UNION ALL
             SELECT 2, cause, count(*), sum(held) FROM queue_entry WHERE cause IS NOT NULL GROUP BY cause",
        ]),
    },
    Check {
        about: "messages whose duplicates are suppressed",
        find: Find::Query(
            "SELECT 'account ' || account || ' counts ' || sum(entries) || ' remembered messages' FROM
             (SELECT account, entries FROM remembered_count UNION ALL
                SELECT account, -count(*) FROM remembered GROUP BY account) GROUP BY account HAVING sum(entries) <> 0",
        ),
        mend: Mend::Statements(&[
            "DELETE FROM remembered_count",
            "INSERT INTO remembered_count (account, entries) SELECT account, count(*) FROM remembered GROUP BY account",
        ]),
    },
    Check {
        about: "what others have seen of messages that are not there",
        find: Find::Query(
            "SELECT 'reader ' || account || ' knows UID ' || uid || ' of mailbox ' || mailbox FROM seen_by
             WHERE NOT EXISTS (SELECT 1 FROM message WHERE message.mailbox = seen_by.mailbox
                AND message.uid = seen_by.uid) AND mailbox NOT IN (SELECT mailbox FROM doomed)",
        ),
        mend: Mend::Statements(&["DELETE FROM seen_by WHERE NOT EXISTS (SELECT 1 FROM message
                WHERE message.mailbox = seen_by.mailbox AND message.uid = seen_by.uid)
             AND mailbox NOT IN (SELECT mailbox FROM doomed)"]),
    },
    Check {
        about: "what others have seen",
        find: Find::Query(
            "SELECT 'reader ' || account || ' of mailbox ' || mailbox || ' counts ' || seen || ' seen' FROM reader
             WHERE seen <> (SELECT count(*) FROM seen_by WHERE seen_by.mailbox = reader.mailbox
                AND seen_by.account = reader.account AND seen_by.seen = 1)
             AND mailbox NOT IN (SELECT mailbox FROM doomed)",
        ),
        mend: Mend::Statements(&["UPDATE reader SET seen = (SELECT count(*) FROM seen_by
                WHERE seen_by.mailbox = reader.mailbox AND seen_by.account = reader.account AND seen_by.seen = 1)"]),
    },
    Check {
        about: "access lists",
        find: Find::Query(
            "SELECT 'mailbox ' || mailbox || ' is shared with nobody that is there' FROM access
             WHERE (kind = 1 AND subject NOT IN (SELECT id FROM account))
                OR (kind = 2 AND subject NOT IN (SELECT id FROM user_group))",
        ),
        mend: Mend::Statements(&["DELETE FROM access WHERE (kind = 1 AND subject NOT IN (SELECT id FROM account))
                OR (kind = 2 AND subject NOT IN (SELECT id FROM user_group))"]),
    },
    Check {
        about: "how much mail accounts have",
        find: Find::Query(
            "SELECT 'account ' || id || ' notes the wrong usage' FROM account
             LEFT JOIN account_quota AS own ON own.account = account.id
             LEFT JOIN (SELECT account, sum(size_bytes) AS octets, sum(messages) AS messages FROM mailbox
                GROUP BY account) AS boxes ON boxes.account = account.id
             WHERE own.account IS NULL OR own.size_bytes <> coalesce(boxes.octets, 0)
                OR own.messages <> coalesce(boxes.messages, 0)",
        ),
        mend: Mend::Statements(&[
            "INSERT OR IGNORE INTO account_quota (account, size_bytes, messages) SELECT id, 0, 0 FROM account",
            "UPDATE account_quota SET
                size_bytes = (SELECT coalesce(sum(size_bytes), 0) FROM mailbox WHERE mailbox.account = account_quota.account),
                messages = (SELECT coalesce(sum(messages), 0) FROM mailbox WHERE mailbox.account = account_quota.account)",
        ]),
    },
    Check {
        about: "how much mail domains have",
        find: Find::Query(
            "SELECT 'domain ' || name || ' notes the wrong usage' FROM domain
             LEFT JOIN domain_quota AS whole ON whole.domain = domain.id
             LEFT JOIN (SELECT domain, sum(size_bytes) AS octets, sum(messages) AS messages FROM account_quota
                JOIN account ON account.id = account_quota.account GROUP BY domain) AS own ON own.domain = domain.id
             WHERE whole.domain IS NULL OR whole.size_bytes <> coalesce(own.octets, 0)
                OR whole.messages <> coalesce(own.messages, 0)",
        ),
        mend: Mend::Statements(&[
            "INSERT OR IGNORE INTO domain_quota (domain, size_bytes, messages) SELECT id, 0, 0 FROM domain",
            "UPDATE domain_quota SET
                size_bytes = (SELECT coalesce(sum(size_bytes), 0) FROM account_quota
                    JOIN account ON account.id = account_quota.account WHERE account.domain = domain_quota.domain),
                messages = (SELECT coalesce(sum(messages), 0) FROM account_quota
                    JOIN account ON account.id = account_quota.account WHERE account.domain = domain_quota.domain)",
        ]),
    },
    Check {
        about: "annotations of mailboxes that do not exist",
        find: Find::Query(
            "SELECT 'annotation ' || name || ' is on mailbox ' || mailbox || ' that does not exist' FROM annotation
             WHERE mailbox <> 0 AND mailbox NOT IN (SELECT id FROM mailbox)",
        ),
        mend: Mend::Statements(&["DELETE FROM annotation
             WHERE mailbox <> 0 AND mailbox NOT IN (SELECT id FROM mailbox)"]),
    },
    Check {
        about: "octets of annotations",
        find: Find::Query(
            "SELECT 'annotations of account ' || charged || ' have ' || sum(octets)
                || ' octets too many or too few noted' FROM (SELECT charged, octets FROM annotation_usage
                UNION ALL SELECT charged, -length(name) - length(value) FROM annotation)
             GROUP BY charged HAVING sum(octets) <> 0",
        ),
        mend: Mend::Statements(&[
            "DELETE FROM annotation_usage",
            "INSERT INTO annotation_usage (charged, octets)
             SELECT charged, sum(length(name) + length(value)) FROM annotation GROUP BY charged",
        ]),
    },
    Check {
        about: "blocks of the search index",
        find: Find::Query(
            "SELECT 'block ' || id || ' of the search index belongs to no segment' FROM search_block
             WHERE id >> 24 NOT IN (SELECT id FROM search_segment)",
        ),
        mend: Mend::Statements(&["DELETE FROM search_block WHERE id >> 24 NOT IN (SELECT id FROM search_segment)"]),
    },
    // It is made anew by `posthouse reindex`.
    Check { about: "secrets", find: Find::Walk(check_secrets), mend: Mend::Never },
    Check { about: "the search index", find: Find::Walk(check_search_index), mend: Mend::Never },
    Check {
        about: "bodies that are not there",
        find: Find::Walk(super::lost::missing_bodies),
        mend: Mend::Never,
    },
    Check {
        about: "references to bodies",
        find: Find::Query(concat!(
            "WITH reference (body) AS (",
            references!(),
            "), counted (body, refs) AS (SELECT body, count(*) FROM reference GROUP BY body)
             SELECT 'body ' || key || ' has ' || coalesce(counted.refs, 0) || ' references, noted are ' || body.refs
             FROM body LEFT JOIN counted ON counted.body = key
             WHERE body.refs <> coalesce(counted.refs, 0) OR body.refs <= 0"
        )),
        mend: Mend::Statements(&[
            concat!(
                "CREATE TEMP TABLE counted AS SELECT body, count(*) AS refs FROM (",
                references!(),
                ") GROUP BY body"
            ),
            "CREATE INDEX temp.counted_body ON counted (body)",
            "UPDATE body SET refs = coalesce((SELECT refs FROM counted WHERE body = body.key), 0)
             WHERE refs <> coalesce((SELECT refs FROM counted WHERE counted.body = body.key), 0)",
            "DROP TABLE counted",
            "DELETE FROM body WHERE refs = 0",
        ]),
    },
    Check {
        about: "places of bodies",
        find: Find::Query(
            "SELECT 'body ' || key || ' lies outside of segment ' || segment FROM body
             LEFT JOIN segment AS its ON its.number = body.segment
             WHERE its.number IS NULL OR record_offset + record_bytes > its.size_bytes",
        ),
        mend: Mend::Never,
    },
    Check {
        about: "bodies that overlap",
        find: Find::Query(
            "SELECT 'records of bodies ' || one.key || ' and ' || next_key || ' overlap' FROM
             (SELECT key, segment, record_offset + record_bytes AS ends, lead(record_offset) OVER in_place AS next_begins,
                lead(key) OVER in_place AS next_key FROM body
                WINDOW in_place AS (PARTITION BY segment ORDER BY record_offset)) AS one
             WHERE one.ends > one.next_begins",
        ),
        mend: Mend::Never,
    },
    Check {
        about: "octets of segments that are in use",
        find: Find::Query(
            "SELECT 'segment ' || number || ' notes ' || live_bytes || ' live octets' FROM segment LEFT JOIN
             (SELECT segment, sum(record_bytes) AS octets FROM body GROUP BY segment) AS own ON own.segment = number
             WHERE live_bytes <> coalesce(own.octets, 0)",
        ),
        mend: Mend::Statements(&[
            "CREATE TEMP TABLE live AS SELECT segment, sum(record_bytes) AS octets FROM body GROUP BY segment",
            "UPDATE segment SET live_bytes = coalesce((SELECT octets FROM live WHERE segment = segment.number), 0)",
            "DROP TABLE live",
        ]),
    },
    Check { about: "files of segments", find: Find::Walk(segments::check_files), mend: Mend::Never },
];

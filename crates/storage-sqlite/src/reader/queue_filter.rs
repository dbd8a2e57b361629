//! Which entries of the queue match.
//!
//! Each condition has an index that gives what matches it in the order of entries' numbers, so a page costs what is on
//! it. The most telling condition leads; the others are held against what it finds.

use posthouse_model::{Domain, QueueId};
use posthouse_storage::QueueFilter;
use posthouse_storage::queue_fairness::lane_of_folded;
use rusqlite::{Connection, ToSql, params_from_iter};

use crate::convert;
use crate::fault::Fault;

/// Of senders of one domain, this many entries are put in order; where there are more, the queue is gone through, since
/// what is wanted is not rare there.
const SORTED_ENTRIES: i64 = 10_000;

/// Where the search begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lead {
    Journey,
    Submitter,
    Sender,
    SenderDomain,
    Cause,
    Destination,
    Held,
    /// The entries themselves.
    Number,
}

impl Lead {
    fn of(filter: &QueueFilter) -> Self {
        match filter {
            QueueFilter { id: Some(_), .. } => Self::Number,
            QueueFilter { journey: Some(_), .. } => Self::Journey,
            QueueFilter { submitter: Some(_), .. } => Self::Submitter,
            QueueFilter { sender: Some(_), .. } => Self::Sender,
            QueueFilter { destination: Some(_), .. } => Self::Destination,
            QueueFilter { cause: Some(_), .. } => Self::Cause,
            QueueFilter { sender_domain: Some(_), .. } => Self::SenderDomain,
            QueueFilter { held: Some(true), .. } => Self::Held,
            _ => Self::Number,
        }
    }

    fn source(self) -> &'static str {
        match self {
            Self::Journey => {
                "queue_message AS message INDEXED BY queue_message_journey
                 CROSS JOIN queue_entry AS entry INDEXED BY queue_entry_message ON entry.message = message.id"
            }
            Self::Sender | Self::SenderDomain => "queue_entry AS entry INDEXED BY queue_entry_lane",
            Self::Submitter => "queue_entry AS entry INDEXED BY queue_entry_submitter",
            Self::Cause => "queue_entry AS entry INDEXED BY queue_entry_cause",
            Self::Destination => "queue_entry AS entry INDEXED BY queue_entry_destination",
            Self::Held => "queue_entry AS entry INDEXED BY queue_entry_held",
            Self::Number => "queue_entry AS entry NOT INDEXED",
        }
    }
}

/// A query and its values.
struct Search {
    sql: String,
    values: Vec<Box<dyn ToSql>>,
}

/// Numbers of entries that match, rising, after `after`, at most `limit`.
pub(crate) fn matching(
    connection: &Connection,
    filter: &QueueFilter,
    after: Option<QueueId>,
    limit: usize,
) -> Result<Vec<i64>, Fault> {
    let mut lead = Lead::of(filter);
    if let (Lead::SenderDomain, Some(domain)) = (lead, &filter.sender_domain)
        && has_more_than(connection, domain, SORTED_ENTRIES)?
    {
        lead = Lead::Number;
    }
    let Search { sql, values } = search(filter, lead, after, limit);
    let mut statement = connection.prepare_cached(&sql)?;
    let ids = statement.query_map(params_from_iter(values), |row| row.get(0))?;
    Ok(ids.collect::<Result<_, _>>()?)
}

fn search(filter: &QueueFilter, lead: Lead, after: Option<QueueId>, limit: usize) -> Search {
    let mut conditions = vec!["entry.id > ?"];
    let mut values: Vec<Box<dyn ToSql>> = vec![Box::new(after.map_or(-1, |id| id.0 as i64))];
    let mut add = |condition, value: Box<dyn ToSql>| {
        conditions.push(condition);
        values.push(value);
    };
    if let Some(id) = filter.id {
        add("entry.id = ?", Box::new(id.0 as i64));
    }
    if let Some(journey) = filter.journey {
        let condition = match lead {
            Lead::Journey => "message.journey = ?",
            _ => "(SELECT journey FROM queue_message WHERE id = entry.message) = ?",
        };
        add(condition, Box::new(convert::journey_column(journey)));
    }
    if let Some(destination) = &filter.destination {
        add("entry.destination = ?", Box::new(destination.as_str().to_owned()));
    }
    if let Some(sender) = &filter.sender {
        // Nothing is called by the empty lane and asked for by address.
        add("entry.lane = nullif(?, '')", Box::new(lane_of_folded(sender).unwrap_or_default()));
    }
    if let Some(submitter) = filter.submitter {
        add("entry.submitter = ?", Box::new(submitter.0 as i64));
    }
    if let Some(domain) = &filter.sender_domain {
        let (from, to) = lanes(domain);
        add("entry.lane >= ?", Box::new(from));
        add("entry.lane < ?", Box::new(to));
    }
    if let Some(cause) = &filter.cause {
        add("entry.cause = ?", Box::new(cause.clone()));
    }
    match filter.held {
        Some(true) => conditions.push("entry.held = 1"),
        Some(false) => conditions.push("entry.held = 0"),
        None => {}
    }
    values.push(Box::new(i64::try_from(limit).unwrap_or(i64::MAX)));
    let sql =
        format!("SELECT entry.id FROM {} WHERE {} ORDER BY entry.id LIMIT ?", lead.source(), conditions.join(" AND "));
    Search { sql, values }
}

/// The lanes of a domain: from the first to before the second. They have a space after the domain.
fn lanes(domain: &Domain) -> (String, String) {
    (format!("{domain} "), format!("{domain}!"))
}

fn has_more_than(connection: &Connection, domain: &Domain, entries: i64) -> Result<bool, Fault> {
    let (from, to) = lanes(domain);
    let sql = "SELECT count(*) FROM (SELECT 1 FROM queue_entry INDEXED BY queue_entry_lane
               WHERE lane >= ?1 AND lane < ?2 LIMIT ?3 + 1)";
    let found: i64 = connection.prepare_cached(sql)?.query_row((from, to, entries), |row| row.get(0))?;
    Ok(found > entries)
}

#[cfg(test)]
mod tests {
    use posthouse_model::{AccountId, JourneyId};

    use super::*;

    fn plan(filter: &QueueFilter, lead: Lead) -> String {
        let directory = tempfile::tempdir().unwrap();
        let connection = crate::schema::open_writer(&directory.path().join("index.db")).unwrap();
        let Search { sql, values } = search(filter, lead, Some(QueueId(1)), 10);
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let lines = statement.query_map(params_from_iter(values), |row| row.get::<_, String>(3)).unwrap();
        lines.map(Result::unwrap).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn every_condition_is_found_by_an_index_and_nothing_is_sorted() {
        let none = QueueFilter::default;
        let domain = || Some(Domain::parse("x.example").unwrap());
        let filters = [
            (none(), "rowid>?"),
            (QueueFilter { id: Some(QueueId(3)), ..none() }, "rowid=?"),
            (QueueFilter { sender: Some("a@x.example".to_owned()), ..none() }, "queue_entry_lane (lane=? AND rowid>?)"),
            (
                QueueFilter { submitter: Some(AccountId(3)), ..none() },
                "queue_entry_submitter (submitter=? AND rowid>?)",
            ),
            (QueueFilter { destination: domain(), ..none() }, "queue_entry_destination (destination=? AND rowid>?)"),
            (QueueFilter { cause: Some("dns".to_owned()), ..none() }, "queue_entry_cause (cause=? AND rowid>?)"),
            (QueueFilter { held: Some(true), ..none() }, "queue_entry_held (held=? AND rowid>?)"),
            (
                QueueFilter { held: Some(false), sender_domain: domain(), destination: domain(), ..none() },
                "destination=?",
            ),
        ];
        for (filter, expected) in filters {
            let plan = plan(&filter, Lead::of(&filter));
            assert!(plan.contains(expected), "{filter:?}: {plan}");
            assert!(!plan.contains("SCAN") && !plan.contains("TEMP B-TREE"), "{filter:?}: {plan}");
        }
    }

    /// The entries of one message, and those of a domain's senders while they are few, are put in order.
    #[test]
    fn only_what_is_bounded_is_sorted() {
        let journey = QueueFilter { journey: Some(JourneyId(1)), ..QueueFilter::default() };
        let domain = QueueFilter { sender_domain: Some(Domain::parse("x.example").unwrap()), ..QueueFilter::default() };
        for (filter, index) in
            [(journey, "queue_message_journey"), (domain.clone(), "queue_entry_lane (lane>? AND lane<?)")]
        {
            let plan = plan(&filter, Lead::of(&filter));
            assert!(plan.contains(index) && !plan.contains("SCAN"), "{filter:?}: {plan}");
        }
        let plan = plan(&domain, Lead::Number);
        assert!(plan.contains("rowid>?") && !plan.contains("TEMP B-TREE"), "{plan}");
    }
}

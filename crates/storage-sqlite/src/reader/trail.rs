//! Questions about the trail.

use posthouse_model::{JourneyId, TrailEvent, UnixMillis};
use posthouse_storage::JourneySummary;
use rusqlite::{Connection, params};

use crate::convert;
use crate::fault::Fault;
use crate::trail_codec;

pub(crate) fn events(connection: &Connection, journey: JourneyId) -> Result<Vec<TrailEvent>, Fault> {
    let mut statement = connection.prepare_cached("SELECT events FROM trail WHERE journey = ?1 ORDER BY id")?;
    let mut rows = statement.query(params![convert::journey_column(journey)])?;
    let mut events = Vec::new();
    while let Some(row) = rows.next()? {
        let encoded = row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?;
        events.extend(trail_codec::decode(journey, encoded)?);
    }
    Ok(events)
}

pub(crate) fn journeys(connection: &Connection, key: &str, limit: usize) -> Result<Vec<JourneySummary>, Fault> {
    let sql = "SELECT journey, began_at FROM trail_address WHERE address = ?1
               ORDER BY began_at DESC, journey DESC LIMIT ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let summaries = statement.query_map(params![key, limit], |row| {
        Ok(JourneySummary { journey: convert::journey(row.get(0)?), began_at: UnixMillis(row.get(1)?) })
    })?;
    Ok(summaries.collect::<Result<_, _>>()?)
}

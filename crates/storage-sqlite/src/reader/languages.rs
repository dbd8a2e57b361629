//! Questions about languages.

use posthouse_model::{AccountId, Domain, Language};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::fault::Fault;

/// An account's own language, and that of its domain.
type Both = (Option<Language>, Option<Language>);

pub(crate) fn account(connection: &Connection, id: AccountId) -> Result<Option<Both>, Fault> {
    let sql = "SELECT account.language, domain.language FROM account JOIN domain ON domain.id = account.domain
               WHERE account.id = ?1";
    let both = |row: &Row<'_>| Ok((language(row, 0)?, language(row, 1)?));
    Ok(connection.prepare_cached(sql)?.query_row(params![id.0 as i64], both).optional()?)
}

pub(crate) fn domain(connection: &Connection, name: &Domain) -> Result<Option<Option<Language>>, Fault> {
    let sql = "SELECT language FROM domain WHERE name = ?1";
    Ok(connection.prepare_cached(sql)?.query_row(params![name.as_str()], |row| language(row, 0)).optional()?)
}

/// A language that a later version knows, and this one does not, is none.
fn language(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Language>> {
    Ok(row.get::<_, Option<String>>(column)?.and_then(|tag| Language::parse(&tag)))
}

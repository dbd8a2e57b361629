//! Questions about groups.

use posthouse_model::{AccountId, Address, GroupId, GroupName, UnixMillis};
use posthouse_storage::GroupRecord;
use rusqlite::{Connection, Row, params};

use crate::convert;
use crate::fault::{Fault, damaged};

fn group_record(row: &Row<'_>) -> Result<GroupRecord, Fault> {
    let name: String = row.get(1)?;
    Ok(GroupRecord {
        id: GroupId(row.get::<_, i64>(0)? as u64),
        name: GroupName::parse(&name).map_err(|_| damaged("group name", &name))?,
        created_at: UnixMillis(row.get(2)?),
    })
}

pub(crate) fn group(connection: &Connection, name: &GroupName) -> Result<Option<GroupRecord>, Fault> {
    let mut statement = connection.prepare_cached("SELECT id, name, created_at FROM user_group WHERE name = ?1")?;
    let mut rows = statement.query_and_then(params![name.as_str()], group_record)?;
    rows.next().transpose()
}

pub(crate) fn group_by_id(connection: &Connection, id: GroupId) -> Result<Option<GroupRecord>, Fault> {
    let mut statement = connection.prepare_cached("SELECT id, name, created_at FROM user_group WHERE id = ?1")?;
    let mut rows = statement.query_and_then(params![id.0 as i64], group_record)?;
    rows.next().transpose()
}

pub(crate) fn groups(connection: &Connection) -> Result<Vec<GroupRecord>, Fault> {
    let mut statement = connection.prepare_cached("SELECT id, name, created_at FROM user_group ORDER BY name")?;
    statement.query_and_then((), group_record)?.collect()
}

pub(crate) fn members(connection: &Connection, group: GroupId) -> Result<Vec<Address>, Fault> {
    let sql = "SELECT address FROM group_member JOIN account ON account.id = account WHERE grp = ?1 ORDER BY folded";
    let mut statement = connection.prepare_cached(sql)?;
    let addresses = statement.query_and_then(params![group.0 as i64], |row| {
        convert::address(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?)
    })?;
    addresses.collect()
}

pub(crate) fn member_ids(connection: &Connection, group: GroupId) -> Result<Vec<AccountId>, Fault> {
    let mut statement = connection.prepare_cached("SELECT account FROM group_member WHERE grp = ?1")?;
    let ids = statement.query_map(params![group.0 as i64], |row| Ok(AccountId(row.get::<_, i64>(0)? as u64)))?;
    Ok(ids.collect::<Result<_, _>>()?)
}

pub(crate) fn groups_of(connection: &Connection, account: AccountId) -> Result<Vec<GroupId>, Fault> {
    let mut statement = connection.prepare_cached("SELECT grp FROM group_member WHERE account = ?1 ORDER BY grp")?;
    let groups = statement.query_map(params![account.0 as i64], |row| Ok(GroupId(row.get::<_, i64>(0)? as u64)))?;
    Ok(groups.collect::<Result<_, _>>()?)
}

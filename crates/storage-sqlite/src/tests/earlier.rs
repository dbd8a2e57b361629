//! Data of earlier releases.

use std::fs;
use std::path::Path;

use rusqlite::Connection;

/// The schema of the first release.
const FIRST_SCHEMA: &str = include_str!("../../migrations/0001_mail_directory_queue_trail.sql");

/// Makes of a closed store what the first release would have made of the same mail: everything that its schema has
/// a place for stays.
pub(super) fn rewind(directory: &Path) {
    let (index, newer) = (directory.join("index.db"), directory.join("newer.db"));
    fs::rename(&index, &newer).unwrap();
    for beside in ["index.db-wal", "index.db-shm"] {
        let _ = fs::remove_file(directory.join(beside));
    }
    let connection = Connection::open(&index).unwrap();
    connection.pragma_update(None, "journal_mode", "wal").unwrap();
    connection.pragma_update(None, "foreign_keys", false).unwrap();
    connection.execute_batch(FIRST_SCHEMA).unwrap();
    connection.pragma_update(None, "user_version", 1).unwrap();
    connection.execute("ATTACH ?1 AS newer", [newer.to_str().unwrap()]).unwrap();
    for table in names(&connection, "SELECT name FROM main.sqlite_schema WHERE type = 'table'") {
        let columns = names(&connection, &format!("SELECT name FROM pragma_table_info('{table}', 'main')")).join(", ");
        let copy = format!(
            "DELETE FROM main.{table}; INSERT INTO main.{table} ({columns}) SELECT {columns} FROM newer.{table};"
        );
        connection.execute_batch(&copy).unwrap();
    }
    connection.execute("DETACH newer", ()).unwrap();
    connection.close().unwrap();
    fs::remove_file(newer).unwrap();
}

fn names(connection: &Connection, sql: &str) -> Vec<String> {
    let mut statement = connection.prepare(sql).unwrap();
    let names = statement.query_map((), |row| row.get(0)).unwrap();
    names.collect::<Result<_, _>>().unwrap()
}

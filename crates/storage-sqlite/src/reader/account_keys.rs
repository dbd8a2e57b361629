//! Questions about keys of accounts.

use posthouse_model::{AccountId, KeyId, Secret, UnixMillis};
use posthouse_storage::{AccountKey, AccountKeyRing, KeyProof, KeyService, KeyServices, KeyUse};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::encryption::{ACCOUNT_KEY, KeyRing, Keys, SecretRow, read_until_opened};
use crate::fault::{Fault, damaged};
use crate::reader::mail::at_one_moment;

/// What the row of a key is called where it is sealed.
pub(crate) fn row_name(account: AccountId, label: &str) -> String {
    format!("{account}/{label}")
}

pub(crate) fn key_ring(connection: &Connection, keys: &Keys, account: AccountId) -> Result<AccountKeyRing, Fault> {
    read_until_opened(|| at_one_moment(connection, || key_ring_now(connection, keys, account)))
}

/// What an account has; `None` when the data key of a row is not there.
fn key_ring_now(connection: &Connection, keys: &Keys, account: AccountId) -> Result<Option<AccountKeyRing>, Fault> {
    let sql = "SELECT 1 FROM barred_password WHERE account = ?1";
    let password_barred = connection.prepare_cached(sql)?.exists(params![account.0 as i64])?;
    let sql = "SELECT id, account, label, services, created_at, expires_at, last_used_at, last_service, digest,
               scram_sha_256, scram_sha_1, cram_md5, sealed_by FROM account_key WHERE account = ?1 ORDER BY label";
    let mut statement = connection.prepare_cached(sql)?;
    let ring = keys.load();
    let keys = statement.query_and_then(params![account.0 as i64], |row| key(&ring, row))?;
    let keys: Option<Vec<_>> = keys.collect::<Result<_, Fault>>()?;
    Ok(keys.map(|keys| AccountKeyRing { password_barred, keys }))
}

fn key(ring: &KeyRing, row: &Row<'_>) -> Result<Option<AccountKey>, Fault> {
    let account = AccountId(row.get::<_, i64>("account")? as u64);
    let label: String = row.get("label")?;
    let name = row_name(account, &label);
    let Some(mut secrets) = SecretRow::of(ring, &ACCOUNT_KEY, &name, row.get("sealed_by")?) else { return Ok(None) };
    let mut secret = |column: &str| secrets.secret(column, row.get_ref(column)?);
    let required = |found: Option<Secret>| found.ok_or_else(|| damaged("a credential", &name));
    let proof = KeyProof {
        digest: required(secret("digest")?)?,
        scram_sha_256: required(secret("scram_sha_256")?)?,
        scram_sha_1: required(secret("scram_sha_1")?)?,
        cram_md5: secret("cram_md5")?,
    };
    let services: u8 = row.get("services")?;
    Ok(Some(AccountKey {
        id: KeyId(row.get::<_, i64>("id")? as u64),
        account,
        label,
        services: KeyServices::from_bits(services).ok_or_else(|| damaged("what a credential is for", services))?,
        created_at: UnixMillis(row.get("created_at")?),
        expires_at: row.get::<_, Option<i64>>("expires_at")?.map(UnixMillis),
        last_use: last_use(row)?,
        proof,
    }))
}

pub(crate) fn owner(connection: &Connection, key: KeyId) -> Result<Option<(AccountId, String)>, Fault> {
    let sql = "SELECT account, label FROM account_key WHERE id = ?1";
    let owner = |row: &Row<'_>| Ok((AccountId(row.get::<_, i64>(0)? as u64), row.get(1)?));
    Ok(connection.prepare_cached(sql)?.query_row(params![key.0 as i64], owner).optional()?)
}

fn last_use(row: &Row<'_>) -> Result<Option<KeyUse>, Fault> {
    let (at, code): (Option<i64>, Option<u8>) = (row.get("last_used_at")?, row.get("last_service")?);
    let Some((at, code)) = at.zip(code) else { return Ok(None) };
    let service = KeyService::from_code(code).ok_or_else(|| damaged("what a credential was used for", code))?;
    Ok(Some(KeyUse { at: UnixMillis(at), service }))
}

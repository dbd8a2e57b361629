//! Between the house's types and columns.

use posthouse_model::{
    AccountId, Address, BodyType, Domain, DomainId, DsnNotify, DsnReturn, Flags, JourneyId, Keyword, MailboxId,
    MailboxName, MessageId, ModSeq, Secret, SpecialUse, TlsWish, Uid, UidValidity, UnixMillis,
};
use posthouse_storage::{
    AccountRecord, AccountStatus, AliasRecord, BodyKey, Credential, DomainRecord, MailboxRecord, MessageRecord,
};
use rusqlite::Row;

use crate::fault::{Fault, damaged};

/// The columns of [`mailbox_record`].
pub(crate) const MAILBOX_COLUMNS: &str = "id, account, name, special_use, uid_validity, uid_next, highest_modseq, \
                                          messages, unseen, deleted, size_bytes";
/// The columns of [`message_record`].
pub(crate) const MESSAGE_COLUMNS: &str =
    "uid, modseq, flags, keywords, size_bytes, internal_date, saved_at, message, body";
/// The columns of [`account_record`].
pub(crate) const ACCOUNT_COLUMNS: &str = "id, address, display_name, status, administrator, mail_access, created_at";
/// The columns of [`domain_record`].
pub(crate) const DOMAIN_COLUMNS: &str = "id, name, catch_all, separator, created_at, sends_only";
/// The columns of [`alias_record`].
pub(crate) const ALIAS_COLUMNS: &str = "address, targets, created_at";

/// What separates keywords, which are atoms, in their column.
const KEYWORD_SEPARATOR: char = ' ';
/// What separates an alias's targets in their column.
const TARGET_SEPARATOR: &str = "\n";

pub(crate) fn address(text: &str) -> Result<Address, Fault> {
    Address::parse(text).map_err(|_| damaged("address", text).into())
}

pub(crate) fn domain(text: &str) -> Result<Domain, Fault> {
    Domain::parse(text).map_err(|_| damaged("domain", text).into())
}

pub(crate) fn mailbox_name(text: &str) -> Result<MailboxName, Fault> {
    MailboxName::parse(text).map_err(|_| damaged("mailbox name", text).into())
}

pub(crate) fn uid(value: i64) -> Result<Uid, Fault> {
    u32::try_from(value).ok().and_then(Uid::new).ok_or_else(|| damaged("UID", value).into())
}

pub(crate) fn uid_validity(value: i64) -> Result<UidValidity, Fault> {
    let number = u32::try_from(value).ok().and_then(std::num::NonZeroU32::new);
    Ok(UidValidity(number.ok_or_else(|| damaged("UIDVALIDITY", value))?))
}

/// Journey ids use all 64 bits; the column is signed.
pub(crate) fn journey_column(journey: JourneyId) -> i64 {
    journey.0 as i64
}

pub(crate) fn journey(column: i64) -> JourneyId {
    JourneyId(column as u64)
}

pub(crate) fn keywords_column(flags: &Flags) -> Option<String> {
    let (first, rest) = flags.keywords().split_first()?;
    let mut text = first.as_str().to_owned();
    for keyword in rest {
        text.push(KEYWORD_SEPARATOR);
        text.push_str(keyword.as_str());
    }
    Some(text)
}

pub(crate) fn flags(bits: u8, keywords: Option<&str>) -> Result<Flags, Fault> {
    let mut flags = Flags::from_bits(bits);
    for text in keywords.into_iter().flat_map(|text| text.split(KEYWORD_SEPARATOR)) {
        flags.insert_keyword(Keyword::parse(text).map_err(|_| damaged("keyword", text))?);
    }
    Ok(flags)
}

pub(crate) fn special_use_column(special_use: Option<SpecialUse>) -> Option<&'static str> {
    special_use.map(SpecialUse::attribute)
}

pub(crate) fn special_use(column: Option<&str>) -> Result<Option<SpecialUse>, Fault> {
    column.map(|text| SpecialUse::from_attribute(text).ok_or_else(|| damaged("special use", text).into())).transpose()
}

pub(crate) fn mailbox_record(row: &Row<'_>) -> Result<MailboxRecord, Fault> {
    Ok(MailboxRecord {
        id: MailboxId(row.get::<_, i64>(0)? as u64),
        account: AccountId(row.get::<_, i64>(1)? as u64),
        name: mailbox_name(row.get_ref(2)?.as_str().map_err(rusqlite::Error::from)?)?,
        special_use: special_use(row.get_ref(3)?.as_str_or_null().map_err(rusqlite::Error::from)?)?,
        uid_validity: uid_validity(row.get(4)?)?,
        uid_next: uid(row.get(5)?)?,
        highest_modseq: ModSeq(row.get::<_, i64>(6)? as u64),
        messages: row.get(7)?,
        unseen: row.get(8)?,
        deleted: row.get(9)?,
        size_bytes: row.get::<_, i64>(10)? as u64,
    })
}

pub(crate) fn message_record(row: &Row<'_>) -> Result<MessageRecord, Fault> {
    Ok(MessageRecord {
        uid: uid(row.get(0)?)?,
        modseq: ModSeq(row.get::<_, i64>(1)? as u64),
        flags: flags(row.get(2)?, row.get_ref(3)?.as_str_or_null().map_err(rusqlite::Error::from)?)?,
        size_bytes: row.get::<_, i64>(4)? as u64,
        internal_date: UnixMillis(row.get(5)?),
        saved_at: UnixMillis(row.get(6)?),
        message: MessageId(row.get::<_, i64>(7)? as u64),
        body: BodyKey(row.get::<_, i64>(8)? as u64),
    })
}

pub(crate) fn domain_record(row: &Row<'_>) -> Result<DomainRecord, Fault> {
    Ok(DomainRecord {
        id: DomainId(row.get::<_, i64>(0)? as u64),
        name: domain(&row.get::<_, String>(1)?)?,
        catch_all: row.get::<_, Option<String>>(2)?.as_deref().map(address).transpose()?,
        subaddress_separator: row.get::<_, Option<String>>(3)?.and_then(|text| text.chars().next()),
        created_at: UnixMillis(row.get(4)?),
        sends_only: row.get(5)?,
    })
}

pub(crate) fn account_record(row: &Row<'_>) -> Result<AccountRecord, Fault> {
    Ok(AccountRecord {
        id: AccountId(row.get::<_, i64>(0)? as u64),
        address: address(&row.get::<_, String>(1)?)?,
        display_name: row.get(2)?,
        status: status(row.get(3)?)?,
        administrator: row.get(4)?,
        mail_access_for_administrator: row.get(5)?,
        created_at: UnixMillis(row.get(6)?),
    })
}

pub(crate) fn status_column(status: AccountStatus) -> i64 {
    match status {
        AccountStatus::Active => 0,
        AccountStatus::LoginDisabled => 1,
        AccountStatus::Suspended => 2,
        AccountStatus::SendOnly => 3,
    }
}

fn status(column: i64) -> Result<AccountStatus, Fault> {
    match column {
        0 => Ok(AccountStatus::Active),
        1 => Ok(AccountStatus::LoginDisabled),
        2 => Ok(AccountStatus::Suspended),
        3 => Ok(AccountStatus::SendOnly),
        other => Err(damaged("account status", other).into()),
    }
}

pub(crate) fn targets_column(targets: &[Address]) -> String {
    targets.iter().map(Address::to_string).collect::<Vec<_>>().join(TARGET_SEPARATOR)
}

pub(crate) fn alias_record(row: &Row<'_>) -> Result<AliasRecord, Fault> {
    let targets: String = row.get(1)?;
    Ok(AliasRecord {
        address: address(&row.get::<_, String>(0)?)?,
        targets: targets.split(TARGET_SEPARATOR).filter(|t| !t.is_empty()).map(address).collect::<Result<_, _>>()?,
        created_at: UnixMillis(row.get(2)?),
    })
}

pub(crate) fn credential(row: &Row<'_>) -> rusqlite::Result<Credential> {
    let secret = |bytes: Vec<u8>| Secret::new(bytes);
    Ok(Credential {
        argon2: secret(row.get(0)?),
        scram_sha_256: secret(row.get(1)?),
        scram_sha_1: secret(row.get(2)?),
        cram_md5: row.get::<_, Option<Vec<u8>>>(3)?.map(secret),
        changed_at: UnixMillis(row.get(4)?),
    })
}

pub(crate) fn body_type_column(body_type: BodyType) -> i64 {
    match body_type {
        BodyType::SevenBit => 0,
        BodyType::EightBitMime => 1,
        BodyType::BinaryMime => 2,
    }
}

pub(crate) fn body_type(column: i64) -> Result<BodyType, Fault> {
    match column {
        0 => Ok(BodyType::SevenBit),
        1 => Ok(BodyType::EightBitMime),
        2 => Ok(BodyType::BinaryMime),
        other => Err(damaged("body type", other).into()),
    }
}

pub(crate) fn tls_wish_column(wish: TlsWish) -> i64 {
    match wish {
        TlsWish::None => 0,
        TlsWish::Required => 1,
        TlsWish::Optional => 2,
    }
}

pub(crate) fn tls_wish(column: i64) -> Result<TlsWish, Fault> {
    match column {
        0 => Ok(TlsWish::None),
        1 => Ok(TlsWish::Required),
        2 => Ok(TlsWish::Optional),
        other => Err(damaged("wish for TLS", other).into()),
    }
}

pub(crate) fn dsn_return_column(dsn_return: Option<DsnReturn>) -> Option<i64> {
    dsn_return.map(|wanted| match wanted {
        DsnReturn::Full => 0,
        DsnReturn::Headers => 1,
    })
}

pub(crate) fn dsn_return(column: Option<i64>) -> Result<Option<DsnReturn>, Fault> {
    match column {
        None => Ok(None),
        Some(0) => Ok(Some(DsnReturn::Full)),
        Some(1) => Ok(Some(DsnReturn::Headers)),
        Some(other) => Err(damaged("RET", other).into()),
    }
}

const NOTIFY_SUCCESS: i64 = 1;
const NOTIFY_FAILURE: i64 = 2;
const NOTIFY_DELAY: i64 = 4;

pub(crate) fn notify_column(notify: Option<DsnNotify>) -> Option<i64> {
    let bit = |wanted: bool, bit: i64| if wanted { bit } else { 0 };
    notify.map(|notify| {
        bit(notify.success, NOTIFY_SUCCESS) | bit(notify.failure, NOTIFY_FAILURE) | bit(notify.delay, NOTIFY_DELAY)
    })
}

pub(crate) fn notify(column: Option<i64>) -> Option<DsnNotify> {
    column.map(|bits| DsnNotify {
        success: bits & NOTIFY_SUCCESS != 0,
        failure: bits & NOTIFY_FAILURE != 0,
        delay: bits & NOTIFY_DELAY != 0,
    })
}

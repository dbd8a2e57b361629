-- What was expunged and can still be put back. Each row is a reference to its body, as one of message is. mailbox and uid
-- never come back, so they name it.
CREATE TABLE expunged (
    expunged_at     INTEGER NOT NULL,
    mailbox         INTEGER NOT NULL,
    uid             INTEGER NOT NULL,
    account         INTEGER NOT NULL,
    flags           INTEGER NOT NULL,
    keywords        TEXT,
    size_bytes      INTEGER NOT NULL,
    internal_date   INTEGER NOT NULL,
    saved_at        INTEGER NOT NULL,
    message         INTEGER NOT NULL,
    body            INTEGER NOT NULL,
    PRIMARY KEY (expunged_at, mailbox, uid)
) WITHOUT ROWID;
CREATE INDEX expunged_account ON expunged (account);

-- Mailboxes that are gone, for as long as something expunged may go back to them. While one is doomed, what it still has
-- becomes expunged as of deleted_at.
CREATE TABLE former_mailbox (
    id              INTEGER PRIMARY KEY,
    account         INTEGER NOT NULL,
    name            TEXT NOT NULL,
    special_use     TEXT,
    deleted_at      INTEGER NOT NULL
);
CREATE INDEX former_mailbox_account ON former_mailbox (account);
CREATE INDEX former_mailbox_deleted ON former_mailbox (deleted_at);

-- Accounts that are gone, likewise.
CREATE TABLE former_account (
    id              INTEGER PRIMARY KEY,
    address         TEXT NOT NULL,
    folded          TEXT NOT NULL,
    removed_at      INTEGER NOT NULL
);
CREATE INDEX former_account_folded ON former_account (folded);
CREATE INDEX former_account_removed ON former_account (removed_at);

-- How long mailboxes keep what is in them. scope: 0 everyone, 1 a domain, 2 an account, and owner its number (0 for
-- everyone). target: a special use with its backslash, or = and a name. keep_days: none is for ever.
CREATE TABLE retention_rule (
    scope           INTEGER NOT NULL,
    owner           INTEGER NOT NULL,
    target          TEXT NOT NULL,
    keep_days       INTEGER,
    keep_flagged    INTEGER NOT NULL,
    PRIMARY KEY (scope, owner, target)
) WITHOUT ROWID;

-- For whom duplicates are suppressed, and for how long after the first.
CREATE TABLE duplicate_rule (
    scope           INTEGER NOT NULL,
    owner           INTEGER NOT NULL,
    window_ms       INTEGER NOT NULL,
    PRIMARY KEY (scope, owner)
) WITHOUT ROWID;

-- Messages whose duplicates are suppressed, and how many of them each account has.
CREATE TABLE remembered (
    account         INTEGER NOT NULL,
    fingerprint     BLOB NOT NULL,
    ends_at         INTEGER NOT NULL,
    PRIMARY KEY (account, fingerprint)
) WITHOUT ROWID;
CREATE INDEX remembered_ends ON remembered (ends_at);
CREATE TABLE remembered_count (
    account         INTEGER PRIMARY KEY,
    entries         INTEGER NOT NULL
);

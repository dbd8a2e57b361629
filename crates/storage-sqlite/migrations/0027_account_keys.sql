-- Secrets that accounts have besides their passwords. name: the account's number and the label, which names the row for
-- its sealing. services: bits, 1 submission, 2 IMAP, 4 POP3. last_service: the number of such a bit. sealed_by: as in
-- setting. Numbers are never given again.
CREATE TABLE account_key (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    account         INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    label           TEXT NOT NULL,
    name            TEXT NOT NULL UNIQUE,
    services        INTEGER NOT NULL,
    created_at      INTEGER NOT NULL,
    expires_at      INTEGER,
    last_used_at    INTEGER,
    last_service    INTEGER,
    digest          BLOB NOT NULL,
    scram_sha_256   BLOB NOT NULL,
    scram_sha_1     BLOB NOT NULL,
    cram_md5        BLOB,
    sealed_by       INTEGER,
    UNIQUE (account, label)
);

-- What a key sends is in sent as unit 3, its limits are in sending_limit: holder 6 each key, 7 each key of an account, 8 a
-- key; owner is the number of the account or key.

-- Accounts whose password is good for no mail protocol.
CREATE TABLE barred_password (
    account     INTEGER PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE
);

-- What is kept of passwords that were replaced: enough to recognise them.
CREATE TABLE earlier_password (
    account     INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    changed_at  INTEGER NOT NULL,
    argon2      BLOB NOT NULL,
    PRIMARY KEY (account, changed_at)
) WITHOUT ROWID;

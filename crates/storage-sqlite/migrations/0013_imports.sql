-- Messages that were brought in from elsewhere, by the key that whoever brought them gave them.
CREATE TABLE imported (
    account         INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    key             BLOB NOT NULL,
    PRIMARY KEY (account, key)
) WITHOUT ROWID;

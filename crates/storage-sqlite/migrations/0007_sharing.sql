-- Groups of accounts. Their numbers never come back.
CREATE TABLE user_group (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    name        TEXT NOT NULL UNIQUE,
    created_at  INTEGER NOT NULL
);

CREATE TABLE group_member (
    account     INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    grp         INTEGER NOT NULL REFERENCES user_group (id) ON DELETE CASCADE,
    PRIMARY KEY (account, grp)
) WITHOUT ROWID;
CREATE INDEX group_member_group ON group_member (grp);

-- Access lists. kind and subject: 0 and 0 for everybody, 1 and an account, 2 and a group.
CREATE TABLE access (
    mailbox     INTEGER NOT NULL REFERENCES mailbox (id) ON DELETE CASCADE,
    kind        INTEGER NOT NULL,
    subject     INTEGER NOT NULL,
    negative    INTEGER NOT NULL,
    rights      INTEGER NOT NULL,
    PRIMARY KEY (mailbox, kind, subject, negative)
) WITHOUT ROWID;
CREATE INDEX access_subject ON access (kind, subject);

-- Accounts whose mailboxes stand in the namespace of shared mailboxes.
CREATE TABLE shared_area (
    name        TEXT PRIMARY KEY,
    account     INTEGER NOT NULL UNIQUE REFERENCES account (id) ON DELETE CASCADE
) WITHOUT ROWID;

-- What others than the owner have seen: one row for each reader of a mailbox, and one for each message about which
-- the reader ever said something. seen in the first counts the second.
CREATE TABLE reader (
    mailbox         INTEGER NOT NULL,
    account         INTEGER NOT NULL,
    seen            INTEGER NOT NULL,
    highest_modseq  INTEGER NOT NULL,
    PRIMARY KEY (mailbox, account)
) WITHOUT ROWID;
CREATE INDEX reader_account ON reader (account);

CREATE TABLE seen_by (
    mailbox     INTEGER NOT NULL,
    account     INTEGER NOT NULL,
    uid         INTEGER NOT NULL,
    seen        INTEGER NOT NULL,
    modseq      INTEGER NOT NULL,
    PRIMARY KEY (mailbox, account, uid)
) WITHOUT ROWID;

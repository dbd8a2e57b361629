-- The index of words: for each account some segments, each of which says of some bodies which terms they have.

-- state: 0 is being written, 1 is in use, 2 is to be taken out bit by bit.
-- bodies: their keys, rising; a body's place among them is what postings name. directory: the first term of each block.
CREATE TABLE search_segment (
    id          INTEGER PRIMARY KEY,
    account     INTEGER NOT NULL,
    version     INTEGER NOT NULL,
    state       INTEGER NOT NULL,
    documents   INTEGER NOT NULL,
    first_body  INTEGER NOT NULL,
    last_body   INTEGER NOT NULL,
    size_bytes  INTEGER NOT NULL,
    bodies      BLOB NOT NULL,
    directory   BLOB NOT NULL
);
CREATE INDEX search_segment_account ON search_segment (account, state);
CREATE INDEX search_segment_other ON search_segment (state) WHERE state <> 1;

-- Terms and their postings. id: the segment's number << 24, plus the block's number in it.
CREATE TABLE search_block (
    id      INTEGER PRIMARY KEY,
    content BLOB NOT NULL
);

-- All messages of a mailbox up to this UID are in the index of this version.
CREATE TABLE search_mark (
    mailbox     INTEGER PRIMARY KEY,
    account     INTEGER NOT NULL,
    version     INTEGER NOT NULL,
    through_uid INTEGER NOT NULL
);
CREATE INDEX search_mark_account ON search_mark (account);

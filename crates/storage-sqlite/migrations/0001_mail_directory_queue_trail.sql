-- Numbers that never come back. One row; written with each batch.
CREATE TABLE counter (
    one             INTEGER PRIMARY KEY CHECK (one = 1),
    next_domain     INTEGER NOT NULL,
    next_account    INTEGER NOT NULL,
    next_mailbox    INTEGER NOT NULL,
    next_message    INTEGER NOT NULL,
    next_queue      INTEGER NOT NULL,
    next_segment    INTEGER NOT NULL,
    last_uid_validity INTEGER NOT NULL
);
INSERT INTO counter VALUES (1, 1, 1, 1, 1, 1, 1, 0);

CREATE TABLE setting (
    name    TEXT PRIMARY KEY,
    value   BLOB NOT NULL
) WITHOUT ROWID;

-- Directory.

CREATE TABLE domain (
    id          INTEGER PRIMARY KEY,
    name        TEXT NOT NULL UNIQUE,
    catch_all   TEXT,
    separator   TEXT,
    created_at  INTEGER NOT NULL
);

-- address is as written, folded is what it is looked up by.
CREATE TABLE account (
    id              INTEGER PRIMARY KEY,
    domain          INTEGER NOT NULL REFERENCES domain (id),
    address         TEXT NOT NULL,
    folded          TEXT NOT NULL UNIQUE,
    folded_local    TEXT NOT NULL,
    display_name    TEXT NOT NULL,
    status          INTEGER NOT NULL,
    administrator   INTEGER NOT NULL,
    mail_access     INTEGER NOT NULL,
    created_at      INTEGER NOT NULL
);
CREATE INDEX account_domain ON account (domain, folded);
CREATE INDEX account_local ON account (folded_local);

CREATE TABLE credential (
    account         INTEGER PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE,
    argon2          BLOB NOT NULL,
    scram_sha_256   BLOB NOT NULL,
    scram_sha_1     BLOB NOT NULL,
    cram_md5        BLOB,
    changed_at      INTEGER NOT NULL
);

-- targets: one address a line.
CREATE TABLE alias (
    folded      TEXT PRIMARY KEY,
    domain      INTEGER NOT NULL REFERENCES domain (id),
    address     TEXT NOT NULL,
    targets     TEXT NOT NULL,
    created_at  INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX alias_domain ON alias (domain, folded);

-- Bodies: where they lie in the segment files, and what was worked out about them.

-- size_bytes: everything up to here may be referenced; what lies beyond it in the file is a torn tail.
-- live_bytes: of it, records that are referenced.
CREATE TABLE segment (
    number      INTEGER PRIMARY KEY,
    size_bytes  INTEGER NOT NULL,
    live_bytes  INTEGER NOT NULL,
    sealed      INTEGER NOT NULL
);

-- key: segment and offset at which the record was first written, so it rises and never comes back.
-- refs: rows of message and of queue_message that name it.
CREATE TABLE body (
    key             INTEGER PRIMARY KEY,
    id              BLOB NOT NULL UNIQUE,
    segment         INTEGER NOT NULL,
    record_offset   INTEGER NOT NULL,
    record_bytes    INTEGER NOT NULL,
    size_bytes      INTEGER NOT NULL,
    refs            INTEGER NOT NULL,
    moved           INTEGER NOT NULL
);
CREATE INDEX body_moved ON body (segment) WHERE moved = 1;

CREATE TABLE parsed (
    key                 INTEGER PRIMARY KEY REFERENCES body (key) ON DELETE CASCADE,
    structure           BLOB NOT NULL,
    envelope            BLOB NOT NULL,
    body                BLOB NOT NULL,
    bodystructure       BLOB NOT NULL,
    sent_local_seconds  INTEGER
);

-- Mail.

-- One row for each account: no modification sequence above this one has been given.
CREATE TABLE account_modseq (
    account INTEGER PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE,
    modseq  INTEGER NOT NULL
);

CREATE TABLE mailbox (
    id              INTEGER PRIMARY KEY,
    account         INTEGER NOT NULL REFERENCES account (id),
    name            TEXT NOT NULL,
    special_use     TEXT,
    uid_validity    INTEGER NOT NULL UNIQUE,
    uid_next        INTEGER NOT NULL,
    highest_modseq  INTEGER NOT NULL,
    messages        INTEGER NOT NULL,
    unseen          INTEGER NOT NULL,
    deleted         INTEGER NOT NULL,
    size_bytes      INTEGER NOT NULL,
    UNIQUE (account, name)
);

CREATE TABLE subscription (
    account INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    name    TEXT NOT NULL,
    PRIMARY KEY (account, name)
) WITHOUT ROWID;

-- A message in a mailbox. message is the same in every mailbox of the account that shows it by COPY.
-- arrived_modseq rises with the UID, so what has arrived is found from the end; the index, which a delivery need not
-- touch, has what has changed since.
CREATE TABLE message (
    mailbox         INTEGER NOT NULL,
    uid             INTEGER NOT NULL,
    modseq          INTEGER NOT NULL,
    flags           INTEGER NOT NULL,
    keywords        TEXT,
    size_bytes      INTEGER NOT NULL,
    internal_date   INTEGER NOT NULL,
    saved_at        INTEGER NOT NULL,
    message         INTEGER NOT NULL,
    body            INTEGER NOT NULL,
    arrived_modseq  INTEGER NOT NULL,
    PRIMARY KEY (mailbox, uid)
) WITHOUT ROWID;
CREATE INDEX message_changed ON message (mailbox, modseq) WHERE modseq > arrived_modseq;

-- UIDs that went, in ranges, with the modification sequence at which they went.
CREATE TABLE vanished (
    mailbox     INTEGER NOT NULL,
    modseq      INTEGER NOT NULL,
    first_uid   INTEGER NOT NULL,
    last_uid    INTEGER NOT NULL,
    PRIMARY KEY (mailbox, modseq, first_uid)
) WITHOUT ROWID;

-- Mailboxes that are deleted, whose messages are still to be taken out bit by bit.
CREATE TABLE doomed (
    mailbox INTEGER PRIMARY KEY
);

-- Queue.

CREATE TABLE queue_message (
    id              INTEGER PRIMARY KEY,
    journey         INTEGER NOT NULL,
    body            INTEGER NOT NULL,
    entries         INTEGER NOT NULL,
    sender          TEXT,
    sender_folded   TEXT,
    body_type       INTEGER NOT NULL,
    smtputf8        INTEGER NOT NULL,
    require_tls     INTEGER NOT NULL,
    dsn_return      INTEGER,
    envelope_id     TEXT,
    size_bytes      INTEGER NOT NULL,
    received_at     INTEGER NOT NULL
);
CREATE INDEX queue_message_journey ON queue_message (journey);
CREATE INDEX queue_message_sender ON queue_message (sender_folded);

CREATE TABLE queue_entry (
    id              INTEGER PRIMARY KEY,
    message         INTEGER NOT NULL REFERENCES queue_message (id),
    address         TEXT NOT NULL,
    notify          INTEGER,
    original        TEXT,
    destination     TEXT NOT NULL,
    due_at          INTEGER NOT NULL,
    expires_at      INTEGER NOT NULL,
    attempts        INTEGER NOT NULL,
    last_outcome    TEXT,
    delay_reported  INTEGER NOT NULL,
    held            INTEGER NOT NULL
);
CREATE INDEX queue_entry_due ON queue_entry (held, due_at, destination);
CREATE INDEX queue_entry_destination ON queue_entry (destination, due_at);
CREATE INDEX queue_entry_message ON queue_entry (message);

-- Trail: one row for the events of one journey that were written together. began_at is the journey's.

CREATE TABLE trail (
    id          INTEGER PRIMARY KEY,
    journey     INTEGER NOT NULL,
    began_at    INTEGER NOT NULL,
    last_at     INTEGER NOT NULL,
    events      BLOB NOT NULL
);
CREATE INDEX trail_journey ON trail (journey, last_at);
CREATE INDEX trail_last_at ON trail (last_at, journey);

CREATE TABLE trail_address (
    address     TEXT NOT NULL,
    began_at    INTEGER NOT NULL,
    journey     INTEGER NOT NULL,
    PRIMARY KEY (address, began_at, journey)
) WITHOUT ROWID;

-- Mail that goes by way of given hosts. Columns that are NULL say nothing.
CREATE TABLE route (
    name                    TEXT PRIMARY KEY,
    to_domain               TEXT,
    from_domain             TEXT,
    account                 INTEGER REFERENCES account (id) ON DELETE CASCADE,
    tls                     INTEGER NOT NULL,
    certificate_name        TEXT,
    login                   TEXT,
    password                BLOB,
    connections             INTEGER,
    messages_per_connection INTEGER,
    pause_after             INTEGER,
    pause_ms                INTEGER NOT NULL,
    per_minute              INTEGER,
    per_hour                INTEGER,
    per_day                 INTEGER
) WITHOUT ROWID;
CREATE INDEX route_account ON route (account) WHERE account IS NOT NULL;

CREATE TABLE route_host (
    route       TEXT NOT NULL REFERENCES route (name) ON DELETE CASCADE,
    position    INTEGER NOT NULL,
    preference  INTEGER NOT NULL,
    host        TEXT NOT NULL,
    port        INTEGER NOT NULL,
    PRIMARY KEY (route, position)
) WITHOUT ROWID;

-- Messages that have gone in the minute, hour and day of counted_at.
CREATE TABLE route_sent (
    route       TEXT PRIMARY KEY REFERENCES route (name) ON DELETE CASCADE,
    counted_at  INTEGER NOT NULL,
    minute      INTEGER NOT NULL,
    hour        INTEGER NOT NULL,
    day         INTEGER NOT NULL
) WITHOUT ROWID;

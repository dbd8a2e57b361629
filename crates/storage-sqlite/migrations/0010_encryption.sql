-- Encryption at rest: which key new records are sealed under, and how far what is there has been brought to it.

-- One row. target: the data key of new records; NULL when they are written as they are. settled: everything is under
-- target. Until it is, bodies with keys up to converted are, segments below first_segment still hold others, and
-- unconverted bodies could not be read. scrubbing: everything has been converted, and what was there before is still to
-- be taken out of the index's free room. bodies_total and bodies_done are for those who look on.
CREATE TABLE encryption (
    one             INTEGER PRIMARY KEY CHECK (one = 1),
    next_key        INTEGER NOT NULL,
    target          INTEGER,
    settled         INTEGER NOT NULL,
    scrubbing       INTEGER NOT NULL,
    first_segment   INTEGER NOT NULL,
    converted       INTEGER NOT NULL,
    unconverted     INTEGER NOT NULL,
    bodies_total    INTEGER NOT NULL,
    bodies_done     INTEGER NOT NULL
);
INSERT INTO encryption VALUES (1, 1, NULL, 1, 0, 0, 0, 0, 0, 0);

-- Keys of which this store only has wrapped copies. purpose: 0 seals records, 1 is what other keys are derived from.
CREATE TABLE data_key (
    id          INTEGER PRIMARY KEY,
    purpose     INTEGER NOT NULL,
    created_at  INTEGER NOT NULL
);

-- Master keys that open the store, by fingerprint; the newest has the highest generation.
CREATE TABLE master_key (
    fingerprint BLOB PRIMARY KEY,
    generation  INTEGER NOT NULL UNIQUE
) WITHOUT ROWID;

CREATE TABLE wrapped_key (
    key     INTEGER NOT NULL REFERENCES data_key (id) ON DELETE CASCADE,
    master  BLOB NOT NULL REFERENCES master_key (fingerprint) ON DELETE CASCADE,
    wrapped BLOB NOT NULL,
    PRIMARY KEY (key, master)
) WITHOUT ROWID;

-- seal: data key and salt of the record; NULL when it lies there as it is.
ALTER TABLE body ADD COLUMN seal BLOB;
-- sealed_by: the data key under which the row's texts are; NULL when they are as they are.
ALTER TABLE parsed ADD COLUMN sealed_by INTEGER;
ALTER TABLE sort_key ADD COLUMN sealed_by INTEGER;

-- Only bodies from 16 KiB on are looked for by their content: the index of all of it cost a page for each message.
-- Foreign keys are not enforced here, so what refers to bodies stays.
CREATE TABLE body_without_index (
    key             INTEGER PRIMARY KEY,
    id              BLOB NOT NULL,
    segment         INTEGER NOT NULL,
    record_offset   INTEGER NOT NULL,
    record_bytes    INTEGER NOT NULL,
    size_bytes      INTEGER NOT NULL,
    refs            INTEGER NOT NULL,
    moved           INTEGER NOT NULL,
    seal            BLOB
);
INSERT INTO body_without_index
    SELECT key, id, segment, record_offset, record_bytes, size_bytes, refs, moved, seal FROM body ORDER BY key;
DROP TABLE body;
ALTER TABLE body_without_index RENAME TO body;
CREATE INDEX body_moved ON body (segment) WHERE moved = 1;
CREATE UNIQUE INDEX body_content ON body (id) WHERE size_bytes >= 16384;

-- What commits appended to segments that have not been synced since: written to where it belongs after a power failure.
-- A row has no meaning once its segment has been synced; it is overwritten by a later one.
CREATE TABLE segment_copy (
    slot    INTEGER PRIMARY KEY,
    segment INTEGER NOT NULL,
    start   INTEGER NOT NULL,
    octets  BLOB NOT NULL
);

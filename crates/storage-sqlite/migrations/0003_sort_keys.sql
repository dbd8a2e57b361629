-- What sorting and threading ask of a message, apart from the rest that is known about it: small rows that lie next to
-- each other. Bodies stored before this table was there have no row, and their keys are worked out when they are asked
-- for.
CREATE TABLE sort_key (
    body    INTEGER PRIMARY KEY REFERENCES body (key) ON DELETE CASCADE,
    keys    BLOB NOT NULL
);

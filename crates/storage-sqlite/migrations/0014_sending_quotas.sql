-- How much may be sent. holder: 0 the server, 1 each domain, 2 a domain, 3 each account, 4 each account of a domain,
-- 5 an account, and owner the number of the domain or account (0 for the others). exception: 1 for one that ends at
-- ends_at. most: NULL for as much as anybody likes.
CREATE TABLE sending_limit (
    holder          INTEGER NOT NULL,
    owner           INTEGER NOT NULL,
    kind            INTEGER NOT NULL,
    exception       INTEGER NOT NULL,
    most            INTEGER,
    ends_at         INTEGER,
    PRIMARY KEY (holder, owner, kind, exception)
) WITHOUT ROWID;

-- What has been sent in the hour, day and month of counted_at. unit: 0 the server, 1 a domain, 2 an account.
CREATE TABLE sent (
    unit                INTEGER NOT NULL,
    owner               INTEGER NOT NULL,
    counted_at          INTEGER NOT NULL,
    hour_messages       INTEGER NOT NULL,
    hour_recipients     INTEGER NOT NULL,
    day_messages        INTEGER NOT NULL,
    day_recipients      INTEGER NOT NULL,
    month_messages      INTEGER NOT NULL,
    month_recipients    INTEGER NOT NULL,
    PRIMARY KEY (unit, owner)
) WITHOUT ROWID;

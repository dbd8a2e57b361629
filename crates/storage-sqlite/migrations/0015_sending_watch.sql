-- What each account has sent of late, in recipients, and what is usual for it.
CREATE TABLE sending_watch (
    account             INTEGER PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE,
    counted_at          INTEGER NOT NULL,
    hour                INTEGER NOT NULL,
    day                 INTEGER NOT NULL,
    hour_bounced        INTEGER NOT NULL,
    day_bounced         INTEGER NOT NULL,
    busiest_hour        INTEGER NOT NULL,
    former_busiest_hour INTEGER NOT NULL,
    busiest_day         INTEGER NOT NULL,
    former_busiest_day  INTEGER NOT NULL
);

-- Accounts that may not send. cause: 0 an administrator, 1 a flood, 2 bounces.
CREATE TABLE sending_freeze (
    account     INTEGER PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE,
    cause       INTEGER NOT NULL,
    words       TEXT NOT NULL,
    frozen_at   INTEGER NOT NULL
);

-- submitter: the account that handed the message in.
ALTER TABLE queue_message ADD COLUMN submitter INTEGER;

-- How much mail there may be, and how much there is. Of each account and each domain there is one row.
-- max_*: NULL for what the domain gives, -1 for as much as there is room.
CREATE TABLE account_quota (
    account         INTEGER PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE,
    max_size_bytes  INTEGER,
    max_messages    INTEGER,
    size_bytes      INTEGER NOT NULL,
    messages        INTEGER NOT NULL
);
INSERT INTO account_quota (account, max_size_bytes, max_messages, size_bytes, messages)
    SELECT account.id, NULL, NULL, coalesce(sum(mailbox.size_bytes), 0), coalesce(sum(mailbox.messages), 0)
    FROM account LEFT JOIN mailbox ON mailbox.account = account.id GROUP BY account.id;

-- max_*: for all accounts together; each_max_*: for each of them. NULL for as much as there is room.
CREATE TABLE domain_quota (
    domain              INTEGER PRIMARY KEY REFERENCES domain (id) ON DELETE CASCADE,
    max_size_bytes      INTEGER,
    max_messages        INTEGER,
    each_max_size_bytes INTEGER,
    each_max_messages   INTEGER,
    size_bytes          INTEGER NOT NULL,
    messages            INTEGER NOT NULL
);
INSERT INTO domain_quota (domain, size_bytes, messages)
    SELECT domain.id, coalesce(sum(account_quota.size_bytes), 0), coalesce(sum(account_quota.messages), 0)
    FROM domain LEFT JOIN account ON account.domain = domain.id
    LEFT JOIN account_quota ON account_quota.account = account.id GROUP BY domain.id;

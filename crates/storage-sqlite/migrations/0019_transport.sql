-- MTA-STS policies of other domains, as they were fetched.
CREATE TABLE sts_policy (
    domain          TEXT PRIMARY KEY,
    id              TEXT NOT NULL,
    policy          TEXT NOT NULL,
    fetched_at      INTEGER NOT NULL,
    expires_at      INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX sts_policy_by_end ON sts_policy (expires_at);

-- How deliveries to other domains went.
CREATE TABLE tls_history (
    domain          TEXT PRIMARY KEY,
    clear           INTEGER NOT NULL,
    encrypted       INTEGER NOT NULL,
    verified        INTEGER NOT NULL,
    streak          INTEGER NOT NULL,
    streak_since    INTEGER NOT NULL,
    last_at         INTEGER NOT NULL
) WITHOUT ROWID;

-- Sessions, counted for the reports that their domains want.
CREATE TABLE tls_count (
    day             INTEGER NOT NULL,
    domain          TEXT NOT NULL,
    policy_type     TEXT NOT NULL,
    policy          TEXT NOT NULL,
    mx_host         TEXT NOT NULL,
    receiving_ip    TEXT NOT NULL,
    result          TEXT NOT NULL,
    detail          TEXT NOT NULL,
    sessions        INTEGER NOT NULL,
    PRIMARY KEY (day, domain, policy_type, policy, mx_host, receiving_ip, result, detail)
) WITHOUT ROWID;

-- Reports about our own domains that others sent.
CREATE TABLE tls_report (
    id              INTEGER PRIMARY KEY,
    organization    TEXT NOT NULL,
    report_id       TEXT NOT NULL,
    domain          TEXT NOT NULL,
    received_at     INTEGER NOT NULL,
    begins_at       INTEGER NOT NULL,
    ends_at         INTEGER NOT NULL,
    successes       INTEGER NOT NULL,
    failures        INTEGER NOT NULL,
    report          TEXT NOT NULL,
    UNIQUE (organization, report_id, domain)
);

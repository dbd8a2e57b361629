-- Reports about our own domains that others sent. Nothing was ever written to the table that 0019 made for them, so it
-- is made anew, with who answers for a report, and how long it is.
DROP TABLE tls_report;
CREATE TABLE tls_report (
    id              INTEGER PRIMARY KEY,
    organization    TEXT NOT NULL,
    report_id       TEXT NOT NULL,
    source          TEXT NOT NULL,
    domain          TEXT NOT NULL,
    received_at     INTEGER NOT NULL,
    begins_at       INTEGER NOT NULL,
    ends_at         INTEGER NOT NULL,
    successes       INTEGER NOT NULL,
    failures        INTEGER NOT NULL,
    octets          INTEGER NOT NULL,
    report          TEXT NOT NULL,
    UNIQUE (organization, report_id, domain)
);
-- What is added up and counted is answered from these alone: rows are long.
CREATE INDEX tls_report_by_day ON tls_report (domain, begins_at, successes, failures);
CREATE INDEX tls_report_by_source ON tls_report (source, received_at);
CREATE INDEX tls_report_by_arrival ON tls_report (received_at);
CREATE INDEX tls_report_by_length ON tls_report (octets);

-- Who connects with what. An account of 0 is none: a host that handed in mail without signing in.
CREATE TABLE sighting (
    account         INTEGER NOT NULL,
    peer            TEXT NOT NULL,
    listener        TEXT NOT NULL,
    port            INTEGER NOT NULL,
    tls_version     TEXT NOT NULL,
    cipher_suite    TEXT NOT NULL,
    mechanism       TEXT NOT NULL,
    client          TEXT NOT NULL,
    first_at        INTEGER NOT NULL,
    last_at         INTEGER NOT NULL,
    connections     INTEGER NOT NULL,
    PRIMARY KEY (account, peer, listener, port, tls_version, cipher_suite, mechanism, client)
) WITHOUT ROWID;
CREATE INDEX sighting_by_time ON sighting (account, last_at);

CREATE TRIGGER sighting_goes_with_account AFTER DELETE ON account
BEGIN
    DELETE FROM sighting WHERE account = old.id;
END;

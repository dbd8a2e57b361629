-- credential: the label of the key that was signed in with; empty for none.
CREATE TABLE sighting_with_key (
    account         INTEGER NOT NULL,
    peer            TEXT NOT NULL,
    listener        TEXT NOT NULL,
    port            INTEGER NOT NULL,
    tls_version     TEXT NOT NULL,
    cipher_suite    TEXT NOT NULL,
    mechanism       TEXT NOT NULL,
    credential      TEXT NOT NULL,
    client          TEXT NOT NULL,
    first_at        INTEGER NOT NULL,
    last_at         INTEGER NOT NULL,
    connections     INTEGER NOT NULL,
    PRIMARY KEY (account, peer, listener, port, tls_version, cipher_suite, mechanism, credential, client)
) WITHOUT ROWID;
INSERT INTO sighting_with_key (account, peer, listener, port, tls_version, cipher_suite, mechanism, credential, client,
    first_at, last_at, connections)
SELECT account, peer, listener, port, tls_version, cipher_suite, mechanism, '', client, first_at, last_at, connections
FROM sighting;

DROP TRIGGER sighting_goes_with_account;
DROP TABLE sighting;
ALTER TABLE sighting_with_key RENAME TO sighting;
CREATE INDEX sighting_by_time ON sighting (account, last_at);

CREATE TRIGGER sighting_goes_with_account AFTER DELETE ON account
BEGIN
    DELETE FROM sighting WHERE account = old.id;
END;

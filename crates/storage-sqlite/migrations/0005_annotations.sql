-- What clients keep with mailboxes, and with the server as mailbox 0.
-- holder: whose private one it is; 0 if it is shared. name: without /private or /shared.
-- charged: the account whose room it takes; 0 for what is shared on the server.
CREATE TABLE annotation (
    mailbox INTEGER NOT NULL,
    holder  INTEGER NOT NULL,
    name    TEXT NOT NULL,
    charged INTEGER NOT NULL,
    value   BLOB NOT NULL,
    PRIMARY KEY (mailbox, holder, name)
) WITHOUT ROWID;
CREATE INDEX annotation_holder ON annotation (holder, mailbox);

-- Octets of names and values by who is charged.
CREATE TABLE annotation_usage (
    charged INTEGER PRIMARY KEY,
    octets  INTEGER NOT NULL
);

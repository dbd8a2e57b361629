PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE counter (
    one             INTEGER PRIMARY KEY CHECK (one = 1),
    next_domain     INTEGER NOT NULL,
    next_account    INTEGER NOT NULL,
    next_mailbox    INTEGER NOT NULL,
    next_message    INTEGER NOT NULL,
    next_queue      INTEGER NOT NULL,
    next_segment    INTEGER NOT NULL,
    last_uid_validity INTEGER NOT NULL
);
INSERT INTO counter VALUES(1,2,4,9,1001,1001,2,1795346603);
CREATE TABLE setting (
    name    TEXT PRIMARY KEY,
    value   BLOB NOT NULL
) WITHOUT ROWID;
INSERT INTO setting VALUES('a secret',X'6f662074686520736572766572');
CREATE TABLE domain (
    id          INTEGER PRIMARY KEY,
    name        TEXT NOT NULL UNIQUE,
    catch_all   TEXT,
    separator   TEXT,
    created_at  INTEGER NOT NULL
, language TEXT);
INSERT INTO domain VALUES(1,'example.org',NULL,'+',1700000000000,NULL);
CREATE TABLE account (
    id              INTEGER PRIMARY KEY,
    domain          INTEGER NOT NULL REFERENCES domain (id),
    address         TEXT NOT NULL,
    folded          TEXT NOT NULL UNIQUE,
    folded_local    TEXT NOT NULL,
    display_name    TEXT NOT NULL,
    status          INTEGER NOT NULL,
    administrator   INTEGER NOT NULL,
    mail_access     INTEGER NOT NULL,
    created_at      INTEGER NOT NULL
, language TEXT);
INSERT INTO account VALUES(1,1,'ann@example.org','ann@example.org','ann','',0,0,0,1700000000000,NULL);
INSERT INTO account VALUES(2,1,'bob@example.org','bob@example.org','bob','',0,0,0,1700000000000,NULL);
INSERT INTO account VALUES(3,1,'support@example.org','support@example.org','support','',0,0,0,1700000000000,NULL);
CREATE TABLE credential (
    account         INTEGER PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE,
    argon2          BLOB NOT NULL,
    scram_sha_256   BLOB NOT NULL,
    scram_sha_1     BLOB NOT NULL,
    cram_md5        BLOB,
    changed_at      INTEGER NOT NULL
);
INSERT INTO credential VALUES(1,X'6172676f6e32207365636f6e64',X'736372616d2d7368612d323536207365636f6e64',X'736372616d2d7368612d31207365636f6e64',NULL,1700000000000);
CREATE TABLE alias (
    folded      TEXT PRIMARY KEY,
    domain      INTEGER NOT NULL REFERENCES domain (id),
    address     TEXT NOT NULL,
    targets     TEXT NOT NULL,
    created_at  INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO alias VALUES('all@example.org',1,'all@example.org',replace('ann@example.org\nx@far.example','\n',char(10)),1700000000000);
CREATE TABLE segment (
    number      INTEGER PRIMARY KEY,
    size_bytes  INTEGER NOT NULL,
    live_bytes  INTEGER NOT NULL,
    sealed      INTEGER NOT NULL
);
INSERT INTO segment VALUES(1,500,500,0);
CREATE TABLE body (
    key             INTEGER PRIMARY KEY,
    id              BLOB NOT NULL UNIQUE,
    segment         INTEGER NOT NULL,
    record_offset   INTEGER NOT NULL,
    record_bytes    INTEGER NOT NULL,
    size_bytes      INTEGER NOT NULL,
    refs            INTEGER NOT NULL,
    moved           INTEGER NOT NULL
, seal BLOB);
INSERT INTO body VALUES(4294967296,X'd33fb48ab5adff269ae172b29a6913ff04f6f266207a7a8e976f2ecd571d4492',1,0,59,3,2,0,NULL);
INSERT INTO body VALUES(4294967355,X'1b4c968fa777c4596501fbe1f8837095be6870a0d4fdb8f5dc6467f8dcb590f9',1,59,61,5,2,0,NULL);
INSERT INTO body VALUES(4294967416,X'dbec0e689fb63bd729147727129d854e9d590ab620a18bbbcb3317d268d6fd72',1,120,61,5,1,0,NULL);
INSERT INTO body VALUES(4294967477,X'37392008a949c4879f190a4ce54e354782bc88564a9534a882b3d42448f96168',1,181,60,4,1,0,NULL);
INSERT INTO body VALUES(4294967537,X'a858c4a408cb62305bc3e257a5f1f25b2112b50851dc2d52801faf73cd82652b',1,241,70,14,2,0,NULL);
INSERT INTO body VALUES(4294967607,X'd6231c13dc3866358cdacb68a39f13aea32e373074cd414bd4842da873f152e3',1,311,66,10,1,0,NULL);
INSERT INTO body VALUES(4294967673,X'65a1cd59d165ff3bad867d45a39538714c02e118fcb5e0a1e47362eb84647fce',1,377,60,4,1,0,NULL);
INSERT INTO body VALUES(4294967733,X'c667cbb30d686b1ea761e6676f1a402940d7d0bec227d0c9fc7bf4396fd787c2',1,437,63,7,1,0,NULL);
CREATE TABLE parsed (
    key                 INTEGER PRIMARY KEY REFERENCES body (key) ON DELETE CASCADE,
    structure           BLOB NOT NULL,
    envelope            BLOB NOT NULL,
    body                BLOB NOT NULL,
    bodystructure       BLOB NOT NULL,
    sent_local_seconds  INTEGER
, preview TEXT, thread BLOB, sealed_by INTEGER);
INSERT INTO parsed VALUES(4294967296,X'737472756374757265206f66206f6e65',X'656e76656c6f7065206f66206f6e65',X'626f6479206f66206f6e65',X'626f6479737472756374757265206f66206f6e65',3,NULL,X'03030303030303030303030303030303',NULL);
INSERT INTO parsed VALUES(4294967355,X'737472756374757265206f662074776f0d0a',X'656e76656c6f7065206f662074776f0d0a',X'626f6479206f662074776f0d0a',X'626f6479737472756374757265206f662074776f0d0a',5,NULL,NULL,NULL);
INSERT INTO parsed VALUES(4294967416,X'737472756374757265206f66207468726565',X'656e76656c6f7065206f66207468726565',X'626f6479206f66207468726565',X'626f6479737472756374757265206f66207468726565',5,NULL,NULL,NULL);
INSERT INTO parsed VALUES(4294967477,X'737472756374757265206f6620666f7572',X'656e76656c6f7065206f6620666f7572',X'626f6479206f6620666f7572',X'626f6479737472756374757265206f6620666f7572',4,'preview of four',NULL,NULL);
INSERT INTO parsed VALUES(4294967537,X'737472756374757265206f662073686172656420627920626f7468',X'656e76656c6f7065206f662073686172656420627920626f7468',X'626f6479206f662073686172656420627920626f7468',X'626f6479737472756374757265206f662073686172656420627920626f7468',14,'preview of shared by both',NULL,NULL);
INSERT INTO parsed VALUES(4294967607,X'737472756374757265206f662062726f7567687420696e',X'656e76656c6f7065206f662062726f7567687420696e',X'626f6479206f662062726f7567687420696e',X'626f6479737472756374757265206f662062726f7567687420696e',10,'preview of brought in',NULL,NULL);
INSERT INTO parsed VALUES(4294967673,X'737472756374757265206f66206a756e6b',X'656e76656c6f7065206f66206a756e6b',X'626f6479206f66206a756e6b',X'626f6479737472756374757265206f66206a756e6b',4,'preview of junk',NULL,NULL);
INSERT INTO parsed VALUES(4294967733,X'737472756374757265206f66206c656176696e67',X'656e76656c6f7065206f66206c656176696e67',X'626f6479206f66206c656176696e67',X'626f6479737472756374757265206f66206c656176696e67',7,NULL,NULL,NULL);
CREATE TABLE account_modseq (
    account INTEGER PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE,
    modseq  INTEGER NOT NULL
);
INSERT INTO account_modseq VALUES(1,64);
INSERT INTO account_modseq VALUES(2,64);
INSERT INTO account_modseq VALUES(3,64);
CREATE TABLE mailbox (
    id              INTEGER PRIMARY KEY,
    account         INTEGER NOT NULL REFERENCES account (id),
    name            TEXT NOT NULL,
    special_use     TEXT,
    uid_validity    INTEGER NOT NULL UNIQUE,
    uid_next        INTEGER NOT NULL,
    highest_modseq  INTEGER NOT NULL,
    messages        INTEGER NOT NULL,
    unseen          INTEGER NOT NULL,
    deleted         INTEGER NOT NULL,
    size_bytes      INTEGER NOT NULL,
    UNIQUE (account, name)
);
INSERT INTO mailbox VALUES(1,1,'INBOX',NULL,1795346596,6,12,3,2,0,22);
INSERT INTO mailbox VALUES(2,1,'Archive',NULL,1795346597,5,13,4,2,0,22);
INSERT INTO mailbox VALUES(3,2,'INBOX',NULL,1795346598,2,3,1,1,0,14);
INSERT INTO mailbox VALUES(4,2,'Archive',NULL,1795346599,1,2,0,0,0,0);
INSERT INTO mailbox VALUES(5,1,'Lists/Crab',NULL,1795346600,1,14,0,0,0,0);
INSERT INTO mailbox VALUES(7,3,'INBOX',NULL,1795346602,1,1,0,0,0,0);
INSERT INTO mailbox VALUES(8,3,'Archive',NULL,1795346603,1,2,0,0,0,0);
CREATE TABLE subscription (
    account INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    name    TEXT NOT NULL,
    PRIMARY KEY (account, name)
) WITHOUT ROWID;
INSERT INTO subscription VALUES(1,'Archive');
INSERT INTO subscription VALUES(1,'Gone/Fishing');
INSERT INTO subscription VALUES(1,'INBOX');
INSERT INTO subscription VALUES(2,'Archive');
INSERT INTO subscription VALUES(2,'INBOX');
INSERT INTO subscription VALUES(3,'Archive');
INSERT INTO subscription VALUES(3,'INBOX');
CREATE TABLE message (
    mailbox         INTEGER NOT NULL,
    uid             INTEGER NOT NULL,
    modseq          INTEGER NOT NULL,
    flags           INTEGER NOT NULL,
    keywords        TEXT,
    size_bytes      INTEGER NOT NULL,
    internal_date   INTEGER NOT NULL,
    saved_at        INTEGER NOT NULL,
    message         INTEGER NOT NULL,
    body            INTEGER NOT NULL,
    arrived_modseq  INTEGER NOT NULL,
    PRIMARY KEY (mailbox, uid)
) WITHOUT ROWID;
INSERT INTO message VALUES(1,1,3,1,NULL,3,1700000000000,1795346596112,1,4294967296,3);
INSERT INTO message VALUES(1,2,12,6,'later',5,1700000000000,1795346596126,2,4294967355,4);
INSERT INTO message VALUES(1,5,7,0,NULL,14,1700000000000,1795346596135,5,4294967537,7);
INSERT INTO message VALUES(2,1,8,1,NULL,3,1700000000000,1795346596136,1,4294967296,8);
INSERT INTO message VALUES(2,2,8,4,'later',5,1700000000000,1795346596136,2,4294967355,8);
INSERT INTO message VALUES(2,3,9,0,NULL,4,1700000000000,1795346596137,4,4294967477,9);
INSERT INTO message VALUES(2,4,13,1,NULL,10,1700000000000,1795346596181,7,4294967607,13);
INSERT INTO message VALUES(3,1,3,0,NULL,14,1700000000000,1795346596135,6,4294967537,3);
INSERT INTO message VALUES(6,1,5,0,NULL,4,1700000000000,1795346596304,8,4294967673,5);
CREATE TABLE vanished (
    mailbox     INTEGER NOT NULL,
    modseq      INTEGER NOT NULL,
    first_uid   INTEGER NOT NULL,
    last_uid    INTEGER NOT NULL,
    PRIMARY KEY (mailbox, modseq, first_uid)
) WITHOUT ROWID;
INSERT INTO vanished VALUES(1,10,4,4);
INSERT INTO vanished VALUES(1,11,3,3);
CREATE TABLE doomed (
    mailbox INTEGER PRIMARY KEY
);
INSERT INTO doomed VALUES(6);
CREATE TABLE queue_message (
    id              INTEGER PRIMARY KEY,
    journey         INTEGER NOT NULL,
    body            INTEGER NOT NULL,
    entries         INTEGER NOT NULL,
    sender          TEXT,
    sender_folded   TEXT,
    body_type       INTEGER NOT NULL,
    smtputf8        INTEGER NOT NULL,
    require_tls     INTEGER NOT NULL,
    dsn_return      INTEGER,
    envelope_id     TEXT,
    size_bytes      INTEGER NOT NULL,
    received_at     INTEGER NOT NULL
, may_sign INTEGER NOT NULL DEFAULT 0, submitter INTEGER, forwarded_by TEXT);
INSERT INTO queue_message VALUES(1,7,4294967733,2,'Ann@example.org','ann@example.org',0,0,0,NULL,NULL,1,1700000000000,1,1,NULL);
CREATE TABLE queue_entry (
    id              INTEGER PRIMARY KEY,
    message         INTEGER NOT NULL REFERENCES queue_message (id),
    address         TEXT NOT NULL,
    notify          INTEGER,
    original        TEXT,
    destination     TEXT NOT NULL,
    due_at          INTEGER NOT NULL,
    expires_at      INTEGER NOT NULL,
    attempts        INTEGER NOT NULL,
    last_outcome    TEXT,
    delay_reported  INTEGER NOT NULL,
    held            INTEGER NOT NULL
, lane TEXT NOT NULL DEFAULT '', turn INTEGER, cause TEXT, detour TEXT, submitter INTEGER);
INSERT INTO queue_entry VALUES(2,1,'x@far.example',NULL,NULL,'far.example',1700000000000,1700001000000,0,NULL,0,0,'example.org ann',0,NULL,NULL,1);
INSERT INTO queue_entry VALUES(3,1,'y@elsewhere.example',NULL,NULL,'elsewhere.example',1700000600000,1700001000000,1,'no answer',0,0,'example.org ann',NULL,'connect',NULL,1);
CREATE TABLE trail (
    id          INTEGER PRIMARY KEY,
    journey     INTEGER NOT NULL,
    began_at    INTEGER NOT NULL,
    last_at     INTEGER NOT NULL,
    events      BLOB NOT NULL
);
INSERT INTO trail VALUES(1,7,1700000000000,1700000000000,X'01010068e5cf8b010000087265636569766564010f616e6e406578616d706c652e6f726700');
CREATE TABLE trail_address (
    address     TEXT NOT NULL,
    began_at    INTEGER NOT NULL,
    journey     INTEGER NOT NULL,
    PRIMARY KEY (address, began_at, journey)
) WITHOUT ROWID;
INSERT INTO trail_address VALUES('ann@example.org',1700000000000,7);
CREATE TABLE earlier_password (
    account     INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    changed_at  INTEGER NOT NULL,
    argon2      BLOB NOT NULL,
    PRIMARY KEY (account, changed_at)
) WITHOUT ROWID;
CREATE TABLE sort_key (
    body    INTEGER PRIMARY KEY REFERENCES body (key) ON DELETE CASCADE,
    keys    BLOB NOT NULL
, sealed_by INTEGER);
CREATE TABLE annotation (
    mailbox INTEGER NOT NULL,
    holder  INTEGER NOT NULL,
    name    TEXT NOT NULL,
    charged INTEGER NOT NULL,
    value   BLOB NOT NULL,
    PRIMARY KEY (mailbox, holder, name)
) WITHOUT ROWID;
INSERT INTO annotation VALUES(1,0,'/comment',1,X'61206e6f7465');
INSERT INTO annotation VALUES(1,1,'/comment',1,X'61206e6f7465');
CREATE TABLE annotation_usage (
    charged INTEGER PRIMARY KEY,
    octets  INTEGER NOT NULL
);
INSERT INTO annotation_usage VALUES(1,28);
CREATE TABLE account_quota (
    account         INTEGER PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE,
    max_size_bytes  INTEGER,
    max_messages    INTEGER,
    size_bytes      INTEGER NOT NULL,
    messages        INTEGER NOT NULL
);
INSERT INTO account_quota VALUES(1,1000,-1,44,7);
INSERT INTO account_quota VALUES(2,NULL,NULL,14,1);
INSERT INTO account_quota VALUES(3,NULL,NULL,0,0);
CREATE TABLE domain_quota (
    domain              INTEGER PRIMARY KEY REFERENCES domain (id) ON DELETE CASCADE,
    max_size_bytes      INTEGER,
    max_messages        INTEGER,
    each_max_size_bytes INTEGER,
    each_max_messages   INTEGER,
    size_bytes          INTEGER NOT NULL,
    messages            INTEGER NOT NULL
);
INSERT INTO domain_quota VALUES(1,NULL,NULL,NULL,NULL,58,8);
CREATE TABLE user_group (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    name        TEXT NOT NULL UNIQUE,
    created_at  INTEGER NOT NULL
);
INSERT INTO user_group VALUES(1,'team',1700000000000);
CREATE TABLE group_member (
    account     INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    grp         INTEGER NOT NULL REFERENCES user_group (id) ON DELETE CASCADE,
    PRIMARY KEY (account, grp)
) WITHOUT ROWID;
INSERT INTO group_member VALUES(2,1);
CREATE TABLE access (
    mailbox     INTEGER NOT NULL REFERENCES mailbox (id) ON DELETE CASCADE,
    kind        INTEGER NOT NULL,
    subject     INTEGER NOT NULL,
    negative    INTEGER NOT NULL,
    rights      INTEGER NOT NULL,
    PRIMARY KEY (mailbox, kind, subject, negative)
) WITHOUT ROWID;
INSERT INTO access VALUES(1,1,2,0,7);
INSERT INTO access VALUES(2,0,0,0,1);
INSERT INTO access VALUES(2,2,1,0,3);
CREATE TABLE shared_area (
    name        TEXT PRIMARY KEY,
    account     INTEGER NOT NULL UNIQUE REFERENCES account (id) ON DELETE CASCADE
) WITHOUT ROWID;
INSERT INTO shared_area VALUES('Support',3);
CREATE TABLE reader (
    mailbox         INTEGER NOT NULL,
    account         INTEGER NOT NULL,
    seen            INTEGER NOT NULL,
    highest_modseq  INTEGER NOT NULL,
    PRIMARY KEY (mailbox, account)
) WITHOUT ROWID;
INSERT INTO reader VALUES(1,2,1,16);
CREATE TABLE seen_by (
    mailbox     INTEGER NOT NULL,
    account     INTEGER NOT NULL,
    uid         INTEGER NOT NULL,
    seen        INTEGER NOT NULL,
    modseq      INTEGER NOT NULL,
    PRIMARY KEY (mailbox, account, uid)
) WITHOUT ROWID;
INSERT INTO seen_by VALUES(1,2,2,1,16);
CREATE TABLE search_segment (
    id          INTEGER PRIMARY KEY,
    account     INTEGER NOT NULL,
    version     INTEGER NOT NULL,
    state       INTEGER NOT NULL,
    documents   INTEGER NOT NULL,
    first_body  INTEGER NOT NULL,
    last_body   INTEGER NOT NULL,
    size_bytes  INTEGER NOT NULL,
    bodies      BLOB NOT NULL,
    directory   BLOB NOT NULL
, sealed_by INTEGER);
INSERT INTO search_segment VALUES(1,1,7,1,4,4294967296,4294967607,19,X'0480808080103a79810100',X'0108',NULL);
INSERT INTO search_segment VALUES(2,1,7,1,1,4294967537,4294967537,15,X'01f18180801000',X'0108',NULL);
CREATE TABLE search_block (
    id      INTEGER PRIMARY KEY,
    content BLOB NOT NULL
);
INSERT INTO search_block VALUES(16777216,X'08090f08090f');
INSERT INTO search_block VALUES(33554432,X'080200080200');
CREATE TABLE search_mark (
    mailbox     INTEGER PRIMARY KEY,
    account     INTEGER NOT NULL,
    version     INTEGER NOT NULL,
    through_uid INTEGER NOT NULL
);
INSERT INTO search_mark VALUES(1,1,7,5);
INSERT INTO search_mark VALUES(2,1,7,4);
CREATE TABLE expunged (
    expunged_at     INTEGER NOT NULL,
    mailbox         INTEGER NOT NULL,
    uid             INTEGER NOT NULL,
    account         INTEGER NOT NULL,
    flags           INTEGER NOT NULL,
    keywords        TEXT,
    size_bytes      INTEGER NOT NULL,
    internal_date   INTEGER NOT NULL,
    saved_at        INTEGER NOT NULL,
    message         INTEGER NOT NULL,
    body            INTEGER NOT NULL,
    PRIMARY KEY (expunged_at, mailbox, uid)
) WITHOUT ROWID;
INSERT INTO expunged VALUES(1795346596137,1,3,1,8,NULL,5,1700000000000,1795346596132,3,4294967416);
CREATE TABLE former_mailbox (
    id              INTEGER PRIMARY KEY,
    account         INTEGER NOT NULL,
    name            TEXT NOT NULL,
    special_use     TEXT,
    deleted_at      INTEGER NOT NULL
);
INSERT INTO former_mailbox VALUES(6,2,'Junk','\Junk',1795346596309);
CREATE TABLE former_account (
    id              INTEGER PRIMARY KEY,
    address         TEXT NOT NULL,
    folded          TEXT NOT NULL,
    removed_at      INTEGER NOT NULL
);
CREATE TABLE retention_rule (
    scope           INTEGER NOT NULL,
    owner           INTEGER NOT NULL,
    target          TEXT NOT NULL,
    keep_days       INTEGER,
    keep_flagged    INTEGER NOT NULL,
    PRIMARY KEY (scope, owner, target)
) WITHOUT ROWID;
INSERT INTO retention_rule VALUES(1,1,'\Junk',30,1);
CREATE TABLE duplicate_rule (
    scope           INTEGER NOT NULL,
    owner           INTEGER NOT NULL,
    window_ms       INTEGER NOT NULL,
    PRIMARY KEY (scope, owner)
) WITHOUT ROWID;
CREATE TABLE remembered (
    account         INTEGER NOT NULL,
    fingerprint     BLOB NOT NULL,
    ends_at         INTEGER NOT NULL,
    PRIMARY KEY (account, fingerprint)
) WITHOUT ROWID;
CREATE TABLE remembered_count (
    account         INTEGER PRIMARY KEY,
    entries         INTEGER NOT NULL
);
CREATE TABLE encryption (
    one             INTEGER PRIMARY KEY CHECK (one = 1),
    next_key        INTEGER NOT NULL,
    target          INTEGER,
    settled         INTEGER NOT NULL,
    scrubbing       INTEGER NOT NULL,
    first_segment   INTEGER NOT NULL,
    converted       INTEGER NOT NULL,
    unconverted     INTEGER NOT NULL,
    bodies_total    INTEGER NOT NULL,
    bodies_done     INTEGER NOT NULL
);
INSERT INTO encryption VALUES(1,1,NULL,1,0,0,0,0,0,0);
CREATE TABLE data_key (
    id          INTEGER PRIMARY KEY,
    purpose     INTEGER NOT NULL,
    created_at  INTEGER NOT NULL
);
CREATE TABLE master_key (
    fingerprint BLOB PRIMARY KEY,
    generation  INTEGER NOT NULL UNIQUE
) WITHOUT ROWID;
CREATE TABLE wrapped_key (
    key     INTEGER NOT NULL REFERENCES data_key (id) ON DELETE CASCADE,
    master  BLOB NOT NULL REFERENCES master_key (fingerprint) ON DELETE CASCADE,
    wrapped BLOB NOT NULL,
    PRIMARY KEY (key, master)
) WITHOUT ROWID;
CREATE TABLE imported (
    account         INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    key             BLOB NOT NULL,
    PRIMARY KEY (account, key)
) WITHOUT ROWID;
INSERT INTO imported VALUES(1,X'07070707070707070707070707070707');
CREATE TABLE sending_limit (
    holder          INTEGER NOT NULL,
    owner           INTEGER NOT NULL,
    kind            INTEGER NOT NULL,
    exception       INTEGER NOT NULL,
    most            INTEGER,
    ends_at         INTEGER,
    PRIMARY KEY (holder, owner, kind, exception)
) WITHOUT ROWID;
INSERT INTO sending_limit VALUES(5,1,2,0,50,NULL);
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
INSERT INTO sent VALUES(0,0,1700000000000,1,2,1,2,1,2);
INSERT INTO sent VALUES(1,1,1700000000000,1,2,1,2,1,2);
INSERT INTO sent VALUES(2,1,1700000000000,1,2,1,2,1,2);
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
INSERT INTO sending_watch VALUES(1,1700000000000,2,2,0,0,0,0,0,0);
CREATE TABLE sending_freeze (
    account     INTEGER PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE,
    cause       INTEGER NOT NULL,
    words       TEXT NOT NULL,
    frozen_at   INTEGER NOT NULL
);
CREATE TABLE queue_tally (
    kind    INTEGER NOT NULL,
    name    TEXT NOT NULL,
    entries INTEGER NOT NULL,
    held    INTEGER NOT NULL,
    PRIMARY KEY (kind, name)
) WITHOUT ROWID;
INSERT INTO queue_tally VALUES(0,'',2,0);
INSERT INTO queue_tally VALUES(1,'elsewhere.example',1,0);
INSERT INTO queue_tally VALUES(1,'far.example',1,0);
INSERT INTO queue_tally VALUES(2,'connect',1,0);
CREATE TABLE route (
    name                    TEXT PRIMARY KEY,
    to_domain               TEXT,
    from_domain             TEXT,
    account                 INTEGER REFERENCES account (id) ON DELETE CASCADE,
    tls                     INTEGER NOT NULL,
    certificate_name        TEXT,
    login                   TEXT,
    password                BLOB,
    connections             INTEGER,
    messages_per_connection INTEGER,
    pause_after             INTEGER,
    pause_ms                INTEGER NOT NULL,
    per_minute              INTEGER,
    per_hour                INTEGER,
    per_day                 INTEGER
) WITHOUT ROWID;
INSERT INTO route VALUES('relay','far.example',NULL,1,1,NULL,'ann',X'6f66207468652072656c6179',NULL,NULL,NULL,0,NULL,100,NULL);
CREATE TABLE route_host (
    route       TEXT NOT NULL REFERENCES route (name) ON DELETE CASCADE,
    position    INTEGER NOT NULL,
    preference  INTEGER NOT NULL,
    host        TEXT NOT NULL,
    port        INTEGER NOT NULL,
    PRIMARY KEY (route, position)
) WITHOUT ROWID;
INSERT INTO route_host VALUES('relay',0,10,'relay.example',587);
CREATE TABLE route_sent (
    route       TEXT PRIMARY KEY REFERENCES route (name) ON DELETE CASCADE,
    counted_at  INTEGER NOT NULL,
    minute      INTEGER NOT NULL,
    hour        INTEGER NOT NULL,
    day         INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO route_sent VALUES('relay',1700000000000,1,1,1);
CREATE TABLE sts_policy (
    domain          TEXT PRIMARY KEY,
    id              TEXT NOT NULL,
    policy          TEXT NOT NULL,
    fetched_at      INTEGER NOT NULL,
    expires_at      INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO sts_policy VALUES('far.example','1',replace(replace('version: STSv1\r\nmode: enforce\r\n','\r',char(13)),'\n',char(10)),1700000000000,1700001000000);
CREATE TABLE tls_history (
    domain          TEXT PRIMARY KEY,
    clear           INTEGER NOT NULL,
    encrypted       INTEGER NOT NULL,
    verified        INTEGER NOT NULL,
    streak          INTEGER NOT NULL,
    streak_since    INTEGER NOT NULL,
    last_at         INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO tls_history VALUES('far.example',0,1,2,2,1700000000000,1700000000000);
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
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('user_group',1);
CREATE INDEX account_domain ON account (domain, folded);
CREATE INDEX account_local ON account (folded_local);
CREATE INDEX alias_domain ON alias (domain, folded);
CREATE INDEX body_moved ON body (segment) WHERE moved = 1;
CREATE INDEX message_changed ON message (mailbox, modseq) WHERE modseq > arrived_modseq;
CREATE INDEX queue_message_journey ON queue_message (journey);
CREATE INDEX queue_entry_message ON queue_entry (message);
CREATE INDEX trail_journey ON trail (journey, last_at);
CREATE INDEX trail_last_at ON trail (last_at, journey);
CREATE INDEX annotation_holder ON annotation (holder, mailbox);
CREATE INDEX group_member_group ON group_member (grp);
CREATE INDEX access_subject ON access (kind, subject);
CREATE INDEX reader_account ON reader (account);
CREATE INDEX search_segment_account ON search_segment (account, state);
CREATE INDEX search_segment_other ON search_segment (state) WHERE state <> 1;
CREATE INDEX search_mark_account ON search_mark (account);
CREATE INDEX expunged_account ON expunged (account);
CREATE INDEX former_mailbox_account ON former_mailbox (account);
CREATE INDEX former_mailbox_deleted ON former_mailbox (deleted_at);
CREATE INDEX former_account_folded ON former_account (folded);
CREATE INDEX former_account_removed ON former_account (removed_at);
CREATE INDEX remembered_ends ON remembered (ends_at);
CREATE INDEX queue_entry_ready ON queue_entry (destination, turn) WHERE turn IS NOT NULL;
CREATE INDEX queue_entry_turn ON queue_entry (destination, lane, turn) WHERE turn IS NOT NULL;
CREATE INDEX queue_entry_waiting ON queue_entry (due_at) WHERE turn IS NULL AND held = 0;
CREATE INDEX queue_entry_held ON queue_entry (held) WHERE held = 1;
CREATE INDEX queue_entry_destination ON queue_entry (destination);
CREATE INDEX queue_entry_lane ON queue_entry (lane);
CREATE INDEX queue_entry_submitter ON queue_entry (submitter) WHERE submitter IS NOT NULL;
CREATE INDEX queue_entry_cause ON queue_entry (cause) WHERE cause IS NOT NULL;
CREATE INDEX route_account ON route (account) WHERE account IS NOT NULL;
CREATE INDEX sts_policy_by_end ON sts_policy (expires_at);
COMMIT;
-- bodies/00000001.seg 50484201000000000300000000000000d33fb48ab5adff269ae172b29a6913ff04f6f266207a7a8e976f2ecd571d4492885885bc6f6e65f1866c7a504842010000000005000000000000001b4c968fa777c4596501fbe1f8837095be6870a0d4fdb8f5dc6467f8dcb590f9d877730d74776f0d0a7932682a50484201000000000500000000000000dbec0e689fb63bd729147727129d854e9d590ab620a18bbbcb3317d268d6fd72afb963817468726565f5d8c5465048420100000000040000000000000037392008a949c4879f190a4ce54e354782bc88564a9534a882b3d42448f961684678d133666f75727d66c19050484201000000000e00000000000000a858c4a408cb62305bc3e257a5f1f25b2112b50851dc2d52801faf73cd82652b3aa8973b73686172656420627920626f7468399890e250484201000000000a00000000000000d6231c13dc3866358cdacb68a39f13aea32e373074cd414bd4842da873f152e354734e8462726f7567687420696e07f4c0215048420100000000040000000000000065a1cd59d165ff3bad867d45a39538714c02e118fcb5e0a1e47362eb84647fce3eb18c4a6a756e6b399cfb0650484201000000000700000000000000c667cbb30d686b1ea761e6676f1a402940d7d0bec227d0c9fc7bf4396fd787c2bd455e636c656176696e67c684eb0c

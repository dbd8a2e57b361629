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
INSERT INTO segment VALUES(1,852,852,0);
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
INSERT INTO body VALUES(4294967296,X'8f9aa6cc97dafdfd467ee4e64603006aa6f9ade69d7d278f0395ec69ecaec68f',1,0,103,3,2,0,X'020000002b67a0e1d8d272eb67b5f812dc1d52f8ed2a95235dc7a2bc');
INSERT INTO body VALUES(4294967399,X'48629c971d7622e9bf3796cca7f7c858003b13ae6c79ea358e62624762a5f15f',1,103,105,5,2,0,X'02000000242364d7038ab4c971987fe43c6cd6a3a05176055205ab98');
INSERT INTO body VALUES(4294967504,X'8633241611b047c037f980c0f37cf06b154503ff58cc8480e147aa97962e5d2f',1,208,105,5,1,0,X'020000001847aedf800040b4b66867ae2f1bd75b9cd5a683bd9db09a');
INSERT INTO body VALUES(4294967609,X'903a2d563a1d5399e18b3cf6d09d560c202ffd88b41e4de5a6924ae460d77f2f',1,313,104,4,1,0,X'020000008e369c77f5a57c791a6e2786f689f5e7912be4c838db0807');
INSERT INTO body VALUES(4294967713,X'4fe54abb6639efeb2724f3eb98febb47ebf9e32171e9cefb0dfa47c6fed5d41d',1,417,114,14,2,0,X'020000005cc6770f4cd9c1223931303eb1303cb4b84a22b561db5a84');
INSERT INTO body VALUES(4294967827,X'de68eb5fc4c532aec11faf02265023ea7286647baef59d91a35fff81b23050c2',1,531,110,10,1,0,X'02000000f6b3370430741f6bd4d4755279b0d3b7a29e87a3cf8e0ad5');
INSERT INTO body VALUES(4294967937,X'0c485245ddbae36310c499b4a2f73aaff442418c2588914666aee72b88e9e9f0',1,641,104,4,1,0,X'020000007bc08114617ad2d3e5f2423c135be8e15b37d188c5cc8123');
INSERT INTO body VALUES(4294968041,X'388b73c9d6f5c5aa1b9640126795fc7e6fd79e62a78e97748621c56d3df50ca2',1,745,107,7,1,0,X'020000001671e12e5c5f64425e41bda45d2374e070d3d80b7f398922');
CREATE TABLE parsed (
    key                 INTEGER PRIMARY KEY REFERENCES body (key) ON DELETE CASCADE,
    structure           BLOB NOT NULL,
    envelope            BLOB NOT NULL,
    body                BLOB NOT NULL,
    bodystructure       BLOB NOT NULL,
    sent_local_seconds  INTEGER
, preview TEXT, thread BLOB, sealed_by INTEGER);
INSERT INTO parsed VALUES(4294967296,X'46ee014e673b895075c1d53084cd5955ab5050551316dc2100d76383556a8364dd37bd62d401b35b477f0c88cc75c8d78b4f5e7fe603dcf490',X'46ee014e673b895075c1d53084cd5955ab5050551316dc21017d4a42be4676742ae265b66e813b109a9966100a564df10a9d5b045c3ebcc4',X'46ee014e673b895075c1d53084cd5955ab5050551316dc21024bbcabb3fcf69fd3a3b161ffcf8fa4e0adf544b9ba49c90e7c04a5',X'46ee014e673b895075c1d53084cd5955ab5050551316dc2103b5ae43773b87b849185d475fe50814e0c90cb60353bdd38e1c656471c455047aedad5093',3,NULL,X'46ee014e673b895075c1d53084cd5955ab5050551316dc21048badc7a767ecbc4b0206d2efe5d0c9adcefd2529cc59da7f649746c907a6f79f',2);
INSERT INTO parsed VALUES(4294967399,X'd3b4da49684917858bf1e9b555b23f4c2bd9e7f51dd65a1e00c16586c91017b6c2ed19ac0674e85b04bec7fd6621a45048313be64973cf9bd514ac',X'd3b4da49684917858bf1e9b555b23f4c2bd9e7f51dd65a1e01e4059214dedda4c46f7fb3005a4818aeef3462ebaa1c750c809eae37eba83f27b9',X'd3b4da49684917858bf1e9b555b23f4c2bd9e7f51dd65a1e025e6a1b3af28357a6c91d64c12553fcf057f56a3553f8e3e1b7a4e8a565',X'd3b4da49684917858bf1e9b555b23f4c2bd9e7f51dd65a1e03d2828d8781dc747802c919364dcd692c0d3a728a01e34106880b97794fc8a3c13dc81e39fba9',5,NULL,NULL,2);
INSERT INTO parsed VALUES(4294967504,X'ff15de25726ea1d1ee806a293f6e6c620d2edb877af290a50028dbf77f1bbecb9517aab7e257dbf790470ee5a372a42b9030ff1808f4dff07a5d5f',X'ff15de25726ea1d1ee806a293f6e6c620d2edb877af290a50122768ef15277636a9302539d539f8a1785272324ffdc63677c1108dead88faaf9c',X'ff15de25726ea1d1ee806a293f6e6c620d2edb877af290a5024a7485dacfa3424fd8252818b82f7e8743ac1057c2165083b6be8a4c68',X'ff15de25726ea1d1ee806a293f6e6c620d2edb877af290a503d777eba0ea9889677486fb90d623904c918c54e0bf483fd4c4e5fda9e5698796f0fea3b7a808',5,NULL,NULL,2);
INSERT INTO parsed VALUES(4294967609,X'9eaa6807619a42a431ad808ec5fda794e21f73b5b0722081007008e8c096b949cad5c3003c7e98102fddb05caf45910594ea89cef6c4aa222720',X'9eaa6807619a42a431ad808ec5fda794e21f73b5b072208101ecbd9e22405c92d34f9226ac0f30c8d5718125a0a414cc295965e60f24365cba',X'9eaa6807619a42a431ad808ec5fda794e21f73b5b0722081022d5f2beda667b864bfabe0ae302e08e978a7fc2c9fd821730e3e712b',X'9eaa6807619a42a431ad808ec5fda794e21f73b5b0722081035c1de30c29f396c63b515ed34d2320c0d31241b81f30f2412cff6bc3c647d88aceafd2073f',4,X'9eaa6807619a42a431ad808ec5fda794e21f73b5b07220810439b0ddd557cd7fba026df1b4cbed78cb9bd3a4c9808251bb0ad73ef1081ae9',NULL,2);
INSERT INTO parsed VALUES(4294967713,X'4668e442bea52527592f75b335a9da706fc7b016023b8e4800c8d9ac89a4edff8592f829171769e7446e9806865e7d218685cf39d1df8397229a6874a1d9e88056d2e2a8',X'4668e442bea52527592f75b335a9da706fc7b016023b8e4801634aa69f98e8e08d63b11574255991a208991e4f86d751c2d23ec8dc45063257723501e31bf3140eae3e',X'4668e442bea52527592f75b335a9da706fc7b016023b8e4802406e88758c751219e9ed4295db889bc74dc143dfe4d74e7cfee3f9d0a6118d23f16beaba0e52',X'4668e442bea52527592f75b335a9da706fc7b016023b8e480343e2608d3d622b2fd49c1d809bbcfefbbef2ae7ed7a179c9b345779cc55584a0d736e595476c2df0777d9b2d64ff2f',14,X'4668e442bea52527592f75b335a9da706fc7b016023b8e4804d57e5e2305dc2df0cd1f83cf5dacf0cc09f0b7938218042e7a817c12fd17d9d4504e065402ee4a12b5',NULL,2);
INSERT INTO parsed VALUES(4294967827,X'fc3a63b751d3d78fa1be4cef258e1bccdd2add7d4825407d008d8a10bdd0c51a246b99f6dde7cb569cac962804e04eb6af82e15a6410fb7df763606a496d8eeb',X'fc3a63b751d3d78fa1be4cef258e1bccdd2add7d4825407d01f11721d38838c7acb2dd10e10d442a070f34dae667ff0e77ed41e73066320104cbd5b1eba102',X'fc3a63b751d3d78fa1be4cef258e1bccdd2add7d4825407d028c5f44c8d430abd156f27c9e2b283534996d2f7e0162d4aca0342e0b1d05456f2f35',X'fc3a63b751d3d78fa1be4cef258e1bccdd2add7d4825407d031db4beceacc705b658daa112c51a9d32d3122b15fc040b31b1a7412cca766898a936abebcbce184b7eaf27',10,X'fc3a63b751d3d78fa1be4cef258e1bccdd2add7d4825407d04fd46bed90ac68ce18303dfeb7438ec468fe89c99a263284d7fae120bd5a6b969bf1e9ee08c',NULL,2);
INSERT INTO parsed VALUES(4294967937,X'127e6a48cb05975a33a76cbc2f66e60bd8b9060b45e09fdc0022b6727d50144bdd0453feee9f9368fe62a422d1a36e85e7cc442e6f77d208f74b',X'127e6a48cb05975a33a76cbc2f66e60bd8b9060b45e09fdc01ac7841c7b39daccbf7bd66bf7a9d4d8bd38021cd409dd685e1c2fd7afb5d79c8',X'127e6a48cb05975a33a76cbc2f66e60bd8b9060b45e09fdc02110a62618509be714ffda657211c57612481a7af67b3e1282cf20bc6',X'127e6a48cb05975a33a76cbc2f66e60bd8b9060b45e09fdc030c023933c5d93963830053fe06c85e693c8ddbe203b10fdd46dde76c424d010a7e0034dfcc',4,X'127e6a48cb05975a33a76cbc2f66e60bd8b9060b45e09fdc04bcdc154d18d9f5896420dcf5dde92a5c792c21c9ddcdbd0543498e65e9768f',NULL,2);
INSERT INTO parsed VALUES(4294968041,X'215f2c222feb98638aedda5f02b4f76e6188992ac5723b9900b6fcdd1061f82aa7d4abc0765f1cb1232b35ff45007c3742b4c9b23a65311611d89deedb',X'215f2c222feb98638aedda5f02b4f76e6188992ac5723b9901841fd2046def4963fa095633ea87c6f922086531de95a01244ac72c5f8c451bb8d8c17',X'215f2c222feb98638aedda5f02b4f76e6188992ac5723b990249202fba89d09a0738cdad21814b0e4cb4efda1b5c019b13f6f7ba7f6a5143',X'215f2c222feb98638aedda5f02b4f76e6188992ac5723b990305fa5ba63ad4bc294f2dcbe8f32a997214b6d1121b7edcbf70e5c571ecf5656433faf901bfafe9e5',7,NULL,NULL,2);
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
INSERT INTO message VALUES(1,1,3,1,NULL,3,1700000000000,1795346596353,1,4294967296,3);
INSERT INTO message VALUES(1,2,12,6,'later',5,1700000000000,1795346596364,2,4294967399,4);
INSERT INTO message VALUES(1,5,7,0,NULL,14,1700000000000,1795346596400,5,4294967713,7);
INSERT INTO message VALUES(2,1,8,1,NULL,3,1700000000000,1795346596405,1,4294967296,8);
INSERT INTO message VALUES(2,2,8,4,'later',5,1700000000000,1795346596405,2,4294967399,8);
INSERT INTO message VALUES(2,3,9,0,NULL,4,1700000000000,1795346596521,4,4294967609,9);
INSERT INTO message VALUES(2,4,13,1,NULL,10,1700000000000,1795346596527,7,4294967827,13);
INSERT INTO message VALUES(3,1,3,0,NULL,14,1700000000000,1795346596400,6,4294967713,3);
INSERT INTO message VALUES(6,1,5,0,NULL,4,1700000000000,1795346596539,8,4294967937,5);
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
INSERT INTO queue_message VALUES(1,7,4294968041,2,'Ann@example.org','ann@example.org',0,0,0,NULL,NULL,1,1700000000000,1,1,NULL);
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
INSERT INTO search_segment VALUES(1,1,7,1,4,4294967296,4294967827,61,X'04808080801066d101d90100',X'28440cfe97918b56ce2ff17017b63f8f6add1a2d0fbba79700df3380397bb23591f8dbe591a59f47387a6a',2);
INSERT INTO search_segment VALUES(2,1,7,1,1,4294967713,4294967713,56,X'01a18380801000',X'fd4da992af60be534f3dcb5fa77cd64f7a4527aa8d3af7b2000a2f191e80562445eb4fe91dc47467183c28',2);
CREATE TABLE search_block (
    id      INTEGER PRIMARY KEY,
    content BLOB NOT NULL
);
INSERT INTO search_block VALUES(16777216,X'2b166c98da85f283c1ab92b714cb3c80b868f3fa6237805c00fba52058eacb2ae4f4a35b2f7ab1e3064527a8a842ae');
INSERT INTO search_block VALUES(33554432,X'3e010733db7aee92776a2648c00652ed4cff001e88459457005764abcb651cfaabef6a2f6a362bec50401b6112ffcd');
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
INSERT INTO expunged VALUES(1795346596524,1,3,1,8,NULL,5,1700000000000,1795346596376,3,4294967504);
CREATE TABLE former_mailbox (
    id              INTEGER PRIMARY KEY,
    account         INTEGER NOT NULL,
    name            TEXT NOT NULL,
    special_use     TEXT,
    deleted_at      INTEGER NOT NULL
);
INSERT INTO former_mailbox VALUES(6,2,'Junk','\Junk',1795346596545);
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
INSERT INTO encryption VALUES(1,3,2,1,0,1,9223372036854775807,0,0,0);
CREATE TABLE data_key (
    id          INTEGER PRIMARY KEY,
    purpose     INTEGER NOT NULL,
    created_at  INTEGER NOT NULL
);
INSERT INTO data_key VALUES(1,1,1795346596290);
INSERT INTO data_key VALUES(2,0,1795346596290);
CREATE TABLE master_key (
    fingerprint BLOB PRIMARY KEY,
    generation  INTEGER NOT NULL UNIQUE
) WITHOUT ROWID;
INSERT INTO master_key VALUES(X'40f8bfd35fd71ed7',1);
CREATE TABLE wrapped_key (
    key     INTEGER NOT NULL REFERENCES data_key (id) ON DELETE CASCADE,
    master  BLOB NOT NULL REFERENCES master_key (fingerprint) ON DELETE CASCADE,
    wrapped BLOB NOT NULL,
    PRIMARY KEY (key, master)
) WITHOUT ROWID;
INSERT INTO wrapped_key VALUES(1,X'40f8bfd35fd71ed7',X'f901485a17ba329f2da8039044d3045528aa7801cd8b182fb00796b12451ddc117f255dba777c53f9961c9eee782246b44ec1d8e4be3bb1bcf3fd82d070ac2abd34558ecac0b79f7');
INSERT INTO wrapped_key VALUES(2,X'40f8bfd35fd71ed7',X'49867393df355d826146f1bc060101d0c068c532f37903d51d9aa4b2513586bc4e06aadcc482cf87c7fa63af1710c475168facdc6ba07b7419e4b1351677338ad3d7c659d8c7656a');
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
-- bodies/00000001.seg 504842021c00000003000000000000008f9aa6cc97dafdfd467ee4e64603006aa6f9ade69d7d278f0395ec69ecaec68f3faa7bba020000002b67a0e1d8d272eb67b5f812dc1d52f8ed2a95235dc7a2bcd52cb852c83b89161cbdfea717d4e7709880797b8f5e96504842021c000000050000000000000048629c971d7622e9bf3796cca7f7c858003b13ae6c79ea358e62624762a5f15f3f2db57102000000242364d7038ab4c971987fe43c6cd6a3a05176055205ab980ac658f82838a4ec089da5eb9a62fd4fc7447587e7a2682ea1504842021c00000005000000000000008633241611b047c037f980c0f37cf06b154503ff58cc8480e147aa97962e5d2f5c6786db020000001847aedf800040b4b66867ae2f1bd75b9cd5a683bd9db09a2f2d5db52d39567f031c9552d4231de3cfb150843e11cbf199504842021c0000000400000000000000903a2d563a1d5399e18b3cf6d09d560c202ffd88b41e4de5a6924ae460d77f2f8119b64b020000008e369c77f5a57c791a6e2786f689f5e7912be4c838db0807e0902b0e03af149cf09ad76b348c2987ccd67cdb45aeb10b504842021c0000000e000000000000004fe54abb6639efeb2724f3eb98febb47ebf9e32171e9cefb0dfa47c6fed5d41da1944b70020000005cc6770f4cd9c1223931303eb1303cb4b84a22b561db5a8444039e069522950110db87f0648b3732d2def90dcc32ac5b330ec3705a53f5ef28a8504842021c0000000a00000000000000de68eb5fc4c532aec11faf02265023ea7286647baef59d91a35fff81b23050c27eae392302000000f6b3370430741f6bd4d4755279b0d3b7a29e87a3cf8e0ad5b9155a8f00209dc09322cdf1d39e75a0d4ae88d5c0eada40e202c287ab7c504842021c00000004000000000000000c485245ddbae36310c499b4a2f73aaff442418c2588914666aee72b88e9e9f0af5b52ac020000007bc08114617ad2d3e5f2423c135be8e15b37d188c5cc81237b2830826e97ad9086558ee5adefa5c900c692ee81fb6977504842021c0000000700000000000000388b73c9d6f5c5aa1b9640126795fc7e6fd79e62a78e97748621c56d3df50ca2fa9b73d3020000001671e12e5c5f64425e41bda45d2374e070d3d80b7f398922480f937af908a2bf6e8199769a1d7f4a5027b268af00cc43ef427a

//! Extensions: a file each, for what can stand apart.
//!
//! Some are spread over the commands that they change, and have no file: SASL-IR (RFC 4959) in
//! `session/authenticate`, LITERAL+ and LITERAL- (RFC 7888) in `session/command`, APPENDLIMIT (RFC 7889) in
//! `session/append`, and there also MULTIAPPEND (RFC 3502), CATENATE (RFC 4469) and the literal8 of BINARY (RFC 3516),
//! STATUS=SIZE (RFC 8438) in `grammar/status`, CHILDREN (RFC 3348) and SPECIAL-USE (RFC 6154) in
//! `session/list`.

pub(crate) mod acl;
pub(crate) mod compress;
pub(crate) mod condstore;
pub(crate) mod context;
pub(crate) mod create_special_use;
pub(crate) mod enable;
pub(crate) mod esearch;
pub(crate) mod filters;
pub(crate) mod id;
pub(crate) mod idle;
pub(crate) mod inprogress;
pub(crate) mod list_extended;
pub(crate) mod list_metadata;
pub(crate) mod list_myrights;
pub(crate) mod messagelimit;
pub(crate) mod metadata;
pub(crate) mod move_messages;
pub(crate) mod multisearch;
pub(crate) mod namespace;
pub(crate) mod notify;
pub(crate) mod object_id;
pub(crate) mod partial;
pub(crate) mod preview;
pub(crate) mod qresync;
pub(crate) mod quota;
pub(crate) mod replace;
pub(crate) mod save_date;
pub(crate) mod sort;
pub(crate) mod thread;
pub(crate) mod uid_only;
pub(crate) mod uidplus;
pub(crate) mod unauthenticate;
pub(crate) mod unselect;
pub(crate) mod within;

//! How much there may be of anything that comes from elsewhere.

/// Largest message that is moved, in octets. It is in memory while it is.
pub const MAX_MESSAGE_BYTES: u64 = 256 << 20;
/// Most folders of one account: as many as an account here can have.
pub const MAX_FOLDERS: usize = 10_000;
/// Most messages of one folder. What is known of each, some hundred octets, is in memory while the folder is moved.
pub const MAX_FOLDER_MESSAGES: usize = 4_000_000;
/// Most levels of directories below the one that was named.
pub const MAX_DEPTH: usize = 32;
/// Largest file that says something about a folder, such as its subscriptions, in octets.
pub const MAX_NOTE_BYTES: u64 = 4 << 20;
/// Most messages that are on their way at once.
pub const MAX_BATCH_MESSAGES: usize = 100;
/// Most octets that are on their way at once; one message may pass it.
pub const MAX_BATCH_BYTES: u64 = 4 << 20;
/// Most messages about which the target is asked at once.
pub const MAX_BATCH_KEYS: usize = 2000;
/// Most things that went wrong of which each is told. Further ones are counted.
pub const MAX_TOLD_PROBLEMS: usize = 1000;

//! Commands about mail on its way out.

use clap::{Args, Subcommand};
use posthouse_model::{Address, Domain};

use super::Output;

/// Which entries of the queue.
#[derive(Clone, Debug, Default, Args)]
pub struct QueueSelection {
    /// The entries of these numbers, or of the messages with these ids.
    #[arg(value_name = "NUMBER|ID")]
    pub which: Vec<String>,
    /// Those to this domain, or by way of this host.
    #[arg(long, value_parser = Domain::parse)]
    pub destination: Option<Domain>,
    /// Those from this sender.
    #[arg(long, value_parser = Address::parse)]
    pub sender: Option<Address>,
    /// Those from senders of this domain.
    #[arg(long, value_name = "DOMAIN", value_parser = Domain::parse)]
    pub sender_domain: Option<Domain>,
    /// Those whose last attempt came to this, such as `connect` or `reply-421`; `queue summary` lists what there is.
    #[arg(long)]
    pub cause: Option<String>,
    /// Those that are held back.
    #[arg(long)]
    pub held: bool,
}

impl QueueSelection {
    /// Whether anything narrows it.
    pub fn is_narrow(&self) -> bool {
        let Self { which, destination, sender, sender_domain, cause, held } = self;
        !which.is_empty()
            || destination.is_some()
            || sender.is_some()
            || sender_domain.is_some()
            || cause.is_some()
            || *held
    }
}

/// What to do with the queue.
#[derive(Debug, Subcommand)]
pub enum QueueCommand {
    /// List entries.
    List {
        /// Which; all unless said otherwise.
        #[command(flatten)]
        selection: QueueSelection,
        /// At most so many.
        #[arg(long, default_value_t = 1000)]
        limit: usize,
        /// How.
        #[command(flatten)]
        output: Output,
    },
    /// Show an entry with all that is known of it.
    Show {
        /// Its number, or the id of the message.
        #[arg(value_name = "NUMBER|ID")]
        which: String,
        /// How.
        #[command(flatten)]
        output: Output,
    },
    /// Count entries by destination and by what their last attempts came to.
    Summary {
        /// So many lines of each.
        #[arg(long, default_value_t = 20)]
        limit: usize,
        /// How.
        #[command(flatten)]
        output: Output,
    },
    /// Count entries.
    Counts(Output),
    /// Keep entries back.
    Hold(SteeringOptions),
    /// Let held entries go on.
    Release(SteeringOptions),
    /// Try entries now.
    Retry(SteeringOptions),
    /// Send entries by way of another host.
    Reroute(RerouteOptions),
    /// Give entries up, and tell their senders.
    Bounce(BounceOptions),
    /// Take entries out without telling the sender.
    Drop(RemovalOptions),
}

/// Which entries an action is for. Nothing is done to all of them by accident.
#[derive(Debug, Args)]
pub struct SteeringOptions {
    /// Which.
    #[command(flatten)]
    pub selection: QueueSelection,
    /// All entries.
    #[arg(long)]
    pub all: bool,
    /// How to print what was done.
    #[command(flatten)]
    pub output: Output,
}

/// Options of `queue reroute`.
#[derive(Debug, Args)]
#[group(id = "way", required = true, args = ["to", "end"])]
pub struct RerouteOptions {
    /// Which.
    #[command(flatten)]
    pub steering: SteeringOptions,
    /// The host that is to take them, and its port.
    #[arg(long, value_name = "HOST:PORT")]
    pub to: Option<String>,
    /// Send them where they would go by themselves again.
    #[arg(long)]
    pub end: bool,
}

/// Options of what takes entries out of the queue.
#[derive(Debug, Args)]
pub struct RemovalOptions {
    /// Which.
    #[command(flatten)]
    pub steering: SteeringOptions,
    /// Do not ask.
    #[arg(long)]
    pub yes: bool,
}

/// Options of `queue bounce`.
#[derive(Debug, Args)]
pub struct BounceOptions {
    /// Which.
    #[command(flatten)]
    pub removal: RemovalOptions,
    /// What the sender is told besides.
    #[arg(long, value_name = "WORDS", default_value = "")]
    pub reason: String,
}

//! Groups, shared areas, and who may do what in whose mailboxes.

use clap::Subcommand;
use posthouse_model::{Address, GroupName, MailboxName};

use super::Output;

/// What to do with groups.
#[derive(Debug, Subcommand)]
pub enum GroupCommand {
    /// Make a group without members.
    Add {
        /// Its name.
        #[arg(value_parser = GroupName::parse)]
        name: GroupName,
    },
    /// Remove a group, and with it the rights that it gave.
    Remove {
        /// Its name.
        #[arg(value_parser = GroupName::parse)]
        name: GroupName,
    },
    /// List all groups.
    List(Output),
    /// Show who is in a group, after taking accounts in or out.
    Member {
        /// The group.
        #[arg(value_parser = GroupName::parse)]
        name: GroupName,
        /// Take this account in.
        #[arg(long, value_name = "ADDRESS", value_parser = Address::parse)]
        add: Vec<Address>,
        /// Take this account out.
        #[arg(long, value_name = "ADDRESS", value_parser = Address::parse)]
        remove: Vec<Address>,
        /// How.
        #[command(flatten)]
        output: Output,
    },
}

/// What to do with shared areas.
#[derive(Debug, Subcommand)]
pub enum SharedCommand {
    /// Have an account's mailboxes stand below `Shared/NAME`. An account that is not there is made, without a password.
    Add {
        /// The name, as users see it.
        #[arg(value_parser = MailboxName::parse)]
        name: MailboxName,
        /// The account; mail to it arrives in `Shared/NAME`.
        #[arg(value_parser = Address::parse)]
        address: Address,
    },
    /// Have an account's mailboxes no longer stand there. The account, its mail and all rights stay.
    Remove {
        /// The name.
        #[arg(value_parser = MailboxName::parse)]
        name: MailboxName,
    },
    /// List all shared areas.
    List(Output),
}

/// What to do with rights.
#[derive(Debug, Subcommand)]
pub enum RightsCommand {
    /// Show who may do what in a mailbox.
    List {
        /// Whose mailbox.
        #[arg(value_parser = Address::parse)]
        address: Address,
        /// Which.
        #[arg(default_value = "INBOX", value_parser = MailboxName::parse)]
        mailbox: MailboxName,
        /// How.
        #[command(flatten)]
        output: Output,
    },
    /// Say what somebody may do in a mailbox, and in those made below it from now on.
    Set {
        /// Whose mailbox.
        #[arg(value_parser = Address::parse)]
        address: Address,
        /// Which.
        #[arg(value_parser = MailboxName::parse)]
        mailbox: MailboxName,
        /// An account's address, `$` and a group, or `anyone`; with a dash before it, rights are taken away.
        #[arg(allow_hyphen_values = true)]
        identifier: String,
        /// Letters out of lrswipkxtea; `+` before them adds, `-` removes; none at all (`''`) ends it.
        #[arg(allow_hyphen_values = true)]
        rights: String,
    },
}

//! `posthouse import` and `posthouse export`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use posthouse_model::{Address, MailboxName};

use super::Output;

/// Where mail is brought in from.
#[derive(Debug, Subcommand)]
pub enum ImportCommand {
    /// From a Maildir, with its folders.
    Maildir {
        /// Into whose mailboxes.
        #[arg(value_parser = Address::parse)]
        address: Address,
        /// The Maildir.
        path: PathBuf,
        /// How its folders lie.
        #[command(flatten)]
        layout: LayoutOptions,
        /// How messages are known again: not by the path, but by this.
        #[arg(long, value_name = "NAME")]
        source_name: Option<String>,
        /// What, and how.
        #[command(flatten)]
        options: TransferOptions,
    },
    /// From an mbox file, or a directory of them.
    Mbox {
        /// Into whose mailboxes.
        #[arg(value_parser = Address::parse)]
        address: Address,
        /// The file or directory.
        path: PathBuf,
        /// How the files keep lines of messages apart from their own.
        #[arg(long, value_enum, default_value_t = MboxForm::Mboxrd)]
        form: MboxForm,
        /// The mailbox for the messages of a single file [default: the one that the file's name says].
        #[arg(long = "as", value_name = "MAILBOX", value_parser = MailboxName::parse)]
        single_name: Option<MailboxName>,
        /// How messages are known again: not by the path, but by this.
        #[arg(long, value_name = "NAME")]
        source_name: Option<String>,
        /// What, and how.
        #[command(flatten)]
        options: TransferOptions,
    },
    /// Forget what was brought into an account, so that it would all come again.
    Forget {
        /// Whose.
        #[arg(value_parser = Address::parse)]
        address: Address,
    },
}

/// Where mail is taken out to.
#[derive(Debug, Subcommand)]
pub enum ExportCommand {
    /// To a Maildir, with its folders. What is there stays.
    Maildir {
        /// Whose mailboxes.
        #[arg(value_parser = Address::parse)]
        address: Address,
        /// The Maildir; it is made if it is not there.
        path: PathBuf,
        /// How its folders lie.
        #[command(flatten)]
        layout: LayoutOptions,
        /// What, and how.
        #[command(flatten)]
        options: TransferOptions,
    },
    /// To a directory of mbox files, one for each mailbox. What is there stays.
    Mbox {
        /// Whose mailboxes.
        #[arg(value_parser = Address::parse)]
        address: Address,
        /// The directory; it is made if it is not there.
        path: PathBuf,
        /// What, and how.
        #[command(flatten)]
        options: TransferOptions,
    },
}

/// What is moved, and how that is told.
#[derive(Clone, Debug, Args)]
pub struct TransferOptions {
    /// Only mailboxes of this name; `*` stands for anything. Can be given several times.
    #[arg(long, value_name = "NAME")]
    pub mailbox: Vec<String>,
    /// No mailboxes of this name. Can be given several times.
    #[arg(long, value_name = "NAME")]
    pub except: Vec<String>,
    /// Put everything below this mailbox.
    #[arg(long, value_name = "MAILBOX", value_parser = MailboxName::parse)]
    pub below: Option<MailboxName>,
    /// Only say what there is to move.
    #[arg(long)]
    pub dry_run: bool,
    /// How.
    #[command(flatten)]
    pub output: Output,
}

/// How folders of a Maildir lie.
#[derive(Clone, Copy, Debug, Args)]
pub struct LayoutOptions {
    /// Side by side (`.Work.2024`), or in each other (`Work/2024`) [default: as it looks; side by side if it is made].
    #[arg(long, value_enum)]
    pub layout: Option<LayoutName>,
    /// What separates the levels of folders that lie side by side.
    #[arg(long, default_value = ".", value_name = "CHARACTER", value_parser = separator)]
    pub separator: char,
}

/// A layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LayoutName {
    /// Side by side: `.Work.2024`.
    #[value(name = "maildir++")]
    SideBySide,
    /// In each other: `Work/2024`.
    #[value(name = "fs")]
    Nested,
}

/// How mbox files keep lines of messages apart from their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum MboxForm {
    /// `>From ` has had one `>` less, however many there are.
    Mboxrd,
    /// Only `>From ` has had one less.
    Mboxo,
    /// Content-Length says where a message ends.
    Mboxcl2,
}

fn separator(text: &str) -> Result<char, String> {
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(c), None) if c.is_ascii_punctuation() && !"/&".contains(c) => Ok(c),
        _ => Err("a separator is one character, such as . or ^, and neither / nor &".to_owned()),
    }
}

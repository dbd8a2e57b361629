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
    /// From an account at another server, by IMAP.
    Imap {
        /// Into whose mailboxes.
        #[arg(value_parser = Address::parse)]
        address: Address,
        /// The server, and who signs in there.
        #[command(flatten)]
        server: ServerOptions,
        /// How messages are known again: not by host and login, but by this.
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
    /// To an account at another server, by IMAP. What is there stays.
    Imap {
        /// Whose mailboxes.
        #[arg(value_parser = Address::parse)]
        address: Address,
        /// The server, and who signs in there.
        #[command(flatten)]
        server: ServerOptions,
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

/// Another server. Passwords are never part of the command line, which others can see.
#[derive(Clone, Debug, Args)]
pub struct ServerOptions {
    /// Its name, which its certificate has to have, and its port [default: 993; 143 with --starttls or --clear].
    #[arg(long, value_name = "HOST[:PORT]")]
    pub host: String,
    /// Who signs in there.
    #[arg(long, value_name = "LOGIN")]
    pub login: String,
    /// Begin in clear and go over to TLS (STARTTLS), not TLS from the first octet.
    #[arg(long)]
    pub starttls: bool,
    /// No TLS: for a server on this machine.
    #[arg(long, conflicts_with = "starttls")]
    pub clear: bool,
    /// With --clear: for a server anywhere. Whoever is on the way reads password and mail.
    #[arg(long, requires = "clear")]
    pub dangerously_anywhere: bool,
    /// Trust the authorities of this PEM file, and no others.
    #[arg(long, value_name = "FILE")]
    pub trust_roots: Option<PathBuf>,
    /// Read the password from the first line of this file [default: ask for it].
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// Read the password from this environment variable.
    #[arg(long, value_name = "NAME", conflicts_with = "password_file")]
    pub password_env: Option<String>,
    /// Read the password from standard input (one line).
    #[arg(long, conflicts_with_all = ["password_file", "password_env"])]
    pub password_stdin: bool,
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

//! The command line.

pub mod alerts;
pub mod credential;
pub mod dkim;
pub mod inventory;
pub mod keeping;
mod language;
pub mod limit;
pub mod migration;
pub mod queue;
pub mod route;
mod sharing;
pub mod srs;
pub mod tls_reports;
pub mod transport;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::Timestamp;
use posthouse_model::{Address, Domain};

pub use language::{LanguageWanted, Wanted};
pub use sharing::{GroupCommand, RightsCommand, SharedCommand};

/// What stands below the list of commands.
const AFTER_HELP: &str = "\
Start here:
  posthouse demo                   a server with two accounts, on this machine only, gone when it ends
  posthouse setup mail.example.org a server for real: writes a configuration and makes the first account

Exit codes: 0 done; 1 refused or failed; 2 the command line is wrong; 69 no server answers; 71 a port or a right
cannot be had; 74 the data cannot be used; 78 the configuration is wrong.";

/// A secure mail server in one program.
#[derive(Debug, Parser)]
#[command(name = "posthouse", version, after_help = AFTER_HELP, max_term_width = 100)]
pub struct CommandLine {
    /// The configuration file [default: /etc/posthouse/posthouse.toml].
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The control socket of the running server [default: the one of the configuration].
    #[arg(long, global = true, value_name = "PATH")]
    pub socket: Option<PathBuf>,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start a server on this machine only, with throw-away data and accounts to try.
    Demo(DemoOptions),
    /// Set up a host: configuration, data directory, certificate, first account.
    Setup(SetupOptions),
    /// Run the server.
    Serve,
    /// Try the running server: listeners, certificates, DNS, a message that goes round.
    Check(CheckOptions),
    /// Show what runs.
    Status(Output),
    /// Domains that this server takes mail for.
    #[command(subcommand)]
    Domain(DomainCommand),
    /// Those who have mail here.
    #[command(subcommand)]
    Account(AccountCommand),
    /// App passwords: secrets that accounts have besides their main password, for one program each.
    #[command(subcommand)]
    Credential(credential::CredentialCommand),
    /// Addresses that stand for others.
    #[command(subcommand)]
    Alias(AliasCommand),
    /// Groups of accounts, to which rights can be given.
    #[command(subcommand)]
    Group(GroupCommand),
    /// Mailboxes that are everybody's, below `Shared/`.
    #[command(subcommand)]
    Shared(SharedCommand),
    /// Who may do what in whose mailboxes.
    #[command(subcommand)]
    Rights(RightsCommand),
    /// Mail that goes by way of given hosts.
    #[command(subcommand)]
    Route(route::RouteCommand),
    /// How much may be sent: by credential, account, domain and server.
    #[command(subcommand)]
    Limit(limit::LimitCommand),
    /// Keys that sign what leaves (DKIM).
    #[command(subcommand)]
    Dkim(dkim::DkimCommand),
    /// Keys behind rewritten senders of what aliases lead on (SRS).
    #[command(subcommand)]
    Srs(srs::SrsCommand),
    /// Find out what the hosts of a domain offer, what they have to, and why.
    Probe(transport::ProbeOptions),
    /// What others report about TLS towards our hosts.
    #[command(subcommand)]
    TlsReports(tls_reports::TlsReportsCommand),
    /// What proves the hosts of other domains, and ours.
    #[command(subcommand)]
    Transport(transport::TransportCommand),
    /// Mail on its way out.
    #[command(subcommand)]
    Queue(queue::QueueCommand),
    /// Show what happened to a message, from connection to final answer.
    Trail(TrailOptions),
    /// Encryption of the mail on the disk.
    #[command(subcommand)]
    Encryption(EncryptionCommand),
    /// Take a backup while the server runs, or look after backups.
    Backup(keeping::BackupOptions),
    /// Restore a backup, for a server that does not run.
    Restore(keeping::RestoreOptions),
    /// Check all that is stored: every message, counter and reference.
    Verify(keeping::VerifyCommandOptions),
    /// Bring mail into an account: from a Maildir, mbox files, or another server.
    #[command(subcommand)]
    Import(migration::ImportCommand),
    /// Take mail out of an account: to a Maildir, mbox files, or another server.
    #[command(subcommand)]
    Export(migration::ExportCommand),
    /// Put back messages that were expunged.
    Undelete(keeping::UndeleteOptions),
    /// How long mailboxes keep what is in them.
    #[command(subcommand)]
    Retention(keeping::RetentionCommand),
    /// Messages that come twice.
    #[command(subcommand)]
    Duplicates(keeping::DuplicatesCommand),
    /// Show who connects with what: TLS, mechanisms, ports, mail programs.
    Inventory(inventory::InventoryOptions),
    /// Show what is not as it should be, and what was not.
    Alerts(alerts::AlertsOptions),
    /// Print all figures in the text format of Prometheus.
    Metrics,
    /// Show which log lines are written, or write others from now on.
    LogLevel {
        /// `error`, `warn`, `info`, `debug` or `trace`, `target=level` separated by commas, or `configured`.
        filter: Option<String>,
    },
    /// Log the conversations of a listener, without passwords, or stop doing so.
    ProtocolLog {
        /// `on` or `off`.
        switch: Switch,
        /// The listener's name, as in `posthouse status`.
        listener: String,
    },
    /// Read the certificate files again.
    Reload(Output),
    /// Make the index of words anew, while the server runs; searches give the same answers meanwhile.
    Reindex {
        /// Of this account only.
        #[arg(value_parser = Address::parse)]
        address: Option<Address>,
        /// How to print.
        #[command(flatten)]
        output: Output,
    },
}

/// How lists are printed.
#[derive(Clone, Copy, Debug, Args)]
pub struct Output {
    /// Print JSON, for scripts.
    #[arg(long)]
    pub json: bool,
}

/// On or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    /// From now on.
    On,
    /// No longer.
    Off,
}

/// Yes or no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Answer {
    /// It is so.
    Yes,
    /// It is not.
    No,
}

impl From<Answer> for bool {
    fn from(answer: Answer) -> Self {
        answer == Answer::Yes
    }
}

/// Options of `demo`.
#[derive(Clone, Debug, Args)]
pub struct DemoOptions {
    /// Print one line of JSON when ready, and nothing else.
    #[arg(long)]
    pub json: bool,
    /// How many accounts: ann, bob, user3, user4 and so on.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub accounts: u32,
    /// Where the ports begin: each is P plus the usual one, so mx is P+25 and imaps P+993; 0 takes any that are free.
    #[arg(long, default_value_t = 2500, value_name = "P", value_parser = clap::value_parser!(u16).range(0..=64_000))]
    pub port_base: u16,
    /// Keep the data in this directory, and go on with it the next time.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// The name that the server goes by.
    #[arg(long, default_value = "localhost", value_name = "NAME", value_parser = Domain::parse)]
    pub host: Domain,
    /// Take the settings that no other option is about from this configuration file.
    #[arg(long, value_name = "FILE")]
    pub settings: Option<PathBuf>,
    /// Ask this DNS server instead of the system's.
    #[arg(long, value_name = "ADDR:PORT")]
    pub resolver: Option<SocketAddr>,
    /// Trust the authorities of this PEM file for outgoing mail, and no others.
    #[arg(long, value_name = "FILE")]
    pub trust_roots: Option<PathBuf>,
    /// The port on which other hosts take mail.
    #[arg(long, default_value_t = 25, value_name = "N")]
    pub smtp_port: u16,
    /// Send all mail that leaves by way of this host; with a login, its password is the first line of a file.
    #[arg(long, value_name = "HOST:PORT[,LOGIN:PASSWORDFILE]", value_parser = SmartHostOption::parse)]
    pub route: Option<SmartHostOption>,
    /// Try mail that cannot leave again after so many seconds, instead of minutes and hours.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    pub retry_after: Option<u64>,
    /// Offer CRAM-MD5, too.
    #[arg(long)]
    pub cram_md5: bool,
    /// Which log lines to print.
    #[arg(long, default_value = "warn", value_name = "FILTER")]
    pub log: String,
}

/// A smart host on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SmartHostOption {
    /// Name or address literal.
    pub host: Domain,
    /// Port.
    pub port: u16,
    /// Login, and the file that holds its password.
    pub login: Option<(String, PathBuf)>,
}

impl SmartHostOption {
    fn parse(text: &str) -> Result<Self, String> {
        let (place, login) = match text.split_once(',') {
            Some((place, login)) => (place, Some(login)),
            None => (text, None),
        };
        let (host, port) = place.rsplit_once(':').ok_or("write HOST:PORT, such as relay.example.net:587")?;
        let host = match host.parse() {
            Ok(ip) => Domain::literal(ip),
            Err(_) => Domain::parse(host).map_err(|_| format!("`{host}` is not a host name"))?,
        };
        let port = port.parse().map_err(|_| format!("`{port}` is not a port"))?;
        let login = match login.map(|login| login.rsplit_once(':')) {
            None => None,
            Some(Some((login, file))) if !login.is_empty() => Some((login.to_owned(), PathBuf::from(file))),
            Some(_) => return Err("write LOGIN:PASSWORDFILE after the comma".to_owned()),
        };
        Ok(Self { host, port, login })
    }
}

/// Where a password comes from.
#[derive(Clone, Copy, Debug, Args)]
pub struct PasswordOptions {
    /// Read the password from standard input (one line).
    #[arg(long, conflicts_with = "generate")]
    pub password_stdin: bool,
    /// Make a random password and print it, once.
    #[arg(long)]
    pub generate: bool,
}

/// Options of `setup`.
#[derive(Debug, Args)]
pub struct SetupOptions {
    /// The name of the host, such as mail.example.org.
    #[arg(value_parser = Domain::parse)]
    pub host: Domain,
    /// The first domain [default: the host's name without its first part].
    #[arg(long, value_parser = Domain::parse)]
    pub domain: Option<Domain>,
    /// The administrator's address [default: admin@ the domain].
    #[arg(long, value_parser = Address::parse)]
    pub administrator: Option<Address>,
    /// Where the data is to be.
    #[arg(long, default_value = crate::configuration::USUAL_DATA_DIRECTORY, value_name = "DIR")]
    pub data: PathBuf,
    /// The user as whom the server is to run [default: posthouse, where that user exists and you are root].
    #[arg(long)]
    pub user: Option<String>,
    /// Where the password comes from.
    #[command(flatten)]
    pub password: PasswordOptions,
}

/// Options of `check`.
#[derive(Debug, Args)]
pub struct CheckOptions {
    /// Trust the authorities of this PEM file, and no others, when certificates are judged.
    #[arg(long, value_name = "FILE")]
    pub trust_roots: Option<PathBuf>,
    /// Do not look at DNS.
    #[arg(long)]
    pub no_dns: bool,
    /// Ask lists of bad senders about the addresses of this host, too.
    #[arg(long, conflicts_with = "no_dns")]
    pub blocklists: bool,
}

/// What to do with domains.
#[derive(Debug, Subcommand)]
pub enum DomainCommand {
    /// Take mail for a domain.
    Add {
        /// Its name.
        #[arg(value_parser = Domain::parse)]
        domain: Domain,
    },
    /// Take no more mail for a domain. It must have no accounts and no aliases.
    Remove {
        /// Its name.
        #[arg(value_parser = Domain::parse)]
        domain: Domain,
    },
    /// List all domains.
    List(Output),
    /// Show one domain.
    Show {
        /// Its name.
        #[arg(value_parser = Domain::parse)]
        domain: Domain,
        /// How.
        #[command(flatten)]
        output: Output,
    },
    /// Change catch-all and sub-addresses.
    Set {
        /// Its name.
        #[arg(value_parser = Domain::parse)]
        domain: Domain,
        /// Where mail goes that no account and no alias takes: an address, or `none`.
        #[arg(long, value_name = "ADDRESS|none")]
        catch_all: Option<String>,
        /// What separates a local part from its detail: one character, or `none`.
        #[arg(long, value_name = "CHARACTER|none")]
        subaddress_separator: Option<String>,
    },
    /// Let a domain only send: its accounts have no mailbox, no IMAP and no POP3, and it takes no mail but for aliases of
    /// postmaster and abuse. Without --on and --off, show it.
    SendOnly {
        /// Its name.
        #[arg(value_parser = Domain::parse)]
        domain: Domain,
        /// From now on.
        #[arg(long, conflicts_with = "off")]
        on: bool,
        /// No longer.
        #[arg(long)]
        off: bool,
    },
    /// Show, or set, in which language reports are written to accounts that have none of their own.
    Language {
        /// Its name.
        #[arg(value_parser = Domain::parse)]
        domain: Domain,
        /// Which one.
        #[command(flatten)]
        wanted: LanguageWanted,
    },
    /// Show, or set, how much mail the accounts of a domain may keep.
    Quota {
        /// Its name.
        #[arg(value_parser = Domain::parse)]
        domain: Domain,
        /// All accounts together: a size such as 50GB, or `none`.
        #[arg(long, value_name = "SIZE|none")]
        size: Option<String>,
        /// Messages of all accounts together, or `none`.
        #[arg(long, value_name = "NUMBER|none")]
        messages: Option<String>,
        /// Each account about which nothing else is said: a size, or `none`.
        #[arg(long, value_name = "SIZE|none")]
        each_size: Option<String>,
        /// Messages of each such account, or `none`.
        #[arg(long, value_name = "NUMBER|none")]
        each_messages: Option<String>,
        /// How.
        #[command(flatten)]
        output: Output,
    },
}

/// What to do with accounts.
#[derive(Debug, Subcommand)]
pub enum AccountCommand {
    /// Make an account. Asks for the password unless told where to take it from.
    Add {
        /// Address and login.
        #[arg(value_parser = Address::parse)]
        address: Address,
        /// For people to read.
        #[arg(long, default_value = "")]
        name: String,
        /// It administers the server, and has no IMAP or POP3 unless `account set --mail-access yes` allows it.
        #[arg(long)]
        administrator: bool,
        /// Where the password comes from.
        #[command(flatten)]
        password: PasswordOptions,
    },
    /// List all accounts, or those of one domain.
    List {
        /// Which domain.
        #[arg(value_parser = Domain::parse)]
        domain: Option<Domain>,
        /// How.
        #[command(flatten)]
        output: Output,
    },
    /// Show one account.
    Show {
        /// Its address.
        #[arg(value_parser = Address::parse)]
        address: Address,
        /// How.
        #[command(flatten)]
        output: Output,
    },
    /// Remove an account and all its mail.
    Remove {
        /// Its address.
        #[arg(value_parser = Address::parse)]
        address: Address,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
    /// Set a new password. Asks for it unless told where to take it from.
    Password {
        /// Whose.
        #[arg(value_parser = Address::parse)]
        address: Address,
        /// Where the password comes from.
        #[command(flatten)]
        password: PasswordOptions,
    },
    /// Let an account neither sign in nor receive; what it has is kept.
    Suspend {
        /// Its address.
        #[arg(value_parser = Address::parse)]
        address: Address,
        /// Let it go on receiving.
        #[arg(long)]
        login_only: bool,
    },
    /// Undo `suspend`.
    Enable {
        /// Its address.
        #[arg(value_parser = Address::parse)]
        address: Address,
    },
    /// Let an account send no more, and hold what it has in the queue; it still receives and signs in.
    Freeze {
        /// Its address.
        #[arg(value_parser = Address::parse)]
        address: Address,
        /// Why, for those who look later.
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// Let a frozen account send again, and its held mail go on.
    Release {
        /// Its address.
        #[arg(value_parser = Address::parse)]
        address: Address,
        /// Drop the held mail without telling its sender.
        #[arg(long)]
        drop: bool,
    },
    /// Let an account only send: it has no mailbox, no IMAP and no POP3. `account enable` undoes it.
    SendOnly {
        /// Its address.
        #[arg(value_parser = Address::parse)]
        address: Address,
    },
    /// List accounts that may not send, and why.
    Frozen(Output),
    /// Change name and rights.
    Set {
        /// Its address.
        #[arg(value_parser = Address::parse)]
        address: Address,
        /// For people to read.
        #[arg(long)]
        name: Option<String>,
        /// Whether it administers the server.
        #[arg(long)]
        administrator: Option<Answer>,
        /// Whether it may use IMAP and POP3 although it administers the server.
        #[arg(long)]
        mail_access: Option<Answer>,
    },
    /// Show, or set, in which language reports are written to an account.
    Language {
        /// Its address.
        #[arg(value_parser = Address::parse)]
        address: Address,
        /// Which one.
        #[command(flatten)]
        wanted: LanguageWanted,
    },
    /// Show, or set, how much mail an account may keep.
    Quota {
        /// Its address.
        #[arg(value_parser = Address::parse)]
        address: Address,
        /// A size such as 5GB; `none` for as much as there is room; `inherit` for what the domain gives.
        #[arg(long, value_name = "SIZE|none|inherit")]
        size: Option<String>,
        /// Messages, or `none`, or `inherit`.
        #[arg(long, value_name = "NUMBER|none|inherit")]
        messages: Option<String>,
        /// How.
        #[command(flatten)]
        output: Output,
    },
}

/// What to do with aliases.
#[derive(Debug, Subcommand)]
pub enum AliasCommand {
    /// Make an alias, or add targets to it.
    Add {
        /// The address.
        #[arg(value_parser = Address::parse)]
        address: Address,
        /// Where its mail goes: here or elsewhere.
        #[arg(required = true, value_parser = Address::parse)]
        targets: Vec<Address>,
    },
    /// Remove an alias, or some of its targets.
    Remove {
        /// The address.
        #[arg(value_parser = Address::parse)]
        address: Address,
        /// Which targets; without any, the whole alias.
        #[arg(value_parser = Address::parse)]
        targets: Vec<Address>,
    },
    /// List all aliases, or those of one domain.
    List {
        /// Which domain.
        #[arg(value_parser = Domain::parse)]
        domain: Option<Domain>,
        /// How.
        #[command(flatten)]
        output: Output,
    },
}

/// What to do with encryption.
#[derive(Debug, Subcommand)]
pub enum EncryptionCommand {
    /// Make a key and write it into a new file.
    GenerateKey {
        /// Which.
        file: PathBuf,
    },
    /// Show how encryption stands.
    Status(Output),
    /// Encrypt new mail, and in the background what is there.
    Enable {
        /// Wait until everything is encrypted.
        #[arg(long)]
        wait: bool,
    },
    /// Encrypt new mail under a new data key, and in the background what is there.
    Rotate {
        /// Wait until everything is.
        #[arg(long)]
        wait: bool,
    },
    /// Encrypt no more, and decrypt in the background what is there.
    Disable {
        /// Wait until everything is decrypted.
        #[arg(long)]
        wait: bool,
    },
    /// Let another key open the mail. It is done at once.
    ChangeKey {
        /// The file of the new key.
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
    },
    /// Let only the key that is configured open the mail.
    ForgetFormerKey,
}

/// Options of `trail`.
#[derive(Debug, Args)]
pub struct TrailOptions {
    /// The id of a message (as in its Received field), the number of a queue entry, an address, or a Message-ID.
    #[arg(value_name = "ID|NUMBER|ADDRESS|MESSAGE-ID")]
    pub what: String,
    /// For an address: how many of the newest messages.
    #[arg(long, default_value_t = 10)]
    pub limit: usize,
    /// For an address: only messages since then: a date such as 2026-11-20, or a moment such as 2026-11-20T18:00:00Z.
    #[arg(long, value_name = "DATE", value_parser = keeping::moment)]
    pub since: Option<Timestamp>,
    /// For an address: only messages before then.
    #[arg(long, value_name = "DATE", value_parser = keeping::moment)]
    pub until: Option<Timestamp>,
    /// For an address: only messages from this sender.
    #[arg(long, value_name = "ADDRESS", value_parser = Address::parse)]
    pub from: Option<Address>,
    /// For an address: only messages to this recipient.
    #[arg(long, value_name = "ADDRESS", value_parser = Address::parse)]
    pub to: Option<Address>,
    /// How.
    #[command(flatten)]
    pub output: Output,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn smart_hosts_are_read() {
        let read = |text: &str| SmartHostOption::parse(text).ok();
        let relay = Domain::parse("relay.example").unwrap();
        assert_eq!(read("relay.example:587"), Some(SmartHostOption { host: relay.clone(), port: 587, login: None }));
        let login = Some(("ann@a.example".to_owned(), PathBuf::from("/p")));
        assert_eq!(read("relay.example:587,ann@a.example:/p"), Some(SmartHostOption { host: relay, port: 587, login }));
        assert_eq!(read("127.0.0.1:25").map(|each| each.host.to_string()), Some("[127.0.0.1]".to_owned()));
        for bad in ["relay.example", "relay.example:x", "relay.example:25,ann", "a b:25"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}

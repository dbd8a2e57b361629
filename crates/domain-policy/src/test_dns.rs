//! A piece of the world's DNS in memory, for tests.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use posthouse_model::Domain;

use crate::resolver::{LookupError, MxRecord, Proof, Records, Resolver};

/// Records, or why there are none.
#[derive(Default)]
pub struct TestDns {
    texts: HashMap<String, Vec<String>>,
    addresses: HashMap<String, Vec<IpAddr>>,
    mail_hosts: HashMap<String, Vec<MxRecord>>,
    names: HashMap<IpAddr, Vec<Domain>>,
    aliases: HashMap<String, Domain>,
    failing: HashMap<String, LookupError>,
    asked: AtomicUsize,
}

impl TestDns {
    /// Puts a text under a name.
    pub fn with(mut self, name: &str, text: &str) -> Self {
        self.texts.entry(name.to_owned()).or_default().push(text.to_owned());
        self
    }

    /// Puts an address under a name.
    pub fn with_address(mut self, name: &str, address: &str) -> Self {
        self.addresses.entry(name.to_owned()).or_default().push(address.parse().unwrap());
        self
    }

    /// Puts a mail host under a name; a dot stands for none.
    pub fn with_mail_host(mut self, name: &str, preference: u16, host: &str) -> Self {
        let exchange = Domain::parse(host).ok();
        self.mail_hosts.entry(name.to_owned()).or_default().push(MxRecord { preference, exchange });
        self
    }

    /// Gives an address a name.
    pub fn with_name(mut self, address: IpAddr, name: &str) -> Self {
        self.names.entry(address).or_default().push(Domain::parse(name).unwrap());
        self
    }

    /// Makes a name an alias.
    pub fn with_alias(mut self, name: &str, target: &str) -> Self {
        self.aliases.insert(name.to_owned(), Domain::parse(target).unwrap());
        self
    }

    /// Makes a name fail.
    pub fn failing(mut self, name: &str, error: LookupError) -> Self {
        self.failing.insert(name.to_owned(), error);
        self
    }

    /// How often it was asked.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    fn answer<T: Clone>(&self, map: &HashMap<String, Vec<T>>, name: &Domain) -> Result<Records<T>, LookupError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let name = self.aliases.get(name.as_str()).unwrap_or(name).as_str();
        if let Some(error) = self.failing.get(name) {
            return Err(error.clone());
        }
        let records = map.get(name).ok_or(LookupError::NoSuchName)?;
        Ok(Records { records: records.clone(), proof: Proof::Insecure })
    }
}

#[async_trait]
impl Resolver for TestDns {
    async fn mx(&self, domain: &Domain) -> Result<Records<MxRecord>, LookupError> {
        self.answer(&self.mail_hosts, domain)
    }

    async fn addresses(&self, host: &Domain) -> Result<Records<IpAddr>, LookupError> {
        self.answer(&self.addresses, host)
    }

    async fn texts(&self, name: &Domain) -> Result<Records<String>, LookupError> {
        self.answer(&self.texts, name)
    }

    async fn current_texts(&self, name: &Domain) -> Result<Records<String>, LookupError> {
        self.texts(name).await
    }

    async fn alias(&self, name: &Domain) -> Result<Records<Domain>, LookupError> {
        let target = self.aliases.get(name.as_str()).ok_or(LookupError::NoRecords)?;
        Ok(Records { records: vec![target.clone()], proof: Proof::Insecure })
    }

    async fn names(&self, ip: IpAddr) -> Result<Records<Domain>, LookupError> {
        let names = self.names.get(&ip).ok_or(LookupError::NoSuchName)?;
        Ok(Records { records: names.clone(), proof: Proof::Insecure })
    }
}

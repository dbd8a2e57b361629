//! A zone in memory, for tests.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use posthouse_model::Domain;

use crate::resolver::{LookupError, MxRecord, Proof, Records, Resolver};

/// TXT records, or why there are none.
#[derive(Default)]
pub struct TestDns {
    texts: HashMap<String, Result<Vec<String>, LookupError>>,
    asked: AtomicUsize,
}

impl TestDns {
    /// Puts a record under a name.
    pub fn with(mut self, name: &str, text: &str) -> Self {
        let records = self.texts.entry(name.to_owned()).or_insert_with(|| Ok(Vec::new()));
        if let Ok(records) = records {
            records.push(text.to_owned());
        }
        self
    }

    /// Makes a name fail.
    pub fn failing(mut self, name: &str, error: LookupError) -> Self {
        self.texts.insert(name.to_owned(), Err(error));
        self
    }

    /// How often it was asked.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl Resolver for TestDns {
    async fn mx(&self, _: &Domain) -> Result<Records<MxRecord>, LookupError> {
        Err(LookupError::NoRecords)
    }

    async fn addresses(&self, _: &Domain) -> Result<Records<IpAddr>, LookupError> {
        Err(LookupError::NoRecords)
    }

    async fn texts(&self, name: &Domain) -> Result<Records<String>, LookupError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let found = self.texts.get(name.as_str()).cloned().unwrap_or(Err(LookupError::NoSuchName));
        found.map(|records| Records { records, proof: Proof::Insecure })
    }

    async fn current_texts(&self, name: &Domain) -> Result<Records<String>, LookupError> {
        self.texts(name).await
    }
}

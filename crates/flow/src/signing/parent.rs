//! A subdomain of ours without keys that sign borrows those of the domain above it.
//!
//! DMARC accepts that: a signature counts for the author's domain where both have the same organizational domain, unless
//! the record of the author's domain wants them to be one and the same (`adkim=s`, RFC 7489 §3.1.1).

use std::sync::Arc;

use posthouse_domain_policy::dkim::DkimSigner;
use posthouse_model::Domain;
use posthouse_storage::StorageError;

use super::{KeyState, SigningKey, SigningKeyError};
use crate::Flow;

impl Flow {
    /// The keys with which mail of this domain is signed now, and whose they are: its own, or those of the nearest domain
    /// of ours above it. None of them where it is not signed.
    ///
    /// # Errors
    /// When the store cannot, or a key cannot be read.
    pub async fn keys_that_sign(&self, domain: &Domain) -> Result<(Domain, Vec<SigningKey>), SigningKeyError> {
        let whose = self.signing_domain(domain).await?;
        let keys = self.signing_keys(&whose).await?;
        Ok((whose, keys.into_iter().filter(|key| key.state == KeyState::Active).collect()))
    }

    /// What signs for an author of this domain.
    pub(super) async fn signers_for(&self, author: &Domain) -> Result<Arc<Vec<DkimSigner>>, StorageError> {
        let whose = self.signing_domain(author).await?;
        self.signers_of(&whose).await
    }

    async fn signing_domain(&self, domain: &Domain) -> Result<Domain, StorageError> {
        if !self.signers_of(domain).await?.is_empty() || !self.may_borrow(domain).await? {
            return Ok(domain.clone());
        }
        for parent in parents(domain) {
            if self.identity.is_ours(&parent).await? && !self.signers_of(&parent).await?.is_empty() {
                return Ok(parent);
            }
        }
        Ok(domain.clone())
    }

    /// Only domains of ours, and what this host itself writes: others are not ours to speak for.
    async fn may_borrow(&self, domain: &Domain) -> Result<bool, StorageError> {
        Ok(*domain == self.options.host_name || self.identity.is_ours(domain).await?)
    }
}

/// The domains above this one, the nearest first. Their number is bounded by that of labels in a name.
fn parents(domain: &Domain) -> impl Iterator<Item = Domain> {
    let name = domain.as_str();
    name.match_indices('.').filter_map(|(at, _)| Domain::parse(&name[at + 1..]).ok())
}

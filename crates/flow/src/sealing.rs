//! What aliases lead on is sealed (ARC): whoever gets it can tell what we found out about it when it came, although its
//! signatures may not hold there any more, and its sender is another.

use std::time::Duration;

use bytes::Bytes;
use posthouse_domain_policy::arc::ArcChain;
use posthouse_domain_policy::dkim::{DkimAlgorithm, DkimSignatures};
use posthouse_domain_policy::{Resolver, authentication_results};
use posthouse_model::Domain;
use posthouse_storage::StorageError;

use crate::Flow;

/// How long DNS may take to give all keys that a message names; after that it goes on as it is.
const KEYS_PATIENCE: Duration = Duration::from_secs(60);

impl Flow {
    /// The message with a new set in front, by a key of `domain`; as it is where that has none that everybody knows, or
    /// nothing can be said of the sets that it bears.
    pub(crate) async fn sealed(
        &self,
        domain: &Domain,
        content: Vec<Bytes>,
        resolver: &dyn Resolver,
    ) -> Result<Vec<Bytes>, StorageError> {
        if !self.options.forwarding.seals {
            return Ok(content);
        }
        let signers = self.signers_of(domain).await?;
        // A set has one signature, and few know Ed25519 yet.
        let Some(at) = signers.iter().position(|one| one.key.algorithm() == DkimAlgorithm::RsaSha256) else {
            return Ok(content);
        };
        let read = |content: Vec<Bytes>| (ArcChain::read(&content), DkimSignatures::read(&content), content);
        let (chain, signatures, content) = crate::signing::aside(move || read(content)).await?;
        let now = self.environment.now();
        let looking = async { (chain.verify(resolver, now).await, signatures.verify(resolver, now).await) };
        let Ok((found, results)) = tokio::time::timeout(KEYS_PATIENCE, looking).await else {
            tracing::info!(%domain, "a message is not sealed: DNS takes too long");
            return Ok(content);
        };
        let text = authentication_results(&self.options.authserv_id, &results, Some(&found));
        let sealing = crate::signing::aside(move || {
            let fields = chain.seal(&content, &found.outcome, &text, &signers[at], now);
            (fields, content)
        });
        let (fields, mut content) = sealing.await?;
        let unusable = |error| StorageError::Corrupt(format!("a DKIM key of {domain} cannot be used: {error}"));
        if let Some(fields) = fields.map_err(unusable)? {
            content.insert(0, fields.into());
        }
        Ok(content)
    }
}

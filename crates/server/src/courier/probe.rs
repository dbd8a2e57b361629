//! What a host offers, without handing it any mail.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use posthouse_domain_policy::transport::TlsaSet;
use posthouse_flow::{Cause, HopTls, NextHop};
use posthouse_model::Domain;
use posthouse_smtp::Extension;
use posthouse_tls::TlsFacts;

use super::{SmtpCourier, dial};

/// How long a host may take altogether.
const PROBE_LIMIT: Duration = Duration::from_secs(20);

/// What a host offers at one address.
#[derive(Clone, Debug)]
pub struct HostOffer {
    /// Whether it offers STARTTLS, and that works.
    pub tls: Option<TlsFacts>,
    /// Whether it offers REQUIRETLS (RFC 8689).
    pub offers_require_tls: bool,
    /// Why nothing is known, or why there is no TLS.
    pub failure: Option<Cause>,
    /// Whether its certificate matches its TLSA records, where it has any.
    pub dane: Option<Result<(), Cause>>,
}

impl SmtpCourier {
    /// Finds out what a host offers at one of its addresses.
    pub async fn probe(&self, host: &Domain, address: IpAddr, port: u16, dane: Option<Arc<TlsaSet>>) -> HostOffer {
        let mut offer = HostOffer { tls: None, offers_require_tls: false, failure: None, dane: None };
        let late = || Cause::Lost("no answer in time".to_owned());
        let looked = tokio::time::timeout(PROBE_LIMIT, self.look(host, address, port, HopTls::Opportunistic));
        match looked.await.unwrap_or_else(|_| Err(late())) {
            Ok((tls, offers_require_tls)) => (offer.tls, offer.offers_require_tls) = (tls, offers_require_tls),
            Err(cause) => offer.failure = Some(cause),
        }
        if let Some(set) = dane {
            let looked = tokio::time::timeout(PROBE_LIMIT, self.look(host, address, port, HopTls::Dane(set))).await;
            offer.dane = Some(looked.unwrap_or_else(|_| Err(late())).map(|_| ()));
        }
        offer
    }

    async fn look(
        &self,
        host: &Domain,
        address: IpAddr,
        port: u16,
        tls: HopTls,
    ) -> Result<(Option<TlsFacts>, bool), Cause> {
        let hop = NextHop::plain(host.clone(), Some(address), port, tls);
        let at = SocketAddr::new(address, port);
        let connection = Box::pin(dial::dial(self, &hop, at, false)).await?;
        let found = (connection.tls_facts().cloned(), connection.session.extensions().offers(Extension::RequireTls));
        connection.quit().await;
        Ok(found)
    }
}

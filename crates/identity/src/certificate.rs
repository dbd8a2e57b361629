//! Signing in by a TLS client certificate (SASL EXTERNAL).

use posthouse_model::Address;
use posthouse_model::session::ClientCertificate;

use crate::login::unavailable;
use crate::{Identity, LoginRefusal, LoginScope};

impl Identity {
    /// Whom a verified certificate lets in: the account whose own address stands in it. With one address in it, that
    /// one, unless the client names another. With several, the client has to name which (RFC 4422 §A.1, §A.2: the
    /// authorization identity); we do not choose for it. Neither an alias nor a sub-address proves anything, for who
    /// issues certificates cannot know where they lead.
    ///
    /// The answer is the name to [`authorize`](Identity::authorize).
    ///
    /// # Errors
    /// [`LoginRefusal::WrongCredentials`] if the certificate does not prove an account, or not the one that the client
    /// wants to act as; [`LoginRefusal::Unavailable`] if the store cannot be read.
    pub async fn certificate_holder(
        &self,
        certificate: &ClientCertificate,
        authorization_id: Option<&str>,
        scope: &LoginScope,
    ) -> Result<String, LoginRefusal> {
        let proven: Vec<Address> =
            certificate.addresses.iter().filter_map(|address| Address::parse(address).ok()).collect();
        let wanted = match (authorization_id, certificate.addresses.as_slice()) {
            (Some(name), _) => name,
            (None, [only]) => only,
            (None, _) => return Err(LoginRefusal::WrongCredentials),
        };
        let account = self.login_account(wanted, scope).await.map_err(unavailable)?;
        let account = account.ok_or(LoginRefusal::WrongCredentials)?;
        let own = account.address.folded();
        match proven.iter().any(|address| address.folded() == own) {
            true => Ok(account.address.to_string()),
            false => Err(LoginRefusal::WrongCredentials),
        }
    }
}

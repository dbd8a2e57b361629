//! Signing in, the same for all protocols: what SASL asks, who is let in, and what is kept in mind of failures.

use std::net::IpAddr;
use std::sync::Arc;

use posthouse_identity::{Checked, LoginRefusal, Permit, Proof};
use posthouse_model::session::{ClientCertificate, Peer, TlsInfo};
use posthouse_sasl::{Answer, Mechanism, Question};
use posthouse_storage::SightingKey;

use crate::inventory::{bounded, client_of_greeting, domain_of_host};
use crate::listener::OpenListener;
use crate::signed_in::{Stay, Visitor};

/// The label of figures where a password was sent as it is (PLAIN, LOGIN and what stands for them).
const CLEAR_PASSWORD: &str = "PLAIN";

/// The attempts to sign in of one connection.
pub(crate) struct SignIn {
    listener: Arc<OpenListener>,
    remote: IpAddr,
    /// The port of ours.
    port: u16,
    /// Version and suite.
    tls: Option<Box<(String, String)>>,
    /// As what this connection stands in the inventory, until its client says what it is.
    noted: Option<Box<SightingKey>>,
    /// A challenge is under way, and the session will not tell if the proof is wrong: if nothing better comes, it was.
    unproved: Option<&'static str>,
    told_of_failures: bool,
    /// What the client proved in the handshake of this connection.
    certificate: Option<ClientCertificate>,
    /// How it was tried last, as far as the questions tell.
    last_mechanism: &'static str,
    /// Of whoever signed in, for as long as they may.
    stay: Option<Box<Stay>>,
    /// What the exchange under way rests on, if it succeeds.
    proof: Option<Proof>,
    /// Who signed in by a key, which may be taken away.
    by_key: Option<Box<Permit>>,
}

impl SignIn {
    /// For a session that tells of each failure by a notice.
    pub(crate) fn told_of_failures(listener: &Arc<OpenListener>, peer: Peer) -> Self {
        Self {
            listener: Arc::clone(listener),
            remote: peer.remote.ip(),
            port: peer.local.port(),
            tls: None,
            noted: None,
            unproved: None,
            told_of_failures: true,
            certificate: None,
            last_mechanism: CLEAR_PASSWORD,
            stay: None,
            proof: None,
            by_key: None,
        }
    }

    /// For a session that does not.
    pub(crate) fn untold(listener: &Arc<OpenListener>, peer: Peer) -> Self {
        Self {
            told_of_failures: false,
            certificate: None,
            listener: Arc::clone(listener),
            remote: peer.remote.ip(),
            port: peer.local.port(),
            tls: None,
            noted: None,
            unproved: None,
            last_mechanism: CLEAR_PASSWORD,
            stay: None,
            proof: None,
            by_key: None,
        }
    }

    /// TLS has begun, and with it perhaps a certificate has been verified.
    pub(crate) fn tls_started(&mut self, tls: &TlsInfo) {
        self.certificate.clone_from(&tls.client_certificate);
        self.proof = None;
        self.by_key = None;
        self.tls = Some(Box::new((bounded(&tls.version), bounded(&tls.cipher_suite))));
        self.noted = None;
        self.stay = None;
    }

    /// Whoever signed in does not count any more.
    pub(crate) fn left(&mut self) {
        self.stay = None;
        self.by_key = None;
    }

    /// Whether whoever signed in may not be here any more.
    pub(crate) fn is_over(&self) -> bool {
        self.stay.as_ref().is_some_and(|stay| stay.is_over())
    }

    /// Waits until whoever signed in may not be here any more, which is told once. May be dropped and called again.
    pub(crate) async fn over(&mut self) {
        match &mut self.stay {
            Some(stay) => stay.over().await,
            None => std::future::pending().await,
        }
    }

    /// It is another client that tries from now on, there.
    pub(crate) fn client_changed(&mut self, remote: IpAddr) {
        self.settle_unproved();
        self.remote = remote;
        self.proof = None;
        self.by_key = None;
        // It was not this client that showed it.
        self.certificate = None;
        self.stay = None;
    }

    /// Version and suite of the TLS under this connection.
    pub(crate) fn tls(&self) -> Option<(&str, &str)> {
        self.tls.as_deref().map(|(version, suite)| (version.as_str(), suite.as_str()))
    }

    /// Whether an attempt may begin; not when too many from this address have failed lately.
    pub(crate) fn may_begin(&mut self) -> bool {
        self.settle_unproved();
        let house = &self.listener.house;
        !house.failed_logins.is_throttled(self.remote, house.clock.now())
    }

    /// How it was tried last, for figures; a mechanism with channel binding goes by the name of the one without.
    pub(crate) fn last_mechanism(&self) -> &'static str {
        self.last_mechanism
    }

    /// Answers what an exchange asks.
    pub(crate) async fn credentials(&mut self, question: Question) -> Answer {
        if !self.may_begin() {
            return Answer::TemporarilyUnavailable;
        }
        if let Question::ExternalIdentity { authorization_id } = &question {
            return self.certificate_holder(authorization_id.as_deref()).await;
        }
        let is_password = matches!(question, Question::VerifyPassword { .. });
        let challenge = match &question {
            Question::VerifyPassword { .. } | Question::ExternalIdentity { .. } => None,
            Question::ScramCredential { hash: posthouse_sasl::ScramHash::Sha256, .. } => Some("SCRAM-SHA-256"),
            Question::ScramCredential { hash: posthouse_sasl::ScramHash::Sha1, .. } => Some("SCRAM-SHA-1"),
            Question::CramSecret { .. } => Some("CRAM-MD5"),
        };
        self.last_mechanism = challenge.unwrap_or(CLEAR_PASSWORD);
        let rooms = &self.listener.house.rooms;
        let now = rooms.environment.now();
        let Checked { answer, proof, cause } = rooms.identity.answer(question, &self.listener.scope, now).await;
        self.proof = proof;
        // The client hears of a wrong password; whoever runs the house is to know better.
        if let Some(cause) = cause {
            tracing::warn!(
                listener = self.listener.config.name, remote = %self.remote, mechanism = self.last_mechanism,
                "a sign-in will fail: {cause}"
            );
        }
        if !self.told_of_failures {
            self.unproved = challenge;
            if is_password && matches!(answer, Answer::Rejected) {
                self.failed(CLEAR_PASSWORD);
            }
        }
        answer
    }

    /// Whom the certificate of this connection proves.
    async fn certificate_holder(&mut self, authorization_id: Option<&str>) -> Answer {
        self.last_mechanism = Mechanism::External.name();
        let identity = &self.listener.house.rooms.identity;
        let holder = match &self.certificate {
            Some(certificate) => identity.certificate_holder(certificate, authorization_id, &self.listener.scope).await,
            None => Err(LoginRefusal::WrongCredentials),
        };
        match holder {
            Ok(authentication_id) => Answer::ExternalIdentity { authentication_id },
            Err(LoginRefusal::Unavailable) => Answer::TemporarilyUnavailable,
            Err(_) => {
                if !self.told_of_failures {
                    self.failed(self.last_mechanism);
                }
                Answer::Rejected
            }
        }
    }

    /// Puts this connection into the inventory.
    fn note(&mut self, key: SightingKey) {
        let (tls_version, cipher_suite) = self.tls.as_deref().cloned().unwrap_or_default();
        let listener = bounded(&self.listener.config.name);
        let key = SightingKey { listener, port: self.port, tls_version, cipher_suite, ..key };
        let house = &self.listener.house;
        house.sightings.note(key.clone(), house.rooms.environment.now());
        self.noted = Some(Box::new(key));
    }

    /// A host handed in mail without signing in, and greets by this name.
    pub(crate) fn handed_in(&mut self, helo: &str) {
        // Once for each connection, whatever it brings.
        if self.noted.is_none() {
            self.note(SightingKey { peer: domain_of_host(helo), ..SightingKey::default() });
        }
    }

    /// The client says what it is.
    pub(crate) fn client_is(&mut self, client: &str) {
        if let Some(noted) = self.noted.take() {
            let house = &self.listener.house;
            house.sightings.name(&noted, client, house.rooms.environment.now());
        }
    }

    /// Lets in whoever an exchange proved to be.
    pub(crate) async fn authorize(
        &mut self,
        authentication_id: &str,
        authorization_id: Option<&str>,
        mechanism: &'static str,
        client: &str,
    ) -> Result<Permit, LoginRefusal> {
        self.unproved = None;
        let house = &self.listener.house;
        let (identity, scope) = (&house.rooms.identity, &self.listener.scope);
        let changes = *identity.directory_changes().borrow();
        let proof = self.proof.take();
        let permit = if mechanism == Mechanism::External.name() {
            identity.authorize(authentication_id, authorization_id, scope).await
        } else {
            let now = house.rooms.environment.now();
            identity.authorize_by_password(authentication_id, authorization_id, proof, scope, now).await
        };
        match &permit {
            Ok(permit) => {
                let visitor = Visitor { account: permit.account(), service: scope.service, means: permit.means() };
                self.stay = Some(Box::new(house.signed_in.enter(identity, visitor, changes)));
                self.listener.metrics.login(mechanism, true);
                let credential = permit.key().map(|key| key.label.as_str());
                tracing::info!(
                    listener = self.listener.config.name, remote = %self.remote, account = %permit.account(), mechanism,
                    credential, "signed in"
                );
                self.by_key = permit.key().map(|_| Box::new(permit.clone()));
                self.note(SightingKey {
                    account: Some(permit.account()),
                    mechanism: mechanism.to_owned(),
                    credential: permit.key().map(|key| key.label.clone()).unwrap_or_default(),
                    client: client_of_greeting(client),
                    ..SightingKey::default()
                });
            }
            Err(LoginRefusal::Unavailable) => {}
            // Whoever knows the password guesses at nothing: their phone must not lock out the office.
            Err(LoginRefusal::PasswordExpired) => {
                self.listener.metrics.login(mechanism, false);
                tracing::warn!(
                    listener = self.listener.config.name, remote = %self.remote, mechanism, login = authentication_id,
                    "the password is right, but has expired: set a new one with `posthouse account password`"
                );
            }
            Err(LoginRefusal::SendOnly) => {
                self.listener.metrics.login(mechanism, false);
                tracing::warn!(
                    listener = self.listener.config.name, remote = %self.remote, mechanism, login = authentication_id,
                    "the password is right, but the account sends only"
                );
            }
            Err(refusal) => {
                tracing::warn!(
                    listener = self.listener.config.name, remote = %self.remote, mechanism,
                    "the credentials are right, but {refusal}"
                );
                self.failed(mechanism);
            }
        }
        permit
    }

    /// Whether whoever signed in may go on: not when the key was removed, or has expired, nor when that cannot be told.
    pub(crate) async fn may_go_on(&self) -> bool {
        let Some(permit) = &self.by_key else { return true };
        let rooms = &self.listener.house.rooms;
        let (service, now) = (self.listener.scope.service, rooms.environment.now());
        rooms.identity.still_holds(permit, service, now).await.unwrap_or(false)
    }

    /// An attempt has failed. The line is the one that Fail2Ban matches; the name is left out, since people type
    /// passwords into its place.
    pub(crate) fn failed(&mut self, mechanism: &'static str) {
        self.unproved = None;
        let house = &self.listener.house;
        let failures = house.failed_logins.failed(self.remote, house.clock.now());
        self.listener.metrics.login(mechanism, false);
        tracing::warn!(
            listener = self.listener.config.name, service = self.listener.config.role.name(), remote = %self.remote,
            mechanism, failures, "authentication failed"
        );
    }

    fn settle_unproved(&mut self) {
        if let Some(mechanism) = self.unproved.take() {
            self.failed(mechanism);
        }
    }
}

impl Drop for SignIn {
    fn drop(&mut self) {
        self.settle_unproved();
    }
}

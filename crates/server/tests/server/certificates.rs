//! Signing in by a TLS client certificate, in three protocols, and the ways of doing so without the right to.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use posthouse_identity::AccountDraft;
use posthouse_model::{Address, Secret, UnixMillis};
use posthouse_storage::MemoryStorage;
use posthouse_tls::{
    CertificateLibrary, ChosenCertificate, ClientTls, LoadedCertificate, ServerTls, ServerTlsOptions, TrustRoots,
    roots_from_file,
};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, SanType, date_time_ymd,
};

use crate::client::Client;
use crate::house::{Draft, HOST, IMAP, IMAPS, PASSWORD, POP3, POP3S, SUBMISSION, SUBMISSIONS, TestHouse};

const HOUR: u64 = 3600;

/// An authority, for servers or for people.
struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// What is to stand in a certificate, besides its key.
struct Wanted<'a> {
    common_name: &'a str,
    names: Vec<SanType>,
    ended: bool,
    usage: Option<ExtendedKeyUsagePurpose>,
}

fn wanted<'a>(addresses: &[&str]) -> Wanted<'a> {
    let names = addresses.iter().map(|address| SanType::Rfc822Name((*address).try_into().unwrap())).collect();
    Wanted { common_name: "somebody", names, ended: false, usage: None }
}

impl Authority {
    fn new(name: &str) -> Self {
        let mut parameters = CertificateParams::default();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let pem = parameters.self_signed(&key).unwrap().pem();
        Self { pem, issuer: Issuer::new(parameters, key) }
    }

    fn sign(&self, wanted: Wanted<'_>) -> ChosenCertificate {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name.push(DnType::CommonName, wanted.common_name);
        parameters.subject_alt_names = wanted.names;
        parameters.extended_key_usages.extend(wanted.usage);
        let epoch = date_time_ymd(1970, 1, 1);
        let end = if wanted.ended { now - HOUR } else { now + HOUR };
        parameters.not_before = epoch + Duration::from_secs(now - 2 * HOUR);
        parameters.not_after = epoch + Duration::from_secs(end);
        let key = KeyPair::generate().unwrap();
        let signed = parameters.signed_by(&key, &self.issuer).unwrap();
        Arc::new(LoadedCertificate::from_pem(signed.pem().as_bytes(), key.serialize_pem().as_bytes()).unwrap())
    }
}

/// A server whose listeners for IMAP, POP3 and submission ask for certificates of `people`.
struct World {
    house: TestHouse,
    hosts: Authority,
    people: Authority,
    tls: Arc<ServerTls>,
}

fn roots_of(authority: &Authority) -> Arc<rustls::RootCertStore> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &authority.pem).unwrap();
    roots_from_file(file.path()).unwrap()
}

impl World {
    async fn new() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut Draft)) -> Self {
        let (hosts, people) = (Authority::new("hosts"), Authority::new("people"));
        let own = Wanted { names: vec![SanType::DnsName(HOST.try_into().unwrap())], ..wanted(&[]) };
        let library = Arc::new(CertificateLibrary::new(vec![hosts.sign(own)]));
        let asking = ServerTlsOptions {
            session_tickets: true,
            client_certificates: Some(roots_of(&people)),
            ..ServerTlsOptions::default()
        };
        let tls = Arc::new(ServerTls::new(Arc::clone(&library), asking).unwrap());
        let silent = Arc::new(ServerTls::new(library, ServerTlsOptions::default()).unwrap());
        let mut draft = TestHouse::draft(MemoryStorage::new()).await;
        for name in [SUBMISSION, SUBMISSIONS, IMAP, IMAPS, POP3S] {
            draft.listener(name).tls = Some(Arc::clone(&tls));
        }
        draft.listener(POP3).tls = Some(silent);
        change(&mut draft);
        Self { house: draft.start(), hosts, people, tls }
    }

    async fn connect(&self, listener: &str, certificate: Option<&ChosenCertificate>) -> Client {
        let roots = TrustRoots::Pem(self.hosts.pem.clone().into_bytes());
        let tls = Arc::new(ClientTls::new(&roots, certificate).unwrap());
        Client::connect(self.house.address(listener), tls).await
    }

    /// What the listener says to EXTERNAL with this response, after implicit TLS with this certificate.
    async fn external(&self, listener: &str, certificate: Option<&ChosenCertificate>, response: &str) -> String {
        let mut client = self.connect(listener, certificate).await;
        client.begin_tls().await;
        if listener == SUBMISSIONS {
            client.expect("220 ").await;
            client.send("EHLO client.example").await;
            client.until("250 ").await;
        } else {
            client.line().await.unwrap();
        }
        let command = if listener == IMAPS { "a AUTHENTICATE" } else { "AUTH" };
        client.send(&format!("{command} EXTERNAL {response}")).await;
        client.line().await.unwrap()
    }

    /// The outcome is the same in all three protocols.
    #[track_caller]
    fn check(
        &self,
        certificate: Option<&ChosenCertificate>,
        response: &str,
        lets_in: bool,
    ) -> impl Future<Output = ()> {
        let replies = match lets_in {
            true => [(SUBMISSIONS, "235 2.7.0"), (IMAPS, "a OK"), (POP3S, "+OK")],
            false => [(SUBMISSIONS, "535 5.7.8"), (IMAPS, "a NO [AUTHENTICATIONFAILED]"), (POP3S, "-ERR [AUTH]")],
        };
        async move {
            for (listener, expected) in replies {
                let line = self.external(listener, certificate, response).await;
                assert!(line.starts_with(expected), "{listener}: `{line}` instead of `{expected}`");
            }
        }
    }
}

#[tokio::test]
async fn a_certificate_lets_in_whom_it_names() {
    let world = World::new().await;
    let ann = world.people.sign(wanted(&["ann@example.org"]));
    world.check(Some(&ann), "=", true).await;
    world.check(Some(&ann), &encoded("ann@example.org"), true).await;
    let shouting = world.people.sign(wanted(&["ANN@Example.ORG"]));
    world.check(Some(&shouting), "=", true).await;
    let for_clients = Wanted { usage: Some(ExtendedKeyUsagePurpose::ClientAuth), ..wanted(&["ann@example.org"]) };
    world.check(Some(&world.people.sign(for_clients)), "=", true).await;
}

#[tokio::test]
async fn with_several_addresses_the_client_says_which() {
    let world = World::new().await;
    let both = world.people.sign(wanted(&["ann@example.org", "bob@example.org"]));
    world.check(Some(&both), "=", false).await;
    world.check(Some(&both), &encoded("bob@example.org"), true).await;
    world.check(Some(&both), &encoded("eve@example.org"), false).await;
}

#[tokio::test]
async fn nobody_gets_in_as_somebody_else() {
    let world = World::new().await;
    let ann = world.people.sign(wanted(&["ann@example.org"]));
    for name in ["bob@example.org", "postmaster@example.org", "ann+x@example.org", "bob"] {
        world.check(Some(&ann), &encoded(name), false).await;
    }
    let stranger = world.people.sign(wanted(&["mallory@elsewhere.example"]));
    world.check(Some(&stranger), "=", false).await;
    world.check(Some(&stranger), &encoded("ann@example.org"), false).await;
    // The common name, and names of other kinds, prove nothing.
    let host = SanType::DnsName("ann@example.org".try_into().unwrap());
    let uri = SanType::URI("mailto:ann@example.org".try_into().unwrap());
    let vain = Wanted { common_name: "ann@example.org", names: vec![host, uri], ended: false, usage: None };
    let vain = world.people.sign(vain);
    world.check(Some(&vain), "=", false).await;
    world.check(Some(&vain), &encoded("ann@example.org"), false).await;
}

#[tokio::test]
async fn a_certificate_that_does_not_hold_up_ends_the_handshake() {
    let world = World::new().await;
    let ended = Wanted { ended: true, ..wanted(&["ann@example.org"]) };
    let for_servers = Wanted { usage: Some(ExtendedKeyUsagePurpose::ServerAuth), ..wanted(&["ann@example.org"]) };
    let bad = [
        Authority::new("people").sign(wanted(&["ann@example.org"])),
        world.hosts.sign(wanted(&["ann@example.org"])),
        world.people.sign(ended),
        world.people.sign(for_servers),
    ];
    for certificate in &bad {
        for listener in [SUBMISSIONS, IMAPS, POP3S] {
            let mut client = world.connect(listener, Some(certificate)).await;
            // In TLS 1.3 the client is done before the server has looked at its certificate.
            if client.try_tls().await.is_ok() {
                assert_eq!(client.rest().await, b"", "{listener}");
            }
        }
    }
}

#[tokio::test]
async fn without_a_certificate_it_is_neither_offered_nor_taken() {
    let world = World::new().await;
    for (listener, refusal) in [(SUBMISSIONS, "504 5.5.4"), (IMAPS, "a NO"), (POP3S, "-ERR")] {
        let line = world.external(listener, None, "=").await;
        assert!(line.starts_with(refusal), "{listener}: {line}");
    }
    let ann = world.people.sign(wanted(&["ann@example.org"]));
    for (certificate, offered) in [(None, false), (Some(&ann), true)] {
        let mut client = world.connect(IMAPS, certificate).await;
        client.begin_tls().await;
        let greeting = client.line().await.unwrap();
        assert_eq!(greeting.contains("AUTH=EXTERNAL"), offered, "{greeting}");
        let mut client = world.connect(POP3S, certificate).await;
        client.begin_tls().await;
        client.send("CAPA").await;
        let lines = client.until(".").await;
        assert_eq!(lines.iter().any(|line| line.starts_with("SASL EXTERNAL")), offered, "{lines:?}");
        // A password still lets in who comes with a certificate.
        client.send("USER ann@example.org").await;
        client.expect("+OK").await;
        client.send(&format!("PASS {PASSWORD}")).await;
        client.expect("+OK").await;
    }
}

#[tokio::test]
async fn before_starttls_there_is_no_certificate() {
    let world = World::new().await;
    let ann = world.people.sign(wanted(&["ann@example.org"]));
    let mut client = world.connect(SUBMISSION, Some(&ann)).await;
    client.expect("220 ").await;
    client.send("EHLO client.example").await;
    assert!(client.until("250 ").await.iter().all(|line| !line.contains("EXTERNAL")));
    client.send("AUTH EXTERNAL =").await;
    let refused = client.line().await.unwrap();
    assert!(refused.starts_with('5'), "{refused}");
    client.send("STARTTLS").await;
    client.expect("220 ").await;
    client.begin_tls().await;
    client.send("EHLO client.example").await;
    assert!(client.until("250 ").await.iter().any(|line| line.contains("AUTH EXTERNAL ")));
    client.send("AUTH EXTERNAL =").await;
    client.expect("235 ").await;
    // It is her account, and no other.
    client.send("MAIL FROM:<bob@example.org>").await;
    client.expect("553 ").await;
    client.send("MAIL FROM:<ann@example.org>").await;
    client.expect("250 ").await;
}

#[tokio::test]
async fn a_listener_that_does_not_ask_knows_of_no_certificate() {
    let world = World::new().await;
    let ann = world.people.sign(wanted(&["ann@example.org"]));
    world.check(Some(&ann), "=", true).await;
    let mut client = world.connect(POP3, Some(&ann)).await;
    client.expect("+OK").await;
    client.send("STLS").await;
    client.expect("+OK").await;
    client.begin_tls().await;
    client.send("AUTH EXTERNAL =").await;
    client.expect("-ERR").await;
}

#[tokio::test]
async fn authorities_change_without_a_restart() {
    let world = World::new().await;
    let newcomers = Authority::new("newcomers");
    let (old, new) = (world.people.sign(wanted(&["ann@example.org"])), newcomers.sign(wanted(&["ann@example.org"])));
    let mut open = world.connect(IMAPS, Some(&old)).await;
    open.begin_tls().await;
    open.expect("* OK").await;
    world.tls.replace_client_authorities(&roots_of(&newcomers)).unwrap();
    world.check(Some(&new), "=", true).await;
    let mut client = world.connect(IMAPS, Some(&old)).await;
    if client.try_tls().await.is_ok() {
        assert_eq!(client.rest().await, b"");
    }
    // Who was there before has been verified.
    open.send("a AUTHENTICATE EXTERNAL =").await;
    open.expect("a OK").await;
}

#[tokio::test]
async fn failures_are_counted_and_put_off() {
    let world = World::with(|draft| {
        draft.options.max_failed_logins = posthouse_server::MaxFailedLogins(3);
        draft.options.flow_control.exempt.clear();
    });
    let world = world.await;
    let stranger = world.people.sign(wanted(&["mallory@elsewhere.example"]));
    let ann = world.people.sign(wanted(&["ann@example.org"]));
    world.check(Some(&stranger), "=", false).await;
    let metrics = world.house.server.metrics().render();
    for listener in [SUBMISSIONS, IMAPS, POP3S] {
        let line =
            format!("posthouse_logins_total{{listener=\"{listener}\",mechanism=\"EXTERNAL\",result=\"failed\"}} 1");
        assert!(metrics.contains(&line), "{line} in {metrics}");
    }
    let line = world.external(IMAPS, Some(&ann), "=").await;
    assert!(line.starts_with("a NO [LIMIT]"), "{line}");
}

#[tokio::test]
async fn an_account_that_may_not_sign_in_may_not_by_certificate() {
    let world = World::new().await;
    let identity = world.house.identity();
    let address = Address::parse("carol@example.org").unwrap();
    let draft = AccountDraft {
        address: address.clone(),
        display_name: String::new(),
        administrator: true,
        password: Secret::new(PASSWORD),
    };
    identity.create_account(draft, UnixMillis(1_700_000_000_000)).await.unwrap();
    let carol = world.people.sign(wanted(&["carol@example.org"]));
    let line = world.external(IMAPS, Some(&carol), "=").await;
    assert!(line.starts_with("a NO [AUTHORIZATIONFAILED]"), "{line}");
    let suspend = |account: &mut posthouse_storage::AccountRecord| {
        account.status = posthouse_storage::AccountStatus::Suspended;
    };
    identity.change_account(&address, suspend).await.unwrap();
    let line = world.external(SUBMISSIONS, Some(&carol), "=").await;
    assert!(line.starts_with("535 "), "{line}");
}

fn encoded(text: &str) -> String {
    posthouse_sasl::encode_line(text.as_bytes())
}

//! What a server offers, and what is known after the handshake.

use rustls::RootCertStore;
use rustls::client::{ClientSessionMemoryCache, Resumption};
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::kx_group;

use super::*;
use crate::provider;
use crate::server::UNSENT_RECORDS_LIMIT;

const HOST: &str = "mail.example";

struct World {
    authority: Authority,
    library: Arc<CertificateLibrary>,
}

impl World {
    fn new() -> Self {
        let authority = Authority::new();
        let library = Arc::new(CertificateLibrary::new(vec![authority.sign(&[HOST])]));
        Self { authority, library }
    }

    fn server(&self, options: ServerTlsOptions) -> ServerTls {
        ServerTls::new(self.library.clone(), options).unwrap()
    }

    /// A client as others write them: with sessions, and settings of the test's choice.
    fn client(&self, provider: CryptoProvider, versions: &[&'static rustls::SupportedProtocolVersion]) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        use rustls::pki_types::CertificateDer;
        use rustls::pki_types::pem::PemObject;
        roots.add(CertificateDer::from_pem_slice(self.authority.pem.as_bytes()).unwrap()).unwrap();
        ClientConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth()
    }

    fn usual_client(&self) -> ClientConfig {
        self.client(provider::modern().as_ref().clone(), rustls::ALL_VERSIONS)
    }
}

fn connect(tls: &ServerTls, config: &ClientConfig, host: &str) -> Result<Connected, Broken> {
    handshake(tls, Arc::new(config.clone()), ServerName::try_from(host.to_owned()).unwrap())
}

#[test]
fn versions_suites_and_groups_are_ours() {
    let world = World::new();
    let tls = world.server(ServerTlsOptions::default());
    let check = |version, groups: Vec<&'static dyn rustls::crypto::SupportedKxGroup>, shown, group| {
        let provider = CryptoProvider { kx_groups: groups, ..provider::modern().as_ref().clone() };
        let connected = connect(&tls, &world.client(provider, &[version]), HOST).unwrap();
        let facts = TlsFacts::of_server(&connected.server);
        assert_eq!(facts.to_string(), shown);
        assert_eq!(facts.key_exchange, Some(group));
        assert_eq!(facts.server_name.as_deref(), Some(HOST));
        assert_eq!(facts.verified, PeerVerification::NoCertificate);
        assert!(!facts.is_resumed);
    };
    use rustls::version::{TLS12, TLS13};
    let aes256 = "TLS1.3 TLS_AES_256_GCM_SHA384";
    check(&TLS13, vec![kx_group::X25519MLKEM768, kx_group::X25519], aes256, "X25519MLKEM768");
    // A client that sends its key share for another group is not sent back for a second round.
    check(&TLS13, vec![kx_group::X25519, kx_group::X25519MLKEM768], aes256, "x25519");
    check(&TLS13, vec![kx_group::X25519], aes256, "x25519");
    check(&TLS13, vec![kx_group::SECP256R1], aes256, "secp256r1");
    check(&TLS12, vec![kx_group::SECP384R1], "TLS1.2 TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "secp384r1");
}

#[test]
fn every_suite_is_forward_secret_and_aead() {
    for suite in &provider::modern().cipher_suites {
        let name = suite.suite().as_str().unwrap();
        let is_aead = name.contains("_GCM_") || name.contains("_CHACHA20_POLY1305_");
        assert!(is_aead, "{name}");
        assert!(name.starts_with("TLS13_") || name.starts_with("TLS_ECDHE_"), "{name}");
    }
}

/// A ClientHello as software for TLS 1.1 and older sends it.
fn old_client_hello(minor_version: u8, extensions: &[u8]) -> Vec<u8> {
    let mut body = vec![3, minor_version];
    body.extend([9; 32]); // random
    body.push(0); // session id
    body.extend([0, 4, 0xc0, 0x14, 0, 0x2f]); // ECDHE_RSA_AES_256_CBC_SHA, RSA_AES_128_CBC_SHA
    body.extend([1, 0]); // no compression
    if !extensions.is_empty() {
        body.extend([0, extensions.len() as u8]);
        body.extend(extensions);
    }
    let mut record = vec![22, 3, 1, 0, (body.len() + 4) as u8, 1, 0, 0, body.len() as u8];
    record.extend(body);
    record
}

#[test]
fn tls_1_1_and_older_are_refused_with_an_alert() {
    const HANDSHAKE_FAILURE: u8 = 40;
    const PROTOCOL_VERSION: u8 = 70;
    let world = World::new();
    let tls = world.server(ServerTlsOptions::default());
    let check = |hello: Vec<u8>, expected_alert: u8| {
        let mut acceptor = Acceptor::default();
        acceptor.read_tls(&mut hello.as_slice()).unwrap();
        let (error, mut alert) = match acceptor.accept() {
            Err(refused) => refused,
            Ok(accepted) => {
                let accepted = accepted.unwrap();
                let (config, _) = tls.config_for(&accepted.client_hello()).unwrap();
                accepted.into_connection(config).unwrap_err()
            }
        };
        assert_eq!(TlsFailure::classify(&error), TlsFailure::VersionTooLow, "{error:?}");
        let mut bytes = Vec::new();
        alert.write_all(&mut bytes).unwrap();
        // An alert record, fatal (2).
        assert_eq!((bytes[0], &bytes[5..]), (21, &[2, expected_alert][..]), "{error:?}");
    };
    for minor_version in 0..=2 {
        check(old_client_hello(minor_version, &[]), HANDSHAKE_FAILURE);
        // signature_algorithms: rsa_pkcs1_sha256, ecdsa_secp256r1_sha256.
        let extensions = [0, 13, 0, 6, 0, 4, 4, 1, 4, 3];
        check(old_client_hello(minor_version, &extensions), PROTOCOL_VERSION);
    }
}

#[test]
fn names_get_their_certificates_and_reloads_are_live() {
    let world = World::new();
    let wildcard = world.authority.sign(&["*.hosting.example"]);
    let exact = world.authority.sign(&["vip.hosting.example"]);
    let default = world.authority.sign(&[HOST]);
    world.library.replace(vec![default.clone(), wildcard.clone(), exact.clone()]);
    let tls = world.server(ServerTlsOptions::default());
    let shown = |host: &str| {
        let connected = connect(&tls, &world.usual_client(), host).unwrap();
        let shown = connected.client.peer_certificates().unwrap()[0].clone();
        assert_eq!(shown, connected.chosen.certified_key().cert[0]);
        connected.chosen
    };
    assert!(Arc::ptr_eq(&shown(HOST), &default));
    assert!(Arc::ptr_eq(&shown("a.hosting.example"), &wildcard));
    assert!(Arc::ptr_eq(&shown("vip.hosting.example"), &exact));

    let renewed = world.authority.sign(&["vip.hosting.example"]);
    world.library.replace(vec![default, renewed.clone()]);
    assert!(Arc::ptr_eq(&shown("vip.hosting.example"), &renewed));
    let refused = connect(&tls, &world.usual_client(), "a.hosting.example");
    assert!(matches!(refused, Err(Broken::Client(_))));
}

#[test]
fn a_client_without_a_name_gets_the_listeners_certificate() {
    let world = World::new();
    let other = world.authority.sign(&["pop.example", "192.0.2.7"]);
    let default = world.library.certificates().remove(0);
    world.library.replace(vec![default, other.clone()]);
    let fallback_name = Some("pop.example".to_owned());
    let tls = world.server(ServerTlsOptions { fallback_name, ..ServerTlsOptions::default() });
    // An IP address is never sent as a name.
    let connected = connect(&tls, &world.usual_client(), "192.0.2.7").unwrap();
    assert!(Arc::ptr_eq(&connected.chosen, &other));
    assert_eq!(TlsFacts::of_server(&connected.server).server_name, None);
}

#[test]
fn a_client_gets_the_kind_of_key_that_it_can_verify() {
    let world = World::new();
    let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap();
    let parameters = CertificateParams::new(hosts(&[HOST])).unwrap();
    let signed = parameters.signed_by(&key, &world.authority.issuer).unwrap();
    let p384 = loaded(&signed.pem(), &key.serialize_pem());
    let p256 = world.library.certificates().remove(0);
    world.library.replace(vec![p384.clone(), p256.clone()]);
    let tls = world.server(ServerTlsOptions::default());
    let connected = connect(&tls, &world.usual_client(), HOST).unwrap();
    assert!(Arc::ptr_eq(&connected.chosen, &p384));

    let mut only_p256 = provider::modern().as_ref().clone();
    let all = only_p256.signature_verification_algorithms;
    let mapping = all.mapping.iter().filter(|(scheme, _)| *scheme == rustls::SignatureScheme::ECDSA_NISTP256_SHA256);
    only_p256.signature_verification_algorithms.mapping =
        Box::leak(mapping.copied().collect::<Vec<_>>().into_boxed_slice());
    let client = world.client(only_p256, &[&rustls::version::TLS13]);
    let connected = connect(&tls, &client, HOST).unwrap();
    assert!(Arc::ptr_eq(&connected.chosen, &p256));
}

#[test]
fn an_empty_library_is_an_error_not_a_panic() {
    let tls = server_tls(vec![]);
    let mut acceptor = Acceptor::default();
    let mut client = ClientConnection::new(Arc::new(World::new().usual_client()), HOST.try_into().unwrap()).unwrap();
    let mut hello = Vec::new();
    client.write_tls(&mut hello).unwrap();
    acceptor.read_tls(&mut hello.as_slice()).unwrap();
    let accepted = acceptor.accept().ok().flatten().unwrap();
    let refused = tls.config_for(&accepted.client_hello()).map(drop);
    assert_eq!(refused, Err(NoCertificate::EmptyLibrary));
}

#[test]
fn tickets_are_sent_only_where_they_are_on() {
    let world = World::new();
    let check = |session_tickets, tickets, second_is_resumed| {
        let tls = world.server(ServerTlsOptions { session_tickets, ..ServerTlsOptions::default() });
        for versions in [[&rustls::version::TLS13], [&rustls::version::TLS12]] {
            let mut client = world.client(provider::modern().as_ref().clone(), &versions);
            client.resumption = Resumption::store(Arc::new(ClientSessionMemoryCache::new(8)));
            let first = connect(&tls, &client, HOST).unwrap();
            if versions[0].version == rustls::ProtocolVersion::TLSv1_3 {
                assert_eq!(first.client.tls13_tickets_received(), tickets);
            }
            let second = connect(&tls, &client, HOST).unwrap();
            assert_eq!(TlsFacts::of_server(&second.server).is_resumed, second_is_resumed);
        }
    };
    check(false, 0, false);
    check(true, 2, true);
}

#[test]
fn a_session_does_not_outlive_its_certificate() {
    let world = World::new();
    let tls = world.server(ServerTlsOptions { session_tickets: true, ..ServerTlsOptions::default() });
    let client = world.usual_client();
    connect(&tls, &client, HOST).unwrap();
    let resumed = connect(&tls, &client, HOST).unwrap();
    assert!(TlsFacts::of_server(&resumed.server).is_resumed);
    let bindings = channel_bindings(&resumed.server, &resumed.chosen);
    assert_eq!(bindings, client_channel_bindings(&resumed.client));

    world.library.replace(vec![world.authority.sign(&[HOST])]);
    let after = connect(&tls, &client, HOST).unwrap();
    assert!(!TlsFacts::of_server(&after.server).is_resumed);
    let bindings = channel_bindings(&after.server, &after.chosen);
    assert_eq!(bindings, client_channel_bindings(&after.client));
}

#[test]
fn a_completed_chain_is_served_after_the_reload() {
    let world = World::new();
    let dir = tempfile::tempdir().unwrap();
    let (chain, key) = (dir.path().join("a.crt"), dir.path().join("a.key"));
    let leaf_key = KeyPair::generate().unwrap();
    let parameters = CertificateParams::new(hosts(&[HOST])).unwrap();
    let leaf = parameters.signed_by(&leaf_key, &world.authority.issuer).unwrap().pem();
    std::fs::write(&key, leaf_key.serialize_pem()).unwrap();
    let paths = [CertificatePaths { chain: chain.clone(), key, names: vec![] }];
    let tls = world.server(ServerTlsOptions::default());
    let shown = |content: &str| {
        std::fs::write(&chain, content).unwrap();
        world.library.reload_from(&paths).unwrap();
        let connected = connect(&tls, &world.usual_client(), HOST).unwrap();
        connected.client.peer_certificates().unwrap().len()
    };
    assert_eq!(shown(&leaf), 1);
    assert_eq!(shown(&format!("{leaf}{}", world.authority.pem)), 2);
}

#[test]
fn configurations_of_old_certificates_are_swept_out() {
    let world = World::new();
    let tls = world.server(ServerTlsOptions::default());
    for _ in 0..40 {
        world.library.replace(vec![world.authority.sign(&[HOST])]);
        connect(&tls, &world.usual_client(), HOST).unwrap();
        assert!(tls.known_configurations() <= 1 + 16);
    }
}

#[test]
fn both_sides_have_the_same_channel_bindings() {
    let world = World::new();
    let tls = world.server(ServerTlsOptions::default());
    let bindings_of = |version| {
        let client = world.client(provider::modern().as_ref().clone(), &[version]);
        let connected = connect(&tls, &client, HOST).unwrap();
        let of_server = channel_bindings(&connected.server, &connected.chosen);
        assert_eq!(of_server, client_channel_bindings(&connected.client));
        of_server
    };
    let first = bindings_of(&rustls::version::TLS13);
    let second = bindings_of(&rustls::version::TLS13);
    assert_eq!(first.tls_exporter.as_ref().unwrap().len(), 32);
    assert_ne!(first.tls_exporter, second.tls_exporter);
    assert_eq!(first.tls_server_end_point, second.tls_server_end_point);
    assert_eq!(first.tls_server_end_point.as_ref().unwrap().len(), 32);
    let shown = format!("{first:?}");
    assert!(!shown.contains('['), "values are not shown: {shown}");

    let old = bindings_of(&rustls::version::TLS12);
    assert_eq!(old.tls_exporter, None);
    assert_eq!(old.tls_server_end_point, first.tls_server_end_point);
}

#[test]
fn application_protocols_are_agreed_or_refused() {
    let world = World::new();
    let imap = ServerTlsOptions { alpn: vec![b"imap".to_vec()], ..ServerTlsOptions::default() };
    let tls = world.server(imap);
    let agreed = |protocols: &[&str]| {
        let mut client = world.usual_client();
        client.alpn_protocols = protocols.iter().map(|it| it.as_bytes().to_vec()).collect();
        connect(&tls, &client, HOST).map(|it| TlsFacts::of_server(&it.server).alpn)
    };
    assert_eq!(agreed(&["imap"]).unwrap().as_deref(), Some("imap"));
    assert_eq!(agreed(&[]).unwrap(), None);
    assert!(matches!(agreed(&["http/1.1"]), Err(Broken::Server(rustls::Error::NoApplicationProtocol))));
}

#[test]
fn client_certificates_are_verified_where_asked_for() {
    let world = World::new();
    let dir = tempfile::tempdir().unwrap();
    let roots = dir.path().join("clients.pem");
    std::fs::write(&roots, &world.authority.pem).unwrap();
    let asking = world.server(ServerTlsOptions {
        client_certificates: Some(roots_from_file(&roots).unwrap()),
        ..ServerTlsOptions::default()
    });
    let connect_with = |tls: &ServerTls, own: Option<&ChosenCertificate>| {
        let client = ClientTls::new(&world.authority.roots(), own).unwrap();
        let attempt = client.attempt(HOST, ClientTlsMode::Verified, ClientProfile::Modern).unwrap();
        handshake_attempt(tls, &attempt).map(|it| TlsFacts::of_server(&it.server))
    };
    let good = world.authority.sign(&["alice.example"]);
    let facts = connect_with(&asking, Some(&good)).unwrap();
    assert_eq!(facts.verified, PeerVerification::Verified);
    assert_eq!(facts.peer_certificate.unwrap().subject_names, ["alice.example"]);

    let facts = connect_with(&asking, None).unwrap();
    assert_eq!(facts.verified, PeerVerification::NoCertificate);

    let stranger = certificate(&["mallory.example"]);
    assert!(matches!(connect_with(&asking, Some(&stranger)), Err(Broken::Server(_))));

    let not_asking = world.server(ServerTlsOptions::default());
    let facts = connect_with(&not_asking, Some(&stranger)).unwrap();
    assert_eq!(facts.peer_certificate, None);
}

#[test]
fn only_subject_alternative_names_are_mail_addresses() {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name.push(rcgen::DnType::CommonName, "root@example.org");
    let rfc822 = |address: &str| rcgen::SanType::Rfc822Name(address.try_into().unwrap());
    parameters.subject_alt_names =
        vec![rfc822("Ann@example.org"), rcgen::SanType::DnsName("example.org".try_into().unwrap())];
    let facts = |parameters: &CertificateParams| {
        let made = parameters.self_signed(&KeyPair::generate().unwrap()).unwrap();
        CertificateFacts::of_der(made.der()).unwrap()
    };
    assert_eq!(facts(&parameters).mail_addresses, ["Ann@example.org"]);
    // A certificate of a thousand people is read as one of the first few.
    parameters.subject_alt_names = (0..1000).map(|n| rfc822(&format!("{n}@example.org"))).collect();
    assert_eq!(facts(&parameters).mail_addresses.len(), 32);
}

#[test]
fn a_session_with_client_certificates_is_not_resumed() {
    let world = World::new();
    let dir = tempfile::tempdir().unwrap();
    let roots = dir.path().join("clients.pem");
    std::fs::write(&roots, &world.authority.pem).unwrap();
    let roots = roots_from_file(&roots).unwrap();
    let options = ServerTlsOptions { session_tickets: true, ..ServerTlsOptions::default() };
    let tls = world.server(options.clone());
    let asking = world.server(ServerTlsOptions { client_certificates: Some(roots.clone()), ..options });
    let resumes = |tls: &ServerTls| {
        let client = Arc::new(world.usual_client());
        let again = || handshake(tls, client.clone(), HOST.try_into().unwrap()).unwrap();
        again();
        TlsFacts::of_server(&again().server).is_resumed
    };
    assert!(resumes(&tls));
    assert!(!resumes(&asking));
    tls.replace_client_authorities(&roots).unwrap();
    assert!(!resumes(&tls));
}

#[test]
fn the_self_choosing_configuration_follows_the_library() {
    let world = World::new();
    let tls = world.server(ServerTlsOptions::default());
    let config = tls.self_choosing_config();
    let mut client = ClientConnection::new(Arc::new(world.usual_client()), HOST.try_into().unwrap()).unwrap();
    let mut server = ServerConnection::new(config).unwrap();
    server.set_buffer_limit(Some(UNSENT_RECORDS_LIMIT));
    while carry(&mut client, &mut server).unwrap() + carry(&mut server, &mut client).unwrap() > 0 {}
    assert!(!client.is_handshaking());
}

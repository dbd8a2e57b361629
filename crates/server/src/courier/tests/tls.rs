//! TLS in each mode, with each kind of certificate.

use super::*;

const YEAR: u64 = 365 * 24 * 60 * 60;

/// A peer with a certificate, and the authority to trust it by.
fn certified(names: &[&str], dates: (u64, u64)) -> (Manners, String) {
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let made = demo_certificates(&names, dates.0, dates.1).unwrap();
    let tls = tls_of(&made.server.certificate, &made.server.key);
    (Manners { tls: Some(tls), ..Manners::default() }, made.authority)
}

/// Makes a peer, and the authorities to trust.
type Making = dyn Fn() -> (Manners, String);

fn self_certified() -> Manners {
    let made = self_signed(&[HOST.to_owned()], ALWAYS.0, ALWAYS.1).unwrap();
    Manners { tls: Some(tls_of(&made.certificate, &made.key)), ..Manners::default() }
}

/// What is told of TLS, or the failure; and whether the peer took the message inside TLS.
async fn outcome(manners: Manners, roots: &str, tls: HopTls) -> Result<String, String> {
    let peer = Peer::start(manners).await;
    let carried = courier_trusting(roots, |_| {})
        .carry(&hop(&peer, tls), vec![consignment(&["bob@far.example"])])
        .await
        .map_err(|failure| failure.cause.to_string())?;
    assert_eq!(told(&carried[0]), ["ok 250"]);
    assert_eq!(peer.taken()[0].in_tls, carried[0].tls.is_some());
    Ok(carried[0].tls.clone().unwrap_or("clear".to_owned()))
}

const SUITE: &str = "TLS1.3 TLS_AES_256_GCM_SHA384";

#[tokio::test]
async fn good_certificates() {
    for mode in [HopTls::Opportunistic, HopTls::Required, HopTls::Verified] {
        let (manners, authority) = certified(&[HOST], ALWAYS);
        let told = outcome(manners, &authority, mode.clone()).await;
        assert_eq!(told, Ok(format!("{SUITE}, certificate verified")), "{mode:?}");
    }
    let (manners, authority) = certified(&[HOST], ALWAYS);
    let told = outcome(Manners { implicit: true, ..manners }, &authority, HopTls::Implicit).await;
    assert_eq!(told, Ok(format!("{SUITE}, certificate verified")));
}

#[tokio::test]
async fn bad_certificates_matter_where_they_are_verified() {
    let stranger = || demo_certificates(&["s.example".to_owned()], ALWAYS.0, ALWAYS.1).unwrap().authority;
    let cases: [(&str, &str, Box<Making>); 4] = [
        ("certificate-self-signed", "the certificate is self-signed", Box::new(move || (self_certified(), stranger()))),
        (
            "certificate-untrusted",
            "the certificate's issuer is not trusted",
            Box::new(move || (certified(&[HOST], ALWAYS).0, stranger())),
        ),
        (
            "certificate-name",
            "the certificate is not for peer.example (it is for other.example)",
            Box::new(|| certified(&["other.example"], ALWAYS)),
        ),
        (
            "certificate-expired",
            "the certificate has expired (valid until 1971-01-01T00:00:00Z)",
            Box::new(|| certified(&[HOST], (0, YEAR))),
        ),
    ];
    for (code, words, make) in cases {
        for mode in [HopTls::Opportunistic, HopTls::Required] {
            let (manners, roots) = make();
            let told = outcome(manners, &roots, mode.clone()).await;
            assert_eq!(told, Ok(format!("{SUITE}, certificate not verified: {words}")), "{mode:?}");
        }
        let (manners, roots) = make();
        let told = outcome(manners, &roots, HopTls::Verified).await;
        assert_eq!(told, Err(format!("TLS is required, but {words} [{code}]")));
        let (manners, roots) = make();
        let told = outcome(Manners { implicit: true, ..manners }, &roots, HopTls::Implicit).await;
        assert_eq!(told, Err(format!("TLS is required, but {words} [{code}]")));
    }
}

#[tokio::test]
async fn hosts_without_starttls() {
    let authority = demo_certificates(&[HOST.to_owned()], ALWAYS.0, ALWAYS.1).unwrap().authority;
    assert_eq!(outcome(Manners::default(), &authority, HopTls::Opportunistic).await, Ok("clear".to_owned()));
    assert_eq!(outcome(Manners::default(), &authority, HopTls::None).await, Ok("clear".to_owned()));
    for mode in [HopTls::Required, HopTls::Verified] {
        let told = outcome(Manners::default(), &authority, mode).await;
        assert_eq!(told, Err("TLS is required, but the host does not offer STARTTLS [no-starttls]".to_owned()));
    }
}

#[tokio::test]
async fn hosts_that_refuse_starttls() {
    let refusing = || {
        let (manners, authority) = certified(&[HOST], ALWAYS);
        let answer = |_: usize, line: &str| (line == "STARTTLS").then_some(Deed::Say("454 4.7.0 not now"));
        (Manners { answer: Box::new(answer), ..manners }, authority)
    };
    let (manners, authority) = refusing();
    assert_eq!(outcome(manners, &authority, HopTls::Opportunistic).await, Ok("clear".to_owned()));
    let (manners, authority) = refusing();
    let told = outcome(manners, &authority, HopTls::Required).await;
    let expected = "TLS is required, but the host refuses STARTTLS: 454 4.7.0 not now [starttls-refused]";
    assert_eq!(told, Err(expected.to_owned()));
}

#[tokio::test]
async fn broken_handshakes() {
    let broken = |times| {
        let (manners, authority) = certified(&[HOST], ALWAYS);
        (Manners { broken_handshakes: times, ..manners }, authority)
    };
    // The second attempt is made in the way of older hosts.
    let (manners, authority) = broken(1);
    let told = outcome(manners, &authority, HopTls::Required).await.unwrap();
    assert!(told.starts_with("TLS1.2 "), "{told}");
    let (manners, authority) = broken(2);
    assert_eq!(outcome(manners, &authority, HopTls::Opportunistic).await, Ok("clear".to_owned()));
    for mode in [HopTls::Required, HopTls::Verified] {
        let (manners, authority) = broken(2);
        let told = outcome(manners, &authority, mode).await.unwrap_err();
        assert!(
            told.starts_with("TLS is required, but the connection broke") && told.ends_with(" [handshake]"),
            "{told}"
        );
    }
}

#[tokio::test]
async fn mail_that_requires_tls_never_goes_in_clear() {
    let (manners, authority) = certified(&[HOST], ALWAYS);
    let peer = Peer::start(Manners { broken_handshakes: 9, ..manners }).await;
    let strict = Consignment { require_tls: true, ..consignment(&["bob@far.example"]) };
    let courier = courier_trusting(&authority, |_| {});
    let told = carry_one(&courier, &hop(&peer, HopTls::Opportunistic), strict).await.unwrap_err();
    assert!(told.starts_with("later TLS is required, but the connection broke"), "{told}");
    assert_eq!(peer.taken(), []);
}

#[tokio::test]
async fn text_injected_behind_starttls_ends_it() {
    for mode in [HopTls::Opportunistic, HopTls::Required] {
        let (manners, authority) = certified(&[HOST], ALWAYS);
        let peer = Peer::start(Manners { injected: "\r\n250 injected", ..manners }).await;
        let courier = courier_trusting(&authority, |_| {});
        let told = carry_one(&courier, &hop(&peer, mode), consignment(&["bob@far.example"])).await.unwrap_err();
        assert!(told.contains("clear text behind the reply to STARTTLS"), "{told}");
        assert_eq!((peer.taken(), peer.has_seen("MAIL")), (vec![], false));
    }
}

#[tokio::test]
async fn a_silent_handshake_is_given_up() {
    // It says 220 and then nothing: the handshake never begins on its side.
    let answer = |number: usize, line: &str| (number == 1 && line == "STARTTLS").then_some(Deed::SayAndStop("220 go"));
    let (manners, authority) = certified(&[HOST], ALWAYS);
    let peer = Peer::start(Manners { answer: Box::new(answer), ..manners }).await;
    let courier = courier_trusting(&authority, |options| options.timeouts.tls_handshake = SHORT);
    let told = carry_one(&courier, &hop(&peer, HopTls::Opportunistic), consignment(&["bob@far.example"])).await;
    assert_eq!(told, Ok(vec!["ok 250".to_owned()]));
    assert_eq!((peer.connections(), peer.taken()[0].in_tls), (2, false));
}

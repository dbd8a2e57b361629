//! Logins at smart hosts.

use posthouse_storage::routes::RouteLogin;

use super::*;

fn certified(extensions: Vec<&'static str>) -> (Manners, String) {
    let made = demo_certificates(&[HOST.to_owned()], ALWAYS.0, ALWAYS.1).unwrap();
    let tls = Some(tls_of(&made.server.certificate, &made.server.key));
    (Manners { extensions, tls, ..Manners::default() }, made.authority)
}

fn with_login(peer: &Peer, tls: HopTls) -> NextHop {
    NextHop { login: Some(RouteLogin::password("ann", Secret::new("secret"))), ..hop(peer, tls) }
}

#[tokio::test]
async fn a_password_is_accepted() {
    let (manners, authority) = certified(vec!["AUTH PLAIN"]);
    let answer = |_: usize, line: &str| (line == "AUTH PLAIN AGFubgBzZWNyZXQ=").then_some(Deed::Say("235 welcome"));
    let peer = Peer::start(Manners { answer: Box::new(answer), ..manners }).await;
    let courier = courier_trusting(&authority, |_| {});
    let told = carry_one(&courier, &with_login(&peer, HopTls::Verified), consignment(&["b@far.example"])).await;
    assert_eq!(told, Ok(vec!["ok 250".to_owned()]), "{:?}", peer.commands());
}

#[tokio::test]
async fn logins_that_fail() {
    let (manners, authority) = certified(vec!["AUTH PLAIN"]);
    let answer = |_: usize, line: &str| line.starts_with("AUTH").then_some(Deed::Say("535 5.7.8 wrong"));
    let peer = Peer::start(Manners { answer: Box::new(answer), ..manners }).await;
    let courier = courier_trusting(&authority, |_| {});
    let told = carry_one(&courier, &with_login(&peer, HopTls::Verified), consignment(&["b@far.example"])).await;
    assert_eq!(told, Err("later cannot sign in: the host said: 535 5.7.8 wrong".to_owned()));
    let (manners, authority) = certified(vec!["AUTH GSSAPI"]);
    let peer = Peer::start(manners).await;
    let courier = courier_trusting(&authority, |_| {});
    let told = carry_one(&courier, &with_login(&peer, HopTls::Verified), consignment(&["b@far.example"])).await;
    assert_eq!(told, Err("later cannot sign in: the host offers no way to sign in that we may use".to_owned()));
    assert!(!peer.has_seen("MAIL"));
}

#[tokio::test]
async fn a_password_never_goes_in_clear() {
    let extensions = vec!["AUTH PLAIN LOGIN CRAM-MD5 SCRAM-SHA-256"];
    let peer = Peer::start(Manners { extensions, ..Manners::default() }).await;
    for tls in [HopTls::None, HopTls::Opportunistic, HopTls::Required] {
        let told = carry_one(&courier(), &with_login(&peer, tls.clone()), consignment(&["b@far.example"])).await;
        assert!(told.is_err(), "{tls:?}: {told:?}");
    }
    assert!(!peer.has_seen("AUTH") && !peer.has_seen("MAIL"));
}

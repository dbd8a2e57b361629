//! Logins by token.

use parking_lot::Mutex;
use posthouse_flow::TokenSource;
use posthouse_storage::routes::{RouteLogin, RouteProof};

use super::*;

/// Gives these tokens one after the other, and keeps what was refused.
#[derive(Default)]
struct Tokens {
    given: Mutex<VecDeque<&'static str>>,
    refused: Mutex<Vec<Vec<u8>>>,
}

#[async_trait]
impl TokenSource for Tokens {
    async fn token(&self, _: &NextHop) -> Result<Secret, String> {
        self.given.lock().pop_front().map(Secret::new).ok_or_else(|| "there is no token".to_owned())
    }

    fn refused(&self, _: &NextHop, token: &Secret) {
        self.refused.lock().push(token.expose().to_vec());
    }
}

fn certified(extensions: Vec<&'static str>) -> (Manners, String) {
    let made = demo_certificates(&[HOST.to_owned()], ALWAYS.0, ALWAYS.1).unwrap();
    let tls = Some(tls_of(&made.server.certificate, &made.server.key));
    (Manners { extensions, tls, ..Manners::default() }, made.authority)
}

fn by_token(peer: &Peer, tls: HopTls) -> NextHop {
    let proof = RouteProof::TokenFile("/run/token".to_owned());
    NextHop { login: Some(RouteLogin { name: "ann".to_owned(), proof }), ..hop(peer, tls) }
}

#[tokio::test]
async fn a_token_is_read_for_each_login() {
    let (manners, authority) = certified(vec!["AUTH PLAIN XOAUTH2"]);
    // user=ann^Aauth=Bearer new^A^A
    let good = "AUTH XOAUTH2 dXNlcj1hbm4BYXV0aD1CZWFyZXIgbmV3AQE=";
    let answer = move |_: usize, line: &str| match line {
        _ if line == good => Some(Deed::Say("235 welcome")),
        // {"status":"401"}
        _ if line.starts_with("AUTH") => Some(Deed::Say("334 eyJzdGF0dXMiOiI0MDEifQ==")),
        "" => Some(Deed::Say("535 5.7.8 no")),
        _ => None,
    };
    let peer = Peer::start(Manners { answer: Box::new(answer), ..manners }).await;
    let tokens = Arc::new(Tokens::default());
    tokens.given.lock().extend(["old", "new"]);
    let courier = courier_trusting(&authority, |_| {}).with_tokens(Arc::clone(&tokens) as _);
    let hop = by_token(&peer, HopTls::Verified);
    let told = carry_one(&courier, &hop, consignment(&["b@far.example"])).await.unwrap_err();
    assert_eq!(told, "later cannot sign in: the host said: 535 5.7.8 no (it does not take the token: 401)");
    assert_eq!(*tokens.refused.lock(), [b"old".to_vec()]);
    let told = carry_one(&courier, &hop, consignment(&["b@far.example"])).await;
    assert_eq!(told, Ok(vec!["ok 250".to_owned()]), "{:?}", peer.commands());
    let (_idle, told) = (courier.close_idle().await, carry_one(&courier, &hop, consignment(&["b@far.example"])).await);
    assert_eq!(told, Err("later cannot sign in: there is no token".to_owned()));
}

#[tokio::test]
async fn a_token_never_goes_in_clear_nor_as_a_password() {
    let clear = Peer::start(Manners { extensions: vec!["AUTH PLAIN XOAUTH2"], ..Manners::default() }).await;
    let (manners, authority) = certified(vec!["AUTH PLAIN LOGIN"]);
    let by_password = Peer::start(manners).await;
    let tokens = Arc::new(Tokens::default());
    tokens.given.lock().extend(["t"; 9]);
    let courier = courier_trusting(&authority, |_| {}).with_tokens(tokens as _);
    for tls in [HopTls::None, HopTls::Opportunistic, HopTls::Required] {
        let told = carry_one(&courier, &by_token(&clear, tls.clone()), consignment(&["b@far.example"])).await;
        assert!(told.is_err(), "{tls:?}: {told:?}");
    }
    let hop = by_token(&by_password, HopTls::Verified);
    let told = carry_one(&courier, &hop, consignment(&["b@far.example"])).await;
    assert_eq!(told, Err("later cannot sign in: the host offers no way to sign in that we may use".to_owned()));
    assert!(!clear.has_seen("AUTH") && !by_password.has_seen("AUTH"));
}

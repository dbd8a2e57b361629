//! Hosts that cannot be used, and connections that break.

use super::*;

/// Nothing was handed over: another host may be tried.
async fn check_failure(manners: Manners, expected: &str) {
    let peer = Peer::start(manners).await;
    let courier = impatient_courier();
    let told = carry_one(&courier, &hop(&peer, HopTls::Opportunistic), consignment(&["bob@far.example"])).await;
    assert_eq!(told, Err(expected.to_owned()), "{:?}", peer.commands());
}

async fn check_lost(manners: Manners, expected: &str) {
    let peer = Peer::start(manners).await;
    let courier = impatient_courier();
    let told = carry_one(&courier, &hop(&peer, HopTls::Opportunistic), consignment(&["bob@far.example"])).await;
    assert_eq!(told, Ok(vec![expected.to_owned()]), "{:?}", peer.commands());
}

#[tokio::test]
async fn hosts_that_do_not_want_us() {
    check_failure(at(GREETING, Deed::SayAndClose("554 5.7.1 go away")), "never the host said: 554 5.7.1 go away").await;
    check_failure(at(GREETING, Deed::SayAndClose("421 4.3.2 later")), "later the host said: 421 4.3.2 later").await;
    check_failure(at("EHLO", Deed::SayAndClose("421 busy")), "later the host said: 421 busy").await;
    check_failure(at("MAIL", Deed::SayAndClose("421 enough")), "later the host said: 421 enough").await;
    check_failure(at("DATA", Deed::Close), "later the connection was lost: closed after DATA").await;
    check_failure(at(GREETING, Deed::Close), "later the connection was lost: closed before the greeting").await;
}

#[tokio::test]
async fn silence() {
    let lost = |when: &str| format!("later the connection was lost: no answer in time {when}");
    check_failure(at(GREETING, Deed::Silence), &lost("before the greeting")).await;
    check_failure(at("EHLO", Deed::Silence), &lost("after EHLO")).await;
    check_failure(at("RCPT", Deed::Silence), &lost("while recipients were named")).await;
    check_lost(at(TEXT_ENDS, Deed::Silence), &lost("after the end of the message")).await;
}

#[tokio::test]
async fn broken_in_the_middle_of_the_text() {
    check_lost(at(TEXT_ENDS, Deed::Close), "later the connection was lost: closed after the end of the message").await;
    // More than fits into the buffers of both sides.
    let large = Consignment {
        content: vec![Bytes::from("0123456789abcde\n".repeat(1 << 16)); 64],
        ..consignment(&["bob@far.example"])
    };
    for deed in [Deed::Close, Deed::Silence] {
        let manners = Manners { extensions: Vec::new(), ..at(TEXT_BEGINS, deed) };
        let peer = Peer::start(manners).await;
        let told = carry_one(&impatient_courier(), &hop(&peer, HopTls::None), large.clone()).await.unwrap();
        assert!(told[0].starts_with("later the connection was lost: "), "{told:?}");
        assert!(told[0].ends_with("in the middle of the message"), "{told:?}");
    }
}

#[tokio::test]
async fn not_smtp() {
    let told = |words: &str| format!("later the host broke the protocol: {words}");
    check_failure(at(GREETING, Deed::SayAndClose("SSH-2.0-OpenSSH")), &told("a line without a reply code")).await;
}

#[tokio::test]
async fn nobody_there() {
    let peer = Peer::start(Manners::default()).await;
    let mut hop = hop(&peer, HopTls::None);
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    hop.port = free.port();
    let told = carry_one(&courier(), &hop, consignment(&["bob@far.example"])).await;
    assert_eq!(told, Err("later cannot connect: the host refuses connections".to_owned()));
}

#[tokio::test]
async fn hosts_without_an_address_are_looked_up() {
    let peer = Peer::start(Manners::default()).await;
    let known = NextHop { address: None, ..hop(&peer, HopTls::None) };
    assert_eq!(carry_one(&courier(), &known, consignment(&["b@far.example"])).await, Ok(vec!["ok 250".to_owned()]));
    let unknown = NextHop { host: Domain::parse("gone.example").unwrap(), ..known };
    let told = carry_one(&courier(), &unknown, consignment(&["b@far.example"])).await.unwrap_err();
    assert_eq!(told, "later cannot connect: the addresses of gone.example cannot be found: the name does not exist");
}

#[tokio::test]
async fn the_next_address_is_tried() {
    let peer = Peer::start(Manners::default()).await;
    let tls = ClientTls::new(&TrustRoots::Platform, None).unwrap();
    let options = CourierOptions::new(Domain::parse("own.example").unwrap());
    // Nobody listens on the first.
    let addresses = OneHost(vec!["127.0.0.99".parse().unwrap(), peer.address.ip()]);
    let courier = SmtpCourier::new(Arc::new(addresses), Arc::new(tls), options);
    let hop = NextHop { address: None, ..hop(&peer, HopTls::None) };
    assert_eq!(carry_one(&courier, &hop, consignment(&["b@far.example"])).await, Ok(vec!["ok 250".to_owned()]));
}

#[tokio::test]
async fn a_source_address_is_used() {
    let peer = Peer::start(Manners::default()).await;
    let courier = courier_trusting(&trusted(), |options| {
        // An address of documentation, so none of this host's.
        options.source_v4 = Some([192, 0, 2, 1].into());
    });
    let told = carry_one(&courier, &hop(&peer, HopTls::None), consignment(&["b@far.example"])).await.unwrap_err();
    assert!(told.starts_with("later cannot connect: "), "{told}");
    assert_eq!(peer.connections(), 0);
}

#[tokio::test]
async fn a_host_that_does_not_accept_is_given_up() {
    // The kernel lets one more wait than it is told, and then drops whoever knocks.
    const BACKLOG: u32 = 1;
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(BACKLOG).unwrap();
    let address = listener.local_addr().unwrap();
    let mut waiting = Vec::new();
    for _ in 0..=BACKLOG {
        waiting.push(tokio::net::TcpStream::connect(address).await.unwrap());
    }
    let courier = courier_trusting(&trusted(), |options| options.connect_timeout = SHORT);
    let host = Domain::parse(HOST).unwrap();
    let hop = NextHop::plain(host, Some(address.ip()), address.port(), HopTls::None);
    let told = carry_one(&courier, &hop, consignment(&["bob@far.example"])).await;
    assert_eq!(told, Err("later cannot connect: the host does not answer".to_owned()));
}

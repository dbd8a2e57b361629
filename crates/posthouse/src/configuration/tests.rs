use posthouse_flow::alerts::AlertThresholds;
use posthouse_flow::{RetrySchedule, WatchThresholds};

use super::*;

fn read(text: &str) -> Result<Configuration, String> {
    Configuration::of_text(Path::new("posthouse.toml"), text).map_err(|problem| problem.to_string())
}

/// `text` is refused at `place`, in words that contain each of `words`.
fn check(text: &str, place: &str, words: &[&str]) {
    let message = read(text).map(|_| ()).expect_err(text);
    assert!(message.starts_with(&format!("posthouse.toml:{place}: ")), "{text}\n→ {message}");
    for word in words {
        assert!(message.contains(word), "{text}\n→ {message}\nlacks {word}");
    }
    assert!(!message.contains('\n'), "{message}");
}

/// A configuration, where it is wrong, and what that is told with.
type Wrong = (&'static str, &'static str, &'static [&'static str]);

/// Of listeners.
const WRONG_LISTENERS: &[Wrong] = &[
    ("[[listener]]\nrole = \"smtp\"", "2:8", &["`smtp` is not a role", "mx, submission, lmtp, imap, pop3"]),
    ("[[listener]]\nrole = \"imap\"\ntls = \"implict\"", "3:7", &["did you mean `implicit`?", "starttls-required"]),
    ("[[listener]]\nname = \"x\"", "1:1", &["missing field `role`"]),
    ("[[listener]]\nrole = \"imap\"\naddresses = [\"localhost:143\"]", "3:13", &["`localhost:143`", "[::]:25"]),
    ("[[listener]]\nrole = \"imap\"\naddresses = []", "3:13", &["needs an address"]),
    (
        "[[listener]]\nrole = \"imap\"\naddresses = [\"[::]:143\"]\ntls = \"none\"",
        "4:7",
        &["loopback addresses only", "starttls-required"],
    ),
    ("[[listener]]\nrole = \"mx\"\nmechanisms = [\"PLAIN\"]", "3:14", &["role `submission`"]),
    ("[[listener]]\nrole = \"imap\"\nmechanisms = [\"PLAN\"]", "3:14", &["did you mean `PLAIN`?", "SCRAM-SHA-256"]),
    ("[[listener]]\nrole = \"imap\"\ncertificate = \"web\"", "3:15", &["`web` is not the name of a [[certificate]]"]),
    ("[[listener]]\nrole = \"mx\"\n[[listener]]\nrole = \"mx\"", "4:8", &["another listener is called `mx`"]),
    (
        "[[listener]]\nrole = \"mx\"\n[[listener]]\nname = \"b\"\nrole = \"mx\"\naddresses = [\"0.0.0.0:25\"]",
        "6:13",
        &["the listener `mx` is on 0.0.0.0:25 already"],
    ),
    ("[[listener]]\nrole = \"mx\"\nproxy_protocol_from = [\"lan\"]", "3:23", &["192.0.2.0/24"]),
    ("[[listener]]\nrole = \"mx\"\n[listener.limits]\nhold_time = \"5d\"", "4:13", &["role `submission` only"]),
    ("[[listener]]\nrole = \"mx\"\nxclient_from = [\"0.0.0.0/0\"]", "3:16", &["the whole world"]),
    ("[[listener]]\nrole = \"mx\"\nxclient_from = [\"::/0\"]", "3:16", &["the whole world"]),
    ("[[listener]]\nrole = \"imap\"\nxclient_from = [\"192.0.2.1\"]", "3:16", &["only"]),
    (
        "[[listener]]\nrole = \"lmtp\"\n[listener.limits]\nshortest_deliver_by = \"1m\"",
        "4:23",
        &["roles `mx` and `submission` only"],
    ),
    ("[[listener]]\nrole = \"submission\"\n[listener.limits]\nhold_time = \"11575d\"", "4:13", &["999999999 seconds"]),
    ("[[listener]]\nrole = \"mx\"\n[listener.limits]\nmessage_size = \"5MB\"", "4:16", &["KiB, MiB or GiB"]),
    (
        "[[listener]]\nrole = \"mx\"\nclient_certificates = \"/ca.pem\"",
        "3:23",
        &["nobody signs in on role mx", "submission, imap, pop3"],
    ),
    (
        "[[listener]]\nrole = \"imap\"\naddresses = [\"127.0.0.1:143\"]\ntls = \"none\"\nclient_certificates = \"/ca.pem\"",
        "5:23",
        &["no certificates without TLS"],
    ),
];

/// Of mail that leaves.
const WRONG_OUTGOING: &[Wrong] = &[
    ("[outgoing]\ntls = \"always\"", "2:7", &["opportunistic, required, verified"]),
    ("[outgoing]\ntrust_roots = \"system\"", "2:15", &["`platform`"]),
    ("[outgoing.timeouts]\ngreeting = \"0s\"", "2:12", &["at least 1s"]),
    ("[[outgoing.route]]\nhost = \"a.example\"\nlogin = \"x\"", "1:1", &["`password_file`"]),
    (
        "[[outgoing.route]]\nhost = \"a.example\"\nlogin = \"x\"\ntls = \"none\"\npassword_environment = \"X\"",
        "1:1",
        &["nobody signs in with", "implicit, starttls"],
    ),
    ("[[outgoing.route]]\nhost = \"a.example\"\nlogin = \"x\"\ntoken_file = \"t\"", "4:14", &["absolute"]),
    ("[[outgoing.route]]\nhost = \"a\"\n[[outgoing.route]]\nhost = \"b\"", "3:1", &["all other domains already"]),
    ("[queue]\nlifetime = \"5 days\"", "2:12", &["90s, 5m, 4h or 5d"]),
    ("[queue]\nretry_after = [\"0m\"]", "2:15", &["none of zero"]),
    ("[queue.schedules.\"a.example\"]\nretry_after = []", "2:15", &["at least one wait"]),
    ("[queue.schedules.\"a b\"]", "1:18", &["`a b`"]),
    ("[queue]\ndeliveries = 0", "2:14", &["1 and more"]),
    ("[queue]\nmessages_per_minute_per_destination = 0", "2:39", &["1 to 60000", "leave it out"]),
    ("[queue.messages_per_minute]\n\"a.example\" = 60001", "2:15", &["1 to 60000"]),
];

/// Of everything else.
const WRONG_ELSEWHERE: &[Wrong] = &[
    ("host_nme = \"a.example\"", "1:1", &["`host_nme`", "did you mean `host_name`?", "listener"]),
    ("host_name = \"a b\"", "1:13", &["`a b`", "mail.example.org"]),
    ("host_name = 3", "1:13", &["invalid type: integer", "string"]),
    ("host_name = \"a.example\"\nhost_name = \"b.example\"", "2:1", &["duplicate key"]),
    ("host_name = \"a.example", "1:23", &["invalid basic string"]),
    ("data_directory = \"data\"", "1:18", &["not an absolute path"]),
    ("[sending_watch]\ntimes_usual = 0", "2:15", &["1 or more"]),
    ("[sending_watch]\nbounce_percent = 101", "2:18", &["1 to 100"]),
    ("[log]\nformat = \"xml\"", "2:10", &["text, json"]),
    ("[log]\nfilter = \"a=b=c\"", "2:10", &["error, warn, info"]),
    ("[run_as]\ngroup = \"mail\"", "2:9", &["needs a `user`"]),
    ("[resolver]\nservers = []", "2:11", &["leave `servers` out"]),
    ("[connections]\ntotal = 0", "2:9", &["1 and more"]),
    ("[connections]\nexempt = [\"lan\"]", "2:10", &["neither an IP address nor a network"]),
    ("language = \"nl\"", "1:12", &["en, de, fr"]),
    ("[passwords]\nmin_characters = 4", "2:18", &["8 to 64"]),
    ("[passwords]\nmax_age = \"1h\"", "2:11", &["1d and more", "do not expire"]),
    ("[passwords]\nhistory = 13", "2:11", &["0 to 12"]),
    ("[passwords]\nmin_strength = 5", "2:16", &["0 (guessed at once) to 4"]),
    ("[[certificate]]\nname = \"a b\"\nchain = \"/c\"\nkey = \"/k\"", "2:8", &["letters, digits"]),
];

/// Lines of a route, which is wrong as a whole, and what that is told with.
const WRONG_ROUTES: &[(&str, &str)] = &[
    ("token_file = \"/t\"", "a token needs a `login`"),
    ("login = \"x\"\ntoken_file = \"/t\"\npassword_file = \"/p\"", "not several"),
    ("login = \"x\"\ntoken_file = \"/t\"\ntls = \"starttls-unverified\"", "nobody signs in with"),
    ("client_certificate = \"/c\"", "needs its `client_key`"),
    ("client_key = \"/k\"", "needs its `client_certificate`"),
    ("client_certificate = \"/c\"\nclient_key = \"/k\"\ntls = \"starttls-optional\"", "nobody signs in with"),
];

#[test]
fn what_is_wrong_is_told_with_its_place() {
    for (text, place, words) in [WRONG_LISTENERS, WRONG_OUTGOING, WRONG_ELSEWHERE].into_iter().flatten() {
        check(text, place, words);
    }
    for (lines, words) in WRONG_ROUTES {
        check(&format!("[[outgoing.route]]\nhost = \"a.example\"\n{lines}"), "1:1", &[words]);
    }
}

#[test]
fn an_empty_file_is_safe() {
    let configuration = read("host_name = \"mail.example.org\"").unwrap();
    assert_eq!(configuration.data_directory, Path::new("/var/lib/posthouse"));
    assert_eq!(configuration.control_socket, Path::new("/var/lib/posthouse/control.sock"));
    assert_eq!(configuration.authserv_id, configuration.host_name);
    let ports = |role, tls| -> Vec<u16> {
        let matching = configuration.listeners.iter().filter(|each| (each.role, each.tls) == (role, tls));
        matching.flat_map(|each| &each.addresses).filter(|each| each.is_ipv4()).map(SocketAddr::port).collect()
    };
    assert_eq!(ports(ListenerRole::Mx, ListenerTls::StartTlsOptional), [25]);
    assert_eq!(ports(ListenerRole::Submission, ListenerTls::Implicit), [465]);
    assert_eq!(ports(ListenerRole::Submission, ListenerTls::StartTlsRequired), [587, 2525]);
    assert_eq!(ports(ListenerRole::Imap, ListenerTls::Implicit), [993]);
    assert_eq!(ports(ListenerRole::Imap, ListenerTls::StartTlsRequired), [143]);
    assert_eq!(ports(ListenerRole::Pop3, ListenerTls::Implicit), [995]);
    assert_eq!(ports(ListenerRole::Pop3, ListenerTls::StartTlsRequired), [110]);
    assert!(configuration.listeners.iter().all(|each| each.addresses.iter().any(SocketAddr::is_ipv6)));
}

#[test]
fn everything_can_be_said() {
    let configuration = read(include_str!("tests/everything.toml")).unwrap();
    let [listener] = configuration.listeners.as_slice() else { panic!("one listener") };
    assert_eq!(listener.mechanisms.as_ref().map(Vec::len), Some(2));
    assert_eq!(listener.limits.message_size_bytes, Some(10 << 20));
    assert_eq!(configuration.destination_rates.len(), 1);
    // What a schedule of its own does not say is as for all.
    let schedules: Vec<_> = configuration.schedules.iter().map(|(of, one)| (of.as_str(), one.clone())).collect();
    let usual = configuration.schedule.clone();
    let (short, waits) = (Duration::from_secs(2 * 3600), vec![Duration::from_secs(30)]);
    let of_relay = RetrySchedule { report_delay_after: Duration::from_secs(9 * 3600), ..usual.clone() };
    let expected = [("d.example", RetrySchedule { waits, lifetime: short, ..usual }), ("smtp.relay.example", of_relay)];
    assert_eq!(schedules, expected);
    assert_eq!(configuration.outgoing.routes[0].port, 465);
    let by_token = &configuration.outgoing.routes[2];
    assert_eq!(by_token.login, Some(("me".to_owned(), ProofSource::TokenFile("/run/token".into()))));
    assert!(by_token.certificate.as_ref().is_some_and(|files| files.key.ends_with("me.key")));
    assert_eq!(configuration.schedule.lifetime, Duration::from_secs(3 * 24 * 60 * 60));
    assert_eq!(configuration.run_as, Some(("posthouse".to_owned(), Some("mail".to_owned()))));
    assert_eq!(configuration.log_format, LogFormat::Json);
    assert_eq!(configuration.language, Language::German);
    assert_eq!((configuration.forwarding.rewrites_senders, configuration.forwarding.seals), (false, false));
}

#[test]
fn nobody_is_told_of_journeys_unless_named() {
    assert_eq!(read("").unwrap().telemetry, None);
    assert_eq!(read("[telemetry]\nsample = 0.5").unwrap().telemetry, None);
    let set = read("[telemetry]\nendpoint = \"https://otel.example\"\nsample = 1").unwrap().telemetry.unwrap();
    assert_eq!((set.sample, set.service_name.as_str()), (1.0, "posthouse"));
    for bad in [
        "endpoint = \"http://192.0.2.1:4318\"",
        "sample = 1.5",
        "sample = -0.1",
        "sample = nan",
        "service_name = \"\"",
        "service_name = \"a\\nb\"",
        "else = 1",
    ] {
        assert!(read(&format!("[telemetry]\n{bad}")).is_err(), "{bad}");
    }
}

#[test]
fn alerts_have_thresholds() {
    assert_eq!(read("").unwrap().alerts.thresholds, AlertThresholds::default());
    let set = read("[alerts]\nqueue_age = \"1h\"\ndisk_free_percent = 0").unwrap().alerts.thresholds;
    let expected = AlertThresholds { queue_age: Duration::from_secs(3600), disk_free_percent: 0, ..Default::default() };
    assert_eq!(set, expected);
    for bad in
        ["queue_entries = 0", "disk_free_percent = 101", "mail_pause = \"10s\"", "clock_jump = \"0s\"", "else = 1"]
    {
        assert!(read(&format!("[alerts]\n{bad}")).is_err(), "{bad}");
    }
}

#[test]
fn senders_are_watched_unless_told_otherwise() {
    assert_eq!(read("").unwrap().sending_watch, Some(WatchThresholds::default()));
    assert_eq!(read("[sending_watch]\nenabled = false").unwrap().sending_watch, None);
    let set = read("[sending_watch]\nrecipients_per_hour = 7\nbounce_percent = 5").unwrap().sending_watch;
    assert_eq!(set, Some(WatchThresholds { hour: 7, bounce_percent: 5, ..WatchThresholds::default() }));
}

#[test]
fn reports_about_tls_come_to_an_address_of_each_domain_or_to_one() {
    let place = |text: &str| {
        let domain = Domain::parse("ours.example").unwrap();
        read(text)
            .map(|found| found.transport.receives_tls_reports_at.map(|place| place.for_domain(&domain).to_string()))
    };
    assert_eq!(place("").unwrap().as_deref(), Some("tls-reports@ours.example"));
    assert_eq!(place("[transport]\ntls_report_address = \"rpt\"").unwrap().as_deref(), Some("rpt@ours.example"));
    assert_eq!(place("[transport]\ntls_report_address = \"a@b.example\"").unwrap().as_deref(), Some("a@b.example"));
    assert_eq!(place("[transport]\nreceive_tls_reports = false").unwrap(), None);
    assert!(place("[transport]\ntls_report_address = \"a b\"").is_err());
}

#[test]
fn listeners_for_http_are_where_they_are_expected() {
    let of = |text: &str| read(&format!("[[listener]]\n{text}")).map(|mut found| found.listeners.remove(0));
    let https = of("role = \"https\"").unwrap();
    assert_eq!((https.tls, https.addresses[0].to_string().as_str()), (ListenerTls::Implicit, "0.0.0.0:443"));
    let health = of("role = \"health\"").unwrap();
    assert_eq!((health.tls, health.addresses.len()), (ListenerTls::None, 1));
    assert_eq!(health.addresses[0].to_string(), "127.0.0.1:9125");
    assert!(of("role = \"https\"\ntls = \"none\"\naddresses = [\"127.0.0.1:8080\"]").is_ok());
    check("[[listener]]\nrole = \"https\"\ntls = \"none\"", "3:7", &["loopback", "proxy"]);
    check("[[listener]]\nrole = \"https\"\ntls = \"starttls-required\"", "3:7", &["no STARTTLS in HTTP"]);
    check("[[listener]]\nrole = \"health\"\nmechanisms = [\"PLAIN\"]", "3:14", &["nobody signs in"]);
}

#[test]
fn policies_of_our_own() {
    let text = |settings: &str, domain: &str| {
        let found = read(&format!("host_name = \"mail.example.org\"\n{settings}"))?;
        Ok::<_, String>(
            found
                .own_policies
                .of(&Domain::parse(domain).unwrap())
                .map(posthouse_domain_policy::transport::StsPolicy::text),
        )
    };
    let usual = "version: STSv1\r\nmode: testing\r\nmx: mail.example.org\r\nmax_age: 604800\r\n";
    assert_eq!(text("", "a.example").unwrap().as_deref(), Some(usual));
    let settings = "[mta_sts_policy]\nmax_age = \"1d\"\nmx = [\"*.example.org\", \"b.example\"]\n\
                    [mta_sts_policy.domain.\"a.example\"]\nmode = \"enforce\"\n\
                    [mta_sts_policy.domain.\"c.example\"]\nmode = \"off\"\n";
    let enforced = "version: STSv1\r\nmode: enforce\r\nmx: *.example.org\r\nmx: b.example\r\nmax_age: 86400\r\n";
    assert_eq!(text(settings, "a.example").unwrap().as_deref(), Some(enforced));
    assert_eq!(text(settings, "d.example").unwrap(), Some(enforced.replace("enforce", "testing")));
    assert_eq!(text(settings, "c.example").unwrap(), None);
    assert_eq!(
        read("host_name = \"[192.0.2.1]\"").unwrap().own_policies.of(&Domain::parse("a.example").unwrap()),
        None
    );
    check("[mta_sts_policy]\nmode = \"enforced\"", "2:8", &["did you mean `enforce`?"]);
    check("[mta_sts_policy]\nmx = [\"a b\"]", "2:6", &["of no use"]);
    check("[mta_sts_policy]\nmax_age = \"1000d\"", "2:11", &["365d"]);
}

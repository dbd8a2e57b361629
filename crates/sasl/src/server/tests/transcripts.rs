//! Whole exchanges, written down. `C:` the client's message, `S:` ours, `Q:` what we ask the house (which answers as
//! [`house`] does), `=` the end. A backslash zero is a NUL. `C0:` is an initial response.

use super::*;

#[track_caller]
fn check(mechanism: Mechanism, advertised: &[Mechanism], transcript: &str) {
    let bindings = bound();
    let context = context(&bindings, advertised);
    let mut lines = transcript.lines().map(str::trim).filter(|line| !line.is_empty()).peekable();
    let initial = lines.next_if(|line| line.starts_with("C0:")).map(|line| unescape(&line[3..]));
    let (mut exchange, mut step) = ServerExchange::start(mechanism, &context, initial.as_deref());
    for line in lines {
        if let Some(response) = line.strip_prefix("C:") {
            assert!(matches!(step, ServerStep::Challenge(_)), "{line}: the server waits for no response: {step:?}");
            step = exchange.respond(&unescape(response));
            continue;
        }
        let seen = match &step {
            ServerStep::Challenge(challenge) => format!("S: {}", String::from_utf8_lossy(challenge)),
            ServerStep::Ask(question) => format!("Q: {}", describe(question)),
            ServerStep::Success { authentication_id, authorization_id, server_final } => {
                assert!(server_final.is_none());
                let acting = authorization_id.as_ref().map(|name| format!(" as {name}")).unwrap_or_default();
                format!("= {authentication_id}{acting}")
            }
            ServerStep::Failure(failure) => format!("= {failure}"),
        };
        assert_eq!(seen.trim_end(), line);
        if let ServerStep::Ask(question) = &step {
            step = exchange.answer(house(question));
        }
    }
}

fn unescape(text: &str) -> Vec<u8> {
    text.strip_prefix(' ').unwrap_or(text).replace("\\0", "\0").replace("\\xff", "\u{fffd}").into_bytes()
}

const ALL: &[Mechanism] = &Mechanism::ALL;
const UNBOUND: &[Mechanism] = &[Mechanism::ScramSha256, Mechanism::ScramSha1];

#[test]
fn external() {
    for transcript in [
        "C0:
         Q: certificate
         = user",
        "S:
         C:
         Q: certificate
         = user",
        "C0: user
         Q: certificate as user
         = user",
        "C0: root
         Q: certificate as root
         = wrong credentials",
        "C0: user\\0root
         = the message does not follow the grammar: EXTERNAL message",
    ] {
        check(Mechanism::External, ALL, transcript);
    }
    check(Mechanism::External, &Mechanism::ALL[1..], "C0:\n = the mechanism EXTERNAL is not offered here");
}

#[test]
fn plain() {
    for transcript in [
        "C0: \\0user\\0pencil
         Q: password of user: pencil
         = user",
        "S:
         C: \\0user\\0pencil
         Q: password of user: pencil
         = user",
        "C0: boss\\0user\\0pencil
         Q: password of user as boss: pencil
         = user as boss",
        "C0: user\\0user\\0pencil
         Q: password of user: pencil
         = user",
        "C0: \\0user\\0pen
         Q: password of user: pen
         = wrong credentials",
        "C0: \\0nobody\\0pencil
         Q: password of nobody: pencil
         = wrong credentials",
        "C0: user\\0pencil
         = the message does not follow the grammar: PLAIN message",
        "C0: \\0user\\0pencil\\0
         = the message does not follow the grammar: PLAIN message",
        "C0:
         = the message does not follow the grammar: PLAIN message",
        "C0: \\0\\0pencil
         = the name cannot be used: it is empty",
        "C0: \\0user\\0
         = the password cannot be used: it is empty",
        "C0: \\0us er\\0pencil
         = the name cannot be used: it holds a character that is not allowed",
        "C0: bo\tss\\0user\\0pencil
         = the name cannot be used: it holds a character that is not allowed",
    ] {
        check(Mechanism::Plain, ALL, transcript);
    }
}

#[test]
fn login() {
    for transcript in [
        "S: Username:
         C: user
         S: Password:
         C: pencil
         Q: password of user: pencil
         = user",
        // quirk: the user name as initial response.
        "C0: user
         S: Password:
         C: pencil
         Q: password of user: pencil
         = user",
        "C0:
         S: Username:
         C: user
         S: Password:
         C: pencils
         Q: password of user: pencils
         = wrong credentials",
        "S: Username:
         C:
         = the name cannot be used: it is empty",
        "S: Username:
         C: us\\0er
         = the name cannot be used: it holds a character that is not allowed",
        "S: Username:
         C: user
         S: Password:
         C:
         = the password cannot be used: it is empty",
        "S: Username:
         C: user
         S: Password:
         C: pen\\0cil
         = the password cannot be used: it holds a character that is not allowed",
    ] {
        check(Mechanism::Login, ALL, transcript);
    }
}

#[test]
fn cram_md5() {
    for transcript in [
        // The digest was computed with another implementation: printf … | openssl dgst -md5 -hmac pencil
        "S: <0.697170952@mail.example.org>
         C: user d028e5c911c488769abc6e19962438a2
         Q: secret of user
         = user",
        "S: <0.697170952@mail.example.org>
         C: user 00000000000000000000000000000000
         Q: secret of user
         = wrong credentials",
        // The digest is right for the secret that the house gives, but nobody does not live here.
        "S: <0.697170952@mail.example.org>
         C: nobody d028e5c911c488769abc6e19962438a2
         Q: secret of nobody
         = wrong credentials",
        "S: <0.697170952@mail.example.org>
         C: user
         = the message does not follow the grammar: CRAM-MD5 response",
        "C0: user d028e5c911c488769abc6e19962438a2
         = an initial response to a mechanism that the server begins",
        "C0:
         = an initial response to a mechanism that the server begins",
    ] {
        check(Mechanism::CramMd5, ALL, transcript);
    }
}

#[test]
fn scram_first_messages() {
    const NONCE_SEEN: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    check(
        Mechanism::ScramSha256,
        ALL,
        &format!(
            "S:
             C: n,,n=user,r=fyko
             Q: Sha256 of user
             S: r=fyko{NONCE_SEEN},s=c29tZSBzYWx0,i=4096
             C: c=biws,r=fyko{NONCE_SEEN},p=AAEC
             = wrong credentials"
        ),
    );
    for transcript in [
        "C0: n,,m=ext,n=user,r=fyko
         = the message holds a mandatory extension",
        "C0: n,,n=us=er,r=fyko
         = the message does not follow the grammar: saslname",
        "C0: n,a=bo ss,n=user,r=fyko
         = the name cannot be used: it holds a character that is not allowed",
        "C0: n,,n=\u{265a},r=fyko
         = the name cannot be used: it holds a character that is not allowed",
        // The offer had -PLUS, and the client says that it did not see it.
        "C0: y,,n=user,r=fyko
         = channel binding: the client did not see that we offer it; the offer was changed on the way",
        "C0: p=tls-exporter,,n=user,r=fyko
         = channel binding: the mechanism and the client's flag do not fit together",
    ] {
        check(Mechanism::ScramSha256, ALL, transcript);
    }
}

#[test]
fn scram_flags() {
    let question = "Q: Sha1 of user";
    let cases = [
        (Mechanism::ScramSha1, UNBOUND, "y", question),
        (Mechanism::ScramSha1, UNBOUND, "n", question),
        (Mechanism::ScramSha1, ALL, "n", question),
        (Mechanism::ScramSha1Plus, ALL, "p=tls-exporter", question),
        (Mechanism::ScramSha1Plus, ALL, "p=tls-server-end-point", question),
        (Mechanism::ScramSha1Plus, ALL, "p=tls-unique", "= channel binding: a type that this channel does not have"),
        (
            Mechanism::ScramSha1Plus,
            ALL,
            "n",
            "= channel binding: the mechanism and the client's flag do not fit together",
        ),
        (
            Mechanism::ScramSha1Plus,
            ALL,
            "y",
            "= channel binding: the client did not see that we offer it; the offer was changed on the way",
        ),
        (Mechanism::ScramSha1Plus, UNBOUND, "p=tls-exporter", "= the mechanism SCRAM-SHA-1-PLUS is not offered here"),
    ];
    for (mechanism, advertised, flag, expected) in cases {
        check(mechanism, advertised, &format!("C0: {flag},,n=user,r=fyko\n{expected}"));
    }
}

#[test]
fn mechanisms_that_are_not_offered_are_refused() {
    for mechanism in Mechanism::ALL {
        check(mechanism, &[], &format!("= the mechanism {mechanism} is not offered here"));
        check(mechanism, &[], &format!("C0: \\0user\\0pencil\n= the mechanism {mechanism} is not offered here"));
    }
}

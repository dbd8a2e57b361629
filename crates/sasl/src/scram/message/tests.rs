use proptest::prelude::*;

use super::*;

#[track_caller]
fn check_client_first(
    message: &str,
    expected: Result<(BindingFlag<'_>, &str, Option<&str>, &str, &str), MessageError>,
) {
    let parsed = ClientFirst::parse(message);
    let fields = parsed
        .as_ref()
        .map(|first| {
            (first.flag, first.gs2_header, first.authorization_id.as_deref(), first.user.as_str(), first.nonce)
        })
        .map_err(|error| *error);
    assert_eq!(fields, expected, "{message:?}");
    if let Ok(first) = &parsed {
        assert_eq!(format!("{}{}", first.gs2_header, first.bare), message);
    }
}

#[test]
fn client_first_messages() {
    use BindingFlag::*;
    check_client_first("n,,n=user,r=fyko", Ok((Unsupported, "n,,", None, "user", "fyko")));
    check_client_first("y,a=boss,n=user,r=a=b", Ok((SupportedButNotOffered, "y,a=boss,", Some("boss"), "user", "a=b")));
    check_client_first(
        "p=tls-exporter,,n=u=2Cs=3Der=3D2C,r=x,f=oo,b=ar=",
        Ok((Used("tls-exporter"), "p=tls-exporter,,", None, "u,s=er=2C", "x")),
    );
    check_client_first("n,a==2C,n=user,r=x", Ok((Unsupported, "n,a==2C,", Some(","), "user", "x")));
}

#[test]
fn client_first_messages_that_break_the_grammar() {
    let cases = [
        "",
        "n",
        "n,",
        "n,,",
        "n,,n=user",
        "n,,n=user,",
        "n,,r=x,n=user",
        "n,,n=,r=x",
        "n,,n=user,r=",
        "N,,n=user,r=x",
        "x,,n=user,r=x",
        "p,,n=user,r=x",
        "p=,,n=user,r=x",
        "p=tls unique,,n=user,r=x",
        "nn,,n=user,r=x",
        "n,b=boss,n=user,r=x",
        "n,a=,n=user,r=x",
        "n,boss,n=user,r=x",
        "n,,n=a=b,r=x",
        "n,,n=a=2c,r=x",
        "n,,n=a=,r=x",
        "n,,n=a\0b,r=x",
        "n,,n=user,r=x y",
        "n,,n=user,r=\u{e9}",
        "n,,n=user,r=x,",
        "n,,n=user,r=x,r=y",
        "n,,n=user,r=x,f",
        "n,,n=user,r=x,f=",
        "n,,n=user,r=x,ff=o",
        "n,,n=user,r=x,1=o",
        "n,,n=user,r=x,,f=o",
        "n,,n=user,r=x,n=other",
        "n,,user,r=x",
        "n,,nn=user,r=x",
    ];
    for message in cases {
        let error = ClientFirst::parse(message).expect_err(message);
        assert!(matches!(error, MessageError::Grammar(_)), "{message:?}: {error:?}");
    }
    assert!(ClientFirst::parse(&format!("n,,n=user,r={}", "x".repeat(MAX_NONCE_BYTES))).is_ok());
    assert!(ClientFirst::parse(&format!("n,,n=user,r={}", "x".repeat(MAX_NONCE_BYTES + 1))).is_err());
}

#[test]
fn mandatory_extensions_are_refused_wherever_they_stand() {
    for message in ["n,,m=x,n=user,r=x", "n,,n=user,m=x,r=x", "n,,n=user,r=x,m=x", "n,m=x,n=user,r=x"] {
        assert_eq!(ClientFirst::parse(message).unwrap_err(), MessageError::MandatoryExtension, "{message}");
    }
    assert_eq!(ServerFirst::parse("m=x,r=a,s=YQ==,i=1").unwrap_err(), MessageError::MandatoryExtension);
    assert_eq!(ClientFinal::parse("c=biws,r=a,m=x,p=YQ==").unwrap_err(), MessageError::MandatoryExtension);
}

#[test]
fn server_first_messages() {
    let first = ServerFirst::parse("r=fyko3rfc,s=QSXCR+Q6sek8bf92,i=4096").unwrap();
    assert_eq!((first.nonce, first.salt.len(), first.iterations.get()), ("fyko3rfc", 12, 4096));
    assert_eq!(first.encode(), "r=fyko3rfc,s=QSXCR+Q6sek8bf92,i=4096");
    assert!(ServerFirst::parse("r=a,s=YQ==,i=1,x=y").is_ok());
    for bad in [
        "",
        "r=a",
        "r=a,s=YQ==",
        "r=a,s=,i=1",
        "r=a,s=YQ,i=1",
        "r=a,s=YQ==,i=0",
        "r=a,s=YQ==,i=01",
        "r=a,s=YQ==,i=+1",
        "r=a,s=YQ==,i=4294967296",
        "r=a,s=YQ==,i=",
        "s=YQ==,r=a,i=1",
        "e=other-error",
    ] {
        assert!(ServerFirst::parse(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn client_final_messages() {
    let last = ClientFinal::parse("c=biws,r=nonce,x=p=y,p=AAEC").unwrap();
    assert_eq!((&last.channel_binding[..], last.nonce), (&b"n,,"[..], "nonce"));
    assert_eq!((&last.proof[..], last.without_proof), (&[0, 1, 2][..], "c=biws,r=nonce,x=p=y"));
    for bad in [
        "",
        "c=biws,r=nonce",
        "c=biws,p=AAEC",
        "r=nonce,c=biws,p=AAEC",
        "c=biws,r=nonce,p=AAE",
        "c=biws,r=nonce,p=AAF=",
        "c=biw,r=nonce,p=AAEC",
        "c=biws,r=nonce,p=AAEC,",
        "c=biws,r=nonce,p=AAEC,x=y",
        "c=biws,r=nonce,p=AA EC",
        "c=biws,r=nonce,p=AAEC,p=AAEC",
    ] {
        assert!(ClientFinal::parse(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn server_final_messages() {
    assert_eq!(ServerFinal::parse("v=AAEC").unwrap(), ServerFinal::Signature(vec![0, 1, 2]));
    assert_eq!(ServerFinal::parse("v=AAEC,x=y").unwrap(), ServerFinal::Signature(vec![0, 1, 2]));
    assert_eq!(ServerFinal::parse("e=invalid-proof").unwrap(), ServerFinal::Error("invalid-proof"));
    for bad in ["", "v", "v=A", "x=AAEC", "V=AAEC", "v=AAEC,"] {
        assert!(ServerFinal::parse(bad).is_err(), "{bad:?}");
    }
    assert_eq!(server_final(&[0, 1, 2]), b"v=AAEC");
}

proptest! {
    #[test]
    fn names_read_back(name in "[^\0]{1,20}") {
        prop_assert_eq!(decode_name(&encode_name(&name)), Ok(name));
    }

    #[test]
    fn random_text_does_not_panic(text in "([nyp],|[anrmcsipve]=|,|=2C|=|biws|[0-9]|\\PC){0,20}") {
        let _ = ClientFirst::parse(&text);
        let _ = ServerFirst::parse(&text);
        let _ = ClientFinal::parse(&text);
        let _ = ServerFinal::parse(&text);
    }
}

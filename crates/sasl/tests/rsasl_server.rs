//! An implementation that is not ours, as the server of our client.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::num::NonZeroU32;

use posthouse_model::Secret;
use posthouse_sasl::{
    ChannelBindings, ClientContext, ClientExchange, ClientFailure, Credentials, Mechanism, NONCE_BYTES, ScramHash,
    ScramVerifier,
};
use rsasl::callback::{Context, Request, SessionCallback, SessionData};
use rsasl::config::SASLConfig;
use rsasl::mechanisms::scram::properties::ScramStoredPassword;
use rsasl::mechanisms::scram::{SCRAM_SHA1, SCRAM_SHA1_PLUS, SCRAM_SHA256, SCRAM_SHA256_PLUS};
use rsasl::mechname::Mechname;
use rsasl::prelude::{ChannelBindingCallback, Registry, SASLServer, SessionError, State, Validation};
use rsasl::property::{AuthId, AuthzId};
use rsasl::validate::{Validate, ValidationError};

const SALT: &[u8] = b"16 bytes of salt";
const ITERATIONS: NonZeroU32 = NonZeroU32::new(4096).unwrap();

static MECHANISMS: [rsasl::prelude::Mechanism; 4] = [SCRAM_SHA256_PLUS, SCRAM_SHA256, SCRAM_SHA1_PLUS, SCRAM_SHA1];

/// Knows tim, and the keys that our verifier gives for him.
struct Callback {
    stored_key: Vec<u8>,
    server_key: Vec<u8>,
}

impl Callback {
    fn new(hash: ScramHash, password: &[u8]) -> Self {
        let stored = ScramVerifier::derive(hash, password, SALT, ITERATIONS).unwrap().to_bytes();
        let keys = stored.expose().split_at(stored.len() - 2 * hash.output_bytes()).1;
        let (stored_key, server_key) = keys.split_at(hash.output_bytes());
        Self { stored_key: stored_key.to_vec(), server_key: server_key.to_vec() }
    }
}

impl SessionCallback for Callback {
    fn callback(&self, _: &SessionData, context: &Context<'_>, request: &mut Request<'_>) -> Result<(), SessionError> {
        if context.get_ref::<AuthId>() == Some("tim") {
            let stored = ScramStoredPassword::new(ITERATIONS.get(), SALT, &self.stored_key, &self.server_key);
            request.satisfy::<ScramStoredPassword<'static>>(&stored)?;
        }
        Ok(())
    }

    fn validate(
        &self,
        _: &SessionData,
        context: &Context<'_>,
        validate: &mut Validate<'_>,
    ) -> Result<(), ValidationError> {
        validate.with::<Names, _>(|| {
            let name = |name: Option<&str>| name.unwrap_or_default().to_owned();
            Ok((name(context.get_ref::<AuthId>()), name(context.get_ref::<AuthzId>())))
        })?;
        Ok(())
    }
}

/// Authentication and authorization identity as the server understood them.
struct Names;

impl Validation for Names {
    type Value = (String, String);
}

struct Channel(&'static [u8]);

impl ChannelBindingCallback for Channel {
    fn get_cb_data(&self, name: &str) -> Option<&[u8]> {
        (name == "tls-exporter").then_some(self.0)
    }
}

/// Logs in; `Ok` is what the server understood, if the client is content with the server, too.
fn log_in(mechanism: Mechanism, password: &str, channel: &'static [u8]) -> Result<(String, String), String> {
    let hash = mechanism.scram_hash().unwrap();
    let config = SASLConfig::builder()
        .with_registry(Registry::with_mechanisms(&MECHANISMS))
        .with_callback(Callback::new(hash, b"tanstaaftanstaaf"))
        .unwrap();
    let server = SASLServer::<Names, Channel>::with_cb(config, Channel(channel));
    let mut server = server.start_suggested(Mechname::parse(mechanism.name().as_bytes()).unwrap()).unwrap();

    let bindings = ChannelBindings { tls_exporter: Some(b"the channel".to_vec()), tls_server_end_point: None };
    let context = ClientContext {
        offered: &Mechanism::ALL,
        allowed: &Mechanism::ALL,
        tls_active: true,
        client_certificate: false,
        channel_bindings: &bindings,
        nonce: [42; NONCE_BYTES],
    };
    let credentials = Credentials {
        authentication_id: "tim".to_owned(),
        authorization_id: Some("boss".to_owned()),
        password: Secret::new(password),
    };
    let (mut client, first) = ClientExchange::start(mechanism, &credentials, &context).unwrap();
    let mut response = first.unwrap();
    let last = loop {
        let mut challenge = Vec::new();
        match server.step(Some(response.expose()), &mut challenge).map_err(|error| error.to_string())? {
            State::Running => response = client.respond(&challenge).map_err(|error| error.to_string())?,
            State::Finished(_) => break challenge,
        }
    };
    client.finish(Some(&last)).map_err(|error: ClientFailure| error.to_string())?;
    server.validation().ok_or_else(|| "not validated".to_owned())
}

const SCRAM: [Mechanism; 4] =
    [Mechanism::ScramSha256Plus, Mechanism::ScramSha256, Mechanism::ScramSha1Plus, Mechanism::ScramSha1];

#[test]
fn the_right_password_lets_in() {
    for mechanism in SCRAM {
        let names = log_in(mechanism, "tanstaaftanstaaf", b"the channel");
        assert_eq!(names, Ok(("tim".to_owned(), "boss".to_owned())), "{mechanism}");
    }
}

#[test]
fn the_wrong_password_does_not() {
    for mechanism in SCRAM {
        let refused = log_in(mechanism, "tanstaaf", b"the channel");
        assert_eq!(refused, Err("the server refuses: invalid-proof".to_owned()), "{mechanism}");
    }
}

#[test]
fn another_channel_is_noticed() {
    for mechanism in [Mechanism::ScramSha256Plus, Mechanism::ScramSha1Plus] {
        let refused = log_in(mechanism, "tanstaaftanstaaf", b"another");
        assert_eq!(refused, Err("the server refuses: channel-bindings-dont-match".to_owned()), "{mechanism}");
    }
}

//! Signing in: the best SASL mechanism that both sides have, else LOGIN.

use posthouse_model::Secret;
use posthouse_sasl::{
    ChannelBindings, ClientContext, ClientExchange, Credentials, Line, Mechanism, NONCE_BYTES, choose, decode_line,
    encode_initial_response, encode_line,
};

use super::connection::{ConnectError, Connection, ImapServer, outcome, quoted};

/// Challenges of one exchange; SCRAM has two.
const MAX_CHALLENGES: usize = 4;

pub(super) async fn sign_in(
    connection: &mut Connection,
    server: &ImapServer,
    bindings: &ChannelBindings,
    is_protected: bool,
) -> Result<(), ConnectError> {
    let refused = |why: String| ConnectError::Refused { login: server.login.clone(), why };
    let offered: Vec<Mechanism> = Mechanism::ALL
        .into_iter()
        .filter(|mechanism| *mechanism != Mechanism::External && connection.has(&format!("AUTH={mechanism}")))
        .collect();
    let mut nonce = [0; NONCE_BYTES];
    let random = rustls::crypto::aws_lc_rs::default_provider().secure_random;
    random.fill(&mut nonce).map_err(|_| refused("there are no random bytes".to_owned()))?;
    // In clear there is only what somebody allowed, or what does not leave this machine.
    let tls_active = is_protected || matches!(server.protection, super::Protection::Clear { .. });
    let context = ClientContext {
        offered: &offered,
        allowed: &Mechanism::ALL,
        tls_active,
        client_certificate: false,
        channel_bindings: bindings,
        nonce,
    };
    let signed_in = match choose(&context) {
        Some(mechanism) => authenticate(connection, server, mechanism, &context).await,
        None if connection.has("LOGINDISABLED") => {
            Err(refused("it offers no way to sign in that can be used".to_owned()))
        }
        None => log_in(connection, server).await,
    };
    signed_in.map_err(|error| match error {
        ConnectError::No(why) => refused(why),
        other => other,
    })
}

async fn authenticate(
    connection: &mut Connection,
    server: &ImapServer,
    mechanism: Mechanism,
    context: &ClientContext<'_>,
) -> Result<(), ConnectError> {
    let credentials = Credentials {
        authentication_id: server.login.clone(),
        authorization_id: None,
        password: server.password.clone(),
    };
    let failed = |failure: posthouse_sasl::ClientFailure| ConnectError::No(failure.to_string());
    let (mut exchange, mut initial) = ClientExchange::start(mechanism, &credentials, context).map_err(failed)?;
    let command = match initial.take_if(|_| connection.has("SASL-IR")) {
        Some(response) => format!("AUTHENTICATE {mechanism} {}", encode_initial_response(response.expose())),
        None => format!("AUTHENTICATE {mechanism}"),
    };
    let tag = connection.send(&command).await?;
    for _ in 0..=MAX_CHALLENGES {
        let response = loop {
            let response = connection.response().await?;
            if !response.begins(&["*"]) {
                break response;
            }
        };
        if let Some(outcome) = outcome(&response, &tag) {
            outcome?;
            return exchange.finish(None).map_err(failed);
        }
        let line = response.line.strip_prefix(b"+").unwrap_or(&response.line).trim_ascii();
        let answer = match initial.take() {
            // RFC 9051 §6.2.2: without SASL-IR the first challenge is empty.
            Some(initial) => initial,
            None => {
                let challenge = match decode_line(line) {
                    Ok(Line::Response(challenge)) => challenge,
                    Ok(Line::Cancel) | Err(_) => Secret::new(line),
                };
                exchange.respond(challenge.expose()).map_err(failed)?
            }
        };
        let line = Secret::new(format!("{}\r\n", encode_line(answer.expose())));
        connection.write(line.expose()).await?;
    }
    Err(ConnectError::No("it asks for more and more".to_owned()))
}

/// LOGIN (RFC 9051 §6.2.3), its arguments as literals where they cannot be quoted.
async fn log_in(connection: &mut Connection, server: &ImapServer) -> Result<(), ConnectError> {
    let password = server.password.expose_str().unwrap_or_default();
    let parts = [server.login.as_str(), password];
    let mut line = Secret::new("LOGIN");
    let mut tag = None;
    for part in parts {
        match quoted(part) {
            Some(quoted) => line = Secret::new([line.expose(), b" ", quoted.as_bytes()].concat()),
            None => {
                let announced = Secret::new([line.expose(), format!(" {{{}}}", part.len()).as_bytes()].concat());
                tag = Some(send(connection, tag, &announced).await?);
                let go_on = connection.response().await?;
                if !go_on.begins(&["+"]) {
                    return Err(ConnectError::No(go_on.words()));
                }
                line = Secret::new(part);
            }
        }
    }
    let tag = send(connection, tag, &line).await?;
    loop {
        let response = connection.response().await?;
        if let Some(outcome) = outcome(&response, &tag) {
            return outcome;
        }
    }
}

/// Sends a line of a command, the first with a tag.
async fn send(connection: &mut Connection, tag: Option<String>, line: &Secret) -> Result<String, ConnectError> {
    match tag {
        Some(tag) => {
            connection.write(Secret::new([line.expose(), b"\r\n"].concat()).expose()).await?;
            Ok(tag)
        }
        None => connection.send(line.expose_str().unwrap_or_default()).await,
    }
}

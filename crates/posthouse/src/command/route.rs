//! `posthouse route`.

use anyhow::{Context, bail};
use posthouse_tls::LoadedCertificate;

use super::Place;
use crate::cli::route::{LoginOptions, RouteCommand, RouteOptions};
use crate::configuration::{read_password_file, read_secret_file};
use crate::control::route::login::{Certificate, Login, Proof, Refresh};
use crate::control::route::{Limits, RouteDraft, RouteRequest, RouteView, TestView};
use crate::control::{Request, Text};
use crate::output::{printable, say, say_json, say_table};
use crate::route_presets::Preset;

pub async fn run(place: &Place, command: RouteCommand) -> anyhow::Result<()> {
    let options = place.as_options();
    match command {
        RouteCommand::Add(route) => {
            let (name, replace) = (route.name.clone(), route.replace);
            let request = RouteRequest::Add { route: Box::new(draft(*route)?), replace };
            let () = place.server().await?.ask(&Request::Route(request)).await?;
            say(format!("The route {name} is open."));
            say(format!("Verify: posthouse{options} route test {name}"));
        }
        RouteCommand::List(output) => {
            let routes = routes(place).await?;
            if output.json {
                return say_json(&routes);
            }
            let rows: Vec<Vec<String>> = routes.iter().map(row).collect();
            let head = ["NAME", "FOR", "HOSTS", "TLS", "LOGIN", "GONE TODAY"];
            say_table(&head, &rows, "There are no routes but those of the configuration.");
        }
        RouteCommand::Show { name, output } => {
            let Some(route) = routes(place).await?.into_iter().find(|route| route.name == name) else {
                bail!("there is no such route");
            };
            if output.json {
                return say_json(&route);
            }
            show(&route);
        }
        RouteCommand::Remove { name } => {
            let request = RouteRequest::Remove { name: name.clone() };
            let () = place.server().await?.ask(&Request::Route(request)).await?;
            say(format!("The route {name} is gone."));
            say(format!("Verify: posthouse{options} route list"));
        }
        RouteCommand::Test { name, output } => {
            let request = Request::Route(RouteRequest::Test { name });
            let tests: Vec<TestView> = place.server().await?.ask(&request).await?;
            if output.json {
                say_json(&tests)?;
            } else {
                for test in &tests {
                    let tls = test.tls.as_deref().unwrap_or("in clear");
                    let words = test.failure.as_ref().map_or_else(|| format!("ready, {tls}"), |words| printable(words));
                    say(format!("{}  {words}", test.host));
                }
            }
            if tests.iter().all(|test| test.failure.is_some()) {
                bail!("no host of the route can be used");
            }
        }
        RouteCommand::Presets(output) => {
            let request = Request::Route(RouteRequest::Presets);
            let presets: Vec<Preset> = place.server().await?.ask(&request).await?;
            if output.json {
                return say_json(&presets);
            }
            let row = |preset: &Preset| {
                let host = format!("{}:{}", preset.host, preset.port);
                vec![preset.name.clone(), preset.domains.join(", "), host, preset.tls.clone()]
            };
            let rows: Vec<Vec<String>> = presets.iter().map(row).collect();
            say_table(&["PRESET", "ADDRESSES", "HOST", "TLS"], &rows, "There are no presets.");
        }
    }
    Ok(())
}

async fn routes(place: &Place) -> anyhow::Result<Vec<RouteView>> {
    Ok(place.server().await?.ask(&Request::Route(RouteRequest::List)).await?)
}

fn draft(options: RouteOptions) -> anyhow::Result<RouteDraft> {
    if options.hosts.is_empty() && options.preset.is_none() {
        bail!("name a --host, or a --preset");
    }
    let certificate = certificate(&options.login)?;
    let login = login(options.login)?;
    Ok(RouteDraft {
        name: options.name,
        preset: options.preset,
        hosts: options.hosts.into_iter().map(|one| (Text(one.host), one.port, one.preference)).collect(),
        to: options.to.map(Text),
        account: options.account.map(Text),
        from: options.from.map(Text),
        tls: options.tls.map(|tls| tls.name().to_owned()),
        certificate_name: options.certificate_name.map(Text),
        login,
        certificate,
        limits: Limits {
            connections: options.connections,
            messages_per_connection: options.messages_per_connection,
            pause_after: options.pause_after,
            pause_ms: options.pause,
            per_minute: options.per_minute,
            per_hour: options.per_hour,
            per_day: options.per_day,
        },
    })
}

fn login(options: LoginOptions) -> anyhow::Result<Option<Login>> {
    let Some(name) = options.login else { return Ok(None) };
    let proof = match (options.password_file, options.token_file, options.refresh_token_file) {
        (Some(file), None, None) => Proof::Password(read_password_file(&file)?.into()),
        (None, Some(file), None) => {
            let file = std::path::absolute(&file)?;
            let Some(file) = file.to_str() else { bail!("{}: the name is no text", file.display()) };
            Proof::TokenFile(file.to_owned())
        }
        (None, None, Some(file)) => Proof::Refresh(Refresh {
            endpoint: options.token_endpoint,
            client_id: options.client_id.unwrap_or_default(),
            client_secret: options
                .client_secret_file
                .map(|file| read_password_file(&file))
                .transpose()?
                .map(Into::into),
            refresh_token: read_password_file(&file)?.into(),
            scope: options.token_scope,
        }),
        _ => bail!("a --login takes one of --password-file, --token-file and --refresh-token-file"),
    };
    Ok(Some(Login { name, proof }))
}

fn certificate(options: &LoginOptions) -> anyhow::Result<Option<Certificate>> {
    let (Some(chain), Some(key)) = (&options.client_certificate, &options.client_key) else { return Ok(None) };
    let key = read_secret_file(key)?;
    let text = std::fs::read_to_string(chain).with_context(|| format!("{}: cannot be read", chain.display()))?;
    if let Err(problem) = LoadedCertificate::from_pem(text.as_bytes(), key.expose()) {
        bail!("{}: {problem}", chain.display());
    }
    Ok(Some(Certificate { chain: text, key: key.into() }))
}

/// Whose mail takes it.
fn takes(route: &RouteView) -> String {
    let parts = [("to", &route.to), ("account", &route.account), ("from", &route.from)];
    let said: Vec<String> =
        parts.into_iter().filter_map(|(word, value)| value.as_ref().map(|value| format!("{word} {value}"))).collect();
    if said.is_empty() { "all mail".to_owned() } else { said.join(", ") }
}

fn row(route: &RouteView) -> Vec<String> {
    let most = route.limits.per_day.map(|most| format!(" of {most}")).unwrap_or_default();
    vec![
        route.name.clone(),
        takes(route),
        route.hosts.join(", "),
        route.tls.clone(),
        printable(route.login.as_deref().unwrap_or("none")),
        format!("{}{most}", route.gone[2]),
    ]
}

fn show(route: &RouteView) {
    let limits = &route.limits;
    let most = |most: Option<u32>| most.map_or_else(|| "any number".to_owned(), |most| most.to_string());
    say(format!("route        {}", route.name));
    say(format!("for          {}", takes(route)));
    say(format!("hosts        {}", route.hosts.join(", ")));
    say(format!("TLS          {}", route.tls));
    if let Some(name) = &route.certificate_name {
        say(format!("certificate  for {name}"));
    }
    match (&route.login, &route.login_by) {
        (Some(login), Some(by)) => say(format!("login        {}, by {by}", printable(login))),
        _ => say("login        none"),
    }
    if let Some(shown) = &route.shows_certificate {
        say(format!("shows        the certificate of {}", printable(shown)));
    }
    say(format!("connections  {}, {} messages each", most(limits.connections), most(limits.messages_per_connection)));
    if let (Some(after), Some(pause)) = (limits.pause_after, limits.pause_ms) {
        say(format!("pause        {pause} ms after {after} messages"));
    }
    for (word, gone, limit) in [
        ("minute", route.gone[0], limits.per_minute),
        ("hour", route.gone[1], limits.per_hour),
        ("day", route.gone[2], limits.per_day),
    ] {
        say(format!("{:12} {gone} messages of {}", format!("this {word}"), most(limit)));
    }
}

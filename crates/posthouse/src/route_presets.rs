//! How well-known providers take mail from their customers: a data file, part of the program, in whose place an
//! administrator may put another one.

use std::fs;
use std::path::Path;

use anyhow::Context;
use posthouse_model::Domain;
use posthouse_storage::routes::RouteTls;
use serde::{Deserialize, Serialize};

use crate::configuration::read_duration;

/// The file that is part of the program.
const BUILT_IN: &str = include_str!("../presets/routes.toml");
/// The file in the data directory that takes its place.
pub const FILE: &str = "route-presets.toml";
/// Most octets of that file.
const MAX_FILE_BYTES: u64 = 1 << 20;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Presets {
    preset: Vec<Preset>,
}

/// How a provider takes mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preset {
    /// What it is called.
    pub name: String,
    /// Whose addresses it is for.
    pub domains: Vec<String>,
    /// Where mail is handed in.
    pub host: String,
    /// At which port.
    pub port: u16,
    /// How it speaks TLS, by [`RouteTls::name`].
    pub tls: String,
    /// `XOAUTH2` where it takes no passwords, only tokens of OAuth.
    pub sign_in: Option<String>,
    /// Where tokens are had for a refresh token.
    pub token_endpoint: Option<String>,
    /// What they are to be good for, where that has to be said.
    pub token_scope: Option<String>,
    /// Messages in a minute.
    pub per_minute: Option<u32>,
    /// Messages in an hour.
    pub per_hour: Option<u32>,
    /// Messages in a day.
    pub per_day: Option<u32>,
    /// Connections at once.
    pub connections: Option<u32>,
    /// Messages over one connection.
    pub messages_per_connection: Option<u32>,
    /// Messages after which there is a rest.
    pub pause_after: Option<u32>,
    /// How long it is, such as `5s`.
    pub pause: Option<String>,
}

/// What [`Preset::sign_in`] may be.
const XOAUTH2: &str = "XOAUTH2";

impl Preset {
    /// Whether it takes tokens only.
    pub fn wants_token(&self) -> bool {
        self.sign_in.is_some()
    }

    /// How long the rest is, in milliseconds.
    ///
    /// # Errors
    /// When it is no time.
    pub fn pause_ms(&self) -> Result<u64, String> {
        let Some(pause) = &self.pause else { return Ok(0) };
        Ok(u64::try_from(read_duration(pause)?.as_millis()).unwrap_or(u64::MAX))
    }
}

/// All presets: those of the file in the data directory, if there is one.
///
/// # Errors
/// When it cannot be read, or says what cannot be.
pub fn read(data_directory: &Path) -> anyhow::Result<Vec<Preset>> {
    let path = data_directory.join(FILE);
    match fs::metadata(&path) {
        Ok(metadata) => {
            anyhow::ensure!(metadata.len() <= MAX_FILE_BYTES, "{}: too large", path.display());
            let text = fs::read_to_string(&path).with_context(|| format!("{}: cannot be read", path.display()))?;
            parse(&text).with_context(|| format!("{}", path.display()))
        }
        Err(_) => parse(BUILT_IN),
    }
}

fn parse(text: &str) -> anyhow::Result<Vec<Preset>> {
    let presets: Presets = toml::from_str(text)?;
    for preset in &presets.preset {
        let name = &preset.name;
        Domain::parse(&preset.host).map_err(|_| anyhow::anyhow!("{name}: `{}` is not a host", preset.host))?;
        RouteTls::from_name(&preset.tls).with_context(|| format!("{name}: there is no TLS mode `{}`", preset.tls))?;
        let is_known = preset.sign_in.as_deref().is_none_or(|one| one == XOAUTH2);
        anyhow::ensure!(is_known, "{name}: `sign_in` can be {XOAUTH2}");
        if let Some(endpoint) = &preset.token_endpoint {
            anyhow::ensure!(endpoint.starts_with("https://"), "{name}: `{endpoint}` is not https://…");
        }
        preset.pause_ms().map_err(|error| anyhow::anyhow!("{name}: {error}"))?;
    }
    Ok(presets.preset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_presets_of_the_program_can_be_used() {
        let presets = parse(BUILT_IN).unwrap();
        let gmail = presets.iter().find(|preset| preset.name == "gmail").unwrap();
        assert_eq!(
            (gmail.port, gmail.tls.as_str(), gmail.per_day, gmail.pause_ms()),
            (587, "starttls", Some(500), Ok(5000))
        );
        let outlook = presets.iter().find(|preset| preset.name == "outlook").unwrap();
        assert!(outlook.wants_token() && outlook.token_endpoint.is_some() && !gmail.wants_token());
        for preset in &presets {
            // A password is only ever shown to a host that proved who it is.
            assert!(RouteTls::from_name(&preset.tls).unwrap().is_verified(), "{}", preset.name);
            assert_eq!(preset.connections, Some(1), "{}", preset.name);
            assert_eq!(presets.iter().filter(|other| other.name == preset.name).count(), 1, "{}", preset.name);
        }
    }

    #[test]
    fn an_administrators_file_takes_their_place() {
        let directory = tempfile::tempdir().unwrap();
        assert!(read(directory.path()).unwrap().len() > 10);
        let path = directory.path().join(FILE);
        fs::write(&path, "[[preset]]\nname = \"own\"\ndomains = []\nhost = \"a.example\"\nport = 1\ntls = \"none\"")
            .unwrap();
        assert_eq!(read(directory.path()).unwrap()[0].name, "own");
        let own = "[[preset]]\nname = \"x\"\ndomains = []\nhost = \"a.example\"\nport = 1\ntls = \"none\"";
        for line in ["sign_in = \"SMOKE\"", "token_endpoint = \"http://a.example/\""] {
            fs::write(&path, format!("{own}\n{line}")).unwrap();
            assert!(read(directory.path()).is_err(), "{line}");
        }
        for wrong in ["[[preset]]", "[[preset]]\nname = \"x\"\ndomains = []\nhost = \"a b\"\nport = 1\ntls = \"none\""]
        {
            fs::write(&path, wrong).unwrap();
            assert!(read(directory.path()).is_err(), "{wrong}");
        }
    }
}

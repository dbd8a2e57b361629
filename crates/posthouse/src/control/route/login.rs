//! How somebody wants to sign in at the hosts of a route.

use posthouse_model::Secret;
use posthouse_storage::routes::{RouteCertificate, RouteLogin, RouteProof, TokenRefresh};
use posthouse_tls::LoadedCertificate;
use serde::{Deserialize, Serialize};

use crate::control::wire_types::password;
use crate::route_presets::Preset;

/// How to sign in.
#[derive(Debug, Serialize, Deserialize)]
pub struct Login {
    /// The login.
    pub name: String,
    /// What proves it.
    pub proof: Proof,
}

/// What proves a login.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Proof {
    /// A password.
    Password(Hidden),
    /// The first line of this file, a token.
    TokenFile(String),
    /// Tokens that are got for a refresh token.
    Refresh(Refresh),
}

/// How tokens are got.
#[derive(Debug, Serialize, Deserialize)]
pub struct Refresh {
    /// Where, if the preset does not say it.
    pub endpoint: Option<String>,
    /// Who we are there.
    pub client_id: String,
    /// What proves that.
    pub client_secret: Option<Hidden>,
    /// What they are given for.
    pub refresh_token: Hidden,
    /// What they are to be good for, if the preset does not say it.
    pub scope: Option<String>,
}

/// A secret on the wire.
#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hidden(#[serde(with = "password")] pub Secret);

impl From<Secret> for Hidden {
    fn from(secret: Secret) -> Self {
        Self(secret)
    }
}

/// A certificate to show.
#[derive(Debug, Serialize, Deserialize)]
pub struct Certificate {
    /// It and those that certify it, in PEM.
    pub chain: String,
    /// Its key, in PEM.
    pub key: Hidden,
}

impl Certificate {
    pub(super) fn read(self) -> RouteCertificate {
        RouteCertificate { chain: self.chain, key: self.key.0 }
    }
}

impl Login {
    /// As it is kept.
    ///
    /// # Errors
    /// When the preset wants another way, or something is missing.
    pub(super) fn read(self, preset: Option<&Preset>) -> Result<RouteLogin, String> {
        let proof = match self.proof {
            Proof::Password(_) if preset.is_some_and(Preset::wants_token) => {
                return Err("this provider takes no passwords: use --token-file or --refresh-token-file".to_owned());
            }
            Proof::Password(password) => RouteProof::Password(password.0),
            Proof::TokenFile(file) if file.starts_with('/') => RouteProof::TokenFile(file),
            Proof::TokenFile(file) => return Err(format!("{file}: the whole path is wanted")),
            Proof::Refresh(refresh) => {
                let of_preset = |read: fn(&Preset) -> Option<&String>| preset.and_then(read).cloned();
                let endpoint = refresh.endpoint.or_else(|| of_preset(|preset| preset.token_endpoint.as_ref()));
                let endpoint = endpoint.ok_or("a --refresh-token-file needs a --token-endpoint, or a --preset")?;
                if !endpoint.starts_with("https://") {
                    return Err(format!("`{endpoint}` is no place for secrets: it has to begin with https://"));
                }
                RouteProof::Refresh(TokenRefresh {
                    endpoint,
                    client_id: refresh.client_id,
                    client_secret: refresh.client_secret.map(|secret| secret.0),
                    refresh_token: refresh.refresh_token.0,
                    scope: refresh.scope.or_else(|| of_preset(|preset| preset.token_scope.as_ref())),
                })
            }
        };
        Ok(RouteLogin { name: self.name, proof })
    }
}

/// What proves a login, in words that hold no secret.
pub(super) fn words_of(login: &RouteLogin) -> String {
    match &login.proof {
        RouteProof::Password(_) => "password".to_owned(),
        RouteProof::TokenFile(file) => format!("token file {file}"),
        RouteProof::Refresh(refresh) => format!("refresh token at {}", refresh.endpoint),
    }
}

/// Whose certificate it is.
pub(super) fn shown_names(certificate: &RouteCertificate) -> String {
    match LoadedCertificate::from_pem(certificate.chain.as_bytes(), certificate.key.expose()) {
        Ok(loaded) if !loaded.names().is_empty() => loaded.names().join(", "),
        Ok(loaded) => loaded.facts().subject.clone(),
        Err(problem) => problem.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refresh(endpoint: Option<&str>) -> Login {
        let refresh = Refresh {
            endpoint: endpoint.map(str::to_owned),
            client_id: "me".to_owned(),
            client_secret: None,
            refresh_token: Secret::new("r").into(),
            scope: None,
        };
        Login { name: "ann".to_owned(), proof: Proof::Refresh(refresh) }
    }

    fn check(login: Login, preset: Option<&Preset>, expected: Result<&str, &str>) {
        let found = login.read(preset).map(|login| words_of(&login));
        assert_eq!(found.as_deref().map_err(String::as_str), expected);
    }

    #[test]
    fn presets_fill_in_and_refuse() {
        let directory = tempfile::tempdir().unwrap();
        let presets = crate::route_presets::read(directory.path()).unwrap();
        let outlook = presets.iter().find(|preset| preset.name == "outlook");
        let by_preset = "refresh token at https://login.microsoftonline.com/common/oauth2/v2.0/token";
        check(refresh(None), outlook, Ok(by_preset));
        check(refresh(Some("https://a.example/t")), outlook, Ok("refresh token at https://a.example/t"));
        check(refresh(None), None, Err("a --refresh-token-file needs a --token-endpoint, or a --preset"));
        let in_clear = "`http://a.example/t` is no place for secrets: it has to begin with https://";
        check(refresh(Some("http://a.example/t")), None, Err(in_clear));
        let password = || Login { name: "ann".to_owned(), proof: Proof::Password(Secret::new("p").into()) };
        check(password(), None, Ok("password"));
        let refused = "this provider takes no passwords: use --token-file or --refresh-token-file";
        check(password(), outlook, Err(refused));
        let file = |path: &str| Login { name: "ann".to_owned(), proof: Proof::TokenFile(path.to_owned()) };
        check(file("/run/t"), outlook, Ok("token file /run/t"));
        check(file("run/t"), outlook, Err("run/t: the whole path is wanted"));
    }

    #[test]
    fn what_goes_over_the_wire_comes_back_and_is_not_printed() {
        let sent = serde_json::to_string(&refresh(None)).unwrap();
        let Proof::Refresh(back) = serde_json::from_str::<Login>(&sent).unwrap().proof else { panic!("{sent}") };
        assert_eq!(back.refresh_token.0.expose(), b"r");
        assert!(!format!("{back:?}").contains("\"r\""));
    }
}

//! How to sign in at the hosts of a route, and what to show them.

use posthouse_model::Secret;

/// How to sign in.
#[derive(Clone, Debug)]
pub struct RouteLogin {
    /// The name there.
    pub name: String,
    /// What proves it.
    pub proof: RouteProof,
}

impl RouteLogin {
    /// By a password.
    pub fn password(name: impl Into<String>, password: Secret) -> Self {
        Self { name: name.into(), proof: RouteProof::Password(password) }
    }
}

/// What proves a login.
#[derive(Clone, Debug)]
pub enum RouteProof {
    /// A password.
    Password(Secret),
    /// A token of OAuth: the first line of this file, which another program renews.
    TokenFile(String),
    /// A token of OAuth that we get for a refresh token.
    Refresh(TokenRefresh),
}

impl RouteProof {
    /// The word for it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Password(_) => "password",
            Self::TokenFile(_) => "token file",
            Self::Refresh(_) => "refresh token",
        }
    }
}

/// How tokens are had for a refresh token (RFC 6749 §6).
#[derive(Clone, Debug)]
pub struct TokenRefresh {
    /// The HTTPS URL where.
    pub endpoint: String,
    /// Who we are there.
    pub client_id: String,
    /// What proves that; clients that are public have none.
    pub client_secret: Option<Secret>,
    /// What tokens are given for.
    pub refresh_token: Secret,
    /// What the tokens are to be good for, where that is to be said.
    pub scope: Option<String>,
}

/// A certificate that is shown to the hosts of a route.
#[derive(Clone, Debug)]
pub struct RouteCertificate {
    /// It and those that certify it, in PEM, its own first.
    pub chain: String,
    /// Its private key, in PEM.
    pub key: Secret,
}

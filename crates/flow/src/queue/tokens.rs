//! The port through which tokens for signing in at smart hosts come.

use async_trait::async_trait;
use posthouse_model::Secret;

use super::courier::NextHop;

/// Where tokens come from.
#[async_trait]
pub trait TokenSource: Send + Sync + 'static {
    /// A token that is good now for the login of `hop`, which is to be one by token.
    ///
    /// # Errors
    /// Why there is none, in words that hold no secret.
    async fn token(&self, hop: &NextHop) -> Result<Secret, String>;

    /// The host did not take `token`: it is not given out again where another can be had.
    fn refused(&self, hop: &NextHop, token: &Secret);
}

//! Making what is kept of a password.

use posthouse_model::{Secret, UnixMillis};
use posthouse_sasl::{CramMd5Secret, ScramHash, ScramVerifier};
use posthouse_storage::Credential;

use crate::IdentityOptions;
use crate::password::PasswordWeakness;

/// Random bytes from the operating system.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).expect("the operating system has random bytes");
    bytes
}

/// Works out all that is kept of `password`. Costs tens of milliseconds: call it on a hashing thread.
pub(crate) fn derive(
    options: &IdentityOptions,
    password: &Secret,
    changed_at: UnixMillis,
) -> Result<Credential, PasswordWeakness> {
    let prepared =
        posthouse_sasl::prepare_password(password.expose()).map_err(|_| PasswordWeakness::ForbiddenCharacter)?;
    let scram = |hash| {
        let salt = random::<{ posthouse_sasl::scram::SALT_BYTES }>();
        ScramVerifier::derive(hash, prepared.expose(), &salt, options.scram_iterations)
            .map(|verifier| verifier.to_bytes())
            .map_err(|_| PasswordWeakness::ForbiddenCharacter)
    };
    let cram_md5 = options
        .keep_cram_md5
        .then(|| CramMd5Secret::derive(prepared.expose()).map(|state| state.to_bytes()))
        .transpose()
        .map_err(|_| PasswordWeakness::ForbiddenCharacter)?;
    Ok(Credential {
        argon2: options.hash_cost.hash(&prepared),
        scram_sha_256: scram(ScramHash::Sha256)?,
        scram_sha_1: scram(ScramHash::Sha1)?,
        cram_md5,
        changed_at,
    })
}

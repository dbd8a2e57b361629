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

/// What is kept for mechanisms in which the secret is not sent.
pub(crate) struct ChallengeProofs {
    pub scram_sha_256: Secret,
    pub scram_sha_1: Secret,
    pub cram_md5: Option<Secret>,
}

/// Works them out. Costs milliseconds: call it on a hashing thread.
pub(crate) fn challenge_proofs(
    options: &IdentityOptions,
    prepared: &Secret,
) -> Result<ChallengeProofs, PasswordWeakness> {
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
    Ok(ChallengeProofs { scram_sha_256: scram(ScramHash::Sha256)?, scram_sha_1: scram(ScramHash::Sha1)?, cram_md5 })
}

/// Works out all that is kept of `password`. Costs tens of milliseconds: call it on a hashing thread.
pub(crate) fn derive(
    options: &IdentityOptions,
    password: &Secret,
    changed_at: UnixMillis,
) -> Result<Credential, PasswordWeakness> {
    let prepared =
        posthouse_sasl::prepare_password(password.expose()).map_err(|_| PasswordWeakness::ForbiddenCharacter)?;
    let ChallengeProofs { scram_sha_256, scram_sha_1, cram_md5 } = challenge_proofs(options, &prepared)?;
    Ok(Credential { argon2: options.hash_cost.hash(&prepared), scram_sha_256, scram_sha_1, cram_md5, changed_at })
}

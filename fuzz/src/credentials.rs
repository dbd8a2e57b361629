//! A house in which only `user` lives, with the password `pencil`.

use std::num::NonZeroU32;
use std::sync::LazyLock;

use posthouse_sasl::{Answer, CramMd5Secret, Question, ScramHash, ScramVerifier};

/// As few as can be: what is tested is the exchange, not the hash.
const ITERATIONS: NonZeroU32 = NonZeroU32::MIN;

static SHA256: LazyLock<ScramVerifier> = LazyLock::new(|| verifier(ScramHash::Sha256));
static SHA1: LazyLock<ScramVerifier> = LazyLock::new(|| verifier(ScramHash::Sha1));

fn verifier(hash: ScramHash) -> ScramVerifier {
    ScramVerifier::derive(hash, b"pencil", b"some salt", ITERATIONS).expect("a good password and salt")
}

/// The true answer.
pub fn answer(question: &Question) -> Answer {
    match question {
        Question::VerifyPassword { authentication_id, password, .. } => {
            if authentication_id == "user" && password.expose() == b"pencil" {
                Answer::Accepted
            } else {
                Answer::Rejected
            }
        }
        Question::ExternalIdentity { authorization_id: Some(name) } if name != "user" => Answer::Rejected,
        Question::ExternalIdentity { .. } => Answer::ExternalIdentity { authentication_id: "user".to_owned() },
        Question::ScramCredential { user, hash } if user == "user" => {
            let verifier = match hash {
                ScramHash::Sha1 => SHA1.clone(),
                ScramHash::Sha256 => SHA256.clone(),
            };
            Answer::ScramCredential { verifier, real: true }
        }
        Question::ScramCredential { user, hash } => {
            Answer::ScramCredential { verifier: ScramVerifier::decoy(*hash, b"key", user, ITERATIONS), real: false }
        }
        Question::CramSecret { user } => Answer::CramSecret {
            secret: CramMd5Secret::derive(b"pencil").expect("a good password"),
            real: user == "user",
        },
    }
}

/// The true answer for choice 0, and others for others.
pub fn choose(question: &Question, choice: u8) -> Answer {
    match choice % 4 {
        0 => answer(question),
        1 => Answer::TemporarilyUnavailable,
        2 => Answer::Accepted,
        _ => Answer::Rejected,
    }
}

//! Adding a set to a chain (RFC 8617 §5.1).

use posthouse_model::UnixMillis;

use super::sets::{ArcChain, ArcFault, MAX_ARC_SETS, State};
use super::verify::ArcOutcome;
use crate::dkim::sign::{Folded, Message};
use crate::dkim::{DkimKeyError, DkimSigner, relaxed_field};

/// Fields that are signed beside those that DKIM signs: the signatures that are there already (RFC 8617 §4.1.2).
pub const ARC_SIGNED_FIELDS: &[&str] = &["dkim-signature"];

impl ArcChain {
    /// The fields to put in front of the message that this chain is of, each with its CRLF; `None` where no set may
    /// follow: there are [`MAX_ARC_SETS`], the chain has ended, or it cannot be told now whether it holds.
    ///
    /// `results` is what was found out about the message, as in `Authentication-Results`, the name of who found it out
    /// included; lines may be folded. `outcome` is what became of this chain.
    pub fn seal<P: AsRef<[u8]>>(
        &self,
        pieces: &[P],
        outcome: &ArcOutcome,
        results: &str,
        signer: &DkimSigner,
        now: UnixMillis,
    ) -> Result<Option<Vec<u8>>, DkimKeyError> {
        let (before, status) = match (&self.state, outcome) {
            (State::Broken { fault: ArcFault::Ended(_), .. }, _) | (_, ArcOutcome::KeyUnavailable(_)) => {
                return Ok(None);
            }
            (State::Sound(sound), outcome) => (sound.seals.len(), outcome.word()),
            (State::Absent, _) => (0, "none"),
            (State::Broken { highest, .. }, _) => (*highest, "fail"),
        };
        if before >= MAX_ARC_SETS {
            return Ok(None);
        }
        let number = before + 1;
        let results = format!("ARC-Authentication-Results: i={number}; {results}\r\n");
        let message = Message::read(pieces, ARC_SIGNED_FIELDS);
        let signature = message.signed_by(signer, &format!("ARC-Message-Signature: i={number};"), now)?;
        let mut seal = Folded::new(&format!("ARC-Seal: i={number};"));
        seal.word(&format!(" a={};", signer.key.algorithm().name()));
        seal.word(&format!(" cv={status};"));
        seal.signer(signer, now);
        // RFC 8617 §5.1.2: of a chain that does not hold, only what is added is sealed.
        let mut text = match &self.state {
            State::Sound(sound) if status == "pass" => sound.text.clone(),
            _ => Vec::new(),
        };
        for field in [&results, &signature] {
            text.extend(relaxed_field(field.as_bytes()));
            text.extend_from_slice(b"\r\n");
        }
        let seal = seal.signed(signer, text)?;
        Ok(Some([seal, signature, results].concat().into_bytes()))
    }
}

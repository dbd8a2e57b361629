//! Signing a message.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use posthouse_model::{Domain, UnixMillis};

use super::canonical::{BodyHash, Canonicalization, relaxed_field};
use super::key::{DkimKey, DkimKeyError};
use super::message::{Split, fields, has_name};

/// Most fields that a signature covers. Those beyond, which no person reads, are not signed.
pub const MAX_SIGNED_FIELDS: usize = 200;
/// Columns after which a signature goes on in the next line.
const LINE_COLUMNS: usize = 74;

/// Fields that are signed once more than they are there, so that nobody can add another (RFC 6376 §5.4.2, §8.15):
/// what programs show, and what they read the body by.
const SEALED_FIELDS: &[&str] = &[
    "from",
    "to",
    "cc",
    "subject",
    "date",
    "message-id",
    "reply-to",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
];

/// Fields that are signed as often as they are there (RFC 6376 §5.4.1): lists and those who send on add such.
const SIGNED_FIELDS: &[&str] = &[
    "sender",
    "in-reply-to",
    "references",
    "content-id",
    "content-description",
    "content-disposition",
    "list-id",
    "list-help",
    "list-unsubscribe",
    "list-unsubscribe-post",
    "list-subscribe",
    "list-post",
    "list-owner",
    "list-archive",
    "resent-date",
    "resent-from",
    "resent-sender",
    "resent-to",
    "resent-cc",
    "resent-message-id",
    "autocrypt",
    "feedback-id",
];

/// A key, and where its public half stands in DNS.
#[derive(Debug)]
pub struct DkimSigner {
    /// The domain that answers for the message.
    pub domain: Domain,
    /// The selector of the key under that domain.
    pub selector: String,
    /// The key.
    pub key: DkimKey,
}

/// The fields to put in front of a message, one for each signer in their order, each with its CRLF.
///
/// `pieces` are the message, one after the other; its lines end in CRLF. `now` is when the signature begins to hold.
pub fn sign<P: AsRef<[u8]>>(signers: &[&DkimSigner], pieces: &[P], now: UnixMillis) -> Result<Vec<u8>, DkimKeyError> {
    let message = Message::read(pieces, &[]);
    let mut fields = Vec::new();
    for signer in signers {
        fields.extend(message.signed_by(signer, "DKIM-Signature: v=1;", now)?.into_bytes());
    }
    Ok(fields)
}

/// What of a message a signature is about.
pub(crate) struct Message {
    /// Names of the fields that are signed, in the order in which they are.
    names: Vec<&'static str>,
    /// Those fields in canonical form, each with its CRLF.
    header: Vec<u8>,
    body_hash: [u8; 32],
}

impl Message {
    /// Reads a message of which fields of `more` names are signed, too.
    pub fn read<P: AsRef<[u8]>>(pieces: &[P], more: &[&'static str]) -> Self {
        let split = Split::of(pieces);
        let mut body = BodyHash::new(Canonicalization::Relaxed, None);
        split.body(pieces).for_each(|piece| body.update(piece));
        let fields = fields(&split.header);
        let (mut names, mut signed) = (Vec::new(), Vec::new());
        for (name, is_sealed) in table(more) {
            // The last of several comes first (RFC 6376 §5.4.2).
            for field in fields.iter().rev().filter(|field| has_name(field, name)) {
                if names.len() < MAX_SIGNED_FIELDS {
                    names.push(name);
                    signed.extend(relaxed_field(field));
                    signed.extend_from_slice(b"\r\n");
                }
            }
            if is_sealed {
                names.push(name);
            }
        }
        Self { names, header: signed, body_hash: body.finish().hash }
    }

    /// A field that begins like this and has a signature.
    pub fn signed_by(&self, signer: &DkimSigner, beginning: &str, now: UnixMillis) -> Result<String, DkimKeyError> {
        let mut field = Folded::new(beginning);
        field.word(&format!(" a={};", signer.key.algorithm().name()));
        field.word(" c=relaxed/relaxed;");
        field.signer(signer, now);
        field.word(" h=");
        for (at, name) in self.names.iter().enumerate() {
            let end = if at + 1 == self.names.len() { ";" } else { ":" };
            field.word(&format!("{name}{end}"));
        }
        field.word(&format!(" bh={};", STANDARD.encode(self.body_hash)));
        field.signed(signer, self.header.clone())
    }
}

/// A field that goes on in the next line when it gets long.
pub(crate) struct Folded {
    text: String,
    column: usize,
}

impl Folded {
    /// A field that begins like this, with its name and the colon.
    pub fn new(beginning: &str) -> Self {
        Self { text: beginning.to_owned(), column: beginning.len() }
    }

    /// Adds a word before which the line may end; blanks at its beginning are part of it.
    pub fn word(&mut self, word: &str) {
        if self.column + word.len() > LINE_COLUMNS {
            self.fold();
        }
        self.text.push_str(word);
        self.column += word.len();
    }

    /// Adds text in which the line may end anywhere.
    fn pieces(&mut self, text: &str) {
        for character in text.chars() {
            if self.column >= LINE_COLUMNS {
                self.fold();
            }
            self.text.push(character);
            self.column += 1;
        }
    }

    /// Says who signs, by which key, and when.
    pub fn signer(&mut self, signer: &DkimSigner, now: UnixMillis) {
        self.word(&format!(" d={};", signer.domain.as_str()));
        self.word(&format!(" s={};", signer.selector));
        self.word(&format!(" t={};", now.seconds().max(0)));
    }

    /// The field with its CRLF when it ends in a signature of `text`, in canonical form, and of itself.
    pub fn signed(mut self, signer: &DkimSigner, mut text: Vec<u8>) -> Result<String, DkimKeyError> {
        self.word(" b=");
        text.extend(relaxed_field(self.text.as_bytes()));
        let signature = STANDARD.encode(signer.key.sign(&text)?);
        self.pieces(&signature);
        Ok(self.text + "\r\n")
    }

    fn fold(&mut self) {
        self.text.push_str("\r\n\t");
        self.column = 8;
    }
}

fn table<'m>(more: &'m [&'static str]) -> impl Iterator<Item = (&'static str, bool)> + 'm {
    let sealed = SEALED_FIELDS.iter().map(|name| (*name, true));
    sealed.chain(SIGNED_FIELDS.iter().chain(more).map(|name| (*name, false)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dkim::DkimAlgorithm;

    fn signer(algorithm: DkimAlgorithm) -> DkimSigner {
        let key = DkimKey::generate(algorithm).unwrap();
        DkimSigner { domain: Domain::parse("example.org").unwrap(), selector: "one".to_owned(), key }
    }

    const MESSAGE: &str = "Received: from here\r\nFrom: Ann\r\n <ann@example.org>\r\nTo: bob@example.net\r\n\
                           Subject: twice\r\nsubject: second\r\n\r\nbody \r\n\r\n";

    #[test]
    fn what_is_signed_and_how_it_is_written() {
        let signers = [DkimAlgorithm::RsaSha256, DkimAlgorithm::Ed25519Sha256].map(signer);
        let fields = sign(&signers.each_ref(), &[MESSAGE], UnixMillis(1_700_000_000_500)).unwrap();
        let fields = String::from_utf8(fields).unwrap();
        assert!(fields.lines().all(|line| line.len() <= LINE_COLUMNS + 1), "{fields}");
        assert_eq!(fields.matches("DKIM-Signature: v=1; a=").count(), 2);
        let unfolded = fields.replace("\r\n\t", "");
        let names = "h=from:from:to:to:cc:subject:subject:subject:date:message-id:reply-to:mime-version:\
                     content-type:content-transfer-encoding;";
        assert_eq!(unfolded.matches(names).count(), 2, "{unfolded}");
        assert!(unfolded.contains("c=relaxed/relaxed; d=example.org; s=one; t=1700000000;"), "{unfolded}");
    }

    #[test]
    fn the_canonical_header_has_the_last_of_several_first() {
        let message = Message::read(&[MESSAGE], &[]);
        let header = String::from_utf8(message.header).unwrap();
        let expected = "from:Ann <ann@example.org>\r\nto:bob@example.net\r\nsubject:second\r\nsubject:twice\r\n";
        assert_eq!(header, expected);
    }

    #[test]
    fn where_pieces_end_makes_no_difference() {
        let whole = Message::read(&[MESSAGE], &[]);
        for at in 0..=MESSAGE.len() {
            let (first, second) = MESSAGE.split_at(at);
            let pieces = Message::read(&[first, second], &[]);
            assert_eq!((pieces.header, pieces.body_hash), (whole.header.clone(), whole.body_hash), "cut at {at}");
        }
    }

    #[test]
    fn headers_alone_bodies_alone_and_nothing() {
        for (message, header) in [("From: a\r\n", "from:a\r\n"), ("\r\nFrom: a\r\n", ""), ("", "")] {
            assert_eq!(String::from_utf8(Message::read(&[message], &[]).header).unwrap(), header);
        }
    }

    #[test]
    fn there_is_a_bound() {
        let many = "Resent-To: a\r\n".repeat(2 * MAX_SIGNED_FIELDS) + "\r\n";
        let message = Message::read(&[many], &[]);
        assert!(message.names.len() <= MAX_SIGNED_FIELDS + SEALED_FIELDS.len());
    }
}

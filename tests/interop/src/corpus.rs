//! Mail that none of us wrote.

use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::process::peers;

/// Fewest messages that make the corpus worth its name.
const MIN_MESSAGES: usize = 5_000;

/// One message of the corpus.
#[derive(Debug)]
pub struct CorpusMessage {
    /// Its file, for messages of tests.
    pub name: String,
    /// Its octets, lines ending in CRLF as they would on the wire.
    pub raw: Vec<u8>,
}

/// The SpamAssassin public corpus: ham and spam of 2002 and 2003 as it came, broken MIME included.
///
/// # Errors
/// When `cargo xtask test` has not fetched it.
pub fn corpus() -> Result<Vec<CorpusMessage>> {
    let root = peers().join("corpus/package/data");
    let mut files = Vec::new();
    for folder in
        std::fs::read_dir(&root).with_context(|| format!("{} is missing: run `cargo xtask test`", root.display()))?
    {
        for file in std::fs::read_dir(folder?.path())? {
            files.push(file?.path());
        }
    }
    files.sort();
    let messages = files.iter().map(|file| read(file)).collect::<Result<Vec<_>>>()?;
    if messages.len() < MIN_MESSAGES {
        bail!("{} has only {} messages", root.display(), messages.len());
    }
    Ok(messages)
}

fn read(path: &Path) -> Result<CorpusMessage> {
    let raw = std::fs::read(path)?;
    Ok(CorpusMessage { name: path.display().to_string(), raw: with_crlf(without_mbox_line(&raw)) })
}

/// The line that mbox files put above a message is no part of it.
fn without_mbox_line(raw: &[u8]) -> &[u8] {
    match raw.strip_prefix(b"From ") {
        Some(rest) => &rest[rest.iter().position(|&b| b == b'\n').map_or(rest.len(), |at| at + 1)..],
        None => raw,
    }
}

/// The files have the line ends of Unix; on the wire each is CRLF, and the last line has one, too.
fn with_crlf(raw: &[u8]) -> Vec<u8> {
    let mut wire = Vec::with_capacity(raw.len() + raw.len() / 32);
    for line in raw.split_inclusive(|&b| b == b'\n') {
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        wire.extend_from_slice(text.strip_suffix(b"\r").unwrap_or(text));
        wire.extend_from_slice(b"\r\n");
    }
    wire
}

impl CorpusMessage {
    /// Whether SMTP may carry it at all: no NUL, no bare CR.
    pub fn is_transportable(&self) -> bool {
        let bare = self.raw.iter().enumerate().any(|(at, &b)| b == b'\r' && self.raw.get(at + 1) != Some(&b'\n'));
        !bare && !self.raw.contains(&0)
    }

    /// As DATA sends it (RFC 5321 §4.5.2), final dot included.
    pub fn dot_stuffed(&self) -> Vec<u8> {
        let mut stuffed = Vec::with_capacity(self.raw.len() + 16);
        for line in self.raw.split_inclusive(|&b| b == b'\n') {
            if line.first() == Some(&b'.') {
                stuffed.push(b'.');
            }
            stuffed.extend_from_slice(line);
        }
        stuffed.extend_from_slice(b".\r\n");
        stuffed
    }
}

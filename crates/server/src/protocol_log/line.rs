//! Cutting a conversation into lines of bounded length.

/// The longest line that is shown, in bytes; the rest is left out.
const MAX_SHOWN_BYTES: usize = 512;

/// One direction of a conversation.
#[derive(Debug, Default)]
pub(super) struct Lines {
    line: Vec<u8>,
    /// Bytes that are passed over before the next line.
    to_skip: u64,
    skipped: u64,
}

/// What was cut off.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// A part of a line, or of what is passed over.
    Nothing,
    /// A whole line, or its start.
    Line(String),
    /// So many bytes were passed over.
    Skipped(u64),
}

impl Lines {
    /// Passes over the next bytes.
    pub(super) fn skip(&mut self, count: u64) {
        self.to_skip = count;
    }

    /// Takes something off the front of `bytes`, which must not be empty.
    pub(super) fn take(&mut self, bytes: &mut &[u8]) -> Piece {
        if self.to_skip > 0 {
            let now = usize::try_from(self.to_skip).unwrap_or(usize::MAX).min(bytes.len());
            *bytes = &bytes[now..];
            self.to_skip -= now as u64;
            self.skipped += now as u64;
            return if self.to_skip == 0 { Piece::Skipped(std::mem::take(&mut self.skipped)) } else { Piece::Nothing };
        }
        let line_end = bytes.iter().position(|&byte| byte == b'\n');
        let (part, rest) = bytes.split_at(line_end.map_or(bytes.len(), |at| at + 1));
        *bytes = rest;
        let room = MAX_SHOWN_BYTES.saturating_sub(self.line.len());
        self.line.extend_from_slice(&part[..part.len().min(room)]);
        if line_end.is_none() {
            return Piece::Nothing;
        }
        let line = std::mem::take(&mut self.line);
        let text = line.trim_ascii_end();
        Piece::Line(text.escape_ascii().to_string().replace("\\\"", "\"").replace("\\\\", "\\"))
    }
}

/// The length of the literal that a line of IMAP ends with: `"{" number ["+"] "}"`.
pub(super) fn announced_literal(line: &str) -> Option<u64> {
    let (_, number) = line.strip_suffix('}')?.rsplit_once('{')?;
    number.strip_suffix('+').unwrap_or(number).parse().ok()
}

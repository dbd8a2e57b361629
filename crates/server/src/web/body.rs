//! The body of a request, as it comes.

use super::fault::Fault;
use super::head::Framing;

/// Most octets of a line between chunks.
const MAX_CHUNK_LINE_BYTES: usize = 256;
/// Most digits of a chunk's length.
const MAX_SIZE_DIGITS: usize = 8;
/// Most chunks: whoever sends fewer than some octets in each means no good.
const MAX_CHUNKS: usize = 16 * 1024;
/// Most fields behind the last chunk. They are not looked at.
const MAX_TRAILER_FIELDS: usize = 16;

/// What a reader awaits.
#[derive(Debug, PartialEq, Eq)]
enum Awaits {
    /// So many octets of data.
    Data(usize),
    /// The line end behind a chunk.
    ChunkEnd,
    /// How long the next chunk is.
    ChunkLine,
    /// A field behind the last chunk, or the empty line that ends it all.
    Trailer(usize),
    /// Nothing.
    Nothing,
}

/// Puts a body together.
#[derive(Debug)]
pub(crate) struct BodyReader {
    body: Vec<u8>,
    line: Vec<u8>,
    awaits: Awaits,
    is_chunked: bool,
    chunks: usize,
    limit: usize,
}

impl BodyReader {
    /// A reader of a body of `limit` octets at most.
    ///
    /// # Errors
    /// When it says itself that it is longer.
    pub(crate) fn new(framing: Framing, limit: usize) -> Result<Self, Fault> {
        let awaits = match framing {
            Framing::None => Awaits::Nothing,
            Framing::Length(length) => match usize::try_from(length) {
                Ok(length) if length <= limit => Awaits::Data(length),
                _ => return Err(Fault::BodyTooLong),
            },
            Framing::Chunked => Awaits::ChunkLine,
        };
        let is_chunked = framing == Framing::Chunked;
        Ok(Self { body: Vec::new(), line: Vec::new(), awaits, is_chunked, chunks: 0, limit })
    }

    /// Takes what came. Octets behind the body are left alone.
    ///
    /// # Errors
    /// When it is malformed, or too long.
    pub(crate) fn push(&mut self, mut octets: &[u8]) -> Result<(), Fault> {
        while !octets.is_empty() {
            match self.awaits {
                Awaits::Nothing => return Ok(()),
                Awaits::Data(left) => {
                    let count = left.min(octets.len());
                    self.body.extend_from_slice(&octets[..count]);
                    octets = &octets[count..];
                    self.awaits = match (left - count, self.is_chunked) {
                        (0, true) => Awaits::ChunkEnd,
                        (0, false) => Awaits::Nothing,
                        (left, _) => Awaits::Data(left),
                    };
                }
                Awaits::ChunkEnd | Awaits::ChunkLine | Awaits::Trailer(_) => {
                    self.line.push(octets[0]);
                    octets = &octets[1..];
                    if let Some(line) = self.line.strip_suffix(b"\r\n") {
                        let line = line.to_vec();
                        self.line.clear();
                        self.end_line(&line)?;
                    } else if self.line.len() >= MAX_CHUNK_LINE_BYTES {
                        return Err(Fault::Malformed("a line between chunks"));
                    }
                }
            }
        }
        Ok(())
    }

    fn end_line(&mut self, line: &[u8]) -> Result<(), Fault> {
        // A CR or LF by itself ends lines for some, and not for others.
        if line.iter().any(|octet| matches!(octet, b'\r' | b'\n' | 0)) {
            return Err(Fault::Malformed("a line between chunks"));
        }
        self.awaits = match self.awaits {
            Awaits::ChunkEnd if line.is_empty() => Awaits::ChunkLine,
            Awaits::ChunkLine => match size_of_chunk(line)? {
                0 => Awaits::Trailer(0),
                size if size > self.limit - self.body.len() => return Err(Fault::BodyTooLong),
                size if self.chunks < MAX_CHUNKS => {
                    self.chunks += 1;
                    Awaits::Data(size)
                }
                _ => return Err(Fault::Malformed("too many chunks")),
            },
            Awaits::Trailer(_) if line.is_empty() => Awaits::Nothing,
            Awaits::Trailer(count) if count < MAX_TRAILER_FIELDS => Awaits::Trailer(count + 1),
            _ => return Err(Fault::Malformed("the end of a chunk")),
        };
        Ok(())
    }

    /// Whether all of it is here.
    pub(crate) fn is_whole(&self) -> bool {
        self.awaits == Awaits::Nothing
    }

    /// The body.
    pub(crate) fn into_body(self) -> Vec<u8> {
        self.body
    }
}

/// ```text
/// chunk-size [ chunk-ext ]                                    ; RFC 9112 §7.1
/// ```
fn size_of_chunk(line: &[u8]) -> Result<usize, Fault> {
    let malformed = Fault::Malformed("the length of a chunk");
    let digits = line.iter().take_while(|octet| octet.is_ascii_hexdigit()).count();
    let is_ended = matches!(line.get(digits), None | Some(b';' | b' ' | b'\t'));
    if digits == 0 || digits > MAX_SIZE_DIGITS || !is_ended {
        return Err(malformed);
    }
    let text = std::str::from_utf8(&line[..digits]).map_err(|_| malformed)?;
    usize::from_str_radix(text, 16).map_err(|_| malformed)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(framing: Framing, limit: usize, octets: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        let mut reader = BodyReader::new(framing, limit)?;
        reader.push(octets)?;
        Ok(reader.is_whole().then(|| reader.into_body()))
    }

    #[test]
    fn bodies() {
        assert_eq!(read(Framing::Length(3), 9, b"abcGET"), Ok(Some(b"abc".to_vec())));
        assert_eq!(read(Framing::Length(3), 9, b"ab"), Ok(None));
        assert_eq!(read(Framing::Length(10), 9, b""), Err(Fault::BodyTooLong));
        let chunks = b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nX: y\r\n\r\nGET";
        assert_eq!(read(Framing::Chunked, 5, chunks), Ok(Some(b"abcde".to_vec())));
        assert_eq!(read(Framing::Chunked, 4, chunks), Err(Fault::BodyTooLong));
    }

    #[test]
    fn chunks_that_could_be_read_in_two_ways_are_refused() {
        for bad in [
            &b"\r\n"[..],
            b"x\r\n",
            b"-1\r\n",
            b"+1\r\n",
            b"0x1\r\n",
            b" 1\r\n",
            b"1\nx",
            b"1\rx\r\n",
            b"1;\nx\r\n",
            b"fffffffff\r\n",
            b"1\r\nxx\r\n",
            b"1\r\nx\n0\r\n\r\n",
            b"0\r\nX\n\r\n",
        ] {
            let found = read(Framing::Chunked, 1 << 40, bad);
            assert!(matches!(found, Err(Fault::Malformed(_)) | Ok(None)), "{bad:?}: {found:?}");
        }
        assert_eq!(read(Framing::Chunked, 100, b"ffffffff\r\n"), Err(Fault::BodyTooLong));
        let endless = vec![b'1'; MAX_CHUNK_LINE_BYTES];
        assert!(matches!(read(Framing::Chunked, 100, &endless), Err(Fault::Malformed(_))));
        let trailers = [&b"0\r\n"[..], &b"X: y\r\n".repeat(MAX_TRAILER_FIELDS + 1)].concat();
        assert!(matches!(read(Framing::Chunked, 100, &trailers), Err(Fault::Malformed(_))));
        let tiny = b"1\r\nx\r\n".repeat(MAX_CHUNKS + 1);
        assert!(matches!(read(Framing::Chunked, 1 << 20, &tiny), Err(Fault::Malformed(_))));
    }

    proptest! {
        #[test]
        fn chunks_come_together_however_they_are_cut(
            pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..40), 0..8),
            cut in 1_usize..20,
        ) {
            let mut octets = Vec::new();
            for piece in &pieces {
                octets.extend_from_slice(format!("{:X}\r\n", piece.len()).as_bytes());
                octets.extend_from_slice(piece);
                octets.extend_from_slice(b"\r\n");
            }
            octets.extend_from_slice(b"0\r\n\r\n");
            let mut reader = BodyReader::new(Framing::Chunked, 1000).unwrap();
            octets.chunks(cut).for_each(|part| reader.push(part).unwrap());
            prop_assert!(reader.is_whole());
            prop_assert_eq!(reader.into_body(), pieces.concat());
        }

        #[test]
        fn nothing_panics(octets in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = read(Framing::Chunked, 50, &octets);
        }
    }
}

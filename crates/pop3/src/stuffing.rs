//! A message as a multi-line response: every line ends in CRLF, lines that begin with a dot get another, and a dot
//! alone ends it (RFC 1939 §3).

use bytes::Bytes;

use crate::outbox::Outbox;

/// Turns the pieces of a stored message into the response, in constant memory.
///
/// A line feed without a carriage return before it gets one; a carriage return alone is content and stays.
#[derive(Debug)]
pub(crate) struct DotStuffer {
    at_line_start: bool,
    after_carriage_return: bool,
}

impl DotStuffer {
    pub(crate) fn new() -> Self {
        Self { at_line_start: true, after_carriage_return: false }
    }

    /// Takes the next piece.
    pub(crate) fn push(&mut self, piece: &Bytes, outbox: &mut Outbox) {
        let (Some(&first), Some(&last)) = (piece.first(), piece.last()) else {
            return;
        };
        if self.at_line_start && first == b'.' {
            outbox.push_slice(b".");
        }
        let mut written = 0;
        for line_feed in memchr::memchr_iter(b'\n', piece) {
            let has_carriage_return = match line_feed.checked_sub(1) {
                Some(before) => piece[before] == b'\r',
                None => self.after_carriage_return,
            };
            if !has_carriage_return {
                outbox.push_part(piece, written, line_feed);
                outbox.push_slice(b"\r");
                written = line_feed;
            }
            if piece.get(line_feed + 1) == Some(&b'.') {
                outbox.push_part(piece, written, line_feed + 1);
                outbox.push_slice(b".");
                written = line_feed + 1;
            }
        }
        outbox.push_part(piece, written, piece.len());
        self.at_line_start = last == b'\n';
        self.after_carriage_return = last == b'\r';
    }

    /// Ends the last line, if it has no end, and the response.
    pub(crate) fn finish(self, outbox: &mut Outbox) {
        let end: &[u8] = match (self.at_line_start, self.after_carriage_return) {
            (true, _) => b".\r\n",
            (false, true) => b"\n.\r\n",
            (false, false) => b"\r\n.\r\n",
        };
        outbox.push_slice(end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn stuff(pieces: &[&[u8]]) -> Vec<u8> {
        let mut outbox = Outbox::default();
        let mut stuffer = DotStuffer::new();
        for piece in pieces {
            stuffer.push(&Bytes::copy_from_slice(piece), &mut outbox);
        }
        stuffer.finish(&mut outbox);
        std::iter::from_fn(|| outbox.pop()).flatten().collect()
    }

    /// The same, line by line and without a care for speed.
    fn model(message: &[u8]) -> Vec<u8> {
        let mut lines: Vec<&[u8]> = message.split(|&byte| byte == b'\n').collect();
        if lines.last().is_some_and(|line| line.is_empty()) {
            lines.pop();
        }
        let mut response = Vec::new();
        for line in lines {
            if line.starts_with(b".") {
                response.push(b'.');
            }
            response.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
            response.extend_from_slice(b"\r\n");
        }
        response.extend_from_slice(b".\r\n");
        response
    }

    /// What a client makes of a response: the message, with line ends of CRLF. `None` if it would see the end early.
    fn unstuff(response: &[u8]) -> Option<Vec<u8>> {
        let mut message = Vec::new();
        let mut rest = response;
        loop {
            let end = memchr::memmem::find(rest, b"\r\n")?;
            let (line, after) = rest.split_at(end + 2);
            if line == b".\r\n" {
                return after.is_empty().then_some(message);
            }
            message.extend_from_slice(line.strip_prefix(b".").unwrap_or(line));
            rest = after;
        }
    }

    #[track_caller]
    fn check(message: &[u8], expected: &[u8]) {
        assert_eq!(stuff(&[message]), expected);
        assert_eq!(stuff(&message.chunks(1).collect::<Vec<_>>()), expected);
        assert_eq!(model(message), expected);
    }

    #[test]
    fn responses_are_stuffed_and_ended() {
        check(b"", b".\r\n");
        check(b"a\r\n", b"a\r\n.\r\n");
        check(b"a", b"a\r\n.\r\n");
        check(b"a\r", b"a\r\n.\r\n");
        check(b".", b"..\r\n.\r\n");
        check(b".\r\n..\r\n", b"..\r\n...\r\n.\r\n");
        check(b"a\n.\nb\n", b"a\r\n..\r\nb\r\n.\r\n");
        check(b"\n\n.", b"\r\n\r\n..\r\n.\r\n");
        check(b"a\r.b\r\n", b"a\r.b\r\n.\r\n");
        check(b"a\r\r\n.", b"a\r\r\n..\r\n.\r\n");
    }

    #[test]
    fn a_piece_without_dots_is_not_copied() {
        let piece = Bytes::from(b"sixty-four octets of text that say nothing, again and again..\r\n".repeat(1000));
        let mut outbox = Outbox::default();
        DotStuffer::new().push(&piece, &mut outbox);
        assert_eq!(outbox.pop().unwrap().as_ptr(), piece.as_ptr());
        assert_eq!(outbox.pop(), None);
    }

    fn bytes_of_interest() -> impl Strategy<Value = Vec<u8>> {
        proptest::collection::vec(proptest::sample::select(&b"\r\n..a\0\xff"[..]), 0..64)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4096, ..ProptestConfig::default() })]
        #[test]
        fn pieces_do_not_matter(message in bytes_of_interest(), cuts: Vec<prop::sample::Index>) {
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(message.len() + 1)).collect();
            cuts.extend([0, message.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &message[pair[0]..pair[1]]).collect();
            let response = stuff(&pieces);
            prop_assert_eq!(&response, &model(&message));
            let unstuffed = unstuff(&response);
            prop_assert!(unstuffed.is_some());
            if message.is_empty() || message.ends_with(b"\r\n") && !message.windows(2).any(|pair| pair[1] == b'\n' && pair[0] != b'\r') && message[0] != b'\n' {
                prop_assert_eq!(unstuffed.unwrap(), message);
            }
        }
    }
}

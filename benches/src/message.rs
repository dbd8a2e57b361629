//! The mail that is sent: of a given size, each message different from every other.

use std::sync::atomic::{AtomicU64, Ordering};

/// Digits of the serial number that tells messages apart.
const SERIAL_DIGITS: usize = 16;
/// What the serial number takes the place of.
const SERIAL_SLOT: &str = "0000000000000000";
/// Octets of one line of a body, without CRLF, as base 64 has them (RFC 2045 §6.8).
const LINE_OCTETS: usize = 76;
/// Room for the last lines of a message.
const CLOSING: &str = "\r\n--=_bench--\r\n";

static NEXT_SERIAL: AtomicU64 = AtomicU64::new(1);

/// A message in which only the serial number changes.
#[derive(Clone, Debug)]
pub struct Template {
    text: Vec<u8>,
    slots: Vec<usize>,
}

impl Template {
    /// A message of two parts and exactly `size` octets; the smallest is about one kilobyte.
    pub fn of_size(size: usize) -> Self {
        let mut text = String::with_capacity(size);
        text.push_str(HEADER);
        text.push_str(TEXT_PART);
        text.push_str(SECOND_PART_HEADER);
        let end = size.saturating_sub(CLOSING.len());
        while text.len() + LINE_OCTETS + 2 <= end {
            let shift = text.len() % ALPHABET.len();
            text.extend(ALPHABET.chars().cycle().skip(shift).take(LINE_OCTETS));
            text.push_str("\r\n");
        }
        let rest = end.saturating_sub(text.len());
        text.extend(std::iter::repeat_n('A', rest));
        text.push_str(CLOSING);
        let slots = text.match_indices(SERIAL_SLOT).map(|(at, _)| at).collect();
        Self { text: text.into_bytes(), slots }
    }

    /// So many messages that were never made before.
    pub fn next_messages(&self, count: u64) -> Vec<Vec<u8>> {
        let next = |_| {
            let mut message = Vec::with_capacity(self.text.len());
            self.write_next(&mut message);
            message
        };
        (0..count).map(next).collect()
    }

    /// Appends a message that was never made before to `output`.
    pub fn write_next(&self, output: &mut Vec<u8>) {
        let serial = format!("{:0SERIAL_DIGITS$x}", NEXT_SERIAL.fetch_add(1, Ordering::Relaxed));
        let begin = output.len();
        output.extend_from_slice(&self.text);
        for slot in &self.slots {
            output[begin + slot..begin + slot + SERIAL_DIGITS].copy_from_slice(serial.as_bytes());
        }
    }
}

const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

const HEADER: &str = "\
Received: from relay.sender.example (relay.sender.example [192.0.2.25])\r\n\
\tby out.sender.example (Mailer) with ESMTPS id 0000000000000000\r\n\
\tfor <reader@bench.example>; Mon, 2 Jun 2025 10:11:12 +0200\r\n\
Message-ID: <0000000000000000@sender.example>\r\n\
Date: Mon, 2 Jun 2025 10:11:12 +0200\r\n\
From: \"Ann Example\" <ann@sender.example>\r\n\
To: \"The Reader\" <reader@bench.example>, Bob <bob@other.example>\r\n\
Cc: List <list@lists.example>\r\n\
Reply-To: answers@sender.example\r\n\
In-Reply-To: <parent.1@other.example>\r\n\
References: <root.0@other.example> <parent.1@other.example>\r\n\
Subject: Minutes of the meeting, number 0000000000000000\r\n\
MIME-Version: 1.0\r\n\
Content-Type: multipart/mixed; boundary=\"=_bench\"\r\n\
\r\n";

const TEXT_PART: &str = "\
--=_bench\r\n\
Content-Type: text/plain; charset=utf-8\r\n\
Content-Transfer-Encoding: 7bit\r\n\
\r\n\
Hello,\r\n\
\r\n\
the minutes of the last meeting are attached. Please read them before Thursday\r\n\
and write to the list if something is missing or was understood otherwise.\r\n\
\r\n\
Ann\r\n\
\r\n";

const SECOND_PART_HEADER: &str = "\
--=_bench\r\n\
Content-Type: application/octet-stream; name=\"minutes.bin\"\r\n\
Content-Transfer-Encoding: base64\r\n\
Content-Disposition: attachment; filename=\"minutes.bin\"\r\n\
\r\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_exact() {
        for size in [4096, 65536] {
            let mut message = Vec::new();
            Template::of_size(size).write_next(&mut message);
            assert_eq!(message.len(), size);
            assert!(message.ends_with(CLOSING.as_bytes()));
        }
    }

    #[test]
    fn no_message_is_like_another_and_none_needs_dot_stuffing() {
        let template = Template::of_size(4096);
        let (mut one, mut other) = (Vec::new(), Vec::new());
        template.write_next(&mut one);
        template.write_next(&mut other);
        assert_ne!(one, other);
        assert!(memchr::memmem::find(&one, b"\r\n.").is_none());
    }
}

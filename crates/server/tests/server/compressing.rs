//! COMPRESS=DEFLATE, as a client sees it.

use miniz_oxide::deflate::compress_to_vec;
use miniz_oxide::inflate::stream::{InflateState, inflate};
use miniz_oxide::{DataFormat, MZFlush};

use crate::client::Client;
use crate::house::{IMAPS, TestHouse};

/// A client that compresses.
struct Compressed {
    client: Client,
    inflate: Box<InflateState>,
    /// Octets that came, compressed.
    received: usize,
}

impl Compressed {
    async fn begin(mut client: Client) -> Self {
        client.send("z COMPRESS DEFLATE").await;
        client.until("z OK").await;
        Self { client, inflate: InflateState::new_boxed(DataFormat::Raw), received: 0 }
    }

    /// Sends octets in a block that is not the last one, then an empty one that ends at a whole octet.
    async fn send(&mut self, octets: &[u8]) {
        let mut block = Vec::new();
        for stored in octets.chunks(60_000) {
            let length = stored.len() as u16;
            block.push(0);
            block.extend_from_slice(&length.to_le_bytes());
            block.extend_from_slice(&(!length).to_le_bytes());
            block.extend_from_slice(stored);
        }
        self.client.send_raw(&block).await;
    }

    /// All that comes, up to a line that starts like this.
    async fn until(&mut self, start: &str) -> String {
        let mut text = Vec::new();
        loop {
            let octet = self.client.octets(1).await;
            self.received += 1;
            let mut out = vec![0; 1 << 20];
            let result = inflate(&mut self.inflate, &octet, &mut out, MZFlush::None);
            text.extend_from_slice(&out[..result.bytes_written]);
            let last = text.strip_suffix(b"\r\n").and_then(|lines| lines.split(|&byte| byte == b'\n').next_back());
            if last.is_some_and(|line| line.starts_with(start.as_bytes())) {
                return String::from_utf8(text).unwrap();
            }
        }
    }
}

#[tokio::test]
async fn both_sides_compress() {
    let house = TestHouse::start().await;
    house.deliver(&format!("Subject: long\r\n\r\n{}", "All work and no play.\r\n".repeat(5_000))).await;
    let mut imap = house.imap().await;
    imap.send("a SELECT INBOX").await;
    imap.until("a OK").await;
    let mut imap = Compressed::begin(imap).await;
    imap.send(b"b FETCH 1 BODY.PEEK[]\r\n").await;
    let message = imap.until("b OK").await;
    assert_eq!(message.matches("All work and no play.\r\n").count(), 5_000);
    assert!(imap.received < 5_000, "{}", imap.received);
    imap.send(b"c COMPRESS DEFLATE\r\n").await;
    imap.until("c NO [COMPRESSIONACTIVE]").await;
    imap.send(b"d CAPABILITY\r\n").await;
    assert!(!imap.until("d OK").await.contains("COMPRESS"));
    // A message the other way, and news while idling.
    let text = "Subject: back\r\n\r\n".to_owned() + &"x".repeat(200_000);
    imap.send(format!("e APPEND INBOX {{{}+}}\r\n{text}\r\n", text.len()).as_bytes()).await;
    imap.until("e OK").await;
    imap.send(b"f IDLE\r\n").await;
    imap.until("+ ").await;
    house.deliver("Subject: new\r\n\r\n").await;
    imap.until("* 3 EXISTS").await;
    imap.send(b"DONE\r\n").await;
    imap.until("f OK").await;
    imap.send(b"g LOGOUT\r\n").await;
    imap.until("g OK").await;
    // Nothing but the end of the last flush.
    assert!(imap.client.rest().await.len() <= 5);
}

#[tokio::test]
async fn what_cannot_be_decompressed_ends_the_connection() {
    let house = TestHouse::start().await;
    let mut imap = Compressed::begin(house.imap().await).await;
    imap.client.send_raw(b"a NOOP\r\n").await;
    assert_eq!(imap.client.rest().await, b"");
}

/// Input that grows a thousandfold meets the same limits as any other.
#[tokio::test]
async fn a_bomb_meets_the_limit_of_lines() {
    let mut draft = TestHouse::draft(posthouse_storage::MemoryStorage::new()).await;
    draft.listener(IMAPS).imap_limits.discarded_bytes = 1_000_000;
    let house = draft.start();
    let mut imap = Compressed::begin(house.imap().await).await;
    let bomb = compress_to_vec(&vec![b'x'; 100_000_000], 6);
    assert!(bomb.len() < 200_000);
    let _ = imap.client.try_send(&bomb).await;
    imap.until("* BYE [TOOBIG]").await;
}

#[tokio::test]
async fn commands_behind_compress_are_not_taken() {
    let house = TestHouse::start().await;
    let mut imap = house.imap().await;
    imap.send("a COMPRESS DEFLATE\r\nb NOOP").await;
    imap.expect("a BAD").await;
    imap.expect("b OK").await;
    let mut stranger = house.connect_tls(IMAPS).await;
    assert!(!stranger.expect("* OK").await.contains("COMPRESS"));
    stranger.send("a COMPRESS DEFLATE").await;
    stranger.expect("a BAD").await;
}

//! A mail host that takes everything and remembers it.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};

use anyhow::Result;

/// The header field by which messages are told apart.
pub const ID_FIELD: &str = "X-Test-Id: ";

/// A running sink. Its threads end with the process.
#[derive(Clone, Debug)]
pub struct Sink {
    /// Its port on 127.0.0.1.
    pub port: u16,
    taken: Arc<Mutex<HashMap<String, Taken>>>,
}

/// What became of one message.
#[derive(Clone, Debug, Default)]
pub struct Taken {
    /// How often its end was answered with 250.
    pub times: usize,
    /// Of them, how often the client said something more, or goodbye, on that connection: it has seen the 250.
    pub times_seen: usize,
}

impl Sink {
    /// Starts one.
    ///
    /// # Errors
    /// When there is no port.
    pub fn start() -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let sink = Self { port: listener.local_addr()?.port(), taken: Arc::default() };
        let shared = sink.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let sink = shared.clone();
                // A client that is killed ends its connection in the middle, which is what we want.
                std::thread::spawn(move || drop(sink.serve(&stream)));
            }
        });
        Ok(sink)
    }

    /// What has been taken, by the value of [`ID_FIELD`].
    pub fn taken(&self) -> MutexGuard<'_, HashMap<String, Taken>> {
        self.taken.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn serve(&self, stream: &TcpStream) -> Result<()> {
        stream.set_nodelay(true)?;
        let mut writer = stream.try_clone()?;
        let mut reader = BufReader::new(stream.try_clone()?);
        let mut last = None;
        writer.write_all(b"220 sink.example ESMTP\r\n")?;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            if let Some(id) = last.take() {
                self.taken().entry(id).or_default().times_seen += 1;
            }
            let reply: &[u8] = match line.get(..4).unwrap_or_default().to_ascii_uppercase().as_str() {
                "EHLO" => b"250-sink.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n",
                "DATA" => {
                    writer.write_all(b"354 go on\r\n")?;
                    let id = read_message(&mut reader)?;
                    self.taken().entry(id.clone()).or_default().times += 1;
                    last = Some(id);
                    b"250 2.0.0 taken\r\n"
                }
                "QUIT" => {
                    writer.write_all(b"221 2.0.0 bye\r\n")?;
                    return Ok(());
                }
                _ => b"250 2.0.0 ok\r\n",
            };
            writer.write_all(reply)?;
        }
    }
}

/// Reads to the final dot, and returns the message's id.
fn read_message(reader: &mut impl BufRead) -> Result<String> {
    let mut id = String::new();
    loop {
        let mut line = Vec::new();
        if reader.read_until(b'\n', &mut line)? == 0 {
            anyhow::bail!("the client went away within a message");
        }
        if line == b".\r\n" {
            return Ok(id);
        }
        if let Some(value) = line.strip_prefix(ID_FIELD.as_bytes()) {
            id = String::from_utf8_lossy(value).trim().to_owned();
        }
    }
}

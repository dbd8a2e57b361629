//! The command line's side of the control socket.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};

use super::frame::{self, MAX_REQUEST_BYTES, MAX_RESPONSE_BYTES};
use super::{Request, Response};

/// How long the server may take to answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(60);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Nobody is there.
    #[error(
        "no server answers at {}: start one with `posthouse serve` (or `systemctl start posthouse`), or name its \
         socket with --socket",
        .0.display()
    )]
    NotRunning(PathBuf),
    /// The socket is there, but not for this user.
    #[error("{}: this user may not use the control socket: run the command as root or as the server's user", .0.display())]
    Forbidden(PathBuf),
    /// The conversation broke off.
    #[error("the server at {} did not answer: {error}", path.display())]
    Broken {
        /// The socket.
        path: PathBuf,
        /// What happened.
        error: io::Error,
    },
    /// The server cannot do it.
    #[error("{0}")]
    Refused(String),
}

/// A connection to the running server.
pub struct Client {
    path: PathBuf,
    input: BufReader<OwnedReadHalf>,
    output: OwnedWriteHalf,
}

impl Client {
    /// Connects.
    ///
    /// # Errors
    /// When nobody is there, or not for this user.
    pub async fn connect(path: &Path) -> Result<Self, AskError> {
        let stream = UnixStream::connect(path).await.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => AskError::NotRunning(path.to_owned()),
            io::ErrorKind::PermissionDenied => AskError::Forbidden(path.to_owned()),
            _ => AskError::Broken { path: path.to_owned(), error },
        })?;
        let (input, output) = stream.into_split();
        Ok(Self { path: path.to_owned(), input: BufReader::new(input), output })
    }

    /// Another connection to the same server.
    ///
    /// # Errors
    /// As [`Self::connect`].
    pub async fn again(&self) -> Result<Self, AskError> {
        Self::connect(&self.path).await
    }

    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// When there is none, or the server refuses.
    pub async fn ask<T: DeserializeOwned>(&mut self, request: &Request) -> Result<T, AskError> {
        self.ask_with(request, &[]).await
    }

    /// Asks, with octets that go beside the request, and waits for the answer.
    ///
    /// # Errors
    /// When there is none, or the server refuses.
    pub async fn ask_with<T: DeserializeOwned>(&mut self, request: &Request, octets: &[Bytes]) -> Result<T, AskError> {
        let conversation = async {
            frame::write(&mut self.output, request, MAX_REQUEST_BYTES).await?;
            for some in octets {
                self.output.write_all(some).await?;
            }
            self.output.flush().await?;
            let response = frame::read::<Response>(&mut self.input, MAX_RESPONSE_BYTES).await?;
            response.ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))
        };
        let answered = tokio::time::timeout(ANSWER_LIMIT, conversation).await;
        let response = answered.unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut)));
        match response.map_err(|error| AskError::Broken { path: self.path.clone(), error })? {
            Response::Ok(value) => serde_json::from_value(value).map_err(|error| AskError::Broken {
                path: self.path.clone(),
                error: io::Error::new(io::ErrorKind::InvalidData, error),
            }),
            Response::Refused(reason) => Err(AskError::Refused(reason)),
        }
    }

    /// Reads so many octets that come beside an answer.
    ///
    /// # Errors
    /// When they do not come.
    pub async fn octets(&mut self, count: u64) -> Result<Bytes, AskError> {
        let broken = |error| AskError::Broken { path: self.path.clone(), error };
        let mut octets = vec![0; usize::try_from(count).unwrap_or(0)];
        let mut filled = 0;
        while filled < octets.len() {
            let read = tokio::time::timeout(ANSWER_LIMIT, self.input.read(&mut octets[filled..])).await;
            match read.unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut))) {
                Ok(0) => return Err(broken(io::Error::from(io::ErrorKind::UnexpectedEof))),
                Ok(some) => filled += some,
                Err(error) => return Err(broken(error)),
            }
        }
        Ok(octets.into())
    }
}

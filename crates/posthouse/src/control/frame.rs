//! Lines of JSON on the socket, with a limit in each direction.

use std::io;

use posthouse_model::Secret;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Longest request, in octets. The longest is an alias with a thousand targets.
pub const MAX_REQUEST_BYTES: u64 = 1 << 20;
/// Longest response, in octets. The longest is the list of all accounts.
pub const MAX_RESPONSE_BYTES: u64 = 64 << 20;

/// Reads one line; `None` at the end.
///
/// # Errors
/// When the line is longer than `limit`, is not what is expected, or the socket fails.
pub async fn read<T: DeserializeOwned>(from: &mut (impl AsyncBufRead + Unpin), limit: u64) -> io::Result<Option<T>> {
    let mut line = Vec::new();
    from.take(limit).read_until(b'\n', &mut line).await?;
    if line.is_empty() {
        return Ok(None);
    }
    if line.last() != Some(&b'\n') {
        let what = if line.len() as u64 == limit { "is too long" } else { "breaks off" };
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("a line on the control socket {what}")));
    }
    // It may hold a password, so it is wiped.
    let line = Secret::new(line);
    serde_json::from_slice(line.expose()).map(Some).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// Writes one line.
///
/// # Errors
/// When the line would be longer than `limit`, or the socket fails.
pub async fn write(to: &mut (impl AsyncWrite + Unpin), message: &impl Serialize, limit: u64) -> io::Result<()> {
    let mut line = serde_json::to_vec(message).map_err(io::Error::other)?;
    line.push(b'\n');
    let line = Secret::new(line);
    if line.len() as u64 > limit {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the answer is too long for the control socket"));
    }
    to.write_all(line.expose()).await?;
    to.flush().await
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn check(bytes: &[u8], expected: Result<Option<u32>, &str>) {
        let mut input = bytes;
        let outcome = read::<u32>(&mut input, 8).await.map_err(|error| error.to_string());
        match (outcome, expected) {
            (Err(error), Err(words)) => assert!(error.contains(words), "{error}"),
            (outcome, expected) => assert_eq!(outcome, expected.map_err(str::to_owned)),
        }
    }

    #[tokio::test]
    async fn lines_are_read_within_limits() {
        check(b"", Ok(None)).await;
        check(b"17\n18\n", Ok(Some(17))).await;
        check(b"1234567\n", Ok(Some(1_234_567))).await;
        check(b"12345678\n", Err("too long")).await;
        check(b"1234567890", Err("too long")).await;
        check(b"17", Err("breaks off")).await;
        check(b"x\n", Err("expected value")).await;
    }

    #[tokio::test]
    async fn lines_are_written_within_limits() {
        let mut written = Vec::new();
        write(&mut written, &17, 3).await.unwrap();
        assert_eq!(written, b"17\n");
        assert!(write(&mut written, &1700, 3).await.is_err());
    }
}

//! Reading a PROXY header off a socket, and not one byte more.

use std::io;

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use super::{ProxyError, ProxyHeader, V1_MAX_BYTES, V2_FIXED_BYTES, V2_SIGNATURE, parse, v2_rest_bytes};

/// Reads the header with which a trusted proxy begins. The caller bounds the time.
///
/// # Errors
/// When the socket fails, or what comes is no header (kind `InvalidData`).
pub(crate) async fn read_header(socket: &mut TcpStream) -> io::Result<ProxyHeader> {
    // Shorter than any header of either version.
    let mut header = vec![0; V2_SIGNATURE.len()];
    socket.read_exact(&mut header).await?;
    if header == V2_SIGNATURE {
        read_v2_rest(socket, &mut header).await?;
    } else {
        read_v1_rest(socket, &mut header).await?;
    }
    parse(&header).map_err(invalid)
}

async fn read_v2_rest(socket: &mut TcpStream, header: &mut Vec<u8>) -> io::Result<()> {
    header.resize(V2_FIXED_BYTES, 0);
    socket.read_exact(&mut header[V2_SIGNATURE.len()..]).await?;
    let fixed = header.first_chunk::<V2_FIXED_BYTES>().ok_or_else(|| invalid(ProxyError::Truncated))?;
    let rest = v2_rest_bytes(fixed).map_err(invalid)?;
    header.resize(V2_FIXED_BYTES + rest, 0);
    socket.read_exact(&mut header[V2_FIXED_BYTES..]).await?;
    Ok(())
}

/// What is in the socket is looked at first and then read up to the line end, since what follows is the client's.
async fn read_v1_rest(socket: &mut TcpStream, header: &mut Vec<u8>) -> io::Result<()> {
    if !header.starts_with(super::V1_PREFIX) {
        return Err(invalid(ProxyError::NoHeader));
    }
    while !header.ends_with(b"\n") {
        let mut ahead = [0; V1_MAX_BYTES];
        let room = V1_MAX_BYTES - header.len();
        if room == 0 {
            return Err(invalid(ProxyError::TooLong(V1_MAX_BYTES)));
        }
        let seen = socket.peek(&mut ahead[..room]).await?;
        if seen == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let line_end = ahead[..seen].iter().position(|&byte| byte == b'\n');
        let begin = header.len();
        header.resize(begin + line_end.map_or(seen, |at| at + 1), 0);
        socket.read_exact(&mut header[begin..]).await?;
    }
    Ok(())
}

fn invalid(error: ProxyError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

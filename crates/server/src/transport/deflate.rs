//! Compressing what is sent (RFC 1951).
//!
//! No connection has a compressor of its own: it would hold some 300 KB for as long as the connection lasts. Each thread
//! has one, with which it compresses what is written at once, as blocks that refer to nothing before them and end at a
//! whole octet. To the peer that is one stream.

use std::cell::RefCell;

use miniz_oxide::DataFormat;
use miniz_oxide::deflate::core::{CompressionStrategy, CompressorOxide, TDEFLFlush, compress_to_output};

/// How hard the compressor tries, from 1 to 10. Mail is read far more often over links that are fast enough than over
/// such that are not, so CPU counts.
const LEVEL: u8 = 4;
/// The window is as large as it may be: the compressor is a thread's and not a connection's, so it costs nothing more.
const WINDOW_BITS: u8 = 15;

thread_local! {
    static COMPRESSOR: RefCell<Option<Box<CompressorOxide>>> = const { RefCell::new(None) };
}

/// Appends `octets` to `out`, compressed and flushed, so that the peer can read all of them (`Z_SYNC_FLUSH`).
pub(super) fn compress(octets: &[u8], out: &mut Vec<u8>) {
    if octets.is_empty() {
        return;
    }
    COMPRESSOR.with_borrow_mut(|compressor| {
        let compressor = compressor.get_or_insert_with(|| {
            let strategy = CompressionStrategy::Default;
            Box::new(CompressorOxide::with_params(DataFormat::Raw, LEVEL, strategy, WINDOW_BITS))
        });
        compress_to_output(compressor, octets, TDEFLFlush::Sync, |piece| {
            out.extend_from_slice(piece);
            true
        });
        // What one connection sends must not shine through in the size of what another one is sent.
        compressor.reset();
    });
}

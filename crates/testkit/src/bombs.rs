//! Packed bytes that unpack to much, or to nothing.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};

/// In gzip.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

/// In zlib, which `deflate` means in HTTP.
pub fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

/// In brotli, with the window that asks most of who unpacks it.
pub fn brotli(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = brotli::CompressorWriter::new(Vec::new(), 4096, 5, 24);
    encoder.write_all(bytes).expect("memory takes it");
    encoder.into_inner()
}

/// The ten bytes that gzip begins with (RFC 1952).
pub const fn gzip_head() -> [u8; 10] {
    [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF]
}

/// A stored block of no bytes (RFC 1951, 3.2.4): more may follow.
pub const NOTHING: [u8; 5] = [0, 0, 0, 0xFF, 0xFF];

/// Text that shrinks about sixteenfold: every line is there sixteen times.
pub fn page(length: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let line = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    });
    let line: Vec<u8> = line.take(length / 16).collect();
    line.chunks(256)
        .flat_map(|chunk| chunk.repeat(16))
        .take(length)
        .collect()
}

//! Frames of HTTP/2 (RFC 9113), written by hand so that they can be wrong.

/// One frame.
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("short").to_be_bytes();
    let mut out = length[1..].to_vec();
    out.extend([kind, flags]);
    out.extend(stream.to_be_bytes());
    out.extend_from_slice(payload);
    out
}

/// The settings that a server opens with.
pub fn settings() -> Vec<u8> {
    frame(4, 0, 0, &[])
}

/// A ping.
pub fn ping() -> Vec<u8> {
    frame(6, 0, 0, &[7; 8])
}

/// An answer's header block of 16 kB that stands for 48 MB: one header of 4,000 bytes that is put
/// into the table, and thousands of references to it (RFC 7541, 6.1).
pub fn unpacking_headers(stream: u32) -> Vec<u8> {
    let mut block = vec![0x88, 0x40, 1, b'x', 0x7F, 0xA1, 0x1E];
    block.extend([b'y'; 4_000]);
    block.extend([0xBE; 12_000]);
    frame(1, 4, stream, &block)
}

/// Ends one stream with an error.
pub fn rst_stream(stream: u32, code: u32) -> Vec<u8> {
    frame(3, 0, stream, &code.to_be_bytes())
}

/// Ends the connection with an error; no stream was worked on.
pub fn goaway(code: u32) -> Vec<u8> {
    frame(7, 0, 0, &[0_u32.to_be_bytes(), code.to_be_bytes()].concat())
}

/// An answer's header block: status 200 from the static table, and nothing else.
pub fn ok_headers(stream: u32) -> Vec<u8> {
    frame(1, 4, stream, &[0x88])
}

/// Headers after the body, which end the stream: literals without indexing.
pub fn trailers(stream: u32, headers: &[(&str, &str)]) -> Vec<u8> {
    frame(1, 5, stream, &literals(headers))
}

/// A header block with status 200 that ends the stream.
pub fn only_headers(stream: u32, headers: &[(&str, &str)]) -> Vec<u8> {
    frame(1, 5, stream, &[&[0x88][..], &literals(headers)].concat())
}

fn literals(headers: &[(&str, &str)]) -> Vec<u8> {
    let text = |text: &str| {
        let length = u8::try_from(text.len()).expect("short");
        [&[length][..], text.as_bytes()].concat()
    };
    let literal = |(name, value): &(&str, &str)| [&[0][..], &text(name), &text(value)].concat();
    headers.iter().flat_map(literal).collect()
}

/// Body bytes; `last` ends the stream.
pub fn data(stream: u32, bytes: &[u8], last: bool) -> Vec<u8> {
    frame(0, u8::from(last), stream, bytes)
}

/// An answer's header block of about `length` bytes: status 200 and headers of 10,000 bytes each.
pub fn big_headers(stream: u32, length: usize) -> Vec<u8> {
    let mut block = vec![0x88];
    for _ in 0..length.div_ceil(10_000) {
        // A literal without indexing: the name "x", then 10,000 as a number of RFC 7541, 5.1.
        block.extend([0x00, 1, b'x', 0x7F, 0x91, 0x4D]);
        block.extend([b'y'; 10_000]);
    }
    let pieces: Vec<&[u8]> = block.chunks(16_384).collect();
    let last = pieces.len() - 1;
    let frames = pieces.iter().enumerate().map(|(n, piece)| {
        let kind = if n == 0 { 1 } else { 9 };
        frame(kind, if n == last { 4 } else { 0 }, stream, piece)
    });
    frames.collect::<Vec<_>>().concat()
}

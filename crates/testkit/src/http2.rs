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

/// Body bytes; `last` ends the stream.
pub fn data(stream: u32, bytes: &[u8], last: bool) -> Vec<u8> {
    frame(0, u8::from(last), stream, bytes)
}

//! What a job sends along: its log, of which the beginning is kept.

use std::io::{Read, Write};
use std::time::Duration;

use axum::body::Body;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use futures::StreamExt;
use tokio::time::{Instant, timeout_at};

/// Bytes that are kept.
pub const KEPT: usize = 100_000;
/// Bytes that are read and dropped beyond, so that the job hears an answer.
const READ: usize = 10_000_000;
/// How long a body may take. The call counts with what has come.
const PATIENCE: Duration = Duration::from_secs(20);

/// What was sent.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Sent {
    /// How long it was, as far as it was read.
    pub bytes: u32,
    /// What is kept of it (gzip); nothing of an empty one.
    pub kept: Option<Vec<u8>>,
}

/// Reads a body for as long as is reasonable. It never fails: the call is what counts.
pub(super) async fn read(body: Body) -> Sent {
    let deadline = Instant::now() + PATIENCE;
    let mut stream = body.into_data_stream();
    let (mut kept, mut bytes) = (Vec::new(), 0_usize);
    while bytes < READ {
        let Ok(Some(Ok(chunk))) = timeout_at(deadline, stream.next()).await else {
            break;
        };
        bytes += chunk.len();
        let room = KEPT - kept.len();
        kept.extend_from_slice(&chunk[..chunk.len().min(room)]);
    }
    Sent {
        bytes: u32::try_from(bytes).unwrap_or(u32::MAX),
        kept: packed(&kept),
    }
}

fn packed(bytes: &[u8]) -> Option<Vec<u8>> {
    if bytes.is_empty() {
        return None;
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).ok()?;
    encoder.finish().ok()
}

/// What was kept of a body.
pub fn unpacked(packed: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(KEPT).unwrap_or(u64::MAX);
    match GzDecoder::new(packed).take(limit).read_to_end(&mut bytes) {
        Ok(_) => bytes,
        Err(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_beginning_is_kept() {
        assert_eq!(read(Body::empty()).await, Sent::default());
        let short = read(Body::from("exit 1")).await;
        assert_eq!(
            (short.bytes, unpacked(&short.kept.unwrap()).as_slice()),
            (6, b"exit 1".as_slice())
        );
        let long = vec![b'x'; KEPT + 5];
        let sent = read(Body::from(long.clone())).await;
        assert_eq!(sent.bytes, 100_005);
        assert_eq!(unpacked(&sent.kept.unwrap()), long[..KEPT]);
    }

    #[tokio::test]
    async fn a_body_that_breaks_counts_as_far_as_it_came() {
        let chunks = [
            Ok(bytes::Bytes::from_static(b"half")),
            Err(std::io::Error::other("gone")),
        ];
        let sent = read(Body::from_stream(futures::stream::iter(chunks))).await;
        assert_eq!(
            (sent.bytes, unpacked(&sent.kept.unwrap()).as_slice()),
            (4, b"half".as_slice())
        );
    }
}

//! A second hello, in the words of 2008, to servers that did not understand the first.
//!
//! Our TLS library speaks 1.2 and 1.3 with modern ciphers alone. Before a server is called broken,
//! this asks what it does speak, and reads no further than its ServerHello.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What old clients offered, strong ones first.
const CIPHERS: [u16; 26] = [
    0xC02F, 0xC030, 0xC02B, 0xC02C, 0xC027, 0xC028, 0xC013, 0xC014, 0xC009, 0xC00A, 0x009E, 0x009F,
    0x0067, 0x006B, 0x0033, 0x0039, 0x009C, 0x009D, 0x003C, 0x003D, 0x002F, 0x0035, 0xC012, 0x0016,
    0x000A, 0x0005,
];

/// The ciphers of TLS 1.2 that our library knows: what it would have agreed on.
const MODERN: [u16; 6] = [0xC02B, 0xC02C, 0xC02F, 0xC030, 0xCCA8, 0xCCA9];

/// How long the rest of a ServerHello may take whose version is known already.
const REST: Duration = Duration::from_millis(500);

/// What a server chose of the old hello.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Offered {
    /// Such as `TLS 1.0`.
    pub version: &'static str,
    cipher: Option<u16>,
}

impl Offered {
    /// It was offered modern ciphers too, and took none of them.
    pub(crate) fn is_outdated(self) -> bool {
        self.cipher.is_some_and(|cipher| !MODERN.contains(&cipher))
    }
}

/// What the server chose; `None` when it refused this hello too.
pub(crate) async fn offered(mut stream: TcpStream, name: Option<&str>) -> Option<Offered> {
    stream.write_all(&hello(name)).await.ok()?;
    let mut start = [0; 11];
    stream.read_exact(&mut start).await.ok()?;
    let [kind, _, _, _, _, message, _, _, _, major, minor] = start;
    if (kind, message, major) != (22, 2, 3) {
        return None;
    }
    let version = match minor {
        0 => "SSL 3.0",
        1 => "TLS 1.0",
        2 => "TLS 1.1",
        _ => "TLS 1.2",
    };
    let cipher = tokio::time::timeout(REST, cipher(&mut stream)).await;
    Some(Offered {
        version,
        cipher: cipher.ok().flatten(),
    })
}

/// Reads past the random number and the session id.
async fn cipher(stream: &mut TcpStream) -> Option<u16> {
    let mut skipped = [0; 32];
    stream.read_exact(&mut skipped).await.ok()?;
    let length = usize::from(stream.read_u8().await.ok()?);
    stream.read_exact(skipped.get_mut(..length)?).await.ok()?;
    stream.read_u16().await.ok()
}

fn sized<const WIDTH: usize>(content: &[u8]) -> Vec<u8> {
    let length = (content.len() as u64).to_be_bytes();
    let mut out = length.get(8 - WIDTH..).unwrap_or_default().to_vec();
    out.extend_from_slice(content);
    out
}

fn words(values: &[u16]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_be_bytes())
        .collect()
}

fn extension(id: u16, content: &[u8]) -> Vec<u8> {
    [id.to_be_bytes().to_vec(), sized::<2>(content)].concat()
}

fn hello(name: Option<&str>) -> Vec<u8> {
    let mut random = [0; 32];
    // A predictable random number does no harm: no secret ever follows it.
    let _ = aws_lc_rs::rand::fill(&mut random);
    let mut extensions = Vec::new();
    if let Some(name) = name {
        let entry = [vec![0], sized::<2>(name.as_bytes())].concat();
        extensions.extend(extension(0, &sized::<2>(&entry)));
    }
    extensions.extend(extension(
        10,
        &sized::<2>(&words(&[0x001D, 0x0017, 0x0018, 0x0019])),
    ));
    extensions.extend(extension(11, &[1, 0]));
    let signatures = [
        0x0403, 0x0503, 0x0603, 0x0401, 0x0501, 0x0601, 0x0203, 0x0201,
    ];
    extensions.extend(extension(13, &sized::<2>(&words(&signatures))));
    extensions.extend(extension(0xFF01, &[0]));
    let body = [
        vec![3, 3],
        random.to_vec(),
        vec![0],
        sized::<2>(&words(&CIPHERS)),
        vec![1, 0],
        sized::<2>(&extensions),
    ]
    .concat();
    let message = [vec![1], sized::<3>(&body)].concat();
    [vec![22, 3, 1], sized::<2>(&message)].concat()
}

//! Whether what DNS answered in one look serves the next.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::Timestamp;
use probe::{Names, Prober};
use rstest::rstest;
use serde_json::json;
use testkit::way_out::way_out;
use tokio::net::UdpSocket;

use crate::SHORT;

/// A server that points every name to 127.0.0.1 for a minute, and counts its questions.
async fn lasting() -> (SocketAddr, Arc<AtomicUsize>) {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = socket.local_addr().unwrap();
    let count = Arc::new(AtomicUsize::new(0));
    let counted = count.clone();
    tokio::spawn(async move {
        let mut buffer = [0; 1500];
        while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
            counted.fetch_add(1, Ordering::SeqCst);
            let answer = answer(&buffer[..length]);
            socket.send_to(&answer, from).await.unwrap();
        }
    });
    (address, count)
}

fn answer(query: &[u8]) -> Vec<u8> {
    let name = query[12..].iter().position(|byte| *byte == 0).unwrap();
    let question = &query[12..12 + name + 5];
    let is_a = question.ends_with(&[0, 1, 0, 1]);
    let mut out = [
        &query[..2],
        &[0x81, 0x80, 0, 1, 0, u8::from(is_a), 0, 0, 0, 0],
    ]
    .concat();
    out.extend_from_slice(question);
    if is_a {
        out.extend([0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1]);
    }
    out
}

#[rstest]
#[case(Names::Remembered, [2, 2, 2])]
#[case(Names::Asked, [2, 4, 6])]
#[case(Names::AskedAgain, [2, 4, 6])]
#[tokio::test]
async fn an_answer_of_dns_is_remembered_unless_nobody_wants_that(
    #[case] names: Names,
    #[case] queries: [usize; 3],
    #[values("http", "tcp", "tls", "smtp", "websocket", "grpc", "udp", "ping")] kind: &str,
) {
    let (dns, count) = lasting().await;
    let prober = Prober::new(way_out(Some(dns), None)).unwrap();
    let target = crate::of(match kind {
        "http" => json!({"url": "http://shop.example:1/"}),
        "websocket" => json!({"kind": kind, "url": "ws://shop.example:1/"}),
        "ping" => json!({"kind": kind, "host": "shop.example", "ping": {"count": 1}}),
        "udp" => json!({"kind": kind, "host": "shop.example", "port": 1, "udp": {"send": "a"}}),
        _ => json!({"kind": kind, "host": "shop.example", "port": 1}),
    });
    let mut asked = [0; 3];
    for so_far in &mut asked {
        // Nobody listens there; what counts is who was asked for the way.
        prober
            .look(&target, SHORT * 3, names, Timestamp::UNIX_EPOCH)
            .await;
        *so_far = count.load(Ordering::SeqCst);
    }
    assert_eq!(asked, queries);
}

//! Dialing: what each way of not connecting is called.

use std::net::SocketAddr;

use domain::check::FailureClass;
use domain::target::AddressPolicy::SelfHosted;
use egress::{CheckedAddr, ConnectError, Egress};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket};

use crate::{egress, host, within};

/// No name server is needed for literals.
async fn judged(text: &str, port: u16) -> (Egress, CheckedAddr) {
    let egress = egress(SelfHosted, &[SocketAddr::from(([127, 0, 0, 1], 9))]);
    let found = egress
        .resolve(&host(text), port, false, within(500))
        .await
        .unwrap();
    (egress, found.addresses[0])
}

#[tokio::test]
async fn a_listener_is_reached() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"hello").await.unwrap();
    });
    let (egress, addr) = judged("127.0.0.1", port).await;
    let mut stream = egress.connect(addr, within(2_000)).await.unwrap();
    let mut told = String::new();
    stream.read_to_string(&mut told).await.unwrap();
    assert_eq!(told, "hello");
}

#[tokio::test]
async fn a_closed_port_refuses() {
    let (egress, addr) = judged("127.0.0.1", testkit::free_port()).await;
    let error = egress.connect(addr, within(2_000)).await.unwrap_err();
    assert_eq!(
        (error.class(), error.ours()),
        (FailureClass::ConnectRefused, false)
    );
}

#[tokio::test]
async fn a_full_backlog_times_out() {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let listener = socket.listen(1).unwrap();
    let (egress, addr) = judged("127.0.0.1", listener.local_addr().unwrap().port()).await;
    let mut waiting = Vec::new();
    let error = loop {
        match egress.connect(addr, within(300)).await {
            Ok(stream) => waiting.push(stream),
            Err(error) => break error,
        }
        assert!(waiting.len() < 16, "the backlog never fills");
    };
    assert!(matches!(error, ConnectError::Timeout), "{error:?}");
    assert_eq!(
        (error.class(), error.ours()),
        (FailureClass::ConnectTimeout, false)
    );
}

#[tokio::test]
async fn no_route_from_here_is_ours() {
    let (egress, addr) = judged("255.255.255.255", 80).await;
    let error = egress.connect(addr, within(2_000)).await.unwrap_err();
    assert_eq!(
        (error.class(), error.ours()),
        (FailureClass::NetworkUnreachable, true),
        "{error:?}"
    );
}

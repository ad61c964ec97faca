//! Hops: how many, where to, and what travels along.

use std::sync::Arc;

use domain::check::{FailureClass as C, Phase};
use rstest::rstest;
use testkit::{Script, Server};

use crate::{failure, http, look, plain};

#[rstest]
#[case(0, C::RedirectTooMany)]
#[case(3, C::RedirectTooMany)]
#[tokio::test]
async fn too_many_redirects(#[case] most: u32, #[case] class: C) {
    let server =
        Server::each(|n| Script::page("302 Found", &format!("location: /{n}\r\n"), "")).await;
    let target = http(server.url("http", "/"), |http| {
        http.max_redirects = Some(most)
    });
    let seen = look(&target).await;
    assert_eq!(failure(&seen), Some((class, Phase::FirstByte)));
    assert_eq!(
        seen.failure.and_then(|failure| failure.detail),
        Some(most.to_string())
    );
    assert_eq!(seen.redirects.len() as u32, most + 1);
}

#[tokio::test]
async fn redirects_lead_to_the_page() {
    let page = Server::plain(Script::page("200 OK", "", "hello")).await;
    let to = format!("location: {}\r\n", page.url("http", "/there"));
    let server = Server::plain(Script::page("301 Moved", &to, "")).await;
    let seen = look(&plain(server.url("http", "/"))).await;
    assert_eq!(seen.failure, None);
    assert_eq!(seen.http.map(|http| http.status), Some(200));
    assert_eq!(seen.redirects[0].to, page.url("http", "/there"));
    assert_eq!(seen.address, Some(page.address()));

    let stays = http(server.url("http", "/"), |http| {
        http.follow_redirects = Some(false)
    });
    assert_eq!(look(&stays).await.http.map(|http| http.status), Some(301));
}

/// A page that sets a cookie and comes back is no circle.
#[tokio::test]
async fn a_cookie_breaks_the_circle() {
    let server = Server::each(|n| match n {
        0 => Script::page("302 Found", "set-cookie: seen=1\r\nlocation: /\r\n", ""),
        _ => Script::page("200 OK", "", "hello"),
    })
    .await;
    let seen = look(&plain(server.url("http", "/"))).await;
    assert_eq!(seen.failure, None);
    assert_eq!(seen.redirects.len(), 1);
}

/// The owner's secrets stay with the owner's server.
#[tokio::test]
async fn secrets_do_not_cross_origins() {
    let seen_there = Arc::new(std::sync::Mutex::new(String::new()));
    let there = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = format!("location: http://{}/\r\n", there.local_addr().unwrap());
    let here = Server::plain(Script::page("307 Temporary Redirect", &to, "")).await;
    let heard = seen_there.clone();
    let listening = tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let (mut stream, _) = there.accept().await.unwrap();
        let mut bytes = vec![0; 4096];
        let count = stream.read(&mut bytes).await.unwrap();
        *heard.lock().unwrap() = String::from_utf8_lossy(&bytes[..count]).to_lowercase();
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
            .await
            .unwrap();
    });
    let url = here
        .url("http", "/")
        .replace("http://", "http://user:secret@");
    let target = http(url, |http| {
        http.method = Some("POST".to_owned());
        http.body = Some("token=secret".to_owned());
        http.headers = Some(domain::monitor::spec::Headers(vec![(
            "x-api-key".to_owned(),
            "secret".to_owned(),
        )]));
    });
    let seen = look(&target).await;
    listening.await.unwrap();
    assert_eq!(seen.failure, None);
    let heard = seen_there.lock().unwrap().clone();
    assert!(heard.starts_with("post / http/1.1"), "{heard}");
    assert!(
        !heard.contains("secret") && !heard.contains("authorization"),
        "{heard}"
    );
}

//! Looks past what stands in front: the URL's own Host and server name, at the origin's address.

use std::sync::{Arc, Mutex};

use domain::check::{FailureClass as C, Observation, Phase};
use domain::target::AddressPolicy;
use jiff::Timestamp;
use probe::Prober;
use rstest::rstest;
use testkit::dns::FakeDns;
use testkit::way_out::{way_out, with_policy};
use testkit::{Ca, Flaw, Script, Server};

use crate::{PATIENT, failure, http, plain, prober};

async fn behind(prober: &Prober, target: &domain::monitor::Target, origin: &str) -> Observation {
    let at = Timestamp::UNIX_EPOCH;
    prober.look_behind(target, origin, PATIENT, at).await
}

#[tokio::test]
async fn the_origin_hears_the_host_of_the_url() {
    let heard = Arc::new(Mutex::new(String::new()));
    let origin = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = origin.local_addr().unwrap();
    let hears = heard.clone();
    let listening = tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let (mut stream, _) = origin.accept().await.unwrap();
        let mut bytes = vec![0; 4096];
        let count = stream.read(&mut bytes).await.unwrap();
        *hears.lock().unwrap() = String::from_utf8_lossy(&bytes[..count]).to_lowercase();
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
        stream.write_all(answer).await.unwrap();
    });
    // Nobody resolves the name of the URL.
    let target = plain("http://shop.example/checkout?a=1".to_owned());
    let seen = behind(&prober(None), &target, &address.to_string()).await;
    listening.await.unwrap();
    assert_eq!(failure(&seen), None, "{seen:?}");
    assert_eq!(seen.address, Some(address));
    let heard = heard.lock().unwrap().clone();
    assert!(
        heard.starts_with("get /checkout?a=1 http/1.1\r\n"),
        "{heard}"
    );
    assert!(heard.contains("\r\nhost: shop.example\r\n"), "{heard}");
}

#[tokio::test]
async fn a_name_leads_to_the_origin_and_tls_asks_for_the_urls_own() {
    let ca = Ca::default();
    let page = Script::page("200 OK", "", "hello");
    let server = Server::tls(ca.server(Flaw::None), page).await;
    let dns = FakeDns::start().await;
    dns.set_loopback("origin.shop.example");
    let prober = Prober::new(way_out(Some(dns.address()), Some(&ca))).unwrap();
    let origin = format!("origin.shop.example:{}", server.port());
    // Its certificate is for localhost: judged by the URL's name it is good, by the origin's it would not be.
    let seen = behind(&prober, &plain("https://localhost/".to_owned()), &origin).await;
    assert_eq!(failure(&seen), None, "{seen:?}");
    assert_eq!(seen.tls.unwrap().problem, None);

    let unjudged = http("https://elsewhere.example/".to_owned(), |http| {
        http.verify_tls = Some(false);
    });
    let seen = behind(&prober, &unjudged, &origin).await;
    assert_eq!(failure(&seen), None, "{seen:?}");
    assert_eq!(seen.tls.unwrap().problem, Some(C::TlsHostnameMismatch));
}

/// A hop to the same host stays at the origin, one elsewhere goes where its name leads.
#[tokio::test]
async fn hops_of_the_same_host_stay_behind() {
    let elsewhere = Server::plain(Script::page("200 OK", "", "elsewhere")).await;
    let to = format!("location: {}\r\n", elsewhere.url("http", "/"));
    let origin = Server::each(move |n| match n {
        0 => Script::page("302 Found", "location: /there\r\n", ""),
        _ => Script::page("302 Found", &to, ""),
    })
    .await;
    let target = plain("http://shop.example/".to_owned());
    let at = format!("127.0.0.1:{}", origin.port());
    let seen = behind(&prober(None), &target, &at).await;
    assert_eq!(failure(&seen), None, "{seen:?}");
    assert_eq!((origin.connections(), elsewhere.connections()), (2, 1));
}

/// What points inside is refused before anything is dialed, also where only its name leads there.
#[rstest]
#[case("127.0.0.1")]
#[case("10.0.0.1:8080")]
#[case("[::1]:80")]
#[case("localhost")]
#[case("inside.shop.example")]
#[case("8.8.8.8:6379")]
#[case("user@8.8.8.8")]
#[tokio::test]
async fn origins_are_judged_like_any_address(#[case] origin: &str) {
    let dns = FakeDns::start().await;
    dns.set_loopback("inside.shop.example");
    let hosted = with_policy(AddressPolicy::Hosted, Some(dns.address()), None);
    let hosted = Prober::new(hosted).unwrap();
    let target = plain("https://shop.example/".to_owned());
    let seen = behind(&hosted, &target, origin).await;
    assert_eq!(
        failure(&seen),
        Some((C::TargetRefused, Phase::Dns)),
        "{seen:?}"
    );
    assert!(seen.tried.is_empty(), "{seen:?}");
}

//! Calls of the notifier: what is sent, what is refused, what is ambiguous.

use std::net::SocketAddr;

use domain::target::AddressPolicy::{self, Hosted, SelfHosted};
use egress::http::{ProviderClient, Request, SendError, UserClient};
use egress::{Egress, ResolveErrorKind, Trusted};
use rstest::rstest;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::dns_server::{DnsServer, Say};
use crate::tls_server::authority;
use crate::{egress, with_roots, within};

/// Answers every request with `answer`, and hands the requests out.
async fn web(answer: &'static str) -> (SocketAddr, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, told) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, answer.to_owned(), tell.clone()));
        }
    });
    (address, told)
}

async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    answer: String,
    tell: mpsc::UnboundedSender<String>,
) {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let Ok(length @ 1..) = stream.read(&mut buffer).await else {
            return;
        };
        request.extend_from_slice(&buffer[..length]);
        let text = String::from_utf8_lossy(&request);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| {
                    line.to_ascii_lowercase()
                        .strip_prefix("content-length: ")?
                        .parse()
                        .ok()
                })
                .unwrap_or(0_usize);
            if body.len() >= length {
                break;
            }
        }
    }
    tell.send(String::from_utf8(request).unwrap()).unwrap();
    if !answer.is_empty() {
        let _ = stream.write_all(answer.as_bytes()).await;
    }
    let _ = stream.shutdown().await;
}

const OK: &str = "HTTP/1.1 201 Created\r\ncontent-length: 2\r\nretry-after: 7\r\n\r\n{}";

fn provider(egress: &Egress, base: &str) -> ProviderClient {
    let base = Trusted::from_operator_configuration(base.parse().unwrap());
    ProviderClient::new(egress, &base).unwrap()
}

fn literal(policy: AddressPolicy) -> Egress {
    egress(policy, &[SocketAddr::from(([127, 0, 0, 1], 9))])
}

#[tokio::test]
async fn a_provider_gets_its_form_under_either_policy() {
    for policy in [Hosted, SelfHosted] {
        let (address, mut requests) = web(OK).await;
        let client = provider(&literal(policy), &format!("http://{address}/base"));
        let request = Request::post_form(&[("To", "+49 30 1"), ("Body", "a&b")])
            .basic_auth("AC1", "s:cret")
            .unwrap();
        let answer = client
            .send("/Messages.json?x=1", request, within(2_000))
            .await
            .unwrap();
        assert_eq!((answer.status, answer.text().as_str()), (201, "{}"));
        assert!(answer.is_success());
        assert_eq!(answer.retry_after().unwrap().as_secs(), 7);
        let sent = requests.recv().await.unwrap();
        assert!(
            sent.starts_with("POST /base/Messages.json?x=1 HTTP/1.1\r\n"),
            "{sent}"
        );
        assert!(
            sent.contains("authorization: Basic QUMxOnM6Y3JldA==\r\n"),
            "{sent}"
        );
        assert!(
            sent.contains("user-agent: Watchbell/1 (+http://localhost/bot)\r\n"),
            "{sent}"
        );
        assert!(sent.ends_with("\r\n\r\nTo=%2B49+30+1&Body=a%26b"), "{sent}");
    }
}

#[tokio::test]
async fn a_provider_path_cannot_leave_its_origin() {
    let client = provider(&literal(SelfHosted), "http://127.0.0.1:9/base/");
    for path in ["//other.example/x", "/../../x", "http://other.example/"] {
        match client.send(path, Request::get(), within(300)).await {
            Err(SendError::Connect(_) | SendError::Refused(_)) => {}
            other => panic!("{path}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_webhook_gets_exactly_the_bytes() {
    let (address, mut requests) = web(OK).await;
    let client = UserClient::new(&literal(SelfHosted)).unwrap();
    let request = Request::post_json(r#"{ "a":1}"#)
        .header("webhook-id", "evt_1")
        .unwrap();
    let url = format!("http://user:pw@{address}/hook?k=v");
    assert_eq!(
        client
            .send(&url, request, within(2_000))
            .await
            .unwrap()
            .status,
        201
    );
    let sent = requests.recv().await.unwrap();
    assert!(sent.starts_with("POST /hook?k=v HTTP/1.1\r\n"), "{sent}");
    assert!(
        sent.contains("webhook-id: evt_1\r\n")
            && sent.contains("content-type: application/json\r\n")
    );
    assert!(
        sent.contains("authorization: Basic dXNlcjpwdw==\r\n"),
        "{sent}"
    );
    assert!(sent.ends_with("\r\n\r\n{ \"a\":1}"), "{sent}");
}

/// The test above once more in a process whose environment names a proxy that does not exist.
#[test]
fn proxy_variables_are_ignored() {
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "http::a_webhook_gets_exactly_the_bytes"]);
    for name in [
        "HTTP_PROXY",
        "http_proxy",
        "ALL_PROXY",
        "all_proxy",
        "HTTPS_PROXY",
    ] {
        child.env(name, "http://127.0.0.1:9");
    }
    let told = child.output().unwrap();
    let shown = String::from_utf8_lossy(&told.stdout);
    assert!(
        told.status.success() && shown.contains("1 passed"),
        "{shown}"
    );
}

#[rstest]
#[case("http://127.0.0.1:{port}/")]
#[case("http://[::1]:{port}/")]
#[case("http://localhost:{port}/")]
#[case("http://2130706433:{port}/")]
#[case("http://inside.example:{port}/")]
#[case("http://mixed.example:{port}/")]
#[tokio::test]
async fn hosted_never_calls_inside(#[case] url: &str) {
    let server = DnsServer::start(&[
        ("inside.example", Say::Addresses(&["127.0.0.1"], 60)),
        (
            "mixed.example",
            Say::Addresses(&["1.1.1.1", "127.0.0.1"], 60),
        ),
    ])
    .await;
    let (address, mut requests) = web(OK).await;
    let client = UserClient::new(&egress(Hosted, &[server.address])).unwrap();
    let url = url.replace("{port}", &address.port().to_string());
    let error = client
        .send(&url, Request::get(), within(2_000))
        .await
        .unwrap_err();
    match &error {
        SendError::Refused(_) => {}
        SendError::Resolve(error) => assert!(matches!(error.kind, ResolveErrorKind::Blocked(_))),
        other => panic!("{other:?}"),
    }
    assert!(!error.is_ambiguous());
    assert!(requests.try_recv().is_err());
}

#[tokio::test]
async fn redirects_are_answers() {
    let (address, mut requests) =
        web("HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n")
            .await;
    let client = UserClient::new(&literal(SelfHosted)).unwrap();
    let answer = client
        .send(&format!("http://{address}/"), Request::get(), within(2_000))
        .await;
    assert_eq!(answer.unwrap().status, 302);
    assert!(requests.recv().await.is_some());
    assert!(requests.try_recv().is_err());
}

#[rstest]
#[case("")]
#[case("HTTP/1.1 2")]
#[tokio::test]
async fn a_missing_answer_is_ambiguous(#[case] answer: &'static str) {
    let (address, _requests) = web(answer).await;
    let client = UserClient::new(&literal(SelfHosted)).unwrap();
    let url = format!("http://{address}/secret-token");
    let error = client
        .send(&url, Request::post_json("{}"), within(2_000))
        .await
        .unwrap_err();
    assert!(error.is_ambiguous(), "{error:?}");
    assert!(!error.to_string().contains("secret-token"));
}

#[tokio::test]
async fn silence_is_ambiguous_and_ends_at_the_deadline() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let client = UserClient::new(&literal(SelfHosted)).unwrap();
    let deadline = within(300);
    let error = client
        .send(&format!("http://{address}/"), Request::get(), deadline)
        .await;
    assert!(error.unwrap_err().is_ambiguous());
    assert!(tokio::time::Instant::now() < deadline + std::time::Duration::from_millis(200));
}

#[tokio::test]
async fn a_closed_port_is_not_ambiguous() {
    let address = testkit::refused();
    let client = UserClient::new(&literal(SelfHosted)).unwrap();
    let error = client
        .send(&format!("http://{address}/"), Request::get(), within(2_000))
        .await;
    assert!(matches!(error, Err(SendError::Connect(_))), "{error:?}");
}

#[tokio::test]
async fn a_long_answer_is_cut() {
    let body = "x".repeat(300_000);
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let (address, _requests) = web(Box::leak(answer.into_boxed_str())).await;
    let client = UserClient::new(&literal(SelfHosted)).unwrap();
    let answer = client
        .send(&format!("http://{address}/"), Request::get(), within(5_000))
        .await;
    assert_eq!(answer.unwrap().body.len(), 64 * 1024);
}

#[tokio::test]
async fn certificates_are_verified_against_the_operators_roots() {
    let (roots, acceptor) = authority("hook.example");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tell, mut told) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, tell) = (acceptor.clone(), tell.clone());
            tokio::spawn(async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    serve(stream, OK.to_owned(), tell).await;
                }
            });
        }
    });
    let server = DnsServer::start(&[
        ("hook.example", Say::Addresses(&["127.0.0.1"], 60)),
        ("other.example", Say::Addresses(&["127.0.0.1"], 60)),
    ])
    .await;
    let call = async |roots, name: &str| {
        let client = UserClient::new(&with_roots(SelfHosted, &[server.address], roots)).unwrap();
        client
            .send(
                &format!("https://{name}:{port}/"),
                Request::get(),
                within(3_000),
            )
            .await
    };
    assert_eq!(
        call(Some(roots.clone()), "hook.example")
            .await
            .unwrap()
            .status,
        201
    );
    assert!(told.recv().await.is_some());
    for refused in [
        call(None, "hook.example").await,
        call(Some(roots), "other.example").await,
    ] {
        assert!(matches!(refused, Err(SendError::Connect(_))), "{refused:?}");
    }
    assert!(
        told.try_recv().is_err(),
        "nothing may be sent before the certificate is verified"
    );
}

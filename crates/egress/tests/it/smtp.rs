//! Sessions with a mail relay: encryption as configured, login, each way of not getting rid of a mail.

use std::net::SocketAddr;

use domain::target::AddressPolicy::Hosted;
use egress::smtp::{self, SmtpError, SmtpRelay};
use egress::{Egress, Trusted};
use lettre::address::Envelope;
use rstest::rstest;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;

use crate::dns_server::{DnsServer, Say};
use crate::tls_server::authority;
use crate::{egress, with_roots, within};

/// What a relay does.
#[derive(Clone, Default)]
struct Relay {
    implicit: Option<TlsAcceptor>,
    starttls: Option<TlsAcceptor>,
    rcpt: Option<&'static str>,
    end: Option<&'static str>,
    silent_after: Option<&'static str>,
}

impl Relay {
    async fn start(self) -> (SocketAddr, mpsc::UnboundedReceiver<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, told) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (relay, tell) = (self.clone(), tell.clone());
                tokio::spawn(async move {
                    match &relay.implicit {
                        Some(acceptor) => {
                            let Ok(stream) = acceptor.accept(stream).await else {
                                return;
                            };
                            relay.talk(BufReader::new(stream), &tell, true).await;
                        }
                        None => {
                            let plain = relay.talk(BufReader::new(stream), &tell, true).await;
                            let (Some(stream), Some(acceptor)) = (plain, &relay.starttls) else {
                                return;
                            };
                            let Ok(stream) = acceptor.accept(stream.into_inner()).await else {
                                return;
                            };
                            let _ = tell.send("(tls)".to_owned());
                            relay.talk(BufReader::new(stream), &tell, false).await;
                        }
                    }
                });
            }
        });
        (address, told)
    }

    /// Ends with the stream when STARTTLS was asked for.
    async fn talk<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        mut stream: BufReader<S>,
        tell: &mpsc::UnboundedSender<String>,
        greet: bool,
    ) -> Option<BufReader<S>> {
        if greet && self.silent_after != Some("connect") {
            stream.write_all(b"220 relay\r\n").await.ok()?;
        }
        let mut in_message = false;
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await.ok()? == 0 {
                return None;
            }
            let line = line.trim_end().to_owned();
            let _ = tell.send(line.clone());
            let verb = line.split([' ', ':']).next().unwrap().to_ascii_uppercase();
            let reply = match (in_message, verb.as_str()) {
                (true, ".") => {
                    in_message = false;
                    self.end.unwrap_or("250 2.0.0 queued as 42")
                }
                (true, _) => continue,
                (_, "EHLO") if self.starttls.is_some() && greet => "250-relay\r\n250 STARTTLS",
                (_, "EHLO") => "250-relay\r\n250 AUTH PLAIN LOGIN",
                (_, "STARTTLS") => {
                    stream.write_all(b"220 go\r\n").await.ok()?;
                    return Some(stream);
                }
                (_, "AUTH") => "235 welcome",
                (_, "RCPT") => self.rcpt.unwrap_or("250 ok"),
                (_, "DATA") => {
                    in_message = true;
                    "354 go on"
                }
                _ => "250 ok",
            };
            if self.silent_after == Some(verb.as_str()) {
                continue;
            }
            stream
                .write_all(format!("{reply}\r\n").as_bytes())
                .await
                .ok()?;
        }
    }
}

fn relay(url: &str) -> Trusted<SmtpRelay> {
    Trusted::from_operator_configuration(SmtpRelay::parse(url).unwrap())
}

fn envelope() -> Envelope {
    Envelope::new(
        Some("alerts@wb.example".parse().unwrap()),
        vec!["a@b.example".parse().unwrap()],
    )
    .unwrap()
}

async fn send(egress: &Egress, url: &str) -> Result<String, SmtpError> {
    let mut session = smtp::connect(egress, &relay(url), within(1_500)).await?;
    let reply = session
        .send(&envelope(), b"Subject: x\r\n\r\n.dot\r\n", within(700))
        .await?;
    session.quit().await;
    Ok(reply)
}

fn all(mut lines: mpsc::UnboundedReceiver<String>) -> Vec<String> {
    std::iter::from_fn(|| lines.try_recv().ok()).collect()
}

/// Hosted, because the operator's own relay is not bound by the policy.
fn without_dns() -> Egress {
    egress(Hosted, &[SocketAddr::from(([127, 0, 0, 1], 9))])
}

#[tokio::test]
async fn plain_inside_the_own_network() {
    let (address, lines) = Relay::default().start().await;
    let url = format!("smtp://user:p%40ss@{address}?tls=none");
    assert_eq!(
        send(&without_dns(), &url).await.unwrap(),
        "2.0.0 queued as 42"
    );
    let lines = all(lines);
    assert!(
        lines.contains(&"AUTH PLAIN AHVzZXIAcEBzcw==".to_owned()),
        "{lines:?}"
    );
    assert!(
        lines.contains(&"MAIL FROM:<alerts@wb.example>".to_owned()),
        "{lines:?}"
    );
    assert!(lines.contains(&"..dot".to_owned()), "{lines:?}");
    assert!(lines.contains(&"QUIT".to_owned()), "{lines:?}");
}

#[tokio::test]
async fn starttls_is_required_unless_switched_off() {
    let (address, lines) = Relay::default().start().await;
    let error = send(&without_dns(), &format!("smtp://u:p@{address}"))
        .await
        .unwrap_err();
    assert!(
        matches!(&error, SmtpError::Tls(why) if why.contains("?tls=none")),
        "{error:?}"
    );
    assert!(
        !all(lines)
            .iter()
            .any(|line| line.starts_with("AUTH") || line.starts_with("MAIL"))
    );
}

#[rstest]
#[case(true)]
#[case(false)]
#[tokio::test]
async fn encrypted_sessions(#[case] implicit: bool) {
    let (roots, acceptor) = authority("mail.example");
    let config = match implicit {
        true => Relay {
            implicit: Some(acceptor),
            ..Relay::default()
        },
        false => Relay {
            starttls: Some(acceptor),
            ..Relay::default()
        },
    };
    let (address, mut lines) = config.start().await;
    let server = DnsServer::start(&[
        ("mail.example", Say::Addresses(&["127.0.0.1"], 60)),
        ("wrong.example", Say::Addresses(&["127.0.0.1"], 60)),
    ])
    .await;
    let scheme = if implicit { "smtps" } else { "smtp" };
    let port = address.port();
    let url = format!("{scheme}://u:p@mail.example:{port}");

    let trusting = with_roots(Hosted, &[server.address], Some(roots));
    assert_eq!(send(&trusting, &url).await.unwrap(), "2.0.0 queued as 42");
    let mut seen = Vec::new();
    while let Ok(line) = lines.try_recv() {
        seen.push(line);
    }
    let login = seen
        .iter()
        .position(|line| line.starts_with("AUTH"))
        .unwrap();
    assert!(
        implicit || seen.iter().position(|line| line == "(tls)").unwrap() < login,
        "{seen:?}"
    );

    let untrusting = egress(Hosted, &[server.address]);
    let wrong_name = format!("{scheme}://u:p@wrong.example:{port}");
    for refused in [
        send(&untrusting, &url).await,
        send(&trusting, &wrong_name).await,
    ] {
        assert!(matches!(refused, Err(SmtpError::Tls(_))), "{refused:?}");
    }
    assert!(!all(lines).iter().any(|line| line.starts_with("AUTH")));
}

#[rstest]
#[case(Relay { rcpt: Some("550 5.1.1 no such user"), ..Relay::default() }, "permanent")]
#[case(Relay { rcpt: Some("451 4.7.1 greylisted"), ..Relay::default() }, "transient")]
#[case(Relay { end: Some("554 5.7.1 spam"), ..Relay::default() }, "permanent")]
#[case(Relay { end: Some("421 4.3.2 closing"), ..Relay::default() }, "transient")]
#[case(Relay { silent_after: Some("connect"), ..Relay::default() }, "timeout")]
#[case(Relay { silent_after: Some("EHLO"), ..Relay::default() }, "timeout")]
#[case(Relay { silent_after: Some("MAIL"), ..Relay::default() }, "timeout")]
#[case(Relay { silent_after: Some("RCPT"), ..Relay::default() }, "timeout")]
#[case(Relay { silent_after: Some("DATA"), ..Relay::default() }, "timeout")]
#[case(Relay { silent_after: Some("."), ..Relay::default() }, "ambiguous")]
#[tokio::test]
async fn failures(#[case] config: Relay, #[case] kind: &str) {
    let (address, _lines) = config.start().await;
    let error = send(&without_dns(), &format!("smtp://{address}?tls=none"))
        .await
        .unwrap_err();
    let found = match &error {
        SmtpError::Permanent(_) => "permanent",
        SmtpError::Transient(_) => "transient",
        SmtpError::Timeout => "timeout",
        SmtpError::Ambiguous => "ambiguous",
        _ => "other",
    };
    assert_eq!(found, kind, "{error:?}");
    assert_eq!(error.is_ambiguous(), kind == "ambiguous");
    assert_eq!(error.is_permanent(), kind == "permanent");
}

#[tokio::test]
async fn a_dead_relay_is_a_connect_error() {
    let address = testkit::refused();
    let error = send(&without_dns(), &format!("smtp://{address}?tls=none"))
        .await
        .unwrap_err();
    assert!(
        matches!(error, SmtpError::Connect(egress::ConnectError::Refused)),
        "{error:?}"
    );
}

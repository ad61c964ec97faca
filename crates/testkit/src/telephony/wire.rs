//! One request a connection, read and answered by hand, so that it can be broken anywhere.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{ACCOUNT_SID, AUTH_TOKEN, Fault, State, answer};

/// A request as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the parts of a request")]
pub struct Recorded {
    pub method: String,
    pub path: String,
    pub query: Vec<(String, String)>,
    pub fields: Vec<(String, String)>,
    pub signed_in: bool,
}

/// Status, headers beside the usual, body.
pub(super) type Answer = (u16, Vec<(&'static str, String)>, String);

pub(super) async fn serve(mut stream: TcpStream, state: Arc<State>) {
    let Some(request) = read(&mut stream).await else {
        return;
    };
    state.ledger().requests.push(request.clone());
    let fault = state.ledger().faults.pop_front();
    let answer = match fault {
        None => answer::to(&state, &request),
        Some(Fault::Refuse(code)) => answer::refusal(400, code, "Refused by the fake"),
        Some(Fault::Unauthorized) => answer::refusal(401, 20003, "Authenticate"),
        Some(Fault::TooMany(seconds)) => (
            429,
            vec![("Retry-After", seconds.to_string())],
            "{\"code\":20429}".to_owned(),
        ),
        Some(Fault::Status(status)) => (status, Vec::new(), String::new()),
        Some(Fault::Hang) => return hang(stream).await,
        Some(Fault::AcceptThenHang) => {
            answer::to(&state, &request);
            return hang(stream).await;
        }
        Some(Fault::Reset) => return reset(&stream),
        Some(Fault::AcceptThenReset) => {
            answer::to(&state, &request);
            return reset(&stream);
        }
    };
    let _ = stream.write_all(render(&answer).as_bytes()).await;
    let _ = stream.shutdown().await;
}

/// Until the other side gives up.
async fn hang(mut stream: TcpStream) {
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest).await;
}

/// The drop that follows sends a reset.
fn reset(stream: &TcpStream) {
    let _ = stream.set_zero_linger();
}

fn render((status, headers, body): &Answer) -> String {
    let mut head = format!(
        "HTTP/1.1 {status} Fake\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n",
        body.len()
    );
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    format!("{head}\r\n{body}")
}

async fn read(stream: &mut TcpStream) -> Option<Recorded> {
    let mut bytes = Vec::new();
    let mut chunk = [0_u8; 4096];
    let (head, mut body) = loop {
        let count = stream
            .read(&mut chunk)
            .await
            .ok()
            .filter(|count| *count > 0)?;
        bytes.extend_from_slice(&chunk[..count]);
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break (
                String::from_utf8_lossy(&bytes[..end]).into_owned(),
                bytes[end + 4..].to_vec(),
            );
        }
    };
    let header = |name: &str| {
        head.lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name)
                .then(|| value.trim().to_owned())
        })
    };
    let length: usize = header("content-length")
        .and_then(|value| value.parse().ok())
        .unwrap_or(0);
    while body.len() < length {
        let count = stream
            .read(&mut chunk)
            .await
            .ok()
            .filter(|count| *count > 0)?;
        body.extend_from_slice(&chunk[..count]);
    }
    let mut words = head.lines().next()?.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let expected = format!(
        "Basic {}",
        BASE64.encode(format!("{ACCOUNT_SID}:{AUTH_TOKEN}"))
    );
    Some(Recorded {
        method,
        path: path.to_owned(),
        query: pairs(query.as_bytes()),
        fields: pairs(&body),
        signed_in: header("authorization").as_deref() == Some(expected.as_str()),
    })
}

fn pairs(text: &[u8]) -> Vec<(String, String)> {
    url::form_urlencoded::parse(text).into_owned().collect()
}

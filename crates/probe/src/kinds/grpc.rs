//! `grpc`: the standard health service says SERVING (grpc.health.v1, gRPC over HTTP/2).

use ::domain::check::{Failure, FailureClass, Phase};
use ::domain::monitor::GrpcTarget;
use ::domain::target::TargetUrl;
use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, Request, Version};
use http_body_util::{BodyExt, Full, Limited};

use super::http::exchange::{self, Versions, Way};
use crate::look::{Look, Step};
use crate::wire::{self, Stopped};

/// Bytes of an answer: a health status takes seven.
const MAX_ANSWER: usize = 16 * 1024;
/// `HealthCheckResponse.ServingStatus.SERVING`.
const SERVING: u64 = 1;

/// Names of the status codes of gRPC, by number.
const CODES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// Asks for the health of a service, or of the whole server.
pub(crate) async fn look(look: &mut Look<'_>, target: &GrpcTarget) -> Step<()> {
    let to = super::endpoint(look, &target.host, target.port)?;
    let addresses = wire::resolve(look, &to).await?;
    let stream = wire::connect(look, &addresses).await?;
    let scheme = if target.tls { "https" } else { "http" };
    let text = format!("{scheme}://{}:{}/", to.host.bracketed(), to.port);
    // The address policy has judged host and address; ports of its own are this kind's right.
    let url = TargetUrl::parse(&text, ::domain::target::AddressPolicy::SelfHosted);
    let url = url.map_err(|refusal| {
        Failure::new(FailureClass::TargetRefused, Phase::Dns, refusal.to_string())
    })?;
    let way = Way {
        versions: Versions::Two,
        verify: target.verify_tls,
    };
    let mut connection = exchange::open(look, stream, &url, way).await?;
    look.awaits(
        FailureClass::ReplyTimeout,
        "the answer of the health service",
    );
    let request = request(&url, &target.service, look.prober.egress().user_agent())?;
    let answer = exchange::carry(look, &mut connection, request).await?;
    if answer.status() != http::StatusCode::OK {
        // Judged like that of a page: a proxy answers here.
        exchange::note(look, &answer);
        return Ok(());
    }
    look.enter(Phase::Body);
    let head = answer.headers().clone();
    let collected = Limited::new(answer.into_body(), MAX_ANSWER).collect().await;
    let collected = collected.map_err(|error| {
        if connection.log.snapshot().stopped == Some(Stopped::Late) {
            return look.timed_out();
        }
        let message = format!("the answer breaks off: {error}");
        Failure::new(FailureClass::Http2Error, Phase::Body, message)
    })?;
    let trailers = collected.trailers().cloned().unwrap_or_default();
    // An error without a message comes in the header block alone.
    check_status(if trailers.contains_key("grpc-status") {
        &trailers
    } else {
        &head
    })?;
    serving(&collected.to_bytes())
}

fn request(url: &TargetUrl, service: &str, user_agent: &str) -> Step<Request<Full<Bytes>>> {
    let mut message = Vec::new();
    if !service.is_empty() {
        message.push(0x0A);
        varint(service.len(), &mut message);
        message.extend(service.as_bytes());
    }
    let length = u32::try_from(message.len()).unwrap_or(0);
    let framed = [&[0][..], &length.to_be_bytes(), &message].concat();
    let mut request = Request::new(Full::new(Bytes::from(framed)));
    *request.method_mut() = Method::POST;
    *request.version_mut() = Version::HTTP_2;
    let uri = format!("{}grpc.health.v1.Health/Check", url.as_str());
    *request.uri_mut() = uri.parse().map_err(|_| {
        let message = "the address cannot be put into a request";
        Failure::new(FailureClass::TargetRefused, Phase::Send, message)
    })?;
    let headers = request.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/grpc"),
    );
    headers.insert(header::TE, HeaderValue::from_static("trailers"));
    if let Ok(value) = HeaderValue::from_str(user_agent) {
        headers.insert(header::USER_AGENT, value);
    }
    Ok(request)
}

/// Base 128, low bits first.
fn varint(mut number: usize, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(u8::try_from(number & 0x7F).unwrap_or(0) | 0x80);
        number >>= 7;
    }
    out.push(u8::try_from(number).unwrap_or(0));
}

fn check_status(headers: &HeaderMap) -> Step<()> {
    let text = |name: &str| {
        let value = headers.get(name)?;
        Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    let said = text("grpc-status").unwrap_or_default();
    let Ok(code) = said.parse::<usize>() else {
        let message = "the answer is no gRPC: it has no grpc-status";
        let failure = Failure::new(FailureClass::GrpcError, Phase::FirstByte, message);
        return Err(failure.with_detail("no status"));
    };
    if code == 0 {
        return Ok(());
    }
    let name = CODES.get(code).copied().unwrap_or("UNKNOWN");
    let said = text("grpc-message").unwrap_or_default();
    let said: String = said.chars().take(200).collect();
    let message = format!("gRPC status {code} {name}: {said}");
    let failure = Failure::new(FailureClass::GrpcError, Phase::FirstByte, message);
    Err(failure.with_detail(code.to_string()))
}

/// The status in a framed `HealthCheckResponse`, whose only field it is; absent means 0.
fn serving(framed: &[u8]) -> Step<()> {
    let status = match framed {
        [0, _, _, _, _] => Some(0),
        [0, _, _, _, _, 0x08, status, ..] if *status < 0x80 => Some(u64::from(*status)),
        _ => None,
    };
    let fail = |class, message: String| Err(Failure::new(class, Phase::Body, message));
    match status {
        Some(SERVING) => Ok(()),
        Some(status) => {
            let word = match status {
                0 => "UNKNOWN",
                2 => "NOT_SERVING",
                3 => "SERVICE_UNKNOWN",
                _ => "an unknown status",
            };
            fail(
                FailureClass::GrpcNotServing,
                format!("the health service says {word} ({status})"),
            )
        }
        None => {
            let message = "the answer is no HealthCheckResponse".to_owned();
            let failure = Failure::new(FailureClass::GrpcError, Phase::Body, message);
            Err(failure.with_detail("no message"))
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(&[0, 0, 0, 0, 2, 8, 1], None)]
    #[case(&[0, 0, 0, 0, 0], Some(FailureClass::GrpcNotServing))]
    #[case(&[0, 0, 0, 0, 2, 8, 2], Some(FailureClass::GrpcNotServing))]
    #[case(&[0, 0, 0, 0, 2, 8, 3], Some(FailureClass::GrpcNotServing))]
    #[case(&[], Some(FailureClass::GrpcError))]
    #[case(&[1, 0, 0, 0, 2, 8, 1], Some(FailureClass::GrpcError))]
    #[case(b"<html>", Some(FailureClass::GrpcError))]
    fn answers(#[case] framed: &[u8], #[case] class: Option<FailureClass>) {
        let found = serving(framed).err().map(|failure| failure.class);
        assert_eq!(found, class);
    }

    #[test]
    fn long_names_have_a_long_length() {
        let mut out = Vec::new();
        varint(300, &mut out);
        assert_eq!(out, [0xAC, 0x02]);
    }
}

//! HTTP calls of the notifier: to the operator's providers, and to URLs that users named.
//!
//! No proxy, no redirect, no cookies, one deadline for the whole call, a bounded answer. A look at
//! a monitor does not come through here: `probe` speaks HTTP over [`Egress::connect`] itself.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ::http::{HeaderMap, HeaderName, HeaderValue, Method};
use domain::target::{Host, TargetRefusal, TargetUrl};
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::time::{Instant, timeout_at};
use url::Url;

use crate::{Egress, ResolveError, Trusted};

/// Bytes of an answer that are kept; the rest is not read.
const MAX_ANSWER: usize = 64 * 1024;
/// For name, connection and TLS together, so that a call whose deadline is later knows that nothing
/// was sent.
const CONNECT: Duration = Duration::from_secs(5);

/// What is sent. Its body may hold a key, so it is not written down.
#[derive(Clone)]
pub struct Request {
    method: Method,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (method, headers) = (&self.method, &self.headers);
        write!(
            f,
            "Request({method}, {headers:?}, {} bytes)",
            self.body.len()
        )
    }
}

impl Request {
    /// A GET.
    pub fn get() -> Self {
        Self {
            method: Method::GET,
            headers: HeaderMap::new(),
            body: Vec::new(),
        }
    }

    /// A POST of form fields.
    pub fn post_form(fields: &[(&str, &str)]) -> Self {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        Self::post("application/x-www-form-urlencoded", body.into_bytes())
    }

    /// A POST of JSON bytes, sent exactly as they are, so that a signature over them holds.
    pub fn post_json(body: impl Into<Vec<u8>>) -> Self {
        Self::post("application/json", body.into())
    }

    /// A PUT of JSON bytes, where a service takes one that repeats itself without harm.
    pub fn put_json(body: impl Into<Vec<u8>>) -> Self {
        Self {
            method: Method::PUT,
            ..Self::post_json(body)
        }
    }

    fn post(content_type: &'static str, body: Vec<u8>) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(
            ::http::header::CONTENT_TYPE,
            HeaderValue::from_static(content_type),
        );
        Self {
            method: Method::POST,
            headers,
            body,
        }
    }

    /// The same with one more header. A value that cannot be sent is an error of the caller.
    pub fn header(mut self, name: &'static str, value: &str) -> Result<Self, SendError> {
        let value = HeaderValue::from_str(value).map_err(|_| SendError::Header(name))?;
        self.headers.insert(HeaderName::from_static(name), value);
        Ok(self)
    }

    /// The same with one more header that is a secret.
    pub fn secret_header(self, name: &'static str, value: &str) -> Result<Self, SendError> {
        let mut request = self.header(name, value)?;
        if let Some(value) = request.headers.get_mut(name) {
            value.set_sensitive(true);
        }
        Ok(request)
    }

    /// The same with a name and password.
    pub fn basic_auth(self, username: &str, password: &str) -> Result<Self, SendError> {
        let credentials = domain::target::Credentials::new(username, password);
        self.secret_header("authorization", &credentials.basic_authorization())
    }
}

/// What came back, whatever its status.
#[derive(Debug, Clone)]
pub struct Response {
    /// Status code.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// The body, at most 64 KiB of it.
    pub body: Vec<u8>,
}

impl Response {
    /// A status of 200 to 299.
    pub const fn is_success(&self) -> bool {
        self.status >= 200 && self.status < 300
    }

    /// The body as text, what is no UTF-8 replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// How long the other side asks us to wait (`Retry-After` in seconds).
    pub fn retry_after(&self) -> Option<Duration> {
        self.asked_to_wait()?.parse().ok().map(Duration::from_secs)
    }

    /// How long the other side asks us to wait, also where it names the moment (`Retry-After` in seconds
    /// or as a date, RFC 9110 section 10.2.3). A moment that is over is no wait.
    pub fn retry_after_from(&self, now: Timestamp) -> Option<Duration> {
        self.retry_after().or_else(|| {
            let moment = rfc2822::parse(self.asked_to_wait()?).ok()?.timestamp();
            Some(Duration::try_from(moment.duration_since(now)).unwrap_or_default())
        })
    }

    fn asked_to_wait(&self) -> Option<&str> {
        let value = self.headers.get(::http::header::RETRY_AFTER)?;
        Some(value.to_str().ok()?.trim())
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The URL is not one that may be called.
    #[error("the URL {0}")]
    Refused(#[source] TargetRefusal),
    /// A header of ours cannot be sent.
    #[error("the value of header {0} cannot be sent")]
    Header(&'static str),
    /// The name has no address that may be called.
    #[error("{0}")]
    Resolve(#[source] ResolveError),
    /// Nothing was sent: the connection or its TLS failed.
    #[error("no connection: {0}")]
    Connect(String),
    /// The request may have been received: the answer is missing.
    #[error("no answer: {0}")]
    Ambiguous(String),
    /// The client could not be made.
    #[error("the HTTP client cannot be set up: {0}")]
    Setup(String),
}

impl SendError {
    /// The other side may have acted on the request.
    pub const fn is_ambiguous(&self) -> bool {
        matches!(self, Self::Ambiguous(_))
    }
}

/// Calls one provider that the operator configured.
#[derive(Debug, Clone)]
pub struct ProviderClient {
    client: reqwest::Client,
    base: Url,
}

impl ProviderClient {
    /// A client for paths under `base`.
    pub fn new(egress: &Egress, base: &Trusted<Url>) -> Result<Self, SendError> {
        let client = build(egress, Who::Operator)?;
        let mut base = base.get().clone();
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        Ok(Self { client, base })
    }

    /// Sends `request` to `path`, which is appended to the base, and waits until `deadline`.
    /// `path` may carry a query; it cannot leave the provider's origin.
    pub async fn send(
        &self,
        path: &str,
        request: Request,
        deadline: Instant,
    ) -> Result<Response, SendError> {
        let relative = format!("./{}", path.trim_start_matches('/'));
        let refused =
            || SendError::Refused(TargetRefusal::Malformed("the path cannot be appended"));
        let url = self.base.join(&relative).map_err(|_| refused())?;
        if url.origin() != self.base.origin() {
            return Err(refused());
        }
        call(&self.client, url, request, deadline).await
    }
}

/// Calls URLs that users named, under the address policy.
#[derive(Debug, Clone)]
pub struct UserClient {
    client: reqwest::Client,
    egress: Egress,
}

impl UserClient {
    /// A client that judges each URL, its literal address, and each address its name resolves to.
    pub fn new(egress: &Egress) -> Result<Self, SendError> {
        Ok(Self {
            client: build(egress, Who::User)?,
            egress: egress.clone(),
        })
    }

    /// Sends `request` to `url` and waits until `deadline`.
    pub async fn send(
        &self,
        url: &str,
        mut request: Request,
        deadline: Instant,
    ) -> Result<Response, SendError> {
        let target = TargetUrl::parse(url, self.egress.policy()).map_err(SendError::Refused)?;
        if let Some(credentials) = target.credentials()
            && !request.headers.contains_key(::http::header::AUTHORIZATION)
        {
            request = request.header("authorization", &credentials.basic_authorization())?;
        }
        call(&self.client, target.url().clone(), request, deadline).await
    }
}

#[derive(Debug, Clone, Copy)]
enum Who {
    Operator,
    User,
}

fn build(egress: &Egress, who: Who) -> Result<reqwest::Client, SendError> {
    let setup = |error: &dyn std::error::Error| SendError::Setup(error.to_string());
    let tls = egress.inner.tls.client().map_err(|e| setup(&e))?;
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .dns_resolver(Arc::new(Names {
            egress: egress.clone(),
            who,
        }))
        .connect_timeout(CONNECT)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .user_agent(egress.user_agent())
        .pool_max_idle_per_host(4)
        .pool_idle_timeout(Duration::from_secs(30))
        .build()
        .map_err(|e| setup(&e))
}

/// Our resolver, in the place of the library's own. It is not asked about literals: those are
/// judged before the call.
struct Names {
    egress: Egress,
    who: Who,
}

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        let egress = self.egress.clone();
        let who = self.who;
        Box::pin(async move {
            let host = Host::Name(name.as_str().trim_end_matches('.').to_ascii_lowercase());
            let deadline = Instant::now() + CONNECT;
            let found = match who {
                Who::Operator => egress.resolve_operators(&host, 0, deadline).await,
                Who::User => egress.resolve(&host, 0, false, deadline).await,
            }?;
            let addresses: Vec<SocketAddr> = found
                .addresses
                .iter()
                .map(crate::CheckedAddr::socket_addr)
                .collect();
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

async fn call(
    client: &reqwest::Client,
    url: Url,
    request: Request,
    deadline: Instant,
) -> Result<Response, SendError> {
    let sent = client
        .request(request.method, url)
        .headers(request.headers)
        .body(request.body)
        .send();
    let exchange = async {
        let mut answer = sent.await?;
        let mut body = Vec::new();
        while body.len() < MAX_ANSWER {
            // An answer whose body breaks off was still an answer.
            let Ok(Some(chunk)) = answer.chunk().await else {
                break;
            };
            let room = MAX_ANSWER - body.len();
            body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        }
        Ok(Response {
            status: answer.status().as_u16(),
            headers: answer.headers().clone(),
            body,
        })
    };
    match timeout_at(deadline, exchange).await {
        Ok(Ok(response)) => Ok(response),
        Ok(Err(error)) => Err(classify(error)),
        Err(_) => Err(SendError::Ambiguous("no answer within the time".to_owned())),
    }
}

fn classify(error: reqwest::Error) -> SendError {
    // URLs of webhooks are secrets.
    let error = error.without_url();
    let mut cause: &dyn std::error::Error = &error;
    let mut deepest = error.to_string();
    while let Some(source) = cause.source() {
        if let Some(resolve) = source.downcast_ref::<ResolveError>() {
            return SendError::Resolve(resolve.clone());
        }
        deepest = source.to_string();
        cause = source;
    }
    if error.is_connect() || error.is_builder() {
        SendError::Connect(deepest)
    } else {
        SendError::Ambiguous(deepest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_seconds_or_a_moment() {
        let now: Timestamp = "2026-11-22T13:02:18Z".parse().unwrap();
        for (value, seconds) in [
            ("90", Some(90)),
            (" 0 ", Some(0)),
            ("Sun, 22 Nov 2026 13:04:18 GMT", Some(120)),
            ("Sun, 22 Nov 2026 13:00:00 GMT", Some(0)),
            ("soon", None),
            ("-5", None),
        ] {
            let headers = [("retry-after", value)].map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            });
            let answer = Response {
                status: 429,
                headers: headers.into_iter().collect(),
                body: Vec::new(),
            };
            let wait = answer.retry_after_from(now).map(|wait| wait.as_secs());
            assert_eq!(wait, seconds, "{value}");
        }
    }
}

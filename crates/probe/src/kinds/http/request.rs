//! What is sent: the owner's request at first, and less of it after each redirect.

use bytes::Bytes;
use domain::check::{Failure, FailureClass, Phase};
use domain::monitor::HttpTarget;
use domain::target::{Credentials, TargetUrl};
use http::header::{self, HeaderName, HeaderValue};
use http::{Method, Request, Uri, Version};
use http_body_util::Full;

use super::cookies::Cookies;
use crate::look::Step;

/// A request about to leave.
#[derive(Debug, Clone)]
pub(super) struct Outgoing<'t> {
    target: &'t HttpTarget,
    /// Where the owner's request went: only there go the owner's headers, login and body.
    origin: TargetUrl,
    pub url: TargetUrl,
    method: Method,
    with_body: bool,
}

impl<'t> Outgoing<'t> {
    pub(super) fn first(target: &'t HttpTarget, url: TargetUrl) -> Self {
        let method = Method::from_bytes(target.method.as_bytes()).unwrap_or(Method::GET);
        Self {
            target,
            origin: url.clone(),
            url,
            method,
            with_body: target.body.is_some(),
        }
    }

    /// The request to where this one was redirected (RFC 9110, 15.4; the Fetch standard on methods).
    pub(super) fn redirected(&self, status: u16, url: TargetUrl) -> Self {
        let becomes_get = match status {
            301 | 302 => self.method == Method::POST,
            303 => self.method != Method::HEAD,
            _ => false,
        };
        let method = if becomes_get {
            Method::GET
        } else {
            self.method.clone()
        };
        Self {
            url,
            method,
            with_body: self.with_body && !becomes_get,
            ..self.clone()
        }
    }

    /// What makes this request the same as an earlier one, shortened.
    pub(super) fn fingerprint(&self, cookies: &Cookies) -> [u8; 32] {
        let text = [
            self.method.as_str(),
            &self.without_fragment(),
            &cookies.header(&self.url).unwrap_or_default(),
        ]
        .join("\n");
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
        let mut short = [0; 32];
        short.copy_from_slice(digest.as_ref());
        short
    }

    pub(super) fn build(
        &self,
        user_agent: &str,
        cookies: &Cookies,
        http2: bool,
    ) -> Step<Request<Full<Bytes>>> {
        let at_home = self.url.is_same_origin(&self.origin);
        let body = self
            .target
            .body
            .as_deref()
            .filter(|_| self.with_body && at_home);
        let mut request = Request::new(Full::new(
            body.map(|b| Bytes::from(b.to_owned())).unwrap_or_default(),
        ));
        *request.method_mut() = self.method.clone();
        *request.version_mut() = if http2 {
            Version::HTTP_2
        } else {
            Version::HTTP_11
        };
        *request.uri_mut() = self.uri(http2)?;
        let headers = request.headers_mut();
        // The owner's headers go last, so that they replace ours.
        if !http2 {
            set(headers, header::HOST, self.url.authority());
        }
        set(headers, header::USER_AGENT, user_agent);
        set(
            headers,
            header::ACCEPT,
            "text/html,application/xhtml+xml,application/json;q=0.9,*/*;q=0.8",
        );
        set(headers, header::ACCEPT_ENCODING, "gzip, deflate, br");
        if let Some(body) = body {
            set(headers, header::CONTENT_TYPE, content_type(body));
        }
        if let Some(cookie) = cookies.header(&self.url) {
            set(headers, header::COOKIE, &cookie);
        }
        if at_home && let Some(login) = self.login() {
            set(headers, header::AUTHORIZATION, &login);
        }
        let login = self
            .url
            .credentials()
            .or_else(|| self.origin.credentials().filter(|_| at_home));
        if let Some(login) = login {
            set(headers, header::AUTHORIZATION, &login.basic_authorization());
        }
        if at_home {
            for (name, value) in &self.target.headers.0 {
                if let Ok(name) = HeaderName::from_bytes(name.as_bytes()) {
                    set(headers, name, value);
                }
            }
        }
        Ok(request)
    }

    /// The login of the target's settings as a header's value.
    fn login(&self) -> Option<String> {
        let auth = self.target.auth.as_ref()?;
        match (&auth.basic, &auth.bearer) {
            (Some(basic), _) => {
                Some(Credentials::new(&basic.username, &basic.password).basic_authorization())
            }
            (None, Some(token)) => Some(format!("Bearer {token}")),
            (None, None) => None,
        }
    }

    fn uri(&self, http2: bool) -> Step<Uri> {
        let text = if http2 {
            self.without_fragment()
        } else {
            self.url.path_and_query().to_owned()
        };
        text.parse().map_err(|_| {
            let message = format!("{} cannot be put on a request line", self.url);
            Failure::new(FailureClass::RedirectInvalid, Phase::Send, message)
        })
    }

    fn without_fragment(&self) -> String {
        let mut url = self.url.url().clone();
        url.set_fragment(None);
        url.into()
    }
}

fn set(headers: &mut http::HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
        headers.insert(name, value);
    }
}

/// Servers refuse a body without a type; what begins like JSON is called so.
fn content_type(body: &str) -> &'static str {
    match body.trim_start().as_bytes().first() {
        Some(b'{' | b'[') => "application/json",
        Some(b'<') => "application/xml",
        _ if body.contains('=') && !body.contains(char::is_whitespace) => {
            "application/x-www-form-urlencoded"
        }
        _ => "text/plain; charset=utf-8",
    }
}

//! What a target may echo and nobody else may read.

use super::Target;
use super::spec::HttpAuth;
use super::targets::HttpTarget;
use crate::target::{Credentials, decode_userinfo, split_userinfo};

/// Schemes whose credentials follow the word (RFC 9110, 11.4).
const SCHEMES: [&str; 5] = ["bearer", "basic", "token", "apikey", "negotiate"];

impl Target {
    /// What the owner's settings keep secret: a target may echo it, as it was written or as it went
    /// out.
    pub fn secrets(&self) -> Vec<String> {
        match self {
            Self::Http(http) => of_http(http),
            Self::Tcp(target) | Self::Udp(target) => target.send.iter().cloned().collect(),
            Self::Websocket(target) => target
                .send
                .iter()
                .cloned()
                .chain(of_url(&target.url))
                .collect(),
            Self::Ping(_)
            | Self::Dns(_)
            | Self::Tls(_)
            | Self::Domain(_)
            | Self::Smtp(_)
            | Self::Grpc(_)
            | Self::Heartbeat(_) => Vec::new(),
        }
    }
}

fn of_http(http: &HttpTarget) -> Vec<String> {
    let headers = http.headers.0.iter().flat_map(|(_, value)| {
        let token = value
            .split_once(' ')
            .filter(|(scheme, _)| SCHEMES.contains(&scheme.to_ascii_lowercase().as_str()))
            .map(|(_, token)| token.trim().to_owned());
        [Some(value.clone()), token].into_iter().flatten()
    });
    headers
        .chain(http.body.clone())
        .chain(of_url(&http.url))
        .chain(http.auth.as_ref().map(of_auth).unwrap_or_default())
        .collect()
}

fn of_auth(auth: &HttpAuth) -> Vec<String> {
    let login = auth
        .basic
        .as_ref()
        .map(|basic| of_login(&basic.username, &basic.password));
    let token = auth.bearer.clone();
    login.into_iter().flatten().chain(token).collect()
}

/// The password, and the login as a header carries it.
fn of_login(username: &str, password: &str) -> Vec<String> {
    let header = Credentials::new(username, password).basic_authorization();
    let encoded = header.strip_prefix("Basic ").unwrap_or(&header).to_owned();
    vec![password.to_owned(), encoded]
}

fn of_url(url: &str) -> Vec<String> {
    let Some((userinfo, _)) = split_userinfo(url) else {
        return Vec::new();
    };
    let (username, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
    match (decode_userinfo(username), decode_userinfo(password)) {
        (Ok(username), Ok(password)) => of_login(&username, &password),
        _ => vec![password.to_owned()],
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case(json!({"url": "https://shop.example/", "http": {"headers": {"Authorization": "Bearer s3cret-token"}}}), "s3cret-token")]
    #[case(json!({"url": "https://shop.example/", "http": {"headers": {"X-Key": "s3cret-key"}}}), "s3cret-key")]
    #[case(json!({"url": "https://shop.example/", "http": {"auth": {"basic": {"username": "u", "password": "p:w"}}}}), "dTpwOnc=")]
    #[case(json!({"url": "https://shop.example/", "http": {"auth": {"bearer": "a.b.c"}}}), "a.b.c")]
    #[case(json!({"url": "https://u:p%3Aw@shop.example/"}), "dTpwOnc=")]
    #[case(json!({"url": "https://u:p%3Aw@shop.example/"}), "p:w")]
    #[case(json!({"kind": "websocket", "url": "wss://u:p%3Aw@shop.example/"}), "dTpwOnc=")]
    fn what_an_echo_may_hold_is_secret(#[case] spec: serde_json::Value, #[case] secret: &str) {
        let target = Target::of(&serde_json::from_value(spec).unwrap());
        assert!(target.secrets().iter().any(|known| known == secret));
    }
}

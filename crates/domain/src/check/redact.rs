//! What must not be kept of a look: the owner's secrets and other people's cookies.

use super::Observation;

const MASK: &str = "••••";

/// Headers of an answer whose values open doors.
const SECRET_HEADERS: [&str; 8] = [
    "set-cookie2",
    "authorization",
    "proxy-authorization",
    "authentication-info",
    "www-authenticate",
    "x-api-key",
    "x-auth-token",
    "x-csrf-token",
];
/// Headers whose values are URLs, or hold one.
const URL_HEADERS: [&str; 4] = ["location", "content-location", "refresh", "link"];
/// Parameters by which single sign-on and signed links hand over secrets.
const SECRET_PARAMETERS: [&str; 12] = [
    "token",
    "code",
    "secret",
    "password",
    "passwd",
    "key",
    "signature",
    "sig",
    "session",
    "sid",
    "state",
    "jwt",
];

/// Masks cookie values, login headers, telling URL parameters of the answer, and every occurrence of
/// the owner's own `secrets` (header values, request body), which a target may echo.
pub fn redact(mut seen: Observation, secrets: &[String]) -> Observation {
    let secrets = long_enough(secrets);
    if let Some(http) = &mut seen.http {
        for (name, value) in &mut http.headers {
            match name.as_str() {
                "set-cookie" => *value = cookie(value),
                name if SECRET_HEADERS.contains(&name) => MASK.clone_into(value),
                name if URL_HEADERS.contains(&name) => *value = mask_url(value),
                _ => {}
            }
            mask(value, &secrets);
        }
        if secrets.iter().any(|secret| contains(&http.body, secret)) {
            let mut text = String::from_utf8_lossy(&http.body).into_owned();
            mask(&mut text, &secrets);
            http.body = text.into_bytes();
        }
    }
    for said in &mut seen.said {
        mask(&mut said.text, &secrets);
    }
    for hop in &mut seen.redirects {
        hop.from = mask_url(&hop.from);
        hop.to = mask_url(&hop.to);
        mask(&mut hop.from, &secrets);
        mask(&mut hop.to, &secrets);
    }
    if let Some(failure) = &mut seen.failure {
        mask(&mut failure.message, &secrets);
    }
    seen
}

fn cookie(value: &str) -> String {
    let name = value.split('=').next().unwrap_or_default();
    let attributes = value
        .split_once(';')
        .map(|(_, rest)| format!(";{rest}"))
        .unwrap_or_default();
    format!("{name}={MASK}{attributes}")
}

/// A URL with telling parameters masked, those of its fragment too; other text stays as it is.
pub fn mask_url(text: &str) -> String {
    let (front, fragment) = text.split_once('#').unwrap_or((text, ""));
    let mut out = match front.split_once('?') {
        Some((path, query)) => format!("{path}?{}", parameters(query)),
        None => front.to_owned(),
    };
    if !fragment.is_empty() {
        out.push('#');
        out.push_str(&parameters(fragment));
    }
    out
}

fn parameters(query: &str) -> String {
    let parts = query.split('&').map(|part| match part.split_once('=') {
        Some((name, value)) if !value.is_empty() && is_secret(name) => format!("{name}={MASK}"),
        _ => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join("&")
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let last = name.rsplit(['_', '-']).next().unwrap_or_default();
    SECRET_PARAMETERS.contains(&last)
}

/// One text without the owner's `secrets`.
pub fn text(value: &str, secrets: &[String]) -> String {
    let mut text = value.to_owned();
    mask(&mut text, &long_enough(secrets));
    text
}

/// What is shorter would mask half of every page.
fn long_enough(secrets: &[String]) -> Vec<&str> {
    let all = secrets.iter().map(String::as_str);
    all.filter(|secret| secret.len() >= 4).collect()
}

fn mask(text: &mut String, secrets: &[&str]) {
    for secret in secrets {
        if text.contains(secret) {
            *text = text.replace(secret, MASK);
        }
    }
}

fn contains(body: &[u8], secret: &str) -> bool {
    body.windows(secret.len())
        .any(|window| window == secret.as_bytes())
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use rstest::rstest;

    use super::*;
    use crate::check::HttpFacts;

    #[rstest]
    #[case("/login?next=/a&token=abc", "/login?next=/a&token=••••")]
    #[case(
        "https://shop.example/?id_token=abc&state=x#top",
        "https://shop.example/?id_token=••••&state=••••#top"
    )]
    #[case(
        "https://shop.example/#access_token=abc",
        "https://shop.example/#access_token=••••"
    )]
    #[case("/?monkey=1&X-Amz-Signature=ab", "/?monkey=1&X-Amz-Signature=••••")]
    #[case("no url at all", "no url at all")]
    fn urls_lose_their_secrets(#[case] text: &str, #[case] kept: &str) {
        assert_eq!(mask_url(text), kept);
    }

    #[test]
    fn cookies_and_echoed_secrets_are_masked() {
        let mut seen = Observation::begin(Timestamp::UNIX_EPOCH);
        seen.http = Some(HttpFacts {
            headers: vec![
                ("set-cookie".into(), "sid=abc123; Path=/; HttpOnly".into()),
                ("x-echo".into(), "Bearer s3cret".into()),
                ("server".into(), "nginx".into()),
            ],
            body: b"you sent Bearer s3cret and more".to_vec(),
            ..HttpFacts::default()
        });
        let kept = redact(seen, &["Bearer s3cret".into(), "x".into()])
            .http
            .unwrap();
        let values: Vec<&str> = kept
            .headers
            .iter()
            .map(|(_, value)| value.as_str())
            .collect();
        assert_eq!(values, ["sid=••••; Path=/; HttpOnly", "••••", "nginx"]);
        assert_eq!(kept.body, "you sent •••• and more".as_bytes());
    }
}

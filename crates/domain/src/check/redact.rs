//! What must not be kept of a look: the owner's secrets and other people's cookies.

use super::Observation;

const MASK: &str = "••••";

/// Masks cookie values and every occurrence of the owner's own `secrets` (header values, request
/// body), which a target may echo.
pub fn redact(mut seen: Observation, secrets: &[String]) -> Observation {
    let secrets: Vec<&str> = secrets.iter().map(String::as_str).filter(|s| s.len() >= 4).collect();
    if let Some(http) = &mut seen.http {
        for (name, value) in &mut http.headers {
            if name == "set-cookie" {
                *value = cookie(value);
            }
            mask(value, &secrets);
        }
        if secrets.iter().any(|secret| contains(&http.body, secret)) {
            let mut text = String::from_utf8_lossy(&http.body).into_owned();
            mask(&mut text, &secrets);
            http.body = text.into_bytes();
        }
    }
    for hop in &mut seen.redirects {
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
    let attributes = value.split_once(';').map(|(_, rest)| format!(";{rest}")).unwrap_or_default();
    format!("{name}={MASK}{attributes}")
}

fn mask(text: &mut String, secrets: &[&str]) {
    for secret in secrets {
        if text.contains(secret) {
            *text = text.replace(secret, MASK);
        }
    }
}

fn contains(body: &[u8], secret: &str) -> bool {
    body.windows(secret.len()).any(|window| window == secret.as_bytes())
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::check::HttpFacts;

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
        let kept = redact(seen, &["Bearer s3cret".into(), "x".into()]).http.unwrap();
        let values: Vec<&str> = kept.headers.iter().map(|(_, value)| value.as_str()).collect();
        assert_eq!(values, ["sid=••••; Path=/; HttpOnly", "••••", "nginx"]);
        assert_eq!(kept.body, "you sent •••• and more".as_bytes());
    }
}

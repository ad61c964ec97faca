//! Signatures by Standard Webhooks (symmetric, `v1`): HMAC-SHA-256 over id, time and body.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::contact::hook::SECRET_PREFIX;
use jiff::Timestamp;

use crate::error::RenderError;

/// The headers of one request, with a signature by each of `secrets`. `id` is the same on every try, the time is that of this one.
pub(super) fn signed(
    secrets: &[String],
    (id, now): (&str, Timestamp),
    body: &[u8],
) -> Result<Vec<(&'static str, String)>, RenderError> {
    let at = now.as_second();
    let mut content = format!("{id}.{at}.").into_bytes();
    content.extend_from_slice(body);
    let signatures = secrets.iter().map(|secret| signature(secret, &content));
    let signatures = signatures.collect::<Result<Vec<_>, _>>()?;
    Ok(vec![
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", at.to_string()),
        ("webhook-signature", signatures.join(" ")),
    ])
}

fn signature(secret: &str, content: &[u8]) -> Result<String, RenderError> {
    let key = secret
        .strip_prefix(SECRET_PREFIX)
        .and_then(|encoded| STANDARD.decode(encoded).ok())
        .ok_or(RenderError::Missing("a secret that can sign"))?;
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), content);
    Ok(format!("v1,{}", STANDARD.encode(tag)))
}

//! One request under the address policy, until a deadline.

use egress::http::UserClient;
use jiff::Timestamp;
use tokio::time::Instant;

use super::classify::{of_answer, of_silence};
use super::{Call, Post};
use crate::send::{Accepted, Trouble};

/// Sends it. There is one way and no second: whoever stands in is another contact.
pub(crate) async fn send(
    client: &UserClient,
    post: &Post,
    now: Timestamp,
    deadline: Instant,
) -> Result<Accepted, Trouble> {
    let mut accepted = call(client, post, &post.call, now, deadline).await?;
    if let Some(after) = &post.after
        && let Err(trouble) = call(client, post, after, now, deadline).await
    {
        let then = format!(" But it does not end there by itself: {}", trouble.message);
        accepted.message.push_str(&then);
    }
    Ok(accepted)
}

async fn call(
    client: &UserClient,
    post: &Post,
    call: &Call,
    now: Timestamp,
    deadline: Instant,
) -> Result<Accepted, Trouble> {
    let silence = |error| of_silence(post.channel, &error);
    let request = call.request().map_err(silence)?;
    let sent = client.send(&call.url, request, deadline).await;
    of_answer(post.channel, &sent.map_err(silence)?, now)
}

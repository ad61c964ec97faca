//! One request under the address policy, until a deadline.

use egress::http::UserClient;
use jiff::Timestamp;
use tokio::time::Instant;

use super::Post;
use super::classify::{of_answer, of_silence};
use crate::send::{Accepted, Trouble};

/// Sends it. There is one way and no second: whoever stands in is another contact.
pub(crate) async fn send(
    client: &UserClient,
    post: &Post,
    now: Timestamp,
    deadline: Instant,
) -> Result<Accepted, Trouble> {
    let silence = |error| of_silence(post.channel, &error);
    let request = post.call.request().map_err(silence)?;
    let sent = client.send(&post.call.url, request, deadline).await;
    of_answer(post.channel, &sent.map_err(silence)?, now)
}

//! One POST under the address policy, until a deadline.

use egress::http::{Request, UserClient};
use serde::Deserialize;
use tokio::time::Instant;

use super::Post;
use super::classify::{of_answer, of_silence, who};
use crate::send::{Accepted, Trouble};

/// What Discord says of a message it took.
#[derive(Debug, Deserialize)]
struct Taken {
    id: String,
}

/// Sends it. There is one way and no second: whoever stands in is another contact.
pub(crate) async fn send(
    client: &UserClient,
    post: &Post,
    deadline: Instant,
) -> Result<Accepted, Trouble> {
    let mut request = Request::post_json(post.body.clone());
    for (name, value) in &post.headers {
        request = request
            .header(name, value)
            .map_err(|error| of_silence(post.channel, &error))?;
    }
    let answer = client
        .send(&post.url, request, deadline)
        .await
        .map_err(|error| of_silence(post.channel, &error))?;
    if !answer.is_success() {
        return Err(of_answer(post.channel, &answer));
    }
    let taken: Option<Taken> = serde_json::from_slice(&answer.body).ok();
    Ok(Accepted {
        provider: post.channel.as_str().to_owned(),
        provider_id: taken
            .filter(|_| post.channel == domain::contact::Channel::Discord)
            .map(|taken| taken.id),
        delivered: true,
        message: format!("{} answers {}.", who(post.channel), answer.status),
    })
}

//! `/bot`: for those who found our looks in their logs.

use std::collections::BTreeSet;

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header;

use super::listed;
use crate::error::{PageError, PageResult};
use crate::extract::Visitor;
use crate::state::AppState;
use crate::view::{Shell, render};

#[derive(Template)]
#[template(path = "public/bot.html")]
struct BotPage<'a> {
    shell: Shell,
    regions: Vec<store::regions::Region>,
    support: &'a str,
    base_url: String,
}

/// The page.
pub async fn show(visitor: Visitor, State(state): State<AppState>) -> PageResult {
    let mut connection = state.read_pool.acquire().await?;
    let page = BotPage {
        shell: visitor
            .shell("About our looks")
            .description("What Watchbell/1 in your logs is, how often it comes, how to stop it."),
        regions: store::regions::list(&mut connection).await?,
        support: &state.config.support_email,
        base_url: state.config.link(""),
    };
    Ok(listed(render(&page)?, visitor.signed_in.is_some()))
}

/// The addresses of all regions for a firewall's list: one in a line, nothing else.
pub async fn addresses(State(state): State<AppState>) -> Result<Response, PageError> {
    let mut connection = state.read_pool.acquire().await?;
    let regions = store::regions::list(&mut connection).await?;
    let all: BTreeSet<String> = regions.into_iter().flat_map(|one| one.addresses).collect();
    let lines: String = all.into_iter().map(|address| address + "\n").collect();
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::CACHE_CONTROL, "public, max-age=300"),
    ];
    Ok((headers, lines).into_response())
}

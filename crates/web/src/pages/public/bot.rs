//! `/bot`: for those who found our looks in their logs.

use askama::Template;
use axum::extract::State;

use super::listed;
use crate::error::PageResult;
use crate::extract::Visitor;
use crate::state::AppState;
use crate::view::{Shell, render};

#[derive(Template)]
#[template(path = "public/bot.html")]
struct BotPage<'a> {
    shell: Shell,
    regions: Vec<store::leases::Region>,
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
        regions: store::leases::list_regions(&mut connection).await?,
        support: &state.config.support_email,
        base_url: state.config.link(""),
    };
    Ok(listed(render(&page)?, visitor.signed_in.is_some()))
}

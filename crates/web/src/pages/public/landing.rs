//! `/`: one sentence, a field, a real mail, four facts, the plans.

use askama::Template;
use axum::extract::{RawQuery, State};

use super::listed;
use crate::config::SignupMode;
use crate::error::PageResult;
use crate::extract::Visitor;
use crate::pages::settings::plans::{self, PlanTable};
use crate::state::AppState;
use crate::view::{Shell, render};

#[derive(Template)]
#[template(path = "public/landing.html")]
struct LandingPage {
    shell: Shell,
    open: bool,
    /// Signed in, the field leads straight to the form for monitors.
    action: &'static str,
    plans: PlanTable,
}

/// The page.
pub async fn show(
    visitor: Visitor,
    State(state): State<AppState>,
    RawQuery(query): RawQuery,
) -> PageResult {
    let deleted = query.as_deref() == Some("deleted");
    let notice =
        deleted.then(|| "The account is deleted. Its history is gone within 24 hours.".to_owned());
    let signed_in = visitor.signed_in.is_some();
    let page = LandingPage {
        shell: visitor
            .shell("Know why your site is down")
            .description("Watchbell looks at your sites every minute, makes sure before it wakes you, and says why they are down.")
            .notice(notice),
        open: signed_in || state.config.signup == SignupMode::Open,
        action: if signed_in { "/monitors/new" } else { "/signup" },
        plans: plans::table(None),
    };
    Ok(listed(render(&page)?, signed_in))
}

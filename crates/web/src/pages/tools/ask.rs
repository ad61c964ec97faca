//! The forms, and what they send.

use askama::Template;
use axum::extract::{Path, Query, State};
use domain::tools::Tool;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Deserialize;

use super::words::{OFFERS, Offer, offer};
use super::{json, path, result};
use crate::config::ToolsMode;
use crate::error::{PageError, PageResult};
use crate::extract::{ClientIp, Fields, FormErrors, Visitor};
use crate::pages::public::listed;
use crate::state::AppState;
use crate::usecases::tools::{self, ToolError, Visit};
use crate::view::{Shell, render, render_with, see_other};

/// Characters of an address that is carried into a form.
const CARRIED: usize = 2_048;

#[derive(Template)]
#[template(path = "tools/index.html")]
struct IndexPage {
    shell: Shell,
    first: &'static Offer,
    offers: &'static [Offer],
}

#[derive(Template)]
#[template(path = "tools/form.html")]
struct FormPage<'a> {
    shell: Shell,
    offer: &'static Offer,
    others: Vec<&'static Offer>,
    target: &'a str,
    errors: FormErrors,
    base: String,
}

/// What the address carries.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Carried {
    /// A target.
    pub target: String,
}

/// There are tools here.
pub(super) fn require(state: &AppState) -> Result<(), PageError> {
    match state.config.tools {
        ToolsMode::Off => Err(PageError::NotFound),
        ToolsMode::On | ToolsMode::Inside => Ok(()),
    }
}

/// All tools.
pub async fn index(visitor: Visitor, State(state): State<AppState>) -> PageResult {
    require(&state)?;
    let page = IndexPage {
        shell: visitor.shell("Tools").section("tools").description(
            "Is it down, or is it me? Ping, DNS, certificates, headers: looks from outside, without an account.",
        ),
        first: offer(Tool::Down),
        offers: &OFFERS[1..],
    };
    Ok(listed(render(&page)?, visitor.signed_in.is_some()))
}

/// The form of a tool.
pub async fn show(
    visitor: Visitor,
    State(state): State<AppState>,
    Path(slug): Path<String>,
    Query(carried): Query<Carried>,
) -> PageResult {
    require(&state)?;
    let tool = Tool::parse(&slug).ok_or(PageError::NotFound)?;
    let target: String = carried.target.trim().chars().take(CARRIED).collect();
    let page = form(&visitor, &state, tool, &target, FormErrors::new());
    Ok(listed(render(&page)?, visitor.signed_in.is_some()))
}

fn form<'a>(
    visitor: &Visitor,
    state: &AppState,
    tool: Tool,
    target: &'a str,
    errors: FormErrors,
) -> FormPage<'a> {
    let offer = offer(tool);
    FormPage {
        shell: visitor
            .shell(offer.title)
            .section("tools")
            .description(offer.about),
        offer,
        others: OFFERS.iter().filter(|other| other.tool != tool).collect(),
        target,
        errors,
        base: state.config.link(""),
    }
}

/// Looks, waits, and leads to the result.
pub async fn run(
    visitor: Visitor,
    State(state): State<AppState>,
    Path(slug): Path<String>,
    ip: ClientIp,
    headers: HeaderMap,
    fields: Fields,
) -> PageResult {
    require(&state)?;
    let tool = Tool::parse(&slug).ok_or(PageError::NotFound)?;
    let visit = Visit {
        network: ip.network(),
        member: visitor.signed_in.is_some(),
    };
    let for_program = json::is_wanted(&headers);
    let target = fields.text("target");
    let asked = match fields.errors().at("target") {
        Some(message) => Err(ToolError::Refused(message.to_owned())),
        None => look(&state, &visit, tool, target).await,
    };
    match asked {
        Ok(id) if for_program => result::answer(&state, id).await,
        Ok(id) => see_other(&format!("/tools/r/{id}")),
        Err(error) => {
            let (status, message, retry_after) = refused(error)?;
            let mut response = if for_program {
                json::refusal(status, &message)
            } else {
                let shown: String = target.chars().take(CARRIED).collect();
                let errors = FormErrors::one("target", message);
                render_with(status, &form(&visitor, &state, tool, &shown, errors))?
            };
            if let Some(seconds) = retry_after {
                let headers = response.headers_mut();
                headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            }
            Ok(response)
        }
    }
}

async fn look(
    state: &AppState,
    visit: &Visit,
    tool: Tool,
    target: &str,
) -> Result<domain::tools::RunId, ToolError> {
    let id = tools::ask(state, visit, tool, target).await?;
    tools::wait(state, id).await?;
    match result::has_answer(state, id).await? {
        true => Ok(id),
        false => Err(ToolError::Unavailable(
            "No worker answered in time. This is our fault, and says nothing about the target. Try again in a minute.",
        )),
    }
}

pub(super) fn refused(error: ToolError) -> Result<(StatusCode, String, Option<u64>), PageError> {
    Ok(match error {
        ToolError::Refused(why) => (StatusCode::UNPROCESSABLE_ENTITY, why, None),
        ToolError::TooSoon(why, seconds) => (StatusCode::TOO_MANY_REQUESTS, why, Some(seconds)),
        ToolError::Unavailable(why) => (StatusCode::SERVICE_UNAVAILABLE, why.to_owned(), Some(60)),
        ToolError::Page(error) => return Err(error),
    })
}

impl Offer {
    /// The address of its form.
    pub fn path(&self) -> String {
        path(self.tool)
    }
}

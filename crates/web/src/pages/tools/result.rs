//! A result: whoever has its address may read it for a week.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use domain::monitor::Kind;
use domain::tools::{KEPT_DAYS, RunId, Tool};
use http::HeaderMap;
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use store::tool_looks::{self, Run};

use super::view::{self, Outcome, RecordView, RegionView};
use super::words::{Offer, offer};
use super::{ask, json};
use crate::config::SignupMode;
use crate::error::{PageError, PageResult};
use crate::extract::Visitor;
use crate::pages::docs::handbook;
use crate::state::AppState;
use crate::view::{Moment, Shell, render};

#[derive(Template)]
#[template(path = "tools/result.html")]
struct ResultPage<'a> {
    shell: Shell,
    offer: &'static Offer,
    outcome: &'a Outcome,
    word: &'static str,
    at: Moment,
    expires: Moment,
    regions: Vec<RegionView>,
    records: Vec<RecordView>,
    /// Address and title of what tells more about the cause.
    guide: Option<(String, String)>,
    /// Some region may still answer.
    waiting: bool,
    link: String,
    json: String,
    /// Where "monitor this" leads; `None` where nobody may sign up.
    monitor: Option<String>,
}

impl ResultPage<'_> {
    fn is(&self, word: &str) -> bool {
        self.word == word
    }

    /// It works for us: what is left is between the reader and it.
    fn works(&self) -> bool {
        self.outcome.finding.works()
    }
}

/// The page, or JSON.
pub async fn show(
    visitor: Visitor,
    State(state): State<AppState>,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> PageResult {
    ask::require(&state)?;
    let (name, for_program) = match token.strip_suffix(".json") {
        Some(name) => (name, true),
        None => (token.as_str(), json::is_wanted(&headers)),
    };
    let id: RunId = name.parse().map_err(|_| PageError::NotFound)?;
    if for_program {
        return answer(&state, id).await;
    }
    let outcome = Outcome::of(find(&state, id).await?.ok_or(PageError::NotFound)?);
    render(&page(&visitor, &state, &outcome))
}

fn page<'a>(visitor: &Visitor, state: &AppState, outcome: &'a Outcome) -> ResultPage<'a> {
    let run = &outcome.run;
    let moment = |at| Moment::new(at, TimeZone::UTC);
    let is_dns = run.tool == Tool::Dns;
    let failure = run
        .looks
        .iter()
        .filter_map(|look| look.result.as_ref())
        .find_map(|result| result.check.failure.as_ref());
    let guide = outcome.why().zip(failure).map(|(why, failure)| {
        let found = handbook::of(Some(&why.cause), failure.class);
        found.map_or_else(
            || {
                (
                    format!("/docs/failures/{}", failure.class.as_str()),
                    "More about this failure".to_owned(),
                )
            },
            |guide| {
                (
                    format!("/docs/guides/{}", guide.slug),
                    format!("Guide: {}", guide.title),
                )
            },
        )
    });
    let link = state.config.link(&format!("/tools/r/{}", run.id));
    ResultPage {
        shell: visitor.shell(&outcome.title).section("tools"),
        offer: offer(run.tool),
        outcome,
        word: run.tool.as_str(),
        at: moment(run.created_at),
        expires: moment(outcome.expires_at),
        regions: match is_dns {
            true => Vec::new(),
            false => view::regions(run),
        },
        records: match is_dns {
            true => view::records(run),
            false => Vec::new(),
        },
        guide,
        waiting: !run.is_done() && state.now() < run.deadline,
        json: format!("{link}.json"),
        link,
        monitor: monitor(visitor, state, run),
    }
}

/// The form for a monitor with the target in it; by way of a sign-up for whoever has no account.
fn monitor(visitor: &Visitor, state: &AppState, run: &Run) -> Option<String> {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("url", &run.target);
    if visitor.signed_in.is_some() {
        let kind = match run.tool {
            Tool::Down | Tool::Headers => Kind::Http,
            Tool::Ping => Kind::Ping,
            Tool::Dns => Kind::Dns,
            Tool::Certificate => Kind::Tls,
        };
        query.append_pair("kind", kind.as_str());
        return Some(format!("/monitors/new?{}", query.finish()));
    }
    (state.config.signup == SignupMode::Open).then(|| format!("/signup?{}", query.finish()))
}

/// The result for a program.
pub(super) async fn answer(state: &AppState, id: RunId) -> PageResult<Response> {
    let run = find(state, id).await?;
    let Some(run) = run else {
        let why = "There is no such result, or it is older than a week.";
        return Ok(json::refusal(http::StatusCode::NOT_FOUND, why));
    };
    let outcome = Outcome::of(run);
    Ok(json::result(
        &outcome,
        state.config.link(&format!("/tools/r/{id}")),
    ))
}

async fn find(state: &AppState, id: RunId) -> PageResult<Option<Run>> {
    let since = state.now() - SignedDuration::from_hours(24 * KEPT_DAYS);
    let mut connection = state.pool.acquire().await?;
    Ok(tool_looks::find(&mut connection, id, since).await?)
}

/// Some region has answered.
pub(super) async fn has_answer(state: &AppState, id: RunId) -> PageResult<bool> {
    let run = find(state, id).await?;
    Ok(run.is_some_and(|run| run.looks.iter().any(|look| look.result.is_some())))
}

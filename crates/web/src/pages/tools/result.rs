//! A result: whoever has its address may read it for a week.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use domain::monitor::Kind;
use domain::tools::{KEPT_DAYS, RunId, Tool};
use http::{HeaderMap, StatusCode};
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use store::tool_looks::{self, Run};

use super::view::{self, Outcome, RecordView, RegionView};
use super::words::{Offer, offer};
use super::{ask, json};
use crate::config::SignupMode;
use crate::error::{PageError, PageResult};
use crate::extract::{FormErrors, Visitor};
use crate::pages::docs::handbook;
use crate::state::AppState;
use crate::usecases::watches;
use crate::view::{Moment, Shell, render, render_with, see_other};

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
    /// The form of whoever wants a mail when it is back; `None` where there is nothing to wait for.
    watch: Option<WatchForm>,
}

/// What was typed for a mail when it is back, and what is wrong with it.
#[derive(Debug, Clone, Default)]
pub(super) struct WatchForm {
    pub email: String,
    pub errors: FormErrors,
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
    render(&page(&visitor, &state, &outcome, typed_nothing(&visitor)))
}

/// Who is signed in need not type an address.
fn typed_nothing(visitor: &Visitor) -> WatchForm {
    let known = visitor.signed_in.as_ref();
    WatchForm {
        email: known
            .map(|signed_in| signed_in.user.email.clone())
            .unwrap_or_default(),
        errors: FormErrors::new(),
    }
}

/// The page again, with what is wrong with its form.
pub(super) fn refuse_watch(
    visitor: &Visitor,
    state: &AppState,
    run: Run,
    (status, form): (StatusCode, WatchForm),
) -> PageResult {
    let outcome = Outcome::of(run);
    render_with(status, &page(visitor, state, &outcome, form))
}

/// Leads on to the form for a monitor; mails have no other address for it, since they cannot know who opens them.
pub async fn monitor_this(
    visitor: Visitor,
    State(state): State<AppState>,
    Path(token): Path<String>,
) -> PageResult {
    ask::require(&state)?;
    let run = find_named(&state, &token).await?;
    match monitor(&visitor, &state, run.tool, &run.target) {
        Some(form) => see_other(&form),
        None => see_other(&format!("/tools/r/{}", run.id)),
    }
}

/// The run that a path names.
pub(super) async fn find_named(state: &AppState, token: &str) -> PageResult<Run> {
    let id: RunId = token.parse().map_err(|_| PageError::NotFound)?;
    find(state, id).await?.ok_or(PageError::NotFound)
}

fn page<'a>(
    visitor: &Visitor,
    state: &AppState,
    outcome: &'a Outcome,
    form: WatchForm,
) -> ResultPage<'a> {
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
    let waiting = !run.is_done() && state.now() < run.deadline;
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
        waiting,
        json: format!("{link}.json"),
        link,
        monitor: monitor(visitor, state, run.tool, &run.target),
        // A page that asks anew every two seconds is none to type in.
        watch: (!waiting && watches::may_ask(state, run)).then_some(form),
    }
}

/// The form for a monitor with the target in it; by way of a sign-up for whoever has no account.
pub(super) fn monitor(
    visitor: &Visitor,
    state: &AppState,
    tool: Tool,
    target: &str,
) -> Option<String> {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("url", target);
    if visitor.signed_in.is_some() {
        let kind = match tool {
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
        return Ok(json::refusal(StatusCode::NOT_FOUND, why));
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

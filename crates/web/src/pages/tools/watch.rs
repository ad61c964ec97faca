//! "Watch it and mail me when it is back". A link of a mail shows a page with one button: mail scanners open links
//! too.

use askama::Template;
use axum::extract::{Path, State};
use domain::account::EmailAddress;
use domain::tools::Tool;
use domain::tools::watch::{AT_MOST, Outcome, back, host, not_back};
use domain::words::capitalised;
use http::{HeaderValue, StatusCode, header};
use incidents::links::{self, Again};
use jiff::tz::TimeZone;
use store::tool_watches::Watch;
use store::tool_watches::targets::Watched;

use super::result::{self, WatchForm};
use super::{ask, path};
use crate::error::{PageError, PageResult};
use crate::extract::{ClientIp, Fields, FormErrors, Visitor};
use crate::state::AppState;
use crate::usecases::tools::{ToolError, Visit};
use crate::usecases::watches;
use crate::view::{Moment, Shell, render, render_with, see_other};

/// Characters of an address that come back into the form.
const TYPED: usize = 254;

#[derive(Template)]
#[template(path = "tools/watch_sent.html")]
struct SentPage {
    shell: Shell,
    host: String,
    when_back: String,
    email: EmailAddress,
    result: String,
    outbox: bool,
}

/// Takes an address, and has its reader asked.
pub async fn ask(
    visitor: Visitor,
    State(state): State<AppState>,
    Path(token): Path<String>,
    ip: ClientIp,
    fields: Fields,
) -> PageResult {
    ask::require(&state)?;
    let run = result::find_named(&state, &token).await?;
    let visit = Visit {
        network: ip.network(),
        member: visitor.signed_in.is_some(),
    };
    let mut form = WatchForm {
        email: fields.text("email").chars().take(TYPED).collect(),
        errors: fields.errors(),
    };
    let Ok(email) = EmailAddress::parse(fields.text("email")) else {
        let why = "Email: this is not an address. It looks like name@shop.example.";
        form.errors.add("email", why);
        let refused = (StatusCode::UNPROCESSABLE_ENTITY, form);
        return result::refuse_watch(&visitor, &state, run, refused);
    };
    if let Err(error) = watches::ask(&state, &visit, &run, &email).await {
        let (status, message, retry_after) = ask::refused(error)?;
        form.errors.add("email", message);
        let answer = result::refuse_watch(&visitor, &state, run, (status, form));
        return answer.map(|answer| later(answer, retry_after));
    }
    let host = host(&run.target);
    render(&SentPage {
        shell: visitor.shell("Look into your mail").section("tools"),
        when_back: back(run.tool, &host),
        host,
        email,
        result: format!("/tools/r/{}", run.id),
        outbox: state.config.outbox,
    })
}

fn later(
    mut answer: axum::response::Response,
    retry_after: Option<u64>,
) -> axum::response::Response {
    if let Some(seconds) = retry_after {
        let headers = answer.headers_mut();
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    answer
}

/// Where a watch stands.
enum Stand {
    /// To be confirmed.
    Asked,
    /// Looked at every minute.
    Watched {
        since: Moment,
        until: Moment,
        /// What was seen last, and when.
        seen: Option<(String, Moment)>,
        /// One good round: one more, and it is back.
        nearly: bool,
    },
    /// It has ended.
    Over { outcome: Outcome, at: Moment },
}

#[derive(Template)]
#[template(path = "tools/watch.html")]
struct WatchPage {
    shell: Shell,
    token: String,
    host: String,
    target: String,
    when_back: String,
    not_back: String,
    stand: Stand,
    /// Its end is asked for.
    ending: bool,
    /// Why it cannot be confirmed just now.
    refused: Option<String>,
    /// The look that says how it ended.
    result: Option<String>,
    /// The page itself, where it is one.
    open: Option<String>,
    /// Where one looks anew.
    again: String,
    monitor: Option<String>,
    /// Hours that a watch goes on.
    hours: i64,
}

impl WatchPage {
    const fn is_over(&self) -> bool {
        matches!(self.stand, Stand::Over { .. })
    }

    const fn is_asked(&self) -> bool {
        matches!(self.stand, Stand::Asked)
    }

    /// It ended because its target is up.
    const fn is_up(&self) -> bool {
        matches!(
            self.stand,
            Stand::Over {
                outcome: Outcome::Back | Outcome::AlreadyBack,
                ..
            }
        )
    }

    /// Seconds after which the page asks anew.
    const fn refresh(&self) -> Option<u32> {
        match &self.stand {
            _ if self.ending => None,
            Stand::Watched { seen: None, .. } => Some(3),
            Stand::Watched { .. } => Some(30),
            Stand::Asked | Stand::Over { .. } => None,
        }
    }
}

fn moment(at: jiff::Timestamp) -> Moment {
    Moment::new(at, TimeZone::UTC)
}

fn stand(watch: &Watch, target: Option<&Watched>) -> Stand {
    if let Some((at, outcome)) = watch.ended {
        return Stand::Over {
            outcome,
            at: moment(at),
        };
    }
    let Some(since) = watch.confirmed_at else {
        return Stand::Asked;
    };
    let seen = target.and_then(|target| target.seen.as_ref());
    Stand::Watched {
        since: moment(since),
        until: moment(since + AT_MOST),
        seen: seen.map(|(seen, at)| (capitalised(&seen.sentence()), moment(*at))),
        nearly: target.is_some_and(|target| target.progress.good_rounds > 0),
    }
}

fn page(
    visitor: &Visitor,
    state: &AppState,
    token: &str,
    (watch, target): (&Watch, Option<&Watched>),
) -> WatchPage {
    let host = host(&watch.target);
    let stand = stand(watch, target);
    let title = match &stand {
        Stand::Asked => format!("Watch {host}?"),
        Stand::Watched { .. } => format!("Watching {host}"),
        Stand::Over { outcome, .. } => match outcome {
            Outcome::Back | Outcome::AlreadyBack => back(watch.tool, &host),
            Outcome::Stopped => not_back(watch.tool, &host),
            Outcome::Ended => format!("{host} is not watched any more"),
        },
    };
    let query: String = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("target", &watch.target)
        .finish();
    WatchPage {
        shell: visitor.shell(title).section("tools"),
        token: token.to_owned(),
        when_back: back(watch.tool, &host),
        not_back: not_back(watch.tool, &host),
        host,
        target: watch.target.clone(),
        stand,
        ending: false,
        refused: None,
        result: watch.run_id.map(|run| format!("/tools/r/{run}")),
        open: (watch.tool == Tool::Down).then(|| watch.target.clone()),
        again: format!("{}?{query}", path(watch.tool)),
        monitor: result::monitor(visitor, state, watch.tool, &watch.target),
        hours: AT_MOST.as_hours(),
    }
}

/// Where the watch of a link stands, with the one button that there is to press.
pub async fn show(
    visitor: Visitor,
    State(state): State<AppState>,
    Path(token): Path<String>,
) -> PageResult {
    let Some((watch, target)) = watches::find(&state, &token).await? else {
        return gone(&visitor);
    };
    let found = (&watch, target.as_ref());
    render(&page(&visitor, &state, &token, found))
}

/// Asks whether it is to end.
pub async fn show_end(
    visitor: Visitor,
    State(state): State<AppState>,
    Path(token): Path<String>,
) -> PageResult {
    let Some((watch, target)) = watches::find(&state, &token).await? else {
        return gone(&visitor);
    };
    let found = (&watch, target.as_ref());
    let page = WatchPage {
        ending: watch.is_open(),
        ..page(&visitor, &state, &token, found)
    };
    render(&page)
}

/// Confirms it, and waits for the first look.
pub async fn confirm(
    visitor: Visitor,
    State(state): State<AppState>,
    Path(token): Path<String>,
) -> PageResult {
    ask::require(&state)?;
    let error = match watches::confirm(&state, &token).await {
        Ok(()) => return see_other(&format!("/tools/watch/{token}")),
        Err(ToolError::Page(PageError::NotFound)) => return gone(&visitor),
        Err(error) => error,
    };
    let (status, why, retry_after) = ask::refused(error)?;
    let Some((watch, target)) = watches::find(&state, &token).await? else {
        return gone(&visitor);
    };
    let page = WatchPage {
        refused: Some(why),
        ..page(&visitor, &state, &token, (&watch, target.as_ref()))
    };
    render_with(status, &page).map(|answer| later(answer, retry_after))
}

/// Ends it. Works while the tools are off too: what we hold of somebody can always be taken back.
pub async fn end(
    visitor: Visitor,
    State(state): State<AppState>,
    Path(token): Path<String>,
) -> PageResult {
    match watches::end(&state, &token).await {
        Ok(()) => see_other(&format!("/tools/watch/{token}")),
        Err(ToolError::Page(PageError::NotFound)) => gone(&visitor),
        Err(ToolError::Page(error)) => Err(error),
        Err(other) => Err(PageError::internal(other)),
    }
}

#[derive(Template)]
#[template(path = "tools/watch_gone.html")]
struct GonePage {
    shell: Shell,
}

/// There is no such watch, or not any more.
fn gone(visitor: &Visitor) -> PageResult {
    let page = GonePage {
        shell: visitor.shell("This link has run out").section("tools"),
    };
    render_with(StatusCode::NOT_FOUND, &page)
}

#[derive(Template)]
#[template(path = "tools/watch_again.html")]
struct AgainPage {
    shell: Shell,
    host: String,
    target: String,
    when_back: String,
    errors: FormErrors,
    hours: i64,
}

/// The watch and the address of a link that begins it again.
async fn of_link(state: &AppState, token: &str) -> PageResult<Option<(Watch, EmailAddress)>> {
    ask::require(state)?;
    let Some(Again::Watch(id, address)) = links::read_again(&state.secrets, token, state.now())
    else {
        return Ok(None);
    };
    let watch = watches::find_ended(state, id).await?;
    Ok(watch.map(|watch| (watch, address)))
}

fn again_page(visitor: &Visitor, watch: &Watch, errors: FormErrors) -> AgainPage {
    let host = host(&watch.target);
    AgainPage {
        shell: visitor
            .shell(format!("Watch {host} again?"))
            .section("tools"),
        when_back: back(watch.tool, &host),
        host,
        target: watch.target.clone(),
        errors,
        hours: AT_MOST.as_hours(),
    }
}

/// A page with one button.
pub async fn show_again(
    visitor: Visitor,
    State(state): State<AppState>,
    Path(token): Path<String>,
) -> PageResult {
    match of_link(&state, &token).await? {
        Some((watch, _)) => render(&again_page(&visitor, &watch, FormErrors::new())),
        None => gone(&visitor),
    }
}

/// Begins it again: the link came to the address, so there is nothing more to confirm.
pub async fn again(
    visitor: Visitor,
    State(state): State<AppState>,
    Path(token): Path<String>,
) -> PageResult {
    let Some((watch, address)) = of_link(&state, &token).await? else {
        return gone(&visitor);
    };
    match watches::begin_again(&state, &watch, &address).await {
        Ok(page) => see_other(&format!("/tools/watch/{page}")),
        Err(error) => {
            let (status, why, retry_after) = ask::refused(error)?;
            let page = again_page(&visitor, &watch, FormErrors::one("begin", why));
            render_with(status, &page).map(|answer| later(answer, retry_after))
        }
    }
}

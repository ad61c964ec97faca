//! "Watch it and mail me when it is back": what a visitor asks for at a result, confirms by a link, and ends.
//!
//! Whoever asks is answered alike, whatever we know of the address. Mails are counted by address, requests by
//! network and in all; nothing is looked at before the reader of the address has pressed a button.

use std::time::Duration;

use domain::account::EmailAddress;
use domain::monitor::MonitorSpec;
use domain::target::AddressPolicy;
use domain::tools::watch::{MOST_OF_SITE, MOST_OPEN, MOST_TARGETS, ROUND, is_offered};
use domain::tools::{RunId, read};
use incidents::watches::{self, Begun, Confirmed};
use store::tool_looks::Run;
use store::tool_watches::targets::{self, Watched};
use store::tool_watches::{self, Target, Watch};
use tokio::time::Instant;

use super::tools::{ToolError, Visit, may_look_inside, site, take};
use crate::error::PageError;
use crate::state::AppState;
use crate::throttle;

/// How long whoever confirms waits for the first round.
const PATIENCE: Duration = Duration::from_secs(14);
/// Between two readings of what came of it.
const POLL: Duration = Duration::from_millis(300);

/// The verdicts of a run, as far as regions have answered.
pub fn verdicts(run: &Run) -> Vec<domain::check::VerdictKind> {
    let results = run.looks.iter().filter_map(|look| look.result.as_ref());
    results.map(|result| result.check.verdict).collect()
}

/// Whether somebody may wait for the end of what a result shows.
pub fn may_ask(state: &AppState, run: &Run) -> bool {
    state.config.email_available && is_offered(run.tool, &verdicts(run))
}

/// How a target is looked at: its looks, and what is counted with it.
fn looked(of: Target<'_>, policy: AddressPolicy) -> Result<(MonitorSpec, String), ToolError> {
    let mut asked =
        read(of.tool, of.target, policy).map_err(|refusal| ToolError::Refused(refusal.0))?;
    match asked.parts.pop() {
        Some(part) if asked.parts.is_empty() => Ok((part, site(&asked.host))),
        _ => Err(PageError::NotFound.into()),
    }
}

fn policy(state: &AppState, inside: bool) -> AddressPolicy {
    match inside {
        true => state.config.address_policy,
        false => AddressPolicy::Hosted,
    }
}

/// Takes down that an address waits for what a result shows, and has it asked to confirm.
pub async fn ask(
    state: &AppState,
    visit: &Visit,
    run: &Run,
    address: &EmailAddress,
) -> Result<(), ToolError> {
    if !may_ask(state, run) {
        let why = "There is nothing to wait for: in this result it is not down. Look again.";
        return Err(ToolError::Refused(why.to_owned()));
    }
    let of = Target {
        tool: run.tool,
        target: &run.target,
        inside: may_look_inside(state, visit),
    };
    let (_, site) = looked(of, policy(state, of.inside))?;
    for limit in [throttle::WATCH_NETWORK, throttle::WATCH_NETWORK_DAY] {
        let mine = "You have asked for as many mails as one visitor may.";
        take(state, limit, &visit.network, mine).await?;
    }
    let all = "Too many people ask for such mails just now.";
    take(state, throttle::WATCH_ALL, "all", all).await?;
    let now = state.now();
    let mut transaction = store::begin(&state.pool).await?;
    let most = (MOST_TARGETS, MOST_OF_SITE);
    let (targets, of_site) = targets::count_others(&mut transaction, of, &site, most).await?;
    let open = tool_watches::count_open(&mut transaction, MOST_OPEN).await?;
    if targets >= MOST_TARGETS || of_site >= MOST_OF_SITE || open >= MOST_OPEN {
        return Err(full());
    }
    // Both are counted whatever comes of them, so that racing requests for one address wait for one another.
    let key = address.canonical();
    let mut over = false;
    for limit in [throttle::WATCH_ADDRESS, throttle::CLAIM_ADDRESS] {
        over |= throttle::take_within(&mut transaction, state, limit, &key, now)
            .await?
            .is_some();
    }
    // Whether an address has had its mails is nobody's business but its reader's.
    if !over {
        watches::ask(&mut transaction, &state.secrets, of, address, now)
            .await
            .map_err(PageError::internal)?;
    }
    transaction.commit().await?;
    Ok(())
}

fn full() -> ToolError {
    let why = "As many targets as we can are watched just now. Try again in 10 min.";
    ToolError::TooSoon(why.to_owned(), 600)
}

/// The watch of a token, with what it waits for.
pub async fn find(
    state: &AppState,
    token: &str,
) -> Result<Option<(Watch, Option<Watched>)>, PageError> {
    let mut connection = state.pool.acquire().await?;
    let Some(watch) = tool_watches::find(&mut connection, token, state.now()).await? else {
        return Ok(None);
    };
    let target = match watch.target_id {
        Some(id) => targets::find(&mut connection, id).await?,
        None => None,
    };
    Ok(Some((watch, target)))
}

/// Begins a watch and waits for the first look. What is up already is said at the page, and the watch ends
/// without a mail; where nobody is there to be told (the look took too long, the browser went away) it goes on,
/// and a mail says it.
pub async fn confirm(state: &AppState, token: &str) -> Result<(), ToolError> {
    let (watch, _) = find(state, token).await?.ok_or(PageError::NotFound)?;
    if !watch.is_open() {
        return Ok(());
    }
    let (spec, site) = looked(watch.of(), policy(state, watch.inside))?;
    let mut transaction = store::begin(&state.pool).await?;
    let (now, looked) = (state.now(), (&spec, site.as_str()));
    let confirmed = watches::confirm(&mut transaction, &state.secrets, watch.id, looked, now)
        .await
        .map_err(PageError::internal)?;
    if confirmed == Confirmed::Full {
        return Err(full());
    }
    transaction.commit().await?;
    first_look(state, token).await
}

/// Waits for the first round after a confirmation; one that was judged a moment before it, for somebody else,
/// will do.
async fn first_look(state: &AppState, token: &str) -> Result<(), ToolError> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let Some((watch, Some(target))) = find(state, token).await? else {
            return Ok(());
        };
        let since = watch.confirmed_at.map(|at| at - ROUND);
        let seen = target.seen.filter(|(_, at)| Some(*at) >= since);
        if seen.is_some() && target.progress.good_rounds > 0 {
            return already_back(state, &watch, target.run_id).await;
        }
        let now = Instant::now();
        if seen.is_some() || now >= deadline {
            return Ok(());
        }
        tokio::time::sleep(POLL.min(deadline - now)).await;
    }
}

async fn already_back(
    state: &AppState,
    watch: &Watch,
    run: Option<RunId>,
) -> Result<(), ToolError> {
    let mut transaction = store::begin(&state.pool).await?;
    watches::mark_already_back(&mut transaction, watch.id, run, state.now())
        .await
        .map_err(PageError::internal)?;
    transaction.commit().await?;
    Ok(())
}

/// Ends a watch and erases its address. Ending twice is ending once.
pub async fn end(state: &AppState, token: &str) -> Result<(), ToolError> {
    let (watch, _) = find(state, token).await?.ok_or(PageError::NotFound)?;
    let mut transaction = store::begin(&state.pool).await?;
    watches::end(&mut transaction, watch.id, state.now())
        .await
        .map_err(PageError::internal)?;
    transaction.commit().await?;
    Ok(())
}

/// Begins an ended watch again for the address in its link; gives the token of its page.
pub async fn begin_again(
    state: &AppState,
    ended: &Watch,
    address: &EmailAddress,
) -> Result<String, ToolError> {
    let of = ended.of();
    let (spec, site) = looked(of, policy(state, of.inside))?;
    let now = state.now();
    let mut transaction = store::begin(&state.pool).await?;
    let (limit, key) = (throttle::WATCH_AGAIN, address.canonical());
    let over = throttle::take_within(&mut transaction, state, limit, &key, now).await?;
    if let Some(seconds) = over {
        let why = "This address has begun as many watches as it may in an hour.".to_owned();
        transaction.commit().await?;
        return Err(ToolError::TooSoon(why, seconds));
    }
    let looked = (&spec, site.as_str());
    let begun = watches::begin_again(&mut transaction, &state.secrets, (of, address), looked, now)
        .await
        .map_err(PageError::internal)?;
    let token = match begun {
        Begun::Watched(token) => token,
        Begun::Full => return Err(full()),
        Begun::TooMany => {
            let why = "You wait for three targets already. End one of them by the link in its mail, and press again.";
            return Err(ToolError::Refused(why.to_owned()));
        }
        Begun::Refused => {
            let why = "Somebody who reads this address has said that nobody may write to it.";
            return Err(ToolError::Refused(why.to_owned()));
        }
    };
    transaction.commit().await?;
    first_look(state, &token).await?;
    Ok(token)
}

/// The ended watch that a link begins again.
pub async fn find_ended(state: &AppState, id: uuid::Uuid) -> Result<Option<Watch>, PageError> {
    let mut connection = state.pool.acquire().await?;
    Ok(tool_watches::find_by_id(&mut connection, id).await?)
}

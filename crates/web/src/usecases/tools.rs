//! Looks that anybody may ask for without an account: judged, counted, written down, waited for.
//!
//! Nobody can make a weapon of us: looks are counted by network, by target over all visitors, and in all;
//! the same question within seconds gets the same answer, and a target that too many ask about is shown as
//! it was last seen.

use std::time::Duration;

use domain::target::AddressPolicy;
use domain::tools::{Asked, GRACE, MOST_OPEN, MOST_REGIONS, RunId, TIMEOUT, Tool, read};
use jiff::SignedDuration;
use store::tool_looks::{self, NewRun};
use tokio::time::Instant;

use crate::config::ToolsMode;
use crate::error::PageError;
use crate::events::Event;
use crate::state::AppState;
use crate::throttle::{self, Limit};

/// The same question within this time is not asked again.
const SAME: SignedDuration = SignedDuration::from_secs(5);
/// What was seen this long ago is better than nothing where a target is asked about too often.
const RECENT: SignedDuration = SignedDuration::from_secs(120);
/// A notice only wakes; the truth is read this often all the same.
const POLL: Duration = Duration::from_millis(500);

/// Who asks.
#[derive(Debug, Clone)]
pub struct Visit {
    /// The network of the visitor's address.
    pub network: String,
    /// Signed in.
    pub member: bool,
}

/// Why nothing is looked at.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    /// The target: one sentence.
    #[error("{0}")]
    Refused(String),
    /// Too often: one sentence, and the seconds to wait.
    #[error("{0}")]
    TooSoon(String, u64),
    /// Nobody looks just now.
    #[error("{0}")]
    Unavailable(&'static str),
    /// Anything else.
    #[error(transparent)]
    Page(#[from] PageError),
}

impl From<store::Error> for ToolError {
    fn from(error: store::Error) -> Self {
        Self::Page(error.into())
    }
}

impl From<sqlx::Error> for ToolError {
    fn from(error: sqlx::Error) -> Self {
        Self::Page(error.into())
    }
}

/// Asks every region that lives; gives the name of the result.
pub async fn ask(
    state: &AppState,
    visit: &Visit,
    tool: Tool,
    text: &str,
) -> Result<RunId, ToolError> {
    let inside = may_look_inside(state, visit);
    let policy = match inside {
        true => state.config.address_policy,
        false => AddressPolicy::Hosted,
    };
    let asked = read(tool, text, policy).map_err(|refusal| ToolError::Refused(refusal.0))?;
    let question = (tool, asked.target.as_str(), inside);
    for limit in [throttle::TOOLS_NETWORK, throttle::TOOLS_NETWORK_HOUR] {
        let mine = "You have asked for as many looks as one visitor may.";
        take(state, limit, &visit.network, mine).await?;
    }
    let mut connection = state.pool.acquire().await?;
    if let Some(id) = tool_looks::find_same(&mut connection, question, state.now() - SAME).await? {
        return Ok(id);
    }
    drop(connection);
    if let Err(error) = take_target(state, &asked).await {
        // Its readers want to know how it is; it was looked at a moment ago.
        let mut connection = state.pool.acquire().await?;
        let since = state.now() - RECENT;
        let found = tool_looks::find_same(&mut connection, question, since).await?;
        return found.ok_or(error);
    }
    insert(state, tool, &asked, inside).await
}

/// Private addresses are for members, unless the operator opens them to all.
pub(super) fn may_look_inside(state: &AppState, visit: &Visit) -> bool {
    state.config.address_policy == AddressPolicy::SelfHosted
        && (visit.member || state.config.tools == ToolsMode::Inside)
}

async fn take_target(state: &AppState, asked: &Asked) -> Result<(), ToolError> {
    let target = "Too many people ask about this target just now.";
    take(state, throttle::TOOLS_TARGET, &asked.host, target).await?;
    take(state, throttle::TOOLS_SITE, &site(&asked.host), target).await?;
    let all = "Too many people use these tools just now.";
    take(state, throttle::TOOLS_ALL, "all", all).await?;
    take(state, throttle::TOOLS_ALL_HOUR, "all", all).await
}

/// What is counted together, so that many names of one owner are not many targets: the last two labels
/// of a name, the /24 or /48 of an address.
pub(super) fn site(host: &str) -> String {
    use std::net::IpAddr;
    match host.parse() {
        Ok(IpAddr::V4(ip)) => {
            let [a, b, c, _] = ip.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        Ok(IpAddr::V6(ip)) => {
            let [a, b, c, ..] = ip.segments();
            format!("{a:x}:{b:x}:{c:x}::/48")
        }
        Err(_) => {
            let labels: Vec<&str> = host.rsplitn(3, '.').take(2).collect();
            labels.join(".")
        }
    }
}

pub(super) async fn take(
    state: &AppState,
    limit: Limit,
    key: &str,
    why: &str,
) -> Result<(), ToolError> {
    match throttle::take(state, limit, key).await {
        Err(PageError::TooManyRequests { retry_after }) => {
            let seconds = i64::try_from(retry_after).unwrap_or(i64::MAX);
            let wait = domain::words::duration(SignedDuration::from_secs(seconds));
            Err(ToolError::TooSoon(
                format!("{why} Try again in {wait}."),
                retry_after,
            ))
        }
        other => Ok(other?),
    }
}

async fn insert(
    state: &AppState,
    tool: Tool,
    asked: &Asked,
    inside: bool,
) -> Result<RunId, ToolError> {
    let mut transaction = store::begin(&state.pool).await?;
    let living = store::blind::list_sights(&mut transaction).await?;
    let regions: Vec<String> = living
        .into_iter()
        .map(|sight| sight.region)
        .take(MOST_REGIONS)
        .collect();
    if regions.is_empty() {
        return Err(ToolError::Unavailable(
            "No worker is there to look just now. This is our fault, and says nothing about the target.",
        ));
    }
    let now = state.now();
    if tool_looks::count_open(&mut transaction, now, MOST_OPEN).await? >= MOST_OPEN {
        let why = "Too many looks are under way just now. Try again in 15 s.";
        return Err(ToolError::TooSoon(why.to_owned(), 15));
    }
    let patience = SignedDuration::try_from(TIMEOUT + GRACE).unwrap_or(SignedDuration::ZERO);
    let run = NewRun {
        id: RunId::generate(),
        tool,
        target: &asked.target,
        inside,
        watch: false,
        created_at: now,
        deadline: now + patience,
    };
    tool_looks::insert(&mut transaction, &run, &regions, &asked.parts).await?;
    transaction.commit().await?;
    Ok(run.id)
}

/// Waits until every region has answered, or for as long as that is worth it.
pub async fn wait(state: &AppState, id: RunId) -> Result<(), ToolError> {
    let mut events = state.events.subscribe();
    let news = Event::LookDone(domain::ids::LookRequestId::from_uuid(id.uuid()));
    let deadline = Instant::now() + TIMEOUT + GRACE;
    loop {
        let mut connection = state.pool.acquire().await?;
        let done = tool_looks::is_done(&mut connection, id).await?;
        drop(connection);
        let now = Instant::now();
        if done != Some(false) || now >= deadline {
            return Ok(());
        }
        let done = async {
            while let Ok(event) = events.recv().await {
                if matches!(event, Event::Rescan) || event == news {
                    break;
                }
            }
        };
        // Either way the table is read next.
        let _ = tokio::time::timeout(POLL.min(deadline - now), done).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_one_owner_are_counted_together() {
        for (host, counted) in [
            ("a.b.shop.example", "example.shop"),
            ("shop.example", "example.shop"),
            ("203.0.113.7", "203.0.113.0/24"),
            ("2001:db8:1:2::3", "2001:db8:1::/48"),
        ] {
            assert_eq!(site(host), counted);
        }
    }
}

//! "Watch it and mail me when it is back", without an account. [`commands`] is what people do; here is what time
//! does: rounds of looks are asked for and judged, and whoever waits is told.
//!
//! A round is a run of `tool_looks`, which workers of every region answer as they answer visitors. What it says is
//! kept with the target before anybody is told; each watch then ends in one transaction with its mail and that
//! mail's job. So a process that dies in between loses nothing, and nobody is told twice.

mod commands;

pub use commands::{
    Begun, Confirmed, ask, begin_again, confirm, end, end_all_of, mark_already_back,
};

use domain::account::EmailAddress;
use domain::contact::Channel;
use domain::delivery::AccountMessage;
use domain::tools::watch::{
    self, AT_MOST, CONFIRM_WITHIN, KEPT, MOST_TARGETS, Outcome, ROUND_ENDS, Seen,
};
use domain::tools::{MOST_REGIONS, RunId};
use jiff::{SignedDuration, Timestamp};
use sqlx::{PgConnection, PgPool};
use store::account_messages::NewAccountMessage;
use store::tool_looks::{self, NewRun};
use store::tool_watches::targets::{self, Watched};
use store::tool_watches::{self, Watch};
use store::{Secrets, blind};
use uuid::Uuid;

use crate::{Result, links, owners};

/// Watches that are told, and old ones that are forgotten, in one round.
const BATCH: i64 = 500;
/// A run is looked for among those of this time.
const RECENT: SignedDuration = SignedDuration::from_hours(24);

/// Does what is due. What fails is tried again in the next round, and holds up nothing else.
pub async fn round(pool: &PgPool, secrets: &Secrets, now: Timestamp) -> Result<()> {
    for id in list_answered(pool, now).await? {
        logged(judge(pool, id, now).await, id, "a round is not judged");
    }
    for id in list_due(pool, now).await? {
        logged(
            ask_round(pool, id, now).await,
            id,
            "a round is not asked for",
        );
    }
    for id in list_back(pool).await? {
        logged(
            tell_back(pool, secrets, id, now).await,
            id,
            "nobody is told that it is back",
        );
    }
    for id in list_over(pool, now).await? {
        logged(
            stop(pool, secrets, id, now).await,
            id,
            "a watch is not stopped",
        );
    }
    for id in list_unwatched(pool).await? {
        logged(forget(pool, id).await, id, "a target is not forgotten");
    }
    let mut connection = pool.acquire().await?;
    let before = (now - CONFIRM_WITHIN, now - KEPT);
    tool_watches::prune(&mut connection, before, BATCH).await?;
    Ok(())
}

fn logged(outcome: Result<()>, id: Uuid, what: &str) {
    if let Err(error) = outcome {
        tracing::error!(watch.id = %id, %error, "{what}");
    }
}

async fn list_answered(pool: &PgPool, now: Timestamp) -> Result<Vec<Uuid>> {
    let mut connection = pool.acquire().await?;
    Ok(targets::list_answered(&mut connection, now, MOST_TARGETS).await?)
}

async fn list_due(pool: &PgPool, now: Timestamp) -> Result<Vec<Uuid>> {
    let mut connection = pool.acquire().await?;
    Ok(targets::list_due(&mut connection, now, MOST_TARGETS).await?)
}

async fn list_back(pool: &PgPool) -> Result<Vec<Uuid>> {
    let mut connection = pool.acquire().await?;
    Ok(tool_watches::list_back(&mut connection, BATCH).await?)
}

async fn list_over(pool: &PgPool, now: Timestamp) -> Result<Vec<Uuid>> {
    let mut connection = pool.acquire().await?;
    Ok(tool_watches::list_confirmed(&mut connection, now - AT_MOST, BATCH).await?)
}

async fn list_unwatched(pool: &PgPool) -> Result<Vec<Uuid>> {
    let mut connection = pool.acquire().await?;
    Ok(targets::list_unwatched(&mut connection, BATCH).await?)
}

/// Asks every region that lives for a look.
async fn ask_round(pool: &PgPool, id: Uuid, now: Timestamp) -> Result<()> {
    let mut transaction = store::begin(pool).await?;
    let Some(due) = targets::try_lock(&mut transaction, id).await? else {
        return Ok(());
    };
    if due.back_at.is_some() || due.round_ends_at.is_some() || due.next_at > now {
        return Ok(());
    }
    let living = blind::list_sights(&mut transaction).await?;
    let regions: Vec<String> = living
        .into_iter()
        .map(|sight| sight.region)
        .take(MOST_REGIONS)
        .collect();
    // Nobody is there to look: it stays due.
    if regions.is_empty() {
        return Ok(());
    }
    if let Some(last) = due.run_id {
        tool_looks::delete_round(&mut transaction, last).await?;
    }
    let run = NewRun {
        id: RunId::generate(),
        tool: due.tool,
        target: &due.target,
        inside: due.inside,
        watch: true,
        created_at: now,
        deadline: now + ROUND_ENDS,
    };
    tool_looks::insert(
        &mut transaction,
        &run,
        &regions,
        std::slice::from_ref(&due.spec),
    )
    .await?;
    targets::mark_asked(&mut transaction, id, (run.id, run.deadline), now).await?;
    transaction.commit().await?;
    Ok(())
}

/// Reads what the regions answered.
async fn judge(pool: &PgPool, id: Uuid, now: Timestamp) -> Result<()> {
    let mut transaction = store::begin(pool).await?;
    let Some(target) = targets::try_lock(&mut transaction, id).await? else {
        return Ok(());
    };
    let (Some(run_id), Some(_), None) = (target.run_id, target.round_ends_at, target.back_at)
    else {
        return Ok(());
    };
    let run = match tool_looks::find(&mut transaction, run_id, now - RECENT).await {
        Ok(run) => run,
        // What cannot be read says nothing, and must not be read for ever.
        Err(error) if !error.is_unavailable() => {
            tracing::error!(watch.id = %id, %error, "the looks of a round cannot be read");
            None
        }
        Err(error) => return Err(error.into()),
    };
    if run
        .as_ref()
        .is_some_and(|run| !run.is_done() && now < run.deadline)
    {
        return Ok(());
    }
    let began = run.as_ref().map_or(now, |run| run.created_at);
    let looks = run.iter().flat_map(|run| &run.looks);
    let checks: Vec<_> = looks
        .filter_map(|look| Some(&look.result.as_ref()?.check))
        .collect();
    let said = watch::round(checks.iter().map(|check| check.verdict));
    let progress = target.progress.after(said, began);
    let seen = Seen::of(target.tool, checks.iter().copied());
    let seen = seen.as_ref().map(|seen| (seen, began));
    let back_at = progress.back_since().map(|_| now);
    targets::mark_judged(&mut transaction, id, progress, seen, back_at).await?;
    transaction.commit().await?;
    Ok(())
}

/// A watch for whoever ends it with a mail: its row is locked, and its address can be read.
struct Waiting {
    watch: Watch,
    confirmed_at: Timestamp,
    target: Watched,
    address: EmailAddress,
}

/// `None`: it has ended, or it ends here, since nobody could be told.
async fn waiting(
    connection: &mut PgConnection,
    secrets: &Secrets,
    id: Uuid,
    now: Timestamp,
) -> Result<Option<Waiting>> {
    let Some(watch) = tool_watches::lock(connection, id).await? else {
        return Ok(None);
    };
    let (Some(confirmed_at), Some(target_id), true) =
        (watch.confirmed_at, watch.target_id, watch.is_open())
    else {
        return Ok(None);
    };
    let Some(target) = targets::find(connection, target_id).await? else {
        return Ok(None);
    };
    match watch.address(secrets) {
        Ok(Some(address)) => Ok(Some(Waiting {
            watch,
            confirmed_at,
            target,
            address,
        })),
        Ok(None) => Ok(None),
        Err(error) => {
            tracing::error!(watch.id = %id, %error, "an address cannot be read; its watch ends");
            tool_watches::end(connection, id, (Outcome::Ended, None), now).await?;
            Ok(None)
        }
    }
}

async fn tell_back(pool: &PgPool, secrets: &Secrets, id: Uuid, now: Timestamp) -> Result<()> {
    let mut transaction = store::begin(pool).await?;
    let found = waiting(&mut transaction, secrets, id, now).await?;
    if let Some(told) = found.filter(|found| found.target.back_at.is_some()) {
        let Watched {
            run_id,
            progress,
            seen,
            ..
        } = told.target;
        let message = AccountMessage::WatchBack {
            to: told.address.to_string(),
            tool: told.watch.tool,
            target: told.watch.target,
            since: told.confirmed_at,
            back_since: progress.good_since.unwrap_or(now),
            seen: seen.map(|(seen, _)| seen.sentence()).unwrap_or_default(),
            run: run_id.map(|run| run.to_string()).unwrap_or_default(),
            token: tool_watches::token(secrets, id),
        };
        tool_watches::end(&mut transaction, id, (Outcome::Back, run_id), now).await?;
        write(&mut transaction, secrets, (id, message), None, now).await?;
    }
    transaction.commit().await?;
    Ok(())
}

async fn stop(pool: &PgPool, secrets: &Secrets, id: Uuid, now: Timestamp) -> Result<()> {
    let mut transaction = store::begin(pool).await?;
    let found = waiting(&mut transaction, secrets, id, now).await?;
    let over = found.filter(|found| {
        let target = &found.target;
        target.back_at.is_none() && watch::is_over(found.confirmed_at, target.progress, now)
    });
    if let Some(over) = over {
        // What was seen before this watch began is no word about it.
        let seen = over.target.seen.filter(|(_, at)| *at >= over.confirmed_at);
        let message = AccountMessage::WatchStopped {
            to: over.address.to_string(),
            tool: over.watch.tool,
            target: over.watch.target,
            since: over.confirmed_at,
            seen: seen.map(|(seen, at)| (seen.sentence(), at)),
            token: tool_watches::token(secrets, id),
            again: links::again_token(secrets, (id, &over.address), now)?,
        };
        tool_watches::end(&mut transaction, id, (Outcome::Stopped, None), now).await?;
        write(&mut transaction, secrets, (id, message), None, now).await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// Writes a mail of a watch down, and the job that sends it.
async fn write(
    connection: &mut PgConnection,
    secrets: &Secrets,
    (watch, message): (Uuid, AccountMessage),
    expires_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<()> {
    let new = NewAccountMessage {
        user_id: None,
        account_id: None,
        channel: Channel::Email,
        address: String::new(),
        message,
        expires_at,
    };
    let id = owners::write(connection, secrets, &new, now).await?;
    Ok(tool_watches::note_message(connection, watch, id).await?)
}

/// Removes a target that nobody waits for.
async fn forget(pool: &PgPool, id: Uuid) -> Result<()> {
    let mut transaction = store::begin(pool).await?;
    let Some(target) = targets::try_lock(&mut transaction, id).await? else {
        return Ok(());
    };
    if targets::is_watched(&mut transaction, id).await? {
        return Ok(());
    }
    if let Some(run) = target.run_id {
        tool_looks::delete_round(&mut transaction, run).await?;
    }
    targets::delete(&mut transaction, id).await?;
    transaction.commit().await?;
    Ok(())
}

//! What has outlived its use, in bounded batches.

use jiff::{SignedDuration, Timestamp};
use sqlx::PgPool;
use store::{
    account_messages, answers, autopsies, challenges, checks, evidence, hours, idempotency,
    inbound, ingest, keyword_proposals, leases, look_requests, markers, outbox, sessions,
    throttles, tool_looks, unconfirmed,
};

use super::Result;

/// Rows in one statement.
const BATCH: i64 = 5_000;
/// Statements in one round of one table.
const ROUNDS: u32 = 20;
/// An answer is of use while somebody may still look at it.
const REQUESTS: SignedDuration = SignedDuration::from_hours(24);
/// What visitors looked at, for those whom they gave the address.
const TOOLS: SignedDuration = SignedDuration::from_hours(24 * domain::tools::KEPT_DAYS);
/// Looks on request are kept as long as the shortest history.
const REQUESTED: SignedDuration = SignedDuration::from_hours(24 * 92);
/// An incident names what came an hour before it; the rest is for whoever looks back.
const MARKERS: SignedDuration = SignedDuration::from_hours(24 * 92);
/// What was found is in the incident; the single answers are for whoever doubts it.
const AUTOPSIES: SignedDuration = SignedDuration::from_hours(24 * 92);
/// Texts of a page that nobody compared: by now the page may be another.
const OFFERS: SignedDuration = SignedDuration::from_hours(24);
/// A body without evidence may be one that is just being stored.
const BODIES: SignedDuration = SignedDuration::from_hours(24);
/// Longer than the longest window of a limit.
const THROTTLES: SignedDuration = SignedDuration::from_hours(48);
/// A browser that was used this long ago is a new one to its owner too.
const SESSIONS: SignedDuration = SignedDuration::from_hours(24 * 92);
/// Codes and links run out in minutes; a week is for whoever wonders.
const CHALLENGES: SignedDuration = SignedDuration::from_hours(24 * 7);
/// Mails about the account itself, for whoever asks whether one was sent.
const ACCOUNT_MESSAGES: SignedDuration = SignedDuration::from_hours(24 * 30);
/// That calls reached us is asked of the last minutes.
const BEATS: SignedDuration = SignedDuration::from_hours(1);
/// Longer than the longest period and its grace.
const GAPS: SignedDuration = SignedDuration::from_hours(24 * 800);
/// What was not sent, on a machine without providers.
const OUTBOX: SignedDuration = SignedDuration::from_hours(24 * 7);
/// What people texted us: longer than any provider repeats a call.
const INBOUND: SignedDuration = SignedDuration::from_hours(24 * 7);

pub(super) async fn all(pool: &PgPool, now: Timestamp) -> Result<()> {
    // None waits for another: a table that cannot be pruned is no reason for the rest to grow.
    let outcomes = [
        history(pool, now).await,
        people(pool, now).await,
        messages(pool, now).await,
        queue(pool, now).await,
    ];
    outcomes.into_iter().collect()
}

fn before(now: Timestamp, age: SignedDuration) -> Timestamp {
    now.checked_sub(age).unwrap_or(Timestamp::MIN)
}

/// Looks and what hangs on them.
async fn history(pool: &PgPool, now: Timestamp) -> Result<()> {
    let mut connection = pool.acquire().await?;
    for _ in 0..ROUNDS {
        let gone = look_requests::prune(&mut connection, before(now, REQUESTS), BATCH).await?
            + checks::prune_requested(&mut connection, before(now, REQUESTED), BATCH).await?
            + tool_looks::prune(&mut connection, before(now, TOOLS), BATCH).await?
            + autopsies::prune(&mut connection, before(now, AUTOPSIES), BATCH).await?
            + keyword_proposals::prune(&mut connection, before(now, OFFERS), BATCH).await?
            + markers::prune(&mut connection, before(now, MARKERS), BATCH).await?
            + answers::prune(&mut connection, before(now, MARKERS), BATCH).await?
            + hours::prune_reports(&mut connection, now, BATCH).await?
            + evidence::prune_bodies(&mut connection, before(now, BODIES), BATCH).await?;
        if gone == 0 {
            break;
        }
    }
    let months = hours::drop_old_months(&mut connection, now).await?;
    if months > 0 {
        tracing::info!(months, "months of history that no plan keeps are gone");
    }
    leases::prune_workers(&mut connection).await?;
    ingest::prune(&mut connection, before(now, BEATS), before(now, GAPS)).await?;
    Ok(())
}

/// Sessions, codes, counters, answers to repeated requests.
async fn people(pool: &PgPool, now: Timestamp) -> Result<()> {
    let mut connection = pool.acquire().await?;
    for _ in 0..ROUNDS {
        let gone = sessions::prune(&mut connection, before(now, SESSIONS), BATCH).await?
            + challenges::prune(&mut connection, before(now, CHALLENGES), BATCH).await?
            + throttles::prune(&mut connection, before(now, THROTTLES), BATCH).await?
            + unconfirmed::prune(&mut connection, before(now, THROTTLES), BATCH).await?
            + idempotency::prune(&mut connection, now, BATCH).await?;
        if gone == 0 {
            break;
        }
    }
    Ok(())
}

async fn messages(pool: &PgPool, now: Timestamp) -> Result<()> {
    let mut connection = pool.acquire().await?;
    for _ in 0..ROUNDS {
        if account_messages::prune(&mut connection, before(now, ACCOUNT_MESSAGES), BATCH).await?
            == 0
        {
            break;
        }
    }
    inbound::prune(&mut connection, before(now, INBOUND), BATCH).await?;
    outbox::prune(&mut connection, before(now, OUTBOX)).await?;
    Ok(())
}

async fn queue(pool: &PgPool, now: Timestamp) -> Result<()> {
    for _ in 0..ROUNDS {
        if jobs::prune(pool, now).await? == 0 {
            break;
        }
    }
    Ok(())
}

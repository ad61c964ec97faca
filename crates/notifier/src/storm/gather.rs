//! Whether a claimed message goes out by itself, waits, or tells of everything that is due.

use domain::alert::storm::{Kind, Pace, WINDOW, may_share, pace};
use domain::ids::{DeliveryId, GroupId};
use incidents::links;
use jiff::{SignedDuration, Timestamp};
use sqlx::PgConnection;
use store::deliveries::claim::storm as rows;
use store::deliveries::claim::{Claimed, hold, lock_event};
use store::incidents::groups;

use super::Storm;
use crate::room::{Room, StepError};

/// How long the end of an outage that nobody heard of lets a message about what is still down go first.
const YIELDS: SignedDuration = SignedDuration::from_secs(5);

/// What becomes of it.
#[derive(Debug)]
pub(crate) enum Gathered {
    /// It goes out by itself.
    Alone,
    /// It goes out and tells of all of these.
    Together(Box<Storm>),
    /// It waits; that is written down.
    Waits,
}

/// Decides, and merges what goes with it. To be called under the contact's lock, for a message that
/// would be sent now.
pub(crate) async fn gather(
    room: &Room,
    connection: &mut PgConnection,
    claimed: &Claimed,
    first_word: bool,
    now: Timestamp,
) -> Result<Gathered, StepError> {
    let Some(kind) = Kind::of(claimed.event).filter(|_| may_share(claimed.channel)) else {
        return Ok(Gathered::Alone);
    };
    let traffic = rows::traffic(connection, claimed, now).await?;
    if traffic.is_drill {
        return Ok(Gathered::Alone);
    }
    let mut group = traffic.group;
    if !traffic.leads {
        // The end of a storm is told together, and so is that it goes on.
        let of_a_storm = matches!(kind, Kind::Up | Kind::Again) && group.is_some();
        match paced(claimed, (kind, first_word), (&traffic, of_a_storm), now) {
            // What may have arrived is repeated as it was.
            _ if claimed.may_have_arrived => return Ok(Gathered::Alone),
            Pace::Alone => return Ok(Gathered::Alone),
            Pace::Wait { until } => {
                let reason = "told together with others at the next full minute";
                wait(connection, claimed, (until, reason), now).await?;
                return Ok(Gathered::Waits);
            }
            Pace::Together => {}
        }
        if let (Kind::Up, true, Some(reason)) = (kind, first_word, &traffic.quiet)
            && rows::count_open_after_quiet(connection, claimed, now).await? > 0
        {
            // The message about what is still down says this in a line.
            wait(connection, claimed, (now + YIELDS, reason), now).await?;
            return Ok(Gathered::Waits);
        }
        let mut merged = rows::merge(connection, claimed, kind, now).await?;
        if traffic.quiet.is_some() && (kind == Kind::Down || kind == Kind::Up && first_word) {
            merged += rows::merge_ended(connection, claimed, now).await?;
        }
        let ends = kind == Kind::Up && of_a_storm;
        if merged == 0 && !ends {
            return Ok(Gathered::Alone);
        }
        if kind == Kind::Down {
            lock_event(connection, claimed.account_id).await?;
            let since = now.saturating_sub(WINDOW).unwrap_or(Timestamp::MIN);
            let (account, id) = (claimed.account_id, claimed.id);
            group = Some(groups::gather(connection, account, id, (since, now)).await?);
        }
    }
    let storm = read(room, connection, (claimed, first_word), (kind, group), now).await?;
    Ok(Gathered::Together(Box::new(storm)))
}

/// When it goes out. What waited for the end of quiet hours, or for the hour of notices, was collected: all of it
/// is told at once.
fn paced(
    claimed: &Claimed,
    (kind, first_word): (Kind, bool),
    (traffic, of_a_storm): (&rows::Traffic, bool),
    now: Timestamp,
) -> Pace {
    let has_waited = traffic.due_at > claimed.created_at;
    let collected = match kind {
        Kind::Ending => has_waited || traffic.quiet.is_some(),
        Kind::Up => first_word && traffic.quiet.is_some(),
        _ => traffic.quiet.is_some(),
    };
    match collected {
        true => Pace::Together,
        false => {
            let due = (traffic.due_at, of_a_storm);
            pace(claimed.channel, due, &traffic.sent, now)
        }
    }
}

async fn wait(
    connection: &mut PgConnection,
    claimed: &Claimed,
    (until, reason): (Timestamp, &str),
    now: Timestamp,
) -> Result<(), StepError> {
    hold(connection, claimed, (until, reason), now).await?;
    let (account, id) = (claimed.account_id, claimed.id);
    jobs::enqueue_delivery(connection, claimed.channel, account, id, Some(until)).await?;
    Ok(())
}

async fn read(
    room: &Room,
    connection: &mut PgConnection,
    (claimed, first_word): (&Claimed, bool),
    (kind, group): (Kind, Option<GroupId>),
    now: Timestamp,
) -> Result<Storm, StepError> {
    let standing = match group {
        Some(group) => Some(rows::standing(connection, claimed, group).await?),
        None => None,
    };
    let parts = rows::parts(connection, claimed).await?;
    let alone = match (kind, group, standing) {
        (Kind::Down, Some(group), Some(standing)) if !standing.told_together => {
            rows::told_alone(connection, claimed, group).await?
        }
        _ => Vec::new(),
    };
    let link = match group {
        Some(group) => groups::find(connection, claimed.account_id, group)
            .await?
            .map(|group| format!("{}/g/{}", room.base, group.short)),
        None => None,
    };
    if matches!(kind, Kind::Down | Kind::Again) {
        let message: (DeliveryId, _) = (claimed.id, claimed.contact_id);
        links::mint_all(connection, &room.secrets, claimed.account_id, message, now).await?;
    }
    let page = match kind {
        Kind::Notice | Kind::Ending => "monitors",
        _ => "incidents",
    };
    let link = link.unwrap_or_else(|| format!("{}/{page}", room.base));
    let storm = Storm::of(kind, (&parts, &alone), standing, link);
    Ok(Storm {
        first_word: kind == Kind::Up && first_word && storm.standing.is_none(),
        ..storm
    })
}

//! Incidents: taken, ended, commented on.

use ::incidents::{Drilled, Outlook};
use domain::ids::{AccountId, IncidentId, MonitorId};
use domain::incident::Incident;
use domain::incident::briefing::{self, Subject};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use sqlx::PgConnection;

use super::monitors::lock_account;
use super::{Caller, UseCaseError, UseCaseResult};
use crate::state::AppState;
use crate::throttle;

/// The longest comment, characters.
const MAX_COMMENT: usize = 5_000;
/// The shortest snooze.
pub const MIN_SNOOZE_SECONDS: i64 = 60;
/// The longest snooze: a week.
pub const MAX_SNOOZE_SECONDS: i64 = 604_800;

/// Someone takes it. The first one has it; later ones change nothing.
pub async fn acknowledge(
    connection: &mut PgConnection,
    caller: &Caller,
    id: IncidentId,
) -> UseCaseResult<Incident> {
    let incident =
        ::incidents::acknowledge(connection, caller.account_id, id, &caller.by(), caller.now)
            .await?;
    incident.ok_or(UseCaseError::NotFound)
}

/// Someone ends it. While the target still fails that takes `force`; the monitor then stays quiet until
/// it was up once.
pub async fn resolve(
    connection: &mut PgConnection,
    caller: &Caller,
    id: IncidentId,
    force: bool,
) -> UseCaseResult<Incident> {
    match ::incidents::resolve(
        connection,
        caller.account_id,
        id,
        &caller.by(),
        force,
        caller.now,
    )
    .await?
    {
        ::incidents::Resolution::Resolved(incident) => Ok(*incident),
        ::incidents::Resolution::StillFailing => Err(UseCaseError::StillFailing),
        ::incidents::Resolution::NotFound => Err(UseCaseError::NotFound),
    }
}

/// Nobody is told or reminded for so many seconds.
pub async fn snooze(
    connection: &mut PgConnection,
    caller: &Caller,
    id: IncidentId,
    seconds: i64,
) -> UseCaseResult<Incident> {
    if !(MIN_SNOOZE_SECONDS..=MAX_SNOOZE_SECONDS).contains(&seconds) {
        return Err(UseCaseError::field(
            "/seconds",
            "out_of_range",
            format!("must be between {MIN_SNOOZE_SECONDS} and {MAX_SNOOZE_SECONDS}"),
        ));
    }
    let until = caller.now + SignedDuration::from_secs(seconds);
    set_snooze(connection, caller, id, Some(until)).await
}

/// Steps and reminders go on.
pub async fn unsnooze(
    connection: &mut PgConnection,
    caller: &Caller,
    id: IncidentId,
) -> UseCaseResult<Incident> {
    set_snooze(connection, caller, id, None).await
}

async fn set_snooze(
    connection: &mut PgConnection,
    caller: &Caller,
    id: IncidentId,
    until: Option<Timestamp>,
) -> UseCaseResult<Incident> {
    let of = (caller.account_id, id);
    let incident = ::incidents::snooze(connection, of, until, &caller.by(), caller.now).await?;
    incident.ok_or(UseCaseError::NotFound)
}

/// Tells everyone as if the monitor were down, to see who answers.
pub async fn drill(
    connection: &mut PgConnection,
    state: &AppState,
    caller: &Caller,
    monitor: MonitorId,
) -> UseCaseResult<Drilled> {
    lock_account(connection, caller).await?;
    let of = (caller.account_id, monitor);
    let (by, now) = (caller.by(), caller.now);
    let drilled = ::incidents::begin_drill(connection, &state.secrets, of, &by, now).await?;
    if !matches!(drilled, Drilled::Begun(_)) {
        return Ok(drilled);
    }
    let (limit, key) = (throttle::DRILL, caller.account_id.to_string());
    match throttle::take_within(connection, state, limit, &key, now).await? {
        None => Ok(drilled),
        Some(retry_after) => Err(UseCaseError::TooSoon {
            retry_after,
            detail: "At most 5 fire drills an hour.".to_owned(),
        }),
    }
}

/// What comes next of it, as things stand at `now`.
pub async fn outlook(
    connection: &mut PgConnection,
    incident: &Incident,
    now: Timestamp,
) -> UseCaseResult<Option<Outlook>> {
    Ok(::incidents::outlook(connection, incident, now).await?)
}

/// Seconds until 8:00 of the next day in `zone`.
pub fn until_tomorrow(now: Timestamp, zone: &TimeZone) -> i64 {
    let tomorrow = now.to_zoned(zone.clone()).date().tomorrow();
    let morning = tomorrow.and_then(|day| day.at(8, 0, 0, 0).to_zoned(zone.clone()));
    morning.map_or(86_400, |at| at.timestamp().duration_since(now).as_secs())
}

/// Someone writes a comment into the timeline.
pub async fn comment(
    connection: &mut PgConnection,
    caller: &Caller,
    id: IncidentId,
    text: &str,
) -> UseCaseResult<()> {
    let text = text.trim();
    if text.is_empty() {
        return Err(UseCaseError::field(
            "/text",
            "required",
            "must not be empty",
        ));
    }
    if text.chars().count() > MAX_COMMENT {
        return Err(UseCaseError::field(
            "/text",
            "too_long",
            format!("must be at most {MAX_COMMENT} characters long"),
        ));
    }
    if text
        .chars()
        .any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
    {
        return Err(UseCaseError::field(
            "/text",
            "invalid_character",
            "must not contain control characters",
        ));
    }
    if ::incidents::comment(
        connection,
        caller.account_id,
        id,
        (&caller.by(), text),
        caller.now,
    )
    .await?
    {
        Ok(())
    } else {
        Err(UseCaseError::NotFound)
    }
}

/// An incident on one page of Markdown; `None` when there is no such one.
pub async fn briefing(
    connection: &mut PgConnection,
    state: &AppState,
    (account, id): (AccountId, IncidentId),
) -> UseCaseResult<Option<String>> {
    let Some(incident) = store::incidents::find(connection, account, id).await? else {
        return Ok(None);
    };
    // A deleted monitor keeps its incidents.
    let key = (account, incident.monitor_id);
    let monitor =
        store::monitors::find_with_deleted(connection, &state.secrets, key.0, key.1).await?;
    let (name, address) = monitor.map_or_else(Default::default, |monitor| {
        let settings = monitor.settings();
        (settings.name, settings.target.display())
    });
    let timeline = store::incidents::events::list(connection, account, id).await?;
    let found = store::accounts::find(connection, account).await?;
    let zone = found.map_or(TimeZone::UTC, |found| domain::words::zone(&found.timezone));
    let page = state.config.link(&format!("/incidents/{id}"));
    let subject = Subject {
        name: &name,
        address: &address,
        page: &page,
        zone: &zone,
    };
    Ok(Some(briefing::briefing(
        &incident,
        &subject,
        &timeline,
        state.now(),
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tomorrow_begins_at_eight_where_the_account_is() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        for (now, until) in [
            ("2026-11-22T13:02:00Z", "2026-11-23T07:00:00Z"),
            ("2026-11-22T23:30:00Z", "2026-11-24T07:00:00Z"),
            // The night in which summer time begins has an hour less.
            ("2026-03-28T20:00:00Z", "2026-03-29T06:00:00Z"),
        ] {
            let now: Timestamp = now.parse().unwrap();
            let until: Timestamp = until.parse().unwrap();
            let seconds = until_tomorrow(now, &zone);
            assert_eq!(now + SignedDuration::from_secs(seconds), until);
        }
    }
}

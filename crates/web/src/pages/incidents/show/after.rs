//! What is known of an incident afterwards: how fast everybody was, what it took of the month, and whether the
//! cause was right.

use domain::delivery::Event;
use domain::incident::Incident;
use domain::report::Window;
use domain::report::allowance::{Cost, Month};
use domain::words;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::super::told::accepted;
use super::Facts;
use crate::error::PageResult;
use crate::view::Moment;

/// One moment of the line that holds us to our word.
pub(super) struct AuditStep {
    pub(super) text: String,
    pub(super) at: Moment,
    /// After the first one.
    pub(super) after: Option<String>,
}

/// What it took of the month in which it ended.
pub(super) async fn cost(
    connection: &mut sqlx::PgConnection,
    incident: &Incident,
    (zone, now): (&TimeZone, Timestamp),
) -> PageResult<Option<Cost>> {
    let Some(end) = incident.resolved_at.filter(|_| !incident.test) else {
        return Ok(None);
    };
    let month = Month::of(end, zone);
    let so_far = Window {
        from: month.window.from,
        to: month.window.to.min(now),
    };
    let key = (incident.account_id, incident.monitor_id);
    let month_seen = store::reports::uptime(connection, key.0, key.1, so_far).await?;
    let outage = Window {
        from: incident.first_failure_at,
        to: end,
    };
    let spent = i64::try_from(month_seen.down_seconds).unwrap_or(i64::MAX);
    Ok(Cost::of(month, outage, SignedDuration::from_secs(spent)))
}

/// A cause was named, and it is over.
pub(super) fn can_be_judged(incident: &Incident) -> bool {
    !incident.is_open() && !incident.test && incident.diagnosis.is_some()
}

/// Each moment, in order.
pub(super) fn audit(facts: &Facts, zone: &TimeZone) -> Vec<AuditStep> {
    let incident = &facts.incident;
    let mut steps = vec![
        ("seen".to_owned(), incident.first_failure_at),
        ("sure".to_owned(), incident.confirmed_at),
    ];
    steps.extend(
        accepted(&facts.deliveries, Event::IncidentOpened)
            .into_iter()
            .map(|(word, at)| (format!("{word} accepted"), at)),
    );
    if let Some((actor, at)) = incident
        .acknowledged_by
        .as_ref()
        .zip(incident.acknowledged_at)
    {
        steps.push((format!("taken by {}", actor.name), at));
    }
    if let Some(at) = incident.resolved_at {
        steps.push(("over".to_owned(), at));
    }
    if let Some(at) = incident.resolved_confirmed_at {
        steps.push(("sure of it".to_owned(), at));
    }
    steps.sort_by_key(|(_, at)| *at);
    let began = incident.first_failure_at;
    steps
        .into_iter()
        .map(|(text, at)| AuditStep {
            text,
            after: (at > began).then(|| words::duration(at.duration_since(began))),
            at: Moment::new(at, zone.clone()),
        })
        .collect()
}

//! `/incidents/{id}`: what happened, since when, how sure, what to do.

mod after;
mod evidence;

use ::incidents::Outlook;
use askama::Template;
use axum::extract::{Path, Query, State};
use domain::check::{FailureClass, LookResult};
use domain::ids::IncidentId;
use domain::incident::feedback::{Answer, Answerer};
use domain::incident::{Incident, ResolvedReason, Suppressed, TimelineEntry};
use domain::report::allowance::Cost;
use domain::words;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use store::deliveries::{Attempt, Delivery};
use store::evidence::Evidence;

use self::after::{AuditStep, audit, can_be_judged, cost};
use self::evidence::{EvidenceView, evidence_view};
use super::drill::DrillView;
use super::next::NextLine;
use super::parts::{IncidentLine, cause};
use super::told::ToldLine;
use crate::error::{PageError, PageResult};
use crate::extract::Tenant;
use crate::pages::docs::handbook::{self, Guide};
use crate::pages::monitors::show_view::LookView;
use crate::state::AppState;
use crate::usecases::incidents;
use crate::view::{Live, Moment, Shell, render};

/// Evidence shown at once; the rest is there in the API.
const MOST_EVIDENCE: usize = 12;
/// Monitors behind it that are named.
const MOST_BEHIND: i64 = 20;

#[derive(Template)]
#[template(path = "incidents/show.html")]
struct IncidentPage {
    shell: Shell,
    id: IncidentId,
    monitor_id: String,
    monitor: String,
    /// Nothing is down: who answers is asked.
    drill: Option<DrillView>,
    address: String,
    link: String,
    cause: String,
    guide: String,
    /// The guide about its cause: slug and title.
    handbook: Option<&'static Guide>,
    is_open: bool,
    is_gone: bool,
    /// It is of a heartbeat, at which nothing can be looked.
    waits: bool,
    /// The look that was asked for a moment ago.
    looked: Option<LookView>,
    began: Moment,
    ended: Option<Moment>,
    lasted: String,
    since_iso: String,
    ending: Option<&'static str>,
    sentence: Option<String>,
    technical: Option<String>,
    confidence: Option<&'static str>,
    sure: String,
    taken: Option<(String, Moment)>,
    audit: Vec<AuditStep>,
    /// What it took of the month.
    cost: Option<String>,
    /// Whether the cause was right can be said, and what this person has said.
    judged: Option<Option<Answer>>,
    steps: Vec<(String, Option<String>)>,
    facts: Vec<(String, String)>,
    changes: Vec<String>,
    last_good: Option<Moment>,
    evidence: Vec<EvidenceView>,
    told: Vec<ToldLine>,
    next: Option<NextLine>,
    timeline: Vec<Entry>,
    /// What is down behind it, and how many more.
    behind: Vec<BehindLine>,
    more_behind: u32,
    earlier: Vec<IncidentLine>,
    can_respond: bool,
}

/// A monitor that is or was down behind this one.
struct BehindLine {
    id: String,
    name: String,
    since: Moment,
    still: bool,
}

struct Entry {
    at: Moment,
    class: &'static str,
    text: String,
    who: Option<String>,
    is_comment: bool,
}

/// What has just been done.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    done: String,
}

pub(super) struct Facts {
    pub(super) incident: Incident,
    monitor: domain::monitor::Monitor,
    pub(super) deliveries: Vec<Delivery>,
    attempts: Vec<Attempt>,
    evidence: Vec<Evidence>,
    pub(super) timeline: Vec<TimelineEntry>,
    earlier: Vec<store::incidents::Listed>,
    suppressed: (Vec<Suppressed>, u32),
    seen: Option<LookResult>,
    outlook: Option<Outlook>,
    answer: Option<Answer>,
    cost: Option<Cost>,
}

/// Shows it.
pub async fn show(
    tenant: Tenant,
    State(state): State<AppState>,
    Path(id): Path<IncidentId>,
    Query(asked): Query<Asked>,
) -> PageResult {
    let mut transaction = tenant.read(&state).await?;
    let mut facts = read(&mut transaction, &tenant, &state, id).await?;
    if asked.done == "checked" {
        let key = (tenant.account_id(), facts.monitor.id);
        facts.seen =
            store::look_requests::find_newest_result(&mut transaction, key.0, key.1).await?;
    }
    transaction.commit().await.map_err(store::Error::from)?;
    render(&page(&tenant, &state, &asked, &facts))
}

async fn read(
    connection: &mut sqlx::PgConnection,
    tenant: &Tenant,
    state: &AppState,
    id: IncidentId,
) -> PageResult<Facts> {
    let account = tenant.account_id();
    let incident = store::incidents::find(connection, account, id)
        .await?
        .ok_or(PageError::NotFound)?;
    let monitor = store::monitors::find_with_deleted(
        connection,
        &state.secrets,
        account,
        incident.monitor_id,
    )
    .await?
    .ok_or(PageError::NotFound)?;
    let deliveries = store::deliveries::list_by_incident(connection, account, id).await?;
    let ids: Vec<_> = deliveries.iter().map(|delivery| delivery.id).collect();
    let end = incident
        .resolved_confirmed_at
        .or(incident.resolved_at)
        .unwrap_or_else(|| state.now());
    let span = (
        incident.first_failure_at - SignedDuration::from_secs(1),
        end,
    );
    let mut earlier = store::incidents::list(
        connection,
        account,
        &store::incidents::Filter {
            monitor_id: Some(incident.monitor_id),
            ..Default::default()
        },
        None,
        30,
    )
    .await?;
    earlier.retain(|listed| {
        listed.incident.id != id
            && listed.incident.failure.class == incident.failure.class
            && listed.incident.first_failure_at < incident.first_failure_at
    });
    earlier.truncate(5);
    let by = Answerer::User(tenant.user().id);
    Ok(Facts {
        outlook: incidents::outlook(connection, &incident, state.now()).await?,
        attempts: store::deliveries::list_attempts(connection, account, &ids).await?,
        evidence: store::evidence::list(connection, account, incident.monitor_id, span).await?,
        timeline: store::incidents::list_events(connection, account, id).await?,
        answer: store::feedback::find(connection, account, id, by).await?,
        cost: cost(connection, &incident, (&tenant.zone(), state.now())).await?,
        deliveries,
        suppressed: store::dependencies::list_suppressed(connection, account, id, MOST_BEHIND)
            .await?,
        earlier,
        monitor,
        incident,
        seen: None,
    })
}

fn page(tenant: &Tenant, state: &AppState, asked: &Asked, facts: &Facts) -> IncidentPage {
    let (now, zone, incident) = (state.now(), tenant.zone(), &facts.incident);
    let moment = |at: Timestamp| Moment::new(at, zone.clone());
    let settings = facts.monitor.settings();
    let diagnosis = incident.diagnosis.as_ref();
    let id = incident.id;
    IncidentPage {
        shell: shell(tenant, asked, incident, &settings.name, now),
        id,
        monitor_id: incident.monitor_id.to_string(),
        monitor: incident.name_of(&settings.name),
        drill: incident.test.then(|| DrillView::of(facts, &zone)),
        address: settings.target.display(),
        link: state.config.link(&format!("/i/{}", incident.short)),
        cause: cause(incident),
        guide: format!("/docs/failures/{}", incident.failure.class.as_str()),
        handbook: handbook::of_incident(incident),
        is_open: incident.is_open(),
        is_gone: facts.monitor.deleted_at.is_some(),
        waits: settings.target.heartbeat().is_some(),
        looked: facts.seen.as_ref().map(|seen| LookView::of(seen, &zone)),
        began: moment(incident.first_failure_at),
        ended: incident.resolved_at.map(moment),
        lasted: words::duration(incident.duration(now)),
        since_iso: incident.first_failure_at.to_string(),
        ending: incident.resolved_reason.map(ending),
        sentence: diagnosis.map(|diagnosis| diagnosis.sentence.clone()),
        technical: diagnosis
            .map(|diagnosis| diagnosis.technical.clone())
            .filter(|text| !text.is_empty()),
        confidence: diagnosis.map(|diagnosis| diagnosis.confidence.as_str()),
        sure: sure(incident),
        taken: taken(incident, &zone),
        audit: audit(facts, &zone),
        cost: facts.cost.as_ref().map(Cost::sentence),
        judged: can_be_judged(incident).then(|| facts.answer.clone()),
        steps: diagnosis
            .map(|diagnosis| {
                diagnosis
                    .next_steps
                    .iter()
                    .map(|step| (step.text.clone(), step.command.clone()))
                    .collect()
            })
            .unwrap_or_default(),
        facts: diagnosis
            .map(|diagnosis| {
                diagnosis
                    .seen()
                    .map(|line| (line.label.clone(), line.value.clone()))
                    .collect()
            })
            .unwrap_or_default(),
        changes: diagnosis
            .map(|diagnosis| diagnosis.changes().map(str::to_owned).collect())
            .unwrap_or_default(),
        last_good: incident.last_good_at.map(moment),
        evidence: facts
            .evidence
            .iter()
            .take(MOST_EVIDENCE)
            .map(|evidence| evidence_view(evidence, &zone))
            .collect(),
        told: told(facts, &zone),
        next: next_line(facts, &zone),
        timeline: facts
            .timeline
            .iter()
            .map(|entry| timeline_entry(entry, &zone))
            .collect(),
        behind: behind(facts, &zone),
        more_behind: more_behind(facts),
        earlier: facts
            .earlier
            .iter()
            .map(|listed| IncidentLine::of(listed, now, &zone))
            .collect(),
        can_respond: tenant.role().can_respond(),
    }
}

fn taken(incident: &Incident, zone: &TimeZone) -> Option<(String, Moment)> {
    let by = incident.acknowledged_by.as_ref();
    let (by, at) = by.zip(incident.acknowledged_at)?;
    Some((by.name.clone(), Moment::new(at, zone.clone())))
}

fn behind(facts: &Facts, zone: &TimeZone) -> Vec<BehindLine> {
    let line = |one: &Suppressed| BehindLine {
        id: one.monitor_id.to_string(),
        name: one.name.clone(),
        since: Moment::new(one.since, zone.clone()),
        still: one.still,
    };
    facts.suppressed.0.iter().map(line).collect()
}

fn more_behind(facts: &Facts) -> u32 {
    let (named, all) = &facts.suppressed;
    all.saturating_sub(u32::try_from(named.len()).unwrap_or(u32::MAX))
}

fn next_line(facts: &Facts, zone: &TimeZone) -> Option<NextLine> {
    let outlook = facts.outlook.as_ref();
    outlook.map(|outlook| NextLine::of(outlook, zone))
}

fn told(facts: &Facts, zone: &TimeZone) -> Vec<ToldLine> {
    let deliveries = facts.deliveries.iter();
    deliveries
        .map(|delivery| ToldLine::of(delivery, &facts.attempts, zone))
        .collect()
}

fn shell(
    tenant: &Tenant,
    asked: &Asked,
    incident: &Incident,
    monitor: &str,
    now: Timestamp,
) -> Shell {
    let is_down = incident.is_open() && !incident.test;
    tenant
        .shell(match incident.test {
            true => incident.name_of(monitor),
            false => format!(
                "{monitor}: {}",
                words::cause(&incident.failure, incident.attribution)
            ),
        })
        .section("incidents")
        .alert(is_down.then(|| "(down)".to_owned()))
        .worst(is_down.then_some(domain::status::Shown::Down))
        .notice(done_words(&asked.done))
        .live(Live {
            now: now.to_string(),
            zone: tenant.timezone().to_owned(),
            topics: format!(
                "incident:{} delivery:* monitor:{}",
                incident.id, incident.monitor_id
            ),
            watch: String::new(),
        })
}

fn done_words(word: &str) -> Option<String> {
    let said = match word {
        "acknowledged" => "You have it. The others are told.",
        "answered" => "Your answer counts.",
        "drilled" => "The drill has begun. Who answers is shown here.",
        "drills" => "This drill goes on already: one at a time.",
        "resolved" => "Ended. Those who were told of it are told so.",
        "snoozed" => "Snoozed. Nobody is told or reminded until then; nobody has it.",
        "unsnoozed" => "The snooze is over. It goes on where it was.",
        "judged" => "Thank you. Your answer is kept; you can change it.",
        "unfit" => "A text of more than 500 characters or with control characters is not kept.",
        "commented" => "Your comment is in the timeline.",
        "unanswered" => "No worker answered in time. The timetable goes on.",
        "often" => "At most 6 looks a minute can be asked for. The timetable goes on.",
        "empty" => "An empty comment was not kept.",
        _ => return None,
    };
    Some(said.to_owned())
}

fn sure(incident: &Incident) -> String {
    match incident.failure.class {
        FailureClass::HeartbeatFailed => return "the job said so itself".to_owned(),
        FailureClass::HeartbeatMissed => return "no call within the grace".to_owned(),
        _ => {}
    }
    let vote = &incident.vote;
    let regions: Vec<&str> = vote
        .regions
        .iter()
        .map(|line| line.region.as_str())
        .collect();
    let over = words::duration(
        incident
            .confirmed_at
            .duration_since(incident.first_failure_at),
    );
    let looks = if vote.looks == 1 {
        "1 look".to_owned()
    } else {
        format!("{} looks", vote.looks)
    };
    let from = if regions.is_empty() {
        String::new()
    } else {
        format!(", from {}", regions.join(", "))
    };
    let votes = if vote.of > 1 {
        format!(", {} of {} regions agree", vote.down, vote.of)
    } else {
        String::new()
    };
    format!("{looks} failed within {over}{from}{votes}")
}

const fn ending(reason: ResolvedReason) -> &'static str {
    match reason {
        ResolvedReason::Recovered => "it works again",
        ResolvedReason::Manual => "someone ended it",
        ResolvedReason::Paused => "the monitor was paused",
        ResolvedReason::Deleted => "the monitor was deleted",
        ResolvedReason::Edited => "the monitor's target was changed",
    }
}

fn timeline_entry(entry: &TimelineEntry, zone: &TimeZone) -> Entry {
    let is_system = entry.actor.kind == domain::incident::ActorKind::System;
    Entry {
        at: Moment::new(entry.at, zone.clone()),
        class: match entry.kind.as_str() {
            "first_failure" | "confirmed" | "cause_changed" => "down",
            "resolved" => "up",
            _ => "",
        },
        text: entry.text.clone(),
        who: (!is_system).then(|| entry.actor.name.clone()),
        is_comment: entry.kind == "comment",
    }
}

//! Incidents and deliveries as clients read them.

use std::collections::HashMap;

use ::incidents::{NextStep, Outlook};
use domain::ids::{AccountId, DeliveryId, IncidentId};
use domain::incident::{Actor, ActorKind, Incident, Suppressed, TimelineEntry, VoteSummary};
use jiff::Timestamp;
use serde::Serialize;
use sqlx::PgConnection;
use store::deliveries::{Attempt, Delivery};
use utoipa::ToSchema;

use crate::api::problem::ApiResult;
use crate::api::v1::amount;
use crate::api::v1::checks::{DiagnosisView, FailureView};
use crate::state::AppState;

/// An outage as lists show it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ListedIncident)]
pub struct ListedIncidentView {
    /// `inc_…`
    id: String,
    /// Its page.
    html_url: String,
    monitor_id: String,
    monitor_name: String,
    /// `open` or `resolved`.
    status: &'static str,
    /// `critical` or `normal`.
    severity: &'static str,
    #[schema(format = DateTime)]
    first_failure_at: String,
    #[schema(format = DateTime)]
    confirmed_at: String,
    #[schema(format = DateTime)]
    acknowledged_at: Option<String>,
    acknowledged_by: Option<ActorView>,
    #[schema(format = DateTime)]
    resolved_at: Option<String>,
    /// `recovered`, `manual`, `paused`, `deleted` or `edited`.
    resolved_reason: Option<&'static str>,
    /// From the first failing look to the end, or until now.
    duration_seconds: u64,
    failure: FailureView,
    /// The cause in one sentence.
    sentence: String,
    /// Where the fault lies.
    attribution: Option<&'static str>,
    diagnosis: Option<DiagnosisView>,
    /// How the regions voted when it was confirmed.
    vote: VoteView,
    /// The storm that it belongs to.
    group_id: Option<String>,
    /// A drill, not an outage.
    test: bool,
}

/// An outage.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Incident)]
pub struct IncidentView {
    #[serde(flatten)]
    listed: ListedIncidentView,
    /// Monitors that were down behind this one, of which nobody was told apart; at most 200.
    suppressed: Vec<SuppressedView>,
    /// Who is told next unless somebody has it; null where nobody is left, and for one that is taken or over.
    next_step: Option<NextStepView>,
    /// Nobody is told or reminded before.
    #[schema(format = DateTime)]
    snoozed_until: Option<String>,
    timeline: Vec<TimelineView>,
    deliveries: Vec<DeliveryView>,
}

/// A monitor that was down behind the one of the incident.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Suppressed)]
pub struct SuppressedView {
    monitor_id: String,
    name: String,
    /// Start of its first failing look.
    #[schema(format = DateTime)]
    since: String,
}

/// A step of the policy that is to come.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NextStep)]
pub struct NextStepView {
    #[schema(format = DateTime)]
    at: String,
    /// As far as can be told now: whoever can be reached then is told.
    contact_ids: Vec<String>,
    /// Counted from 1.
    step: usize,
    /// Counted from 1.
    round: u32,
}

/// Who did something.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Actor)]
pub struct ActorView {
    /// `user`, `contact`, `api_key` or `system`.
    kind: &'static str,
    name: String,
}

/// How the regions voted.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Vote)]
pub struct VoteView {
    /// Regions that said down.
    down: u32,
    /// Regions that had a vote.
    of: u32,
    /// Left out in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    regions: Option<Vec<RegionVoteView>>,
}

/// One region's word.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RegionVote)]
pub struct RegionVoteView {
    region: String,
    verdict: &'static str,
    #[schema(format = DateTime)]
    at: String,
    check_id: Option<String>,
}

/// One entry of a timeline.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TimelineEntry)]
pub struct TimelineView {
    id: String,
    #[schema(format = DateTime)]
    at: String,
    /// `first_failure`, `confirmed`, `cause_changed`, `acknowledged`, `escalated`, `reminded`, `snoozed`,
    /// `comment`, `resolved`, `suppressed` or `note`.
    #[serde(rename = "type")]
    kind: String,
    text: String,
    actor: ActorView,
}

/// One message to one contact.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Delivery)]
pub struct DeliveryView {
    /// `del_…`
    id: String,
    /// Such as `incident.opened`.
    event: &'static str,
    contact_id: String,
    channel: &'static str,
    /// `pending`, `sending`, `sent`, `delivered`, `failed`, `given_up`, `held`, `merged`, `superseded` or `skipped`.
    state: &'static str,
    attempts: Vec<AttemptView>,
    #[schema(format = DateTime)]
    not_before: String,
    /// When the provider took it.
    #[schema(format = DateTime)]
    accepted_at: Option<String>,
    /// When it arrived, as far as the provider says.
    #[schema(format = DateTime)]
    delivered_at: Option<String>,
    price: Option<PriceView>,
}

/// One try to send.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Attempt)]
pub struct AttemptView {
    #[schema(format = DateTime)]
    at: String,
    outcome: String,
    message: String,
}

/// A price.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Price)]
pub struct PriceView {
    /// Decimal.
    #[schema(example = "0.05")]
    amount: String,
    #[schema(example = "USD")]
    currency: &'static str,
}

impl ListedIncidentView {
    /// Names of the columns of [`Self::row`].
    pub const COLUMNS: [&'static str; 12] = [
        "id",
        "monitor_id",
        "monitor_name",
        "status",
        "first_failure_at",
        "confirmed_at",
        "acknowledged_at",
        "resolved_at",
        "resolved_reason",
        "duration_seconds",
        "failure_class",
        "sentence",
    ];

    /// An incident of the monitor with that name.
    pub fn of(state: &AppState, incident: &Incident, monitor_name: &str, now: Timestamp) -> Self {
        let said = incident
            .diagnosis
            .as_ref()
            .map(|diagnosis| diagnosis.sentence.clone());
        let cause = || domain::words::cause_sentence_case(&incident.failure, incident.attribution);
        Self {
            id: incident.id.to_string(),
            html_url: state.config.link(&format!("/incidents/{}", incident.id)),
            monitor_id: incident.monitor_id.to_string(),
            monitor_name: monitor_name.to_owned(),
            status: if incident.is_open() {
                "open"
            } else {
                "resolved"
            },
            severity: incident.severity.as_str(),
            first_failure_at: incident.first_failure_at.to_string(),
            confirmed_at: incident.confirmed_at.to_string(),
            acknowledged_at: incident.acknowledged_at.map(|at| at.to_string()),
            acknowledged_by: incident.acknowledged_by.as_ref().map(ActorView::of),
            resolved_at: incident.resolved_at.map(|at| at.to_string()),
            resolved_reason: incident
                .resolved_reason
                .map(domain::incident::ResolvedReason::as_str),
            duration_seconds: u64::try_from(incident.duration(now).as_secs()).unwrap_or(0),
            failure: FailureView::of(&incident.failure),
            sentence: said.unwrap_or_else(|| format!("{}.", cause())),
            attribution: incident.attribution.map(domain::check::Attribution::as_str),
            diagnosis: incident.diagnosis.as_ref().map(DiagnosisView::of),
            vote: VoteView {
                down: incident.vote.down,
                of: incident.vote.of,
                regions: None,
            },
            group_id: incident.group_id.map(|id| id.to_string()),
            test: incident.test,
        }
    }

    /// As a row of a table.
    pub fn row(&self) -> Vec<String> {
        vec![
            self.id.clone(),
            self.monitor_id.clone(),
            self.monitor_name.clone(),
            self.status.to_owned(),
            self.first_failure_at.clone(),
            self.confirmed_at.clone(),
            self.acknowledged_at.clone().unwrap_or_default(),
            self.resolved_at.clone().unwrap_or_default(),
            self.resolved_reason.unwrap_or_default().to_owned(),
            self.duration_seconds.to_string(),
            self.failure.class().to_owned(),
            self.sentence.clone(),
        ]
    }
}

impl IncidentView {
    /// An incident with its timeline and its messages.
    pub fn of(
        mut listed: ListedIncidentView,
        incident: &Incident,
        (suppressed, outlook): (Vec<Suppressed>, Option<Outlook>),
        (timeline, deliveries): (Vec<TimelineEntry>, Vec<DeliveryView>),
    ) -> Self {
        listed.vote.regions = Some(region_votes(&incident.vote));
        let snoozed = outlook
            .as_ref()
            .and_then(|outlook| outlook.snoozed.as_ref());
        Self {
            listed,
            suppressed: suppressed
                .into_iter()
                .map(|one| SuppressedView {
                    monitor_id: one.monitor_id.to_string(),
                    name: one.name,
                    since: one.since.to_string(),
                })
                .collect(),
            snoozed_until: snoozed.map(|(until, _)| until.to_string()),
            next_step: outlook
                .and_then(|outlook| outlook.next)
                .map(NextStepView::of),
            timeline: timeline.into_iter().map(TimelineView::of).collect(),
            deliveries,
        }
    }
}

impl NextStepView {
    fn of(next: NextStep) -> Self {
        Self {
            at: next.at.to_string(),
            contact_ids: next.contacts.iter().map(|one| one.id.to_string()).collect(),
            step: next.step.0,
            round: next.round.0,
        }
    }
}

fn region_votes(vote: &VoteSummary) -> Vec<RegionVoteView> {
    let line = |line: &domain::incident::RegionVoteLine| RegionVoteView {
        region: line.region.clone(),
        verdict: line.verdict.as_str(),
        at: line.at.to_string(),
        check_id: line.check_id.clone(),
    };
    vote.regions.iter().map(line).collect()
}

impl ActorView {
    fn of(actor: &Actor) -> Self {
        let kind = match actor.kind {
            ActorKind::User => "user",
            ActorKind::Contact => "contact",
            ActorKind::ApiKey => "api_key",
            ActorKind::System => "system",
        };
        Self {
            kind,
            name: actor.name.clone(),
        }
    }
}

impl TimelineView {
    fn of(entry: TimelineEntry) -> Self {
        Self {
            id: entry.id.to_string(),
            at: entry.at.to_string(),
            actor: ActorView::of(&entry.actor),
            kind: entry.kind,
            text: entry.text,
        }
    }
}

impl DeliveryView {
    fn of(delivery: Delivery, attempts: Vec<Attempt>) -> Self {
        let attempt = |attempt: Attempt| AttemptView {
            at: attempt.at.to_string(),
            outcome: attempt.outcome,
            message: attempt.message,
        };
        Self {
            id: delivery.id.to_string(),
            event: delivery.event.as_str(),
            contact_id: delivery.contact_id.to_string(),
            channel: delivery.channel.as_str(),
            state: delivery.state.as_str(),
            attempts: attempts.into_iter().map(attempt).collect(),
            not_before: delivery.not_before.to_string(),
            accepted_at: delivery.accepted_at.map(|at| at.to_string()),
            delivered_at: delivery.delivered_at.map(|at| at.to_string()),
            price: delivery.price_micros.map(|micros| PriceView {
                amount: amount(micros),
                currency: "USD",
            }),
        }
    }
}

/// The messages of an incident with their attempts.
pub async fn deliveries(
    connection: &mut PgConnection,
    account: AccountId,
    incident: IncidentId,
) -> ApiResult<Vec<DeliveryView>> {
    let deliveries = store::deliveries::list_by_incident(connection, account, incident).await?;
    let ids: Vec<DeliveryId> = deliveries.iter().map(|delivery| delivery.id).collect();
    let mut attempts: HashMap<DeliveryId, Vec<Attempt>> = HashMap::new();
    for attempt in store::deliveries::list_attempts(connection, account, &ids).await? {
        attempts
            .entry(attempt.delivery_id)
            .or_default()
            .push(attempt);
    }
    Ok(deliveries
        .into_iter()
        .map(|delivery| {
            let own = attempts.remove(&delivery.id).unwrap_or_default();
            DeliveryView::of(delivery, own)
        })
        .collect())
}

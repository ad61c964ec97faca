//! One transition into the database, and what follows for the timetable.

use std::sync::Arc;

use domain::status::Look;
use domain::status::region::RECHECK_SPACING;
use incidents::{Looked, Recorded};
use jiff::Timestamp;
use metrics::counter;
use store::{checks, evidence};

use super::Transition;
use crate::canary;
use crate::clock::later;
use crate::metrics as names;
use crate::plan::Known;
use crate::shared::Shared;

/// What kept a transition from being recorded.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error(transparent)]
    Incidents(#[from] incidents::Error),
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl Error {
    pub(super) fn is_unavailable(&self) -> bool {
        match self {
            Self::Incidents(error) => error.is_unavailable(),
            Self::Store(error) => error.is_unavailable(),
        }
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// How far it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Applied {
    Done,
    /// The look would decide something. It is recorded once a sitting of the canaries that began
    /// after this, its end, has found us well.
    NeedsCanary(Timestamp),
}

/// Records a transition. May be repeated: the look is taken in once, and everything else is kept by
/// its own key. A look made while nothing was seen, and one that is `held`, is taken into nothing.
pub(super) async fn apply(
    shared: &Arc<Shared>,
    transition: &Transition,
    held: bool,
) -> Result<Applied, Error> {
    let plan = &transition.plan;
    // The rules ask the database what was blind.
    if canary::must_save(shared) {
        canary::save(shared).await?;
    }
    let ended = |look: &Look| look.finished_at.max(look.at);
    let look = transition.look.as_ref();
    let clouded = look.is_some_and(|look| held || shared.canaries.clouds(look.at, ended(look)));
    if let Some((reason, check)) = &transition.requested {
        let mut connection = shared.pool.acquire().await?;
        checks::insert_requested(
            &mut connection,
            plan.account_id,
            plan.monitor_id,
            reason,
            check,
        )
        .await?;
    }
    let recorded = match (look.filter(|_| !clouded), epoch(shared, transition).await?) {
        (Some(look), Some(epoch)) => {
            let looked = Looked {
                account_id: plan.account_id,
                monitor_id: plan.monitor_id,
                shard: plan.shard,
                epoch,
                look: look.clone(),
                diagnosis: transition.diagnosis.clone(),
                answer: transition.answer.clone(),
                check_id: Some(transition.check_id),
                last_good_at: None,
                public_address: transition.public_address,
                address: transition.address,
                trusted: shared.canaries.trusts(ended(look)),
            };
            let recorded =
                incidents::record_look(&shared.pool, &shared.secrets, &looked, shared.now())
                    .await?;
            if recorded.needs_canary {
                return Ok(Applied::NeedsCanary(ended(look)));
            }
            Some(recorded)
        }
        _ => None,
    };
    if clouded {
        held_back(shared, transition);
    }
    if let Some(recorded) = &recorded {
        follow(shared, transition, recorded);
    }
    let incident = recorded
        .as_ref()
        .and_then(|recorded| recorded.open_incident);
    if let Some(kept) = transition.evidence.as_ref().filter(|_| !clouded) {
        let mut connection = shared.pool.acquire().await?;
        evidence::insert(&mut connection, kept, plan.history_months, incident).await?;
    }
    if let Some(seen) = transition.certificate.as_ref().filter(|_| !clouded) {
        let told = incidents::record_certificate(&shared.pool, seen, shared.now()).await?;
        if told.is_none()
            && let Some(entry) = shared.book().get_mut(plan.monitor_id)
        {
            // It waits for the end of maintenance: the next look brings it again.
            entry.certificate = None;
        }
    }
    if let Some(seen) = &transition.registration {
        incidents::record_registration(&shared.pool, seen, shared.now()).await?;
    }
    Ok(Applied::Done)
}

/// What is not taken in is looked at again: now if sight is back already, else when it is.
fn held_back(shared: &Shared, transition: &Transition) {
    counter!(names::RECORDED, "outcome" => "held").increment(1);
    if !shared.canaries.is_blind() {
        let id = transition.plan.monitor_id;
        shared.book().look_at(id, shared.now());
        shared.pace.due.notify_one();
    }
}

/// The epoch the look counts under: the lease it was made under, else that of the shard's holder,
/// for whom this worker answered a request.
async fn epoch(shared: &Shared, transition: &Transition) -> Result<Option<i64>, Error> {
    if let Some(epoch) = transition.epoch {
        return Ok(Some(epoch));
    }
    let mut connection = shared.pool.acquire().await?;
    let region = &shared.config.region;
    Ok(store::states::votes::find_epoch(&mut connection, region, transition.plan.shard).await?)
}

/// What the timetable learns from it.
fn follow(shared: &Arc<Shared>, transition: &Transition, recorded: &Recorded) {
    let id = transition.plan.monitor_id;
    let outcome = if recorded.stale {
        "stale"
    } else if recorded.opened.is_some() {
        "opened"
    } else if recorded.closed.is_some() {
        "closed"
    } else {
        "noted"
    };
    counter!(names::RECORDED, "outcome" => outcome).increment(1);
    if recorded.stale {
        // The monitor was edited meanwhile, or the lease lost: read it anew.
        shared.reload(transition.plan.account_id, id);
        return;
    }
    let vote = recorded.vote.as_ref();
    let mut book = shared.book();
    if let (Some(entry), Some(state)) = (book.get_mut(id), &recorded.state) {
        entry.known = Known {
            observed: state.observed,
            vote: vote.and_then(|vote| vote.verdict),
            confirming: state.confirming || vote.is_some_and(|vote| vote.candidate.is_some()),
            quiet: state.quiet_until_up,
            ever_up: state.ever_up,
            was_public: entry.known.was_public || transition.public_address,
        };
    }
    match vote {
        // It came late, or was recorded twice since its commit was not heard of.
        Some(vote) if vote.candidate.is_some() && recorded.rechecks.at.is_empty() => {
            book.look_at(id, later(shared.now(), RECHECK_SPACING));
        }
        Some(vote) => book.plan_rechecks(id, vote.looked_at, recorded.rechecks.clone()),
        None => return,
    }
    shared.pace.due.notify_one();
}

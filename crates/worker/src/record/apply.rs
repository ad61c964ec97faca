//! One transition into the database, and what follows for the timetable.

use std::sync::Arc;

use domain::status::region::RECHECK_SPACING;
use incidents::{Looked, Recorded};
use metrics::counter;
use store::look_requests::Reason;
use store::{checks, evidence};

use super::Transition;
use crate::clock::later;
use crate::metrics as names;
use crate::plan::Known;
use crate::requests::ask;
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

/// Records a transition. May be repeated: the look is taken in once, and everything else is kept by
/// its own key.
pub(super) async fn apply(shared: &Arc<Shared>, transition: &Transition) -> Result<(), Error> {
    let plan = &transition.plan;
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
    let recorded = match (&transition.look, epoch(shared, transition).await?) {
        (Some(look), Some(epoch)) => {
            let looked = Looked {
                account_id: plan.account_id,
                monitor_id: plan.monitor_id,
                shard: plan.shard,
                epoch,
                look: look.clone(),
                diagnosis: transition.diagnosis.clone(),
                check_id: Some(transition.check_id),
                last_good_at: None,
                public_address: transition.public_address,
                // Without canaries the self-check is off.
                trusted: true,
            };
            Some(
                incidents::record_look(&shared.pool, &shared.secrets, &looked, shared.now())
                    .await?,
            )
        }
        _ => None,
    };
    if let Some(recorded) = &recorded {
        follow(shared, transition, recorded);
        if !recorded.ask_regions.is_empty() {
            let mut connection = shared.pool.acquire().await?;
            let asked = (recorded.ask_regions.as_slice(), Reason::Vote);
            let key = (plan.account_id, plan.monitor_id);
            ask(&mut connection, &shared.secrets, key, asked, shared.now()).await?;
        }
    }
    let incident = recorded
        .as_ref()
        .and_then(|recorded| recorded.open_incident);
    if let Some(kept) = &transition.evidence {
        let mut connection = shared.pool.acquire().await?;
        evidence::insert(&mut connection, kept, plan.history_months, incident).await?;
    }
    if let Some(seen) = &transition.certificate {
        incidents::record_certificate(&shared.pool, seen, shared.now()).await?;
    }
    Ok(())
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
    let candidate = recorded
        .vote
        .as_ref()
        .is_some_and(|vote| vote.candidate.is_some());
    // A look recorded twice (its commit was not heard of) says nothing of the recheck; it is due.
    let recheck_at = recorded
        .recheck_at
        .or_else(|| candidate.then(|| later(shared.now(), RECHECK_SPACING)));
    let mut book = shared.book();
    if let (Some(entry), Some(state)) = (book.get_mut(id), &recorded.state) {
        entry.known = Known {
            observed: state.observed,
            vote: recorded.vote.as_ref().and_then(|vote| vote.verdict),
            confirming: state.confirming || candidate,
            quiet: state.quiet_until_up,
            ever_up: state.ever_up,
            was_public: entry.known.was_public || transition.public_address,
        };
    }
    if let Some(at) = recheck_at {
        book.schedule_recheck(id, at);
        shared.due.notify_one();
    }
}

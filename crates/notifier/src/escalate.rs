//! The job that wakes an incident when its next step or reminder is due.

use std::sync::Arc;

use crate::room::{Room, StepError};

/// Goes on with the incident that a job names. What fails here, a sweep of the workers finds.
pub(crate) async fn handle(room: Arc<Room>, job: jobs::Escalate) {
    if let Err(error) = escalate(&room, job).await {
        tracing::error!(incident.id = %job.incident_id, %error, "an escalation is left to the sweep");
    }
}

async fn escalate(room: &Room, job: jobs::Escalate) -> Result<(), StepError> {
    let mut transaction = store::begin(&room.pool).await?;
    let of = (job.account_id, job.incident_id);
    incidents::escalate(&mut transaction, of, room.clock.now()).await?;
    transaction.commit().await?;
    Ok(())
}

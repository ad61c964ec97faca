//! Deploy markers: said, and taken back.

use domain::ids::EventId;
use domain::marker::Marker;
use sqlx::PgConnection;
use store::audit;

use super::maintenance::strangers;
use super::{Caller, UseCaseError, UseCaseResult};

/// Keeps a marker; the open incidents that came shortly after it name it.
pub async fn create(
    connection: &mut PgConnection,
    caller: &Caller,
    marker: &Marker,
) -> UseCaseResult<()> {
    let mut errors = marker.validate(caller.now);
    let ids = marker.targets.monitor_ids.as_deref().unwrap_or_default();
    if errors.is_empty() && !ids.is_empty() {
        let known = store::monitors::list_known(connection, caller.account_id, ids).await?;
        errors.extend(strangers(ids, &known, &[]));
    }
    if !errors.is_empty() {
        return Err(UseCaseError::Invalid(errors));
    }
    ::incidents::record_marker(connection, caller.account_id, marker, &caller.by()).await?;
    Ok(())
}

/// Takes a marker back. Incidents that named it keep their line.
pub async fn delete(
    connection: &mut PgConnection,
    caller: &Caller,
    id: EventId,
) -> UseCaseResult<()> {
    if !store::markers::delete(connection, caller.account_id, id).await? {
        return Err(UseCaseError::NotFound);
    }
    let entry = audit::Entry {
        account_id: caller.account_id,
        actor: &caller.actor,
        action: "event.deleted",
        subject: id.to_string(),
        details: serde_json::json!({}),
        at: caller.now,
    };
    Ok(audit::insert(connection, &entry).await?)
}

//! Incidents: taken, ended, commented on.

use domain::ids::IncidentId;
use domain::incident::Incident;
use sqlx::PgConnection;

use super::{Caller, UseCaseError, UseCaseResult};

/// The longest comment, characters.
const MAX_COMMENT: usize = 5_000;

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

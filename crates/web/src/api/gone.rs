//! Deleting twice deletes once: what was deleted before is told from what never was.

use domain::ids::AccountId;
use sqlx::PgConnection;

use super::problem::{ApiResult, Problem};
use crate::usecases::{UseCaseError, UseCaseResult};

/// The outcome of a deletion; one of an object that `action` says was deleted before is fine too.
pub async fn twice(
    outcome: UseCaseResult<()>,
    connection: &mut PgConnection,
    account: AccountId,
    (action, subject): (&str, &str),
) -> ApiResult<()> {
    match outcome {
        Err(UseCaseError::NotFound) => {
            if store::audit::exists(connection, account, action, subject).await? {
                Ok(())
            } else {
                Err(Problem::not_found())
            }
        }
        other => Ok(other?),
    }
}

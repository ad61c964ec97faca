//! The standing check of an account, from its rows.

use domain::alert::standing::{Finding, Standing, Watched};
use domain::ids::AccountId;
use sqlx::PgConnection;

use super::UseCaseResult;
use crate::state::AppState;

/// What is not as it should be, the worst first.
pub async fn check(
    connection: &mut PgConnection,
    state: &AppState,
    account: AccountId,
) -> UseCaseResult<Vec<Finding>> {
    let now = state.now();
    let monitors = store::states::list_recipients(connection, account).await?;
    let monitors: Vec<Watched> = monitors
        .into_iter()
        .map(|one| Watched {
            id: one.id,
            name: one.name,
            contact_ids: one.contact_ids,
            policy_id: one.policy_id,
            severity: one.severity,
        })
        .collect();
    let timezone = store::accounts::find(connection, account)
        .await?
        .map_or_else(|| "UTC".to_owned(), |account| account.timezone);
    let standing = Standing {
        account,
        policies: &store::policies::list(connection, account).await?,
        contacts: &store::contacts::list(connection, account).await?,
        duties: &store::oncall::list_duties(connection, account, now).await?,
        monitors: &monitors,
        balance_micros: match state.config.outbox {
            true => None,
            false => Some(store::wallets::find_balance(connection, account).await?),
        },
        zone: &domain::words::zone(&timezone),
        now,
    };
    Ok(standing.check())
}

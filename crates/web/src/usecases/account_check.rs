//! The standing check of an account, from its rows.

use domain::alert::standing::{Finding, Standing, Watched};
use domain::contact::Contact;
use domain::ids::AccountId;
use sqlx::PgConnection;
use store::states::Telling;

use super::UseCaseResult;
use crate::state::AppState;

/// What is known of the account already.
pub struct Known<'k> {
    /// Its monitors.
    pub monitors: Vec<Watched>,
    /// Its contacts.
    pub contacts: &'k [Contact],
    /// The IANA name of its zone.
    pub timezone: &'k str,
    /// What is left in its wallet.
    pub balance_micros: i64,
}

/// What is not as it should be, the worst first.
pub async fn check(
    connection: &mut PgConnection,
    state: &AppState,
    account: AccountId,
) -> UseCaseResult<Vec<Finding>> {
    let monitors = store::states::list_recipients(connection, account).await?;
    let timezone = store::accounts::find(connection, account)
        .await?
        .map_or_else(|| "UTC".to_owned(), |account| account.timezone);
    let known = Known {
        monitors: monitors.into_iter().map(watched).collect(),
        contacts: &store::contacts::list(connection, account).await?,
        timezone: &timezone,
        balance_micros: store::wallets::find_balance(connection, account).await?,
    };
    check_known(connection, state, account, known).await
}

fn watched(one: Telling) -> Watched {
    Watched {
        id: one.id,
        name: one.name,
        contact_ids: one.contact_ids,
        policy_id: one.policy_id,
        severity: one.severity,
    }
}

/// The same with what the caller has read.
pub async fn check_known(
    connection: &mut PgConnection,
    state: &AppState,
    account: AccountId,
    mut known: Known<'_>,
) -> UseCaseResult<Vec<Finding>> {
    let now = state.now();
    known
        .monitors
        .sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
    let standing = Standing {
        account,
        policies: &store::policies::list(connection, account).await?,
        contacts: known.contacts,
        duties: &store::oncall::list_duties(connection, account, now).await?,
        monitors: &known.monitors,
        balance_micros: (!state.config.outbox).then_some(known.balance_micros),
        zone: &domain::words::zone(known.timezone),
        now,
    };
    Ok(standing.check())
}

//! What a plan includes for text messages and calls: added when the plan begins and on the first of each
//! month (UTC). What is not spent stays in the wallet. A larger plan brings the difference at once; a
//! smaller one takes nothing back.

use domain::account::plan::credit_month;
use domain::ids::AccountId;
use jiff::Timestamp;
use sqlx::{PgConnection, PgPool};
use store::{accounts, wallets};

use crate::Result;

/// Accounts in one round; the next round goes on.
const BATCH: i64 = 500;

/// Adds this month's credit of the account's plan, in the caller's transaction, unless it was added
/// before. Returns what was added, in millionths.
pub async fn grant_plan_credit(
    connection: &mut PgConnection,
    account: AccountId,
    now: Timestamp,
) -> store::Result<i64> {
    let Some(plan) = accounts::find_plan(connection, account).await? else {
        return Ok(0);
    };
    let included = plan.limits().included_micros_per_month;
    if included == 0 {
        return Ok(0);
    }
    let text = format!("Included in the plan {}", plan.as_str());
    let month = credit_month(now);
    wallets::grant_plan(connection, account, (included, &text), month, now).await
}

/// Adds it for all accounts that have not had it; to be called every few minutes. Returns how many had it
/// now.
pub async fn grant_plan_credits(pool: &PgPool, now: Timestamp) -> Result<usize> {
    let month = credit_month(now);
    let due = {
        let mut connection = pool.acquire().await?;
        wallets::list_without_plan_credit(&mut connection, month, BATCH).await?
    };
    for account in &due {
        let mut transaction = store::begin(pool).await?;
        grant_plan_credit(&mut transaction, *account, now).await?;
        transaction.commit().await?;
    }
    Ok(due.len())
}

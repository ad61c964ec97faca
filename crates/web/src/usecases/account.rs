//! The account's own settings.

use serde_json::json;
use sqlx::PgConnection;
use store::{accounts, audit};

use super::{Caller, UseCaseResult};

/// Sets name and time zone.
pub async fn set_profile(
    connection: &mut PgConnection,
    caller: &Caller,
    name: &str,
    timezone: &str,
) -> UseCaseResult<()> {
    accounts::set_profile(connection, caller.account_id, name, timezone).await?;
    let entry = audit::Entry {
        account_id: caller.account_id,
        actor: &caller.actor,
        action: "account.updated",
        subject: caller.account_id.to_string(),
        details: json!({ "name": name, "timezone": timezone }),
        at: caller.now,
    };
    Ok(audit::insert(connection, &entry).await?)
}

//! The account's own settings.

use serde_json::json;
use sqlx::PgConnection;
use store::{accounts, audit};

use domain::ids::PolicyId;

use super::{Caller, UseCaseError, UseCaseResult};

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

/// Sets the policy by which the quiet notices of all monitors go; `None`: each by its monitor's own.
pub async fn set_notice_policy(
    connection: &mut PgConnection,
    caller: &Caller,
    policy: Option<PolicyId>,
) -> UseCaseResult<()> {
    let account = caller.account_id;
    if let Some(id) = policy
        && store::policies::find(connection, account, id)
            .await?
            .is_none()
    {
        return Err(UseCaseError::field(
            "/notice_policy_id",
            "not_found",
            "must be a policy of this account",
        ));
    }
    accounts::set_notice_policy(connection, account, policy).await?;
    let entry = audit::Entry {
        account_id: account,
        actor: &caller.actor,
        action: "account.updated",
        subject: account.to_string(),
        details: json!({ "notice_policy_id": policy.map(|id| id.to_string()) }),
        at: caller.now,
    };
    Ok(audit::insert(connection, &entry).await?)
}

//! A change of plan: nothing is deleted, what the smaller plan does not allow is paused or slowed.

use domain::account::Plan;
use domain::ids::{AccountId, MonitorId};
use domain::incident::Actor;
use jiff::Timestamp;
use serde_json::json;
use sqlx::PgConnection;
use store::{Secrets, audit};

use crate::monitors::{edit_monitor, pause_monitor};
use crate::{By, Result, grant_plan_credit};

/// What a change of plan did to monitors.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlanChange {
    /// Paused, because they are more than the plan allows: the newest.
    pub paused: Vec<MonitorId>,
    /// Looked at less often, because the plan's shortest interval is longer than theirs.
    pub slowed: Vec<MonitorId>,
}

/// Puts `account` on `plan`, in the caller's transaction.
pub async fn set_plan(
    connection: &mut PgConnection,
    secrets: &Secrets,
    account: AccountId,
    plan: Plan,
    now: Timestamp,
) -> Result<PlanChange> {
    store::accounts::lock(connection, account).await?;
    store::accounts::set_plan(connection, account, plan, now).await?;
    grant_plan_credit(connection, account, now).await?;
    let by = By::actor(Actor::system());
    let limits = plan.limits();
    let mut change = PlanChange::default();
    for id in store::monitors::list_newest_beyond(connection, account, limits.monitors).await? {
        if pause_monitor(connection, account, id, &by, now).await? {
            change.paused.push(id);
        }
    }
    for id in
        store::monitors::list_faster_than(connection, account, limits.min_interval_seconds).await?
    {
        store::monitors::lock(connection, account, id).await?;
        let Some(before) = store::monitors::find(connection, secrets, account, id).await? else {
            continue;
        };
        let mut after = before.clone();
        after.spec.interval_seconds = Some(limits.min_interval_seconds);
        after.config_version += 1;
        after.updated_at = now;
        if store::monitors::update(connection, secrets, &after).await? {
            edit_monitor(connection, (&before, &after), &by, now).await?;
            change.slowed.push(id);
        }
    }
    let entry = audit::Entry {
        account_id: account,
        actor: &by.actor,
        action: "account.plan_changed",
        subject: account.to_string(),
        details: json!({ "plan": plan, "paused": change.paused, "slowed": change.slowed }),
        at: now,
    };
    audit::insert(connection, &entry).await?;
    Ok(change)
}

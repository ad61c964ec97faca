//! Escalation policies: made, changed, removed.

use domain::alert::policy::{MAX_STEPS, Policy, Target};
use domain::ids::PolicyId;
use domain::monitor::validate::FieldError;
use sqlx::PgConnection;
use store::audit;

use super::monitors::lock_account;
use super::{Caller, PlanLimit, Resource, UseCaseError, UseCaseResult};
use crate::state::AppState;

/// Makes a policy.
pub async fn create(
    connection: &mut PgConnection,
    caller: &Caller,
    policy: Policy,
) -> UseCaseResult<Policy> {
    let plan = lock_account(connection, caller).await?;
    check(connection, caller, &policy).await?;
    let used = store::policies::count(connection, caller.account_id).await?;
    PlanLimit::check(Resource::Policies, plan, used, 1)?;
    save(connection, caller, policy, "policy.created").await
}

/// The policy, under the lock of its account.
pub async fn find_locked(
    connection: &mut PgConnection,
    caller: &Caller,
    id: PolicyId,
) -> UseCaseResult<Policy> {
    lock_account(connection, caller).await?;
    store::policies::find(connection, caller.account_id, id)
        .await?
        .ok_or(UseCaseError::NotFound)
}

/// Changes a policy that [`find_locked`] gave.
pub async fn update(
    connection: &mut PgConnection,
    caller: &Caller,
    (before, after): (&Policy, Policy),
) -> UseCaseResult<Policy> {
    if *before == after {
        return Ok(after);
    }
    check(connection, caller, &after).await?;
    save(connection, caller, after, "policy.updated").await
}

/// Removes a policy that [`find_locked`] gave. Monitors that used it use the default policy again.
pub async fn delete(
    connection: &mut PgConnection,
    state: &AppState,
    caller: &Caller,
    policy: &Policy,
) -> UseCaseResult<()> {
    let account = caller.account_id;
    if policy.is_default(account) {
        return Err(UseCaseError::conflict(
            None,
            "The default policy cannot be deleted. Change it instead.",
        ));
    }
    for monitor in store::monitors::list_ids_with_policy(connection, account, policy.id).await? {
        super::monitors::respec(connection, state, caller, monitor, |spec| {
            spec.policy_id = None;
        })
        .await?;
    }
    let notices = store::accounts::find_notice_policy(connection, account).await?;
    if notices == Some(policy.id) {
        store::accounts::set_notice_policy(connection, account, None).await?;
    }
    store::policies::delete(connection, account, policy.id).await?;
    note(connection, caller, "policy.deleted", policy.id).await
}

/// Takes a target that goes out of every policy. The account is locked.
pub(super) async fn forget(
    connection: &mut PgConnection,
    caller: &Caller,
    target: Target,
) -> UseCaseResult<()> {
    let account = caller.account_id;
    for mut policy in store::policies::list(connection, account).await? {
        if policy.forget(target, account) {
            store::policies::save(connection, account, &policy, caller.now).await?;
        }
    }
    Ok(())
}

async fn check(
    connection: &mut PgConnection,
    caller: &Caller,
    policy: &Policy,
) -> UseCaseResult<()> {
    let mut errors = policy.validate();
    let steps = policy.steps.as_deref().unwrap_or_default();
    let account = caller.account_id;
    for (i, step) in steps.iter().take(MAX_STEPS).enumerate() {
        let known = store::contacts::list_known(connection, account, &step.contact_ids).await?;
        let at = format!("/steps/{i}/contact_ids");
        errors.extend(unknown((&at, "a contact"), &step.contact_ids, &known));
        let known = store::oncall::list_known(connection, account, &step.schedule_ids).await?;
        let at = format!("/steps/{i}/schedule_ids");
        errors.extend(unknown((&at, "a schedule"), &step.schedule_ids, &known));
        let known = store::memberships::list_known(connection, account, &step.member_ids).await?;
        let at = format!("/steps/{i}/member_ids");
        errors.extend(unknown((&at, "a member"), &step.member_ids, &known));
    }
    if errors.is_empty() {
        Ok(())
    } else {
        Err(UseCaseError::Invalid(errors))
    }
}

fn unknown<T: PartialEq>((at, what): (&str, &str), ids: &[T], known: &[T]) -> Vec<FieldError> {
    let strangers = ids.iter().enumerate().filter(|(_, id)| !known.contains(id));
    strangers
        .map(|(j, _)| {
            let message = format!("must be {what} of this account");
            FieldError::new(format!("{at}/{j}"), "not_found", message)
        })
        .collect()
}

async fn save(
    connection: &mut PgConnection,
    caller: &Caller,
    mut policy: Policy,
    action: &str,
) -> UseCaseResult<Policy> {
    let account = caller.account_id;
    policy.version = store::policies::save(connection, account, &policy, caller.now).await?;
    note(connection, caller, action, policy.id).await?;
    Ok(policy)
}

async fn note(
    connection: &mut PgConnection,
    caller: &Caller,
    action: &str,
    id: PolicyId,
) -> UseCaseResult<()> {
    let entry = audit::Entry {
        account_id: caller.account_id,
        actor: &caller.actor,
        action,
        subject: id.to_string(),
        details: serde_json::json!({}),
        at: caller.now,
    };
    Ok(audit::insert(connection, &entry).await?)
}

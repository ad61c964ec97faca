//! On-call schedules: made, changed, removed, and who stands in.

use domain::alert::policy::Target;
use domain::ids::{OverrideId, ScheduleId, UserId};
use domain::monitor::validate::FieldError;
use domain::oncall::{MAX_OVERRIDES, Override, Participant, Schedule};
use sqlx::PgConnection;
use store::audit;
use store::token_lookups::{self, Found, Kind};

use super::monitors::lock_account;
use super::{Caller, PlanLimit, Resource, UseCaseError, UseCaseResult};

/// Makes a schedule.
pub async fn create(
    connection: &mut PgConnection,
    caller: &Caller,
    schedule: Schedule,
) -> UseCaseResult<Schedule> {
    let schedule = schedule.as_kept();
    let plan = lock_account(connection, caller).await?;
    check(connection, caller, (None, &schedule)).await?;
    let used = store::oncall::count(connection, caller.account_id).await?;
    PlanLimit::check(Resource::Schedules, plan, used, 1)?;
    store::oncall::insert(connection, caller.account_id, &schedule).await?;
    note(connection, caller, "schedule.created", &schedule.id).await?;
    Ok(schedule)
}

/// The schedule, under the lock of its account.
pub async fn find_locked(
    connection: &mut PgConnection,
    caller: &Caller,
    id: ScheduleId,
) -> UseCaseResult<Schedule> {
    lock_account(connection, caller).await?;
    store::oncall::find(connection, caller.account_id, id)
        .await?
        .ok_or(UseCaseError::NotFound)
}

/// Changes a schedule that [`find_locked`] gave.
pub async fn update(
    connection: &mut PgConnection,
    caller: &Caller,
    (before, after): (&Schedule, Schedule),
) -> UseCaseResult<Schedule> {
    if *before == after {
        return Ok(after);
    }
    check(connection, caller, (Some(before), &after)).await?;
    let mut after = Schedule {
        updated_at: caller.now,
        ..after
    }
    .as_kept();
    after.version = store::oncall::update(connection, caller.account_id, &after).await?;
    note(connection, caller, "schedule.updated", &after.id).await?;
    Ok(after)
}

/// Removes a schedule that [`find_locked`] gave, with its overrides and calendars. Policies forget it; a step
/// without anybody is gone.
pub async fn delete(
    connection: &mut PgConnection,
    caller: &Caller,
    schedule: &Schedule,
) -> UseCaseResult<()> {
    let account = caller.account_id;
    token_lookups::delete_of_row(connection, account, Kind::Calendar, schedule.id.uuid()).await?;
    super::policies::forget(connection, caller, Target::Schedule(schedule.id)).await?;
    store::oncall::delete(connection, account, schedule.id).await?;
    note(connection, caller, "schedule.deleted", &schedule.id).await
}

/// Somebody stands in, in a schedule that [`find_locked`] gave.
pub async fn add_override(
    connection: &mut PgConnection,
    caller: &Caller,
    schedule: &Schedule,
    new: Override,
) -> UseCaseResult<Override> {
    let new = new.as_kept();
    let mut errors = new.validate(caller.now);
    if errors.is_empty() && !is_known(connection, caller, new.participant).await? {
        errors.push(stranger("/participant".to_owned()));
    }
    if !errors.is_empty() {
        return Err(UseCaseError::Invalid(errors));
    }
    let account = caller.account_id;
    let coming =
        store::oncall::count_overrides(connection, account, schedule.id, caller.now).await?;
    if coming >= MAX_OVERRIDES {
        return Err(UseCaseError::conflict(
            None,
            format!(
                "There are {MAX_OVERRIDES} overrides to come. Delete some of them, or change the turns."
            ),
        ));
    }
    store::oncall::insert_override(connection, account, schedule.id, &new).await?;
    note(connection, caller, "schedule.override_added", &new.id).await?;
    Ok(new)
}

/// Takes an override back; false when there is none.
pub async fn delete_override(
    connection: &mut PgConnection,
    caller: &Caller,
    (schedule, id): (ScheduleId, OverrideId),
) -> UseCaseResult<bool> {
    find_locked(connection, caller, schedule).await?;
    let gone =
        store::oncall::delete_override(connection, caller.account_id, (schedule, id)).await?;
    if gone {
        note(connection, caller, "schedule.override_deleted", &id).await?;
    }
    Ok(gone)
}

/// Gives a person a new calendar address of a schedule, instead of the one before. It is shown once: the
/// token is kept as its hash.
pub async fn renew_calendar(
    connection: &mut PgConnection,
    caller: &Caller,
    (schedule, user): (ScheduleId, UserId),
) -> UseCaseResult<String> {
    find_locked(connection, caller, schedule).await?;
    let account = caller.account_id;
    let rows = (schedule.uuid(), user.uuid());
    token_lookups::delete_of_rows(connection, account, Kind::Calendar, rows).await?;
    let token = store::secrets::random_token();
    let found = Found {
        account_id: account,
        row_id: schedule.uuid(),
        other_id: Some(user.uuid()),
    };
    let kept = calendar_lookup(&token);
    token_lookups::insert(connection, Kind::Calendar, &kept, found, caller.now).await?;
    note(connection, caller, "schedule.calendar_renewed", &schedule).await?;
    Ok(token)
}

/// A calendar's token as it is kept.
pub fn calendar_lookup(token: &str) -> String {
    store::api_keys::lookup_token(&store::secrets::token_hash(token))
}

/// Takes somebody who goes out of every schedule. The account is locked.
pub(super) async fn forget(
    connection: &mut PgConnection,
    caller: &Caller,
    who: Participant,
) -> UseCaseResult<()> {
    let account = caller.account_id;
    for mut schedule in store::oncall::list(connection, account).await? {
        if schedule.forget(who) {
            schedule.updated_at = caller.now;
            store::oncall::update(connection, account, &schedule).await?;
        }
    }
    store::oncall::forget_in_overrides(connection, account, who).await?;
    Ok(())
}

/// What is wrong with a schedule, new or changed. Who was in it before may stay.
pub async fn check(
    connection: &mut PgConnection,
    caller: &Caller,
    (before, after): (Option<&Schedule>, &Schedule),
) -> UseCaseResult<()> {
    let mut errors = after.validate(caller.now);
    for (i, layer) in after.layers.iter().enumerate() {
        if !errors.is_empty() {
            break;
        }
        let mut strangers = Vec::new();
        for (j, who) in layer.participants.iter().enumerate() {
            let was = before.is_some_and(|before| before.names(*who));
            if !was && !is_known(connection, caller, *who).await? {
                strangers.push(stranger(format!("/layers/{i}/participants/{j}")));
            }
        }
        errors.extend(strangers);
    }
    if errors.is_empty() {
        Ok(())
    } else {
        Err(UseCaseError::Invalid(errors))
    }
}

fn stranger(pointer: String) -> FieldError {
    FieldError::new(
        pointer,
        "not_found",
        "must be a member or a contact of this account",
    )
}

async fn is_known(
    connection: &mut PgConnection,
    caller: &Caller,
    who: Participant,
) -> UseCaseResult<bool> {
    let account = caller.account_id;
    Ok(match who {
        Participant::Member(id) => {
            let known = store::memberships::list_known(connection, account, &[id]).await?;
            !known.is_empty()
        }
        Participant::Contact(id) => {
            let known = store::contacts::list_known(connection, account, &[id]).await?;
            !known.is_empty()
        }
    })
}

async fn note(
    connection: &mut PgConnection,
    caller: &Caller,
    action: &str,
    subject: &impl ToString,
) -> UseCaseResult<()> {
    let entry = audit::Entry {
        account_id: caller.account_id,
        actor: &caller.actor,
        action,
        subject: subject.to_string(),
        details: serde_json::json!({}),
        at: caller.now,
    };
    Ok(audit::insert(connection, &entry).await?)
}

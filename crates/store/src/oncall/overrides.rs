//! Table `schedule_overrides`.

use domain::ids::{AccountId, ContactId, OverrideId, ScheduleId, UserId};
use domain::oncall::{Override, Participant};
use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{Error, Result};

/// An override that has been over for this long is forgotten when the next one is made.
const KEPT: SignedDuration = SignedDuration::from_hours(400 * 24);

/// The overrides of a schedule that are not over at `from`, by their begin.
pub async fn list_overrides(
    connection: &mut PgConnection,
    account: AccountId,
    schedule: ScheduleId,
    from: Timestamp,
) -> Result<Vec<Override>> {
    sqlx::query_as!(
        Row,
        r#"SELECT schedule_id, id, user_id, contact_id, starts_at AS "starts_at: jiff_sqlx::Timestamp",
             ends_at AS "ends_at: jiff_sqlx::Timestamp", created_at AS "created_at: jiff_sqlx::Timestamp"
           FROM schedule_overrides WHERE account_id = $1 AND schedule_id = $2 AND ends_at > $3
           ORDER BY starts_at, id"#,
        account.uuid(),
        schedule.uuid(),
        from.to_sqlx() as _
    )
    .fetch_all(connection)
    .await?
    .into_iter()
    .map(|row| Ok(row.into_override()?.1))
    .collect()
}

/// The same of every schedule of the account.
pub async fn list_overrides_of_all(
    connection: &mut PgConnection,
    account: AccountId,
    from: Timestamp,
) -> Result<Vec<(ScheduleId, Override)>> {
    sqlx::query_as!(
        Row,
        r#"SELECT schedule_id, id, user_id, contact_id, starts_at AS "starts_at: jiff_sqlx::Timestamp",
             ends_at AS "ends_at: jiff_sqlx::Timestamp", created_at AS "created_at: jiff_sqlx::Timestamp"
           FROM schedule_overrides WHERE account_id = $1 AND ends_at > $2 ORDER BY starts_at, id"#,
        account.uuid(),
        from.to_sqlx() as _
    )
    .fetch_all(connection)
    .await?
    .into_iter()
    .map(Row::into_override)
    .collect()
}

/// The override, if it is of this schedule of the account.
pub async fn find_override(
    connection: &mut PgConnection,
    account: AccountId,
    (schedule, id): (ScheduleId, OverrideId),
) -> Result<Option<Override>> {
    sqlx::query_as!(
        Row,
        r#"SELECT schedule_id, id, user_id, contact_id, starts_at AS "starts_at: jiff_sqlx::Timestamp",
             ends_at AS "ends_at: jiff_sqlx::Timestamp", created_at AS "created_at: jiff_sqlx::Timestamp"
           FROM schedule_overrides WHERE account_id = $1 AND schedule_id = $2 AND id = $3"#,
        account.uuid(),
        schedule.uuid(),
        id.uuid()
    )
    .fetch_optional(connection)
    .await?
    .map(|row| Ok(row.into_override()?.1))
    .transpose()
}

/// How many overrides of a schedule are not over. Take the account's lock first.
pub async fn count_overrides(
    connection: &mut PgConnection,
    account: AccountId,
    schedule: ScheduleId,
    now: Timestamp,
) -> Result<u32> {
    let count = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM schedule_overrides
           WHERE account_id = $1 AND schedule_id = $2 AND ends_at > $3"#,
        account.uuid(),
        schedule.uuid(),
        now.to_sqlx() as _
    )
    .fetch_one(connection)
    .await?;
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}

/// Writes a new override, and forgets those that were over long ago.
pub async fn insert_override(
    connection: &mut PgConnection,
    account: AccountId,
    schedule: ScheduleId,
    new: &Override,
) -> Result<()> {
    let long_over = new
        .created_at
        .saturating_sub(KEPT)
        .unwrap_or(Timestamp::MIN);
    sqlx::query!(
        "DELETE FROM schedule_overrides WHERE account_id = $1 AND schedule_id = $2 AND ends_at < $3",
        account.uuid(),
        schedule.uuid(),
        long_over.to_sqlx() as _
    )
    .execute(&mut *connection)
    .await?;
    let (user, contact) = columns(new.participant);
    sqlx::query!(
        "INSERT INTO schedule_overrides (account_id, id, schedule_id, user_id, contact_id, starts_at, ends_at, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        account.uuid(),
        new.id.uuid(),
        schedule.uuid(),
        user,
        contact,
        new.starts_at.to_sqlx() as _,
        new.ends_at.to_sqlx() as _,
        new.created_at.to_sqlx() as _
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Removes an override; false when there is none.
pub async fn delete_override(
    connection: &mut PgConnection,
    account: AccountId,
    (schedule, id): (ScheduleId, OverrideId),
) -> Result<bool> {
    let done = sqlx::query!(
        "DELETE FROM schedule_overrides WHERE account_id = $1 AND schedule_id = $2 AND id = $3",
        account.uuid(),
        schedule.uuid(),
        id.uuid()
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Removes the overrides of somebody who goes. Says how many.
pub async fn forget_in_overrides(
    connection: &mut PgConnection,
    account: AccountId,
    who: Participant,
) -> Result<u64> {
    let (user, contact) = columns(who);
    let done = sqlx::query!(
        "DELETE FROM schedule_overrides WHERE account_id = $1 AND (user_id = $2 OR contact_id = $3)",
        account.uuid(),
        user,
        contact
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

fn columns(who: Participant) -> (Option<Uuid>, Option<Uuid>) {
    match who {
        Participant::Member(id) => (Some(id.uuid()), None),
        Participant::Contact(id) => (None, Some(id.uuid())),
    }
}

struct Row {
    schedule_id: Uuid,
    id: Uuid,
    user_id: Option<Uuid>,
    contact_id: Option<Uuid>,
    starts_at: jiff_sqlx::Timestamp,
    ends_at: jiff_sqlx::Timestamp,
    created_at: jiff_sqlx::Timestamp,
}

impl Row {
    fn into_override(self) -> Result<(ScheduleId, Override)> {
        let id = OverrideId::from_uuid(self.id);
        let member = self.user_id.map(UserId::from_uuid).map(Participant::Member);
        let contact = self.contact_id.map(ContactId::from_uuid);
        let participant = member
            .or(contact.map(Participant::Contact))
            .ok_or_else(|| Error::impossible("schedule_overrides", "user_id", id))?;
        let found = Override {
            id,
            participant,
            starts_at: self.starts_at.to_jiff(),
            ends_at: self.ends_at.to_jiff(),
            created_at: self.created_at.to_jiff(),
        };
        Ok((ScheduleId::from_uuid(self.schedule_id), found))
    }
}

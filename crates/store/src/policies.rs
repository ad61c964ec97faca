//! Table `policies`: who is told of an outage, and when. The default policy has the account's own id
//! and may have no row.

use domain::alert::policy::{Policy, Step};
use domain::ids::{AccountId, PolicyId};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::{Error, Result};

/// Every policy of the account, the default one first, then by id.
pub async fn list(connection: &mut PgConnection, account: AccountId) -> Result<Vec<Policy>> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT id, name, steps AS "steps: Json<Vec<Step>>", repeat, reminder_seconds, version FROM policies
           WHERE account_id = $1 ORDER BY id <> account_id, id"#,
        account.uuid()
    )
    .fetch_all(connection)
    .await?;
    let mut policies: Vec<Policy> = rows
        .into_iter()
        .map(Row::into_policy)
        .collect::<Result<_>>()?;
    if !policies
        .first()
        .is_some_and(|first| first.is_default(account))
    {
        policies.insert(0, Policy::default_of(account));
    }
    Ok(policies)
}

/// The policy, if it is the account's; the default policy always is.
pub async fn find(
    connection: &mut PgConnection,
    account: AccountId,
    id: PolicyId,
) -> Result<Option<Policy>> {
    let row = sqlx::query_as!(
        Row,
        r#"SELECT id, name, steps AS "steps: Json<Vec<Step>>", repeat, reminder_seconds, version FROM policies
           WHERE account_id = $1 AND id = $2"#,
        account.uuid(),
        id.uuid()
    )
    .fetch_optional(connection)
    .await?;
    match row {
        Some(row) => row.into_policy().map(Some),
        None if id == Policy::default_id(account) => Ok(Some(Policy::default_of(account))),
        None => Ok(None),
    }
}

/// How many policies count against the plan: all but the default one. Take the account's lock first.
pub async fn count(connection: &mut PgConnection, account: AccountId) -> Result<u32> {
    let count = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM policies WHERE account_id = $1 AND id <> account_id"#,
        account.uuid()
    )
    .fetch_one(connection)
    .await?;
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}

/// Writes a policy, new or changed, and gives its version. The account is locked.
pub async fn save(
    connection: &mut PgConnection,
    account: AccountId,
    policy: &Policy,
    now: Timestamp,
) -> Result<i64> {
    let version = sqlx::query_scalar!(
        "INSERT INTO policies (account_id, id, name, steps, repeat, reminder_seconds, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $7, $6, $6)
         ON CONFLICT ON CONSTRAINT policies_pkey DO UPDATE
         SET name = $3, steps = $4, repeat = $5, reminder_seconds = $7, updated_at = $6, version = policies.version + 1
         RETURNING version",
        account.uuid(),
        policy.id.uuid(),
        policy.name,
        policy.steps.as_ref().map(Json) as _,
        i32::try_from(policy.repeat).unwrap_or(i32::MAX),
        now.to_sqlx() as _,
        policy
            .reminder_seconds
            .map(|seconds| i32::try_from(seconds).unwrap_or(i32::MAX))
    )
    .fetch_one(connection)
    .await?;
    Ok(version)
}

/// Removes a policy; false when there is none.
pub async fn delete(
    connection: &mut PgConnection,
    account: AccountId,
    id: PolicyId,
) -> Result<bool> {
    let done = sqlx::query!(
        "DELETE FROM policies WHERE account_id = $1 AND id = $2",
        account.uuid(),
        id.uuid()
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

struct Row {
    id: Uuid,
    name: String,
    steps: Option<Json<Vec<Step>>>,
    repeat: i32,
    reminder_seconds: Option<i32>,
    version: i64,
}

impl Row {
    fn into_policy(self) -> Result<Policy> {
        let id = PolicyId::from_uuid(self.id);
        Ok(Policy {
            id,
            name: self.name,
            steps: self.steps.map(|steps| steps.0),
            repeat: u32::try_from(self.repeat)
                .map_err(|_| Error::impossible("policies", "repeat", id))?,
            reminder_seconds: self
                .reminder_seconds
                .map(u32::try_from)
                .transpose()
                .map_err(|_| Error::impossible("policies", "reminder_seconds", id))?,
            version: self.version,
        })
    }
}

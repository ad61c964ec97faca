//! Who belongs to which account, and as what.

use domain::account::Role;
use domain::ids::{AccountId, UserId};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;

use crate::{Error, Result};

/// Adds a member.
pub async fn insert(
    connection: &mut PgConnection,
    account: AccountId,
    user: UserId,
    role: Role,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO memberships (account_id, user_id, role, created_at) VALUES ($1, $2, $3, $4)",
        account.uuid(),
        user.uuid(),
        role.as_str(),
        now.to_sqlx() as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The accounts of a person and the role in each, oldest membership first.
pub async fn list_of_user(
    connection: &mut PgConnection,
    user: UserId,
) -> Result<Vec<(AccountId, Role)>> {
    let rows = sqlx::query!(
        "SELECT m.account_id, m.role FROM memberships m JOIN accounts a ON a.id = m.account_id
         WHERE m.user_id = $1 AND a.deleted_at IS NULL ORDER BY m.created_at, m.account_id",
        user.uuid()
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            let role = Role::parse(&row.role)
                .ok_or_else(|| Error::impossible("memberships", "role", row.account_id))?;
            Ok((AccountId::from_uuid(row.account_id), role))
        })
        .collect()
}

/// A member, as others of the account see them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The person.
    pub id: UserId,
    /// Their name; may be empty.
    pub name: String,
    /// Their mail address.
    pub email: String,
}

impl Member {
    /// What they are called: their name, or else their address.
    pub fn called(&self) -> &str {
        if self.name.trim().is_empty() {
            &self.email
        } else {
            &self.name
        }
    }
}

/// Every member of the account, the oldest first. Not under the tenant's role: people are not a tenant's.
pub async fn list_people(connection: &mut PgConnection, account: AccountId) -> Result<Vec<Member>> {
    let rows = sqlx::query!(
        "SELECT u.id, u.name, u.email FROM memberships m JOIN users u ON u.id = m.user_id
         WHERE m.account_id = $1 ORDER BY m.created_at, u.id",
        account.uuid()
    )
    .fetch_all(connection)
    .await?;
    let people = rows.into_iter().map(|row| Member {
        id: UserId::from_uuid(row.id),
        name: row.name,
        email: row.email,
    });
    Ok(people.collect())
}

/// The ids of every member of the account.
pub async fn list_ids(connection: &mut PgConnection, account: AccountId) -> Result<Vec<UserId>> {
    let ids = sqlx::query_scalar!(
        "SELECT user_id FROM memberships WHERE account_id = $1 ORDER BY user_id",
        account.uuid()
    )
    .fetch_all(connection)
    .await?;
    Ok(ids.into_iter().map(UserId::from_uuid).collect())
}

/// Those of `ids` that are members of the account.
pub async fn list_known(
    connection: &mut PgConnection,
    account: AccountId,
    ids: &[UserId],
) -> Result<Vec<UserId>> {
    let ids: Vec<uuid::Uuid> = ids.iter().map(|id| id.uuid()).collect();
    let known = sqlx::query_scalar!(
        "SELECT user_id FROM memberships WHERE account_id = $1 AND user_id = ANY ($2)",
        account.uuid(),
        &ids
    )
    .fetch_all(connection)
    .await?;
    Ok(known.into_iter().map(UserId::from_uuid).collect())
}

/// How many members an account has.
pub async fn count(connection: &mut PgConnection, account: AccountId) -> Result<i64> {
    let count = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM memberships WHERE account_id = $1"#,
        account.uuid()
    )
    .fetch_one(connection)
    .await?;
    Ok(count)
}

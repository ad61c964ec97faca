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

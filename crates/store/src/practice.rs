//! The practice site of an account, found by its token.

use domain::account::{Practice, PracticeMode};
use domain::ids::AccountId;
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;

use crate::{Error, Result};

/// The practice site behind a token, unless its account is deleted.
pub async fn find(connection: &mut PgConnection, token: &str) -> Result<Option<Practice>> {
    let row = sqlx::query!(
        r#"SELECT id, practice_mode, practice_changed_at AS "changed_at: jiff_sqlx::Timestamp", timezone
           FROM accounts WHERE practice_token = $1 AND deleted_at IS NULL"#,
        token
    )
    .fetch_optional(connection)
    .await?;
    row.map(|row| {
        let account_id = AccountId::from_uuid(row.id);
        Ok(Practice {
            account_id,
            mode: PracticeMode::parse(&row.practice_mode)
                .ok_or_else(|| Error::impossible("accounts", "practice_mode", account_id))?,
            changed_at: row.changed_at.map(|at| at.to_jiff()),
            timezone: row.timezone,
        })
    })
    .transpose()
}

/// Makes the practice site behave so from now on.
pub async fn set_mode(
    connection: &mut PgConnection,
    account: AccountId,
    mode: PracticeMode,
    now: Timestamp,
) -> Result<bool> {
    let done = sqlx::query!(
        "UPDATE accounts SET practice_mode = $2, practice_changed_at = $3 WHERE id = $1 AND deleted_at IS NULL",
        account.uuid(),
        mode.as_str(),
        now.to_sqlx() as _
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

#[cfg(test)]
mod tests {
    use sqlx::PgPool;

    use super::*;

    #[sqlx::test(migrator = "crate::MIGRATOR")]
    async fn a_press_changes_one_site(pool: PgPool) {
        let mut connection = pool.acquire().await.unwrap();
        let (mine, other) = (AccountId::generate(), AccountId::generate());
        for (account, token) in [(mine, "mine"), (other, "other")] {
            sqlx::query!(
                "INSERT INTO accounts (id, name, created_at, practice_token) VALUES ($1, 'x', now(), $2)",
                account.uuid(),
                token
            )
            .execute(&mut *connection)
            .await
            .unwrap();
        }
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        assert!(
            set_mode(&mut connection, mine, PracticeMode::Hangs, now)
                .await
                .unwrap()
        );
        let site = find(&mut connection, "mine").await.unwrap().unwrap();
        assert_eq!(
            (site.account_id, site.mode, site.changed_at),
            (mine, PracticeMode::Hangs, Some(now))
        );
        assert_eq!(
            find(&mut connection, "other").await.unwrap().unwrap().mode,
            PracticeMode::Fine
        );
        assert_eq!(find(&mut connection, "nobody").await.unwrap(), None);
    }
}

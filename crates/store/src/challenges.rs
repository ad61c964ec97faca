//! Codes and links that prove an address or reset a password. Both are kept hashed; tries are counted
//! in the same statement that judges them, so that racing tries cannot pass the limit.

use domain::contact::code::MAX_ATTEMPTS;
use domain::ids::{ChallengeId, UserId};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;

use crate::{Error, Result};

/// What a challenge is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Proves the address of a new person.
    VerifyEmail,
    /// Sets a new password.
    ResetPassword,
    /// Agrees, from the old address, to a new one.
    ChangeEmailOld,
    /// Proves the new address.
    ChangeEmailNew,
}

impl Purpose {
    /// The stored word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::VerifyEmail => "verify_email",
            Self::ResetPassword => "reset_password",
            Self::ChangeEmailOld => "change_email_old",
            Self::ChangeEmailNew => "change_email_new",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        [
            Self::VerifyEmail,
            Self::ResetPassword,
            Self::ChangeEmailOld,
            Self::ChangeEmailNew,
        ]
        .into_iter()
        .find(|purpose| purpose.as_str() == word)
    }
}

/// A challenge to send.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the columns of the table")]
pub struct NewChallenge<'a> {
    pub id: ChallengeId,
    pub purpose: Purpose,
    pub user_id: UserId,
    /// The address that the challenge proves.
    pub address: &'a str,
    pub code_hash: &'a [u8],
    pub token_hash: &'a [u8],
    pub expires_at: Timestamp,
}

/// A challenge that can still be answered, or was.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the columns of the table")]
pub struct Challenge {
    pub id: ChallengeId,
    pub purpose: Purpose,
    pub user_id: UserId,
    pub address: String,
    pub created_at: Timestamp,
    pub consumed_at: Option<Timestamp>,
}

/// How a try of a code went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Try {
    /// Right: the challenge is consumed.
    Right,
    /// Wrong, with this many tries left.
    Wrong(i32),
    /// There is no code that could still be tried.
    Dead,
}

/// Replaces the open challenges of that purpose by a new one.
pub async fn insert(
    connection: &mut PgConnection,
    new: &NewChallenge<'_>,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "UPDATE challenges SET expires_at = $3 WHERE user_id = $1 AND purpose = $2 AND consumed_at IS NULL AND expires_at > $3",
        new.user_id.uuid(),
        new.purpose.as_str(),
        now.to_sqlx() as _,
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "INSERT INTO challenges (id, purpose, user_id, address, code_hash, token_hash, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        new.id.uuid(),
        new.purpose.as_str(),
        new.user_id.uuid(),
        new.address,
        new.code_hash,
        new.token_hash,
        now.to_sqlx() as _,
        new.expires_at.to_sqlx() as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// When the last challenge of that purpose was sent.
pub async fn find_last_sent(
    connection: &mut PgConnection,
    user: UserId,
    purpose: Purpose,
) -> Result<Option<Timestamp>> {
    let at = sqlx::query_scalar!(
        r#"SELECT max(created_at) AS "at: jiff_sqlx::Timestamp" FROM challenges WHERE user_id = $1 AND purpose = $2"#,
        user.uuid(),
        purpose.as_str()
    )
    .fetch_one(connection)
    .await?;
    Ok(at.map(|at| at.to_jiff()))
}

/// Tries a code against the newest open challenge of that purpose: counts the try, judges, and
/// consumes the challenge when it is right, all in one statement.
pub async fn try_code(
    connection: &mut PgConnection,
    user: UserId,
    purpose: Purpose,
    code_hash: &[u8],
    now: Timestamp,
) -> Result<(Try, Option<Challenge>)> {
    let row = sqlx::query!(
        r#"UPDATE challenges SET
               attempts = attempts + 1,
               consumed_at = CASE WHEN code_hash = $3 THEN $4::timestamptz END
           WHERE id = (
               SELECT id FROM challenges
               WHERE user_id = $1 AND purpose = $2 AND consumed_at IS NULL AND expires_at > $4
               ORDER BY created_at DESC, id DESC LIMIT 1
           ) AND consumed_at IS NULL AND attempts < $5
           RETURNING id, address, attempts, created_at AS "created_at: jiff_sqlx::Timestamp",
                     consumed_at AS "consumed_at: jiff_sqlx::Timestamp""#,
        user.uuid(),
        purpose.as_str(),
        code_hash,
        now.to_sqlx() as _,
        MAX_ATTEMPTS,
    )
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else {
        return Ok((Try::Dead, None));
    };
    let outcome = if row.consumed_at.is_some() {
        Try::Right
    } else {
        Try::Wrong(MAX_ATTEMPTS - row.attempts)
    };
    let challenge = Challenge {
        id: ChallengeId::from_uuid(row.id),
        purpose,
        user_id: user,
        address: row.address,
        created_at: row.created_at.to_jiff(),
        consumed_at: row.consumed_at.map(|at| at.to_jiff()),
    };
    Ok((outcome, Some(challenge)))
}

/// The challenge of a link, if it is still open.
pub async fn find_open(
    connection: &mut PgConnection,
    token_hash: &[u8],
    now: Timestamp,
) -> Result<Option<Challenge>> {
    let row = sqlx::query!(
        r#"SELECT id, purpose, user_id, address, created_at AS "created_at: jiff_sqlx::Timestamp"
           FROM challenges WHERE token_hash = $1 AND consumed_at IS NULL AND expires_at > $2"#,
        token_hash,
        now.to_sqlx() as _,
    )
    .fetch_optional(connection)
    .await?;
    row.map(|row| {
        Ok(Challenge {
            id: ChallengeId::from_uuid(row.id),
            purpose: Purpose::parse(&row.purpose)
                .ok_or_else(|| Error::impossible("challenges", "purpose", row.id))?,
            user_id: UserId::from_uuid(row.user_id),
            address: row.address,
            created_at: row.created_at.to_jiff(),
            consumed_at: None,
        })
    })
    .transpose()
}

/// Consumes an open challenge; false when somebody else was first.
pub async fn consume(
    connection: &mut PgConnection,
    id: ChallengeId,
    now: Timestamp,
) -> Result<bool> {
    let done = sqlx::query!(
        "UPDATE challenges SET consumed_at = $2 WHERE id = $1 AND consumed_at IS NULL AND expires_at > $2",
        id.uuid(),
        now.to_sqlx() as _,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Both sides of a change to `address` were answered, the newest of each, and asked for after `since`.
pub async fn is_change_agreed(
    connection: &mut PgConnection,
    user: UserId,
    address: &str,
    since: Timestamp,
) -> Result<bool> {
    let sides = sqlx::query_scalar!(
        r#"SELECT count(*) AS "sides!" FROM (
               SELECT DISTINCT ON (purpose) address, consumed_at FROM challenges
               WHERE user_id = $1 AND purpose IN ('change_email_old', 'change_email_new') AND created_at >= $3
               ORDER BY purpose, created_at DESC, id DESC
           ) newest
           WHERE address = $2 AND consumed_at IS NOT NULL"#,
        user.uuid(),
        address,
        since.to_sqlx() as _,
    )
    .fetch_one(connection)
    .await?;
    Ok(sides == 2)
}

/// The address that a change under way leads to, and which sides have agreed: old, new.
pub async fn find_change(
    connection: &mut PgConnection,
    user: UserId,
    now: Timestamp,
) -> Result<Option<(String, bool, bool)>> {
    let rows = sqlx::query!(
        r#"SELECT DISTINCT ON (purpose) purpose, address, consumed_at IS NOT NULL AS "agreed!" FROM challenges
           WHERE user_id = $1 AND purpose IN ('change_email_old', 'change_email_new') AND expires_at > $2
           ORDER BY purpose, created_at DESC, id DESC"#,
        user.uuid(),
        now.to_sqlx() as _,
    )
    .fetch_all(connection)
    .await?;
    let agreed = |purpose: Purpose| {
        rows.iter()
            .any(|row| row.purpose == purpose.as_str() && row.agreed)
    };
    Ok(rows.first().map(|row| {
        (
            row.address.clone(),
            agreed(Purpose::ChangeEmailOld),
            agreed(Purpose::ChangeEmailNew),
        )
    }))
}

/// Ends every open challenge of a change of address.
pub async fn cancel_change(
    connection: &mut PgConnection,
    user: UserId,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "UPDATE challenges SET expires_at = $2
         WHERE user_id = $1 AND purpose IN ('change_email_old', 'change_email_new') AND expires_at > $2",
        user.uuid(),
        now.to_sqlx() as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Removes at most `most` challenges that ran out before `before`.
pub async fn prune(connection: &mut PgConnection, before: Timestamp, most: i64) -> Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM challenges WHERE id IN (SELECT id FROM challenges WHERE expires_at < $1 LIMIT $2)",
        before.to_sqlx() as _,
        most,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

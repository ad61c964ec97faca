//! Browser sessions. The token is kept hashed; a revoked session is told to open streams by
//! NOTIFY `watchbell_sessions` with its id.

use std::net::IpAddr;

use domain::account::{Plan, Role};
use domain::ids::{AccountId, SessionId, UserId};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use sqlx::types::ipnetwork::IpNetwork;

use crate::users::User;
use crate::{Error, Result};

/// A session that is not over, with the person and the account it shows.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// The session.
    pub session_id: SessionId,
    /// When it was last used, to the minute.
    pub last_seen_at: Timestamp,
    /// Who.
    pub user: User,
    /// The account and the person's role there; none when every membership is gone.
    pub membership: Option<Membership>,
}

/// The account that a session shows.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the columns of the tables")]
pub struct Membership {
    pub account_id: AccountId,
    pub account_name: String,
    pub timezone: String,
    pub role: Role,
    pub plan: Plan,
}

/// A session as its owner sees it.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the columns of the table")]
pub struct Session {
    pub id: SessionId,
    pub user_agent: String,
    pub address: Option<IpAddr>,
    pub created_at: Timestamp,
    pub last_seen_at: Timestamp,
    pub expires_at: Timestamp,
}

/// A session to begin.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the columns of the table")]
pub struct NewSession<'a> {
    pub id: SessionId,
    pub user_id: UserId,
    pub token_hash: &'a [u8],
    pub user_agent: &'a str,
    pub address: Option<IpAddr>,
    pub expires_at: Timestamp,
}

/// Begins a session.
pub async fn insert(
    connection: &mut PgConnection,
    new: &NewSession<'_>,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO sessions (id, user_id, token_hash, user_agent, address, created_at, last_seen_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $6, $7)",
        new.id.uuid(),
        new.user_id.uuid(),
        new.token_hash,
        new.user_agent,
        new.address.map(IpNetwork::from) as _,
        now.to_sqlx() as _,
        new.expires_at.to_sqlx() as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The session of a token, unless it is over; the account is the session's own, else the oldest.
pub async fn find_signed_in(
    connection: &mut PgConnection,
    token_hash: &[u8],
    now: Timestamp,
) -> Result<Option<SignedIn>> {
    let row = sqlx::query!(
        r#"SELECT s.id, s.last_seen_at AS "last_seen_at: jiff_sqlx::Timestamp",
                  u.id AS user_id, u.email, u.email_verified_at AS "email_verified_at: jiff_sqlx::Timestamp", u.name, u.theme,
                  u.keyboard_shortcuts, u.created_at AS "created_at: jiff_sqlx::Timestamp",
                  u.password_changed_at AS "password_changed_at: jiff_sqlx::Timestamp",
                  m.account_id AS "account_id?", m.account_name AS "account_name?", m.timezone AS "timezone?",
                  m.role AS "role?", m.plan AS "plan?"
           FROM sessions s
           JOIN users u ON u.id = s.user_id
           LEFT JOIN LATERAL (
               SELECT m.account_id, a.name AS account_name, a.timezone, m.role, b.plan
               FROM memberships m
               JOIN accounts a ON a.id = m.account_id
               JOIN subscriptions b ON b.account_id = m.account_id
               WHERE m.user_id = s.user_id AND a.deleted_at IS NULL
               ORDER BY m.account_id = s.account_id DESC NULLS LAST, m.created_at, m.account_id
               LIMIT 1
           ) m ON true
           WHERE s.token_hash = $1 AND s.revoked_at IS NULL AND s.expires_at > $2"#,
        token_hash,
        now.to_sqlx() as _,
    )
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let membership = match (
        row.account_id,
        row.account_name,
        row.timezone,
        row.role,
        row.plan,
    ) {
        (Some(account), Some(account_name), Some(timezone), Some(role), Some(plan)) => {
            Some(Membership {
                account_id: AccountId::from_uuid(account),
                account_name,
                timezone,
                role: Role::parse(&role)
                    .ok_or_else(|| Error::impossible("memberships", "role", account))?,
                plan: Plan::parse(&plan)
                    .ok_or_else(|| Error::impossible("subscriptions", "plan", account))?,
            })
        }
        _ => None,
    };
    Ok(Some(SignedIn {
        session_id: SessionId::from_uuid(row.id),
        last_seen_at: row.last_seen_at.to_jiff(),
        user: User {
            id: UserId::from_uuid(row.user_id),
            email: row.email,
            email_verified_at: row.email_verified_at.map(|at| at.to_jiff()),
            name: row.name,
            theme: row.theme,
            keyboard_shortcuts: row.keyboard_shortcuts,
            created_at: row.created_at.to_jiff(),
            password_changed_at: row.password_changed_at.to_jiff(),
        },
        membership,
    }))
}

/// Notes that the session was used and moves its end.
pub async fn touch(
    connection: &mut PgConnection,
    id: SessionId,
    expires_at: Timestamp,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "UPDATE sessions SET last_seen_at = $2, expires_at = $3 WHERE id = $1 AND revoked_at IS NULL",
        id.uuid(),
        now.to_sqlx() as _,
        expires_at.to_sqlx() as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// A person's sessions that are not over, last used first.
pub async fn list(
    connection: &mut PgConnection,
    user: UserId,
    now: Timestamp,
) -> Result<Vec<Session>> {
    let rows = sqlx::query!(
        r#"SELECT id, user_agent, address AS "address: IpNetwork", created_at AS "created_at: jiff_sqlx::Timestamp",
                  last_seen_at AS "last_seen_at: jiff_sqlx::Timestamp", expires_at AS "expires_at: jiff_sqlx::Timestamp"
           FROM sessions WHERE user_id = $1 AND revoked_at IS NULL AND expires_at > $2
           ORDER BY last_seen_at DESC, id"#,
        user.uuid(),
        now.to_sqlx() as _,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Session {
            id: SessionId::from_uuid(row.id),
            user_agent: row.user_agent,
            address: row.address.map(|network| network.ip()),
            created_at: row.created_at.to_jiff(),
            last_seen_at: row.last_seen_at.to_jiff(),
            expires_at: row.expires_at.to_jiff(),
        })
        .collect())
}

/// The person has had a session from this browser before.
pub async fn is_known_browser(
    connection: &mut PgConnection,
    user: UserId,
    user_agent: &str,
) -> Result<bool> {
    let known = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT 1 FROM sessions WHERE user_id = $1 AND user_agent = $2) AS "known!""#,
        user.uuid(),
        user_agent
    )
    .fetch_one(connection)
    .await?;
    Ok(known)
}

/// Removes at most `most` sessions that ended before `before`.
pub async fn prune(connection: &mut PgConnection, before: Timestamp, most: i64) -> Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM sessions WHERE id IN (
             SELECT id FROM sessions WHERE least(expires_at, revoked_at) < $1 LIMIT $2)",
        before.to_sqlx() as _,
        most,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

/// Ends one session of a person and tells its streams; false when there is none.
pub async fn revoke(
    connection: &mut PgConnection,
    user: UserId,
    id: SessionId,
    now: Timestamp,
) -> Result<bool> {
    let row = sqlx::query!(
        r#"WITH ended AS (
               UPDATE sessions SET revoked_at = $3 WHERE user_id = $1 AND id = $2 AND revoked_at IS NULL RETURNING id
           )
           SELECT pg_notify('watchbell_sessions', id::text) AS "sent: ()" FROM ended"#,
        user.uuid(),
        id.uuid(),
        now.to_sqlx() as _,
    )
    .fetch_all(connection)
    .await?;
    Ok(!row.is_empty())
}

/// Ends all sessions of a person but `keep`, and tells their streams.
pub async fn revoke_others(
    connection: &mut PgConnection,
    user: UserId,
    keep: Option<SessionId>,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        r#"WITH ended AS (
               UPDATE sessions SET revoked_at = $3
               WHERE user_id = $1 AND id IS DISTINCT FROM $2 AND revoked_at IS NULL RETURNING id
           )
           SELECT pg_notify('watchbell_sessions', id::text) AS "sent: ()" FROM ended"#,
        user.uuid(),
        keep.map(SessionId::uuid),
        now.to_sqlx() as _,
    )
    .fetch_all(connection)
    .await?;
    Ok(())
}

//! People who sign in.

use domain::account::EmailAddress;
use domain::ids::UserId;
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;

use crate::Result;

/// A person who signs in.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the columns of the table")]
pub struct User {
    pub id: UserId,
    pub email: String,
    pub email_verified_at: Option<Timestamp>,
    pub name: String,
    pub theme: String,
    pub keyboard_shortcuts: bool,
    pub created_at: Timestamp,
    pub password_changed_at: Timestamp,
}

/// What a sign-in needs of a person.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the columns of the table")]
pub struct Credentials {
    pub id: UserId,
    pub email: String,
    pub email_verified_at: Option<Timestamp>,
    pub password_hash: String,
    pub theme: String,
}

/// Adds a person. An address may be named by many, and proven by one: a second proven one violates
/// `users_email_key`.
pub async fn insert(
    connection: &mut PgConnection,
    id: UserId,
    email: &EmailAddress,
    password_hash: &str,
    verified: bool,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO users (id, email, email_canonical, email_verified_at, password_hash, created_at, password_changed_at)
         VALUES ($1, $2, $3, CASE WHEN $4 THEN $6::timestamptz END, $5, $6, $6)",
        id.uuid(),
        email.as_str(),
        email.canonical(),
        verified,
        password_hash,
        now.to_sqlx() as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The person, who must exist.
pub async fn get(connection: &mut PgConnection, id: UserId) -> Result<User> {
    let row = sqlx::query!(
        r#"SELECT email, email_verified_at AS "email_verified_at: jiff_sqlx::Timestamp", name, theme, keyboard_shortcuts,
                  created_at AS "created_at: jiff_sqlx::Timestamp",
                  password_changed_at AS "password_changed_at: jiff_sqlx::Timestamp"
           FROM users WHERE id = $1"#,
        id.uuid()
    )
    .fetch_one(connection)
    .await?;
    Ok(User {
        id,
        email: row.email,
        email_verified_at: row.email_verified_at.map(|at| at.to_jiff()),
        name: row.name,
        theme: row.theme,
        keyboard_shortcuts: row.keyboard_shortcuts,
        created_at: row.created_at.to_jiff(),
        password_changed_at: row.password_changed_at.to_jiff(),
    })
}

/// The person with that address, however it is spelled: who has proven it, else who named it last.
pub async fn find_credentials(
    connection: &mut PgConnection,
    email: &EmailAddress,
) -> Result<Option<Credentials>> {
    Ok(list_credentials(connection, email)
        .await?
        .into_iter()
        .next())
}

/// Who may sign in with that address: who has proven it or else named it first, and who named it
/// last. At most two, the one of [`find_credentials`] first.
pub async fn list_credentials(
    connection: &mut PgConnection,
    email: &EmailAddress,
) -> Result<Vec<Credentials>> {
    let rows = sqlx::query!(
        r#"SELECT id, email, email_verified_at AS "email_verified_at: jiff_sqlx::Timestamp", password_hash, theme
           FROM users
           WHERE id IN (
               (SELECT id FROM users WHERE email_canonical = $1
                ORDER BY email_verified_at IS NULL, created_at, id LIMIT 1)
               UNION
               (SELECT id FROM users WHERE email_canonical = $1 ORDER BY created_at DESC, id DESC LIMIT 1)
           )
           ORDER BY email_verified_at IS NULL, created_at DESC, id DESC"#,
        email.canonical()
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Credentials {
            id: UserId::from_uuid(row.id),
            email: row.email,
            email_verified_at: row.email_verified_at.map(|at| at.to_jiff()),
            password_hash: row.password_hash,
            theme: row.theme,
        })
        .collect())
}

/// The person who has proven that address.
pub async fn find_proven(
    connection: &mut PgConnection,
    email: &EmailAddress,
) -> Result<Option<Credentials>> {
    let found = find_credentials(connection, email).await?;
    Ok(found.filter(|person| person.email_verified_at.is_some()))
}

/// The stored hash of a person's password.
pub async fn get_password_hash(connection: &mut PgConnection, id: UserId) -> Result<String> {
    let hash = sqlx::query_scalar!("SELECT password_hash FROM users WHERE id = $1", id.uuid())
        .fetch_one(connection)
        .await?;
    Ok(hash)
}

/// Notes that the person's address is proven, if it still is `address`; says whether this was new. An
/// address that somebody else has proven violates `users_email_key`.
pub async fn mark_verified(
    connection: &mut PgConnection,
    id: UserId,
    address: &str,
    now: Timestamp,
) -> Result<bool> {
    let done = sqlx::query!(
        "UPDATE users SET email_verified_at = $3 WHERE id = $1 AND email_canonical = lower($2) AND email_verified_at IS NULL",
        id.uuid(),
        address,
        now.to_sqlx() as _,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Replaces the password.
pub async fn set_password(
    connection: &mut PgConnection,
    id: UserId,
    hash: &str,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "UPDATE users SET password_hash = $2, password_changed_at = $3 WHERE id = $1",
        id.uuid(),
        hash,
        now.to_sqlx() as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Replaces the address by a proven one. A taken address violates `users_email_key`.
pub async fn set_email(
    connection: &mut PgConnection,
    id: UserId,
    email: &EmailAddress,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "UPDATE users SET email = $2, email_canonical = $3, email_verified_at = $4 WHERE id = $1",
        id.uuid(),
        email.as_str(),
        email.canonical(),
        now.to_sqlx() as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Sets what a person is called and whether keys work.
pub async fn set_profile(
    connection: &mut PgConnection,
    id: UserId,
    name: &str,
    keyboard_shortcuts: bool,
) -> Result<()> {
    sqlx::query!(
        "UPDATE users SET name = $2, keyboard_shortcuts = $3 WHERE id = $1",
        id.uuid(),
        name,
        keyboard_shortcuts,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Sets the colours a person reads in: system, light or dark.
pub async fn set_theme(connection: &mut PgConnection, id: UserId, theme: &str) -> Result<()> {
    sqlx::query!(
        "UPDATE users SET theme = $2 WHERE id = $1",
        id.uuid(),
        theme
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Removes a person, with sessions, challenges and memberships.
pub async fn delete(connection: &mut PgConnection, id: UserId) -> Result<()> {
    sqlx::query!("DELETE FROM users WHERE id = $1", id.uuid())
        .execute(connection)
        .await?;
    Ok(())
}

/// The time zone a person reads in: that of their oldest account, else UTC.
pub async fn find_timezone(connection: &mut PgConnection, id: UserId) -> Result<String> {
    let zone = sqlx::query_scalar!(
        "SELECT a.timezone FROM memberships m JOIN accounts a ON a.id = m.account_id
         WHERE m.user_id = $1 ORDER BY m.created_at, m.account_id LIMIT 1",
        id.uuid()
    )
    .fetch_optional(connection)
    .await?;
    Ok(zone.unwrap_or_else(|| "UTC".to_owned()))
}

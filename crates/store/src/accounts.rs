//! Accounts: the tenants, and what belongs to each from its first moment.

use domain::account::{EmailAddress, Plan};
use domain::ids::{AccountId, ContactId, PolicyId, UserId};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;

use crate::{Error, Result};

/// An account.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the columns of the table")]
pub struct Account {
    pub id: AccountId,
    pub name: String,
    pub timezone: String,
    pub plan: Plan,
    pub created_at: Timestamp,
    pub steps_dismissed_at: Option<Timestamp>,
    pub practice_token: String,
    pub version: i64,
}

/// An account to make.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the columns of the table")]
pub struct NewAccount<'a> {
    pub id: AccountId,
    pub name: &'a str,
    pub timezone: &'a str,
    pub practice_token: &'a str,
    pub plan: Plan,
}

/// Makes an account with its subscription and its wallet.
pub async fn insert(
    connection: &mut PgConnection,
    new: &NewAccount<'_>,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO accounts (id, name, timezone, created_at, practice_token) VALUES ($1, $2, $3, $4, $5)",
        new.id.uuid(),
        new.name,
        new.timezone,
        now.to_sqlx() as _,
        new.practice_token,
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "INSERT INTO subscriptions (account_id, plan, changed_at) VALUES ($1, $2, $3)",
        new.id.uuid(),
        new.plan.as_str(),
        now.to_sqlx() as _,
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "INSERT INTO wallets (account_id) VALUES ($1)",
        new.id.uuid()
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The person with that address and the account they own: who has proven it, else who named it first.
pub async fn find_owned_by_email(
    connection: &mut PgConnection,
    email: &EmailAddress,
) -> Result<Option<(UserId, AccountId)>> {
    let row = sqlx::query!(
        "SELECT u.id AS user_id, m.account_id FROM users u
         JOIN memberships m ON m.user_id = u.id AND m.role = 'owner'
         JOIN accounts a ON a.id = m.account_id AND a.deleted_at IS NULL
         WHERE u.email_canonical = $1
         ORDER BY u.email_verified_at IS NULL, m.created_at LIMIT 1",
        email.canonical(),
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| {
        (
            UserId::from_uuid(row.user_id),
            AccountId::from_uuid(row.account_id),
        )
    }))
}

/// Makes the owner's address a mail contact, proven when the address is.
pub async fn insert_owner_contact(
    connection: &mut PgConnection,
    (account, owner): (AccountId, UserId),
    email: &EmailAddress,
    verified: bool,
    now: Timestamp,
) -> Result<ContactId> {
    let id = ContactId::generate();
    sqlx::query!(
        "INSERT INTO contacts (account_id, id, channel, name, address, address_canonical, verified_at, created_at, updated_at, user_id)
         VALUES ($1, $2, 'email', $3, $3, $4, CASE WHEN $5 THEN $6::timestamptz END, $6, $6, $7)",
        account.uuid(),
        id.uuid(),
        email.as_str(),
        email.canonical(),
        verified,
        now.to_sqlx() as _,
        owner.uuid()
    )
    .execute(connection)
    .await?;
    Ok(id)
}

/// Proves the mail contacts that hold a person's own address, in all accounts the person owns.
pub async fn mark_owner_contacts_verified(
    connection: &mut PgConnection,
    user: domain::ids::UserId,
    address: &str,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "UPDATE contacts SET verified_at = $3, updated_at = $3, version = contacts.version + 1,
             disabled_reason = NULL, disabled_at = NULL
         FROM memberships m
         WHERE m.user_id = $1 AND m.role = 'owner' AND contacts.account_id = m.account_id
           AND contacts.channel = 'email' AND contacts.address_canonical = lower($2) AND contacts.verified_at IS NULL",
        user.uuid(),
        address,
        now.to_sqlx() as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The account, unless it is deleted.
pub async fn find(connection: &mut PgConnection, id: AccountId) -> Result<Option<Account>> {
    let row = sqlx::query!(
        r#"SELECT a.name, a.timezone, s.plan, a.created_at AS "created_at: jiff_sqlx::Timestamp",
                  a.steps_dismissed_at AS "steps_dismissed_at: jiff_sqlx::Timestamp", a.practice_token, a.version
           FROM accounts a JOIN subscriptions s ON s.account_id = a.id
           WHERE a.id = $1 AND a.deleted_at IS NULL"#,
        id.uuid()
    )
    .fetch_optional(connection)
    .await?;
    row.map(|row| {
        Ok(Account {
            id,
            name: row.name,
            timezone: row.timezone,
            plan: Plan::parse(&row.plan)
                .ok_or_else(|| Error::impossible("subscriptions", "plan", id))?,
            created_at: row.created_at.to_jiff(),
            steps_dismissed_at: row.steps_dismissed_at.map(|at| at.to_jiff()),
            practice_token: row.practice_token,
            version: row.version,
        })
    })
    .transpose()
}

/// Locks the account against others that count or change what its plan limits, and gives its plan.
pub async fn lock(connection: &mut PgConnection, id: AccountId) -> Result<Option<Plan>> {
    let row = sqlx::query!(
        "SELECT s.plan FROM accounts a JOIN subscriptions s ON s.account_id = a.id
         WHERE a.id = $1 AND a.deleted_at IS NULL FOR NO KEY UPDATE OF a",
        id.uuid()
    )
    .fetch_optional(connection)
    .await?;
    row.map(|row| {
        Plan::parse(&row.plan).ok_or_else(|| Error::impossible("subscriptions", "plan", id))
    })
    .transpose()
}

/// Sets the name and time zone of an account.
pub async fn set_profile(
    connection: &mut PgConnection,
    id: AccountId,
    name: &str,
    timezone: &str,
) -> Result<()> {
    sqlx::query!(
        "UPDATE accounts SET name = $2, timezone = $3, version = version + 1 WHERE id = $1",
        id.uuid(),
        name,
        timezone,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The policy by which quiet notices of all monitors go; `None`: each by its monitor's own.
pub async fn find_notice_policy(
    connection: &mut PgConnection,
    id: AccountId,
) -> Result<Option<PolicyId>> {
    let policy = sqlx::query_scalar!(
        "SELECT notice_policy_id FROM accounts WHERE id = $1",
        id.uuid()
    )
    .fetch_optional(connection)
    .await?;
    Ok(policy.flatten().map(PolicyId::from_uuid))
}

/// Sets that policy.
pub async fn set_notice_policy(
    connection: &mut PgConnection,
    id: AccountId,
    policy: Option<PolicyId>,
) -> Result<()> {
    sqlx::query!(
        "UPDATE accounts SET notice_policy_id = $2, version = version + 1
         WHERE id = $1 AND notice_policy_id IS DISTINCT FROM $2::uuid",
        id.uuid(),
        policy.map(PolicyId::uuid)
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Notes that the three first steps are no longer wanted.
pub async fn mark_steps_dismissed(
    connection: &mut PgConnection,
    id: AccountId,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "UPDATE accounts SET steps_dismissed_at = $2 WHERE id = $1 AND steps_dismissed_at IS NULL",
        id.uuid(),
        now.to_sqlx() as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// What the account has subscribed to; `None` when there is no such account.
pub async fn find_plan(connection: &mut PgConnection, id: AccountId) -> Result<Option<Plan>> {
    let word = sqlx::query_scalar!(
        "SELECT plan FROM subscriptions WHERE account_id = $1",
        id.uuid()
    )
    .fetch_optional(connection)
    .await?;
    word.map(|word| {
        Plan::parse(&word).ok_or_else(|| Error::impossible("subscriptions", "plan", id))
    })
    .transpose()
}

/// Puts the account on a plan.
pub async fn set_plan(
    connection: &mut PgConnection,
    id: AccountId,
    plan: Plan,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "UPDATE subscriptions SET plan = $2, changed_at = $3 WHERE account_id = $1",
        id.uuid(),
        plan.as_str(),
        now.to_sqlx() as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Moves the mail contacts that hold an owner's own address to the new, proven one. Where the new one
/// is a contact already, that one counts as proven and the old one stays.
pub async fn move_owner_contacts(
    connection: &mut PgConnection,
    user: domain::ids::UserId,
    old: &str,
    new: &EmailAddress,
    now: Timestamp,
) -> Result<()> {
    mark_owner_contacts_verified(connection, user, new.as_str(), now).await?;
    sqlx::query!(
        "UPDATE contacts c SET
             name = CASE WHEN c.name = c.address THEN $3 ELSE c.name END,
             address = $3, address_canonical = lower($3), verified_at = $4, updated_at = $4, version = c.version + 1,
             disabled_reason = NULL, disabled_at = NULL
         FROM memberships m
         WHERE m.user_id = $1 AND m.role = 'owner' AND c.account_id = m.account_id
           AND c.channel = 'email' AND c.address_canonical = lower($2)
           AND NOT EXISTS (
               SELECT 1 FROM contacts o
               WHERE o.account_id = c.account_id AND o.channel = 'email' AND o.address_canonical = lower($3)
           )",
        user.uuid(),
        old,
        new.as_str(),
        now.to_sqlx() as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

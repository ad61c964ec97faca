//! Tables `wallets` and `wallet_entries`: what an account may spend on text messages and calls.
//!
//! A price is reserved in the claim, then settled when the message arrived or given back when it did
//! not. The balance never goes below zero: of two that spend the last dollar, one wins. Entries are
//! unique by delivery, attempt and kind, so that nothing is booked twice.

use domain::alert::budget::{self, Budget, Over, Spent};
use domain::contact::Channel;
use domain::ids::{AccountId, DeliveryId, IncidentId};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;

use crate::Result;

/// What the first verified number of an account brings, once.
pub const WELCOME_MICROS: i64 = 500_000;

/// One line of the book.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "columns of wallet_entries")]
pub struct Entry {
    pub at: Timestamp,
    pub kind: String,
    pub amount_micros: i64,
    pub text: String,
    pub delivery_id: Option<DeliveryId>,
}

/// Whether a price could be set aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reservation {
    /// It is set aside, now or by an earlier try that may have arrived.
    Reserved,
    /// The balance does not hold it.
    Short,
    /// A budget does not allow it, whatever the balance.
    Over(Over),
}

/// One try of a message that costs.
#[derive(Debug, Clone, Copy)]
#[expect(missing_docs, reason = "columns of deliveries and wallet_entries")]
pub struct Expense<'e> {
    pub delivery_id: DeliveryId,
    pub attempt: u32,
    pub incident_id: Option<IncidentId>,
    pub channel: Channel,
    pub micros: i64,
    pub text: &'e str,
}

/// What is in the wallet, millionths of its currency.
pub async fn find_balance(connection: &mut PgConnection, account: AccountId) -> Result<i64> {
    let balance = sqlx::query_scalar!(
        "SELECT balance_micros FROM wallets WHERE account_id = $1",
        account.uuid()
    )
    .fetch_optional(connection)
    .await?;
    Ok(balance.unwrap_or(0))
}

/// The book, newest first.
pub async fn list_entries(
    connection: &mut PgConnection,
    account: AccountId,
    limit: i64,
) -> Result<Vec<Entry>> {
    let rows = sqlx::query!(
        r#"SELECT at AS "at: jiff_sqlx::Timestamp", kind, amount_micros, text, delivery_id FROM wallet_entries
           WHERE account_id = $1 ORDER BY at DESC, id DESC LIMIT $2"#,
        account.uuid(),
        limit
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Entry {
            at: row.at.to_jiff(),
            kind: row.kind,
            amount_micros: row.amount_micros,
            text: row.text,
            delivery_id: row.delivery_id.map(DeliveryId::from_uuid),
        })
        .collect())
}

/// Adds money: bought credits, a grant of the operator.
pub async fn grant(
    connection: &mut PgConnection,
    account: AccountId,
    micros: i64,
    text: &str,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO wallets (account_id, balance_micros) VALUES ($1, $2)
         ON CONFLICT ON CONSTRAINT wallets_pkey DO UPDATE SET balance_micros = wallets.balance_micros + excluded.balance_micros",
        account.uuid(),
        micros
    )
    .execute(&mut *connection)
    .await?;
    insert_entry(connection, account, None, ("grant", micros, text), now).await?;
    Ok(())
}

/// Gives the welcome credit if the account has not had it; called when a number is verified.
pub async fn grant_welcome(
    connection: &mut PgConnection,
    account: AccountId,
    now: Timestamp,
) -> Result<bool> {
    let granted = sqlx::query_scalar!(
        "INSERT INTO wallets (account_id, balance_micros, welcome_granted_at) VALUES ($1, $2, $3)
         ON CONFLICT ON CONSTRAINT wallets_pkey DO UPDATE
         SET balance_micros = wallets.balance_micros + excluded.balance_micros, welcome_granted_at = excluded.welcome_granted_at
         WHERE wallets.welcome_granted_at IS NULL
         RETURNING balance_micros",
        account.uuid(),
        WELCOME_MICROS,
        now.to_sqlx() as _
    )
    .fetch_optional(&mut *connection)
    .await?;
    if granted.is_some() {
        insert_entry(
            connection,
            account,
            None,
            ("grant", WELCOME_MICROS, "Welcome credit"),
            now,
        )
        .await?;
    }
    Ok(granted.is_some())
}

/// Adds what a plan includes for a month: `included` less what the month has brought already, so that a
/// larger plan brings the difference and nothing comes twice. What is not spent stays. Returns what was
/// added. `month` is the month's first moment.
pub async fn grant_plan(
    connection: &mut PgConnection,
    account: AccountId,
    (included, text): (i64, &str),
    month: Timestamp,
    now: Timestamp,
) -> Result<i64> {
    sqlx::query!(
        "INSERT INTO wallets (account_id) VALUES ($1) ON CONFLICT ON CONSTRAINT wallets_pkey DO NOTHING",
        account.uuid()
    )
    .execute(&mut *connection)
    .await?;
    // The wallet's row orders two that would both give the same month's share.
    sqlx::query!(
        "SELECT 1 AS one FROM wallets WHERE account_id = $1 FOR NO KEY UPDATE",
        account.uuid()
    )
    .fetch_one(&mut *connection)
    .await?;
    let had = sqlx::query_scalar!(
        r#"SELECT coalesce(sum(amount_micros), 0)::bigint AS "had!" FROM wallet_entries
           WHERE account_id = $1 AND kind = 'plan' AND at >= $2"#,
        account.uuid(),
        month.to_sqlx() as _
    )
    .fetch_one(&mut *connection)
    .await?;
    let due = included - had;
    if due <= 0 {
        return Ok(0);
    }
    sqlx::query!(
        "UPDATE wallets SET balance_micros = balance_micros + $2 WHERE account_id = $1",
        account.uuid(),
        due
    )
    .execute(&mut *connection)
    .await?;
    insert_entry(connection, account, None, ("plan", due, text), now).await?;
    Ok(due)
}

/// Accounts on a paid plan that have had nothing of it since `month` began, at most `limit`.
pub async fn list_without_plan_credit(
    connection: &mut PgConnection,
    month: Timestamp,
    limit: i64,
) -> Result<Vec<AccountId>> {
    let ids = sqlx::query_scalar!(
        "SELECT s.account_id FROM subscriptions s JOIN accounts a ON a.id = s.account_id
         WHERE s.plan <> 'free' AND a.deleted_at IS NULL AND NOT EXISTS (
             SELECT 1 FROM wallet_entries e
             WHERE e.account_id = s.account_id AND e.kind = 'plan' AND e.at >= $1)
         ORDER BY s.account_id LIMIT $2",
        month.to_sqlx() as _,
        limit
    )
    .fetch_all(connection)
    .await?;
    Ok(ids.into_iter().map(AccountId::from_uuid).collect())
}

/// Sets the price of one try aside. A reservation of an earlier try that is still open serves again.
pub async fn reserve(
    connection: &mut PgConnection,
    account: AccountId,
    expense: &Expense<'_>,
    budget: Budget,
    now: Timestamp,
) -> Result<Reservation> {
    let (delivery, micros) = (expense.delivery_id, expense.micros);
    if find_open(connection, account, delivery).await?.is_some() {
        return Ok(Reservation::Reserved);
    }
    // The wallet's row orders two that would both be the last that a budget allows.
    sqlx::query!(
        "SELECT 1 AS one FROM wallets WHERE account_id = $1 FOR NO KEY UPDATE",
        account.uuid()
    )
    .fetch_optional(&mut *connection)
    .await?;
    let spent = find_spent(connection, account, expense, now).await?;
    if let Some(over) = budget.refuses(micros, spent) {
        return Ok(Reservation::Over(over));
    }
    let taken = sqlx::query!(
        "UPDATE wallets SET balance_micros = balance_micros - $2 WHERE account_id = $1 AND balance_micros >= $2",
        account.uuid(),
        micros
    )
    .execute(&mut *connection)
    .await?;
    if taken.rows_affected() == 0 {
        return Ok(Reservation::Short);
    }
    insert_entry(
        connection,
        account,
        Some((delivery, expense.attempt)),
        ("reserve", -micros, expense.text),
        now,
    )
    .await?;
    sqlx::query!(
        "UPDATE deliveries SET price_micros = $3 WHERE account_id = $1 AND id = $2",
        account.uuid(),
        delivery.uuid(),
        micros
    )
    .execute(connection)
    .await?;
    Ok(Reservation::Reserved)
}

/// What the account, and the incident of the message, have spent.
async fn find_spent(
    connection: &mut PgConnection,
    account: AccountId,
    expense: &Expense<'_>,
    now: Timestamp,
) -> Result<Spent> {
    let since = |span| now.saturating_sub(span).unwrap_or(Timestamp::MIN);
    let day = sqlx::query_scalar!(
        r#"SELECT coalesce(-sum(amount_micros), 0)::bigint AS "spent!" FROM wallet_entries
           WHERE account_id = $1 AND kind IN ('reserve', 'refund') AND at > $2"#,
        account.uuid(),
        since(budget::DAY).to_sqlx() as _
    )
    .fetch_one(&mut *connection)
    .await?;
    let Some(incident) = expense.incident_id else {
        return Ok(Spent {
            day_micros: day,
            incident_hour: 0,
        });
    };
    let hour = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM deliveries d
           JOIN wallet_entries e ON e.account_id = d.account_id AND e.delivery_id = d.id AND e.kind = 'reserve'
           WHERE d.account_id = $1 AND d.incident_id = $2 AND d.channel = $3 AND d.id <> $4 AND e.at > $5"#,
        account.uuid(),
        incident.uuid(),
        expense.channel.as_str(),
        expense.delivery_id.uuid(),
        since(budget::HOUR).to_sqlx() as _
    )
    .fetch_one(connection)
    .await?;
    Ok(Spent {
        day_micros: day,
        incident_hour: u32::try_from(hour).unwrap_or(u32::MAX),
    })
}

/// The message arrived: what was set aside is spent. `text` says so in the book.
pub async fn settle(
    connection: &mut PgConnection,
    account: AccountId,
    (delivery, text): (DeliveryId, &str),
    now: Timestamp,
) -> Result<()> {
    if let Some((attempt, _)) = find_open(connection, account, delivery).await? {
        insert_entry(
            connection,
            account,
            Some((delivery, attempt)),
            ("settle", 0, text),
            now,
        )
        .await?;
    }
    Ok(())
}

/// The message did not arrive: what was set aside comes back. `text` says so in the book.
pub async fn refund(
    connection: &mut PgConnection,
    account: AccountId,
    (delivery, text): (DeliveryId, &str),
    now: Timestamp,
) -> Result<()> {
    // The wallet's row orders two that would both give the same reservation back.
    sqlx::query!(
        "SELECT 1 AS one FROM wallets WHERE account_id = $1 FOR NO KEY UPDATE",
        account.uuid()
    )
    .fetch_optional(&mut *connection)
    .await?;
    let Some((attempt, micros)) = find_open(connection, account, delivery).await? else {
        return Ok(());
    };
    if insert_entry(
        connection,
        account,
        Some((delivery, attempt)),
        ("refund", micros, text),
        now,
    )
    .await?
    {
        sqlx::query!(
            "UPDATE wallets SET balance_micros = balance_micros + $2 WHERE account_id = $1",
            account.uuid(),
            micros
        )
        .execute(&mut *connection)
        .await?;
        sqlx::query!(
            "UPDATE deliveries SET price_micros = NULL WHERE account_id = $1 AND id = $2",
            account.uuid(),
            delivery.uuid()
        )
        .execute(connection)
        .await?;
    }
    Ok(())
}

/// The attempt and amount of a reservation that is neither settled nor given back.
async fn find_open(
    connection: &mut PgConnection,
    account: AccountId,
    delivery: DeliveryId,
) -> Result<Option<(u32, i64)>> {
    let row = sqlx::query!(
        r#"SELECT r.attempt AS "attempt!", -r.amount_micros AS "micros!" FROM wallet_entries r
           WHERE r.account_id = $1 AND r.delivery_id = $2 AND r.kind = 'reserve'
             AND NOT EXISTS (SELECT 1 FROM wallet_entries e WHERE e.account_id = r.account_id AND e.delivery_id = r.delivery_id
                             AND e.attempt = r.attempt AND e.kind IN ('settle', 'refund'))
           ORDER BY r.attempt LIMIT 1"#,
        account.uuid(),
        delivery.uuid()
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| (u32::try_from(row.attempt).unwrap_or(0), row.micros)))
}

async fn insert_entry(
    connection: &mut PgConnection,
    account: AccountId,
    of: Option<(DeliveryId, u32)>,
    (kind, micros, text): (&str, i64, &str),
    now: Timestamp,
) -> Result<bool> {
    let done = sqlx::query!(
        "INSERT INTO wallet_entries (account_id, id, delivery_id, attempt, kind, amount_micros, text, at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT ON CONSTRAINT wallet_entries_once_key DO NOTHING",
        account.uuid(),
        uuid::Uuid::now_v7(),
        of.map(|(delivery, _)| delivery.uuid()),
        of.and_then(|(_, attempt)| i32::try_from(attempt).ok()),
        kind,
        micros,
        text,
        now.to_sqlx() as _,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

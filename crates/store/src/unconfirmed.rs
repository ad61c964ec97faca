//! Mails to addresses that have not confirmed, and addresses whose owners want none. Addresses are kept
//! as keyed hashes alone.

use domain::account::EmailAddress;
use domain::contact::code::ONE_MAIL_IN;
use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;

use crate::{Result, Secrets};

fn hash(secrets: &Secrets, address: &EmailAddress) -> Vec<u8> {
    secrets.keyed_hash("unconfirmed.address", &address.canonical())
}

fn between() -> SignedDuration {
    SignedDuration::try_from(ONE_MAIL_IN).unwrap_or(SignedDuration::from_hours(24))
}

/// Takes the one mail that an address gets in [`ONE_MAIL_IN`], over all accounts. `None` when it may
/// go; else when the next one may. Racing askers wait for one another, and one of them gets it.
pub async fn take(
    connection: &mut PgConnection,
    secrets: &Secrets,
    address: &EmailAddress,
    now: Timestamp,
) -> Result<Option<Timestamp>> {
    let hash = hash(secrets, address);
    let taken = sqlx::query_scalar!(
        r#"INSERT INTO unconfirmed_mails (address_hash, sent_at) VALUES ($1, $2)
           ON CONFLICT ON CONSTRAINT unconfirmed_mails_pkey DO UPDATE SET sent_at = $2
           WHERE unconfirmed_mails.sent_at <= $3 RETURNING 1 AS "one!""#,
        hash,
        now.to_sqlx() as _,
        (now - between()).to_sqlx() as _,
    )
    .fetch_optional(&mut *connection)
    .await?;
    if taken.is_some() {
        return Ok(None);
    }
    let sent = sqlx::query_scalar!(
        r#"SELECT sent_at AS "at: jiff_sqlx::Timestamp" FROM unconfirmed_mails WHERE address_hash = $1"#,
        hash
    )
    .fetch_optional(connection)
    .await?;
    Ok(Some(sent.map_or(now, |at| at.to_jiff()) + between()))
}

/// Notes a mail that goes whatever was sent before: it is the one of its day.
pub async fn note(
    connection: &mut PgConnection,
    secrets: &Secrets,
    address: &EmailAddress,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO unconfirmed_mails (address_hash, sent_at) VALUES ($1, $2)
         ON CONFLICT ON CONSTRAINT unconfirmed_mails_pkey DO UPDATE SET sent_at = $2",
        hash(secrets, address),
        now.to_sqlx() as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The owner of an address has answered: the next mail need not wait.
pub async fn clear(
    connection: &mut PgConnection,
    secrets: &Secrets,
    address: &EmailAddress,
) -> Result<()> {
    sqlx::query!(
        "DELETE FROM unconfirmed_mails WHERE address_hash = $1",
        hash(secrets, address)
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The owner of an address wants no mails of accounts.
pub async fn is_blocked(
    connection: &mut PgConnection,
    secrets: &Secrets,
    address: &EmailAddress,
) -> Result<bool> {
    let found = sqlx::query_scalar!(
        r#"SELECT 1 AS "one!" FROM blocked_addresses WHERE address_hash = $1"#,
        hash(secrets, address)
    )
    .fetch_optional(connection)
    .await?;
    Ok(found.is_some())
}

/// Blocks an address; false when it was blocked before. Not under the tenant's role.
pub async fn block(
    connection: &mut PgConnection,
    secrets: &Secrets,
    address: &EmailAddress,
    now: Timestamp,
) -> Result<bool> {
    let done = sqlx::query!(
        "INSERT INTO blocked_addresses (address_hash, blocked_at) VALUES ($1, $2)
         ON CONFLICT ON CONSTRAINT blocked_addresses_pkey DO NOTHING",
        hash(secrets, address),
        now.to_sqlx() as _,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The owner of an address takes mails again, and the next one need not wait; says whether it was blocked. Not
/// under the tenant's role.
pub async fn unblock(
    connection: &mut PgConnection,
    secrets: &Secrets,
    address: &EmailAddress,
) -> Result<bool> {
    clear(connection, secrets, address).await?;
    let done = sqlx::query!(
        "DELETE FROM blocked_addresses WHERE address_hash = $1",
        hash(secrets, address)
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Removes at most `most` notes of mails sent before `before`.
pub async fn prune(connection: &mut PgConnection, before: Timestamp, most: i64) -> Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM unconfirmed_mails WHERE address_hash IN (
             SELECT address_hash FROM unconfirmed_mails WHERE sent_at < $1 LIMIT $2)",
        before.to_sqlx() as _,
        most,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;
    use sqlx::PgPool;

    use super::*;

    fn secrets() -> Secrets {
        Secrets::new(["a key of sufficient length"]).unwrap()
    }

    fn address(text: &str) -> EmailAddress {
        EmailAddress::parse(text).unwrap()
    }

    fn start() -> Timestamp {
        "2026-11-22T23:59:00Z".parse().unwrap()
    }

    #[sqlx::test(migrator = "crate::MIGRATOR")]
    async fn one_mail_in_any_24_hours_however_the_address_is_spelled(pool: PgPool) {
        let mut connection = pool.acquire().await.unwrap();
        let (secrets, kim, now) = (secrets(), address("kim@shop.example"), start());
        let at = async |connection: &mut PgConnection, text: &str, at: Timestamp| {
            take(connection, &secrets, &address(text), at)
                .await
                .unwrap()
        };
        assert_eq!(at(&mut connection, "kim@shop.example", now).await, None);
        let next = now + 24.hours();
        for (text, later) in [
            ("kim@shop.example", now),
            // A new day of the calendar is no new day of the address.
            ("KIM@shop.example", now + 2.minutes()),
            ("Kim@Shop.Example", next - 1.seconds()),
        ] {
            assert_eq!(at(&mut connection, text, later).await, Some(next), "{text}");
        }
        assert_eq!(at(&mut connection, "lee@shop.example", now).await, None);
        assert_eq!(at(&mut connection, "kim@shop.example", next).await, None);
        clear(&mut connection, &secrets, &kim).await.unwrap();
        assert_eq!(at(&mut connection, "kim@shop.example", next).await, None);
        note(&mut connection, &secrets, &kim, next + 1.hours())
            .await
            .unwrap();
        assert_eq!(
            at(&mut connection, "kim@shop.example", next + 24.hours()).await,
            Some(next + 25.hours()),
            "what goes in any case is the mail of its day"
        );
    }

    #[sqlx::test(migrator = "crate::MIGRATOR")]
    async fn of_racing_accounts_one_gets_it(pool: PgPool) {
        let (secrets, now) = (secrets(), start());
        let ask = async || {
            let mut transaction = crate::begin(&pool).await.unwrap();
            let answer = take(
                &mut transaction,
                &secrets,
                &address("kim@shop.example"),
                now,
            )
            .await
            .unwrap();
            transaction.commit().await.unwrap();
            answer
        };
        let answers = futures::future::join_all((0..8).map(|_| ask())).await;
        let granted = answers.iter().filter(|answer| answer.is_none()).count();
        assert_eq!(granted, 1, "{answers:?}");
    }

    #[sqlx::test(migrator = "crate::MIGRATOR")]
    async fn a_block_keeps_no_address_and_can_be_taken_back(pool: PgPool) {
        let mut connection = pool.acquire().await.unwrap();
        let (secrets, kim, now) = (secrets(), address("kim@shop.example"), start());
        assert!(!is_blocked(&mut connection, &secrets, &kim).await.unwrap());
        assert!(block(&mut connection, &secrets, &kim, now).await.unwrap());
        assert!(!block(&mut connection, &secrets, &kim, now).await.unwrap());
        assert!(
            is_blocked(&mut connection, &secrets, &address("KIM@shop.example"))
                .await
                .unwrap()
        );
        let kept: String =
            sqlx::query_scalar("SELECT row_to_json(b)::text FROM blocked_addresses b")
                .fetch_one(&mut *connection)
                .await
                .unwrap();
        assert!(!kept.contains("kim") && !kept.contains("shop"), "{kept}");
        assert!(unblock(&mut connection, &secrets, &kim).await.unwrap());
        assert!(!unblock(&mut connection, &secrets, &kim).await.unwrap());
        assert!(!is_blocked(&mut connection, &secrets, &kim).await.unwrap());
    }

    #[sqlx::test(migrator = "crate::MIGRATOR")]
    async fn notes_go_and_blocks_stay(pool: PgPool) {
        let mut connection = pool.acquire().await.unwrap();
        let (secrets, kim, now) = (secrets(), address("kim@shop.example"), start());
        note(&mut connection, &secrets, &kim, now).await.unwrap();
        block(&mut connection, &secrets, &kim, now).await.unwrap();
        assert_eq!(prune(&mut connection, now, 10).await.unwrap(), 0);
        let later = now + 24.hours();
        assert_eq!(prune(&mut connection, later, 10).await.unwrap(), 1);
        assert!(is_blocked(&mut connection, &secrets, &kim).await.unwrap());
    }
}

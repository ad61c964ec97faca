//! Sealing every secret anew with the newest key.

use domain::ids::{ContactId, MonitorId};
use sqlx::PgConnection;

use crate::contacts::hooks;
use crate::secrets::Place;
use crate::{Result, Secrets, tool_watches};

/// What a rotation did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rotated {
    /// Values sealed anew.
    pub sealed: u64,
    /// Values that no key opens; the caller rolls back.
    pub failed: u64,
}

impl Rotated {
    /// The value sealed with the newest key, or nothing when it is already or does not open.
    fn renew(&mut self, secrets: &Secrets, place: Place<'_>, sealed: &str) -> Option<String> {
        if !secrets.is_stale(sealed) {
            return None;
        }
        let renewed = secrets
            .open(place, sealed)
            .and_then(|plain| secrets.seal(place, &plain));
        match renewed {
            Ok(renewed) => {
                self.sealed += 1;
                Some(renewed)
            }
            Err(_) => {
                self.failed += 1;
                None
            }
        }
    }
}

/// Seals every stored secret with the newest key, in the caller's transaction. Values that outlive a
/// few minutes are all here: settings of monitors, URLs and secrets of contacts, addresses of
/// those who wait for a target of the tools, and messages not sent yet.
pub async fn rotate_secrets(connection: &mut PgConnection, secrets: &Secrets) -> Result<Rotated> {
    let mut rotated = Rotated::default();
    let monitors = sqlx::query!(r#"SELECT account_id, id, secrets AS "secrets!" FROM monitors WHERE secrets IS NOT NULL FOR UPDATE"#)
        .fetch_all(&mut *connection)
        .await?;
    for row in monitors {
        let key = MonitorId::from_uuid(row.id).to_string();
        let place = Place {
            table: "monitors",
            column: "secrets",
            row: &key,
        };
        if let Some(renewed) = rotated.renew(secrets, place, &row.secrets) {
            sqlx::query!(
                "UPDATE monitors SET secrets = $3 WHERE account_id = $1 AND id = $2",
                row.account_id,
                row.id,
                renewed
            )
            .execute(&mut *connection)
            .await?;
        }
    }
    renew_contacts(connection, secrets, &mut rotated).await?;
    renew_watches(connection, secrets, &mut rotated).await?;
    let messages = sqlx::query!(
        "SELECT id, data FROM account_messages WHERE state IN ('pending', 'sending') FOR UPDATE"
    )
    .fetch_all(&mut *connection)
    .await?;
    for row in messages {
        let key = row.id.to_string();
        let place = Place {
            table: "account_messages",
            column: "data",
            row: &key,
        };
        if let Some(renewed) = rotated.renew(secrets, place, &row.data) {
            sqlx::query!(
                "UPDATE account_messages SET data = $2 WHERE id = $1",
                row.id,
                renewed
            )
            .execute(&mut *connection)
            .await?;
        }
    }
    Ok(rotated)
}

async fn renew_watches(
    connection: &mut PgConnection,
    secrets: &Secrets,
    rotated: &mut Rotated,
) -> Result<()> {
    let watches = sqlx::query!(
        r#"SELECT id, address AS "address!" FROM tool_watches WHERE address IS NOT NULL FOR UPDATE"#
    )
    .fetch_all(&mut *connection)
    .await?;
    for row in watches {
        let key = row.id.to_string();
        if let Some(renewed) = rotated.renew(secrets, tool_watches::place(&key), &row.address) {
            sqlx::query!(
                "UPDATE tool_watches SET address = $2 WHERE id = $1",
                row.id,
                renewed
            )
            .execute(&mut *connection)
            .await?;
        }
    }
    Ok(())
}

async fn renew_contacts(
    connection: &mut PgConnection,
    secrets: &Secrets,
    rotated: &mut Rotated,
) -> Result<()> {
    let contacts = sqlx::query!(
        "SELECT account_id, id, url_sealed, service_sealed, secret_sealed, old_secret_sealed FROM contacts
         WHERE num_nonnulls(url_sealed, service_sealed) > 0 FOR UPDATE"
    )
    .fetch_all(&mut *connection)
    .await?;
    for row in contacts {
        let key = ContactId::from_uuid(row.id).to_string();
        let mut renew = |column, sealed: &Option<String>| {
            let sealed = sealed.as_deref()?;
            rotated.renew(secrets, hooks::place(column, &key), sealed)
        };
        let url = renew("url_sealed", &row.url_sealed);
        let service = renew("service_sealed", &row.service_sealed);
        let secret = renew("secret_sealed", &row.secret_sealed);
        let old_secret = renew("old_secret_sealed", &row.old_secret_sealed);
        if [&url, &service, &secret, &old_secret]
            .iter()
            .any(|one| one.is_some())
        {
            sqlx::query!(
                "UPDATE contacts SET url_sealed = coalesce($3, url_sealed), service_sealed = coalesce($4, service_sealed),
                     secret_sealed = coalesce($5, secret_sealed), old_secret_sealed = coalesce($6, old_secret_sealed)
                 WHERE account_id = $1 AND id = $2",
                row.account_id,
                row.id,
                url,
                service,
                secret,
                old_secret
            )
            .execute(&mut *connection)
            .await?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use domain::contact::Hook;
    use sqlx::PgPool;
    use uuid::Uuid;

    use super::{Rotated, rotate_secrets};
    use crate::Secrets;
    use crate::contacts::hooks;
    use crate::secrets::Place;

    async fn message(pool: &PgPool, secrets: &Secrets) -> Uuid {
        let id = Uuid::now_v7();
        let key = id.to_string();
        let sealed = secrets
            .seal(
                Place {
                    table: "account_messages",
                    column: "data",
                    row: &key,
                },
                "482913",
            )
            .unwrap();
        sqlx::query!(
            "INSERT INTO account_messages (id, channel, address, template, data, created_at, next_at)
             VALUES ($1, 'email', 'a@shop.example', 'verify_email', $2, now(), now())",
            id,
            sealed
        )
        .execute(pool)
        .await
        .unwrap();
        id
    }

    #[sqlx::test(migrator = "crate::MIGRATOR")]
    async fn values_move_to_the_newest_key_once(pool: PgPool) {
        let old = Secrets::new(["the first key, long enough"]).unwrap();
        let both =
            Secrets::new(["the second key, long enough", "the first key, long enough"]).unwrap();
        let new = Secrets::new(["the second key, long enough"]).unwrap();
        let id = message(&pool, &old).await;
        let mut connection = pool.acquire().await.unwrap();
        assert_eq!(
            rotate_secrets(&mut connection, &new).await.unwrap(),
            Rotated {
                sealed: 0,
                failed: 1
            }
        );
        assert_eq!(
            rotate_secrets(&mut connection, &both).await.unwrap(),
            Rotated {
                sealed: 1,
                failed: 0
            }
        );
        assert_eq!(
            rotate_secrets(&mut connection, &both).await.unwrap(),
            Rotated::default()
        );
        let row = sqlx::query!("SELECT data FROM account_messages WHERE id = $1", id)
            .fetch_one(&pool)
            .await
            .unwrap();
        let key = id.to_string();
        let place = Place {
            table: "account_messages",
            column: "data",
            row: &key,
        };
        assert_eq!(new.open(place, &row.data).unwrap(), "482913");
    }

    #[sqlx::test(migrator = "crate::MIGRATOR")]
    async fn urls_and_secrets_of_contacts_move_too(pool: PgPool) {
        let old = Secrets::new(["the first key, long enough"]).unwrap();
        let both =
            Secrets::new(["the second key, long enough", "the first key, long enough"]).unwrap();
        let new = Secrets::new(["the second key, long enough"]).unwrap();
        let (account, contact, hook) = hooks::tests::webhook(&pool, &old).await;
        let mut connection = pool.acquire().await.unwrap();
        let (chat, bot) = hooks::tests::telegram();
        hooks::insert(&mut connection, &old, account, &chat, (&bot, None))
            .await
            .unwrap();
        let (now, of) = (contact.created_at, (account, contact.id));
        let until = now + jiff::SignedDuration::from_hours(1);
        hooks::renew_secret(&mut connection, &old, of, "whsec_bmV3", (now, until))
            .await
            .unwrap();
        let hook = match hook {
            Hook::Url { url, secrets } => Hook::Url {
                url,
                secrets: [vec!["whsec_bmV3".to_owned()], secrets].concat(),
            },
            Hook::Service(_) => panic!("it is a webhook"),
        };
        let moved = rotate_secrets(&mut connection, &both).await.unwrap();
        assert_eq!((moved.sealed, moved.failed), (4, 0));
        let mut find = async |id| {
            hooks::find(&mut connection, &new, account, id, now)
                .await
                .unwrap()
        };
        assert_eq!(find(contact.id).await, Some(hook));
        assert!(find(chat.id).await.is_some());
        assert_eq!(
            rotate_secrets(&mut connection, &both).await.unwrap(),
            Rotated::default()
        );
    }
}

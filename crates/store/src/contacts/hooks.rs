//! Contacts that are a URL: the URL and the secret that signs are sealed in their row.

use domain::contact::{Contact, Hook, HookUrl};
use domain::ids::{AccountId, ContactId};
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;

use crate::secrets::Place;
use crate::{Error, Result, Secrets};

/// Writes a new contact that is reached at `url`, its secret beside it if it signs.
pub async fn insert(
    connection: &mut PgConnection,
    secrets: &Secrets,
    account: AccountId,
    contact: &Contact,
    (url, secret): (&HookUrl, Option<&str>),
) -> Result<()> {
    let row = contact.id.to_string();
    let sealed_url = secrets.seal(place("url_sealed", &row), url.as_str())?;
    let sealed_secret = secret
        .map(|secret| secrets.seal(place("secret_sealed", &row), secret))
        .transpose()?;
    let canonical = hex::encode(secrets.keyed_hash("contacts.url", url.as_str()));
    sqlx::query!(
        "INSERT INTO contacts (account_id, id, channel, name, address, address_canonical, verified_at, in_default,
             created_at, updated_at, url_sealed, secret_sealed)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10, $11)",
        account.uuid(),
        contact.id.uuid(),
        contact.channel.as_str(),
        contact.name,
        contact.address,
        canonical,
        contact.verified_at.map(|at| at.to_sqlx()) as _,
        contact.in_default,
        contact.created_at.to_sqlx() as _,
        sealed_url,
        sealed_secret,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The secrets of a contact that is a URL; `None` for all others.
pub async fn find(
    connection: &mut PgConnection,
    secrets: &Secrets,
    account: AccountId,
    id: ContactId,
) -> Result<Option<Hook>> {
    let row = sqlx::query!(
        "SELECT url_sealed, secret_sealed FROM contacts WHERE account_id = $1 AND id = $2",
        account.uuid(),
        id.uuid()
    )
    .fetch_optional(connection)
    .await?;
    let Some((Some(url), secret)) = row.map(|row| (row.url_sealed, row.secret_sealed)) else {
        return Ok(None);
    };
    let key = id.to_string();
    Ok(Some(Hook {
        url: secrets.open(place("url_sealed", &key), &url)?,
        secret: secret
            .map(|sealed| secrets.open(place("secret_sealed", &key), &sealed))
            .transpose()?,
    }))
}

/// How many contacts of the account are a URL. Take the account's lock first.
pub async fn count(connection: &mut PgConnection, account: AccountId) -> Result<u32> {
    let count = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM contacts WHERE account_id = $1 AND url_sealed IS NOT NULL"#,
        account.uuid()
    )
    .fetch_one(connection)
    .await?;
    u32::try_from(count).map_err(|_| Error::impossible("contacts", "count", account))
}

/// Where a sealed value of a contact lives.
pub(crate) const fn place<'r>(column: &'static str, row: &'r str) -> Place<'r> {
    Place {
        table: "contacts",
        column,
        row,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use domain::contact::Channel;
    use domain::target::AddressPolicy;
    use jiff::Timestamp;
    use sqlx::PgPool;

    use super::*;

    const URL: &str = "https://shop.example/hooks/watchbell-8Kq2";
    /// What nobody may read who has not the key.
    pub(crate) const SECRET_PARTS: [&str; 2] = ["watchbell-8Kq2", "c2VjcmV0"];

    fn contact(channel: Channel) -> (Contact, HookUrl) {
        let url = HookUrl::parse(channel, URL, AddressPolicy::SelfHosted).unwrap();
        let contact = Contact {
            id: ContactId::generate(),
            channel,
            name: "Pager".into(),
            address: url.display(),
            verified_at: None,
            in_default: true,
            disabled_reason: None,
            created_at: Timestamp::from_second(1_800_000_000).unwrap(),
        };
        (contact, url)
    }

    /// A webhook of a new account.
    pub(crate) async fn webhook(pool: &PgPool, secrets: &Secrets) -> (AccountId, Contact, Hook) {
        let account = AccountId::generate();
        sqlx::query!(
            "INSERT INTO accounts (id, name, created_at, practice_token) VALUES ($1, 'x', now(), $2)",
            account.uuid(),
            account.to_string()
        )
        .execute(pool)
        .await
        .unwrap();
        let (contact, url) = contact(Channel::Webhook);
        let mut connection = pool.acquire().await.unwrap();
        insert(
            &mut connection,
            secrets,
            account,
            &contact,
            (&url, Some("whsec_c2VjcmV0")),
        )
        .await
        .unwrap();
        let hook = Hook {
            url: URL.into(),
            secret: Some("whsec_c2VjcmV0".into()),
        };
        (account, contact, hook)
    }

    #[sqlx::test(migrator = "crate::MIGRATOR")]
    async fn a_url_is_sealed_and_taken_once(pool: PgPool) {
        let secrets = Secrets::new(["a key of sufficient length"]).unwrap();
        let (account, webhook, hook) = webhook(&pool, &secrets).await;
        let mut connection = pool.acquire().await.unwrap();
        let found = find(&mut connection, &secrets, account, webhook.id)
            .await
            .unwrap();
        assert_eq!(found, Some(hook));
        let stranger = AccountId::generate();
        assert!(
            find(&mut connection, &secrets, stranger, webhook.id)
                .await
                .unwrap()
                .is_none()
        );
        let row = sqlx::query_scalar!(r#"SELECT contacts::text AS "row!" FROM contacts"#)
            .fetch_one(&mut *connection)
            .await
            .unwrap();
        assert!(SECRET_PARTS.iter().all(|part| !row.contains(part)), "{row}");

        let (again, url) = contact(Channel::Webhook);
        let refused = insert(
            &mut connection,
            &secrets,
            account,
            &again,
            (&url, Some("whsec_eA")),
        )
        .await
        .unwrap_err();
        assert_eq!(refused.constraint(), Some(crate::contacts::ADDRESS_KEY));
        let (chat, url) = contact(Channel::Slack);
        insert(&mut connection, &secrets, account, &chat, (&url, None))
            .await
            .unwrap();
        assert_eq!(count(&mut connection, account).await.unwrap(), 2);
    }

    #[sqlx::test(migrator = "crate::MIGRATOR")]
    async fn a_test_that_arrives_proves_and_revives(pool: PgPool) {
        let secrets = Secrets::new(["a key of sufficient length"]).unwrap();
        let (account, contact, _) = webhook(&pool, &secrets).await;
        let mut connection = pool.acquire().await.unwrap();
        let (id, now) = (contact.id, contact.created_at);
        let prove = crate::contacts::mark_proven;
        assert!(prove(&mut connection, account, id, now).await.unwrap());
        assert!(
            !prove(&mut connection, account, id, now).await.unwrap(),
            "once"
        );
        assert!(
            !prove(&mut connection, AccountId::generate(), id, now)
                .await
                .unwrap()
        );
        crate::contacts::mark_disabled(&mut connection, account, id, "gone", now)
            .await
            .unwrap();
        assert!(prove(&mut connection, account, id, now).await.unwrap());
        let found = crate::contacts::find(&mut connection, account, id)
            .await
            .unwrap()
            .unwrap();
        assert!(found.is_usable());
    }
}

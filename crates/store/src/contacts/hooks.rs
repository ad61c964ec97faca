//! Contacts that are an address and a secret: all of it is sealed in their row.

use domain::contact::hook::Service;
use domain::contact::{Contact, Hook, HookTarget};
use domain::ids::{AccountId, ContactId, UserId};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;

use crate::secrets::Place;
use crate::{Error, Result, Secrets};

/// Writes a new contact that is reached at `target`, its secret beside it if it signs.
pub async fn insert(
    connection: &mut PgConnection,
    secrets: &Secrets,
    account: AccountId,
    contact: &Contact,
    (target, secret): (&HookTarget, Option<&str>),
) -> Result<()> {
    let row = contact.id.to_string();
    let seal = |column, text: &str| secrets.seal(place(column, &row), text);
    let text = text(target, contact.id)?;
    let sealed = match target {
        HookTarget::Url(_) => (Some(seal("url_sealed", &text)?), None),
        HookTarget::Service(_) => (None, Some(seal("service_sealed", &text)?)),
    };
    let sealed_secret = secret
        .map(|secret| seal("secret_sealed", secret))
        .transpose()?;
    let canonical = hex::encode(secrets.keyed_hash("contacts.url", &text));
    sqlx::query!(
        "INSERT INTO contacts (account_id, id, channel, name, address, address_canonical, verified_at, in_default,
             created_at, updated_at, url_sealed, service_sealed, secret_sealed, user_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10, $11, $12, $13)",
        account.uuid(),
        contact.id.uuid(),
        contact.channel.as_str(),
        contact.name,
        contact.address,
        canonical,
        contact.verified_at.map(|at| at.to_sqlx()) as _,
        contact.in_default,
        contact.created_at.to_sqlx() as _,
        sealed.0,
        sealed.1,
        sealed_secret,
        contact.member_id.map(UserId::uuid)
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// All of an address as it is sealed, and as two of them are compared.
fn text(target: &HookTarget, contact: ContactId) -> Result<String> {
    match target {
        HookTarget::Url(url) => Ok(url.as_str().to_owned()),
        HookTarget::Service(service) => serde_json::to_string(service)
            .map_err(|_| Error::impossible("contacts", "service_sealed", contact)),
    }
}

/// The secrets of a contact that count at `now`; `None` for one that has none.
pub async fn find(
    connection: &mut PgConnection,
    secrets: &Secrets,
    account: AccountId,
    id: ContactId,
    now: Timestamp,
) -> Result<Option<Hook>> {
    let row = sqlx::query!(
        "SELECT url_sealed, service_sealed, secret_sealed,
             CASE WHEN old_secret_until > $3 THEN old_secret_sealed END AS old_secret_sealed
         FROM contacts WHERE account_id = $1 AND id = $2",
        account.uuid(),
        id.uuid(),
        now.to_sqlx() as _
    )
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let key = id.to_string();
    let open =
        |column, sealed: String| -> Result<String> { secrets.open(place(column, &key), &sealed) };
    let service = row
        .service_sealed
        .map(|sealed| open("service_sealed", sealed));
    if let Some(text) = service.transpose()? {
        let service: Service = serde_json::from_str(&text)
            .map_err(|_| Error::impossible("contacts", "service_sealed", id))?;
        return Ok(Some(Hook::Service(service)));
    }
    let Some(url) = row.url_sealed else {
        return Ok(None);
    };
    let new = row
        .secret_sealed
        .map(|sealed| open("secret_sealed", sealed));
    let old = row
        .old_secret_sealed
        .map(|sealed| open("old_secret_sealed", sealed));
    Ok(Some(Hook::Url {
        url: open("url_sealed", url)?,
        secrets: new.into_iter().chain(old).collect::<Result<_>>()?,
    }))
}

/// Gives a webhook another secret. The one before it counts until `old_until`, and one before that no
/// more. False when the account has no webhook with that id.
pub async fn renew_secret(
    connection: &mut PgConnection,
    secrets: &Secrets,
    (account, id): (AccountId, ContactId),
    secret: &str,
    (now, old_until): (Timestamp, Timestamp),
) -> Result<bool> {
    let row = sqlx::query_scalar!(
        "SELECT secret_sealed FROM contacts WHERE account_id = $1 AND id = $2 FOR NO KEY UPDATE",
        account.uuid(),
        id.uuid()
    )
    .fetch_optional(&mut *connection)
    .await?;
    let Some(Some(sealed)) = row else {
        return Ok(false);
    };
    let key = id.to_string();
    let old = secrets.open(place("secret_sealed", &key), &sealed)?;
    sqlx::query!(
        "UPDATE contacts SET secret_sealed = $3, old_secret_sealed = $4, old_secret_until = $5, updated_at = $6,
             version = version + 1
         WHERE account_id = $1 AND id = $2",
        account.uuid(),
        id.uuid(),
        secrets.seal(place("secret_sealed", &key), secret)?,
        secrets.seal(place("old_secret_sealed", &key), &old)?,
        old_until.to_sqlx() as _,
        now.to_sqlx() as _
    )
    .execute(connection)
    .await?;
    Ok(true)
}

/// How many contacts of the account are such. Take the account's lock first.
pub async fn count(connection: &mut PgConnection, account: AccountId) -> Result<u32> {
    let count = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM contacts
           WHERE account_id = $1 AND num_nonnulls(url_sealed, service_sealed) > 0"#,
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
    use domain::contact::{Channel, HookUrl};
    use domain::target::AddressPolicy;
    use sqlx::PgPool;

    use super::*;

    const URL: &str = "https://shop.example/hooks/watchbell-8Kq2";
    /// What nobody may read who has not the key.
    pub(crate) const SECRET_PARTS: [&str; 3] = ["watchbell-8Kq2", "c2VjcmV0", "AAHdqTcvCH1v"];

    fn contact(channel: Channel) -> (Contact, HookTarget) {
        let url = HookUrl::parse(channel, URL, AddressPolicy::SelfHosted).unwrap();
        of(channel, HookTarget::Url(url))
    }

    /// A bot of Telegram.
    pub(crate) fn telegram() -> (Contact, HookTarget) {
        let typed = r#"{"telegram": {"bot_token": "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw", "chat_id": "-1001234567890"}}"#;
        let service = serde_json::from_str(typed).unwrap();
        of(Channel::Telegram, HookTarget::Service(service))
    }

    fn of(channel: Channel, target: HookTarget) -> (Contact, HookTarget) {
        let contact = Contact {
            id: ContactId::generate(),
            channel,
            name: "Pager".into(),
            address: target.display(),
            verified_at: None,
            in_default: true,
            call_on_recovery: false,
            member_id: None,
            only_critical: false,
            quiet_hours: None,
            disabled_reason: None,
            created_at: Timestamp::from_second(1_800_000_000).unwrap(),
        };
        (contact, target)
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
        let hook = Hook::Url {
            url: URL.into(),
            secrets: vec!["whsec_c2VjcmV0".into()],
        };
        (account, contact, hook)
    }

    #[sqlx::test(migrator = "crate::MIGRATOR")]
    async fn a_url_is_sealed_and_taken_once(pool: PgPool) {
        let secrets = Secrets::new(["a key of sufficient length"]).unwrap();
        let (account, webhook, hook) = webhook(&pool, &secrets).await;
        let mut connection = pool.acquire().await.unwrap();
        let now = webhook.created_at;
        let found = find(&mut connection, &secrets, account, webhook.id, now)
            .await
            .unwrap();
        assert_eq!(found, Some(hook));
        let stranger = AccountId::generate();
        assert!(
            find(&mut connection, &secrets, stranger, webhook.id, now)
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
    async fn a_service_is_sealed_and_found_only_by_its_account(pool: PgPool) {
        let secrets = Secrets::new(["a key of sufficient length"]).unwrap();
        let (account, ..) = webhook(&pool, &secrets).await;
        let (contact, target) = telegram();
        let now = contact.created_at;
        let HookTarget::Service(service) = target.clone() else {
            panic!("{target:?}")
        };
        let mut connection = pool.acquire().await.unwrap();
        insert(
            &mut connection,
            &secrets,
            account,
            &contact,
            (&target, None),
        )
        .await
        .unwrap();
        let mut read = async |account| {
            find(&mut connection, &secrets, account, contact.id, now)
                .await
                .unwrap()
        };
        assert_eq!(read(account).await, Some(Hook::Service(service)));
        assert_eq!(read(AccountId::generate()).await, None);
        let rows = sqlx::query_scalar!(r#"SELECT contacts::text AS "row!" FROM contacts"#)
            .fetch_all(&mut *connection)
            .await
            .unwrap();
        let rows = rows.join("\n");
        assert!(
            SECRET_PARTS.iter().all(|part| !rows.contains(part)),
            "{rows}"
        );
        assert!(rows.contains("chat -1001234567890"), "{rows}");
        let again = Contact {
            id: ContactId::generate(),
            ..contact
        };
        let twice = insert(&mut connection, &secrets, account, &again, (&target, None)).await;
        let constraint = twice.unwrap_err();
        assert_eq!(constraint.constraint(), Some(crate::contacts::ADDRESS_KEY));
        assert_eq!(count(&mut connection, account).await.unwrap(), 2);
    }

    #[sqlx::test(migrator = "crate::MIGRATOR")]
    async fn a_secret_is_renewed_without_a_gap(pool: PgPool) {
        let secrets = Secrets::new(["a key of sufficient length"]).unwrap();
        let (account, webhook, _) = webhook(&pool, &secrets).await;
        let mut connection = pool.acquire().await.unwrap();
        let at = |hours| webhook.created_at + jiff::SignedDuration::from_hours(hours);
        let mut renew = async |account, secret: &str, hours| {
            let times = (at(hours), at(hours + 24));
            renew_secret(
                &mut connection,
                &secrets,
                (account, webhook.id),
                secret,
                times,
            )
            .await
            .unwrap()
        };
        assert!(!renew(AccountId::generate(), "whsec_b3RoZXI=", 0).await);
        assert!(renew(account, "whsec_bmV3", 0).await);
        let mut counting = async |hours| {
            let found = find(&mut connection, &secrets, account, webhook.id, at(hours)).await;
            let Some(Hook::Url { secrets, .. }) = found.unwrap() else {
                panic!("it is a webhook")
            };
            secrets
        };
        assert_eq!(counting(23).await, ["whsec_bmV3", "whsec_c2VjcmV0"]);
        assert_eq!(counting(24).await, ["whsec_bmV3"]);
        let times = (at(2), at(26));
        let of = (account, webhook.id);
        renew_secret(&mut connection, &secrets, of, "whsec_bmV3ZXI=", times)
            .await
            .unwrap();
        let found = find(&mut connection, &secrets, account, webhook.id, at(3)).await;
        let Some(Hook::Url { secrets: both, .. }) = found.unwrap() else {
            panic!("it is a webhook")
        };
        assert_eq!(both, ["whsec_bmV3ZXI=", "whsec_bmV3"]);
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

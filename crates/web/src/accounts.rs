//! Making an account: for the sign-up page and for `watchbell admin create-account`.

use domain::account::{EmailAddress, Plan, Role};
use domain::ids::{AccountId, UserId};
use jiff::Timestamp;
use sqlx::PgConnection;

/// A person to make, with an account of their own.
#[derive(Debug, Clone)]
pub struct NewPerson<'a> {
    /// Address.
    pub email: &'a EmailAddress,
    /// From [`crate::auth::password::Hasher::hash`].
    pub password_hash: &'a str,
    /// IANA name; anything else counts as UTC.
    pub timezone: &'a str,
    /// Plan.
    pub plan: Plan,
    /// The address counts as proven.
    pub verified: bool,
}

/// Who was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Created {
    /// The account.
    pub account_id: AccountId,
    /// Its owner.
    pub user_id: UserId,
}

/// Why nobody was made.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// Somebody has proven this address already.
    #[error("an account with this address exists")]
    Taken,
    /// The database.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Makes person, account, ownership, subscription, wallet and mail contact in the caller's
/// transaction, which must be rolled back on an error. An address that is not proven by this may be
/// another person's: only one of them can prove it.
pub async fn create(
    connection: &mut PgConnection,
    new: &NewPerson<'_>,
    now: Timestamp,
) -> Result<Created, CreateError> {
    let created = Created {
        account_id: AccountId::generate(),
        user_id: UserId::generate(),
    };
    store::users::insert(
        connection,
        created.user_id,
        new.email,
        new.password_hash,
        new.verified,
        now,
    )
    .await
    .map_err(|error| {
        if error.constraint() == Some("users_email_key") {
            CreateError::Taken
        } else {
            error.into()
        }
    })?;
    let timezone = if jiff::tz::TimeZone::get(new.timezone).is_ok() {
        new.timezone
    } else {
        "UTC"
    };
    let practice_token = store::secrets::random_token();
    let account = store::accounts::NewAccount {
        id: created.account_id,
        name: new
            .email
            .as_str()
            .split('@')
            .next_back()
            .unwrap_or("My account"),
        timezone,
        practice_token: &practice_token,
        plan: new.plan,
    };
    store::accounts::insert(connection, &account, now).await?;
    incidents::grant_plan_credit(connection, created.account_id, now).await?;
    store::memberships::insert(
        connection,
        created.account_id,
        created.user_id,
        Role::Owner,
        now,
    )
    .await?;
    store::accounts::insert_owner_contact(
        connection,
        (created.account_id, created.user_id),
        new.email,
        new.verified,
        now,
    )
    .await?;
    Ok(created)
}

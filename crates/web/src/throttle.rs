//! Limits against guessing and flooding: so many events of a kind, of one key, in one window. The
//! counters live in the database, so that several web processes count together.

use std::time::Duration;

use crate::error::PageError;
use crate::state::AppState;

const HOUR: Duration = Duration::from_secs(3_600);

/// A limit.
#[derive(Debug, Clone, Copy)]
pub struct Limit {
    scope: &'static str,
    most: u32,
    window: Duration,
}

impl Limit {
    /// How many fit into its window.
    pub const fn most(self) -> u32 {
        self.most
    }
}

/// Wrong passwords for one address.
pub const LOGIN_ADDRESS: Limit = Limit {
    scope: "login.address",
    most: 10,
    window: Duration::from_secs(900),
};
/// Wrong passwords from one network.
pub const LOGIN_NETWORK: Limit = Limit {
    scope: "login.network",
    most: 50,
    window: Duration::from_secs(900),
};
/// Sign-ups from one network.
pub const SIGNUP_NETWORK: Limit = Limit {
    scope: "signup.network",
    most: 30,
    window: HOUR,
};
/// Mails with codes or links to one address.
pub const MAIL_ADDRESS: Limit = Limit {
    scope: "mail.address",
    most: 6,
    window: HOUR,
};
/// Mails with codes or links asked for from one network.
pub const MAIL_NETWORK: Limit = Limit {
    scope: "mail.network",
    most: 60,
    window: HOUR,
};
/// Codes typed by one person.
pub const CODE_USER: Limit = Limit {
    scope: "code.user",
    most: 30,
    window: HOUR,
};
/// Codes typed from one network.
pub const CODE_NETWORK: Limit = Limit {
    scope: "code.network",
    most: 120,
    window: HOUR,
};
/// Passwords asked for by a page of settings.
pub const PASSWORD_USER: Limit = Limit {
    scope: "password.user",
    most: 10,
    window: Duration::from_secs(900),
};

/// Looks asked for by one account without a monitor.
pub const TEST_LOOK: Limit = Limit {
    scope: "check.test",
    most: 60,
    window: Duration::from_secs(60),
};
/// Looks asked for at one monitor.
pub const CHECK_NOW: Limit = Limit {
    scope: "check.now",
    most: 6,
    window: Duration::from_secs(60),
};
/// Codes sent to one contact's address.
pub const CONTACT_CODE_ADDRESS: Limit = Limit {
    scope: "contact.address",
    most: 6,
    window: HOUR,
};
/// Codes sent to contacts of one account.
pub const CONTACT_CODE_ACCOUNT: Limit = Limit {
    scope: "contact.account",
    most: 30,
    window: HOUR,
};
/// Codes to contacts asked for from one network.
pub const CONTACT_CODE_NETWORK: Limit = Limit {
    scope: "contact.network",
    most: 60,
    window: HOUR,
};
/// Test messages to one contact.
pub const CONTACT_TEST: Limit = Limit {
    scope: "contact.test",
    most: 1,
    window: Duration::from_secs(60),
};

/// Counts one more event in the caller's transaction, so that what is taken back is not counted. The
/// seconds to wait when it is over the limit.
pub async fn take_within(
    connection: &mut sqlx::PgConnection,
    state: &AppState,
    limit: Limit,
    key: &str,
    now: jiff::Timestamp,
) -> store::Result<Option<u64>> {
    let count = store::throttles::count(
        connection,
        limit.scope,
        &hash(state, limit, key),
        limit.window,
        now,
    )
    .await?;
    Ok((count > limit.most).then(|| store::throttles::window_left(limit.window, now).as_secs()))
}

/// Counts one more event; [`PageError::TooManyRequests`] when it is over the limit.
pub async fn take(state: &AppState, limit: Limit, key: &str) -> Result<(), PageError> {
    let now = state.now();
    let mut connection = state.pool.acquire().await?;
    let count = store::throttles::count(
        &mut connection,
        limit.scope,
        &hash(state, limit, key),
        limit.window,
        now,
    )
    .await?;
    if count > limit.most {
        Err(over(limit, now))
    } else {
        Ok(())
    }
}

/// An event that is counted until it turns out to be harmless.
#[derive(Debug)]
#[must_use = "the event stays counted unless it is given back"]
pub struct Counted {
    limit: Limit,
    hash: Vec<u8>,
    at: jiff::Timestamp,
}

/// Counts a try before it is judged, so that racing tries cannot all pass at the same count.
pub async fn take_ahead(state: &AppState, limit: Limit, key: &str) -> Result<Counted, PageError> {
    let (hash, at) = (hash(state, limit, key), state.now());
    let mut connection = state.pool.acquire().await?;
    let count =
        store::throttles::count(&mut connection, limit.scope, &hash, limit.window, at).await?;
    if count > limit.most {
        Err(over(limit, at))
    } else {
        Ok(Counted { limit, hash, at })
    }
}

impl Counted {
    /// The try was a right one.
    pub async fn give_back(self, connection: &mut sqlx::PgConnection) -> store::Result<()> {
        let Self { limit, hash, at } = self;
        store::throttles::give_back(connection, limit.scope, &hash, limit.window, at).await
    }
}

fn over(limit: Limit, now: jiff::Timestamp) -> PageError {
    PageError::TooManyRequests {
        retry_after: store::throttles::window_left(limit.window, now).as_secs(),
    }
}

/// Keys are addresses of people and networks: kept as keyed hashes only.
fn hash(state: &AppState, limit: Limit, key: &str) -> Vec<u8> {
    state.secrets.keyed_hash(limit.scope, key)
}

//! Limits against guessing and flooding: so many events of a kind, of one key, in one window. The
//! counters live in the database, so that several web processes count together.

use std::time::Duration;

use crate::error::PageError;
use crate::state::AppState;

/// Seconds.
const HOUR: u64 = 3_600;

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

const fn limit(scope: &'static str, most: u32, seconds: u64) -> Limit {
    Limit {
        scope,
        most,
        window: Duration::from_secs(seconds),
    }
}

/// Wrong passwords for one address.
pub const LOGIN_ADDRESS: Limit = limit("login.address", 10, 900);
/// Wrong passwords from one network.
pub const LOGIN_NETWORK: Limit = limit("login.network", 50, 900);
/// Sign-ups from one network.
pub const SIGNUP_NETWORK: Limit = limit("signup.network", 30, HOUR);
/// Mails with codes or links to one address.
pub const MAIL_ADDRESS: Limit = limit("mail.address", 6, HOUR);
/// Mails to one address by which somebody claims it as their own, in a day.
pub const CLAIM_ADDRESS: Limit = limit("claim.address", 10, 24 * HOUR);
/// Mails with codes or links asked for from one network.
pub const MAIL_NETWORK: Limit = limit("mail.network", 60, HOUR);
/// Codes typed by one person.
pub const CODE_USER: Limit = limit("code.user", 30, HOUR);
/// Codes typed from one network.
pub const CODE_NETWORK: Limit = limit("code.network", 120, HOUR);
/// Passwords asked for by a page of settings.
pub const PASSWORD_USER: Limit = limit("password.user", 10, 900);

/// Looks asked for by one account without a monitor.
pub const TEST_LOOK: Limit = limit("check.test", 60, 60);
/// Looks asked for at one monitor.
pub const CHECK_NOW: Limit = limit("check.now", 6, 60);
/// Codes sent to one contact's address.
pub const CONTACT_CODE_ADDRESS: Limit = limit("contact.address", 6, HOUR);
/// Codes sent to contacts of one account.
pub const CONTACT_CODE_ACCOUNT: Limit = limit("contact.account", 30, HOUR);
/// Codes to contacts asked for from one network.
pub const CONTACT_CODE_NETWORK: Limit = limit("contact.network", 60, HOUR);
/// Test messages to one contact.
pub const CONTACT_TEST: Limit = limit("contact.test", 1, 60);

/// Fire drills of one account.
pub const DRILL: Limit = limit("drill.account", 5, HOUR);

/// Looks that one network asks for without an account.
pub const TOOLS_NETWORK: Limit = limit("tools.network", 12, 60);
/// The same for longer.
pub const TOOLS_NETWORK_HOUR: Limit = limit("tools.network.hour", 120, HOUR);
/// Looks at one host that all visitors ask for.
pub const TOOLS_TARGET: Limit = limit("tools.target", 10, 60);
/// Looks at all that is one owner's.
pub const TOOLS_SITE: Limit = limit("tools.site", 30, 60);
/// Looks that all visitors ask for.
pub const TOOLS_ALL: Limit = limit("tools.all", 240, 60);
/// The same for longer.
pub const TOOLS_ALL_HOUR: Limit = limit("tools.all.hour", 4_000, HOUR);

/// Requests of one network to be told when something is back.
pub const WATCH_NETWORK: Limit = limit("watch.network", 6, HOUR);
/// The same for longer.
pub const WATCH_NETWORK_DAY: Limit = limit("watch.network.day", 20, 24 * HOUR);
/// Mails that ask one address to confirm such a request, in a day.
pub const WATCH_ADDRESS: Limit = limit("watch.address", 5, 24 * HOUR);
/// Watches that one address begins again.
pub const WATCH_AGAIN: Limit = limit("watch.again", 6, HOUR);
/// Requests of all visitors.
pub const WATCH_ALL: Limit = limit("watch.all", 600, HOUR);

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
    Ok(over(limit, count, now))
}

/// Counts one more event; [`PageError::TooManyRequests`] when it is over the limit.
pub async fn take(state: &AppState, limit: Limit, key: &str) -> Result<(), PageError> {
    let mut connection = state.pool.acquire().await?;
    match take_within(&mut connection, state, limit, key, state.now()).await? {
        None => Ok(()),
        Some(retry_after) => Err(PageError::TooManyRequests { retry_after }),
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
    match over(limit, count, at) {
        None => Ok(Counted { limit, hash, at }),
        Some(retry_after) => Err(PageError::TooManyRequests { retry_after }),
    }
}

impl Counted {
    /// The try was a right one.
    pub async fn give_back(self, connection: &mut sqlx::PgConnection) -> store::Result<()> {
        let Self { limit, hash, at } = self;
        store::throttles::give_back(connection, limit.scope, &hash, limit.window, at).await
    }
}

/// The seconds to wait when there are too many.
fn over(limit: Limit, count: u32, now: jiff::Timestamp) -> Option<u64> {
    (count > limit.most).then(|| store::throttles::window_left(limit.window, now).as_secs())
}

/// Keys are addresses of people and networks: kept as keyed hashes only.
fn hash(state: &AppState, limit: Limit, key: &str) -> Vec<u8> {
    state.secrets.keyed_hash(limit.scope, key)
}

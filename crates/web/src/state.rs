//! What every handler can reach.

use std::ops::Deref;
use std::sync::Arc;

use domain::clock::Clock;
use jiff::Timestamp;
use sqlx::PgPool;
use store::Secrets;

use crate::api::rate::Limiter;
use crate::auth::password::Hasher;
use crate::config::WebConfig;
use crate::events::Hub;

/// The shared state; a clone is one pointer.
#[derive(Clone)]
pub struct AppState(Arc<Inner>);

/// The parts of [`AppState`].
pub struct Inner {
    /// The primary.
    pub pool: PgPool,
    /// A replica for pages and reports, or the primary again.
    pub read_pool: PgPool,
    /// Keys for secrets at rest.
    pub secrets: Secrets,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Settings.
    pub config: WebConfig,
    /// News from the database.
    pub events: Hub,
    /// Hashes passwords, a few at a time.
    pub hasher: Hasher,
    /// Requests to the API a minute.
    pub api_limits: Limiter,
}

impl AppState {
    /// Puts the parts together. The caller also runs [`Hub::run`].
    pub fn new(
        pool: PgPool,
        read_pool: Option<PgPool>,
        secrets: Secrets,
        clock: Arc<dyn Clock>,
        config: WebConfig,
        events: Hub,
    ) -> Self {
        let read_pool = read_pool.unwrap_or_else(|| pool.clone());
        Self(Arc::new(Inner {
            pool,
            read_pool,
            secrets,
            clock,
            config,
            events,
            hasher: Hasher::new(),
            api_limits: Limiter::default(),
        }))
    }

    /// The present moment.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

impl Deref for AppState {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

//! News from the database: one listener per process feeds every stream and every waiting handler.
//!
//! Payloads carry ids only. After a lost connection nothing is known of what was missed, so
//! [`Event::Rescan`] tells everybody to read anew.

mod watch;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use domain::clock::{Clock, SystemClock};
use domain::ids::{AccountId, LookRequestId, MonitorId, SessionId, any_uuid};
use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tokio::sync::broadcast;
use uuid::Uuid;

pub use watch::{Screen, Watch};

const CAPACITY: usize = 1024;
const RECONNECT_AFTER: Duration = Duration::from_secs(1);
/// How often looks on screen are asked for.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long that may take.
const LOOK_DEADLINE: Duration = Duration::from_secs(5);

/// Something happened that a page may show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A monitor, incident or delivery changed: its account, the kind as it was sent, the id.
    Changed {
        /// Whose.
        account_id: AccountId,
        /// `monitor`, `incident`, `delivery`, …
        kind: Arc<str>,
        /// Which.
        id: Uuid,
    },
    /// Monitors on screen were looked at.
    Looked {
        /// Whose.
        account_id: AccountId,
        /// Which.
        ids: Arc<[MonitorId]>,
    },
    /// A look request was answered.
    LookDone(LookRequestId),
    /// A session was revoked: its streams end.
    SessionRevoked(SessionId),
    /// The listener was away; what happened meanwhile must be read.
    Rescan,
}

/// Where events are subscribed to.
#[derive(Debug, Clone)]
pub struct Hub {
    sender: broadcast::Sender<Event>,
    screen: Screen,
    late_seconds: Arc<AtomicU64>,
}

impl Default for Hub {
    fn default() -> Self {
        Self::new()
    }
}

impl Hub {
    /// A hub that nobody feeds yet.
    pub fn new() -> Self {
        Self {
            sender: broadcast::channel(CAPACITY).0,
            screen: Screen::default(),
            late_seconds: Arc::default(),
        }
    }

    /// The monitors on somebody's screen.
    pub const fn screen(&self) -> &Screen {
        &self.screen
    }

    /// How far our timetable was behind when it was last asked for.
    pub fn late(&self) -> Duration {
        Duration::from_secs(self.late_seconds.load(Ordering::Relaxed))
    }

    /// All events from now on. A receiver that lags behind has missed some and must read anew.
    pub fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.sender.subscribe()
    }

    /// Tells an event to this process, as the listener does.
    pub fn publish(&self, event: Event) {
        // No receiver is no error: nobody is looking.
        let _ = self.sender.send(event);
    }

    /// Listens, and asks for looks on screen, until the future is dropped.
    pub async fn run(&self, pool: PgPool) {
        tokio::join!(
            self.run_listener(&pool),
            self.run_looks(&pool, &SystemClock)
        );
    }

    /// Listens, reconnecting as often as needed.
    async fn run_listener(&self, pool: &PgPool) {
        loop {
            if let Err(error) = self.listen(pool).await {
                tracing::warn!(%error, "the listener lost the database");
            }
            tokio::time::sleep(RECONNECT_AFTER).await;
        }
    }

    /// Asks once a second for looks at what is on screen.
    async fn run_looks(&self, pool: &PgPool, clock: &impl Clock) {
        let mut tick = tokio::time::interval(LOOK_EVERY);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            let watched = self.screen.all();
            if watched.is_empty() {
                continue;
            }
            match tokio::time::timeout(LOOK_DEADLINE, self.ask(pool, &watched, clock.now())).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::warn!(%error, "cannot ask for the looks on screen"),
                Err(_) => tracing::warn!("asking for the looks on screen takes too long"),
            }
        }
    }

    async fn ask(
        &self,
        pool: &PgPool,
        watched: &[(AccountId, MonitorId)],
        now: jiff::Timestamp,
    ) -> store::Result<()> {
        let mut connection = pool.acquire().await?;
        let late = store::live::lateness(&mut connection, now).await?;
        self.late_seconds
            .store(late.unsigned_abs().as_secs(), Ordering::Relaxed);
        let latest = store::live::latest_looks(&mut connection, watched, now).await?;
        for (account_id, ids) in self.screen.news(latest) {
            self.publish(Event::Looked {
                account_id,
                ids: ids.into(),
            });
        }
        Ok(())
    }

    async fn listen(&self, pool: &PgPool) -> Result<(), sqlx::Error> {
        let mut listener = PgListener::connect_with(pool).await?;
        listener
            .listen_all(["watchbell_changes", "watchbell_done", "watchbell_sessions"])
            .await?;
        self.publish(Event::Rescan);
        while let Some(note) = listener.try_recv().await? {
            match parse(note.channel(), note.payload()) {
                Some(event) => self.publish(event),
                None => tracing::warn!(channel = note.channel(), "an unreadable notification"),
            }
        }
        Err(sqlx::Error::PoolClosed)
    }
}

fn parse(channel: &str, payload: &str) -> Option<Event> {
    match channel {
        "watchbell_changes" => {
            let mut parts = payload.split(':');
            let (account, kind, id) = (parts.next()?, parts.next()?, parts.next()?);
            Some(Event::Changed {
                account_id: AccountId::from_uuid(any_uuid(account)?),
                kind: kind.into(),
                id: any_uuid(id)?,
            })
        }
        "watchbell_done" => Some(Event::LookDone(LookRequestId::from_uuid(any_uuid(
            payload,
        )?))),
        "watchbell_sessions" => Some(Event::SessionRevoked(SessionId::from_uuid(any_uuid(
            payload,
        )?))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_are_ids() {
        let (account, id) = (Uuid::now_v7(), Uuid::now_v7());
        assert_eq!(
            parse("watchbell_changes", &format!("{account}:incident:{id}")),
            Some(Event::Changed {
                account_id: AccountId::from_uuid(account),
                kind: "incident".into(),
                id
            })
        );
        let typed = AccountId::from_uuid(account);
        assert!(
            parse(
                "watchbell_changes",
                &format!("{typed}:monitor:{}", domain::ids::MonitorId::from_uuid(id))
            )
            .is_some()
        );
        assert_eq!(
            parse("watchbell_done", &id.to_string()),
            Some(Event::LookDone(LookRequestId::from_uuid(id)))
        );
        for (channel, payload) in [
            ("watchbell_changes", "x:y:z"),
            ("watchbell_done", ""),
            ("other", "1"),
        ] {
            assert_eq!(parse(channel, payload), None);
        }
    }
}

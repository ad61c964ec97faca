//! News from the database: one listener per process feeds every stream and every waiting handler.
//!
//! Payloads carry ids only. After a lost connection nothing is known of what was missed, so
//! [`Event::Rescan`] tells everybody to read anew.

use std::sync::Arc;
use std::time::Duration;

use domain::ids::{AccountId, LookRequestId, SessionId};
use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tokio::sync::broadcast;
use uuid::Uuid;

const CAPACITY: usize = 1024;
const RECONNECT_AFTER: Duration = Duration::from_secs(1);

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
}

impl Default for Hub {
    fn default() -> Self {
        Self::new()
    }
}

impl Hub {
    /// A hub that nobody feeds yet.
    pub fn new() -> Self {
        Self { sender: broadcast::channel(CAPACITY).0 }
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

    /// Listens until the future is dropped, reconnecting as often as needed.
    pub async fn run(&self, pool: PgPool) {
        loop {
            if let Err(error) = self.listen(&pool).await {
                tracing::warn!(%error, "the listener lost the database");
            }
            tokio::time::sleep(RECONNECT_AFTER).await;
        }
    }

    async fn listen(&self, pool: &PgPool) -> Result<(), sqlx::Error> {
        let mut listener = PgListener::connect_with(pool).await?;
        listener.listen_all(["watchbell_changes", "watchbell_done", "watchbell_sessions"]).await?;
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
                account_id: AccountId::from_uuid(account.parse().ok()?),
                kind: kind.into(),
                id: id.parse().ok()?,
            })
        }
        "watchbell_done" => Some(Event::LookDone(LookRequestId::from_uuid(payload.parse().ok()?))),
        "watchbell_sessions" => Some(Event::SessionRevoked(SessionId::from_uuid(payload.parse().ok()?))),
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
            Some(Event::Changed { account_id: AccountId::from_uuid(account), kind: "incident".into(), id })
        );
        assert_eq!(parse("watchbell_done", &id.to_string()), Some(Event::LookDone(LookRequestId::from_uuid(id))));
        for (channel, payload) in [("watchbell_changes", "x:y:z"), ("watchbell_done", ""), ("other", "1")] {
            assert_eq!(parse(channel, payload), None);
        }
    }
}

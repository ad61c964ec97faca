//! `/events`: one stream per browser. Ids only: what changed is fetched by the page itself, under the
//! rights of its own request. The stream ends when the session is revoked.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::response::Sse;
use axum::response::sse::Event as Message;
use domain::ids::{AccountId, ContactId, DeliveryId, IncidentId, MonitorId, SessionId};
use futures::Stream;
use serde::Deserialize;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Interval, interval};
use uuid::Uuid;

use crate::error::PageResult;
use crate::events::{Event, Hub, Watch};
use crate::extract::Tenant;
use crate::state::AppState;

/// How often a stream says that it is alive; a page calls twenty seconds of silence stale.
const BEAT: Duration = Duration::from_secs(5);
/// The most monitors one browser shows.
const MOST_WATCHED: usize = 200;

/// What the browser shows.
#[derive(Debug, Default, Deserialize)]
pub struct Shown {
    #[serde(default)]
    watch: String,
}

/// The stream.
pub async fn stream(
    tenant: Tenant,
    State(state): State<AppState>,
    Query(shown): Query<Shown>,
) -> PageResult<Sse<impl Stream<Item = Result<Message, Infallible>>>> {
    let ids = shown
        .watch
        .split(',')
        .filter_map(|id| id.parse().ok())
        .take(MOST_WATCHED);
    let receiver = state.events.subscribe();
    let reader = Reader {
        watch: state.events.screen().watch(tenant.account_id(), ids),
        hub: state.events.clone(),
        receiver,
        beat: interval(BEAT),
        account: tenant.account_id(),
        session: tenant.session_id(),
        over: false,
    };
    Ok(Sse::new(futures::stream::unfold(reader, next)))
}

struct Reader {
    /// Held for as long as the stream is read.
    #[expect(dead_code, reason = "its drop takes the monitors off the screen")]
    watch: Watch,
    hub: Hub,
    receiver: Receiver<Event>,
    beat: Interval,
    account: AccountId,
    session: SessionId,
    over: bool,
}

async fn next(mut reader: Reader) -> Option<(Result<Message, Infallible>, Reader)> {
    if reader.over {
        return None;
    }
    loop {
        let message = tokio::select! {
            _ = reader.beat.tick() => Some(beat(reader.hub.late())),
            event = reader.receiver.recv() => match event {
                Ok(event) => {
                    reader.over = event == Event::SessionRevoked(reader.session);
                    message(&event, reader.account, reader.session)
                }
                Err(RecvError::Lagged(_)) => Some(Message::default().event("rescan").data("{}")),
                Err(RecvError::Closed) => return None,
            },
        };
        if let Some(message) = message {
            return Some((Ok(message), reader));
        }
    }
}

fn beat(late: Duration) -> Message {
    Message::default()
        .event("beat")
        .data(format!(r#"{{"late":{}}}"#, late.as_secs()))
}

/// What a stream of `account` says of an event; nothing of what belongs to others.
fn message(event: &Event, account: AccountId, session: SessionId) -> Option<Message> {
    let (name, data) = words(event, account, session)?;
    Some(Message::default().event(name).data(data))
}

fn words(event: &Event, account: AccountId, session: SessionId) -> Option<(&'static str, String)> {
    match event {
        Event::Changed {
            account_id,
            kind,
            id,
        } if *account_id == account => Some((
            "change",
            serde_json::json!({ "kind": &**kind, "id": outside(kind, *id) }).to_string(),
        )),
        Event::Looked { account_id, ids } if *account_id == account => {
            Some(("looks", serde_json::json!({ "ids": &**ids }).to_string()))
        }
        Event::SessionRevoked(id) if *id == session => Some(("signed_out", "{}".to_owned())),
        Event::Rescan => Some(("rescan", "{}".to_owned())),
        _ => None,
    }
}

/// The id as pages write it.
fn outside(kind: &str, id: Uuid) -> String {
    match kind {
        "monitor" => MonitorId::from_uuid(id).to_string(),
        "incident" => IncidentId::from_uuid(id).to_string(),
        "delivery" => DeliveryId::from_uuid(id).to_string(),
        "contact" => ContactId::from_uuid(id).to_string(),
        _ => id.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(account_id: AccountId, kind: &str, id: Uuid) -> Event {
        Event::Changed {
            account_id,
            kind: kind.into(),
            id,
        }
    }

    #[test]
    fn a_stream_speaks_of_its_own_account_only() {
        let (mine, other, session) = (
            AccountId::generate(),
            AccountId::generate(),
            SessionId::generate(),
        );
        let monitor = MonitorId::generate();
        let said = words(&changed(mine, "monitor", monitor.uuid()), mine, session);
        assert_eq!(
            said,
            Some((
                "change",
                format!(r#"{{"kind":"monitor","id":"{monitor}"}}"#)
            ))
        );
        let looked = |account_id| Event::Looked {
            account_id,
            ids: [monitor].into(),
        };
        assert_eq!(
            words(&looked(mine), mine, session),
            Some(("looks", format!(r#"{{"ids":["{monitor}"]}}"#)))
        );
        for event in [
            changed(other, "monitor", monitor.uuid()),
            looked(other),
            Event::SessionRevoked(SessionId::generate()),
        ] {
            assert_eq!(words(&event, mine, session), None, "{event:?}");
        }
        assert_eq!(
            words(&Event::SessionRevoked(session), mine, session),
            Some(("signed_out", "{}".into()))
        );
        assert_eq!(
            words(&Event::Rescan, mine, session),
            Some(("rescan", "{}".into()))
        );
    }

    #[tokio::test]
    async fn a_stream_ends_with_its_session() {
        let hub = Hub::new();
        let (account, session) = (AccountId::generate(), SessionId::generate());
        let mut reader = Reader {
            watch: hub.screen().watch(account, []),
            receiver: hub.subscribe(),
            hub: hub.clone(),
            beat: interval(BEAT),
            account,
            session,
            over: false,
        };
        reader.beat.tick().await;
        hub.publish(Event::SessionRevoked(SessionId::generate()));
        hub.publish(Event::SessionRevoked(session));
        let Some((_, reader)) = next(reader).await else {
            panic!("it says that it is over")
        };
        assert!(next(reader).await.is_none());
    }
}

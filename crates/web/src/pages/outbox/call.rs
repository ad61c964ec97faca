//! A call in the outbox: what is said, and keys that do what they do on a telephone.

use axum::extract::{Path, State};
use domain::alert::voice::call::Heard;
use domain::ids::{AccountId, DeliveryId};
use domain::telephony::CallStatus;
use incidents::CallEnd;
use sqlx::PgConnection;
use store::calls::Call;
use store::outbox::OutboxMessage;
use uuid::Uuid;

use crate::error::{PageError, PageResult};
use crate::extract::Fields;
use crate::state::AppState;
use crate::view::see_other;

/// The provider's name for a call that no provider has.
const NO_PROVIDER: &str = "outbox";

/// A call as it went so far.
pub(super) struct CallView {
    /// Key, if one was pressed, and what was said to it.
    pub(super) turns: Vec<(Option<char>, String)>,
    /// A key can be pressed.
    pub(super) rings: bool,
    /// How it ended.
    pub(super) outcome: Option<&'static str>,
}

impl CallView {
    fn of(call: &Call) -> Self {
        let first = if call.script.asks {
            format!("{} {}", call.script.alert, call.script.menu())
        } else {
            call.script.alert.clone()
        };
        let pressed = call
            .turns
            .iter()
            .map(|turn| (turn.key, turn.said.clone()))
            .filter(|(key, _)| key.is_some());
        Self {
            turns: std::iter::once((None, first)).chain(pressed).collect(),
            rings: call.ended_at.is_none(),
            outcome: call
                .outcome
                .filter(|_| call.ended_at.is_some())
                .map(|outcome| outcome.sentence()),
        }
    }
}

/// The call that a message of the outbox is; none where it is a code or its delivery is gone.
pub(super) async fn find(
    connection: &mut PgConnection,
    message: &OutboxMessage,
) -> store::Result<Option<CallView>> {
    let Some((account, delivery)) = delivery_of(message) else {
        return Ok(None);
    };
    let call = store::calls::find(connection, account, delivery).await?;
    Ok(call.as_ref().map(CallView::of))
}

fn delivery_of(message: &OutboxMessage) -> Option<(AccountId, DeliveryId)> {
    let pairs = super::list::headers(&message.headers);
    let named = |name: &str| pairs.iter().find(|(key, _)| key == name);
    Some((
        named("Account")?.1.parse().ok()?,
        named("Delivery")?.1.parse().ok()?,
    ))
}

/// Presses a key, or lets it ring.
pub async fn press(
    State(state): State<AppState>,
    Path(id): Path<Uuid>,
    fields: Fields,
) -> PageResult {
    if !state.config.outbox {
        return Err(PageError::NotFound);
    }
    let mut tx = store::begin(&state.pool)
        .await
        .map_err(store::Error::from)?;
    let message = store::outbox::find(&mut tx, id)
        .await?
        .ok_or(PageError::NotFound)?;
    let whose = delivery_of(&message).ok_or(PageError::NotFound)?;
    let end = match fields.text("key").chars().next() {
        Some(key) => {
            let said = incidents::press_key(&mut tx, whose, Heard::Key(key), state.now())
                .await
                .map_err(PageError::internal)?
                .ok_or(PageError::NotFound)?;
            (!said.asks).then_some(CallStatus::Completed)
        }
        None => Some(CallStatus::NoAnswer),
    };
    if let Some(status) = end {
        let word = CallEnd {
            provider_id: NO_PROVIDER,
            status,
            base: state.config.base_url.as_str().trim_end_matches('/'),
        };
        incidents::end_call(&mut tx, &state.secrets, whose, &word, state.now())
            .await
            .map_err(PageError::internal)?;
    }
    tx.commit().await.map_err(store::Error::from)?;
    see_other(&format!("/outbox?open={id}"))
}

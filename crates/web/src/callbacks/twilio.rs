//! Status callbacks of the Twilio-compatible providers.

use axum::body::Bytes;
use axum::extract::{OriginalUri, State};
use domain::ids::{AccountId, DeliveryId};
use domain::telephony::{MessageStatus, SIGNATURE_HEADER, is_signed};
use http::{HeaderMap, StatusCode};
use secrecy::ExposeSecret;
use url::form_urlencoded;
use uuid::Uuid;

use crate::error::PageError;
use crate::state::AppState;

type Pairs = Vec<(String, String)>;

/// What became of a message. Without a valid signature nothing is read, let alone changed.
pub async fn status(
    State(state): State<AppState>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, PageError> {
    let fields: Pairs = form_urlencoded::parse(&body).into_owned().collect();
    let url = state.config.link(
        uri.path_and_query()
            .map_or(uri.path(), |both| both.as_str()),
    );
    let given = headers
        .get(SIGNATURE_HEADER)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let tokens = &state.config.twilio_auth_tokens;
    if !tokens
        .iter()
        .any(|token| is_signed(token.expose_secret(), &url, &fields, given))
    {
        return Err(PageError::Forbidden(
            "the signature of this callback is not valid",
        ));
    }
    let query: Pairs = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes())
        .into_owned()
        .collect();
    let Some(word) = get(&fields, "MessageStatus").and_then(MessageStatus::parse) else {
        return Ok(StatusCode::NO_CONTENT);
    };
    record(&state, &query, &fields, word).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn record(
    state: &AppState,
    query: &Pairs,
    fields: &Pairs,
    status: MessageStatus,
) -> Result<(), PageError> {
    let error_code = get(fields, "ErrorCode").and_then(|code| code.parse().ok());
    let mut tx = state.pool.begin().await.map_err(store::Error::from)?;
    if let Some(message) = get(query, "message").and_then(|id| id.parse::<Uuid>().ok()) {
        if status != MessageStatus::OnItsWay {
            let reason = error_code.and_then(domain::telephony::error_words);
            store::account_messages::receipt(
                &mut tx,
                message,
                status == MessageStatus::Delivered,
                reason,
            )
            .await?;
        }
    } else {
        let account = get(query, "account").and_then(|id| id.parse::<AccountId>().ok());
        let delivery = get(query, "delivery").and_then(|id| id.parse::<DeliveryId>().ok());
        let (Some(account), Some(delivery)) = (account, delivery) else {
            return Err(PageError::NotFound);
        };
        let callback = incidents::Callback {
            provider_id: get(fields, "MessageSid").unwrap_or_default(),
            status,
            error_code,
            base: state.config.base_url.as_str().trim_end_matches('/'),
        };
        incidents::receipt(
            &mut tx,
            &state.secrets,
            (account, delivery),
            &callback,
            state.now(),
        )
        .await
        .map_err(PageError::internal)?;
    }
    tx.commit().await.map_err(store::Error::from)?;
    Ok(())
}

fn get<'p>(pairs: &'p Pairs, name: &str) -> Option<&'p str> {
    pairs
        .iter()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.as_str())
}

//! Callbacks of the Twilio-compatible providers: what became of a message, texts and calls to our number.

use axum::body::Bytes;
use axum::extract::{OriginalUri, State};
use axum::response::{IntoResponse, Response};
use domain::ids::{AccountId, DeliveryId};
use domain::telephony::{MessageStatus, SIGNATURE_HEADER, is_signed};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode, Uri};
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
    let fields = signed(&state, &uri, &headers, &body)?;
    let query: Pairs = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes())
        .into_owned()
        .collect();
    let Some(word) = get(&fields, "MessageStatus").and_then(MessageStatus::parse) else {
        return Ok(StatusCode::NO_CONTENT);
    };
    record(&state, &query, &fields, word).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A text to our number; the answer goes back as TwiML.
pub async fn sms(
    State(state): State<AppState>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, PageError> {
    let fields = signed(&state, &uri, &headers, &body)?;
    let (Some(provider_sid), Some(number)) = (get(&fields, "MessageSid"), get(&fields, "From"))
    else {
        return Err(PageError::NotFound);
    };
    let text = incidents::Inbound {
        provider_sid,
        number,
        body: get(&fields, "Body").unwrap_or_default(),
        base: state.config.base_url.as_str().trim_end_matches('/'),
    };
    let mut tx = state.pool.begin().await.map_err(store::Error::from)?;
    let reply = incidents::receive_text(&mut tx, &state.secrets, &text, state.now())
        .await
        .map_err(PageError::internal)?;
    tx.commit().await.map_err(store::Error::from)?;
    if reply.is_empty() {
        return Ok(twiml(""));
    }
    Ok(twiml(&format!("<Message>{}</Message>", escaped(&reply))))
}

/// A call to our number. Nobody answers calls yet; who calls hears that and what to do instead.
pub async fn voice(
    State(state): State<AppState>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, PageError> {
    signed(&state, &uri, &headers, &body)?;
    Ok(twiml(
        "<Say>This is Watchbell. Nobody answers calls to this number. Reply to the text message instead. Goodbye.</Say><Hangup/>",
    ))
}

/// The form of a call whose signature is valid.
fn signed(
    state: &AppState,
    uri: &Uri,
    headers: &HeaderMap,
    body: &Bytes,
) -> Result<Pairs, PageError> {
    let fields: Pairs = form_urlencoded::parse(body).into_owned().collect();
    let url = state.config.link(
        uri.path_and_query()
            .map_or(uri.path(), |both| both.as_str()),
    );
    let given = headers
        .get(SIGNATURE_HEADER)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let tokens = &state.config.twilio_auth_tokens;
    if tokens
        .iter()
        .any(|token| is_signed(token.expose_secret(), &url, &fields, given))
    {
        Ok(fields)
    } else {
        Err(PageError::Forbidden(
            "the signature of this callback is not valid",
        ))
    }
}

fn twiml(verbs: &str) -> Response {
    let body = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response>{verbs}</Response>");
    ([(CONTENT_TYPE, "text/xml; charset=utf-8")], body).into_response()
}

/// For the text of an XML element.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
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

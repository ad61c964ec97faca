//! Callbacks of the Twilio-compatible providers: what became of a message, texts and calls to our number.

use askama::Template;
use axum::body::Bytes;
use axum::extract::{OriginalUri, State};
use axum::response::{IntoResponse, Response};
use domain::alert::voice::call::Heard;
use domain::alert::voice::{INBOUND, SILENCE};
use domain::ids::{AccountId, DeliveryId};
use domain::telephony::{CallStatus, MessageStatus, SIGNATURE_HEADER, is_signed, voice_callback};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode, Uri};
use secrecy::ExposeSecret;
use url::form_urlencoded;
use uuid::Uuid;

use crate::error::PageError;
use crate::state::AppState;

type Pairs = Vec<(String, String)>;

/// Verbs of the provider's language: sentences, and a key if one is waited for.
#[derive(Template)]
#[template(path = "call/voice.xml")]
struct Twiml<'t> {
    say: &'t [String],
    /// Where a pressed key goes; none where nothing is asked.
    keys: Option<&'t str>,
    silence: &'static str,
}

/// What became of a message or call. Without a valid signature nothing is read, let alone changed.
pub async fn status(
    State(state): State<AppState>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, PageError> {
    let fields = signed(&state, &uri, &headers, &body)?;
    let query = query(&uri);
    if let Some(word) = get(&fields, "CallStatus").and_then(CallStatus::parse) {
        record_call(&state, &query, &fields, word).await?;
    } else if let Some(word) = get(&fields, "MessageStatus").and_then(MessageStatus::parse) {
        record(&state, &query, &fields, word).await?;
    }
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
    let (state, text) = (&state, &text);
    let reply = again(|| async move {
        let mut tx = store::begin(&state.pool).await?;
        let (secrets, now) = (&state.secrets, state.now());
        let reply = incidents::receive_text(&mut tx, secrets, text, now).await?;
        tx.commit().await?;
        Ok(reply)
    });
    let reply = reply.await?;
    if reply.is_empty() {
        return Ok(twiml(""));
    }
    Ok(twiml(&format!("<Message>{}</Message>", escaped(&reply))))
}

/// A call: one of ours asks what to say, and hands over the keys that are pressed. Who calls our number
/// hears that nobody answers there, and what to do instead.
pub async fn voice(
    State(state): State<AppState>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, PageError> {
    let fields = signed(&state, &uri, &headers, &body)?;
    let query = query(&uri);
    if get(&query, "delivery").is_none() {
        return spoken(&[INBOUND.to_owned()], None);
    }
    let (account, delivery) = named(&query)?;
    let turn = incidents::CallTurn {
        provider_id: get(&fields, "CallSid").ok_or(PageError::NotFound)?,
        heard: Heard::parse(get(&fields, "AnsweredBy"), get(&fields, "Digits")),
    };
    let (state, turn) = (&state, &turn);
    let said = again(|| async move {
        let mut tx = store::begin(&state.pool).await?;
        let whose = (account, delivery);
        let said = incidents::answer_call(&mut tx, whose, turn, state.now()).await?;
        tx.commit().await?;
        Ok(said)
    });
    let said = said.await?.ok_or(PageError::NotFound)?;
    let keys = voice_callback(state.config.base_url.as_str(), account, delivery);
    spoken(&said.say, said.asks.then_some(&keys))
}

/// Times that a transaction is tried which the database ends for another's sake: the provider would read
/// a fault to whoever just pressed a key, or not come back with what it has to report.
const ATTEMPTS: usize = 4;

async fn again<T, F>(work: impl Fn() -> F) -> Result<T, PageError>
where
    F: Future<Output = incidents::Result<T>>,
{
    for _ in 1..ATTEMPTS {
        match work().await {
            Err(error) if error.is_conflict() => {}
            done => return done.map_err(PageError::internal),
        }
    }
    work().await.map_err(PageError::internal)
}

fn spoken(say: &[String], keys: Option<&str>) -> Result<Response, PageError> {
    let twiml = Twiml {
        say,
        keys,
        silence: SILENCE,
    };
    let body = twiml.render().map_err(PageError::internal)?;
    Ok(([(CONTENT_TYPE, "text/xml; charset=utf-8")], body).into_response())
}

fn query(uri: &Uri) -> Pairs {
    form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes())
        .into_owned()
        .collect()
}

/// The delivery that a callback names.
fn named(query: &Pairs) -> Result<(AccountId, DeliveryId), PageError> {
    let account = get(query, "account").and_then(|id| id.parse::<AccountId>().ok());
    let delivery = get(query, "delivery").and_then(|id| id.parse::<DeliveryId>().ok());
    account.zip(delivery).ok_or(PageError::NotFound)
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
    if let Some(message) = about_the_account(query) {
        if status == MessageStatus::OnItsWay {
            return Ok(());
        }
        let reason = error_code.and_then(domain::telephony::error_words);
        let arrived = status == MessageStatus::Delivered;
        return receipt(state, message, arrived, reason).await;
    }
    let callback = incidents::Callback {
        provider_id: get(fields, "MessageSid").unwrap_or_default(),
        status,
        error_code,
        base: state.config.base_url.as_str().trim_end_matches('/'),
    };
    let (whose, callback) = (named(query)?, &callback);
    again(|| async move {
        let mut tx = store::begin(&state.pool).await?;
        let (secrets, now) = (&state.secrets, state.now());
        incidents::receipt(&mut tx, secrets, whose, callback, now).await?;
        Ok(tx.commit().await?)
    })
    .await
}

async fn record_call(
    state: &AppState,
    query: &Pairs,
    fields: &Pairs,
    status: CallStatus,
) -> Result<(), PageError> {
    if let Some(message) = about_the_account(query) {
        if status == CallStatus::OnItsWay {
            return Ok(());
        }
        let arrived = status == CallStatus::Completed;
        let reason = (!arrived).then_some("nobody answered the call");
        return receipt(state, message, arrived, reason).await;
    }
    let word = incidents::CallEnd {
        provider_id: get(fields, "CallSid").ok_or(PageError::NotFound)?,
        status,
        base: state.config.base_url.as_str().trim_end_matches('/'),
    };
    let (whose, word) = (named(query)?, &word);
    let known = again(|| async move {
        let mut tx = store::begin(&state.pool).await?;
        let (secrets, now) = (&state.secrets, state.now());
        let known = incidents::end_call(&mut tx, secrets, whose, word, now).await?;
        tx.commit().await?;
        Ok(known)
    });
    known.await?.then_some(()).ok_or(PageError::NotFound)
}

/// What became of a message about the account.
async fn receipt(
    state: &AppState,
    message: Uuid,
    arrived: bool,
    reason: Option<&'static str>,
) -> Result<(), PageError> {
    let mut tx = store::begin(&state.pool)
        .await
        .map_err(store::Error::from)?;
    store::account_messages::receipt(&mut tx, message, arrived, reason).await?;
    tx.commit().await.map_err(store::Error::from)?;
    Ok(())
}

/// The message about the account that a callback names.
fn about_the_account(query: &Pairs) -> Option<Uuid> {
    get(query, "message").and_then(|id| id.parse().ok())
}

fn get<'p>(pairs: &'p Pairs, name: &str) -> Option<&'p str> {
    pairs
        .iter()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.as_str())
}

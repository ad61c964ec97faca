//! Calls: what the provider takes, lists, and does when somebody answers. It asks for what is said,
//! presses keys and reports how a call ends, each signed.

use std::sync::Arc;

use domain::clock::{Clock, SystemClock};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::answer::{is_number, refusal};
use super::wire::{Answer, Recorded};
use super::{ACCOUNT_SID, AUTH_TOKEN, Pickup, State, post_signed};

/// Form fields of "create a call" in the provider's description.
const FIELDS: [&str; 24] = [
    "To",
    "From",
    "Method",
    "FallbackUrl",
    "FallbackMethod",
    "StatusCallback",
    "StatusCallbackEvent",
    "StatusCallbackMethod",
    "SendDigits",
    "Timeout",
    "Record",
    "MachineDetection",
    "MachineDetectionTimeout",
    "MachineDetectionSpeechThreshold",
    "MachineDetectionSpeechEndThreshold",
    "MachineDetectionSilenceTimeout",
    "AsyncAmd",
    "AsyncAmdStatusCallback",
    "AsyncAmdStatusCallbackMethod",
    "CallReason",
    "TimeLimit",
    "Url",
    "Twiml",
    "ApplicationSid",
];

/// A call that the provider took.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields of the provider's call")]
pub struct Call {
    pub sid: String,
    pub to: String,
    pub from: String,
    pub url: Option<String>,
    pub twiml: Option<String>,
    pub status_callback: Option<String>,
    pub events: Vec<String>,
    pub machine_detection: Option<String>,
    pub created_at: Timestamp,
    pub status: String,
    /// Everything that was said, in order.
    pub heard: Vec<String>,
}

pub(super) fn create(state: &Arc<State>, request: &Recorded) -> Answer {
    let field = |name: &str| {
        let found = request.fields.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.clone())
    };
    if let Some((unknown, _)) = request
        .fields
        .iter()
        .find(|(name, _)| !FIELDS.contains(&name.as_str()))
    {
        return refusal(400, 20001, &format!("Unknown parameter {unknown}"));
    }
    let Some(to) = field("To") else {
        return refusal(400, 21201, "No 'To' number specified");
    };
    if !is_number(&to) {
        return refusal(400, 21211, "Invalid 'To' Phone Number");
    }
    let Some(from) = field("From").filter(|from| is_number(from)) else {
        return refusal(400, 21212, "Invalid 'From' Number");
    };
    let (url, twiml) = (field("Url"), field("Twiml"));
    if url.is_none() && twiml.is_none() {
        return refusal(400, 21205, "Url parameter is required");
    }
    let callback = field("StatusCallback");
    let urls = [url.as_deref(), callback.as_deref()];
    if urls
        .into_iter()
        .flatten()
        .any(|url| url::Url::parse(url).is_err())
    {
        return refusal(400, 21205, "Url is not a valid URL");
    }
    if twiml
        .as_deref()
        .is_some_and(|text| text.chars().count() > 4_000)
    {
        return refusal(400, 21218, "Twiml is longer than 4000 characters");
    }
    let events = request.fields.iter();
    let events = events.filter(|(name, _)| name == "StatusCallbackEvent");
    let call = Call {
        sid: super::next_id(state, "CA"),
        to,
        from,
        url,
        twiml,
        status_callback: callback,
        events: events.map(|(_, value)| value.clone()).collect(),
        machine_detection: field("MachineDetection"),
        created_at: SystemClock.now(),
        status: "queued".to_owned(),
        heard: Vec::new(),
    };
    let count = {
        let mut ledger = state.ledger();
        ledger.calls.push(call.clone());
        ledger.calls.len()
    };
    state.calls.send_replace(count);
    let (pickup, shared, sid) = (state.pickup(), Arc::clone(state), call.sid.clone());
    tokio::spawn(async move {
        report(&shared, &sid, "initiated", AUTH_TOKEN).await;
        if let Some(pickup) = pickup {
            ring(&shared, &sid, &pickup).await;
        }
    });
    (201, Vec::new(), shown(&call).to_string())
}

/// The call rings, and this becomes of it.
pub(super) async fn ring(state: &State, sid: &str, pickup: &Pickup) {
    let end = match pickup {
        Pickup::Person(keys) => {
            talk(state, sid, "human", keys).await;
            "completed"
        }
        Pickup::Machine => {
            talk(state, sid, "machine_end_beep", "").await;
            "completed"
        }
        Pickup::NoAnswer => "no-answer",
        Pickup::Busy => "busy",
        Pickup::Failed => "failed",
    };
    report(state, sid, end, AUTH_TOKEN).await;
}

async fn talk(state: &State, sid: &str, answered_by: &str, keys: &str) {
    let Some(call) = state.call(sid) else { return };
    let mut keys = keys.chars();
    let mut said = match (&call.url, call.twiml) {
        (Some(_), _) => ask(state, sid, Some(answered_by), None).await,
        (None, twiml) => twiml,
    };
    while let Some(twiml) = said {
        let key = keys.next().filter(|_| twiml.contains("<Gather "));
        state.hear(sid, &sentences(&twiml, key.is_some()));
        said = match key {
            Some(key) => ask(state, sid, Some(answered_by), Some(key)).await,
            None => None,
        };
    }
}

/// Asks what is said to a key, or at the beginning; none where the answer is no.
async fn ask(
    state: &State,
    sid: &str,
    answered_by: Option<&str>,
    key: Option<char>,
) -> Option<String> {
    let (status, body) = post(state, sid, (answered_by, key), AUTH_TOKEN).await?;
    (status == 200).then_some(body)
}

/// Posts a turn of a call to the address that says what follows, signed with `secret`.
pub(super) async fn post(
    state: &State,
    sid: &str,
    (answered_by, key): (Option<&str>, Option<char>),
    secret: &str,
) -> Option<(u16, String)> {
    let call = state.call(sid)?;
    let mut fields = vec![
        ("AccountSid", ACCOUNT_SID.to_owned()),
        ("ApiVersion", "2010-04-01".to_owned()),
        ("CallSid", call.sid.clone()),
        ("CallStatus", "in-progress".to_owned()),
        ("Direction", "outbound-api".to_owned()),
        ("From", call.from.clone()),
        ("To", call.to.clone()),
    ];
    fields.extend(answered_by.map(|who| ("AnsweredBy", who.to_owned())));
    fields.extend(key.map(|key| ("Digits", key.to_string())));
    post_signed(call.url.as_deref()?, &fields, secret).await
}

/// Reports `status` of a call, if that was asked for; the answer's status.
pub(super) async fn report(state: &State, sid: &str, status: &str, secret: &str) -> Option<u16> {
    let call = {
        let mut ledger = state.ledger();
        let call = ledger.calls.iter_mut().find(|call| call.sid == sid)?;
        status.clone_into(&mut call.status);
        call.clone()
    };
    let is_end = !matches!(status, "initiated" | "ringing" | "answered");
    let event = if is_end { "completed" } else { status };
    if !call.events.is_empty() && !call.events.iter().any(|asked| asked == event) {
        return None;
    }
    let fields = [
        ("AccountSid", ACCOUNT_SID.to_owned()),
        ("ApiVersion", "2010-04-01".to_owned()),
        ("CallSid", call.sid.clone()),
        ("CallStatus", status.to_owned()),
        ("Direction", "outbound-api".to_owned()),
        ("From", call.from.clone()),
        ("To", call.to.clone()),
    ];
    let answered = post_signed(call.status_callback.as_deref()?, &fields, secret).await;
    let answered = answered.map(|(status, _)| status);
    let callback = (call.sid, status.to_owned(), answered);
    state.ledger().callbacks.push(callback);
    answered
}

pub(super) fn list(state: &State, request: &Recorded) -> Answer {
    let wanted = |name: &str| {
        let found = request.query.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.clone())
    };
    let mut calls = state.ledger().calls.clone();
    calls.retain(|call| {
        wanted("To").is_none_or(|to| to == call.to)
            && wanted("From").is_none_or(|from| from == call.from)
            && wanted("Status").is_none_or(|status| status == call.status)
    });
    calls.reverse();
    calls.truncate(50);
    let shown: Vec<Value> = calls.iter().map(shown).collect();
    let body = json!({ "calls": shown, "page": 0, "page_size": 50, "start": 0, "end": calls.len(), "next_page_uri": null, "uri": request.path });
    (200, Vec::new(), body.to_string())
}

pub(super) fn one(state: &State, name: &str) -> Answer {
    let sid = name.strip_suffix(".json").unwrap_or(name);
    match state.call(sid) {
        Some(call) => (200, Vec::new(), shown(&call).to_string()),
        None => refusal(404, 20404, "The requested resource was not found"),
    }
}

fn shown(call: &Call) -> Value {
    let at =
        jiff::fmt::rfc2822::to_string(&call.created_at.to_zoned(TimeZone::UTC)).unwrap_or_default();
    json!({
        "account_sid": ACCOUNT_SID,
        "answered_by": null,
        "api_version": "2010-04-01",
        "date_created": at,
        "date_updated": at,
        "direction": "outbound-api",
        "duration": null,
        "end_time": null,
        "from": call.from,
        "parent_call_sid": null,
        "price": null,
        "price_unit": "USD",
        "sid": call.sid,
        "start_time": null,
        "status": call.status,
        "to": call.to,
        "uri": format!("/2010-04-01/Accounts/{ACCOUNT_SID}/Calls/{}.json", call.sid),
    })
}

/// What is said, in order; whoever presses a key hears nothing after the first wait for one.
fn sentences(twiml: &str, presses: bool) -> Vec<String> {
    let heard = match twiml.split_once("</Gather>") {
        Some((first, _)) if presses => first,
        _ => twiml,
    };
    heard
        .split("<Say>")
        .skip(1)
        .filter_map(|rest| Some(plain(rest.split_once("</Say>")?.0)))
        .collect()
}

fn plain(text: &str) -> String {
    let escapes = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#60;", "<"),
        ("&#62;", ">"),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&#38;", "&"),
        ("&amp;", "&"),
    ];
    escapes
        .into_iter()
        .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

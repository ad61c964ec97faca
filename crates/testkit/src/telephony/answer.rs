//! What the provider says when it behaves: the parts of its description that we use.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::wire::{Answer, Recorded};
use super::{ACCOUNT_SID, Sms, State, calls, take};

/// Form fields of "create a message" in the provider's description.
const FIELDS: [&str; 25] = [
    "To",
    "StatusCallback",
    "ApplicationSid",
    "MaxPrice",
    "ProvideFeedback",
    "Attempt",
    "ValidityPeriod",
    "ForceDelivery",
    "ContentRetention",
    "AddressRetention",
    "SmartEncoded",
    "PersistentAction",
    "TrafficType",
    "ShortenUrls",
    "ScheduleType",
    "SendAt",
    "SendAsMms",
    "ContentVariables",
    "RiskCheck",
    "From",
    "FallbackFrom",
    "MessagingServiceSid",
    "Body",
    "MediaUrl",
    "ContentSid",
];

pub(super) fn refusal(status: u16, code: u32, message: &str) -> Answer {
    let body = json!({ "code": code, "message": message, "more_info": format!("https://www.twilio.com/docs/errors/{code}"), "status": status });
    (status, Vec::new(), body.to_string())
}

pub(super) fn to(state: &Arc<State>, request: &Recorded) -> Answer {
    if !request.signed_in {
        return refusal(401, 20003, "Authenticate");
    }
    let messages = format!("/2010-04-01/Accounts/{ACCOUNT_SID}/Messages");
    let calls = format!("/2010-04-01/Accounts/{ACCOUNT_SID}/Calls");
    let account = format!("/2010-04-01/Accounts/{ACCOUNT_SID}.json");
    match (request.method.as_str(), request.path.as_str()) {
        ("POST", path) if path == format!("{messages}.json") => create(state, request),
        ("GET", path) if path == format!("{messages}.json") => list(state, request),
        ("GET", path) if path == account => (
            200,
            Vec::new(),
            json!({ "sid": ACCOUNT_SID, "status": "active", "type": "Full" }).to_string(),
        ),
        ("POST", path) if path == format!("{calls}.json") => calls::create(state, request),
        ("GET", path) if path == format!("{calls}.json") => calls::list(state, request),
        ("GET", path) if path.starts_with(&format!("{calls}/")) => {
            calls::one(state, path.trim_start_matches(&format!("{calls}/")))
        }
        ("GET", path) => one(
            state,
            path.strip_prefix(&format!("{messages}/"))
                .unwrap_or_default(),
        ),
        _ => refusal(405, 20004, "Method not allowed"),
    }
}

fn create(state: &Arc<State>, request: &Recorded) -> Answer {
    let field = |name: &str| {
        request
            .fields
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    };
    if let Some((unknown, _)) = request
        .fields
        .iter()
        .find(|(name, _)| !FIELDS.contains(&name.as_str()))
    {
        return refusal(400, 20001, &format!("Unknown parameter {unknown}"));
    }
    let Some(to) = field("To") else {
        return refusal(400, 21604, "A 'To' phone number is required");
    };
    if !is_number(to) {
        return refusal(400, 21211, "Invalid 'To' Phone Number");
    }
    let Some(from) = field("From").or_else(|| field("MessagingServiceSid")) else {
        return refusal(400, 21603, "A 'From' phone number is required");
    };
    let body = field("Body").unwrap_or_default();
    if body.is_empty() {
        return refusal(400, 21602, "Message body is required");
    }
    if body.chars().count() > 1_600 {
        return refusal(
            400,
            21617,
            "The concatenated message body exceeds the 1600 character limit",
        );
    }
    let callback = field("StatusCallback");
    if callback.is_some_and(|url| url::Url::parse(url).is_err()) {
        return refusal(400, 21609, "Invalid 'StatusCallback' URL");
    }
    let message = Sms {
        sid: String::new(),
        to: to.to_owned(),
        from: from.to_owned(),
        body: body.to_owned(),
        status_callback: callback.map(str::to_owned),
        created_at: Timestamp::UNIX_EPOCH,
        status: "queued".to_owned(),
    };
    (201, Vec::new(), shown(&take(state, message)).to_string())
}

pub(super) fn is_number(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        (8..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())
    })
}

fn list(state: &State, request: &Recorded) -> Answer {
    let wanted = |name: &str| {
        request
            .query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.clone())
    };
    let day = |message: &Sms| {
        message
            .created_at
            .to_zoned(TimeZone::UTC)
            .strftime("%Y-%m-%d")
            .to_string()
    };
    let mut messages: Vec<Sms> = state.ledger().messages.clone();
    messages.retain(|message| {
        wanted("To").is_none_or(|to| to == message.to)
            && wanted("From").is_none_or(|from| from == message.from)
            && wanted("DateSent").is_none_or(|date| date == day(message))
            && wanted("DateSent>").is_none_or(|date| day(message) >= date)
            && wanted("DateSent<").is_none_or(|date| day(message) <= date)
    });
    messages.reverse();
    messages.truncate(
        wanted("PageSize")
            .and_then(|size| size.parse().ok())
            .unwrap_or(50),
    );
    let shown: Vec<Value> = messages.iter().map(shown).collect();
    let body = json!({ "messages": shown, "page": 0, "page_size": 50, "start": 0, "end": messages.len(), "next_page_uri": null, "uri": request.path });
    (200, Vec::new(), body.to_string())
}

fn one(state: &State, name: &str) -> Answer {
    let sid = name.strip_suffix(".json").unwrap_or(name);
    let found = state
        .ledger()
        .messages
        .iter()
        .find(|message| message.sid == sid)
        .map(shown);
    match found {
        Some(message) => (200, Vec::new(), message.to_string()),
        None => refusal(404, 20404, "The requested resource was not found"),
    }
}

fn shown(message: &Sms) -> Value {
    let at = jiff::fmt::rfc2822::to_string(&message.created_at.to_zoned(TimeZone::UTC))
        .unwrap_or_default();
    let uri = format!(
        "/2010-04-01/Accounts/{ACCOUNT_SID}/Messages/{}.json",
        message.sid
    );
    json!({
        "account_sid": ACCOUNT_SID,
        "api_version": "2010-04-01",
        "body": message.body,
        "date_created": at,
        "date_sent": at,
        "date_updated": at,
        "direction": "outbound-api",
        "error_code": null,
        "error_message": null,
        "from": message.from,
        "messaging_service_sid": null,
        "num_media": "0",
        "num_segments": "1",
        "price": null,
        "price_unit": "USD",
        "sid": message.sid,
        "status": message.status,
        "subresource_uris": { "media": uri.replace(".json", "/Media.json") },
        "to": message.to,
        "uri": uri,
    })
}

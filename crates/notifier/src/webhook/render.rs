//! The body of a webhook. Its objects have the names of the REST API's lists, and no secret of a
//! monitor: headers, bodies and logins are not in it.

use domain::check::{Attribution, Check};
use domain::incident::{ActorKind, Incident, ResolvedReason};
use domain::monitor::Monitor;
use domain::target::without_userinfo;
use domain::words;
use serde_json::{Map, Value, json};
use store::deliveries::claim::Claimed;

use crate::brief::Brief;

/// `{type, timestamp, data}`.
pub(super) fn body(claimed: &Claimed, brief: &Brief<'_>, text: &str) -> Value {
    let base = &brief.links.base;
    let monitor = brief.context.monitor.as_ref();
    let facts = brief.context.incident.as_ref();
    let mut body = json!({
        "type": claimed.event.as_str(),
        "timestamp": claimed.created_at.to_string(),
        "data": {
            "text": text,
            "incident": facts.map(|facts| incident(&facts.incident, brief)),
            "monitor": monitor.map(|monitor| self::monitor(monitor, base)),
            "check": brief.context.last_check.as_ref().map(check),
        }
    });
    if let Some(step) = brief.escalated() {
        body["data"]["escalation"] = json!(step);
    }
    if let Some((status, origin)) = brief.status().ok().and_then(|status| {
        let origin = status.origin.clone()?;
        Some((status, origin))
    }) {
        body["data"]["origin"] = json!({
            "origin": origin,
            "failing_since": status.since.to_string(),
            "failure": status.failure.map(|failure| json!({
                "class": failure.class.as_str(),
                "phase": failure.phase.as_str(),
                "message": failure.message,
            })),
        });
    }
    body
}

fn incident(incident: &Incident, brief: &Brief<'_>) -> Value {
    let said = incident
        .diagnosis
        .as_ref()
        .map(|diagnosis| diagnosis.sentence.clone());
    let cause = || words::cause_sentence_case(&incident.failure, incident.attribution);
    let by = incident.acknowledged_by.as_ref().map(|actor| {
        let kind = match actor.kind {
            ActorKind::User => "user",
            ActorKind::Contact => "contact",
            ActorKind::ApiKey => "api_key",
            ActorKind::System => "system",
        };
        json!({ "kind": kind, "name": actor.name })
    });
    json!({
        "id": incident.id.to_string(),
        "html_url": format!("{}/incidents/{}", brief.links.base, incident.id),
        "monitor_id": incident.monitor_id.to_string(),
        "monitor_name": brief.monitor_name(),
        "status": if incident.is_open() { "open" } else { "resolved" },
        "severity": incident.severity.as_str(),
        "first_failure_at": incident.first_failure_at.to_string(),
        "confirmed_at": incident.confirmed_at.to_string(),
        "acknowledged_at": incident.acknowledged_at.map(|at| at.to_string()),
        "acknowledged_by": by,
        "resolved_at": incident.resolved_at.map(|at| at.to_string()),
        "resolved_reason": incident.resolved_reason.map(ResolvedReason::as_str),
        "duration_seconds": incident.duration(brief.now).as_secs().max(0),
        "failure": {
            "class": incident.failure.class.as_str(),
            "phase": incident.failure.phase.as_str(),
            "message": incident.failure.message,
        },
        "sentence": said.unwrap_or_else(|| format!("{}.", cause())),
        "attribution": incident.attribution.map(Attribution::as_str),
        "diagnosis": diagnosis(incident),
        "vote": { "down": incident.vote.down, "of": incident.vote.of },
        "suppressed": suppressed(brief),
        "group_id": null,
        "test": incident.test,
    })
}

/// What is down behind it by now.
fn suppressed(brief: &Brief<'_>) -> Vec<Value> {
    let (list, _) = &brief.context.suppressed;
    list.iter()
        .map(|one| {
            json!({ "monitor_id": one.monitor_id.to_string(), "name": one.name, "since": one.since.to_string() })
        })
        .collect()
}

fn diagnosis(incident: &Incident) -> Value {
    let Some(diagnosis) = &incident.diagnosis else {
        return Value::Null;
    };
    let evidence = diagnosis.evidence.iter();
    let steps = diagnosis.next_steps.iter();
    json!({
        "cause": diagnosis.cause,
        "confidence": diagnosis.confidence.as_str(),
        "attribution": diagnosis.attribution.map(Attribution::as_str),
        "sentence": diagnosis.sentence,
        "technical": diagnosis.technical,
        "evidence": evidence.map(|one| json!({ "label": one.label, "value": one.value })).collect::<Vec<_>>(),
        "next_steps": steps.map(|one| json!({ "text": one.text, "command": one.command })).collect::<Vec<_>>(),
        "rule": diagnosis.rule,
    })
}

/// What names a monitor, its address without name and password.
fn monitor(monitor: &Monitor, base: &str) -> Value {
    let settings = monitor.settings();
    let mut fields = Map::new();
    let mut set = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    set("id", json!(monitor.id.to_string()));
    set("html_url", json!(format!("{base}/monitors/{}", monitor.id)));
    set("name", json!(settings.name));
    set("kind", json!(settings.target.kind().as_str()));
    if let Some(url) = settings.target.url() {
        set("url", json!(without_userinfo(url)));
    }
    set("tags", json!(settings.tags));
    set("key", json!(monitor.spec.key));
    set("paused", json!(monitor.paused_at.is_some()));
    set("created_at", json!(monitor.created_at.to_string()));
    set("updated_at", json!(monitor.updated_at.to_string()));
    Value::Object(fields)
}

/// The last look, as lists show it.
fn check(check: &Check) -> Value {
    json!({
        "id": check.id.to_string(),
        "at": check.at.to_string(),
        "verdict": check.verdict.as_str(),
        "total_ms": check.total_us as f64 / 1_000.0,
        "http_status": check.http_status,
        "failure": check.failure.as_ref().map(|failure| json!({ "class": failure.class.as_str() })),
    })
}

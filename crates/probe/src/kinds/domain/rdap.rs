//! RDAP: JSON over https. The exchange is that of an `http` look, with its bounds, its redirects and
//! the address policy at each hop.

use ::domain::check::FailureClass;
use ::domain::monitor::{HttpTarget, MonitorSpec, Target};
use jiff::Timestamp;
use serde_json::Value;

use super::{Answer, bootstrap, candidates, silent};
use crate::kinds::http;
use crate::look::{Look, Step};

/// What the registry of `name` says, and which server said so; `None` where no RDAP server knows the
/// top-level domain, or it does not answer, so that WHOIS is asked.
pub(super) async fn ask(look: &mut Look<'_>, name: &str) -> Step<Option<(Answer, String)>> {
    refresh(look).await;
    let tld = name.rsplit('.').next().unwrap_or_default();
    let Some(server) = look.prober.bootstrap().server(tld) else {
        return Ok(None);
    };
    let mut unknown = None;
    for candidate in candidates(name) {
        let url = format!("{}/domain/{candidate}", server.trim_end_matches('/'));
        let Some(source) = fetch(look, &url).await else {
            return Ok(None);
        };
        let page = look.seen.http.as_ref();
        match page.map(|page| page.status) {
            Some(200) => {
                let body = page.map(|page| page.body.as_slice()).unwrap_or_default();
                return match read(body) {
                    Some(answer) => Ok(Some((answer, source))),
                    None => Err(silent(look, format!("{source} answers with no RDAP"))),
                };
            }
            Some(404) => unknown = unknown.or(Some((Answer::Unknown, source))),
            _ => return Ok(None),
        }
    }
    Ok(unknown)
}

/// Fetches IANA's list when that is due. It may fail: there is a copy.
async fn refresh(look: &mut Look<'_>) {
    if !look.prober.bootstrap().is_due() {
        return;
    }
    // A quarter of the look's time: the registry itself has to be asked yet.
    let patience = look.timeout / 4;
    let fetched = tokio::time::timeout(patience, fetch(look, bootstrap::SOURCE)).await;
    if let (Ok(Some(_)), Some(page)) = (fetched, &look.seen.http)
        && page.status == 200
    {
        look.prober.bootstrap().replace(&page.body);
    }
    look.begin_hop();
}

/// GETs `url` into `look.seen.http`; who answered, or nothing where nobody did.
async fn fetch(look: &mut Look<'_>, url: &str) -> Option<String> {
    let target = target(url)?;
    look.begin_hop();
    look.seen.http = None;
    look.seen.redirects.clear();
    let outcome = http::round(look, &target, http::ALL).await;
    look.seen.our_fault = false;
    match outcome {
        Err(failure) if failure.class != FailureClass::BodyTooLarge => None,
        _ => ::domain::target::TargetUrl::parse(url, look.prober.egress().policy())
            .ok()
            .map(|url| url.host().to_string()),
    }
}

fn target(url: &str) -> Option<HttpTarget> {
    let spec = serde_json::json!({
        "url": url,
        "http": { "headers": { "Accept": "application/rdap+json, application/json" } },
    });
    let spec: MonitorSpec = serde_json::from_value(spec).ok()?;
    match Target::of(&spec) {
        Target::Http(target) => Some(target),
        _ => None,
    }
}

/// The event `expiration` of a domain object (RFC 9083, 4.5).
fn read(body: &[u8]) -> Option<Answer> {
    let object: Value = serde_json::from_slice(body).ok()?;
    let is_domain = object.get("objectClassName").and_then(Value::as_str) == Some("domain");
    let events = object.get("events").and_then(Value::as_array);
    if !is_domain && events.is_none() {
        return None;
    }
    let end = events.into_iter().flatten().find_map(|event| {
        let action = event.get("eventAction")?.as_str()?;
        let date = event.get("eventDate")?.as_str()?;
        (action == "expiration").then(|| moment(date)).flatten()
    });
    Some(Answer::Until(end))
}

/// A time as registries write it: RFC 3339, sometimes without an offset, sometimes a bare day.
pub(super) fn moment(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let day = || {
        let day = text.get(..10)?;
        format!("{day}T00:00:00Z").parse().ok()
    };
    text.parse()
        .ok()
        .or_else(|| format!("{}Z", text.replacen(' ', "T", 1)).parse().ok())
        .or_else(day)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(r#"{"objectClassName":"domain","events":[{"eventAction":"registration","eventDate":"2001-01-01T00:00:00Z"},
        {"eventAction":"expiration","eventDate":"2027-08-13T04:00:00Z"}]}"#, Some(Answer::Until("2027-08-13T04:00:00Z".parse().ok())))]
    #[case(
        r#"{"objectClassName":"domain","events":[]}"#,
        Some(Answer::Until(None))
    )]
    #[case(r#"{"objectClassName":"domain"}"#, Some(Answer::Until(None)))]
    #[case(r#"{"errorCode":429}"#, None)]
    #[case("<html>", None)]
    fn objects(#[case] body: &str, #[case] wanted: Option<Answer>) {
        assert_eq!(read(body.as_bytes()), wanted);
    }

    #[rstest]
    #[case("2027-08-13T04:00:00Z", Some("2027-08-13T04:00:00Z"))]
    #[case("2027-08-13T04:00:00+02:00", Some("2027-08-13T02:00:00Z"))]
    #[case("2027-08-13 04:00:00", Some("2027-08-13T04:00:00Z"))]
    #[case("2027-08-13", Some("2027-08-13T00:00:00Z"))]
    #[case("soon", None)]
    #[case("ééééééééé", None)]
    fn moments(#[case] text: &str, #[case] wanted: Option<&str>) {
        assert_eq!(moment(text), wanted.and_then(|text| text.parse().ok()));
    }
}

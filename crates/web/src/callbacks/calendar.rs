//! What calendars ask: `/oncall/{token}.ics`, an on-call schedule as RFC 5545. The token is one person's
//! for one schedule; it ends when it is renewed or the person is no member any more.

use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use domain::contact::Contact;
use domain::ids::{ScheduleId, UserId};
use domain::oncall::{Participant, Rota, Schedule, Shift};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use icalendar::{Calendar, Component, Event};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use store::token_lookups::{self, Kind};

use crate::api::rate::{ANONYMOUS_PER_MINUTE, Counted};
use crate::error::{PageError, PageResult};
use crate::extract::ClientIp;
use crate::people::People;
use crate::routes::{Access, Routes};
use crate::state::AppState;
use crate::usecases::schedules::calendar_lookup;

/// How far back it reaches: a month.
const BACK: SignedDuration = SignedDuration::from_hours(24 * 31);
/// How far ahead: three months.
const AHEAD: SignedDuration = SignedDuration::from_hours(24 * 92);

/// The routes.
pub fn routes() -> Routes {
    Routes::new().get("/oncall/{file}", Access::Token, show)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    only: String,
}

async fn show(
    State(state): State<AppState>,
    Path(file): Path<String>,
    Query(asked): Query<Asked>,
    ip: ClientIp,
    headers: HeaderMap,
) -> PageResult {
    let token = file.strip_suffix(".ics").unwrap_or(&file);
    let mut connection = state.pool.acquire().await.map_err(store::Error::from)?;
    let kept = calendar_lookup(token);
    let found = token_lookups::find(&mut connection, Kind::Calendar, &kept).await?;
    let Some((found, person)) = found.and_then(|found| Some((found, found.other_id?))) else {
        return Err(unknown(&state, ip));
    };
    let (account, person) = (found.account_id, UserId::from_uuid(person));
    let known = store::memberships::list_known(&mut connection, account, &[person]).await?;
    drop(connection);
    if known.is_empty() {
        return Err(unknown(&state, ip));
    }
    let id = ScheduleId::from_uuid(found.row_id);
    let now = state.now();
    let mut transaction = store::tenant::begin(&state.read_pool, account).await?;
    let schedule = store::oncall::find(&mut transaction, account, id)
        .await?
        .ok_or(PageError::NotFound)?;
    let since = now - BACK;
    let overrides = store::oncall::list_overrides(&mut transaction, account, id, since).await?;
    let contacts = store::contacts::list(&mut transaction, account).await?;
    drop(transaction);
    let people = People::read(&state, account).await?;
    let rota = Rota::new(&schedule, &overrides);
    // Turns that began before are whole, so that an event keeps its begin from one day to the next.
    let mut turns = rota.turns(since - rota.longest_turn(), now + AHEAD);
    turns.retain(|turn| turn.to > since);
    if asked.only == "mine" {
        turns.retain(|turn| is_of(turn.who, person, &contacts));
    }
    let host = state.config.base_url.host_str().unwrap_or("localhost");
    let body = render(&schedule, &turns, &people, host);
    Ok(answer(body, &headers))
}

/// A turn is a person's own too where it is a contact of theirs that has it.
fn is_of(who: Participant, person: UserId, contacts: &[Contact]) -> bool {
    match who {
        Participant::Member(id) => id == person,
        Participant::Contact(id) => contacts
            .iter()
            .any(|one| one.id == id && one.member_id == Some(person)),
    }
}

/// A token that nobody has: guessing is slowed down.
fn unknown(state: &AppState, ip: ClientIp) -> PageError {
    let counted = Counted::Network(ip.network());
    let allowance = state
        .api_limits
        .take(counted, ANONYMOUS_PER_MINUTE, state.now());
    allowance
        .retry_after
        .map_or(PageError::NotFound, |retry_after| {
            PageError::TooManyRequests { retry_after }
        })
}

/// The calendar, or that nothing has changed.
fn answer(body: String, headers: &HeaderMap) -> Response {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, body.as_bytes());
    let tag = format!("\"{}\"", hex::encode(&digest.as_ref()[..8]));
    let known = headers
        .get(header::IF_NONE_MATCH)
        .and_then(|sent| sent.to_str().ok())
        .is_some_and(|sent| {
            let mut tags = sent.split(',').map(str::trim);
            tags.any(|one| one == "*" || one.trim_start_matches("W/") == tag)
        });
    let mut response = if known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        body.into_response()
    };
    let headers = response.headers_mut();
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    for (name, value) in [
        (header::CONTENT_TYPE, "text/calendar; charset=utf-8"),
        (header::CACHE_CONTROL, "private, max-age=300"),
        (
            header::CONTENT_DISPOSITION,
            "inline; filename=\"on-call.ics\"",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// The turns as events. An event is known by its begin: no two of a schedule begin together.
fn render(schedule: &Schedule, turns: &[Shift], people: &People, host: &str) -> String {
    let mut calendar = Calendar::empty();
    calendar
        .append_property(("VERSION", "2.0"))
        .append_property(("PRODID", "-//Watchbell//On call//EN"))
        .append_property(("CALSCALE", "GREGORIAN"))
        .name(&format!("On call: {}", schedule.name))
        .append_property(("X-PUBLISHED-TTL", "PT1H"));
    for turn in turns {
        let who = people.name(turn.who);
        let mut event = Event::new();
        event
            .uid(&format!("{}-{}@{host}", schedule.id, turn.from.as_second()))
            .summary(&format!("{who} on call: {}", schedule.name))
            .add_property("DTSTAMP", utc(schedule.updated_at))
            .add_property("DTSTART", utc(turn.from))
            .add_property("DTEND", utc(turn.to))
            // Being on call does not keep anybody from being invited to a meeting.
            .add_property("TRANSP", "TRANSPARENT");
        if turn.is_override() {
            event.description(&format!("{who} stands in."));
        }
        calendar.push(event.done());
    }
    calendar.to_string()
}

/// `20261123T080000Z`.
fn utc(at: Timestamp) -> String {
    at.strftime("%Y%m%dT%H%M%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use domain::oncall::{Layer, Override, ShiftUnit};
    use icalendar::{CalendarComponent, DatePerhapsTime};
    use store::memberships::Member;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn feed() -> (String, Vec<Shift>) {
        let id = |number| UserId::from_uuid(uuid::Uuid::from_u128(number));
        let person = |number, name: &str| Member {
            id: id(number),
            name: name.into(),
            email: format!("{number}@shop.example"),
        };
        let people = People {
            members: vec![person(1, "Kim"), person(2, "Ana, of the night; \\o/")],
            contacts: Vec::new(),
        };
        let schedule = Schedule {
            members: None,
            id: ScheduleId::from_uuid(uuid::Uuid::from_u128(7)),
            name: "Night and everything else that happens when nobody else is awake".into(),
            timezone: "Europe/Berlin".into(),
            layers: vec![Layer {
                participants: vec![Participant::Member(id(1)), Participant::Member(id(2))],
                shift_unit: ShiftUnit::Day,
                shift_count: 1,
                local_start: "2026-10-23T09:00".parse().unwrap(),
                times: None,
            }],
            created_at: at("2026-10-01T00:00:00Z"),
            updated_at: at("2026-10-02T00:00:00Z"),
            version: 1,
        };
        let overrides = [Override {
            id: domain::ids::OverrideId::from_uuid(uuid::Uuid::from_u128(9)),
            participant: Participant::Member(id(2)),
            starts_at: at("2026-10-25T10:00:00Z"),
            ends_at: at("2026-10-25T12:00:00Z"),
            created_at: at("2026-10-02T00:00:00Z"),
        }];
        let rota = Rota::new(&schedule, &overrides);
        let turns = rota.turns(at("2026-10-23T07:00:00Z"), at("2026-10-27T08:00:00Z"));
        (
            render(&schedule, &turns, &people, "watchbell.example"),
            turns,
        )
    }

    #[test]
    fn a_feed_as_calendars_get_it() {
        insta::assert_snapshot!(feed().0.replace("\r\n", "\n"));
    }

    #[test]
    fn it_is_read_back_as_it_was_meant() {
        let (text, turns) = feed();
        assert!(text.lines().all(|line| line.len() <= 75), "{text}");
        assert_eq!(text.matches('\n').count(), text.matches("\r\n").count());
        let read: Calendar = text.parse().unwrap();
        let events: Vec<&Event> = read
            .components
            .iter()
            .filter_map(|one| match one {
                CalendarComponent::Event(event) => Some(event),
                _ => None,
            })
            .collect();
        assert_eq!(events.len(), turns.len());
        let mut ids = std::collections::HashSet::new();
        for (event, turn) in events.iter().zip(&turns) {
            assert!(ids.insert(event.get_uid().unwrap()));
            let of = |when: Option<DatePerhapsTime>| match when {
                Some(DatePerhapsTime::DateTime(icalendar::CalendarDateTime::Utc(at))) => {
                    at.timestamp()
                }
                other => panic!("{other:?}"),
            };
            assert_eq!(of(event.get_start()), turn.from.as_second());
            assert_eq!(of(event.get_end()), turn.to.as_second());
        }
    }
}

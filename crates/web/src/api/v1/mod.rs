//! `/api/v1`.
//!
//! To add an operation: a handler with its `#[utoipa::path]` in the file of its resource and its name in
//! [`described`]; the OpenAPI description, the table of routes and `/docs/api` follow from it.

pub mod account_check;
pub mod api_keys;
pub mod checks;
pub mod contacts;
pub mod events;
pub mod incidents;
pub mod maintenance;
pub mod me;
pub mod meta;
pub mod monitors;
pub mod policies;
pub mod schedules;

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

/// Every operation with its description.
pub fn described() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(me::get, me::update))
        .routes(routes!(monitors::list, monitors::create))
        .routes(routes!(monitors::bulk::bulk))
        .routes(routes!(
            monitors::keyed::get,
            monitors::keyed::put,
            monitors::keyed::delete
        ))
        .routes(routes!(monitors::get, monitors::update, monitors::delete))
        .routes(routes!(monitors::actions::restore))
        .routes(routes!(monitors::actions::pause))
        .routes(routes!(monitors::actions::resume))
        .routes(routes!(monitors::actions::check))
        .routes(routes!(monitors::origin::verify))
        .routes(routes!(monitors::reports::checks))
        .routes(routes!(monitors::heartbeat::pings))
        .routes(routes!(monitors::reports::uptime))
        .routes(routes!(monitors::reports::response_times))
        .routes(routes!(checks::create))
        .routes(routes!(incidents::list))
        .routes(routes!(incidents::get))
        .routes(routes!(incidents::briefing))
        .routes(routes!(incidents::diagnosis_feedback))
        .routes(routes!(incidents::deliveries))
        .routes(routes!(incidents::acknowledge))
        .routes(routes!(incidents::resolve))
        .routes(routes!(incidents::drill))
        .routes(routes!(incidents::snooze))
        .routes(routes!(incidents::unsnooze))
        .routes(routes!(incidents::comment))
        .routes(routes!(contacts::list, contacts::create))
        .routes(routes!(contacts::get, contacts::update, contacts::delete))
        .routes(routes!(contacts::actions::verify))
        .routes(routes!(contacts::actions::resend))
        .routes(routes!(contacts::actions::renew_secret))
        .routes(routes!(contacts::actions::test))
        .routes(routes!(policies::list, policies::create))
        .routes(routes!(policies::get, policies::update, policies::delete))
        .routes(routes!(schedules::list, schedules::create))
        .routes(routes!(
            schedules::get,
            schedules::update,
            schedules::delete
        ))
        .routes(routes!(schedules::shifts::on_call))
        .routes(routes!(schedules::shifts::shifts))
        .routes(routes!(
            schedules::overrides::list,
            schedules::overrides::create
        ))
        .routes(routes!(schedules::overrides::delete))
        .routes(routes!(maintenance::list, maintenance::create))
        .routes(routes!(
            maintenance::get,
            maintenance::update,
            maintenance::delete
        ))
        .routes(routes!(maintenance::end))
        .routes(routes!(events::list, events::create))
        .routes(routes!(events::get, events::delete))
        .routes(routes!(api_keys::list, api_keys::create))
        .routes(routes!(api_keys::get, api_keys::revoke))
        .routes(routes!(account_check::check))
        .routes(routes!(meta::tags))
        .routes(routes!(meta::regions))
        .routes(routes!(meta::openapi))
}

/// What a dry run of an action answers, where the real one would wait for something.
fn dry_run_passed() -> Response {
    Json(json!({ "dry_run": true })).into_response()
}

/// Millionths as a decimal with at least two digits after the point.
fn amount(micros: i64) -> String {
    let (sign, micros) = (if micros < 0 { "-" } else { "" }, micros.unsigned_abs());
    let fraction = format!("{:06}", micros % 1_000_000);
    let kept = fraction.trim_end_matches('0').len().max(2);
    format!("{sign}{}.{}", micros / 1_000_000, &fraction[..kept])
}

#[cfg(test)]
mod tests {
    #[test]
    fn amounts() {
        for (micros, text) in [
            (0, "0.00"),
            (500_000, "0.50"),
            (7_500, "0.0075"),
            (20_000_000, "20.00"),
            (-50_000, "-0.05"),
        ] {
            assert_eq!(super::amount(micros), text);
        }
    }
}

//! Windows as clients send them.

use domain::ids::MonitorId;
use domain::maintenance::{MaintenanceWindow, Occurrence, Rule, Schedule, Targets};
use jiff::Timestamp;
use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::ToSchema;

use crate::api::json::Json;
use crate::api::openapi::shapes;
use crate::api::problem::{ApiResult, Problem};
use crate::usecases::Caller;

/// The name of a window that is sent without one.
const NAME: &str = "Maintenance";

/// A maintenance window to be made: once (`ends_at`) or by rule (`rrule`).
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Deploy", "tags": ["prod"], "rrule": "FREQ=WEEKLY;BYDAY=TU", "local_start": "2026-11-24T02:00:00", "duration_seconds": 3600, "timezone": "Europe/Berlin"}))]
pub struct WindowInput {
    /// At most 200 characters; "Maintenance" by default.
    #[schema(min_length = 1, max_length = 200)]
    name: Option<String>,
    /// For these monitors. Without it and without `tags`: for all, later ones too.
    #[schema(schema_with = shapes::window_monitor_ids)]
    monitor_ids: Option<Vec<MonitorId>>,
    /// For monitors with one of these tags.
    #[schema(schema_with = shapes::window_tags)]
    tags: Option<Vec<String>>,
    /// Once: the begin; now by default.
    #[schema(value_type = Option<String>, format = DateTime)]
    starts_at: Option<Timestamp>,
    /// Once: the end, at most 30 days after the begin.
    #[schema(value_type = Option<String>, format = DateTime)]
    ends_at: Option<Timestamp>,
    /// By rule: the value of an RRULE with FREQ from DAILY to YEARLY, INTERVAL, COUNT, UNTIL, WKST, BYDAY,
    /// BYMONTH, BYMONTHDAY and BYSETPOS.
    #[schema(min_length = 1, max_length = 200)]
    rrule: Option<String>,
    /// By rule: the local time at which it begins, such as `2026-11-24T02:00:00`.
    #[schema(schema_with = shapes::local_time)]
    local_start: Option<DateTime>,
    /// By rule: how long each occurrence lasts.
    #[schema(minimum = 60, maximum = 604800)]
    duration_seconds: Option<u32>,
    /// By rule: the IANA zone of the local time; that of the account by default.
    #[schema(min_length = 1, max_length = 100)]
    timezone: Option<String>,
}

/// What can be changed of a window, as a merge patch.
#[derive(Debug, ToSchema)]
#[schema(example = json!({"name": "Deploy, longer", "duration_seconds": 7200}))]
#[expect(dead_code, reason = "it describes: a patch is read as a WindowInput")]
pub struct WindowPatch {
    /// Null is "Maintenance".
    #[schema(min_length = 1, max_length = 200)]
    name: Option<String>,
    /// Null, with `tags` null: all monitors.
    #[schema(schema_with = shapes::window_monitor_ids)]
    monitor_ids: Option<Vec<MonitorId>>,
    #[schema(schema_with = shapes::window_tags)]
    tags: Option<Vec<String>>,
    #[schema(value_type = Option<String>, format = DateTime)]
    starts_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    ends_at: Option<Timestamp>,
    #[schema(min_length = 1, max_length = 200)]
    rrule: Option<String>,
    #[schema(schema_with = shapes::local_time)]
    local_start: Option<DateTime>,
    #[schema(minimum = 60, maximum = 604800)]
    duration_seconds: Option<u32>,
    #[schema(min_length = 1, max_length = 100)]
    timezone: Option<String>,
}

/// What stands for fields that are left out.
pub(super) struct Defaults {
    now: Timestamp,
    timezone: String,
}

impl Defaults {
    pub(super) async fn read(connection: &mut PgConnection, caller: &Caller) -> ApiResult<Self> {
        let account = store::accounts::find(connection, caller.account_id).await?;
        Ok(Self {
            now: caller.now,
            timezone: account.map_or_else(|| "UTC".to_owned(), |account| account.timezone),
        })
    }
}

/// A window's own parts.
pub(super) struct Parts {
    pub name: String,
    pub targets: Targets,
    pub schedule: Schedule,
}

impl WindowInput {
    /// What is meant; a mixture of once and by rule is refused.
    pub(super) fn parts(self, defaults: &Defaults) -> ApiResult<Parts> {
        let by_rule = self.rrule.is_some() || self.local_start.is_some();
        let schedule = if by_rule {
            let once = [
                ("/starts_at", self.starts_at.is_some()),
                ("/ends_at", self.ends_at.is_some()),
            ];
            refuse(once, "must not be given beside rrule")?;
            Schedule::Rule(Rule {
                rrule: self.rrule.ok_or_else(|| required("/rrule"))?,
                local_start: self.local_start.ok_or_else(|| required("/local_start"))?,
                duration_seconds: self
                    .duration_seconds
                    .ok_or_else(|| required("/duration_seconds"))?,
                timezone: self.timezone.unwrap_or_else(|| defaults.timezone.clone()),
            })
        } else {
            let rule = [
                ("/duration_seconds", self.duration_seconds.is_some()),
                ("/timezone", self.timezone.is_some()),
            ];
            refuse(rule, "must not be given without rrule")?;
            let ends_at = self.ends_at.ok_or_else(|| {
                let message = "must be given; a window that comes again has rrule instead";
                Problem::field("/ends_at", "required", message)
            })?;
            Schedule::Once(Occurrence {
                starts_at: self.starts_at.unwrap_or(defaults.now),
                ends_at,
            })
        };
        Ok(Parts {
            name: self.name.unwrap_or_else(|| NAME.to_owned()),
            targets: Targets {
                monitor_ids: self.monitor_ids,
                tags: self.tags,
            },
            schedule,
        })
    }

    fn of(window: &MaintenanceWindow) -> Self {
        let mut input = Self {
            name: Some(window.name.clone()),
            monitor_ids: window.targets.monitor_ids.clone(),
            tags: window.targets.tags.clone(),
            ..Self::default()
        };
        match &window.schedule {
            Schedule::Once(once) => {
                input.starts_at = Some(once.starts_at);
                input.ends_at = Some(once.ends_at);
            }
            Schedule::Rule(rule) => {
                input.rrule = Some(rule.rrule.clone());
                input.local_start = Some(rule.local_start);
                input.duration_seconds = Some(rule.duration_seconds);
                input.timezone = Some(rule.timezone.clone());
            }
        }
        input
    }
}

/// A window under a merge patch.
pub(super) fn patched(
    before: &MaintenanceWindow,
    patch: Json,
    defaults: &Defaults,
) -> ApiResult<Parts> {
    let current = Json::of(&WindowInput::of(before)).map_err(|error| Problem::internal(&error))?;
    let input: WindowInput = current
        .merged(patch)
        .decode()
        .map_err(|error| Problem::invalid(vec![error]))?;
    input.parts(defaults)
}

fn refuse<const N: usize>(given: [(&str, bool); N], message: &str) -> ApiResult<()> {
    match given.into_iter().find(|(_, is_given)| *is_given) {
        Some((pointer, _)) => Err(Problem::field(pointer, "not_applicable", message)),
        None => Ok(()),
    }
}

fn required(pointer: &str) -> Problem {
    Problem::field(
        pointer,
        "required",
        "must be given beside the rest of a rule",
    )
}

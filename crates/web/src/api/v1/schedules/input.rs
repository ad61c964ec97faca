//! Schedules as clients send them.

use domain::ids::ScheduleId;
use domain::oncall::{Layer, Participant, Schedule, ShiftUnit, Times};
use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::ToSchema;

use crate::api::json::Json;
use crate::api::openapi::shapes;
use crate::api::problem::{ApiResult, Problem};
use crate::usecases::Caller;

/// A schedule to be made.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Night", "timezone": "Europe/Berlin", "layers": [{"participants": ["con_01kaq3v6zjfvcrmb3b5w9b7t2e"], "shift_unit": "week", "shift_count": 1, "local_start": "2026-11-23T09:00:00"}]}))]
pub struct ScheduleInput {
    /// At most 200 characters.
    #[schema(value_type = String, min_length = 1, max_length = 200)]
    name: Option<String>,
    /// The IANA zone of its local times; that of the account by default.
    #[schema(min_length = 1, max_length = 100)]
    timezone: Option<String>,
    /// Where a later layer has somebody it covers the earlier ones.
    #[schema(value_type = Vec<LayerBody>, min_items = 1, max_items = 10)]
    layers: Option<Vec<LayerBody>>,
}

/// What can be changed of a schedule, as a merge patch.
#[derive(Debug, ToSchema)]
#[schema(example = json!({"name": "Night and weekend"}))]
#[expect(dead_code, reason = "it describes: a patch is read as a ScheduleInput")]
pub struct SchedulePatch {
    #[schema(value_type = String, required = false, min_length = 1, max_length = 200)]
    name: Option<String>,
    /// Null is that of the account.
    #[schema(min_length = 1, max_length = 100)]
    timezone: Option<String>,
    #[schema(value_type = Vec<LayerBody>, required = false, min_items = 1, max_items = 10)]
    layers: Option<Vec<LayerBody>>,
}

/// People who take turns.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Layer)]
pub struct LayerBody {
    /// Members (`usr_…`) and contacts (`con_…`) in the order of their turns. A member is reached by all
    /// contacts that are theirs.
    #[schema(schema_with = shapes::participants)]
    participants: Vec<Participant>,
    /// What `shift_count` counts.
    #[schema(value_type = ShiftUnitName)]
    shift_unit: ShiftUnit,
    /// How long a turn is; 1 by default. At most half a year: 720 hours, 182 days, 26 weeks.
    #[serde(default = "one")]
    #[schema(minimum = 1, maximum = 720)]
    shift_count: u32,
    /// The local time at which the first participant begins, to the minute. Every handover has its time of
    /// day, and of turns of weeks its day of the week. Nobody is on call before.
    #[schema(schema_with = shapes::local_time_given)]
    local_start: DateTime,
    /// Only at these times of the week; null for always.
    #[serde(default)]
    #[schema(value_type = Option<Vec<TimesOfWeek>>, min_items = 1, max_items = 14)]
    times: Option<Vec<Times>>,
}

/// Some times of the week.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "it describes domain::oncall::Times")]
pub struct TimesOfWeek {
    /// On which days they begin.
    #[schema(schema_with = shapes::days)]
    days: Vec<String>,
    /// From then, `09:00`.
    #[schema(schema_with = shapes::time_of_day)]
    from: String,
    /// Until then; on the next day if it is not after `from`.
    #[schema(schema_with = shapes::time_of_day)]
    to: String,
}

/// The unit of a turn.
#[derive(Debug, ToSchema)]
#[schema(as = ShiftUnit, rename_all = "snake_case")]
#[expect(missing_docs, reason = "the words say what they are")]
pub enum ShiftUnitName {
    Hour,
    Day,
    Week,
}

const fn one() -> u32 {
    1
}

impl LayerBody {
    pub(super) fn of(layer: &Layer) -> Self {
        Self {
            participants: layer.participants.clone(),
            shift_unit: layer.shift_unit,
            shift_count: layer.shift_count,
            local_start: layer.local_start,
            times: layer.times.clone(),
        }
    }

    fn into_layer(self) -> Layer {
        Layer {
            participants: self.participants,
            shift_unit: self.shift_unit,
            shift_count: self.shift_count,
            local_start: self.local_start,
            times: self.times,
        }
    }
}

impl ScheduleInput {
    /// The schedule that is meant.
    pub(super) async fn schedule(
        self,
        connection: &mut PgConnection,
        caller: &Caller,
    ) -> ApiResult<Schedule> {
        let timezone = match self.timezone {
            Some(timezone) => timezone,
            None => store::accounts::find(connection, caller.account_id)
                .await?
                .map_or_else(|| "UTC".to_owned(), |account| account.timezone),
        };
        let layers = self.layers.ok_or_else(|| required("layers"))?;
        Ok(Schedule {
            members: None,
            id: ScheduleId::generate(),
            name: self.name.ok_or_else(|| required("name"))?,
            timezone,
            layers: layers.into_iter().map(LayerBody::into_layer).collect(),
            created_at: caller.now,
            updated_at: caller.now,
            version: 1,
        })
    }
}

/// A schedule under a merge patch.
pub(super) async fn patched(
    connection: &mut PgConnection,
    caller: &Caller,
    before: &Schedule,
    patch: Json,
) -> ApiResult<Schedule> {
    let current = ScheduleInput {
        name: Some(before.name.clone()),
        timezone: Some(before.timezone.clone()),
        layers: Some(before.layers.iter().map(LayerBody::of).collect()),
    };
    let current = Json::of(&current).map_err(|error| Problem::internal(&error))?;
    let input: ScheduleInput = current
        .merged(patch)
        .decode()
        .map_err(|error| Problem::invalid(vec![error]))?;
    let after = input.schedule(connection, caller).await?;
    Ok(Schedule {
        members: None,
        name: after.name,
        timezone: after.timezone,
        layers: after.layers,
        ..before.clone()
    })
}

fn required(key: &str) -> Problem {
    Problem::field(
        &format!("/{key}"),
        "required",
        "must be given; it has no default",
    )
}

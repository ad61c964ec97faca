//! One action on many monitors.

use axum::Json as AxumJson;
use axum::extract::State;
use domain::ids::MonitorId;
use domain::incident::Severity;
use domain::monitor::{Kind, MonitorSpec};
use domain::status::Shown;
use serde::{Deserialize, Serialize};
use store::monitors::{Filter, Sort};
use utoipa::ToSchema;

use super::input;
use crate::api::auth::Writer;
use crate::api::body::Body;
use crate::api::code::Code;
use crate::api::json::Json;
use crate::api::problem::{ApiResult, Problem};
use crate::state::AppState;
use crate::usecases::monitors::{self, Action, BulkItem, MAX_BULK};
use crate::usecases::{UseCaseError, UseCaseResult};

/// What is done to which monitors: `ids` or `filter`, and one action.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"filter": {"tag": "staging"}, "action": "pause"}))]
pub struct BulkInput {
    /// These monitors, at most 500.
    #[serde(default)]
    #[schema(value_type = Option<Vec<String>>, max_items = 500)]
    ids: Option<Vec<MonitorId>>,
    /// All that match, at most 500.
    #[serde(default)]
    filter: Option<FilterInput>,
    /// What is done.
    action: ActionName,
    /// With `set`: a merge patch that is applied to each.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    set: Option<serde_json::Value>,
    /// With `tag`: added to each.
    #[serde(default)]
    add_tags: Option<Vec<String>>,
    /// With `tag`: taken from each.
    #[serde(default)]
    remove_tags: Option<Vec<String>>,
}

/// As in the list of monitors.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FilterInput {
    /// Any of these.
    status: Option<Vec<String>>,
    tag: Option<String>,
    #[schema(value_type = Option<super::blocks::KindName>)]
    kind: Option<Kind>,
    /// `critical` or `normal`.
    #[schema(value_type = Option<String>)]
    severity: Option<Severity>,
    q: Option<String>,
}

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActionName {
    /// Stop looking.
    Pause,
    /// Look again.
    Resume,
    /// Delete, restorable for 7 days.
    Delete,
    /// Add and remove tags.
    Tag,
    /// Change settings.
    Set,
}

/// What became of each.
#[derive(Debug, Serialize, ToSchema)]
pub struct BulkResult {
    /// In the order of `ids`, or by name.
    data: Vec<BulkItemView>,
}

/// What became of one.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BulkItem)]
pub struct BulkItemView {
    id: String,
    /// It was done, or was so before.
    ok: bool,
    /// Why not.
    error: Option<BulkErrorView>,
}

/// Why it was not done to one.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BulkError)]
pub struct BulkErrorView {
    /// As in a problem.
    code: &'static str,
    detail: String,
}

/// Act on many monitors
///
/// Each by itself: what is refused for one does not stop the others. The whole answers 200 with a result
/// for each.
#[utoipa::path(post, path = "/api/v1/monitors/bulk", tag = "Monitors", operation_id = "monitors.bulk",
    request_body = BulkInput, responses((status = 200, body = BulkResult)))]
pub async fn bulk(
    State(state): State<AppState>,
    writer: Writer,
    body: Body,
) -> ApiResult<AxumJson<BulkResult>> {
    body.0
        .require_objects(&["filter"])
        .map_err(|error| Problem::invalid(vec![error]))?;
    let input: BulkInput = body.decode()?;
    let action = action(&input, &body.0)?;
    let caller = writer.caller(&state);
    let mut tx = writer.begin(&state).await?;
    // Locked first, as every way that counts monitors does.
    monitors::lock_account(&mut tx, &caller).await?;
    let ids = match (input.ids, input.filter) {
        (Some(ids), None) => distinct(ids)?,
        (None, Some(filter)) => {
            let filter = filter.read()?;
            let most = u32::try_from(MAX_BULK).unwrap_or(u32::MAX) + 1;
            let found = store::monitors::list(
                &mut tx,
                &state.secrets,
                caller.account_id,
                &filter,
                (Sort::Name, None, most),
                state.now(),
            )
            .await?;
            if found.len() > MAX_BULK {
                return Err(Problem::field(
                    "/filter",
                    "too_many",
                    format!("must match at most {MAX_BULK} monitors"),
                ));
            }
            found.into_iter().map(|one| one.monitor.id).collect()
        }
        (None, None) => {
            return Err(Problem::field(
                "/ids",
                "required",
                "must be given, or a filter",
            ));
        }
        (Some(_), Some(_)) => {
            return Err(Problem::field(
                "/filter",
                "conflict",
                "must be left out when ids are given",
            ));
        }
    };
    let items = monitors::bulk(&mut tx, &state, &caller, &ids, &action).await?;
    writer.finish(tx).await?;
    Ok(AxumJson(BulkResult {
        data: items.into_iter().map(BulkItemView::of).collect(),
    }))
}

fn distinct(ids: Vec<MonitorId>) -> ApiResult<Vec<MonitorId>> {
    if ids.len() > MAX_BULK {
        return Err(Problem::field(
            "/ids",
            "too_many",
            format!("must have at most {MAX_BULK} entries"),
        ));
    }
    let mut seen = std::collections::HashSet::new();
    match ids.iter().position(|id| !seen.insert(*id)) {
        Some(i) => Err(Problem::field(
            &format!("/ids/{i}"),
            "duplicate",
            "must not repeat an earlier entry",
        )),
        None => Ok(ids),
    }
}

fn action(input: &BulkInput, body: &Json) -> ApiResult<Action> {
    let stray = [
        ("/set", ActionName::Set, input.set.is_some()),
        ("/add_tags", ActionName::Tag, input.add_tags.is_some()),
        ("/remove_tags", ActionName::Tag, input.remove_tags.is_some()),
    ];
    for (pointer, owner, given) in stray {
        if given && owner != input.action {
            return Err(Problem::field(
                pointer,
                "unexpected_field",
                "must be left out with this action",
            ));
        }
    }
    Ok(match input.action {
        ActionName::Pause => Action::Pause,
        ActionName::Resume => Action::Resume,
        ActionName::Delete => Action::Delete,
        ActionName::Tag => Action::Tag {
            add: input.add_tags.clone().unwrap_or_default(),
            remove: input.remove_tags.clone().unwrap_or_default(),
        },
        ActionName::Set => {
            let patch = body
                .clone()
                .remove("set")
                .filter(|set| matches!(set, Json::Object(_)));
            let patch = patch.ok_or_else(|| {
                Problem::field("/set", "required", "must be an object with settings")
            })?;
            if let Json::Object(entries) = &patch
                && let Some((key, _)) = entries
                    .iter()
                    .find(|(key, _)| matches!(key.as_str(), "key" | "paused" | "kind"))
            {
                return Err(Problem::field(
                    &format!("/set/{key}"),
                    "unexpected_field",
                    "cannot be set on many at once",
                ));
            }
            let apply = move |spec: &MonitorSpec| -> UseCaseResult<MonitorSpec> {
                match input::patched(spec, patch.clone()) {
                    Ok((spec, _)) => Ok(spec),
                    Err(problem) => Err(UseCaseError::Invalid(problem.errors)),
                }
            };
            Action::Set(Box::new(apply))
        }
    })
}

impl FilterInput {
    fn read(self) -> ApiResult<Filter> {
        let mut statuses = None;
        for (i, word) in self.status.iter().flatten().enumerate() {
            let status = Shown::parse(word).ok_or_else(|| {
                Problem::field(
                    &format!("/filter/status/{i}"),
                    "invalid",
                    "must be a status",
                )
            })?;
            statuses.get_or_insert_with(Vec::new).push(status);
        }
        let text = self.q.filter(|text| !text.is_empty());
        Ok(Filter {
            ids: None,
            statuses,
            tag: self.tag,
            kind: self.kind,
            severity: self.severity,
            text,
            key: None,
        })
    }
}

impl BulkItemView {
    fn of(item: BulkItem) -> Self {
        let id = item.id.to_string();
        match item.result {
            Ok(()) => Self {
                id,
                ok: true,
                error: None,
            },
            Err(error) => {
                let problem = Problem::from(error);
                let code: Code = problem.code;
                Self {
                    id,
                    ok: false,
                    error: Some(BulkErrorView {
                        code: code.as_str(),
                        detail: problem.detail,
                    }),
                }
            }
        }
    }
}

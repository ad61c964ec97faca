//! Schemas that say more of a text or a list than its type: patterns, bounds, words.

use domain::alert::dependency::MOST_PARENTS;
use domain::check::VerdictKind;
use domain::contact::Channel;
use domain::ids::{ContactId, MonitorId, PolicyId};
use domain::monitor::Kind;
use utoipa::openapi::schema::{ArrayBuilder, Object, ObjectBuilder, Schema, SchemaType, Type};
use utoipa::openapi::{Ref, RefOr};

/// A text of this pattern.
pub fn pattern(pattern: &str) -> Object {
    ObjectBuilder::new()
        .schema_type(SchemaType::new(Type::String))
        .pattern(Some(pattern))
        .build()
}

/// One of these words.
pub fn words<'w>(words: impl IntoIterator<Item = &'w str>) -> Object {
    ObjectBuilder::new()
        .schema_type(SchemaType::new(Type::String))
        .enum_values(Some(words))
        .build()
}

/// An id with this prefix.
pub fn id(prefix: &str) -> Object {
    pattern(&format!("^{prefix}_[0-7][0-9a-hjkmnp-tv-z]{{25}}$"))
}

/// An id as it stands in a path or a query, by the parameter's name.
pub fn id_of(parameter: &str) -> Option<Object> {
    Some(id(match parameter {
        "monitor_id" => "mon",
        "incident_id" => "inc",
        "contact_id" => "con",
        "policy_id" => "pol",
        "maintenance_window_id" => "mwn",
        "event_id" => "evt",
        "schedule_id" => "sch",
        "override_id" => "ovr",
        "api_key_id" => "key",
        _ => return None,
    }))
}

fn or_null(kind: Type) -> SchemaType {
    SchemaType::from_iter([kind, Type::Null])
}

fn list(items: impl Into<RefOr<Schema>>, (least, most): (usize, usize)) -> Schema {
    ArrayBuilder::new()
        .schema_type(or_null(Type::Array))
        .items(items.into())
        .min_items(Some(least))
        .max_items(Some(most))
        .unique_items(true)
        .build()
        .into()
}

fn text_up_to(most: usize) -> Object {
    ObjectBuilder::new()
        .schema_type(SchemaType::new(Type::String))
        .min_length(Some(1))
        .max_length(Some(most))
        .build()
}

/// Tags of a monitor.
pub fn tags() -> Schema {
    list(text_up_to(50), (0, 20))
}

/// Tags of a maintenance window.
pub fn window_tags() -> Schema {
    list(text_up_to(50), (1, 20))
}

/// Monitors of a maintenance window.
pub fn window_monitor_ids() -> Schema {
    list(id(MonitorId::PREFIX), (1, 500))
}

/// A local time of RFC 3339 without an offset.
pub fn local_time() -> Schema {
    ObjectBuilder::new()
        .schema_type(or_null(Type::String))
        .pattern(Some(r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?$"))
        .build()
        .into()
}

/// A member or a contact.
pub fn participant() -> Object {
    pattern("^(usr|con)_[0-7][0-9a-hjkmnp-tv-z]{25}$")
}

/// A member, or nobody.
pub fn member_id() -> Schema {
    let mut id = id(domain::ids::UserId::PREFIX);
    id.schema_type = or_null(Type::String);
    id.into()
}

/// Members and contacts in the order of their turns.
pub fn participants() -> Schema {
    ArrayBuilder::new()
        .items(participant())
        .min_items(Some(1))
        .max_items(Some(50))
        .build()
        .into()
}

/// The days of some times of the week.
pub fn days() -> Schema {
    let words = domain::oncall::Day::ALL.map(domain::oncall::Day::as_str);
    ArrayBuilder::new()
        .items(
            ObjectBuilder::new()
                .schema_type(SchemaType::new(Type::String))
                .enum_values(Some(words))
                .build(),
        )
        .min_items(Some(1))
        .max_items(Some(7))
        .unique_items(true)
        .build()
        .into()
}

/// A time of day to the minute.
pub fn time_of_day() -> Object {
    pattern("^([01][0-9]|2[0-3]):[0-5][0-9]$")
}

/// A local time of RFC 3339 without an offset, which must be given.
pub fn local_time_given() -> Object {
    pattern(r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?$")
}

/// Regions of a monitor.
pub fn regions() -> Schema {
    list(text_up_to(50), (1, 50))
}

/// Contacts that a monitor names.
pub fn contact_ids() -> Schema {
    ArrayBuilder::new()
        .schema_type(or_null(Type::Array))
        .items(id(ContactId::PREFIX))
        .unique_items(true)
        .build()
        .into()
}

/// Monitors that a monitor depends on.
pub fn depends_on() -> Schema {
    list(id(MonitorId::PREFIX), (0, MOST_PARENTS))
}

/// Contacts of a step.
pub fn step_contact_ids() -> Schema {
    step_targets(ContactId::PREFIX)
}

/// Schedules that a step of a policy names.
pub fn step_schedule_ids() -> Schema {
    step_targets(domain::ids::ScheduleId::PREFIX)
}

/// Members that a step of a policy names.
pub fn step_member_ids() -> Schema {
    step_targets(domain::ids::UserId::PREFIX)
}

fn step_targets(prefix: &str) -> Schema {
    ArrayBuilder::new()
        .items(id(prefix))
        .max_items(Some(50))
        .unique_items(true)
        .build()
        .into()
}

/// The policy of a monitor.
pub fn policy_id() -> Schema {
    let mut object = id(PolicyId::PREFIX);
    object.schema_type = or_null(Type::String);
    object.into()
}

/// A monitor's key.
pub fn key() -> Schema {
    let mut object = pattern(KEY);
    object.schema_type = or_null(Type::String);
    object.into()
}

/// The keys that a monitor may have.
pub const KEY: &str = "^[A-Za-z0-9._:-]{1,100}$";

/// Statuses that are fine.
pub fn expected_status() -> Schema {
    let one = pattern("^([1-5](xx|XX)|[1-5][0-9]{2}( *- *[1-5][0-9]{2})?)$");
    ArrayBuilder::new()
        .schema_type(or_null(Type::Array))
        .items(one)
        .min_items(Some(1))
        .max_items(Some(20))
        .build()
        .into()
}

/// Days before a certificate's end.
pub fn warn_days() -> Schema {
    let day = ObjectBuilder::new()
        .schema_type(SchemaType::new(Type::Integer))
        .minimum(Some(1))
        .maximum(Some(365))
        .build();
    list(day, (0, 10))
}

/// Operators of a rule.
pub fn operators() -> Schema {
    words(["eq", "ne", "gt", "lt", "ge", "le", "contains", "exists"]).into()
}

/// The schema of a query parameter that takes more than any text, by its operation and name.
pub fn query(operation: &str, name: &str) -> Option<RefOr<Schema>> {
    let schema: Schema = match (operation, name) {
        ("monitors.list", "status") => ArrayBuilder::new()
            .items(Ref::from_schema_name("Status"))
            .min_items(Some(1))
            .build()
            .into(),
        ("monitors.list", "sort") => words(["name", "status", "-created_at"]).into(),
        ("monitors.list", "kind") => words(Kind::WORDS.iter().copied()).into(),
        ("monitors.list", "key") => pattern(KEY).into(),
        ("monitors.checks", "verdict") => words(VerdictKind::ALL.map(VerdictKind::as_str)).into(),
        ("incidents.list", "status") => words(["open", "resolved"]).into(),
        ("incidents.list", "monitor_id") => id(MonitorId::PREFIX).into(),
        ("contacts.list", "kind") => words(Channel::ALL.map(Channel::as_str)).into(),
        _ => return None,
    };
    Some(RefOr::T(schema))
}

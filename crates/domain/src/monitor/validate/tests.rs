use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

use super::*;
use crate::account::Plan;
use crate::ids::{ContactId, PolicyId};

fn spec(fields: Value) -> MonitorSpec {
    serde_json::from_value(fields).unwrap()
}

/// An http monitor with these fields besides its URL.
fn http(fields: Value) -> MonitorSpec {
    let mut whole = json!({"url": "https://shop.example/health"});
    whole
        .as_object_mut()
        .unwrap()
        .extend(fields.as_object().unwrap().clone());
    spec(whole)
}

fn complaints(spec: &MonitorSpec) -> Vec<(String, &'static str)> {
    let found = validate(spec, &Plan::Free.limits(), AddressPolicy::Hosted);
    for complaint in &found {
        assert!(complaint.message.starts_with("must "), "{complaint:?}");
        assert!(!complaint.message.ends_with('.'), "{complaint:?}");
    }
    found
        .into_iter()
        .map(|complaint| (complaint.pointer, complaint.code))
        .collect()
}

fn long(n: usize) -> String {
    "é".repeat(n)
}

#[rstest]
#[case(json!({"url": "https://shop.example"}))]
#[case(json!({"kind": "http", "url": "http://1.1.1.1:8080/"}))]
#[case(json!({"kind": "tcp", "host": "shop.example", "port": 5432}))]
#[case(json!({"kind": "tls", "host": "shop.example"}))]
#[case(json!({"kind": "tls", "host": "1.1.1.1", "port": 853, "tls": {"warn_days": [7]}}))]
#[case(json!({"kind": "heartbeat"}))]
#[case(json!({"kind": "heartbeat", "period_seconds": 60, "grace_seconds": 31_536_000, "tags": ["cron"], "key": "backup"}))]
#[case(json!({"kind": "heartbeat", "cron": "0 3 * * MON-FRI", "timezone": "Europe/Berlin", "grace_seconds": 600}))]
#[case(json!({"kind": "heartbeat", "cron": "@daily"}))]
fn whole_monitors(#[case] fields: Value) {
    assert_eq!(complaints(&spec(fields)), []);
}

#[rstest]
#[case(json!({"name": "Shop 🛒 متجر 👩\u{200d}💻"}))]
#[case(json!({"name": long(200)}))]
#[case(json!({"interval_seconds": 60, "timeout_ms": 500}))]
#[case(json!({"interval_seconds": 86_400, "timeout_ms": 60_000}))]
#[case(json!({"confirm": {"rechecks": 0, "over_seconds": 0}}))]
#[case(json!({"confirm": {"rechecks": 5, "over_seconds": 600}}))]
#[case(json!({"degraded_above_ms": 1}))]
#[case(json!({"dns_cache": false}))]
#[case(json!({"degraded_above_ms": 10_000}))]
#[case(json!({"tags": (0..20).map(|n| n.to_string()).collect::<Vec<_>>()}))]
#[case(json!({"tags": [long(50)]}))]
#[case(json!({"key": "team:shop_1.health-A"}))]
#[case(json!({"regions": ["local", "eu-1"]}))]
#[case(json!({"tls": {"warn_days": []}}))]
#[case(json!({"tls": {"warn_days": [365, 1]}}))]
#[case(json!({"http": {"method": "POST", "body": "x".repeat(65_536)}}))]
#[case(json!({"http": {"headers": {"Authorization": "Bearer x", "Accept": "*/*"}}}))]
#[case(json!({"http": {"max_redirects": 0, "expected_status": ["200", "3xx", "404-410"]}}))]
#[case(json!({"http": {"keyword": long(500), "keyword_absent": "e\nf"}}))]
#[case(json!({"http": {"json": [{"path": "$.a[0]['b']", "op": "ge", "value": 3}, {"path": "$", "op": "exists"}]}}))]
fn allowed(#[case] fields: Value) {
    assert_eq!(complaints(&http(fields)), []);
}

#[rstest]
#[case(json!({}), "/url", "required")]
#[case(json!({"host": "shop.example", "port": 1}), "/kind", "required")]
#[case(json!({"kind": "http"}), "/url", "required")]
#[case(json!({"kind": "tcp", "port": 1}), "/host", "required")]
#[case(json!({"kind": "tcp", "host": "shop.example"}), "/port", "required")]
#[case(json!({"kind": "tls"}), "/host", "required")]
#[case(json!({"kind": "tls", "host": "shop.example", "port": 0}), "/port", "out_of_range")]
#[case(json!({"kind": "heartbeat", "period_seconds": 59}), "/period_seconds", "out_of_range")]
#[case(json!({"kind": "heartbeat", "period_seconds": 31_536_001}), "/period_seconds", "out_of_range")]
#[case(json!({"kind": "heartbeat", "grace_seconds": 1}), "/grace_seconds", "out_of_range")]
#[case(json!({"kind": "heartbeat", "cron": "61 * * * *"}), "/cron", "invalid_cron")]
#[case(json!({"kind": "heartbeat", "cron": "0 0 31 2 *"}), "/cron", "invalid_cron")]
#[case(json!({"kind": "heartbeat", "cron": "* * * * *", "timezone": "Mars/Olympus"}), "/timezone", "unknown_timezone")]
#[case(json!({"kind": "heartbeat", "cron": "* * * * *", "timezone": ""}), "/timezone", "unknown_timezone")]
#[case(json!({"kind": "heartbeat", "cron": "* * * * *", "period_seconds": 60}), "/period_seconds", "conflict")]
#[case(json!({"kind": "heartbeat", "timezone": "UTC"}), "/timezone", "unexpected_field")]
#[case(json!({"kind": "heartbeat", "url": "https://shop.example"}), "/url", "unexpected_field")]
#[case(json!({"kind": "heartbeat", "interval_seconds": 60}), "/interval_seconds", "unexpected_field")]
#[case(json!({"kind": "heartbeat", "confirm": {"rechecks": 1}}), "/confirm", "unexpected_field")]
#[case(json!({"kind": "tcp", "host": "shop.example", "port": 1, "cron": "@daily"}), "/cron", "unexpected_field")]
#[case(json!({"url": "https://shop.example", "grace_seconds": 60}), "/grace_seconds", "unexpected_field")]
#[case(json!({"kind": "tcp", "host": "shop.example", "port": 1, "url": "https://a.example"}), "/url", "unexpected_field")]
#[case(json!({"kind": "tcp", "host": "shop.example", "port": 1, "http": {}}), "/http", "unexpected_field")]
#[case(json!({"kind": "tcp", "host": "shop.example", "port": 1, "tls": {}}), "/tls", "unexpected_field")]
#[case(json!({"kind": "tls", "host": "shop.example", "http": {}}), "/http", "unexpected_field")]
#[case(json!({"url": "https://shop.example", "host": "a.example"}), "/host", "unexpected_field")]
#[case(json!({"url": "https://shop.example", "port": 1}), "/port", "unexpected_field")]
#[case(json!({"kind": "tcp", "host": "10.0.0.1", "port": 1}), "/host", "target_refused")]
#[case(json!({"kind": "tcp", "host": "shop.example:1", "port": 1}), "/host", "invalid")]
#[case(json!({"url": ""}), "/url", "required")]
#[case(json!({"url": "shop.example"}), "/url", "invalid_scheme")]
#[case(json!({"url": "ftp://shop.example"}), "/url", "invalid_scheme")]
#[case(json!({"url": "http://127.0.0.1"}), "/url", "target_refused")]
#[case(json!({"url": "http://127.1"}), "/url", "ambiguous_host")]
#[case(json!({"url": "https://shop.example:5432"}), "/url", "target_refused")]
#[case(json!({"url": format!("https://shop.example/{}", "a".repeat(2048))}), "/url", "too_long")]
#[case(json!({"url": "https://shop.example/\0"}), "/url", "invalid")]
fn targets_refused(#[case] fields: Value, #[case] pointer: &str, #[case] code: &'static str) {
    assert_eq!(complaints(&spec(fields)), [(pointer.to_owned(), code)]);
}

#[rstest]
#[case(json!({"name": ""}), "/name", "required")]
#[case(json!({"name": " \t"}), "/name", "required")]
#[case(json!({"name": long(201)}), "/name", "too_long")]
#[case(json!({"name": "x".repeat(1_000_000)}), "/name", "too_long")]
#[case(json!({"name": "a\0b"}), "/name", "invalid_character")]
#[case(json!({"name": "a\nb"}), "/name", "invalid_character")]
#[case(json!({"name": "a\u{202e}b"}), "/name", "invalid_character")]
#[case(json!({"name": "a\u{200f}b"}), "/name", "invalid_character")]
#[case(json!({"interval_seconds": 0}), "/interval_seconds", "out_of_range")]
#[case(json!({"interval_seconds": 59}), "/interval_seconds", "out_of_range")]
#[case(json!({"interval_seconds": 86_401}), "/interval_seconds", "out_of_range")]
#[case(json!({"timeout_ms": 499}), "/timeout_ms", "out_of_range")]
#[case(json!({"timeout_ms": 60_001, "interval_seconds": 120}), "/timeout_ms", "out_of_range")]
#[case(json!({"timeout_ms": 60_000}), "/timeout_ms", "out_of_range")]
#[case(json!({"degraded_above_ms": 0}), "/degraded_above_ms", "out_of_range")]
#[case(json!({"degraded_above_ms": 10_001}), "/degraded_above_ms", "out_of_range")]
#[case(json!({"confirm": {"rechecks": 6}}), "/confirm/rechecks", "out_of_range")]
#[case(json!({"confirm": {"over_seconds": 601}}), "/confirm/over_seconds", "out_of_range")]
#[case(json!({"tags": (0..21).map(|n| n.to_string()).collect::<Vec<_>>()}), "/tags", "too_many")]
#[case(json!({"tags": ["a", "b", "a"]}), "/tags/2", "duplicate")]
#[case(json!({"tags": ["a", ""]}), "/tags/1", "required")]
#[case(json!({"tags": [long(51)]}), "/tags/0", "too_long")]
#[case(json!({"key": ""}), "/key", "required")]
#[case(json!({"key": "a b"}), "/key", "invalid_character")]
#[case(json!({"key": "ä"}), "/key", "invalid_character")]
#[case(json!({"key": "x".repeat(101)}), "/key", "too_long")]
#[case(json!({"regions": []}), "/regions", "required")]
#[case(json!({"regions": ["a", "a"]}), "/regions/1", "duplicate")]
#[case(json!({"tls": {"warn_days": [0]}}), "/tls/warn_days/0", "out_of_range")]
#[case(json!({"tls": {"warn_days": [366]}}), "/tls/warn_days/0", "out_of_range")]
#[case(json!({"tls": {"warn_days": [7, 7]}}), "/tls/warn_days/1", "duplicate")]
#[case(json!({"tls": {"warn_days": (1..12).collect::<Vec<u32>>()}}), "/tls/warn_days", "too_many")]
#[case(json!({"http": {"method": "get"}}), "/http/method", "invalid")]
#[case(json!({"http": {"method": "TRACE"}}), "/http/method", "invalid")]
#[case(json!({"http": {"headers": {"A/b~": "x\r\ny"}}}), "/http/headers/A~1b~0", "invalid")]
#[case(json!({"http": {"headers": {"Host": "x"}}}), "/http/headers/Host", "invalid")]
#[case(json!({"http": {"headers": {"X-A": "1", "x-a": "2"}}}), "/http/headers/x-a", "duplicate")]
#[case(json!({"http": {"headers": (0..21).map(|n| (format!("X-{n}"), "1".into())).collect::<serde_json::Map<_, Value>>()}}), "/http/headers", "too_many")]
#[case(json!({"http": {"headers": {"X-A": "a".repeat(5_000), "X-B": "b".repeat(4_000)}}}), "/http/headers", "too_long")]
#[case(json!({"http": {"body": "x".repeat(65_537)}}), "/http/body", "too_long")]
#[case(json!({"http": {"body": "a\0"}}), "/http/body", "invalid_character")]
#[case(json!({"http": {"max_redirects": 21}}), "/http/max_redirects", "out_of_range")]
#[case(json!({"http": {"expected_status": []}}), "/http/expected_status", "required")]
#[case(json!({"http": {"expected_status": ["200", "ok"]}}), "/http/expected_status/1", "invalid")]
#[case(json!({"http": {"keyword": ""}}), "/http/keyword", "required")]
#[case(json!({"http": {"keyword": long(501)}}), "/http/keyword", "too_long")]
#[case(json!({"http": {"keyword_absent": "\0"}}), "/http/keyword_absent", "invalid_character")]
#[case(json!({"http": {"method": "HEAD", "keyword": "ok"}}), "/http/keyword", "conflict")]
#[case(json!({"http": {"regex": ""}}), "/http/regex", "required")]
#[case(json!({"http": {"regex": "("}}), "/http/regex", "invalid")]
#[case(json!({"http": {"regex": "a", "method": "HEAD"}}), "/http/regex", "conflict")]
#[case(json!({"http": {"auth": {}}}), "/http/auth", "required")]
#[case(json!({"http": {"auth": {"basic": {"username": "u", "password": "p"}, "bearer": "t"}}}), "/http/auth", "conflict")]
#[case(json!({"http": {"auth": {"bearer": "t"}, "headers": {"authorization": "x"}}}), "/http/auth", "conflict")]
#[case(json!({"http": {"auth": {"basic": {"username": "a:b", "password": "p"}}}}), "/http/auth/basic/username", "invalid_character")]
#[case(json!({"http": {"auth": {"basic": {"username": "", "password": "p"}}}}), "/http/auth/basic/username", "required")]
#[case(json!({"http": {"auth": {"bearer": "a\nb"}}}), "/http/auth/bearer", "invalid_character")]
#[case(json!({"http": {"json": [{"path": "$..a..b", "op": "exists"}]}}), "/http/json/0/path", "invalid")]
#[case(json!({"http": {"json": [{"path": "status", "op": "eq", "value": 1}]}}), "/http/json/0/path", "invalid")]
#[case(json!({"http": {"json": [{"path": "$.a", "op": "is", "value": 1}]}}), "/http/json/0/op", "invalid")]
#[case(json!({"http": {"json": [{"path": "$.a", "op": "gt", "value": true}]}}), "/http/json/0/value", "invalid")]
#[case(json!({"http": {"json": [{"path": "$.a", "op": "eq", "value": "x".repeat(1_000)}]}}), "/http/json/0/value", "too_long")]
fn settings_refused(#[case] fields: Value, #[case] pointer: &str, #[case] code: &'static str) {
    assert_eq!(complaints(&http(fields)), [(pointer.to_owned(), code)]);
}

#[test]
fn the_plan_sets_the_shortest_interval() {
    for plan in Plan::ALL {
        let limits = plan.limits();
        let at = |seconds| {
            let monitor = http(json!({"interval_seconds": seconds, "timeout_ms": 500}));
            validate(&monitor, &limits, AddressPolicy::Hosted)
        };
        assert_eq!(at(limits.min_interval_seconds), []);
        assert_eq!(at(limits.min_interval_seconds - 1).len(), 1);
    }
}

#[test]
fn inside_the_own_network_private_targets_are_fine() {
    let limits = Plan::Free.limits();
    for target in [
        json!({"url": "http://localhost:3000/"}),
        json!({"url": "http://192.168.1.4:5432"}),
        json!({"kind": "tcp", "host": "nas", "port": 22}),
    ] {
        let target = spec(target);
        assert_eq!(validate(&target, &limits, AddressPolicy::SelfHosted), []);
        assert_eq!(validate(&target, &limits, AddressPolicy::Hosted).len(), 1);
    }
}

#[test]
fn contacts_exclude_a_policy() {
    let contact = ContactId::from_uuid(uuid::Uuid::nil());
    let mut monitor = http(json!({}));
    monitor.contact_ids = Some(vec![contact]);
    assert_eq!(complaints(&monitor), []);
    monitor.policy_id = Some(PolicyId::from_uuid(uuid::Uuid::nil()));
    assert_eq!(
        complaints(&monitor),
        [("/contact_ids".to_owned(), "conflict")]
    );
    monitor.policy_id = None;
    monitor.contact_ids = Some(vec![contact, contact]);
    assert_eq!(
        complaints(&monitor),
        [("/contact_ids/1".to_owned(), "duplicate")]
    );
}

#[test]
fn all_complaints_come_at_once() {
    let monitor =
        spec(json!({"kind": "tcp", "host": "", "name": "", "interval_seconds": 0, "tags": [""]}));
    assert_eq!(
        complaints(&monitor),
        [
            ("/host".to_owned(), "required"),
            ("/port".to_owned(), "required"),
            ("/interval_seconds".to_owned(), "out_of_range"),
            ("/name".to_owned(), "required"),
            ("/tags/0".to_owned(), "required"),
        ]
    );
}

/// Any JSON a stranger may send in the place of a field.
fn any_field() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<u32>().prop_map(Value::from),
        "\\PC{0,30}".prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        prop::collection::vec(any::<String>(), 0..4).prop_map(Value::from),
        prop::collection::vec(any::<u32>(), 0..4).prop_map(Value::from),
        (any::<String>(), any::<String>())
            .prop_map(|(name, value)| json!({"headers": {name: value}})),
        (any::<String>(), any::<String>())
            .prop_map(|(path, op)| json!({"json": [{"path": path, "op": op}]})),
        (any::<u32>(), any::<u32>()).prop_map(|(a, b)| json!({"rechecks": a, "over_seconds": b})),
    ]
}

const FIELDS: [&str; 16] = [
    "name",
    "kind",
    "url",
    "host",
    "port",
    "interval_seconds",
    "timeout_ms",
    "http",
    "tls",
    "regions",
    "confirm",
    "degraded_above_ms",
    "dns_cache",
    "tags",
    "key",
    "contact_ids",
];

proptest! {
    /// What passes can be stored, shown and looked at; what does not names a field that was sent,
    /// or one that is missing.
    #[test]
    fn whatever_is_sent(
        fields in prop::collection::vec((prop::sample::select(&FIELDS[..]), any_field()), 0..3),
        with_url: bool,
    ) {
        let mut sent: serde_json::Map<_, _> =
            fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        if with_url {
            sent.insert("url".to_owned(), "https://shop.example/".into());
            sent.remove("kind");
        }
        let Ok(spec) = serde_json::from_value::<MonitorSpec>(sent.into()) else { return Ok(()) };
        let found = validate(&spec, &Plan::Free.limits(), AddressPolicy::Hosted);
        for complaint in &found {
            let field = complaint.pointer.split('/').nth(1).unwrap_or_default();
            prop_assert!(FIELDS.contains(&field), "{:?}", complaint);
        }
        if found.is_empty() {
            let stored = serde_json::to_string(&spec).unwrap();
            prop_assert!(!stored.contains("\\u0000"), "{}", stored);
            let settings = crate::monitor::Settings::of(&spec);
            prop_assert!(settings.timeout < settings.interval);
            prop_assert!(!settings.name.is_empty());
        }
    }
}

//! What is typed, and what it stands for.

use rstest::rstest;

use super::*;

fn form(pairs: &[(&str, &str)]) -> MonitorForm {
    let body: String = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish();
    MonitorForm::of(&Fields::parse(body.as_bytes()))
}

#[test]
fn an_address_is_a_whole_monitor() {
    let specs = form(&[("target", "shop.example")]).specs(None).unwrap();
    assert_eq!(
        specs,
        [MonitorSpec {
            url: Some("https://shop.example/".into()),
            ..MonitorSpec::default()
        }]
    );
}

#[test]
fn several_addresses_share_the_settings() {
    let specs = form(&[
        ("target", "a.example\nhttp://b.example/x, c.example"),
        ("tags", "prod, eu"),
    ])
    .specs(None)
    .unwrap();
    let urls: Vec<&str> = specs
        .iter()
        .filter_map(|spec| spec.url.as_deref())
        .collect();
    assert_eq!(
        urls,
        [
            "https://a.example/",
            "http://b.example/x",
            "https://c.example/"
        ]
    );
    assert!(
        specs
            .iter()
            .all(|spec| spec.tags.as_deref() == Some(&["prod".to_owned(), "eu".to_owned()]))
    );
}

#[test]
fn what_is_read_is_what_was_written() {
    let spec: MonitorSpec = serde_json::from_value(serde_json::json!({
        "name": "Shop", "url": "https://shop.example/", "interval_seconds": 300, "timeout_ms": 5000,
        "http": { "method": "HEAD", "follow_redirects": false, "expected_status": ["200-299", "418"], "keyword": "open",
                  "json": [{ "path": "$.status", "op": "eq", "value": "ok" }, { "path": "$.n", "op": "gt", "value": 3 },
                  { "path": "$.list[?@.name == 'a b'].up", "op": "exists" }], "verify_tls": false, "regex": "v[0-9]+", "ip_family": "both" },
        "tls": { "warn_days": [14, 3] }, "confirm": { "rechecks": 1 }, "degraded_above_ms": 800, "dns_cache": false, "tags": ["prod"], "regions": ["local"], "key": "shop"
    }))
    .unwrap();
    let back = MonitorForm::of_spec(&spec).specs(Some(&spec)).unwrap();
    assert_eq!(back, [spec]);
}

/// Of every kind, what the form shows stands for the settings that it was made from.
#[rstest]
#[case(serde_json::json!({"kind": "dns", "host": "a.example", "record": "TXT", "expected": ["v=spf1, -all", "b"],
    "dns": {"match": "equals", "server": "192.0.2.1"}}))]
#[case(serde_json::json!({"kind": "tcp", "host": "a.example", "port": 1, "tcp": {"expect": " +OK"}}))]
#[case(serde_json::json!({"kind": "udp", "host": "a.example", "port": 1, "udp": {"send": MASK, "expect": "b"}}))]
#[case(serde_json::json!({"kind": "ping", "host": "a.example", "ping": {"count": 2, "max_loss_percent": 50, "ip_family": "v6"}}))]
#[case(serde_json::json!({"kind": "tls", "host": "a.example", "port": 143, "tls": {"warn_days": [1], "starttls": "imap"}}))]
#[case(serde_json::json!({"kind": "smtp", "host": "a.example", "tls": {"warn_days": [3]}, "smtp": {"security": "starttls"}}))]
#[case(serde_json::json!({"kind": "websocket", "url": "wss://a.example/", "websocket": {"expect": "b", "verify_tls": false}}))]
#[case(serde_json::json!({"kind": "grpc", "host": "a.example", "grpc": {"service": "s", "tls": false}}))]
#[case(serde_json::json!({"kind": "domain", "host": "a.example", "domain": {"warn_days": [30, 7]}}))]
#[case(serde_json::json!({"kind": "ping", "host": "a.example"}))]
fn every_kind_has_its_fields(#[case] spec: serde_json::Value) {
    let spec: MonitorSpec = serde_json::from_value(spec).unwrap();
    let form = MonitorForm::of_spec(&spec);
    assert_eq!(form.specs(Some(&spec)).unwrap(), [spec]);
}

#[test]
fn a_heartbeat_has_times_and_no_address() {
    for spec in [
        serde_json::json!({ "kind": "heartbeat", "name": "Backup", "period_seconds": 3600, "grace_seconds": 600 }),
        serde_json::json!({ "kind": "heartbeat", "cron": "0 3 * * *", "timezone": "Europe/Berlin", "tags": ["cron"] }),
    ] {
        let spec: MonitorSpec = serde_json::from_value(spec).unwrap();
        let form = MonitorForm::of_spec(&spec);
        assert!(form.waits());
        assert_eq!(form.specs(Some(&spec)).unwrap(), [spec]);
    }
}

#[test]
fn secrets_are_masked() {
    let spec: MonitorSpec = serde_json::from_value(serde_json::json!({
        "url": "https://shop.example/", "http": { "headers": { "X-Token": "1" }, "body": "secret", "auth": { "basic": { "username": "u", "password": "p" } } }
    }))
    .unwrap();
    let form = MonitorForm::of_spec(&spec);
    assert_eq!(
        [
            form.headers.as_str(),
            form.body.as_str(),
            form.username.as_str(),
            form.password.as_str()
        ],
        ["X-Token: ••••", "••••", "u", "••••"]
    );
    assert!(form.is_advanced() && !MonitorForm::empty("x").is_advanced());
}

#[rstest]
#[case(&[("target", "")], "target")]
#[case(&[("target", " \n , ")], "target")]
#[case(&[("target", "a.example"), ("interval_seconds", "often")], "interval_seconds")]
#[case(&[("target", "a.example"), ("timeout_ms", "-1")], "timeout_ms")]
#[case(&[("target", "a.example"), ("headers", "no colon")], "headers")]
#[case(&[("target", "a.example"), ("json", "$.status")], "json")]
#[case(&[("target", "a.example"), ("username", "u"), ("bearer", "t")], "bearer")]
#[case(&[("target", "a.example"), ("warn_days", "7, soon")], "warn_days")]
#[case(&[("target", "a.example b.example"), ("key", "shop")], "key")]
#[case(&[("target", "a.example b.example"), ("name", "Shop")], "name")]
#[case(&[("target", "a.example"), ("long", "1"), ("kind", "gopher")], "kind")]
#[case(&[("target", "a.example"), ("long", "1"), ("kind", "tcp"), ("port", "70000")], "port")]
#[case(&[("target", "a.example"), ("tell", "chosen"), ("contact", "con_x")], "contacts")]
fn a_bad_value_is_named_at_its_field(#[case] pairs: &[(&str, &str)], #[case] field: &str) {
    let errors = form(pairs).specs(None).unwrap_err();
    assert!(errors.at(field).is_some(), "{errors:?}");
    assert_eq!(errors.iter().len(), 1, "{errors:?}");
}

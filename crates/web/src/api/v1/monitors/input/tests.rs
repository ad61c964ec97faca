use super::*;

fn json(text: &str) -> Json {
    serde_json::from_str(text).unwrap()
}

fn spec(text: &str) -> MonitorSpec {
    MonitorInput::creating(&json(text)).unwrap().spec
}

#[test]
fn a_patch_changes_what_it_names_and_null_restores_the_default() {
    let before = spec(
        r#"{"url":"https://a.example","name":"A","http":{"headers":{"Z":"1","A":"2"},"keyword":"x"},"tags":["a","b"]}"#,
    );
    let (after, paused) = patched(
        &before,
        json(r#"{"name":null,"http":{"headers":{"A":null,"B":"3"}},"tags":["c"],"paused":true}"#),
    )
    .unwrap();
    assert_eq!(
        after,
        spec(
            r#"{"url":"https://a.example","http":{"headers":{"Z":"1","B":"3"},"keyword":"x"},"tags":["c"]}"#
        )
    );
    assert_eq!(paused, Some(true));
    let (same, paused) = patched(&before, json("{}")).unwrap();
    assert_eq!((same, paused), (before, None));
}

#[test]
fn a_list_is_no_object() {
    for (text, pointer) in [
        (r#"{"url":"https://a.example","confirm":[2,6]}"#, "/confirm"),
        (r#"{"url":"https://a.example","tls":[[1]]}"#, "/tls"),
        (
            r#"{"url":"https://a.example","http":{"json":[["$.a","eq",1]]}}"#,
            "/http/json/0",
        ),
    ] {
        assert_eq!(
            MonitorInput::creating(&json(text)).unwrap_err().errors[0].pointer,
            pointer
        );
    }
}

#[test]
fn what_only_we_set_is_refused_for_a_new_one() {
    let refused =
        MonitorInput::creating(&json(r#"{"url":"https://a.example","status":"up"}"#)).unwrap_err();
    assert_eq!(
        (refused.errors[0].pointer.as_str(), refused.errors[0].code),
        ("/status", "read_only")
    );
}

/// Every block of every kind is stored as it was sent.
#[test]
fn every_block_can_be_sent() {
    for whole in [
        r#"{"kind":"dns","host":"a.example","record":"MX","expected":["10 m.example"],"dns":{"match":"equals","server":"192.0.2.1"}}"#,
        r#"{"kind":"tcp","host":"a.example","port":1,"tcp":{"send":"a","expect":"b"}}"#,
        r#"{"kind":"udp","host":"a.example","port":1,"udp":{"send":"a","expect":"b"}}"#,
        r#"{"kind":"ping","host":"a.example","ping":{"count":2,"max_loss_percent":50,"ip_family":"v6"}}"#,
        r#"{"kind":"tls","host":"a.example","tls":{"warn_days":[1],"starttls":"imap"}}"#,
        r#"{"kind":"smtp","host":"a.example","smtp":{"security":"starttls"}}"#,
        r#"{"kind":"websocket","url":"wss://a.example/","websocket":{"send":"a","expect":"b","verify_tls":false}}"#,
        r#"{"kind":"grpc","host":"a.example","grpc":{"service":"s","tls":true,"verify_tls":false}}"#,
        r#"{"kind":"domain","host":"a.example","domain":{"warn_days":[30]}}"#,
    ] {
        let stored = serde_json::to_value(spec(whole)).unwrap();
        let sent: serde_json::Value = serde_json::from_str(whole).unwrap();
        assert_eq!(stored, sent);
    }
}

#[test]
fn every_field_of_a_stored_monitor_can_be_sent() {
    let whole = r#"{"name":"A","kind":"http","url":"https://a.example","interval_seconds":60,"timeout_ms":1000,
        "http":{"method":"POST","headers":{"A":"b"},"body":"x","follow_redirects":false,"max_redirects":1,
        "expected_status":["200"],"keyword":"a","keyword_absent":"b","regex":"c","json":[{"path":"$.a","op":"eq","value":{"z":1}}],
        "verify_tls":false,"auth":{"basic":{"username":"u","password":"p"}},"ip_family":"both"},"tls":{"warn_days":[1]},"regions":["local"],"confirm":{"rechecks":1,"over_seconds":2},
        "degraded_above_ms":500,"dns_cache":false,"contact_ids":[],"tags":["a"],"key":"k"}"#;
    let spec = spec(whole);
    let stored: serde_json::Value = serde_json::to_value(&spec).unwrap();
    assert_eq!(
        stored,
        serde_json::from_str::<serde_json::Value>(whole).unwrap()
    );
    assert_eq!(serde_json::from_value::<MonitorSpec>(stored).unwrap(), spec);
}

use rstest::rstest;

use super::*;

fn json(text: &str) -> Json {
    serde_json::from_str(text).unwrap()
}

#[rstest]
// The cases of RFC 7396, appendix A.
#[case(r#"{"a":"b"}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#)]
#[case(r#"{"a":"b"}"#, r#"{"b":"c"}"#, r#"{"a":"b","b":"c"}"#)]
#[case(r#"{"a":"b"}"#, r#"{"a":null}"#, "{}")]
#[case(r#"{"a":"b","b":"c"}"#, r#"{"a":null}"#, r#"{"b":"c"}"#)]
#[case(r#"{"a":["b"]}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#)]
#[case(r#"{"a":"c"}"#, r#"{"a":["b"]}"#, r#"{"a":["b"]}"#)]
#[case(
    r#"{"a":{"b":"c"}}"#,
    r#"{"a":{"b":"d","c":null}}"#,
    r#"{"a":{"b":"d"}}"#
)]
#[case(r#"{"a":[{"b":"c"}]}"#, r#"{"a":[1]}"#, r#"{"a":[1]}"#)]
#[case(r#"["a","b"]"#, r#"["c","d"]"#, r#"["c","d"]"#)]
#[case(r#"{"a":"b"}"#, r#"["c"]"#, r#"["c"]"#)]
#[case(r#"{"a":"foo"}"#, "null", "null")]
#[case(r#"{"e":null}"#, r#"{"a":1}"#, r#"{"e":null,"a":1}"#)]
#[case("[1,2]", r#"{"a":"b","c":null}"#, r#"{"a":"b"}"#)]
#[case("{}", r#"{"a":{"bb":{"ccc":null}}}"#, r#"{"a":{"bb":{}}}"#)]
// Order is kept.
#[case(r#"{"z":1,"a":2}"#, r#"{"a":3,"m":4}"#, r#"{"z":1,"a":3,"m":4}"#)]
fn merge_patch(#[case] old: &str, #[case] patch: &str, #[case] merged: &str) {
    assert_eq!(
        serde_json::to_string(&json(old).merged(json(patch))).unwrap(),
        merged
    );
}

#[test]
fn what_is_sent_is_what_is_read() {
    for text in [
        r#"{"b":[1,-2,2.5,"x"],"a":{"z":null,"y":true}}"#,
        "18446744073709551615",
        r#""\u0000é🔔""#,
    ] {
        let read: serde_json::Value = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_value(json(text)).unwrap(), read);
    }
    assert!(
        serde_json::from_str::<Json>(r#"{"a":1,"a":2}"#)
            .unwrap_err()
            .to_string()
            .contains("given twice")
    );
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only decoded")]
struct Sample {
    name: String,
    port: Option<u16>,
    on: Option<bool>,
    kind: Option<domain::monitor::Kind>,
    inner: Option<Inner>,
    ids: Option<Vec<domain::ids::ContactId>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only decoded")]
struct Inner {
    text: Option<String>,
}

#[rstest]
#[case("{}", "/name", "required", "must be given")]
#[case("null", "", "wrong_type", "must be an object, not null")]
#[case("[]", "", "wrong_type", "must be an object, not an array")]
#[case(
    r#"{"name":"x","wrong":1}"#,
    "/wrong",
    "unknown_field",
    "is not a field that this object has"
)]
#[case(
    r#"{"name":"x","a/b~":1}"#,
    "/a~1b~0",
    "unknown_field",
    "is not a field that this object has"
)]
#[case(
    r#"{"name":"x","inner":{"x":1}}"#,
    "/inner/x",
    "unknown_field",
    "is not a field that this object has"
)]
#[case(
    r#"{"name":"x","inner":5}"#,
    "/inner",
    "wrong_type",
    "must be an object, not a number"
)]
#[case(r#"{"name":5}"#, "/name", "wrong_type", "must be a text, not a number")]
#[case(
    r#"{"name":"x","port":"80"}"#,
    "/port",
    "wrong_type",
    "must be a whole number from 0 to 65535, not a text"
)]
#[case(
    r#"{"name":"x","port":70000}"#,
    "/port",
    "out_of_range",
    "must be a whole number from 0 to 65535"
)]
#[case(
    r#"{"name":"x","port":-1}"#,
    "/port",
    "out_of_range",
    "must be a whole number from 0 to 65535"
)]
#[case(
    r#"{"name":"x","port":1.5}"#,
    "/port",
    "wrong_type",
    "must be a whole number from 0 to 65535, not a fraction"
)]
#[case(
    r#"{"name":"x","port":1e30}"#,
    "/port",
    "wrong_type",
    "must be a whole number from 0 to 65535, not a number so large"
)]
#[case(
    r#"{"name":"x","on":"yes"}"#,
    "/on",
    "wrong_type",
    "must be true or false, not a text"
)]
#[case(
    r#"{"name":"x","kind":"ftp"}"#,
    "/kind",
    "invalid",
    "must be one of http, tcp, ping, dns, tls, domain, smtp, websocket, grpc, udp, heartbeat"
)]
#[case(r#"{"name":"x","kind":7}"#, "/kind", "wrong_type", "must be a text")]
#[case(
    r#"{"name":"x","ids":["mon_1"]}"#,
    "/ids/0",
    "invalid",
    "is not an id of the form con_…"
)]
fn complaints_name_the_field(
    #[case] text: &str,
    #[case] pointer: &str,
    #[case] code: &'static str,
    #[case] message: &str,
) {
    assert_eq!(
        json(text).decode::<Sample>().unwrap_err(),
        FieldError::new(pointer, code, message)
    );
}

#[test]
fn a_nul_is_found_wherever_it_is() {
    assert_eq!(
        json(r#"{"a":["x",{"b":"\u0000"}]}"#).nul().as_deref(),
        Some("/a/1/b")
    );
    assert_eq!(json(r#"{"a\u0000":1}"#).nul().as_deref(), Some("/a\0"));
    assert_eq!(json(r#"{"a":"x"}"#).nul(), None);
}

use super::*;
use proptest::prelude::*;
use rstest::rstest;
use serde_json::json;

fn document() -> Value {
    json!({"status": "ok", "n": 3, "a b": {"c": true}, "list": [{"id": 1}, {"id": 2}, {"id": 3}],
           "deep": {"er": {"id": 9}}, "none": null})
}

#[rstest]
#[case("$", 1)]
#[case("$.status", 1)]
#[case("$['a b'].c", 1)]
#[case("$[\"a b\"]['c']", 1)]
#[case("$.list[0].id", 1)]
#[case("$.list[-1].id", 1)]
#[case("$.list[9].id", 0)]
#[case("$.list[*].id", 3)]
#[case("$.list[0,2].id", 2)]
#[case("$.list[1:].id", 2)]
#[case("$.list[::-1].id", 3)]
#[case("$.list[:2:1].id", 2)]
#[case("$..id", 4)]
#[case("$.none", 1)]
#[case("$.absent", 0)]
#[case("$.*", 6)]
#[case("$.list[?@.id > 1].id", 2)]
#[case("$.list[?@.id == 1 || @.id == 3]", 2)]
#[case("$.list[?!(@.id == 1)]", 2)]
#[case("$[?length(@) == 3]", 1)]
#[case("$[?count(@.*) == 1]", 2)]
#[case("$.list[?value(@.id) == 2]", 1)]
fn selects(#[case] path: &str, #[case] count: usize) {
    assert_eq!(Path::parse(path).unwrap().select(&document()).len(), count);
}

#[rstest]
#[case("")]
#[case("status")]
#[case("$.")]
#[case("$[")]
#[case("$['a")]
#[case("$[a]")]
#[case("$.list[?match(@.id, 'x')]")]
#[case("$..a..b")]
#[case("$[?$..a]")]
#[case("$[0,0][0,0][0,0][0,0][0,0]")]
#[case("$x")]
#[case("$[99999999999999999999]")]
fn refuses(#[case] path: &str) {
    assert!(Path::parse(path).is_err());
}

#[rstest]
#[case("$.status", "eq", json!("ok"), true)]
#[case("$.status", "ne", json!("ok"), false)]
#[case("$.status", "contains", json!("o"), true)]
#[case("$.n", "eq", json!(3.0), true)]
#[case("$.n", "eq", json!("3"), false)]
#[case("$.n", "gt", json!(2), true)]
#[case("$.n", "ge", json!(3), true)]
#[case("$.n", "lt", json!(3), false)]
#[case("$.n", "le", json!(3), true)]
#[case("$.list[*].id", "eq", json!(2), true)]
#[case("$.list[*].id", "ne", json!(2), false)]
#[case("$.none", "exists", json!(null), true)]
#[case("$.absent", "exists", json!(null), false)]
#[case("$.absent", "ne", json!(1), false)]
#[case("$.status", "is", json!("ok"), false)]
fn judges(#[case] path: &str, #[case] op: &str, #[case] value: Value, #[case] good: bool) {
    let rule = JsonRule {
        path: path.to_owned(),
        op: op.to_owned(),
        value,
    };
    assert_eq!(holds(&rule, &document()).is_ok(), good);
}

/// The names in quotes are no structure.
#[test]
fn quoted_names_cost_nothing() {
    for path in [
        "$['a..b..c']",
        "$[\"$,$,$,$,$,$\"]",
        r"$['it\'s..', 'a..b']",
    ] {
        assert!(Path::parse(path).is_ok(), "{path}");
    }
}

#[rstest]
#[case("{}", 2)]
#[case(r#"{"a,[": "b\"[,"}"#, 2)]
#[case("[1,[2,3],{}]", 7)]
fn values_are_counted_at_least(#[case] text: &str, #[case] count: usize) {
    assert_eq!(count_values(text.as_bytes()), count);
}

#[rstest]
#[case("^ok$", "ok", true)]
#[case("v[0-9]+\\.[0-9]+", "at v1.20 now", true)]
#[case("(?i)welcome", "WELCOME", true)]
#[case("^ok$", "not ok", false)]
fn patterns_match(#[case] pattern: &str, #[case] body: &str, #[case] matches: bool) {
    assert_eq!(
        Pattern::parse(pattern).unwrap().is_match(body.as_bytes()),
        matches
    );
}

#[rstest]
#[case("(")]
#[case(r"(a)\1")]
#[case("(?=a)")]
#[case(r"(\w{200}){200}")]
fn patterns_refused(#[case] pattern: &str) {
    let error = Pattern::parse(pattern).unwrap_err().to_string();
    assert!(
        error.starts_with("is not a regular expression") && !error.contains('\n'),
        "{error}"
    );
}

proptest! {
    #[test]
    fn no_pattern_breaks_the_compiler(text in "\\PC{0,40}") {
        let _ = Pattern::parse(&text).map(|pattern| pattern.is_match(b"some text"));
    }

    #[test]
    fn no_text_breaks_the_parser(text in "\\PC{0,40}") {
        let _ = Path::parse(&text).map(|path| path.select(&document()).len());
    }

    #[test]
    fn dollar_texts_neither(text in "\\$[\\[\\].*:'a0-9,-]{0,20}") {
        let _ = Path::parse(&text).map(|path| path.select(&document()).len());
    }
}

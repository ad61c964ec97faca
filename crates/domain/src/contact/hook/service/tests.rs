use rstest::rstest;
use serde_json::{Value, json};

use super::*;

fn read(json: Value) -> Service {
    serde_json::from_value(json).unwrap()
}

const TOKEN: &str = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw";
const KEY: &str = "azGDORePK8gMaC0QOYAMyEEuzJnyUi";
const UUID: &str = "8a7b0c1d-2e3f-4a5b-8c7d-9e0f1a2b3c4d";

#[rstest]
#[case(json!({"telegram": {"bot_token": TOKEN, "chat_id": "-1001234567890"}}), "chat -1001234567890")]
#[case(json!({"telegram": {"bot_token": TOKEN, "chat_id": "@shop_alerts"}}), "chat @shop_alerts")]
#[case(json!({"matrix": {"homeserver": "https://matrix.example", "room_id": "!x8Kq:example", "access_token": "syt_YW5h_x8Kq2LmN"}}), "matrix.example/!x8Kq:example")]
#[case(json!({"ntfy": {"topic": "shop-alerts-x8Kq"}}), "ntfy.sh/…x8Kq")]
#[case(json!({"ntfy": {"server": "https://push.example/", "topic": "ops", "token": "tk_AgQdq7mVBoFD37zQVN29RhuMzNIz2"}}), "push.example/…")]
#[case(json!({"pushover": {"user_key": "uQiRzpo4DXghDmr9QzzfQu27cmVRsG", "app_token": KEY}}), "key …VRsG")]
#[case(json!({"gotify": {"server": "https://push.example/gotify", "app_token": "AwLoxKPN.x8Kq2L"}}), "push.example/…Kq2L")]
#[case(json!({"pagerduty": {"integration_key": "e93facc04764012d7bfb002500d5d1a6"}}), "key …d1a6")]
#[case(json!({"opsgenie": {"api_key": UUID, "region": "eu"}}), "key …3c4d (EU)")]
fn the_right_ones_and_what_is_shown_of_them(#[case] typed: Value, #[case] shown: &str) {
    let service = read(typed.clone());
    assert_eq!(service.check(AddressPolicy::Hosted), Ok(()));
    assert_eq!(service.display(), shown);
    let word = service.channel().as_str();
    assert!(typed.get(word).is_some(), "{word}");
    assert_eq!(format!("{service:?}"), format!("Service({shown})"));
    let masked = serde_json::to_string(&service.masked("••••")).unwrap();
    for secret in [
        TOKEN,
        "syt_YW5h",
        "x8Kq2L",
        "alerts-x8",
        "tk_Ag",
        KEY,
        "uQiR",
        "e93f",
        UUID,
    ] {
        assert!(!masked.contains(secret), "{masked}");
    }
    assert_eq!(read(serde_json::to_value(&service).unwrap()), service);
}

#[rstest]
#[case(json!({"telegram": {"bot_token": "bot", "chat_id": "ops"}}), &["bot_token", "chat_id"], "@BotFather")]
#[case(json!({"telegram": {"bot_token": TOKEN, "chat_id": "-"}}), &["chat_id"], "@name")]
#[case(json!({"telegram": {"bot_token": TOKEN, "chat_id": "7", "server": "https://bots.example"}}), &["server"], "host yourself")]
#[case(json!({"matrix": {"homeserver": "http://matrix.example", "room_id": "#ops:example", "access_token": "syt_YW5h_x8Kq"}}), &["homeserver", "room_id"], "https://")]
#[case(json!({"matrix": {"homeserver": "https://10.0.0.1", "room_id": "!x:y", "access_token": "a b"}}), &["homeserver", "access_token"], "10.0.0.1")]
#[case(json!({"ntfy": {"topic": "ntfy.sh/ops"}}), &["topic"], "without the server")]
#[case(json!({"ntfy": {"server": "https://ntfy.sh/?x=1", "topic": "ops"}}), &["server"], "only the address")]
#[case(json!({"pushover": {"user_key": KEY, "app_token": KEY}}), &["app_token"], "same as the user key")]
#[case(json!({"pushover": {"user_key": "ana@shop.example", "app_token": KEY}}), &["user_key"], "30 letters")]
#[case(json!({"gotify": {"server": "https://push.example", "app_token": "CwLoxKPN.x8Kq2L"}}), &["app_token"], "Apps")]
#[case(json!({"pagerduty": {"integration_key": "u+8Kq2LmN0pRs7TuVc3X"}}), &["integration_key"], "Events API V2")]
#[case(json!({"opsgenie": {"api_key": "short"}}), &["api_key"], "API integration")]
fn the_wrong_ones_say_where_to_look(
    #[case] typed: Value,
    #[case] fields: &[&str],
    #[case] said: &str,
) {
    let errors = read(typed).check(AddressPolicy::Hosted).unwrap_err();
    let named: Vec<&str> = errors.iter().map(|error| error.field).collect();
    assert_eq!(named, fields, "{errors:?}");
    assert!(errors[0].message.contains(said), "{errors:?}");
}

#[test]
fn who_hosts_watchbell_names_any_server() {
    for typed in [
        json!({"telegram": {"bot_token": TOKEN, "chat_id": "7", "server": "http://127.0.0.1:8081"}}),
        json!({"pagerduty": {"integration_key": "e93facc04764012d7bfb002500d5d1a6", "server": "http://127.0.0.1:9000/pd"}}),
        json!({"gotify": {"server": "http://push.lan", "app_token": "AwLoxKPN.x8Kq2L"}}),
    ] {
        assert_eq!(read(typed).check(AddressPolicy::SelfHosted), Ok(()));
    }
}

#[test]
fn what_nobody_knows_is_refused() {
    for typed in [
        json!({"telegram": {"bot_token": TOKEN, "chat_id": "7", "silent": true}}),
        json!({"opsgenie": {"api_key": UUID, "region": "mars"}}),
        json!({"slack": {"url": "https://hooks.slack.com/"}}),
    ] {
        assert!(serde_json::from_value::<Service>(typed).is_err());
    }
}

use std::collections::BTreeMap;

use super::*;

fn read(pairs: &[(&str, &str)]) -> Result<Settings, SettingsError> {
    let values: BTreeMap<String, String> = pairs
        .iter()
        .map(|(name, value)| (format!("WATCHBELL_{name}"), (*value).to_owned()))
        .collect();
    Settings::read(Source::of(values))
}

#[test]
fn nothing_set_is_a_local_service() {
    let settings = read(&[]).unwrap();
    assert_eq!(settings.base(), "http://localhost:8080");
    assert!(settings.is_local());
    assert_eq!(settings.egress, AddressPolicy::Hosted);
    assert_eq!(settings.target_budget, Some(20));
    assert_eq!(
        settings.user_agent,
        "Watchbell/1 (+http://localhost:8080/bot)"
    );
    assert_eq!(
        (settings.region.as_str(), settings.region_name.as_str()),
        ("local", "local")
    );
    assert!(settings.canaries.is_none());
}

#[test]
fn all_errors_come_at_once() {
    let error = read(&[
        ("LISTEN", "eight"),
        ("EGRESS", "open"),
        ("BASE_URL", "ftp://x"),
        ("TRUSTED_PROXIES", "10.0.0.0/99"),
        ("DATABASE_POOL", "many"),
        ("SECRET_KEY", "short"),
        ("TWILIO_ACCOUNT_SID", "AC1"),
    ])
    .unwrap_err();
    assert_eq!(error.0.len(), 8, "{error}");
    for name in [
        "LISTEN",
        "EGRESS",
        "BASE_URL",
        "TRUSTED_PROXIES",
        "DATABASE_POOL",
        "SECRET_KEY",
        "TWILIO_AUTH_TOKEN",
        "TWILIO_FROM",
    ] {
        assert!(
            error
                .0
                .iter()
                .any(|line| line.starts_with(&format!("WATCHBELL_{name} "))),
            "{name}: {error}"
        );
    }
}

#[test]
fn each_wrong_value_is_named() {
    for (name, value) in [
        ("DATABASE_URL", "mysql://db/watchbell"),
        ("DATABASE_READ_URL", "replica"),
        ("DATABASE_POOL", "0"),
        ("TLS_ROOTS", "/no/such/file.pem"),
        ("USER_AGENT", "Watch\u{1}bell"),
        ("MAIL_FROM", "Watchbell <alerts>"),
        ("OPERATOR_MAIL", "Ops <ops@watch.example>"),
        ("LOG", "=,="),
    ] {
        let error = read(&[(name, value), ("SIGNUP", "maybe")]).unwrap_err();
        let names: Vec<&str> = error
            .0
            .iter()
            .filter_map(|line| line.split(' ').next())
            .collect();
        assert_eq!(
            names,
            [format!("WATCHBELL_{name}"), "WATCHBELL_SIGNUP".to_owned()],
            "{error}"
        );
    }
}

#[test]
fn empty_canaries_are_off_and_lists_are_split() {
    let settings = read(&[
        ("CANARIES", ""),
        ("DNS_SERVERS", "127.0.0.1:5353, ::1"),
        (
            "SECRET_KEY",
            "the newest key, long enough,the older key, long",
        ),
        ("EGRESS", "self-hosted"),
        ("LISTEN", "0.0.0.0:9000"),
    ]);
    let settings = settings.unwrap_err();
    assert!(
        settings.0[0].contains("16 characters"),
        "a comma splits keys: {settings}"
    );
    let settings = read(&[
        ("CANARIES", ""),
        ("DNS_SERVERS", "127.0.0.1:5353, ::1"),
        ("EGRESS", "self-hosted"),
        ("LISTEN", "0.0.0.0:9000"),
    ])
    .unwrap();
    assert_eq!(settings.canaries, Some(vec![]));
    assert_eq!(
        settings.dns_servers,
        [
            "127.0.0.1:5353".parse().unwrap(),
            "[::1]:53".parse().unwrap()
        ]
    );
    assert_eq!(settings.target_budget, None);
    assert!(!settings.is_local() && settings.base_is_loopback());
}

#[test]
fn an_env_file_names_its_wrong_lines_and_keeps_their_secrets() {
    let path = std::env::temp_dir().join(format!("watchbell-{}.env", std::process::id()));
    let load = || Source::load(Some(&path)).map(drop);
    let said = |outcome: Result<(), SettingsError>| outcome.unwrap_err().0;
    let name = path.display();
    assert_eq!(
        said(load()),
        [format!("--env-file {name}: there is no such file")]
    );
    std::fs::write(&path, b"\xff\xfe").unwrap();
    assert_eq!(
        said(load()),
        [format!("--env-file {name}: it is not UTF-8 text")]
    );
    let text = "# a comment\nWATCHBELL_REGION=eu\n\n  WATCHBELL_SECRET_KEY hunter2\nexport WATCHBELL_LOG=\"info\n";
    std::fs::write(&path, text).unwrap();
    let complaints = said(load());
    assert_eq!(
        complaints[0],
        format!("--env-file {name}, line 4: this is no NAME=value")
    );
    assert!(!complaints.join(" ").contains("hunter2"), "{complaints:?}");
    std::fs::write(&path, "WATCHBELL_REGION=eu\n").unwrap();
    assert!(load().is_ok());
    std::fs::remove_file(&path).unwrap();
}

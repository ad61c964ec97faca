//! The command line, as operators and their scripts use it.

use serde_json::Value;
use testkit::{Behaviour, SwitchableSite};
use tokio::net::TcpListener;

use crate::support::database::StoryDatabase;
use crate::support::program::{Settings, free_port};

#[tokio::test(flavor = "multi_thread")]
async fn a_look_from_the_command_line() {
    let site = SwitchableSite::start().await;
    let settings = Settings::local("");
    let url = site.url("/health");
    let (status, out, _) = settings.run(&["check", &url]).await;
    assert_eq!(status, 0, "{out}");
    assert!(
        out.starts_with(&format!("UP {url}")) && out.contains("Phases") && out.contains("200"),
        "{out}"
    );

    site.set(Behaviour::Status(502));
    let (status, out, _) = settings.run(&["check", &url, "--json"]).await;
    assert_eq!(status, 1);
    let check: Value = serde_json::from_str(&out).expect("one Check object");
    assert_eq!(
        (&check["verdict"], &check["http_status"], &check["slot"]),
        (&"down".into(), &502.into(), &Value::Null)
    );
    assert_eq!(check["failure"]["class"], "http_status");
    assert!(
        check["phases_ms"]["connect"].is_number() && check["diagnosis"]["sentence"].is_string(),
        "{check}"
    );

    // Up by its status, and its words say otherwise.
    site.set(Behaviour::Page {
        status: 200,
        headers: Vec::new(),
        body: "<title>502 Bad Gateway</title>".to_owned(),
    });
    let (status, out, _) = settings.run(&["check", &url]).await;
    assert_eq!(status, 0, "{out}");
    assert!(out.contains("says \"502 bad gateway\""), "{out}");

    site.set(Behaviour::Hang);
    let (status, out, _) = settings
        .run(&["check", &url, "--json", "--timeout", "1"])
        .await;
    let check: Value = serde_json::from_str(&out).expect("one Check object");
    assert_eq!(
        (status, &check["failure"]["class"]),
        (1, &"http_timeout".into())
    );

    let hosted = settings.clone().with("EGRESS", "hosted");
    let (status, out, _) = hosted.run(&["check", &url, "--json"]).await;
    let check: Value = serde_json::from_str(&out).expect("one Check object");
    assert_eq!(
        (status, &check["verdict"], &check["failure"]["class"]),
        (3, &"unknown".into(), &"target_refused".into())
    );

    for wrong in [
        vec!["check"],
        vec!["check", "shop.example"],
        vec!["check", "ftp://shop.example/", "--json"],
        vec!["check", &url, "--timeout", "x"],
    ] {
        let (status, out, err) = settings.run(&wrong).await;
        assert_eq!((status, out.as_str()), (2, ""), "{wrong:?}");
        assert!(!err.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_settings_are_told_all_at_once() {
    let settings = Settings::local("")
        .with("LISTEN", "nowhere")
        .with("EGRESS", "open")
        .with("SMTP_URL", "http://x");
    let (status, out, err) = settings.run(&["serve"]).await;
    assert_eq!((status, out.as_str()), (2, ""));
    for name in ["WATCHBELL_LISTEN", "WATCHBELL_EGRESS", "WATCHBELL_SMTP_URL"] {
        assert!(err.contains(name), "{err}");
    }
    let alone = Settings::embedded();
    for role in ["web", "worker", "notifier"] {
        let (status, _, err) = alone.run(&[role]).await;
        assert!(
            status == 2 && err.contains("WATCHBELL_DATABASE_URL"),
            "{role}: {err}"
        );
    }
    let public = Settings::embedded().with("BASE_URL", "https://watchbell.example");
    let (status, _, err) = public.run(&["serve"]).await;
    assert!(status == 2 && err.contains("WATCHBELL_"), "{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_port_is_one_sentence() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (status, out, err) = Settings::embedded()
        .with("LISTEN", &address)
        .run(&["serve"])
        .await;
    assert_eq!((status, out.as_str()), (1, ""));
    assert!(
        err.contains("WATCHBELL_LISTEN") && err.lines().count() == 1,
        "{err}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_step_and_what_comes_before_it() {
    let database = StoryDatabase::fresh().await;
    let ops = free_port();
    let settings = Settings::local(&database.url).with("OPS_LISTEN", &format!("127.0.0.1:{ops}"));
    assert_eq!(settings.run(&["migrate", "--check"]).await.0, 1);
    let (status, _, err) = settings.run(&["worker"]).await;
    assert!(status == 1 && err.contains("watchbell migrate"), "{err}");
    assert_eq!(settings.run(&["migrate"]).await.0, 0);
    assert_eq!(settings.run(&["migrate", "--check"]).await.0, 0);

    let url = format!("http://127.0.0.1:{ops}");
    assert_eq!(settings.run(&["healthcheck", "--url", &url]).await.0, 1);
    let worker = settings.start("worker", &format!("{url}/readyz")).await;
    assert_eq!(settings.run(&["healthcheck", "--url", &url]).await.0, 0);
    assert_eq!(worker.terminate().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_makes_accounts_on_the_embedded_database() {
    let settings = Settings::embedded();
    let args = [
        "admin",
        "create-account",
        "--email",
        "owner@shop.example",
        "--verified",
        "--api-key",
        "--json",
    ];
    let (status, out, err) = settings.run(&args).await;
    assert_eq!(status, 0, "{err}");
    let account: Value = serde_json::from_str(&out).expect("JSON alone on stdout");
    for (name, prefix) in [
        ("account_id", "acc_"),
        ("user_id", "usr_"),
        ("email", "owner@"),
        ("api_key", "wb_"),
    ] {
        assert!(
            account[name]
                .as_str()
                .is_some_and(|value| value.starts_with(prefix)),
            "{name}: {account}"
        );
    }
    let (status, _, err) = settings.run(&args).await;
    assert!(status == 1 && err.contains("exists"), "{err}");
    let plan = async |email, plan| {
        let args = ["admin", "set-plan", "--email", email, "--plan", plan];
        settings.run(&args).await.0
    };
    assert_eq!(plan("owner@shop.example", "team").await, 0);
    assert_eq!(plan("nobody@shop.example", "team").await, 1);
    assert_eq!(plan("owner@shop.example", "huge").await, 2);
    let args = ["admin", "grant-credits", "--email", "owner@shop.example"];
    let args = [&args[..], &["--amount", "10.00"]].concat();
    let (status, out, _) = settings.run(&args).await;
    assert!(status == 0 && out.contains("10.00"), "{out}");
    assert_eq!(settings.run(&["admin", "rotate-secrets"]).await.0, 0);
}

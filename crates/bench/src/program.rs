//! The program under test.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::{Value, json};
use tokio::process::{Child, Command};
use tokio::time::Instant;

/// A running `watchbell serve` with an account on the largest plan.
pub struct Program {
    child: Child,
    base: String,
    key: String,
    client: reqwest::Client,
}

fn binary() -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe()?;
    Ok(own.parent().context("a folder")?.join("watchbell"))
}

impl Program {
    /// Starts it on a fresh database of the server at `server_url`.
    pub async fn start(server_url: &str) -> anyhow::Result<Self> {
        let name = format!("bench_{}", uuid::Uuid::now_v7().simple());
        let created = Command::new("psql")
            .args(["-q", server_url, "-c", &format!("CREATE DATABASE {name}")])
            .status()
            .await?;
        anyhow::ensure!(created.success(), "no fresh database");
        let (root, _) = server_url
            .rsplit_once('/')
            .context("a database in DATABASE_URL")?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let settings = [
            ("WATCHBELL_DATABASE_URL", format!("{root}/{name}")),
            (
                "WATCHBELL_SECRET_KEY",
                "the key of a bench which is long enough".to_owned(),
            ),
            ("WATCHBELL_EGRESS", "self-hosted".to_owned()),
            ("WATCHBELL_CANARIES", String::new()),
            ("WATCHBELL_LISTEN", format!("127.0.0.1:{port}")),
            ("WATCHBELL_LOG", "warn".to_owned()),
        ];
        let started = Instant::now();
        let child = Command::new(binary()?)
            .arg("serve")
            .envs(settings.clone())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("build the program first")?;
        let client = reqwest::Client::new();
        let base = format!("http://127.0.0.1:{port}");
        while !client
            .get(format!("{base}/readyz"))
            .send()
            .await
            .is_ok_and(|answer| answer.status().is_success())
        {
            if started.elapsed() > Duration::from_secs(60) {
                bail!("the program is not ready after 60 s");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let args = [
            "admin",
            "create-account",
            "--email",
            "bench@shop.example",
            "--plan",
            "enterprise",
            "--verified",
            "--api-key",
            "--json",
        ];
        let output = Command::new(binary()?)
            .args(args)
            .envs(settings)
            .output()
            .await?;
        let account: Value = serde_json::from_slice(&output.stdout).context("an account")?;
        let key = account["api_key"].as_str().context("a key")?.to_owned();
        Ok(Self {
            child,
            base,
            key,
            client,
        })
    }

    /// Watches `url` at the usual interval.
    pub async fn watch(&self, url: &str) -> anyhow::Result<()> {
        loop {
            let request = self
                .client
                .post(format!("{}/api/v1/monitors", self.base))
                .bearer_auth(&self.key);
            let answer = request.json(&json!({ "url": url })).send().await?;
            match answer.status().as_u16() {
                201 => return Ok(()),
                429 => {
                    let wait = answer
                        .headers()
                        .get("retry-after")
                        .and_then(|value| value.to_str().ok()?.parse().ok());
                    tokio::time::sleep(Duration::from_secs(wait.unwrap_or(1))).await;
                }
                status => bail!("{status}: {}", answer.text().await?),
            }
        }
    }

    /// What `/metrics` says now.
    pub async fn metrics(&self) -> anyhow::Result<String> {
        Ok(self
            .client
            .get(format!("{}/metrics", self.base))
            .send()
            .await?
            .text()
            .await?)
    }

    /// Ends it.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        let pid = self.child.id().context("running")?.to_string();
        Command::new("kill").args(["-TERM", &pid]).status().await?;
        self.child.wait().await?;
        Ok(())
    }
}

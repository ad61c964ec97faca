//! The program under test.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use egress::Trusted;
use egress::http::{ProviderClient, Request, Response};
use serde_json::{Value, json};
use tokio::process::{Child, Command};
use tokio::time::Instant;

/// One call of the program.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running `watchbell serve` with an account on the largest plan.
pub struct Program {
    child: Child,
    key: String,
    client: ProviderClient,
    database_url: String,
}

/// How late looks were, milliseconds, in order.
#[derive(Debug)]
pub struct Lateness {
    sorted: Vec<f64>,
    /// Looks that were measured.
    pub looks: usize,
    /// Slots that had none.
    pub missing: i64,
}

impl Lateness {
    fn quantile(&self, q: f64) -> f64 {
        let rank = (self.sorted.len() as f64 * q).ceil() as usize;
        self.sorted
            .get(rank.clamp(1, self.sorted.len().max(1)) - 1)
            .copied()
            .unwrap_or(f64::NAN)
    }

    /// The median.
    pub fn p50(&self) -> f64 {
        self.quantile(0.5)
    }

    /// Of a hundred looks the second latest.
    pub fn p99(&self) -> f64 {
        self.quantile(0.99)
    }

    /// The latest.
    pub fn max(&self) -> f64 {
        self.quantile(1.0)
    }
}

fn binary() -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe()?;
    Ok(own.parent().context("a folder")?.join("watchbell"))
}

/// Runs a statement and answers what it prints.
async fn psql(url: &str, statement: &str) -> anyhow::Result<String> {
    let output = Command::new("psql")
        .args(["-qAtX", "-v", "ON_ERROR_STOP=1", url, "-c", statement])
        .output()
        .await
        .context("psql is installed")?;
    let said = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "{said}");
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

impl Program {
    /// Starts it on a fresh database of the server at `server_url`, without canaries.
    pub async fn start(server_url: &str) -> anyhow::Result<Self> {
        Self::start_with(server_url, "").await
    }

    /// The same with these canaries (`url,url`).
    pub async fn start_with(server_url: &str, canaries: &str) -> anyhow::Result<Self> {
        let name = format!("bench_{}", uuid::Uuid::now_v7().simple());
        psql(server_url, &format!("CREATE DATABASE {name}")).await?;
        let (root, _) = server_url
            .rsplit_once('/')
            .context("a database in DATABASE_URL")?;
        let database_url = format!("{root}/{name}");
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let settings = [
            ("WATCHBELL_DATABASE_URL", database_url.clone()),
            (
                "WATCHBELL_SECRET_KEY",
                "the key of a bench which is long enough".to_owned(),
            ),
            ("WATCHBELL_EGRESS", "self-hosted".to_owned()),
            ("WATCHBELL_CANARIES", canaries.to_owned()),
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
        let base = format!("http://127.0.0.1:{port}/").parse()?;
        let way_out = testkit::way_out::way_out(None, None);
        let client = ProviderClient::new(&way_out, &Trusted::from_operator_configuration(base))?;
        // Behind a network that answers for addresses that nobody has, a worker that asks canaries is never
        // ready, as it should be; what is measured here goes on all the same.
        let ready = match canaries.is_empty() {
            true => "readyz",
            false => "healthz",
        };
        loop {
            let answer = client.send(ready, Request::get(), started + PATIENCE * 2);
            if answer.await.is_ok_and(|answer| answer.is_success()) {
                break;
            }
            if started.elapsed() > PATIENCE * 2 {
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
            key,
            client,
            database_url,
        })
    }

    async fn send(&self, path: &str, request: Request) -> anyhow::Result<Response> {
        let deadline = Instant::now() + PATIENCE;
        Ok(self.client.send(path, request, deadline).await?)
    }

    /// Watches `url`.
    pub async fn watch(
        &self,
        url: &str,
        interval_seconds: u32,
        timeout_ms: u32,
    ) -> anyhow::Result<()> {
        let body = json!({
            "url": url, "interval_seconds": interval_seconds, "timeout_ms": timeout_ms,
        });
        loop {
            let request = Request::post_json(body.to_string())
                .header("authorization", &format!("Bearer {}", self.key))?;
            let answer = self.send("api/v1/monitors", request).await?;
            match answer.status {
                201 => return Ok(()),
                429 => {
                    let wait = answer.retry_after().unwrap_or(Duration::from_secs(1));
                    tokio::time::sleep(wait).await;
                }
                status => bail!("{status}: {}", answer.text()),
            }
        }
    }

    /// What `/metrics` says now.
    pub async fn metrics(&self) -> anyhow::Result<String> {
        Ok(self.send("metrics", Request::get()).await?.text())
    }

    /// The number that a statement answers.
    pub async fn count(&self, statement: &str) -> anyhow::Result<i64> {
        Ok(psql(&self.database_url, statement).await?.parse()?)
    }

    /// The database's time.
    pub async fn now(&self) -> anyhow::Result<String> {
        psql(&self.database_url, "SELECT clock_timestamp()").await
    }

    /// How late the good looks of slots from `from` on for so many seconds were; `slots` is how many
    /// there should be. Looks are stored within a second of their end, so that this waits a little.
    pub async fn healthy_lateness(
        &self,
        from: &str,
        seconds: u32,
        slots: u32,
    ) -> anyhow::Result<Lateness> {
        tokio::time::sleep(Duration::from_secs(5)).await;
        let late = format!(
            "SELECT extract(epoch FROM at - slot) * 1000 FROM checks WHERE verdict = 0 \
             AND slot >= '{from}' AND slot < '{from}'::timestamptz + interval '{seconds} s' ORDER BY 1"
        );
        let text = psql(&self.database_url, &late).await?;
        let sorted: Vec<f64> = text.lines().map(str::parse).collect::<Result<_, _>>()?;
        Ok(Lateness {
            looks: sorted.len(),
            missing: i64::from(slots) - i64::try_from(sorted.len())?,
            sorted,
        })
    }

    /// Ends it.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        let pid = self.child.id().context("running")?.to_string();
        Command::new("kill").args(["-TERM", &pid]).status().await?;
        self.child.wait().await?;
        Ok(())
    }
}

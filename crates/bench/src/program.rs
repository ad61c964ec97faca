//! The program under test.

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
    child: Option<Child>,
    customer: Customer,
    client: ProviderClient,
    settings: Vec<(&'static str, String)>,
    database_url: String,
}

/// Somebody with an account and a key to write with.
#[derive(Debug, Clone)]
pub struct Customer {
    /// Of its owner.
    pub email: String,
    key: String,
    /// Each comes from an address of its own, as customers do: some limits are an address's.
    address: String,
}

impl Customer {
    /// A request of theirs.
    pub fn sign(&self, request: Request) -> anyhow::Result<Request> {
        let request = request.header("authorization", &format!("Bearer {}", self.key))?;
        Ok(request.header("x-forwarded-for", &self.address)?)
    }
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

/// Of numbers in order: the least that `q` of them do not exceed.
pub fn quantile(sorted: &[f64], q: f64) -> f64 {
    let rank = (sorted.len() as f64 * q).ceil() as usize;
    sorted
        .get(rank.clamp(1, sorted.len().max(1)) - 1)
        .copied()
        .unwrap_or(f64::NAN)
}

impl Lateness {
    fn quantile(&self, q: f64) -> f64 {
        quantile(&self.sorted, q)
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

/// The program beside this one.
pub fn binary() -> anyhow::Result<PathBuf> {
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
        Self::start_with(server_url, "", &[]).await
    }

    /// The same with these canaries (`url,url`) and further settings.
    pub async fn start_with(
        server_url: &str,
        canaries: &str,
        further: &[(&'static str, String)],
    ) -> anyhow::Result<Self> {
        let name = format!("bench_{}", uuid::Uuid::now_v7().simple());
        psql(server_url, &format!("CREATE DATABASE {name}")).await?;
        let (root, _) = server_url
            .rsplit_once('/')
            .context("a database in DATABASE_URL")?;
        let database_url = format!("{root}/{name}");
        let port = testkit::free_port();
        let mut settings = vec![
            ("WATCHBELL_DATABASE_URL", database_url.clone()),
            (
                "WATCHBELL_SECRET_KEY",
                "the key of a bench which is long enough".to_owned(),
            ),
            ("WATCHBELL_EGRESS", "self-hosted".to_owned()),
            ("WATCHBELL_CANARIES", canaries.to_owned()),
            ("WATCHBELL_LISTEN", format!("127.0.0.1:{port}")),
            ("WATCHBELL_LOG", "error".to_owned()),
            ("WATCHBELL_TRUSTED_PROXIES", "127.0.0.1/32".to_owned()),
        ];
        settings.extend_from_slice(further);
        let started = Instant::now();
        let child = Command::new(binary()?)
            .arg("serve")
            .envs(settings.iter().cloned())
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
        let customer = customer(&settings, "bench@shop.example", "enterprise").await?;
        Ok(Self {
            child: Some(child),
            customer,
            client,
            settings,
            database_url,
        })
    }

    /// One more customer, whose address is verified.
    pub async fn customer(&self, email: &str, plan: &str) -> anyhow::Result<Customer> {
        customer(&self.settings, email, plan).await
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
        self.post(&self.customer, "monitors", &body).await?;
        Ok(())
    }

    /// Posts to the API as `customer`, and waits while it asks to.
    pub async fn post(
        &self,
        customer: &Customer,
        path: &str,
        body: &Value,
    ) -> anyhow::Result<Value> {
        loop {
            let request = customer.sign(Request::post_json(body.to_string()))?;
            let answer = self.send(&format!("api/v1/{path}"), request).await?;
            match answer.status {
                200..=299 => return Ok(serde_json::from_str(&answer.text())?),
                429 => {
                    let wait = answer.retry_after().unwrap_or(Duration::from_secs(1));
                    anyhow::ensure!(wait <= PATIENCE * 2, "{path}: {}", answer.text());
                    tokio::time::sleep(wait).await;
                }
                status => bail!("{path}: {status}: {}", answer.text()),
            }
        }
    }

    /// What the API answers to `customer`.
    pub async fn get(&self, customer: &Customer, path: &str) -> anyhow::Result<Value> {
        let request =
            Request::get().header("authorization", &format!("Bearer {}", customer.key))?;
        let answer = self.send(&format!("api/v1/{path}"), request).await?;
        anyhow::ensure!(answer.is_success(), "{path}: {}", answer.text());
        Ok(serde_json::from_str(&answer.text())?)
    }

    /// The most memory that it ever held, MiB; nothing where the kernel does not say.
    pub fn peak_memory(&self) -> Option<u64> {
        let pid = self.child.as_ref()?.id()?;
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
        let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
        Some(kib / 1_024)
    }

    /// What `/metrics` says now.
    pub async fn metrics(&self) -> anyhow::Result<String> {
        Ok(self.send("metrics", Request::get()).await?.text())
    }

    /// The numbers of a statement's rows, in its order.
    pub async fn numbers(&self, statement: &str) -> anyhow::Result<Vec<f64>> {
        let text = psql(&self.database_url, statement).await?;
        Ok(text.lines().map(str::parse).collect::<Result<_, _>>()?)
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
        let sorted = self.numbers(&late).await?;
        Ok(Lateness {
            looks: sorted.len(),
            missing: i64::from(slots) - i64::try_from(sorted.len())?,
            sorted,
        })
    }

    /// One more client of it.
    pub fn client(&self) -> anyhow::Result<ProviderClient> {
        let listen = self
            .settings
            .iter()
            .find(|(name, _)| *name == "WATCHBELL_LISTEN");
        let (_, listen) = listen.context("it listens")?;
        let base = format!("http://{listen}/").parse()?;
        let way_out = testkit::way_out::way_out(None, None);
        Ok(ProviderClient::new(
            &way_out,
            &Trusted::from_operator_configuration(base),
        )?)
    }

    /// Makes a monitor as the API is asked to.
    pub async fn make(&self, body: &Value) -> anyhow::Result<()> {
        self.post(&self.customer, "monitors", body).await?;
        Ok(())
    }

    /// Runs a statement.
    pub async fn sql(&self, statement: &str) -> anyhow::Result<()> {
        psql(&self.database_url, statement).await?;
        Ok(())
    }

    /// What a statement prints.
    pub async fn text(&self, statement: &str) -> anyhow::Result<String> {
        psql(&self.database_url, statement).await
    }

    /// What it was started with.
    pub fn settings(&self) -> &[(&'static str, String)] {
        &self.settings
    }

    /// Ends the process; its database stays.
    pub async fn pause(mut self) -> anyhow::Result<Self> {
        if let Some(mut child) = self.child.take() {
            let pid = child.id().context("running")?.to_string();
            Command::new("kill").args(["-TERM", &pid]).status().await?;
            child.wait().await?;
        }
        Ok(self)
    }

    /// Ends it.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.pause().await.map(|_| ())
    }
}

async fn customer(
    settings: &[(&'static str, String)],
    email: &str,
    plan: &str,
) -> anyhow::Result<Customer> {
    let args = [
        "admin",
        "create-account",
        "--email",
        email,
        "--plan",
        plan,
        "--verified",
        "--api-key",
        "--json",
    ];
    let output = Command::new(binary()?)
        .args(args)
        .envs(settings.iter().cloned())
        .output()
        .await?;
    let account: Value = serde_json::from_slice(&output.stdout).context("an account")?;
    let key = account["api_key"].as_str().context("a key")?.to_owned();
    let digest = email.bytes().fold(0_u32, |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(byte.into())
    });
    let address = std::net::Ipv4Addr::from(0x0a00_0000 | digest & 0x00ff_ffff).to_string();
    Ok(Customer {
        email: email.to_owned(),
        key,
        address,
    })
}

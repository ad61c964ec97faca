//! The real program, started and killed like an operator's.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

pub use testkit::free_port;
use testkit::telephony::{self, Telephony};
use tokio::process::{Child, Command};

use super::folder::Folder;
use super::wait;

/// Where the built program is.
pub fn binary() -> PathBuf {
    std::env::var("WATCHBELL_TEST_BINARY")
        .map(PathBuf::from)
        .unwrap_or_else(|_| {
            let target =
                PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/debug/watchbell");
            assert!(
                target.exists(),
                "build the program first: cargo build -p app"
            );
            target
        })
}

/// The settings of a story's processes.
#[derive(Clone)]
pub struct Settings {
    vars: Vec<(String, String)>,
    /// The machine's own clock as its processes see it: a file with seconds to add, and what fakes it.
    clock: Option<(PathBuf, PathBuf)>,
    /// The network namespace its processes run in.
    network: Option<String>,
    /// Where the web role listens.
    pub port: u16,
    /// A folder of this story.
    pub dir: Arc<Folder>,
}

impl Settings {
    /// Self-hosted egress on loopback, no canaries, on the database at `url`.
    pub fn local(database_url: &str) -> Self {
        let port = free_port();
        let mut settings = Self {
            vars: Vec::new(),
            clock: None,
            network: None,
            port,
            dir: Arc::new(Folder::new()),
        };
        for (name, value) in [
            ("DATABASE_URL", database_url),
            ("SECRET_KEY", "the key of a story, long enough to be one"),
            ("EGRESS", "self-hosted"),
            ("CANARIES", ""),
            ("DNS_SERVERS", "127.0.0.1:9"),
            ("LISTEN", &format!("127.0.0.1:{port}")),
            ("BASE_URL", &format!("http://localhost:{port}")),
            ("LOG", "info"),
        ] {
            settings
                .vars
                .push((format!("WATCHBELL_{name}"), value.to_owned()));
        }
        settings
    }

    /// The same on an embedded database of its own.
    pub fn embedded() -> Self {
        let mut settings = Self::local("");
        settings
            .vars
            .retain(|(name, _)| name != "WATCHBELL_DATABASE_URL");
        settings
    }

    /// With one more setting.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        let name = format!("WATCHBELL_{name}");
        self.vars.retain(|(known, _)| *known != name);
        self.vars.push((name, value.to_owned()));
        self
    }

    /// On a machine whose clock steps: by so many seconds as [`Settings::step_clock`] says, while its
    /// monotonic clock goes on. `None` where libfaketime is not installed.
    pub fn on_a_stepping_clock(mut self) -> Option<Self> {
        let library = std::fs::read_dir("/usr/lib")
            .ok()?
            .flatten()
            .map(|entry| entry.path().join("faketime/libfaketimeMT.so.1"))
            .find(|path| path.exists())?;
        self.clock = Some((self.dir.join("clock"), library));
        self.step_clock(0);
        Some(self)
    }

    /// From now on the clock of its machine is so many seconds ahead.
    pub fn step_clock(&self, seconds: i64) {
        let (file, _) = self.clock.as_ref().expect("a clock that steps");
        let new = file.with_extension("new");
        std::fs::write(&new, format!("{seconds:+}\n")).expect("written");
        std::fs::rename(new, file).expect("in one step");
    }

    /// Inside a network namespace.
    #[must_use]
    pub fn within(mut self, network: &str) -> Self {
        self.network = Some(network.to_owned());
        self
    }

    /// With a telephone provider.
    #[must_use]
    pub fn with_telephony(self, provider: &Telephony) -> Self {
        self.with("TWILIO_ACCOUNT_SID", telephony::ACCOUNT_SID)
            .with("TWILIO_AUTH_TOKEN", telephony::AUTH_TOKEN)
            .with("TWILIO_FROM", telephony::FROM)
            .with("TWILIO_BASE_URL", provider.base_url().as_str())
    }

    /// The address of the web role.
    pub fn base(&self) -> String {
        format!("http://localhost:{}", self.port)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = match &self.network {
            None => Command::new(binary()),
            Some(name) => {
                let mut inside = Command::new("ip");
                inside.args(["netns", "exec", name]).arg(binary());
                inside
            }
        };
        command
            .args(args)
            .env_clear()
            .env("PATH", std::env::var("PATH").unwrap_or_default())
            .current_dir(&**self.dir);
        command.envs(self.vars.iter().map(|(name, value)| (name, value)));
        if let Some((file, library)) = &self.clock {
            command
                .env("LD_PRELOAD", library)
                .env("FAKETIME_TIMESTAMP_FILE", file)
                .env("FAKETIME_NO_CACHE", "1")
                .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
                .env("DONT_FAKE_MONOTONIC", "1");
        }
        command
    }

    /// Runs a command to its end: exit status, stdout, stderr.
    pub async fn run(&self, args: &[&str]) -> (i32, String, String) {
        let output = self.command(args).output().await.expect("the program runs");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        (
            output.status.code().unwrap_or(-1),
            text(output.stdout),
            text(output.stderr),
        )
    }

    /// Starts a role; its log goes to a file in the story's folder.
    pub fn spawn(&self, role: &str) -> Running {
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.dir.join(format!("{role}.log")))
            .expect("a log");
        let child = self
            .command(&[role])
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .expect("the program starts");
        Running {
            child,
            _dir: self.dir.clone(),
        }
    }

    /// Starts `role` and waits until `url` says that it is ready.
    pub async fn start(&self, role: &str, ready: &str) -> Running {
        let mut running = self.spawn(role);
        let client = reqwest::Client::new();
        let dir = self.dir.clone();
        wait::until(
            &format!("{role} is ready (logs in {})", dir.display()),
            Duration::from_secs(60),
            async || {
                if let Ok(Some(status)) = running.child.try_wait() {
                    let log = std::fs::read_to_string(dir.join(format!("{role}.log")))
                        .unwrap_or_default();
                    panic!("{role} ended with {status}:\n{log}");
                }
                let answer = client.get(ready).send().await.ok()?;
                answer.status().is_success().then_some(())
            },
        )
        .await;
        running
    }

    /// Starts everything in one process and waits until it is ready.
    pub async fn serve(&self) -> Running {
        let ready = format!("http://127.0.0.1:{}/readyz", self.port);
        self.start("serve", &ready).await
    }
}

/// A running process of the program; killed when it is dropped.
pub struct Running {
    child: Child,
    /// Stays until the process is killed.
    _dir: Arc<Folder>,
}

impl Running {
    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id().expect("still running")
    }

    /// `kill -9`.
    pub async fn kill(mut self) {
        self.child.start_kill().expect("killed");
        self.child.wait().await.expect("ended");
    }

    /// Stops in the middle of whatever it does (`SIGSTOP`), or goes on (`SIGCONT`).
    pub async fn freeze(&self, frozen: bool) {
        let signal = if frozen { "-STOP" } else { "-CONT" };
        let sent = Command::new("kill")
            .args([signal, &self.pid().to_string()])
            .status()
            .await;
        assert!(sent.expect("kill").success());
    }

    /// SIGTERM, and the exit status.
    pub async fn terminate(mut self) -> i32 {
        let pid = self.pid().to_string();
        Command::new("kill")
            .args(["-TERM", &pid])
            .status()
            .await
            .expect("kill");
        let ended = tokio::time::timeout(Duration::from_secs(32), self.child.wait())
            .await
            .expect("ends within 30 s");
        ended.expect("ended").code().unwrap_or(-1)
    }
}

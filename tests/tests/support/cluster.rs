//! A database server with a standby: Postgres as it is installed here, in a folder of its own, and a
//! forwarder in front that goes where the primary is.

use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::{Child, Command};

use super::folder::Folder;
use super::forwarder::Forwarder;
use super::program::free_port;
use super::wait;

const LIMIT: Duration = Duration::from_secs(60);
/// What [`Cluster`] is made for: a commit on the primary is a commit on the standby.
const SETTINGS: [&str; 7] = [
    "listen_addresses=127.0.0.1",
    "max_connections=150",
    "timezone=UTC",
    "jit=off",
    "shared_buffers=64MB",
    "max_locks_per_transaction=256",
    "wal_level=replica",
];

/// Where Debian, or the PATH, has the server's programs.
fn bin() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let mut found: Vec<PathBuf> = versions
        .map(|version| version.path().join("bin"))
        .filter(|bin| bin.join("pg_basebackup").exists())
        .collect();
    found.sort();
    found
        .pop()
        .expect("PostgreSQL is installed: run `make test`")
}

/// The server refuses to run as root: there it runs as its own user.
fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|about| {
        use std::os::unix::fs::MetadataExt;
        about.uid() == 0
    })
}

fn command(program: &str) -> Command {
    let path = bin().join(program);
    let mut command = if is_root() {
        let mut dropped = Command::new("setpriv");
        dropped.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]);
        dropped.arg(path);
        dropped
    } else {
        Command::new(path)
    };
    command.stdin(Stdio::null()).kill_on_drop(true);
    command
}

async fn run(command: &mut Command) -> String {
    let output = command.output().await.expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}{error}");
    text
}

/// One server.
struct Server {
    data: PathBuf,
    port: u16,
    child: Child,
}

impl Server {
    fn start(data: PathBuf, port: u16, name: &str) -> Self {
        let log = std::fs::File::create(data.with_extension("log")).expect("a log");
        let mut postgres = command("postgres");
        postgres
            .arg("-D")
            .arg(&data)
            .args(["-p", &port.to_string()]);
        postgres.arg("-k").arg(data.parent().expect("a folder"));
        for setting in SETTINGS {
            postgres.args(["-c", setting]);
        }
        let child = postgres
            .args(["-c", &format!("cluster_name={name}")])
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .spawn()
            .expect("postgres starts");
        Self { data, port, child }
    }

    async fn ready(&self) {
        wait::until("the server answers", LIMIT, async || {
            let mut ask = command("pg_isready");
            let asked = ask.args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()]);
            asked.status().await.ok()?.success().then_some(())
        })
        .await;
    }

    async fn ask(&self, sql: &str) -> String {
        let mut psql = command("psql");
        let port = self.port.to_string();
        let psql = psql.args([
            "-h",
            "127.0.0.1",
            "-p",
            &port,
            "-U",
            "postgres",
            "-Atc",
            sql,
        ]);
        run(psql).await.trim().to_owned()
    }
}

/// A primary, its standby, and the way to whichever is primary.
pub struct Cluster {
    primary: Option<Server>,
    standby: Server,
    forwarder: Forwarder,
    _dir: Folder,
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // Postgres asks its children to end when it is told to, and not when it is killed.
        let servers = self.primary.iter().chain([&self.standby]);
        for pid in servers.filter_map(|server| server.child.id()) {
            let _ended = std::process::Command::new("kill")
                .args(["-QUIT", &pid.to_string()])
                .status();
        }
    }
}

fn local(port: u16) -> SocketAddr {
    ([127, 0, 0, 1], port).into()
}

impl Cluster {
    /// Starts both; `synchronous`: a commit waits for the standby.
    pub async fn start(synchronous: bool) -> Self {
        let dir = Folder::new();
        open_to_the_server(&dir).await;
        let (first, second) = (dir.join("first"), dir.join("second"));
        run(command("initdb").arg("-D").arg(&first).args([
            "-A",
            "trust",
            "-U",
            "postgres",
            "-E",
            "UTF8",
            "--locale=C",
        ]))
        .await;
        let primary = Server::start(first, free_port(), "first");
        primary.ready().await;
        let source = format!(
            "host=127.0.0.1 port={} user=postgres application_name=second",
            primary.port
        );
        run(command("pg_basebackup")
            .args(["-d", &source, "-R", "-X", "stream", "-c", "fast", "-D"])
            .arg(&second))
        .await;
        let standby = Server::start(second, free_port(), "second");
        standby.ready().await;
        wait::until("the standby follows", LIMIT, async || {
            let state = primary.ask("SELECT state FROM pg_stat_replication").await;
            (state == "streaming").then_some(())
        })
        .await;
        if synchronous {
            primary
                .ask("ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 (second)'")
                .await;
            primary.ask("SELECT pg_reload_conf()").await;
            wait::until("commits wait for it", LIMIT, async || {
                let state = primary
                    .ask("SELECT sync_state FROM pg_stat_replication")
                    .await;
                (state == "quorum").then_some(())
            })
            .await;
        }
        let forwarder = Forwarder::start_on(Ipv4Addr::LOCALHOST, local(primary.port)).await;
        Self {
            primary: Some(primary),
            standby,
            forwarder,
            _dir: dir,
        }
    }

    /// The database by the forwarder.
    pub fn url(&self) -> String {
        format!("postgres://postgres@{}/postgres", self.forwarder.address)
    }

    /// Stops what sends to the standby, so that what is committed from now on is on the primary alone.
    pub async fn stop_sending(&self) {
        let primary = self.primary.as_ref().expect("a primary");
        let pid = primary.ask("SELECT pid FROM pg_stat_replication").await;
        run(Command::new("kill").args(["-STOP", &pid])).await;
    }

    /// `kill -9` of the primary and all its processes: its machine is gone.
    pub async fn kill_primary(&mut self) {
        let mut primary = self.primary.take().expect("a primary");
        let postmaster = primary.child.id().expect("it runs").to_string();
        let children = run(Command::new("ps").args(["-o", "pid=", "--ppid", &postmaster])).await;
        let mut kill = Command::new("kill");
        kill.arg("-9").arg(&postmaster);
        // One that ends by itself meanwhile is none to worry about.
        let _all = kill.args(children.split_whitespace()).output().await;
        primary.child.wait().await.expect("ended");
        self.forwarder.set_target(None);
    }

    /// The standby becomes the primary, and connections go there. `pg_ctl` waits until it takes writes.
    pub async fn promote(&self) {
        // Of a primary that is gone no commit could ever be confirmed.
        self.standby
            .ask("ALTER SYSTEM SET synchronous_standby_names = ''")
            .await;
        run(command("pg_ctl")
            .arg("promote")
            .arg("-D")
            .arg(&self.standby.data))
        .await;
        self.forwarder.set_target(Some(local(self.standby.port)));
    }
}

/// Root's folders are closed to the server's user.
async fn open_to_the_server(dir: &Path) {
    std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o755)).expect("set");
    if is_root() {
        run(Command::new("chown").arg("postgres").arg(dir)).await;
    }
}

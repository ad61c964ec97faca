//! The files of an embedded database: made beside and renamed, started, asked, stopped.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use sqlx::{Connection, PgConnection};
use tokio::process::{Child, Command};

use super::binaries::{self, Binaries};
use super::owner::{self, Owner};

/// Longest socket path that the kernel takes, less the socket's own name.
const SOCKET_DIR_LIMIT: usize = 80;

/// Where everything of one embedded database is.
#[derive(Debug, Clone)]
pub struct Layout {
    /// The data directory as used.
    pub root: PathBuf,
    data: PathBuf,
    socket: PathBuf,
    log: PathBuf,
    owner: Option<Owner>,
}

impl Layout {
    /// Makes the folders of `data_dir` that the database's user can reach.
    pub fn prepare(data_dir: &Path) -> anyhow::Result<Self> {
        let wanted = std::path::absolute(data_dir)?;
        let owner = owner::when_root();
        let root = owner::reachable(&wanted, owner);
        fs::create_dir_all(&root)
            .with_context(|| format!("making the data directory {}", root.display()))?;
        let root = fs::canonicalize(&root)?;
        let folder = root.join("postgres");
        let socket = socket_dir(&root);
        for dir in [&folder, &socket] {
            fs::create_dir_all(dir).with_context(|| format!("making {}", dir.display()))?;
            fs::set_permissions(dir, fs::Permissions::from_mode(0o700))?;
            owner::give(dir, owner)?;
        }
        Ok(Self {
            data: folder.join("data"),
            log: folder.join("log"),
            socket,
            root,
            owner,
        })
    }

    /// A connection string for `database`.
    pub fn url(&self, database: &str) -> String {
        let host = self.socket.to_string_lossy().replace('/', "%2F");
        format!("postgres://watchbell@{host}/{database}")
    }

    /// The database takes connections.
    pub async fn answers(&self) -> bool {
        if !self.socket.join(".s.PGSQL.5432").exists() {
            return false;
        }
        let url = self.url("postgres");
        match tokio::time::timeout(Duration::from_secs(2), PgConnection::connect(&url)).await {
            Ok(Ok(connection)) => connection.close().await.is_ok(),
            _ => false,
        }
    }

    /// Makes a fresh cluster unless there is one.
    pub async fn initialise(&self) -> anyhow::Result<()> {
        if self.data.join("PG_VERSION").exists() {
            return Ok(());
        }
        let binaries = self.binaries()?;
        let fresh = self.data.with_extension("new");
        let _ = fs::remove_dir_all(&fresh);
        let output = self
            .command(&binaries, "initdb")
            .arg("--pgdata")
            .arg(&fresh)
            .args([
                "--auth=trust",
                "--username=watchbell",
                "--encoding=UTF8",
                "--locale=C",
                "--no-instructions",
            ])
            .output()
            .await
            .context("running initdb")?;
        if !output.status.success() {
            bail!(
                "initdb failed: {}",
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        fs::rename(&fresh, &self.data).context("moving the fresh database into place")?;
        Ok(())
    }

    /// Starts the database in a process group of its own, so that Ctrl-C in a terminal reaches us alone.
    pub fn spawn(&self) -> anyhow::Result<Child> {
        let binaries = self.binaries()?;
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.log)?;
        owner::give(&self.log, self.owner)?;
        let mut command = self.command(&binaries, "postgres");
        command
            .arg("-D")
            .arg(&self.data)
            .arg("-k")
            .arg(&self.socket);
        for setting in [
            "listen_addresses=",
            "port=5432",
            "max_connections=120",
            "shared_buffers=128MB",
            "max_locks_per_transaction=256",
            "jit=off",
            "timezone=UTC",
            "log_timezone=UTC",
        ] {
            command.arg("-c").arg(setting);
        }
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0);
        command.spawn().context("starting the embedded database")
    }

    /// Makes the database of ours in a fresh cluster.
    pub async fn ensure_database(&self) -> anyhow::Result<()> {
        let mut connection = PgConnection::connect(&self.url("postgres")).await?;
        store::admin::ensure_database(&mut connection).await?;
        connection.close().await?;
        Ok(())
    }

    /// Asks the postmaster for a fast shutdown.
    pub async fn signal_stop(&self) {
        let pid = fs::read_to_string(self.data.join("postmaster.pid"))
            .ok()
            .and_then(|text| {
                text.lines()
                    .next()
                    .and_then(|line| line.trim().parse::<u32>().ok())
            });
        if let Some(pid) = pid {
            let _ = Command::new("kill")
                .args(["-INT", &pid.to_string()])
                .status()
                .await;
        }
    }

    /// The last lines of the database's log.
    pub fn log_tail(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(8)..].join("\n")
    }

    fn binaries(&self) -> anyhow::Result<Binaries> {
        let wanted = fs::read_to_string(self.data.join("PG_VERSION"))
            .ok()
            .and_then(|text| text.trim().parse().ok());
        let path = crate::config::search_path();
        binaries::find(wanted, path.as_deref()).with_context(|| match wanted {
            Some(major) => format!("the data in {} need PostgreSQL {major}: install postgresql-{major}", self.data.display()),
            None => format!(
                "no PostgreSQL {} or later is installed: apt-get install postgresql, or set WATCHBELL_DATABASE_URL",
                binaries::OLDEST
            ),
        })
    }

    fn command(&self, binaries: &Binaries, program: &str) -> Command {
        let mut command = Command::new(binaries.dir.join(program));
        command.current_dir("/").env("LC_ALL", "C.UTF-8");
        if let Some(owner) = self.owner {
            command.uid(owner.uid).gid(owner.gid);
        }
        command
    }
}

/// A folder for the socket: in the data directory, or a short one when that path is too long.
fn socket_dir(root: &Path) -> PathBuf {
    let usual = root.join("postgres/run");
    if usual.as_os_str().len() <= SOCKET_DIR_LIMIT {
        return usual;
    }
    let digest = store::secrets::token_hash(&root.to_string_lossy());
    let name: String = digest
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    std::env::temp_dir().join(format!("watchbell-{name}"))
}

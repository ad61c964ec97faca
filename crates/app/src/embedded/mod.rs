//! An embedded Postgres made of installed binaries, for `serve` without a database URL.
//!
//! It listens on a socket in a folder of its own, has no TCP port, and survives its parent: a server
//! that was killed leaves the database running, and the next start adopts it.

mod binaries;
mod cluster;
mod owner;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::process::Child;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

pub use cluster::Layout;

/// How long a start may take: recovery after a crash reads the log since the last checkpoint.
const START_LIMIT: Duration = Duration::from_secs(60);
/// How often the running server is asked whether it still runs.
const WATCH_EVERY: Duration = Duration::from_millis(500);

/// A running embedded database.
pub struct Embedded {
    layout: Layout,
    server: Arc<Mutex<Option<Child>>>,
    /// This process stops the database when it ends.
    responsible: bool,
    /// Held while this process is the database's server.
    _guard: Option<File>,
}

impl Embedded {
    /// For `serve`: takes the data directory for this process and starts or adopts its database.
    pub async fn serve(data_dir: &Path) -> anyhow::Result<Self> {
        let layout = Layout::prepare(data_dir)?;
        let guard = File::create(layout.root.join("serve.lock"))?;
        if guard.try_lock().is_err() {
            bail!(
                "another `watchbell serve` uses the data directory {}: stop it, or set WATCHBELL_DATA_DIR to another folder",
                layout.root.display()
            );
        }
        let child = start(&layout).await?;
        Ok(Self {
            layout,
            server: Arc::new(Mutex::new(child)),
            responsible: true,
            _guard: Some(guard),
        })
    }

    /// For a command: uses the running server's database, else starts it for the command.
    pub async fn borrow(data_dir: &Path) -> anyhow::Result<Self> {
        let layout = Layout::prepare(data_dir)?;
        let child = start(&layout).await?;
        let responsible = child.is_some();
        Ok(Self {
            layout,
            server: Arc::new(Mutex::new(child)),
            responsible,
            _guard: None,
        })
    }

    /// Starts the database again whenever it has ended, until the shutdown.
    pub fn keep_alive(
        &self,
        shutdown: CancellationToken,
    ) -> impl Future<Output = ()> + Send + 'static {
        let (layout, server) = (self.layout.clone(), Arc::clone(&self.server));
        async move {
            loop {
                tokio::select! {
                    () = shutdown.cancelled() => return,
                    () = tokio::time::sleep(WATCH_EVERY) => {}
                }
                let mut child = server.lock().await;
                let ended = match child.as_mut() {
                    Some(child) => child.try_wait().is_ok_and(|status| status.is_some()),
                    None => !layout.answers().await,
                };
                if !ended {
                    continue;
                }
                tracing::error!("the embedded database ended; starting it again");
                match start(&layout).await {
                    Ok(fresh) => *child = fresh,
                    Err(error) => tracing::error!(
                        error = format!("{error:#}"),
                        "the embedded database does not start"
                    ),
                }
            }
        }
    }

    /// Where clients connect.
    pub fn url(&self) -> String {
        self.layout.url("watchbell")
    }

    /// The folder of data, database and secret.
    pub fn data_dir(&self) -> &Path {
        &self.layout.root
    }

    /// The secret key kept beside the data, made on the first start.
    pub fn secret_key(&self) -> anyhow::Result<String> {
        secret_key(&self.layout.root)
    }

    /// Stops the database if this process is responsible for it.
    pub async fn stop(self) {
        if !self.responsible {
            return;
        }
        self.layout.signal_stop().await;
        let mut server = self.server.lock().await;
        if let Some(child) = server.as_mut() {
            let waited = tokio::time::timeout(Duration::from_secs(15), child.wait()).await;
            if waited.is_err() {
                tracing::warn!(
                    "the embedded database did not stop within 15 s; it will recover at the next start"
                );
            }
        }
    }
}

/// Starts the server unless one answers; `None` when one did. Two starts at once take turns.
async fn start(layout: &Layout) -> anyhow::Result<Option<Child>> {
    let starting = File::create(layout.root.join("start.lock"))?;
    let starting = tokio::task::spawn_blocking(move || starting.lock().map(|()| starting))
        .await?
        .context("waiting for another start")?;
    if layout.answers().await {
        return Ok(None);
    }
    layout.initialise().await?;
    let mut child = layout.spawn()?;
    let deadline = tokio::time::Instant::now() + START_LIMIT;
    while !layout.answers().await {
        if let Some(status) = child.try_wait()? {
            bail!(
                "the embedded database stopped at once ({status}); its log ends:\n{}",
                layout.log_tail()
            );
        }
        if tokio::time::Instant::now() > deadline {
            bail!(
                "the embedded database did not answer within 60 s; its log ends:\n{}",
                layout.log_tail()
            );
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    layout.ensure_database().await?;
    drop(starting);
    Ok(Some(child))
}

/// Reads the generated secret of a data directory, or makes it.
fn secret_key(root: &Path) -> anyhow::Result<String> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;

    let path: PathBuf = root.join("secret.key");
    if let Ok(key) = fs::read_to_string(&path) {
        let key = key.trim().to_owned();
        if !key.is_empty() {
            return Ok(key);
        }
    }
    let key = store::secrets::random_token();
    let fresh = root.join(format!("secret.key.{}", std::process::id()));
    let mut file = fs::OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(&fresh)?;
    writeln!(file, "{key}")?;
    file.sync_all()?;
    // A link, not a rename: of two first starts one wins and both use its key.
    let linked = fs::hard_link(&fresh, &path);
    fs::remove_file(&fresh)?;
    match linked {
        Ok(()) => Ok(key),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            Ok(fs::read_to_string(&path)?.trim().to_owned())
        }
        Err(error) => Err(error).context("writing the secret key"),
    }
}

//! The roles and what they share.

pub mod notifier;
pub mod web;
pub mod worker;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use axum::Router;
use domain::clock::Clock;
use egress::Egress;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::clock;
use crate::config::{Settings, Signup};
use crate::database::{Database, Opener, WrongUsage};
use crate::lifecycle::Lifecycle;
use crate::ops::{self, Health, Ops};
use crate::telemetry::{self, Metrics};

/// Which roles a process has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// All of them.
    Serve,
    /// Pages, API, callbacks.
    Web,
    /// Looks.
    Worker,
    /// Messages.
    Notifier,
}

/// What a role is built from.
pub struct Parts {
    /// Settings.
    pub settings: Settings,
    /// Database.
    pub database: Database,
    /// The way out.
    pub egress: Egress,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// What each role says of its health.
    pub health: Vec<(&'static str, Health)>,
}

/// Runs `role` until it is told to stop.
pub async fn run(role: Role, settings: Settings, egress: Egress) -> anyhow::Result<()> {
    refuse_silent_service(role, &settings)?;
    let metrics = telemetry::start_metrics()?;
    let listener = Listener::bind(role, &settings).await?;
    let opener = if role == Role::Serve {
        Opener::Serve
    } else {
        Opener::Role
    };
    let database = Database::open(&settings, opener).await?;
    let outcome = run_on(role, settings, egress, &database, metrics, listener).await;
    database.close().await;
    outcome
}

async fn run_on(
    role: Role,
    settings: Settings,
    egress: Egress,
    database: &Database,
    metrics: Metrics,
    listener: Listener,
) -> anyhow::Result<()> {
    prepare_schema(role, &settings, database).await?;
    let mut lifecycle = Lifecycle::default();
    if let Some(keeper) = database.keep_alive(lifecycle.shutdown()) {
        lifecycle.spawn("database", async move {
            keeper.await;
            Ok(())
        });
    }
    let clock = clock::of_database(&database.pool).await;
    let kept = clock::keep(clock.clone(), database.pool.clone(), lifecycle.shutdown());
    lifecycle.spawn("clock", async move {
        kept.await;
        Ok(())
    });
    let mut parts = Parts {
        settings,
        database: database.share(),
        egress,
        clock,
        health: Vec::new(),
    };
    if matches!(role, Role::Serve | Role::Worker) {
        worker::spawn(&mut parts, &mut lifecycle).await?;
    }
    if matches!(role, Role::Serve | Role::Notifier) {
        notifier::spawn(&mut parts, &mut lifecycle).await?;
    }
    let public = matches!(role, Role::Serve | Role::Web);
    let pages = if public {
        Some(web::router(&parts, &mut lifecycle)?)
    } else {
        None
    };
    let ops = ops::router(Ops {
        pool: database.pool.clone(),
        metrics,
        health: parts.health.clone().into(),
        public,
    });
    let router = match pages {
        Some(pages) => ops.merge(pages),
        None => ops,
    };
    let address = listener.address;
    lifecycle.spawn(
        "listener",
        serve(listener.socket, router, lifecycle.shutdown()),
    );
    announce(role, &parts.settings, address, database.data_dir());
    lifecycle.run().await
}

/// `serve` on its own database migrates by itself; every other start wants it done.
async fn prepare_schema(
    role: Role,
    settings: &Settings,
    database: &Database,
) -> anyhow::Result<()> {
    if role == Role::Serve && settings.database_url.is_none() {
        return database.migrate().await;
    }
    let pending = database.pending().await?;
    if pending > 0 && role == Role::Serve {
        return database.migrate().await;
    }
    if pending > 0 {
        bail!("{pending} migrations are pending: run `watchbell migrate` first");
    }
    Ok(())
}

/// A service that others can sign up for, and that cannot send a mail, would be a broken promise.
fn refuse_silent_service(role: Role, settings: &Settings) -> anyhow::Result<()> {
    let silent =
        settings.smtp.is_empty() && !settings.is_local() && settings.signup != Signup::Closed;
    if silent && role != Role::Worker {
        bail!(WrongUsage(
            "WATCHBELL_SMTP_URL is not set, so no alert could be sent: set it, or WATCHBELL_SIGNUP=closed (the local \
             outbox exists only where WATCHBELL_LISTEN and WATCHBELL_BASE_URL are this machine)"
                .to_owned()
        ));
    }
    Ok(())
}

struct Listener {
    socket: TcpListener,
    address: SocketAddr,
}

impl Listener {
    async fn bind(role: Role, settings: &Settings) -> anyhow::Result<Self> {
        let (name, address) = match role {
            Role::Serve | Role::Web => ("WATCHBELL_LISTEN", settings.listen),
            Role::Worker => (
                "WATCHBELL_OPS_LISTEN",
                settings
                    .ops_listen
                    .unwrap_or_else(|| ([127, 0, 0, 1], 8081).into()),
            ),
            Role::Notifier => (
                "WATCHBELL_OPS_LISTEN",
                settings
                    .ops_listen
                    .unwrap_or_else(|| ([127, 0, 0, 1], 8082).into()),
            ),
        };
        let socket = TcpListener::bind(address).await.map_err(|error| {
            let why = match error.kind() {
                std::io::ErrorKind::AddrInUse => "is taken by another program".to_owned(),
                std::io::ErrorKind::PermissionDenied => "needs more rights".to_owned(),
                _ => format!("cannot be listened on ({error})"),
            };
            anyhow::anyhow!(
                "{address} {why}: set {name} to another address, such as 127.0.0.1:{}",
                address.port().wrapping_add(1).max(1025)
            )
        })?;
        let address = socket
            .local_addr()
            .context("asking for the listener's address")?;
        Ok(Self { socket, address })
    }
}

async fn serve(
    socket: TcpListener,
    router: Router,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let stop = shutdown.clone();
    let serving =
        axum::serve(socket, service).with_graceful_shutdown(async move { stop.cancelled().await });
    tokio::select! {
        outcome = serving => outcome.context("listening"),
        // Live streams never end by themselves.
        () = async { shutdown.cancelled().await; tokio::time::sleep(Duration::from_secs(3)).await } => Ok(()),
    }
}

fn announce(
    role: Role,
    settings: &Settings,
    address: SocketAddr,
    data_dir: Option<&std::path::Path>,
) {
    tracing::info!(%address, role = ?role, "listening");
    let (Role::Serve, Some(data_dir)) = (role, data_dir.map(PathBuf::from)) else {
        return;
    };
    let base = settings.base();
    let outbox = if settings.is_local() {
        format!("{base}/outbox")
    } else {
        "off (not a local address)".to_owned()
    };
    crate::commands::answer(&format!(
        "\nWatchbell is ready.\n\n  \
         Open            {base}\n  \
         Practice site   sign up, then \"Watch the practice site, then break it\"\n  \
         Outbox          {outbox}\n  \
         Data            {}\n\n\
         Ctrl-C stops, data stays.",
        data_dir.display()
    ));
}

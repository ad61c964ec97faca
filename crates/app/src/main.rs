//! The `watchbell` binary: one program, its roles and commands.

mod cli;
mod clock;
mod commands;
mod config;
mod database;
mod embedded;
mod lifecycle;
mod ops;
mod roles;
mod telemetry;
mod way_out;

use std::process::ExitCode;

use clap::Parser;
use cli::{Cli, Command};
use config::{Settings, SettingsError, Source};
use database::WrongUsage;
use roles::Role;

/// A look allocates much: the C library's allocator took 10 % of its processor time, this one half of that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return wrong_usage(&error),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error.into()),
    };
    let code = runtime
        .block_on(run(cli))
        .unwrap_or_else(|error| fail(&error));
    // A look that hangs in the system's own calls must not hold the exit.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    code
}

async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    if rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .is_err()
    {
        anyhow::bail!("the TLS library was set up twice");
    }
    let settings = Settings::read(Source::load(cli.env_file.as_deref())?)?;
    let role = match &cli.command {
        Command::Serve => Some(Role::Serve),
        Command::Web => Some(Role::Web),
        Command::Worker => Some(Role::Worker),
        Command::Notifier => Some(Role::Notifier),
        _ => None,
    };
    let level = if role.is_some() {
        settings.log.as_str()
    } else {
        "warn"
    };
    telemetry::start_logs(level, settings.log_format);
    let egress = way_out::for_users(&settings)?;
    if let Some(role) = role {
        roles::run(role, settings, egress).await?;
        return Ok(ExitCode::SUCCESS);
    }
    match cli.command {
        Command::Check(args) => {
            return Ok(commands::check::run(&settings, &args, egress).await?.into());
        }
        Command::Migrate { check } => commands::migrate::run(&settings, check).await?,
        Command::Doctor => commands::doctor::run(&settings, &egress).await?,
        Command::Healthcheck { url } => {
            commands::healthcheck::run(&settings, url.as_deref(), &egress).await?
        }
        Command::Admin(command) => commands::admin::run(&settings, command).await?,
        Command::Serve | Command::Web | Command::Worker | Command::Notifier => {}
    }
    Ok(ExitCode::SUCCESS)
}

/// One clear sentence on stderr; wrong usage is 2, everything else 1.
#[expect(clippy::print_stderr, reason = "errors of a command belong on stderr")]
/// Help and version as they are; a mistake as one sentence.
fn wrong_usage(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        error.exit();
    }
    let text = error.to_string();
    let sentence = text.split("\n\n").next().unwrap_or_default();
    let words: Vec<&str> = sentence.split_whitespace().collect();
    let sentence = words.join(" ");
    eprintln!(
        "watchbell: {} (see --help)",
        sentence.strip_prefix("error: ").unwrap_or(&sentence)
    );
    ExitCode::from(2)
}

fn fail(error: &anyhow::Error) -> ExitCode {
    eprintln!("watchbell: {error:#}");
    let usage = error.is::<SettingsError>() || error.chain().any(|cause| cause.is::<WrongUsage>());
    ExitCode::from(if usage { 2 } else { 1 })
}

//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Uptime monitoring that tells you what broke, since when and why.
#[derive(Debug, Parser)]
#[command(
    name = "watchbell",
    version,
    arg_required_else_help = true,
    after_help = "Examples:\n  watchbell serve                      everything in one process, embedded Postgres\n  watchbell check https://shop.example one look from here\n  watchbell doctor                     what is set up and what is missing"
)]
pub struct Cli {
    /// File of settings (NAME=value lines); the environment wins.
    #[arg(long, global = true, value_name = "FILE")]
    pub env_file: Option<PathBuf>,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Roles and commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Runs web, worker and notifier in one process.
    #[command(
        after_help = "Examples:\n  watchbell serve\n  WATCHBELL_LISTEN=127.0.0.1:9000 watchbell serve"
    )]
    Serve,
    /// Runs the web role: pages, API, callbacks.
    #[command(after_help = "Example:\n  WATCHBELL_DATABASE_URL=postgres://… watchbell web")]
    Web,
    /// Runs the worker role: looks at monitors from this machine's region.
    #[command(
        after_help = "Example:\n  WATCHBELL_REGION=fra WATCHBELL_REGION_NAME=Frankfurt watchbell worker"
    )]
    Worker,
    /// Runs the notifier role: sends mails and messages.
    #[command(
        after_help = "Example:\n  WATCHBELL_SMTP_URL=smtp://user:pass@mail.example:587 watchbell notifier"
    )]
    Notifier,
    /// Brings the database to this version.
    #[command(
        after_help = "Examples:\n  watchbell migrate\n  watchbell migrate --check    exit 1 when migrations are pending"
    )]
    Migrate {
        /// Changes nothing; exit 1 when migrations are pending.
        #[arg(long)]
        check: bool,
    },
    /// Checks database, clock, mail, telephony, resolver and canaries, and says what to do.
    #[command(after_help = "Example:\n  watchbell --env-file /etc/watchbell.env doctor")]
    Doctor,
    /// Exit 0 when the process behind a URL is ready.
    #[command(after_help = "Example:\n  watchbell healthcheck --url http://127.0.0.1:8081")]
    Healthcheck {
        /// Base URL of the process; by default the listener of these settings.
        #[arg(long, value_name = "URL")]
        url: Option<String>,
    },
    /// Looks once at a URL from here: phases, verdict, certificate, diagnosis. Needs no database.
    #[command(
        after_help = "Exit status: 0 up or slow, 1 down, 2 wrong usage, 3 unknown or blocked.\n\nExamples:\n  watchbell check https://shop.example/health\n  watchbell check https://shop.example --json --timeout 5\n  WATCHBELL_EGRESS=self-hosted watchbell check http://10.0.0.7/"
    )]
    Check(CheckArgs),
    /// What the operator does to accounts and keys.
    #[command(subcommand)]
    Admin(AdminCommand),
}

/// What `watchbell check` takes.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Absolute http or https URL.
    pub url: String,
    /// Prints one Check object, as the API does.
    #[arg(long)]
    pub json: bool,
    /// Limit of the whole look, in seconds.
    #[arg(long, value_name = "S", default_value_t = 10.0)]
    pub timeout: f64,
}

/// `watchbell admin …`.
#[derive(Debug, Subcommand)]
pub enum AdminCommand {
    /// Makes an account with its owner.
    #[command(
        after_help = "Example:\n  watchbell admin create-account --email you@shop.example --verified --api-key --json"
    )]
    CreateAccount(CreateAccount),
    /// Changes an account's plan.
    #[command(
        after_help = "Example:\n  watchbell admin set-plan --email you@shop.example --plan team"
    )]
    SetPlan {
        /// Owner's address.
        #[arg(long)]
        email: String,
        /// free, solo, team or enterprise.
        #[arg(long)]
        plan: String,
    },
    /// Adds money to an account's wallet.
    #[command(
        after_help = "Example:\n  watchbell admin grant-credits --email you@shop.example --amount 10.00"
    )]
    GrantCredits {
        /// Owner's address.
        #[arg(long)]
        email: String,
        /// US dollars.
        #[arg(long)]
        amount: String,
    },
    /// Seals every secret anew with the first key of WATCHBELL_SECRET_KEY.
    #[command(
        after_help = "Example:\n  WATCHBELL_SECRET_KEY=new,old watchbell admin rotate-secrets"
    )]
    RotateSecrets,
    /// Says how often each rule of the diagnosis was right, as people answered.
    #[command(
        after_help = "Example:\n  watchbell admin diagnosis-feedback\n  watchbell admin diagnosis-feedback --json"
    )]
    DiagnosisFeedback {
        /// Prints an array of objects.
        #[arg(long)]
        json: bool,
    },
}

/// What `watchbell admin create-account` takes.
#[derive(Debug, Args)]
pub struct CreateAccount {
    /// Owner's address.
    #[arg(long)]
    pub email: String,
    /// Owner's password; made up and printed when left out.
    #[arg(long)]
    pub password: Option<String>,
    /// free, solo, team or enterprise.
    #[arg(long, default_value = "free")]
    pub plan: String,
    /// The address counts as proven.
    #[arg(long)]
    pub verified: bool,
    /// Makes a write key without expiry and prints it once.
    #[arg(long)]
    pub api_key: bool,
    /// Prints {"account_id","user_id","email","api_key"}.
    #[arg(long)]
    pub json: bool,
}

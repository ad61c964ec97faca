//! The notifier: performs the deliveries that the transactions of `incidents` have planned.
//!
//! A job names a delivery; [`deliver`] claims its row, decides whether it is sent, renders it, sends it
//! and writes down what became of it. The row is the truth, the queue only wakes: what the queue loses,
//! [`sweep`] finds. Handlers never fail.
//!
//! # To add a channel
//!
//! 1. A variant of `domain::contact::Channel`, and its queue and job in `jobs`.
//! 2. A folder beside [`email`], [`sms`], [`voice`] and [`slack`]: `render` (from a [`brief::Brief`] to what is said, pure),
//!    `send` (to one provider after the other until a deadline), `classify` (from the provider's answer
//!    to an error class, pure), `tests` (snapshots of every event, a provider that misbehaves).
//! 3. A variant of [`way::Message`], its arm in [`way::Ways::send`], its queue in [`run`].
//!
//! A service that takes one request to an address that is a secret needs less: a variant of
//! `domain::contact::hook::Service` if that address is more than a URL, a folder with its words (`render`, from a
//! [`card::Card`]) and the table of its answers, and its line in [`hook::post`] and [`hook::answers`]. Sending
//! and classifying are the same for all of them.
//!
//! A new event is a variant of `domain::delivery::Event`; the compiler then asks every channel for it.

mod account;
mod brief;
mod card;
mod config;
mod deliver;
mod discord;
mod email;
mod error;
mod escalate;
mod failover;
#[cfg(test)]
mod fixture;
mod google_chat;
mod gotify;
mod hook;
mod matrix;
mod mattermost;
#[cfg(test)]
mod messages;
mod ntfy;
mod opsgenie;
mod pagerduty;
mod pushover;
mod room;
mod send;
mod shares;
mod slack;
mod sms;
mod storm;
mod sweep;
mod teams;
mod telegram;
mod telephony;
mod text;
mod voice;
mod way;
mod webhook;

use std::sync::Arc;
use std::time::Duration;

use domain::clock::Clock;
use domain::contact::Channel;
use egress::Egress;
use jobs::{Health, Runner};
use sqlx::PgPool;
use store::Secrets;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use config::{NotifierConfig, Patience, TelephonyProvider};
pub use error::{NotifierError, RenderError};

use room::Room;
use way::Ways;

/// For sends that go on when all jobs have ended.
const DRAIN: Duration = Duration::from_secs(22);

/// Starts sending. The health is for the process's readiness; the future ends when `shutdown` is
/// cancelled and the running sends are done.
pub fn run(
    config: NotifierConfig,
    pool: PgPool,
    egress: &Egress,
    secrets: Secrets,
    clock: Arc<dyn Clock>,
    shutdown: CancellationToken,
) -> Result<(Health, impl Future<Output = ()> + Send + 'static), NotifierError> {
    let concurrency = config.concurrency;
    let room = Arc::new(room(config, pool.clone(), egress, secrets, clock)?);
    let (mails, texts) = (Arc::clone(&room), Arc::clone(&room));
    let (calls, stop_calls) = (Arc::clone(&room), shutdown.clone());
    let (hooks, messages) = (Arc::clone(&room), Arc::clone(&room));
    let steps = Arc::clone(&room);
    let (stop_mails, stop_texts) = (shutdown.clone(), shutdown.clone());
    let stop_hooks = shutdown.clone();
    let runner = Runner::new(pool, "notifier")
        .register(concurrency, move |job: jobs::DeliverEmail| {
            deliver::handle(
                Arc::clone(&mails),
                Channel::Email,
                job.account_id,
                job.delivery_id,
                stop_mails.clone(),
            )
        })
        .register(concurrency, move |job: jobs::DeliverSms| {
            deliver::handle(
                Arc::clone(&texts),
                Channel::Sms,
                job.account_id,
                job.delivery_id,
                stop_texts.clone(),
            )
        })
        .register(concurrency, move |job: jobs::DeliverVoice| {
            deliver::handle(
                Arc::clone(&calls),
                Channel::Voice,
                job.account_id,
                job.delivery_id,
                stop_calls.clone(),
            )
        })
        .register(concurrency, move |job: jobs::DeliverHook| {
            deliver::handle(
                Arc::clone(&hooks),
                // All hooks share one queue; a share is by account and host.
                Channel::Webhook,
                job.account_id,
                job.delivery_id,
                stop_hooks.clone(),
            )
        })
        .register(concurrency, move |job: jobs::Escalate| {
            escalate::handle(Arc::clone(&steps), job)
        })
        .register(concurrency, move |job: jobs::AccountMessage| {
            account::handle(Arc::clone(&messages), job.message_id)
        });
    let (health, running) = runner.run(shutdown.clone());
    let sweeping = tokio::spawn(sweep::run(Arc::clone(&room), shutdown));
    let finished = async move {
        running.await;
        let _ = sweeping.await;
        room.tasks.close();
        // They began before the stop, so their own limit has nearly passed.
        if timeout(DRAIN, room.tasks.wait()).await.is_err() {
            tracing::warn!("sends still running at the end; another process repeats them");
        }
    };
    Ok((health, finished))
}

fn room(
    config: NotifierConfig,
    pool: PgPool,
    egress: &Egress,
    secrets: Secrets,
    clock: Arc<dyn Clock>,
) -> Result<Room, NotifierError> {
    Ok(Room {
        pool,
        ways: Ways::new(&config, egress)?,
        secrets,
        clock,
        base: config.base_url.as_str().trim_end_matches('/').to_owned(),
        prices: config.prices,
        mail_shares: shares::Shares::default(),
        sms_shares: shares::Shares::default(),
        voice_shares: shares::Shares::default(),
        hook_shares: shares::Shares::default(),
        tasks: TaskTracker::new(),
    })
}

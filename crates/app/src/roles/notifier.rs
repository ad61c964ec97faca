//! The notifier role.

use std::sync::Arc;

use domain::alert::prices::Prices;
use notifier::{NotifierConfig, TelephonyProvider};

use super::Parts;
use crate::config::Settings;
use crate::lifecycle::Lifecycle;

/// Starts sending.
pub fn spawn(parts: &mut Parts, lifecycle: &mut Lifecycle) -> anyhow::Result<()> {
    let (health, running) = notifier::run(
        config(&parts.settings),
        parts.database.pool.clone(),
        &parts.egress,
        parts.database.secrets.clone(),
        parts.clock.clone(),
        lifecycle.shutdown(),
    )?;
    parts.health.push((
        "notifier",
        Arc::new(move || if health.is_live() { Ok(()) } else { Err("the notifier has lost its queues".to_owned()) }),
    ));
    lifecycle.spawn("notifier", async move {
        running.await;
        Ok(())
    });
    Ok(())
}

fn config(settings: &Settings) -> NotifierConfig {
    NotifierConfig {
        base_url: settings.base_url.clone(),
        mail_from: settings.mail_from.clone(),
        smtp: settings.smtp.clone(),
        telephony: settings
            .telephony
            .iter()
            .map(|provider| TelephonyProvider {
                account_sid: provider.account_sid.clone(),
                auth_token: provider.auth_token.clone(),
                from: provider.from.clone(),
                base_url: provider.base_url.clone(),
            })
            .collect(),
        local_outbox: settings.is_local(),
        prices: Prices::default(),
        concurrency: NotifierConfig::CONCURRENCY,
    }
}

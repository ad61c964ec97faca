//! The notifier role.

use std::sync::Arc;

use domain::alert::prices::Prices;
use notifier::{NotifierConfig, Patience, TelephonyProvider};

use super::Parts;
use crate::config::Settings;
use crate::lifecycle::Lifecycle;

/// Starts sending.
pub async fn spawn(parts: &mut Parts, lifecycle: &mut Lifecycle) -> anyhow::Result<()> {
    let (health, sending) = notifier::run(
        config(&parts.settings),
        parts.database.role_pool().await?,
        &parts.egress,
        parts.database.secrets.clone(),
        parts.clock.clone(),
        lifecycle.shutdown(),
    )?;
    let problem = move || match health.is_live() {
        true => Ok(()),
        false => Err(format!(
            "the queues have not been reached for {} s",
            health.since_last_beat().as_secs()
        )),
    };
    parts.health.push(("notifier", Arc::new(problem)));
    lifecycle.spawn("notifier", async move {
        sending.await;
        Ok(())
    });
    Ok(())
}

fn config(settings: &Settings) -> NotifierConfig {
    let telephony = settings.telephony.iter().map(|provider| TelephonyProvider {
        account_sid: provider.account_sid.clone(),
        auth_token: provider.auth_token.clone(),
        from: provider.from.clone(),
        base_url: provider.base_url.clone(),
    });
    NotifierConfig {
        base_url: settings.base_url.clone(),
        mail_from: settings.mail_from.clone(),
        smtp: settings.smtp.clone(),
        telephony: telephony.collect(),
        local_outbox: settings.is_local(),
        prices: Prices::default(),
        patience: Patience::default(),
        concurrency: NotifierConfig::CONCURRENCY,
    }
}

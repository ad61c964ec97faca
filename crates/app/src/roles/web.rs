//! The web role.

use axum::Router;
use sqlx::types::ipnetwork::IpNetwork;
use web::{AppState, SignupMode, ToolsMode, WebConfig};

use super::Parts;
use crate::config::{Settings, Signup, Tools};
use crate::lifecycle::Lifecycle;

/// The web's router; its listener on the database runs as a task of the process.
pub fn router(parts: &Parts, lifecycle: &mut Lifecycle) -> anyhow::Result<Router> {
    let hub = web::events::Hub::new();
    let state = AppState::new(
        parts.database.pool.clone(),
        Some(parts.database.read_pool.clone()),
        parts.database.secrets.clone(),
        parts.clock.clone(),
        config(&parts.settings, parts.egress.may_ping().0)?,
        hub.clone(),
    );
    let (pool, shutdown) = (parts.database.pool.clone(), lifecycle.shutdown());
    lifecycle.spawn("events", async move {
        tokio::select! {
            () = hub.run(pool) => {}
            () = shutdown.cancelled() => {}
        }
        Ok(())
    });
    Ok(web::router(state))
}

fn config(settings: &Settings, may_ping: bool) -> anyhow::Result<WebConfig> {
    let outbox = settings.is_local();
    let trusted_proxies = settings
        .trusted_proxies
        .iter()
        .map(|network| IpNetwork::new(network.addr(), network.prefix_len()))
        .collect::<Result<_, _>>()?;
    Ok(WebConfig {
        base_url: settings.base_url.clone(),
        address_policy: settings.egress,
        hook_test_patience: std::time::Duration::from_secs(10),
        trusted_proxies,
        signup: match settings.signup {
            Signup::Open => SignupMode::Open,
            Signup::Invite => SignupMode::Invite,
            Signup::Closed => SignupMode::Closed,
        },
        tools: match settings.tools {
            Tools::On => ToolsMode::On,
            Tools::Inside => ToolsMode::Inside,
            Tools::Off => ToolsMode::Off,
        },
        outbox,
        email_available: outbox || !settings.smtp.is_empty(),
        sms_available: outbox || !settings.telephony.is_empty(),
        // A messaging service sends texts and cannot call.
        voice_available: (outbox && settings.telephony.is_empty())
            || settings
                .telephony
                .iter()
                .any(|provider| provider.from.starts_with('+')),
        twilio_auth_tokens: settings
            .telephony
            .iter()
            .map(|provider| provider.auth_token.clone())
            .collect(),
        may_ping,
        region: settings.region.clone(),
        region_name: settings.region_name.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        support_email: address_of(&settings.mail_from),
    })
}

/// The address in `Name <address>`.
fn address_of(sender: &str) -> String {
    let inner = sender
        .rsplit_once('<')
        .and_then(|(_, rest)| rest.split_once('>'))
        .map(|(address, _)| address);
    inner.unwrap_or(sender).trim().to_owned()
}

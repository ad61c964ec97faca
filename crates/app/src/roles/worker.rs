//! The worker role: looks, and the housekeeping that one of all workers leads.

use std::sync::Arc;

use domain::target::AddressPolicy;
use egress::Trusted;
use egress::http::ProviderClient;
use probe::Prober;
use worker::{CanaryConfig, OwnAddress, Worker, WorkerConfig};

use super::Parts;
use crate::config::Settings;
use crate::lifecycle::Lifecycle;
use crate::way_out;

/// Starts looking.
pub async fn spawn(parts: &mut Parts, lifecycle: &mut Lifecycle) -> anyhow::Result<()> {
    let name = format!(
        "{}-{}",
        parts.settings.region,
        uuid::Uuid::now_v7().simple()
    );
    let mut config = WorkerConfig::new(&parts.settings.region, &parts.settings.region_name, name);
    config.canaries = canaries(&parts.settings)?;
    config.operator = parts.settings.operator_mail.clone();
    config.own_address = Some(own_address(&parts.settings)?);
    config.public_addresses = match &parts.settings.public_addresses {
        Some(named) => named.clone(),
        None => egress::Egress::own_addresses().await,
    };
    if parts.settings.egress == AddressPolicy::SelfHosted {
        config.visitors = Some(Prober::new(way_out::for_strangers(&parts.settings)?)?);
    }
    let prober = Prober::new(parts.egress.clone())?;
    let pool = parts.database.role_pool().await?;
    let worker = Worker::new(
        config,
        pool.clone(),
        prober,
        parts.database.secrets.clone(),
        parts.clock.clone(),
    );
    let health = worker.health();
    parts.health.push((
        "worker",
        Arc::new(move || health.problem().map_or(Ok(()), Err)),
    ));
    let stop = lifecycle.shutdown();
    let (sweep_stop, sweep_clock, sweep_secrets) = (
        stop.clone(),
        parts.clock.clone(),
        parts.database.secrets.clone(),
    );
    lifecycle.spawn("worker", async move {
        worker.run(stop).await;
        Ok(())
    });
    lifecycle.spawn("housekeeping", async move {
        worker::sweeps::run(pool, sweep_secrets, sweep_clock, sweep_stop).await;
        Ok(())
    });
    Ok(())
}

/// Where jobs call us: the public address; where that is this machine, the web listener itself.
fn own_address(settings: &Settings) -> anyhow::Result<OwnAddress> {
    let mut address = settings.base_url.clone();
    if settings.base_is_loopback() {
        address = url::Url::parse(&format!("http://{}/", settings.listen))?;
    }
    let trusted = Trusted::from_operator_configuration(address.clone());
    let client = ProviderClient::new(&way_out::for_canaries(settings)?, &trusted)?;
    Ok(OwnAddress {
        client,
        address: address.to_string(),
    })
}

/// The anchors that this worker asks about itself, unless they are switched off.
fn canaries(settings: &Settings) -> anyhow::Result<Option<CanaryConfig>> {
    let urls = settings.canary_urls();
    if urls.is_empty() {
        tracing::info!("the self-check is switched off (WATCHBELL_CANARIES is empty)");
        return Ok(None);
    }
    let known_dead = domain::canary::KNOWN_DEAD.map(str::to_owned).to_vec();
    Ok(Some(CanaryConfig {
        prober: Prober::new(way_out::for_canaries(settings)?)?,
        urls,
        known_dead,
    }))
}

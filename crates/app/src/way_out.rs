//! The ways out of a process, made from the settings.

use domain::target::AddressPolicy;
use egress::{Egress, EgressConfig};

use crate::config::Settings;
use crate::database::WrongUsage;

/// For everything that users name, under the address policy and the budget of each address.
pub fn for_users(settings: &Settings) -> anyhow::Result<Egress> {
    made(settings, settings.egress, settings.target_budget)
}

/// For what strangers name: public addresses alone, whatever members may name.
pub fn for_strangers(settings: &Settings) -> anyhow::Result<Egress> {
    made(
        settings,
        AddressPolicy::Hosted,
        settings.target_budget.or(Some(20)),
    )
}

/// For canaries, which the operator names: no policy binds them and no budget holds them up.
pub fn for_canaries(settings: &Settings) -> anyhow::Result<Egress> {
    made(settings, AddressPolicy::SelfHosted, None)
}

fn made(
    settings: &Settings,
    policy: AddressPolicy,
    target_budget: Option<u32>,
) -> anyhow::Result<Egress> {
    let extra_roots_pem = match &settings.tls_roots {
        Some(path) => Some(std::fs::read(path).map_err(|error| {
            WrongUsage(format!("WATCHBELL_TLS_ROOTS {}: {error}", path.display()))
        })?),
        None => None,
    };
    Ok(Egress::new(EgressConfig {
        policy,
        dns_servers: settings.dns_servers.clone(),
        target_budget,
        extra_roots_pem,
        user_agent: settings.user_agent.clone(),
    })?)
}

//! `watchbell healthcheck`: is the process behind an address ready. For containers.

use std::time::Duration;

use anyhow::{Context, bail};
use egress::http::{ProviderClient, Request};
use egress::{Egress, Trusted};
use tokio::time::Instant;
use url::Url;

use crate::config::Settings;
use crate::database::WrongUsage;

/// Asks `url`, else the listener of `settings`, and fails unless it is ready.
pub async fn run(settings: &Settings, url: Option<&str>, egress: &Egress) -> anyhow::Result<()> {
    let own = format!("http://{}", settings.ops_listen.unwrap_or(settings.listen));
    let text = url.unwrap_or(&own);
    let is_http = |base: &Url| matches!(base.scheme(), "http" | "https");
    let base = Url::parse(text)
        .ok()
        .filter(is_http)
        .ok_or_else(|| WrongUsage(format!("{text} is no http or https URL")))?;
    let client = ProviderClient::new(egress, &Trusted::from_operator_configuration(base))?;
    let deadline = Instant::now() + Duration::from_secs(5);
    let response = client
        .send("readyz", Request::get(), deadline)
        .await
        .with_context(|| format!("{text} does not answer"))?;
    if !response.is_success() {
        bail!("not ready: {}", response.text().trim());
    }
    Ok(())
}

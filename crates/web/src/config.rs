//! What the web role is told by configuration. Only `app` reads the environment.

use std::net::IpAddr;

use domain::target::AddressPolicy;
use sqlx::types::ipnetwork::IpNetwork;
use url::Url;

/// Who may sign up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignupMode {
    /// Anyone.
    Open,
    /// Only those an operator made an account for; the page says so.
    Invite,
    /// Nobody.
    Closed,
}

/// Who may use the tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ToolsMode {
    /// Anyone; private addresses for members alone, where members may name them.
    On,
    /// Anyone, with the addresses that members may name.
    Inside,
    /// Nobody: there are none.
    Off,
}

/// Settings of the web role.
#[derive(Debug, Clone)]
pub struct WebConfig {
    /// Where people reach us; links, cookies and CSRF follow it.
    pub base_url: Url,
    /// Which addresses users may name.
    pub address_policy: AddressPolicy,
    /// Networks whose `X-Forwarded-For` counts, from the right.
    pub trusted_proxies: Vec<IpNetwork>,
    /// Who may sign up.
    pub signup: SignupMode,
    /// Who may use the tools.
    pub tools: ToolsMode,
    /// `/outbox` exists: listen address and host of the base URL are both loopback.
    pub outbox: bool,
    /// Mail can be sent (a provider, or the outbox).
    pub email_available: bool,
    /// SMS can be sent (a provider, or the outbox).
    pub sms_available: bool,
    /// Numbers can be called: a provider with a number of its own is set up, or the outbox is there.
    pub voice_available: bool,
    /// How long a request waits for the test message that proves a webhook or chat contact.
    pub hook_test_patience: std::time::Duration,
    /// Signs provider callbacks: the account tokens of the providers, first and second.
    pub twilio_auth_tokens: Vec<secrecy::SecretString>,
    /// This host may send ICMP; workers elsewhere may or may not.
    pub may_ping: bool,
    /// The region new monitors are looked at from.
    pub region: String,
    /// What people read for it.
    pub region_name: String,
    /// The version of the program.
    pub version: String,
    /// Where "write to us" leads; the operator's address.
    pub support_email: String,
}

impl WebConfig {
    /// Cookies are `Secure`, browsers are told to stay on https.
    pub fn is_https(&self) -> bool {
        self.base_url.scheme() == "https"
    }

    /// An absolute link to `path`, which begins with a slash.
    pub fn link(&self, path: &str) -> String {
        format!("{}{path}", self.base_url.as_str().trim_end_matches('/'))
    }

    /// The proxy at `address` may say who its client is.
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.trusted_proxies
            .iter()
            .any(|network| network.contains(address))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Settings as a test wants them.
    pub(crate) fn config(base_url: &str) -> WebConfig {
        WebConfig {
            base_url: base_url.parse().unwrap(),
            address_policy: AddressPolicy::SelfHosted,
            // Nobody sends in these tests.
            hook_test_patience: std::time::Duration::ZERO,
            trusted_proxies: Vec::new(),
            signup: SignupMode::Open,
            tools: ToolsMode::On,
            outbox: true,
            email_available: true,
            sms_available: true,
            voice_available: true,
            twilio_auth_tokens: Vec::new(),
            may_ping: true,
            region: "local".into(),
            region_name: "local".into(),
            version: "0.1.0".into(),
            support_email: "support@watchbell.example".into(),
        }
    }
}

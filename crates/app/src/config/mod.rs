//! The settings: the only place that reads the environment.
//!
//! Values come from the environment, else from `--env-file`. All errors are collected and reported at
//! once. To add a setting: a field here, a line in [`Settings::read`], a row in the README's table.

mod network;
mod read;
mod text;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use domain::target::AddressPolicy;
use egress::Trusted;
use egress::smtp::SmtpRelay;
use ipnet::IpNet;
use secrecy::SecretString;
use url::Url;

pub use read::Source;

/// Who may sign up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signup {
    /// Anyone.
    Open,
    /// Whoever was invited.
    Invite,
    /// Nobody; accounts are made by the operator.
    Closed,
}

/// A Twilio-compatible provider of SMS and calls.
#[derive(Debug, Clone)]
pub struct Telephony {
    /// Account SID: the user of basic auth.
    pub account_sid: String,
    /// Auth token: its password, and the key of callback signatures.
    pub auth_token: SecretString,
    /// Sender.
    pub from: String,
    /// Where its API is.
    pub base_url: Trusted<Url>,
}

/// Who may use the tools at `/tools`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tools {
    /// Anyone; what is private is looked at for members alone, where members may name it.
    On,
    /// Anyone, and whatever members may name.
    Inside,
    /// Nobody.
    Off,
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

/// Every setting, checked.
#[derive(Debug, Clone)]
pub struct Settings {
    pub database_url: Option<SecretString>,
    pub database_read_url: Option<SecretString>,
    pub database_pool: u32,
    pub data_dir: PathBuf,
    pub listen: SocketAddr,
    pub ops_listen: Option<SocketAddr>,
    pub base_url: Url,
    pub trusted_proxies: Vec<IpNet>,
    pub secret_keys: Vec<SecretString>,
    pub egress: AddressPolicy,
    pub dns_servers: Vec<SocketAddr>,
    pub target_budget: Option<u32>,
    pub tls_roots: Option<PathBuf>,
    pub region: String,
    pub region_name: String,
    /// Where looks from here are seen to come from; `None`: the host's own public addresses.
    pub public_addresses: Option<Vec<IpAddr>>,
    pub canaries: Option<Vec<Url>>,
    pub user_agent: String,
    pub smtp: Vec<Trusted<SmtpRelay>>,
    pub mail_from: String,
    pub operator_mail: Option<String>,
    pub telephony: Vec<Telephony>,
    pub log: String,
    pub log_format: LogFormat,
    pub signup: Signup,
    pub tools: Tools,
}

/// What is wrong with the settings, all of it.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct SettingsError(pub Vec<String>);

impl Settings {
    /// Both ends of the web are on this machine only.
    pub fn is_local(&self) -> bool {
        self.listen.ip().is_loopback() && self.base_is_loopback()
    }

    /// The canaries to ask: those that were named, else the built-in ones; none when switched off.
    pub fn canary_urls(&self) -> Vec<String> {
        match &self.canaries {
            Some(named) => named.iter().map(Url::to_string).collect(),
            None => domain::canary::ANCHORS.map(str::to_owned).to_vec(),
        }
    }

    /// The host of the base URL is this machine.
    pub fn base_is_loopback(&self) -> bool {
        match self.base_url.host() {
            Some(url::Host::Domain(name)) => {
                let name = name.trim_end_matches('.');
                name.eq_ignore_ascii_case("localhost")
                    || name.to_ascii_lowercase().ends_with(".localhost")
            }
            Some(url::Host::Ipv4(ip)) => IpAddr::V4(ip).is_loopback(),
            Some(url::Host::Ipv6(ip)) => IpAddr::V6(ip).is_loopback(),
            None => false,
        }
    }

    /// The base URL without a slash at its end.
    pub fn base(&self) -> String {
        self.base_url.as_str().trim_end_matches('/').to_owned()
    }
}

/// The shell's search path for programs.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the environment"
)]
pub fn search_path() -> Option<String> {
    std::env::var("PATH").ok()
}

#[cfg(test)]
mod tests;

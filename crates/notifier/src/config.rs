//! What the notifier is made from; read from the environment by `app::config` alone.

use std::time::Duration;

use domain::alert::prices::Prices;
use domain::delivery::retry::SEND_LIMIT;
use egress::Trusted;
use egress::smtp::SmtpRelay;
use secrecy::SecretString;
use url::Url;

/// A Twilio-compatible provider.
#[derive(Debug, Clone)]
pub struct TelephonyProvider {
    /// Account SID: the user of basic auth.
    pub account_sid: String,
    /// Auth token: its password, and the key of callback signatures.
    pub auth_token: SecretString,
    /// Sender.
    pub from: String,
    /// Where its API is.
    pub base_url: Trusted<Url>,
}

/// How long providers may take.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// The whole of one send, all providers included.
    pub whole: Duration,
    /// What the first relay may take of it, so that something is left for the second.
    pub relay: Duration,
    /// The same of a telephone provider.
    pub gateway: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            whole: SEND_LIMIT,
            relay: Duration::from_secs(11),
            gateway: Duration::from_secs(10),
        }
    }
}

/// Every setting of the room.
#[derive(Debug, Clone)]
pub struct NotifierConfig {
    /// For links and callbacks.
    pub base_url: Url,
    /// `Watchbell <alerts@example.com>`.
    pub mail_from: String,
    /// Relays in order of preference.
    pub smtp: Vec<Trusted<SmtpRelay>>,
    /// Providers in order of preference.
    pub telephony: Vec<TelephonyProvider>,
    /// Where a channel has no provider, keep its messages for the local outbox. Only where web listens
    /// and is named on this machine alone.
    pub local_outbox: bool,
    /// What a text message costs.
    pub prices: Prices,
    /// How long a send may take.
    pub patience: Patience,
    /// Sends at once per queue.
    pub concurrency: usize,
}

impl NotifierConfig {
    /// Sends at once per queue unless told otherwise.
    pub const CONCURRENCY: usize = 16;
}

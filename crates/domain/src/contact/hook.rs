//! Contacts that are a URL: a webhook of the owner's, or what a chat service gave out for a channel. Who
//! knows the URL may post there, so it is a secret; people read only its host and its last characters.

use std::fmt;

use super::Channel;
use crate::target::{AddressPolicy, Host, TargetRefusal, TargetUrl, split_userinfo};

/// What a secret of a webhook begins with (Standard Webhooks).
pub const SECRET_PREFIX: &str = "whsec_";
/// Paths shorter than this show nothing of themselves.
const SHORTEST_SHOWN: usize = 16;
/// Characters shown of a longer one.
const SHOWN: usize = 4;

/// The secrets of a contact that is a URL.
#[derive(Clone, PartialEq, Eq)]
pub struct Hook {
    /// Where messages are posted.
    pub url: String,
    /// Signs what is posted; webhooks have one (`whsec_…`).
    pub secret: Option<String>,
}

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hook(…)")
    }
}

/// A URL that messages of its channel may be posted to, as it was typed.
#[derive(Clone, PartialEq, Eq)]
pub struct HookUrl {
    text: String,
    target: TargetUrl,
}

impl fmt::Debug for HookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HookUrl({})", self.display())
    }
}

/// Why a URL is not taken; reads on after "this URL".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HookUrlError {
    /// Nobody may name such an address.
    #[error("{0}")]
    Target(#[from] TargetRefusal),
    /// Unencrypted.
    #[error("must begin with https://, since the messages are not for everyone to read")]
    NotHttps,
    /// Mail and text messages have no URL.
    #[error("does not belong to this kind of contact")]
    NoHook,
    /// Not what Slack gives out.
    #[error(
        "is not the address of a Slack webhook: it looks like https://hooks.slack.com/services/T…/B…/… and is found in Slack under Apps, Incoming Webhooks, Add to Slack"
    )]
    NotSlack,
    /// Not what Discord gives out.
    #[error(
        "is not the address of a Discord webhook: it looks like https://discord.com/api/webhooks/…/… and is found in Discord under Edit channel, Integrations, Webhooks, Copy webhook URL"
    )]
    NotDiscord,
    /// Discord's address for messages in Slack's format.
    #[error("is Discord's address for other formats: leave out the /slack or /github at its end")]
    DiscordCompatible,
}

impl HookUrl {
    /// Judges what was typed for a contact of `channel`. Where users may name any address, servers that
    /// speak Slack's or Discord's language under another name are taken too.
    pub fn parse(
        channel: Channel,
        text: &str,
        policy: AddressPolicy,
    ) -> Result<Self, HookUrlError> {
        let target = TargetUrl::parse(text, policy)?;
        if !target.is_https() && policy == AddressPolicy::Hosted {
            return Err(HookUrlError::NotHttps);
        }
        match channel {
            Channel::Email | Channel::Sms => return Err(HookUrlError::NoHook),
            Channel::Webhook => {}
            Channel::Slack => check_slack(&target, policy)?,
            Channel::Discord => check_discord(&target, policy)?,
        }
        Ok(Self {
            text: text.to_owned(),
            target,
        })
    }

    /// The whole URL, a secret.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What may be shown: `hooks.slack.com/…c3X9`.
    pub fn display(&self) -> String {
        let rest = self.target.path_and_query();
        let tail: String = rest
            .chars()
            .skip(rest.chars().count().saturating_sub(SHOWN))
            .collect();
        let authority = self.target.authority();
        match rest.len() {
            0..=1 if split_userinfo(&self.text).is_none() => authority.to_owned(),
            SHORTEST_SHOWN.. if tail.chars().all(|c| c.is_ascii_alphanumeric()) => {
                format!("{authority}/…{tail}")
            }
            _ => format!("{authority}/…"),
        }
    }
}

/// The host out of what [`HookUrl::display`] made: those who share it share its slowness.
pub fn host_of_display(display: &str) -> &str {
    display.split('/').next().unwrap_or(display)
}

fn check_slack(target: &TargetUrl, policy: AddressPolicy) -> Result<(), HookUrlError> {
    let own = is_at(target, &["hooks.slack.com", "hooks.slack-gov.com"]);
    let path = target.url().path();
    let known = ["/services/", "/workflows/"]
        .into_iter()
        .filter_map(|prefix| path.strip_prefix(prefix))
        .any(|rest| rest.split('/').filter(|part| !part.is_empty()).count() >= 3);
    let right = match own {
        true => known && target.is_https(),
        false => {
            policy == AddressPolicy::SelfHosted && !is_at(target, &["slack.com", "app.slack.com"])
        }
    };
    if right {
        Ok(())
    } else {
        Err(HookUrlError::NotSlack)
    }
}

fn check_discord(target: &TargetUrl, policy: AddressPolicy) -> Result<(), HookUrlError> {
    let own = is_at(
        target,
        &[
            "discord.com",
            "discordapp.com",
            "ptb.discord.com",
            "canary.discord.com",
        ],
    );
    let parts: Vec<&str> = target
        .url()
        .path()
        .split('/')
        .filter(|part| !part.is_empty())
        .collect();
    let rest = match parts.as_slice() {
        ["api", "webhooks", rest @ ..] => Some(rest),
        ["api", version, "webhooks", rest @ ..] if version.starts_with('v') => Some(rest),
        _ => None,
    };
    match rest {
        Some([id, _, "slack" | "github"]) if is_number(id) => Err(HookUrlError::DiscordCompatible),
        Some([id, _]) if own && target.is_https() && is_number(id) => Ok(()),
        _ if !own && policy == AddressPolicy::SelfHosted => Ok(()),
        _ => Err(HookUrlError::NotDiscord),
    }
}

fn is_number(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_digit())
}

fn is_at(target: &TargetUrl, names: &[&str]) -> bool {
    matches!(target.host(), Host::Name(name) if names.contains(&name.as_str()))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const SLACK: &str =
        "https://hooks.slack.com/services/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";
    const DISCORD: &str = "https://discord.com/api/webhooks/1193847561029384756/aB3-dE5_fG7hI9jK";

    #[rstest]
    #[case(Channel::Slack, SLACK, "hooks.slack.com/…c3X9")]
    #[case(
        Channel::Slack,
        "https://hooks.slack.com/workflows/T024/A0B1/449/kJ8h",
        "hooks.slack.com/…kJ8h"
    )]
    #[case(Channel::Discord, DISCORD, "discord.com/…I9jK")]
    #[case(
        Channel::Discord,
        "https://ptb.discord.com/api/v10/webhooks/119/aB3d?thread_id=4",
        "ptb.discord.com/…"
    )]
    #[case(
        Channel::Webhook,
        "https://shop.example/hooks/watchbell",
        "shop.example/…bell"
    )]
    #[case(Channel::Webhook, "https://shop.example/hook", "shop.example/…")]
    #[case(Channel::Webhook, "https://shop.example", "shop.example")]
    #[case(Channel::Webhook, "https://shop.example:8443/", "shop.example:8443")]
    #[case(Channel::Webhook, "https://ana:pw@shop.example/", "shop.example/…")]
    fn the_right_ones_and_what_is_shown_of_them(
        #[case] channel: Channel,
        #[case] text: &str,
        #[case] shown: &str,
    ) {
        let url = HookUrl::parse(channel, text, AddressPolicy::Hosted).unwrap();
        assert_eq!((url.as_str(), url.display().as_str()), (text, shown));
        assert_eq!(Some(host_of_display(shown)), shown.split('/').next());
        assert!(!format!("{url:?}").contains(text));
    }

    #[rstest]
    #[case(
        Channel::Slack,
        "https://hooks.slack.com/services/T024BE7LD",
        "Incoming Webhooks"
    )]
    #[case(
        Channel::Slack,
        "https://hooks.slack.com/triggers/T0/1/a",
        "Incoming Webhooks"
    )]
    #[case(
        Channel::Slack,
        "https://shop.slack.com/archives/C024",
        "Incoming Webhooks"
    )]
    #[case(Channel::Slack, DISCORD, "Incoming Webhooks")]
    #[case(
        Channel::Slack,
        "http://hooks.slack.com/services/T0/B0/x8Kq",
        "must begin with https"
    )]
    #[case(
        Channel::Slack,
        "https://hooks.slack.com.evil.example/services/T0/B0/x8Kq",
        "Incoming Webhooks"
    )]
    #[case(
        Channel::Discord,
        "https://discord.com/channels/1/2",
        "Copy webhook URL"
    )]
    #[case(
        Channel::Discord,
        "https://discord.com/api/webhooks/119",
        "Copy webhook URL"
    )]
    #[case(
        Channel::Discord,
        "https://discord.com/api/webhooks/119/a/slack",
        "/slack"
    )]
    #[case(Channel::Discord, SLACK, "Copy webhook URL")]
    #[case(Channel::Webhook, "http://shop.example/hook", "must begin with https")]
    #[case(Channel::Webhook, "https://10.0.0.1/hook", "10.0.0.1")]
    #[case(Channel::Email, "https://shop.example/hook", "kind")]
    fn the_wrong_ones_say_where_to_look(
        #[case] channel: Channel,
        #[case] text: &str,
        #[case] said: &str,
    ) {
        let error = HookUrl::parse(channel, text, AddressPolicy::Hosted)
            .unwrap_err()
            .to_string();
        assert!(error.contains(said), "{error}");
    }

    #[rstest]
    #[case(Channel::Webhook, "http://127.0.0.1:9000/hook", true)]
    #[case(Channel::Slack, "http://chat.lan/hooks/4fj39", true)]
    #[case(Channel::Slack, "https://hooks.slack.com/", false)]
    #[case(Channel::Slack, "https://app.slack.com/client/T0/C0", false)]
    #[case(Channel::Discord, "http://127.0.0.1:9000/api/webhooks/1/x", true)]
    #[case(Channel::Discord, "https://discord.com/channels/1/2", false)]
    fn self_hosted_servers_may_speak_the_same_language(
        #[case] channel: Channel,
        #[case] text: &str,
        #[case] taken: bool,
    ) {
        let judged = HookUrl::parse(channel, text, AddressPolicy::SelfHosted);
        assert_eq!(judged.is_ok(), taken, "{judged:?}");
    }
}

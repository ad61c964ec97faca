//! URLs that are secrets.

use std::fmt;

use crate::contact::Channel;
use crate::target::{AddressPolicy, Host, TargetRefusal, TargetUrl, split_userinfo};

/// Paths shorter than this show nothing of themselves.
const SHORTEST_SHOWN: usize = 16;
/// Characters shown of a longer one.
const SHOWN: usize = 4;
/// Where Microsoft runs the workflows that post into Teams: its clouds, and their names of before.
const TEAMS: [&str; 7] = [
    "api.powerplatform.com",
    "api.gov.powerplatform.microsoft.us",
    "api.high.powerplatform.microsoft.us",
    "api.powerplatform.partner.microsoftonline.cn",
    "logic.azure.com",
    "logic.azure.us",
    "logic.azure.cn",
];

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
    /// Mail and text messages have no URL, and some services have more than one.
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
    /// Not what a workflow of Teams gives out.
    #[error(
        "is not the address of a Teams workflow: it looks like https://….api.powerplatform.com/…/workflows/…/triggers/manual/paths/invoke?…&sig=… and is found in Teams under ⋯ beside the channel, Workflows, Send webhook alerts to a channel"
    )]
    NotTeams,
    /// A connector, which Microsoft has switched off.
    #[error(
        "belongs to an Office 365 connector, and Microsoft has switched those off. Make a workflow instead: in Teams ⋯ beside the channel, Workflows, Send webhook alerts to a channel"
    )]
    TeamsConnector,
    /// Not what Mattermost gives out.
    #[error(
        "is not the address of a Mattermost webhook: it looks like https://chat.example.com/hooks/… and is found in Mattermost under the product menu, Integrations, Incoming Webhooks"
    )]
    NotMattermost,
    /// Not what Google Chat gives out.
    #[error(
        "is not the address of a Google Chat webhook: it looks like https://chat.googleapis.com/v1/spaces/…/messages?key=…&token=… and is found in the space under its name, Apps & integrations, Webhooks"
    )]
    NotGoogleChat,
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
            Channel::Webhook => {}
            Channel::Slack => check_slack(&target, policy)?,
            Channel::Discord => check_discord(&target, policy)?,
            Channel::Teams => check_teams(&target, policy)?,
            Channel::Mattermost => check_mattermost(&target)?,
            Channel::GoogleChat => check_google_chat(&target, policy)?,
            _ => return Err(HookUrlError::NoHook),
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

    /// Of Microsoft's long names only the end.
    fn shown_authority(&self) -> &str {
        let known = TEAMS.into_iter().find(|name| is_under(&self.target, name));
        known.unwrap_or_else(|| self.target.authority())
    }

    /// What may be shown: `hooks.slack.com/…c3X9`.
    pub fn display(&self) -> String {
        let rest = self.target.path_and_query();
        let tail: String = rest
            .chars()
            .skip(rest.chars().count().saturating_sub(SHOWN))
            .collect();
        let authority = self.shown_authority();
        match rest.len() {
            0..=1 if split_userinfo(&self.text).is_none() => authority.to_owned(),
            SHORTEST_SHOWN.. if tail.chars().all(|c| c.is_ascii_alphanumeric()) => {
                format!("{authority}/…{tail}")
            }
            _ => format!("{authority}/…"),
        }
    }
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

fn check_teams(target: &TargetUrl, policy: AddressPolicy) -> Result<(), HookUrlError> {
    if [
        "webhook.office.com",
        "outlook.office.com",
        "outlook.office365.com",
    ]
    .into_iter()
    .any(|name| is_at(target, &[name]) || is_under(target, name))
    {
        return Err(HookUrlError::TeamsConnector);
    }
    let own = TEAMS.into_iter().any(|name| is_under(target, name));
    let url = target.url();
    let is_trigger = url.path().contains("/workflows/") && url.path().contains("/triggers/");
    match own {
        true if target.is_https() && is_trigger && has_parameter(target, "sig") => Ok(()),
        false if policy == AddressPolicy::SelfHosted && !is_under(target, "microsoft.com") => {
            Ok(())
        }
        _ => Err(HookUrlError::NotTeams),
    }
}

fn check_mattermost(target: &TargetUrl) -> Result<(), HookUrlError> {
    let after = target.url().path().rsplit_once("/hooks/");
    match after {
        Some((_, id)) if !id.is_empty() && !id.contains('/') => Ok(()),
        _ => Err(HookUrlError::NotMattermost),
    }
}

fn check_google_chat(target: &TargetUrl, policy: AddressPolicy) -> Result<(), HookUrlError> {
    let own = is_at(target, &["chat.googleapis.com"]);
    let path = target.url().path();
    let known = path.starts_with("/v1/spaces/") && path.ends_with("/messages");
    let keys = has_parameter(target, "key") && has_parameter(target, "token");
    match own {
        true if target.is_https() && known && keys => Ok(()),
        false if policy == AddressPolicy::SelfHosted && !is_at(target, &["chat.google.com"]) => {
            Ok(())
        }
        _ => Err(HookUrlError::NotGoogleChat),
    }
}

fn has_parameter(target: &TargetUrl, name: &str) -> bool {
    let mut pairs = target.url().query_pairs();
    pairs.any(|(key, value)| key == name && !value.is_empty())
}

fn is_under(target: &TargetUrl, suffix: &str) -> bool {
    matches!(target.host(), Host::Name(name)
        if name.strip_suffix(suffix).is_some_and(|rest| rest.ends_with('.')))
}

fn is_number(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_digit())
}

fn is_at(target: &TargetUrl, names: &[&str]) -> bool {
    matches!(target.host(), Host::Name(name) if names.contains(&name.as_str()))
}

#[cfg(test)]
mod tests;

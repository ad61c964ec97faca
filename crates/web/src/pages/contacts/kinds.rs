//! The kinds that the form offers, in groups.

use domain::contact::Channel;

use crate::state::AppState;
use crate::usecases::contacts::is_available;

/// Kinds that are alike, as they stand on the form.
const GROUPS: [(&str, &[Channel]); 5] = [
    ("People", &[Channel::Email, Channel::Sms, Channel::Voice]),
    (
        "Chat",
        &[
            Channel::Slack,
            Channel::Teams,
            Channel::Discord,
            Channel::Telegram,
            Channel::GoogleChat,
            Channel::Mattermost,
            Channel::Matrix,
        ],
    ),
    ("Push", &[Channel::Ntfy, Channel::Pushover, Channel::Gotify]),
    ("Paging", &[Channel::PagerDuty, Channel::Opsgenie]),
    ("Programs", &[Channel::Webhook]),
];

/// Kinds that are alike.
pub(super) struct Group {
    pub(super) label: &'static str,
    pub(super) kinds: Vec<Kind>,
}

/// One kind to choose.
pub(super) struct Kind {
    pub(super) word: &'static str,
    pub(super) label: &'static str,
    pub(super) is_chosen: bool,
    pub(super) is_available: bool,
}

/// All of them.
pub(super) fn groups(chosen: Channel, state: &AppState) -> Vec<Group> {
    let kind = |channel: &Channel| Kind {
        word: channel.as_str(),
        label: label(*channel),
        is_chosen: *channel == chosen,
        is_available: is_available(state, *channel),
    };
    let group = |(label, kinds): (&'static str, &[Channel])| Group {
        label,
        kinds: kinds.iter().map(kind).collect(),
    };
    GROUPS.into_iter().map(group).collect()
}

const fn label(channel: Channel) -> &'static str {
    match channel {
        Channel::Email => "Mail",
        Channel::Voice => "Call",
        Channel::Webhook => "Webhook",
        Channel::Teams => "Teams",
        other => other.name(),
    }
}

#[test]
fn every_kind_is_offered_once() {
    for channel in Channel::ALL {
        let groups = GROUPS.iter();
        let times = groups.filter(|(_, kinds)| kinds.contains(&channel)).count();
        assert_eq!(times, 1, "{channel:?}");
    }
}

use rstest::rstest;

use super::*;
use crate::contact::hook::host_of_display;

const SLACK: &str = "https://hooks.slack.com/services/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";
const TEAMS_FLOW: &str = "https://default4f1.c9.environment.api.powerplatform.com:443/powerautomate/automations/direct/workflows/8a7b/triggers/manual/paths/invoke?api-version=1&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=x8Kq2LmN0pRs7TuVc3X9";
const GOOGLE: &str = "https://chat.googleapis.com/v1/spaces/AAAA8Kq2/messages?key=AIzaSyDdI0hCZtE6vySjMm&token=x8Kq2LmN0pRs7TuVc3X9";
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
#[case(Channel::Teams, TEAMS_FLOW, "api.powerplatform.com/…c3X9")]
#[case(
    Channel::Teams,
    "https://prod-12.westeurope.logic.azure.com/workflows/8a7b/triggers/manual/paths/invoke?api-version=2016-06-01&sig=x8Kq",
    "logic.azure.com/…x8Kq"
)]
#[case(Channel::GoogleChat, GOOGLE, "chat.googleapis.com/…c3X9")]
#[case(
    Channel::Mattermost,
    "https://chat.shop.example/team/hooks/xkcd4fj39w1m7p8q2r5t6y9zab",
    "chat.shop.example/…9zab"
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
#[case(
    Channel::Teams,
    "https://shop.webhook.office.com/webhookb2/8a7b/IncomingWebhook/1/2",
    "switched those off"
)]
#[case(
    Channel::Teams,
    "https://teams.microsoft.com/l/channel/19",
    "Workflows"
)]
#[case(
    Channel::Teams,
    "https://x.logic.azure.com.evil.example/workflows/8/triggers/manual/paths/invoke?sig=x",
    "Workflows"
)]
#[case(
    Channel::Teams,
    "https://prod.logic.azure.com/workflows/8/triggers/manual/paths/invoke",
    "sig="
)]
#[case(
    Channel::GoogleChat,
    "https://chat.google.com/room/AAAA8Kq2",
    "Webhooks"
)]
#[case(
    Channel::GoogleChat,
    "https://chat.googleapis.com/v1/spaces/AAAA/messages?key=x",
    "token="
)]
#[case(
    Channel::Mattermost,
    "https://chat.shop.example/team/channels/ops",
    "Incoming Webhooks"
)]
#[case(Channel::Telegram, "https://t.me/ops", "kind")]
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
#[case(Channel::Teams, "http://127.0.0.1:9000/flow", true)]
#[case(Channel::GoogleChat, "http://127.0.0.1:9000/space", true)]
#[case(Channel::Mattermost, "http://chat.lan:8065/hooks/4fj39", true)]
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

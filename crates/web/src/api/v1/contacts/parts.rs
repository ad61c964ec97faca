//! The parts of services as the reference shows them. They are read by `domain::contact::hook`.

#![expect(dead_code, reason = "schemas; the values are those of the domain")]

use utoipa::ToSchema;

/// Of `telegram`: a bot that writes into a chat.
#[derive(Debug, ToSchema)]
#[schema(example = json!({"bot_token": "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw", "chat_id": "-1001234567890"}))]
pub struct TelegramParts {
    /// What @BotFather gave out. A secret, masked as `"••••"` for read keys.
    #[schema(min_length = 36, max_length = 200)]
    bot_token: String,
    /// The number of the chat as text, below zero for groups, or the @name of a public channel.
    #[schema(
        min_length = 1,
        max_length = 65,
        pattern = "^(-?[0-9]{1,20}|@[A-Za-z0-9_]{4,64})$"
    )]
    chat_id: String,
    /// A Bot API server of your own; only on a Watchbell that you host yourself.
    #[schema(max_length = 2048)]
    server: Option<String>,
}

/// Of `matrix`: a user of a homeserver who writes into a room.
#[derive(Debug, ToSchema)]
#[schema(example = json!({"homeserver": "https://matrix.example", "room_id": "!x8Kq:example", "access_token": "syt_…"}))]
pub struct MatrixParts {
    /// The URL at which its client API answers.
    #[schema(max_length = 2048)]
    homeserver: String,
    /// The internal id of the room.
    #[schema(min_length = 2, max_length = 255, pattern = "^![!-~]+$")]
    room_id: String,
    /// Of the user who writes. A secret, masked as `"••••"` for read keys.
    #[schema(min_length = 8, max_length = 1024, pattern = "^[!-~]+$")]
    access_token: String,
}

/// Of `ntfy`: a topic of a server.
#[derive(Debug, ToSchema)]
#[schema(example = json!({"topic": "shop-alerts-x8Kq2LmN"}))]
pub struct NtfyParts {
    /// `https://ntfy.sh` by default.
    #[schema(max_length = 2048)]
    server: Option<String>,
    /// A secret where the topic is open, masked as `"••••"` for read keys.
    #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9_-]+$")]
    topic: String,
    /// For a topic that asks for one. A secret, masked as `"••••"` for read keys.
    #[schema(min_length = 8, max_length = 1024, pattern = "^[!-~]+$")]
    token: Option<String>,
}

/// How loud an outage is at Pushover; quiet notices are always quiet.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum PushoverPriority {
    /// As the device is set.
    Normal,
    /// Also in the quiet hours of the device; the default.
    High,
    /// Every minute, up to three hours, until somebody takes it in the app or the outage is taken or over.
    Emergency,
}

/// Of `pushover`: the devices of a user or group.
#[derive(Debug, ToSchema)]
#[schema(example = json!({"user_key": "uQiRzpo4DXghDmr9QzzfQu27cmVRsG", "app_token": "azGDORePK8gMaC0QOYAMyEEuzJnyUi", "priority": "high"}))]
pub struct PushoverParts {
    /// Of the user or group. A secret, masked as `"••••"` for read keys.
    #[schema(min_length = 30, max_length = 30, pattern = "^[A-Za-z0-9]{30}$")]
    user_key: String,
    /// Of the application that sends. A secret, masked as `"••••"` for read keys.
    #[schema(min_length = 30, max_length = 30, pattern = "^[A-Za-z0-9]{30}$")]
    app_token: String,
    /// Of an outage.
    priority: Option<PushoverPriority>,
    /// A server that speaks the same language; only on a Watchbell that you host yourself.
    #[schema(max_length = 2048)]
    server: Option<String>,
}

/// Of `gotify`: an application of a server.
#[derive(Debug, ToSchema)]
#[schema(example = json!({"server": "https://push.example.com", "app_token": "AwLoxKPN.x8Kq2L"}))]
pub struct GotifyParts {
    /// Its address as in the browser.
    #[schema(max_length = 2048)]
    server: String,
    /// Of the application. A secret, masked as `"••••"` for read keys.
    #[schema(min_length = 8, max_length = 1024, pattern = "^[!-~]+$")]
    app_token: String,
}

/// Where a paging service keeps an account.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum ServiceRegion {
    /// United States; the default.
    Us,
    /// European Union.
    Eu,
}

/// Of `pagerduty`: an integration of the kind Events API v2.
#[derive(Debug, ToSchema)]
#[schema(example = json!({"integration_key": "e93facc04764012d7bfb002500d5d1a6", "region": "us"}))]
pub struct PagerDutyParts {
    /// A secret, masked as `"••••"` for read keys.
    #[schema(min_length = 32, max_length = 32, pattern = "^[A-Za-z0-9]{32}$")]
    integration_key: String,
    /// Where the account is.
    region: Option<ServiceRegion>,
    /// A server that speaks the same language; only on a Watchbell that you host yourself.
    #[schema(max_length = 2048)]
    server: Option<String>,
}

/// Of `opsgenie`: an integration of the kind API.
#[derive(Debug, ToSchema)]
#[schema(example = json!({"api_key": "8a7b0c1d-2e3f-4a5b-8c7d-9e0f1a2b3c4d", "region": "eu"}))]
pub struct OpsgenieParts {
    /// A secret, masked as `"••••"` for read keys.
    #[schema(min_length = 20, max_length = 200, pattern = "^[A-Za-z0-9-]+$")]
    api_key: String,
    /// Where the account is.
    region: Option<ServiceRegion>,
    /// A server that speaks the same language; only on a Watchbell that you host yourself.
    #[schema(max_length = 2048)]
    server: Option<String>,
}

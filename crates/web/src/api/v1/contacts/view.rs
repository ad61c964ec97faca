//! Contacts as clients read them.

use axum::response::Response;
use domain::contact::hook::{
    Gotify, Matrix, Ntfy, Opsgenie, PagerDuty, Pushover, Service, Telegram,
};
use domain::contact::{Channel, Contact, Hook, QuietHours, phone};
use domain::ids::{AccountId, ContactId, DeliveryId};
use http::{StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;

use super::parts::{
    GotifyParts, MatrixParts, NtfyParts, OpsgenieParts, PagerDutyParts, PushoverParts,
    TelegramParts,
};
use crate::api::etag;
use crate::api::gate::ShownOnce;
use crate::api::problem::{ApiResult, Problem};
use crate::state::AppState;
use crate::usecases::hook_tests;
use crate::usecases::monitors::MASK;

/// An address that alerts go to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Contact)]
pub struct ContactView {
    /// `con_…`
    #[schema(read_only)]
    pub(super) id: String,
    /// The page with all contacts.
    #[schema(read_only)]
    pub(super) html_url: String,
    #[schema(value_type = ContactKind)]
    pub(super) kind: &'static str,
    pub(super) name: String,
    /// Of mail, text message and call contacts: the mail address, or the number in E.164 form; numbers are masked
    /// for read keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) address: Option<String>,
    /// Of `webhook`, `slack`, `discord`, `teams`, `mattermost` and `google_chat`: where messages are posted.
    /// Masked as `"••••"` for read keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<TelegramParts>)]
    pub(super) telegram: Option<Telegram>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<MatrixParts>)]
    pub(super) matrix: Option<Matrix>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<NtfyParts>)]
    pub(super) ntfy: Option<Ntfy>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<PushoverParts>)]
    pub(super) pushover: Option<Pushover>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<GotifyParts>)]
    pub(super) gotify: Option<Gotify>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<PagerDutyParts>)]
    pub(super) pagerduty: Option<PagerDuty>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<OpsgenieParts>)]
    pub(super) opsgenie: Option<Opsgenie>,
    /// Of a webhook, in the answer that makes or renews it and nowhere else: signs what it gets (`whsec_…`).
    #[schema(read_only)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) secret: Option<String>,
    /// Proven by a code, or by a test message that arrived. Nothing else is sent before.
    #[schema(read_only)]
    pub(super) verified: bool,
    /// The default policy includes it.
    pub(super) in_default: bool,
    /// Of a call contact: it is also called when the outage is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) call_on_recovery: Option<bool>,
    /// Whose it is, `usr_…`: a member who is on call is reached by all of theirs.
    pub(super) member_id: Option<String>,
    /// It is told of critical monitors alone.
    pub(super) only_critical: bool,
    /// When messages wait; null: never.
    #[schema(value_type = Option<super::QuietHoursParts>)]
    pub(super) quiet_hours: Option<QuietHours>,
    /// Why nothing is sent to it any more.
    #[schema(read_only)]
    pub(super) disabled_reason: Option<String>,
}

/// How a contact is reached.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum ContactKind {
    /// Mail.
    Email,
    /// Text message.
    Sms,
    /// A call: spoken, and answered by keys.
    Voice,
    /// Signed JSON, posted to an address of yours (Standard Webhooks).
    Webhook,
    /// A message in a Slack channel.
    Slack,
    /// A message in a Discord channel.
    Discord,
    /// A card in a channel of Microsoft Teams.
    Teams,
    /// A message in a Mattermost channel.
    Mattermost,
    /// A card in a space of Google Chat.
    GoogleChat,
    /// A message of a bot in a Telegram chat.
    Telegram,
    /// A message in a Matrix room.
    Matrix,
    /// A notification of an ntfy topic.
    Ntfy,
    /// A notification on Pushover's apps.
    Pushover,
    /// A notification of a Gotify server.
    Gotify,
    /// An alert at PagerDuty, acknowledged and resolved with its incident.
    #[schema(rename = "pagerduty")]
    PagerDuty,
    /// An alert at Opsgenie, acknowledged and closed with its incident.
    Opsgenie,
}

/// A contact as its reader may see it.
pub(super) async fn view(
    connection: &mut sqlx::PgConnection,
    state: &AppState,
    (account, masked): (AccountId, bool),
    contact: Contact,
) -> ApiResult<ContactView> {
    let hook = match contact.channel.is_hook() {
        true => {
            store::contacts::hooks::find(
                connection,
                &state.secrets,
                account,
                contact.id,
                state.now(),
            )
            .await?
        }
        false => None,
    };
    Ok(ContactView::of(state, contact, hook, masked))
}

/// The contact, once its test message was tried or we have waited long enough.
pub(super) async fn tested(
    state: &AppState,
    (account, id): (AccountId, ContactId),
    test: DeliveryId,
) -> ApiResult<ContactView> {
    hook_tests::wait(state, account, test).await?;
    let mut tx = store::tenant::begin(&state.pool, account).await?;
    let contact = store::contacts::find(&mut tx, account, id)
        .await?
        .ok_or_else(Problem::not_found)?;
    view(&mut tx, state, (account, false), contact).await
}

impl ContactView {
    /// A contact; numbers are masked for those who only read.
    fn of(state: &AppState, contact: Contact, hook: Option<Hook>, masked: bool) -> Self {
        let (url, service) = match hook {
            Some(Hook::Url { .. }) if masked => (Some(MASK.to_owned()), None),
            Some(Hook::Url { url, .. }) => (Some(url), None),
            Some(Hook::Service(service)) if masked => (None, Some(service.masked(MASK))),
            Some(Hook::Service(service)) => (None, Some(service)),
            None => (None, None),
        };
        let hide = |text: String| {
            if masked && contact.channel.is_phone() {
                phone::masked(&text)
            } else {
                text
            }
        };
        let name = if contact.name == contact.address {
            hide(contact.name)
        } else {
            contact.name
        };
        let mut view = Self {
            id: contact.id.to_string(),
            html_url: state.config.link("/contacts"),
            kind: contact.channel.as_str(),
            name,
            address: (!contact.channel.is_hook()).then(|| hide(contact.address)),
            url,
            telegram: None,
            matrix: None,
            ntfy: None,
            pushover: None,
            gotify: None,
            pagerduty: None,
            opsgenie: None,
            secret: None,
            verified: contact.verified_at.is_some(),
            call_on_recovery: (contact.channel == Channel::Voice)
                .then_some(contact.call_on_recovery),
            in_default: contact.in_default,
            member_id: contact.member_id.map(|id| id.to_string()),
            only_critical: contact.only_critical,
            quiet_hours: contact.quiet_hours,
            disabled_reason: contact.disabled_reason,
        };
        match service {
            Some(Service::Telegram(parts)) => view.telegram = Some(parts),
            Some(Service::Matrix(parts)) => view.matrix = Some(parts),
            Some(Service::Ntfy(parts)) => view.ntfy = Some(parts),
            Some(Service::Pushover(parts)) => view.pushover = Some(parts),
            Some(Service::Gotify(parts)) => view.gotify = Some(parts),
            Some(Service::PagerDuty(parts)) => view.pagerduty = Some(parts),
            Some(Service::Opsgenie(parts)) => view.opsgenie = Some(parts),
            None => {}
        }
        view
    }

    /// The answer that alone carries a new secret.
    pub(super) fn shown_once(self, status: StatusCode, secret: String) -> ApiResult<Response> {
        let secret = Some(secret);
        let mut response = etag::tagged(status, None, &Self { secret, ..self })?;
        response.headers_mut().remove(header::ETAG);
        response.extensions_mut().insert(ShownOnce);
        Ok(response)
    }

    /// The parts of its service, if it has one.
    pub(super) fn service(&self) -> Option<Service> {
        let Self {
            telegram,
            matrix,
            ntfy,
            pushover,
            gotify,
            pagerduty,
            opsgenie,
            ..
        } = self;
        let services = [
            telegram.clone().map(Service::Telegram),
            matrix.clone().map(Service::Matrix),
            ntfy.clone().map(Service::Ntfy),
            pushover.clone().map(Service::Pushover),
            gotify.clone().map(Service::Gotify),
            pagerduty.clone().map(Service::PagerDuty),
            opsgenie.clone().map(Service::Opsgenie),
        ];
        services.into_iter().flatten().next()
    }
}

//! Contacts as clients read them.

use domain::contact::{Channel, Contact, phone};
use domain::ids::{AccountId, ContactId, DeliveryId};
use serde::Serialize;
use utoipa::ToSchema;

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
    /// Of mail and text message contacts: the mail address, or the number in E.164 form; numbers are masked
    /// for read keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) address: Option<String>,
    /// Of all others: where messages are posted. Masked as `"••••"` for read keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) url: Option<String>,
    /// Of a webhook, in the answer that makes it and nowhere else: signs what it gets (`whsec_…`).
    #[schema(read_only)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) secret: Option<String>,
    /// Proven by a code, or by a test message that arrived. Nothing else is sent before.
    #[schema(read_only)]
    pub(super) verified: bool,
    /// The default policy includes it.
    pub(super) in_default: bool,
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
    /// Signed JSON, posted to an address of yours (Standard Webhooks).
    Webhook,
    /// A message in a Slack channel.
    Slack,
    /// A message in a Discord channel.
    Discord,
}

/// A contact as its reader may see it.
pub(super) async fn view(
    connection: &mut sqlx::PgConnection,
    state: &AppState,
    (account, masked): (AccountId, bool),
    contact: Contact,
) -> ApiResult<ContactView> {
    let url = match (contact.channel.is_hook(), masked) {
        (false, _) => None,
        (true, true) => Some(MASK.to_owned()),
        (true, false) => {
            store::contacts::hooks::find(connection, &state.secrets, account, contact.id)
                .await?
                .map(|hook| hook.url)
        }
    };
    Ok(ContactView::of(state, contact, url, masked))
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
    fn of(state: &AppState, contact: Contact, url: Option<String>, masked: bool) -> Self {
        let hide = |text: String| {
            if masked && contact.channel == Channel::Sms {
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
        Self {
            id: contact.id.to_string(),
            html_url: state.config.link("/contacts"),
            kind: contact.channel.as_str(),
            name,
            address: url.is_none().then(|| hide(contact.address)),
            url,
            secret: None,
            verified: contact.verified_at.is_some(),
            in_default: contact.in_default,
            disabled_reason: contact.disabled_reason,
        }
    }
}

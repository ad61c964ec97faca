//! A Twilio-compatible provider: what texts and calls have in common.

mod classify;

use domain::delivery::retry::ErrorClass;
use egress::Egress;
use egress::http::{ProviderClient, Request, Response};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::Instant;
use url::form_urlencoded;

use crate::config::TelephonyProvider;
use crate::error::NotifierError;
use crate::send::Trouble;

#[cfg(test)]
pub(crate) use classify::of_answer;
use classify::of_silence;

/// One provider.
#[derive(Debug, Clone)]
pub(crate) struct Gateway {
    client: ProviderClient,
    account_sid: String,
    auth_token: SecretString,
    from: String,
}

impl Gateway {
    pub(crate) fn new(
        egress: &Egress,
        provider: &TelephonyProvider,
    ) -> Result<Self, NotifierError> {
        Ok(Self {
            client: ProviderClient::new(egress, &provider.base_url)
                .map_err(NotifierError::Provider)?,
            account_sid: provider.account_sid.clone(),
            auth_token: provider.auth_token.clone(),
            from: provider.from.clone(),
        })
    }

    /// Our sender there.
    pub(crate) fn from(&self) -> &str {
        &self.from
    }

    /// Makes one of `resource` (`Messages`, `Calls`) and returns the body of a yes.
    pub(crate) async fn create(
        &self,
        resource: &str,
        fields: &[(&str, &str)],
        deadline: Instant,
    ) -> Result<Vec<u8>, Trouble> {
        let request = Request::post_form(fields);
        self.ask(&self.path(resource, ""), request, deadline).await
    }

    /// The list of `resource` that a query narrows down.
    pub(crate) async fn list(
        &self,
        resource: &str,
        query: &[(&str, &str)],
        deadline: Instant,
    ) -> Result<Vec<u8>, Trouble> {
        let query: String = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(query)
            .finish();
        let path = self.path(resource, &format!("?{query}"));
        self.ask(&path, Request::get(), deadline).await
    }

    fn path(&self, resource: &str, query: &str) -> String {
        format!(
            "2010-04-01/Accounts/{}/{resource}.json{query}",
            self.account_sid
        )
    }

    async fn ask(
        &self,
        path: &str,
        request: Request,
        deadline: Instant,
    ) -> Result<Vec<u8>, Trouble> {
        let request = request
            .basic_auth(&self.account_sid, self.auth_token.expose_secret())
            .map_err(|error| of_silence(&error))?;
        let response: Response = self
            .client
            .send(path, request, deadline)
            .await
            .map_err(|error| of_silence(&error))?;
        if response.is_success() {
            Ok(response.body)
        } else {
            Err(classify::of_answer(&response))
        }
    }
}

/// The provider said yes in words that cannot be read, which does not undo it.
pub(crate) fn unreadable_yes() -> Trouble {
    Trouble {
        ambiguous: true,
        ..Trouble::transient(
            "the provider accepted it and its answer cannot be read",
            None,
        )
    }
}

/// Nothing else was wrong with it than that we cannot read it.
pub(crate) fn unreadable_list() -> Trouble {
    Trouble {
        class: ErrorClass::Transient { retry_after: None },
        ambiguous: false,
        contact_reason: None,
        message: "the provider's list cannot be read".to_owned(),
    }
}

//! Who is at the browser.

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum_extra::extract::cookie::CookieJar;
use http::request::Parts;
use http::{Method, Uri};
use jiff::SignedDuration;
use store::sessions::SignedIn;

use crate::auth::cookie;
use crate::config::ToolsMode;
use crate::error::PageError;
use crate::extract::RequestId;
use crate::state::AppState;
use crate::view::{Shell, Theme};

/// Anyone, signed in or not.
#[derive(Debug, Clone)]
pub struct Visitor {
    /// The session, when there is one.
    pub signed_in: Option<SignedIn>,
    /// Colours.
    pub theme: Theme,
    /// Of this request.
    pub request_id: RequestId,
    /// There are tools for everybody.
    pub tools: bool,
}

impl Visitor {
    /// What the layout needs.
    pub fn shell(&self, title: impl Into<String>) -> Shell {
        let mut shell = Shell::new(title.into(), self.theme, self.signed_in.as_ref());
        shell.tools = self.tools;
        shell
    }
}

/// A signed-in person.
#[derive(Debug, Clone)]
pub struct CurrentUser {
    /// The session, its person and the account in view.
    pub signed_in: SignedIn,
    /// Colours.
    pub theme: Theme,
    /// Of this request.
    pub request_id: RequestId,
}

impl CurrentUser {
    /// What the layout needs.
    pub fn shell(&self, title: impl Into<String>) -> Shell {
        Shell::new(title.into(), self.theme, Some(&self.signed_in))
    }
}

impl FromRequestParts<AppState> for Visitor {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, PageError> {
        if let Some(known) = parts.extensions.get::<Self>() {
            return Ok(known.clone());
        }
        let jar = CookieJar::from_headers(&parts.headers);
        let signed_in = match cookie::session_token(&jar, &state.config) {
            Some(token) => find(state, token).await?,
            None => None,
        };
        let theme = Theme::of(&jar);
        let visitor = Self {
            signed_in,
            theme,
            request_id: request_id(parts),
            tools: state.config.tools != ToolsMode::Off,
        };
        parts.extensions.insert(visitor.clone());
        Ok(visitor)
    }
}

impl FromRequestParts<AppState> for CurrentUser {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, PageError> {
        let visitor =
            <Visitor as FromRequestParts<AppState>>::from_request_parts(parts, state).await?;
        let Some(signed_in) = visitor.signed_in else {
            return Err(PageError::SignIn {
                next: return_path(&parts.method, &parts.uri),
            });
        };
        Ok(Self {
            signed_in,
            theme: visitor.theme,
            request_id: visitor.request_id,
        })
    }
}

impl OptionalFromRequestParts<AppState> for CurrentUser {
    type Rejection = PageError;

    async fn from_request_parts(
        parts: &mut Parts,
        state: &AppState,
    ) -> Result<Option<Self>, PageError> {
        match <Self as FromRequestParts<AppState>>::from_request_parts(parts, state).await {
            Ok(user) => Ok(Some(user)),
            Err(PageError::SignIn { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// The session behind a token, if it is one; notes that it was used.
pub(crate) async fn find(state: &AppState, token: &str) -> Result<Option<SignedIn>, PageError> {
    let now = state.now();
    let mut connection = state.pool.acquire().await?;
    let Some(found) =
        store::sessions::find_signed_in(&mut connection, &store::secrets::token_hash(token), now)
            .await?
    else {
        return Ok(None);
    };
    if now.duration_since(found.last_seen_at) >= SignedDuration::from_mins(5) {
        store::sessions::touch(
            &mut connection,
            found.session_id,
            now + cookie::LIFETIME,
            now,
        )
        .await?;
    }
    Ok(Some(found))
}

/// Where to come back to after signing in: the page itself, or for a post its start.
fn return_path(method: &Method, uri: &Uri) -> String {
    if method == Method::GET || method == Method::HEAD {
        uri.path_and_query()
            .map_or_else(|| "/monitors".to_owned(), ToString::to_string)
    } else {
        "/monitors".to_owned()
    }
}

fn request_id(parts: &Parts) -> RequestId {
    parts
        .extensions
        .get::<RequestId>()
        .cloned()
        .unwrap_or_else(RequestId::generate)
}

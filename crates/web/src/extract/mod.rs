//! Who asks, for which account, from where, and with which fields. A handler that needs a tenant's
//! rows takes a [`Tenant`] (or, in the API, an [`ApiKeyAuth`]); there is no other door.

mod api_key;
mod client;
mod client_ip;
mod fields;
mod request_id;
pub(crate) mod session;
mod tenant;

pub use api_key::ApiKeyAuth;
pub use client::Client;
pub use client_ip::ClientIp;
pub use fields::{FieldError, Fields, FormErrors};
pub use request_id::RequestId;
pub use session::{CurrentUser, Visitor};
pub use tenant::Tenant;

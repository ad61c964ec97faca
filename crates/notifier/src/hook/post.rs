//! Requests, whose addresses and headers are secrets.

use std::fmt;

use domain::contact::Channel;
use egress::http::{Request, SendError};
use serde_json::Value;

use crate::error::RenderError;

/// One message to one hook, ready to go.
#[derive(Debug, Clone)]
pub(crate) struct Post {
    pub(crate) channel: Channel,
    pub(crate) call: Call,
    /// What follows once that was taken; the message has arrived whatever becomes of it.
    pub(crate) after: Option<Call>,
    /// What it says, on one line.
    pub(crate) text: String,
}

/// One request.
#[derive(Clone)]
pub(crate) struct Call {
    /// A PUT repeats itself without harm, where a service takes one.
    pub(crate) is_put: bool,
    /// A secret.
    pub(crate) url: String,
    /// Secrets, or signatures.
    pub(crate) headers: Vec<(&'static str, String)>,
    /// JSON; may hold a key.
    pub(crate) body: Vec<u8>,
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Call({} bytes)", self.body.len())
    }
}

impl Call {
    /// A POST.
    pub(crate) fn post(url: String, body: &Value) -> Result<Self, RenderError> {
        let body = serde_json::to_vec(body)
            .map_err(|_| RenderError::Missing("a body that can be written"))?;
        Ok(Self {
            is_put: false,
            url,
            headers: Vec::new(),
            body,
        })
    }

    /// The request as the client takes it.
    pub(super) fn request(&self) -> Result<Request, SendError> {
        let mut request = match self.is_put {
            true => Request::put_json(self.body.clone()),
            false => Request::post_json(self.body.clone()),
        };
        for (name, value) in &self.headers {
            request = request.secret_header(name, value)?;
        }
        Ok(request)
    }
}

/// The server that is called, without a slash at its end.
pub(crate) fn base<'u>(own: Option<&'u str>, usual: &'u str) -> &'u str {
    own.unwrap_or(usual).trim_end_matches('/')
}

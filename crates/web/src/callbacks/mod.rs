//! What providers call: each proves itself by a signature over the public address and the form.

pub mod twilio;

use crate::routes::{Access, Routes};

/// The routes.
pub fn routes() -> Routes {
    Routes::new().post("/callbacks/twilio/status", Access::Provider, twilio::status)
}

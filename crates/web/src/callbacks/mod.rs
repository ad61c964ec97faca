//! What programs call that are neither a browser nor an API client: providers, who prove themselves by a
//! signature over the public address and the form, and jobs and calendars, whose address is their proof.

pub mod calendar;
pub mod ping;
pub mod twilio;

use crate::routes::{Access, Routes};

/// The routes.
pub fn routes() -> Routes {
    Routes::new()
        .post("/callbacks/twilio/status", Access::Provider, twilio::status)
        .post("/callbacks/twilio/sms", Access::Provider, twilio::sms)
        .post("/callbacks/twilio/voice", Access::Provider, twilio::voice)
        .merge(ping::routes())
        .merge(calendar::routes())
}

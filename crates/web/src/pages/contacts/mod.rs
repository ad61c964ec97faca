//! Contacts: who is told, each address proven before anything else is sent to it.

mod actions;
mod inputs;
mod kinds;
mod list;
mod quiet;
mod verify;

use crate::routes::{Access, Routes};

/// The routes of this area.
pub fn routes() -> Routes {
    use Access::Tenant;
    Routes::new()
        .get("/contacts", Tenant, list::show)
        .post("/contacts", Tenant, list::create)
        .get("/contacts/{contact_id}", Tenant, verify::show)
        .post("/contacts/{contact_id}/verify", Tenant, verify::verify)
        .post("/contacts/{contact_id}/resend", Tenant, verify::resend)
        .post(
            "/contacts/{contact_id}/renew-secret",
            Tenant,
            actions::renew_secret,
        )
        .post("/contacts/{contact_id}/edit", Tenant, actions::edit)
        .post("/contacts/{contact_id}/test", Tenant, actions::test)
        .get("/contacts/{contact_id}/delete", Tenant, actions::confirm)
        .post("/contacts/{contact_id}/delete", Tenant, actions::delete)
}

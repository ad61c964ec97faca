//! Which contacts are those of the person who does something: they need no message about it.

use std::collections::HashSet;

use domain::contact::Way;
use domain::ids::{AccountId, ContactId};
use sqlx::PgConnection;
use store::{contacts, memberships};

use crate::{By, Result};

/// The contact that answered, the mail contacts with the address of the user, and in an account of one
/// person its phones too.
pub(crate) async fn contacts(
    connection: &mut PgConnection,
    account: AccountId,
    by: &By,
) -> Result<HashSet<ContactId>> {
    let mut own: HashSet<ContactId> = by.contact_id.into_iter().collect();
    let Some(email) = by.email.as_deref() else {
        return Ok(own);
    };
    let alone = memberships::count(connection, account).await? <= 1;
    for contact in contacts::list(connection, account).await? {
        let is_own = match contact.channel.way() {
            Way::Mail => contact.address.eq_ignore_ascii_case(email),
            Way::Text | Way::Call => alone,
            // Others read them too, or a program does.
            Way::Hook => false,
        };
        if is_own {
            own.insert(contact.id);
        }
    }
    Ok(own)
}

//! What people do to themselves, in the audit log of every account they belong to.

use domain::ids::UserId;
use domain::incident::{Actor, ActorKind};
use jiff::Timestamp;
use serde_json::json;
use sqlx::PgConnection;
use store::{audit, memberships, users};

use super::UseCaseResult;

/// Notes an action of a person on their own row, such as `user.password_changed`. Not in a fenced
/// transaction: a person may belong to several accounts.
pub async fn note(
    connection: &mut PgConnection,
    user: UserId,
    action: &str,
    now: Timestamp,
) -> UseCaseResult<()> {
    let person = users::get(connection, user).await?;
    let actor = Actor {
        kind: ActorKind::User,
        name: if person.name.is_empty() {
            person.email
        } else {
            person.name
        },
    };
    for (account_id, _) in memberships::list_of_user(connection, user).await? {
        let entry = audit::Entry {
            account_id,
            actor: &actor,
            action,
            subject: user.to_string(),
            details: json!({}),
            at: now,
        };
        audit::insert(connection, &entry).await?;
    }
    Ok(())
}

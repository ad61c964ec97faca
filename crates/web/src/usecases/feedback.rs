//! Whether the cause that was named was the right one.

use domain::ids::{AccountId, ContactId, IncidentId};
use domain::incident::Incident;
use domain::incident::feedback::{self, Answer, Answerer, MAX_SAID, Unfit};
use jiff::Timestamp;
use metrics::counter;
use sqlx::PgConnection;

use super::{UseCaseError, UseCaseResult};

/// As whom a contact answers. Not in a transaction that is fenced to an account.
pub async fn answerer(
    connection: &mut PgConnection,
    account: AccountId,
    contact: ContactId,
) -> UseCaseResult<Answerer> {
    let member = store::feedback::find_member(connection, account, contact).await?;
    Ok(member.map_or(Answerer::Contact(contact), Answerer::User))
}

/// Somebody says whether it was, and may say what it was; a later answer takes the place of an earlier one.
pub async fn judge(
    connection: &mut PgConnection,
    (account, id): (AccountId, IncidentId),
    by: Answerer,
    (is_right, text): (bool, &str),
    now: Timestamp,
) -> UseCaseResult<Incident> {
    let said = feedback::said(text).map_err(|unfit| match unfit {
        Unfit::TooLong => UseCaseError::field(
            "/text",
            "too_long",
            format!("must be at most {MAX_SAID} characters long"),
        ),
        Unfit::Control => UseCaseError::field(
            "/text",
            "invalid_character",
            "must not contain control characters",
        ),
    })?;
    let incident = store::incidents::find(connection, account, id).await?;
    let incident = incident.ok_or(UseCaseError::NotFound)?;
    let Some(diagnosis) = incident.diagnosis.as_ref().filter(|_| !incident.test) else {
        let detail = "No cause was named for this incident, so there is nothing to judge.";
        return Err(UseCaseError::conflict(None, detail));
    };
    let answer = Answer { is_right, said };
    store::feedback::put(connection, (&incident, diagnosis), by, &answer, now).await?;
    let answer = if is_right { "right" } else { "wrong" };
    counter!("watchbell_diagnosis_feedback_total", "rule" => diagnosis.rule.clone(), "answer" => answer)
        .increment(1);
    Ok(incident)
}

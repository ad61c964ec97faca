//! `/cause/{token}/yes` and `/no`: whether the cause that a contact was told was the right one. The link shows a
//! page with one button, so that a mail scanner that follows it says nothing.

use askama::Template;
use axum::extract::{Path, State};
use domain::ids::{AccountId, IncidentId};
use domain::incident::feedback::{Answer, Answerer};
use incidents::links;

use crate::error::{PageError, PageResult};
use crate::extract::{Fields, Visitor};
use crate::pages::incidents::parts::cause;
use crate::state::AppState;
use crate::usecases::{UseCaseError, feedback};
use crate::view::{Shell, render, see_other};

#[derive(Template)]
#[template(path = "alerts/cause.html")]
struct CausePage {
    shell: Shell,
    monitor: String,
    cause: String,
    sentence: String,
    /// What the link asks to say.
    is_right: bool,
    /// What was said before.
    answer: Option<Answer>,
    /// What stands in the field: what was typed, or what was said before.
    typed: String,
    /// Why that is not kept.
    refused: Option<String>,
    incident: String,
}

struct Named {
    account: AccountId,
    incident: IncidentId,
    by: Answerer,
}

async fn find(state: &AppState, token: &str) -> PageResult<Named> {
    let mut connection = state.pool.acquire().await?;
    let found = links::find_acknowledge(&mut connection, token)
        .await
        .map_err(PageError::internal)?;
    let (account, incident, contact) = found.ok_or(PageError::NotFound)?;
    Ok(Named {
        account,
        incident,
        by: feedback::answerer(&mut connection, account, contact).await?,
    })
}

/// Shows what was said to be the cause, and a button.
pub async fn show_yes(
    visitor: Visitor,
    State(state): State<AppState>,
    Path(token): Path<String>,
) -> PageResult {
    let named = find(&state, &token).await?;
    show(&visitor, &state, &named, (true, None)).await
}

/// The same with a field for what it was.
pub async fn show_no(
    visitor: Visitor,
    State(state): State<AppState>,
    Path(token): Path<String>,
) -> PageResult {
    let named = find(&state, &token).await?;
    show(&visitor, &state, &named, (false, None)).await
}

/// It was.
pub async fn yes(
    visitor: Visitor,
    State(state): State<AppState>,
    Path(token): Path<String>,
    fields: Fields,
) -> PageResult {
    answer(&visitor, &state, (&token, true), &fields).await
}

/// It was not.
pub async fn no(
    visitor: Visitor,
    State(state): State<AppState>,
    Path(token): Path<String>,
    fields: Fields,
) -> PageResult {
    answer(&visitor, &state, (&token, false), &fields).await
}

async fn answer(
    visitor: &Visitor,
    state: &AppState,
    (token, is_right): (&str, bool),
    fields: &Fields,
) -> PageResult {
    let named = find(state, token).await?;
    let mut transaction = store::tenant::begin(&state.pool, named.account).await?;
    let of = (named.account, named.incident);
    let text = fields.text("text");
    let judged = feedback::judge(
        &mut transaction,
        of,
        named.by,
        (is_right, text),
        state.now(),
    );
    match judged.await {
        Ok(_) => transaction.commit().await.map_err(store::Error::from)?,
        Err(UseCaseError::Invalid(errors)) => {
            let why = errors.first().map(|error| error.message.clone());
            drop(transaction);
            let refused = (text.to_owned(), why.unwrap_or_default());
            return show(visitor, state, &named, (is_right, Some(refused))).await;
        }
        Err(error) => return Err(error.into()),
    }
    let word = if is_right { "yes" } else { "no" };
    see_other(&format!("/cause/{token}/{word}"))
}

async fn show(
    visitor: &Visitor,
    state: &AppState,
    named: &Named,
    (is_right, refused): (bool, Option<(String, String)>),
) -> PageResult {
    let (account, id) = (named.account, named.incident);
    let mut transaction = store::tenant::begin(&state.pool, account).await?;
    let incident = store::incidents::find(&mut transaction, account, id).await?;
    let incident = incident.ok_or(PageError::NotFound)?;
    let monitor = store::monitors::find_with_deleted(
        &mut transaction,
        &state.secrets,
        account,
        incident.monitor_id,
    )
    .await?;
    let monitor = monitor
        .map(|monitor| monitor.settings().name)
        .unwrap_or_default();
    let diagnosis = incident.diagnosis.as_ref().filter(|_| !incident.test);
    let diagnosis = diagnosis.ok_or(PageError::NotFound)?;
    let answer = store::feedback::find(&mut transaction, account, id, named.by).await?;
    let said = answer.as_ref().filter(|answer| answer.is_right == is_right);
    let said = said.and_then(|answer| answer.said.clone());
    let (typed, refused) = match refused {
        Some((typed, why)) => (typed, Some(why)),
        None => (said.unwrap_or_default(), None),
    };
    render(&CausePage {
        shell: visitor.shell(format!("{monitor}: was the cause right?")),
        cause: cause(&incident),
        sentence: diagnosis.sentence.clone(),
        is_right,
        answer,
        typed,
        refused,
        incident: format!("/i/{}", incident.short),
        monitor,
    })
}

//! `/a/{token}`: one contact takes one incident.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use domain::ids::{AccountId, ContactId, DeliveryId, IncidentId};
use domain::incident::{Actor, ActorKind, Incident};
use domain::words;
use http::header;
use incidents::{By, links};
use sqlx::PgConnection;

use super::acknowledge_all;
use crate::error::{PageError, PageResult};
use crate::extract::Visitor;
use crate::pages::incidents::parts::cause;
use crate::state::AppState;
use crate::view::{Moment, Shell, render, see_other};

#[derive(Template)]
#[template(path = "alerts/acknowledge.html")]
struct AcknowledgePage {
    shell: Shell,
    monitor: String,
    cause: String,
    since: Moment,
    lasted: String,
    is_open: bool,
    taken: Option<(String, Moment)>,
    incident: String,
    /// It is a fire drill, and this contact has answered it after so long.
    drill: Option<Option<String>>,
}

struct Named {
    account: AccountId,
    incident: IncidentId,
    contact: ContactId,
}

/// All that a message told of.
pub(super) struct All {
    pub(super) account: AccountId,
    pub(super) delivery: DeliveryId,
    pub(super) contact: ContactId,
}

async fn find_all(state: &AppState, token: &str) -> PageResult<Option<All>> {
    let mut connection = state.pool.acquire().await?;
    let found = links::find_acknowledge_all(&mut connection, token)
        .await
        .map_err(PageError::internal)?;
    Ok(found.map(|(account, delivery, contact)| All {
        account,
        delivery,
        contact,
    }))
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
        contact,
    })
}

/// Shows what is down and a button.
pub async fn show(
    visitor: Visitor,
    State(state): State<AppState>,
    Path(token): Path<String>,
) -> PageResult {
    if let Some(all) = find_all(&state, &token).await? {
        return acknowledge_all::show(&visitor, &state, &all).await;
    }
    let named = find(&state, &token).await?;
    let mut transaction = store::tenant::begin(&state.pool, named.account).await?;
    let incident: Incident =
        store::incidents::find(&mut transaction, named.account, named.incident)
            .await?
            .ok_or(PageError::NotFound)?;
    let monitor = store::monitors::find_with_deleted(
        &mut transaction,
        &state.secrets,
        named.account,
        incident.monitor_id,
    )
    .await?;
    let account = store::accounts::find(&mut transaction, named.account)
        .await?
        .ok_or(PageError::NotFound)?;
    let zone = words::zone(&account.timezone);
    let moment = |at| Moment::new(at, zone.clone());
    let monitor = monitor
        .map(|monitor| monitor.settings().name)
        .unwrap_or_default();
    let answered = answered(&mut transaction, &incident, named.contact).await?;
    let monitor = incident.name_of(&monitor);
    render(&AcknowledgePage {
        shell: visitor.shell(monitor.clone()),
        cause: cause(&incident),
        since: moment(incident.first_failure_at),
        lasted: words::duration(incident.duration(state.now())),
        is_open: incident.is_open(),
        taken: incident
            .acknowledged_by
            .as_ref()
            .zip(incident.acknowledged_at)
            .map(|(actor, at)| (actor.name.clone(), moment(at))),
        incident: format!("/i/{}", incident.short),
        drill: incident.test.then_some(answered),
        monitor,
    })
}

/// How long after the begin of a drill the contact answered.
async fn answered(
    connection: &mut PgConnection,
    incident: &Incident,
    contact: ContactId,
) -> PageResult<Option<String>> {
    if !incident.test {
        return Ok(None);
    }
    let account = incident.account_id;
    let contact = store::contacts::find(connection, account, contact).await?;
    let entries = store::incidents::list_events(connection, account, incident.id).await?;
    let answers = incidents::drill_answers(incident, &entries);
    let own = answers.into_iter().find(|one| {
        contact
            .as_ref()
            .is_some_and(|contact| contact.name == one.name)
    });
    Ok(own.map(|one| words::duration(one.after)))
}

/// Takes it. The first one has it; for later ones the page says who.
pub async fn take(State(state): State<AppState>, Path(token): Path<String>) -> PageResult {
    taken(&state, &token).await?;
    see_other(&format!("/a/{token}"))
}

/// The same for the button of a notification: an app posts here and shows no page. Its web version may
/// read the answer from its own site.
pub async fn take_now(State(state): State<AppState>, Path(token): Path<String>) -> PageResult {
    taken(&state, &token).await?;
    let anybody = [(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")];
    Ok((anybody, "Taken. The others are told, reminders stop.\n").into_response())
}

async fn taken(state: &AppState, token: &str) -> PageResult<()> {
    if let Some(all) = find_all(state, token).await? {
        return acknowledge_all::take(state, &all).await;
    }
    let named = find(state, token).await?;
    let mut transaction = store::tenant::begin(&state.pool, named.account).await?;
    let contact = store::contacts::find(&mut transaction, named.account, named.contact)
        .await?
        .ok_or(PageError::NotFound)?;
    let by = By {
        actor: Actor {
            kind: ActorKind::Contact,
            name: contact.name,
        },
        contact_id: Some(named.contact),
        email: None,
    };
    let taken = incidents::acknowledge(
        &mut transaction,
        named.account,
        named.incident,
        &by,
        state.now(),
    );
    taken
        .await
        .map_err(PageError::internal)?
        .ok_or(PageError::NotFound)?;
    transaction.commit().await.map_err(store::Error::from)?;
    Ok(())
}

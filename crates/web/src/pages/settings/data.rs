//! `/settings/data`: take everything away, or delete everything.

use std::io;
use std::time::Duration;

use askama::Template;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use domain::delivery::AccountMessage;
use domain::ids::AccountId;
use futures::StreamExt;
use http::{StatusCode, header};
use incidents::By;
use jiff::Timestamp;
use sqlx::PgPool;
use store::exports::{self, Part};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::security::is_right;
use crate::auth::{cookie, mail, session};
use crate::error::{PageError, PageResult};
use crate::extract::{CurrentUser, Fields, FormErrors, Tenant};
use crate::state::AppState;
use crate::view::{Shell, render, render_with, see_other};

/// A reader that takes nothing for this long has gone.
const SLOWEST: Duration = Duration::from_secs(30);

#[derive(Template)]
#[template(path = "settings/data.html")]
struct DataPage {
    shell: Shell,
    tab: &'static str,
}

#[derive(Template)]
#[template(path = "settings/delete.html")]
struct DeletePage<'a> {
    shell: Shell,
    account_name: &'a str,
    monitors: u32,
    errors: FormErrors,
}

/// The page.
pub async fn show(tenant: Tenant) -> PageResult {
    render(&DataPage {
        shell: tenant.shell("Data").section("settings"),
        tab: "data",
    })
}

/// One JSON file, written while it is read.
pub async fn export(tenant: Tenant, State(state): State<AppState>) -> PageResult {
    tenant.require_administer()?;
    let now = state.now();
    let (sender, receiver) = mpsc::channel(8);
    tokio::spawn(write(
        state.read_pool.clone(),
        tenant.account_id(),
        now,
        sender,
    ));
    let name = format!(
        "attachment; filename=\"watchbell-{}.json\"",
        now.strftime("%Y-%m-%d")
    );
    let headers = [
        (header::CONTENT_TYPE, "application/json".to_owned()),
        (header::CONTENT_DISPOSITION, name),
    ];
    Ok((headers, Body::from_stream(ReceiverStream::new(receiver))).into_response())
}

type Chunk = Result<Bytes, io::Error>;

/// Writes the file. An error ends the connection, so that a cut file is never taken for a whole one.
async fn write(pool: PgPool, account: AccountId, now: Timestamp, sender: mpsc::Sender<Chunk>) {
    if let Err(error) = parts(&pool, account, now, &sender).await {
        tracing::warn!(account.id = %account, %error, "an export was cut");
        let _ = sender.send(Err(error)).await;
    }
}

async fn parts(
    pool: &PgPool,
    account: AccountId,
    now: Timestamp,
    sender: &mpsc::Sender<Chunk>,
) -> Result<(), io::Error> {
    let mut connection = pool.acquire().await.map_err(io::Error::other)?;
    send(sender, format!("{{\n\"exported_at\": \"{now}\"")).await?;
    for part in Part::ALL {
        send(sender, format!(",\n\"{}\": [", part.key())).await?;
        let mut rows = exports::rows(&mut connection, account, part).chunks(200);
        let mut separator = "\n";
        while let Some(chunk) = rows.next().await {
            let mut text = String::new();
            for row in chunk {
                text.push_str(separator);
                text.push_str(&row.map_err(io::Error::other)?.to_string());
                separator = ",\n";
            }
            send(sender, text).await?;
        }
        send(sender, "]".to_owned()).await?;
    }
    send(sender, "\n}\n".to_owned()).await
}

async fn send(sender: &mpsc::Sender<Chunk>, text: String) -> Result<(), io::Error> {
    sender
        .send_timeout(Ok(Bytes::from(text)), SLOWEST)
        .await
        .map_err(|_| io::Error::other("the reader has gone"))
}

async fn delete_page(tenant: &Tenant, state: &AppState, errors: FormErrors) -> PageResult {
    let mut transaction = tenant.begin(state).await?;
    let monitors = store::monitors::count(&mut transaction, tenant.account_id()).await?;
    let status = if errors.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    let shell = tenant.shell("Delete the account").section("settings");
    render_with(
        status,
        &DeletePage {
            shell,
            account_name: tenant.account_name(),
            monitors,
            errors,
        },
    )
}

/// Asks for the password.
pub async fn confirm(tenant: Tenant, State(state): State<AppState>) -> PageResult {
    tenant.require_owner()?;
    delete_page(&tenant, &state, FormErrors::new()).await
}

/// Deletes the account: everything stops in this transaction, the history follows.
pub async fn delete(
    tenant: Tenant,
    user: CurrentUser,
    State(state): State<AppState>,
    fields: Fields,
) -> PageResult<Response> {
    tenant.require_owner()?;
    if !is_right(&state, &user, fields.raw("password")).await? {
        return delete_page(
            &tenant,
            &state,
            FormErrors::one("password", "Your password: this is not it."),
        )
        .await;
    }
    let now = state.now();
    let person = tenant.user();
    let by = By {
        actor: tenant.actor(),
        contact_id: None,
        email: Some(person.email.clone()),
    };
    let mut transaction = store::begin(&state.pool).await?;
    incidents::delete_account(&mut transaction, tenant.account_id(), &by, now)
        .await
        .map_err(PageError::internal)?;
    let message = AccountMessage::AccountDeleted {
        at: now,
        timezone: tenant.timezone().to_owned(),
        account: tenant.account_name().to_owned(),
    };
    mail::send(&mut transaction, &state, None, &person.email, message, None).await?;
    transaction.commit().await?;
    Ok(session::with_cookie(
        see_other("/?deleted")?,
        cookie::no_session(&state.config),
    ))
}

//! `/verify`: by the code in the browser that signed up, by the link on any device.

use askama::Template;
use axum::extract::{Path, Query, State};
use domain::account::EmailAddress;
use domain::ids::UserId;
use http::StatusCode;
use sqlx::PgConnection;
use store::challenges::Purpose;

use super::after_verification;
use super::signup::Carried;
use crate::auth::challenge;
use crate::error::{PageError, PageResult};
use crate::extract::{Client, CurrentUser, Fields, FormErrors, Visitor};
use crate::state::AppState;
use crate::throttle;
use crate::view::{Shell, render, render_with, see_other};

#[derive(Template)]
#[template(path = "auth/verify.html")]
struct VerifyPage<'a> {
    shell: Shell,
    errors: FormErrors,
    email: &'a str,
    url: &'a str,
    add_link: String,
    outbox: bool,
}

#[derive(Template)]
#[template(path = "auth/button.html")]
struct ButtonPage<'a> {
    shell: Shell,
    heading: &'a str,
    text: String,
    action: String,
    link: &'a str,
    button: &'a str,
}

/// This page's address, with the monitor's address carried along.
pub(super) fn path(url: &str) -> String {
    after_verification(url)
        .replace("/monitors/new", "/verify")
        .replace("/monitors", "/verify")
}

/// Said to somebody who can read mail to the address, and to nobody else.
const TAKEN: &str = "This address was confirmed for another account meanwhile. Log in to that one.";

fn page<'a>(
    state: &AppState,
    user: &'a CurrentUser,
    errors: FormErrors,
    url: &'a str,
) -> VerifyPage<'a> {
    let mut shell = user.shell("Confirm your address");
    // The band above would say what the page says.
    if let Some(person) = &mut shell.person {
        person.verified = true;
    }
    VerifyPage {
        shell,
        errors,
        email: &user.signed_in.user.email,
        url,
        add_link: after_verification(url),
        outbox: state.config.outbox,
    }
}

/// The form for the code.
pub async fn show(
    user: CurrentUser,
    State(state): State<AppState>,
    Query(carried): Query<Carried>,
) -> PageResult {
    let url = carried.url.trim();
    if user.signed_in.user.email_verified_at.is_some() {
        return see_other(&after_verification(url));
    }
    render(&page(&state, &user, FormErrors::new(), url))
}

/// Tries a code.
pub async fn submit(
    user: CurrentUser,
    State(state): State<AppState>,
    client: Client,
    fields: Fields,
) -> PageResult {
    throttle::take(&state, throttle::CODE_NETWORK, &client.ip.network()).await?;
    let id = user.signed_in.user.id;
    throttle::take(&state, throttle::CODE_USER, &id.to_string()).await?;
    let errors = match try_code(&state, id, fields.text("code")).await? {
        Proof::Given => return see_other(&after_verification(fields.text("url"))),
        Proof::Taken => FormErrors::one("code", TAKEN),
        Proof::Wrong => FormErrors::one(
            "code",
            "Code: six digits are needed, and these are not the ones we sent. A code ends after ten minutes or five wrong tries; then send another one.",
        ),
    };
    render_with(
        StatusCode::UNPROCESSABLE_ENTITY,
        &page(&state, &user, errors, fields.text("url")),
    )
}

/// How a try to prove an address ended.
enum Proof {
    Given,
    Wrong,
    /// Somebody else has proven the address meanwhile.
    Taken,
}

async fn try_code(state: &AppState, user: UserId, typed: &str) -> PageResult<Proof> {
    // The try is counted in its own statement, so it stays counted whatever follows.
    let mut connection = state.pool.acquire().await?;
    let right =
        challenge::try_code(&mut connection, state, user, Purpose::VerifyEmail, typed).await?;
    let Some(challenge) = right else {
        return Ok(Proof::Wrong);
    };
    let mut transaction = store::begin(&state.pool).await?;
    if !mark_verified(&mut transaction, state, user, &challenge.address).await? {
        return Ok(Proof::Taken);
    }
    transaction.commit().await?;
    Ok(Proof::Given)
}

/// Notes the proof for the person and for the contact with this address, and that accounts may write to
/// it again if its owner had forbidden that. False, and then the
/// transaction is broken, when somebody else has proven the address before.
pub(super) async fn mark_verified(
    connection: &mut PgConnection,
    state: &AppState,
    user: UserId,
    address: &str,
) -> Result<bool, PageError> {
    let now = state.now();
    match store::users::mark_verified(connection, user, address, now).await {
        Err(error) if error.constraint() == Some("users_email_key") => return Ok(false),
        other => other?,
    };
    store::accounts::mark_owner_contacts_verified(connection, user, address, now).await?;
    let address = EmailAddress::parse(address).map_err(PageError::internal)?;
    store::unconfirmed::unblock(connection, &state.secrets, &address).await?;
    Ok(true)
}

/// Sends another mail, a minute after the last one at the earliest.
pub async fn resend(
    user: CurrentUser,
    State(state): State<AppState>,
    client: Client,
    fields: Fields,
) -> PageResult {
    throttle::take(&state, throttle::MAIL_NETWORK, &client.ip.network()).await?;
    let person = &user.signed_in.user;
    let url = fields.text("url");
    if person.email_verified_at.is_some() {
        return see_other(&after_verification(url));
    }
    let mut transaction = store::begin(&state.pool).await?;
    if let Some(seconds) =
        challenge::resend_in(&mut transaction, &state, person.id, Purpose::VerifyEmail).await?
    {
        let errors = FormErrors::one(
            "code",
            format!("Another mail can be sent in {seconds} s. The last one may still come."),
        );
        return render_with(
            StatusCode::TOO_MANY_REQUESTS,
            &page(&state, &user, errors, url),
        );
    }
    let email = EmailAddress::parse(&person.email).map_err(PageError::internal)?;
    let asked = challenge::ask_for_proof(&mut transaction, &state, person.id, &email).await?;
    if let Some(retry_after) = asked {
        return Err(PageError::TooManyRequests { retry_after });
    }
    transaction.commit().await?;
    let mut page = page(&state, &user, FormErrors::new(), url);
    page.shell = page.shell.notice(Some(
        "Another mail is on its way. The code of the last one no longer counts.".to_owned(),
    ));
    render(&page)
}

/// The page behind the link. It only shows a button: mail scanners open links too.
pub async fn link(
    visitor: Visitor,
    State(state): State<AppState>,
    Path(token): Path<String>,
) -> PageResult {
    let mut connection = state.pool.acquire().await?;
    let challenge =
        challenge::find(&mut connection, &state, &token, &[Purpose::VerifyEmail]).await?;
    let Some(challenge) = challenge else {
        return run_out(&visitor);
    };
    render(&ButtonPage {
        shell: visitor.shell("Confirm your address"),
        heading: "Confirm your address",
        text: format!(
            "You confirm that {} is yours. Alerts may then be sent to it.",
            challenge.address
        ),
        action: format!("/verify/{token}"),
        link: "",
        button: "Confirm",
    })
}

/// The button.
pub async fn press(
    visitor: Visitor,
    State(state): State<AppState>,
    Path(token): Path<String>,
) -> PageResult {
    let mut transaction = store::begin(&state.pool).await?;
    let challenge =
        challenge::find(&mut transaction, &state, &token, &[Purpose::VerifyEmail]).await?;
    let Some(challenge) = challenge else {
        return run_out(&visitor);
    };
    if !store::challenges::consume(&mut transaction, challenge.id, state.now()).await? {
        return run_out(&visitor);
    }
    let (user, address) = (challenge.user_id, challenge.address.as_str());
    if !mark_verified(&mut transaction, &state, user, address).await? {
        let page = ButtonPage {
            shell: visitor.shell("Already confirmed"),
            heading: "Already confirmed",
            text: TAKEN.to_owned(),
            action: String::new(),
            link: "/login",
            button: "Log in",
        };
        return render_with(StatusCode::CONFLICT, &page);
    }
    transaction.commit().await?;
    let mut shell = visitor.shell("Confirmed");
    if let Some(person) = &mut shell.person {
        person.verified = person.verified || person.email.eq_ignore_ascii_case(&challenge.address);
    }
    render(&ButtonPage {
        shell,
        heading: "Confirmed",
        text: format!("Alerts go to {} from now on.", challenge.address),
        action: String::new(),
        link: "/monitors",
        button: if visitor.signed_in.is_some() {
            "Go to your monitors"
        } else {
            "Log in"
        },
    })
}

fn run_out(visitor: &Visitor) -> PageResult {
    let page = ButtonPage {
        shell: visitor.shell("Link has run out"),
        heading: "This link has run out",
        text: "It was used, replaced by a newer one, or is older than ten minutes.".to_owned(),
        action: String::new(),
        link: "/verify",
        button: "Get another one",
    };
    render_with(StatusCode::GONE, &page)
}

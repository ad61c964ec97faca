//! `/verify`: by the code in the browser that signed up, by the link on any device.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum_extra::extract::cookie::CookieJar;
use domain::ids::UserId;
use http::{HeaderValue, StatusCode};
use sqlx::PgConnection;
use store::challenges::Purpose;

use super::after_verification;
use super::signup::Carried;
use crate::auth::challenge::{self, Ask};
use crate::auth::cookie;
use crate::error::{PageError, PageResult};
use crate::extract::{Client, Fields, FormErrors, Visitor};
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

/// The cookie that remembers which address a sign-up named, known or not.
pub(super) fn pending_cookie(state: &AppState, email: &str) -> Option<HeaderValue> {
    cookie::pending(email, &state.config)
}

/// The address to be proven: of the session, else of the sign-up just now.
fn address(visitor: &Visitor, jar: &CookieJar) -> Option<String> {
    let session = visitor
        .signed_in
        .as_ref()
        .map(|signed_in| signed_in.user.email.clone());
    session.or_else(|| cookie::pending_address(jar))
}

fn page<'a>(
    state: &AppState,
    visitor: &Visitor,
    errors: FormErrors,
    email: &'a str,
    url: &'a str,
) -> VerifyPage<'a> {
    let mut shell = visitor.shell("Confirm your address");
    // The band above would say what the page says.
    if let Some(person) = &mut shell.person {
        person.verified = true;
    }
    VerifyPage {
        shell,
        errors,
        email,
        url,
        add_link: after_verification(url),
        outbox: state.config.outbox,
    }
}

/// The form for the code.
pub async fn show(
    visitor: Visitor,
    State(state): State<AppState>,
    jar: CookieJar,
    Query(carried): Query<Carried>,
) -> PageResult {
    if visitor
        .signed_in
        .as_ref()
        .is_some_and(|signed_in| signed_in.user.email_verified_at.is_some())
    {
        return see_other(&after_verification(carried.url.trim()));
    }
    let Some(email) = address(&visitor, &jar) else {
        return Err(PageError::SignIn {
            next: "/verify".to_owned(),
        });
    };
    render(&page(
        &state,
        &visitor,
        FormErrors::new(),
        &email,
        carried.url.trim(),
    ))
}

/// Tries a code.
pub async fn submit(
    visitor: Visitor,
    State(state): State<AppState>,
    client: Client,
    jar: CookieJar,
    fields: Fields,
) -> PageResult {
    let Some(email) = address(&visitor, &jar) else {
        return Err(PageError::SignIn {
            next: "/verify".to_owned(),
        });
    };
    throttle::take(&state, throttle::CODE_NETWORK, &client.ip.network()).await?;
    let right = match &visitor.signed_in {
        Some(signed_in) => {
            throttle::take(&state, throttle::CODE_USER, &signed_in.user.id.to_string()).await?;
            try_code(&state, signed_in.user.id, fields.text("code")).await?
        }
        None => false,
    };
    if right {
        return see_other(&after_verification(fields.text("url")));
    }
    let errors = FormErrors::one(
        "code",
        "Code: this is not it, or it has run out. After five wrong ones or ten minutes, send another one.",
    );
    render_with(
        StatusCode::UNPROCESSABLE_ENTITY,
        &page(&state, &visitor, errors, &email, fields.text("url")),
    )
}

async fn try_code(state: &AppState, user: UserId, typed: &str) -> PageResult<bool> {
    // The try is counted in its own statement, so it stays counted whatever follows.
    let mut connection = state.pool.acquire().await?;
    let challenge =
        challenge::try_code(&mut connection, state, user, Purpose::VerifyEmail, typed).await?;
    if let Some(challenge) = &challenge {
        mark_verified(&mut connection, state, user, &challenge.address).await?;
    }
    Ok(challenge.is_some())
}

/// Notes the proof for the person and for the contact with this address.
pub(super) async fn mark_verified(
    connection: &mut PgConnection,
    state: &AppState,
    user: UserId,
    address: &str,
) -> Result<(), PageError> {
    let now = state.now();
    store::users::mark_verified(connection, user, address, now).await?;
    store::accounts::mark_owner_contacts_verified(connection, user, address, now).await?;
    Ok(())
}

/// Sends another mail, a minute after the last one at the earliest.
pub async fn resend(
    visitor: Visitor,
    State(state): State<AppState>,
    client: Client,
    jar: CookieJar,
    fields: Fields,
) -> PageResult {
    let Some(email) = address(&visitor, &jar) else {
        return Err(PageError::SignIn {
            next: "/verify".to_owned(),
        });
    };
    throttle::take(&state, throttle::MAIL_NETWORK, &client.ip.network()).await?;
    if let Some(signed_in) = &visitor.signed_in
        && signed_in.user.email_verified_at.is_none()
    {
        let mut transaction = state.pool.begin().await?;
        let user_id = signed_in.user.id;
        if let Some(seconds) =
            challenge::resend_in(&mut transaction, &state, user_id, Purpose::VerifyEmail).await?
        {
            let errors = FormErrors::one(
                "code",
                format!("Another mail can be sent in {seconds} s. The last one may still come."),
            );
            return render_with(
                StatusCode::TOO_MANY_REQUESTS,
                &page(&state, &visitor, errors, &email, fields.text("url")),
            );
        }
        throttle::take(&state, throttle::MAIL_ADDRESS, &email.to_ascii_lowercase()).await?;
        let ask = Ask {
            user_id,
            purpose: Purpose::VerifyEmail,
            send_to: &email,
            address: &email,
        };
        challenge::send(&mut transaction, &state, ask).await?;
        transaction.commit().await?;
    }
    let mut page = page(
        &state,
        &visitor,
        FormErrors::new(),
        &email,
        fields.text("url"),
    );
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
    let mut transaction = state.pool.begin().await?;
    let challenge =
        challenge::find(&mut transaction, &state, &token, &[Purpose::VerifyEmail]).await?;
    let Some(challenge) = challenge else {
        return run_out(&visitor);
    };
    if !store::challenges::consume(&mut transaction, challenge.id, state.now()).await? {
        return run_out(&visitor);
    }
    mark_verified(
        &mut transaction,
        &state,
        challenge.user_id,
        &challenge.address,
    )
    .await?;
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

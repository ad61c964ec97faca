//! `/signup`. A known address gets the same answer, session and account as any other, by the same
//! writes; only the mail differs, and only the owner of the address reads it.

use askama::Template;
use axum::extract::{Query, State};
use domain::account::{EmailAddress, Plan, password};
use http::StatusCode;
use serde::Deserialize;
use store::sessions::SignedIn;

use super::{in_same_time, verify};
use crate::accounts::{self, NewPerson};
use crate::auth::{challenge, session};
use crate::config::SignupMode;
use crate::error::{PageError, PageResult};
use crate::extract::{Client, Fields, FormErrors, Visitor};
use crate::state::AppState;
use crate::throttle;
use crate::view::{Shell, render, render_with, see_other};

#[derive(Template)]
#[template(path = "auth/signup.html")]
struct SignupPage<'a> {
    shell: Shell,
    errors: FormErrors,
    open: bool,
    invite: bool,
    support: &'a str,
    email: &'a str,
    url: &'a str,
    timezone: &'a str,
}

/// The address carried from the landing page.
#[derive(Debug, Default, Deserialize)]
pub struct Carried {
    /// What is to be looked at.
    #[serde(default)]
    pub url: String,
}

fn page<'a>(
    state: &'a AppState,
    visitor: &Visitor,
    errors: FormErrors,
    fields: [&'a str; 3],
) -> SignupPage<'a> {
    let [email, url, timezone] = fields;
    let mode = state.config.signup;
    SignupPage {
        shell: visitor
            .shell("Sign up")
            .description("Watch your sites: ten monitors, one-minute looks, free."),
        errors,
        open: mode == SignupMode::Open,
        invite: mode == SignupMode::Invite,
        support: &state.config.support_email,
        email,
        url,
        timezone,
    }
}

/// The form.
pub async fn show(
    visitor: Visitor,
    State(state): State<AppState>,
    Query(carried): Query<Carried>,
) -> PageResult {
    render(&page(
        &state,
        &visitor,
        FormErrors::new(),
        ["", carried.url.trim(), ""],
    ))
}

/// Makes the person and the account.
pub async fn submit(
    visitor: Visitor,
    State(state): State<AppState>,
    client: Client,
    fields: Fields,
) -> PageResult {
    if state.config.signup != SignupMode::Open {
        return render_with(
            StatusCode::FORBIDDEN,
            &page(&state, &visitor, FormErrors::new(), ["", "", ""]),
        );
    }
    let mut errors = fields.errors();
    let (email, plain) = (
        EmailAddress::parse(fields.text("email")),
        fields.raw("password"),
    );
    if email.is_err() {
        errors.add(
            "email",
            "Email: this is not an address. It looks like name@shop.example.",
        );
    }
    if let Err(error) = password::check(plain, fields.text("email")) {
        errors.add("password", format!("Password: it {error}."));
    }
    let (Ok(email), true) = (email, errors.is_empty()) else {
        let typed = [
            fields.text("email"),
            fields.text("url"),
            fields.text("timezone"),
        ];
        return render_with(
            StatusCode::UNPROCESSABLE_ENTITY,
            &page(&state, &visitor, errors, typed),
        );
    };
    throttle::take(&state, throttle::SIGNUP_NETWORK, &client.ip.network()).await?;
    let sign_up = SignUp {
        state: &state,
        client: &client,
        previous: visitor.signed_in.as_ref(),
        email: &email,
    };
    let cookie = in_same_time(sign_up.run(plain, fields.text("timezone"))).await?;
    let next = see_other(&verify::path(fields.text("url")))?;
    Ok(session::with_cookie(next, cookie))
}

struct SignUp<'a> {
    state: &'a AppState,
    client: &'a Client,
    previous: Option<&'a SignedIn>,
    email: &'a EmailAddress,
}

impl SignUp<'_> {
    /// Gives the cookie of the new session. Whoever names an address that is taken gets an account
    /// like any other that is not confirmed; the one who has the address gets a mail.
    async fn run(&self, plain: &str, timezone: &str) -> PageResult<Option<http::HeaderValue>> {
        let password_hash = self.state.hasher.hash(plain).await?;
        let new = NewPerson {
            email: self.email,
            password_hash: &password_hash,
            timezone,
            plan: Plan::Free,
            verified: false,
        };
        let mut transaction = store::begin(&self.state.pool).await?;
        let created = accounts::create(&mut transaction, &new, self.state.now())
            .await
            .map_err(PageError::internal)?;
        // Where too many mails went to the address already, the page of the code sends one later.
        challenge::ask_for_proof(&mut transaction, self.state, created.user_id, self.email).await?;
        session::end_previous(&mut transaction, self.state, self.previous).await?;
        let cookie =
            session::begin(&mut transaction, self.state, created.user_id, self.client).await?;
        transaction.commit().await?;
        Ok(cookie)
    }
}

//! `/signup`. A known address gets the same answer in the same time; only its mail differs.

use askama::Template;
use axum::extract::{Query, State};
use domain::account::{EmailAddress, Plan, password};
use domain::delivery::AccountMessage;
use http::StatusCode;
use serde::Deserialize;
use store::challenges::Purpose;
use store::sessions::SignedIn;

use super::{in_same_time, verify};
use crate::accounts::{self, CreateError, NewPerson};
use crate::auth::challenge::{self, Ask};
use crate::auth::{cookie, mail, session};
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

/// Makes the person and the account, or mails whoever has the address.
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
    let next = session::with_cookie(next, cookie);
    Ok(session::with_cookie(
        next,
        verify::pending_cookie(&state, email.as_str()),
    ))
}

struct SignUp<'a> {
    state: &'a AppState,
    client: &'a Client,
    previous: Option<&'a SignedIn>,
    email: &'a EmailAddress,
}

impl SignUp<'_> {
    /// Gives the cookie of a new session, or of none, which looks the same.
    async fn run(&self, plain: &str, timezone: &str) -> PageResult<Option<http::HeaderValue>> {
        let password_hash = self.state.hasher.hash(plain).await?;
        let new = NewPerson {
            email: self.email,
            password_hash: &password_hash,
            timezone,
            plan: Plan::Free,
            verified: false,
        };
        let now = self.state.now();
        let mut transaction = self.state.pool.begin().await?;
        let created = match accounts::create(&mut transaction, &new, now).await {
            Ok(created) => created,
            Err(CreateError::Taken) => {
                transaction.rollback().await?;
                self.tell_owner().await?;
                return Ok(cookie::session(
                    &store::secrets::random_token(),
                    &self.state.config,
                ));
            }
            Err(CreateError::Store(error)) => return Err(error.into()),
        };
        let ask = Ask {
            user_id: created.user_id,
            purpose: Purpose::VerifyEmail,
            send_to: self.email.as_str(),
            address: self.email.as_str(),
        };
        challenge::send(&mut transaction, self.state, ask).await?;
        session::end_previous(&mut transaction, self.state, self.previous).await?;
        let cookie =
            session::begin(&mut transaction, self.state, created.user_id, self.client).await?;
        transaction.commit().await?;
        Ok(cookie)
    }

    /// The owner of the address learns of it; a flood of such mails does not happen.
    async fn tell_owner(&self) -> Result<(), PageError> {
        match throttle::take(self.state, throttle::MAIL_ADDRESS, &self.email.canonical()).await {
            Err(PageError::TooManyRequests { .. }) => return Ok(()),
            other => other?,
        }
        let mut transaction = self.state.pool.begin().await?;
        let Some(known) = store::users::find_credentials(&mut transaction, self.email).await?
        else {
            return Ok(());
        };
        let link = |path| self.state.config.link(path);
        let message = AccountMessage::AlreadySignedUp {
            sign_in: link("/login"),
            reset: link("/forgot"),
        };
        mail::send(
            &mut transaction,
            self.state,
            Some(known.id),
            &known.email,
            message,
            None,
        )
        .await?;
        transaction.commit().await?;
        Ok(())
    }
}

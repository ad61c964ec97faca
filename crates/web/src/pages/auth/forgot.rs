//! `/forgot`: the same answer in the same time, whether or not somebody has the address.

use askama::Template;
use axum::extract::State;
use domain::account::EmailAddress;
use http::StatusCode;
use store::challenges::Purpose;

use super::{in_same_time, reset};
use crate::auth::challenge::{self, Ask};
use crate::error::{PageError, PageResult};
use crate::extract::{Client, Fields, FormErrors, Visitor};
use crate::state::AppState;
use crate::throttle;
use crate::view::{Shell, render, render_with};

#[derive(Template)]
#[template(path = "auth/forgot.html")]
struct ForgotPage<'a> {
    shell: Shell,
    errors: FormErrors,
    email: &'a str,
}

/// The form.
pub async fn show(visitor: Visitor) -> PageResult {
    render(&ForgotPage {
        shell: visitor.shell("Forgot the password"),
        errors: FormErrors::new(),
        email: "",
    })
}

/// Mails a code and a link, if somebody has the address.
pub async fn submit(
    visitor: Visitor,
    State(state): State<AppState>,
    client: Client,
    fields: Fields,
) -> PageResult {
    let Ok(email) = EmailAddress::parse(fields.text("email")) else {
        let errors = FormErrors::one(
            "email",
            "Email: this is not an address. It looks like name@shop.example.",
        );
        let page = ForgotPage {
            shell: visitor.shell("Forgot the password"),
            errors,
            email: fields.text("email"),
        };
        return render_with(StatusCode::UNPROCESSABLE_ENTITY, &page);
    };
    throttle::take(&state, throttle::MAIL_NETWORK, &client.ip.network()).await?;
    throttle::take(&state, throttle::MAIL_ADDRESS, &email.canonical()).await?;
    in_same_time(send(&state, &email)).await?;
    reset::ask(&state, &visitor, email.as_str())
}

async fn send(state: &AppState, email: &EmailAddress) -> Result<(), PageError> {
    let mut transaction = store::begin(&state.pool).await?;
    let Some(known) = store::users::find_credentials(&mut transaction, email).await? else {
        return Ok(());
    };
    if challenge::resend_in(&mut transaction, state, known.id, Purpose::ResetPassword)
        .await?
        .is_some()
    {
        return Ok(());
    }
    let ask = Ask {
        user_id: known.id,
        purpose: Purpose::ResetPassword,
        send_to: &known.email,
        address: &known.email,
    };
    challenge::send(&mut transaction, state, ask).await?;
    transaction.commit().await?;
    Ok(())
}

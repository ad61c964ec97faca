//! `/change-email/{token}`: one side of a change of address agrees, on any device.

use askama::Template;
use axum::extract::{Path, State};
use http::StatusCode;
use store::challenges::{Challenge, Purpose};

use crate::auth::challenge;
use crate::error::PageResult;
use crate::extract::Visitor;
use crate::state::AppState;
use crate::usecases::change_email::{Answered, SIDES, complete};
use crate::view::{Shell, render, render_with};

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

/// The page with the button; opening it changes nothing.
pub async fn link(
    visitor: Visitor,
    State(state): State<AppState>,
    Path(token): Path<String>,
) -> PageResult {
    let mut connection = state.pool.acquire().await?;
    let Some(challenge) = challenge::find(&mut connection, &state, &token, &SIDES).await? else {
        return run_out(&visitor);
    };
    let text = match challenge.purpose {
        Purpose::ChangeEmailOld => format!(
            "You agree that your account is used with {} from now on.",
            challenge.address
        ),
        _ => format!(
            "You confirm that {} is yours and that your account is used with it.",
            challenge.address
        ),
    };
    render(&ButtonPage {
        shell: visitor.shell("Change of address"),
        heading: "Change of address",
        text,
        action: format!("/change-email/{token}"),
        link: "",
        button: "Agree",
    })
}

/// The button.
pub async fn press(
    visitor: Visitor,
    State(state): State<AppState>,
    Path(token): Path<String>,
) -> PageResult {
    let mut transaction = store::begin(&state.pool).await?;
    let Some(challenge) = challenge::find(&mut transaction, &state, &token, &SIDES).await? else {
        return run_out(&visitor);
    };
    if !store::challenges::consume(&mut transaction, challenge.id, state.now()).await? {
        return run_out(&visitor);
    }
    let keep = visitor
        .signed_in
        .as_ref()
        .filter(|s| s.user.id == challenge.user_id)
        .map(|s| s.session_id);
    let answered = complete(&mut transaction, &state, &challenge, keep).await?;
    if answered == Answered::Taken {
        transaction.rollback().await?;
        return run_out(&visitor);
    }
    transaction.commit().await?;
    render(&said(&visitor, answered, &challenge))
}

fn said<'a>(visitor: &Visitor, answered: Answered, challenge: &Challenge) -> ButtonPage<'a> {
    let (heading, text) = match answered {
        Answered::Changed => (
            "Changed",
            format!(
                "Your account is used with {} from now on. Other sessions have ended.",
                challenge.address
            ),
        ),
        _ => {
            let other = if challenge.purpose == Purpose::ChangeEmailOld {
                "new"
            } else {
                "old"
            };
            (
                "Half of it is done",
                format!(
                    "Now confirm the mail at your {other} address too. Until then nothing changes."
                ),
            )
        }
    };
    ButtonPage {
        shell: visitor.shell(heading),
        heading,
        text,
        action: String::new(),
        link: "/settings/security",
        button: "Go to settings",
    }
}

fn run_out(visitor: &Visitor) -> PageResult {
    let page = ButtonPage {
        shell: visitor.shell("Link has run out"),
        heading: "This link has run out",
        text: "It was used, replaced by a newer one, or is older than ten minutes.".to_owned(),
        action: String::new(),
        link: "/settings/security",
        button: "Start again",
    };
    render_with(StatusCode::GONE, &page)
}

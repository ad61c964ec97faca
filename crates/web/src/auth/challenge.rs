//! Codes and links that prove an address.

use domain::account::EmailAddress;
use domain::contact::code;
use domain::delivery::AccountMessage;
use domain::ids::{ChallengeId, UserId};
use jiff::{SignedDuration, Timestamp};
use sqlx::PgConnection;
use store::challenges::{Challenge, NewChallenge, Purpose, Try};
use store::unconfirmed;

use crate::auth::mail;
use crate::error::PageError;
use crate::state::AppState;
use crate::throttle;

/// Whom a challenge goes to, and what it proves.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// Who answers it.
    pub user_id: UserId,
    /// Why.
    pub purpose: Purpose,
    /// Where the mail goes.
    pub send_to: &'a str,
    /// The address that is proven by it; of both sides of a change it is the new one.
    pub address: &'a str,
}

/// Makes a code and a link, and mails them.
pub async fn send(
    connection: &mut PgConnection,
    state: &AppState,
    ask: Ask<'_>,
) -> Result<(), PageError> {
    let (message, expires_at) = make(connection, state, ask).await?;
    mail::send(
        connection,
        state,
        Some(ask.user_id),
        ask.send_to,
        message,
        Some(expires_at),
    )
    .await
}

/// Asks a person to prove the address they named. If somebody else has proven it, that one is told
/// instead; the code then exists as well, so that all else goes on alike, but nobody learns it. The
/// seconds until a mail may go to the address again, when there were too many and none was sent.
pub async fn ask_for_proof(
    connection: &mut PgConnection,
    state: &AppState,
    user: UserId,
    email: &EmailAddress,
) -> Result<Option<u64>, PageError> {
    let ask = Ask {
        user_id: user,
        purpose: Purpose::VerifyEmail,
        send_to: email.as_str(),
        address: email.as_str(),
    };
    let (message, expires_at) = make(connection, state, ask).await?;
    let (limit, key) = (throttle::MAIL_ADDRESS, email.canonical());
    let over = throttle::take_within(connection, state, limit, &key, state.now()).await?;
    if over.is_some() {
        return Ok(over);
    }
    let over = claim(connection, state, email).await?;
    if over.is_some() {
        return Ok(over);
    }
    let owner = store::users::find_proven(connection, email).await?;
    let (reader, to, message, ends) = match &owner {
        Some(owner) => (owner.id, &*owner.email, already_signed_up(state), None),
        None => (user, email.as_str(), message, Some(expires_at)),
    };
    mail::send(connection, state, Some(reader), to, message, ends).await?;
    Ok(None)
}

/// Counts a mail by which somebody claims an address as their own. It goes even where the address got
/// its mail of the day, since whoever signs up and asks again must not wait for a day; but to an address
/// whose owner wants none only one a day goes. The seconds to wait when none may go.
pub async fn claim(
    connection: &mut PgConnection,
    state: &AppState,
    email: &EmailAddress,
) -> Result<Option<u64>, PageError> {
    let now = state.now();
    let (limit, key) = (throttle::CLAIM_ADDRESS, email.canonical());
    let over = throttle::take_within(connection, state, limit, &key, now).await?;
    if over.is_some() {
        return Ok(over);
    }
    if !unconfirmed::is_blocked(connection, &state.secrets, email).await? {
        unconfirmed::note(connection, &state.secrets, email, now).await?;
        return Ok(None);
    }
    let next = unconfirmed::take(connection, &state.secrets, email, now).await?;
    Ok(next.map(|next| seconds_until(next, now)))
}

/// Whole seconds until then, at least one.
pub fn seconds_until(then: Timestamp, now: Timestamp) -> u64 {
    let left = then.duration_since(now).as_millis();
    u64::try_from((left + 999).div_euclid(1_000))
        .unwrap_or(1)
        .max(1)
}

/// What the owner of an address reads when somebody names it as their own.
pub fn already_signed_up(state: &AppState) -> AccountMessage {
    let link = |path| state.config.link(path);
    AccountMessage::AlreadySignedUp {
        sign_in: link("/login"),
        reset: link("/forgot"),
    }
}

/// Makes a code and a link; the mail with them, and when they run out.
async fn make(
    connection: &mut PgConnection,
    state: &AppState,
    ask: Ask<'_>,
) -> Result<(AccountMessage, Timestamp), PageError> {
    let now = state.now();
    let code = code::from_random(store::secrets::random_u32());
    let token = store::secrets::random_token();
    let expires_at =
        now + SignedDuration::try_from(code::VALID_FOR).map_err(PageError::internal)?;
    let new = NewChallenge {
        id: ChallengeId::generate(),
        purpose: ask.purpose,
        user_id: ask.user_id,
        address: ask.address,
        code_hash: &code_hash(state, ask.user_id, ask.purpose, &code),
        token_hash: &store::secrets::token_hash(&token),
        expires_at,
    };
    store::challenges::insert(connection, &new, now).await?;
    let link = |path: &str| state.config.link(&format!("{path}/{token}"));
    let message = match ask.purpose {
        Purpose::VerifyEmail => AccountMessage::VerifyEmail {
            code,
            link: link("/verify"),
        },
        Purpose::ResetPassword => AccountMessage::ResetPassword {
            code,
            link: link("/reset"),
        },
        Purpose::ChangeEmailOld => AccountMessage::ChangeEmailOld {
            code,
            link: link("/change-email"),
            new_address: ask.address.to_owned(),
        },
        Purpose::ChangeEmailNew => AccountMessage::ChangeEmailNew {
            code,
            link: link("/change-email"),
        },
    };
    Ok((message, expires_at))
}

/// Tries what was typed. A text that is no code at all counts as no try.
pub async fn try_code(
    connection: &mut PgConnection,
    state: &AppState,
    user: UserId,
    purpose: Purpose,
    typed: &str,
) -> Result<Option<Challenge>, PageError> {
    let Some(code) = code::typed(typed) else {
        return Ok(None);
    };
    let hash = code_hash(state, user, purpose, &code);
    let (outcome, challenge) =
        store::challenges::try_code(connection, user, purpose, &hash, state.now()).await?;
    Ok(challenge.filter(|_| outcome == Try::Right))
}

/// The open challenge of a link, if it is for that purpose.
pub async fn find(
    connection: &mut PgConnection,
    state: &AppState,
    token: &str,
    purposes: &[Purpose],
) -> Result<Option<Challenge>, PageError> {
    let found =
        store::challenges::find_open(connection, &store::secrets::token_hash(token), state.now())
            .await?;
    Ok(found.filter(|challenge| purposes.contains(&challenge.purpose)))
}

/// Seconds until another mail of that purpose may be sent.
pub async fn resend_in(
    connection: &mut PgConnection,
    state: &AppState,
    user: UserId,
    purpose: Purpose,
) -> Result<Option<u64>, PageError> {
    let last = store::challenges::find_last_sent(connection, user, purpose).await?;
    Ok(code::resend_in(last, state.now()))
}

/// Six digits are guessed in no time from a plain hash, so the key of the installation goes in.
fn code_hash(state: &AppState, user: UserId, purpose: Purpose, code: &str) -> Vec<u8> {
    state
        .secrets
        .keyed_hash("challenge", &format!("{user}:{}:{code}", purpose.as_str()))
}

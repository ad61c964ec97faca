//! `watchbell admin …`: what the operator does to accounts and keys.

use anyhow::{Context, bail};
use domain::account::api_key::Scope;
use domain::account::{EmailAddress, Plan};
use domain::clock::{Clock, SystemClock};
use domain::ids::{AccountId, UserId};
use domain::incident::Actor;
use jiff::Timestamp;
use serde_json::json;
use sqlx::PgConnection;
use store::Secrets;
use store::feedback::Counted;
use web::accounts::Created;
use web::usecases::Caller;
use web::usecases::api_keys::{self, NewApiKey};

use crate::cli::{AdminCommand, CreateAccount};
use crate::config::Settings;
use crate::database::{Database, Opener, WrongUsage};

/// Runs one of them.
pub async fn run(settings: &Settings, command: AdminCommand) -> anyhow::Result<()> {
    let database = Database::open(settings, Opener::Command).await?;
    let outcome = dispatch(&database, command, SystemClock.now()).await;
    database.close().await;
    super::answer(&outcome?);
    Ok(())
}

async fn dispatch(
    database: &Database,
    command: AdminCommand,
    now: Timestamp,
) -> anyhow::Result<String> {
    if database.pending().await? > 0 {
        database.migrate().await?;
    }
    let mut tx = store::begin(&database.pool).await?;
    let answer = match command {
        AdminCommand::CreateAccount(args) => create_account(&mut tx, &args, now).await?,
        AdminCommand::SetPlan { email, plan } => {
            set_plan(&mut tx, &database.secrets, (&email, &plan), now).await?
        }
        AdminCommand::GrantCredits { email, amount } => {
            grant_credits(&mut tx, &email, &amount, now).await?
        }
        AdminCommand::DiagnosisFeedback { json } => diagnosis_feedback(&mut tx, json).await?,
        AdminCommand::RotateSecrets => rotate_secrets(&mut tx, &database.secrets).await?,
    };
    tx.commit().await?;
    Ok(answer)
}

async fn create_account(
    connection: &mut PgConnection,
    args: &CreateAccount,
    now: Timestamp,
) -> anyhow::Result<String> {
    let email = EmailAddress::parse(&args.email)
        .map_err(|_| WrongUsage(format!("--email {} is not an address", args.email)))?;
    let plan = parse_plan(&args.plan)?;
    let (password, made_up) = match &args.password {
        Some(password) => (password.clone(), false),
        None => (store::secrets::random_token(), true),
    };
    domain::account::password::check(&password, email.as_str())
        .map_err(|error| WrongUsage(format!("--password {error}")))?;
    let hash = web::auth::password::Hasher::new()
        .hash(&password)
        .await
        .context("hashing the password")?;
    let person = web::accounts::NewPerson {
        email: &email,
        password_hash: &hash,
        timezone: "UTC",
        plan,
        verified: args.verified,
    };
    if store::users::find_credentials(connection, &email)
        .await?
        .is_some()
    {
        return Err(web::accounts::CreateError::Taken.into());
    }
    let created = web::accounts::create(connection, &person, now).await?;
    let api_key = if args.api_key {
        Some(api_key(connection, created, now).await?)
    } else {
        None
    };
    if args.json {
        let mut answer = json!({
            "account_id": created.account_id, "user_id": created.user_id, "email": email, "api_key": api_key,
        });
        if made_up {
            answer["password"] = password.into();
        }
        return Ok(answer.to_string());
    }
    let mut lines = vec![format!(
        "Account {} for {email}, plan {}.",
        created.account_id,
        plan.as_str()
    )];
    lines.extend(made_up.then(|| format!("Password: {password}")));
    lines.extend(api_key.map(|key| format!("API key (shown once): {key}")));
    Ok(lines.join("\n"))
}

/// A write key without expiry.
async fn api_key(
    connection: &mut PgConnection,
    created: Created,
    now: Timestamp,
) -> anyhow::Result<String> {
    let caller = Caller {
        account_id: created.account_id,
        actor: Actor::system(),
        user_id: Some(created.user_id),
        email: None,
        network: "operator".to_owned(),
        now,
    };
    let new = NewApiKey {
        name: "Made by the operator".to_owned(),
        scope: Scope::Write,
        expires_at: None,
    };
    let (_, secret) = api_keys::create(connection, &caller, new).await?;
    Ok(secret)
}

fn parse_plan(word: &str) -> Result<Plan, WrongUsage> {
    Plan::parse(word).ok_or_else(|| {
        WrongUsage(format!(
            "--plan {word} is none of free, solo, team, enterprise"
        ))
    })
}

async fn owner(connection: &mut PgConnection, email: &str) -> anyhow::Result<(UserId, AccountId)> {
    let address = EmailAddress::parse(email)
        .map_err(|_| WrongUsage(format!("--email {email} is not an address")))?;
    let found = store::accounts::find_owned_by_email(connection, &address).await?;
    found.with_context(|| format!("nobody here has the address {email}"))
}

async fn set_plan(
    connection: &mut PgConnection,
    secrets: &Secrets,
    (email, plan): (&str, &str),
    now: Timestamp,
) -> anyhow::Result<String> {
    let plan = parse_plan(plan)?;
    let (_, account) = owner(connection, email).await?;
    let change = incidents::set_plan(connection, secrets, account, plan, now).await?;
    let mut answer = format!("{email} has the plan {} now.", plan.as_str());
    if !change.paused.is_empty() {
        answer.push_str(&format!(
            " Paused, being more than it allows: {}.",
            change.paused.len()
        ));
    }
    if !change.slowed.is_empty() {
        answer.push_str(&format!(" Looked at less often: {}.", change.slowed.len()));
    }
    Ok(answer)
}

async fn grant_credits(
    connection: &mut PgConnection,
    email: &str,
    amount: &str,
    now: Timestamp,
) -> anyhow::Result<String> {
    let micros = micros(amount)?;
    let (_, account) = owner(connection, email).await?;
    store::wallets::grant(connection, account, micros, "credit from the operator", now).await?;
    let balance = store::wallets::find_balance(connection, account).await?;
    Ok(format!(
        "{email} has {}.{:02} USD now.",
        balance / 1_000_000,
        balance % 1_000_000 / 10_000
    ))
}

/// `10`, `10.5`, `10.00` in millionths.
fn micros(amount: &str) -> Result<i64, WrongUsage> {
    let wrong = || WrongUsage(format!("--amount {amount} is no amount such as 10.00"));
    let (whole, part) = amount.split_once('.').unwrap_or((amount, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(part) || part.len() > 6 || whole.len() > 7 {
        return Err(wrong());
    }
    let part = format!("{part:0<6}");
    let micros = whole.parse::<i64>().map_err(|_| wrong())? * 1_000_000
        + part.parse::<i64>().map_err(|_| wrong())?;
    if micros > 0 { Ok(micros) } else { Err(wrong()) }
}

async fn diagnosis_feedback(connection: &mut PgConnection, json: bool) -> anyhow::Result<String> {
    let counted = store::feedback::count_by_rule(connection).await?;
    Ok(match json {
        true => feedback_json(&counted).to_string(),
        false => feedback_table(&counted),
    })
}

fn feedback_json(counted: &[Counted]) -> serde_json::Value {
    let line = |one: &Counted| json!({ "rule": one.rule, "right": one.right, "wrong": one.wrong });
    counted.iter().map(line).collect()
}

fn feedback_table(counted: &[Counted]) -> String {
    if counted.is_empty() {
        return "Nobody has said yet whether a cause was right.".to_owned();
    }
    let rules = counted.iter().map(|one| one.rule.chars().count());
    let width = rules.max().unwrap_or(0).max("rule".len());
    let head = format!("{:width$}  {:>6}  {:>6}", "rule", "right", "wrong");
    let lines = counted
        .iter()
        .map(|one| format!("{:width$}  {:>6}  {:>6}", one.rule, one.right, one.wrong));
    let all: Vec<String> = [head].into_iter().chain(lines).collect();
    all.join("\n")
}

async fn rotate_secrets(
    connection: &mut PgConnection,
    secrets: &Secrets,
) -> anyhow::Result<String> {
    let resealed = store::admin::rotate_secrets(connection, secrets).await?;
    if resealed.failed > 0 {
        bail!(
            "{} values do not open with the keys in WATCHBELL_SECRET_KEY; nothing was changed",
            resealed.failed
        );
    }
    Ok(format!(
        "{} secrets were sealed anew with the first key.",
        resealed.sealed
    ))
}

#[cfg(test)]
mod tests {
    use super::{Counted, feedback_json, feedback_table, micros};

    #[test]
    fn rules_are_counted_in_a_table() {
        let counted = [("gateway_at_once.nginx", 12, 3), ("one_address", 1, 0)];
        let counted = counted.map(|(rule, right, wrong)| Counted {
            rule: rule.to_owned(),
            right,
            wrong,
        });
        assert_eq!(
            feedback_table(&counted),
            "rule                    right   wrong\n\
             gateway_at_once.nginx      12       3\n\
             one_address                 1       0"
        );
        assert_eq!(
            feedback_json(&counted)[1],
            serde_json::json!({ "rule": "one_address", "right": 1, "wrong": 0 })
        );
        assert_eq!(
            feedback_table(&[]),
            "Nobody has said yet whether a cause was right."
        );
    }

    #[test]
    fn amounts() {
        assert_eq!(
            [
                micros("10").unwrap(),
                micros("10.5").unwrap(),
                micros("0.000001").unwrap()
            ],
            [10_000_000, 10_500_000, 1]
        );
        for bad in ["", "0", "-1", "1.", ".5", "1e3", "1.0000001", "99999999"] {
            assert!(micros(bad).is_err(), "{bad}");
        }
    }
}

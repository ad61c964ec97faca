//! An origin was asked: whether it is shown to be its owner's, and that it fails while a cache serves.

use domain::contact::{Channel, Contact};
use domain::delivery::Event;
use domain::delivery::payload::StatusNotice;
use domain::ids::{AccountId, MonitorId};
use domain::monitor::Settings;
use domain::origin::{self, Answer, Looked, Standing};
use jiff::Timestamp;
use serde_json::json;
use sqlx::{PgConnection, PgPool};
use store::origins;
use store::states::{self, Subject};

use crate::Result;
use crate::tell::{self, Message};

/// Keeps what came of asking for the proof of `origin`. Nothing where the monitor has another by now.
pub async fn record_proof(
    pool: &PgPool,
    (account, monitor): (AccountId, MonitorId),
    origin: &str,
    answer: &Answer,
    now: Timestamp,
) -> Result<Option<Standing>> {
    let mut transaction = store::begin(pool).await?;
    let stored = origins::lock(&mut transaction, account, monitor).await?;
    let Some(stored) = stored.filter(|stored| stored.origin == origin) else {
        return Ok(None);
    };
    let standing = origin::proven(&stored.standing, answer, now);
    origins::save(&mut transaction, (account, monitor), &standing).await?;
    store::changes::notify(&mut transaction, account, "monitor", monitor).await?;
    transaction.commit().await?;
    Ok(Some(standing))
}

/// Keeps what a look at `origin` came to, and tells its owner once and quietly where it fails for long
/// while what stands in front of it answers well. Says whether somebody was to be told.
pub async fn record_origin(
    pool: &PgPool,
    (account, monitor): (AccountId, MonitorId),
    origin: &str,
    looked: &Looked,
    now: Timestamp,
) -> Result<bool> {
    let mut transaction = store::begin(pool).await?;
    let connection = &mut *transaction;
    // The state first, as wherever a message is planned.
    let state = states::lock(connection, account, monitor).await?;
    let subject = states::find_subject(connection, account, monitor).await?;
    let stored = origins::lock(connection, account, monitor).await?;
    let stored = stored.filter(|stored| stored.origin == origin);
    let (Some(state), Some(subject), Some(stored)) = (state, subject, stored) else {
        return Ok(false);
    };
    let interval = Settings::of(&subject.spec).interval;
    // It may have gone down while it was looked at: then that is what is told.
    let is_served = subject.is_watched && state.state.observed.is_good();
    let looked = if is_served { looked } else { &Looked::Nothing };
    let (mut standing, is_news) = origin::looked(&stored.standing, looked, interval, now);
    let covered = store::maintenance::covering(connection, account, monitor, now).await?;
    let tell = is_news && covered.is_none();
    if tell {
        tell_of(
            connection,
            (account, monitor),
            (&subject, origin),
            &standing,
            now,
        )
        .await?;
        standing.told_at = Some(now);
    }
    origins::save(connection, (account, monitor), &standing).await?;
    if stored.standing.failing.min(1) != standing.failing.min(1) || tell {
        store::changes::notify(connection, account, "monitor", monitor).await?;
    }
    transaction.commit().await?;
    Ok(tell)
}

async fn tell_of(
    connection: &mut PgConnection,
    (account, monitor): (AccountId, MonitorId),
    (subject, origin): (&Subject, &str),
    standing: &Standing,
    now: Timestamp,
) -> Result<()> {
    let since = standing.failing_since.unwrap_or(now);
    let message = Message {
        account_id: account,
        event: Event::MonitorPartial,
        incident_id: None,
        monitor_id: Some(monitor),
        subject: format!("{monitor}:origin:{since}"),
        payload: json!(StatusNotice {
            since,
            regions: Vec::new(),
            failure: standing.failure.clone(),
            total_us: None,
            origin: Some(origin.to_owned()),
        }),
        wait_until: None,
        can_wait: false,
    };
    let quiet = |contact: &Contact| !matches!(contact.channel, Channel::Sms | Channel::Voice);
    tell::tell_recipients(connection, &message, &subject.spec, quiet, now).await?;
    Ok(())
}
